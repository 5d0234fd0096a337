"""f, ∇f and the Hessian at eight points at once, from whatever forms an objective has.

For solvers in lanes, which want all three at every step and no estimates of their errors: exact if
the objective has that form, else by central differences of its gradient, else of its values.
"""

import numpy as np

from saddlecore.first import (
    GRADIENT_STEP,
    difference_gradient,
    gradient_scratch,
    step_of,
    value_at,
)
from saddlecore.forms import GRADIENT, GRADIENT_LANES, SECOND, SECOND_LANES
from saddlecore.jit import allocating, device
from saddlecore.lanecalls import call_in_lanes, lane_scratch
from saddlecore.laneops import splat, width
from saddlecore.memory import aligned, load, store

__all__ = ["second_at", "second_scratch"]

# Calls of a form dwarf what else is done here: nothing below is inlined, to compile in seconds.

# Relative to a variable's size: ε^(1/4) balances truncation against rounding.
_HESSIAN_STEP = 2.0**-13


@allocating
def second_scratch(like, n):
    """Buffers for `second_at`."""
    w = width(like)
    return (
        aligned(n * w),  # the point, moved
        aligned(n * w),  # steps
        aligned(n * w),  # gradients, or second differences
        aligned(n * w),
        lane_scratch(n, 1 + n + n * (n + 1) // 2),
        gradient_scratch(like, n),
        np.ones(w),  # all lanes are alive
    )


@allocating
def _value(like, forms, x, n, scratch):
    return value_at(like, forms, x, 0, n, scratch[6], scratch[5])


@allocating
def _gradient(like, forms, x, n, out, scratch):
    call_in_lanes(like, forms, GRADIENT, x, 0, n, n, n, out, 0, scratch[6], scratch[4])


@allocating
def _set_steps(like, x, n, typical, part, moved, steps):
    """Copy x, and choose steps."""
    w = width(like)
    for i in range(n):
        xi = load(like, x, i * w)
        store(moved, i * w, xi)
        store(steps, i * w, step_of(like, xi, part, typical[i]))


@allocating
def _from_gradients(like, forms, x, n, typical, out, scratch):
    moved, steps, up, down = scratch[0], scratch[1], scratch[2], scratch[3]
    w = width(like)
    store(out, 0, _value(like, forms, x, n, scratch))
    _gradient(like, forms, x, n, up, scratch)
    for i in range(n):
        store(out, (1 + i) * w, load(like, up, i * w))
    _set_steps(like, x, n, typical, GRADIENT_STEP, moved, steps)
    for at in range(n * (n + 1) // 2):
        store(out, (1 + n + at) * w, splat(like, 0.0))
    for j in range(n):
        xj, h = load(like, x, j * w), load(like, steps, j * w)
        store(moved, j * w, xj + h)
        _gradient(like, forms, moved, n, up, scratch)
        store(moved, j * w, xj - h)
        _gradient(like, forms, moved, n, down, scratch)
        store(moved, j * w, xj)
        for i in range(n):
            # Each entry off the diagonal comes twice, once from either gradient.
            part = 1.0 if i == j else 0.5
            low, high = min(i, j), max(i, j)
            at = (1 + n + high * (high + 1) // 2 + low) * w
            slope = (load(like, up, i * w) - load(like, down, i * w)) / (2.0 * h)
            store(out, at, load(like, out, at) + part * slope)


@allocating
def _from_values(like, forms, x, n, typical, out, scratch):
    """Two values for each pair and one second difference for each axis."""
    moved, steps, seconds, w = scratch[0], scratch[1], scratch[3], width(like)
    f = _value(like, forms, x, n, scratch)
    store(out, 0, f)
    difference_gradient(like, forms, x, 0, n, typical, out, w, scratch[6], scratch[5])
    _set_steps(like, x, n, typical, _HESSIAN_STEP, moved, steps)
    for i in range(n):
        xi, hi = load(like, x, i * w), load(like, steps, i * w)
        store(moved, i * w, xi + hi)
        up = _value(like, forms, moved, n, scratch)
        store(moved, i * w, xi - hi)
        bend = (up - f) + (_value(like, forms, moved, n, scratch) - f)
        store(seconds, i * w, bend)
        at = 1 + n + i * (i + 1) // 2
        store(out, (at + i) * w, bend / (hi * hi))
        for j in range(i):
            xj, hj = load(like, x, j * w), load(like, steps, j * w)
            store(moved, i * w, xi + hi)
            store(moved, j * w, xj + hj)
            up = _value(like, forms, moved, n, scratch)
            store(moved, i * w, xi - hi)
            store(moved, j * w, xj - hj)
            both = (up - f) + (_value(like, forms, moved, n, scratch) - f)
            store(moved, j * w, xj)
            mixed = both - bend - load(like, seconds, j * w)
            store(out, (at + j) * w, mixed / (2.0 * hi * hj))
        store(moved, i * w, xi)


@device
def second_at(like, forms, x, n, typical, out, scratch):
    """Write f, ∇f and the lower triangle of the Hessian, row by row, at eight points.

    Parameters
    ----------
    like : Lanes
        Of the width of forms in lanes.
    forms : (SLOTS, 2) int64
    x : flat float64
        The points side by side.
    typical : (n,) float64
        Sizes of the variables, for steps at 0.
    out : flat float64, out
        1 + n + n(n + 1)/2 lanes.
    scratch
        From `second_scratch`.
    """
    if forms[SECOND, 0] != 0 or forms[SECOND_LANES, 0] != 0:
        count = 1 + n + n * (n + 1) // 2
        call_in_lanes(like, forms, SECOND, x, 0, n, n, count, out, 0, scratch[6], scratch[4])
    elif forms[GRADIENT, 0] != 0 or forms[GRADIENT_LANES, 0] != 0:
        _from_gradients(like, forms, x, n, typical, out, scratch)
    else:
        _from_values(like, forms, x, n, typical, out, scratch)
