"""What all differences do with a group of lanes: enter points, differ along variables, report."""

import numpy as np

from saddlecore.forms import LANES
from saddlecore.jit import allocating, device
from saddlecore.laneops import any_lane, lane_numbers, mask_bits, not_, select, splat
from saddlecore.margins import ROUNDING
from saddlecore.memory import load, store
from saddlecore.moves import Calls, evaluate, reach
from saddlecore.noise import EPS, axis_scale, check_noise
from saddlecore.places import (
    ABSOLUTE,
    AT,
    FIELDS,
    HERE,
    INVERSE,
    KNOWN,
    MAIN,
    SIGMA,
    SLOPE,
    SPENT,
    STEP,
    TOP,
    USED,
    active,
    get,
    put,
    set_level,
    shared,
    shared_all,
    spend_each,
    take,
    total,
)
from saddlecore.steps import prepare_steps, settle
from saddlecore.transposes import gather, scatter

__all__ = ["INCOMPLETE", "NOISY", "NOT_FINITE", "OK", "ONE_SIDED", "along_axes", "calls_of",
           "enter", "report", "settle_again", "width_for", "write_axes", "write_rows"]  # fmt: skip

#: What `status` adds up: f(x) is not finite, and nothing was computed; some variable allowed one
#: side only; f is much noisier than rounding, and steps are larger for it; some entry is NaN.
OK, NOT_FINITE, ONE_SIDED, NOISY, INCOMPLETE = 0, 1, 2, 4, 8

# Up to this many variables, many points go side by side; beyond, one point fills the lanes.
_SIDE_BY_SIDE = 32
_ALL = np.uint64(255)  # lanes
# f is called noisy from this multiple of rounding.
_MUCH = 1024.0


@device
def calls_of(forms, slot):
    """A form of an objective."""
    return Calls(forms[slot + 1, 0], forms[slot + 1, 1], forms[slot, 0], forms[slot, 1])


@device
def width_for(m, n):
    """Variables in a block: 1 if points go side by side."""
    return 1 if m >= LANES and n <= _SIDE_BY_SIDE else LANES


@device
def _go(like, place, flat, first, used, starts):
    """Go to a group of points."""
    n, memory = place.n, place.memory
    lanes = lane_numbers(like) < np.uint64(used if place.width == 1 else LANES)
    set_level(like, place, USED, select(lanes, splat(like, 1.0), splat(like, 0.0)))
    if place.width == 1:
        gather(flat, n, first, used, starts, memory, place.x)
        for v in range(n):
            x = load(like, memory, place.x + v * LANES)
            put(like, place, v, AT, x)
            store(memory, place.moved + v * LANES, x)
    else:
        for v in range(place.blocks * LANES):
            x = flat[first * n + min(v, n - 1)]
            memory[place.results + v] = x
            if v < n:
                store(memory, place.x + v * LANES, splat(like, x))
                store(memory, place.moved + v * LANES, splat(like, x))
        for block in range(place.blocks):
            put(like, place, block, AT, load(like, memory, place.results + block * LANES))


@device
def _begin(like, calls, place, known):
    """f(x); lanes where it is not finite are not used any more."""
    zero, used = splat(like, 0.0), get(like, place, USED)
    evaluate(calls, place, mask_bits(used > 0.5) if place.width == 1 else np.uint64(1), place.out)
    f = load(like, place.memory, place.out)
    if place.width > 1:
        f = splat(like, place.memory[place.out])
    set_level(like, place, SPENT, zero)
    spend_each(like, place, used > 0.5, 1)
    finite = abs(f) < np.inf
    set_level(like, place, USED, select(finite, used, zero))
    set_level(like, place, HERE, select(finite, f, splat(like, np.nan)))
    set_level(like, place, ABSOLUTE, zero)
    set_level(like, place, KNOWN, splat(like, 1.0 if known else 0.0))


@device
def enter(like, calls, place, flat, first, used, starts, known):
    """Go to a group of points, and evaluate f; returns the lanes where it is finite."""
    _go(like, place, flat, first, used, starts)
    _begin(like, calls, place, known)
    return get(like, place, USED) > 0.5


@allocating
def along_axes(like, calls, place, formula, relative, check, estimate, lanes):
    """Settle the steps of all variables; measure the noise where f leaves its slope."""
    prepare_steps(like, place, formula, relative)
    for block in range(place.blocks):
        settle(like, calls, place, formula, relative, block, estimate, lanes)
    if check:
        noisy = check_noise(like, calls, place, relative)
        if any_lane(noisy):
            settle_again(like, calls, place, formula, relative, noisy)


