"""What the gradient on the boundary of a box tells about the critical points inside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from saddlelab.objective import Objective

__all__ = ["euler_count"]

Floats: TypeAlias = NDArray[np.float64]

#: Points on each side of a rectangle, at first and at most; on each face of a box.
_SIDE, _MOST, _FACE = 512, 32_768, 128


def euler_count(fun: Objective, box: Floats) -> int | None:
    """Return Σ (−1)^index over the nondegenerate critical points in a box, or None.

    That sum is the degree of ∇f on the boundary (Poincaré and Hopf).  In one dimension it is
    read off the two ends, in two the gradient is followed around the rectangle; beyond, it is
    known only if the gradient points outward everywhere (as a minimum's does), or inward.  The
    boundary is sampled: the answer is as good as a dense look, not a proof.
    """
    n = len(box)
    if n == 1:
        low, high = np.sign(fun.gradient(box.T)[:, 0])
        return None if 0.0 in (low, high) else int((high - low) / 2)
    return _winding(fun, box) if n == 2 else _coercive(fun, box)


def _winding(fun: Objective, box: Floats) -> int | None:
    """How many times the gradient turns along the border of a rectangle."""
    side = _SIDE
    while side <= _MOST:
        g = fun.gradient(_border(box, side))
        if not np.isfinite(g).all() or not g.any(axis=1).all():
            return None
        angle = np.arctan2(g[:, 1], g[:, 0])
        turns = np.diff(angle, append=angle[:1])
        turns -= 2.0 * np.pi * np.round(turns / (2.0 * np.pi))
        # A step that turns by more than this may have turned the other way.
        if np.abs(turns).max() < np.pi / 4:
            return round(float(turns.sum()) / (2.0 * np.pi))
        side *= 8
    return None


def _border(box: Floats, side: int) -> Floats:
    """Points around a rectangle, counterclockwise."""
    (a, b), (c, d) = box
    t = np.arange(side) / side
    x = np.concatenate([a + (b - a) * t, np.full(side, b), b - (b - a) * t, np.full(side, a)])
    y = np.concatenate([np.full(side, c), c + (d - c) * t, np.full(side, d), d - (d - c) * t])
    return np.column_stack([x, y])


def _coercive(fun: Objective, box: Floats) -> int | None:
    """1 or (−1)ⁿ where the gradient points outward, or inward, on every face."""
    n = len(box)
    generator = np.random.default_rng(0)
    outward = []
    for i in range(n):
        for side in (0, 1):
            points = box[:, 0] + np.ptp(box, axis=1) * generator.random((_FACE, n))
            points[:, i] = box[i, side]
            g = fun.gradient(points)[:, i]
            outward.append(g if side else -g)
    away = np.array(outward)
    if (away > 0.0).all():
        return 1
    return (-1) ** n if (away < 0.0).all() else None
