"""Hessians by differences of a gradient, each entry with its error.

A column of the Hessian is a difference of two gradients.  With many points eight of them go side
by side; with few, eight columns of one point.  Each entry off the diagonal comes twice, from
column i and from column j: the mean is returned, and half of their difference is part of its error.
"""

import numpy as np

from saddlecore.forms import GRADIENT, LANES, call_form
from saddlecore.jit import allocating, device, kernel
from saddlecore.laneops import lane_numbers, select, splat, zeros
from saddlecore.memory import aligned, load, store
from saddlecore.transposes import scatter

__all__ = ["hessian_from_gradients"]

CENTRAL, FORWARD, RICHARDSON = 0, 1, 2

_EPS, _TINY = 2.0**-52, 2.0**-1000
# ε^(1/3), ε^(1/3) and ε^(1/5): where truncation and rounding balance in each scheme.
_PARTS = np.array([2.0**-17, 2.0**-17, 2.0**-10])
# Rounding of a gradient, in ulps of the largest gradient seen; and caution about truncation.
_ROUNDING, _CAUTION = 2.0, 2.0
# Signs of the direction along which truncation is measured.
_SIGNS = np.array([1.0, -1.0, 1.0, 1.0, -1.0])
# Gradients that a scheme takes: so many for each variable, and so many more.
_COUNTS = np.array([[2, 5], [2, 4], [4, 1]])
# Where the gradient is taken on it, in steps, and with what weights, by scheme; 0: no more.
_LINES = np.array([[1.0, -1.0, 2.0, -2.0], [1.0, 2.0, 3.0, 0.0]])
_WEIGHTS = np.array([[-2.0, 2.0, 1.0, -1.0], [12.0, -12.0, 4.0, 0.0]]) / 12.0


@allocating
def _gradient(like, forms, x, n, used, out, one, result):
    """∇f of the lanes, in lanes or lane by lane; lanes from `used` on repeat the last one."""
    if forms[GRADIENT + 1, 0] != 0:
        call_form(forms[GRADIENT + 1, 0], x, 0, n, out, 0, forms[GRADIENT + 1, 1])
        return
    for lane in range(LANES):
        if lane < used:
            for i in range(n):
                one[i] = x[i * LANES + lane]
            call_form(forms[GRADIENT, 0], one, 0, n, result, 0, forms[GRADIENT, 1])
        for i in range(n):
            out[i * LANES + lane] = result[i]


@device
def _unit(like, block, v):
    """The lanes that a move of variable v belongs to."""
    if block == 1:
        return splat(like, 1.0)
    mine = lane_numbers(like) == np.uint64(v % LANES)
    return select(mine, splat(like, 1.0), splat(like, 0.0))


@device
def _enter(like, X, first, block, step, scheme, x, h, moved):
    """Eight points side by side, or one eight times, and their steps."""
    m, n = X.shape
    for lane in range(LANES):
        point = min(first + lane, m - 1) if block == 1 else first
        for i in range(n):
            x[i * LANES + lane] = X[point, i]
    for i in range(n):
        xi = load(like, x, i * LANES)
        size = select(abs(xi) > 0.0, abs(xi), splat(like, 1.0))
        chosen = _PARTS[scheme] * size
        if len(step) > 0:
            chosen = splat(like, step[i])
        store(h, i * LANES, (xi + chosen) - xi)
        store(moved, i * LANES, xi)


@device
def _move(like, n, first, block, times, x, h, moved):
    """Move a block of variables, each in its lanes."""
    for v in range(first, min(first + block, n)):
        at = v * LANES
        store(moved, at, load(like, x, at) + times * load(like, h, at) * _unit(like, block, v))


@device
def _steps_of(like, n, first, block, h):
    """The step of each lane's own variable."""
    total = splat(like, 0.0)
    for v in range(first, min(first + block, n)):
        total += load(like, h, v * LANES) * _unit(like, block, v)
    return select(total > 0.0, total, splat(like, 1.0))


