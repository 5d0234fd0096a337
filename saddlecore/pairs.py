"""Mixed second differences, and what they may be wrong by.

With p = f(+hᵢ, +hⱼ) and q = f(−hᵢ, −hⱼ), both less f, and Eᵢ, Oᵢ the even and odd parts of f along
variable i alone (`EVEN`, `ODD`),

    hᵢ hⱼ Hᵢⱼ = (p + q − Eᵢ − Eⱼ)/2 + (terms of fourth order),

from two values for each pair.  RICHARDSON cancels the fourth order with a second pair of values at
2h.  One-sided (FORWARD), hᵢ hⱼ Hᵢⱼ = p − Fᵢ − Fⱼ with F = f(h) − f; the same at 2h tells the error.

What is left out are mixed derivatives of order p = 4 (6, RICHARDSON), in units of f:

* if f is alike in all directions, they are about the geometric mean of the variables' own, Tᵢ;
* the lower order that drops out, w = (p − q − Oᵢ − Oⱼ)/2 (RICHARDSON: the fourth), is free: its
  square over √(Eᵢ Eⱼ) continues the series;
* a line through all variables, x ± k Σ ±hᵢeᵢ, sees all of them: U = |T of the line − Σ Tᵢ|.  No pair
  has more than a multiple of U, and what U has beyond (Σ |Tᵢ|^{1/p})ᵖ was missed above.
"""

import math
from collections import namedtuple

import numpy as np

from saddlecore.forms import LANES
from saddlecore.jit import allocating, device
from saddlecore.laneops import (
    bits_of,
    from_bits,
    lane_numbers,
    mask_bits,
    not_,
    select,
    splat,
)
from saddlecore.memory import aligned, load, store
from saddlecore.moves import (
    ABSOLUTE,
    BEYOND,
    BOUND,
    EVEN,
    FAR_EVEN,
    FAR_ODD,
    FIELDS,
    HERE,
    INVERSE,
    MAIN,
    MIXED,
    MULTIPLES,
    ODD,
    OMEGA,
    ROOT,
    ROWS,
    SIGMA,
    SIGN,
    STEP,
    TOP,
    USED,
    active,
    by_variable,
    expand,
    get,
    line,
    move_block,
    move_variable,
    put,
    return_variable,
    set_level,
    take,
    total,
    value,
)
from saddlecore.noise import EPS, TINY
from saddlecore.stencils import FORWARD, OFFSETS, RICHARDSON, TOP_WEIGHTS

__all__ = ["ROUNDING", "Pairs", "Work", "all_noise", "finish_mixed", "list_pairs", "make_work",
           "mend", "mixed", "sweeps_of_pair"]  # fmt: skip

# Safety factors, from the table of functions in the tests: of the geometric mean (of order 4, 6), of
# the lower order's square, of U, of what U has beyond; noise, in σ; the final rounding.
_ALIKE_4, _ALIKE_6, _CONTINUED, _AT_MOST, _BEYOND = 3.0, 0.5, 3.0, 4.0, 0.2
_NOISE, _NOISE_FORWARD, ROUNDING = 5.0, 8.0, 4.0 * EPS
_DOUBLED = 1.5
# The noise that the variables' T would have if they were nothing else, and the line's.
_HARMONIC, _UNSEEN = 3.0, 10.0

#: The rows i that block J is paired with, rows[starts[J]:starts[J + 1]], and the lanes of each.
Pairs = namedtuple("Pairs", "starts rows bits count")

#: H and its errors, n rows of blocks.
Work = namedtuple("Work", "H error")

_HALF_ROOT = np.uint64(0x1FF7A3BEA91D9B1B)
_HALF_INVERSE_ROOT = np.uint64(0x5FE6EB50C7B537A9)
_ONE = np.uint64(1)


@device
def _root(x):
    """√x within 4 %: half its exponent and fraction."""
    return from_bits((bits_of(x) >> _ONE) + _HALF_ROOT)


@device
def _inverse_root(x):
    """1/√x within 4 %."""
    return from_bits(_HALF_INVERSE_ROOT - (bits_of(x) >> _ONE))


# --- which pairs -----------------------------------------------------------------------------


