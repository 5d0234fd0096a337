"""Moves of a group of lanes, and values at the points that they lead to."""

from collections import namedtuple

import numpy as np

from saddlecore.forms import LANES, call_form
from saddlecore.jit import allocating, device
from saddlecore.laneops import lane, lane_numbers, mask_bits, select, splat
from saddlecore.memory import load, store
from saddlecore.places import MULTIPLES, ROWS, get, spend

__all__ = ["Calls", "aim", "call_lanes", "evaluate", "line", "move_block", "move_variable",
           "reach", "return_variable"]  # fmt: skip

#: A form in lanes and in plain numbers, each an address and its data.
Calls = namedtuple("Calls", "lanes lanes_data single single_data")

# --- values ----------------------------------------------------------------------------------


@allocating
def _one_by_one(calls, place, bits, at):
    """Call the plain form for each of the lanes in `bits`."""
    n, memory, column = place.n, place.memory, place.column
    for w in range(place.lanes):
        if (bits >> np.uint64(w)) & np.uint64(1):
            for i in range(n):
                memory[column + i] = memory[place.moved + i * LANES + w]
            call_form(calls.single, memory, column, n, memory, column + n, calls.single_data)
            memory[at + w] = memory[column + n]


@device
def call_lanes(calls, place, at):
    """`evaluate`, where there is a form in lanes."""
    call_form(calls.lanes, place.memory, place.moved, place.n, place.memory, at,
              calls.lanes_data)  # fmt: skip


@device
def evaluate(calls, place, bits, at):
    """Let the form write its value at the moved point to ``memory[at]``.

    Lanes whose bit is not set then mean nothing.  The form writes where its value is needed: to
    wait for it here, and to store it there, would cost as much as the call.
    """
    if calls.lanes != 0:
        call_lanes(calls, place, at)
    else:
        _one_by_one(calls, place, bits, at)


# --- moves: of one variable in every lane, or of a block's, each in its lane -------------------


@device
def move_variable(like, place, i, step):
    """Move variable i by `step`, lane by lane."""
    here = load(like, place.memory, place.x + i * LANES)
    store(place.memory, place.moved + i * LANES, here + step)


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
def aim(like, place, block, along):
    """Set the direction of a line for the variables of a block, each lane's for its own."""
    first = block * place.width
    for v in range(first, min(place.n, first + place.width)):
        y = along
        if place.width > 1:
            y = splat(like, lane(along, v - first))
        store(place.memory, place.direction + v * LANES, y)


@device
def line(like, calls, place, count, wanted):
    """Values at x + multiples[k] · direction for k < count: to row k of ROWS."""
    n, memory, bits = place.n, place.memory, mask_bits(wanted)
    few, calls_needed = wanted, count
    if place.width > 1:
        few &= lane_numbers(like) < np.uint64(count)
        bits, calls_needed = mask_bits(few), 1
    for k in range(calls_needed):
        multiple = get(like, place, MULTIPLES)
        if place.width == 1:
            multiple = splat(like, memory[MULTIPLES * LANES + k])
        for v in range(n):
            along = load(like, memory, place.direction + v * LANES)
            move_variable(like, place, v, multiple * along)
        evaluate(calls, place, bits, (ROWS + k) * LANES)
    spend(like, place, few, calls_needed)
    if place.width > 1:
        found = get(like, place, ROWS)
        for k in range(count):
            store(memory, (ROWS + k) * LANES, splat(like, lane(found, k)))
    for v in range(n):
        store(memory, place.moved + v * LANES, load(like, memory, place.x + v * LANES))
