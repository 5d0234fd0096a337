"""What one lane computes, in exact arithmetic."""

import math
from fractions import Fraction

import mpmath

MAX = math.ldexp(2.0 - math.ldexp(1.0, -52), 1023)


def fma(x, y, z):
    """x·y + z rounded once."""
    if not (math.isfinite(x) and math.isfinite(y)):
        return x * y + z
    if not math.isfinite(z):
        return z  # however large x·y is
    exact = Fraction(x) * Fraction(y) + Fraction(z)
    if exact == 0:
        return x * y + z  # exact as well, and zero has the sign that IEEE 754 gives it
    try:
        return float(exact)
    except OverflowError:
        return math.inf if exact > 0 else -math.inf


def ulps(name, x, y):
    """How many units in the last place y is from the function of that name at x.

    None where the function is not a real number.  Beyond the largest float, infinity is right.
    """
    with mpmath.workprec(160):
        exact = _exact(name, mpmath.mpf(x))
        if not isinstance(exact, mpmath.mpf) or not mpmath.isfinite(exact):
            return None
        if math.isnan(y):
            return math.inf
        spacing = math.ulp(min(float(abs(exact)), MAX))
        value = mpmath.mpf(y if math.isfinite(y) else math.copysign(MAX, y))
        if math.isinf(y) and abs(exact) >= MAX:
            return 0.0
        return float(abs(value - exact) / spacing)


def _exact(name, x):
    if name == "exp2":
        return mpmath.mpf(2) ** x
    if name == "log2":
        return mpmath.log(x, 2)
    if name == "log1p":
        # mpmath's own takes a shortcut for tiny arguments that is as exact.
        return mpmath.log1p(x) if x > -1 else None
    if name in ("log", "log10") and x <= 0:
        return None
    return getattr(mpmath, name)(x)
