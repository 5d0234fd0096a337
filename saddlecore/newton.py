"""Newton's method to critical points of any index, eight starts at once.

∇f = 0 is solved as a least-squares problem, min ‖∇f‖², by Levenberg and Marquardt's damped step

    (H² + μ D) s = −H ∇f,    D = diag(H²),

which becomes Newton's step as μ → 0 and is attracted to saddles and maxima no less than to minima;
where H is singular it is the least-squares step.  μ follows Nielsen (1999): down by as much as the
model proved right, up faster and faster while it fails.

‖∇f‖² has minima of its own, where H∇f = 0 but ∇f ≠ 0: gradient-flat points, not critical ones
(Frye et al. 2021).  They end as `FLAT`.

A lane whose start has come to an end takes the next start: lanes never wait for the slowest.
"""

import math

import numpy as np

from saddlecore.differences import derivatives_here, derivatives_scratch
from saddlecore.forms import SECOND_LANES, call_form
from saddlecore.jit import allocating, device, kernel
from saddlecore.laneops import any_lane, select, splat, width, zeros
from saddlecore.memory import aligned, load, store

__all__ = ["CONVERGED", "FLAT", "LEFT", "NOT_FINITE", "STOPPED", "newton"]

CONVERGED, FLAT, LEFT, STOPPED, NOT_FINITE = range(5)

_EPS = 2.0**-52
# A component of the gradient is 0 if moving x by this part of its last bit could make it so.
_LAST_BIT = 4.0 * _EPS
# What counts as 0 beside the box, where x itself is near 0.
_SMALL = 1e-3
_FLAT = 1e-7
_FIRST_DAMPING = 1e-2
_MOST_DAMPING = 1e12
_TINY = 1e-280


@device
def _second(like, forms, x, n, out, scratch):
    """f, ∇f and the lower triangle of H at x."""
    if forms[SECOND_LANES, 0] != 0:
        call_form(forms[SECOND_LANES, 0], x, 0, n, out, 0, forms[SECOND_LANES, 1])
    else:
        derivatives_here(forms, x, n, out, scratch)


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
def _normal_equations(like, here, n, A, b):
    """H² below its diagonal and on it, and −H∇f; returns ‖H∇f‖² and ‖H‖²_F."""
    w = width(like)
    slope, size = splat(like, 0.0), splat(like, 0.0)
    for i in range(n):
        r = splat(like, 0.0)
        for j in range(n):
            h = _hessian(like, here, n, i, j)
            r -= h * load(like, here, (1 + j) * w)
            size += h * h
        store(b, i * w, r)
        slope += r * r
        for j in range(i + 1):
            s = splat(like, 0.0)
            for k in range(n):
                s += _hessian(like, here, n, i, k) * _hessian(like, here, n, j, k)
            store(A, (i * n + j) * w, s)
    return slope, size


@device
def _solve(like, n, A, L, damping, size, b, s):
    """Solve (A + damping·diag A) s = b by Cholesky's factorisation, the factor in L."""
    w = width(like)
    # A row of zeros must not stop the others.
    least = size * (_EPS * _EPS) + _TINY
    for i in range(n):
        y = load(like, b, i * w)
        for j in range(i + 1):
            a = load(like, A, (i * n + j) * w)
            if i == j:
                a += damping * max(a, least) + least
            for k in range(j):
                a -= load(like, L, (i * n + k) * w) * load(like, L, (j * n + k) * w)
            if i == j:
                a = 1.0 / math.sqrt(max(a, least))  # the diagonal of L, inverted
            else:
                a *= load(like, L, (j * n + j) * w)
                y -= a * load(like, s, j * w)
            store(L, (i * n + j) * w, a)
        store(s, i * w, y * load(like, L, (i * n + i) * w))
    for i in range(n - 1, -1, -1):
        y = load(like, s, i * w)
        for k in range(i + 1, n):
            y -= load(like, L, (k * n + i) * w) * load(like, s, k * w)
        store(s, i * w, y * load(like, L, (i * n + i) * w))


@device
def _is_zero(like, here, n, x, scale):
    """Where every component of the gradient is 0 as nearly as x can be written."""
    w = width(like)
    settled = splat(like, 0.0) < 1.0
    for i in range(n):
        reach = splat(like, 0.0)
        for j in range(n):
            size = abs(load(like, x, j * w)) + _SMALL * scale[j]
            reach += abs(_hessian(like, here, n, i, j)) * size
        settled &= abs(load(like, here, (1 + i) * w)) <= _LAST_BIT * reach
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
def _predicted(like, n, A, b, s, damping, size):
    """By how much the model lowers ‖∇f‖²: sᵀ(b + damping·D s)."""
    w, total = width(like), splat(like, 0.0)
    least = size * (_EPS * _EPS) + _TINY
    for i in range(n):
        si, d = load(like, s, i * w), load(like, A, (i * n + i) * w)
        total += si * (load(like, b, i * w) + (damping * max(d, least) + least) * si)
    return total


