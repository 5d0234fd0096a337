"""Difference formulas along one variable, each with the higher difference that tells its error.

With f₀ = f(x) and fₖ = f(x + k h eᵢ), one formula D/hᵠ estimates the derivative of order q; T, a
difference of order p > q, is hᵖ times a higher derivative where f is smooth, and noise of standard
deviation ``gain``·σ where it is not.  D is wrong by about ``alpha``·T (truncation) and ``beta``·σ
(noise).  Over hᵠ their sum is least where |T|/σ = R* = q·beta/(alpha·(p − q)).

===========  =========================================  =======================================
CENTRAL      D = (f₁ − f₋₁)/2                           T = f₂ − 2f₁ + 2f₋₁ − f₋₂
             D = f₁ − 2f₀ + f₋₁                         T = f₂ − 4f₁ + 6f₀ − 4f₋₁ + f₋₂
FORWARD      D = f₁ − f₀                                T = f₂ − 2f₁ + f₀
             D = f₂ − 2f₁ + f₀                          T = f₃ − 3f₂ + 3f₁ − f₀
RICHARDSON   D = (8(f₁ − f₋₁) − (f₂ − f₋₂))/12          T, the fifth central difference
             D = (16(f₁ + f₋₁) − 30f₀ − f₂ − f₋₂)/12    T, the sixth central difference
===========  =========================================  =======================================

In FORWARD h may be negative: all points then lie on the other side.
"""

import math
from collections import namedtuple

import numpy as np

from saddlecore.exponents import exponent
from saddlecore.jit import device

__all__ = ["CENTRAL", "FORWARD", "GRADIENT_OF", "HESSIAN_OF", "MAIN_WEIGHTS", "OFFSETS",
           "RICHARDSON", "SLOPE_WEIGHTS", "TOP_WEIGHTS", "Stencil", "stencil"]  # fmt: skip

CENTRAL, FORWARD, RICHARDSON = range(3)
GRADIENT_OF, HESSIAN_OF = 0, 3  # what is wanted; plus the scheme: the formula's number

#: `count` points are needed, of which `plain` without T.  |T|/σ up to `most` is left as it is,
#: `aim` is what a shortened step should give; rough·|T| + grain·σ is the bound of D's error.
Stencil = namedtuple(
    "Stencil",
    "number scheme count plain order power gain most aim aim_exponent rough grain",
)

#: Multiples of h, by scheme.
OFFSETS = np.array([[1, -1, 2, -2, 0, 0], [1, 2, 3, 0, 0, 0], [1, -1, 2, -2, 3, -3]], np.float64)

#: D, T and h·f′ are sums of these times fₖ − f₀: neighbours are subtracted first, which is exact.
MAIN_WEIGHTS = np.array([
    [1 / 2, -1 / 2, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0], [2 / 3, -2 / 3, -1 / 12, 1 / 12, 0, 0],
    [1, 1, 0, 0, 0, 0], [-2, 1, 0, 0, 0, 0], [4 / 3, 4 / 3, -1 / 12, -1 / 12, 0, 0],
])  # fmt: skip
TOP_WEIGHTS = np.array([
    [-2, 2, 1, -1, 0, 0], [-2, 1, 0, 0, 0, 0], [5, -5, -4, 4, 1, -1],
    [-4, -4, 1, 1, 0, 0], [3, -3, 1, 0, 0, 0], [15, 15, -6, -6, 1, 1],
], np.float64)  # fmt: skip
SLOPE_WEIGHTS = np.array([
    [2 / 3, -2 / 3, -1 / 12, 1 / 12, 0, 0], [2, -1 / 2, 0, 0, 0, 0],
    [2 / 3, -2 / 3, -1 / 12, 1 / 12, 0, 0],
])  # fmt: skip

# count, plain, order p, power q, gain, alpha, beta, rough, grain.
_FORMULAS = np.array([
    [4, 2, 3, 1, math.sqrt(10), 1 / 12, math.sqrt(0.5), 0.25, 1.5],
    [2, 1, 2, 1, math.sqrt(6), 1 / 2, math.sqrt(2), 0.75, 2.5],
    [6, 4, 5, 1, math.sqrt(84), 1 / 60, 0.95, 0.15, 2.0],
    [4, 2, 4, 2, math.sqrt(70), 1 / 12, math.sqrt(6), 0.5, 3.0],
    [3, 2, 3, 2, math.sqrt(20), 1, math.sqrt(6), 1.5, 3.0],
    [6, 4, 6, 2, math.sqrt(924), 1 / 90, 3.13, 0.15, 3.0],
])  # fmt: skip

# |T|/σ up to this multiple of R* costs an accuracy that is not worth evaluations.
_SLACK = 1000.0


@device
def stencil(wanted, scheme):
    """The formula for GRADIENT_OF or HESSIAN_OF by a scheme."""
    number = wanted + scheme
    row = _FORMULAS[number]
    order, power, gain = row[2], row[3], row[4]
    best = power * row[6] / (row[5] * (order - power))
    # T must stay visible.
    aim = max(best, 4.0 * gain)
    return Stencil(
        number, scheme, np.int64(row[0]), np.int64(row[1]), order, power, gain, _SLACK * best, aim,
        exponent(aim), row[7], row[8],
    )  # fmt: skip
