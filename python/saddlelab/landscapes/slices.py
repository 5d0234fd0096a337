"""Slices of a landscape: f on a line, a plane or a volume through a point."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saddlelab.arguments import positive_integer, positive_number, worker_count
from saddlelab.as_objective import as_objective
from saddlelab.landscapes._values import values_on
from saddlelab.landscapes.slice_result import Slice
from saddlelab.lines import axes_of, centred_lines
from saddlelab.points import points_of

__all__ = ["direction_of", "one_point", "slice_line", "slice_on", "slice_plane", "slice_volume"]

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]

_MOST_POINTS = 2**28
#: Sine of the angle from which on directions are not parallel.
_PARALLEL = 1e-8


def slice_line(
    f: Any,
    x: ArrayLike,
    direction: ArrayLike,
    *,
    resolution: int = 101,
    radius: float = 1.0,
    workers: int | None = None,
    progress: bool = False,
) -> Slice:
    """Evaluate a function along a line: values[i] = f(x + a[i]·direction).

    Parameters
    ----------
    f : callable or Objective
        See `saddlelab.objective`.
    x : (n,) array_like
        The middle of the line; it is not changed.
    direction : (n,) array_like
        Taken as it is: `a` is in units of its length.
    resolution : int, optional
        Points.  Of an odd number the middle one is x itself, a = 0 exactly; an even number has none
        there.
    radius : float, optional
        a runs from −radius to radius, both included.
    workers : int, optional
        Threads; all cores by default.  The values are the same for any number.
    progress : bool, optional
        Draw a progress bar on stderr.

    Returns
    -------
    Slice

    Raises
    ------
    ValueError, TypeError
        If x or the direction is not one finite point of the same dimension, the direction is zero,
        or an argument is out of its range.
    Exception
        Whatever the function raises, with the point in its notes.

    Notes
    -----
    Points are x + a·u (+ b·v + c·w), the terms added in this order, and values those of
    ``f.value`` there, to the bit.  The loss of an `MLP` is linear in its parameters up to the first
    activations: a product with the inputs for x and for each direction serves all points, and
    values may differ from ``f.value`` by rounding.

    Examples
    --------
    >>> from saddlelab import slice_line, surfaces
    >>> line = slice_line(surfaces.quadratic_saddle, [0.0, 0.0], [0.0, 1.0], resolution=5)
    >>> line.a.tolist()
    [-1.0, -0.5, 0.0, 0.5, 1.0]
    >>> line.values.tolist()
    [-1.0, -0.25, 0.0, -0.25, -1.0]
    """
    return _centred(f, x, {"direction": direction}, resolution, radius, workers, progress)


def slice_plane(
    f: Any,
    x: ArrayLike,
    u: ArrayLike,
    v: ArrayLike,
    *,
    resolution: int | ArrayLike = 51,
    radius: float | ArrayLike = 1.0,
    workers: int | None = None,
    progress: bool = False,
) -> Slice:
    """Evaluate a function on a plane: values[i, j] = f(x + a[i]·u + b[j]·v).

    Parameters
    ----------
    f, x, workers, progress
        As for `slice_line`.
    u, v : (n,) array_like
        Directions, taken as they are: neither normalised nor made orthogonal.
    resolution, radius : number or one for each direction, optional
        As for `slice_line`.

    Returns
    -------
    Slice

    Raises
    ------
    ValueError, TypeError
        As `slice_line`, and if u and v are parallel.
    Exception
        Whatever the function raises, with the point in its notes.

    Examples
    --------
    >>> import numpy as np
    >>> from saddlelab import slice_plane
    >>> def f(x):
    ...     return x[0] ** 2 + 2.0 * x[1] ** 2 - 3.0 * x[2] ** 2
    >>> plane = slice_plane(f, np.zeros(3), [1, 0, 0], [0, 0, 1], resolution=(3, 5), radius=2)
    >>> plane.values.shape, float(plane.values[0, 4])
    ((3, 5), -8.0)
    """
    return _centred(f, x, {"u": u, "v": v}, resolution, radius, workers, progress)


def slice_volume(
    f: Any,
    x: ArrayLike,
    u: ArrayLike,
    v: ArrayLike,
    w: ArrayLike,
    *,
    resolution: int | ArrayLike = 21,
    radius: float | ArrayLike = 1.0,
    workers: int | None = None,
    progress: bool = False,
) -> Slice:
    """Evaluate a function in a volume: values[i, j, k] = f(x + a[i]·u + b[j]·v + c[k]·w).

    Parameters
    ----------
    f, x, u, v, w, resolution, radius, workers, progress
        As for `slice_plane`.

    Returns
    -------
    Slice

    Raises
    ------
    ValueError, TypeError
        As `slice_plane`, and if the three directions lie in a plane.

    Examples
    --------
    >>> import numpy as np
    >>> from saddlelab import slice_volume
    >>> cube = slice_volume(lambda x: np.sum(x**2), np.zeros(3), *np.eye(3), resolution=3)
    >>> cube.values[0].tolist()
    [[3.0, 2.0, 3.0], [2.0, 1.0, 2.0], [3.0, 2.0, 3.0]]
    """
    return _centred(f, x, {"u": u, "v": v, "w": w}, resolution, radius, workers, progress)


def _centred(
    f: Any,
    x: ArrayLike,
    named: dict[str, ArrayLike],
    resolution: Any,
    radius: Any,
    workers: int | None,
    progress: bool,
) -> Slice:
    origin = one_point("x", x)
    directions = np.array([direction_of(name, u, len(origin)) for name, u in named.items()])
    _check_independent(directions, tuple(named))
    counts = np.array([
        positive_integer("resolution", count, at_most=_MOST_POINTS)
        for count in _each("resolution", resolution, len(named))
    ])  # fmt: skip
    each = _each("radius", radius, len(named))
    reach = [positive_number("radius", r, at_most=1e300) for r in each]
    lines = centred_lines(np.array(reach), counts)
    return slice_on(f, origin, directions, lines, counts, workers, progress)


def slice_on(
    f: Any,
    x: Floats,
    directions: Floats,
    lines: Floats,
    counts: Integers,
    workers: int | None = None,
    progress: bool = False,
) -> Slice:
    """Evaluate a function at x + Σ t_k directions[k] for t on the lines, which were checked."""
    fun = as_objective(f)
    total = math.prod(counts.tolist())
    if total > _MOST_POINTS:
        raise ValueError(f"`resolution` must make at most {_MOST_POINTS} points, got {total:.3g}")
    threads = worker_count(workers) if fun.parallel else 1
    values = values_on(fun, x, directions, lines, counts, threads, progress)
    return Slice(x, directions, axes_of(lines, counts), values, fun)


# --- arguments -------------------------------------------------------------------------------


def one_point(name: str, x: ArrayLike) -> Floats:
    """``x`` as (n,) float64, a copy."""
    points, single = points_of(x, name)
    if not single:
        raise ValueError(f"`{name}` must be one point (n,), got shape {points.shape}")
    found: Floats = points[0]
    return found


def direction_of(name: str, u: ArrayLike, n: int) -> Floats:
    """A direction (n,) that is not zero."""
    found = one_point(name, u)
    if len(found) != n:
        raise ValueError(f"`{name}` must have {n} numbers as `x` has, got {len(found)}")
    if not found.any():
        raise ValueError(f"`{name}` must not be zero: it would be no direction")
    return found


def _check_independent(directions: Floats, names: tuple[str, ...]) -> None:
    """No direction may lie in the span of those before it."""
    if len(directions) < 2:
        return
    units: Floats = directions / np.abs(directions).max(axis=1, keepdims=True)
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    if len(units) > units.shape[1]:
        raise ValueError(
            f"`{names[-1]}` must be independent of `{'`, `'.join(names[:-1])}`: `x` has only "
            f"{units.shape[1]} variable{'s' if units.shape[1] > 1 else ''}"
        )
    apart = np.abs(np.diag(np.linalg.qr(units.T, mode="r")))
    for k in range(1, len(units)):
        if apart[k] < _PARALLEL:
            before = f"parallel to `{names[0]}`" if k == 1 else "in the plane of the others"
            raise ValueError(f"`{names[k]}` must not be {before}, the sine of their angle is "
                             f"{apart[k]:.2g}")  # fmt: skip


def _each(name: str, given: Any, k: int) -> list[Any]:
    if np.ndim(given) == 0:
        return [given] * k
    found: list[Any] = list(given)
    if len(found) != k:
        raise ValueError(f"`{name}` must be a number or one for each of {k} directions, got "
                         f"{len(found)}")  # fmt: skip
    return found
