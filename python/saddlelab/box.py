"""Boxes: a lower and an upper bound of each variable."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from saddlelab.objective import Objective

__all__ = ["box_of", "generic_point", "inside_box", "reach_in"]

Floats: TypeAlias = NDArray[np.float64]

#: A point on the edge of the box may be rounded out of it by this part of the width.
_EDGE = 1e-12


def box_of(bounds: Any) -> Floats:
    """Return bounds as (n, 2) float64."""
    if isinstance(bounds, Objective):
        own = getattr(bounds, "bounds", None)
        if own is None:
            raise TypeError("`bounds` must be given: lower and upper bound of each variable")
        bounds = own()
    if hasattr(bounds, "lb") and hasattr(bounds, "ub"):
        bounds = np.column_stack(np.broadcast_arrays(bounds.lb, bounds.ub))
    try:
        box = np.array(bounds, dtype=np.float64, order="C", ndmin=2)
    except (ValueError, TypeError):
        raise ValueError(
            f"`bounds` must be (lower, upper) for each variable, got {bounds!r}"
        ) from None
    if box.ndim != 2 or box.shape[1] != 2 or not len(box):
        raise ValueError(
            f"`bounds` must be (lower, upper) for each variable, got shape {box.shape}"
        )
    for i, (low, high) in enumerate(box.tolist()):
        if not (np.isfinite([low, high]).all() and low < high):
            raise ValueError(
                "`bounds` must be finite with lower < upper, but variable "
                f"{i} has ({low!r}, {high!r})"
            )
    return box


def generic_point(box: Floats) -> Floats:
    """A point inside the box that is nothing special: the middle often is."""
    golden = 0.6180339887498949
    share = 0.3 + 0.4 * ((1 + np.arange(len(box))) * golden % 1.0)
    point: Floats = (box[:, 0] + np.ptp(box, axis=1) * share)[None]
    return point


def inside_box(points: Floats, box: Floats) -> NDArray[np.bool_]:
    """Which points lie in the box, its edge included."""
    slack = _EDGE * np.ptp(box, axis=1)
    inside = (points >= box[:, 0] - slack) & (points <= box[:, 1] + slack)
    every: NDArray[np.bool_] = inside.all(axis=1)
    return every


def reach_in(points: Floats, box: Floats, tol: float) -> Floats:
    """How far Newton's last correction may go."""
    reach: Floats = tol * np.maximum(np.abs(points), np.ptp(box, axis=1))
    return reach
