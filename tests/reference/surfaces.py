"""The surfaces of the catalogue as sympy expressions with exact constants.

Written from the literature's formulas: sums of named terms, no loops shared with the catalogue.
"""

import itertools

import sympy as sp
from sympy import Rational as Q
from sympy import cos, exp, pi, sin, sqrt


def expression(name, n):
    """(symbols, expression) of the surface `name` in `n` variables."""
    symbols = sp.symbols(f"x1:{n + 1}", real=True)
    return symbols, sp.sympify(globals()[name](*symbols))


def total(terms):
    return sp.Add(*terms)


# --- textbook saddles ---------------------------------------------------------------------------


def quadratic_saddle(x, y):
    return x**2 - y**2


def dauphin_saddle(x, y):
    return 5 * x**2 - y**2


def monkey_saddle(x, y):
    return x**3 - 3 * x * y**2


def escape_saddle(x, y):
    return (x**2 - y**2) / 2 + y**4 / 4


def ten_saddle(*x):
    half = len(x) // 2
    return total(s**2 for s in x[:half]) - total(s**2 for s in x[half:])


def double_well(*x):
    return total((s**2 - 1) ** 2 for s in x)


def sin_cos(x, y):
    return 2 * x**2 + 2 * y**2 + sin(4 * x) * cos(4 * y)


def staircase(*x):
    """Du et al. 2017, with L = 2 and γ = τ = 1, in their pieces of x_i ≥ 0."""
    terms, opened = [], sp.Integer(1)
    for s in x:
        size = sp.Piecewise((s, s >= 0), (-s, True))
        g1 = -(s**2) - 6 * (size - 1) ** 3 + Q(7, 2) * (size - 1) ** 4
        g2 = -1 - 30 * (size - 2) ** 3 - 45 * (size - 2) ** 4 - 18 * (size - 2) ** 5
        stair = sp.Piecewise(
            (-(s**2), size <= 1), (g1, size <= 2), (2 * (size - 4) ** 2 - Q(29, 2), True)
        )
        terms += [2 * s**2, opened * (stair - 2 * s**2)]
        opened *= sp.Piecewise((0, size <= 1), ((2 - g2) / 3, size <= 2), (1, True))
    return total(terms)


# --- polynomials --------------------------------------------------------------------------------


def himmelblau(x, y):
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


def rosenbrock(*x):
    return total(100 * (b - a**2) ** 2 + (1 - a) ** 2 for a, b in itertools.pairwise(x))


def six_hump_camel(x, y):
    return (4 - Q(21, 10) * x**2 + x**4 / 3) * x**2 + x * y + (4 * y**2 - 4) * y**2


def three_hump_camel(x, y):
    return 2 * x**2 - Q(21, 20) * x**4 + x**6 / 6 + x * y + y**2


def booth(x, y):
    return (x + 2 * y - 7) ** 2 + (2 * x + y - 5) ** 2


def matyas(x, y):
    return Q(26, 100) * (x**2 + y**2) - Q(48, 100) * x * y


def beale(x, y):
    return (
        (Q(3, 2) - x + x * y) ** 2 + (Q(9, 4) - x + x * y**2) ** 2 + (Q(21, 8) - x + x * y**3) ** 2
    )


def goldstein_price(x, y):
    a = 1 + (x + y + 1) ** 2 * (19 - 14 * x + 3 * x**2 - 14 * y + 6 * x * y + 3 * y**2)
    b = 30 + (2 * x - 3 * y) ** 2 * (18 - 32 * x + 12 * x**2 + 48 * y - 36 * x * y + 27 * y**2)
    return a * b


def styblinski_tang(*x):
    return total(s**4 - 16 * s**2 + 5 * s for s in x) / 2


def trid(*x):
    return total((s - 1) ** 2 for s in x) - total(a * b for a, b in itertools.pairwise(x))


def powell_singular(*x):
    return total(
        (a + 10 * b) ** 2 + 5 * (c - d) ** 2 + (b - 2 * c) ** 4 + 10 * (a - d) ** 4
        for a, b, c, d in zip(x[::4], x[1::4], x[2::4], x[3::4], strict=True)
    )


