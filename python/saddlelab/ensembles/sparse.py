"""Sparse Wigner matrices: those of random graphs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from saddlelab.arguments import finite_number, positive_number
from saddlelab.ensembles._dense import Dense, Sampler
from saddlelab.ensembles._latents import Latents

MIN_DEGREE, MAX_DEGREE = 1e-3, 2.0**14


@dataclass(frozen=True, kw_only=True)
class Sparse(Dense):
    """Erdős–Rényi matrices: H_ij = H_ji is N(0, n/c) with probability c/n, else 0.

    The entries on and above the diagonal are independent, and have variance 1: as the mean degree
    c grows the eigenvalues fill the semicircle of radius 2√n (Erdős, Knowles, Yau & Yin, Ann.
    Probab. 41, 2013).  While c stays bounded some rows hold nothing, a fraction near e^−c, and
    others hang on such a thread that H is singular (Bauer & Golinelli, J. Stat. Phys. 103, 2001):
    without a shift a large sparse matrix has zeros among its eigenvalues.  They are not negative:
    its index is lower than n/2.

    Parameters
    ----------
    degree : float, optional
        The mean number c of entries in a row, between 10⁻³ and 2¹⁴; n if larger.
    shift : float, optional
        Classify H − shift·2√n·I instead of H: in units of the semicircle's radius.

    Notes
    -----
    Singular matrices are left to LAPACK, which takes as long as NumPy would, and are not certified.

    Examples
    --------
    >>> from saddlelab import prevalence
    >>> study = prevalence("sparse", 1, degree=0.5, samples=10_000, rng=0)
    >>> bool(abs(study.fraction("maximum")[0] - 0.25) < 0.02)  # half are 0
    True
    """

    name: ClassVar[str] = "sparse"
    stream: ClassVar[int] = 1

    degree: float = 4.0
    shift: float = 0.0

    def __post_init__(self) -> None:
        """Check the parameters."""
        degree = positive_number("degree", self.degree, at_least=MIN_DEGREE, at_most=MAX_DEGREE)
        object.__setattr__(self, "degree", degree)
        object.__setattr__(self, "shift", finite_number("shift", self.shift))

    def sampler(self, n: int) -> Sampler:
        """Return what draws matrices of dimension n."""
        from saddlecore.wigner import sparse_lanes, sparse_plain

        p = min(1.0, self.degree / n)
        numbers = np.array([p, math.sqrt(1.0 / p), self.shift * 2.0 * math.sqrt(n)])
        return Sampler(sparse_lanes(), sparse_plain(), numbers)

    def latents(self, n: int) -> Latents:
        """Return what the entries are functions of (see :meth:`Ensemble.latents`)."""
        entries, p = n * (n + 1) // 2, min(1.0, self.degree / n)
        return Latents(
            "sparse", self.shift * 2.0 * math.sqrt(n), normals=entries, bits=entries,
            probability=p, scale=math.sqrt(1.0 / p),
        )  # fmt: skip


ENSEMBLE = Sparse
