"""Functions to differentiate: plain ones of one array, their exact derivatives, and points.

Each is written as a user would write it, with loops or in NumPy's style, without a branch on a
value; `function_formulas` has the same as sympy expressions.  Numbers of problems are those of
J. J. Moré, B. S. Garbow and K. E. Hillstrom, Testing unconstrained optimization software, ACM
Trans. Math. Softw. 7 (1981) 17–41.
"""

import functools
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import sympy

from reference import exact, function_formulas
from reference.function_data import (
    BARD,
    FEATURES,
    GAUSSIAN,
    INPUTS,
    KOWALIK_U,
    KOWALIK_Y,
    LABELS,
    TARGETS,
)

CASES = {}


@dataclass(frozen=True, eq=False)
class Case:
    """A function, and points at which its derivatives are known exactly.

    `points` are (n,) arrays; `kinds` say of each "given", "ordinary", "tiny", "huge" or "mixed"
    (entries from 1e-6 to 1e6, or to 1 where the function grows too fast).
    """

    name: str
    fun: Callable
    n: int
    points: list
    kinds: list

    @functools.cached_property
    def formula(self):
        """(symbols, sympy expression with the very numbers of the plain function)."""
        symbols = sympy.symbols(f"x0:{self.n}")
        return symbols, sympy.sympify(getattr(function_formulas, self.name)(*symbols))


def case(n, *, given=(), huge=False, positive=False):
    """Register the function below, with its given points and random ones of several scales."""

    def register(fun):
        rng = np.random.default_rng(zlib.crc32(fun.__name__.encode()))
        normal = [rng.normal(size=n) for _ in range(5)]
        if positive:
            normal = [np.abs(x) + 0.01 for x in normal]
        mixed = np.logspace(-6, 6 if huge else 0, n)
        labelled = [("given", np.array(x, float)) for x in given]
        labelled += [("ordinary", x) for x in normal[:2]]
        labelled += [("tiny", 1e-6 * normal[2])]
        labelled += [("huge", 1e6 * normal[3])] if huge else []
        labelled += [("mixed", rng.permutation(mixed) * normal[4])]
        kinds, points = (list(column) for column in zip(*labelled, strict=True))
        CASES[fun.__name__] = Case(fun.__name__, fun, n, points, kinds)
        return fun

    return register


@functools.cache
def _exactly(name, x):
    symbols, formula = CASES[name].formula
    return exact.rounded(exact.derivatives(symbols, formula, x))


def exact_derivatives(case, x):
    """(value, gradient (n,), Hessian (n, n)) of a `Case` at the float64 vector x, each number
    correctly rounded (from 50 digits)."""
    value, gradient, hessian = _exactly(case.name, tuple(np.asarray(x, float).tolist()))
    return value, gradient.copy(), hessian.copy()


def rounding_errors(case, x):
    """Bounds (gradient (n,), Hessian (n, n)) of what float64 may lose on the way to them."""
    return exact.rounding_errors_of_derivatives(*case.formula, x)


# --- Moré, Garbow and Hillstrom -----------------------------------------------------------------


@case(2, given=[(-1.2, 1.0), (1.0, 1.0)], huge=True)
def rosenbrock(x):
    """Problem 1."""
    return 100.0 * (x[1] - x[0] ** 2) ** 2 + (1.0 - x[0]) ** 2


@case(2, given=[(0.5, -2.0), (5.0, 4.0)], huge=True)
def freudenstein_roth(x):
    """Problem 2."""
    f = -13.0 + x[0] + ((5.0 - x[1]) * x[1] - 2.0) * x[1]
    g = -29.0 + x[0] + ((x[1] + 1.0) * x[1] - 14.0) * x[1]
    return f**2 + g**2


@case(2, given=[(0.0, 1.0), (1.098e-5, 9.106)])
def powell_badly_scaled(x):
    """Problem 3."""
    return (1e4 * x[0] * x[1] - 1.0) ** 2 + (np.exp(-x[0]) + np.exp(-x[1]) - 1.0001) ** 2


@case(2, given=[(1.0, 1.0), (1e6, 2e-6)], huge=True)
def brown_badly_scaled(x):
    """Problem 4."""
    return (x[0] - 1e6) ** 2 + (x[1] - 2e-6) ** 2 + (x[0] * x[1] - 2.0) ** 2


@case(2, given=[(1.0, 1.0), (3.0, 0.5)], huge=True)
def beale(x):
    """Problem 5."""
    total = (1.5 - x[0] * (1.0 - x[1])) ** 2
    total += (2.25 - x[0] * (1.0 - x[1] ** 2)) ** 2
    total += (2.625 - x[0] * (1.0 - x[1] ** 3)) ** 2
    return total


