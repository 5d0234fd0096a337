"""Samplers of Wishart matrices plus Wigner's, W + √(2ε/n) G, in n³/6 multiplications each.

W = J Jᵀ/m with J n × m of independent N(0, 1) is T Tᵀ/m with T lower trapezoidal and independent,
T_kk² ~ χ² with m − k degrees of freedom (k = 0, 1, …), the rest N(0, 1) (Bartlett, Proc. R. Soc.
Edinburgh 53, 1933).  G has variance 1 off the diagonal and 2 on it.  Block i (i + 1)/2 + j of a
sample (see `saddlecore.entries`) holds T_ij and G_ij.
"""

import math

import numpy as np
from numba import carray

from saddlecore.entries import REQUEST, asked, block, draw_gamma
from saddlecore.forms import pointer_at, words_at
from saddlecore.jit import c_function, device
from saddlecore.laneops import fma, splat, width, zeros
from saddlecore.memory import load, store
from saddlecore.streams import gamma_constants, normal_pair

__all__ = ["multiply", "scratch_of", "side_of", "wishart_goe_lanes", "wishart_goe_plain"]

_TILE = 4


def scratch_of(n):
    """Elements of scratch: T with its rows and columns padded to whole tiles."""
    return (n + _TILE - 1) // _TILE * _TILE * ((n + _TILE - 1) // _TILE * _TILE)


@device
def side_of(n):
    """Rows of T, padded to whole tiles."""
    return (n + _TILE - 1) // _TILE * _TILE


@device
def _diagonal(request, number, freedom):
    """A normal, and the root of a χ² with that many degrees of freedom."""
    if freedom == 1:
        A, B = block(request, number, 0)
        z0, z1 = normal_pair(A, B)
        return z0, abs(z1)
    normal, gamma = draw_gamma(request, number, gamma_constants(0.5 * freedom))
    return normal, math.sqrt(2.0 * gamma)


@device
def _draw(z, request, n, m, sigma, A, T, side):
    """√(2ε/n) G to the upper triangle of A, and T."""
    w = width(z)
    for at in range(side * side):
        store(T, at * w, splat(z, 0.0))
    for i in range(n):
        for j in range(i):
            first, second = block(request, i * (i + 1) // 2 + j, 0)
            t, g = normal_pair(first, second)
            store(A, (j * n + i) * w, g * sigma)
            if j < m:
                store(T, (i * side + j) * w, t)
        g, t = _diagonal(request, i * (i + 1) // 2 + i, max(m - i, 1))
        store(A, (i * n + i) * w, g * (sigma * math.sqrt(2.0)))
        if i < m:
            store(T, (i * side + i) * w, t)


@device
def _four(x, y, sums):
    a, b, c, d = sums
    return fma(x, y[0], a), fma(x, y[1], b), fma(x, y[2], c), fma(x, y[3], d)


@device
def _column(z, T, side, top, k):
    """Column k of four rows of T."""
    one, step = (top * side + k) * width(z), side * width(z)
    two, three, four = one + step, one + 2 * step, one + 3 * step
    return load(z, T, one), load(z, T, two), load(z, T, three), load(z, T, four)


@device
def _add_row(z, A, n, i, left, sums, scale):
    """A[i, left : left + 4] += scale · sums, above the diagonal."""
    for c in range(_TILE):
        total = sums[0] if c == 0 else sums[1] if c == 1 else sums[2] if c == 2 else sums[3]
        j = left + c
        if i <= j < n:
            at = (i * n + j) * width(z)
            store(A, at, fma(total, scale, load(z, A, at)))


@device
def multiply(z, n, m, A, T, side):
    """A += T Tᵀ/m, the upper triangle of n rows; `side` rows and columns of T are there."""
    nothing = splat(z, 0.0)
    scale = 1.0 / m
    for top in range(0, n, _TILE):
        terms = min(top + _TILE, m)
        for left in range(top, n, _TILE):
            a = (nothing, nothing, nothing, nothing)
            b, c, d = a, a, a
            for k in range(terms):
                x, y = _column(z, T, side, top, k), _column(z, T, side, left, k)
                a, b = _four(x[0], y, a), _four(x[1], y, b)
                c, d = _four(x[2], y, c), _four(x[3], y, d)
            for r in range(min(_TILE, n - top)):
                sums = a if r == 0 else b if r == 1 else c if r == 2 else d
                _add_row(z, A, n, top + r, left, sums, scale)


@device
def _wishart_goe(z, words, numbers, n, out):
    """Numbers: m, σ = √(2ε/n)."""
    w, m, side = width(z), np.int64(numbers[0]), side_of(n)
    A, T = out[: n * n * w], out[n * n * w :]
    _draw(z, asked(z, words), n, m, numbers[1], A, T, side)
    multiply(z, n, m, A, T, side)


@c_function
def wishart_goe_lanes(x, n, out, data):
    """Wishart plus Wigner matrices in eight lanes."""
    side = side_of(n)
    words, numbers = carray(words_at(x), REQUEST + 8), carray(pointer_at(data, 0.0), 2)
    _wishart_goe(zeros(8), words, numbers, n, carray(out, (n * n + side * side) * 8))


@c_function
def wishart_goe_plain(x, n, out, data):
    """One Wishart plus Wigner matrix."""
    side = side_of(n)
    words, numbers = carray(words_at(x), REQUEST + 1), carray(pointer_at(data, 0.0), 2)
    _wishart_goe(zeros(1), words, numbers, n, carray(out, n * n + side * side))
