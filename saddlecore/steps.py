"""Steps of difference formulas: fitted to each variable, to f, and to the noise of f.

A step starts as h = noise^{1/p}·|x|, where truncation and noise balance if the function's length
scale is |x|, and is judged by what the formula's points show (`saddlecore.stencils`):

long
    |T|/σ is large, or a value is not finite.  Truncation dominates, unless f is noisier than was
    thought: that is measured before anything else (`saddlecore.noise`).  T ~ hᵖ tells how much
    shorter.
faint
    T is lost in the noise and D nearly so: longer.

Most steps are neither, and cost nothing more.  The others go up and down between the longest that
was faint and the shortest that was long; where nothing is left between the two, what the longer one
saw was noise.  All steps are 2ᵏ·M with one fixed M that is no simple fraction: a step that is
a multiple of a period sees nothing.
"""

import math

import numpy as np

from saddlecore.exponents import exponent, power_of_two
from saddlecore.forms import LANES
from saddlecore.jit import allocating, device
from saddlecore.laneops import any_lane, mask_bits, not_, select, splat
from saddlecore.memory import load, store
from saddlecore.moves import call_lanes, evaluate, move_block, reach
from saddlecore.noise import TINY, axis_scale, measure_noise
from saddlecore.places import (
    ABSOLUTE,
    AT,
    EVEN,
    FAR_EVEN,
    FAR_ODD,
    FIRST,
    GIVEN,
    HERE,
    INVERSE,
    KNOWN,
    MAIN,
    ODD,
    RING,
    SIGMA,
    SLOPE,
    STEP,
    TOP,
    USED,
    active,
    get,
    put,
    set_level,
    shared,
    spend,
    take,
)
from saddlecore.stencils import FORWARD, MAIN_WEIGHTS, OFFSETS, SLOPE_WEIGHTS, TOP_WEIGHTS

__all__ = ["prepare_steps", "settle", "settle_central"]

# Golden, less 3e-7; 22 bits, so that h and x + h are exact unless h is below 2⁻³⁰|x|.
_M = 5184447.0 / 4194304.0

# D below this many σ may be worth a longer step; a longer step aims at that many; D below that
# many says nothing at all.
_WEAK = 1e3
_STRONG_EXPONENT = 23.0
_NOTHING = 8.0
# More noise than this share of f is no longer noise.
_MOST_NOISE = 0.1
# T below this many of its own standard deviations is lost.
_LOST = 2.0
# Bounds of one change, in powers of two, and of |h| beside |x|, or beside max(|x|, 1).
_MOST_UP, _MOST_DOWN, _RETREAT = 10.0, 24.0, 12.0
_LEAST, _MOST = -46.0, -2.0
_LEAST_AT_ZERO = -200.0
_NEVER = 9999.0
_TRIES = 8
# How often values that are not finite may send a step back, per side.
_RETREATS = 3.0
# Weights of a central slope.
_FIRST, _SECOND = 2.0 / 3.0, 1.0 / 12.0


@device
def prepare_steps(like, place, stencil, relative):
    """Write log₂ of noise^{1/p}, rounded: what first steps are beside |x|."""
    noise = get(like, place, ABSOLUTE) / (abs(get(like, place, HERE)) + TINY)
    share = min(max(noise, splat(like, relative)), splat(like, _MOST_NOISE))
    set_level(like, place, FIRST, math.floor(exponent(share) / stencil.order + 0.5))


@device
def _set_step(like, place, block, h):
    """Take a step as x allows it: (x + h) − x is h."""
    x = take(like, place, block, AT)
    h = (x + h) - x
    put(like, place, block, STEP, h)
    put(like, place, block, INVERSE, 1.0 / h)
    reach(like, place, block, h)


@device
def _evaluate(like, calls, place, stencil, block, count, wanted, fresh):
    """Values at the formula's points; lanes that are not wanted keep theirs, unless all is new."""
    bits = mask_bits(wanted)
    for k in range(count):
        move_block(like, place, block, OFFSETS[stencil.scheme, k])
        at = (RING + k) * LANES
        if fresh:
            evaluate(calls, place, bits, at)
        else:
            evaluate(calls, place, bits, place.out)
            found = load(like, place.memory, place.out)
            store(place.memory, at, select(wanted, found, load(like, place.memory, at)))
    move_block(like, place, block, 0.0)
    spend(like, place, wanted, count)


@device
def _look(like, place, stencil, relative, block, count, mine):
    """Read what the formula's points tell: D, |T|, and σ if noise is relative."""
    f, zero = get(like, place, HERE), splat(like, 0.0)
    main, slope, top, size = zero, zero, zero, abs(f)
    for k in range(count):
        at = load(like, place.memory, (RING + k) * LANES)
        d, size = at - f, max(size, abs(at))
        main += MAIN_WEIGHTS[stencil.number, k] * d
        slope += SLOPE_WEIGHTS[stencil.scheme, k] * d
        top += TOP_WEIGHTS[stencil.number, k] * d
    # Without T there is no error, and so no D.
    main = select(abs(top) < np.inf, main, top)
    put(like, place, block, MAIN, main)
    put(like, place, block, SLOPE, slope)
    put(like, place, block, TOP, select(mine, top, zero))
    return main, abs(top), max(relative * size, splat(like, TINY))