@case(2, given=[(0.3, 0.4)])
def jennrich_sampson(x):
    """Problem 6."""
    total = 0.0
    for i in range(1, 11):
        total += (2.0 + 2.0 * i - (np.exp(i * x[0]) + np.exp(i * x[1]))) ** 2
    return total


@case(3, given=[(1.0, 1.0, 1.0)], positive=True)
def bard(x):
    """Problem 8."""
    total = 0.0
    for i in range(15):
        u = i + 1.0
        v = 15.0 - i
        w = min(u, v)
        total += (BARD[i] - (x[0] + u / (v * x[1] + w * x[2]))) ** 2
    return total


@case(3, given=[(0.4, 1.0, 0.0)])
def gaussian(x):
    """Problem 9."""
    total = 0.0
    for i in range(15):
        t = (7.0 - i) / 2.0
        total += (x[0] * np.exp(-x[1] * (t - x[2]) ** 2 / 2.0) - GAUSSIAN[i]) ** 2
    return total


@case(3, given=[(0.0, 10.0, 20.0), (1.0, 10.0, 1.0)])
def box_3d(x):
    """Problem 12."""
    total = 0.0
    for i in range(1, 11):
        t = i / 10.0
        model = np.exp(-t * x[0]) - np.exp(-t * x[1])
        total += (model - x[2] * (np.exp(-t) - np.exp(-10.0 * t))) ** 2
    return total


@case(4, given=[(3.0, -1.0, 0.0, 1.0), (0.0, 0.0, 0.0, 0.0)], huge=True)
def powell_singular(x):
    """Problem 13; at 0 two of the Hessian's eigenvalues are zero."""
    total = (x[0] + 10.0 * x[1]) ** 2 + 5.0 * (x[2] - x[3]) ** 2
    return total + (x[1] - 2.0 * x[2]) ** 4 + 10.0 * (x[0] - x[3]) ** 4


@case(4, given=[(-3.0, -1.0, -3.0, -1.0), (1.0, 1.0, 1.0, 1.0)], huge=True)
def wood(x):
    """Problem 14."""
    total = 100.0 * (x[1] - x[0] ** 2) ** 2 + (1.0 - x[0]) ** 2
    total += 90.0 * (x[3] - x[2] ** 2) ** 2 + (1.0 - x[2]) ** 2
    return total + 10.0 * (x[1] + x[3] - 2.0) ** 2 + 0.1 * (x[1] - x[3]) ** 2


@case(4, given=[(0.25, 0.39, 0.415, 0.39)], positive=True)
def kowalik_osborne(x):
    """Problem 15."""
    total = 0.0
    for i in range(11):
        u = KOWALIK_U[i]
        model = x[0] * (u * u + u * x[1]) / (u * u + u * x[2] + x[3])
        total += (KOWALIK_Y[i] - model) ** 2
    return total


@case(4, given=[(25.0, 5.0, -5.0, -1.0)], huge=True)
def brown_dennis(x):
    """Problem 16."""
    total = 0.0
    for i in range(1, 21):
        t = i / 5.0
        f = (x[0] + t * x[1] - np.exp(t)) ** 2 + (x[2] + x[3] * np.sin(t) - np.cos(t)) ** 2
        total += f**2
    return total


@case(6, given=[(1.0, 2.0, 1.0, 1.0, 1.0, 1.0), (1.0, 10.0, 1.0, 5.0, 4.0, 3.0)])
def biggs_exp6(x):
    """Problem 18."""
    total = 0.0
    for i in range(1, 14):
        t = i / 10.0
        y = np.exp(-t) - 5.0 * np.exp(-10.0 * t) + 3.0 * np.exp(-4.0 * t)
        model = x[2] * np.exp(-t * x[0]) - x[3] * np.exp(-t * x[1]) + x[5] * np.exp(-t * x[4])
        total += (model - y) ** 2
    return total


@case(10, given=[(-1.2, 1.0) * 5], huge=True)
def extended_rosenbrock(x):
    """Problem 21, in NumPy's style."""
    return np.sum(100.0 * (x[1::2] - x[::2] ** 2) ** 2 + (1.0 - x[::2]) ** 2)


@case(8, given=[(3.0, -1.0, 0.0, 1.0) * 2], huge=True)
def extended_powell(x):
    """Problem 22, in NumPy's style."""
    a, b, c, d = x[::4], x[1::4], x[2::4], x[3::4]
    return np.sum((a + 10.0 * b) ** 2 + 5.0 * (c - d) ** 2) + np.sum(
        (b - 2.0 * c) ** 4 + 10.0 * (a - d) ** 4
    )


