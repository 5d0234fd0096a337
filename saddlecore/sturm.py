"""Sturm counts: how many eigenvalues of a symmetric tridiagonal matrix lie below a number.

The count is the number of negative terms of d_i = (a_i − x) − (b_{i−1} / d_{i−1}) b_{i−1}.  Every
operation is monotone in its argument and none is reordered or contracted, so the count is monotone
in x (Demmel, Dhillon & Ren, ETNA 3, 1995); it is exact for a matrix that differs by a few ulp in
each entry.  Zero and infinite terms are left to IEEE arithmetic, and the *sign bit* is counted:
d = −0 makes the next term +∞, and the pair has one negative.  Dividing before multiplying keeps b²
from over- and underflowing.
"""

import numpy as np

from saddlecore.jit import allocating, device, kernel
from saddlecore.laneops import (
    bits_of,
    select,
    splat,
    width,
    zeros,
)
from saddlecore.memory import (
    load,
    store,
)

__all__ = ["sturm_counts", "sturm_counts_scalar"]

_63 = np.uint64(63)


@device
def _gather(w, a, b, x, first, buffer):
    """Lay w matrices side by side: a − x in the first n elements, b (0 first) in the others."""
    m, n = a.shape
    for k in range(w):
        i = min(first + k, m - 1)
        largest = abs(x[i])
        for j in range(n):
            largest = max(largest, abs(a[i, j]))
        # Only a − x can overflow to ∞ and meet another ∞.
        by = 0.25 if largest > 2.0**1022 else 1.0
        for j in range(n):
            buffer[j * w + k] = a[i, j] * by - x[i] * by
            buffer[(n + j) * w + k] = b[i, j - 1] * by if j > 0 else 0.0


@allocating
def _counts(z, a, b, x, out):
    m, n = a.shape
    w = width(z)
    buffer = np.empty(2 * n * w)
    count = np.empty(w, np.uint64)
    for first in range(0, m, w):
        _gather(w, a, b, x, first, buffer)
        d = load(z, buffer, 0)
        negatives = bits_of(d) >> _63
        for j in range(1, n):
            c = load(z, buffer, (n + j) * w)
            # b = 0 splits the matrix, also where d is 0.
            d = load(z, buffer, j * w) - select(c == 0.0, splat(z, 0.0), c / d * c)
            negatives += bits_of(d) >> _63
        store(count, 0, negatives)
        for k in range(min(w, m - first)):
            out[first + k] = count[k]


@kernel
def sturm_counts(a, b, x, out):
    """Count the eigenvalues below x of tridiagonal matrices.

    Parameters
    ----------
    a : (m, n) float64
        Diagonals.
    b : (m, n − 1) float64
        Off-diagonals.
    x : (m,) float64
    out : (m,) int64, out
    """
    _counts(zeros(8), a, b, x, out)


@kernel
def sturm_counts_scalar(a, b, x, out):
    """`sturm_counts` from the same source, one matrix at a time."""
    _counts(zeros(1), a, b, x, out)
