"""What errors of derivatives are made of: noise, and what the formulas leave out.

Truncation and noise along one variable are told by its own T (`saddlecore.stencils`).  A mixed
difference leaves out mixed derivatives of order p = 4 (RICHARDSON: 6), in units of f:

* if f is alike in all directions, they are about the geometric mean of the variables' own T;
* the lower order that drops out of the formula, w, is free: its square over √(Eᵢ Eⱼ), E the second
  differences, continues the series;
* a line through all variables, x ± k Σ ±hᵢeᵢ, sees all of them: U = |T of the line − Σ Tᵢ|.  No
  pair has more than a multiple of U; what U has beyond (Σ |Tᵢ|^{1/p})ᵖ was missed above.

Noise is σ where it is known.  Where f loses digits inside, all T are nothing but noise: their
harmonic mean tells how much, however large one or another of them is.
"""

import math

import numpy as np

from saddlecore.forms import LANES
from saddlecore.jit import device
from saddlecore.laneops import bits_of, from_bits, select, splat
from saddlecore.memory import load
from saddlecore.moves import aim, line
from saddlecore.noise import EPS, TINY
from saddlecore.places import (
    ABSOLUTE,
    BEYOND,
    BOUND,
    HERE,
    MAIN,
    MIXED,
    MULTIPLES,
    OMEGA,
    ROOT,
    ROWS,
    SIGMA,
    SIGN,
    STEP,
    TOP,
    USED,
    active,
    get,
    put,
    set_level,
    take,
    total,
)
from saddlecore.stencils import FORWARD, OFFSETS, RICHARDSON, TOP_WEIGHTS

__all__ = ["ROUNDING", "all_noise", "bound_pairs", "look_along_all", "sum_of_variables",
           "weigh_variables", "weights"]  # fmt: skip

# Safety factors, from the table of functions in the tests: of the geometric mean (order 4, 6), of
# the lower order's square, of U at most, of what U has beyond; noise, in σ; the final rounding.
_ALIKE_4, _ALIKE_6, _CONTINUED, _AT_MOST, _BEYOND = 3.0, 0.5, 3.0, 4.0, 0.2
_NOISE, _NOISE_FORWARD, ROUNDING = 5.0, 8.0, 4.0 * EPS
# Of the noise that the variables' T would have if they were nothing else, and the line's U.
_HARMONIC, _UNSEEN = 3.0, 10.0

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


@device
def all_noise(like, place, stencil):
    """σ, were every variable's T nothing but noise; what was measured meanwhile joins SIGMA."""
    set_level(like, place, BEYOND, splat(like, 0.0))
    inverses, noise = splat(like, 0.0), get(like, place, ABSOLUTE)
    for block in range(place.blocks):
        sigma = max(take(like, place, block, SIGMA), noise)
        put(like, place, block, SIGMA, sigma)
        t = max(abs(take(like, place, block, TOP)), stencil.gain * sigma)
        inverses += select(active(like, place, block), 1.0 / t, splat(like, 0.0))
    return (_HARMONIC * place.n / stencil.gain) / total(like, place, inverses)


@device
def sum_of_variables(like, place, stencil):
    """Σ Tᵢ, and (Σ |Tᵢ|^{1/p})ᵖ; points the line along all steps."""
    own, size = splat(like, 0.0), splat(like, 0.0)
    for block in range(place.blocks):
        aim(like, place, block, take(like, place, block, STEP) * take(like, place, block, SIGN))
        t = take(like, place, block, TOP)
        own += t
        if stencil.scheme == RICHARDSON:
            root = math.exp(math.log(abs(t) + TINY) / 6.0)
        else:
            root = _root(_root(abs(t)))
        size += select(active(like, place, block), root, splat(like, 0.0))
    own, size = total(like, place, own), total(like, place, size)
    square = size * size
    power = square * square
    if stencil.scheme == RICHARDSON:
        power *= square
    return own, power


@device
def look_along_all(like, calls, place, stencil, noise):
    """Write the bounds that U sets; returns the noise, which U may correct downwards."""
    own, explained = sum_of_variables(like, place, stencil)
    for k in range(stencil.count):
        place.memory[MULTIPLES * LANES + k] = OFFSETS[stencil.scheme, k]
    line(like, calls, place, stencil.count, get(like, place, USED) > 0.5)
    u, f = 0.0 - own, get(like, place, HERE)
    for k in range(stencil.count):
        u += TOP_WEIGHTS[stencil.number, k] * (load(like, place.memory, (ROWS + k) * LANES) - f)
    return bound_pairs(like, place, stencil, u, explained, noise)


@device
def bound_pairs(like, place, stencil, u, explained, noise):
    """Write the bounds that U (with its sign) sets; returns the noise."""
    u = select(abs(u) < np.inf, abs(u), splat(like, 0.0))
    n = 1.0 * place.n
    set_level(like, place, BOUND, _AT_MOST * u)
    beyond = max(u - explained, splat(like, 0.0)) * (_BEYOND / math.sqrt(0.5 * n * (n - 1.0)))
    set_level(like, place, BEYOND, select(beyond < np.inf, beyond, splat(like, 0.0)))
    return min(noise, u * (_UNSEEN / (stencil.gain * math.sqrt(n + 1.0))))


@device
def weights(like, stencil, t, sigma, main):
    """Three numbers of a variable: products of two variables' are parts of a pair's error.

    √ of the safe |T|, of the noise, and of 1/|second difference|.
    """
    alike = math.sqrt(_ALIKE_6 if stencil.scheme == RICHARDSON else _ALIKE_4)
    noisy = math.sqrt(_NOISE_FORWARD if stencil.scheme == FORWARD else _NOISE)
    series = math.sqrt(_CONTINUED) * _inverse_root(abs(main) + sigma)
    return alike * _root(abs(t)), noisy * _root(sigma), series


@device
def weigh_variables(like, place, stencil, noise):
    """Write the `weights` of all variables."""
    for block in range(place.blocks):
        t, sigma = take(like, place, block, TOP), max(take(like, place, block, SIGMA), noise)
        root, mixed, omega = weights(like, stencil, t, sigma, take(like, place, block, MAIN))
        put(like, place, block, ROOT, root)
        put(like, place, block, MIXED, mixed)
        put(like, place, block, OMEGA, omega)
