"""Gaussian unitary ensemble."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from saddlelab.ensembles._hermite import Hermite


@dataclass(frozen=True, kw_only=True)
class GUE(Hermite):
    """Complex Hermitian matrices with independent Gaussian entries (β = 2).

    Density ∝ exp(−tr H²/2): variance 1 on the diagonal, E|h|² = 1 off it, radius 2√n.  The index
    does not depend on the scale.  Parameter ``shift``: see :class:`Hermite`.

    Examples
    --------
    >>> from saddlelab import prevalence
    >>> study = prevalence("gue", 2, samples=100_000, rng=0)
    >>> bool(abs(study.fraction("minimum")[0] - (0.25 - 0.5 / 3.141592653589793)) < 0.003)
    True
    """

    name: ClassVar[str] = "gue"
    stream: ClassVar[int] = 1

    def dyson_index(self) -> float:
        """Return 2."""
        return 2.0


ENSEMBLE = GUE
