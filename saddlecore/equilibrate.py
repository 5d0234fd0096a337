"""Measures of a symmetric matrix, and its equilibration by powers of two.

A → DAD with D diagonal and positive keeps the inertia, and keeps it exactly when D holds powers of
two.  It turns a graded matrix, whose small eigenvalues a norm-relative tolerance would call zero,
into one whose rows all have entries of the order of 1 (Ruiz, RAL-TR-2001-034; Knight, Ruiz & Uçar,
SIAM J. Matrix Anal. Appl. 35, 2014).  Matrices are flat, n × n elements: lanes or numbers.
"""

import numpy as np

from saddlecore.jit import device
from saddlecore.laneops import (
    any_lane,
    bits_of,
    fma,
    from_bits,
    select,
    splat,
    width,
)
from saddlecore.memory import (
    load,
    store,
)

__all__ = ["equilibrate", "measure", "measure_upper", "mirror", "needs_equilibration",
           "not_finite", "scale"]  # fmt: skip

_52 = np.uint64(52)
# 1/√x for the smallest denormal; products are taken one factor at a time.
_HIGHEST, _LOWEST = 2.0**537, 2.0**-537


@device
def measure(f, A, n):
    """(largest entry, smallest row maximum but 0, squared Frobenius norm, asymmetry).

    Of the absolute values; asymmetry is the largest |a_ij − a_ji|.  The squares are infinite or NaN
    if an entry is (or if they overflow).
    """
    size = width(f)
    largest, smallest = splat(f, 0.0), splat(f, np.inf)
    squares, asymmetry = splat(f, 0.0), splat(f, 0.0)
    for i in range(n):
        d = load(f, A, (i * n + i) * size)
        row = abs(d)
        squares = fma(d, d, squares)
        for j in range(i):
            x, y = load(f, A, (i * n + j) * size), load(f, A, (j * n + i) * size)
            row = max(row, abs(x))
            squares = fma(y, y, fma(x, x, squares))
            asymmetry = max(asymmetry, abs(x - y))
        for j in range(i + 1, n):
            row = max(row, abs(load(f, A, (i * n + j) * size)))
        largest = max(largest, row)
        smallest = min(smallest, select(row > 0.0, row, splat(f, np.inf)))
    return largest, smallest, squares, asymmetry


@device
def measure_upper(f, A, n, rows):
    """`measure` of a symmetric matrix of which the upper triangle is there; `rows` is scratch."""
    size = width(f)
    for i in range(n):
        store(rows, i * size, splat(f, 0.0))
    largest, smallest = splat(f, 0.0), splat(f, np.inf)
    squares, off = splat(f, 0.0), splat(f, 0.0)
    for i in range(n):
        d = load(f, A, (i * n + i) * size)
        row = max(load(f, rows, i * size), abs(d))
        squares = fma(d, d, squares)
        for j in range(i + 1, n):
            x = load(f, A, (i * n + j) * size)
            size_of_x = abs(x)
            off = fma(x, x, off)
            row = max(row, size_of_x)
            store(rows, j * size, max(load(f, rows, j * size), size_of_x))
        largest = max(largest, row)
        smallest = min(smallest, select(row > 0.0, row, splat(f, np.inf)))
    return largest, smallest, fma(off, 2.0, squares), splat(f, 0.0)


@device
def mirror(f, A, n):
    """Copy the upper triangle to the lower one."""
    size = width(f)
    for i in range(n):
        for j in range(i):
            store(A, (i * n + j) * size, load(f, A, (j * n + i) * size))


@device
def not_finite(f, A, n):
    """Lanes that hold NaN or infinity."""
    total = splat(f, 0.0)
    for k in range(n * n):
        total += 0.0 * load(f, A, k * width(f))
    return total != 0.0


@device
def needs_equilibration(largest, smallest):
    """Lanes whose rows differ by more than 2⁸, or whose squares may leave the range of float64."""
    return (smallest * 256.0 < largest) | (largest > 2.0**400) | (smallest < 2.0**-400)


@device
def _inverse_root(r):
    """The power of two next to 1/√r, and 1 for r = 0."""
    exponent = bits_of(r) >> _52
    root = from_bits(((np.uint64(3 * 1023) - exponent) >> np.uint64(1)) << _52)
    return select(r > 0.0, root, root * 0.0 + 1.0)


@device
def equilibrate(f, A, n, wanted, D, rows):
    """Fill D (n elements) with powers of two that bring the row maxima of DAD near 1.

    Where `wanted` does not hold D is 1: a lane's answer must not depend on its neighbours.  `rows`
    is scratch of n elements.
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
                row = max(row, abs(x) * d * load(f, D, j * size))
            step = select(wanted, _inverse_root(row), splat(f, 1.0))
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
            store(out, at, load(f, A, at) * d * load(f, D, j * size))
