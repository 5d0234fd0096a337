"""Critical points of the spherical p-spin glass."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from saddlelab.arguments import positive_integer
from saddlelab.ensembles._kac_rice import KacRice

#: More is no different: E_∞ = 2 to nine digits.
MAX_P = 10**9


@dataclass(frozen=True, kw_only=True)
class PSpin(KacRice):
    """Hessians at the critical points of the pure p-spin energy on the sphere.

    The energy H of N spins σ, |σ|² = N, is the Gaussian field of covariance N(σ·σ'/N)^p.  On the
    sphere its Hessian has n = N − 1 rows: at H = NE it is √(2p(p − 1)/N) T − pE I with T from the
    GOE, in the scale where the semicircle has radius √(2n) (Auffinger, Ben Arous & Černý, Comm.
    Pure Appl. Math. 66, 2013).  Below E = −E_∞, E_∞ = 2√((p − 1)/p), minima prevail.

    Parameters
    ----------
    p : int, optional
        Spins in each term, at least 2.  For p = 2 the critical points are the 2N eigenvectors of
        a random matrix: exactly two of each index.
    energy : float, optional
        Energy E per spin; without it all critical points, E ~ N(0, 1/N) before weighting.

    Examples
    --------
    >>> from saddlelab import prevalence
    >>> study = prevalence("p-spin", 4, p=2, samples=200_000, rng=0)  # 5 spins, indices 0 … 4
    >>> bool(abs(study.fraction("minimum")[0] - 1 / 5) < 5 * study.standard_error("minimum")[0])
    True
    """

    name: ClassVar[str] = "p-spin"
    stream: ClassVar[int] = 1
    energy_label: ClassVar[str] = "energy per spin, E"

    p: int = 3

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        p = positive_integer("p", self.p, at_most=MAX_P)
        if p < 2:
            raise ValueError(f"`p` must be at least 2, got {p}")
        object.__setattr__(self, "p", p)

    def energy_scale(self, n: int) -> float:
        """Return 1: E is of order 1 in any dimension."""
        return 1.0

    def shift_law(self, n: int) -> tuple[float, float]:
        """E√N √(p/(2(p − 1))), which is √(2n) (E/E_∞) √(N/(N − 1)); E√N is N(0, 1)."""
        variance = 0.5 * self.p / (self.p - 1)
        if self.energy is None:
            return 0.0, variance
        return self.energy * math.sqrt((n + 1) * variance), 0.0

    def log_per_determinant(self, n: int) -> float:
        """On the whole sphere; at an energy, per unit of E."""
        # The sphere's area 2 π^(N/2) N^(n/2)/Γ(N/2), the gradient's density (2πp)^(−n/2) at 0, and
        # the Hessian's scale.
        found = math.log(2.0) + 0.5 * math.log(math.pi) - math.lgamma(0.5 * (n + 1))
        found += 0.5 * n * math.log(self.p - 1)
        if self.energy is not None:
            # E ~ N(0, 1/N)
            found += 0.5 * math.log((n + 1) / (2.0 * math.pi))
            found -= 0.5 * (n + 1) * self.energy * self.energy
        return found


ENSEMBLE = PSpin
