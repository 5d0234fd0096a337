"""Optimizers of first order, many starts at once: the gradient, and a rule that moves x."""

import numpy as np

from saddlecore import rules
from saddlecore.first import gradient_at
from saddlecore.forms import BATCH
from saddlecore.jit import device, kernel
from saddlecore.kicks import add_normals
from saddlecore.lanecalls import call_in_lanes, lane_scratch
from saddlecore.laneops import width, zeros
from saddlecore.loop import loop_of
from saddlecore.memory import load, store
from saddlecore.terms import choose_rows

__all__ = ["descend"]


@device
def _slope_of_terms(like, forms, n, at, group, t, alive, method, work):
    """Take the mean gradient of a few terms."""
    point, w = work.room, width(like)
    for i in range(n):
        store(point, i * w, load(like, work.x, at + i * w))
    ids, options = load(like, work.ids, group * w), method.options
    count, rows = np.int64(options[rules.TERMS]), np.int64(options[rules.ROWS])
    choose_rows(like, count, rows, ids, t, method.key, point, n * w)
    size = n + 1 + count
    call_in_lanes(like, forms, BATCH, point, 0, size, n, n, work.g, at, alive, work.extra)


@device
def _slope(like, forms, n, at, group, t, alive, method, work, last):
    """Take the gradient where the method wants it; at the last point itself, and of all."""
    if method.options[rules.TERMS] > 0.0 and not last:
        _slope_of_terms(like, forms, n, at, group, t, alive, method, work)
    elif method.rule == rules.LOOK_AHEAD and not last:
        rules.look_ahead(like, n, at, work.x, work.memory, method.options, work.room)
        gradient_at(like, forms, work.room, 0, n, work.g, at, alive, work.scratch)
    else:
        gradient_at(like, forms, work.x, at, n, work.g, at, alive, work.scratch)


@device
def _shape(like, n, group, method, t, work):
    """Add noise to a group's gradient, and clip it."""
    options, w = method.options, width(like)
    if options[rules.NOISE] > 0.0:
        ids = load(like, work.ids, group * w)
        add_normals(like, n, group * n * w, work.g, options[rules.NOISE], ids, t, method.key)
    if options[rules.CLIP_NORM] > 0.0 or options[rules.CLIP_VALUE] > 0.0:
        rules.clip(like, n, group * n * w, work.g, options)


@device
def _advance(like, forms, n, groups, method, t, row, work):
    """Shape the gradients and take a step, of all groups at once: to a rule they are variables."""
    options = method.options
    if options[rules.NOISE] + options[rules.CLIP_NORM] + options[rules.CLIP_VALUE] > 0.0:
        for group in range(groups):
            _shape(like, n, group, method, t, work)
    c = method.coefficients[row]
    rules.step(like, method.rule, groups * n, work.x, work.g, work.memory, c, options)


# Groups of lanes that take turns.
_GROUPS = 8
_run = loop_of(_slope, _advance, _GROUPS)


@kernel
def descend(forms, rows, method, span, stops, history, state, results):
    """Take starts through a span of an optimizer's steps.

    Parameters
    ----------
    forms : (SLOTS, 2) int64
    rows : (active,) int64
        The starts that have not ended, ascending.
    method : rules.Method
    span : tuple of int
        First and last time (no step is taken at the last), and the time at which all is over.
    stops : tuple
        (5,) limits, NaN (for `TARGET`: −inf) where there is none; (k, n) directions that are
        watched, and (n,) their centre.
    history : tuple
        (4,) int64, how often what is recorded; then (m, records) values, gradient
        norms and lengths of the last step, and (m, records, n) points.  Those never recorded may
        be empty.  What is recorded at time t stands at t / every.  What stands after the end of a
        start means nothing.
    state : tuple
        (m, n) points, (slots, m, n) what the rule remembers, and (4, m) the length of the last step
        and three numbers of the method's own; all are changed.
    results : tuple
        (m,) float64 ‖∇f‖, int64 steps and int64 status, for those that end.
    """
    n = state[0].shape[1]
    one = lane_scratch(n + 1 + np.int64(method.options[rules.TERMS]), n)
    _run(zeros(8), (forms, n), rows, method, span, stops, history, state, results, one)