@device
def _record(like, n, scheme, ring, column, blocks, per, buffers, work):
    """Difference the gradients of a ring of moves: a column of work[0], its errors in work[1].

    `per` is 1 over the distance between the two.
    """
    here, near, far, largest = buffers[3], buffers[4], buffers[5], buffers[6]
    for i in range(n):
        up, at = load(like, near, i * LANES), (i * blocks + column) * LANES
        down = load(like, here if scheme == FORWARD else far, i * LANES)
        size = max(abs(up), abs(down))
        store(largest, i * LANES, max(load(like, largest, i * LANES), size))
        slope = (up - down) * per
        if ring == 2:
            short = load(like, work[0], at)
            gap = abs(short - slope)
            error = _CAUTION * gap
            if scheme == FORWARD:
                # What is left is smaller by as much again.
                error *= min(splat(like, 1.0), 4.0 * gap / (gap + abs(short) + _TINY))
                slope = 2.0 * short - slope
            else:
                slope, error = (4.0 * short - slope) / 3.0, error / 3.0
            store(work[1], at, error)
        store(work[0], at, slope)


@allocating
def _columns(like, forms, n, block, scheme, used, buffers, work):
    """Differences of gradients along each variable: values to work[0], errors to work[1]."""
    x, h, moved, _, near, far, _, one, result = buffers
    blocks = (n + block - 1) // block
    for b in range(blocks):
        first = b * block
        mine = used if block == 1 else min(block, n - first)
        steps = _steps_of(like, n, first, block, h)
        for ring in range(1, 2 if scheme == CENTRAL else 3):
            _move(like, n, first, block, 1.0 * ring, x, h, moved)
            _gradient(like, forms, moved, n, mine, near, one, result)
            if scheme != FORWARD:
                _move(like, n, first, block, -1.0 * ring, x, h, moved)
                _gradient(like, forms, moved, n, mine, far, one, result)
            per = 1.0 / (steps * (1.0 * ring if scheme == FORWARD else 2.0 * ring))
            _record(like, n, scheme, ring, b, blocks, per, buffers, work)
        _move(like, n, first, block, 0.0, x, h, moved)


@allocating
def _truncation(like, forms, n, scheme, used, buffers, cubic):
    """The error of third order in each slope, along a direction through all variables.

    CENTRAL: h³g‴/6, from four gradients; FORWARD: h³g‴/3, from three and that at x.
    """
    x, h, moved, here, near, _, _, one, result = buffers
    for i in range(n):
        start = load(like, here, i * LANES) * (-1.0 / 3.0 if scheme == FORWARD else 0.0)
        store(cubic, i * LANES, start)
    for k in range(len(_LINES[scheme])):
        times, weight = _LINES[scheme, k], _WEIGHTS[scheme, k]
        if weight == 0.0:
            break
        for v in range(n):
            at = v * LANES
            move = times * _SIGNS[v % len(_SIGNS)] * load(like, h, at)
            store(moved, at, load(like, x, at) + move)
        _gradient(like, forms, moved, n, used, near, one, result)
        for i in range(n):
            part = weight * load(like, near, i * LANES)
            store(cubic, i * LANES, load(like, cubic, i * LANES) + part)
    for v in range(n):
        store(moved, v * LANES, load(like, x, v * LANES))


@device
def _doubt(cubic, largest, h, error):
    """How far an entry of a column with step h may be off."""
    return error + (_ROUNDING * _EPS * largest + _CAUTION * abs(cubic)) * abs(1.0 / h)


@device
def _both(one, other, doubt, other_doubt):
    """The mean of an entry's two computations, and its error."""
    value = 0.5 * (one + other)
    doubt = max(doubt, other_doubt) + abs(one - other)
    return value, doubt + 4.0 * _EPS * abs(value)


