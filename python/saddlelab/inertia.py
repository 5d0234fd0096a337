"""Classifying critical points by the inertia of their Hessians."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

import saddlecore
from saddlelab.arguments import worker_count
from saddlelab.threads import over_threads

__all__ = ["KINDS", "Classification", "classify"]

#: The kinds of critical point that `classify` tells apart.
KINDS = ("minimum", "saddle", "maximum", "degenerate", "undecided")

_MINIMUM, _SADDLE, _MAXIMUM, _DEGENERATE, _UNDECIDED = range(len(KINDS))
#: Matrices in one call of the kernel; its lists of them then stay in the processor's cache.
_MOST_AT_ONCE = 16_384
#: Work, in multiply-adds, that is worth another thread.
_WORTH_A_THREAD = 2_000_000

_Integers: TypeAlias = NDArray[np.int64] | np.int64
_Floats: TypeAlias = NDArray[np.float64] | np.float64
_Booleans: TypeAlias = NDArray[np.bool_] | np.bool_


@dataclass(frozen=True, slots=True)
class Classification:
    """What kind of critical point each Hessian belongs to; scalars for a single Hessian.

    Attributes
    ----------
    index : (m,) int
        Number of eigenvalues below zero (below ``-tol``).
    zeros : (m,) int
        Number of eigenvalues within ``tol`` of zero.
    positive : (m,) int
        Number of eigenvalues above ``tol``.
    certified : (m,) bool
        Whether `index` is proved: no rounding error of the computation, and no uncertainty of the
        Hessian within ``error``, can change it.
    tol : (m,) float
        The tolerance used.  The default one is in the units of the equilibrated Hessian.
    """

    index: _Integers
    zeros: _Integers
    positive: _Integers
    certified: _Booleans
    tol: _Floats

    @property
    def kind(self) -> NDArray[np.str_] | np.str_:
        """(m,) str: one of `KINDS` for each Hessian.

        "degenerate" if an eigenvalue lies within the tolerance; "undecided" if none does but the
        index cannot be certified; else by the index.
        """
        kinds = np.array(KINDS)[self._codes()]
        return kinds if isinstance(kinds, np.ndarray) else np.str_(kinds)

    def summary(self) -> str:
        """Count the Hessians of each kind, in a few lines of text.

        Examples
        --------
        >>> import numpy as np
        >>> from saddlelab import classify
        >>> print(classify(np.array([np.diag([1.0, -2.0]), np.eye(2)])).summary())
        2 Hessians of size 2, 2 certified
        minimum        1    50.0 %
        saddle         1    50.0 %
        """
        codes = np.atleast_1d(self._codes())
        counts = np.bincount(codes, minlength=len(KINDS))
        size = int(np.atleast_1d(self.index + self.zeros + self.positive)[0])
        noun = "Hessian" if len(codes) == 1 else "Hessians"
        head = f"{len(codes)} {noun} of size {size}, {np.count_nonzero(self.certified)} certified"
        width = len(str(len(codes)))
        rows = [
            f"{kind:10} {count:{width + 4}}   {100 * count / len(codes):5.1f} %"
            for kind, count in zip(KINDS, counts, strict=True)
            if count
        ]
        return "\n".join([head, *rows])

    def _codes(self) -> NDArray[np.intp] | np.intp:
        codes = np.where(self.index == 0, _MINIMUM, _SADDLE)
        codes = np.where((self.index > 0) & (self.positive == 0), _MAXIMUM, codes)
        codes = np.where(np.logical_not(self.certified), _UNDECIDED, codes)
        return np.where(np.asarray(self.zeros) > 0, _DEGENERATE, codes)[()]


def classify(
    hessians: ArrayLike,
    *,
    tol: ArrayLike | None = None,
    error: ArrayLike | None = None,
    workers: int | None = None,
) -> Classification:
    """Classify critical points by their Hessians, each with a certificate.

    Parameters
    ----------
    hessians : (n, n) or (m, n, n) array_like
        One symmetric matrix or a stack.  Nothing is symmetrised: only the rounding of a symmetric
        computation, |H_ij − H_ji| ≤ 32 n eps max|H|, is accepted, and the certificate covers it.
    tol : float or (m,) array_like, optional
        Eigenvalues within `tol` of zero count as zero, in the units of the Hessian.  By default
        n·eps·‖H'‖_F, for eigenvalues of the equilibrated H' = DHD, whose rows all have entries
        near 1.  (A tolerance relative to ‖H‖ alone would call the small eigenvalues of a badly
        scaled Hessian zero.)
    error : float or (m,) array_like, optional
        The Hessian's own uncertainty, as a bound of its 2-norm (0 by default).  A certified
        index is that of every Hessian this near.
    workers : int, optional
        Threads; all cores by default.

    Returns
    -------
    Classification

    Raises
    ------
    ValueError
        If a matrix is not symmetric or not finite (named by its number), the shape is wrong or
        empty, or `tol`, `error` or `workers` is out of range.
    TypeError
        If the entries are not real numbers.

    Notes
    -----
    By Sylvester's law of inertia the signs of the pivots of LDLᵀ are those of the eigenvalues.
    Each Hessian is factored twice, shifted up and down by a margin that exceeds the backward error
    of the factorisation; equal counts prove the index.  The rest is decided from LAPACK's
    eigenvalues, and what cannot be certified is called "undecided", never guessed.

    Examples
    --------
    >>> import numpy as np
    >>> from saddlelab import classify
    >>> saddle = classify([[2.0, 0.0], [0.0, -1.0]])
    >>> str(saddle.kind), int(saddle.index), bool(saddle.certified)
    ('saddle', 1, True)
    >>> classify(np.diag([1.0, -1e-3]), error=0.01).kind  # the Hessian is not known well enough
    np.str_('undecided')
    """
    stack = _stack(hessians)
    m, n = stack.shape[:2]
    tols = np.array([-1.0]) if tol is None else _per_matrix("tol", tol, m)
    errors = np.zeros(1) if error is None else _per_matrix("error", error, m)
    index, positive = np.empty(m, np.int64), np.empty(m, np.int64)
    zeros, status = np.zeros(m, np.int64), np.zeros(m, np.int64)
    certified, used = np.empty(m, np.bool_), np.empty(m)
    results: tuple[NDArray[Any], ...] = (index, zeros, positive, certified, used, status)
    threads = worker_count(workers)
    kernel = saddlecore.inertia.inertia_kernel(m, n)

    def run(part: slice) -> None:
        given = (each if len(each) == 1 else each[part] for each in (tols, errors))
        kernel(stack[part], *given, *(each[part] for each in results))

    over_threads(run, _parts(m, n, threads), threads)
    single = np.ndim(hessians) == 2
    if status.any():
        _refuse(stack, status, single=single)
    if single:
        return Classification(index[0], zeros[0], positive[0], certified[0], used[0])
    return Classification(index, zeros, positive, certified, used)


def _parts(m: int, n: int, threads: int) -> Iterator[slice]:
    """Runs of matrices for the threads, each a multiple of eight."""
    # The fixed part stands for what a tiny matrix costs besides its arithmetic.
    work = m * (n**3 // 3 + n**2 + 100)
    share = m if work < _WORTH_A_THREAD or threads == 1 else -(-m // (4 * threads))
    # Matrices that are factored one at a time need no groups of eight.
    group = 1 if n > 250 else 8
    size = min(_MOST_AT_ONCE, -(-share // group) * group)
    for first in range(0, m, size):
        yield slice(first, first + size)


def _stack(hessians: ArrayLike) -> NDArray[np.float64]:
    """`hessians` as a C-contiguous (m, n, n) stack of float64."""
    try:
        array = np.asarray(hessians)
    except ValueError:
        raise ValueError("`hessians` must be one (n, n) array or a stack (m, n, n), got rows of "
                         "different lengths") from None  # fmt: skip
    if array.dtype.kind not in "biuf":
        raise TypeError(f"`hessians` must be real numbers, got dtype {array.dtype}")
    if array.ndim not in (2, 3) or array.shape[-1] != array.shape[-2]:
        raise ValueError(
            f"`hessians` must be one (n, n) array or a stack (m, n, n), got shape {array.shape}"
        )
    if array.size == 0:
        raise ValueError(f"`hessians` must not be empty, got shape {array.shape}")
    stack = np.ascontiguousarray(array, dtype=np.float64).reshape(-1, *array.shape[-2:])
    return _Unlocked(stack).array() if not stack.flags.writeable else stack


class _Unlocked:
    """A view of a read-only array that claims to be writable.

    Numba compiles a kernel anew for read-only arrays; the kernel writes to neither.
    """

    def __init__(self, array: NDArray[np.float64]) -> None:
        interface = dict(array.__array_interface__)
        interface["data"] = (interface["data"][0], False)
        self.__array_interface__ = interface
        self._keep = array

    def array(self) -> NDArray[np.float64]:
        return np.asarray(self)


def _per_matrix(name: str, value: ArrayLike, m: int) -> NDArray[np.float64]:
    """A bound for all matrices, or one for each, as float64."""
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"`{name}` must be a real number or one for each matrix, got {value!r}")
    if array.shape not in ((), (m,)):
        raise ValueError(
            f"`{name}` must be a number or have shape ({m},), one for each matrix, "
            f"got shape {array.shape}"
        )
    bounds = np.ascontiguousarray(array.reshape(-1), dtype=np.float64)
    bad = ~((bounds >= 0.0) & np.isfinite(bounds))
    if bad.any():
        raise ValueError(
            f"`{name}` must be finite and not negative, got {float(bounds[bad][0])!r}"
        )
    return bounds if bounds.flags.writeable else bounds.copy()


def _refuse(stack: NDArray[np.float64], status: NDArray[np.int64], *, single: bool) -> None:
    """Raise the error of the first refused matrix."""
    number = int(np.flatnonzero(status)[0])
    matrix = stack[number]
    name = "the matrix" if single else f"matrix {number}"
    if status[number] == saddlecore.inertia.NOT_FINITE:
        i, j = map(int, np.argwhere(~np.isfinite(matrix))[0])
        raise ValueError(f"`hessians` must be finite, but {name} has H[{i}, {j}] = {matrix[i, j]}")
    gap: Any = np.abs(matrix - matrix.T)
    i, j = map(int, np.unravel_index(np.argmax(gap), gap.shape))
    raise ValueError(
        f"`hessians` must be symmetric to rounding, but {name} has H[{i}, {j}] = {matrix[i, j]!r} "
        f"and H[{j}, {i}] = {matrix[j, i]!r}; pass (H + H.T) / 2 if its symmetric part is meant"
    )
