"""Forms called in lanes: the form in lanes if there is one, else the plain one lane by lane."""

from saddlecore.forms import call_form
from saddlecore.jit import allocating, device
from saddlecore.laneops import width
from saddlecore.memory import aligned

__all__ = ["call_in_lanes", "lane_scratch"]


@allocating
def lane_scratch(size, count):
    """Buffers for `call_in_lanes`: what a form takes and gives in one lane, at most."""
    return aligned(size), aligned(count)


@allocating
def _lane_by_lane(like, forms, slot, x, at, size, n, count, out, to, alive, scratch):
    """Run the plain form for the lanes that are still of interest."""
    point, result, w = scratch[0], scratch[1], width(like)
    for lane in range(w):
        if alive[lane] > 0.5:
            for i in range(size):
                point[i] = x[at + i * w + lane]
            call_form(forms[slot, 0], point, 0, n, result, 0, forms[slot, 1])
            for i in range(count):
                out[to + i * w + lane] = result[i]


@device
def call_in_lanes(like, forms, slot, x, at, size, n, count, out, to, alive, scratch):
    """Run the form of a slot.

    Parameters
    ----------
    like : Lanes or float64
    forms : (SLOTS, 2) int64
    slot : int
        The plain form's; at least one of it and the next is there.
    x, out : flat float64
        Lanes from ``x[at]`` and ``out[to]`` on.
    size, count : int
        How many numbers the form takes and gives.
    n : int
        What the form is told of them, see `forms`.
    alive : (width,) float64
        Lanes where it is 0 may be left out.
    scratch
        From `lane_scratch`.
    """
    if width(like) > 1 and forms[slot + 1, 0] != 0:
        call_form(forms[slot + 1, 0], x, at, n, out, to, forms[slot + 1, 1])
    else:
        _lane_by_lane(like, forms, slot, x, at, size, n, count, out, to, alive, scratch)
