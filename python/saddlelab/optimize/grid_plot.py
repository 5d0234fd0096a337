"""The picture of a grid search: the function, and the best points of the grid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from saddlelab.optimize.grid_result import GridSearch

__all__ = ["plot_grid_search"]

#: Points per side of the picture, and contour lines.
_GRID, _LEVELS = 241, 28


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
    if ax is None:
        import matplotlib.pyplot as plt

        ax = plt.figure(figsize=(6.4, 5.4), layout="constrained").add_subplot()
    (_draw_curve if n == 1 else _draw_contours)(ax, found, kwargs)
    height = found.value if n == 1 else found.x[:, 1]
    style: dict[str, Any] = {"color": "#0072b2", "edgecolors": "white", "linewidths": 0.8}
    ax.scatter(found.x[1:, 0], height[1:], s=30, zorder=4, gid="next",
               label=f"the next {len(found.x) - 1}", **style)  # fmt: skip
    ax.scatter(found.x[:1, 0], height[:1], s=130, marker="*", zorder=5, gid="best",
               label="the best point", **style)  # fmt: skip
    ax.set_title(f"{name} on a grid of {' × '.join(map(str, found.points.tolist()))}")
    ax.legend(loc="upper right", fontsize="small", framealpha=0.85)
    return ax


def _draw_curve(ax: Axes, found: GridSearch, kwargs: dict[str, Any]) -> None:
    low, high = found.bounds[0]
    x = np.linspace(low, high, 4 * _GRID)
    style: dict[str, Any] = {"color": "0.4", "linewidth": 1.2} | kwargs
    ax.plot(x, found.objective.value(x[:, None]), **style)
    ax.set_xlabel("x")
    ax.set_ylabel("f(x)")


def _draw_contours(ax: Axes, found: GridSearch, kwargs: dict[str, Any]) -> None:
    x, y = (np.linspace(low, high, _GRID) for low, high in found.bounds)
    grid = np.stack(np.meshgrid(x, y), axis=-1)
    values = found.objective.value(grid.reshape(-1, 2)).reshape(grid.shape[:2])
    style: dict[str, Any] = {"linewidths": 0.7, "alpha": 0.8} | kwargs
    if "levels" not in style:
        # Evenly spaced in the ranks: some where the landscape is flat, some where it is steep.
        share = np.linspace(0.0, 1.0, _LEVELS + 2)[1:-1] ** 1.5
        style["levels"] = np.unique(np.quantile(values[np.isfinite(values)], share))
    if not {"cmap", "colors"} & style.keys():
        low, high = np.min(style["levels"]), np.max(style["levels"])
        style |= {"cmap": "Greys_r", "vmin": low, "vmax": high + 0.5 * (high - low)}
    ax.contour(x, y, values, **style)
    ax.set_xlabel("x0")
    ax.set_ylabel("x1")
