"""Ensembles whose matrices are drawn entry by entry, and examined with a certificate."""

from __future__ import annotations

import logging
from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from saddlelab.ensembles._base import Ensemble

_LOG = logging.getLogger("saddlelab.ensembles")


class Sampler(NamedTuple):
    """What the engine calls to draw matrices, see ``saddlecore.samples``.

    ``lanes`` and ``plain`` are addresses (0: no such form), ``numbers`` what they read, ``work``
    how many elements of scratch they want.  ``symmetric``: only the upper triangle is filled.
    ``gap`` is e if no eigenvalue but 0 can be below 2⁻ᵉ; 0 if nothing is known.
    """

    lanes: int
    plain: int
    numbers: NDArray[np.float64]
    work: int = 0
    symmetric: bool = True
    gap: int = 0
    keep: object = None  # what owns the addresses

    def words(self) -> NDArray[np.int64]:
        """Return the engine's table; the sampler must outlive it."""
        data = self.numbers.ctypes.data
        return np.array(
            [self.lanes, self.plain, data, self.work, self.symmetric, self.gap], np.int64
        )


@dataclass(frozen=True, kw_only=True)
class Dense(Ensemble):
    """Base of the ensembles that are sampled as n × n matrices, eight side by side.

    The index of a sample is the number of its negative eigenvalues, certified by
    ``saddlecore.inertia`` for all but about one in 10¹² samples of a continuous law.  An eigenvalue
    of zero, which discrete laws have, is not negative.  What is not certified (a singular matrix,
    as a rule) is counted all the same, zeros being eigenvalues within a small multiple of the
    rounding errors; how many they are is told by `count`, and logged by ``saddlelab.ensembles``
    at level INFO.
    """

    largest: ClassVar[int] = 2**14  # two matrices and a factor: 6 GB

    @abstractmethod
    def sampler(self, n: int) -> Sampler:
        """Return what draws matrices of dimension n."""

    def index(
        self, key: np.uint64, n: int, first: int, count: int, counts: NDArray[np.int64]
    ) -> None:
        """Count the indices of a block of samples (see :meth:`Ensemble.index`)."""
        uncertified = self.count(key, n, first, count, counts)
        if uncertified:
            _LOG.info(
                "%s, n = %d, samples %d to %d: %d are not certified",
                self.name, n, first, first + count - 1, uncertified,
            )  # fmt: skip

    def count(
        self, key: np.uint64, n: int, first: int, count: int, counts: NDArray[np.int64]
    ) -> int:
        """Do what `index` does; returns how many samples are not certified."""
        from saddlecore.samples import sample_index

        sampler, report = self.sampler(n), np.zeros(3, np.int64)
        sample_index(sampler.words(), key, n, first, count, counts, report)
        self.check(key, n, report)
        return int(report[0])

    def check(self, key: np.uint64, n: int, report: NDArray[np.int64]) -> None:
        """Raise if a matrix was refused: none of these ensembles' own can be."""
        assert report[1] == 0, report

    def matrices(self, key: np.uint64, n: int, first: int, count: int) -> NDArray[np.float64]:
        """Return the matrices of a block of samples, shape (count, n, n)."""
        from saddlecore.samples import draw_samples

        sampler, found = self.sampler(n), np.empty((count, n, n))
        draw_samples(sampler.words(), key, first, found)
        return found

    def work(self, n: int) -> int:
        """Count n²/2 numbers to draw and two factorisations (see :meth:`Ensemble.work`)."""
        return max(n, n * n // 2 + n**3 // 200)
