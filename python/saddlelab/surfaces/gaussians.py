"""Hills and wells made of Gaussians."""

from __future__ import annotations

import numpy as np

from saddlelab.surfaces._base import Scalar, Vector, box, cube, exactly, surface
from saddlelab.surfaces._known import Point, listed

__all__ = ["gaussian_mixture", "muller_brown", "peaks"]


# Found from 4000 random starts of Newton's method, refined with 40 digits; proved complete by
# intervals in tests/test_surfaces.py (as the other lists of this file).
@surface(
    dims=exactly(2),
    domain=cube(-3.0, 3.0),
    known=listed(
        Point((0.22827892055636909879, -1.6255349574999965188), -6.5511333328358369414, 0),
        Point((-1.3473962443682107843, 0.20451886609700518033), -3.0498494028002597574, 0),
        Point((0.29644555384683207812, 0.32019624766683434208), -0.064935868255526887319, 0),
        Point((0.4163233216785081963, -0.3941450984024246127), 0.40854792459413720031, 1),
        Point((-0.26593755683724568562, 0.46673999372626939649), 0.78829346267896412655, 1),
        Point((1.0982728343350927823, 0.85446097952475245266), 2.249191661526930868, 1),
        Point((1.2856846972413040886, -0.0048475590755936723202), 3.5924899180027538225, 2),
        Point((-0.46002451803438664067, -0.62919650871680091242), 3.7765809985322065481, 2),
        Point((-0.0093175819599541156752, 1.5813679629389997725), 8.1062135894423366611, 2),
    ),
    reference="The MathWorks, MATLAB documentation, function `peaks`",
)
def peaks(x: Vector) -> Scalar:
    """MATLAB's peaks: three hills, three wells and three saddles.

    3 (1 − x₁)² exp(−x₁² − (x₂ + 1)²) − 10 (x₁/5 − x₁³ − x₂⁵) exp(−x₁² − x₂²)
    − exp(−(x₁ + 1)² − x₂²)/3.
    """
    a, b = x[0], x[1]
    total = 3.0 * (1.0 - a) ** 2 * np.exp(-(a**2) - (b + 1.0) ** 2)
    total -= 10.0 * (a / 5.0 - a**3 - b**5) * np.exp(-(a**2) - b**2)
    total -= np.exp(-((a + 1.0) ** 2) - b**2) / 3.0
    return total


_DEPTH = (1.0, 0.8, 0.6)
_CENTRE = ((-1.2, -0.8), (1.3, -0.5), (0.2, 1.4))


@surface(
    dims=exactly(2),
    domain=cube(-2.5, 2.5),
    known=listed(
        Point((-1.1954398556865374453, -0.79806862664194709526), -1.0021037195648552739, 0),
        Point((1.2871206520089298758, -0.48844658604736456621), -0.80682973430798060204, 0),
        Point((0.21043377945123521093, 1.3727222221793492738), -0.60802529374387038513, 0),
        Point((0.66808473192532014348, 0.53457785749889344036), -0.41703249651706867963, 1),
        Point((0.10181180322640854425, -0.58010014350803177217), -0.37591351535441169127, 1),
    ),
    reference="In the manner of M. Gallagher and B. Yuan, A general-purpose tunable landscape "
    "generator, IEEE Trans. Evol. Comput. 10 (2006) 590–603",
)
def gaussian_mixture(x: Vector) -> Scalar:
    """Three Gaussian wells, −Σ d_k exp(−‖x − c_k‖²), of depths 1, 0.8 and 0.6.

    Centres (−1.2, −0.8), (1.3, −0.5) and (0.2, 1.4): three minima and the two passes between them.
    """
    total = 0.0
    for k in range(3):
        square = (x[0] - _CENTRE[k][0]) ** 2 + (x[1] - _CENTRE[k][1]) ** 2
        total -= _DEPTH[k] * np.exp(-square)
    return total


# Müller and Brown's A, a, b, c and centres, table 1.
_A = (-200.0, -100.0, -170.0, 15.0)
_XX = (-1.0, -1.0, -6.5, 0.7)
_XY = (0.0, 0.0, 11.0, 0.6)
_YY = (-10.0, -10.0, -6.5, 0.7)
_X = (1.0, 0.0, -0.5, -1.0)
_Y = (0.0, 0.5, 1.5, 1.0)


@surface(
    dims=exactly(2),
    domain=box((-1.8, 1.5), (-0.6, 2.4)),
    known=listed(
        Point((-0.55822363463302427747, 1.4417258418046686551), -146.6995172099540137, 0),
        Point((0.62349940493087650977, 0.028037758528685665749), -108.16672411685235499, 0),
        Point((-0.050010822998206057751, 0.46669410487197208777), -80.767818129659028156, 0),
        Point((0.21248658200066200686, 0.29298832510736776515), -72.24894011232521151, 1),
        Point((-0.82200155873273209741, 0.62431280281487136129), -40.664843508657404291, 1),
    ),
    reference="K. Müller and L. D. Brown, Location of saddle points and minimum energy paths by a "
    "constrained simplex optimization procedure, Theor. Chim. Acta 53 (1979) 75–93",
)
def muller_brown(x: Vector) -> Scalar:
    """The Müller–Brown potential, Σ A_k exp(a_k u² + b_k uv + c_k v²), a model of a reaction.

    u = x₁ − X_k, v = x₂ − Y_k, k = 1 … 4.  Three minima and the two transition states between them.
    """
    total = 0.0
    for k in range(4):
        u = x[0] - _X[k]
        v = x[1] - _Y[k]
        total += _A[k] * np.exp(_XX[k] * u**2 + _XY[k] * u * v + _YY[k] * v**2)
    return total
