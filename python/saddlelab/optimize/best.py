"""The best point of a search."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Best"]

Floats: TypeAlias = NDArray[np.float64]


class Best(NamedTuple):
    """Where the least value was found, and it."""

    x: Floats
    value: float
