"""A slice: where it lies and its values; tables, files and a picture."""

from __future__ import annotations

import csv
import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saddlelab.objective import Objective

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Slice"]

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    """Values of a function on a line, a plane or a volume.

    Attributes
    ----------
    x : (n,) float
        The point with coordinates 0.
    directions : (k, n) float
        u, v, w.
    axes : tuple of (points,) float
        The coordinates a, b, c along each direction, in units of its length.
    values : float array, one dimension for each direction
        f(x + a[i]·u + b[j]·v + c[k]·w).
    objective : Objective
    """

    x: Floats = field(repr=False)
    directions: Floats = field(repr=False)
    axes: tuple[Floats, ...] = field(repr=False)
    values: Floats = field(repr=False)
    objective: Objective

    @property
    def a(self) -> Floats:
        """Coordinates along the first direction."""
        return self.axes[0]

    @property
    def b(self) -> Floats:
        """Coordinates along the second direction; an AttributeError of a line."""
        return self._axis(1)

    @property
    def c(self) -> Floats:
        """Coordinates along the third direction; an AttributeError of a line or a plane."""
        return self._axis(2)

    def _axis(self, k: int) -> Floats:
        if len(self.axes) <= k:
            kind = "a line" if len(self.axes) == 1 else "a plane"
            raise AttributeError(f"{kind} has {len(self.axes)} axes, no {'abc'[k]}")
        return self.axes[k]

    @property
    def name(self) -> str:
        """Of the function."""
        return self.objective.name

    @property
    def undefined(self) -> int:
        """How many values are not finite."""
        return int(np.count_nonzero(~np.isfinite(self.values)))

    @property
    def lowest(self) -> tuple[int, ...]:
        """Index of the least value, the first of equal ones.

        Raises ValueError if no value is a number.
        """
        if np.isnan(self.values).all():
            raise ValueError(f"{self.name} is NaN on the whole slice")
        where = np.unravel_index(int(np.nanargmin(self.values)), self.values.shape)
        return tuple(int(i) for i in where)

    def point(self, *t: float) -> Floats:
        """The point with these coordinates, (n,)."""
        if len(t) != len(self.axes):
            raise TypeError(f"a point takes {len(self.axes)} coordinates, got {len(t)}")
        found = self.x.copy()
        for tk, u in zip(t, self.directions, strict=True):
            found += tk * u
        return found

    def coordinates(self, points: ArrayLike) -> tuple[Floats, Any]:
        """Where points (m, n) or (n,) are seen, and how far off the slice they lie.

        Returns
        -------
        coordinates : (m, k) or (k,)
            Of the nearest points on the slice.
        distance : (m,) or scalar
            Euclidean, in the units of x.
        """
        off = np.asarray(points, dtype=np.float64) - self.x
        found = np.linalg.lstsq(self.directions.T, off.T, rcond=None)[0].T
        distance: Any = np.linalg.norm(off - found @ self.directions, axis=-1)
        return np.asarray(found, dtype=np.float64), distance

    def __str__(self) -> str:
        """The table."""
        return self.table()

    def table(self) -> str:
        """Ranges of the coordinates and of the values."""
        shape = " × ".join(map(str, self.values.shape))
        lines = [f"{self.name}: {shape} points through a point of {len(self.x)} variables"]
        for letter, axis, u in zip("abc", self.axes, self.directions, strict=False):
            length = np.linalg.norm(u)
            lines.append(f"  {letter}  {axis[0]:g} to {axis[-1]:g}   (1 is a length of {length:g})")
        if self.undefined < self.values.size:
            finite = self.values[np.isfinite(self.values)]
            lines.append(f"  values {finite.min():.6g} to {finite.max():.6g}")
            if not np.isnan(self.values).all():
                at = [float(axis[i]) for axis, i in zip(self.axes, self.lowest, strict=True)]
                lines.append(f"  least at ({', '.join(f'{t:g}' for t in at)})")
        if self.undefined:
            lines.append(f"  not finite: {self.undefined}")
        return "\n".join(lines)

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write a line for each point: its coordinates and the value."""
        letters = "abc"[: len(self.axes)]
        grid = np.meshgrid(*self.axes, indexing="ij")
        columns = np.column_stack([*(each.ravel() for each in grid), self.values.ravel()])
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow([*letters, "value"])
            writer.writerows(columns.tolist())

    def to_json(self) -> str:
        """Everything but the function; null where a value is not finite."""
        axes = {letter: axis.tolist() for letter, axis in zip("abc", self.axes, strict=False)}
        finite = self.values.astype(object)
        finite[~np.isfinite(self.values)] = None
        return json.dumps(
            {"name": self.name, "x": self.x.tolist(), "directions": self.directions.tolist()}
            | axes | {"values": finite.tolist()}
        )  # fmt: skip

    def plot(self, *, ax: Axes | None = None, **kwargs: Any) -> Any:
        """Draw a line, a plane as filled contours, or a volume as linked sections.

        See `saddlelab.landscapes.plot_line`, `plot_filled` and `plot_volume`, which take the same
        arguments.
        """
        from saddlelab.landscapes import slice_plot

        names = ("plot_line", "plot_filled", "plot_volume")
        return getattr(slice_plot, names[len(self.axes) - 1])(self, ax=ax, **kwargs)
