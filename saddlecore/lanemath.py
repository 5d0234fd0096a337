"""NumPy's names for scalar functions, and powers, for any `saddlecore.lanes.Numeric` type.

A type brings its operators, comparisons and the functions of `math`; what NumPy calls them, and
what is made of them, is a table here.
"""

import inspect
import math
import operator

import numpy as np
from numba.core import types
from numba.core.errors import NumbaTypeError

from saddlecore import vecmath
from saddlecore.lanes import Lanes, Numeric
from saddlecore.lanetrees import Value, call, convert, declare, evaluate, result_type

__all__ = ["FUNCTIONS", "POWERS"]


# --- functions of numbers ----------------------------------------------------------------------


def _is_scalar(ty):
    return isinstance(ty, Numeric | types.Integer | types.Float | types.Boolean)


def _declare_formula(function, formula):
    def typer(context, *args):
        if not (any(isinstance(a, Numeric) for a in args) and all(map(_is_scalar, args))):
            return None
        if len(args) != FUNCTIONS[function]:
            return None
        return result_type(context, formula(*map(Value, args)))

    def emit(context, builder, sig, args):
        values = map(Value, sig.args, args)
        found = evaluate(context, builder, formula(*values))
        return convert(context, builder, found, sig.return_type)

    FUNCTIONS[function] = len(inspect.signature(formula).parameters)
    declare(function, typer, emit)


def _in_lanes(*values):
    return any(isinstance(value.type, Lanes) for value in values)


def _extreme(python, compare):
    """NumPy's maximum and minimum, which propagate NaN; one node where a function is traced."""

    def formula(x, y):
        if not _in_lanes(x, y):
            return python, x, y
        return np.where, (operator.or_, (compare, x, y), (operator.ne, x, x)), x, y

    return formula


def _sign(x):
    rest = (operator.mul, 0.0, x)  # zero or NaN
    return np.where, (operator.gt, x, 0.0), 1.0, (np.where, (operator.lt, x, 0.0), -1.0, rest)


def _hypot(x, y):
    if _in_lanes(x, y):
        return math.hypot, x, y
    return math.sqrt, (operator.add, (operator.mul, x, x), (operator.mul, y, y))


def _logaddexp(x, y):
    low, high = (np.minimum, x, y), (np.maximum, x, y)
    # Equal ones apart: the difference of two infinities is NaN.
    gap = (np.where, (operator.eq, x, y), 0.0, (operator.sub, low, high))
    return operator.add, high, (math.log1p, (math.exp, gap))


def _rename(function, arity):
    return (lambda x: (function, x)) if arity == 1 else (lambda x, y: (function, x, y))


_SAME = {
    **{getattr(np, name): getattr(operator, op) for name, op in (
        ("add", "add"), ("subtract", "sub"), ("multiply", "mul"), ("true_divide", "truediv"),
        ("negative", "neg"), ("positive", "pos"), ("less", "lt"), ("less_equal", "le"),
        ("greater", "gt"), ("greater_equal", "ge"), ("equal", "eq"), ("not_equal", "ne"),
        ("logical_and", "and_"), ("logical_or", "or_"), ("logical_xor", "xor"),
        ("logical_not", "invert"))},
    **{getattr(np, name.replace("asin", "arcsin").replace("acos", "arccos")
               .replace("atan", "arctan")): getattr(math, name)
       for name in vecmath.FUNCTIONS if name != "erf" and hasattr(math, name)},
    np.sqrt: math.sqrt, np.absolute: abs, np.fabs: math.fabs, np.floor: math.floor,
    np.arctan2: math.atan2,
}  # fmt: skip

_FORMULAS = {
    np.square: lambda x: (operator.mul, x, x),
    np.reciprocal: lambda x: (operator.truediv, 1.0, x),
    np.maximum: _extreme(max, operator.ge),
    np.minimum: _extreme(min, operator.le),
    np.clip: lambda x, low, high: (np.minimum, (np.maximum, x, low), high),
    np.ceil: lambda x: (operator.neg, (math.floor, (operator.neg, x))),
    np.sign: _sign,
    np.hypot: _hypot,
    np.logaddexp: _logaddexp,
    np.isnan: lambda x: (operator.ne, x, x),
    np.isfinite: lambda x: (operator.lt, (abs, x), math.inf),
    np.isinf: lambda x: (operator.eq, (abs, x), math.inf),
    np.deg2rad: lambda x: (operator.mul, x, math.pi / 180.0),
    np.rad2deg: lambda x: (operator.mul, x, 180.0 / math.pi),
}

