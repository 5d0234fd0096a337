"""Wishart ensemble: Gauss–Newton matrices of random data."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from saddlelab.arguments import finite_number, positive_number
from saddlelab.ensembles._base import Ensemble, silent
from saddlelab.ensembles._latents import Latents
from saddlelab.ensembles.beta import MAX_BETA

#: Numbers of data up to 2³¹ · 10⁶ are exact in the engine.
MIN_RATIO, MAX_RATIO = 1e-6, 1e6


@dataclass(frozen=True, kw_only=True)
class Wishart(Ensemble):
    """Matrices W = J Jᵀ/m, shifted; J is n × m with independent entries N(0, 1).

    W is a Gauss–Newton matrix with n parameters and m data.  Its mean eigenvalue is 1; as n → ∞
    the eigenvalues fill [(1 − √φ)², (1 + √φ)²], φ = n/m, with a fraction 1 − 1/φ of zeros where
    φ > 1 (Marchenko & Pastur 1967; Pennington & Bahri, ICML 2017).  W itself is positive
    semidefinite, of index 0; W − shift·I has as index the number of eigenvalues below the shift.
    Sampled in O(n) as the bidiagonal β-Laguerre model (Dumitriu & Edelman, J. Math. Phys. 43,
    2002).

    Parameters
    ----------
    ratio : float, optional
        φ = n/m, parameters by data, between 10⁻⁶ and 10⁶: n/ratio rounded to the nearest integer
        (halves up), but at least 1, is m.
    shift : float, optional
        Subtracted from the diagonal, in units of the mean eigenvalue.
    beta : float, optional
        1: real data; 2: complex; 4: quaternion; the eigenvalues' β-Laguerre law for any β > 0.

    Examples
    --------
    >>> from saddlelab import prevalence
    >>> study = prevalence("wishart", 40, ratio=4.0, shift=1e-3, samples=1000, rng=0)
    >>> int(study.histogram(40)[0][0])  # 40 parameters, 10 data: 30 zeros
    30
    """

    name: ClassVar[str] = "wishart"
    stream: ClassVar[int] = 1

    ratio: float = 1.0
    shift: float = 0.0
    beta: float = silent(1.0)

    def __post_init__(self) -> None:
        """Check the parameters."""
        ratio = positive_number("ratio", self.ratio, at_least=MIN_RATIO, at_most=MAX_RATIO)
        object.__setattr__(self, "ratio", ratio)
        object.__setattr__(self, "shift", finite_number("shift", self.shift))
        object.__setattr__(self, "beta", positive_number("beta", self.beta, at_most=MAX_BETA))

    def data(self, n: int) -> int:
        """Return the number m of data for n parameters."""
        return max(1, math.floor(n / self.ratio + 0.5))

    def index(
        self, key: np.uint64, n: int, first: int, count: int, counts: NDArray[np.int64]
    ) -> None:
        """Count the indices of a block of samples (see :meth:`Ensemble.index`)."""
        from saddlecore.laguerre import laguerre_index

        laguerre_index(key, self.beta, self.shift, n, self.data(n), first, count, counts)

    def latents(self, n: int) -> Latents:
        """Return the squared entries of the bidiagonal matrix (see :meth:`Ensemble.latents`)."""
        m = self.data(n)
        i = np.arange(1.0, min(n, m) + 1.0)
        half = 0.5 * self.beta
        gammas = np.concatenate([half * (abs(m - n) + i), half * i[:-1]])
        return Latents("laguerre", self.shift, gammas=gammas, scale=half * m, data=m)


ENSEMBLE = Wishart
