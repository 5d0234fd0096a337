"""The loop of every optimizer: many starts side by side, each in a lane, until it ends.

Time t counts steps taken.  At each t the gradient is taken at x_t, what is wanted is recorded, the
reasons to end are looked at, and the method's rule makes x_{t+1}.  Groups of lanes go through it in
blocks small enough for the first-level cache: a block's groups take turns, so that the
processor works on one while it waits for another.

Nothing is looked at that nobody asked for.  That a number has become infinite or NaN is noticed
afterwards: the span is then run again with a look at every step, which tells where it happened.

A lane whose start has ended goes on computing, for nobody; the next call leaves the start out.
"""

import math

import numpy as np

from saddlecore import rules
from saddlecore.first import gradient_at, gradient_scratch, value_at
from saddlecore.forms import BATCH, BATCH_LANES, call_form
from saddlecore.jit import allocating, device, kernel
from saddlecore.kicks import add_normals
from saddlecore.laneops import all_lanes, any_lane, lane, not_, select, splat, width, zeros
from saddlecore.memory import aligned, aligned_words, load, store
from saddlecore.perturbed import SLOPE_THEN, perturb, settled
from saddlecore.terms import choose_rows

__all__ = ["descend", "run"]

#: Why a start ended; a start that has not is GOING.
GOING, STEPS, CONVERGED, REACHED, ESCAPED, STALLED, DIVERGED = range(-1, 6)

#: Places of the limits: ‖∇f‖ at most, f at most, ‖x − centre‖ among the watched directions at
#: least, length of a step beside max(1, ‖x‖) at most.  NaN: not looked at.  REFUSED is 0 for
#: methods that may try a step and not take it, else −1.
TOL, TARGET, RADIUS, STALL, REFUSED = range(5)
#: What can be recorded, every so many steps; 0: never.
VALUE, NORM, LENGTH, PATH = range(4)

# What is known of each start: the length of its last step, and up to three numbers of its method.
_LENGTH = 0
# The table of a block's lanes has one row more.
_ALIVE, _ROWS = 4, 5
# Groups that take turns, and how many numbers of theirs the cache should hold.
_GROUPS, _CACHE = 8, 3000


