"""Simulated annealing: many Metropolis chains side by side, each in a lane.

From x a chain proposes y = x + s_t r ξ, with r a length for each variable and ξ standard normals,
and goes there with probability

    min(1, exp(−(f(y) − f(x)) / T_t))                             (Metropolis et al. 1953)

while the temperature T_t falls (Kirkpatrick, Gelatt & Vecchi 1983).  Where there are bounds, y is
reflected at them as often as it takes: the proposal stays symmetric, so that at a constant
temperature exp(−f/T) is stationary.

The numbers of step t come from the blocks (chain mod 2³², chain div 2³², t, block) of
`saddlecore.streams`: two normals from each, and from the first V in (0, 1) with 24 bits too; the
step is taken where f(y) − f(x) ≤ −T ln V.  A chain depends on nothing but the key and its number.

Groups of lanes take turns, so that the processor works on one while it waits for another.
"""

import math

import numpy as np

from saddlecore.first import gradient_scratch, value_at
from saddlecore.jit import allocating, device, kernel
from saddlecore.laneops import any_lane, lane_numbers, select, splat, width, zeros
from saddlecore.memory import aligned, aligned_words, load, store
from saddlecore.philox import philox2x64
from saddlecore.streams import acceptance, log, normal_pair

__all__ = ["ACCEPTED", "BEST_VALUE", "FACTOR", "TEMPERATURE", "VALUE", "anneal"]

#: Columns of a plan: the temperature of a step, and what its proposals' lengths are multiplied by.
TEMPERATURE, FACTOR = range(2)
#: Rows of a chain's numbers: f where it is and where it was least, and how many steps it took.
VALUE, BEST_VALUE, ACCEPTED = range(3)

# Further rows of a block's table of lanes: −ln V, and 1.0 where a lane has a chain.
_LIMIT, _ALIVE = 3, 4
_ROWS = 5
# Groups that take turns, and how many numbers of theirs the cache should hold.
_GROUPS, _CACHE = 8, 3000

_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)


