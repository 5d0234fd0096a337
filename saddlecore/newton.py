"""Newton's method to critical points of any index, eight starts at once.

∇f = 0 is solved as a least-squares problem, min ‖∇f‖², by Levenberg and Marquardt's damped step

    (H² + μ D) s = −H ∇f,    D = max diag(H²),

which becomes Newton's step as μ → 0 and is attracted to saddles and maxima no less than to minima;
where H is singular it is the least-squares step.  μ follows Nielsen (1999): down by as much as the
model proved right, up faster and faster while it fails.

Variables are measured in widths of the box, W: ∇f stands for W∇f and H for WHW.

‖∇f‖² has minima of its own, where H∇f = 0 but ∇f ≠ 0: gradient-flat points, not critical ones
(Frye et al. 2021).  They end as `FLAT`.

A lane whose start has come to an end takes the next start: lanes never wait for the slowest.
"""

import math

import numpy as np

from saddlecore.jit import allocating, device, kernel
from saddlecore.laneops import select, splat, width, zeros
from saddlecore.memory import aligned, load, store
from saddlecore.second import second_at, second_scratch

__all__ = ["CONVERGED", "FLAT", "LEFT", "NOT_FINITE", "STOPPED", "newton"]

CONVERGED, FLAT, LEFT, STOPPED, NOT_FINITE = range(5)

_EPS = 2.0**-52
# What counts as 0 beside the box, where x itself is near 0.
_SMALL = 1e-3
# ‖H∇f‖ beside ‖H‖‖∇f‖ at a gradient-flat point; and the part of ‖∇f‖² that a step must promise.
_FLAT, _HOPELESS = 1e-5, 1e-6
_FIRST_DAMPING = 1e-2
_MOST_DAMPING = 1e12
_TINY = 1e-280


@device
def _in_widths(like, scale, n, out):
    """Turn derivatives into those by x_i / width_i: their sizes then do not depend on units."""
    w, at = width(like), 1 + n
    for i in range(n):
        store(out, (1 + i) * w, load(like, out, (1 + i) * w) * scale[i])
        for j in range(i + 1):
            store(out, at * w, load(like, out, at * w) * (scale[i] * scale[j]))
            at += 1


@device
def _entry(i, j):
    """Place of H_ij, i ≥ j, in what `_second` writes for n variables, less 1 + n."""
    return i * (i + 1) // 2 + j


@device
def _hessian(like, here, n, i, j):
    low, high = min(i, j), max(i, j)
    return load(like, here, (1 + n + _entry(high, low)) * width(like))


@device
def _square_norm(like, here, n):
    """‖∇f‖², infinite where it is not a number."""
    total = splat(like, 0.0)
    for i in range(n):
        g = load(like, here, (1 + i) * width(like))
        total += g * g
    return select(total < np.inf, total, splat(like, np.inf))


@device
def _slopes(like, here, n, begun, b, d):
    """−H∇f, and the largest diag(H²) so far (Moré 1978); returns ‖H∇f‖² and ‖H‖²_F.

    A variable that has lost its curvature would not be damped at all, and the others too much.
    """
    w = width(like)
    slope, size = splat(like, 0.0), splat(like, 0.0)
    for i in range(n):
        r, square = splat(like, 0.0), splat(like, 0.0)
        for j in range(n):
            h = _hessian(like, here, n, i, j)
            r -= h * load(like, here, (1 + j) * w)
            square += h * h
        store(b, i * w, r)
        store(d, i * w, select(begun, max(load(like, d, i * w), square), splat(like, 0.0)))
        slope += r * r
        size += square
    return slope, size


@device
def _weight(like, d, i, damping, least):
    """(μ D)_ii, with something where a row of H is zero: it must not stop the others."""
    return damping * max(load(like, d, i * width(like)), least) + least


@device
def _stack(like, here, n, d, damping, least, Q):
    """Rows of [H, −∇f] and, below, of [√(μ D), 0]: the least-squares problem of a step."""
    w, row = width(like), n + 1
    for i in range(n):
        for j in range(n):
            store(Q, (i * row + j) * w, _hessian(like, here, n, i, j))
            store(Q, ((n + i) * row + j) * w, splat(like, 0.0))
        store(Q, (i * row + n) * w, -load(like, here, (1 + i) * w))
        store(Q, ((n + i) * row + n) * w, splat(like, 0.0))
        root = math.sqrt(_weight(like, d, i, damping, least))
        store(Q, ((n + i) * row + i) * w, root)


@device
def _reflect(like, n, k, Q):
    """Householder's reflection that leaves of column k what is above row k, and row k.

    The column has entries in rows k … n − 1 and, below, in the first k + 1: rows k … n + k.
    """
    w, row = width(like), n + 1
    square = splat(like, 0.0)
    for i in range(k, n + k + 1):
        v = load(like, Q, (i * row + k) * w)
        square += v * v
    first, norm = load(like, Q, (k * row + k) * w), math.sqrt(square)
    end = select(first > 0.0, -norm, norm)
    store(Q, (k * row + k) * w, first - end)
    share = 1.0 / (square - first * end)
    for j in range(k + 1, n + 1):
        dot = splat(like, 0.0)
        for i in range(k, n + k + 1):
            dot += load(like, Q, (i * row + k) * w) * load(like, Q, (i * row + j) * w)
        dot *= share
        for i in range(k, n + k + 1):
            q = load(like, Q, (i * row + j) * w) - dot * load(like, Q, (i * row + k) * w)
            store(Q, (i * row + j) * w, q)
    store(Q, (k * row + k) * w, end)


