"""What a grid search found."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from saddlelab.lines import axes_of, lines_of
from saddlelab.objective import Objective

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["GridSearch"]

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
        return axes_of(lines_of(self.bounds, self.points), self.points)

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
