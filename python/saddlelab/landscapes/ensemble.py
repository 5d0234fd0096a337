"""Lines in many random directions: is a slice typical?"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saddlelab.arguments import positive_number
from saddlelab.as_objective import as_objective
from saddlelab.landscapes.directions import random_directions
from saddlelab.landscapes.slice_result import Slice
from saddlelab.landscapes.slices import one_point, slice_line
from saddlelab.networks.network_objective import NetworkObjective
from saddlelab.objective import Objective
from saddlelab.studies.seeds import RNG

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["SliceEnsemble", "slice_ensemble"]

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class SliceEnsemble:
    """Values along lines in random directions.

    Attributes
    ----------
    x : (n,) float
    directions : (count, n) float
    a : (resolution,) float
    values : (count, resolution) float
    objective : Objective
    """

    x: Floats = field(repr=False)
    directions: Floats = field(repr=False)
    a: Floats = field(repr=False)
    values: Floats = field(repr=False)
    objective: Objective

    def __len__(self) -> int:
        """Number of lines."""
        return len(self.values)

    def __str__(self) -> str:
        """The table."""
        return self.table()

    def band(self, level: float = 0.9) -> tuple[Floats, Floats]:
        """Quantiles between which the middle `level` of the lines lies at each a."""
        inside = positive_number("level", level, at_most=1.0)
        low, high = np.quantile(self.values, [0.5 - 0.5 * inside, 0.5 + 0.5 * inside], axis=0)
        return low, high

    def outside(self, line: Slice, level: float = 0.9) -> float:
        """Fraction of the points of a line at the same `a` that lie outside of the band.

        A typical line has 1 − level of them there, on the average over lines.
        """
        low, high = self.band(level)
        values = self._checked(line)
        return float(np.mean((values < low) | (values > high)))

    def typicality(self, line: Slice) -> float:
        """The share of lines that are at least as extreme as this one.

        How extreme a line is: how far its rank at each a is from the middle one, on the average.
        It is a p-value: of a line drawn like those of the ensemble it is uniform, up to steps of
        1/(count + 1).  Small says that the slice is not typical.
        """
        from scipy.stats import rankdata

        every = np.vstack([self.values, self._checked(line)])  # it is one of them, if typical
        ranks = rankdata(every, axis=0)
        extreme = np.mean(np.abs(ranks - 0.5 * (len(every) + 1)), axis=1)
        return float(np.mean(extreme >= extreme[-1] * (1.0 - 1e-12)))

    def _checked(self, line: Slice) -> Floats:
        if len(line.axes) != 1 or not np.array_equal(line.a, self.a):
            raise ValueError("`line` must be a line with the coordinates `a` of the ensemble")
        return line.values

    def table(self, level: float = 0.9) -> str:
        """The band at a few places."""
        (low, high), middle = self.band(level), np.median(self.values, axis=0)
        lines = [f"{self.objective.name}: {len(self)} random lines, band of {100 * level:g} %",
                 f"{'a':>10} {'low':>12} {'median':>12} {'high':>12}"]  # fmt: skip
        for i in np.unique(np.linspace(0, len(self.a) - 1, 9).round().astype(int)).tolist():
            lines.append(f"{self.a[i]:10.4g} {low[i]:12.6g} {middle[i]:12.6g} {high[i]:12.6g}")
        return "\n".join(lines)

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write a line for each a: the value along each direction."""
        names = ["a", *(f"line {k}" for k in range(len(self)))]
        table = np.column_stack([self.a, self.values.T])
        np.savetxt(path, table, delimiter=",", header=",".join(names), comments="", fmt="%.17g")

    def plot(self, *, ax: Axes | None = None, **kwargs: Any) -> Axes:
        """Draw the lines, their median and a band, see `plot_ensemble`."""
        from saddlelab.landscapes.slice_plot import plot_ensemble

        return plot_ensemble(self, ax=ax, **kwargs)


def slice_ensemble(
    f: Any,
    x: ArrayLike,
    count: int = 50,
    *,
    blocks: Any = None,
    normalise: str | None = None,
    resolution: int = 101,
    radius: float = 1.0,
    rng: RNG = None,
    workers: int | None = None,
    progress: bool = False,
) -> SliceEnsemble:
    """Evaluate a function along lines in many random directions.

    Parameters
    ----------
    f : callable or Objective
    x : (n,) array_like
    count : int, optional
        Lines.
    blocks, normalise, rng
        As for `random_directions`; the loss of an `MLP` knows its own blocks.
    resolution, radius, workers
        As for `slice_line`.
    progress : bool, optional
        Draw a progress bar on stderr.

    Returns
    -------
    SliceEnsemble

    Raises
    ------
    ValueError, TypeError
        As `slice_line` and `random_directions`.

    Examples
    --------
    >>> import numpy as np
    >>> from saddlelab import slice_line
    >>> from saddlelab.landscapes import slice_ensemble
    >>> curvatures = np.linspace(0.1, 1.0, 50)
    >>> def f(x):
    ...     return np.sum(curvatures * x * x)
    >>> found = slice_ensemble(f, np.zeros(50), 99, resolution=11, rng=0)
    >>> steep = slice_line(f, np.zeros(50), 7.0 * np.eye(50)[49], resolution=11)
    >>> found.typicality(steep) < 0.05
    True
    """
    fun = as_objective(f)
    point = one_point("x", x)
    if blocks is None and isinstance(fun, NetworkObjective):
        blocks = fun
    directions = random_directions(point, count, blocks=blocks, normalise=normalise, rng=rng)
    rows = _with_bar(directions, fun.name, progress)
    lines = [
        slice_line(fun, point, u, resolution=resolution, radius=radius, workers=workers)
        for u in rows
    ]
    values = np.array([line.values for line in lines])
    return SliceEnsemble(point, directions, lines[0].a, values, fun)


def _with_bar(directions: Floats, name: str, progress: bool) -> Any:
    if not progress:
        return directions
    from tqdm import tqdm

    return tqdm(directions, desc=f"random lines of {name}", unit="line")