def wood(a, b, c, d):
    return (
        100 * (b - a**2) ** 2
        + (1 - a) ** 2
        + 90 * (d - c**2) ** 2
        + (1 - c) ** 2
        + 10 * (b + d - 2) ** 2
        + (b - d) ** 2 / 10
    )


# --- waves --------------------------------------------------------------------------------------


def rastrigin(*x):
    return 10 * len(x) + total(s**2 - 10 * cos(2 * pi * s) for s in x)


def griewank(*x):
    product = sp.Mul(*(cos(s / sqrt(i)) for i, s in enumerate(x, start=1)))
    return 1 + total(s**2 for s in x) / 4000 - product


def levy(*x):
    w = [1 + (s - 1) / 4 for s in x]
    inner = total((v - 1) ** 2 * (1 + 10 * sin(pi * v + 1) ** 2) for v in w[:-1])
    last = (w[-1] - 1) ** 2 * (1 + sin(2 * pi * w[-1]) ** 2)
    return sin(pi * w[0]) ** 2 + inner + last


def ackley(*x):
    n = len(x)
    radius = sqrt(total(s**2 for s in x) / n)
    waves = total(cos(2 * pi * s) for s in x) / n
    return 20 - 20 * exp(-radius / 5) + exp(1) - exp(waves)


def bohachevsky(x, y):
    return x**2 + 2 * y**2 - Q(3, 10) * cos(3 * pi * x) - Q(4, 10) * cos(4 * pi * y) + Q(7, 10)


def branin(x, y):
    valley = y - Q(51, 10) / (4 * pi**2) * x**2 + 5 / pi * x - 6
    return valley**2 + 10 * (1 - 1 / (8 * pi)) * cos(x) + 10


def mccormick(x, y):
    return sin(x + y) + (x - y) ** 2 - Q(3, 2) * x + Q(5, 2) * y + 1


def easom(x, y):
    return -cos(x) * cos(y) * exp(-((x - pi) ** 2) - (y - pi) ** 2)


def peaks(x, y):
    return (
        3 * (1 - x) ** 2 * exp(-(x**2) - (y + 1) ** 2)
        - 10 * (x / 5 - x**3 - y**5) * exp(-(x**2) - y**2)
        - exp(-((x + 1) ** 2) - y**2) / 3
    )


# --- molecules ----------------------------------------------------------------------------------


def muller_brown(x, y):
    return (
        -200 * exp(-((x - 1) ** 2) - 10 * y**2)
        - 100 * exp(-(x**2) - 10 * (y - Q(1, 2)) ** 2)
        - 170
        * exp(
            -Q(13, 2) * (x + Q(1, 2)) ** 2
            + 11 * (x + Q(1, 2)) * (y - Q(3, 2))
            - Q(13, 2) * (y - Q(3, 2)) ** 2
        )
        + 15 * exp(Q(7, 10) * (x + 1) ** 2 + Q(6, 10) * (x + 1) * (y - 1) + Q(7, 10) * (y - 1) ** 2)
    )


def gaussian_mixture(x, y):
    return -(
        exp(-((x + Q(6, 5)) ** 2) - (y + Q(4, 5)) ** 2)
        + Q(4, 5) * exp(-((x - Q(13, 10)) ** 2) - (y + Q(1, 2)) ** 2)
        + Q(3, 5) * exp(-((x - Q(1, 5)) ** 2) - (y - Q(7, 5)) ** 2)
    )


def lennard_jones(*x):
    atoms = [x[i : i + 3] for i in range(0, len(x), 3)]
    pairs = [(a, b) for i, a in enumerate(atoms) for b in atoms[:i]]
    squares = [total((s - t) ** 2 for s, t in zip(a, b, strict=True)) for a, b in pairs]
    return total(4 * (s**-6 - s**-3) for s in squares)


# --- networks -----------------------------------------------------------------------------------


def two_weights(a, b):
    return (1 - a * b) ** 2


def three_weights(a, b, c):
    return (1 - a * b * c) ** 2


def deep_linear(*w):
    first, second = sp.Matrix(2, 2, w[:4]), sp.Matrix(2, 2, w[4:])
    residual = sp.diag(4, 1) - second * first
    return (residual.T * residual).trace() / 2