@device
def _solve(like, here, n, d, damping, least, Q, s):
    """Minimise ‖H s + ∇f‖² + sᵀ μ D s by an orthogonal factorisation.

    (H² + μ D) s = −H ∇f would lose a direction of curvature 1e-8 ‖H‖, where H² has none.
    """
    w, row = width(like), n + 1
    _stack(like, here, n, d, damping, least, Q)
    for k in range(n):
        _reflect(like, n, k, Q)
    for i in range(n - 1, -1, -1):
        y = load(like, Q, (i * row + n) * w)
        for k in range(i + 1, n):
            y -= load(like, Q, (i * row + k) * w) * load(like, s, k * w)
        store(s, i * w, y / load(like, Q, (i * row + i) * w))


@device
def _is_zero(like, here, n, x, scale):
    """Where every component of the gradient is 0 as nearly as x can be written.

    That is, moving x by two bits could make it 0, or n + 2 roundings of terms of that size.
    """
    w, bits = width(like), (n + 2) * _EPS
    settled = splat(like, 0.0) < 1.0
    for i in range(n):
        reach = splat(like, 0.0)
        for j in range(n):
            size = abs(load(like, x, j * w)) / scale[j] + _SMALL
            reach += abs(_hessian(like, here, n, i, j)) * size
        settled &= abs(load(like, here, (1 + i) * w)) <= bits * reach
    return settled


@device
def _outside(like, n, x, bounds, scale):
    """Where x is further from the box than the box is wide."""
    out = splat(like, 0.0) > 0.0
    for i in range(n):
        xi = load(like, x, i * width(like))
        out |= (xi < bounds[i, 0] - scale[i]) | (xi > bounds[i, 1] + scale[i])
    return out


@device
def _predicted(like, n, d, b, s, damping, least):
    """By how much the model lowers ‖∇f‖²: sᵀ(b + μ D s)."""
    w, total = width(like), splat(like, 0.0)
    for i in range(n):
        si = load(like, s, i * w)
        total += si * (load(like, b, i * w) + _weight(like, d, i, damping, least) * si)
    return total


@device
def _take(like, accepted, count, source, target):
    """Copy the lanes where the step was accepted."""
    for k in range(count):
        at = k * width(like)
        store(target, at, select(accepted, load(like, source, at), load(like, target, at)))


# What is known about each lane: rows of a table.
_DAMPING, _GROWTH, _NORM, _STEPS, _END, _FLATNESS, _SIZE = range(7)
_GOING = -1.0


@device
def _begin(lanes, lane, w, n, start, x):
    """Set a lane to a start: its first step goes nowhere, and is taken."""
    lanes[_DAMPING, lane], lanes[_GROWTH, lane] = _FIRST_DAMPING, 2.0
    lanes[_NORM, lane], lanes[_STEPS, lane] = np.inf, 0.0
    lanes[_END, lane], lanes[_SIZE, lane] = _GOING, 0.0
    for i in range(n):
        x[i * w + lane] = start[i]


@device
def _finish(lanes, lane, w, n, x, row, results):
    """Hand a lane's end over."""
    X, norm, flatness, steps, status = results
    for i in range(n):
        X[row, i] = x[i * w + lane]
    norm[row], flatness[row] = math.sqrt(lanes[_NORM, lane]), lanes[_FLATNESS, lane]
    steps[row], status[row] = np.int64(lanes[_STEPS, lane]), np.int64(lanes[_END, lane])


@device
def _change(lanes, w, n, starts, x, row, coming, results):
    """Replace the starts that have come to an end; returns the next start and how many go on."""
    going = 0
    for lane in range(w):
        if lanes[_END, lane] != _GOING:
            if row[lane] >= 0:
                _finish(lanes, lane, w, n, x, row[lane], results)
                row[lane] = -1
            if coming < len(starts):
                _begin(lanes, lane, w, n, starts[coming], x)
                row[lane], coming = coming, coming + 1
        going += row[lane] >= 0
    return coming, going


@device
def _ending(like, n, here, x, y, bounds, scale, before, after, stuck, damping, steps, most):
    """Why a lane comes to its end with this step, or `_GOING`."""
    end = splat(like, _GOING)
    # The first step of a start only finds out what is there.
    begun = before < np.inf
    end = select((steps >= most) | (damping > _MOST_DAMPING), splat(like, 1.0 * STOPPED), end)
    end = select(stuck & begun, splat(like, 1.0 * FLAT), end)
    # A step outside that the next one takes back was none.
    left = _outside(like, n, x, bounds, scale) & _outside(like, n, y, bounds, scale)
    end = select(left, splat(like, 1.0 * LEFT), end)
    zero = _is_zero(like, here, n, x, scale) & begun
    end = select(zero | (before == 0.0), splat(like, 1.0 * CONVERGED), end)
    lost = (before == np.inf) & (after == np.inf)
    return select(lost, splat(like, 1.0 * NOT_FINITE), end)


