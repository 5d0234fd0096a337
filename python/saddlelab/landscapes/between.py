"""Between solutions: the line or plane through them, and the barrier on the way."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saddlelab.arguments import finite_float, positive_integer
from saddlelab.landscapes.slice_result import Slice
from saddlelab.landscapes.slices import _check_independent, direction_of, one_point, slice_on
from saddlelab.lines import stepped_lines

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Barrier", "barrier", "slice_between"]

Floats: TypeAlias = NDArray[np.float64]

_MOST = 2**28


def slice_between(
    f: Any,
    x: ArrayLike,
    y: ArrayLike,
    z: ArrayLike | None = None,
    *,
    resolution: int = 51,
    margin: float = 0.25,
    workers: int | None = None,
    progress: bool = False,
) -> Slice:
    """Evaluate a function on the line through two solutions, or the plane through three.

    Parameters
    ----------
    f : callable or Objective
    x, y : (n,) array_like
        With coordinates 0 and 1; of a plane (0, 0) and (1, 0).
    z : (n,) array_like, optional
        The third, (0, 1).
    resolution : int, optional
        Points from x to y, both included; two at least.
    margin : float, optional
        How far to go beyond them, as a part of the way from x to y.
    workers, progress
        As for `slice_line`.

    Returns
    -------
    Slice

    Raises
    ------
    ValueError, TypeError
        As `slice_plane`, also if two of the solutions are the same.

    Examples
    --------
    >>> from saddlelab import surfaces
    >>> from saddlelab.landscapes import slice_between
    >>> line = slice_between(surfaces.double_well, [-1.0, 0.0], [1.0, 0.0], resolution=5)
    >>> line.a.tolist()
    [-0.25, 0.0, 0.25, 0.5, 0.75, 1.0, 1.25]
    """
    origin = one_point("x", x)
    ends = {"y": y} if z is None else {"y": y, "z": z}
    away = {name: direction_to(name, origin, end) for name, end in ends.items()}
    directions = np.array(list(away.values()))
    _check_independent(directions, tuple(away))
    steps = positive_integer("resolution", resolution, at_most=_MOST) - 1
    if steps < 1:
        raise ValueError("`resolution` must be at least 2: the solutions themselves, got 1")
    beyond = finite_float("`margin` must be a number that is not negative", margin)
    if beyond < 0.0:
        raise ValueError(f"`margin` must be a number that is not negative, got {margin!r}")
    more = np.full(len(directions), math.ceil(beyond * steps))
    lines, counts = stepped_lines(np.full(len(directions), 1.0 / steps), more, more + steps)
    return slice_on(f, origin, directions, lines, counts, workers, progress)


def direction_to(name: str, origin: Floats, end: ArrayLike) -> Floats:
    """From x to another solution."""
    found = one_point(name, end)
    if len(found) != len(origin):
        raise ValueError(f"`{name}` must have {len(origin)} numbers as `x` has, got {len(found)}")
    if np.array_equal(found, origin):
        raise ValueError(f"`{name}` must not be `x` itself: there is no way between them")
    return direction_of(name, found - origin, len(origin))


@dataclass(frozen=True, slots=True, eq=False)
class Barrier:
    """The barrier on the straight line between two solutions.

    Attributes
    ----------
    height : float
        The highest value on the way above the higher of the ends; 0 where there is no barrier.
    above_mean : float
        The largest excess over the straight line between the values of the ends: the error
        barrier of Frankle et al. (2020), "linear mode connectivity", where those are equal.
    at : float
        Where the highest value is, from 0 to 1.
    ends : tuple of float
        f(x) and f(y).
    line : Slice
        From x to y.
    """

    height: float
    above_mean: float
    at: float
    ends: tuple[float, float]
    line: Slice = field(repr=False)

    def plot(self, *, ax: Axes | None = None, **kwargs: Any) -> Axes:
        """Draw the line, its ends and the barrier."""
        from saddlelab.landscapes.slice_plot import plot_barrier

        return plot_barrier(self, ax=ax, **kwargs)


def barrier(
    f: Any,
    x: ArrayLike,
    y: ArrayLike,
    *,
    resolution: int = 101,
    workers: int | None = None,
) -> Barrier:
    """Find the barrier on the straight line between two solutions.

    The way over a saddle may be lower: see `descend_from_saddle` for that.

    Parameters
    ----------
    f : callable or Objective
    x, y : (n,) array_like
    resolution : int, optional
        Points from x to y: the height is that of the highest of them, from below.
    workers : int, optional
        Threads; all cores by default.

    Returns
    -------
    Barrier

    Raises
    ------
    ValueError, TypeError
        As `slice_between`, and if a value on the way is not finite.

    Examples
    --------
    >>> from saddlelab import surfaces
    >>> from saddlelab.landscapes import barrier
    >>> found = barrier(surfaces.double_well, [-1.0, 0.0], [1.0, 0.0])
    >>> found.height, found.at
    (1.0, 0.5)
    """
    line = slice_between(f, x, y, resolution=resolution, margin=0.0, workers=workers)
    if line.undefined:
        raise ValueError(f"{line.name} is not finite at {line.undefined} points between x and y")
    first, last = float(line.values[0]), float(line.values[-1])
    top = int(np.argmax(line.values))
    chord = first + line.a * (last - first)
    return Barrier(
        float(line.values[top]) - max(first, last), float(np.max(line.values - chord)),
        float(line.a[top]), (first, last), line,
    )  # fmt: skip
