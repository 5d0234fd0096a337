"""Where a group of lanes stands, and how it moves: the points that difference formulas ask for.

Two ways to fill eight lanes share one source:

many points
    Lane l is point l.  A block of variables is one variable; every lane moves it.
one point
    Every lane is the same point.  A block is eight consecutive variables; lane l moves the l-th
    of them, so that the lanes of a result are eight neighbours in a row.

What is known about a variable is kept twice.  *By block*, a record of element J belongs to block J:
what the moving lanes need.  *By variable*, a record of element v belongs to variable v in every
lane: what a second variable needs, when all lanes move it.  With many points both are the same.
"""

from collections import namedtuple

import numpy as np

from saddlecore.forms import LANES, call_form
from saddlecore.jit import allocating, device
from saddlecore.laneops import (
    all_lanes,
    any_lane,
    fold,
    lane,
    lane_numbers,
    mask_bits,
    select,
    splat,
)
from saddlecore.memory import aligned, load, store

__all__ = ["ABSOLUTE", "AT", "BEYOND", "BOUND", "EVEN", "FAR_EVEN", "FAR_ODD", "FIELDS", "FIRST",
           "GIVEN", "HERE", "INVERSE", "KNOWN", "MAIN", "MIXED", "MULTIPLES", "ODD", "OMEGA",
           "RING", "ROOT", "ROWS", "SIGMA", "SIGN", "SLOPE", "SPENT", "STEP", "TOP", "USED",
           "Calls", "Place", "active", "by_variable", "expand", "get", "line", "make_place",
           "move_block", "move_variable", "put", "reach", "return_variable", "set_level", "shared",
           "shared_all", "spend", "spend_each", "take", "total", "value"]  # fmt: skip

#: A form in lanes and in plain numbers, each an address and its data.
Calls = namedtuple("Calls", "lanes lanes_data single single_data")

#: n variables in `blocks` blocks of `width`.  All scratch is one array, `memory`; the other fields
#: say where in it: x, the point moved from it, how each block moves and a line's direction (n
#: elements each), what a form wrote, records by block and by variable, results and their errors
#: (by block), four elements for each row of pairs, and numbers of one lane.  `lanes` is LANES, which
#: the compiler does not know: loops over it are not unrolled.
Place = namedtuple(
    "Place",
    "n width blocks memory x moved bumps direction out blockwise variables results errors "
    "samples column outputs lanes",
)

#: Elements at the start of the memory: f(x); the standard deviation of its noise where that was
#: measured, and whether it was (1.0) or was given; log₂ of what first steps are beside |x|; 1.0 in
#: lanes that matter, and the evaluations in each; two bounds of the errors of pairs; a line's
#: multiples (plain numbers), and its values; values at a formula's points.
(HERE, ABSOLUTE, KNOWN, FIRST, USED, SPENT, BOUND, BEYOND, MULTIPLES, ROWS, RING,
 _HEAD) = (*range(10), 17, 23)  # fmt: skip

#: A record: x; a fixed sign; the step that the caller gave, or 0; h and 1/h; f(+h) ± f(−h), less 2f
#: for +, and the same for 2h (one-sided: f(h) − f and f(2h) − f); D, the slope and T of
#: `saddlecore.stencils`; σ; what errors of mixed differences need.
(AT, SIGN, GIVEN, STEP, INVERSE, EVEN, ODD, FAR_EVEN, FAR_ODD, MAIN, SLOPE, TOP, SIGMA, ROOT, MIXED,
 OMEGA, FIELDS) = range(17)  # fmt: skip