@device
def _number_of_groups(n, w):
    return max(1, min(_GROUPS, _CACHE // (4 * n * w)))


@device
def _enter(like, n, state, block, work):
    """Put chains in lanes; the last one again where there are fewer than lanes."""
    X, best, numbers = state
    x, y, least, lanes, _ = work
    first, groups = block
    w = width(like)
    for k in range(groups * w):
        row = min(first + k, len(X) - 1)
        at = k // w * n * w + k % w
        for i in range(n):
            x[at + i * w], least[at + i * w] = X[row, i], best[row, i]
            y[at + i * w] = X[row, i]
        for each in range(len(numbers)):
            lanes[each, k] = numbers[each, row]
        lanes[_ALIVE, k] = 1.0 if first + k < len(X) else 0.0


@device
def _leave(like, n, state, block, work):
    """Hand over where the chains are."""
    X, best, numbers = state
    x, _, least, lanes, _ = work
    first, groups = block
    w = width(like)
    for k in range(min(groups * w, len(X) - first)):
        row, at = first + k, k // w * n * w + k % w
        for i in range(n):
            X[row, i], best[row, i] = x[at + i * w], least[at + i * w]
        for each in range(len(numbers)):
            numbers[each, row] = lanes[each, k]


@device
def _reflect(like, n, at, walls, y):
    """Reflect y at both ends of every interval as often as it takes."""
    for i in range(n):
        low, high, wide, share = walls[i, 0], walls[i, 1], walls[i, 2], walls[i, 3]
        k = at + i * width(like)
        yi = load(like, y, k)
        # The zigzag of period 2 that is the identity on [0, 1].
        part = (yi - low) * share
        part -= 2.0 * math.floor(0.5 * part)
        part = min(part, 2.0 - part)
        back = min(max(low + wide * part, splat(like, low)), splat(like, high))
        store(y, k, select((yi < low) | (yi > high), back, yi))


@device
def _move(like, at, i, by, walls, work):
    """Propose for variable i; returns which lanes are out of bounds."""
    k = at + i * width(like)
    yi = load(like, work[0], k) + by
    store(work[1], k, yi)
    return (yi < walls[i, 0]) | (yi > walls[i, 1])


@device
def _draw(like, blocks, groups, t, chains, words):
    """The words of all blocks of a step: short loops let the processor overlap them."""
    first, k0, k1 = chains
    w = width(like)
    for group in range(groups):
        # The first chain is a multiple of w, so that a group's lanes share the high word.
        chain = np.uint64(first + group * w)
        low = lane_numbers(like) + (chain & _LOW)
        for block in range(blocks):
            A, B = philox2x64(low, chain >> _32, np.uint64(t), np.uint64(block), k0, k1)
            store(words[0], (group * blocks + block) * w, A)
            store(words[1], (group * blocks + block) * w, B)


@device
def _propose(like, n, group, factor, where, words, work):
    """Write a group's y, and −ln V."""
    reach, walls = where
    w, blocks = width(like), (n + 1) // 2
    at, outside = group * n * w, like > 0.0
    B = load(like, words[1], group * blocks * w)
    store(work[3][_LIMIT], group * w, -log(acceptance(B)))
    for block in range(blocks):
        k, i = (group * blocks + block) * w, 2 * block
        z0, z1 = normal_pair(load(like, words[0], k), load(like, words[1], k))
        outside |= _move(like, at, i, (factor * reach[i]) * z0, walls, work)
        if i + 1 < n:
            outside |= _move(like, at, i + 1, (factor * reach[i + 1]) * z1, walls, work)
    if any_lane(outside):
        _reflect(like, n, at, walls, work[1])


@device
def _copy(like, n, at, where, source, target):
    """Copy the lanes of a mask."""
    w = width(like)
    for k in range(at, at + n * w, w):
        store(target, k, select(where, load(like, source, k), load(like, target, k)))


@device
def _settle(like, forms, n, group, temperature, work):
    """Go to y, or stay."""
    x, y, least, lanes, scratch = work
    w = width(like)
    at, g = group * n * w, group * w
    value = value_at(like, forms, y, at, n, lanes[_ALIVE, g : g + w], scratch)
    f, best = load(like, lanes[VALUE], g), load(like, lanes[BEST_VALUE], g)
    limit = temperature * load(like, lanes[_LIMIT], g)
    # No comparison with NaN holds.
    taken = value - f <= limit
    _copy(like, n, at, taken, y, x)
    store(lanes[VALUE], g, select(taken, value, f))
    count = load(like, lanes[ACCEPTED], g)
    store(lanes[ACCEPTED], g, select(taken, count + 1.0, count))
    better = taken & (value < best)
    if any_lane(better):
        _copy(like, n, at, better, y, least)
        store(lanes[BEST_VALUE], g, select(better, value, best))


@device
def _begin(like, forms, n, group, work):
    """Take f where the chains start; what is no number counts as infinite."""
    x, _, _, lanes, scratch = work
    w = width(like)
    g = group * w
    value = value_at(like, forms, x, g * n, n, lanes[_ALIVE, g : g + w], scratch)
    value = select(value < np.inf, value, splat(like, np.inf))
    store(lanes[VALUE], g, value)
    store(lanes[BEST_VALUE], g, value)


@device
def _record(like, t, history, block, work):
    """Note f and the least f of every chain."""
    every, values, best = history
    first, groups = block
    for k in range(min(groups * width(like), len(values) - first)):
        values[first + k, t // every] = work[3][VALUE, k]
        best[first + k, t // every] = work[3][BEST_VALUE, k]


@device
def _pass(like, forms, n, plan, span, chains, where, history, block, words, work):
    """Take a block of chains through its span of steps."""
    first, last, total = span
    every = history[0]
    for t in range(first, last + 1):
        if every > 0 and t % every == 0 and (t < last or t == total):
            _record(like, t, history, block, work)
        if t == last:
            break
        temperature, factor = plan[t - first, TEMPERATURE], plan[t - first, FACTOR]
        _draw(like, (n + 1) // 2, block[1], t, chains, words)
        for group in range(block[1]):
            _propose(like, n, group, factor, where, words, work)
            _settle(like, forms, n, group, temperature, work)


@allocating
def _walls(bounds):
    """Both ends of every interval, its width and one over that."""
    walls = np.empty((len(bounds), 4))
    for i in range(len(bounds)):
        wide = bounds[i, 1] - bounds[i, 0]
        walls[i, 0], walls[i, 1] = bounds[i, 0], bounds[i, 1]
        walls[i, 2], walls[i, 3] = wide, 1.0 / wide
    return walls


@allocating
def _anneal(like, forms, key, chain, plan, span, where, history, state):
    m, n = state[0].shape
    w = width(like)
    groups = _number_of_groups(n, w)
    size = groups * n * w
    lanes = aligned(_ROWS * groups * w).reshape(_ROWS, groups * w)
    work = (aligned(size), aligned(size), aligned(size), lanes, gradient_scratch(like, n))
    drawn = groups * ((n + 1) // 2) * w
    words = (aligned_words(drawn), aligned_words(drawn))
    within = (where[0], _walls(where[1]))
    k0, k1 = np.uint64(key) & _LOW, np.uint64(key) >> _32
    for first in range(0, m, groups * w):
        block = (first, min(groups, (m - first + w - 1) // w))
        _enter(like, n, state, block, work)
        if span[0] == 0:
            for group in range(block[1]):
                _begin(like, forms, n, group, work)
        chains = (chain + first, k0, k1)
        _pass(like, forms, n, plan, span, chains, within, history, block, words, work)
        _leave(like, n, state, block, work)


@kernel
def anneal(forms, key, chain, plan, span, where, history, state):
    """Take chains through a span of steps.

    Parameters
    ----------
    forms : (SLOTS, 2) int64
    key : int
        Of the random numbers, 64 bits.
    chain : int
        Number of the first chain, a multiple of eight; the others follow.
    plan : (last − first, 2) float64
        The span's temperatures, and factors of its proposals.
    span : tuple of int
        First and last time (no step is taken at the last), and the time at which all is over.
    where : tuple
        (n,) lengths of proposals, and (n, 2) bounds that may be infinite.
    history : tuple
        How often something is recorded (0: never), and (m, records) values and least values: those
        of time t stand at t / every.
    state : tuple
        (m, n) points and best points, and (3, m) `VALUE`, `BEST_VALUE` and `ACCEPTED`; all are
        changed.  At time 0 best points must be the points; values are computed then.
    """
    _anneal(zeros(8), forms, key, chain, plan, span, where, history, state)
