"""Graphs in mpmath: values, gradients and Hessians, to many digits.

A graph is a list of nodes: ``("input", i)``, ``("constant", number)``, or an operation's name and
the numbers of the one or two earlier nodes that it takes.  Derivatives come from arithmetic on
quadratic Taylor polynomials (value, gradient, Hessian); those of functions of one number are
differences so narrow that dozens of digits agree, so there is no table of derivatives here.

Where a function has a kink or a step, the derivatives are those of the branch taken.
"""

import math

import mpmath
from mpmath import mpf

DIGITS = 60
#: Arguments beyond which an exponential has more digits than a computer.
_LARGEST = 10**6
#: Where a function still looks constant with so many digits, it is.
_MOST_DIGITS = 4000

_ONE = {
    "neg": lambda t: -t,
    "sqrt": mpmath.sqrt, "exp": mpmath.exp, "log": mpmath.log, "sin": mpmath.sin,
    "cos": mpmath.cos, "tan": mpmath.tan, "sinh": mpmath.sinh, "cosh": mpmath.cosh,
    "tanh": mpmath.tanh, "asin": mpmath.asin, "acos": mpmath.acos, "atan": mpmath.atan,
    "expm1": mpmath.expm1, "log1p": mpmath.log1p, "exp2": lambda t: mpmath.power(2, t),
    "log2": lambda t: mpmath.log(t) / mpmath.log(2), "log10": mpmath.log10, "erf": mpmath.erf,
    "sech": mpmath.sech,
    "reciprocal": lambda t: 1 / t,
}  # fmt: skip
_GROWS = ("exp", "sinh", "cosh", "expm1", "exp2", "sech")


class UndefinedError(Exception):
    """No derivative, or no value: outside the domain, on its edge, or too large."""


def taylor(nodes, x, digits=DIGITS):
    """(value, gradient, Hessian) of every node at the point `x`, in mpf."""
    with mpmath.workdps(digits):
        found = []
        for name, *rest in nodes:
            if name == "input":
                found.append(_variable(rest[0], x))
            elif name == "constant":
                found.append(_constant(rest[0], len(x)))
            else:
                found.append(_operation(name, *(found[k] for k in rest)))
        return found


def values(nodes, x, digits=DIGITS):
    """The value of every node."""
    with mpmath.workdps(digits):
        found = []
        for name, *rest in nodes:
            if name in ("input", "constant"):
                found.append(_finite(x[rest[0]] if name == "input" else rest[0]))
            else:
                found.append(_value(name, *(found[k] for k in rest)))
        return found


def _finite(number):
    if not math.isfinite(number):
        raise UndefinedError(number)
    return mpf(number)


def _variable(i, x):
    n = len(x)
    slopes = [mpf(i == j) for j in range(n)]
    return _finite(x[i]), slopes, _square(n)


def _constant(number, n):
    return _finite(number), [mpf(0)] * n, _square(n)


def _square(n):
    return [[mpf(0)] * n for _ in range(n)]


def _value(name, a, b=None):
    zero = mpf(0)
    if name in _ONE:
        return _real(name, a)
    if name == "div":
        return a * _real("reciprocal", b)
    if name == "pow":
        return _power(a, b)
    if name == "atan2":
        return mpmath.atan2(a, b) if a != 0 or b != 0 else zero
    return {
        "add": lambda: a + b, "sub": lambda: a - b, "mul": lambda: a * b,
        "max": lambda: b if b > a else a, "min": lambda: b if b < a else a,
        "greater": lambda: mpf(a > b), "abs": lambda: abs(a), "sign": lambda: mpmath.sign(a),
        "floor": lambda: mpmath.floor(a),
    }[name]()  # fmt: skip


def _power(a, b):
    if (a < 0 and b != mpmath.floor(b)) or (a == 0 and b < 0) or abs(b) > _LARGEST:
        raise UndefinedError("pow", a, b)
    return mpmath.power(a, b)


def _real(name, t):
    if name in _GROWS and abs(t) > _LARGEST:
        raise UndefinedError(name, t)
    if t == 0 and name in ("log", "log2", "log10", "reciprocal"):
        raise UndefinedError(name, t)
    if name == "log1p" and t <= -1:
        raise UndefinedError(name, t)
    value = _ONE[name](t)
    if isinstance(value, mpmath.mpc):
        raise UndefinedError(name, t)
    return value


# --- Taylor arithmetic ---------------------------------------------------------------------------


