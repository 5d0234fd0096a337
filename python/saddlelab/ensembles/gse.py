"""Gaussian symplectic ensemble."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from saddlelab.ensembles._hermite import Hermite


@dataclass(frozen=True, kw_only=True)
class GSE(Hermite):
    """Self-dual quaternion matrices with independent Gaussian entries (β = 4).

    Density ∝ exp(−tr H²) over the n × n quaternion matrix.  As a complex matrix of 2n it has every
    eigenvalue twice; here n is the number of distinct ones, and the index counts those.  Parameter
    ``shift``: see :class:`Hermite`.
    """

    name: ClassVar[str] = "gse"
    stream: ClassVar[int] = 1

    def dyson_index(self) -> float:
        """Return 4."""
        return 4.0


ENSEMBLE = GSE
