"""∇f at eight points at once, from whatever forms an objective has.

For loops in lanes: the objective's own gradient or an exact one if there is such a form, else
central differences of its values.
"""

import numpy as np

from saddlecore.forms import GRADIENT, GRADIENT_LANES, VALUE
from saddlecore.jit import allocating, device
from saddlecore.lanecalls import call_in_lanes, lane_scratch
from saddlecore.laneops import splat, width
from saddlecore.memory import aligned, load, store

__all__ = ["GRADIENT_STEP", "difference_gradient", "gradient_at", "gradient_scratch", "step_of",
           "value_at"]  # fmt: skip

#: Relative to a variable's size: ε^(1/3) balances truncation against rounding.
GRADIENT_STEP = 2.0**-17
# A variable's size is not below this part of its typical one.
_SMALL = 1e-2


@allocating
def gradient_scratch(like, n):
    """Buffers for `gradient_at` and `value_at`."""
    w = width(like)
    return (
        aligned(n * w),  # the point, moved
        aligned(w),  # values
        lane_scratch(n, n),
        np.ones(n),  # typical sizes
    )


@device
def value_at(like, forms, x, at, n, alive, scratch):
    """f of the lanes that begin at ``x[at]``."""
    call_in_lanes(like, forms, VALUE, x, at, n, n, 1, scratch[1], 0, alive, scratch[2])
    return load(like, scratch[1], 0)


@device
def step_of(like, xi, part, typical):
    """A step of a variable, by a `part` of its size: a difference of floating-point numbers."""
    return (xi + part * max(abs(xi), splat(like, _SMALL * typical))) - xi


@allocating
def difference_gradient(like, forms, x, at, n, typical, out, to, alive, scratch):
    """Write ∇f by differences of f; `typical` are sizes of the variables, for steps at 0."""
    moved, w = scratch[0], width(like)
    for i in range(n):
        store(moved, i * w, load(like, x, at + i * w))
    for i in range(n):
        xi = load(like, x, at + i * w)
        h = step_of(like, xi, GRADIENT_STEP, typical[i])
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
        call_in_lanes(like, forms, GRADIENT, x, at, n, n, n, out, to, alive, scratch[2])
    else:
        difference_gradient(like, forms, x, at, n, scratch[3], out, to, alive, scratch)
