"""Where a group of lanes stands, and what is known there about f and about each variable.

Two ways to fill eight lanes share one source:

many points
    Lane l is point l.  A block of variables is one variable; every lane moves it.
one point
    Every lane is the same point.  A block is eight consecutive variables; lane l moves the l-th
    of them, so that the lanes of a result are eight neighbours in a row.

What is known about a variable is kept twice.  *By block*, a record of element J belongs to block J:
what the moving lanes need.  *By variable*, a record of element v belongs to variable v in every
lane: what a second variable needs, when all lanes move it.  With many points both are the same.
After the last variable's record comes one for a direction.
"""

from collections import namedtuple

import numpy as np

from saddlecore.forms import LANES
from saddlecore.jit import allocating, device
from saddlecore.laneops import all_lanes, any_lane, fold, lane_numbers, select, splat
from saddlecore.memory import aligned, load, store

__all__ = ["ABSOLUTE", "AT", "BEYOND", "BOUND", "EVEN", "FAR_EVEN", "FAR_ODD", "FIELDS", "FIRST",
           "GIVEN", "HERE", "INVERSE", "KNOWN", "MAIN", "MIXED", "MULTIPLES", "ODD", "OMEGA",
           "RING", "ROOT", "ROWS", "SIGMA", "SIGN", "SLOPE", "SPENT", "STEP", "TOP", "USED",
           "Place", "active", "by_variable", "copy_to_variables", "entry", "get", "make_place",
           "put", "put_by_variable", "set_level", "shared", "shared_all", "spend", "spend_each",
           "take", "total"]  # fmt: skip

#: n variables in `blocks` blocks of `width`.  All scratch is one array, `memory`; the other fields
#: say where in it: x, the point moved from it, how each block moves and a line's direction (n
#: elements each); what a form wrote; records by block and by variable; results (by block, then
#: entries of a matrix) and their errors; four values for each row of pairs; numbers of one lane.
#: `lanes` is LANES, which the compiler does not know: it leaves loops over it alone.
Place = namedtuple(
    "Place",
    "n width blocks memory x moved bumps direction out blockwise variables results errors samples "
    "column lanes",
)

#: Elements at the start of the memory: f(x); the standard deviation of its noise where that was
#: measured, and whether it was (1.0) or was given; log₂ of what first steps are beside |x|; 1.0 in
#: lanes that matter, and the evaluations in each; two bounds of the errors of pairs; a line's
#: multiples (plain numbers), and its values; values at a formula's points.
(HERE, ABSOLUTE, KNOWN, FIRST, USED, SPENT, BOUND, BEYOND, MULTIPLES, ROWS, RING,
 _HEAD) = (*range(10), 17, 23)  # fmt: skip

#: A record: h and 1/h; f(+h) ± f(−h), less 2f for +, and the same for 2h (one-sided: f(h) − f and
#: f(2h) − f); what errors of mixed differences need; x; a fixed sign; the step that the caller
#: gave, or 0; D, the slope and T of `saddlecore.stencils`; σ.
(STEP, INVERSE, EVEN, ODD, ROOT, OMEGA, MIXED, FAR_EVEN, FAR_ODD, AT, SIGN, GIVEN, MAIN, SLOPE, TOP,
 SIGMA, FIELDS) = range(17)  # fmt: skip


@allocating
def make_place(n, width, step, matrix):
    """Scratch for functions of n variables; `step` may give steps, `matrix` wants entries too."""
    blocks = (n + width - 1) // width
    x = _HEAD * LANES
    moved, bumps, direction = x + n * LANES, x + 2 * n * LANES, x + 3 * n * LANES
    out = x + 4 * n * LANES
    blockwise = out + LANES
    variables = blockwise + (blocks + 1) * FIELDS * LANES
    results = variables + ((n + 1) * FIELDS * LANES if width > 1 else 0)
    entries = (n * (n - 1) // 2 if width == 1 else n * blocks) if matrix else 0
    errors = results + (blocks + entries) * LANES
    samples = errors + (blocks + entries) * LANES
    column = samples + 4 * n * LANES
    memory = aligned(column + n + 1)
    memory[: _HEAD * LANES] = 0.0
    for v in range(blocks * width):
        record = blockwise + v // width * FIELDS * LANES
        for w in range(LANES) if width == 1 else range(v % width, v % width + 1):
            chosen = v >= n or len(step) == 0 or not step[v] > 0.0
            memory[record + GIVEN * LANES + w] = 0.0 if chosen else step[v]
            memory[record + SIGN * LANES + w] = -1.0 if v % 3 == 0 else 1.0
    return Place(
        n, width, blocks, memory, x, moved, bumps, direction, out, blockwise,
        variables if width > 1 else blockwise, results, errors, samples, column,
        len(memory) - column - n - 1 + LANES,
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
def entry(place, i, block):
    """Where in the memory the results of variable i with a block of smaller ones are."""
    row = i * (i - 1) // 2 if place.width == 1 else i * place.blocks
    return place.results + (place.blocks + row + block) * LANES


@device
def put_by_variable(like, place, v, field, x):
    """Write a field of a variable's record."""
    store(place.memory, place.variables + (v * FIELDS + field) * LANES, x)


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
def copy_to_variables(like, place, fields):
    """Copy a record's first fields from blocks to variables."""
    if place.width > 1:
        for v in range(place.n):
            mine = place.blockwise + (v // LANES * FIELDS) * LANES + v % LANES
            for field in range(fields):
                x = splat(like, place.memory[mine + field * LANES])
                store(place.memory, place.variables + (v * FIELDS + field) * LANES, x)


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
