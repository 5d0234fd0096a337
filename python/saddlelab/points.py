"""Points as users pass them: one or many."""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["all_finite", "points_of"]

Floats: TypeAlias = NDArray[np.float64]

#: Numbers that are looked at in Python, and one by one without a second thought.
_TINY, _SMALL = 16, 2048


def points_of(x: ArrayLike, name: str = "x") -> tuple[Floats, bool]:
    """``x`` as (m, n) float64, and whether it was a single point."""
    try:
        array = np.asarray(x)
    except ValueError:
        raise ValueError(f"`{name}` must be one point (n,) or many (m, n), got rows of different "
                         "lengths") from None  # fmt: skip
    if array.dtype.kind not in "biuf":
        raise TypeError(f"`{name}` must be real numbers, got dtype {array.dtype}")
    if array.ndim not in (1, 2) or array.size == 0:
        raise ValueError(f"`{name}` must be one point (n,) or many (m, n), got shape {array.shape}")
    single = array.ndim == 1
    points = np.array(array, dtype=np.float64, order="C", ndmin=2)
    if not all_finite(points):
        k, i = map(int, np.argwhere(~np.isfinite(points))[0])
        where = f"{name}[{i}]" if single else f"{name}[{k}, {i}]"
        raise ValueError(f"`{name}` must be finite, but {where} = {points[k, i]}")
    return points, single


def all_finite(array: Floats) -> bool:
    """Whether all numbers are finite; of an array that is contiguous in no time."""
    flat = array.ravel()
    if flat.size < _TINY:
        return all(map(math.isfinite, flat.tolist()))
    if flat.size < _SMALL:
        # A search for a byte: a reduction takes a microsecond.
        return b"\0" not in np.isfinite(flat).tobytes()
    return bool(np.isfinite(flat).all())  # BLAS may wait for its threads
