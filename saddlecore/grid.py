"""The least values of a function on a full grid in n dimensions, which is nowhere in memory.

The grid is of the variables themselves, or of the coordinates of a line, a plane or a volume.

Points are numbered as in a C array of shape `counts`: the last coordinate runs fastest.  A span of
numbers is cut into as many runs as there are lanes, and each lane counts through its own with one
digit for each coordinate (a number in mixed radix): going on is an addition, and now and then a
carry.  Runs are whole rows where there are enough of them: all lanes carry at the same time then.

The least values are kept in ascending order, equal ones by their numbers: what is kept depends on
neither lanes nor spans.
"""

import numpy as np

from saddlecore.first import gradient_scratch, value_at
from saddlecore.jit import allocating, device, kernel
from saddlecore.laneops import any_lane, lane, lowest_bit, mask_bits, select, splat, width, zeros
from saddlecore.memory import aligned, load, store

__all__ = ["FIRST", "LAST", "NONE", "ORIGIN", "SHIFT", "STEP", "search"]

#: Columns of the lines: the first coordinate, from one to the next, the last; those between are
#: ORIGIN + (j − SHIFT) STEP.  With the origin in the middle its coordinate is exact.
FIRST, STEP, LAST, ORIGIN, SHIFT = range(5)
#: The number of a point that there is not.
NONE = np.int64(2**63 - 1)
#: Places in what was lost: how many values were NaN, and the least number of such a point.
COUNT, WHERE = range(2)

# Rows of a table of lanes: the fast digit, steps of the lane's run, and 1.0 while it lasts.
_DIGIT, _LENGTH, _ALIVE = range(3)


@device
def _coordinate(line, j, count):
    """The j-th of `count` coordinates: rounding must not keep the last one from the end."""
    if j == 0:
        return line[FIRST]
    return line[LAST] if j == count - 1 else line[ORIGIN] + (j - line[SHIFT]) * line[STEP]


@device
def _run_length(span, row, w):
    """How long the runs of w lanes are."""
    length = (span[1] - span[0] + w - 1) // w
    return (length + row - 1) // row * row if length >= row else length


@device
def _place(like, lines, counts, span, length, digits, t, lanes):
    """Set every lane to the first point of its run."""
    n, w = len(counts), width(like)
    for k in range(w):
        start = span[0] + k * length
        rest = start
        for i in range(n - 1, -1, -1):
            digits[i, k] = rest % counts[i]
            rest //= counts[i]
            t[i * w + k] = _coordinate(lines[i], digits[i, k], counts[i])
        lanes[_DIGIT, k] = digits[n - 1, k]
        lanes[_LENGTH, k] = max(0, min(length, span[1] - start))


@allocating
def _carry(like, lines, counts, digits, t, lanes):
    """Let the lanes whose fast digit is spent go on to their next row."""
    n, w = len(counts), width(like)
    for k in range(w):
        if lanes[_DIGIT, k] >= counts[n - 1]:
            lanes[_DIGIT, k], t[(n - 1) * w + k] = 0.0, lines[n - 1, FIRST]
            for i in range(n - 2, -1, -1):
                digits[i, k] = digits[i, k] + 1 if digits[i, k] + 1 < counts[i] else 0
                t[i * w + k] = _coordinate(lines[i], digits[i, k], counts[i])
                if digits[i, k] > 0:
                    break


@device
def _advance(like, lines, counts, digits, t, lanes):
    """Set every lane to the next point of its run."""
    fast, w = len(counts) - 1, width(like)
    line, count = lines[fast], 1.0 * counts[fast]
    j = load(like, lanes[_DIGIT], 0) + 1.0
    inner = line[ORIGIN] + (j - line[SHIFT]) * line[STEP]
    store(lanes[_DIGIT], 0, j)
    store(t, fast * w, select(j == count - 1.0, splat(like, line[LAST]), inner))
    if any_lane(j >= count):
        _carry(like, lines, counts, digits, t, lanes)


