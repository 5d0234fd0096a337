"""Diagonal matrices: independent eigenvalues."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from saddlelab.arguments import finite_number
from saddlelab.ensembles._base import Ensemble
from saddlelab.ensembles._latents import Latents


@dataclass(frozen=True, kw_only=True)
class Diagonal(Ensemble):
    """Diagonal matrices with independent entries N(0, 1): curvatures that ignore each other.

    Without a shift any law that is symmetric about 0 has the same index: binomial, a minimum with
    probability 2⁻ⁿ.  Repulsion of eigenvalues makes minima of the GOE far rarer, e^(−0.27 n²).

    Parameters
    ----------
    shift : float, optional
        Classify H − shift·I instead of H; the index is binomial with p = Φ(shift).

    Examples
    --------
    >>> from saddlelab import prevalence
    >>> study = prevalence("diagonal", 3, samples=100_000, rng=0)
    >>> bool(abs(study.fraction("minimum")[0] - 1 / 8) < 0.004)
    True
    """

    name: ClassVar[str] = "diagonal"
    stream: ClassVar[int] = 1

    shift: float = 0.0

    def __post_init__(self) -> None:
        """Check the parameters."""
        object.__setattr__(self, "shift", finite_number("shift", self.shift))

    def index(
        self, key: np.uint64, n: int, first: int, count: int, counts: NDArray[np.int64]
    ) -> None:
        """Count the indices of a block of samples (see :meth:`Ensemble.index`)."""
        offsets = np.zeros(1, np.int64)
        self.index_nested(key, np.array([n], np.int64), first, count, counts, offsets)

    def index_nested(
        self,
        key: np.uint64,
        dims: NDArray[np.int64],
        first: int,
        count: int,
        counts: NDArray[np.int64],
        offsets: NDArray[np.int64],
    ) -> None:
        """Count for all ``dims`` in one pass (see :meth:`Ensemble.index_nested`)."""
        from saddlecore.diagonal import diagonal_index

        p = 0.5 * math.erfc(-self.shift / math.sqrt(2.0))
        diagonal_index(key, p, dims, first, count, counts, offsets)

    def latents(self, n: int) -> Latents:
        """Return the entries (see :meth:`Ensemble.latents`)."""
        return Latents("diagonal", self.shift, normals=n)


ENSEMBLE = Diagonal
