"""Losses of small linear networks, whose critical points are known in closed form."""

from __future__ import annotations

from saddlelab.surfaces._base import Scalar, Vector, cube, exactly, surface
from saddlelab.surfaces._known import Point, listed

__all__ = ["deep_linear", "three_weights", "two_weights"]

_SAXE = (
    "A. M. Saxe, J. L. McClelland and S. Ganguli, Exact solutions to the nonlinear dynamics of "
    "learning in deep linear neural networks, ICLR 2014, arXiv:1312.6120"
)

#: What the network of `deep_linear` is to learn: diag(4, 1).
_TARGET = ((4.0, 0.0), (0.0, 1.0))


# The gradient is −2(1 − x₁x₂)(x₂, x₁): it vanishes at 0 and on the hyperbola.
@surface(
    dims=exactly(2),
    domain=cube(-2.0, 2.0),
    known=listed(
        Point((1.0, 1.0), 0.0, 0, zeros=1),
        Point((0.0, 0.0), 1.0, 1),
        complete=False,
    ),
    reference=_SAXE,
    degenerate=True,
)
def two_weights(x: Vector) -> Scalar:
    """Loss of a chain of two linear units, (1 − x₁x₂)².

    A saddle at 0 and a valley of minima, x₁x₂ = 1, which (1, 1) stands for.
    """
    return (1.0 - x[0] * x[1]) ** 2


# The gradient is −2(1 − p)(x₂x₃, x₁x₃, x₁x₂) with p = x₁x₂x₃: it vanishes where p = 1 and where
# at least two weights are zero.
@surface(
    dims=exactly(3),
    domain=cube(-2.0, 2.0),
    known=listed(
        Point((0.0, 0.0, 0.0), 1.0, 0, zeros=3),
        Point((1.0, 1.0, 1.0), 0.0, 0, zeros=2),
        Point((1.0, 0.0, 0.0), 1.0, 1, zeros=1),
        Point((0.0, 1.0, 0.0), 1.0, 1, zeros=1),
        Point((0.0, 0.0, 1.0), 1.0, 1, zeros=1),
        complete=False,
    ),
    reference="K. Kawaguchi, Deep learning without poor local minima, NeurIPS 2016, "
    "arXiv:1605.07110: saddles without negative curvature",
    degenerate=True,
)
def three_weights(x: Vector) -> Scalar:
    """Loss of a chain of three linear units, (1 − x₁x₂x₃)².

    At 0 the Hessian is zero, yet it is no minimum.  The axes are lines of saddles, for each of
    which one point stands, and x₁x₂x₃ = 1 is a surface of minima, for which (1, 1, 1) stands.
    """
    return (1.0 - x[0] * x[1] * x[2]) ** 2


# Baldi and Hornik: W₂W₁ is the target on a subset I of the singular directions, 0 on the others,
# and the index is (2 − |I|)² + #{(i in I, j not in I): σ_j > σ_i}.  Each product belongs to a
# family W₂C⁻¹, CW₁; the points are its most symmetric members.
@surface(
    dims=exactly(8),
    domain=cube(-3.0, 3.0),
    known=listed(
        Point((2.0, 0.0, 0.0, 1.0, 2.0, 0.0, 0.0, 1.0), 0.0, 0, zeros=4),
        Point((2.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0), 0.5, 1, zeros=3),
        Point((0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0), 8.0, 2, zeros=3),
        Point((0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0), 8.5, 4),
        complete=False,
    ),
    reference="P. Baldi and K. Hornik, Neural networks and principal component analysis: learning "
    "from examples without local minima, Neural Networks 2 (1989) 53–58",
    degenerate=True,
)
def deep_linear(x: Vector) -> Scalar:
    """Loss of a linear network with two layers of 2 × 2 weights, ½ ‖diag(4, 1) − W₂W₁‖².

    x holds W₁ row by row, then W₂ (inputs are white, the target's singular values are 4 and 1).
    Every critical point that is no minimum is a saddle.
    """
    loss = 0.0
    for i in range(2):
        for j in range(2):
            product = x[4 + 2 * i] * x[j] + x[5 + 2 * i] * x[2 + j]
            loss += (_TARGET[i][j] - product) ** 2
    return loss / 2.0
