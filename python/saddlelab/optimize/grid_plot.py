"""The picture of a grid search: the function, and the best points of the grid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from saddlelab.contours import draw_curve, draw_function, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from saddlelab.optimize.grid_result import GridSearch

__all__ = ["plot_grid_search"]


def plot_grid_search(found: GridSearch, *, ax: Axes | None = None, **kwargs: Any) -> Axes:
    """Draw a function of one or two variables and the points of its least values.

    Parameters
    ----------
    found : GridSearch
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure's by default.
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
    n, name = len(found.bounds), found.objective.name
    if n > 2:
        raise ValueError(f"a picture needs one or two variables, {name} has {n}")
    ax = new_axes() if ax is None else ax
    if n == 1:
        draw_curve(ax, found.objective, *found.bounds[0], **kwargs)
    else:
        draw_function(ax, found.objective, found.bounds, **kwargs)
    height = found.value if n == 1 else found.x[:, 1]
    style: dict[str, Any] = {"color": "#0072b2", "edgecolors": "white", "linewidths": 0.8}
    ax.scatter(found.x[1:, 0], height[1:], s=30, zorder=4, gid="next",
               label=f"the next {len(found.x) - 1}", **style)  # fmt: skip
    ax.scatter(found.x[:1, 0], height[:1], s=130, marker="*", zorder=5, gid="best",
               label="the best point", **style)  # fmt: skip
    ax.set_title(f"{name} on a grid of {' × '.join(map(str, found.points.tolist()))}")
    ax.legend(loc="upper right", fontsize="small", framealpha=0.85)
    return ax
