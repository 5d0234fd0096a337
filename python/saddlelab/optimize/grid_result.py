"""What a grid search found, and the coordinates of a grid."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from saddlelab.objective import Objective

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["GridSearch", "lines_of", "points_of_grid"]

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class GridSearch:
    """The least values of a function on a grid.

    Attributes
    ----------
    x : (k, n) float
        The points of the k least values, ascending; of equal ones, the first on the grid first.
    value : (k,) float
        f there.
    index : (k, n) int
        Which point of the grid each is.
    bounds : (n, 2) float
    points : (n,) int
        How many coordinates each variable has.
    spacing : (n,) float
        From one to the next (of a single one, the width of the box).
    undefined : int
        How many values are NaN.
    values : float array of shape `points`, or None
        All values, if they were to be kept.
    objective : Objective
    """

    x: Floats
    value: Floats
    index: Integers
    bounds: Floats
    points: Integers
    spacing: Floats
    undefined: int
    values: Floats | None
    objective: Objective

    @property
    def best(self) -> int:
        """The row of the least value: 0, for rows ascend.

        Raises ValueError if f is nowhere a number.
        """
        if not len(self.x):
            raise ValueError(f"{self.objective.name} is NaN on the whole grid")
        return 0

    @property
    def evaluations(self) -> int:
        """How many points the grid has."""
        return math.prod(self.points.tolist())

    @property
    def axes(self) -> tuple[Floats, ...]:
        """The coordinates of each variable."""
        lines = lines_of(self.bounds, self.points)
        each = zip(lines, self.points.tolist(), strict=True)
        return tuple(_coordinates(line, np.arange(count), count) for line, count in each)

    def plot(self, ax: Axes | None = None, **kwargs: Any) -> Axes:
        """Draw the function of one or two variables, and the points found.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure's by default.
        **kwargs
            Passed to ``Axes.contour`` (two variables) or ``Axes.plot`` (one).
        """
        from saddlelab.optimize.grid_plot import plot_grid_search

        return plot_grid_search(self, ax=ax, **kwargs)


def lines_of(box: Floats, counts: Integers) -> Floats:
    """The engine's lines, (n, 3): first coordinate, from one to the next, last."""
    low, high = box.T
    step = (high - low) / np.maximum(counts - 1, 1)
    first = np.where(counts > 1, low, low + 0.5 * (high - low))
    return np.column_stack([first, step, high])


def _coordinates(line: Floats, j: Integers, count: int) -> Floats:
    found: Floats = np.where((j == count - 1) & (j > 0), line[2], line[0] + j * line[1])
    return found


def points_of_grid(lines: Floats, counts: Integers, numbers: Integers) -> Floats:
    """The points of these numbers, (k, n)."""
    index = np.unravel_index(numbers, tuple(counts.tolist()))
    each = zip(lines, index, counts.tolist(), strict=True)
    return np.column_stack([_coordinates(line, j, count) for line, j, count in each])
