"""Real Ginibre matrices: what is sampled when one forgets to symmetrise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from saddlelab.ensembles._base import Ensemble
from saddlelab.ensembles._dense import Sampler

# Entries of the matrices that LAPACK gets at once.
_AT_ONCE = 2**18


@dataclass(frozen=True, kw_only=True)
class Ginibre(Ensemble):
    """Matrices of n² independent entries N(0, 1), not symmetric: no Hessian is like them.

    The "index" is the number of eigenvalues with a negative real part, which is what many a script
    counts for a random Hessian.  The law differs from the GOE's, and decays more slowly: all real
    parts are positive with probability 0.25 (GOE: 0.146) at n = 2, 0.104 (0.0249) at n = 3 and
    0.0372 (0.00246) at n = 4.  It is the right law for another question, whether an equilibrium of
    a large random dynamical system is stable (May, Nature 238, 1972).

    Sampled in lanes; the eigenvalues are LAPACK's, and not certified.

    Examples
    --------
    >>> from saddlelab import prevalence
    >>> study = prevalence("ginibre", 2, samples=50_000, rng=0)
    >>> bool(abs(study.fraction("minimum")[0] - 0.25) < 0.01)
    True
    """

    name: ClassVar[str] = "ginibre"
    stream: ClassVar[int] = 1
    largest: ClassVar[int] = 2**13

    def index(
        self, key: np.uint64, n: int, first: int, count: int, counts: NDArray[np.int64]
    ) -> None:
        """Count the indices of a block of samples (see :meth:`Ensemble.index`)."""
        size = max(1, _AT_ONCE // (n * n))
        for start in range(first, first + count, size):
            stack = self.matrices(key, n, start, min(size, first + count - start))
            below = np.count_nonzero(np.linalg.eigvals(stack).real < 0.0, axis=1)
            counts += np.bincount(below, minlength=n + 1)

    def matrices(self, key: np.uint64, n: int, first: int, count: int) -> NDArray[np.float64]:
        """Return the matrices of a block of samples, shape (count, n, n)."""
        from saddlecore.entries import SCRATCH
        from saddlecore.samples import draw_samples_lanes
        from saddlecore.wigner import ginibre_lanes, ginibre_plain

        sampler = Sampler(ginibre_lanes(), ginibre_plain(), np.zeros(1), SCRATCH, symmetric=False)
        found = np.empty((count, n, n))
        draw_samples_lanes(sampler.words(), key, first, found)
        return found

    def work(self, n: int) -> int:
        """Count the Hessenberg form and its iterations (see :meth:`Ensemble.work`)."""
        return 500 * n + 4 * n * n + n**3 // 2


ENSEMBLE = Ginibre