@case(10, given=[tuple(range(1, 11))], huge=True)
def penalty_1(x):
    """Problem 23."""
    return 1e-5 * np.sum((x - 1.0) ** 2) + (np.sum(x**2) - 0.25) ** 2


@case(4, given=[(0.5, 0.5, 0.5, 0.5)])
def penalty_2(x):
    """Problem 24."""
    n = x.size
    total = (x[0] - 0.2) ** 2
    weighted = n * x[0] ** 2
    for i in range(1, n):
        y = np.exp((i + 1.0) / 10.0) + np.exp(i / 10.0)
        total += 1e-5 * (np.exp(x[i] / 10.0) + np.exp(x[i - 1] / 10.0) - y) ** 2
        total += 1e-5 * (np.exp(x[i] / 10.0) - np.exp(-1.0 / 10.0)) ** 2
        weighted += (n - i) * x[i] ** 2
    return total + (weighted - 1.0) ** 2


@case(8, given=[tuple(1 - k / 8 for k in range(1, 9)), (1.0,) * 8], huge=True)
def variably_dimensioned(x):
    """Problem 25."""
    total = 0.0
    s = 0.0
    for j in range(x.size):
        total += (x[j] - 1.0) ** 2
        s += (j + 1) * (x[j] - 1.0)
    return total + s**2 + s**4


@case(6, given=[(1 / 6,) * 6])
def trigonometric(x):
    """Problem 26."""
    n = x.size
    cosines = np.sum(np.cos(x))
    total = 0.0
    for i in range(n):
        total += (n - cosines + (i + 1) * (1.0 - np.cos(x[i])) - np.sin(x[i])) ** 2
    return total


@case(5, given=[(0.5,) * 5, (1.0,) * 5], huge=True)
def brown_almost_linear(x):
    """Problem 27."""
    n = x.size
    s = np.sum(x)
    product = x[0]
    for i in range(1, n):
        product = product * x[i]
    return np.sum((x[: n - 1] + s - (n + 1.0)) ** 2) + (product - 1.0) ** 2


@case(8, given=[tuple(k / 9 * (k / 9 - 1) for k in range(1, 9))], huge=True)
def discrete_boundary_value(x):
    """Problem 28."""
    n = x.size
    h = 1.0 / (n + 1.0)
    total = 0.0
    for i in range(n):
        f = 2.0 * x[i] + h * h * (x[i] + (i + 1) * h + 1.0) ** 3 / 2.0
        if i > 0:
            f = f - x[i - 1]
        if i < n - 1:
            f = f - x[i + 1]
        total += f**2
    return total


@case(8, given=[(-1.0,) * 8], huge=True)
def broyden_tridiagonal(x):
    """Problem 30."""
    n = x.size
    total = 0.0
    for i in range(n):
        f = (3.0 - 2.0 * x[i]) * x[i] + 1.0
        if i > 0:
            f = f - x[i - 1]
        if i < n - 1:
            f = f - 2.0 * x[i + 1]
        total += f**2
    return total


@case(7, given=[(-1.0,) * 7], huge=True)
def broyden_banded(x):
    """Problem 31."""
    n = x.size
    total = 0.0
    for i in range(n):
        f = x[i] * (2.0 + 5.0 * x[i] ** 2) + 1.0
        for j in range(max(0, i - 5), min(n, i + 2)):
            if j != i:
                f = f - x[j] * (1.0 + x[j])
        total += f**2
    return total


# --- polynomials, and degenerate Hessians -------------------------------------------------------


@case(3, huge=True)
def linear(x):
    """Its Hessian is zero."""
    return 3.0 * x[0] - 2.0 * x[1] + 0.5 * x[2] - 7.0


@case(4, huge=True)
def definite_form(x):
    """Its Hessian is tridiagonal: 2, −1."""
    total = 0.0
    for i in range(x.size):
        total += x[i] * x[i]
    for i in range(1, x.size):
        total -= x[i] * x[i - 1]
    return total


@case(5, huge=True)
def singular_form(x):
    """Its Hessian has rank 1."""
    s = 0.0
    for i in range(x.size):
        s += (i + 1) * x[i]
    return s * s


@case(6, huge=True)
def indefinite_form(x):
    """Its Hessian is zero on the diagonal."""
    return np.sum(x[1:] * x[:-1])


@case(2, huge=True)
def mixed_units(x):
    """Its Hessian's diagonal is 2e12 and 2e-12."""
    return (1e6 * x[0]) ** 2 + (1e-6 * x[1]) ** 2 + 0.5 * x[0] * x[1]


@case(2, given=[(0.0, 0.0)], huge=True)
def monkey_saddle(x):
    """Its Hessian at 0 is zero."""
    return x[0] ** 3 - 3.0 * x[0] * x[1] ** 2