@device
def _judge(like, stencil, d, t, sigma, strict):
    """Where values are finite, where the step is long, where it is faint."""
    finite = (t < np.inf) & (abs(d) < np.inf)
    limit = select(strict, splat(like, stencil.aim), splat(like, stencil.most))
    faint = (t < (_LOST * stencil.gain) * sigma) & (abs(d) < _WEAK * sigma)
    return finite, not_(finite) | (t > limit * sigma), finite & faint


@device
def _keep_parts(like, place, stencil, block):
    """Record the even and odd parts of the nearest points, for pairs."""
    f, ring = get(like, place, HERE), RING * LANES
    one = load(like, place.memory, ring) - f
    one = select(abs(take(like, place, block, TOP)) < np.inf, one, splat(like, np.nan))
    two = load(like, place.memory, ring + LANES) - f
    if stencil.scheme == FORWARD:
        put(like, place, block, EVEN, one)
        put(like, place, block, FAR_EVEN, two)
    else:
        three = load(like, place.memory, ring + 2 * LANES) - f
        four = load(like, place.memory, ring + 3 * LANES) - f
        put(like, place, block, EVEN, one + two)
        put(like, place, block, ODD, one - two)
        put(like, place, block, FAR_EVEN, three + four)
        put(like, place, block, FAR_ODD, three - four)


@device
def settle(like, calls, place, stencil, relative, block, estimate, lanes):
    """Choose a block's step, and evaluate the formula's points; without `estimate`, only D's.

    The record of lanes other than `lanes` means nothing afterwards.
    """
    mine, given = active(like, place, block) & lanes, take(like, place, block, GIVEN)
    k = get(like, place, FIRST) + exponent(axis_scale(like, take(like, place, block, AT)))
    _set_step(like, place, block, select(given > 0.0, given, power_of_two(k) * _M))
    count = stencil.count if estimate else stencil.plain
    _evaluate(like, calls, place, stencil, block, count, mine, True)
    d, t, sigma = _look(like, place, stencil, relative, block, count, mine)
    if estimate:
        examine(like, calls, place, stencil, relative, block, mine, d, t, sigma)
    _keep_parts(like, place, stencil, block)


@device
def examine(like, calls, place, stencil, relative, block, mine, d, t, sigma):
    """Keep σ, and look for another step where this one is long or faint."""
    sigma = max(sigma, get(like, place, ABSOLUTE))
    put(like, place, block, SIGMA, sigma)
    known = get(like, place, KNOWN) > 0.5
    _, long, faint = _judge(like, stencil, d, t, sigma, known)
    if any_lane((long | faint) & mine & (take(like, place, block, GIVEN) == 0.0)):
        _search(like, calls, place, stencil, relative, block, mine)


@device
def settle_central(like, calls, place, stencil, relative, v, lanes):
    """`settle` for CENTRAL, points side by side and a form in lanes: the same numbers."""
    memory, at, ring = place.memory, place.moved + v * LANES, RING * LANES
    mine, given = (get(like, place, USED) > 0.5) & lanes, take(like, place, v, GIVEN)
    x = load(like, memory, place.x + v * LANES)
    k = get(like, place, FIRST) + select(abs(x) > TINY, exponent(x), splat(like, 0.0))
    h = select(given > 0.0, given, power_of_two(k) * _M)
    h = (x + h) - x
    put(like, place, v, STEP, h)
    put(like, place, v, INVERSE, 1.0 / h)
    store(memory, at, x + h)
    call_lanes(calls, place, ring)
    store(memory, at, x - h)
    call_lanes(calls, place, ring + LANES)
    store(memory, at, x + 2.0 * h)
    call_lanes(calls, place, ring + 2 * LANES)
    store(memory, at, x - 2.0 * h)
    call_lanes(calls, place, ring + 3 * LANES)
    store(memory, at, x)
    d, t, sigma = _look_central(like, place, relative, v, mine)
    examine(like, calls, place, stencil, relative, v, mine, d, t, sigma)
    f = get(like, place, HERE)
    up, down = load(like, memory, ring) - f, load(like, memory, ring + LANES) - f
    up = select(abs(take(like, place, v, TOP)) < np.inf, up, splat(like, np.nan))
    put(like, place, v, EVEN, up + down)
    put(like, place, v, ODD, up - down)


