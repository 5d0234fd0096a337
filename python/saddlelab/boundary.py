"""What the gradient on the boundary of a box tells about the critical points inside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from saddlelab.objective import Objective

__all__ = ["euler_count"]

Floats: TypeAlias = NDArray[np.float64]

#: Points on each side of a rectangle at first; how often a piece between two may be halved, and
#: how many at once; points on each face of a box.
_SIDE, _HALVINGS, _MOST, _FACE = 512, 45, 32_768, 128


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
    t = np.arange(4 * _SIDE) / _SIDE
    g = fun.gradient(_border(box, t))
    for _ in range(_HALVINGS):
        if not np.isfinite(g).all() or not g.any(axis=1).all():
            return None
        angle = np.arctan2(g[:, 1], g[:, 0])
        turns = np.diff(angle, append=angle[:1])
        turns -= 2.0 * np.pi * np.round(turns / (2.0 * np.pi))
        # Where it turns by more than this it may have turned the other way: look closer.
        wide = np.flatnonzero(np.abs(turns) > np.pi / 4)
        if not len(wide):
            return round(float(turns.sum()) / (2.0 * np.pi))
        if len(wide) > _MOST:
            return None
        middle = (t[wide] + np.append(t, 4.0)[wide + 1]) / 2.0
        t = np.insert(t, wide + 1, middle)
        g = np.insert(g, wide + 1, fun.gradient(_border(box, middle)), axis=0)
    return None


def _border(box: Floats, t: Floats) -> Floats:
    """Points around a rectangle, counterclockwise: side k is k ≤ t < k + 1."""
    side, part = np.divmod(t, 1.0)
    along = np.where(side < 2, part, 1.0 - part)[:, None] * np.ptp(box, axis=1) + box[:, 0]
    horizontal = side % 2 == 0
    x = np.where(horizontal, along[:, 0], box[0, (side == 1).astype(int)])
    y = np.where(horizontal, box[1, (side == 2).astype(int)], along[:, 1])
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