@device
def _number_of_groups(n, vectors, w):
    return max(1, min(_GROUPS, _CACHE // (n * vectors * w)))


@device
def _enter(like, n, state, block, work):
    """Put starts in lanes; the last one again where there are fewer than lanes."""
    X, S = state[0], state[1]
    rows, first, groups = block
    x, memory, lanes, w = work[0], work[2], work[4], width(like)
    for k in range(groups * w):
        row = rows[min(first + k, len(rows) - 1)]
        at = k // w * n * w + k % w
        for i in range(n):
            x[at + i * w] = X[row, i]
            for slot in range(len(S)):
                memory[slot, at + i * w] = S[slot, row, i]
        lanes[_ALIVE, k] = 1.0 if first + k < len(rows) else 0.0
        work[6][k] = np.uint64(row)
        for i in range(_ALIVE):
            lanes[i, k] = state[2][i, row]


@device
def _leave_lane(like, n, k, row, state, work):
    """Hand over where lane k of the block is."""
    X, S, known = state
    x, memory, w = work[0], work[2], width(like)
    at = k // w * n * w + k % w
    for i in range(n):
        X[row, i] = x[at + i * w]
        for slot in range(len(S)):
            S[slot, row, i] = memory[slot, at + i * w]
    for i in range(_ALIVE):
        known[i, row] = work[4][i, k]


@device
def _leave(like, n, state, block, work):
    """Hand over where the lanes are that go on."""
    rows, first, groups = block
    for k in range(groups * width(like)):
        if work[4][_ALIVE, k] > 0.5:
            _leave_lane(like, n, k, rows[first + k], state, work)


@device
def _square(like, n, at, x):
    total = splat(like, 0.0)
    for i in range(n):
        xi = load(like, x, at + i * width(like))
        total += xi * xi
    return total


@device
def _distance(like, n, at, x, directions, centre):
    """‖U (x − centre)‖², for the rows of U."""
    total = splat(like, 0.0)
    for j in range(len(directions)):
        part = splat(like, 0.0)
        for i in range(n):
            part += directions[j, i] * (load(like, x, at + i * width(like)) - centre[i])
        total += part * part
    return total


@device
def _any(every):
    found = False
    for each in every:
        found |= each > 0
    return found


@device
def _due(every, t):
    return every > 0 and t % every == 0


@device
def _wanted(history, t):
    """Whether anything is to be recorded at a time."""
    found = False
    for each in history[0]:
        found |= _due(each, t)
    return found


@device
def _put(like, out, when, block, group, alive, numbers):
    """Record a number of each lane; NaN of those that have ended."""
    rows, w = block[0], width(like)
    first = block[1] + group * w
    numbers = select(alive, numbers, splat(like, np.nan))
    for k in range(min(w, len(rows) - first)):
        out[rows[first + k], when] = lane(numbers, k)


@device
def _put_path(like, n, at, path, when, block, group, work):
    rows, w = block[0], width(like)
    first = block[1] + group * w
    for k in range(min(w, len(rows) - first)):
        if work[4][_ALIVE, group * w + k] > 0.5:
            for i in range(n):
                path[rows[first + k], when, i] = work[0][at + i * w + k]


@device
def _record(like, n, at, t, history, block, group, value, square, work):
    every, values, norms, lengths, path = history
    alive = load(like, work[4][_ALIVE], group * width(like)) > 0.5
    if _due(every[VALUE], t):
        _put(like, values, t // every[VALUE], block, group, alive, value)
    if _due(every[NORM], t):
        _put(like, norms, t // every[NORM], block, group, alive, math.sqrt(square))
    if _due(every[LENGTH], t):
        length = load(like, work[4][_LENGTH], group * width(like))
        _put(like, lengths, t // every[LENGTH], block, group, alive, length)
    if _due(every[PATH], t):
        _put_path(like, n, at, path, t // every[PATH], block, group, work)


@device
def _ending(like, n, at, t, total, stops, x, value, square, length):
    """Why lanes end here, or GOING; the last reason found is the one that is told."""
    limits, directions, centre = stops
    end = splat(like, 1.0 * (STEPS if t == total else GOING))
    if limits[STALL] >= 0.0:
        # A step that was tried and not taken says nothing.
        length = select(length > limits[REFUSED], length, splat(like, np.inf))
        least = limits[STALL] * max(splat(like, 1.0), math.sqrt(_square(like, n, at, x)))
        end = select(length <= least, splat(like, 1.0 * STALLED), end)
    if limits[TOL] >= 0.0:
        end = select(square <= limits[TOL] * limits[TOL], splat(like, 1.0 * CONVERGED), end)
    end = select(value <= limits[TARGET], splat(like, 1.0 * REACHED), end)
    if len(directions) > 0:
        gone = _distance(like, n, at, x, directions, centre) >= limits[RADIUS] * limits[RADIUS]
        end = select(gone, splat(like, 1.0 * ESCAPED), end)
    return end


@device
def _is_finite(like, n, at, x):
    total = splat(like, 0.0)
    for i in range(n):
        total += 0.0 * load(like, x, at + i * width(like))
    return total == 0.0


@device
def _take_back(like, n, at, lost, x, previous):
    """Return lost lanes to where they were a step before."""
    for k in range(at, at + n * width(like), width(like)):
        store(x, k, select(lost, load(like, previous, k), load(like, x, k)))


@device
def _finish(like, n, group, end, steps, square, state, block, results, work):
    """Hand over the lanes that have come to an end; returns whether any goes on."""
    rows, first, w, going = block[0], block[1], width(like), False
    norm, taken, status = results
    for k in range(w):
        at = group * w + k
        if work[4][_ALIVE, at] > 0.5:
            if lane(end, k) == GOING:
                going = True
            else:
                row = rows[first + at]
                work[4][_ALIVE, at] = 0.0
                _leave_lane(like, n, at, row, state, work)
                norm[row], taken[row] = math.sqrt(lane(square, k)), np.int64(lane(steps, k))
                status[row] = np.int64(lane(end, k))
    return going


@device
def _look(
    like, problem, method, t, total, stops, history, state, block, group, results, work, ending
):  # fmt: skip
    """Record what is due at time t and, if `ending`, see who has come to an end.

    Returns whether any goes on.
    """
    forms, n = problem
    x, lanes, w = work[0], work[4], width(like)
    at = group * n * w
    square, value = _square(like, n, at, work[1]), splat(like, np.nan)
    if _due(history[0][VALUE], t) or (ending and stops[0][TARGET] > -np.inf):
        alive = lanes[_ALIVE, group * w : group * w + w]
        value = value_at(like, forms, x, at, n, alive, work[5])
    _record(like, n, at, t, history, block, group, value, square, work)
    if not ending:
        return True
    length = load(like, lanes[_LENGTH], group * w)
    end = _ending(like, n, at, t, total, stops, x, value, square, length)
    if method[2][rules.THRESHOLD] > 0.0:
        alive = lanes[_ALIVE, group * w : group * w + w]
        done, back = settled(like, forms, n, at, group, t, method, alive, work)
        end = select(done, splat(like, 1.0 * CONVERGED), end)
        square = select(back, load(like, lanes[SLOPE_THEN], group * w), square)
    there = _is_finite(like, n, at, x)
    end = select(there & (square < np.inf), end, splat(like, 1.0 * DIVERGED))
    steps = select(there, splat(like, 1.0 * t), splat(like, t - 1.0))
    if not all_lanes(there):
        _take_back(like, n, at, not_(there), x, work[3])
    if all_lanes(end == 1.0 * GOING):
        return True
    return _finish(like, n, group, end, steps, square, state, block, results, work)


@device
def _advance(like, forms, n, at, group, method, t, row, work):
    """Shape the gradient and take a step of first order."""
    rule, coefficients, options, key, _ = method
    w = width(like)
    if options[rules.NOISE] > 0.0:
        ids = load(like, work[6], group * w)
        add_normals(like, n, at, work[1], options[rules.NOISE], ids, t, key)
    if options[rules.CLIP_NORM] > 0.0 or options[rules.CLIP_VALUE] > 0.0:
        rules.clip(like, n, at, work[1], options)
    rules.step(like, rule, n, at, work[0], work[1], work[2], coefficients[row], options)


@device
def _step(like, advance, forms, n, at, group, method, t, row, work, keep):
    """Take a step; to `keep` is to remember where from, and how long it was."""
    x, previous, w = work[0], work[3], width(like)
    if keep:
        for k in range(at, at + n * w, w):
            store(previous, k, load(like, x, k))
    advance(like, forms, n, at, group, method, t, row, work)
    if keep:
        total = splat(like, 0.0)
        for k in range(at, at + n * w, w):
            by = load(like, x, k) - load(like, previous, k)
            total += by * by
        store(work[4][_LENGTH], group * w, math.sqrt(total))


@allocating
def _lane_by_lane(like, forms, n, count, points, out, at, alive):
    """The same, of a form in plain numbers."""
    w = width(like)
    point, slope = aligned(n + 1 + count), aligned(n)
    for k in range(w):
        if alive[k] > 0.5:
            for i in range(n + 1 + count):
                point[i] = points[i * w + k]
            call_form(forms[BATCH, 0], point, 0, n, slope, 0, forms[BATCH, 1])
            for i in range(n):
                out[at + i * w + k] = slope[i]


@device
def _slope_of_terms(like, forms, n, at, group, t, alive, method, work):
    """Take the mean gradient of a few terms."""
    point, w = work[7], width(like)
    for i in range(n):
        store(point, i * w, load(like, work[0], at + i * w))
    ids, options = load(like, work[6], group * w), method[2]
    count, rows = np.int64(options[rules.TERMS]), np.int64(options[rules.ROWS])
    choose_rows(like, count, rows, ids, t, method[3], point, n * w)
    if w > 1 and forms[BATCH_LANES, 0] != 0:
        call_form(forms[BATCH_LANES, 0], point, 0, n, work[1], at, forms[BATCH_LANES, 1])
    else:
        _lane_by_lane(like, forms, n, count, point, work[1], at, alive)


@device
def _slope(like, forms, n, at, group, t, alive, method, work, last):
    """Take the gradient where the method wants it; at the last point itself, and of all."""
    if method[2][rules.TERMS] > 0.0 and not last:
        _slope_of_terms(like, forms, n, at, group, t, alive, method, work)
    elif method[0] == rules.LOOK_AHEAD and not last:
        rules.look_ahead(like, n, at, work[0], work[2], method[2], work[7])
        gradient_at(like, forms, work[7], 0, n, work[1], at, alive, work[5])
    else:
        gradient_at(like, forms, work[0], at, n, work[1], at, alive, work[5])


@device
def _all_finite(like, n, groups, x):
    found = True
    for group in range(groups):
        found &= all_lanes(_is_finite(like, n, group * n * width(like), x))
    return found


@device
def _pass(
    like, differentiate, advance, problem, method, span, stops, history, state, block, results,
    work, careful,
):  # fmt: skip
    """Take a block through its span of steps; returns whether x stayed finite."""
    forms, n = problem
    first, last, total = span
    w, x, lanes = width(like), work[0], work[4]
    recording = _any(history[0])
    _enter(like, n, state, block, work)
    for t in range(first, last + 1):
        if t == last:
            if not careful and not _all_finite(like, n, block[2], x):
                return False
            if t < total:
                break
        looking, going = careful or t == total or _wanted(history, t), False
        for group in range(block[2]):
            at = group * n * w
            if careful and not any_lane(load(like, lanes[_ALIVE], group * w) > 0.5):
                nothing = splat(like, np.nan)
                _record(like, n, at, t, history, block, group, nothing, nothing, work)
                continue
            alive = lanes[_ALIVE, group * w : group * w + w]
            differentiate(like, forms, n, at, group, t, alive, method, work, t == total)
            if looking and not _look(
                like, problem, method, t, total, stops, history, state, block, group, results, work,
                careful or t == total,
            ):  # fmt: skip
                continue
            if t == total:
                continue
            going = True
            if method[2][rules.THRESHOLD] > 0.0:
                perturb(like, forms, n, at, group, t, method, alive, work)
            keep = careful or history[0][LENGTH] > 0
            _step(like, advance, forms, n, at, group, method, t, t - first, work, keep)
        if not going and not recording:
            break
    _leave(like, n, state, block, work)
    return True


@allocating
def run(
    like, differentiate, advance, problem, rows, method, span, stops, history, state, results, extra
):  # fmt: skip
    """The loop of `descend`, for any way to take derivatives and to make a step of them.

    `extra` is their scratch.
    """
    n, slots, w = problem[1], len(state[1]), width(like)
    groups = _number_of_groups(n, slots + 3, w)
    size = groups * n * w
    work = (
        aligned(size), aligned(size), aligned(slots * size).reshape(slots, size), aligned(size),
        aligned(_ROWS * groups * w).reshape(_ROWS, groups * w), gradient_scratch(like, n),
        aligned_words(groups * w), aligned((n + 1 + np.int64(method[2][rules.TERMS])) * w),
        extra,
    )  # fmt: skip
    limits, directions, _ = stops
    ending = limits[TOL] >= 0.0 or limits[STALL] >= 0.0 or limits[TARGET] > -np.inf
    careful = ending or len(directions) > 0 or method[2][rules.THRESHOLD] > 0.0
    for first in range(0, len(rows), groups * w):
        used = min(groups, (len(rows) - first + w - 1) // w)
        block = (rows, first, used)
        looks = 1 if careful else 0  # no boolean: True by itself would be a type of its own
        while not _pass(
            like, differentiate, advance, problem, method, span, stops, history, state, block,
            results, work, looks > 0,
        ):
            looks = 1


@kernel
def descend(forms, rows, method, span, stops, history, state, results):
    """Take starts through a span of an optimizer's steps.

    Parameters
    ----------
    forms : (SLOTS, 2) int64
    rows : (active,) int64
        The starts that have not ended, ascending.
    method : tuple
        The rule, (last − first, COEFFICIENTS) coefficients and (OPTIONS,) options, see `rules`;
        the uint64 key of the random numbers; options of second order, see `spectral` (none here).
    span : tuple of int
        First and last time (no step is taken at the last), and the time at which all is over.
    stops : tuple
        (5,) limits, NaN (for `TARGET`: −inf) where there is none; (k, n) directions that are
        watched, and (n,) their centre.
    history : tuple
        (4,) int64, how often what is recorded; then (m, records) values, gradient
        norms and lengths of the last step, and (m, records, n) points.  Those never recorded may
        be empty.  What is recorded at time t stands at t / every.
    state : tuple
        (m, n) points, (slots, m, n) what the rule remembers, and (4, m) the length of the last step
        and three numbers of the method's own; all are changed.
    results : tuple
        (m,) float64 ‖∇f‖, int64 steps and int64 status, for those that end.
    """
    problem = forms, state[0].shape[1]
    run(
        zeros(8), _slope, _advance, problem, rows, method, span, stops, history, state, results, 0
    )  # fmt: skip
