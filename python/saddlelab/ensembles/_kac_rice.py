"""Critical points of random landscapes: Hessians weighted by |det H|."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from saddlelab.arguments import finite_number
from saddlelab.ensembles._base import Ensemble, silent


@dataclass(frozen=True, kw_only=True)
class KacRice(Ensemble):
    """Base of the ensembles whose Hessians are T − sI, T a GOE matrix and s normal, by |det|.

    The mean number of critical points of a kind is the mean of |det H| over Hessians of that kind
    (times what does not depend on it), the gradient being zero: the formula of Kac and Rice (see
    Fyodorov, Phys. Rev. Lett. 92, 2004).  Samples are drawn in O(n) and weighted; fractions and
    their errors are those of the weights.  These spread with n (the variance of ln|det H| grows
    like ln n), so a study reports how many samples of equal weight would say as much.
    """

    weighted: ClassVar[bool] = True
    channels: ClassVar[int] = 8  # as saddlecore.weighted.BINS
    #: What ``energy / energy_scale(n)`` is, on the axis of a picture.
    energy_label: ClassVar[str]

    energy: float | None = silent(None)

    def __post_init__(self) -> None:
        """Check the parameters."""
        if self.energy is not None:
            object.__setattr__(self, "energy", finite_number("energy", self.energy))

    @abstractmethod
    def energy_scale(self, n: int) -> float:
        """Return the energies over which the index goes from a fraction of n to another."""

    @abstractmethod
    def shift_law(self, n: int) -> tuple[float, float]:
        """Mean and variance of s, where T has the diagonal N(0, 1) and the radius √(2n)."""

    @abstractmethod
    def log_per_determinant(self, n: int) -> float:
        """Return ln(number of critical points / E|det(T − s)|)."""

    def index(
        self, key: np.uint64, n: int, first: int, count: int, counts: NDArray[np.int64]
    ) -> None:
        """Add to the eight bins of each index (see :mod:`saddlecore.weighted`)."""
        from saddlecore.weighted import weighted_index

        weighted_index(key, *self.shift_law(n), n, first, count, counts)

    def log_unit(self, n: int) -> float:
        """Return ln of the number of critical points that a mean weight of 1 stands for."""
        from saddlecore.weighted import shift_proposal

        mean, variance = self.shift_law(n)
        centre, spread, _, _, power = shift_proposal(n, mean, variance)
        found = self.log_per_determinant(n) + power * math.log(2.0)
        if variance > 0.0:
            # The weights leave out what all have of N(s; mean, variance)/q(s).
            found += math.log(spread) - 0.5 * (math.log(variance) + (mean - centre) ** 2 / variance)
        return float(found)

    def bulk_fraction(self, n: int) -> float:
        """Return the fraction of negative eigenvalues as n → ∞, energy and dimension in step.

        That is ½ + (x√(1 − x²) + arcsin x)/π where the weighted shifts concentrate at x radii of
        the semicircle (Bray & Dean, Phys. Rev. Lett. 98, 2007, whose u is −x).
        """
        mean, variance = self.shift_law(n)
        # Weighting by |det| multiplies the density of s by exp(s²/2): to nothing where τ² = 1.
        typical = mean / (1.0 - variance) if variance < 1.0 else 0.0
        x = min(max(typical / math.sqrt(2.0 * n), -1.0), 1.0)
        return 0.5 + (x * math.sqrt(1.0 - x * x) + math.asin(x)) / math.pi