@case(3, given=[(0.0, 0.0, 0.0)], huge=True)
def quartic(x):
    """Its Hessian at 0 is zero, and at tiny points tiny."""
    return np.sum(x**4)


@case(5, given=[(0.0, 1.0, 2.0, 3.0, 4.0)], huge=True)
def product(x):
    """Linear in each variable."""
    p = 1.0
    for i in range(x.size):
        p = p * x[i]
    return p


@case(2, given=[(0.0, 0.0), (1.0, 1.0)], huge=True)
def two_weights(x):
    """A saddle at 0, a valley elsewhere."""
    return (1.0 - x[0] * x[1]) ** 2


@case(4, huge=True)
def large_offset(x):
    """Six digits of the value are the offset's."""
    return 1e6 + np.sum(x**2)


# --- fractions, roots and powers ----------------------------------------------------------------


@case(3, huge=True)
def runge(x):
    """Bells that fall to zero."""
    return np.sum(1.0 / (1.0 + x**2))


@case(2, given=[(1.0, 1.0)], positive=True, huge=True)
def ratio(x):
    """A quotient of variables."""
    return x[0] / x[1] + x[1] / (x[0] + x[1])


@case(3, huge=True)
def negative_power(x):
    """An integer power below zero."""
    return np.sum((1.0 + x**2) ** -3)


@case(5, given=[(0.0,) * 5], huge=True)
def soft_norm(x):
    """A hyperboloid."""
    return np.sqrt(1.0 + np.sum(x**2))


@case(3, huge=True)
def real_power(x):
    """Powers that are no integers."""
    return np.sum((1.0 + x**2) ** 1.25) + (2.0 + x[0] ** 2) ** -0.5


@case(4, huge=True)
def absolute_cube(x):
    """Smooth to second order."""
    return np.sum(np.abs(x) ** 3)


# --- exponentials and waves ---------------------------------------------------------------------


@case(4, given=[(0.0, 0.0, 0.0, 0.0)])
def log_sum_exp(x):
    """A smooth maximum."""
    return np.log(np.sum(np.exp(x)))


@case(4, positive=True, huge=True)
def entropy(x):
    """Σ x log x."""
    return np.sum(x * np.log(x))


@case(3, positive=True, huge=True)
def barrier(x):
    """Logarithms of each variable, and of a slack."""
    total = x[0] - np.log(1e8 - x[0] - x[1])
    for i in range(x.size):
        total -= np.log(x[i])
    return total


@case(3)
def tanh_layers(x):
    """Two layers of one unit."""
    return np.tanh(x[2] * np.tanh(x[0] * 0.5 + x[1]) - 0.25) ** 2


@case(3)
def hyperbolic(x):
    """cosh and sinh."""
    return np.cosh(x[0] * x[1]) - np.sinh(x[1] - x[2]) * x[0]


@case(3)
def near_one(x):
    """expm1 and log1p."""
    return np.sum(np.expm1(x) * np.log1p(x**2))


@case(2)
def tangent(x):
    """tan, within its first branch."""
    return np.tan(x[0] / 8.0) * np.tan(x[1] / 8.0) + np.tan(x[0] * x[1] / 32.0)


@case(5)
def spin_chain(x):
    """Neighbours that would point the same way."""
    return -np.sum(np.cos(x[1:] - x[:-1])) + 0.1 * np.sum(np.sin(2.0 * x))


@case(3)
def bump(x):
    """A Gaussian."""
    return np.exp(-np.sum(x**2))


@case(3)
def nested(x):
    """One function inside another."""
    return np.exp(np.sin(x[0] * x[1])) / (1.0 + np.cos(x[2]) ** 2)


@case(4)
def offset_waves(x):
    """Second derivatives of order 1 on a value of 1e6."""
    return 1e6 + np.sum(np.sin(x) * np.cos(3.0 * x))


# --- models with data ---------------------------------------------------------------------------


@case(4, given=[(0.0, 0.0, 0.0, 0.0)])
def logistic_regression(x):
    """Eight examples, three weights and a bias, with decay."""
    loss = 0.05 * np.sum(x**2)
    for k in range(8):
        score = x[3]
        for j in range(3):
            score = score + FEATURES[k][j] * x[j]
        loss += np.log1p(np.exp(-LABELS[k] * score))
    return loss


@case(7)
def softplus_network(x):
    """Two softplus units: x holds their weights, biases, output weights and the output's bias."""
    loss = 0.0
    for k in range(5):
        output = x[6]
        for j in range(2):
            output = output + x[4 + j] * np.log1p(np.exp(x[j] * INPUTS[k] + x[2 + j]))
        loss += (output - TARGETS[k]) ** 2
    return loss / 5.0
