"""The inertia of Hessians of which each entry has an error of its own."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from saddlelab.inertia import classify

__all__ = ["inertia_within", "scaled", "scaling"]

Floats: TypeAlias = NDArray[np.float64]

#: Rows of which nothing is known are made this much smaller than the others.
_SMALL = 2.0**-60
_LARGE = 2.0**480
_EPS = float(np.finfo(np.float64).eps)


def inertia_within(H: Floats, uncertain: Floats) -> tuple[Any, Any, Any, Any, Floats]:
    r"""Index, zeros, kind and certificate of all H′ with |H′ − H| ≤ uncertain, entry by entry.

    Also ‖E‖_F of the uncertain entries, infinite where one is not known.
    """
    # Squares of larger numbers overflow.
    size = np.maximum(np.abs(H), uncertain).max(axis=(1, 2))
    known: NDArray[np.bool_] = size < _LARGE
    E = np.where(known[:, None, None], uncertain, 0.0)
    H = np.where(np.abs(H) < _LARGE, H, np.copysign(_LARGE, H))
    d = scaling(np.abs(H) + E)
    # A row of which nothing is known must not blur the others: by Sylvester's law it may be as
    # small as we like.
    blurred = E.max(axis=2) >= np.abs(H).max(axis=2)
    index, zeros, kind, certified = _inertia(H, E, np.where(blurred, _SMALL * d, d))
    open_ = np.flatnonzero(~certified)
    if len(open_):
        # Errors grow with small rows.  Whatever can be said in one scaling is true in all.
        plain = _inertia(H[open_], E[open_], np.ones_like(d[open_]))
        more = plain[3] | (plain[1] < zeros[open_])
        for of_all, again in zip((index, zeros, kind, certified), plain, strict=True):
            of_all[open_[more]] = again[more]
    error = np.where(known, np.linalg.norm(E, axis=(1, 2)), np.inf)
    return index, zeros, np.where(known, kind, "undecided"), certified & known, error


def _inertia(H: Floats, E: Floats, d: Floats) -> Any:
    """Index, zeros, kind and certificate of DHD, of which DED is not known."""
    A, bound = scaled(H, d), np.linalg.norm(scaled(E, d), axis=(1, 2))
    # A zero matrix has no size to compare with, and is degenerate all the same.
    tol = np.maximum(bound, H.shape[1] * _EPS * np.linalg.norm(A, axis=(1, 2)) + 1e-290)
    found = classify(A, tol=tol, error=bound)
    open_ = np.flatnonzero(~found.certified)
    eigenvalues = np.linalg.eigvalsh(A[open_])
    beyond = tol[open_, None]
    index, zeros, kind = np.array(found.index), np.array(found.zeros), np.array(found.kind)
    index[open_] = np.sum(eigenvalues < -beyond, axis=1)
    zeros[open_] = np.sum(np.abs(eigenvalues) <= beyond, axis=1)
    kind[open_] = np.where(zeros[open_] > 0, "degenerate", "undecided")
    return index, zeros, kind, found.certified


def scaled(A: Floats, d: Floats) -> Floats:
    """DAD for the diagonal matrix D of d."""
    product: Floats = A * d[:, :, None] * d[:, None, :]
    return product


def scaling(size: Floats) -> Floats:
    """Powers of two, d, that bring the rows of a matrix of sizes, d·size·d, near 1."""
    d = np.ones(size.shape[:2])
    for _ in range(3):
        rows = scaled(size, d).max(axis=2)
        rows = np.where((rows > 0.0) & np.isfinite(rows), rows, 1.0)
        d *= np.exp2(np.clip(np.round(-np.log2(rows) / 2.0), -250, 250))
    return d
