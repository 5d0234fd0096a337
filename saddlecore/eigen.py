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
def _nothing(like, n):
    """What has been seen of T before its rows are: see `_see`."""
    zero = splat(like, 0.0)
    return -1, -1, zero > 0.0, splat(like, 1.0 * n), zero, zero, zero, zero, splat(like, 1.0)


@device
def _see(like, i, di, ei, below, seen):
    """Take note of row i of T, after those further down; returns its off-diagonal, 0 if negligible.

    Seen are the first and the last row that any lane has to rotate (−1: none); and of each lane's
    topmost block whether the row is in it, its first and its last row, and there the last diagonal
    entry, the first two, and the first off-diagonal.
    """
    first, last, going, start, end, d_end, d_start, d_next, e_start = seen
    live = abs(ei) > EPS * (abs(di) + abs(below) + EPS)
    begins = live & not_(going)
    end, d_end = select(begins, splat(like, i + 1.0), end), select(begins, below, d_end)
    start, e_start = select(live, splat(like, 1.0 * i), start), select(live, ei, e_start)
    d_start, d_next = select(live, di, d_start), select(live, below, d_next)
    if any_lane(live):
        first, last = i, max(last, i)
    seen = first, last, live, start, end, d_end, d_start, d_next, e_start
    return select(live, ei, splat(like, 0.0)), seen


@device
def _see_all(like, n, d, e):
    """Look at all rows, and set negligible off-diagonals to 0."""
    w, seen = width(like), _nothing(like, n)
    below = load(like, d, (n - 1) * w)
    for i in range(n - 2, -1, -1):
        di = load(like, d, i * w)
        ei, seen = _see(like, i, di, load(like, e, i * w), below, seen)
        store(e, i * w, ei)
        below = di
    return seen


@device
def _shifted(like, seen):
    """The block's last diagonal entry less Wilkinson's shift, from its first two rows."""
    d_end, d_start, d_next, e_start = seen[5:]
    half, square = 0.5 * (d_next - d_start), e_start * e_start
    root = math.sqrt(fma(half, half, square))
    return (d_end - d_start) + square / (half + select(half < 0.0, -root, root))


@device
def _sweep(like, n, seen, d, e, z, kept, at):
    """One QL sweep; returns what is seen of T then, and where the next one's rotations go.

    With r² = f² + g², c = g/r and s = f/r; what the next row waits for needs r² alone, no root.
    """
    first, last, start, end, g = seen[0], seen[1], seen[3], seen[4], _shifted(like, seen)
    w, one, zero = width(like), splat(like, 1.0), splat(like, 0.0)
    c, s, square_s, p, below, seen = one, one, one, zero, zero, _nothing(like, n)
    above_d, above_e = load(like, d, (last + 1) * w), load(like, e, (last + 1) * w)
    above_z = load(like, z, (last + 1) * w)
    for i in range(last, first - 1, -1):
        di, ei, zi = load(like, d, i * w), load(like, e, i * w), load(like, z, i * w)
        active, ends = (start <= 1.0 * i) & (end > 1.0 * i), start == 1.0 * i
        f, b = s * ei, c * ei
        square = fma(square_s, ei * ei, g * g)
        there, base = square > TINY, above_d - p
        share = select(there, 1.0 / square, zero)
        turn = fma(di - base, f, g * (b + b))  # that is, r ((d_i − base) s + 2 c b)
        by, following = (f * turn) * share, select(there, fma(g * turn, share, -b), b)
        root = math.sqrt(share)
        ci, si, r = select(there, g * root, one), f * root, square * root
        dn = select(active, base + by, above_d)
        en = select(active & (end > i + 1.0), r, above_e)
        en, seen = _see(like, i + 1, dn, en, below, seen)  # nothing in the first: it is 0
        store(d, (i + 1) * w, dn)
        store(e, (i + 1) * w, en)
        below, above_d = dn, select(ends, di - by, di)
        above_e = select(ends, following, ei)
        ci, si = select(active, ci, one), select(active, si, zero)
        store(kept, at, ci)
        store(kept, at + w, si)
        at += 2 * w
        store(z, (i + 1) * w, fma(si, zi, ci * above_z))
        above_z = fma(ci, zi, -si * above_z)
        g, p = select(active, following, g), select(active, by, p)
        c, s = select(active, ci, c), select(active, si, s)
        square_s = select(active, f * f * share, square_s)
    en, seen = _see(like, first, above_d, above_e, below, seen)
    store(d, first * w, above_d)
    store(e, first * w, en)
    store(z, first * w, above_z)
    return seen, at


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
    lost, at, sweeps = _lost(like, n, d, e), 0, 0
    store(d, 0, load(like, d, 0) + lost)
    seen = _see_all(like, n, d, e)
    while seen[0] >= 0 and sweeps < len(spans):
        spans[sweeps, 0], spans[sweeps, 1] = seen[0], seen[1]
        seen, at = _sweep(like, n, seen, d, e, z, kept, at)
        sweeps += 1
    lost = select(seen[3] < 1.0 * n, splat(like, np.nan), lost)
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