@device
def _take(like, accepted, count, source, target):
    """Copy the lanes where the step was accepted."""
    for k in range(count):
        at = k * width(like)
        store(target, at, select(accepted, load(like, source, at), load(like, target, at)))


# What is known about each lane: rows of a table.
_DAMPING, _GROWTH, _NORM, _STEPS, _END, _FLATNESS = range(6)
_GOING = -1.0


@device
def _begin(lanes, lane, w, n, start, x):
    """Set a lane to a start: its first step goes nowhere, and is taken."""
    lanes[_DAMPING, lane], lanes[_GROWTH, lane] = _FIRST_DAMPING, 2.0
    lanes[_NORM, lane], lanes[_STEPS, lane] = np.inf, 0.0
    lanes[_END, lane] = _GOING
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
def _ending(like, n, here, x, bounds, scale, before, after, slope, size, damping, steps, most):
    """Why a lane comes to its end with this step, or `_GOING`."""
    end = splat(like, _GOING)
    slow = after > 0.9 * before
    flat = slow & (slope <= (_FLAT * _FLAT) * size * before)
    # The first step of a start only finds out what is there.
    begun = before < np.inf
    end = select((steps >= most) | (damping > _MOST_DAMPING), splat(like, 1.0 * STOPPED), end)
    end = select(flat & begun, splat(like, 1.0 * FLAT), end)
    end = select(_outside(like, n, x, bounds, scale), splat(like, 1.0 * LEFT), end)
    # Not while it still falls: towards a degenerate point x is only two thirds nearer each time.
    zero = _is_zero(like, here, n, x, scale) & begun & (after > 0.5 * before)
    end = select(zero | (before == 0.0), splat(like, 1.0 * CONVERGED), end)
    lost = (before == np.inf) & (after == np.inf)
    return select(lost, splat(like, 1.0 * NOT_FINITE), end)


@device
def _advance(like, forms, n, bounds, scale, most, vectors, matrices, lanes, scratch):
    """One step of every lane."""
    (x, y, s, b), (here, there, A, L) = vectors, matrices
    damping, growth = load(like, lanes[_DAMPING], 0), load(like, lanes[_GROWTH], 0)
    before, steps = load(like, lanes[_NORM], 0), load(like, lanes[_STEPS], 0) + 1.0
    begun, zero = before < np.inf, splat(like, 0.0)
    slope, size = _normal_equations(like, here, n, A, b)
    _solve(like, n, A, L, damping, size, b, s)
    for i in range(n):
        at = i * width(like)
        step = select(begun, load(like, s, at), zero)
        store(y, at, load(like, x, at) + step)
    _second(like, forms, y, n, there, scratch)
    after = _square_norm(like, there, n)
    better = after < before
    ratio = (before - after) / _predicted(like, n, A, b, s, damping, size)
    turn = 2.0 * ratio - 1.0
    shrink = max(splat(like, 0.1), 1.0 - turn * turn * turn)
    eased, worse = damping * min(shrink, splat(like, 1.0)), damping * growth
    end = _ending(
        like, n, here, x, bounds, scale, before, after, slope, size, damping, steps, most
    )
    store(lanes[_END], 0, end)
    store(lanes[_STEPS], 0, steps)
    store(lanes[_FLATNESS], 0, math.sqrt(slope / (size * before)))
    store(lanes[_NORM], 0, select(better, after, before))
    store(lanes[_DAMPING], 0, select(begun, select(better, eased, worse), damping))
    store(lanes[_GROWTH], 0, select(better, splat(like, 2.0), 2.0 * growth))
    _take(like, better, n, y, x)
    _take(like, better, 1 + n + n * (n + 1) // 2, there, here)


@allocating
def _newton(like, forms, starts, bounds, most, results):
    m, n, w = starts.shape[0], starts.shape[1], width(like)
    count = 1 + n + n * (n + 1) // 2
    vectors = (aligned(n * w), aligned(n * w), aligned(n * w), aligned(n * w))
    matrices = (aligned(count * w), aligned(count * w), aligned(n * n * w), aligned(n * n * w))
    lanes, scratch = aligned(6 * w).reshape(6, w), derivatives_scratch(n)
    scale, row = bounds[:, 1] - bounds[:, 0], np.full(w, -1)
    matrices[0][:] = 0.0
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
        ‖∇f‖ there, and ‖H∇f‖ / (‖H‖‖∇f‖) one step before.
    steps, status : (m,) int64, out
        `CONVERGED`: the gradient is 0 as nearly as x can be written.  `FLAT`: H∇f is 0, ∇f is
        not.  `LEFT`: far out of the box.  `STOPPED`: no step lowers ‖∇f‖ any more (it may
        be 0 as nearly as differences can tell), or too many.  `NOT_FINITE`: at the start.
    """
    _newton(zeros(8), forms, starts, bounds, most, (X, norm, flatness, steps, status))
