"""∇f at eight points at once, from whatever forms an objective has.

For loops in lanes: the objective's own gradient or an exact one if there is such a form, else
central differences of its values.
"""

import numpy as np

from saddlecore.forms import GRADIENT, GRADIENT_LANES, VALUE, call_form
from saddlecore.jit import allocating, device
from saddlecore.laneops import splat, width
from saddlecore.memory import aligned, load, store

__all__ = ["gradient_at", "gradient_scratch", "value_at"]

# ε^(1/3) balances truncation against rounding; a variable's size is at least this.
_STEP, _SMALL = 2.0**-17, 1e-2


@allocating
def gradient_scratch(like, n):
    """Buffers for `gradient_at` and `value_at`."""
    w = width(like)
    return aligned(n * w), aligned(w), np.empty(n), np.empty(n)


@allocating
def _lane_by_lane(like, forms, slot, x, at, n, count, out, to, alive, scratch):
    """Run a form in plain numbers for the lanes that are still of interest."""
    w = width(like)
    point, result = scratch[2], scratch[3]
    for lane in range(w):
        if alive[lane] > 0.5:
            for i in range(n):
                point[i] = x[at + i * w + lane]
            call_form(forms[slot, 0], point, 0, n, result, 0, forms[slot, 1])
            for i in range(count):
                out[to + i * w + lane] = result[i]


@device
def _run(like, forms, slot, x, at, n, count, out, to, alive, scratch):
    if width(like) > 1 and forms[slot + 1, 0] != 0:
        call_form(forms[slot + 1, 0], x, at, n, out, to, forms[slot + 1, 1])
    else:
        _lane_by_lane(like, forms, slot, x, at, n, count, out, to, alive, scratch)


@device
def value_at(like, forms, x, at, n, alive, scratch):
    """f of the lanes that begin at ``x[at]``."""
    _run(like, forms, VALUE, x, at, n, 1, scratch[1], 0, alive, scratch)
    return load(like, scratch[1], 0)


@allocating
def _by_differences(like, forms, x, at, n, out, to, alive, scratch):
    moved, w = scratch[0], width(like)
    for i in range(n):
        store(moved, i * w, load(like, x, at + i * w))
    for i in range(n):
        xi = load(like, x, at + i * w)
        h = (xi + _STEP * max(abs(xi), splat(like, _SMALL))) - xi
        store(moved, i * w, xi + h)
        up = value_at(like, forms, moved, 0, n, alive, scratch)
        store(moved, i * w, xi - h)
        down = value_at(like, forms, moved, 0, n, alive, scratch)
        store(moved, i * w, xi)
        store(out, to + i * w, (up - down) / (2.0 * h))


@device
def gradient_at(like, forms, x, at, n, out, to, alive, scratch):
    """Write ∇f of the lanes that begin at ``x[at]`` to ``out[to]``.

    Parameters
    ----------
    like : Lanes or float64
    forms : (SLOTS, 2) int64
    x, out : flat float64
    at, n, to : int
    alive : (width,) float64
        Lanes where it is 0 may be left out.
    scratch
        From `gradient_scratch`.
    """
    if forms[GRADIENT, 0] != 0 or forms[GRADIENT_LANES, 0] != 0:
        _run(like, forms, GRADIENT, x, at, n, n, out, to, alive, scratch)
    else:
        _by_differences(like, forms, x, at, n, out, to, alive, scratch)
