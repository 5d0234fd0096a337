"""The transition density of Sturm's chain, a parabolic cylinder function, in lanes.

For d > 0 and independent a ~ N(0, 1), g ~ Gamma(α, 1) the density of a − g/d at y is

    T_α(d → y) = d^α / Γ(α) ∫₀^∞ t^{α−1} e^{−dt} φ(y + t) dt,     T_α(−d → y) = T_α(d → −y),

in other words d^α e^{−y²/2 + x²/4} D_{−α}(x) / √(2π) with x = d + y (DLMF 12.5.1).  About the point
t with t (t + x) = κ, t = (√(x² + 4κ) − x)/2, it is with u = dt/α − 1

    T = G(t²/(t² + κ)) / √(t² + κ) · exp(α (ln(1 + u) − u) − (y + t)²/2).

Where κ = α that is the saddle point of the integral in ln t, and G is nearly constant.  A larger κ
keeps G smooth for small α too: its Chebyshev series has a dozen terms for large α, and a hundred
as α → 0.
"""

import math

from saddlecore.jit import device, kernel
from saddlecore.laneops import fma, select, splat

__all__ = ["FLOOR", "density", "exponent", "saddle_integrals"]

#: Densities are e^FLOOR at least, or 0.
FLOOR = -700.0
# Below this α, ln(1 + u) from 1 + u: u comes near −1 there, and a rounding times α is still one.
_SMALL = 8.0


@device
def _beyond_linear(v):
    """e^v − 1 − v without cancellation."""
    if abs(v) > 0.5:
        return math.expm1(v) - v
    term, total = 0.5 * v * v, 0.0
    for j in range(3, 18):
        total += term
        term *= v / j
    return total


@kernel
def saddle_integrals(alpha, kappa, p, out):
    """Integrate what the Chebyshev series of G interpolates, but for a factor that α decides.

    √(κ + t²) ∫ exp(αv − κ(e^v − 1) − t²(e^v − 1)²/2) dv where t² = κp/(1 − p), by the trapezoidal
    rule in w with v = sinh(w)/√(κ + t²).

    Parameters
    ----------
    alpha, kappa : float64, > 0
    p : (m,) float64, in (0, 1)
    out : (m,) float64, out
    """
    step = 0.05
    for i in range(p.size):
        square = kappa * p[i] / (1.0 - p[i])
        scale = 1.0 / math.sqrt(kappa + square)
        # A small α has a long tail, e^{αv} for v → −∞.
        first = -110 if alpha >= _SMALL else -280
        total = 0.0
        for j in range(first, 71):
            v = min(scale * math.sinh(j * step), 300.0)
            growth = math.expm1(v)
            value = -alpha * _beyond_linear(v) - growth * (kappa - alpha + 0.5 * square * growth)
            total += math.exp(value) * math.cosh(j * step)
        out[i] = total * step


@device
def exponent(z, alpha, kappa, d, y):
    """The exponent in T_α(d → y), and t²."""
    x = d + y
    root = math.sqrt(fma(x, x, splat(z, 4.0 * kappa)))
    large = 0.5 * (root + abs(x))
    t = select(x > 0.0, kappa / large, large)
    square = t * t
    product = d * t
    # Two forms of y + t: the first cancels where t is large, the second where it is small.
    gap = select(square < kappa, y + t, (kappa - product) / t)
    if alpha < _SMALL:
        ratio = product / alpha
        value = alpha * (math.log(ratio) + 1.0 - ratio)
    else:
        u = (product - alpha) / alpha
        value = alpha * (math.log1p(u) - u)
    return value - 0.5 * gap * gap, square


@device
def density(z, kappa, series, value, square):
    """T from its exponent, plus whatever was added to that, and t²; Clenshaw's recurrence for G."""
    whole = square + kappa
    x = (square - kappa) / whole
    b, after = splat(z, 0.0), splat(z, 0.0)
    for j in range(series.size - 1, 0, -1):
        b, after = fma(2.0 * x, b, series[j] - after), b
    factor = fma(x, b, series[0] - after) / math.sqrt(whole)
    return select(value > FLOOR, math.exp(max(value, splat(z, FLOOR))) * factor, splat(z, 0.0))