@allocating
def _publish(n, buffers, work, cubic, hessian, error):
    """Write the Hessian of one point, whose columns lie side by side in lanes."""
    h, largest, blocks = buffers[1], buffers[6], (n + LANES - 1) // LANES
    for i in range(n):
        for j in range(i + 1):
            at = (i * blocks + j // LANES) * LANES + j % LANES
            turned = (j * blocks + i // LANES) * LANES + i % LANES
            value, doubt = _both(
                work[0, at], work[0, turned],
                _doubt(cubic[i * LANES], largest[i * LANES], h[j * LANES], work[1, at]),
                _doubt(cubic[j * LANES], largest[j * LANES], h[i * LANES], work[1, turned]),
            )  # fmt: skip
            hessian[i, j], hessian[j, i] = value, value
            error[i, j], error[j, i] = doubt, doubt


@allocating
def _symmetrise(like, n, buffers, work, cubic):
    """Replace the columns of points side by side by their Hessians, and the errors of those."""
    h, largest = buffers[1], buffers[6]
    # 1/|h| in the place of h, and what is not of the column in that of `largest`.
    for i in range(n):
        at = i * LANES
        store(h, at, abs(1.0 / load(like, h, at)))
        rounding = _ROUNDING * _EPS * load(like, largest, at)
        store(largest, at, rounding + _CAUTION * abs(load(like, cubic, at)))
    for i in range(n):
        row, per_row = load(like, largest, i * LANES), load(like, h, i * LANES)
        for j in range(i + 1):
            at, turned = (i * n + j) * LANES, (j * n + i) * LANES
            doubt = load(like, work[1], at) + row * load(like, h, j * LANES)
            other = load(like, work[1], turned) + load(like, largest, j * LANES) * per_row
            value, doubt = _both(load(like, work[0], at), load(like, work[0], turned), doubt, other)
            store(work[0], at, value)
            store(work[0], turned, value)
            store(work[1], at, doubt)
            store(work[1], turned, doubt)


@allocating
def _spread_largest(n, largest):
    """Give the largest gradient of any column to lane 0, whose error all columns share."""
    for i in range(n):
        for lane in range(1, LANES):
            largest[i * LANES] = max(largest[i * LANES], largest[i * LANES + lane])


@kernel
def hessian_from_gradients(forms, X, scheme, step, hessian, error, evaluations):
    """Hessians from the objective's gradient.

    Parameters
    ----------
    forms : (SLOTS, 2) int64
        With a gradient, in plain numbers or in lanes.
    X : (m, n) float64
    scheme : int
        0 central: 2n + 5 gradients; 1 forward: 2n + 4; 2 Richardson: 4n + 1.
    step : (n,) or (0,) float64
        Steps; chosen relative to |x_i| (to 1 at 0) if there are none.
    hessian, error : (m, n, n) float64, out
    evaluations : (m,) int64, out
        Gradients that the point needed.
    """
    like = zeros(8)
    m, n = X.shape
    block = 1 if m >= LANES else LANES
    blocks = (n + block - 1) // block
    size = n * LANES
    buffers = (aligned(size), aligned(size), aligned(size), aligned(size), aligned(size),
               aligned(size), aligned(size), np.empty(n), np.empty(n))  # fmt: skip
    x, h, moved, here, _, _, largest, one, result = buffers
    work = aligned(2 * n * blocks * LANES).reshape(2, n * blocks * LANES)
    work[1] = 0.0
    cubic, order, starts = aligned(size), np.arange(n * n) * LANES, np.empty(LANES, np.int64)
    cubic[:] = 0.0
    out, out_error = hessian.reshape(hessian.size), error.reshape(error.size)
    together = LANES if block == 1 else 1
    for first in range(0, m, together):
        used = min(together, m - first)
        _enter(like, X, first, block, step, scheme, x, h, moved)
        _gradient(like, forms, x, n, used, here, one, result)
        for i in range(n):
            store(largest, i * LANES, abs(load(like, here, i * LANES)))
        _columns(like, forms, n, block, scheme, used, buffers, work)
        if scheme != RICHARDSON:
            _truncation(like, forms, n, scheme, used, buffers, cubic)
        if block == 1:
            _symmetrise(like, n, buffers, work, cubic)
            scatter(work[0], order, 0, first, used, starts, out)
            scatter(work[1], order, 0, first, used, starts, out_error)
            work[1] = 0.0
        else:
            _spread_largest(n, largest)
            _publish(n, buffers, work, cubic, hessian[first], error[first])
        evaluations[first : first + used] = _COUNTS[scheme, 0] * n + _COUNTS[scheme, 1]
