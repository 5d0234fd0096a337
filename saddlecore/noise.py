"""How noisy is a function?  Difference tables of values close together.

J. J. Moré & S. M. Wild, Estimating computational noise, SIAM J. Sci. Comput. 33 (2011) 1292: along
a line, the k-th differences of eight values divided by their standard deviation for white noise of
unit variance all estimate the noise once the smooth part is differenced away, that is where three
orders in a row agree within a factor 4 and the differences have both signs.

The spacing must be neither so small that the values do not change (noise that comes from rounding
to few digits lives on plateaus) nor so large that the function swings between two points.  The
tables go from fine to coarse.  If the finest shows no plateau, two of the first four must agree;
an oscillation that looks like noise at a coarse spacing is not asked.
"""

import math

import numpy as np

from saddlecore.exponents import exponent, power_of_two
from saddlecore.forms import LANES
from saddlecore.jit import allocating, device
from saddlecore.laneops import all_lanes, any_lane, not_, select, splat
from saddlecore.memory import load, store
from saddlecore.moves import aim, line
from saddlecore.places import (
    ABSOLUTE,
    AT,
    HERE,
    INVERSE,
    KNOWN,
    MULTIPLES,
    ROWS,
    SIGMA,
    SIGN,
    SLOPE,
    TOP,
    USED,
    active,
    get,
    set_level,
    take,
    total,
)

__all__ = ["EPS", "TINY", "axis_scale", "check_noise", "expected_rise", "measure_noise",
           "suspects"]  # fmt: skip

EPS = 2.0**-52
TINY = 1e-300

# Spacings, relative to |x|, and then to max(|x|, 1).  No two are in a simple ratio: values rounded
# to a grid are in arithmetic progression at some.
_SPACINGS = np.exp2([-37.93, -31.71, -25.84, -20.07, -13.84, -8.22, -14.13, -6.41])
_WIDE = 6
# How many of the tables may tell the noise of a function without plateaus.
_FINE = 4
_AGREE = 4.0

# Where f is compared with its slope, in units of _PROBE·|x|.
_PROBES = np.array([1.0, 1.713, -2.391, 3.127])
_PROBE = 2.0**-28
# Deviations from the slope, in units of the noise taken for granted, that raise suspicion; and the
# slope's own uncertainty, in units of σ, to which |T| is added.
_SUSPICIOUS = 16.0
_UNSURE = 8.0
# A slope may change by this share within _PROBE·|x|.
_BENT = 64.0 * _PROBE


@device
def axis_scale(like, x):
    """The power of two below |x|, or 1 where x is 0."""
    return select(abs(x) > TINY, power_of_two(exponent(x)), splat(like, 1.0))


@device
def _point(like, place, floor):
    """Point the line along ±max(|x|, floor)."""
    for block in range(place.blocks):
        size = max(axis_scale(like, take(like, place, block, AT)), splat(like, floor))
        along = size * take(like, place, block, SIGN)
        aim(like, place, block, along)


@device
def _row(like, place, k):
    return load(like, place.memory, (ROWS + k) * LANES)


