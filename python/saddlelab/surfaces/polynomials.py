"""Polynomials of two variables."""

from __future__ import annotations

from saddlelab.surfaces._base import Scalar, Vector, box, cube, exactly, surface
from saddlelab.surfaces._known import Point, listed

__all__ = [
    "beale",
    "booth",
    "goldstein_price",
    "himmelblau",
    "matyas",
    "six_hump_camel",
    "three_hump_camel",
]

_JAMIL_YANG = (
    "M. Jamil and X.-S. Yang, A literature survey of benchmark functions for global optimization "
    "problems, Int. J. Math. Model. Numer. Optim. 4 (2013) 150–194, arXiv:1308.4008"
)
_MORE = (
    "J. J. Moré, B. S. Garbow and K. E. Hillstrom, Testing unconstrained optimization software, "
    "ACM Trans. Math. Softw. 7 (1981) 17–41"
)


# Two cubic equations have at most nine solutions (Bézout), and here are nine.
@surface(
    dims=exactly(2),
    domain=cube(-6.0, 6.0),
    known=listed(
        Point((3.0, 2.0), 0.0, 0),
        Point((-2.8051180869527448531, 3.1313125182505729658), 0.0, 0),
        Point((-3.7793102533777468919, -3.2831859912861694123), 0.0, 0),
        Point((3.5844283403304917449, -1.8481265269644035535), 0.0, 0),
        Point((3.385154183607020938, 0.073851879837749287719), 13.311926270405589889, 1),
        Point((0.086677504555396351823, 2.8842547011747761131), 67.719150087526140226, 1),
        Point((-3.0730257507643896105, -0.081353044287967511553), 104.01516291755810586, 1),
        Point((-0.12796134673068006631, -1.9537149802445764261), 178.33723920192745998, 1),
        Point((-0.27084459066734761304, -0.92303855647998146313), 181.61652152258270404, 2),
    ),
    reference="D. M. Himmelblau, Applied Nonlinear Programming, McGraw-Hill 1972",
)
def himmelblau(x: Vector) -> Scalar:
    """Himmelblau's function, (x₁² + x₂ − 11)² + (x₁ + x₂² − 7)².

    Nine critical points: four minima of equal value, four saddles and a maximum.
    """
    return (x[0] ** 2 + x[1] - 11.0) ** 2 + (x[0] + x[1] ** 2 - 7.0) ** 2


# Equations of degree 5 and 3 have at most 15 solutions (Bézout), and here are 15.
@surface(
    dims=exactly(2),
    domain=box((-3.0, 3.0), (-2.0, 2.0)),
    known=listed(
        Point((-0.089842013100318062422, 0.7126564030207396334), -1.0316284534898773504, 0),
        Point((0.089842013100318062422, -0.7126564030207396334), -1.0316284534898773504, 0),
        Point((-1.7036067149699808488, 0.79608356867262511903), -0.21546382438371763758, 0),
        Point((1.7036067149699808488, -0.79608356867262511903), -0.21546382438371763758, 0),
        Point((-1.6071047529201972298, -0.56865145488413137139), 2.1042503103112582746, 0),
        Point((1.6071047529201972298, 0.56865145488413137139), 2.1042503103112582746, 0),
        Point((0.0, 0.0), 0.0, 1),
        Point((-1.1092053368047864474, 0.76826809250953984178), 0.54371860097818513539, 1),
        Point((1.1092053368047864474, -0.76826809250953984178), 0.54371860097818513539, 1),
        Point((-1.6380679841897785638, -0.22867406904439406995), 2.2293571975307147209, 1),
        Point((1.6380679841897785638, 0.22867406904439406995), 2.2293571975307147209, 1),
        Point((-1.2960702671671091833, -0.60508438803865849681), 2.2294708180298599234, 1),
        Point((1.2960702671671091833, 0.60508438803865849681), 2.2294708180298599234, 1),
        Point((-1.2302298765166526266, -0.16233458445899497001), 2.4962953510235769337, 2),
        Point((1.2302298765166526266, 0.16233458445899497001), 2.4962953510235769337, 2),
    ),
    reference="L. C. W. Dixon and G. P. Szegő (eds.), Towards Global Optimisation 2, "
    "North-Holland 1978",
)
def six_hump_camel(x: Vector) -> Scalar:
    """The six-hump camel, (4 − 2.1x₁² + x₁⁴/3) x₁² + x₁x₂ + (4x₂² − 4) x₂².

    15 critical points: six minima, seven saddles and two maxima.
    """
    s, t = x[0] ** 2, x[1] ** 2
    return (4.0 - 2.1 * s + s**2 / 3.0) * s + x[0] * x[1] + (4.0 * t - 4.0) * t


