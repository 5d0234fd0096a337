"""Operations on constants: what they give, and how wrong rounding may have made it."""

import itertools
import math
import operator
from fractions import Fraction
from functools import partial

from saddlecore.operations import SCALAR

__all__ = ["folded", "scalar"]

# Twice what the C library's functions are off, two units in the last place: at corners too.
_LIBRARY = 8.0 * 2.0**-53
# What fractions do too.
_EXACT = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "div": operator.truediv,
    **{name: SCALAR[name] for name in ("neg", "abs", "sign", "floor", "max", "min", "greater")},
}  # fmt: skip


def scalar(operation, *values):
    """Compute one operation on floats, NaN or infinite where the lanes are."""
    try:
        return SCALAR[operation](*values)
    except OverflowError:
        return -math.inf if operation == "sinh" and values[0] < 0.0 else math.inf
    except ValueError:
        pole = -1.0 if operation == "log1p" else 0.0
        return -math.inf if operation.startswith("log") and values[0] == pole else math.nan


def folded(operation, values, errors):
    """(result, bound of its error) of one operation on constants with such errors.

    The bound is the largest change over the corners of the operands' intervals.
    """
    result = scalar(operation, *values)
    if not all(map(math.isfinite, (result, *values, *errors))):
        return result, max(errors)
    if operation in _EXACT:
        if not any(errors) and all(map(_is_whole, (result, *values))):
            return result, 0.0  # the commonest case: fractions are slow
        compute, least = _EXACT[operation], 0.0
    else:
        compute, least = partial(_in_floats, operation), _LIBRARY * abs(result)
        # The ends will be rounded to floats.
        errors = [e and e + math.ulp(v) for v, e in zip(values, errors, strict=True)]
    try:
        gaps = [abs(compute(*corner) - Fraction(result)) for corner in _corners(values, errors)]
    except (ArithmeticError, ValueError):  # a pole, or the end of the domain
        return result, math.inf
    return result, float(max(gaps)) + least


def _is_whole(x):
    return abs(x) < 2.0**53 and x.is_integer()


def _corners(values, errors):
    pairs = zip(map(Fraction, values), map(Fraction, errors), strict=True)
    return itertools.product(*({value - e, value + e} for value, e in pairs))


def _in_floats(operation, *values):
    return Fraction(scalar(operation, *map(float, values)))
