"""Grid search: the least values of a function on a full grid."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

import saddlecore
from saddlelab.arguments import positive_integer, worker_count
from saddlelab.as_objective import as_objective
from saddlelab.box import generic_point
from saddlelab.grid_walk import LANES, GridWalk, rounds, whole_rows
from saddlelab.lines import lines_of
from saddlelab.objective import Objective
from saddlelab.optimize.finite_box import finite_box
from saddlelab.optimize.grid_result import GridSearch

__all__ = ["grid_search"]

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]

_MOST_POINTS, _MOST_TOP, _MOST_KEPT = 2**62, 10**6, 2**28
#: Points of a task for a thread, and tasks between two looks at the clock and at Ctrl-C.
_TASK, _CALLBACK_TASK, _TASKS = 2**18, 2**9, 32


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
    walk = GridWalk(made, lines, counts, top, np.empty(total if keep_values else 0))
    size = _task_size(made, counts, total)
    for spans in rounds(total, size, _TASKS, f"grid search {made.name}", progress):
        walk.go(spans, threads)
    return _result(walk, made, lines, counts, box)


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


def _task_size(fun: Objective, counts: Integers, total: int) -> int:
    size = whole_rows(_TASK if fun.parallel else _CALLBACK_TASK, int(counts[-1]))
    return min(size, LANES * -(-total // (2 * LANES)))  # two at least


def _result(
    walk: GridWalk, fun: Objective, lines: Floats, counts: Integers, box: Floats
) -> GridSearch:
    """What was found."""
    walk.explain()
    shape = tuple(counts.tolist())
    there = walk.top[1] != saddlecore.grid.NONE
    number = walk.top[1][there]
    index = np.column_stack(np.unravel_index(number, shape)).astype(np.int64)
    return GridSearch(
        walk.points(number), walk.top[0][there], index, box, counts, lines[:, 1].copy(),
        walk.undefined, walk.values.reshape(shape) if len(walk.values) else None, fun,
    )  # fmt: skip
