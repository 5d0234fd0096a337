"""Gaussian orthogonal ensemble."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from saddlelab.ensembles._hermite import Hermite


@dataclass(frozen=True, kw_only=True)
class GOE(Hermite):
    """Real symmetric matrices with independent Gaussian entries (β = 1).

    Density ∝ exp(−tr H²/4): variance 1 off the diagonal, 2 on it, radius 2√n.  The index does not
    depend on the scale.  Parameter ``shift``: see :class:`Hermite`.

    Examples
    --------
    >>> from saddlelab import prevalence
    >>> study = prevalence("goe", 2, samples=100_000, rng=0)
    >>> bool(abs(study.fraction("minimum")[0] - (2 - 2**0.5) / 4) < 0.005)
    True
    """

    name: ClassVar[str] = "goe"
    stream: ClassVar[int] = 1

    def dyson_index(self) -> float:
        """Return 1."""
        return 1.0


ENSEMBLE = GOE
