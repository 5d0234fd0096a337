"""The plane in which a trajectory moves most, and how much of it is not seen there."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saddlelab.arguments import one_of, positive_integer, positive_number
from saddlelab.landscapes.directions import with_sign
from saddlelab.landscapes.slice_result import Slice
from saddlelab.landscapes.slices import slice_on
from saddlelab.lines import stepped_lines
from saddlelab.points import points_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Trajectory", "trajectory_plane"]

Floats: TypeAlias = NDArray[np.float64]

_MOST = 2**28


@dataclass(frozen=True, slots=True, eq=False)
class Trajectory:
    """Principal directions of a trajectory.

    Attributes
    ----------
    x : (n,) float
        Where the plane passes through.
    directions : (k, n) float
        Orthonormal.
    explained : (k,) float
        The fraction of the variance along each.
    coordinates : (T, k) float
        Each point in the plane.
    errors : (T,) float
        How far each point is from the plane: what a picture does not show.
    points : (T, n) float
    """

    x: Floats = field(repr=False)
    directions: Floats = field(repr=False)
    explained: Floats
    coordinates: Floats = field(repr=False)
    errors: Floats = field(repr=False)
    points: Floats = field(repr=False)

    def __str__(self) -> str:
        """The table."""
        return self.table()

    def table(self) -> str:
        """What the plane shows of the trajectory."""
        share = ", ".join(f"{100 * part:.1f} %" for part in self.explained)
        size = float(np.linalg.norm(np.ptp(self.coordinates, axis=0)))
        return (
            f"{len(self.points)} points in {len(self.x)} dimensions\n"
            f"  variance along the directions: {share}\n"
            f"  distance from the plane: median {np.median(self.errors):.3g}, most "
            f"{self.errors.max():.3g} (the trajectory spans {size:.3g} in it)"
        )

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write a line for each point: its coordinates and its distance from the plane."""
        names = [*"abc"[: len(self.directions)], "error"]
        table = np.column_stack([self.coordinates, self.errors])
        np.savetxt(path, table, delimiter=",", header=",".join(names), comments="", fmt="%.17g")

    def slice(
        self,
        f: Any,
        *,
        resolution: int = 51,
        margin: float = 0.15,
        workers: int | None = None,
        progress: bool = False,
    ) -> Slice:
        """Evaluate a function on the part of the plane in which the trajectory lies.

        Parameters
        ----------
        f : callable or Objective
        resolution : int, optional
            About so many points along each direction: x is always one of the grid.
        margin : float, optional
            Room around the trajectory, as a part of its width.
        workers, progress
            As for `slice_plane`.
        """
        count = positive_integer("resolution", resolution, at_most=_MOST)
        room = positive_number("margin", margin, at_most=1e6)
        shown = np.vstack([self.coordinates, np.zeros(len(self.directions))])  # with x itself
        low, high = shown.min(axis=0), shown.max(axis=0)
        width = np.maximum(high - low, 1e-3 * (high - low).max())
        step = (1.0 + 2.0 * room) * width / max(count - 1, 1)
        below = np.ceil((room * width - low) / step).astype(np.int64)
        above = np.ceil((room * width + high) / step).astype(np.int64)
        lines, counts = stepped_lines(step, below, above)
        return slice_on(f, self.x, self.directions, lines, counts, workers, progress)

    def plot(self, *, ax: Axes | None = None, surface: Slice | None = None, **kwargs: Any) -> Axes:
        """Draw the trajectory, over contours of a `surface` made by `slice` if it is given."""
        from saddlelab.landscapes.trajectory_plot import plot_trajectory

        return plot_trajectory(self, ax=ax, surface=surface, **kwargs)


def trajectory_plane(points: ArrayLike, *, through: str = "last", k: int = 2) -> Trajectory:
    """Find the directions in which a trajectory varies most, by PCA.

    Parameters
    ----------
    points : (T, n) array_like
        For example ``runs.history.x`` of one start, or parameters after each epoch.
    through : {"last", "mean"}, optional
        The point the plane passes through: the last one, as in Li et al. (2018, §7), or the mean.
    k : int, optional
        Directions, at most 3.

    Returns
    -------
    Trajectory

    Raises
    ------
    ValueError
        If there are too few points or they span fewer than k dimensions.

    Notes
    -----
    Directions are those of the covariance about the mean.  A random walk in many dimensions has
    most of its variance in two of them, too (60 % and 15 %: Antognini & Sohl-Dickstein 2018), so
    that a large `explained` alone says little of the landscape; look at the `errors`.

    Examples
    --------
    >>> import numpy as np
    >>> from saddlelab.landscapes import trajectory_plane
    >>> t = np.linspace(0.0, 1.0, 20)
    >>> found = trajectory_plane(np.column_stack([3 * t, t**2, 0 * t, 0.1 * t**3]))
    >>> bool(found.explained.sum() > 0.9999), bool(found.errors.max() < 0.02)
    (True, True)
    """
    rows, _ = points_of(points, "points")
    through = one_of("through", through, ("last", "mean"))
    k = positive_integer("k", k, at_most=3)
    mean = rows.mean(axis=0)
    _, sizes, vectors = np.linalg.svd(rows - mean, full_matrices=False)
    noise = max(rows.shape) * np.finfo(float).eps * np.abs(rows).max()
    spanned = int(np.count_nonzero(sizes > noise))
    if spanned < k:
        raise ValueError(f"`points` must span at least {k} dimensions, these {len(rows)} points "
                         f"span {spanned}")  # fmt: skip
    directions = with_sign(vectors[:k])
    origin = rows[-1] if through == "last" else mean
    off = rows - origin
    seen = off @ directions.T
    errors = np.linalg.norm(off - seen @ directions, axis=1)
    variance = sizes**2
    return Trajectory(origin, directions, variance[:k] / variance.sum(), seen, errors, rows)
