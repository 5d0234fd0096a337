"""Gradients, Hessians and their products with vectors by finite differences, each with its error.

A kernel takes a table of forms (`saddlecore.forms`) and points; eight points, or eight moves of one
point, are evaluated at once.  Formulas are in `saddlecore.stencils` and `saddlecore.pairs`, the
choice of steps in `saddlecore.steps`, noise in `saddlecore.noise`.
"""

import numpy as np

from saddlecore.forms import LANES, VALUE, VALUE_LANES
from saddlecore.jit import allocating, device, kernel
from saddlecore.laneops import any_lane, mask_bits, not_, select, splat, zeros
from saddlecore.memory import load, store
from saddlecore.moves import (
    ABSOLUTE,
    AT,
    GIVEN,
    HERE,
    INVERSE,
    KNOWN,
    MAIN,
    ROWS,
    SIGMA,
    SPENT,
    TOP,
    USED,
    Calls,
    active,
    get,
    make_place,
    put,
    set_level,
    shared,
    shared_all,
    spend_each,
    take,
    value,
)
from saddlecore.noise import EPS, check_noise
from saddlecore.pairs import (
    ROUNDING,
    all_noise,
    finish_mixed,
    list_pairs,
    make_work,
    mend,
    mixed,
    sweeps_of_pair,
)
from saddlecore.steps import prepare_steps, settle
from saddlecore.stencils import CENTRAL, FORWARD, GRADIENT_OF, HESSIAN_OF, RICHARDSON, stencil
from saddlecore.transposes import gather, scatter

__all__ = ["CENTRAL", "FORWARD", "INCOMPLETE", "NOISY", "NOT_FINITE", "OK", "ONE_SIDED",
           "RICHARDSON", "gradient_differences", "hessian_differences"]  # fmt: skip

#: What `status` adds up: f(x) is not finite, and nothing was computed; some variable allowed one
#: side only; f is much noisier than rounding, and steps are larger for it; some entry is NaN.
OK, NOT_FINITE, ONE_SIDED, NOISY, INCOMPLETE = 0, 1, 2, 4, 8

# Up to this many variables, many points go side by side; beyond, one point fills the lanes.
_SIDE_BY_SIDE = 32
# f is called noisy from this multiple of rounding.
_MUCH = 1024.0


@device
def _calls(forms, slot):
    return Calls(forms[slot + 1, 0], forms[slot + 1, 1], forms[slot, 0], forms[slot, 1])


@device
def _width(m, n):
    """Variables in a block: 1 if points go side by side."""
    return 1 if m >= LANES and n <= _SIDE_BY_SIDE else LANES


@device
def _enter(like, place, flat, first, used, starts, step):
    """Go to a group of points."""
    n, memory = place.n, place.memory
    if place.width == 1:
        gather(flat, n, first, used, starts, memory, place.x)
    else:
        for v in range(n):
            store(memory, place.x + v * LANES, splat(like, flat[first * n + v]))
    for w in range(LANES):
        memory[USED * LANES + w] = 1.0 if place.width > 1 or w < used else 0.0
    for block in range(place.blocks):
        for w in range(LANES):
            v = min(block * place.width + (w if place.width > 1 else 0), n - 1)
            chosen = len(step) == 0 or not step[v] > 0.0
            memory[ROWS * LANES + w] = 0.0 if chosen else step[v]
            memory[(ROWS + 1) * LANES + w] = flat[first * n + v]
        put(like, place, block, GIVEN, get(like, place, ROWS))
        at = get(like, place, ROWS + 1)
        if place.width == 1:
            at = load(like, memory, place.x + block * LANES)
        put(like, place, block, AT, at)
    for v in range(n):
        at = v * LANES
        store(memory, place.moved + at, load(like, memory, place.x + at))


@device
def _begin(like, calls, place, known):
    """f(x); lanes where it is not finite are not used any more."""
    zero, used = splat(like, 0.0), get(like, place, USED)
    set_level(like, place, SPENT, zero)
    f = value(like, calls, place, mask_bits(used > 0.5) if place.width == 1 else np.uint64(1))
    if place.width > 1:
        f = splat(like, place.memory[place.out])
    spend_each(like, place, used > 0.5, 1)
    set_level(like, place, USED, select(abs(f) < np.inf, used, zero))
    set_level(like, place, HERE, f)
    set_level(like, place, ABSOLUTE, zero)
    set_level(like, place, KNOWN, splat(like, 1.0 if known else 0.0))


