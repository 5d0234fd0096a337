"""The functions of `functions` as sympy expressions, with the exact values of their floats."""

import itertools

import sympy as sp
from sympy import Rational, cos, cosh, exp, log, sin, sinh, sqrt, tan, tanh

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


def q(number):
    """The float as the fraction that it is."""
    return Rational(float(number))


def total(terms):
    return sp.Add(*terms)


# --- Moré, Garbow and Hillstrom -----------------------------------------------------------------


def rosenbrock(a, b):
    return 100 * (b - a**2) ** 2 + (1 - a) ** 2


def freudenstein_roth(a, b):
    # Not multiplied out, or the cubes would cancel in ∂/∂a, which they do not in float64.
    return (a - 13 + ((5 - b) * b - 2) * b) ** 2 + (a - 29 + ((b + 1) * b - 14) * b) ** 2


def powell_badly_scaled(a, b):
    return (10**4 * a * b - 1) ** 2 + (exp(-a) + exp(-b) - q(1.0001)) ** 2


def brown_badly_scaled(a, b):
    return (a - 10**6) ** 2 + (b - q(2e-6)) ** 2 + (a * b - 2) ** 2


def beale(a, b):
    return total((q(y) - a * (1 - b**k)) ** 2 for k, y in enumerate((1.5, 2.25, 2.625), start=1))


def jennrich_sampson(a, b):
    return total((2 + 2 * i - exp(i * a) - exp(i * b)) ** 2 for i in range(1, 11))


def bard(a, b, c):
    return total(
        (q(y) - a - u / ((16 - u) * b + min(u, 16 - u) * c)) ** 2
        for u, y in enumerate(BARD, start=1)
    )


def gaussian(a, b, c):
    return total(
        (a * exp(-b * (Rational(8 - i, 2) - c) ** 2 / 2) - q(y)) ** 2
        for i, y in enumerate(GAUSSIAN, start=1)
    )


def box_3d(a, b, c):
    times = [q(i / 10) for i in range(1, 11)]
    return total(
        (exp(-t * a) - exp(-t * b) - c * (exp(-t) - exp(-10 * t))) ** 2 for t in times
    )  # fmt: skip


def powell_singular(a, b, c, d):
    return (a + 10 * b) ** 2 + 5 * (c - d) ** 2 + (b - 2 * c) ** 4 + 10 * (a - d) ** 4


def wood(a, b, c, d):
    first = 100 * (b - a**2) ** 2 + (1 - a) ** 2 + 90 * (d - c**2) ** 2 + (1 - c) ** 2
    return first + 10 * (b + d - 2) ** 2 + q(0.1) * (b - d) ** 2


def kowalik_osborne(a, b, c, d):
    pairs = [(q(u), q(y)) for u, y in zip(KOWALIK_U, KOWALIK_Y, strict=True)]
    return total((y - a * (u**2 + u * b) / (u**2 + u * c + d)) ** 2 for u, y in pairs)


def brown_dennis(a, b, c, d):
    times = [q(i / 5) for i in range(1, 21)]
    return total(
        ((a + t * b - exp(t)) ** 2 + (c + d * sin(t) - cos(t)) ** 2) ** 2 for t in times
    )  # fmt: skip


def biggs_exp6(a, b, c, d, e, f):
    times = [q(i / 10) for i in range(1, 14)]
    return total(
        (
            c * exp(-t * a)
            - d * exp(-t * b)
            + f * exp(-t * e)
            - exp(-t)
            + 5 * exp(-10 * t)
            - 3 * exp(-4 * t)
        )
        ** 2
        for t in times
    )


def extended_rosenbrock(*x):
    return total(rosenbrock(a, b) for a, b in zip(x[::2], x[1::2], strict=True))


def extended_powell(*x):
    return powell_singular(*x[:4]) + powell_singular(*x[4:])


def penalty_1(*x):
    return q(1e-5) * total((s - 1) ** 2 for s in x) + (total(s**2 for s in x) - q(0.25)) ** 2


def penalty_2(*x):
    n, tenth = len(x), Rational(1, 10)
    pairs = [
        (exp(x[i] * tenth) + exp(x[i - 1] * tenth) - exp((i + 1) * tenth) - exp(i * tenth)) ** 2
        for i in range(1, n)
    ]
    singles = [(exp(s * tenth) - exp(-tenth)) ** 2 for s in x[1:]]
    weighted = total((n - i) * s**2 for i, s in enumerate(x))
    return (x[0] - q(0.2)) ** 2 + q(1e-5) * total(pairs + singles) + (weighted - 1) ** 2


def variably_dimensioned(*x):
    s = total(j * (t - 1) for j, t in enumerate(x, start=1))
    return total((t - 1) ** 2 for t in x) + s**2 + s**4


