"""Walking over a grid in spans, by threads, with a progress bar."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

import saddlecore
from saddlelab.lines import points_of_grid
from saddlelab.objective import Objective
from saddlelab.threads import over_threads

__all__ = ["LANES", "GridWalk", "rounds", "whole_rows"]

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]
Span: TypeAlias = tuple[int, int]

LANES = 8


def whole_rows(size: int, row: int) -> int:
    """A size of spans, whole rows for every lane if they fit: lanes end a row together then."""
    rows = LANES * row
    return max(1, size // rows) * rows if rows <= size else size


def rounds(
    total: int, size: int, tasks: int, name: str, progress: bool
) -> Iterator[list[Span]]:
    """Spans of `size` points, `tasks` of them between two looks at the clock and at Ctrl-C."""
    bar = None
    if progress:
        from tqdm import tqdm

        bar = tqdm(desc=name, total=total, unit="point", unit_scale=True)
    try:
        for first in range(0, total, size * tasks):
            last = min(first + size * tasks, total)
            yield [(k, min(k + size, last)) for k in range(first, last, size)]
            if bar is not None:
                bar.update(last - first)
    finally:
        if bar is not None:
            bar.close()


class GridWalk:
    """The values of a function on a grid, and the least of them, between rounds.

    The grid is of the variables, or, with an `origin` (n,) and `directions` (k, n), of points
    origin + Σ t_k directions[k].

    Attributes
    ----------
    top : tuple of array
        The least values and their numbers.
    undefined : int
        How many values are NaN.
    values : (total,) float
        All values, or empty.
    """

    def __init__(
        self,
        fun: Objective,
        lines: Floats,
        counts: Integers,
        top: int,
        values: Floats,
        origin: Floats | None = None,
        directions: Floats | None = None,
    ) -> None:
        """Walk nowhere yet."""
        self._fun, self._lines, self._counts, self.values = fun, lines, counts, values
        self._origin = np.empty(0) if origin is None else origin
        self._directions = np.empty((0, 0)) if directions is None else directions
        self._table = fun.table(len(self._origin) or len(counts), exact=False)
        self.top = self._none(top)
        self.undefined, self._where = 0, saddlecore.grid.NONE

    @staticmethod
    def _none(top: int) -> tuple[Floats, Integers]:
        return np.full(top, np.inf), np.full(top, saddlecore.grid.NONE)

    def go(self, spans: list[Span], threads: int) -> None:
        """Go through spans of the grid."""
        found = []

        def part(span: Span) -> None:
            top = self._none(len(self.top[0]))
            lost = np.array([0, saddlecore.grid.NONE])
            saddlecore.grid.search(
                self._table, self._lines, self._counts, span, self._origin, self._directions,
                top, lost, self.values,
            )  # fmt: skip
            found.append((top, lost))

        over_threads(part, spans, threads)
        self._fun.reraise()
        value = np.concatenate([self.top[0], *(top[0] for top, _ in found)])
        number = np.concatenate([self.top[1], *(top[1] for top, _ in found)])
        least = np.lexsort((number, value))[: len(self.top[0])]
        self.top = value[least], number[least]
        self.undefined += sum(int(lost[saddlecore.grid.COUNT]) for _, lost in found)
        self._where = min([self._where, *(lost[saddlecore.grid.WHERE] for _, lost in found)])

    def points(self, numbers: Integers) -> Floats:
        """The points with these numbers, (m, n)."""
        t = points_of_grid(self._lines, self._counts, numbers)
        if not len(self._directions):
            return t
        found = np.tile(self._origin, (len(t), 1))
        for tk, direction in zip(t.T, self._directions, strict=True):
            found += tk[:, None] * direction
        return found

    def explain(self) -> None:
        """Raise what the function raises at the first point where it gave NaN, if it does."""
        if self.undefined:
            self._fun.explain(self.points(np.array([self._where])), np.full(1, np.nan))
