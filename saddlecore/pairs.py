"""Mixed second differences.

With p = f(+hᵢ, +hⱼ) and q = f(−hᵢ, −hⱼ), both less f, and Eᵢ, Oᵢ the even and odd parts of f along
variable i alone (`EVEN`, `ODD`),

    hᵢ hⱼ Hᵢⱼ = (p + q − Eᵢ − Eⱼ)/2 + (terms of fourth order),        w = (p − q − Oᵢ − Oⱼ)/2

from two values for each pair; w, of third order, is what drops out.  RICHARDSON cancels the fourth
order with a second pair of values at 2h, and drops that.  From one side (FORWARD),

    hᵢ hⱼ Hᵢⱼ = p − Fᵢ − Fⱼ + (terms of third order),       F = f(h) − f,

and the same at 2h tells the error.
"""

from collections import namedtuple

import numpy as np

from saddlecore.forms import LANES
from saddlecore.jit import allocating, device
from saddlecore.laneops import lane_numbers, mask_bits, not_, select, splat
from saddlecore.margins import ROUNDING
from saddlecore.memory import load, store
from saddlecore.moves import evaluate, move_block, move_variable, return_variable
from saddlecore.places import (
    BEYOND,
    BOUND,
    EVEN,
    FAR_EVEN,
    FAR_ODD,
    HERE,
    INVERSE,
    MIXED,
    ODD,
    OMEGA,
    ROOT,
    STEP,
    USED,
    active,
    by_variable,
    copy_to_variables,
    entry,
    get,
    spend_each,
    take,
)
from saddlecore.stencils import CENTRAL, FORWARD, OFFSETS, RICHARDSON

__all__ = ["Pairs", "central_pair", "combine", "inspect_pairs", "list_pairs", "mixed",
           "numerator", "order_of_entries", "sweeps_of_pair"]  # fmt: skip

# Safety of an error that is the difference of two formulas.
_DOUBLED = 1.5

#: The rows i that block J is paired with, rows[starts[J]:starts[J + 1]], and the lanes of each;
#: how many pairs, and whether they are all there are.
Pairs = namedtuple("Pairs", "starts rows bits count all")

_ONE, _ALL = np.uint64(1), np.uint64(255)


@allocating
def list_pairs(pairs, n, width):
    """Sort pairs of variables by the block of the smaller one."""
    blocks, every = (n + width - 1) // width, n * (n - 1) // 2
    bits_of_rows = np.zeros(blocks * n, np.uint64)
    count = 0
    for k in range(len(pairs)):
        i, j = max(pairs[k, 0], pairs[k, 1]), min(pairs[k, 0], pairs[k, 1])
        at, bit = j // width * n + i, _ONE << np.uint64(j % width)
        if i > j and not bits_of_rows[at] & bit:
            bits_of_rows[at] |= bit
            count += 1
    starts, rows, used = np.zeros(blocks + 1, np.int64), np.empty(blocks * n, np.int64), 0
    for block in range(blocks):
        for i in range(block * width + 1, n):
            bits = bits_of_rows[block * n + i]
            if bits != 0:
                # Moved to the front: what was read is not needed again.
                rows[used], bits_of_rows[used] = i, bits if width > 1 else _ALL
                used += 1
        starts[block + 1] = used
    return Pairs(starts, rows, bits_of_rows, count, count == every)


@device
def sweeps_of_pair(stencil, estimate):
    """How many values a mixed difference takes."""
    return 1 if stencil.scheme == FORWARD and not estimate else stencil.plain


@device
def _sample(like, calls, place, stencil, pairs, block, sweeps, lanes):
    """Values where a block and one more variable are moved alike."""
    bits = mask_bits(active(like, place, block) & lanes)
    for sweep in range(sweeps):
        factor, samples = OFFSETS[stencil.scheme, sweep], place.samples + sweep * place.n * LANES
        move_block(like, place, block, factor)
        for k in range(pairs.starts[block], pairs.starts[block + 1]):
            i = pairs.rows[k]
            move_variable(like, place, i, factor * by_variable(like, place, i, STEP))
            evaluate(calls, place, bits & pairs.bits[k], samples + i * LANES)
            return_variable(like, place, i, block, factor)
    move_block(like, place, block, 0.0)


@device
def _two_samples(like, place, f, row, sweep):
    at = place.samples + (sweep * place.n + row) * LANES
    p, q = load(like, place.memory, at), load(like, place.memory, at + place.n * LANES)
    return p - f, q - f


@device
def _central(like, place, f, i, block, row, sweep, even, odd):
    """The even and the odd part, halved, that two samples have beyond their variables' own."""
    p, q = _two_samples(like, place, f, row, sweep)
    own = by_variable(like, place, i, even) + take(like, place, block, even)
    turned = by_variable(like, place, i, odd) + take(like, place, block, odd)
    return 0.5 * ((p + q) - own), 0.5 * ((p - q) - turned)


@device
def _one_sided(like, place, f, i, block, row):
    """The mixed difference from one side, and by how much that of twice the steps differs."""
    p, far = _two_samples(like, place, f, row, 0)
    main = p - (by_variable(like, place, i, EVEN) + take(like, place, block, EVEN))
    far -= by_variable(like, place, i, FAR_EVEN) + take(like, place, block, FAR_EVEN)
    return main, 0.25 * far - main