@device
def _look_central(like, place, relative, v, mine):
    """`_look` for the Hessian's central formula, its weights written out."""
    f, memory, ring = get(like, place, HERE), place.memory, RING * LANES
    up, down = load(like, memory, ring), load(like, memory, ring + LANES)
    far_up, far_down = load(like, memory, ring + 2 * LANES), load(like, memory, ring + 3 * LANES)
    size = max(max(max(max(abs(f), abs(up)), abs(down)), abs(far_up)), abs(far_down))
    one, two, three, four = up - f, down - f, far_up - f, far_down - f
    main = (0.0 + one) + two  # never −0
    slope = ((_FIRST * one - _FIRST * two) - _SECOND * three) + _SECOND * four
    top = ((-4.0 * one - 4.0 * two) + three) + four
    main = select(abs(top) < np.inf, main, top)
    put(like, place, v, MAIN, main)
    put(like, place, v, SLOPE, slope)
    put(like, place, v, TOP, select(mine, top, splat(like, 0.0)))
    return main, abs(top), max(relative * size, splat(like, TINY))


@device
def _shorter(like, stencil, finite, t, sigma):
    """By how many powers of two a long step is too long: T ~ hᵖ."""
    excess = exponent(t / sigma) + 1.0 - stencil.aim_exponent
    down = 0.0 - math.floor(0.0 - excess / stencil.order)
    down = min(max(down, splat(like, 1.0)), splat(like, _MOST_DOWN))
    return select(finite, down, splat(like, _RETREAT))


@device
def _longer(like, place, stencil, block, k, d, sigma):
    """The power of two to try after a faint one."""
    scale = exponent(axis_scale(like, take(like, place, block, AT)))
    weak = max(abs(d) / sigma, splat(like, TINY))
    up = math.floor((_STRONG_EXPONENT - exponent(weak)) / stencil.power + 0.5)
    up = min(max(up, splat(like, 1.0)), splat(like, _MOST_UP))
    # Nothing at all: as if the noise had been known, or x were not so near 0.
    first = get(like, place, FIRST) + scale
    first = select(first > k, first, max(first, first - scale))
    nothing = abs(d) < _NOTHING * sigma
    return select(nothing, max(k + _MOST_UP, first), k + up)


@allocating
def _search(like, calls, place, stencil, relative, block, mine):
    """Settle the steps of a block that are long or faint."""
    mine &= take(like, place, block, GIVEN) == 0.0
    x = take(like, place, block, AT)
    scale, zero = exponent(axis_scale(like, x)), splat(like, 0.0)
    least = select(abs(x) > TINY, scale + _LEAST, splat(like, _LEAST_AT_ZERO))
    most = max(scale, zero) + _MOST
    low, high, retreats = splat(like, -_NEVER), splat(like, _NEVER), zero
    stuck, visible = not_(mine), not_(mine) & mine
    for attempt in range(_TRIES + 1):
        k = exponent(take(like, place, block, STEP))
        d, t, floor = _look(like, place, stencil, relative, block, stencil.count, mine)
        sigma = max(floor, get(like, place, ABSOLUTE))
        known = get(like, place, KNOWN) > 0.5
        strict = (high < _NEVER) | known
        finite, long, faint = _judge(like, stencil, d, t, sigma, strict)
        suspect = shared(like, place, long & finite & mine & not_(known | visible))
        if any_lane(suspect):
            measure_noise(like, calls, place, suspect)
            prepare_steps(like, place, stencil, relative)
            sigma, strict = max(floor, get(like, place, ABSOLUTE)), strict | suspect
            finite, long, faint = _judge(like, stencil, d, t, sigma, strict)
        long &= not_(finite) | (k > least)
        faint &= k < most
        moving = (long | faint) & not_(stuck)
        noise = max(sigma, t / stencil.gain)
        put(like, place, block, SIGMA, select(stuck & mine & finite, noise, sigma))
        if attempt == _TRIES or not any_lane(moving):
            break
        # A derivative that was seen without T: what is long beyond is so for no noise.
        visible |= faint & (abs(d) >= _NOTHING * sigma)
        low = select(moving & faint, max(low, k), low)
        high = select(moving & long, min(high, k), high)
        down = max(k - _shorter(like, stencil, finite, t, sigma), least)
        up = min(_longer(like, place, stencil, block, k, d, sigma), most)
        following = select(long, down, up)
        between = math.floor(0.5 * (low + high))
        following = select((following <= low) | (following >= high), between, following)
        closed = high - low <= 1.0
        following = select(closed, high, following)
        sign = select(take(like, place, block, STEP) < 0.0, splat(like, -1.0), splat(like, 1.0))
        lost = moving & not_(finite)
        if stencil.scheme == FORWARD:
            # The other side first.
            turn = lost & (retreats - 2.0 * math.floor(0.5 * retreats) == 0.0)
            following = select(turn, k, following)
            sign = select(lost, -sign, sign)
            high = select(turn, splat(like, _NEVER), high)
        retreats += select(lost, splat(like, 1.0), zero)
        moving &= retreats <= (2.0 * _RETREATS if stencil.scheme == FORWARD else _RETREATS)
        stuck |= (moving & closed) | (lost & not_(moving))
        h = select(moving, sign * (power_of_two(following) * _M), take(like, place, block, STEP))
        _set_step(like, place, block, h)
        _evaluate(like, calls, place, stencil, block, stencil.count, moving, False)
