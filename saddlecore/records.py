"""What runs record on their way, every so many steps."""

import math

from saddlecore.jit import device
from saddlecore.laneops import lane, width
from saddlecore.memory import load

__all__ = ["ALIVE", "LAST_LENGTH", "LENGTH", "VALUE", "any_due", "is_due", "record"]

#: What can be recorded; 0 for how often: never.
VALUE, NORM, LENGTH, PATH = range(4)
#: Rows of the table of a block's lanes: what is known of each start, the length of its last step
#: and up to three numbers of its method; and whether it goes on.
LAST_LENGTH, ALIVE = 0, 4


@device
def is_due(every, t):
    """Whether what is recorded every so many steps is recorded at time t."""
    return every > 0 and t % every == 0


@device
def any_due(history, t):
    """Whether anything is to be recorded at a time."""
    found = False
    for each in history[0]:
        found |= is_due(each, t)
    return found


@device
def _put(like, out, when, block, group, numbers):
    """Record a number of each lane: of those that have ended, too, which means nothing."""
    rows, w = block.rows, width(like)
    first = block.first + group * w
    for k in range(min(w, len(rows) - first)):
        out[rows[first + k], when] = lane(numbers, k)


@device
def _put_path(like, n, at, path, when, block, group, work):
    rows, w = block.rows, width(like)
    first = block.first + group * w
    for k in range(min(w, len(rows) - first)):
        for i in range(n):
            path[rows[first + k], when, i] = work.x[at + i * w + k]


@device
def record(like, n, at, t, history, block, group, value, square, work):
    """Record what is due at time t of a group: `square` is ‖∇f‖²."""
    every, values, norms, lengths, path = history
    if is_due(every[VALUE], t):
        _put(like, values, t // every[VALUE], block, group, value)
    if is_due(every[NORM], t):
        _put(like, norms, t // every[NORM], block, group, math.sqrt(square))
    if is_due(every[LENGTH], t):
        length = load(like, work.lanes[LAST_LENGTH], group * width(like))
        _put(like, lengths, t // every[LENGTH], block, group, length)
    if is_due(every[PATH], t):
        _put_path(like, n, at, path, t // every[PATH], block, group, work)
