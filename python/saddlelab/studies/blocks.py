"""Counting blocks: sparse histograms, and the task that a worker runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from saddlelab.ensembles import Ensemble
from saddlelab.studies.spec import Part

IntArray: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """A histogram without its empty bins.

    The bins of a part are numbered through: those of its first dimension, then of the next.
    """

    bins: IntArray
    counts: IntArray

    def __add__(self, other: Histogram) -> Histogram:
        """Add bin by bin."""
        if not self.bins.size:
            return other
        if np.array_equal(self.bins, other.bins):
            return Histogram(self.bins, self.counts + other.counts)
        bins = np.concatenate([self.bins, other.bins])
        order = np.argsort(bins, kind="stable")
        bins, counts = bins[order], np.concatenate([self.counts, other.counts])[order]
        starts = np.flatnonzero(np.diff(bins, prepend=-1))
        return Histogram(bins[starts], np.add.reduceat(counts, starts) if starts.size else counts)


EMPTY = Histogram(np.zeros(0, np.int64), np.zeros(0, np.int64))


class Run(NamedTuple):
    """Consecutive blocks ``first`` … ``stop - 1`` of part number ``part``."""

    part: int
    first: int
    stop: int


class Counted(NamedTuple):
    """One finished block."""

    part: int
    block: int
    histogram: Histogram


def count_block(ensemble: Ensemble, part: Part, block: int) -> Histogram:
    """Sample one block and return its histogram."""
    first, count, key = block * part.block_size, part.samples_in(block), np.uint64(part.key)
    offsets = part.offsets
    dense = np.zeros(offsets[-1] * ensemble.channels, np.int64)
    if part.nested:
        dims, starts = np.array(part.dims, np.int64), np.array(offsets[:-1], np.int64)
        ensemble.index_nested(key, dims, first, count, dense, starts)
    else:
        ensemble.index(key, part.n, first, count, dense)
    bins = np.flatnonzero(dense)
    return Histogram(bins, dense[bins])


def count_task(ensemble: Ensemble, work: list[tuple[Run, Part]]) -> list[Counted]:
    """Count every block of a task.  Plain data in and out: it runs in any process."""
    return [
        Counted(run.part, block, count_block(ensemble, part, block))
        for run, part in work
        for block in range(run.first, run.stop)
    ]