def trigonometric(*x):
    n, cosines = len(x), total(map(cos, x))
    return total(
        (n - cosines + i * (1 - cos(s)) - sin(s)) ** 2 for i, s in enumerate(x, start=1)
    )  # fmt: skip


def brown_almost_linear(*x):
    n = len(x)
    return total((s + total(x) - n - 1) ** 2 for s in x[:-1]) + (sp.Mul(*x) - 1) ** 2


def discrete_boundary_value(*x):
    h = Rational(1, len(x) + 1)
    padded = (0, *x, 0)
    return total(
        (2 * s - padded[i - 1] - padded[i + 1] + h**2 * (s + i * h + 1) ** 3 / 2) ** 2
        for i, s in enumerate(x, start=1)
    )


def broyden_tridiagonal(*x):
    padded = (0, *x, 0)
    return total(
        ((3 - 2 * s) * s - padded[i - 1] - 2 * padded[i + 1] + 1) ** 2
        for i, s in enumerate(x, start=1)
    )


def broyden_banded(*x):
    def residual(i):
        near = [x[j] for j in range(len(x)) if i - 5 <= j <= i + 1 and j != i]
        return x[i] * (2 + 5 * x[i] ** 2) + 1 - total(s * (1 + s) for s in near)

    return total(residual(i) ** 2 for i in range(len(x)))


# --- polynomials, and degenerate Hessians -------------------------------------------------------


def linear(a, b, c):
    return 3 * a - 2 * b + c / 2 - 7


def definite_form(*x):
    return total(s**2 for s in x) - indefinite_form(*x)


def singular_form(*x):
    return total(i * s for i, s in enumerate(x, start=1)) ** 2


def indefinite_form(*x):
    return total(s * t for s, t in itertools.pairwise(x))


def mixed_units(a, b):
    return 10**12 * a**2 + q(1e-6) ** 2 * b**2 + a * b / 2


def monkey_saddle(a, b):
    return a**3 - 3 * a * b**2


def quartic(*x):
    return total(s**4 for s in x)


def product(*x):
    return sp.Mul(*x)


def two_weights(a, b):
    return (1 - a * b) ** 2


def large_offset(*x):
    return 10**6 + total(s**2 for s in x)


# --- fractions, roots and powers ----------------------------------------------------------------


def runge(*x):
    return total(1 / (1 + s**2) for s in x)


def ratio(a, b):
    return a / b + b / (a + b)


def negative_power(*x):
    return total(1 / (1 + s**2) ** 3 for s in x)


def soft_norm(*x):
    return sqrt(1 + total(s**2 for s in x))


def real_power(*x):
    return total((1 + s**2) ** Rational(5, 4) for s in x) + 1 / sqrt(2 + x[0] ** 2)


def absolute_cube(*x):
    # Not Abs, whose derivatives are sign functions and deltas.
    return total((s**2) ** Rational(3, 2) for s in x)


# --- exponentials and waves ---------------------------------------------------------------------


def log_sum_exp(*x):
    return log(total(map(exp, x)))


def entropy(*x):
    return total(s * log(s) for s in x)


def barrier(a, b, c):
    return a - log(10**8 - a - b) - log(a) - log(b) - log(c)


def tanh_layers(a, b, c):
    return tanh(c * tanh(a / 2 + b) - q(0.25)) ** 2


def hyperbolic(a, b, c):
    return cosh(a * b) - sinh(b - c) * a


def near_one(*x):
    return total((exp(s) - 1) * log(1 + s**2) for s in x)


def tangent(a, b):
    return tan(a / 8) * tan(b / 8) + tan(a * b / 32)


def spin_chain(*x):
    return q(0.1) * total(sin(2 * s) for s in x) - total(
        cos(t - s) for s, t in itertools.pairwise(x)
    )


def bump(*x):
    return exp(-total(s**2 for s in x))


def nested(a, b, c):
    return exp(sin(a * b)) / (1 + cos(c) ** 2)


def offset_waves(*x):
    return 10**6 + total(sin(s) * cos(3 * s) for s in x)


# --- models with data ---------------------------------------------------------------------------


def logistic_regression(*x):
    *w, bias = x
    scores = [
        total(q(a) * s for a, s in zip(row, w, strict=True)) + bias for row in FEATURES
    ]  # fmt: skip
    losses = [log(1 + exp(-q(y) * s)) for y, s in zip(LABELS, scores, strict=True)]
    return total(losses) + q(0.05) * total(s**2 for s in x)


def softplus_network(w1, w2, b1, b2, v1, v2, c):
    def output(t):
        return c + v1 * log(1 + exp(w1 * t + b1)) + v2 * log(1 + exp(w2 * t + b2))

    pairs = zip(INPUTS, TARGETS, strict=True)
    return total((output(q(t)) - q(y)) ** 2 for t, y in pairs) / 5
