"""Critical points of a smooth isotropic Gaussian field."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from saddlelab.arguments import positive_number
from saddlelab.ensembles._base import silent
from saddlelab.ensembles._kac_rice import KacRice


@dataclass(frozen=True, kw_only=True)
class GaussianField(KacRice):
    """Hessians at the critical points of a smooth isotropic Gaussian field in n dimensions.

    For a centred field of covariance C(|x − y|²/2) the Hessian is √C''(0) (M + ξI), M from the GOE
    (variance 1 off the diagonal, 2 on it) and ξ ~ N(0, 1) independent of it, whatever C; critical
    points weigh |det H| (Fyodorov, Phys. Rev. Lett. 92, 2004).

    Parameters
    ----------
    energy : float, optional
        Height u of the critical points, in standard deviations √C(0) of the field; without it all
        heights.  Given it ξ ~ N(−ρu, 1 − ρ²): low points have positive curvature.  Most
        critical points are at heights of order 1, minima and maxima at some √n (Bray & Dean, Phys.
        Rev. Lett. 98, 2007).
    correlation : float, optional
        ρ = −C'(0)/√(C''(0) C(0)), between 0 (excluded) and 1: the correlation of height and mean
        curvature.  1, the default, is that of C(t) = exp(−t), whose Hessian at a given height has
        no random shift.  It matters only together with `energy`.

    Examples
    --------
    >>> from saddlelab import prevalence
    >>> study = prevalence("gaussian-field", 2, samples=200_000, rng=0)
    >>> bool(abs(study.fraction("minimum")[0] - 0.25) < 5 * study.standard_error("minimum")[0])
    True
    """

    name: ClassVar[str] = "gaussian-field"
    stream: ClassVar[int] = 1
    energy_label: ClassVar[str] = "height in standard deviations by √n, u/√n"

    correlation: float = silent(1.0)

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        correlation = positive_number("correlation", self.correlation, at_most=1.0)
        object.__setattr__(self, "correlation", correlation)

    def energy_scale(self, n: int) -> float:
        """Return √n: the heights where the index changes by a fraction of n."""
        return math.sqrt(n)

    def shift_law(self, n: int) -> tuple[float, float]:
        """−ξ/√2 has mean 0 and variance 1/2, or, at a height, mean ρu/√2 and (1 − ρ²)/2."""
        if self.energy is None:
            return 0.0, 0.5
        mean = self.correlation * self.energy * math.sqrt(0.5)
        return mean, 0.5 * (1.0 - self.correlation) * (1.0 + self.correlation)

    def log_per_determinant(self, n: int) -> float:
        """Per volume ℓⁿ, ℓ² = −C'(0)/C''(0), and per unit of u: its density times π^(−n/2)."""
        found = -0.5 * n * math.log(math.pi)
        if self.energy is not None:
            found -= 0.5 * (self.energy * self.energy + math.log(2.0 * math.pi))
        return found


ENSEMBLE = GaussianField
