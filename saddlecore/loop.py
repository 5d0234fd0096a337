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
from typing import Any, NamedTuple

import numpy as np

from saddlecore.endings import (
    CONVERGED,
    DIVERGED,
    GOING,
    STALL,
    TARGET,
    TOL,
    ending,
    is_finite,
    square_norm,
)
from saddlecore.first import gradient_scratch, value_at
from saddlecore.jit import allocating, device
from saddlecore.laneops import all_lanes, any_lane, lane, not_, select, splat, width
from saddlecore.memory import aligned, aligned_words, load, store
from saddlecore.perturbed import SLOPE_THEN, perturb, settled
from saddlecore.records import ALIVE, LAST_LENGTH, LENGTH, VALUE, any_due, is_due, record
from saddlecore.rules import TERMS, THRESHOLD

__all__ = ["loop_of"]


class Block(NamedTuple):
    """Starts that go through the loop together: groups of lanes, from ``rows[first]`` on."""

    rows: Any
    first: Any
    groups: Any


class Work(NamedTuple):
    """Arrays of a block: of each group its n variables one after another, in lanes."""

    x: Any
    g: Any
    memory: Any  # (slots, …): what the method remembers
    previous: Any  # x a step before
    lanes: Any  # the table of lanes, see `records`
    scratch: Any  # of `first`
    ids: Any  # numbers of the lanes' starts
    room: Any  # for a point
    extra: Any  # the method's own


# Numbers that the cache should hold of the groups that take turns.
_CACHE = 3000


@device
def _enter(like, n, state, block, work):
    """Put starts in lanes; the last one again where there are fewer than lanes."""
    X, S = state[0], state[1]
    rows, first, groups = block.rows, block.first, block.groups
    x, memory, lanes, w = work.x, work.memory, work.lanes, width(like)
    # Lanes without a start get no gradient from plain forms: what happens to lie there may be
    # denormal, which costs a hundred times as much, or infinite.
    work.g[: groups * n * w] = 0.0
    for k in range(groups * w):
        row = rows[min(first + k, len(rows) - 1)]
        at = k // w * n * w + k % w
        for i in range(n):
            x[at + i * w] = X[row, i]
            for slot in range(len(S)):
                memory[slot, at + i * w] = S[slot, row, i]
        lanes[ALIVE, k] = 1.0 if first + k < len(rows) else 0.0
        work.ids[k] = np.uint64(row)
        for i in range(ALIVE):
            lanes[i, k] = state[2][i, row]


@device
def _leave_lane(like, n, k, row, state, work):
    """Hand over where lane k of the block is."""
    X, S, known = state
    x, memory, w = work.x, work.memory, width(like)
    at = k // w * n * w + k % w
    for i in range(n):
        X[row, i] = x[at + i * w]
        for slot in range(len(S)):
            S[slot, row, i] = memory[slot, at + i * w]
    for i in range(ALIVE):
        known[i, row] = work.lanes[i, k]


@device
def _leave(like, n, state, block, work):
    """Hand over where the lanes are that go on."""
    rows, first, groups = block.rows, block.first, block.groups
    for k in range(groups * width(like)):
        if work.lanes[ALIVE, k] > 0.5:
            _leave_lane(like, n, k, rows[first + k], state, work)


@device
def _take_back(like, n, at, lost, x, previous):
    """Return lost lanes to where they were a step before."""
    for k in range(at, at + n * width(like), width(like)):
        store(x, k, select(lost, load(like, previous, k), load(like, x, k)))


@device
def _finish(like, n, group, end, steps, square, state, block, results, work):
    """Hand over the lanes that have come to an end; returns whether any goes on."""
    rows, first, w, going = block.rows, block.first, width(like), False
    norm, taken, status = results
    for k in range(w):
        at = group * w + k
        if work.lanes[ALIVE, at] > 0.5:
            if lane(end, k) == GOING:
                going = True
            else:
                row = rows[first + at]
                work.lanes[ALIVE, at] = 0.0
                _leave_lane(like, n, at, row, state, work)
                norm[row], taken[row] = math.sqrt(lane(square, k)), np.int64(lane(steps, k))
                status[row] = np.int64(lane(end, k))
    return going


@device
def _look(
    like, problem, method, t, total, stops, history, state, block, group, results, work, watching
):  # fmt: skip
    """Record what is due at time t and, if `watching`, see who has come to an end.

    Returns whether any goes on.
    """
    forms, n = problem
    x, lanes, w = work.x, work.lanes, width(like)
    at = group * n * w
    square, value = square_norm(like, n, at, work.g), splat(like, np.nan)
    if is_due(history[0][VALUE], t) or (watching and stops[0][TARGET] > -np.inf):
        alive = lanes[ALIVE, group * w : group * w + w]
        value = value_at(like, forms, x, at, n, alive, work.scratch)
    record(like, n, at, t, history, block, group, value, square, work)
    if not watching:
        return True
    length = load(like, lanes[LAST_LENGTH], group * w)
    end = ending(like, n, at, t, total, stops, x, value, square, length)
    if method.options[THRESHOLD] > 0.0:
        alive = lanes[ALIVE, group * w : group * w + w]
        done, back = settled(like, forms, n, at, group, t, method, alive, work)
        end = select(done, splat(like, 1.0 * CONVERGED), end)
        square = select(back, load(like, lanes[SLOPE_THEN], group * w), square)
    there = is_finite(like, n, at, x)
    end = select(there & (square < np.inf), end, splat(like, 1.0 * DIVERGED))
    steps = select(there, splat(like, 1.0 * t), splat(like, t - 1.0))
    if not all_lanes(there):
        _take_back(like, n, at, not_(there), x, work.previous)
    if all_lanes(end == 1.0 * GOING):
        return True
    return _finish(like, n, group, end, steps, square, state, block, results, work)