@device
def _advance(like, forms, n, bounds, scale, most, vectors, matrices, lanes, scratch):
    """One step of every lane."""
    (x, y, s, b, d), (here, there, Q) = vectors, matrices
    damping, growth = load(like, lanes[_DAMPING], 0), load(like, lanes[_GROWTH], 0)
    before, steps = load(like, lanes[_NORM], 0), load(like, lanes[_STEPS], 0) + 1.0
    begun, zero = before < np.inf, splat(like, 0.0)
    slope, size = _slopes(like, here, n, begun, b, d)
    least = size * (_EPS * _EPS) + _TINY
    _solve(like, here, n, d, damping, least, Q, s)
    for i in range(n):
        at = i * width(like)
        step = select(begun, load(like, s, at), zero)
        store(y, at, load(like, x, at) + scale[i] * step)
    second_at(like, forms, y, n, scale, there, scratch)
    _in_widths(like, scale, n, there)
    after = _square_norm(like, there, n)
    better = after < before
    predicted = _predicted(like, n, d, b, s, damping, least)
    ratio = (before - after) / predicted
    turn = 2.0 * ratio - 1.0
    shrink = max(splat(like, 0.1), 1.0 - turn * turn * turn)
    eased, worse = damping * min(shrink, splat(like, 1.0)), damping * growth
    # H is seen as small beside what it was on the way: in one dimension it is all there is.
    largest = select(begun, max(load(like, lanes[_SIZE], 0), size), zero)
    # A model that goes on being right leads somewhere, however slowly: to a degenerate point.
    stuck = (slope <= (_FLAT * _FLAT) * largest * before) & (after > 0.9 * before)
    stuck &= (ratio < 0.75) & (predicted < _HOPELESS * before)
    end = _ending(
        like, n, here, x, y, bounds, scale, before, after, stuck, damping, steps, most
    )
    store(lanes[_END], 0, end)
    store(lanes[_STEPS], 0, steps)
    store(lanes[_SIZE], 0, largest)
    store(lanes[_FLATNESS], 0, math.sqrt(slope / (size * before)))
    store(lanes[_NORM], 0, select(better, after, before))
    store(lanes[_DAMPING], 0, select(begun, select(better, eased, worse), damping))
    store(lanes[_GROWTH], 0, select(better, splat(like, 2.0), 2.0 * growth))
    _take(like, better, n, y, x)
    _take(like, better, 1 + n + n * (n + 1) // 2, there, here)


@allocating
def _newton(like, forms, starts, bounds, most, results):
    n, w = starts.shape[1], width(like)
    if len(starts) == 0:
        return
    count = 1 + n + n * (n + 1) // 2
    vectors = (aligned(n * w), aligned(n * w), aligned(n * w), aligned(n * w), aligned(n * w))
    matrices = (aligned(count * w), aligned(count * w), aligned(2 * n * (n + 1) * w))
    lanes, scratch = aligned(7 * w).reshape(7, w), second_scratch(like, n)
    scale, row = bounds[:, 1] - bounds[:, 0], np.full(w, -1)
    matrices[0][:] = 0.0
    vectors[4][:] = 0.0
    # Lanes without a start must compute something harmless.
    for lane in range(w):
        _begin(lanes, lane, w, n, starts[0], vectors[0])
        lanes[_END, lane] = 1.0 * STOPPED
    coming, going = _change(lanes, w, n, starts, vectors[0], row, 0, results)
    while going > 0:
        _advance(like, forms, n, bounds, scale, 1.0 * most, vectors, matrices, lanes, scratch)
        coming, going = _change(lanes, w, n, starts, vectors[0], row, coming, results)


@kernel
def newton(forms, starts, bounds, most, X, norm, flatness, steps, status):
    """Follow every start to a point where the gradient vanishes.

    Parameters
    ----------
    forms : (SLOTS, 2) int64
    starts : (m, n) float64
    bounds : (n, 2) float64
        The box searched; a start is given up when it is further out than the box is wide.
    most : int
        Steps at most.
    X : (m, n) float64, out
        Where each start ended.
    norm, flatness : (m,) float64, out
        ‖W∇f‖ there, and ‖WHWW∇f‖ / (‖WHW‖‖W∇f‖) one step before.
    steps, status : (m,) int64, out
        `CONVERGED`: the gradient is 0 as nearly as x can be written.  `FLAT`: H∇f is 0 (to 1e-5
        of ‖∇f‖ and the largest ‖H‖ on the way), ∇f is not.  `LEFT`: far out of the box.
        `STOPPED`: no step lowers ‖∇f‖ any more (it may be 0 as nearly as differences can tell),
        or too many.  `NOT_FINITE`: at the start.
    """
    _newton(zeros(8), forms, starts, bounds, most, (X, norm, flatness, steps, status))
