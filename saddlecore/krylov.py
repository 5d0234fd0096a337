"""The Hessian on a Krylov space: k vectors of Lanczos from ∇f, eight points at once.

V has orthonormal columns, T = VᵀHV is tridiagonal, Vᵀ∇f = ‖∇f‖ e₁.  Each new vector is
orthogonalised against all, twice.  Where the space is exhausted (∇f = 0, or an invariant space was
found) a fixed vector, made orthogonal, goes on in another: k = n always spans everything.
"""

import math

from saddlecore.eigen import EPS
from saddlecore.first import gradient_at
from saddlecore.forms import HVP, HVP_LANES
from saddlecore.jit import allocating
from saddlecore.lanecalls import call_in_lanes, lane_scratch
from saddlecore.laneops import any_lane, fma, not_, select, splat, width
from saddlecore.memory import aligned, load, store

__all__ = ["combine", "krylov_scratch", "lanczos"]

# Differences of gradients: ε^(1/3) of ‖x‖, of which this is the least.
_STEP, _SMALL = 2.0**-17, 1e-2
# Golden section: multiples of it, less whole numbers, are never far from anything.
_GOLDEN = 0.6180339887498949


@allocating
def krylov_scratch(like, n, k):
    """Buffers: V, a point and a vector, a product, two moved points, and one lane of them."""
    w = width(like)
    return (
        aligned(k * n * w), aligned(2 * n * w), aligned(n * w), aligned(n * w), aligned(n * w),
        lane_scratch(2 * n, n),
    )  # fmt: skip


@allocating
def _dot(like, n, a, at, b, to):
    total = splat(like, 0.0)
    for i in range(0, n * width(like), width(like)):
        total = fma(load(like, a, at + i), load(like, b, to + i), total)
    return total


@allocating
def _by_gradients(like, forms, n, space, alive, scratch):
    """(∇f(x + t v) − ∇f(x − t v)) / 2t."""
    point, out, up, down, w = space[1], space[2], space[3], space[4], width(like)
    square = _dot(like, n, point, 0, point, 0)
    t = _STEP * max(math.sqrt(square), splat(like, _SMALL))
    for i in range(0, n * w, w):
        xi, vi = load(like, point, i), load(like, point, n * w + i)
        store(up, i, fma(t, vi, xi))
        store(down, i, fma(-t, vi, xi))
    gradient_at(like, forms, up, 0, n, out, 0, alive, scratch)
    gradient_at(like, forms, down, 0, n, up, 0, alive, scratch)
    for i in range(0, n * w, w):
        store(out, i, (load(like, out, i) - load(like, up, i)) / (2.0 * t))


@allocating
def _product(like, forms, n, space, alive, scratch):
    """H v, v being the second half of the point."""
    if forms[HVP, 0] != 0 or forms[HVP_LANES, 0] != 0:
        call_in_lanes(like, forms, HVP, space[1], 0, 2 * n, n, n, space[2], 0, alive, space[5])
    else:
        _by_gradients(like, forms, n, space, alive, scratch)


@allocating
def _orthogonalize(like, n, count, V, r):
    """Take the first `count` vectors out of r, twice; returns ‖r‖."""
    w = width(like)
    for _ in range(2):
        for j in range(count):
            dot = _dot(like, n, V, j * n * w, r, 0)
            for i in range(0, n * w, w):
                store(r, i, fma(-dot, load(like, V, j * n * w + i), load(like, r, i)))
    return math.sqrt(_dot(like, n, r, 0, r, 0))


@allocating
def _append(like, n, j, V, r, norm, lanes):
    """Make r / ‖r‖ the j-th vector, in the lanes where that is wanted."""
    w = width(like)
    for i in range(0, n * w, w):
        at = j * n * w + i
        store(V, at, select(lanes, load(like, r, i) / norm, load(like, V, at)))


@allocating
def _begin_anew(like, n, j, V, r, lanes):
    """The j-th vector, from a fixed one."""
    w = width(like)
    for i in range(n):
        turn = (i + 1.0) * (j + 1.0) * _GOLDEN
        store(r, i * w, splat(like, turn - math.floor(turn) - 0.5))
    _append(like, n, j, V, r, _orthogonalize(like, n, j, V, r), lanes)


@allocating
def _extend(like, n, j, V, r, norm, exists):
    """Make r / ‖r‖ the j-th vector, or a fixed one where it does not exist."""
    _append(like, n, j, V, r, norm, exists)
    if any_lane(not_(exists)):
        _begin_anew(like, n, j, V, r, not_(exists))


@allocating
def lanczos(like, forms, n, k, x, at, here, eigen, z, space, alive, scratch):
    """Write V, T (its diagonal and off-diagonal to `eigen`) and Vᵀ∇f."""
    V, point, r, d, e, w = space[0], space[1], space[2], eigen[2], eigen[3], width(like)
    for i in range(0, n * w, w):
        store(point, i, load(like, x, at + i))
        store(r, i, load(like, here, w + i))
    norm, size = math.sqrt(_dot(like, n, r, 0, r, 0)), splat(like, 0.0)
    for j in range(k):
        store(z, j * w, norm if j == 0 else splat(like, 0.0))
    _extend(like, n, 0, V, r, norm, not_(norm <= 0.0))
    for j in range(k):
        for i in range(0, n * w, w):
            store(point, n * w + i, load(like, V, j * n * w + i))
        _product(like, forms, n, space, alive, scratch)
        alpha = _dot(like, n, V, j * n * w, r, 0)
        store(d, j * w, alpha)
        if j + 1 == k:
            break
        beta = _orthogonalize(like, n, j + 1, V, r)
        size = max(size, abs(alpha) + beta)
        exists = not_(beta <= (n * EPS) * size)
        store(e, j * w, select(exists, beta, splat(like, 0.0)))
        _extend(like, n, j + 1, V, r, beta, exists)


@allocating
def combine(like, n, k, V, y, s):
    """s = V y."""
    w = width(like)
    for i in range(0, n * w, w):
        total = splat(like, 0.0)
        for j in range(k):
            total = fma(load(like, V, j * n * w + i), load(like, y, j * w), total)
        store(s, i, total)