@device
def _measure(like, n, group, work):
    """The length of a group's last step."""
    w, total = width(like), splat(like, 0.0)
    for k in range(group * n * w, (group + 1) * n * w, w):
        by = load(like, work.x, k) - load(like, work.previous, k)
        total += by * by
    store(work.lanes[LAST_LENGTH], group * w, math.sqrt(total))


@device
def _all_finite(like, n, groups, x):
    found = True
    for group in range(groups):
        found &= all_lanes(is_finite(like, n, group * n * width(like), x))
    return found


@allocating
def _prepare(like, n, slots, method, most_groups, extra):
    """The arrays of a block, and how many groups of lanes it has."""
    w = width(like)
    groups = max(1, min(most_groups, _CACHE // (n * (slots + 3) * w)))
    size, lanes = groups * n * w, groups * w
    # Room for a point, or for a point and the terms of a mean to be taken there.
    room = aligned((n + 1 + np.int64(method.options[TERMS])) * w)
    work = Work(
        aligned(size), aligned(size), aligned(slots * size).reshape(slots, size), aligned(size),
        aligned((ALIVE + 1) * lanes).reshape(ALIVE + 1, lanes), gradient_scratch(like, n),
        aligned_words(lanes), room, extra,
    )  # fmt: skip
    return work, groups


@device
def _is_watched(stops, method):
    """Whether a start may end before the last step."""
    limits, directions, _ = stops
    early = limits[TOL] >= 0.0 or limits[STALL] >= 0.0 or limits[TARGET] > -np.inf
    return early or len(directions) > 0 or method.options[THRESHOLD] > 0.0


def loop_of(differentiate, advance, most_groups):
    """The loop of methods that take their derivatives and make their steps by these functions.

    ``differentiate(like, forms, n, at, group, t, alive, method, work, last)`` writes the gradient
    of a group, ``advance(like, forms, n, groups, method, t, row, work)`` the next x of all.
    """

    @device
    def step(like, forms, n, groups, method, t, row, work, keep):
        """Take a step; to `keep` is to remember where from, and how long it was."""
        x, previous, w = work.x, work.previous, width(like)
        if keep:
            for k in range(0, groups * n * w, w):
                store(previous, k, load(like, x, k))
        advance(like, forms, n, groups, method, t, row, work)
        if keep:
            for group in range(groups):
                _measure(like, n, group, work)

    @device
    def through_span(
        like, problem, method, span, stops, history, state, block, results, work, careful
    ):  # fmt: skip
        """Take a block through its span of steps; returns whether x stayed finite."""
        forms, n = problem
        first, last, total = span
        w, x, lanes = width(like), work.x, work.lanes
        _enter(like, n, state, block, work)
        for t in range(first, last + 1):
            if t == last:
                if not careful and not _all_finite(like, n, block.groups, x):
                    return False
                if t < total:
                    break
            looking, going = careful or t == total or any_due(history, t), False
            for group in range(block.groups):
                at = group * n * w
                if careful and not any_lane(load(like, lanes[ALIVE], group * w) > 0.5):
                    continue
                alive = lanes[ALIVE, group * w : group * w + w]
                differentiate(like, forms, n, at, group, t, alive, method, work, t == total)
                if looking and not _look(
                    like, problem, method, t, total, stops, history, state, block, group, results,
                    work, careful or t == total,
                ):  # fmt: skip
                    continue
                if t == total:
                    continue
                going = True
                if method.options[THRESHOLD] > 0.0:
                    perturb(like, forms, n, at, group, t, method, alive, work)
            if going:
                keep = careful or history[0][LENGTH] > 0
                step(like, forms, n, block.groups, method, t, t - first, work, keep)
            else:
                break
        _leave(like, n, state, block, work)
        return True

    @allocating
    def run(like, problem, rows, method, span, stops, history, state, results, extra):
        """Take all starts of `rows` through a span, block after block."""
        work, groups = _prepare(like, problem[1], len(state[1]), method, most_groups, extra)
        careful = _is_watched(stops, method)
        share = groups * width(like)
        for first in range(0, len(rows), share):
            block = Block(rows, first, min(groups, -(-(len(rows) - first) // width(like))))
            looks = 1 if careful else 0  # no boolean: True by itself would be a type of its own
            while not through_span(
                like, problem, method, span, stops, history, state, block, results, work, looks > 0
            ):
                looks = 1

    return run
