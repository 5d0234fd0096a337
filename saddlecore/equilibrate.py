"""Measures of a symmetric matrix, and its equilibration by powers of two.

A → DAD with D diagonal and positive keeps the inertia, and keeps it exactly when D holds powers of
two.  It turns a graded matrix, whose small eigenvalues a norm-relative tolerance would call zero,
into one whose rows all have entries of the order of 1 (Ruiz, RAL-TR-2001-034; Knight, Ruiz & Uçar,
SIAM J. Matrix Anal. Appl. 35, 2014).  Matrices are flat, n × n elements: lanes or numbers.
"""

import numpy as np

from saddlecore.jit import device
from saddlecore.lanes import any_lane, bits_of, from_bits, load, select, splat, store, width

__all__ = ["equilibrate", "measure", "needs_equilibration", "scale"]

_52 = np.uint64(52)
_HIGHEST, _LOWEST = 2.0**500, 2.0**-500


@device
def measure(f, A, n):
    """(largest entry, smallest row maximum but 0, squared Frobenius norm, asymmetry, finite).

    Of the absolute values; asymmetry is the largest |a_ij − a_ji|, `finite` is 0 or NaN.
    """
    size = width(f)
    largest, smallest = splat(f, 0.0), splat(f, np.inf)
    squares, asymmetry, finite = splat(f, 0.0), splat(f, 0.0), splat(f, 0.0)
    for i in range(n):
        row = splat(f, 0.0)
        for j in range(i):
            x, y = load(f, A, (i * n + j) * size), load(f, A, (j * n + i) * size)
            row = max(row, abs(x))
            squares += x * x + y * y
            finite += 0.0 * x + 0.0 * y
            asymmetry = max(asymmetry, abs(x - y))
        for j in range(i, n):
            row = max(row, abs(load(f, A, (i * n + j) * size)))
        d = load(f, A, (i * n + i) * size)
        squares += d * d
        finite += 0.0 * d
        largest = max(largest, row)
        smallest = min(smallest, select(row > 0.0, row, splat(f, np.inf)))
    return largest, smallest, squares, asymmetry, finite


@device
def needs_equilibration(largest, smallest):
    """Whether rows differ by more than 2⁸, or squares of entries may leave the range of float64."""
    return any_lane(
        (smallest * 256.0 < largest) | (largest > 2.0**400) | (smallest < 2.0**-400)
    )


@device
def _inverse_root(r):
    """The power of two next to 1/√r, and 1 for r = 0."""
    exponent = bits_of(r) >> _52
    root = from_bits(((np.uint64(3 * 1023) - exponent) >> np.uint64(1)) << _52)
    return select(r > 0.0, root, root * 0.0 + 1.0)


@device
def equilibrate(f, A, n, D, rows):
    """Fill D (n elements) with powers of two that bring the row maxima of DAD near 1.

    `rows` is scratch of n elements.
    """
    size = width(f)
    for i in range(n):
        store(D, i * size, splat(f, 1.0))
    # Each pass halves the logarithms; float64 spans 2^±1074.
    for _ in range(14):
        furthest = splat(f, 1.0)
        for i in range(n):
            row, d = splat(f, 0.0), load(f, D, i * size)
            for j in range(n):
                x = load(f, A, (i * n + j) * size)
                row = max(row, abs(x) * (d * load(f, D, j * size)))
            step = _inverse_root(row)
            store(rows, i * size, step)
            furthest = max(furthest, max(step, 1.0 / step))
        for i in range(n):
            d = load(f, D, i * size) * load(f, rows, i * size)
            store(D, i * size, min(max(d, splat(f, _LOWEST)), splat(f, _HIGHEST)))
        if not any_lane(furthest > 1.0):
            break


@device
def scale(f, A, n, D, out):
    """out = DAD."""
    size = width(f)
    for i in range(n):
        d = load(f, D, i * size)
        for j in range(n):
            at = (i * n + j) * size
            store(out, at, load(f, A, at) * (d * load(f, D, j * size)))
