"""Saddles one after the other, on which gradient descent takes exponentially long."""

from __future__ import annotations

import itertools

import numpy as np

from saddlelab.surfaces._base import Scalar, Vector, at_least, cube, surface
from saddlelab.surfaces._known import KnownPoints, Point, by_size

__all__ = ["staircase"]

#: Where a stair ends, and how much lower it is than the one before.
_END, _DROP = 4.0, 14.5
#: Longer staircases have too many saddles for a list.
_MOST_STAIRS = 16


# Complete.  Take x ≥ 0, the function is even in each variable.  h − 2x² ≤ 0, and no factor falls as
# an |x_i| grows, so ∂f/∂x₁ ≤ h′(x₁) < 0 for 0 < x₁ < 4; for x₁ > 4 it is h′(x₁) > 0: x₁ is 0 or 4.
# At 0 all further factors vanish, and with them x₂, x₃, …; at 4 the first factor is 1, and what
# follows is a staircase with one stair less.  At these points the Hessian is diagonal.
def _stairs(n: int) -> KnownPoints | None:
    if n > _MOST_STAIRS:
        return None
    found = [
        Point((*signs, *(0.0,) * (n - k)), -_DROP * k, 1 if k < n else 0)
        for k in range(n + 1)
        for signs in itertools.product((-_END, _END), repeat=k)
    ]
    return by_size({n: found})(n)


@surface(
    dims=at_least(1),
    domain=cube(-6.0, 6.0),
    known=_stairs,
    reference="S. S. Du et al., Gradient descent can take exponential time to escape saddle "
    "points, NeurIPS 2017, arXiv:1705.10412: their function with L = 2, γ = 1, τ = 1 where they "
    "give it in closed form; its extension to all x is ours",
)
def staircase(x: Vector) -> Scalar:
    """A staircase of saddles, Σ [2 (1 − s_i) x_i² + s_i h(x_i)], s_i = Π_{j < i} a(x_j).

    h is −x² near 0, 2 (|x| − 4)² − 14.5 beyond 2; a rises from 0 to 1 for 1 ≤ |x| ≤ 2.  So x₂ can
    go down only when x₁ has arrived, and so on: while it waits it is drawn to 0, and the longer it
    waited, the longer it takes to leave.  2ⁿ − 1 saddles of index 1, and 2ⁿ minima at (±4, …).
    """
    total, opened = 0.0, 1.0
    for i in range(x.size):
        square, size = x[i] ** 2, abs(x[i])
        rise = np.minimum(np.maximum(size - 1.0, 0.0), 1.0)
        beyond = np.maximum(size - 2.0, 0.0)
        stair = (3.5 * rise - 6.0) * rise**3 - np.minimum(square, 4.0)
        stair += (2.0 * beyond - 8.0) * beyond
        total += 2.0 * (1.0 - opened) * square + opened * stair
        opened = opened * (rise**3 * (10.0 + rise * (6.0 * rise - 15.0)))
    return total
