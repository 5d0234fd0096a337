"""Gaussian ensemble of any Dyson index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from saddlelab.arguments import positive_number
from saddlelab.ensembles._hermite import Hermite

#: The engine scales its chains often enough for this.
MAX_BETA = 1e9


@dataclass(frozen=True, kw_only=True)
class BetaHermite(Hermite):
    """Eigenvalues with the density ∝ ∏|λ_i − λ_j|^β exp(−Σ λ²/2), for any β > 0.

    β = 1, 2 and 4 are the GOE, GUE and GSE (with samples of their own); for other β the matrices
    are the tridiagonal ones of Dumitriu & Edelman (J. Math. Phys. 43, 2002).  Small β loosens the
    spectrum towards independent N(0, 1) eigenvalues, large β freezes it.

    Parameters
    ----------
    beta : float, optional
        Dyson index, positive and at most 10⁹.
    shift : float, optional
        See :class:`Hermite`.

    Examples
    --------
    >>> from saddlelab import prevalence
    >>> prevalence("beta", 10, beta=2.5, samples=1000, rng=0).parameters
    {'beta': 2.5}
    """

    name: ClassVar[str] = "beta"
    stream: ClassVar[int] = 1

    beta: float = 1.0

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        object.__setattr__(self, "beta", positive_number("beta", self.beta, at_most=MAX_BETA))

    def dyson_index(self) -> float:
        """Return the parameter."""
        return self.beta


ENSEMBLE = BetaHermite
