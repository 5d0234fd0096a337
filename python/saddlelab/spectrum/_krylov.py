"""Thick-restart Lanczos with full reorthogonalisation (Wu & Simon, SIMAX 22, 2000)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saddlelab.spectrum._operator import Floats, SymmetricOperator

#: A vector that a projection shortens to less than this is projected once more.
_TWICE = 0.7


@dataclass(frozen=True, slots=True)
class Ritz:
    """Eigenpairs of the projected matrix, in ascending order, with the norms of their residuals."""

    values: Floats
    vectors: Floats
    residuals: Floats

    @property
    def norm(self) -> float:
        """Largest |value|: a lower bound of ‖H‖."""
        return float(np.abs(self.values).max())


class KrylovBasis:
    """Orthonormal rows V and T = V H Vᵀ, one row larger with each product.

    Attributes
    ----------
    V : (capacity + 1, n) float64
        The first `size` rows have been multiplied with H, the next one is the direction of
        their residuals.
    T : (capacity + 1, capacity + 1) float64
        T[:size, :size] is the projection, T[:size, size] couples it to the next row.
    steps : int
        Dimension of the Krylov space of the last random start; None after a thick restart.
    complete : bool
        Whether V spans the whole space.
    """

    def __init__(
        self, operator: SymmetricOperator, capacity: int, rng: np.random.Generator
    ) -> None:
        self.operator, self.rng = operator, rng
        self.capacity = min(capacity, operator.n)
        self.V = np.empty((self.capacity + 1, operator.n))
        self.T = np.zeros((self.capacity + 1, self.capacity + 1))
        self.size = self._kept = 0
        self.steps: int | None = 0
        self._norm = 0.0
        self._dropped = 0.0
        self._start()

    @property
    def complete(self) -> bool:
        """Whether V spans the whole space."""
        return self.size == self.operator.n

    def step(self) -> None:
        """Multiply the next row; there must be room."""
        j, V, T = self.size, self.V, self.T
        w = self.operator.apply(V[j : j + 1])[0]
        self._norm = max(self._norm, norm(w))
        # What the symmetry of H says of V w is known already.
        if j == self._kept:
            w -= T[:j, j] @ V[:j]
        else:
            w -= T[j - 1, j] * V[j - 1]
        alpha = float(V[j] @ w)
        w -= alpha * V[j]
        gap, length = project(w, V[: j + 1])
        self.operator.check_symmetry(norm(gap[:j]) - self._dropped, self._norm)
        T[: j + 1, j] += gap
        T[j, j] += alpha
        T[j, : j + 1] = T[: j + 1, j]
        self.size += 1
        self.steps = None if self.steps is None else self.steps + 1
        self._extend(w, length)

    def ritz(self) -> Ritz:
        """Return the Ritz pairs; a residual is |T[:size, size] · s| for the vector s."""
        m = self.size
        values, vectors = np.linalg.eigh(self.T[:m, :m])
        return Ritz(values, vectors, np.abs(self.T[:m, m] @ vectors))

    def rows(self, ritz: Ritz, chosen: NDArray[np.intp]) -> Floats:
        """Return the chosen Ritz vectors, as rows of length n."""
        return np.asarray(ritz.vectors[:, chosen].T @ self.V[: self.size])

    def restart(self, ritz: Ritz, kept: NDArray[np.intp]) -> None:
        """Go on with the chosen Ritz vectors and their common residual."""
        m, count = self.size, len(kept)
        coupling = self.T[:m, m] @ ritz.vectors[:, kept]
        self.V[:count] = self.rows(ritz, kept)
        self.V[count] = self.V[m]
        self.T[:] = 0.0
        self.T[range(count), range(count)] = ritz.values[kept]
        self.T[:count, count] = self.T[count, :count] = coupling
        self.size = self._kept = count
        self.steps = None

    def start_anew(self, ritz: Ritz, kept: NDArray[np.intp]) -> None:
        """Go on with the chosen Ritz vectors, which have converged, and a random vector.

        Only a random vector has a component along a second eigenvector of an eigenvalue that the
        first start, in exact arithmetic, shows once.
        """
        self.restart(ritz, kept)
        count = self.size
        # These residuals are left behind: V H is no longer symmetric to rounding, but to them.
        self._dropped += norm(self.T[:count, count])
        self.T[:count, count] = self.T[count, :count] = 0.0
        self._start()

    def _extend(self, w: Floats, length: float) -> None:
        """Make the residual w the next row, or a random vector if it is nothing but rounding."""
        j = self.size
        eps = self.operator.eps
        if length > math.sqrt(self.operator.n) * eps * self._norm:
            self.V[j] = w / length
            self.T[j - 1, j] = self.T[j, j - 1] = length
        elif not self.complete:  # V spans an invariant subspace, which says nothing of the rest
            self._start()

    def _start(self) -> None:
        """Make the next row a random direction orthogonal to the others."""
        j = self.size
        row = self.rng.standard_normal(self.operator.n)
        length = norm(row)
        for _ in range(2):
            row /= length
            length = project(row, self.V[:j])[1]
        self.V[j] = row / length
        self.steps = 0


def project(w: Floats, V: Floats) -> tuple[Floats, float]:
    """Make w orthogonal to the rows of V, in place: the components taken away, and what is left.

    Once leaves w orthogonal unless it gets shorter; twice is enough (Giraud et al. 2005).
    """
    before = norm(w)
    h = V @ w
    w -= h @ V
    after = norm(w)
    if after < _TWICE * before:
        again = V @ w
        w -= again @ V
        h += again
        after = norm(w)
    return h, after


def norm(w: Any) -> float:
    """Return the 2-norm of a vector that cannot overflow."""
    return math.sqrt(float(np.dot(w, w)))


def random_start_failure(n: int, steps: int, epsilon: float) -> float:
    """Bound the probability that Lanczos misses the smallest eigenvalue by ε(λmax − λmin) or more.

    After `steps` products with a random start, uniform on the sphere: 1.648 √n e^{−√ε(2k − 1)}
    (Kuczyński & Woźniakowski, SIMAX 13, 1992, theorem 4.2; Lanczos does not see a shift of H, so
    their relative error of a definite matrix is one relative to the spread).
    """
    return min(1.0, 1.648 * math.sqrt(n) * math.exp(-math.sqrt(epsilon) * (2 * steps - 1)))
