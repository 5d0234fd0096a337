"""Products of Hessians with vectors from values: O(n) evaluations, not O(n²).

(H v)ᵢ is a mixed difference (`saddlecore.pairs`) of one variable and of the direction t v, whose
length is that of one step: t = 1/‖v/h‖, in units of the variables' own steps.
"""

import math

import numpy as np

from saddlecore.forms import LANES, VALUE
from saddlecore.groups import along_axes, calls_of, enter, report, width_for, write_rows
from saddlecore.jit import allocating, device, kernel
from saddlecore.laneops import any_lane, lane_numbers, mask_bits, not_, select, splat, zeros
from saddlecore.margins import all_noise, look_along_all, weigh_variables, weights
from saddlecore.memory import aligned, load, store
from saddlecore.moves import evaluate, line, move_block
from saddlecore.noise import EPS, TINY
from saddlecore.pairs import combine, numerator, sweeps_of_pair
from saddlecore.places import (
    ABSOLUTE,
    BEYOND,
    BOUND,
    EVEN,
    FAR_EVEN,
    FAR_ODD,
    FIELDS,
    HERE,
    INVERSE,
    MIXED,
    MULTIPLES,
    ODD,
    OMEGA,
    ROOT,
    ROWS,
    active,
    by_variable,
    copy_to_variables,
    get,
    make_place,
    put_by_variable,
    set_level,
    shared,
    shared_all,
    spend,
    take,
    total,
)
from saddlecore.stencils import (
    FORWARD,
    HESSIAN_OF,
    MAIN_WEIGHTS,
    OFFSETS,
    TOP_WEIGHTS,
    stencil,
)
from saddlecore.transposes import gather

__all__ = ["product_differences"]

_EVERY = np.uint64(255)  # lanes
# Safety of an error that is what two computations of one number differ by.
_APART = 2.0


@device
def _set_direction(like, place, vectors, first, used, starts):
    """Point the line along t v; returns t."""
    n, memory, size = place.n, place.memory, splat(like, 0.0)
    if place.width == 1:
        gather(vectors, n, first, used, starts, memory, place.direction)
    else:
        for v in range(n):
            store(memory, place.direction + v * LANES, splat(like, vectors[first * n + v]))
    for v in range(n):
        in_steps = load(like, memory, place.direction + v * LANES) * by_variable(
            like, place, v, INVERSE
        )
        size += in_steps * in_steps
    t = select(size > 0.0, 1.0 / math.sqrt(size), splat(like, 1.0))
    for v in range(n):
        at = place.direction + v * LANES
        store(memory, at, t * load(like, memory, at))
    return t


@device
def _along_line(like, calls, place, formula, count, lanes):
    """Values along the direction, less f, at the formula's points: to ROWS."""
    for k in range(count):
        place.memory[MULTIPLES * LANES + k] = OFFSETS[formula.scheme, k]
    line(like, calls, place, count, lanes)


@device
def _keep_direction(like, place, formula, t, relative, noise, count):
    """Write the direction's record, as if it were a variable; returns D along it."""
    f, zero = get(like, place, HERE), splat(like, 0.0)
    top, main, size = zero, zero, zero
    for k in range(count):
        at = load(like, place.memory, (ROWS + k) * LANES)
        top += TOP_WEIGHTS[formula.number, k] * (at - f)
        main += MAIN_WEIGHTS[formula.number, k] * (at - f)
        size = max(size, abs(at))
    sigma = max(max(noise, relative * size), max(get(like, place, ABSOLUTE), splat(like, TINY)))
    # Of a higher difference that cannot be had, no more is known than of this one.
    top = select(abs(top) < np.inf, top, main)
    root, mixed, omega = weights(like, formula, top, sigma, main)
    one, two = get(like, place, ROWS) - f, get(like, place, ROWS + 1) - f
    three, four = get(like, place, ROWS + 2) - f, get(like, place, ROWS + 3) - f
    n = place.n
    put_by_variable(like, place, n, INVERSE, 1.0 / t)
    put_by_variable(like, place, n, ROOT, root)
    put_by_variable(like, place, n, MIXED, mixed)
    put_by_variable(like, place, n, OMEGA, omega)
    if formula.scheme == FORWARD:
        put_by_variable(like, place, n, EVEN, one)
        put_by_variable(like, place, n, FAR_EVEN, two)
    else:
        put_by_variable(like, place, n, EVEN, one + two)
        put_by_variable(like, place, n, ODD, one - two)
        put_by_variable(like, place, n, FAR_EVEN, three + four)
        put_by_variable(like, place, n, FAR_ODD, three - four)
    return main


@device
def _sample(like, calls, place, formula, origin, sweeps, lanes):
    """Values where the direction and one more variable are moved alike."""
    n, memory = place.n, place.memory
    for v in range(n):
        store(origin, v * LANES, load(like, memory, place.x + v * LANES))
    for sweep in range(sweeps + 1):
        factor = OFFSETS[formula.scheme, sweep] if sweep < sweeps else 0.0
        for v in range(n):
            along = load(like, memory, place.direction + v * LANES)
            here = load(like, origin, v * LANES) + factor * along
            store(memory, place.x + v * LANES, here)
            store(memory, place.moved + v * LANES, here)
        for block in range(place.blocks if sweep < sweeps else 0):
            mine = active(like, place, block) & lanes
            move_block(like, place, block, factor)
            at = place.samples + (sweep * n + block) * LANES
            evaluate(calls, place, mask_bits(mine), at)
            move_block(like, place, block, 0.0)
            spend(like, place, mine, 1)


