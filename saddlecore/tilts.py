"""Tilted densities of one positive number: their integral, nearly, and weighted draws of them.

The density is x^{P−1} exp(−c x − κ x²), with P > 0, κ > 0 and any c: a gamma density where κ x² is
small, a normal one where c is negative and large.  In u = ln x it has one maximum, at

    P − c x − 2κ x² = 0,   with curvature  k = P + 2κ x².

Draws are from a density near to it, with the weight that makes up for the difference:

    k ≤ 3P   Stacy's x = x₀ (G/S)^{1/q}, G ~ Gamma(S) (Ann. Math. Stat. 33, 1962), with q = k/P and
             S = P/q: the maximum, the curvature and the left tail are right (q ≤ 2: the right one
             is no lighter).
    k > 3P   the normal density of variance 1/(2κ) at the maximum in x; one that falls below 0 has
             weight 0.

Weights are bounded, and near 1: their variance is below 0.01/P where q < 2.
"""

import math

import numpy as np

from saddlecore.gammas import exp
from saddlecore.jit import allocating, device
from saddlecore.philox import philox2x64
from saddlecore.streams import acceptance, log, normal_pair, uniform

__all__ = [
    "bounded_exp",
    "draw_tilted",
    "log_density",
    "log_integral",
    "maximum",
    "stirling",
]

_LN_2PI = 1.8378770664093453
_LN_PI = 1.1447298858494002
_BOOST = np.uint64(1 << 31)  # the block of a gamma of shape below 1, as in `gammas`


@device
def bounded_exp(x):
    """exp(x), 0 far below and e⁷⁰⁰ far above."""
    return exp(min(x, 700.0)) if x > -700.0 else 0.0


@device
def maximum(P, c, kappa):
    """The root x > 0 of P − c x − 2κ x², the maximum of the density of ln x."""
    root = math.sqrt(c * c + 8.0 * kappa * P)
    return 2.0 * P / (c + root) if c > 0.0 else (root - c) / (4.0 * kappa)


@allocating
def stirling(S):
    """ln Γ(S) − S ln S + S, for S > 0."""
    product, y = 1.0, S
    while y < 9.0:
        product *= y
        y += 1.0
    r = 1.0 / (y * y)
    series = ((-691.0 / 360360.0 * r + 1.0 / 1188.0) * r - 1.0 / 1680.0) * r + 1.0 / 1260.0
    series = series * r - 1.0 / 360.0
    tail = 0.5 * (_LN_2PI - log(y)) + (series * r + 1.0 / 12.0) / y
    if y == S:
        return tail
    return tail + y * (log(y) - 1.0) - S * (log(S) - 1.0) - log(product)


@device
def _is_stacy(P, w):
    """Whether to draw from Stacy's density; w = 2κ x₀²."""
    return w <= 2.0 * P or P < 1.0


@allocating
def log_integral(P, c, kappa):
    """The logarithm of the integral of the density, from its maximum and curvature."""
    x = maximum(P, c, kappa)
    w = 2.0 * kappa * x * x
    if _is_stacy(P, w):
        q = min(1.0 + w / P, 2.0)
        flatter = q * P / (P + w)  # below 1 where q = 2
        return P * log(x) - c * x - 0.5 * w + stirling(P / q) - log(q) + 0.5 * log(flatter)
    x = maximum(P - 1.0, c, kappa)
    square = kappa * x * x
    height = (P - 1.0) * log(x) - c * x - square
    return height + 0.5 * (_LN_PI - log(kappa) - log(1.0 + 0.5 * (P - 1.0) / square))


@device
def _log_gamma_variate(S, low, high, row, k0, k1):
    """The logarithm of a Gamma(S) variate, by Marsaglia & Tsang's method."""
    d = S - 1.0 / 3.0 + (1.0 if S < 1.0 else 0.0)
    m = 1.0 / math.sqrt(9.0 * d)
    attempt = np.uint64(0)
    while True:
        A, B = philox2x64(low, high, row, attempt, k0, k1)
        x = normal_pair(A, B)[1]
        t = 1.0 + m * x
        if t > 0.0:
            log_v = 3.0 * log(t)
            if log(acceptance(B)) < 0.5 * x * x + d * (1.0 - t * t * t + log_v):
                break
        attempt += np.uint64(1)
    value = log(d) + log_v
    if S < 1.0:
        A, _ = philox2x64(low, high, row, _BOOST, k0, k1)
        value += log(uniform(A)) / S
    return value


@allocating
def draw_tilted(P, c, kappa, low, high, row, k0, k1):
    """A number from near the density's law: `log_density` is its own; or, rarely, one ≤ 0.

    (low, high, row) is the counter of the stream, without its attempt.
    """
    x = maximum(P, c, kappa)
    w = 2.0 * kappa * x * x
    if _is_stacy(P, w):
        q = min(1.0 + w / P, 2.0)
        S = P / q
        value = _log_gamma_variate(S, low, high, row, k0, k1)
        return x * bounded_exp((value - log(S)) / q)
    A, B = philox2x64(low, high, row, np.uint64(0), k0, k1)
    return maximum(P - 1.0, c, kappa) + normal_pair(A, B)[0] / math.sqrt(2.0 * kappa)


@allocating
def log_density(P, c, kappa, y):
    """The density of ln y, in logs, where y > 0 is drawn by `draw_tilted`."""
    x = maximum(P, c, kappa)
    w = 2.0 * kappa * x * x
    if _is_stacy(P, w):
        q = min(1.0 + w / P, 2.0)
        S = P / q
        step = log(y) - log(x)
        return log(q) - stirling(S) + P * step - S * (bounded_exp(q * step) - 1.0)
    step = y - maximum(P - 1.0, c, kappa)
    return log(y) - kappa * step * step + 0.5 * (log(kappa) - _LN_PI)
