"""Numbers that say what a slice looks like: roughness, convexity, flatness, the steepest rise.

Of the Hessian itself: `saddlelab.condition_number`, `curvature_fractions` (fractions of positive
and negative curvature, |λmin/λmax|) and `trace`, by products; over a plane `curvature_map`.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saddlelab.arguments import positive_number
from saddlelab.landscapes.slice_result import Slice

__all__ = ["convex_fraction", "flatness", "max_rise", "mean_total_variation", "roughness"]

Floats: TypeAlias = NDArray[np.float64]

_EPS = float(np.finfo(np.float64).eps)


def roughness(values: Slice | ArrayLike, *, sigma: float = 2.0) -> float:
    """Mean \\|values − Gaussian-filtered values|.

    Parameters
    ----------
    values : Slice or array_like
        On a regular grid of any dimension.
    sigma : float, optional
        Of the filter, in steps of the grid: what is finer counts as rough.  Beyond the edge, the
        slice goes on as its last value.

    Returns
    -------
    float
        In the units of f.

    Raises
    ------
    ValueError
        If a value is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from saddlelab.landscapes import roughness
    >>> roughness(np.full(9, 3.0)), round(roughness(np.tile([0.0, 1.0], 50)), 3)
    (0.0, 0.497)
    """
    from scipy.ndimage import gaussian_filter

    grid, width = _grid_of(values), positive_number("sigma", sigma, at_most=1e6)
    return float(np.mean(np.abs(grid - gaussian_filter(grid, width, mode="nearest"))))


def mean_total_variation(values: Slice | ArrayLike) -> float:
    """Mean over the lines of the grid, in every direction, of Σ \\|difference of neighbours|.

    Of a line it is the total variation itself: at least max − min, and that if it only rises.

    Examples
    --------
    >>> from saddlelab.landscapes import mean_total_variation
    >>> mean_total_variation([0.0, 2.0, 1.0]), mean_total_variation([[0.0, 1.0], [0.0, 3.0]])
    (3.0, 1.5)
    """
    grid = _grid_of(values)
    return _mean_of_lines([np.abs(np.diff(grid, axis=k)).sum(axis=k) for k in range(grid.ndim)])


def convex_fraction(values: Slice | ArrayLike) -> float:
    """Fraction of second differences along the axes that are not negative, but for rounding.

    Of a straight line it is 1.  A convex function has 1 on every slice; that a slice has 1 says
    nothing of other directions.

    Raises
    ------
    ValueError
        If no axis has three points, or a value is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from saddlelab.landscapes import convex_fraction
    >>> t = np.linspace(-1.0, 1.0, 21)
    >>> convex_fraction(t**2), convex_fraction(t[:, None] ** 2 - t**2), convex_fraction(3.0 * t)
    (1.0, 0.5, 1.0)
    """
    grid = _grid_of(values)
    axes = [k for k in range(grid.ndim) if grid.shape[k] > 2]
    if not axes:
        raise ValueError(f"`values` must have three points along an axis, got shape {grid.shape}")
    bends = np.concatenate([_bends(grid, k).ravel() for k in axes])
    return float(np.mean(bends))


def _bends(grid: Floats, axis: int) -> NDArray[np.bool_]:
    """Which second differences are at least −4ε times the values they are made of."""
    moved = np.moveaxis(grid, axis, 0)
    size = np.maximum(np.abs(moved[:-2]), np.abs(moved[2:])) + np.abs(moved[1:-1])
    bend: NDArray[np.bool_] = moved[:-2] - 2.0 * moved[1:-1] + moved[2:] >= -4.0 * _EPS * size
    return bend


def max_rise(found: Slice, radius: float | None = None) -> float:
    """How much f rises from x to the highest point of a slice within a radius: its sharpness there.

    Parameters
    ----------
    found : Slice
        With x on its grid (odd `resolution`).
    radius : float, optional
        Euclidean, in the units of x; all of the slice by default.

    Returns
    -------
    float
        max f − f(x), not negative.

    See Also
    --------
    sharpness : the same over all directions.
    """
    values = _grid_of(found)
    level = values[_centre(found)]
    reach = np.inf if radius is None else positive_number("radius", radius, at_most=np.inf)
    return float(values[_distances(found) <= reach * (1.0 + 4.0 * _EPS)].max() - level)


def flatness(found: Slice, rise: float) -> float:
    """How large the part around x is in which f stays below f(x) + rise.

    Parameters
    ----------
    found : Slice
        With x on its grid (odd `resolution`).
    rise : float
        Positive.

    Returns
    -------
    float
        Length, area or volume, in the units of x, of the cells of the grid (as large as a step)
        that are joined to that of x.  Where it reaches the edge of the slice it is a lower bound.

    Notes
    -----
    Hochreiter & Schmidhuber (1997) called minima flat by such a region.  It is no property of the
    function that a network computes: scaling the weights of one ReLU layer by α and those of the
    next by 1/α leaves every output as it is, and makes this number, the Hessian's eigenvalues and
    its trace anything (Dinh, Pascanu, Bengio & Bengio 2017, arXiv:1703.04933).  Compare solutions
    only in the same parametrisation and in directions normalised by filters, and even then with
    care.

    Examples
    --------
    >>> import numpy as np
    >>> from saddlelab import slice_line
    >>> from saddlelab.landscapes import flatness
    >>> line = slice_line(lambda x: x[0] ** 2, [0.0], [1.0], resolution=2001, radius=2.0)
    >>> round(flatness(line, 1.0), 2)
    2.0
    """
    from scipy.ndimage import label

    limit = positive_number("rise", rise, at_most=1e300)
    values, centre = found.values, _centre(found)
    parts, _ = label(values <= values[centre] + limit)
    if parts[centre] == 0:
        raise ValueError(f"{found.name} is not a number at x")
    steps = [axis[1] - axis[0] if len(axis) > 1 else 1.0 for axis in found.axes]
    edges = found.directions * np.array(steps)[:, None]
    cell = float(np.prod(np.abs(np.diag(np.linalg.qr(edges.T, mode="r")))))
    return cell * int(np.count_nonzero(parts == parts[centre]))


# --- grids -----------------------------------------------------------------------------------


def _grid_of(values: Any) -> Floats:
    grid = np.asarray(values.values if isinstance(values, Slice) else values, dtype=np.float64)
    if grid.ndim == 0 or grid.size == 0:
        raise ValueError(f"`values` must be a slice or an array, got shape {grid.shape}")
    if not np.isfinite(grid).all():
        at = tuple(map(int, np.argwhere(~np.isfinite(grid))[0]))
        raise ValueError(f"`values` must be finite, but values{list(at)} = {grid[at]}")
    return grid


def _mean_of_lines(each: list[Floats]) -> float:
    return float(np.mean(np.concatenate([np.ravel(part) for part in each])))


def _centre(found: Slice) -> tuple[int, ...]:
    """The index of x."""
    index = []
    for letter, axis in zip("abc", found.axes, strict=False):
        here = np.flatnonzero(axis == 0.0)
        if not len(here):
            raise ValueError(f"x must be on the grid (an odd `resolution`), but no {letter} is 0")
        index.append(int(here[0]))
    return tuple(index)


def _distances(found: Slice) -> Floats:
    """From x, of all points of the grid."""
    off = sum(
        np.expand_dims(axis, tuple(range(1, len(found.axes) - k)))[..., None] * u
        for k, (axis, u) in enumerate(zip(found.axes, found.directions, strict=True))
    )
    distance: Floats = np.linalg.norm(off, axis=-1)
    return distance