@device
def _along_axes(like, calls, place, formula, relative, check, estimate, counted):
    """Settle the steps of all variables; measure the noise where f leaves its slope."""
    for trial in range(2):
        prepare_steps(like, place, formula, relative)
        for block in range(place.blocks):
            settle(like, calls, place, formula, relative, block, estimate, counted)
        if trial == 1 or not check:
            break
        counted = check_noise(like, calls, place, relative)
        if not any_lane(counted):
            break


@device
def _diagonal(like, place, formula, block, noise):
    """The derivative of order q along a block's variables, and its error."""
    scale, main = take(like, place, block, INVERSE), take(like, place, block, MAIN)
    sigma = max(take(like, place, block, SIGMA), noise)
    error = formula.rough * abs(take(like, place, block, TOP)) + formula.grain * sigma
    main, error = main * scale, error * abs(scale)
    if formula.power > 1.5:
        main, error = main * scale, error * abs(scale)
    return main, error + ROUNDING * abs(main)


@device
def _finish(like, place, first, used, sided, fine, evaluations, status):
    """Counts and flags of a group; `sided` and `fine` hold by point."""
    memory = place.memory
    for w in range(used):
        f, noise = memory[HERE * LANES + w], memory[ABSOLUTE * LANES + w]
        flags = OK
        if not abs(f) < np.inf:
            flags = NOT_FINITE
        else:
            flags += NOISY if noise > _MUCH * EPS * abs(f) else 0
            flags += ONE_SIDED if (sided >> np.uint64(w)) & np.uint64(1) else 0
            flags += 0 if (fine >> np.uint64(w)) & np.uint64(1) else INCOMPLETE
        status[first + w] = flags
        spent = memory[SPENT * LANES + w]
        if place.width > 1:
            for k in range(1, LANES):
                spent += memory[SPENT * LANES + k]
        evaluations[first + w] = np.int64(spent)


# --- gradients -------------------------------------------------------------------------------


@device
def _write_axes(like, place, formula, noise, values, errors, on_diagonal, first):
    """D's along all variables, by blocks or on the diagonal of a matrix.

    Returns where one was replaced, if they are not the first, and where all are finite now.
    """
    sided, fine = noise != noise, noise == noise
    for block in range(place.blocks):
        main, error = _diagonal(like, place, formula, block, noise)
        at, error_at = place.results + block * LANES, place.errors + block * LANES
        if on_diagonal:
            at = block * (place.blocks + 1) * LANES
            error_at = at
        mine = active(like, place, block)
        done, finite = mend(like, values, errors, at, error_at, main, error, mine, first)
        sided |= done
        fine &= finite
    return sided, fine


@kernel
def gradient_differences(forms, X, scheme, step, noise, gradient, error, evaluations, status):
    """Gradients from values.

    Parameters
    ----------
    forms : (SLOTS, 2) int64
        See `saddlecore.forms`; VALUE in plain numbers or in lanes is needed.
    X : (m, n) float64, C-contiguous
    scheme : int
        `CENTRAL` (4n + 2 evaluations, 2n + 1 without errors), `FORWARD` or `RICHARDSON`.
    step : (n,) or (0,) float64
        Steps; where they are 0 or NaN, or missing, they are chosen.
    noise : float
        σ_f/|f|; negative or NaN: taken for rounding, and measured where that cannot be.
    gradient : (m, n) float64, out
    error : (m, n) or (0, 0) float64, out
        Bound of the error of each component, meant to hold for 99 in 100; none is computed for
        shape (0, 0), and first steps are then taken as they are.
    evaluations, status : (m,) int64, out
    """
    like = zeros(8)
    m, n = X.shape
    place, calls = make_place(n, _width(m, n), 1), _calls(forms, VALUE)
    memory, starts, flat = place.memory, np.empty(LANES, np.int64), X.reshape(X.size)
    out, out_error = gradient.reshape(gradient.size), error.reshape(error.size)
    known, estimate = noise >= 0.0, error.size > 0
    relative = max(noise, EPS) if known else EPS
    first = 0
    while first < m:
        used = min(LANES, m - first) if place.width == 1 else 1
        _enter(like, place, flat, first, used, starts, step)
        _begin(like, calls, place, known)
        everybody = get(like, place, USED) > 0.5
        counted, sided, fine = everybody, everybody, everybody
        for trial in range(2):
            formula = stencil(GRADIENT_OF, scheme if trial == 0 else FORWARD)
            check = estimate and not known and trial == 0
            _along_axes(like, calls, place, formula, relative, check, estimate, counted)
            rest = all_noise(like, place, formula) if estimate else splat(like, 0.0)
            sided, fine = _write_axes(
                like, place, formula, rest, memory, memory, False, trial == 0
            )
            sided, fine = shared(like, place, sided & everybody), shared_all(like, place, fine)
            counted = everybody & not_(fine)
            if not any_lane(counted):
                break
        if place.width == 1:
            scatter(memory, place.results, n, first, used, starts, out)
            if estimate:
                scatter(memory, place.errors, n, first, used, starts, out_error)
        else:
            for v in range(n):
                out[first * n + v] = memory[place.results + v]
                if estimate:
                    out_error[first * n + v] = memory[place.errors + v]
        _finish(like, place, first, used, mask_bits(sided), mask_bits(fine), evaluations, status)
        first += used