# x₂ = −x₁/2 leaves x₁ (x₁⁴ − 4.2x₁² + 3.5) = 0, with five real roots.
@surface(
    dims=exactly(2),
    domain=cube(-5.0, 5.0),
    known=listed(
        Point((0.0, 0.0), 0.0, 0),
        Point((-1.7475523458302888986, 0.87377617291514444929), 0.29863844223685981976, 0),
        Point((1.7475523458302888986, -0.87377617291514444929), 0.29863844223685981976, 0),
        Point((-1.0705422918236599731, 0.53527114591182998654), 0.87736155776314018024, 1),
        Point((1.0705422918236599731, -0.53527114591182998654), 0.87736155776314018024, 1),
    ),
    reference="L. C. W. Dixon and G. P. Szegő (eds.), Towards Global Optimisation, "
    "North-Holland 1975",
)
def three_hump_camel(x: Vector) -> Scalar:
    """The three-hump camel, 2x₁² − 1.05x₁⁴ + x₁⁶/6 + x₁x₂ + x₂².

    Three minima and two saddles.
    """
    return 2.0 * x[0] ** 2 - 1.05 * x[0] ** 4 + x[0] ** 6 / 6.0 + x[0] * x[1] + x[1] ** 2


@surface(
    dims=exactly(2),
    domain=cube(-10.0, 10.0),
    known=listed(Point((1.0, 3.0), 0.0, 0)),
    reference=_JAMIL_YANG,
)
def booth(x: Vector) -> Scalar:
    """Booth's convex quadratic, (x₁ + 2x₂ − 7)² + (2x₁ + x₂ − 5)².

    One minimum: the gradient is linear.
    """
    return (x[0] + 2.0 * x[1] - 7.0) ** 2 + (2.0 * x[0] + x[1] - 5.0) ** 2


@surface(
    dims=exactly(2),
    domain=cube(-10.0, 10.0),
    known=listed(Point((0.0, 0.0), 0.0, 0)),
    reference=_JAMIL_YANG,
)
def matyas(x: Vector) -> Scalar:
    """Matyas' convex quadratic, 0.26 (x₁² + x₂²) − 0.48x₁x₂; eigenvalues 0.04 and 1.

    One minimum: the gradient is linear.
    """
    return 0.26 * (x[0] ** 2 + x[1] ** 2) - 0.48 * x[0] * x[1]


# f is quadratic in x₁.  The resultant in x₂ is (2x₂ − 1)(x₂ − 1)⁴ and two factors more, of which
# one has a real root; for x₂ = 1 only x₁ = 0 is left.
@surface(
    dims=exactly(2),
    domain=cube(-4.5, 4.5),
    known=listed(
        Point((3.0, 0.5), 0.0, 0),
        Point((0.10053793732415835927, -2.6445135850231249689), 9.8645122847555601724, 1),
        Point((0.0, 1.0), 14.203125, 1),
    ),
    reference="E. M. L. Beale, On an iterative method for finding a local minimum of a function "
    "of more than one variable, Princeton 1958; problem 5 of " + _MORE,
)
def beale(x: Vector) -> Scalar:
    """Beale's function, Σ_{k = 1, 2, 3} (y_k − x₁ (1 − x₂ᵏ))² with y = 1.5, 2.25, 2.625.

    A minimum in a flat valley, and two saddles.
    """
    total = (1.5 - x[0] * (1.0 - x[1])) ** 2
    total += (2.25 - x[0] * (1.0 - x[1] ** 2)) ** 2
    total += (2.625 - x[0] * (1.0 - x[1] ** 3)) ** 2
    return total


# With u = x₁ + x₂ and v = 2x₁ − 3x₂ this is A(u) B(v), both positive, and A' = 12(u + 1)(u − 1)
# (u − 2), B' = 12 v (v − 1)(v − 3): nine points, with coordinates in fifths.
@surface(
    dims=exactly(2),
    domain=cube(-2.0, 2.0),
    known=listed(
        Point((0.0, -1.0), 3.0, 0),
        Point((-0.6, -0.4), 30.0, 0),
        Point((1.8, 0.2), 84.0, 0),
        Point((1.2, 0.8), 840.0, 0),
        Point((-0.4, -0.6), 35.0, 1),
        Point((1.2, -0.2), 99.0, 1),
        Point((1.4, 0.6), 980.0, 1),
        Point((0.6, 0.4), 990.0, 1),
        Point((0.8, 0.2), 1155.0, 2),
    ),
    reference="A. A. Goldstein and J. F. Price, On descent from local minima, Math. Comp. 25 "
    "(1971) 569–574",
)
def goldstein_price(x: Vector) -> Scalar:
    """Goldstein and Price's function, A(x₁ + x₂) B(2x₁ − 3x₂).

    A(u) = 1 + (u + 1)² (19 − 14u + 3u²) and B(v) = 30 + v² (18 − 16v + 3v²).  Four minima, four
    saddles and a maximum.
    """
    u = x[0] + x[1]
    v = 2.0 * x[0] - 3.0 * x[1]
    a = 1.0 + (u + 1.0) ** 2 * (19.0 - 14.0 * u + 3.0 * u**2)
    b = 30.0 + v**2 * (18.0 - 16.0 * v + 3.0 * v**2)
    return a * b
