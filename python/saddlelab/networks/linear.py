"""Linear networks with one hidden layer: all critical points, in closed form.

P. Baldi and K. Hornik, Neural networks and principal component analysis: learning from examples
without local minima, Neural Networks 2 (1989) 53–58.
"""

from __future__ import annotations

from itertools import combinations
from math import comb
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saddlelab.arguments import positive_integer
from saddlelab.networks.linear_result import LinearCriticalPoints

__all__ = ["linear_critical_points"]

Floats: TypeAlias = NDArray[np.float64]

_MOST = 2**31
#: Subsets, and numbers in the weights of all of them: 1 GB.
_MOST_POINTS, _MOST_NUMBERS = 10**6, 2**27


def linear_critical_points(
    X: ArrayLike, Y: ArrayLike, hidden: int, *, mean: bool = False
) -> LinearCriticalPoints:
    """Find all critical points of a linear network with one hidden layer.

    The loss is f(W₁, W₂) = ½ Σ ‖y − W₂W₁x‖², the sum over the samples.  With X and Y the samples in
    rows, λ₁ > λ₂ > … > λ_r > 0 and u₁, …, u_r are the eigenvalues and eigenvectors of
    Σ = YᵀX (XᵀX)⁻¹ XᵀY.  The critical points belong to subsets I of {1, …, r} with k ≤ p = `hidden`
    members:

        W₂W₁ = P_I YᵀX (XᵀX)⁻¹,     f = ½ (‖Y‖² − Σ_{i ∈ I} λ_i),

    P_I being the projection on u_i, i ∈ I: W₂ = [u_i, 0] C and W₁ = C⁻¹ [u_iᵀ YᵀX (XᵀX)⁻¹; 0] for
    any invertible C.  C does not change the Hessian's signs (Sylvester).  Of each subset one point
    is given, balanced (column i of W₂ is as long as row i of W₁), with p − k units that do nothing.

    The Hessian is a sum of parts.  A unit that does nothing feels δ₂ᵀ R δ₁ alone, where the
    residual R has rank r − k: as many curvatures of either sign.  Of the k others each pair i ∈ I,
    j ∉ I has a negative curvature if λ_j > λ_i.  Therefore

        index = (p − k)(r − k) + #{(i ∈ I, j ∉ I) : λ_j > λ_i},
        zeros = k² + k (n − rank X) + (p − k)(n + m − 2(r − k))

    for n inputs and m outputs: p² zeros, those of C, if k = p and X has full rank.  The only minima
    are global, of the largest eigenvalues.

    Parameters
    ----------
    X : (N, n) array_like
        One sample in each row.
    Y : (N, m) or (N,) array_like
    hidden : int
        Units of the hidden layer, p.
    mean : bool, optional
        Take the mean over the samples, not the sum: values are divided by N.

    Returns
    -------
    LinearCriticalPoints
        Lowest value first.

    Raises
    ------
    ValueError, TypeError
        If the shapes do not fit together or a number is not finite; if Σ is zero or two of its
        eigenvalues are equal to rounding, where critical points are more than these; if there are
        more than a million subsets or the weights need more than 1 GB.

    Notes
    -----
    Points at which units that do nothing for W₂W₁ have nonzero weights on one side, where W₁ or W₂
    has a rank above k, are critical too if the residual cannot feel them; their value is that
    of their subset, and they are connected with its point.

    Examples
    --------
    >>> import numpy as np
    >>> from saddlelab.networks.linear import linear_critical_points
    >>> found = linear_critical_points(np.eye(2), np.diag([2.0, 1.0]), hidden=1)
    >>> found.subsets, found.value.tolist(), found.index.tolist(), found.zeros.tolist()
    (((0,), (1,), ()), [0.5, 2.0, 2.5], [0, 1, 2], [1, 1, 0])
    """
    A, B = _samples(X, Y)
    p = positive_integer("hidden", hidden, at_most=_MOST)
    s, outputs, best, rank, beyond = _spectrum(A, B)
    subsets = _subsets(len(s), p, p * (A.shape[1] + B.shape[1]))
    W1, W2 = _weights(subsets, p, outputs, best)
    n, m, r = A.shape[1], B.shape[1], len(s)
    k = np.array([len(subset) for subset in subsets])
    inversions = np.array([_inversions(subset) for subset in subsets])
    scale = len(A) if mean else 1
    value = np.array([_value(beyond, s, subset) for subset in subsets]) / scale
    order = np.lexsort((k, value))
    fields: dict[str, Any] = {
        "value": value, "index": (p - k) * (r - k) + inversions,
        "zeros": k**2 + k * (n - rank) + (p - k) * (n + m - 2 * (r - k)), "W1": W1, "W2": W2,
    }  # fmt: skip
    return LinearCriticalPoints(
        subsets=tuple(subsets[i] for i in order.tolist()), eigenvalues=s**2 / scale,
        **{name: array[order] for name, array in fields.items()},
    )  # fmt: skip


