"""Boxes of which the widths are finite too."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from saddlelab.box import box_of

__all__ = ["finite_box"]

Floats: TypeAlias = NDArray[np.float64]


def finite_box(bounds: Any) -> Floats:
    """Return bounds as (n, 2) float64; a width that overflows is an error."""
    box = box_of(bounds)
    with np.errstate(over="ignore"):
        wide = box[:, 1] - box[:, 0]
    if not np.isfinite(wide).all():
        i = int(np.argmin(np.isfinite(wide)))
        raise ValueError(f"`bounds` must have finite widths, but variable {i} has "
                         f"({box[i, 0]}, {box[i, 1]})")  # fmt: skip
    return box
