"""The operations that programs are made of, and their derivatives.

A program (see `saddlecore.program`) computes numbers one after another, each from at most two
earlier ones.  Derivatives of a program are again programs of the same operations.
"""

import math

__all__ = ["ARITY", "CODES", "PARTIALS", "SCALAR"]

# Names in the order of their codes; the first two are not computed.
_BINARY = ("add", "sub", "mul", "div", "pow", "max", "min", "greater", "atan2")
_UNARY = ("neg", "abs", "sign", "floor", "sqrt", "exp", "log", "sin", "cos", "tan", "sinh", "cosh",
          "tanh", "asin", "acos", "atan", "expm1", "log1p", "exp2", "log2", "log10",
          "erf", "sech")  # fmt: skip
_NAMES = ("constant", "input", *_BINARY, *_UNARY, "store")

#: Code of each operation by name.
CODES = {name: code for code, name in enumerate(_NAMES)}
#: Number of operands by name.
ARITY = dict.fromkeys(_BINARY, 2) | dict.fromkeys(_UNARY, 1)


def _power(x, y):
    try:
        return math.pow(x, y)
    except (OverflowError, ValueError):
        if x < 0.0 and y != math.floor(y):
            return math.nan
        return math.copysign(math.inf, x) if y % 2.0 == 1.0 else math.inf


def _divide(x, y):
    if y != 0.0:
        return x / y
    sign = math.copysign(1.0, y)
    return math.nan if x == 0.0 or math.isnan(x) else math.copysign(math.inf, sign * x)


def _sech(x):
    small = math.exp(-abs(x))  # where cosh would overflow
    return 2.0 * small / (1.0 + small * small)


#: Each operation on Python's floats.  "greater" is 1 where x > y, else 0.
SCALAR = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": _divide,
    "pow": _power,
    "max": lambda x, y: y if y > x else x,
    "min": lambda x, y: y if y < x else x,
    "greater": lambda x, y: float(x > y),
    "atan2": math.atan2,
    "neg": lambda x: -x,
    "abs": abs,
    "sign": lambda x: float((x > 0.0) - (x < 0.0)),
    "floor": lambda x: math.copysign(math.floor(x), x) if math.isfinite(x) else x,
    **{name: getattr(math, name) for name in _UNARY[4:-1]},
    "sech": _sech,
}


# What d(node) is per operand: functions of (graph, operands..., node), numbers of nodes throughout.
def _pow(g, x, y, _):
    one = g.constant(1.0)
    # x**(y - 1) stays finite at x = 0, where v/x would not be; log x matters for a varying y only.
    to_x = g.mul(y, g.pow(x, g.sub(y, one)))
    to_y = g.constant(0.0) if g.is_constant(y) else g.mul(g.pow(x, y), g.log(x))
    return to_x, to_y


def _max(g, x, y, _):
    second = g.greater(y, x)
    return g.sub(g.constant(1.0), second), second


def _min(g, x, y, _):
    second = g.greater(x, y)
    return g.sub(g.constant(1.0), second), second


def _atan2(g, y, x, _):
    square = g.add(g.mul(x, x), g.mul(y, y))
    return g.div(x, square), g.neg(g.div(y, square))


def _slope_of_log(g, x, base):
    return g.div(g.div(g.constant(1.0), g.log(g.constant(base))), x)


def _erf(g, x, _):
    root_of_pi = g.sqrt(g.acos(g.constant(-1.0)))
    return (g.mul(g.div(g.constant(2.0), root_of_pi), g.exp(g.neg(g.mul(x, x)))),)


def _inverse_root(g, x):
    one = g.constant(1.0)
    # (1 - x)(1 + x) does not cancel near 1, as 1 - x² would.
    return g.div(one, g.sqrt(g.mul(g.sub(one, x), g.add(one, x))))


#: The partial derivatives of each operation, one per operand, as nodes of the graph `g`.
PARTIALS = {
    "add": lambda g, x, y, v: (g.constant(1.0), g.constant(1.0)),
    "sub": lambda g, x, y, v: (g.constant(1.0), g.constant(-1.0)),
    "mul": lambda g, x, y, v: (y, x),
    "div": lambda g, x, y, v: (g.div(g.constant(1.0), y), g.neg(g.div(v, y))),
    "pow": _pow,
    "max": _max,
    "min": _min,
    "greater": lambda g, x, y, v: (g.constant(0.0), g.constant(0.0)),
    "atan2": _atan2,
    "neg": lambda g, x, v: (g.constant(-1.0),),
    "abs": lambda g, x, v: (g.sign(x),),
    "sign": lambda g, x, v: (g.constant(0.0),),
    "floor": lambda g, x, v: (g.constant(0.0),),
    "sqrt": lambda g, x, v: (g.div(g.constant(0.5), v),),
    "exp": lambda g, x, v: (v,),
    "log": lambda g, x, v: (g.div(g.constant(1.0), x),),
    "sin": lambda g, x, v: (g.cos(x),),
    "cos": lambda g, x, v: (g.neg(g.sin(x)),),
    "tan": lambda g, x, v: (g.add(g.constant(1.0), g.mul(v, v)),),
    "sinh": lambda g, x, v: (g.cosh(x),),
    "cosh": lambda g, x, v: (g.sinh(x),),
    # sech² keeps its digits where 1 - tanh² has lost them: saturated units.
    "tanh": lambda g, x, v: (g.mul(g.sech(x), g.sech(x)),),
    "sech": lambda g, x, v: (g.neg(g.mul(v, g.tanh(x))),),
    "asin": lambda g, x, v: (_inverse_root(g, x),),
    "acos": lambda g, x, v: (g.neg(_inverse_root(g, x)),),
    "atan": lambda g, x, v: (g.div(g.constant(1.0), g.add(g.constant(1.0), g.mul(x, x))),),
    "expm1": lambda g, x, v: (g.exp(x),),
    "log1p": lambda g, x, v: (g.div(g.constant(1.0), g.add(g.constant(1.0), x)),),
    "exp2": lambda g, x, v: (g.mul(g.log(g.constant(2.0)), v),),
    "log2": lambda g, x, v: (_slope_of_log(g, x, 2.0),),
    "log10": lambda g, x, v: (_slope_of_log(g, x, 10.0),),
    "erf": _erf,
}
