"""Which blocks are missing, and how many of them make a task."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np

from saddlelab.studies.blocks import IntArray, Run
from saddlelab.studies.spec import Part

#: A task of another process or machine takes about this long: its way there and back vanishes.
TASK_SECONDS = 2.0
# Towards the end tasks shrink, so that all workers end together, but not to nothing.
_LAST_TASK_SECONDS = TASK_SECONDS / 4
#: However short its blocks are: what comes back from a task must fit in memory.
MAX_TASK_BLOCKS = 1024
# The first task of a process compiles; the fastest of the last few says what the kernels do.
_REMEMBERED = 8


class Pace:
    """How many matrix rows the next task should have, by the speed of those that came back.

    Parameters
    ----------
    first_rows : int
        The answer until a task has come back.
    left : int
        Rows that the study still has to hand out.
    slots : callable
        Says how many tasks can run at once.
    """

    def __init__(self, first_rows: int, left: int, slots: Callable[[], int]) -> None:
        """Begin without any measurement."""
        self._first_rows, self._left, self._slots = first_rows, left, slots
        self._row_seconds: deque[float] = deque(maxlen=_REMEMBERED)

    def observe(self, rows: int, seconds: float) -> None:
        """Take note of a finished task."""
        self._row_seconds.append(max(seconds, 1e-9) / max(rows, 1))

    def __call__(self) -> int:
        """Return the rows that the next task should have."""
        if not self._row_seconds:
            return self._first_rows
        rate = 1.0 / min(self._row_seconds)
        share = self._left // (2 * self._slots())
        return max(min(round(TASK_SECONDS * rate), share), round(_LAST_TASK_SECONDS * rate), 1)

    def handed_out(self, rows: int) -> None:
        """Take note of a task that has been made."""
        self._left -= rows


def missing_runs(parts: list[Part], done: Mapping[int, IntArray]) -> Iterator[Run]:
    """Yield the runs of blocks not in ``done`` (sorted block numbers by part).

    The largest dimensions come first: the shortest tasks are left for the end, where workers
    would otherwise wait for the last long one.
    """
    for number, part in reversed(list(enumerate(parts))):
        first = 0
        for block in map(int, done.get(number, ())):
            if first < block:
                yield Run(number, first, block)
            first = block + 1
        if first < part.blocks:
            yield Run(number, first, part.blocks)


def missing_rows(parts: list[Part], done: Mapping[int, IntArray]) -> int:
    """Count the matrix rows of the blocks not in ``done``."""
    rows = 0
    for number, part in enumerate(parts):
        blocks = done.get(number, np.zeros(0, np.int64))
        ready = blocks.size * part.block_size
        if blocks.size and int(blocks[-1]) == part.blocks - 1:
            ready -= part.block_size - part.samples_in(part.blocks - 1)
        rows += (part.samples - ready) * part.n
    return rows


def pack(
    runs: Iterable[Run], parts: list[Part], task_rows: Callable[[], int]
) -> Iterator[list[Run]]:
    """Cut long runs and join short ones into tasks of about ``task_rows()`` matrix rows."""
    task: list[Run] = []
    size = room = task_rows()
    blocks = MAX_TASK_BLOCKS
    for part, first, stop in runs:
        rows = parts[part].samples_in(0) * parts[part].n
        while first < stop:
            cut = min(stop, first + min(max(room // rows, 1), blocks))
            task.append(Run(part, first, cut))
            room -= (cut - first) * rows
            blocks -= cut - first
            first = cut
            # Half full will do: a default block, a power of two, is a task by itself.
            if 2 * room <= size or not blocks:
                yield task
                task, blocks = [], MAX_TASK_BLOCKS
                size = room = task_rows()
    if task:
        yield task


def rows_of(runs: Iterable[Run], parts: list[Part]) -> int:
    """Count the matrix rows of a task (as if every block were full)."""
    return sum((stop - first) * parts[p].samples_in(0) * parts[p].n for p, first, stop in runs)
