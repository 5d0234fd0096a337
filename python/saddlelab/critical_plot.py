"""Pictures of critical points: contours, points by kind, unstable directions, descents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from saddlelab.contours import draw_curve, draw_function, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from saddlelab.critical_result import CriticalPoints
    from saddlelab.landscape_graph import LandscapeGraph

__all__ = ["plot_critical_points", "plot_landscape_graph"]

_STYLES: dict[str, dict[str, Any]] = {
    "minimum": {"marker": "o", "color": "#0072b2"},
    "saddle": {"marker": "X", "color": "#d55e00"},
    "maximum": {"marker": "^", "color": "#009e73"},
    "degenerate": {"marker": "D", "color": "#cc79a7"},
    "undecided": {"marker": "s", "color": "0.4"},
}
_PLURALS = {"minimum": "minima", "maximum": "maxima", "saddle": "saddles"}
#: Length of an unstable direction, as a part of the box.
_ARROW = 0.06


def plot_critical_points(
    found: CriticalPoints, *, ax: Axes | None = None, directions: bool = True, **kwargs: Any
) -> Axes:
    """Draw the landscape with its critical points, for one or two variables.

    Parameters
    ----------
    found : CriticalPoints
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure's by default.
    directions : bool, optional
        Whether to draw the unstable directions of saddles.
    **kwargs
        Passed to ``Axes.contour`` (two variables) or ``Axes.plot`` (one).

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If there are more than two variables.
    """
    n = len(found.bounds)
    if n > 2:
        raise ValueError(f"a picture needs one or two variables, {found.name} has {n}")
    ax = new_axes() if ax is None else ax
    if n == 1:
        draw_curve(ax, found.objective, *found.bounds[0], **kwargs)
    else:
        # The contours through the saddles show what they separate.
        draw_function(ax, found.objective, found.bounds, marked=found.value, **kwargs)
        _keep_to_box(ax, found)
    height = found.value if n == 1 else found.x[:, -1]
    if directions and n == 2:
        _draw_directions(ax, found)
    for kind, style in _STYLES.items():
        those = found.kind == kind
        if those.any():
            count = int(np.count_nonzero(those))
            label = f"{count} {kind if count == 1 else _PLURALS.get(kind, kind)}"
            ax.scatter(found.x[those, 0], height[those], s=46, zorder=4, edgecolors="white",
                       linewidths=0.8, label=label, gid=kind, **style)  # fmt: skip
    ax.set_title(f"Critical points of {found.name}")
    if len(found):
        ax.legend(loc="upper right", fontsize="small", framealpha=0.85)
    return ax


def plot_landscape_graph(graph: LandscapeGraph, *, ax: Axes | None = None, **kwargs: Any) -> Axes:
    """Draw the descents from saddles to minima over `plot_critical_points`.

    Parameters
    ----------
    graph : LandscapeGraph
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure's by default.
    **kwargs
        Passed to ``Axes.contour``.

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = plot_critical_points(graph.points, ax=ax, directions=False, **kwargs)
    if len(graph.points.bounds) == 2:
        for path in (side for sides in graph.paths for side in sides):
            ax.plot(path[:, 0], path[:, 1], color="#d55e00", linewidth=1.4, zorder=3)
        _keep_to_box(ax, graph.points)
    return ax


def _draw_directions(ax: Axes, found: CriticalPoints) -> None:
    width = np.ptp(found.bounds, axis=1)
    for k in np.flatnonzero(found.kind == "saddle"):
        v = found.vectors[k][:, 0] * _ARROW * width.min()
        for sign in (-1.0, 1.0):
            ax.annotate(
                "",
                found.x[k] + sign * v,
                found.x[k],
                arrowprops={"arrowstyle": "->", "color": "#d55e00", "linewidth": 1.3},
                zorder=3,
            )


def _keep_to_box(ax: Axes, found: CriticalPoints) -> None:
    (a, b), (c, d) = found.bounds
    ax.set_xlim(a, b)
    ax.set_ylim(c, d)