@allocating
def make_place(n, width, outputs):
    """Scratch for functions of n variables with `outputs` results."""
    blocks = (n + width - 1) // width
    x = _HEAD * LANES
    moved, bumps, direction = x + n * LANES, x + 2 * n * LANES, x + 3 * n * LANES
    out = x + 4 * n * LANES
    blockwise = out + outputs * LANES
    variables = blockwise + blocks * FIELDS * LANES
    results = variables + (n * FIELDS * LANES if width > 1 else 0)
    errors = results + blocks * LANES
    samples = errors + blocks * LANES
    column = samples + 4 * n * LANES
    memory = aligned(column + n + outputs)
    memory[:] = 0.0
    for v in range(blocks * width):
        for w in range(LANES):
            if width == 1 or v % width == w:
                memory[blockwise + (v // width * FIELDS + SIGN) * LANES + w] = (
                    -1.0 if v % 3 == 0 else 1.0
                )
    return Place(
        n, width, blocks, memory, x, moved, bumps, direction, out, blockwise,
        variables if width > 1 else blockwise, results, errors, samples, column, outputs,
        len(memory) - column - n - outputs + LANES,
    )  # fmt: skip


@device
def get(like, place, element):
    """An element at the start of the memory."""
    return load(like, place.memory, element * LANES)


@device
def set_level(like, place, element, x):
    """Write an element at the start of the memory."""
    store(place.memory, element * LANES, x)


@device
def take(like, place, block, field):
    """A field of a block's record."""
    return load(like, place.memory, place.blockwise + (block * FIELDS + field) * LANES)


@device
def put(like, place, block, field, x):
    """Write a field of a block's record."""
    store(place.memory, place.blockwise + (block * FIELDS + field) * LANES, x)


@device
def by_variable(like, place, v, field):
    """A field of a variable's record."""
    return load(like, place.memory, place.variables + (v * FIELDS + field) * LANES)


@device
def active(like, place, block):
    """The lanes of a block that stand for something."""
    mask = get(like, place, USED) > 0.5
    if place.width > 1:
        mask &= lane_numbers(like) < np.uint64(place.n - block * place.width)
    return mask


@device
def shared(like, place, mask):
    """A mask of points: with one point, what holds in any lane holds in all."""
    if place.width > 1:
        mask = splat(like, 1.0 if any_lane(mask) else 0.0) > 0.5
    return mask


@device
def shared_all(like, place, mask):
    """`shared`, for what must hold in all lanes of one point."""
    if place.width > 1:
        mask = splat(like, 1.0 if all_lanes(mask) else 0.0) > 0.5
    return mask


@device
def total(like, place, x):
    """Sums over variables, of which each block gave x: over the lanes if those are variables."""
    if place.width > 1:
        x = splat(like, fold(0.0, x))
    return x


@device
def expand(like, place, block, x, at, stride):
    """Write a block's x to element ``at + v·stride`` for its variables v, each in every lane."""
    first = block * place.width
    for v in range(first, min(place.n, first + place.width)):
        y = x
        if place.width > 1:
            y = splat(like, lane(x, v - first))
        store(place.memory, at + v * stride, y)


# --- values ----------------------------------------------------------------------------------


@allocating
def _one_by_one(calls, place, bits):
    """Call the plain form for each of the lanes in `bits`."""
    n, memory, column = place.n, place.memory, place.column
    for w in range(place.lanes):
        if (bits >> np.uint64(w)) & np.uint64(1):
            for i in range(n):
                memory[column + i] = memory[place.moved + i * LANES + w]
            call_form(calls.single, memory, column, n, memory, column + n, calls.single_data)
            for i in range(place.outputs):
                memory[place.out + i * LANES + w] = memory[column + n + i]


@device
def value(like, calls, place, bits):
    """The form's first result at the moved point; lanes whose bit is not set mean nothing."""
    if calls.lanes != 0:
        call_form(calls.lanes, place.memory, place.moved, place.n, place.memory, place.out,
                  calls.lanes_data)  # fmt: skip
    else:
        _one_by_one(calls, place, bits)
    return load(like, place.memory, place.out)


@device
def spend(like, place, lanes, count):
    """Count evaluations, so many in each of the lanes."""
    more = select(lanes, splat(like, 1.0 * count), splat(like, 0.0))
    set_level(like, place, SPENT, get(like, place, SPENT) + more)


@device
def spend_each(like, place, points, count):
    """Count evaluations, so many for each of the points."""
    if place.width > 1:
        points &= lane_numbers(like) < np.uint64(1)
    spend(like, place, points, count)


# --- moves: of one variable in every lane, or of a block's, each in its lane -----------------------


@device
def move_variable(like, place, i, step):
    """Move variable i by `step`, lane by lane."""
    store(place.memory, place.moved + i * LANES, load(like, place.memory, place.x + i * LANES) + step)


@device
def move_block(like, place, block, factor):
    """Move the variables of a block by ``factor`` steps; 0 moves them back."""
    for v in range(block * place.width, min(place.n, (block + 1) * place.width)):
        move_variable(like, place, v, factor * load(like, place.memory, place.bumps + v * LANES))


@device
def return_variable(like, place, i, block, factor):
    """Undo `move_variable` while a block is moved."""
    here = load(like, place.memory, place.x + i * LANES)
    if i < (block + 1) * place.width:
        here += factor * load(like, place.memory, place.bumps + i * LANES)
    store(place.memory, place.moved + i * LANES, here)


@device
def reach(like, place, block, step):
    """Say how far a block's lanes move, each its own variable."""
    first = block * place.width
    for v in range(first, min(place.n, first + place.width)):
        mine = step
        if place.width > 1:
            mine = select(lane_numbers(like) == np.uint64(v - first), step, splat(like, 0.0))
        store(place.memory, place.bumps + v * LANES, mine)


@device
def line(like, calls, place, count, wanted):
    """Values at x + multiples[k] · direction for k < count: to row k of ROWS."""
    n, memory, bits = place.n, place.memory, mask_bits(wanted)
    few, found = wanted, splat(like, 0.0)
    if place.width > 1:
        few &= lane_numbers(like) < np.uint64(count)
        bits = mask_bits(few)
    for k in range(count):
        if place.width == 1 or k == 0:
            multiple = splat(like, memory[MULTIPLES * LANES + k])
            if place.width > 1:
                multiple = get(like, place, MULTIPLES)
            for v in range(n):
                along = load(like, memory, place.direction + v * LANES)
                move_variable(like, place, v, multiple * along)
            found = value(like, calls, place, bits)
            spend(like, place, few, 1)
        row = found
        if place.width > 1:
            row = splat(like, lane(found, k))
        store(memory, (ROWS + k) * LANES, row)
    for v in range(n):
        store(memory, place.moved + v * LANES, load(like, memory, place.x + v * LANES))
