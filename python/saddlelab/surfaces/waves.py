"""Bowls with waves on them, and other landscapes with sines and cosines."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from saddlelab.surfaces import _roots
from saddlelab.surfaces._base import Scalar, Vector, at_least, box, cube, exactly, surface
from saddlelab.surfaces._known import Point, Root, by_size, listed, separable

__all__ = [
    "ackley",
    "bohachevsky",
    "branin",
    "easom",
    "griewank",
    "levy",
    "mccormick",
    "rastrigin",
]

_PI = math.pi
_TWO_PI = 2.0 * math.pi
_E = math.e
# Branin's parabola x₂ = b x₁² − c x₁ + 6, and the height of his waves.
_BRANIN_B = 5.1 / (4.0 * math.pi**2)
_BRANIN_C = 5.0 / math.pi
_BRANIN_WAVE = 10.0 * (1.0 - 1.0 / (8.0 * math.pi))


@surface(
    dims=at_least(1),
    domain=cube(-5.12, 5.12),
    known=separable(lambda n: [_roots.RASTRIGIN] * n),
    reference="L. A. Rastrigin, Systems of Extremal Control, Nauka 1974 (in Russian)",
)
def rastrigin(x: Vector) -> Scalar:
    """Rastrigin's function, 10n + Σ x_i² − 10 cos 2πx_i.

    11 minima and 10 maxima along each axis: 21ⁿ critical points.
    """
    return 10.0 * x.size + np.sum(x**2 - 10.0 * np.cos(_TWO_PI * x))


# All cosines or all sines vanish nearly: the points are near multiples of π/2 (times √2 along
# the second axis).  Proved complete by intervals in tests/test_surfaces.py, for n = 1 and 2.
@surface(
    dims=at_least(1),
    domain=cube(-5.0, 5.0),
    known=by_size(
        {
            1: [
                Point((0.0,), 0.0, 0),
                Point((-3.143164236354905424,), 2.002468635418235508, 1),
                Point((3.143164236354905424,), 2.002468635418235508, 1),
            ],
            2: [
                Point((0.0, 0.0), 0.0, 0),
                Point((-3.1400226338955398484, -4.4384444809207140735), 0.00739604033411508274, 0),
                Point((-3.1400226338955398484, 4.4384444809207140735), 0.00739604033411508274, 0),
                Point((3.1400226338955398484, -4.4384444809207140735), 0.00739604033411508274, 0),
                Point((3.1400226338955398484, 4.4384444809207140735), 0.00739604033411508274, 0),
                Point((-1.5723679104393218111, -2.2225533025787543761), 1.0018517854522830068, 1),
                Point((-1.5723679104393218111, 2.2225533025787543761), 1.0018517854522830068, 1),
                Point((1.5723679104393218111, -2.2225533025787543761), 1.0018517854522830068, 1),
                Point((1.5723679104393218111, 2.2225533025787543761), 1.0018517854522830068, 1),
                Point((-4.710820534479318125, -2.218110408756953539), 1.0067816553099954939, 1),
                Point((-4.710820534479318125, 2.218110408756953539), 1.0067816553099954939, 1),
                Point((4.710820534479318125, -2.218110408756953539), 1.0067816553099954939, 1),
                Point((4.710820534479318125, 2.218110408756953539), 1.0067816553099954939, 1),
                Point((-3.143164236354905424, 0.0), 2.002468635418235508, 2),
                Point((3.143164236354905424, 0.0), 2.002468635418235508, 2),
                Point((0.0, -4.4473302757643814572), 2.0049397419465621662, 2),
                Point((0.0, 4.4473302757643814572), 2.0049397419465621662, 2),
            ],
        }
    ),
    reference="A. O. Griewank, Generalized descent for global optimization, J. Optim. Theory "
    "Appl. 34 (1981) 11–39",
)
def griewank(x: Vector) -> Scalar:
    """Griewank's function, 1 + Σ x_i²/4000 − Π cos(x_i/√i).

    Here on [−5, 5]ⁿ (his own domain, ±600, has thousands of critical points): 3 critical points
    for n = 1 and 17 for n = 2.
    """
    squares, product = 0.0, 1.0
    for i in range(x.size):
        squares += x[i] ** 2
        product = product * np.cos(x[i] / np.sqrt(i + 1.0))
    return 1.0 + squares / 4000.0 - product


def _levy_axes(n: int) -> Sequence[Sequence[Root]]:
    if n == 1:
        return [_roots.LEVY_ALONE]
    return [_roots.LEVY_FIRST, *[_roots.LEVY_MIDDLE] * (n - 2), _roots.LEVY_LAST]


@surface(
    dims=at_least(1),
    domain=cube(-10.0, 10.0),
    known=separable(_levy_axes),
    reference="A. V. Levy and A. Montalvo, SIAM J. Sci. Stat. Comput. 6 (1985) 15–29, in the form "
    "of S. Surjanovic and D. Bingham, Virtual Library of Simulation Experiments, 2013",
)
def levy(x: Vector) -> Scalar:
    """Levy's function, with w_i = 1 + (x_i − 1)/4.

    sin² πw₁ + Σ_{i < n} (w_i − 1)² (1 + 10 sin²(πw_i + 1)) + (w_n − 1)² (1 + sin² 2πw_n), a sum of
    functions of one variable each: 15 critical points for n = 1, 10 · 12ⁿ⁻² · 15 beyond.
    """
    n = x.size
    total = np.sin(_PI * (1.0 + (x[0] - 1.0) / 4.0)) ** 2
    for i in range(n - 1):
        w = 1.0 + (x[i] - 1.0) / 4.0
        total += (w - 1.0) ** 2 * (1.0 + 10.0 * np.sin(_PI * w + 1.0) ** 2)
    w = 1.0 + (x[n - 1] - 1.0) / 4.0
    return total + (w - 1.0) ** 2 * (1.0 + np.sin(_TWO_PI * w) ** 2)


@surface(
    dims=at_least(1),
    domain=cube(-32.768, 32.768),
    known=by_size({}),
    reference="D. H. Ackley, A Connectionist Machine for Genetic Hillclimbing, Kluwer 1987",
    smooth=False,
)
def ackley(x: Vector) -> Scalar:
    """Ackley's funnel, 20 − 20 exp(−√(Σ x_i²/n)/5) + e − exp(Σ cos(2πx_i)/n).

    The minimum at 0 is a kink, where the gradient does not exist: it is no critical point.  No
    list of the others is kept.
    """
    n = x.size
    radius = np.sqrt(np.sum(x**2) / n)
    waves = np.sum(np.cos(_TWO_PI * x)) / n
    return 20.0 - 20.0 * np.exp(-0.2 * radius) + _E - np.exp(waves)


@surface(
    dims=exactly(2),
    domain=cube(-2.0, 2.0),
    known=separable(lambda n: [_roots.BOHACHEVSKY_1, _roots.BOHACHEVSKY_2]),
    reference="I. O. Bohachevsky, M. E. Johnson and M. L. Stein, Generalized simulated annealing "
    "for function optimization, Technometrics 28 (1986) 209–217",
)
def bohachevsky(x: Vector) -> Scalar:
    """Bohachevsky's first function, x₁² + 2x₂² − 0.3 cos 3πx₁ − 0.4 cos 4πx₂ + 0.7.

    9 × 9 critical points, in the whole plane.
    """
    waves = 0.3 * np.cos(3.0 * _PI * x[0]) + 0.4 * np.cos(4.0 * _PI * x[1])
    return x[0] ** 2 + 2.0 * x[1] ** 2 - waves + 0.7


# x₂ lies on the parabola; what remains is sin x₁ = 0, so x₁ = kπ and x₂ = 1.275k² − 5k + 6.
@surface(
    dims=exactly(2),
    domain=box((-5.0, 10.0), (0.0, 15.0)),
    known=listed(
        Point((-3.1415926535897932385, 12.275), 0.39788735772973833942, 0),
        Point((3.1415926535897932385, 2.275), 0.39788735772973833942, 0),
        Point((9.4247779607693797154, 2.475), 0.39788735772973833942, 0),
        Point((0.0, 6.0), 19.602112642270261661, 1),
        Point((6.2831853071795864769, 1.1), 19.602112642270261661, 1),
    ),
    reference="F. H. Branin, Widely convergent method for finding multiple solutions of "
    "simultaneous nonlinear equations, IBM J. Res. Dev. 16 (1972) 504–522",
)
def branin(x: Vector) -> Scalar:
    """Branin's function, (x₂ − 5.1x₁²/4π² + 5x₁/π − 6)² + 10 (1 − 1/8π) cos x₁ + 10.

    Three minima of equal value and two saddles.
    """
    valley = x[1] - _BRANIN_B * x[0] ** 2 + _BRANIN_C * x[0] - 6.0
    return valley**2 + _BRANIN_WAVE * np.cos(x[0]) + 10.0


# With s = x₁ + x₂ and d = x₁ − x₂ the equations are 2 cos s + 1 = 0 and d = 1.
@surface(
    dims=exactly(2),
    domain=box((-1.5, 4.0), (-3.0, 4.0)),
    known=listed(
        Point((-0.54719755119659774615, -1.5471975511965977462), -1.9132229549810363929, 0),
        Point((2.5943951023931954923, 1.5943951023931954923), 1.2283696986087568455, 0),
        Point((1.5471975511965977462, 0.54719755119659774615), 1.9132229549810363929, 1),
    ),
    reference="G. P. McCormick, in F. A. Lootsma (ed.), Numerical Methods for Non-linear "
    "Optimization, Academic Press 1972",
)
def mccormick(x: Vector) -> Scalar:
    """McCormick's function, sin(x₁ + x₂) + (x₁ − x₂)² − 1.5x₁ + 2.5x₂ + 1.

    Two minima and the saddle between them.
    """
    return np.sin(x[0] + x[1]) + (x[0] - x[1]) ** 2 - 1.5 * x[0] + 2.5 * x[1] + 1.0


# −g(x₁) g(x₂) with g(t) = cos t exp(−(t − π)²): either both g' vanish, where tan u = −2u with
# u = t − π, or both g do.
@surface(
    dims=exactly(2),
    domain=cube(0.0, 6.0),
    known=listed(
        Point((3.1415926535897932385, 3.1415926535897932385), -1.0, 0),
        Point((1.3049954504376675157, 1.3049954504376675157), -0.000081102238915700659282, 0),
        Point((1.3049954504376675157, 4.9781898567419189612), -0.000081102238915700659282, 0),
        Point((4.9781898567419189612, 1.3049954504376675157), -0.000081102238915700659282, 0),
        Point((4.9781898567419189612, 4.9781898567419189612), -0.000081102238915700659282, 0),
        Point((1.5707963267948966192, 1.5707963267948966192), 0.0, 1),
        Point((1.5707963267948966192, 4.7123889803846898577), 0.0, 1),
        Point((4.7123889803846898577, 1.5707963267948966192), 0.0, 1),
        Point((4.7123889803846898577, 4.7123889803846898577), 0.0, 1),
        Point((1.3049954504376675157, 3.1415926535897932385), 0.0090056781485738573602, 2),
        Point((3.1415926535897932385, 1.3049954504376675157), 0.0090056781485738573602, 2),
        Point((3.1415926535897932385, 4.9781898567419189612), 0.0090056781485738573602, 2),
        Point((4.9781898567419189612, 3.1415926535897932385), 0.0090056781485738573602, 2),
    ),
    reference="E. E. Easom, A Survey of Global Optimization Techniques, M. Eng. thesis, University "
    "of Louisville 1990",
)
def easom(x: Vector) -> Scalar:
    """Easom's needle, −cos x₁ cos x₂ exp(−(x₁ − π)² − (x₂ − π)²).

    Here on [0, 6]² (on his own domain, ±100, it is flat to rounding): the needle at (π, π), and
    twelve more critical points in its ripples.
    """
    hill = np.exp(-((x[0] - _PI) ** 2) - (x[1] - _PI) ** 2)
    return -np.cos(x[0]) * np.cos(x[1]) * hill