#: NumPy's functions that work number by number, and how many arguments they take.
FUNCTIONS = {}

for _function, _other in _SAME.items():
    _declare_formula(_function, _rename(_other, _function.nin))
for _function, _formula in _FORMULAS.items():
    _declare_formula(_function, _formula)


# --- where ---------------------------------------------------------------------------------------


def _type_where(context, mask, x, y):
    if not all(map(_is_scalar, (mask, x, y))) or not any(
            isinstance(a, Numeric) for a in (mask, x, y)):  # fmt: skip
        return None
    if not (isinstance(mask, types.Boolean) or getattr(mask, "dtype", None) is types.boolean):
        raise NumbaTypeError(f"the condition of where must be a comparison, got {mask}")
    result = context.unify_types(x, y)
    if isinstance(mask, Lanes) and not isinstance(result, Lanes):
        return Lanes(types.float64, mask.width)
    return result


def _where(context, builder, sig, args):
    mask, *both = args
    x, y = (context.cast(builder, value, ty, sig.return_type)
            for value, ty in zip(both, sig.args[1:], strict=True))  # fmt: skip
    return builder.select(mask, x, y)


FUNCTIONS[np.where] = 3
declare(np.where, _type_where, _where)


# --- powers ----------------------------------------------------------------------------------

#: Whatever raises to a power.
POWERS = (operator.pow, operator.ipow, pow, math.pow, np.power, np.float_power)
# Products for whole exponents up to here: beyond, the errors of their roundings would show.
_LARGEST_PRODUCT = 64


def _declare_power(function):
    def typer(context, base, exponent):
        numeric = {ty for ty in (base, exponent) if isinstance(ty, Numeric)}
        if len(numeric) != 1 or not all(map(_is_scalar, (base, exponent))):
            return None
        # The power of two numbers of the type is the type's own.
        return None if function is operator.pow and base == exponent else numeric.pop()

    declare(function, typer, _power, prefer_literal=True)


def _power(context, builder, sig, args):
    base, exponent = map(Value, sig.args, args)
    if isinstance(base.type, Numeric):
        known = _known(exponent)
        if known == 0.5:
            return call(context, builder, math.sqrt, base).llvm
        if known is not None and known == int(known) and abs(known) <= _LARGEST_PRODUCT:
            return _product(context, builder, base, int(known))
        if known is None and isinstance(exponent.type, types.Integer):
            whole = sig.return_type(sig.return_type, types.int64)
            power = convert(context, builder, exponent, types.int64)
            return context.compile_internal(builder, _whole_power, whole, (base.llvm, power))
    both = [Value(sig.return_type, convert(context, builder, x, sig.return_type))
            for x in (base, exponent)]  # fmt: skip
    return call(context, builder, operator.pow, *both).llvm


def _known(exponent):
    """The exponent, where it is known when the function is compiled; else None."""
    if isinstance(exponent.type, types.IntegerLiteral):
        return exponent.type.literal_value
    number = getattr(exponent.llvm, "constant", None)
    return number if isinstance(number, int | float) and math.isfinite(number) else None


def _product(context, builder, base, k):
    """base**k for whole k: squares, and the product of those that are the bits of k."""
    one = Value(types.float64, context.get_constant(types.float64, 1.0))
    square, result = base, None
    for i, bit in enumerate(reversed(f"{abs(k):b}")):
        if i > 0:
            square = call(context, builder, operator.mul, square, square)
        if bit == "1":
            result = square if result is None else call(
                context, builder, operator.mul, result, square)  # fmt: skip
    if result is None:
        return convert(context, builder, one, base.type)
    return call(context, builder, operator.truediv, one, result).llvm if k < 0 else result.llvm


def _whole_power(x, k):
    if abs(k) > _LARGEST_PRODUCT:
        return x ** float(k)
    n, square, result = abs(k), x, 1.0
    while n > 0:
        if n % 2 == 1:
            result = result * square
        n //= 2
        square = square * square
    return 1.0 / result if k < 0 else result


for _function in POWERS:
    _declare_power(_function)
