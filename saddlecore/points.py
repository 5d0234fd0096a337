"""A form at many points."""

from saddlecore.forms import call_form
from saddlecore.jit import allocating, kernel
from saddlecore.laneops import width, zeros
from saddlecore.memory import aligned

__all__ = ["at_points"]


@allocating
def _at_points(like, address, data, n, X, out):
    w, m, inputs, count = width(like), X.shape[0], X.shape[1], out.shape[1]
    x, y = aligned(inputs * w), aligned(count * w)
    for first in range(0, m, w):
        for lane in range(w):
            point = min(first + lane, m - 1)
            for i in range(inputs):
                x[i * w + lane] = X[point, i]
        call_form(address, x, 0, n, y, 0, data)
        for lane in range(min(w, m - first)):
            for i in range(count):
                out[first + lane, i] = y[i * w + lane]


@kernel
def at_points(forms, slot, n, X, out):
    """Call a form at every point, in lanes if it can be.

    Parameters
    ----------
    forms : (SLOTS, 2) int64
    slot : int
        Which, of those in plain numbers; the next one holds the form in lanes.
    n : int
        Number of variables.
    X : (m, inputs) float64
        x, or x and v.
    out : (m, outputs) float64, out
    """
    if forms[slot + 1, 0] != 0 and (X.shape[0] > 1 or forms[slot, 0] == 0):
        _at_points(zeros(8), forms[slot + 1, 0], forms[slot + 1, 1], n, X, out)
    else:
        _at_points(zeros(1), forms[slot, 0], forms[slot, 1], n, X, out)