@device
def _plateau(like, place):
    """Where at least half of the neighbours are equal, but for a last bit."""
    size, equal = splat(like, 0.0), splat(like, 0.0)
    for k in range(place.lanes):
        size = max(size, abs(_row(like, place, k)))
    for k in range(place.lanes - 1):
        d = abs(_row(like, place, k + 1) - _row(like, place, k))
        equal += select(d <= (2.0 * EPS) * size, splat(like, 1.0), splat(like, 0.0))
    return equal >= 1.0 * (LANES // 2)


@device
def _next_order(like, place, count):
    """Replace rows by their `count` differences: mean square, and whether both signs occur."""
    squares, least, most = splat(like, 0.0), splat(like, np.inf), splat(like, -np.inf)
    for k in range(count):
        d = _row(like, place, k + 1) - _row(like, place, k)
        store(place.memory, (ROWS + k) * LANES, d)
        squares += d * d
        least, most = min(least, d), max(most, d)
    return squares / (1.0 * count), (least < 0.0) & (most > 0.0)


@device
def _table(like, place):
    """The noise that a table of eight values shows, NaN if none; destroys the table."""
    found, gamma = splat(like, np.nan), 1.0
    before, last = found, found
    signs_before, signs_last = found > 0.0, found > 0.0
    for k in range(1, place.lanes - 1):
        gamma *= 0.5 * k / (2 * k - 1)  # (k!)²/(2k)!
        mean, signs = _next_order(like, place, place.lanes - k)
        level = math.sqrt(gamma * mean)
        # Orders k − 2, k − 1 and k; the lowest such triple decides.
        high, low = max(max(before, last), level), min(min(before, last), level)
        here = (found != found) & signs_before & (high <= _AGREE * low)
        found = select(here, before, found)
        before, last = last, level
        signs_before, signs_last = signs_last, signs
    return found


@allocating
def measure_noise(like, calls, place, wanted):
    """Measure the noise, for the lanes `wanted`."""
    best, previous = splat(like, 0.0), splat(like, np.nan)
    done, flat = not_(wanted), wanted
    for table in range(place.lanes):
        _point(like, place, 1.0 if table >= _WIDE else 0.0)
        for k in range(place.lanes):
            place.memory[MULTIPLES * LANES + k] = k * _SPACINGS[table]
        line(like, calls, place, place.lanes, not_(done))
        small = _plateau(like, place)
        estimate = _table(like, place)
        valid = (estimate == estimate) & not_(small)
        if table == 0:
            flat = small
        high, low = max(estimate, previous), min(estimate, previous)
        agree = valid & (previous == previous) & (high <= _AGREE * low)
        better = valid & not_(done) & (flat | agree | (best == 0.0))
        best = select(better, select(flat | agree, max(best, estimate), estimate), best)
        done |= agree
        if table == _FINE - 1:
            done |= not_(flat)
        previous = select(valid, estimate, previous)
        if all_lanes(done):
            break
    before = get(like, place, ABSOLUTE)
    set_level(like, place, ABSOLUTE, select(wanted, max(best, before), before))
    known = get(like, place, KNOWN)
    set_level(like, place, KNOWN, select(wanted, splat(like, 1.0), known))


# --- suspicion -------------------------------------------------------------------------------


@device
def _deviation(like, place, k, rise, unsure):
    """By how much f leaves its slope at the k-th probe, beyond what the slope may be wrong."""
    away = _PROBES[k]
    found = abs(_row(like, place, k) - get(like, place, HERE) - away * rise)
    return max(found - abs(away) * unsure, splat(like, 0.0))


@device
def expected_rise(like, place):
    """Point the line close to x; returns what f rises by on it, and by how much that is unsure."""
    rise, unsure, zero = splat(like, 0.0), splat(like, 0.0), splat(like, 0.0)
    for block in range(place.blocks):
        along = axis_scale(like, take(like, place, block, AT)) * _PROBE
        along *= take(like, place, block, SIGN)
        aim(like, place, block, along)
        part = along * take(like, place, block, INVERSE)
        mine = active(like, place, block)
        slope = take(like, place, block, SLOPE)
        rise += select(mine, part * slope, zero)
        wrong = _UNSURE * take(like, place, block, SIGMA) + abs(take(like, place, block, TOP))
        # And by the curvature on the way: it matters where f is 0.
        wrong += _BENT * abs(slope)
        unsure += select(mine, abs(part) * wrong, zero)
    return total(like, place, rise), total(like, place, unsure)


@device
def check_noise(like, calls, place, relative):
    """One point close to x, where f must be what its slope says.  Measures the noise if not.

    Returns where it was measured.
    """
    rise, unsure = expected_rise(like, place)
    unknown = (get(like, place, KNOWN) < 0.5) & (get(like, place, USED) > 0.5)
    place.memory[MULTIPLES * LANES] = _PROBES[0]
    line(like, calls, place, 1, unknown)
    return suspects(like, calls, place, relative, rise, unsure, unknown)


@device
def suspects(like, calls, place, relative, rise, unsure, unknown):
    """Where the first probe's value (in ROWS) is not what it must be; measures the noise there."""
    deviation, f = _deviation(like, place, 0, rise, unsure), get(like, place, HERE)
    suspect = (deviation > (_SUSPICIOUS * relative) * abs(f) + TINY) & unknown
    if any_lane(suspect):
        _convict(like, calls, place, rise, unsure, suspect)
    return suspect


@allocating
def _convict(like, calls, place, rise, unsure, suspect):
    """The noise is at least the mean deviation from the slope."""
    for k in range(len(_PROBES)):
        place.memory[MULTIPLES * LANES + k] = _PROBES[k]
    line(like, calls, place, len(_PROBES), suspect)
    squares = splat(like, 0.0)
    for k in range(len(_PROBES)):
        deviation = _deviation(like, place, k, rise, unsure)
        squares += deviation * deviation
    noise = math.sqrt(squares / (1.0 * len(_PROBES)))
    set_level(like, place, ABSOLUTE, select(suspect, noise, get(like, place, ABSOLUTE)))
    measure_noise(like, calls, place, suspect)
