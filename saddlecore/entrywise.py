"""Moves of a symmetric matrix entry by entry, under a bound of its index.

Row i of A, (b, a), is bordering the rest of A, whose inverse is K.  While only that row moves, K
stays what it is, and by Haynsworth's inertia additivity (Linear Algebra Appl. 1, 1968) the index of
A is that of the rest plus one where the Schur complement s = a − bᵀKb is negative.  If b_j moves by
δ, with c = Kb,

    s → s − 2δ c_j − δ² K_jj,   c → c + δ K_j:

a move that is refused costs nothing more, one that is made n multiplications.  (Matrices that move
as a whole have to make steps shorter by about their size.)  From row to row K is carried by the
sweep operator (Goodnight, The American Statistician 33, 1979): swept on all rows A is −A⁻¹, and
with row i swept back it holds −K, c and s.

A part T Tᵀ/m of A moves by an entry of T at a time, which changes a row of A as well.

Sweeps begin anew from A at every call.  What rounding does to them may decide a move that would end
within some ulp of the boundary; no count of survivors depends on it.
"""

import math

import numpy as np

from saddlecore.bartlett import side_of
from saddlecore.jit import allocating, device
from saddlecore.laneops import fma, mask_bits, select, splat, zeros
from saddlecore.latents import (
    DATA,
    FACTOR,
    LAPLACE,
    SCALE,
    SIGN,
    SPARSE,
    STUDENT,
    WISHART_GOE,
    bounded_exp,
    entry,
)
from saddlecore.memory import load, store

__all__ = ["move_entries", "sweep"]

_W = 8


@device
def _at(n, i, j):
    """Where entry (i, j) of the upper triangle is."""
    return (i * n + j) * _W if i <= j else (j * n + i) * _W


@allocating
def sweep(A, n, k, sign, column):
    """Sweep on row k of the upper triangle, or back where `sign` is −1; return the pivot."""
    f = zeros(_W)
    for i in range(n):
        store(column, i * _W, load(f, A, _at(n, i, k)))
    pivot = load(f, column, k * _W)
    store(column, k * _W, splat(f, 0.0))
    inverse = 1.0 / pivot
    for i in range(n):
        share = -(load(f, column, i * _W) * inverse)
        for j in range(i, n):
            at = (i * n + j) * _W
            store(A, at, fma(share, load(f, column, j * _W), load(f, A, at)))
    for i in range(n):
        store(A, _at(n, i, k), load(f, column, i * _W) * (sign * inverse))
    store(A, _at(n, k, k), -inverse)
    return pivot


@device
def _replace(x, y, i, fits):
    """Latent i, where the move fits; how many do."""
    f = zeros(_W)
    store(x, i * _W, select(fits, load(f, y, i * _W), load(f, x, i * _W)))


@device
def _number(fits):
    bits, found = mask_bits(fits), 0
    for _ in range(_W):
        found += np.int64(bits & np.uint64(1))
        bits >>= np.uint64(1)
    return found


@device
def _move_wigner(form, numbers, n, i, free, x, y, A, c, s):
    """Entries (i, i), (i, i + 1), …; return s, and how many moves were made."""
    f, entries, made = zeros(_W), n * (n + 1) // 2, 0
    zero = splat(f, 0.0)
    for j in range(i, n):
        at = i * n - i * (i - 1) // 2 + j - i
        scale = numbers[SIGN] * numbers[SCALE] * (numbers[FACTOR] if i == j else 1.0)
        delta = scale * (entry(f, form, y, at, entries) - entry(f, form, x, at, entries))
        if i == j:
            after = s + delta
        else:
            slope = fma(delta, load(f, A, _at(n, j, j)), -2.0 * load(f, c, j * _W))
            after = fma(delta, slope, s)
        fits = free | (after > 0.0)
        s = select(fits, after, s)
        if i != j:
            delta = select(fits, delta, zero)
            for k in range(n):
                store(c, k * _W, fma(-delta, load(f, A, _at(n, k, j)), load(f, c, k * _W)))
        _replace(x, y, at, fits)
        if form in (LAPLACE, STUDENT, SPARSE):
            _replace(x, y, entries + at, fits)
        made += _number(fits)
    return s, made


@device
def _products(n, i, k, A, T, side, scale, u):
    """u = K v and vᵀ u, v the column k of T but for its entry in row i, times `scale`."""
    f = zeros(_W)
    total = splat(f, 0.0)
    for r in range(n):
        product = splat(f, 0.0)
        for j in range(k, n):
            if j != i:
                product = fma(-load(f, A, _at(n, r, j)), load(f, T, (j * side + k) * _W), product)
        store(u, r * _W, product * scale)
        if r != i:
            total = fma(product * (scale * scale), load(f, T, (r * side + k) * _W), total)
    return total


@device
def _move_factor(numbers, n, i, free, x, y, A, T, c, s, u):
    """Row i of T; return s, and how many moves were made."""
    f, m, side, made = zeros(_W), np.int64(numbers[DATA]), side_of(n), 0
    scale, zero = numbers[SIGN] / numbers[DATA], splat(f, 0.0)
    below = min(i, m)
    first = n * (n + 1) // 2 + below * (below - 1) // 2 + (i - below) * m
    gammas = len(x) // _W - min(n, m)
    for k in range(min(i + 1, m)):
        at = first + k if k < i else gammas + i
        here = (i * side + k) * _W
        old, new = load(f, T, here), load(f, y, at * _W)
        if k == i:
            new = bounded_exp(0.5 * new) * math.sqrt(2.0)
        square, along, delta = _products(n, i, k, A, T, side, scale, u), zero, new - old
        for j in range(k, n):
            if j != i:
                along = fma(load(f, c, j * _W), load(f, T, (j * side + k) * _W), along)
        after = s + scale * (delta * (new + old)) - delta * (2.0 * scale * along + delta * square)
        fits = free | (after > 0.0)
        s, delta = select(fits, after, s), select(fits, delta, zero)
        store(T, here, select(fits, new, old))
        for r in range(n):
            store(c, r * _W, fma(delta, load(f, u, r * _W), load(f, c, r * _W)))
        _replace(x, y, at, fits)
        made += _number(fits)
    return s, made


@allocating
def move_entries(form, numbers, n, most, x, y, A, T, rows):
    """Make those moves from x to y that leave at most `most` negative eigenvalues, one by one.

    A and T hold what x makes; they are overwritten.  Returns which fraction was made.
    """
    f, column, c, u = zeros(_W), rows[0], rows[1], rows[2]
    zero, one, made, tried = splat(f, 0.0), splat(f, 1.0), 0, 0
    index = zero
    for k in range(n):
        index += select(sweep(A, n, k, 1.0, column) < 0.0, one, zero)
    for i in range(n):
        sweep(A, n, i, -1.0, column)
        for k in range(n):
            store(c, k * _W, load(f, A, _at(n, k, i)))
        s = load(f, c, i * _W)
        index -= select(s < 0.0, one, zero)
        free = index < 1.0 * most
        s, moved = _move_wigner(form, numbers, n, i, free, x, y, A, c, s)
        made, tried = made + moved, tried + n - i
        if form == WISHART_GOE:
            s, moved = _move_factor(numbers, n, i, free, x, y, A, T, c, s, u)
            made, tried = made + moved, tried + min(i + 1, np.int64(numbers[DATA]))
        for k in range(n):
            store(A, _at(n, k, i), load(f, c, k * _W))
        store(A, _at(n, i, i), s)
        index += select(s < 0.0, one, zero)
        sweep(A, n, i, 1.0, column)
    return made / (tried * _W)
