"""Running error analysis (Higham, Accuracy and Stability of Numerical Algorithms, section 3.3).

A number that knows how wrong it may be.  NumPy takes an array of them for an array of objects, so
an unmodified function of an array gives its value and a bound of the rounding errors on the way.
"""

import math
import operator
from dataclasses import dataclass

import numpy as np

UNIT = 2.0**-53  # of one rounding
FUNCTION = 4 * 2 * UNIT  # the error of a mathematical function: 4 ulp


def _operator(method):
    """Lift a plain operand; leave an array to NumPy, which takes it element by element."""
    return lambda self, other: NotImplemented if np.ndim(other) else method(self, number(other))


@dataclass(frozen=True)
class Running:
    """A computed `value`, at most `error` from the exact one."""

    value: float
    error: float = 0.0

    def conjugate(self):
        return self

    def __abs__(self):
        return Running(abs(self.value), self.error)

    def __neg__(self):
        return Running(-self.value, self.error)

    def __pos__(self):
        return self

    @_operator
    def __add__(self, other):
        return rounded(self.value + other.value, self.error + other.error)

    @_operator
    def __sub__(self, other):
        return self + (-other)

    @_operator
    def __mul__(self, other):
        spread = abs(self.value) * other.error + (abs(other.value) + other.error) * self.error
        return rounded(self.value * other.value, spread)

    @_operator
    def __truediv__(self, other):
        value = self.value / other.value
        spread = (self.error + abs(value) * other.error) / (abs(other.value) - other.error)
        return rounded(value, spread)

    @_operator
    def __pow__(self, other):
        if other.error == 0.0 and other.value == int(other.value):
            return self._whole_power(int(other.value))
        value = self.value**other.value
        by_base = abs(other.value / self.value) * self.error
        by_exponent = abs(math.log(abs(self.value))) * other.error
        return rounded(value, abs(value) * (by_base + by_exponent), FUNCTION)

    def _whole_power(self, k):
        if k == 0:
            return Running(1.0)
        slope = abs(k) * abs(self.value) ** (k - 1)
        # A product of k factors rounds k - 1 times, and a reciprocal once more.
        return rounded(self.value**k, slope * self.error, abs(k) * UNIT + FUNCTION)

    __radd__ = __add__
    __rmul__ = __mul__

    @_operator
    def __rsub__(self, other):
        return other - self

    @_operator
    def __rtruediv__(self, other):
        return other / self

    @_operator
    def __rpow__(self, other):
        return other**self

    @_operator
    def arctan2(self, other):
        square = self.value**2 + other.value**2
        spread = (abs(other.value) * self.error + abs(self.value) * other.error) / square
        return rounded(math.atan2(self.value, other.value), spread, FUNCTION)

    @_operator
    def hypot(self, other):
        value = math.hypot(self.value, other.value)
        return rounded(value, self.error + other.error, FUNCTION)


def number(x):
    """`x` as it is, or exact."""
    return x if isinstance(x, Running) else Running(float(x))


def rounded(value, spread, relative=UNIT):
    """A result whose operands were wrong by so much that it is by `spread`, and then rounded."""
    return Running(value, spread + relative * abs(value))


def _compare(op):
    return _operator(lambda self, other: op(self.value, other.value))


for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(Running, f"__{_name}__", _compare(getattr(operator, _name)))

# NumPy calls the method of this name; with each, its slope at (x, value).
_SLOPES = {
    "exp": (math.exp, lambda x, v: v),
    "expm1": (math.expm1, lambda x, v: v + 1.0),
    "log": (math.log, lambda x, v: 1.0 / x),
    "log1p": (math.log1p, lambda x, v: 1.0 / (1.0 + x)),
    "sqrt": (math.sqrt, lambda x, v: 0.5 / v),
    "sin": (math.sin, lambda x, v: 1.0),
    "cos": (math.cos, lambda x, v: 1.0),
    "tanh": (math.tanh, lambda x, v: 1.0),
    "arctan": (math.atan, lambda x, v: 1.0),
}


def _method(function, slope):
    def method(self):
        value = function(self.value)
        return rounded(value, abs(slope(self.value, value)) * self.error, FUNCTION)

    return method


for _name, _rule in _SLOPES.items():
    setattr(Running, _name, _method(*_rule))