@allocating
def list_pairs(pairs, n, width):
    """Sort pairs (i, j), i > j, by the block of j."""
    blocks = (n + width - 1) // width
    lanes = np.zeros((blocks, n), np.uint64)
    different = 0
    for k in range(len(pairs)):
        i, j = max(pairs[k, 0], pairs[k, 1]), min(pairs[k, 0], pairs[k, 1])
        bit = _ONE << np.uint64(j % width) if width > 1 else np.uint64(255)
        if i > j and not lanes[j // width, i] & bit:
            lanes[j // width, i] |= bit
            different += 1
    count = np.sum(lanes != np.uint64(0))
    starts, rows = np.zeros(blocks + 1, np.int64), np.empty(count, np.int64)
    bits, count = np.empty(count, np.uint64), 0
    for block in range(blocks):
        for i in range(n):
            if lanes[block, i] != np.uint64(0):
                rows[count], bits[count] = i, lanes[block, i]
                count += 1
        starts[block + 1] = count
    return Pairs(starts, rows, bits, different)


@allocating
def make_work(place):
    """Scratch of `mixed`."""
    size = place.n * place.blocks * LANES
    H, error = aligned(size), aligned(size)
    H[:], error[:] = 0.0, 0.0
    return Work(H, error)


# --- what the errors are made of --------------------------------------------------------------


@device
def all_noise(like, place, stencil):
    """σ, were every variable's T nothing but noise: from the harmonic mean of |T|."""
    inverses, noise = splat(like, 0.0), get(like, place, ABSOLUTE)
    for block in range(place.blocks):
        sigma = max(take(like, place, block, SIGMA), noise)
        put(like, place, block, SIGMA, sigma)
        t = max(abs(take(like, place, block, TOP)), stencil.gain * sigma)
        inverses += select(active(like, place, block), 1.0 / t, splat(like, 0.0))
    return (_HARMONIC * place.n / stencil.gain) / total(like, place, inverses)


@device
def _all_at_once(like, calls, place, stencil):
    """U, and what of it the variables' own T do not explain."""
    own, size = splat(like, 0.0), splat(like, 0.0)
    for block in range(place.blocks):
        along = take(like, place, block, STEP) * take(like, place, block, SIGN)
        expand(like, place, block, along, place.direction, LANES)
        t = take(like, place, block, TOP)
        own += t
        t = abs(t)
        if stencil.scheme == RICHARDSON:
            root = math.exp(math.log(t + TINY) / 6.0)
        else:
            root = _root(_root(t))
        size += select(active(like, place, block), root, splat(like, 0.0))
    own, size = total(like, place, own), total(like, place, size)
    for k in range(stencil.count):
        place.memory[MULTIPLES * LANES + k] = OFFSETS[stencil.scheme, k]
    line(like, calls, place, stencil.count, get(like, place, USED) > 0.5)
    found, f = 0.0 - own, get(like, place, HERE)
    for k in range(stencil.count):
        d = load(like, place.memory, (ROWS + k) * LANES) - f
        found += TOP_WEIGHTS[stencil.number, k] * d
    found = abs(found)
    found = select(found < np.inf, found, splat(like, 0.0))
    square = size * size
    explained = square * square * (square if stencil.scheme == RICHARDSON else splat(like, 1.0))
    return found, max(found - explained, splat(like, 0.0))


@device
def finish_mixed(like, calls, place, stencil, noise):
    """Prepare the errors of pairs; returns the noise, which the line may correct downwards."""
    alike = math.sqrt(_ALIKE_6 if stencil.scheme == RICHARDSON else _ALIKE_4)
    kind = math.sqrt(_NOISE_FORWARD if stencil.scheme == FORWARD else _NOISE)
    if stencil.scheme != FORWARD and place.n > 1:
        found, beyond = _all_at_once(like, calls, place, stencil)
        n = 1.0 * place.n
        noise = min(noise, found * (_UNSEEN / (stencil.gain * math.sqrt(n + 1.0))))
        set_level(like, place, BOUND, _AT_MOST * found)
        beyond *= _BEYOND / math.sqrt(0.5 * n * (n - 1.0))
        set_level(like, place, BEYOND, beyond)
    for block in range(place.blocks):
        sigma = max(take(like, place, block, SIGMA), noise)
        put(like, place, block, ROOT, alike * _root(abs(take(like, place, block, TOP))))
        put(like, place, block, MIXED, kind * _root(sigma))
        weight = _inverse_root(abs(take(like, place, block, MAIN)) + sigma)
        put(like, place, block, OMEGA, math.sqrt(_CONTINUED) * weight)
    return noise


# --- the pairs of a block ----------------------------------------------------------------------


@device
def mend(like, values, errors, at, error_at, h, error, mine, first):
    """Write an entry, or, not at first, replace it where it is not finite.

    Returns where it was replaced, and where it is now finite.
    """
    broken = h != h
    if not first:
        here = load(like, values, at)
        broken = not_(abs(here) < np.inf) & (abs(h) < np.inf)
        h = select(broken, h, here)
        error = select(broken, error, load(like, errors, error_at))
    store(values, at, h)
    store(errors, error_at, error)
    return broken & mine, (abs(h) < np.inf) | not_(mine)


@device
def _sample(like, calls, place, stencil, pairs, block, sweeps):
    """Values where a block and one more variable are moved alike, less f."""
    bits = mask_bits(active(like, place, block))
    for sweep in range(sweeps):
        factor, samples = OFFSETS[stencil.scheme, sweep], place.samples + sweep * place.n * LANES
        move_block(like, place, block, factor)
        for k in range(pairs.starts[block], pairs.starts[block + 1]):
            i = pairs.rows[k]
            move_variable(like, place, i, factor * by_variable(like, place, i, STEP))
            found = value(like, calls, place, bits & pairs.bits[k])
            return_variable(like, place, i, block, factor)
            store(place.memory, samples + i * LANES, found - get(like, place, HERE))
    move_block(like, place, block, 0.0)


@device
def _beyond(like, place, i, block, sweep, even, odd):
    """The even and the odd part, halved, that a pair of samples has beyond its variables' own."""
    at, next_sweep = place.samples + (sweep * place.n + i) * LANES, place.n * LANES
    p, q = load(like, place.memory, at), load(like, place.memory, at + next_sweep)
    own = by_variable(like, place, i, even) + take(like, place, block, even)
    turned = by_variable(like, place, i, odd) + take(like, place, block, odd)
    return 0.5 * ((p + q) - own), 0.5 * ((p - q) - turned)


@device
def _one_sided(like, place, i, block):
    """The mixed difference from one side, and its difference from that of twice the steps."""
    at = place.samples + i * LANES
    p, far = load(like, place.memory, at), load(like, place.memory, at + place.n * LANES)
    main = p - (by_variable(like, place, i, EVEN) + take(like, place, block, EVEN))
    far -= by_variable(like, place, i, FAR_EVEN) + take(like, place, block, FAR_EVEN)
    return main, _DOUBLED * (0.25 * far - main)


@device
def _left_out(like, place, i, block, dropped):
    """What a central mixed difference may have left out; `dropped` is the lower order."""
    alike = by_variable(like, place, i, ROOT) * take(like, place, block, ROOT)
    continued = by_variable(like, place, i, OMEGA) * take(like, place, block, OMEGA)
    t = (alike + (dropped * dropped) * continued) + get(like, place, BEYOND)
    return min(t, get(like, place, BOUND))


@device
def _combine(like, place, stencil, pairs, block, work, first):
    """The entries of a block and their errors; returns where they were replaced, and are finite."""
    scale_j, noise_j = take(like, place, block, INVERSE), take(like, place, block, MIXED)
    sided, fine = scale_j != scale_j, scale_j == scale_j
    mine = active(like, place, block)
    for k in range(pairs.starts[block], pairs.starts[block + 1]):
        i = pairs.rows[k]
        if stencil.scheme == FORWARD:
            main, error = _one_sided(like, place, i, block)
            error = abs(error)
        else:
            main, dropped = _beyond(like, place, i, block, 0, EVEN, ODD)
            if stencil.scheme == RICHARDSON:
                far, _ = _beyond(like, place, i, block, 2, FAR_EVEN, FAR_ODD)
                main, dropped = (16.0 * main - far) / 12.0, (far - 4.0 * main) / 12.0
            error = _left_out(like, place, i, block, dropped)
        error += by_variable(like, place, i, MIXED) * noise_j
        scale_i = by_variable(like, place, i, INVERSE)
        h = (main * scale_i) * scale_j
        error = (error * abs(scale_i)) * abs(scale_j) + ROUNDING * abs(h)
        if place.width > 1:
            lanes = lane_numbers(like)
            mine = ((splat(lanes, pairs.bits[k]) >> lanes) & _ONE) == _ONE
        at = (i * place.blocks + block) * LANES
        done, finite = mend(like, work.H, work.error, at, at, h, error, mine, first)
        sided |= done
        fine &= finite
        if place.width == 1:
            mirrored = (block * place.blocks + i) * LANES
            store(work.H, mirrored, load(like, work.H, at))
            store(work.error, mirrored, load(like, work.error, at))
    return sided, fine


@device
def sweeps_of_pair(stencil, estimate):
    """How many values a mixed difference takes."""
    return 1 if stencil.scheme == FORWARD and not estimate else stencil.plain


@device
def mixed(like, calls, place, stencil, pairs, work, estimate, first):
    """Mixed differences of all pairs, and their errors with `estimate`, to `work`.

    Returns where some were replaced, if they are not the first, and where all are finite now.
    """
    if place.width > 1:
        for block in range(place.blocks):
            for field in range(STEP, FIELDS):
                x = take(like, place, block, field)
                expand(like, place, block, x, place.variables + field * LANES, FIELDS * LANES)
    sided, fine = get(like, place, HERE) > np.inf, get(like, place, HERE) <= np.inf
    fine |= not_(fine)
    for block in range(place.blocks):
        _sample(like, calls, place, stencil, pairs, block, sweeps_of_pair(stencil, estimate))
        done, finite = _combine(like, place, stencil, pairs, block, work, first)
        sided |= done
        fine &= finite
    return sided, fine
