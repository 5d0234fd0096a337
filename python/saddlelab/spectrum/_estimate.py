"""A number with its standard error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Estimate"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """An unbiased estimate from random vectors.

    Attributes
    ----------
    value : float or (m,) float64
        The estimate.
    error : float or (m,) float64
        Its standard error; 0 where it is exact (but for rounding).
    products : int
        Vectors that the operator was multiplied with.
    """

    value: float | NDArray[np.float64]
    error: float | NDArray[np.float64]
    products: int

    def __str__(self) -> str:
        """Write "value ± error"."""
        if np.ndim(self.value):
            return f"{self.value} ± {self.error}"
        return f"{self.value:.6g} ± {self.error:.2g}"