# --- Hessians --------------------------------------------------------------------------------


@device
def _publish(like, place, work, first, used, starts, estimate, hessian, error):
    """Write the matrices of a group."""
    n, row = place.n, place.blocks * LANES
    if place.width == 1:
        scatter(work.H, 0, n * n, first, used, starts, hessian)
        if estimate:
            scatter(work.error, 0, n * n, first, used, starts, error)
    else:
        at = first * n * n
        for i in range(n):
            for j in range(i):
                h, e = work.H[i * row + j], work.error[i * row + j]
                hessian[at + i * n + j], hessian[at + j * n + i] = h, h
                if estimate:
                    error[at + i * n + j], error[at + j * n + i] = e, e
            hessian[at + i * n + i] = place.memory[place.results + i]
            if estimate:
                error[at + i * n + i] = place.memory[place.errors + i]


@kernel
def hessian_differences(
    forms, X, pairs, scheme, source, step, noise, hessian, error, evaluations, status
):
    """Hessians from values, symmetric to the last bit.

    Parameters
    ----------
    forms : (SLOTS, 2) int64
        See `saddlecore.forms`; VALUE in plain numbers or in lanes is needed.
    X : (m, n) float64, C-contiguous
    pairs : (k, 2) int64
        The entries beside the diagonal to compute, once for both sides; others are 0.
    scheme : int
        `CENTRAL` (n(n − 1) + 4n + 6 evaluations, n(n − 1) + 2n + 1 without errors), `FORWARD` or
        `RICHARDSON`.
    source : int
        `VALUE`.
    step, noise
        As in `gradient_differences`.
    hessian : (m, n, n) float64, out
    error : (m, n, n) or (0, 0, 0) float64, out
    evaluations, status : (m,) int64, out
    """
    like = zeros(8)
    m, n = X.shape
    place, calls = make_place(n, _width(m, n), 1), _calls(forms, VALUE)
    work, listed = make_work(place), list_pairs(pairs, n, place.width)
    memory, starts, flat = place.memory, np.empty(LANES, np.int64), X.reshape(X.size)
    out, out_error = hessian.reshape(hessian.size), error.reshape(error.size)
    known, estimate = noise >= 0.0, error.size > 0
    relative = max(noise, EPS) if known else EPS
    many = place.width == 1
    first = 0
    while first < m:
        used = min(LANES, m - first) if many else 1
        _enter(like, place, flat, first, used, starts, step)
        _begin(like, calls, place, known)
        everybody = get(like, place, USED) > 0.5
        counted, sided, fine = everybody, everybody, everybody
        for trial in range(2):
            formula = stencil(HESSIAN_OF, scheme if trial == 0 else FORWARD)
            check = estimate and not known and trial == 0
            _along_axes(like, calls, place, formula, relative, check, estimate, counted)
            rest = splat(like, 0.0)
            if estimate:
                rest = finish_mixed(like, calls, place, formula, all_noise(like, place, formula))
            sided, fine = _write_axes(
                like, place, formula, rest, work.H if many else memory,
                work.error if many else memory, many, trial == 0,
            )  # fmt: skip
            more, finite = mixed(like, calls, place, formula, listed, work, estimate, trial == 0)
            spend_each(like, place, counted, listed.count * sweeps_of_pair(formula, estimate))
            sided = shared(like, place, (sided | more) & everybody)
            fine = shared_all(like, place, fine & finite)
            counted = everybody & not_(fine)
            if not any_lane(counted):
                break
        _publish(like, place, work, first, used, starts, estimate, out, out_error)
        _finish(like, place, first, used, mask_bits(sided), mask_bits(fine), evaluations, status)
        first += used