def _samples(X: Any, Y: Any) -> tuple[Floats, Floats]:
    A, B = np.asarray(X, dtype=np.float64), np.asarray(Y, dtype=np.float64)
    B = B[:, None] if B.ndim == 1 else B
    if A.ndim != 2 or not A.size:
        raise ValueError(f"`X` must have shape (N, n), got {np.shape(X)}")
    if B.ndim != 2 or not B.size or len(B) != len(A):
        raise ValueError(f"`Y` must have shape ({len(A)}, m), as `X` has samples, "
                         f"got {np.shape(Y)}")  # fmt: skip
    for name, array in (("X", A), ("Y", B)):
        if not np.isfinite(array).all():
            row = int(np.argmin(np.isfinite(array).all(axis=1)))
            raise ValueError(f"`{name}` must be finite, but row {row} is {array[row].tolist()}")
    return A, B


def _spectrum(X: Floats, Y: Floats) -> tuple[Floats, Floats, Floats, int, float]:
    """√λ (r,), eigenvectors u (r, m), rows uᵀYᵀX(XᵀX)⁻¹ (r, n), rank of X, what X cannot reach.

    With X = U S Vᵀ, Σ = (UᵀY)ᵀ(UᵀY): no product of data is formed, which would square what
    rounding does.
    """
    U, S, Vt = np.linalg.svd(X, full_matrices=False)
    least = np.finfo(float).eps * max(X.shape) * S[0]
    rank = int(np.count_nonzero(least < S))
    if rank == 0:
        raise ValueError("`X` must not be zero")
    U = U[:, :rank]
    left, s, right = np.linalg.svd(U.T @ Y, full_matrices=False)
    beyond = float(np.sum((Y - U @ (U.T @ Y)) ** 2))
    # Backward error of a product and a singular value decomposition.
    error = np.finfo(float).eps * max(X.shape + Y.shape) * np.linalg.norm(Y)
    r = int(np.count_nonzero(s > error))
    if r == 0:
        raise ValueError("`Y` must be correlated with `X`, but YᵀX is zero to rounding")
    gaps = s[: r - 1] - s[1:r]
    if (gaps <= error).any():
        i = int(np.argmax(gaps <= error))
        raise ValueError(
            "the eigenvalues of Σ must be distinct (else there are more critical points than "
            f"subsets), but number {i} and {i + 1} are both {s[i] ** 2:.6g}"
        )
    rows = s[:r, None] * (left[:, :r].T / S[:rank]) @ Vt[:rank]
    return s[:r], right[:r], rows, rank, beyond


def _subsets(r: int, p: int, numbers: int) -> list[tuple[int, ...]]:
    """All that have at most p members."""
    count = sum(comb(r, k) for k in range(min(p, r) + 1))
    if count > _MOST_POINTS or count * numbers > _MOST_NUMBERS:
        raise ValueError(
            f"`hidden` = {p} and {r} eigenvalues make {count} critical points of {numbers} weights "
            f"each, at most {_MOST_POINTS} and {_MOST_NUMBERS} weights: project the data on "
            "principal components first"
        )
    return [subset for k in range(min(p, r) + 1) for subset in combinations(range(r), k)]


def _weights(
    subsets: list[tuple[int, ...]], p: int, outputs: Floats, best: Floats
) -> tuple[Floats, Floats]:
    """Balanced weights (points, p, n) and (points, m, p) of each subset."""
    W1 = np.zeros((len(subsets), p, best.shape[1]))
    W2 = np.zeros((len(subsets), outputs.shape[1], p))
    size = np.sqrt(np.linalg.norm(best, axis=1))[:, None]
    for number, subset in enumerate(subsets):
        members, k = list(subset), len(subset)
        W1[number, :k] = best[members] / size[members]
        W2[number, :, :k] = (outputs[members] * size[members]).T
    return W1, W2


def _inversions(subset: tuple[int, ...]) -> int:
    """Pairs i ∈ I, j ∉ I with λ_j > λ_i: the eigenvalues come in decreasing order."""
    return sum(i - place for place, i in enumerate(subset))


def _value(beyond: float, s: Floats, subset: tuple[int, ...]) -> float:
    left = np.delete(s, list(subset))
    return 0.5 * (beyond + float(np.sum(left**2)))
