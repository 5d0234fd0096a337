"""Pictures of runs: paths over contours, values against steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from saddlelab.contours import draw_function, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from saddlelab.optimize.runs import Runs

__all__ = ["plot_runs", "plot_values"]

Floats: TypeAlias = NDArray[np.float64]

#: Where runs end, in Okabe and Ito's colours.
_ENDS: dict[str, dict[str, Any]] = {
    "minimum": {"marker": "o", "color": "#0072b2"},
    "saddle": {"marker": "X", "color": "#d55e00"},
    "maximum": {"marker": "^", "color": "#009e73"},
    "degenerate": {"marker": "D", "color": "#cc79a7"},
    "not critical": {"marker": ".", "color": "0.35"},
}
#: Paths drawn, and room around them.
_MOST_PATHS, _ROOM = 300, 0.08
#: Above this ratio of heights, they are drawn in logarithms.
_LOG_FROM = 30.0


def plot_runs(runs: Runs, *, ax: Axes | None = None, **kwargs: Any) -> Axes:
    """Draw paths over contours if there are two variables and "x" was recorded, else values.

    Parameters
    ----------
    runs : Runs
        With "x" or "value" in its history.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure's by default.
    **kwargs
        Passed to ``Axes.plot`` of each path or curve.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If neither was recorded.
    """
    history = runs.history
    if history.x is None and history.value is None:
        raise ValueError('a picture needs a history: pass record="x" (paths) or record="value"')
    paths = history.x is not None and runs.x.shape[-1] == 2
    if history.value is None and not paths:
        raise ValueError('paths are drawn of two variables only: pass record="value"')
    ax = new_axes((6.4, 5.4) if paths else (6.8, 4.6)) if ax is None else ax
    draw = _draw_paths if paths else plot_values
    draw(ax, runs, kwargs)
    return ax


def _draw_paths(ax: Axes, runs: Runs, kwargs: dict[str, Any]) -> None:
    assert runs.history.x is not None
    paths = np.reshape(runs.history.x, (-1, *runs.history.x.shape[-2:]))
    ends, kinds = np.atleast_2d(runs.x), np.atleast_1d(runs.kind)
    low, high = _frame(paths, ends)
    draw_function(ax, runs.fun_, np.column_stack([low, high]))
    style: dict[str, Any] = {
        "color": "#e69f00", "linewidth": 1.1, "alpha": 0.9 if len(paths) < 60 else 0.4,
    } | kwargs  # fmt: skip
    for path, end in zip(paths[:_MOST_PATHS], ends, strict=False):
        whole = np.vstack([path[np.isfinite(path).all(axis=1)], end])
        ax.plot(whole[:, 0], whole[:, 1], zorder=3, **style)
    begun = paths[:_MOST_PATHS, 0]
    ax.scatter(begun[:, 0], begun[:, 1], s=7, color="#e69f00", zorder=3.5, label="starts")
    for kind in dict.fromkeys([*_ENDS, *kinds.tolist()]):
        those = kinds == kind
        if those.any():
            look = _ENDS.get(kind, {"marker": "s", "color": "0.5"})
            x, y = ends[those].T
            ax.scatter(x, y, s=42, zorder=4, edgecolors="white", linewidths=0.7,
                       label=f"{np.count_nonzero(those)} at: {kind}", gid=kind, **look)  # fmt: skip
    ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), xlabel="x0", ylabel="x1")
    ax.set_title(_title(runs))
    ax.legend(loc="upper right", fontsize="small", framealpha=0.85)


def _frame(paths: Floats, ends: Floats) -> tuple[Floats, Floats]:
    """A box that shows the paths, but for the few that go far out."""
    points = np.vstack([paths[:, 0], ends, np.nanmin(paths, axis=1), np.nanmax(paths, axis=1)])
    low, high = np.quantile(points, [0.01, 0.99], axis=0)
    size = np.maximum(high - low, 1e-3 * np.maximum(1.0, np.abs(high)))
    size = np.maximum(size, 0.2 * size.max())
    middle = 0.5 * (low + high)
    half = (0.5 + _ROOM) * size
    return middle - half, middle + half


def plot_values(ax: Axes, runs: Runs, kwargs: dict[str, Any]) -> None:
    """Draw f against steps: every run if there are few, else their median and a band."""
    assert runs.history.value is not None
    values = np.atleast_2d(runs.history.value)
    t = runs.history.steps("value")
    floor = _floor(values)
    heights = values - floor
    if len(values) <= 12:
        for row in heights:
            style: dict[str, Any] = {"color": "#0072b2", "linewidth": 1.0, "alpha": 0.8}
            ax.plot(t, row, **(style | kwargs))
    else:
        kept = _carried(heights)
        low, q1, middle, q3, high = np.quantile(kept, [0.05, 0.25, 0.5, 0.75, 0.95], axis=0)
        ax.fill_between(t, low, high, color="#0072b2", alpha=0.15, linewidth=0, label="5–95 %")
        ax.fill_between(t, q1, q3, color="#0072b2", alpha=0.3, linewidth=0, label="25–75 %")
        ax.plot(t, middle, **({"color": "#0072b2", "label": "median"} | kwargs))
        ax.legend(fontsize="small")
    positive = heights[np.isfinite(heights) & (heights > 0.0)]
    if len(positive) and positive.max() > _LOG_FROM * positive.min():
        ax.set_yscale("log")
    ax.set(xlabel="steps", ylabel="f" if floor == 0.0 else f"f − ({floor:.6g})")
    ax.set_title(_title(runs))


def _floor(values: Floats) -> float:
    """What is taken off, so that heights can be drawn in logarithms."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return 0.0
    low, high = finite.min(), finite.max()
    # A lowest value just above 0 is a height already.
    return 0.0 if 0.0 <= low < 0.1 * (high - low) else float(low)


def _carried(values: Floats) -> Floats:
    """Values with the last one in place of NaN: a start that has ended stays where it is."""
    seen = np.where(np.isnan(values), -1, np.arange(values.shape[1]))
    last = np.maximum(np.maximum.accumulate(seen, axis=1), 0)
    found: Floats = np.nan_to_num(np.take_along_axis(values, last, axis=1), nan=np.inf)
    return found


def _title(runs: Runs) -> str:
    count = len(runs)
    return f"{runs.method} on {runs.fun_.name}, {count} start{'s' if count > 1 else ''}"
