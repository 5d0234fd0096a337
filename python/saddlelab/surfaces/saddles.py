"""Textbook saddles."""

from __future__ import annotations

import numpy as np

from saddlelab.surfaces._base import Scalar, Vector, at_least, cube, exactly, surface
from saddlelab.surfaces._known import KnownPoints, Point, Root, by_size, listed, separable

__all__ = [
    "dauphin_saddle",
    "double_well",
    "escape_saddle",
    "monkey_saddle",
    "quadratic_saddle",
    "sin_cos",
    "ten_saddle",
]

_DAUPHIN = (
    "Y. N. Dauphin et al., Identifying and attacking the saddle point problem in high-dimensional "
    "non-convex optimization, NeurIPS 2014, arXiv:1406.2572, figure 2"
)


@surface(
    dims=exactly(2),
    domain=cube(-1.0, 1.0),
    known=listed(Point((0.0, 0.0), 0.0, 1)),
    reference=_DAUPHIN,
)
def quadratic_saddle(x: Vector) -> Scalar:
    """The simplest saddle, x₁² − x₂².

    One critical point, 0: the gradient is linear.
    """
    return x[0] ** 2 - x[1] ** 2


@surface(
    dims=exactly(2),
    domain=cube(-1.0, 1.0),
    known=listed(Point((0.0, 0.0), 0.0, 1)),
    reference=_DAUPHIN,
)
def dauphin_saddle(x: Vector) -> Scalar:
    """A saddle steeper than it falls, 5x₁² − x₂².

    One critical point, 0: the gradient is linear.
    """
    return 5.0 * x[0] ** 2 - x[1] ** 2


@surface(
    dims=exactly(2),
    domain=cube(-1.0, 1.0),
    known=listed(Point((0.0, 0.0), 0.0, 0, zeros=2)),
    reference="D. Hilbert and S. Cohn-Vossen, Geometry and the Imagination, Chelsea 1952, § 29",
    degenerate=True,
)
def monkey_saddle(x: Vector) -> Scalar:
    """The monkey saddle, x₁³ − 3x₁x₂², with three ways down.

    One critical point, 0, where the Hessian is zero: 3(x₁² − x₂²) = 0 = −6x₁x₂ only there.
    """
    return x[0] ** 3 - 3.0 * x[0] * x[1] ** 2


@surface(
    dims=exactly(2),
    domain=cube(-2.0, 2.0),
    known=listed(
        Point((0.0, -1.0), -0.25, 0),
        Point((0.0, 1.0), -0.25, 0),
        Point((0.0, 0.0), 0.0, 1),
    ),
    reference="Y. Nesterov, Introductory Lectures on Convex Optimization, Kluwer 2004, § 1.2.3",
)
def escape_saddle(x: Vector) -> Scalar:
    """A saddle between two minima, (x₁² − x₂²)/2 + x₂⁴/4.

    Gradient descent from x₂ = 0 ends on the saddle.  All critical points: x₁ = 0 and x₂³ = x₂.
    """
    return (x[0] ** 2 - x[1] ** 2) / 2.0 + x[1] ** 4 / 4.0


def _origin(n: int) -> KnownPoints | None:
    return by_size({n: [Point((0.0,) * n, 0.0, n // 2)]})(n)


@surface(
    dims=at_least(2, step=2),
    domain=cube(-1.0, 1.0),
    known=_origin,
    reference="M. Morse, Trans. Amer. Math. Soc. 27 (1925) 345–396: the normal form near a saddle",
)
def ten_saddle(x: Vector) -> Scalar:
    """As many ways up as down, Σ_{i ≤ n/2} x_i² − Σ_{i > n/2} x_i²; index 5 in ten variables.

    One critical point, 0: the gradient is linear.
    """
    half = x.size // 2
    return np.sum(x[:half] ** 2) - np.sum(x[half:] ** 2)


_WELL = [Root(-1.0, 0.0, 0), Root(0.0, 1.0, 1), Root(1.0, 0.0, 0)]


@surface(
    dims=at_least(1),
    domain=cube(-2.0, 2.0),
    known=separable(lambda n: [_WELL] * n),
    reference="H. A. Kramers, Physica 7 (1940) 284–304: escape from one of two wells",
)
def double_well(x: Vector) -> Scalar:
    """Two wells along each axis, Σ (x_i² − 1)².

    3ⁿ critical points: x_i³ = x_i for each i.
    """
    return np.sum((x**2 - 1.0) ** 2)


# With u = x₁ + x₂ and v = x₁ − x₂ this is h(u) + h(v), h(t) = t² + sin(4t)/2, and h' has three
# roots (|t| ≤ 1 there).  The list is proved complete by intervals in tests/test_surfaces.py.
@surface(
    dims=exactly(2),
    domain=cube(-2.0, 2.0),
    known=listed(
        Point((-0.3130883085006471908, 0.0), -0.75367544053637912868, 0),
        Point((0.29286895414486990359, -0.60595726264551709438), 0.21189825703967205385, 0),
        Point((0.29286895414486990359, 0.60595726264551709438), 0.21189825703967205385, 0),
        Point((0.89882621679038699797, 0.0), 1.1774719546157232364, 0),
        Point((0.11012237720709312231, -0.4232106857077403131), 0.3305591056594021153, 1),
        Point((0.11012237720709312231, 0.4232106857077403131), 0.3305591056594021153, 1),
        Point((0.71607963985261021669, -0.18274657693777678128), 1.2961328032354532978, 1),
        Point((0.71607963985261021669, 0.18274657693777678128), 1.2961328032354532978, 1),
        Point((0.53333306291483343541, 0.0), 1.4147936518551833593, 2),
    ),
    reference="A bowl with waves on it, a common illustration of loss landscapes; this library's "
    "list of critical points is certified by interval arithmetic (R. Krawczyk, Computing 4 (1969) "
    "187–201)",
)
def sin_cos(x: Vector) -> Scalar:
    """A bowl with waves, 2x₁² + 2x₂² + sin(4x₁) cos(4x₂).

    Nine critical points: four minima, four saddles and a maximum.
    """
    return 2.0 * x[0] ** 2 + 2.0 * x[1] ** 2 + np.sin(4.0 * x[0]) * np.cos(4.0 * x[1])