@allocating
def settle_again(like, calls, place, formula, relative, lanes):
    """Settle the steps of all variables with the noise that was measured, in some lanes."""
    records = place.memory[place.blockwise : place.blockwise + place.blocks * FIELDS * LANES]
    before = records.copy()
    prepare_steps(like, place, formula, relative)
    for block in range(place.blocks):
        settle(like, calls, place, formula, relative, block, True, lanes)
    for at in range(0, len(records), LANES):
        x = load(like, records, at)
        store(records, at, select(lanes, x, load(like, before, at)))
    for block in range(place.blocks):
        reach(like, place, block, take(like, place, block, STEP))


@device
def _along(like, place, formula, block, noise):
    """The derivative along a block's variables, of order q, and its error."""
    scale, h = take(like, place, block, INVERSE), take(like, place, block, MAIN)
    sigma = max(take(like, place, block, SIGMA), noise)
    error = formula.rough * abs(take(like, place, block, TOP)) + formula.grain * sigma
    h, error = h * scale, error * abs(scale)
    if formula.power > 1.5:
        h, error = h * scale, error * abs(scale)
    return h, error + ROUNDING * abs(h)


@device
def write_axes(like, place, formula, noise, mending):
    """Derivatives along all variables to the results; `mending`, only where they are not finite.

    Returns where that was done, and where all are finite now.
    """
    memory, sided, fine = place.memory, noise != noise, noise == noise
    for block in range(place.blocks):
        at, error_at = place.results + block * LANES, place.errors + block * LANES
        mine = active(like, place, block)
        h, error = _along(like, place, formula, block, noise)
        if mending:
            old = load(like, memory, at)
            broken = not_(abs(old) < np.inf)
            h, error = select(broken, h, old), select(broken, error, load(like, memory, error_at))
            sided |= broken & mine & (abs(h) < np.inf)
        store(memory, at, h)
        store(memory, error_at, error)
        fine &= (abs(h) < np.inf) | not_(mine)
    return shared(like, place, sided), shared_all(like, place, fine)


@allocating
def _noisy(like, place):
    """Where f is much noisier than rounding, of f or of what is cancelled where f is near 0."""
    size = splat(like, 0.0)
    for block in range(place.blocks):
        slope = take(like, place, block, SLOPE) * take(like, place, block, INVERSE)
        part = abs(slope * axis_scale(like, take(like, place, block, AT)))
        size += select(active(like, place, block) & (part < np.inf), part, splat(like, 0.0))
    size = total(like, place, size) + abs(get(like, place, HERE))
    return mask_bits(get(like, place, ABSOLUTE) > (_MUCH * EPS) * size)


@device
def report(like, place, first, used, sided, fine, evaluations, status):
    """Counts and flags of a group; `sided` and `fine` hold by point."""
    memory, noisy = place.memory, np.uint64(0)
    finite = mask_bits(abs(get(like, place, HERE)) < np.inf)
    if any_lane(get(like, place, ABSOLUTE) > 0.0):
        noisy = _noisy(like, place)
    elif place.width == 1 and used == LANES and sided == 0 and fine & finite == _ALL:
        for w in range(LANES):
            evaluations[first + w], status[first + w] = np.int64(memory[SPENT * LANES + w]), OK
        return
    for w in range(used):
        flags = OK
        if not (finite >> np.uint64(w)) & np.uint64(1):
            flags = NOT_FINITE
        else:
            flags += NOISY if (noisy >> np.uint64(w)) & np.uint64(1) else 0
            flags += ONE_SIDED if (sided >> np.uint64(w)) & np.uint64(1) else 0
            flags += 0 if (fine >> np.uint64(w)) & np.uint64(1) else INCOMPLETE
        status[first + w] = flags
        spent = memory[SPENT * LANES + w]
        if place.width > 1:
            for k in range(1, LANES):
                spent += memory[SPENT * LANES + k]
        evaluations[first + w] = np.int64(spent)


@device
def write_rows(place, order, shift, first, used, starts, out):
    """Write results by block, of a group, to rows."""
    if place.width == 1:
        scatter(place.memory, order, shift, first, used, starts, out)
    else:
        for v in range(place.n):
            out[first * place.n + v] = place.memory[place.results + shift + v]
