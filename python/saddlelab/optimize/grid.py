"""Grid search: the least values of a function on a full grid."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

import saddlecore
from saddlelab.arguments import positive_integer, worker_count
from saddlelab.as_objective import as_objective
from saddlelab.box import generic_point
from saddlelab.objective import Objective
from saddlelab.optimize.finite_box import finite_box
from saddlelab.optimize.grid_result import GridSearch, lines_of, points_of_grid
from saddlelab.threads import over_threads

__all__ = ["grid_search"]

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]

_MOST_POINTS, _MOST_TOP, _MOST_KEPT = 2**62, 10**6, 2**28
#: Points of a task for a thread, and tasks between two looks at the clock and at Ctrl-C.
_TASK, _CALLBACK_TASK, _TASKS = 2**18, 2**9, 32
_LANES = 8


def grid_search(
    fun: Any,
    bounds: ArrayLike | None,
    points: int | ArrayLike,
    *,
    top: int = 10,
    keep_values: bool = False,
    workers: int | None = None,
    progress: bool = False,
) -> GridSearch:
    """Evaluate a function on a full grid and keep the least values.

    The grid is nowhere in memory: its size is a matter of time only.

    Parameters
    ----------
    fun : callable or Objective
        See `saddlelab.objective`.
    bounds : (n, 2) array_like, scipy.optimize.Bounds or None
        Lower and upper bound of each variable, both on the grid.  None for an entry of
        `saddlelab.surfaces`: its own.
    points : int or (n,) array_like of int
        How many coordinates each variable has; a single one stands in the middle.
    top : int, optional
        How many points are kept.
    keep_values : bool, optional
        Whether to keep all values, too.
    workers : int, optional
        Threads; all cores by default.  The result is the same for any number.
    progress : bool, optional
        Draw a progress bar on stderr.

    Returns
    -------
    GridSearch

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range.
    Exception
        Whatever the function raises, with the point in its notes.

    Notes
    -----
    Coordinates are those of `numpy.linspace`, to the bit.

    Examples
    --------
    >>> from saddlelab import surfaces
    >>> from saddlelab.optimize.grid import grid_search
    >>> found = grid_search(surfaces.himmelblau, None, 121)
    >>> found.x[found.best].round(2).tolist(), found.evaluations
    ([3.0, 2.0], 14641)
    """
    made = as_objective(fun)
    box = finite_box(made if bounds is None else bounds)
    counts = _counts(points, len(box))
    total = math.prod(counts.tolist())
    _check_total(total, keep_values)
    top = min(positive_integer("top", top, at_most=_MOST_TOP), total)
    threads = worker_count(workers) if made.parallel else 1
    lines = lines_of(box, counts)
    made.check(generic_point(box))
    search = _Search(made, lines, counts, top, np.empty(total if keep_values else 0))
    for spans in _rounds(made, counts, total, progress):
        search.go(spans, threads)
    return search.result(box)


# --- arguments -------------------------------------------------------------------------------


def _counts(points: Any, n: int) -> Integers:
    if np.ndim(points) == 0:
        return np.full(n, positive_integer("points", points, at_most=_MOST_POINTS))
    given = [positive_integer("points", each, at_most=_MOST_POINTS) for each in points]
    if len(given) != n:
        raise ValueError(f"`points` must be a number or one for each of {n} variables, got "
                         f"{len(given)}")  # fmt: skip
    return np.array(given, dtype=np.int64)


def _check_total(total: int, keep_values: bool) -> None:
    if total > _MOST_POINTS:
        raise ValueError(f"`points` must make a grid of at most {_MOST_POINTS:.2g} points, got "
                         f"{total:.2g}")  # fmt: skip
    if keep_values and total > _MOST_KEPT:
        raise ValueError(f"`keep_values` must be False for more than {_MOST_KEPT} points, got "
                         f"{total:.2g}")  # fmt: skip


# --- the search ------------------------------------------------------------------------------


def _rounds(
    fun: Objective, counts: Integers, total: int, progress: bool
) -> Iterator[list[tuple[int, int]]]:
    """Spans of the grid, in rounds."""
    size = _TASK if fun.parallel else _CALLBACK_TASK
    # Whole rows for every lane: they are through with a row at the same time then.
    rows = _LANES * int(counts[-1])
    size = max(1, size // rows) * rows if rows <= size else size
    size = min(size, _LANES * -(-total // (2 * _LANES)))  # two at least
    bar = None
    if progress:
        from tqdm import tqdm

        bar = tqdm(desc=f"grid search {fun.name}", total=total, unit="point", unit_scale=True)
    try:
        for first in range(0, total, size * _TASKS):
            last = min(first + size * _TASKS, total)
            yield [(k, min(k + size, last)) for k in range(first, last, size)]
            if bar is not None:
                bar.update(last - first)
    finally:
        if bar is not None:
            bar.close()


class _Search:
    """The least values, between rounds."""

    def __init__(
        self, fun: Objective, lines: Floats, counts: Integers, top: int, values: Floats
    ) -> None:
        self._fun, self._lines, self._counts, self._values = fun, lines, counts, values
        self._table = fun.table(len(counts), exact=False)
        self._top = self._none(top)
        self._undefined, self._where = 0, saddlecore.grid.NONE

    @staticmethod
    def _none(top: int) -> tuple[Floats, Integers]:
        return np.full(top, np.inf), np.full(top, saddlecore.grid.NONE)

    def go(self, spans: list[tuple[int, int]], threads: int) -> None:
        """Go through spans of the grid."""
        found = []

        def part(span: tuple[int, int]) -> None:
            top = self._none(len(self._top[0]))
            lost = np.array([0, saddlecore.grid.NONE])
            saddlecore.grid.search(
                self._table, self._lines, self._counts, span, top, lost, self._values
            )
            found.append((top, lost))

        over_threads(part, spans, threads)
        self._fun.reraise()
        value = np.concatenate([self._top[0], *(top[0] for top, _ in found)])
        number = np.concatenate([self._top[1], *(top[1] for top, _ in found)])
        least = np.lexsort((number, value))[: len(self._top[0])]
        self._top = value[least], number[least]
        self._undefined += sum(int(lost[saddlecore.grid.COUNT]) for _, lost in found)
        self._where = min([self._where, *(lost[saddlecore.grid.WHERE] for _, lost in found)])

    def result(self, box: Floats) -> GridSearch:
        """What was found."""
        if self._undefined:
            point = points_of_grid(self._lines, self._counts, np.array([self._where]))
            self._fun.explain(point, np.full(1, np.nan))
        shape = tuple(self._counts.tolist())
        there = self._top[1] != saddlecore.grid.NONE
        number = self._top[1][there]
        index = np.column_stack(np.unravel_index(number, shape)).astype(np.int64)
        return GridSearch(
            points_of_grid(self._lines, self._counts, number), self._top[0][there], index, box,
            self._counts, self._lines[:, 1].copy(), self._undefined,
            self._values.reshape(shape) if len(self._values) else None, self._fun,
        )  # fmt: skip
