"""Eigenvalues of symmetric matrices in lanes, and vectors taken to the eigenbasis and back.

H = P T Pᵀ by Householder's reflections, T = W Λ Wᵀ by QL with implicit shifts (Dubrulle, Martin &
Wilkinson 1968).  P and W are never formed: the reflections stay in H's place and the
rotations in a list, and a vector goes through them in O(n²).

Every lane chases its own bulge, in a block of T of its own: a sweep runs over the rows of all, and
a lane's rotations outside of its block are the identity.
"""

import math

import numpy as np

from saddlecore.exponents import exponent, power_of_two
from saddlecore.jit import allocating, device
from saddlecore.laneops import any_lane, fma, not_, select, splat, width
from saddlecore.memory import aligned, load, store

__all__ = [
    "EPS",
    "diagonalize",
    "eigen_scratch",
    "from_eigenbasis",
    "reflect",
    "reflect_back",
    "scale_tridiagonal",
    "tridiagonalize",
]

EPS = 2.0**-52
# Sums of squares below it are 0: matrices are scaled to entries below 2.
_TINY = 1e-280
# Sweeps allowed: a matrix needs fewer than 2 for each eigenvalue.
_SWEEPS, _MORE_SWEEPS = 6, 30


@allocating
def eigen_scratch(like, n):
    """Buffers: lower triangle or reflections, their factors, λ, off-diagonal, rotations, sweeps."""
    w, most = width(like), _SWEEPS * n + _MORE_SWEEPS
    return (
        aligned(n * (n + 1) // 2 * w), aligned(n * w), aligned(n * w), aligned(n * w),
        aligned(most * n * 2 * w), np.empty((most, 2), np.int64),
    )  # fmt: skip


@device
def _row(like, i):
    """Where row i of a lower triangle begins."""
    return i * (i + 1) // 2 * width(like)


@device
def _scales(top):
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
    down, up = _scales(top)
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
    there = not_(off <= _TINY)  # also where it is not a number
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


@allocating
def scale_tridiagonal(like, n, eigen):
    """Scale T, where it was not made by `tridiagonalize`; returns what undoes it."""
    d, e, w, top = eigen[2], eigen[3], width(like), splat(like, 0.0)
    store(e, (n - 1) * w, top)
    for k in range(0, n * w, w):
        top = max(max(top, abs(load(like, d, k))), abs(load(like, e, k)))
    down, up = _scales(top)
    for k in range(0, n * w, w):
        store(d, k, down * load(like, d, k))
        store(e, k, down * load(like, e, k))
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


@device
def _blocks(like, n, d, e):
    """Set negligible off-diagonals to 0, and find each lane's topmost block that is left.

    Returns the first and the last row that any lane has to rotate (−1: none), the block's
    first and last row, and the last diagonal entry less Wilkinson's shift.
    """
    w, zero = width(like), splat(like, 0.0)
    first, last, going = -1, -1, zero > 0.0
    start, end, d_end = splat(like, 1.0 * n), zero, zero
    d_start, d_next, el = zero, zero, splat(like, 1.0)
    dn = load(like, d, (n - 1) * w)
    for i in range(n - 2, -1, -1):
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
    g = (d_next - d_start) / (2.0 * el)
    r = math.sqrt(fma(g, g, splat(like, 1.0)))
    shifted = (d_end - d_start) + el / (g + select(g < 0.0, -r, r))
    return first, last, start, end, shifted


@device
def _rotation(like, f, g):
    """c, s and r with c g + s f = r, s g = c f."""
    square = fma(f, f, g * g)
    r, there = math.sqrt(square), square > _TINY
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
    lost, at, sweeps = _lost(like, n, d, e), 0, 0
    store(d, 0, load(like, d, 0) + lost)
    while True:
        span = _blocks(like, n, d, e)
        if span[0] < 0 or sweeps == len(spans):
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
