"""The graph of a landscape: which minima each saddle joins."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from saddlelab.critical_result import CriticalPoints

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["LandscapeGraph", "descend_from_saddle"]

Floats: TypeAlias = NDArray[np.float64]

#: Parts of the box: the first step off a saddle, and how near to a minimum a path must come.
_STEP, _NEAR = 1e-4, 1e-3
#: Where the gradient is this part of the steepest on the way a path has come to its end.
_SETTLED = 1e-6
_MOST_STEPS = 20_000


@dataclass(frozen=True, slots=True)
class LandscapeGraph:
    """Saddles of index 1 and the minima on both of their sides.

    Attributes
    ----------
    points : CriticalPoints
        What the numbers below number.
    saddles : (k,) int
        The saddles of index 1.
    minima : (k, 2) int
        Where the descent along minus and plus the unstable direction ends; −1 if that is no
        minimum of the list (it leaves the box, say).
    ends : (k, 2, n) float
        The last point of each path.
    barriers : (k, 2) float
        f(saddle) − f(end).
    paths : tuple of (tuple of two (·, n) arrays)
        The steepest descents, from the saddle on.
    """

    points: CriticalPoints
    saddles: NDArray[np.int64]
    minima: NDArray[np.int64]
    ends: Floats
    barriers: Floats
    paths: tuple[tuple[Floats, Floats], ...]

    def to_networkx(self) -> Any:
        """Return a networkx.MultiGraph: minima as nodes, saddles as edges with their `value`.

        Raises ImportError if networkx is not installed.
        """
        graph = importlib.import_module("networkx").MultiGraph()
        points = self.points
        for i in np.flatnonzero(points.kind == "minimum").tolist():
            graph.add_node(i, x=points.x[i], value=float(points.value[i]))
        for saddle, (a, b) in zip(self.saddles.tolist(), self.minima.tolist(), strict=True):
            if a >= 0 and b >= 0:
                graph.add_edge(a, b, saddle=saddle, value=float(points.value[saddle]))
        return graph

    def plot(self, *, ax: Axes | None = None, **kwargs: Any) -> Axes:
        """Draw the paths over the contours (two variables)."""
        from saddlelab.critical_plot import plot_landscape_graph

        return plot_landscape_graph(self, ax=ax, **kwargs)


def descend_from_saddle(points: CriticalPoints) -> LandscapeGraph:
    """Follow both unstable directions of every saddle of index 1 down to a minimum.

    Parameters
    ----------
    points : CriticalPoints
        From `critical_points`.

    Returns
    -------
    LandscapeGraph

    Notes
    -----
    The path is the steepest descent dx/dt = −∇f(x) itself, integrated by LSODA (Hindmarsh 1983),
    which is at ease where the flow is stiff: in long narrow valleys.

    Examples
    --------
    >>> from saddlelab import critical_points, descend_from_saddle
    >>> double_well = lambda x: (x[0] ** 2 - 1) ** 2 + x[1] ** 2
    >>> found = critical_points(double_well, [(-2, 2), (-2, 2)], rng=0)
    >>> graph = descend_from_saddle(found)
    >>> graph.saddles, graph.minima
    (array([2]), array([[0, 1]]))
    """
    if not isinstance(points, CriticalPoints):
        raise TypeError(f"`points` must come from critical_points, got {type(points).__name__}")
    saddles = np.flatnonzero((points.kind == "saddle") & (points.index == 1))
    minima = np.full((len(saddles), 2), -1)
    ends = np.empty((len(saddles), 2, points.x.shape[1]))
    paths = []
    for k, saddle in enumerate(saddles.tolist()):
        sides = tuple(_descend(points, saddle, sign) for sign in (-1.0, 1.0))
        paths.append((sides[0][0], sides[1][0]))
        for side, (path, minimum) in enumerate(sides):
            minima[k, side], ends[k, side] = minimum, path[-1]
    flat = ends.reshape(-1, ends.shape[2])
    values = points.objective.value(flat) if len(flat) else np.empty(0)
    barriers = points.value[saddles][:, None] - values.reshape(-1, 2)
    return LandscapeGraph(points, saddles, minima, ends, barriers, tuple(paths))


def _descend(points: CriticalPoints, saddle: int, sign: float) -> tuple[Floats, int]:
    """Path from a saddle, and the number of the minimum that it leads to."""
    from scipy.integrate import LSODA

    f, width = points.objective, np.ptp(points.bounds, axis=1)
    unstable = _oriented(points.vectors[saddle][:, 0])
    start = points.x[saddle] + sign * _STEP * width.min() * unstable
    wells = np.flatnonzero(points.kind == "minimum")
    path, steepest = [points.x[saddle], start], 0.0
    flow = LSODA(
        lambda t, x: -_finite(f.gradient, x, 1), 0.0, start, np.inf,
        jac=lambda t, x: -_finite(f.hessian, x, 2), rtol=1e-6, atol=1e-9 * width.min(),
        first_step=1e-3 / abs(points.eigenvalues[saddle, 0]),
    )  # fmt: skip
    for _ in range(_MOST_STEPS):
        flow.step()
        slope = float(np.linalg.norm(_finite(f.gradient, flow.y, 1) * width))
        steepest = max(slope, steepest)
        if not slope > _SETTLED * steepest:
            break
        path.append(flow.y.copy())
        near = (np.abs(points.x[wells] - flow.y) <= _NEAR * width).all(axis=1)
        if near.any():
            well = int(wells[np.argmax(near)])
            return np.array([*path, points.x[well]]), well
        if flow.status != "running" or _gone(flow.y, points.bounds, width):
            break
    return np.array(path), -1


def _finite(derivative: Callable[[Floats], Floats], x: Floats, order: int) -> Floats:
    """A derivative where the function may be asked; elsewhere NaN, which ends the path."""
    return derivative(x) if np.isfinite(x).all() else np.full((len(x),) * order, np.nan)


def _oriented(vector: Floats) -> Floats:
    """The one of ±vector whose largest component is positive."""
    return vector if vector[np.argmax(np.abs(vector))] > 0.0 else -vector


def _gone(x: Floats, box: Floats, width: Floats) -> bool:
    return bool(((x < box[:, 0] - width) | (x > box[:, 1] + width)).any())