@device
def numerator(like, place, stencil, f, i, block, row):
    """hᵢ hⱼ Hᵢⱼ, and what drops out, or what twice the steps add."""
    if stencil.scheme == FORWARD:
        main, dropped = _one_sided(like, place, f, i, block, row)
    else:
        main, dropped = _central(like, place, f, i, block, row, 0, EVEN, ODD)
        if stencil.scheme == RICHARDSON:
            far, _ = _central(like, place, f, i, block, row, 2, FAR_EVEN, FAR_ODD)
            main, dropped = (16.0 * main - far) / 12.0, (far - 4.0 * main) / 12.0
    return main, dropped


@device
def _left_out(like, place, stencil, i, block, dropped):
    """What a numerator may be wrong by (see `saddlecore.margins`)."""
    if stencil.scheme == FORWARD:
        t = _DOUBLED * abs(dropped) + get(like, place, BEYOND)
    else:
        alike = by_variable(like, place, i, ROOT) * take(like, place, block, ROOT)
        series = by_variable(like, place, i, OMEGA) * take(like, place, block, OMEGA)
        t = (alike + (dropped * dropped) * series) + get(like, place, BEYOND)
        t = min(t, get(like, place, BOUND))
    return t + by_variable(like, place, i, MIXED) * take(like, place, block, MIXED)


@device
def _lanes_of(like, bits):
    """The lanes whose bit is set."""
    lanes = lane_numbers(like)
    return ((splat(lanes, bits) >> lanes) & _ONE) == _ONE


@device
def combine(like, place, stencil, f, i, block, row, at, estimate, bits):
    """The derivative by variable i and those of a block, from the samples of a row, to `at`.

    It is 0 in lanes whose bit is not set.
    """
    main, dropped = numerator(like, place, stencil, f, i, block, row)
    scale_i, scale_j = by_variable(like, place, i, INVERSE), take(like, place, block, INVERSE)
    h, zero = (main * scale_i) * scale_j, splat(like, 0.0)
    if place.width > 1:
        h = select(_lanes_of(like, bits), h, zero)
    store(place.memory, at, h)
    if estimate:
        error = _left_out(like, place, stencil, i, block, dropped)
        error = (error * abs(scale_i)) * abs(scale_j) + ROUNDING * abs(h)
        if place.width > 1:
            error = select(_lanes_of(like, bits), error, zero)
        store(place.memory, at + place.errors - place.results, error)


@device
def central_pair(like, place, stencil, i, j, at):
    """`combine` for CENTRAL with points side by side; samples come from the places of results."""
    memory, error_at, f = place.memory, at + place.errors - place.results, get(like, place, HERE)
    p, q = load(like, memory, at) - f, load(like, memory, error_at) - f
    own = take(like, place, i, EVEN) + take(like, place, j, EVEN)
    turned = take(like, place, i, ODD) + take(like, place, j, ODD)
    main, dropped = 0.5 * ((p + q) - own), 0.5 * ((p - q) - turned)
    scale_i, scale_j = take(like, place, i, INVERSE), take(like, place, j, INVERSE)
    h = (main * scale_i) * scale_j
    error = _left_out(like, place, stencil, i, j, dropped)
    store(memory, at, h)
    store(memory, error_at, (error * abs(scale_i)) * abs(scale_j) + ROUNDING * abs(h))
    return h


@allocating
def mixed(like, calls, place, stencil, pairs, estimate, lanes):
    """Mixed differences of all pairs, and their errors with `estimate`, to the results."""
    sweeps = sweeps_of_pair(stencil, estimate)
    spend_each(like, place, lanes, pairs.count * sweeps)
    copy_to_variables(like, place, MIXED + 1 if stencil.scheme == CENTRAL else FAR_ODD + 1)
    f = get(like, place, HERE)
    for block in range(place.blocks):
        _sample(like, calls, place, stencil, pairs, block, sweeps, lanes)
        for k in range(pairs.starts[block], pairs.starts[block + 1]):
            i, bits = pairs.rows[k], pairs.bits[k]
            at = entry(place, i, block)
            combine(like, place, stencil, f, i, block, i, at, estimate, bits)


@device
def inspect_pairs(like, place, pairs, before, mending):
    """Where all entries are finite; `mending`, prefer what was finite before.

    Returns where something was not, but is now, and where all are.
    """
    memory, mine = place.memory, get(like, place, USED) > 0.5
    sided, fine, far = mine & not_(mine), mine | not_(mine), place.errors - place.results
    for block in range(place.blocks):
        for k in range(pairs.starts[block], pairs.starts[block + 1]):
            if place.width > 1:
                mine = _lanes_of(like, pairs.bits[k])
            at = entry(place, pairs.rows[k], block)
            h = load(like, memory, at)
            if mending:
                old = load(like, before, at - place.results)
                broken = not_(abs(old) < np.inf)
                error, old_error = load(like, memory, at + far), load(
                    like, before, at - place.results + far
                )
                h = select(broken, h, old)
                sided |= broken & mine & (abs(h) < np.inf)
                store(memory, at, h)
                store(memory, at + far, select(broken, error, old_error))
            fine &= (abs(h) < np.inf) | not_(mine)
    return sided, fine


@allocating
def order_of_entries(place):
    """Where the entries of the matrix of each lane are in the memory, row by row."""
    n, order = place.n, np.empty(place.n * place.n, np.int64)
    for i in range(n):
        for j in range(n):
            if i == j:
                order[i * n + j] = place.results + i * LANES
            else:
                order[i * n + j] = entry(place, max(i, j), min(i, j))
    return order
