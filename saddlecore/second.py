"""f, ∇f and the Hessian at eight points at once, from whatever forms an objective has.

For solvers in lanes, which want all three at every step and no estimates of their errors: exact if
the objective has that form, else by central differences of its gradient, else of its values.
"""

import numpy as np

from saddlecore.forms import (
    GRADIENT,
    GRADIENT_LANES,
    SECOND,
    SECOND_LANES,
    VALUE,
    call_form,
)
from saddlecore.jit import allocating, device
from saddlecore.laneops import splat, width
from saddlecore.memory import aligned, load, store

__all__ = ["second_at", "second_scratch"]

# Calls of a form dwarf what else is done here: nothing below is inlined, to compile in seconds.

# Steps relative to a variable's size: ε^(1/3) and ε^(1/4) balance truncation against rounding.
_GRADIENT_STEP, _HESSIAN_STEP = 2.0**-17, 2.0**-13
# A variable's size is not below this part of its typical one.
_SMALL = 1e-2


@allocating
def second_scratch(like, n):
    """Buffers for `second_at`."""
    w = width(like)
    return (
        aligned(n * w),  # the point, moved
        aligned(n * w),  # steps
        aligned((n + 1) * w),  # what a form gives
        aligned((n + 1) * w),
        np.empty(n),  # one lane of it
        np.empty(n + 1),
    )


@allocating
def _call(like, forms, slot, x, n, count, out, scratch):
    """Run a form in lanes, or lane by lane."""
    w = width(like)
    if forms[slot + 1, 0] != 0:
        call_form(forms[slot + 1, 0], x, 0, n, out, 0, forms[slot + 1, 1])
        return
    point, result = scratch[4], scratch[5]
    for lane in range(w):
        for i in range(n):
            point[i] = x[i * w + lane]
        call_form(forms[slot, 0], point, 0, n, result, 0, forms[slot, 1])
        for i in range(count):
            out[i * w + lane] = result[i]


@allocating
def _lane_by_lane(like, forms, x, n, out, scratch):
    """Run a second derivative that there is in plain numbers only."""
    w, count, point = width(like), 1 + n + n * (n + 1) // 2, scratch[4]
    result = aligned(count)
    for lane in range(w):
        for i in range(n):
            point[i] = x[i * w + lane]
        call_form(forms[SECOND, 0], point, 0, n, result, 0, forms[SECOND, 1])
        for i in range(count):
            out[i * w + lane] = result[i]


@allocating
def _value(like, forms, x, n, scratch):
    _call(like, forms, VALUE, x, n, 1, scratch[2], scratch)
    return load(like, scratch[2], 0)


@allocating
def _set_steps(like, x, n, typical, part, moved, steps):
    """Copy x, and choose steps that are differences of floating-point numbers."""
    w = width(like)
    for i in range(n):
        xi = load(like, x, i * w)
        store(moved, i * w, xi)
        h = part * max(abs(xi), splat(like, _SMALL * typical[i]))
        store(steps, i * w, (xi + h) - xi)


@allocating
def _from_gradients(like, forms, x, n, typical, out, scratch):
    moved, steps, up, down = scratch[0], scratch[1], scratch[2], scratch[3]
    w = width(like)
    store(out, 0, _value(like, forms, x, n, scratch))
    _call(like, forms, GRADIENT, x, n, n, up, scratch)
    for i in range(n):
        store(out, (1 + i) * w, load(like, up, i * w))
    _set_steps(like, x, n, typical, _GRADIENT_STEP, moved, steps)
    for at in range(n * (n + 1) // 2):
        store(out, (1 + n + at) * w, splat(like, 0.0))
    for j in range(n):
        xj, h = load(like, x, j * w), load(like, steps, j * w)
        store(moved, j * w, xj + h)
        _call(like, forms, GRADIENT, moved, n, n, up, scratch)
        store(moved, j * w, xj - h)
        _call(like, forms, GRADIENT, moved, n, n, down, scratch)
        store(moved, j * w, xj)
        for i in range(n):
            # Each entry off the diagonal comes twice, once from either gradient.
            part = 1.0 if i == j else 0.5
            low, high = min(i, j), max(i, j)
            at = (1 + n + high * (high + 1) // 2 + low) * w
            slope = (load(like, up, i * w) - load(like, down, i * w)) / (2.0 * h)
            store(out, at, load(like, out, at) + part * slope)


@allocating
def _slopes(like, forms, x, n, typical, out, scratch):
    """The gradient by differences of values."""
    moved, steps, w = scratch[0], scratch[1], width(like)
    _set_steps(like, x, n, typical, _GRADIENT_STEP, moved, steps)
    for i in range(n):
        xi, h = load(like, x, i * w), load(like, steps, i * w)
        store(moved, i * w, xi + h)
        up = _value(like, forms, moved, n, scratch)
        store(moved, i * w, xi - h)
        down = _value(like, forms, moved, n, scratch)
        store(moved, i * w, xi)
        store(out, (1 + i) * w, (up - down) / (2.0 * h))


@allocating
def _from_values(like, forms, x, n, typical, out, scratch):
    """Two values for each pair and one second difference for each axis."""
    moved, steps, seconds, w = scratch[0], scratch[1], scratch[3], width(like)
    f = _value(like, forms, x, n, scratch)
    store(out, 0, f)
    _slopes(like, forms, x, n, typical, out, scratch)
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
    if forms[SECOND_LANES, 0] != 0:
        call_form(forms[SECOND_LANES, 0], x, 0, n, out, 0, forms[SECOND_LANES, 1])
    elif forms[SECOND, 0] != 0:
        _lane_by_lane(like, forms, x, n, out, scratch)
    elif forms[GRADIENT, 0] != 0 or forms[GRADIENT_LANES, 0] != 0:
        _from_gradients(like, forms, x, n, typical, out, scratch)
    else:
        _from_values(like, forms, x, n, typical, out, scratch)