@device
def _points(like, origin, directions, t, x):
    """Points origin + Σ t_k directions[k], the terms added in their order."""
    w = width(like)
    for i in range(len(origin)):
        xi = splat(like, origin[i])
        for k in range(len(directions)):
            xi += load(like, t, k * w) * directions[k, i]
        store(x, i * w, xi)


@device
def _insert(value, index, values, numbers):
    """Keep a value among the least, if it is one of them."""
    k = len(values) - 1
    if not (value < values[k] or (value == values[k] and index < numbers[k])):
        return
    while k > 0 and (value < values[k - 1] or (value == values[k - 1] and index < numbers[k - 1])):
        values[k], numbers[k] = values[k - 1], numbers[k - 1]
        k -= 1
    values[k], numbers[k] = value, index


@allocating
def _keep(like, value, mask, first, length, top):
    """Offer the lanes of a mask to the least values."""
    bits = mask_bits(mask)
    while bits != np.uint64(0):
        k = lowest_bit(bits)
        _insert(lane(value, k), first + k * length, top[0], top[1])
        bits &= bits - np.uint64(1)


@allocating
def _lose(mask, first, length, lost):
    """Count the lanes of a mask, where the value is NaN."""
    bits = mask_bits(mask)
    while bits != np.uint64(0):
        lost[COUNT] += 1
        lost[WHERE] = min(lost[WHERE], first + lowest_bit(bits) * length)
        bits &= bits - np.uint64(1)


@allocating
def _put(like, value, alive, first, length, values):
    for k in range(width(like)):
        if lane(alive, k) > 0.5:
            values[first + k * length] = lane(value, k)


@allocating
def _search(like, forms, lines, counts, span, origin, directions, top, lost, values):
    w, on_axes = width(like), len(directions) == 0
    n = len(counts) if on_axes else len(origin)
    t, lanes, scratch = aligned(len(counts) * w), aligned(3 * w), gradient_scratch(like, n)
    x, lanes = t if on_axes else aligned(n * w), lanes.reshape(3, w)
    digits = np.zeros((len(counts), w), np.int64)
    length = _run_length(span, counts[len(counts) - 1], w)
    _place(like, lines, counts, span, length, digits, t, lanes)
    for s in range(length):
        alive = select(load(like, lanes[_LENGTH], 0) > 1.0 * s, splat(like, 1.0), splat(like, 0.0))
        store(lanes[_ALIVE], 0, alive)
        if not on_axes:
            _points(like, origin, directions, t, x)
        value, there = value_at(like, forms, x, 0, n, lanes[_ALIVE], scratch), alive > 0.5
        low = there & (value <= top[0][-1])
        if any_lane(low):
            _keep(like, value, low, span[0] + s, length, top)
        odd = there & (value != value)
        if any_lane(odd):
            _lose(odd, span[0] + s, length, lost)
        if len(values) > 0:
            _put(like, value, alive, span[0] + s, length, values)
        _advance(like, lines, counts, digits, t, lanes)


@kernel
def search(forms, lines, counts, span, origin, directions, top, lost, values):
    """Go through a span of a grid.

    Parameters
    ----------
    forms : (SLOTS, 2) int64
    lines : (k, 5) float64
        `FIRST`, `STEP`, `LAST`, `ORIGIN` and `SHIFT` of each coordinate.
    counts : (k,) int64
        How many values each has.
    span : tuple of int
        The numbers of its first point, and of the one after its last.
    origin : (n,) float64
    directions : (k, n) float64
        The point of coordinates t is origin + Σ t_k directions[k]; with shapes (0,) and (0, 0) it
        is t.
    top : tuple, in and out
        (k,) float64 values that ascend and (k,) int64 numbers of their points; where there are
        fewer, infinity and `NONE`.  NaN is never among them.
    lost : (2,) int64, in and out
        `COUNT` of NaN so far, and `WHERE`: the least number of such a point, or `NONE`.
    values : float64, out
        Every value, by its number; or empty.
    """
    _search(zeros(8), forms, lines, counts, span, origin, directions, top, lost, values)