@device
def _lengths(like, place, block):
    """How long the direction is along the variables of a block, in their steps."""
    first, memory = block * place.width, place.memory
    along = load(like, memory, place.direction + first * LANES)
    for v in range(first + 1, min(place.n, first + place.width)):
        one = load(like, memory, place.direction + v * LANES)
        along = select(lane_numbers(like) == np.uint64(v - first), one, along)
    return along * take(like, place, block, INVERSE)


@device
def _check_against_line(like, place, formula, main):
    """Let errors know how far vᵀH v, from the product, is from the difference along v."""
    f, found = get(like, place, HERE), splat(like, 0.0)
    for block in range(place.blocks):
        part, _ = numerator(like, place, formula, f, place.n, block, block)
        part *= _lengths(like, place, block)
        found += select(active(like, place, block), part, splat(like, 0.0))
    apart = abs(total(like, place, found) - main)
    apart = select(apart < np.inf, apart, splat(like, 0.0))
    set_level(like, place, BEYOND, get(like, place, BEYOND) + _APART * apart)


@device
def _write(like, place, formula, estimate, mending):
    """The product by blocks; `mending`, only where it is not finite.

    Returns where that was done, and where all is finite now.
    """
    memory, f = place.memory, get(like, place, HERE)
    sided, fine = f > np.inf, not_(f > np.inf)
    for block in range(place.blocks):
        at, error_at = place.results + block * LANES, place.errors + block * LANES
        old, old_error = load(like, memory, at), load(like, memory, error_at)
        combine(like, place, formula, f, place.n, block, block, at, estimate, _EVERY)
        h, mine = load(like, memory, at), active(like, place, block)
        if mending:
            broken = not_(abs(old) < np.inf)
            h = select(broken, h, old)
            sided |= broken & mine & (abs(h) < np.inf)
            store(memory, at, h)
            store(memory, error_at, select(broken, load(like, memory, error_at), old_error))
        fine &= (abs(h) < np.inf) | not_(mine)
    return shared(like, place, sided), shared_all(like, place, fine)


@allocating
def _product(like, calls, place, formula, relative, rest, estimate, mending, group, lanes):
    """H v of a group whose variables are settled: see `_write`."""
    vectors, first, used, starts, origin = group
    copy_to_variables(like, place, FIELDS)
    t = _set_direction(like, place, vectors, first, used, starts)
    count = formula.count if estimate else formula.plain
    for side in range(2):
        _along_line(like, calls, place, formula, count, lanes)
        last = get(like, place, ROWS) + get(like, place, ROWS + 1)
        turn = lanes & not_(abs(last) < np.inf)
        if formula.scheme != FORWARD or side == 1 or not any_lane(turn):
            break
        # The other side.
        t = select(turn, 0.0 - t, t)
        for v in range(place.n):
            at = place.direction + v * LANES
            along = load(like, place.memory, at)
            store(place.memory, at, select(turn, 0.0 - along, along))
    main = _keep_direction(like, place, formula, t, relative, rest, count)
    _sample(like, calls, place, formula, origin, sweeps_of_pair(formula, estimate), lanes)
    if estimate:
        _check_against_line(like, place, formula, main)
    return _write(like, place, formula, estimate, mending)


@kernel
def product_differences(
    forms, X, V, scheme, step, noise, product, error, evaluations, status
):
    """Products of Hessians with vectors, H(x) v, from values.

    Parameters
    ----------
    forms, X
        As in `saddlecore.differences.gradient_differences`.
    V : (m, n) float64, C-contiguous
    scheme : int
        `CENTRAL` (6n + 10 evaluations, 4n + 3 without errors), `FORWARD` or `RICHARDSON`.
    step, noise
        As in `saddlecore.differences.gradient_differences`.
    product : (m, n) float64, out
    error : (m, n) or (0, 0) float64, out
    evaluations, status : (m,) int64, out
    """
    like = zeros(8)
    m, n = X.shape
    place, calls = make_place(n, width_for(m, n), step, False), calls_of(forms, VALUE)
    order, shift = np.arange(n) * LANES + place.results, place.errors - place.results
    starts, flat, vectors = np.empty(LANES, np.int64), X.reshape(X.size), V.reshape(V.size)
    out, out_error = product.reshape(product.size), error.reshape(error.size)
    known, estimate, origin = noise >= 0.0, error.size > 0, aligned(n * LANES)
    relative = max(noise, EPS) if known else EPS
    first = 0
    while first < m:
        used = min(LANES, m - first) if place.width == 1 else 1
        everybody = enter(like, calls, place, flat, first, used, starts, known)
        lanes, sided, fine = everybody, everybody, everybody
        for trial in range(2):
            formula, mending = stencil(HESSIAN_OF, scheme if trial == 0 else FORWARD), trial == 1
            check, rest = estimate and not known and not mending, splat(like, 0.0)
            along_axes(like, calls, place, formula, relative, check, estimate, lanes)
            if estimate:
                rest = all_noise(like, place, formula)
                if formula.scheme != FORWARD and n > 1:
                    rest = look_along_all(like, calls, place, formula, rest)
                # U is about pairs of variables; a direction has all of them.
                set_level(like, place, BOUND, splat(like, np.inf))
                weigh_variables(like, place, formula, rest)
            group = (vectors, first, used, starts, origin)
            sided, fine = _product(
                like, calls, place, formula, relative, rest, estimate, mending, group, lanes
            )
            lanes = everybody & not_(fine)
            if scheme == FORWARD or not any_lane(lanes):
                break
        write_rows(place, order, 0, first, used, starts, out)
        if estimate:
            write_rows(place, order, shift, first, used, starts, out_error)
        report(like, place, first, used, mask_bits(sided), mask_bits(fine), evaluations, status)
        first += used
