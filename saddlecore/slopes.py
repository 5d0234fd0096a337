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

__all__ = ["hessian_from_gradients"]

CENTRAL, FORWARD, RICHARDSON = 0, 1, 2

_EPS, _TINY = 2.0**-52, 2.0**-1000
# ε^(1/3), ε^(1/3) and ε^(1/5): where truncation and rounding balance in each scheme.
_PARTS = np.array([2.0**-17, 2.0**-17, 2.0**-10])
# Rounding of a gradient, in ulps of the largest gradient seen; and caution about truncation.
_ROUNDING, _CAUTION = 2.0, 2.0
# Signs of the direction along which truncation is measured.
_SIGNS = np.array([1.0, -1.0, 1.0, 1.0, -1.0])


@allocating
def _gradient(like, forms, x, n, out, one, result):
    """∇f of the lanes, in lanes or lane by lane."""
    if forms[GRADIENT + 1, 0] != 0:
        call_form(forms[GRADIENT + 1, 0], x, 0, n, out, 0, forms[GRADIENT + 1, 1])
        return
    for lane in range(LANES):
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


@allocating
def _columns(like, forms, n, block, scheme, buffers, work):
    """Differences of gradients along each variable: values to work[0], errors to work[1]."""
    x, h, moved, here, near, far, largest, one, result = buffers
    blocks = (n + block - 1) // block
    for b in range(blocks):
        first = b * block
        steps = _steps_of(like, n, first, block, h)
        for ring in range(1, 2 if scheme == CENTRAL else 3):
            _move(like, n, first, block, 1.0 * ring, x, h, moved)
            _gradient(like, forms, moved, n, near, one, result)
            if scheme != FORWARD:
                _move(like, n, first, block, -1.0 * ring, x, h, moved)
                _gradient(like, forms, moved, n, far, one, result)
            wide = steps * (ring if scheme == FORWARD else 2.0 * ring)
            for i in range(n):
                up, at = load(like, near, i * LANES), (i * blocks + b) * LANES
                down = load(like, here if scheme == FORWARD else far, i * LANES)
                size = max(abs(up), abs(down))
                store(largest, i * LANES, max(load(like, largest, i * LANES), size))
                slope, error = (up - down) / wide, splat(like, 0.0)
                if ring == 2:
                    short = load(like, work[0], at)
                    error = _CAUTION * abs(short - slope)
                    if scheme == FORWARD:
                        # What is left is smaller by as much again.
                        gap = abs(short - slope)
                        error *= min(splat(like, 1.0), 4.0 * gap / (gap + abs(short) + _TINY))
                        slope = 2.0 * short - slope
                    else:
                        slope, error = (4.0 * short - slope) / 3.0, error / 3.0
                store(work[0], at, slope)
                store(work[1], at, error)
        _move(like, n, first, block, 0.0, x, h, moved)


@allocating
def _truncation(like, forms, n, buffers, cubic):
    """The cubic part of each slope along a direction through all variables, one step long."""
    x, h, moved, _, near, far, _, one, result = buffers
    for i in range(n):
        store(cubic, i * LANES, splat(like, 0.0))
    for ring in range(1, 3):
        for side in range(2):
            times = -1.0 * ring if side else 1.0 * ring
            for v in range(n):
                at = v * LANES
                move = times * _SIGNS[v % len(_SIGNS)] * load(like, h, at)
                store(moved, at, load(like, x, at) + move)
            _gradient(like, forms, moved, n, far if side else near, one, result)
        for i in range(n):
            odd = 0.5 * (load(like, near, i * LANES) - load(like, far, i * LANES))
            part = -2.0 * odd if ring == 1 else odd
            store(cubic, i * LANES, load(like, cubic, i * LANES) + part / 6.0)
    for v in range(n):
        store(moved, v * LANES, load(like, x, v * LANES))


@device
def _entry(work, table, blocks, block, i, j, lane):
    """Entry (i, j) of a table of columns, for a lane of points side by side."""
    if block == 1:
        return work[table, (i * blocks + j) * LANES + lane]
    return work[table, (i * blocks + j // LANES) * LANES + j % LANES]


@device
def _doubt(work, cubic, h, largest, blocks, block, i, j, lane):
    """How far column j's entry i may be off."""
    size = abs(h[j * LANES + lane])
    rounding = _ROUNDING * _EPS * largest[i * LANES + lane]
    truncation = _CAUTION * abs(cubic[i * LANES + lane])
    return _entry(work, 1, blocks, block, i, j, lane) + (rounding + truncation) / size


@allocating
def _publish(n, block, lane, buffers, work, cubic, hessian, error):
    h, largest = buffers[1], buffers[6]
    blocks = (n + block - 1) // block
    for i in range(n):
        for j in range(i + 1):
            one = _entry(work, 0, blocks, block, i, j, lane)
            other = _entry(work, 0, blocks, block, j, i, lane)
            value = one if i == j else 0.5 * (one + other)
            doubt = _doubt(work, cubic, h, largest, blocks, block, i, j, lane)
            doubt = max(doubt, _doubt(work, cubic, h, largest, blocks, block, j, i, lane))
            doubt += abs(one - other) + 4.0 * _EPS * abs(value)
            hessian[i, j], hessian[j, i] = value, value
            error[i, j], error[j, i] = doubt, doubt


@allocating
def _spread_largest(n, block, largest):
    """Give the largest gradient of any column to lane 0, whose error all columns share."""
    if block > 1:
        for i in range(n):
            most = 0.0
            for lane in range(LANES):
                most = max(most, largest[i * LANES + lane])
            for lane in range(LANES):
                largest[i * LANES + lane] = most


@kernel
def hessian_from_gradients(forms, X, scheme, step, hessian, error, evaluations):
    """Hessians from the objective's gradient.

    Parameters
    ----------
    forms : (SLOTS, 2) int64
        With a gradient, in plain numbers or in lanes.
    X : (m, n) float64
    scheme : int
        0 central: 2n + 5 gradients; 1 forward: 2n + 1; 2 Richardson: 4n + 1.
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
    cubic = aligned(size)
    cubic[:] = 0.0
    together = LANES if block == 1 else 1
    for first in range(0, m, together):
        _enter(like, X, first, block, step, scheme, x, h, moved)
        _gradient(like, forms, x, n, here, one, result)
        for i in range(n):
            store(largest, i * LANES, abs(load(like, here, i * LANES)))
        _columns(like, forms, n, block, scheme, buffers, work)
        if scheme == CENTRAL:
            _truncation(like, forms, n, buffers, cubic)
        _spread_largest(n, block, largest)
        for lane in range(min(together, m - first)):
            k = first + lane
            _publish(n, block, lane, buffers, work, cubic, hessian[k], error[k])
            evaluations[k] = 2 * n + 5 if scheme == CENTRAL else (2 * scheme * n + 1)
