"""Counting blocks: sparse histograms, and the task that a worker runs."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from saddlelab.ensembles import Ensemble
from saddlelab.studies.spec import Part
from saddlelab.threads import thread_pool

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
        return _collected(bins, np.concatenate([self.counts, other.counts]))


EMPTY = Histogram(np.zeros(0, np.int64), np.zeros(0, np.int64))
# Smaller histograms are gathered to so many bins, then added at once: a study of a million blocks
# would else pay for a million sorts of a few numbers.
_GATHERED_BINS = 2**12


class Tally:
    """A sum of histograms under way."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._sum, self._waiting, self._bins = EMPTY, list[Histogram](), 0

    def add(self, histogram: Histogram) -> None:
        """Add a histogram."""
        if histogram.bins.size >= _GATHERED_BINS:
            self._sum += histogram
            return
        self._waiting.append(histogram)
        self._bins += histogram.bins.size + 1
        if self._bins >= _GATHERED_BINS:
            self.total()

    def total(self) -> Histogram:
        """Return the sum of what was added."""
        if self._waiting:
            bins = np.concatenate([each.bins for each in self._waiting])
            counts = np.concatenate([each.counts for each in self._waiting])
            self._sum += _collected(bins, counts)
            self._waiting, self._bins = [], 0
        return self._sum


def _collected(bins: IntArray, counts: IntArray) -> Histogram:
    """The histogram of bins in any order, some of them several times."""
    order = np.argsort(bins, kind="stable")
    bins, counts = bins[order], counts[order]
    starts = np.flatnonzero(np.diff(bins, prepend=-1))
    return Histogram(bins[starts], np.add.reduceat(counts, starts) if starts.size else counts)


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


class Task(NamedTuple):
    """Some blocks to count, as plain data: it travels to any process."""

    ensemble: Ensemble
    stream: int
    work: list[tuple[Run, Part]]
    threads: int
    # Dask takes equal arguments for the same task, also one that it has given up.
    attempt: int = 1


class Finished(NamedTuple):
    """The blocks of a task, and how long it took."""

    blocks: list[Counted]
    seconds: float


def run_task(task: Task) -> Finished:
    """Count every block of a task, wherever this is.

    Raises
    ------
    ValueError
        If the ensemble's samples are others here than where the task was made.
    """
    if task.ensemble.stream != task.stream:
        raise ValueError(
            f"a worker samples {task.ensemble.name!r} in version {task.ensemble.stream}, the study "
            f"in version {task.stream}: install the same saddlecore everywhere"
        )
    began = time.perf_counter()
    blocks = count_task(task.ensemble, task.work, task.threads)
    return Finished(blocks, time.perf_counter() - began)


def count_task(
    ensemble: Ensemble, work: list[tuple[Run, Part]], threads: int = 1
) -> list[Counted]:
    """Count all blocks of some runs, in order."""
    blocks = [
        (part, run.part, block) for run, part in work for block in range(run.first, run.stop)
    ]

    def count(item: tuple[Part, int, int]) -> Counted:
        part, number, block = item
        return Counted(number, block, count_block(ensemble, part, block))

    if threads == 1 or len(blocks) == 1:
        return [count(item) for item in blocks]
    return list(thread_pool(threads).map(count, blocks))
