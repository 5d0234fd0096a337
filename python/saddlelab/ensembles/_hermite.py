"""The Gaussian ensembles of any Dyson index β, sampled in O(n)."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from saddlelab.arguments import finite_number
from saddlelab.ensembles._base import Ensemble, silent


@dataclass(frozen=True, kw_only=True)
class Hermite(Ensemble):
    """Base of the ensembles with eigenvalue density ∝ ∏|λ_i − λ_j|^β exp(−Σ λ²/2).

    Sampled as the tridiagonal β-Hermite model (Dumitriu & Edelman, Matrix models for beta
    ensembles, J. Math. Phys. 43, 2002), whose leading blocks are the ensemble in fewer dimensions:
    one sample of the largest dimension gives all of a nested study.

    Parameters
    ----------
    shift : float, optional
        Classify H − shift·R·I instead of H, with R = √(2βn) the radius of the semicircle that the
        eigenvalues fill as n → ∞: 0 is its centre, −1 and 1 are its edges.  The index is then the
        number of eigenvalues below shift·R, a fraction ½ + (s√(1 − s²) + arcsin s)/π of them as
        n → ∞ (Bray & Dean, Phys. Rev. Lett. 98, 2007, whose u is −shift).
    """

    shift: float = silent(0.0)

    def __post_init__(self) -> None:
        """Check the parameters."""
        object.__setattr__(self, "shift", finite_number("shift", self.shift))

    @abstractmethod
    def dyson_index(self) -> float:
        """Return β."""

    # The engine is imported at the first block: `import saddlelab` does not pay for Numba.

    def index(
        self, key: np.uint64, n: int, first: int, count: int, counts: NDArray[np.int64]
    ) -> None:
        """Count the indices of a block of samples (see :meth:`Ensemble.index`)."""
        from saddlecore.hermite import hermite_index

        hermite_index(key, self.dyson_index(), self.shift, n, first, count, counts)

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
        from saddlecore.hermite import hermite_index_nested

        hermite_index_nested(key, self.dyson_index(), 0.0, dims, first, count, counts, offsets)

    def why_not_nested(self) -> str:
        """Refuse a shift: the matrix of n + 1 is shifted by more than its leading block of n."""
        if self.shift != 0.0:
            return (
                "`shift` is in units of the semicircle's radius, another in each dimension, got "
                f"shift={self.shift}"
            )
        return super().why_not_nested()
