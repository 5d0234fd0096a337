"""Curvature over a slice: the extreme eigenvalues of the Hessian at each of its points."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from saddlelab.landscapes.slice_result import Slice
from saddlelab.studies.seeds import RNG, resolve_seed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["CurvatureMap", "curvature_map"]

Floats: TypeAlias = NDArray[np.float64]

#: Up to so many variables the whole Hessian is computed.
_DENSE = 64
#: Of the residual of an eigenvalue, as a part of the largest: a picture shows no more.
_TOL = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class CurvatureMap:
    """Extreme eigenvalues of the full Hessian at every point of a slice.

    Attributes
    ----------
    slice : Slice
    smallest, largest : float array, shaped like the slice's values
    """

    slice: Slice
    smallest: Floats = field(repr=False)
    largest: Floats = field(repr=False)

    @property
    def ratio(self) -> Floats:
        """\\|λmin/λmax|, NaN where λmax is 0.

        Near 0 the function is all but convex there, if λmax is positive (Li et al. 2018, fig. 7).
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            found: Floats = np.abs(self.smallest / self.largest)
        return np.where(self.largest == 0.0, np.nan, found)

    @property
    def convex(self) -> float:
        """Fraction of the points where no eigenvalue is negative."""
        return float(np.mean(self.smallest >= 0.0))

    def plot(self, *, ax: Axes | None = None, **kwargs: Any) -> Axes:
        """Draw the map of \\|λmin/λmax| over a plane."""
        from saddlelab.landscapes.map_plot import plot_curvature

        return plot_curvature(self, ax=ax, **kwargs)


def curvature_map(found: Slice, *, rng: RNG = None, progress: bool = False) -> CurvatureMap:
    """Compute the extreme eigenvalues of the full Hessian at every point of a slice.

    It takes a Hessian for each point, of more than 64 variables some dozens of products: make the
    slice coarse.

    Parameters
    ----------
    found : Slice
    rng : int, SeedSequence, Generator or None, optional
        Starts of Lanczos' method; the same for every point.
    progress : bool, optional
        Draw a progress bar on stderr.

    Returns
    -------
    CurvatureMap

    Examples
    --------
    >>> from saddlelab import slice_plane, surfaces
    >>> from saddlelab.landscapes import curvature_map
    >>> plane = slice_plane(surfaces.quadratic_saddle, [0, 0], [1, 0], [0, 1], resolution=3)
    >>> curvature_map(plane).ratio.tolist()
    [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]
    """
    grid = np.stack(np.meshgrid(*found.axes, indexing="ij"), axis=-1).reshape(-1, len(found.axes))
    points = [found.point(*t) for t in grid.tolist()]
    ends = np.empty((len(points), 2))
    seed = resolve_seed(rng)
    for k, point in enumerate(_with_bar(points, found.name, progress)):
        ends[k] = _ends(found.objective, point, seed)
    low, high = ends.T.reshape(2, *found.values.shape)
    return CurvatureMap(found, low, high)


def _ends(fun: Any, point: Floats, seed: int) -> Any:
    from saddlelab.spectrum import extreme_eigenpairs, hessian_operator

    if len(point) <= _DENSE:
        return np.linalg.eigvalsh(fun.hessian(point))[[0, -1]]
    return extreme_eigenpairs(hessian_operator(fun, point), tol=_TOL, rng=seed).values


def _with_bar(points: list[Floats], name: str, progress: bool) -> Any:
    if not progress:
        return points
    from tqdm import tqdm

    return tqdm(points, desc=f"curvature of {name}", unit="point")