def _operation(name, a, b=None):
    """One operation on (value, gradient, Hessian)."""
    if name == "add":
        return _combine(1, a, 1, b)
    if name == "sub":
        return _combine(1, a, -1, b)
    if name == "mul":
        return _product(a, b)
    if name == "div":
        return _product(a, _function(lambda t: _real("reciprocal", t), b))
    if name == "pow":
        return _raised(a, b)
    if name == "atan2":
        return _angle(a, b)
    if name in ("max", "min"):
        second = b[0] > a[0] if name == "max" else b[0] < a[0]
        return b if second else a
    if name == "abs":
        return _combine(mpmath.sign(a[0]), a, 0, a)
    if name in ("greater", "sign", "floor"):
        return _constant(_value(name, a[0], None if b is None else b[0]), len(a[1]))
    return _function(lambda t: _real(name, t), a)


def _combine(r, a, s, b):
    n = len(a[1])
    return (
        r * a[0] + s * b[0],
        [r * a[1][i] + s * b[1][i] for i in range(n)],
        [[r * a[2][i][j] + s * b[2][i][j] for j in range(n)] for i in range(n)],
    )


def _product(a, b):
    n = len(a[1])
    return (
        a[0] * b[0],
        [a[0] * b[1][i] + b[0] * a[1][i] for i in range(n)],
        [[a[0] * b[2][i][j] + b[0] * a[2][i][j] + a[1][i] * b[1][j] + a[1][j] * b[1][i]
          for j in range(n)] for i in range(n)],
    )  # fmt: skip


def _function(f, a):
    """A function of one number: f(a), f′∇a and f′∇²a + f″∇a∇aᵀ."""
    n = len(a[1])
    value, first, second = _slopes(f, a[0])
    return (
        value,
        [first * a[1][i] for i in range(n)],
        [[first * a[2][i][j] + second * a[1][i] * a[1][j] for j in range(n)] for i in range(n)],
    )


def _slopes(f, x):
    """f, f′ and f″ at x by central differences, with more and more digits until two agree."""
    digits = mpmath.mp.dps
    h = mpf(10) ** -digits * (min(mpf(1), abs(x)) if x != 0 else 1)
    work, before = 4 * (digits - int(mpmath.log10(h))), None
    while work < _MOST_DIGITS or before is None:
        found = _differences(f, x, h, work)
        if before is not None and all(map(mpmath.almosteq, found, before)):
            break
        work, before = 2 * work, found
    return found


def _differences(f, x, h, work):
    """An error of about h² of the slopes themselves, for a step h far below x and 1."""
    with mpmath.workdps(work):
        below, at, above = f(x - h), f(x), f(x + h)
        found = at, (above - below) / (2 * h), (above - 2 * at + below) / h**2
    return tuple(+number for number in found)


def _raised(a, b):
    if not any(b[1]) and not any(map(any, b[2])):
        return _function(lambda t: _power(t, b[0]), a)
    if a[0] <= 0:
        raise UndefinedError("pow", a[0], b[0])
    return _function(mpmath.exp, _product(b, _function(mpmath.log, a)))


def _angle(y, x):
    """The angle has the slopes of atan(y/x), or where x is small of −atan(x/y)."""
    steep = abs(y[0]) > abs(x[0])
    ratio = _operation("div", x, y) if steep else _operation("div", y, x)
    angle = _function(mpmath.atan, ratio)
    _, slopes, curvature = _combine(-1 if steep else 1, angle, 0, angle)
    return mpmath.atan2(y[0], x[0]), slopes, curvature


# --- programs ------------------------------------------------------------------------------------


def in_floats(nodes, x, compute):
    """The value of every node in floats, one after another, with ``compute(name, *numbers)``."""
    found = []
    for name, *rest in nodes:
        if name == "input":
            found.append(x[rest[0]])
        elif name == "constant":
            found.append(rest[0])
        else:
            found.append(compute(name, *(found[k] for k in rest)))
    return found


def run_program(code, constants, inputs, slots, outputs, names, compute):
    """What a program stores, one step after another; slots hold None until they are written.

    `names` maps codes to (name, number of operands).
    """
    buffer = [*constants, *inputs] + [None] * (slots - len(constants) - len(inputs))
    stored = [None] * outputs
    for op, to, *operands in code:
        name, count = names[op]
        if name == "store":
            stored[to] = buffer[operands[0]]
        else:
            buffer[to] = compute(name, *(buffer[k] for k in operands[:count]))
    return stored


def fewest_slots(nodes, needed):
    """How many computed numbers must be kept at once, if every one is dropped after its last use.

    `needed` are the nodes to compute, in order; constants and inputs have slots of their own.
    """
    computed = [k for k in needed if nodes[k][0] not in ("input", "constant")]
    most = 0
    for position, node in enumerate(computed):
        later = {k for user in computed[position + 1 :] for k in nodes[user][1:]}
        alive = {k for k in computed[:position] if k in later}
        most = max(most, len(alive | {node}))
    return most
