"""Metropolis chains on their way: calls of the engine, span by span."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

import saddlecore
from saddlelab.objective import Objective
from saddlelab.optimize.annealing_result import Annealing, AnnealingHistory
from saddlelab.studies.seeds import stream_key
from saddlelab.threads import over_threads

__all__ = ["AnnealingRun", "spans_of"]

Floats: TypeAlias = NDArray[np.float64]

#: Values between two looks at the clock, and at Ctrl-C.
_SPAN, _CALLBACK_SPAN = 2**22, 2**9
#: Chains of a thread's task: the lanes of a group, and the groups that take turns.
_LANES, _GROUPS = 8, 8
#: Version of the random numbers: with another one the same seed gives other chains.
_STREAM = 1


def spans_of(steps: int, m: int, fun: Objective, progress: bool) -> Iterator[tuple[int, int, int]]:
    """First and last time of each call of the engine, and the end."""
    size = max(1, (_SPAN if fun.parallel else _CALLBACK_SPAN) // m)
    bar = None
    if progress:
        from tqdm import tqdm

        bar = tqdm(desc=f"annealing {fun.name}", total=steps, unit="step")
    try:
        for first in range(0, steps, size):
            last = min(first + size, steps)
            yield first, last, steps
            if bar is not None:
                bar.update(last - first)
    finally:
        if bar is not None:
            bar.close()


class AnnealingRun:
    """The chains, between spans of steps."""

    def __init__(
        self,
        fun: Objective,
        box: Floats | None,
        reach: Floats,
        starts: Floats,
        plan: Floats,
        every: int,
        seed: int,
    ) -> None:
        """Put the chains where they start."""
        m, n = starts.shape
        self._fun, self._starts, self._plan, self._every = fun, starts, plan, every
        walls = np.tile([-np.inf, np.inf], (n, 1)) if box is None else box
        self._where = (reach, walls)
        self._table = fun.table(n, exact=False)
        self._key = np.uint64(stream_key(seed, "annealing", "", _STREAM, None))
        self._x, self._best, self._numbers = starts.copy(), starts.copy(), np.zeros((3, m))
        records = 1 + len(plan) // every if every else 0
        self._history = np.full((2, m, records), np.nan)

    def go(self, span: tuple[int, int, int], threads: int) -> None:
        """Take all chains through a span."""

        def part(rows: slice) -> None:
            state = (self._x[rows], self._best[rows], self._numbers[:, rows])
            history = (self._every, self._history[0, rows], self._history[1, rows])
            saddlecore.annealing.anneal(
                self._table, self._key, rows.start, self._plan[span[0] : span[1]], span,
                self._where, history, state,
            )  # fmt: skip

        m = len(self._x)
        groups = -(-m // (_LANES * threads))
        task = _LANES * min(groups, _GROUPS)
        over_threads(part, [slice(k, min(k + task, m)) for k in range(0, m, task)], threads)
        self._fun.reraise()

    def result(self, heat: Floats, seed: int) -> Annealing:
        """What the chains found."""
        engine = saddlecore.annealing
        value, best = self._numbers[engine.VALUE].copy(), self._numbers[engine.BEST_VALUE].copy()
        lost = np.isinf(best) & (best > 0.0)
        if lost.any():
            self._fun.explain(self._starts[lost], np.full(np.count_nonzero(lost), np.nan))
        history = None
        if self._every:
            steps = self._every * np.arange(self._history.shape[2])
            history = AnnealingHistory(steps, *self._history)
        taken = self._numbers[engine.ACCEPTED] / len(heat)
        return Annealing(
            self._best, best, self._x, value, taken, heat, history, seed, self._fun
        )  # fmt: skip
