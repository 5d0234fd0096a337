"""Wishart plus Wigner matrices: a model of the Hessian of a network's loss."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from saddlelab.arguments import positive_number
from saddlelab.ensembles._dense import Dense, Sampler
from saddlelab.ensembles._latents import Latents
from saddlelab.ensembles.wishart import MAX_RATIO, MIN_RATIO

MIN_ENERGY, MAX_ENERGY = 1e-12, 1e12


@dataclass(frozen=True, kw_only=True)
class WishartGOE(Dense):
    """H = J Jᵀ/m + √(2ε/n) G: a Gauss–Newton matrix and what the residuals add to it.

    J is n × m with independent entries N(0, 1), G an independent GOE matrix (variance 1 off the
    diagonal, 2 on it): the model of Pennington & Bahri (ICML 2017, §4) for n parameters, m data and
    the energy (loss) ε.  As n → ∞ the fraction α(ε) of negative eigenvalues is 0 below a critical
    energy ε_c = (1 − 20φ − 8φ² + (1 + 8φ)^(3/2))/16 and grows like (ε − ε_c)^(3/2) above it.

    Parameters
    ----------
    ratio : float, optional
        φ = n/m, parameters by data, between 10⁻⁶ and 10⁶; m as for ``wishart``.
    energy : float, optional
        ε, between 10⁻¹² and 10¹².

    Examples
    --------
    >>> from saddlelab import prevalence
    >>> study = prevalence("wishart+goe", 60, ratio=0.25, energy=0.5, samples=1000, rng=0)
    >>> bool(abs(study.index_mean()[0] / 60 - 0.225349) < 0.005)
    True
    """

    name: ClassVar[str] = "wishart+goe"
    stream: ClassVar[int] = 1

    ratio: float = 0.25
    energy: float = 0.1

    def __post_init__(self) -> None:
        """Check the parameters."""
        ratio = positive_number("ratio", self.ratio, at_least=MIN_RATIO, at_most=MAX_RATIO)
        energy = positive_number("energy", self.energy, at_least=MIN_ENERGY, at_most=MAX_ENERGY)
        object.__setattr__(self, "ratio", ratio)
        object.__setattr__(self, "energy", energy)

    def data(self, n: int) -> int:
        """Return the number m of data for n parameters."""
        return max(1, math.floor(n / self.ratio + 0.5))

    def sampler(self, n: int) -> Sampler:
        """Return what draws matrices of dimension n."""
        from saddlecore.bartlett import scratch_of, wishart_goe_lanes, wishart_goe_plain

        numbers = np.array([self.data(n), math.sqrt(2.0 * self.energy / n)])
        return Sampler(wishart_goe_lanes(), wishart_goe_plain(), numbers, scratch_of(n))

    def latents(self, n: int) -> Latents:
        """Return G's entries, T's below its diagonal, and the halves of the χ² on it."""
        m = self.data(n)
        below = sum(min(i, m) for i in range(n))
        return Latents(
            "wishart_goe", 0.0, normals=n * (n + 1) // 2 + below,
            gammas=0.5 * (m - np.arange(min(n, m), dtype=float)),
            scale=math.sqrt(2.0 * self.energy / n), factor=math.sqrt(2.0), data=m,
        )  # fmt: skip


ENSEMBLE = WishartGOE
