"""Central Hessians of eight points side by side: `saddlecore.differences` without its choices.

The same operations on the same numbers, so the same bits, with the loops over a formula's points
written out; what is unusual in a lane goes to the general functions.  A form in lanes is needed.
"""


import numpy as np

from saddlecore.forms import LANES
from saddlecore.groups import settle_again, write_axes
from saddlecore.jit import device
from saddlecore.laneops import any_lane
from saddlecore.margins import all_noise, bound_pairs, sum_of_variables, weigh_variables
from saddlecore.memory import load, store
from saddlecore.moves import call_lanes
from saddlecore.noise import expected_rise, suspects
from saddlecore.pairs import central_pair
from saddlecore.places import HERE, KNOWN, ROWS, STEP, USED, by_variable, entry, get, spend
from saddlecore.steps import prepare_steps, settle_central

__all__ = ["swift_hessian"]


@device
def _on_line(like, calls, place, multiple, row):
    """f at x + multiple · direction."""
    memory = place.memory
    for v in range(place.n):
        x = load(like, memory, place.x + v * LANES)
        along = load(like, memory, place.direction + v * LANES)
        store(memory, place.moved + v * LANES, x + multiple * along)
    call_lanes(calls, place, (ROWS + row) * LANES)


@device
def _go_back(like, place):
    for v in range(place.n):
        store(place.memory, place.moved + v * LANES, load(like, place.memory, place.x + v * LANES))


@device
def _check_noise(like, calls, place, formula, relative):
    """`saddlecore.noise.check_noise`, and what follows from it."""
    rise, unsure = expected_rise(like, place)
    unknown = (get(like, place, KNOWN) < 0.5) & (get(like, place, USED) > 0.5)
    _on_line(like, calls, place, 1.0, 0)
    _go_back(like, place)
    spend(like, place, unknown, 1)
    noisy = suspects(like, calls, place, relative, rise, unsure, unknown)
    if any_lane(noisy):
        settle_again(like, calls, place, formula, relative, noisy)


@device
def _look_along_all(like, calls, place, formula, noise):
    """`saddlecore.margins.look_along_all`."""
    own, explained = sum_of_variables(like, place, formula)
    _on_line(like, calls, place, 1.0, 0)
    _on_line(like, calls, place, -1.0, 1)
    _on_line(like, calls, place, 2.0, 2)
    _on_line(like, calls, place, -2.0, 3)
    _go_back(like, place)
    f, rows = get(like, place, HERE), ROWS * LANES
    one, two = load(like, place.memory, rows) - f, load(like, place.memory, rows + LANES) - f
    three = load(like, place.memory, rows + 2 * LANES) - f
    four = load(like, place.memory, rows + 3 * LANES) - f
    u = (((0.0 - own) - 4.0 * one) - 4.0 * two) + three + four
    return bound_pairs(like, place, formula, u, explained, noise)


@device
def _sample(like, calls, place, pairs, sweep):
    """Values where two variables are moved alike, up (sweep 0) or down."""
    n, memory, x, moved = place.n, place.memory, place.x, place.moved
    sign = 1.0 if sweep == 0 else -1.0
    for j in range(n):
        if pairs.starts[j] < pairs.starts[j + 1]:
            step = by_variable(like, place, j, STEP)
            store(memory, moved + j * LANES, load(like, memory, x + j * LANES) + sign * step)
            for k in range(pairs.starts[j], pairs.starts[j + 1]):
                i = pairs.rows[k]
                step, here = by_variable(like, place, i, STEP), load(like, memory, x + i * LANES)
                store(memory, moved + i * LANES, here + sign * step)
                at = entry(place, i, j)
                call_lanes(calls, place, at if sweep == 0 else at + place.errors - place.results)
                store(memory, moved + i * LANES, load(like, memory, x + i * LANES))
            store(memory, moved + j * LANES, load(like, memory, x + j * LANES))


@device
def _mixed(like, calls, place, formula, pairs):
    """`saddlecore.pairs.mixed`, samples standing where results go; returns where all is finite."""
    _sample(like, calls, place, pairs, 0)
    _sample(like, calls, place, pairs, 1)
    fine = get(like, place, USED) >= 0.0
    for j in range(place.n):
        for k in range(pairs.starts[j], pairs.starts[j + 1]):
            i = pairs.rows[k]
            fine &= abs(central_pair(like, place, formula, i, j, entry(place, i, j))) < np.inf
    return fine


@device
def swift_hessian(like, calls, place, formula, pairs, relative, check, lanes):
    """All entries and errors to the results; returns where all are finite."""
    prepare_steps(like, place, formula, relative)
    for v in range(place.n):
        settle_central(like, calls, place, formula, relative, v, lanes)
    if check:
        _check_noise(like, calls, place, formula, relative)
    rest = all_noise(like, place, formula)
    line = 4 if place.n > 1 else 0
    if place.n > 1:
        rest = _look_along_all(like, calls, place, formula, rest)
    weigh_variables(like, place, formula, rest)
    _, fine = write_axes(like, place, formula, rest, False)
    fine &= _mixed(like, calls, place, formula, pairs)
    spend(like, place, lanes, 4 * place.n + line + 2 * pairs.count)
    return fine
