"""Gaussian orthogonal ensemble."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from saddlelab.ensembles._base import Ensemble


@dataclass(frozen=True)
class GOE(Ensemble):
    """Symmetric matrices with independent Gaussian entries.

    Density ∝ exp(−tr H²/4): variance 1 off the diagonal, 2 on it.  The index does not depend on
    the scale.  Sampled as the tridiagonal β-Hermite model with β = 1 (Dumitriu & Edelman, Matrix
    models for beta ensembles, J. Math. Phys. 43, 2002), whose leading blocks are the ensemble in
    fewer dimensions: one sample of the largest dimension gives all of a nested study.
    """

    name: ClassVar[str] = "goe"
    stream: ClassVar[int] = 1

    # The engine is imported at the first block: `import saddlelab` does not pay for Numba.

    def index(
        self, key: np.uint64, n: int, first: int, count: int, counts: NDArray[np.int64]
    ) -> None:
        """Count the indices of a block of samples (see :meth:`Ensemble.index`)."""
        from saddlecore.goe import goe_index

        goe_index(key, n, first, count, counts)

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
        from saddlecore.goe import goe_index_nested

        goe_index_nested(key, dims, first, count, counts, offsets)


ENSEMBLE = GOE
