"""Symmetric matrices in lanes made tridiagonal by Householder's reflections: H = P T Pᵀ.

P = H_{n−1} … H_2 is never formed.  Reflection i is 1 − h u uᵀ with u in row i of the lower
triangle, left of the diagonal, and turns that row into (0, …, 0, e) (Martin, Reinsch & Wilkinson
1968).
"""

import math

from saddlecore.exponents import exponent, power_of_two
from saddlecore.jit import allocating, device
from saddlecore.laneops import fma, not_, select, splat, width
from saddlecore.memory import load, store

__all__ = ["TINY", "reflect", "reflect_back", "scales", "tridiagonalize"]

#: Sums of squares below it are 0: matrices are scaled to entries below 2.
TINY = 1e-280


@device
def _row(like, i):
    """Where row i of a lower triangle begins."""
    return i * (i + 1) // 2 * width(like)


@device
def scales(top):
    """Powers of two that bring `top` to [1, 2), and back."""
    k = min(max(exponent(top), -1022.0), 1022.0)
    return power_of_two(-k), power_of_two(k)


@device
def _take(like, n, here, at, A):
    """Copy a lower triangle, scaled; returns what undoes the scaling."""
    w, top = width(like), splat(like, 0.0)
    count = n * (n + 1) // 2
    for k in range(count):
        top = max(top, abs(load(like, here, at + k * w)))
    down, up = scales(top)
    for k in range(count):
        store(A, k * w, down * load(like, here, at + k * w))
    return up


@device
def _reflection(like, i, A, factors, e):
    """The reflection 1 − u uᵀ h that turns row i, left of the diagonal, into (0, …, 0, e)."""
    w, row, zero = width(like), _row(like, i), splat(like, 0.0)
    last, off = load(like, A, row + (i - 1) * w), zero
    for j in range(i - 1):
        a = load(like, A, row + j * w)
        off = fma(a, a, off)
    there = not_(off <= TINY)  # also where it is not a number
    norm = math.sqrt(fma(last, last, off))
    end = select(there, select(last > 0.0, -norm, norm), last)
    first = last - end
    h = select(there, 2.0 / fma(first, first, off), zero)
    store(A, row + (i - 1) * w, first)
    store(factors, i * w, h)
    store(e, (i - 1) * w, end)
    return h


@device
def _product(like, i, A, p):
    """p = A u, A being the leading i rows and u row i."""
    w, u = width(like), _row(like, i)
    for j in range(i):
        row, uj = _row(like, j), load(like, A, u + j * w)
        dot = load(like, A, row + j * w) * uj
        for k in range(j):
            a = load(like, A, row + k * w)
            dot = fma(a, load(like, A, u + k * w), dot)
            store(p, k * w, fma(a, uj, load(like, p, k * w)))
        store(p, j * w, dot)


@device
def _update(like, i, A, p, h):
    """A − u qᵀ − q uᵀ with q = h p − ½ h² (uᵀp) u, which is the reflected A."""
    w, u, total = width(like), _row(like, i), splat(like, 0.0)
    for j in range(i):
        total = fma(load(like, A, u + j * w), load(like, p, j * w), total)
    half = -0.5 * h * (h * total)  # h² may overflow
    for j in range(i):
        row, uj = _row(like, j), load(like, A, u + j * w)
        qj = fma(half, uj, h * load(like, p, j * w))
        store(p, j * w, qj)
        for k in range(j + 1):
            a = fma(-uj, load(like, p, k * w), load(like, A, row + k * w))
            store(A, row + k * w, fma(-qj, load(like, A, u + k * w), a))


@allocating
def tridiagonalize(like, n, here, at, eigen):
    """Turn the lower triangle at ``here[at]`` into T, scaled; returns what undoes the scaling."""
    A, factors, d, e, p, w = eigen[0], eigen[1], eigen[2], eigen[3], eigen[4], width(like)
    up = _take(like, n, here, at, A)
    store(e, (n - 1) * w, splat(like, 0.0))
    for i in range(n - 1, 1, -1):
        h = _reflection(like, i, A, factors, e)
        _product(like, i, A, p)
        _update(like, i, A, p, h)
    if n > 1:
        store(e, 0, load(like, A, w))
    for i in range(n):
        store(d, i * w, load(like, A, _row(like, i) + i * w))
    return up


@device
def _reflect_by(like, i, A, factors, z):
    w, row, dot = width(like), _row(like, i), splat(like, 0.0)
    for j in range(i):
        dot = fma(load(like, A, row + j * w), load(like, z, j * w), dot)
    dot = -dot * load(like, factors, i * w)
    for j in range(i):
        store(z, j * w, fma(dot, load(like, A, row + j * w), load(like, z, j * w)))


@allocating
def reflect(like, n, eigen, z):
    """Pᵀz."""
    for i in range(n - 1, 1, -1):
        _reflect_by(like, i, eigen[0], eigen[1], z)


@allocating
def reflect_back(like, n, eigen, z):
    """P z."""
    for i in range(2, n):
        _reflect_by(like, i, eigen[0], eigen[1], z)
