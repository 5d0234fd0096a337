"""Eigenvalues of tridiagonal matrices in lanes, and vectors taken to the eigenbasis and back.

T = W Λ Wᵀ by QL with implicit shifts (Dubrulle, Martin & Wilkinson 1968).  W is never formed: the
rotations are kept in a list, and a vector goes through them in O(n²).

Every lane chases its own bulge, in a block of T of its own: a sweep runs over the rows of all, and
a lane's rotations outside of its block are the identity.
"""

import math

import numpy as np

from saddlecore.householder import TINY, scales
from saddlecore.jit import allocating, device
from saddlecore.laneops import any_lane, fma, not_, select, splat, width
from saddlecore.memory import aligned, load, store

__all__ = [
    "EPS",
    "diagonalize",
    "eigen_scratch",
    "from_eigenbasis",
    "scale_tridiagonal",
]

EPS = 2.0**-52
# Sweeps allowed: no eight matrices have taken more than 2.5 for each eigenvalue.
_SWEEPS, _MORE_SWEEPS = 6, 30


@allocating
def eigen_scratch(like, n):
    """Buffers: lower triangle or reflections, their factors, λ, off-diagonal, rotations, sweeps."""
    w, most = width(like), _SWEEPS * n + _MORE_SWEEPS
    return (
        aligned(n * (n + 1) // 2 * w), aligned(n * w), aligned(n * w), aligned(n * w),
        aligned(most * n * 2 * w), np.empty((most, 2), np.int64),
    )  # fmt: skip


@allocating
def scale_tridiagonal(like, n, eigen):
    """Scale T, where it was not made by `tridiagonalize`; returns what undoes it."""
    d, e, w, top = eigen[2], eigen[3], width(like), splat(like, 0.0)
    store(e, (n - 1) * w, top)
    for k in range(0, n * w, w):
        top = max(max(top, abs(load(like, d, k))), abs(load(like, e, k)))
    down, up = scales(top)
    for k in range(0, n * w, w):
        store(d, k, down * load(like, d, k))
        store(e, k, down * load(like, e, k))
    return up


@device
def _blocks(like, n, above, d, e):
    """Set negligible off-diagonals to 0, and find each lane's topmost block that is left.

    What is above row `above` is diagonal in all lanes.  Returns the first and the last row that any
    lane has to rotate (−1: none), the block's first and last row, and the last diagonal entry less
    Wilkinson's shift.
    """
    w, zero = width(like), splat(like, 0.0)
    first, last, going = -1, -1, zero > 0.0
    start, end, d_end = splat(like, 1.0 * n), zero, zero
    d_start, d_next, el = zero, zero, splat(like, 1.0)
    dn = load(like, d, (n - 1) * w)
    for i in range(n - 2, above - 1, -1):
        di, ei = load(like, d, i * w), load(like, e, i * w)
        live = abs(ei) > EPS * (abs(di) + abs(dn) + EPS)
        store(e, i * w, select(live, ei, zero))
        begins = live & not_(going)
        end, d_end = select(begins, splat(like, i + 1.0), end), select(begins, dn, d_end)
        start = select(live, splat(like, 1.0 * i), start)
        d_start, el = select(live, di, d_start), select(live, ei, el)
        d_next = select(live, dn, d_next)
        going, dn = live, di
        if any_lane(live):
            first, last = i, max(last, i)
    half, square = 0.5 * (d_next - d_start), el * el
    root = math.sqrt(fma(half, half, square))
    shifted = (d_end - d_start) + square / (half + select(half < 0.0, -root, root))
    return first, last, start, end, shifted


@device
def _rotation(like, f, g):
    """c, s and r with c g + s f = r, s g = c f."""
    square = fma(f, f, g * g)
    r, there = math.sqrt(square), square > TINY
    share = 1.0 / r
    c = select(there, g * share, splat(like, 1.0))
    return c, select(there, f * share, splat(like, 0.0)), select(there, r, splat(like, 0.0))


@device
def _sweep(like, span, d, e, z, kept, at):
    """One QL sweep; returns where the next one's rotations go."""
    first, last, start, end, g = span
    w, one, zero = width(like), splat(like, 1.0), splat(like, 0.0)
    c, s, p = one, one, zero
    above_d, above_e = load(like, d, (last + 1) * w), load(like, e, (last + 1) * w)
    above_z = load(like, z, (last + 1) * w)
    for i in range(last, first - 1, -1):
        di, ei, zi = load(like, d, i * w), load(like, e, i * w), load(like, z, i * w)
        active, ends = (start <= 1.0 * i) & (end > 1.0 * i), start == 1.0 * i
        f, b = s * ei, c * ei
        ci, si, r = _rotation(like, f, g)
        store(e, (i + 1) * w, select(active & (end > i + 1.0), r, above_e))
        base = above_d - p
        turn = fma(di - base, si, ci * (b + b))
        by, following = si * turn, fma(ci, turn, -b)
        store(d, (i + 1) * w, select(active, base + by, above_d))
        above_d, above_e = select(ends, di - by, di), select(ends, following, ei)
        ci, si = select(active, ci, one), select(active, si, zero)
        store(kept, at, ci)
        store(kept, at + w, si)
        at += 2 * w
        store(z, (i + 1) * w, fma(si, zi, ci * above_z))
        above_z = fma(ci, zi, -si * above_z)
        g, p = select(active, following, g), select(active, by, p)
        c, s = select(active, ci, c), select(active, si, s)
    store(d, first * w, above_d)
    store(e, first * w, above_e)
    store(z, first * w, above_z)
    return at


@device
def _lost(like, n, d, e):
    """Not a number in lanes where T is not finite, else 0."""
    total, w = splat(like, 0.0), width(like)
    for k in range(0, n * w, w):
        total += 0.0 * load(like, d, k) + 0.0 * load(like, e, k)
    return total


@allocating
def diagonalize(like, n, up, eigen, z):
    """Turn T into its eigenvalues times `up`, and z into Wᵀz; returns the number of sweeps.

    Eigenvalues are in no order.  All of a lane are NaN if its T is not finite or took too long.
    """
    d, e, kept, spans, w = eigen[2], eigen[3], eigen[4], eigen[5], width(like)
    lost, at, sweeps, above = _lost(like, n, d, e), 0, 0, 0
    store(d, 0, load(like, d, 0) + lost)
    while True:
        span = _blocks(like, n, above, d, e)
        above = span[0]
        if above < 0 or sweeps == len(spans):
            break
        at = _sweep(like, span, d, e, z, kept, at)
        spans[sweeps, 0], spans[sweeps, 1] = span[0], span[1]
        sweeps += 1
    lost = select(span[2] < 1.0 * n, splat(like, np.nan), lost)
    for k in range(0, n * w, w):
        store(d, k, fma(up, load(like, d, k), lost))
    return sweeps


@allocating
def from_eigenbasis(like, sweeps, eigen, y):
    """W y."""
    kept, spans, w = eigen[4], eigen[5], width(like)
    at = 0
    for k in range(sweeps):
        at += 2 * w * (spans[k, 1] - spans[k, 0] + 1)
    for k in range(sweeps - 1, -1, -1):
        yi = load(like, y, spans[k, 0] * w)
        for i in range(spans[k, 0], spans[k, 1] + 1):
            at -= 2 * w
            c, s, above = load(like, kept, at), load(like, kept, at + w), load(like, y, (i + 1) * w)
            store(y, i * w, fma(c, yi, s * above))
            yi = fma(c, above, -s * yi)
        store(y, (spans[k, 1] + 1) * w, yi)
