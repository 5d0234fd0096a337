"""Polynomials of more variables."""

from __future__ import annotations

import numpy as np

from saddlelab.surfaces._base import Scalar, Vector, at_least, cube, exactly, surface
from saddlelab.surfaces._known import KnownPoints, Point, Root, by_size, listed, separable

__all__ = [
    "powell_singular",
    "rosenbrock",
    "styblinski_tang",
    "trid",
    "wood",
]

_JAMIL_YANG = (
    "M. Jamil and X.-S. Yang, A literature survey of benchmark functions for global optimization "
    "problems, Int. J. Math. Model. Numer. Optim. 4 (2013) 150–194, arXiv:1308.4008"
)
_MORE = (
    "J. J. Moré, B. S. Garbow and K. E. Hillstrom, Testing unconstrained optimization software, "
    "ACM Trans. Math. Softw. 7 (1981) 17–41"
)


# Each equation but the last gives x_{i+1} as a rational function of x₁; what remains has degree
# 3^(n−2), and its real roots, counted exactly (Sturm), are 1, 1, 3 and 3 for n = 2 … 5.
@surface(
    dims=at_least(2),
    domain=cube(-5.0, 10.0),
    known=by_size(
        {
            2: [Point((1.0,) * 2, 0.0, 0)],
            3: [Point((1.0,) * 3, 0.0, 0)],
            4: [
                Point((1.0,) * 4, 0.0, 0),
                Point(
                    (
                        -0.77565922656535262493,
                        0.61309336548504346049,
                        0.38206284633839314847,
                        0.14597201855219461486,
                    ),
                    3.7014286104300172965,
                    0,
                ),
                Point(
                    (
                        -0.65612463571944590137,
                        0.44312004097157237074,
                        0.20431224822836433319,
                        0.041743494776128764605,
                    ),
                    3.7082419966472615079,
                    1,
                ),
            ],
            5: [
                Point((1.0,) * 5, 0.0, 0),
                Point(
                    (
                        -0.96205102069475016111,
                        0.9357393959767100112,
                        0.88071360419432058933,
                        0.77787767585440632589,
                        0.60509367859265283831,
                    ),
                    3.9308394341330280809,
                    0,
                ),
                Point(
                    (
                        -0.55746831589884883117,
                        0.32474004283377625183,
                        0.11656732144533991874,
                        0.023354396464298221507,
                        0.00054542783421162526991,
                    ),
                    4.6573714282005743274,
                    1,
                ),
            ],
        }
    ),
    reference="H. H. Rosenbrock, Computer J. 3 (1960) 175–184; S. Kok and C. Sandrock, Locating "
    "and characterizing the stationary points of the extended Rosenbrock function, Evol. Comput. "
    "17 (2009) 437–453",
)
def rosenbrock(x: Vector) -> Scalar:
    """Rosenbrock's curved valley, Σ_{i < n} 100 (x_{i+1} − x_i²)² + (1 − x_i)².

    The minimum is at (1, …, 1).  From n = 4 on there is a second minimum and a saddle.
    """
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


_STYBLINSKI = [
    Root(-2.9035340277711770951, -39.166165703771415464, 0),
    Root(0.15673125678034010267, 0.19561235905535807088, 1),
    Root(2.7468027709908369925, -25.029446655283942607, 0),
]


# 2t³ − 16t + 5/2 has three real roots (its discriminant is positive).
@surface(
    dims=at_least(1),
    domain=cube(-5.0, 5.0),
    known=separable(lambda n: [_STYBLINSKI] * n),
    reference="M. A. Styblinski and T.-S. Tang, Experiments in nonconvex optimization, Neural "
    "Networks 3 (1990) 467–483",
)
def styblinski_tang(x: Vector) -> Scalar:
    """Styblinski and Tang's function, ½ Σ x_i⁴ − 16x_i² + 5x_i.

    3ⁿ critical points, C(n, k) 2ⁿ⁻ᵏ of them with index k.
    """
    return np.sum(x**4 - 16.0 * x**2 + 5.0 * x) / 2.0


def _parabola(n: int) -> KnownPoints | None:
    minimum = tuple(float(i * (n + 1 - i)) for i in range(1, n + 1))
    return by_size({n: [Point(minimum, -n * (n + 4) * (n - 1) / 6, 0)]})(n)


@surface(
    dims=at_least(2),
    domain=lambda n: (-float(n * n), float(n * n)),
    known=_parabola,
    reference=_JAMIL_YANG,
)
def trid(x: Vector) -> Scalar:
    """A quadratic with a tridiagonal Hessian, Σ (x_i − 1)² − Σ_{i > 1} x_i x_{i−1}.

    One minimum, x_i = i (n + 1 − i): the Hessian, with rows −1, 2, −1, is positive definite.
    """
    return np.sum((x - 1.0) ** 2) - np.sum(x[1:] * x[:-1])


def _singular(n: int) -> KnownPoints | None:
    return by_size({n: [Point((0.0,) * n, 0.0, 0, zeros=n // 2)]})(n)


@surface(
    dims=at_least(4, step=4),
    domain=cube(-4.0, 5.0),
    known=_singular,
    reference="M. J. D. Powell, Computer J. 5 (1962) 147–151; problems 13 and 22 of " + _MORE,
    degenerate=True,
)
def powell_singular(x: Vector) -> Scalar:
    """Powell's singular function, Σ (a + 10b)² + 5 (c − d)² + (b − 2c)⁴ + 10 (a − d)⁴.

    The sum is over quadruples (a, b, c, d) of x.  The function is convex, so its only critical
    point is where it vanishes, 0; half of the Hessian's eigenvalues are zero there.
    """
    total = 0.0
    for i in range(0, x.size, 4):
        a, b, c, d = x[i], x[i + 1], x[i + 2], x[i + 3]
        total += (a + 10.0 * b) ** 2 + 5.0 * (c - d) ** 2
        total += (b - 2.0 * c) ** 4 + 10.0 * (a - d) ** 4
    return total


# Linear equations give x₂ and x₄; the resultant of what remains has degree 9 in x₁ and three real
# roots (Sturm), and each of them leaves one x₃.
@surface(
    dims=exactly(4),
    domain=cube(-10.0, 10.0),
    known=listed(
        Point((1.0, 1.0, 1.0, 1.0), 0.0, 0),
        Point(
            (
                -0.96797402493759306844,
                0.94713914081784182111,
                -0.96951631033159115149,
                0.95124766579232527786,
            ),
            7.8769671651768674541,
            1,
        ),
        Point(
            (
                -0.031251023394335959618,
                0.16597138685578312568,
                -0.031258171023264062816,
                0.18426393469672840475,
            ),
            35.090034210435625904,
            2,
        ),
    ),
    reference="A. R. Colville, A comparative study of nonlinear programming codes, IBM 1968; "
    "problem 14 of " + _MORE,
)
def wood(x: Vector) -> Scalar:
    """Wood's (Colville's) function: two Rosenbrock valleys with their outlets coupled.

    100 (x₂ − x₁²)² + (1 − x₁)² + 90 (x₄ − x₃²)² + (1 − x₃)² + 10 (x₂ + x₄ − 2)² + (x₂ − x₄)²/10.
    A minimum and two saddles.
    """
    a, b, c, d = x[0], x[1], x[2], x[3]
    total = 100.0 * (b - a**2) ** 2 + (1.0 - a) ** 2
    total += 90.0 * (d - c**2) ** 2 + (1.0 - c) ** 2
    total += 10.0 * (b + d - 2.0) ** 2 + 0.1 * (b - d) ** 2
    return total
