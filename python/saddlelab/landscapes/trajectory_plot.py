"""Pictures of trajectories: in the plane of their principal directions, and moving."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from saddlelab.arguments import positive_integer
from saddlelab.contours import draw_contours, draw_function, new_axes

if TYPE_CHECKING:
    from matplotlib.animation import FuncAnimation
    from matplotlib.axes import Axes

    from saddlelab.landscapes.slice_result import Slice
    from saddlelab.landscapes.trajectory import Trajectory
    from saddlelab.optimize.runs import Runs

__all__ = ["animate", "plot_trajectory"]

Floats: TypeAlias = NDArray[np.float64]

_PATH, _END = "#e69f00", "#0072b2"


def plot_trajectory(
    result: Trajectory, *, ax: Axes | None = None, surface: Slice | None = None, **kwargs: Any
) -> Axes:
    """Draw a trajectory in its plane, each point coloured by its distance from the plane.

    Parameters
    ----------
    result : Trajectory
        Of two directions.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure's by default.
    surface : Slice, optional
        From `Trajectory.slice`: its contours are drawn below.
    **kwargs
        Passed to ``Axes.scatter`` of the points.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If there are not two directions, or the surface is of another plane.
    """
    if len(result.directions) != 2:
        raise ValueError(f"this picture is of two directions, `result` has "
                         f"{len(result.directions)}")  # fmt: skip
    ax = new_axes((6.8, 5.4)) if ax is None else ax
    if surface is not None:
        if not np.array_equal(surface.directions, result.directions):
            raise ValueError("`surface` must be a slice made by `slice` of this trajectory")
        draw_contours(ax, surface.a, surface.b, surface.values.T)
    a, b = result.coordinates.T
    ax.plot(a, b, color=_PATH, linewidth=1.2, zorder=3, gid="path")
    style: dict[str, Any] = {"c": result.errors, "cmap": "cividis", "s": 16, "zorder": 4} | kwargs
    points = ax.scatter(a, b, gid="points", **style)
    ax.figure.colorbar(points, ax=ax, label="distance from the plane")
    ax.scatter(a[:1], b[:1], marker="s", s=46, color=_PATH, edgecolors="white", zorder=5,
               gid="start", label="start")  # fmt: skip
    ax.scatter(a[-1:], b[-1:], marker="*", s=130, color=_END, edgecolors="white", zorder=5,
               gid="end", label="end")  # fmt: skip
    share = [f"{100 * part:.1f} % of the variance" for part in result.explained]
    ax.set(xlabel=f"a: {share[0]}", ylabel=f"b: {share[1]}", title="Trajectory in its plane")
    ax.legend(fontsize="small", framealpha=0.85)
    return ax


def animate(
    runs: Runs, *, ax: Axes | None = None, frames: int = 100, interval: float = 50.0
) -> FuncAnimation:
    """Make an animation of runs of two variables that recorded "x".

    Parameters
    ----------
    runs : Runs
        From ``minimize(…, record="x")``.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure's by default.
    frames : int, optional
        At most so many; the last shows the ends.
    interval : float, optional
        Milliseconds between frames.

    Returns
    -------
    matplotlib.animation.FuncAnimation
        Write it by ``animation.save("run.gif", writer="pillow")``.

    Raises
    ------
    ValueError
        If there are not two variables, or "x" was not recorded.
    """
    from matplotlib.animation import FuncAnimation

    if runs.history.x is None or runs.x.shape[-1] != 2:
        raise ValueError('an animation needs two variables and their history: pass record="x"')
    paths = np.reshape(runs.history.x, (-1, *runs.history.x.shape[-2:]))
    shown = _whole(paths)
    chosen = np.unique(np.linspace(0, shown.shape[1] - 1,
                                   positive_integer("frames", frames, at_most=10**6)).round())
    steps = runs.history.steps("x")
    ax = new_axes() if ax is None else ax
    points = shown.reshape(-1, 2)
    room = 0.08 * np.maximum(np.ptp(points, axis=0), 1e-3 * np.ptp(points) + 1e-9)
    box = np.column_stack([points.min(axis=0) - room, points.max(axis=0) + room])
    draw_function(ax, runs.fun_, box)
    ax.set(xlim=box[0], ylim=box[1])
    tails = [ax.plot([], [], color=_PATH, linewidth=1.1, zorder=3)[0] for _ in shown]
    style: dict[str, Any] = {"s": 30, "color": _END, "edgecolors": "white", "zorder": 4}
    heads = ax.scatter(shown[:, 0, 0], shown[:, 0, 1], **style)

    def draw(frame: int) -> list[Any]:
        for tail, path in zip(tails, shown, strict=True):
            tail.set_data(path[: frame + 1, 0], path[: frame + 1, 1])
        heads.set_offsets(shown[:, frame])
        ax.set_title(f"{runs.method} on {runs.fun_.name}, step {steps[frame]}")
        return [*tails, heads]

    figure: Any = ax.figure
    return FuncAnimation(figure, draw, frames=chosen.astype(int).tolist(), interval=interval)


def _whole(paths: Floats) -> Floats:
    """Paths that stay where they ended: what is not finite is the last place before it."""
    seen = np.where(np.isfinite(paths).all(axis=2), np.arange(paths.shape[1]), 0)
    last = np.maximum.accumulate(seen, axis=1)
    found: Floats = np.take_along_axis(paths, last[:, :, None], axis=1)
    return found
