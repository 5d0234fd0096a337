"""Landscapes as pictures: contour lines, filled contours, curves; logarithms where heights ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from saddlelab.objective import Objective

__all__ = ["draw_bar", "draw_contours", "draw_curve", "draw_filled", "draw_function", "even_levels",
           "heights_of", "is_steep", "levels_of", "new_axes"]  # fmt: skip

Floats: TypeAlias = NDArray[np.float64]

#: Points per side of a picture of a function, and contour lines.
_GRID, _LEVELS = 241, 28
#: Above this ratio of heights they are drawn in logarithms, over so many powers of ten at most.
_LOG_FROM, _DECADES = 30.0, 12.0


def new_axes(size: tuple[float, float] = (6.4, 5.4), **kwargs: Any) -> Axes:
    """Axes of a figure of its own, made with pyplot."""
    import matplotlib.pyplot as plt

    made: Axes = plt.figure(figsize=size, layout="constrained").add_subplot(**kwargs)
    return made


def draw_function(
    ax: Axes, fun: Objective, box: ArrayLike, *, marked: ArrayLike = (), **kwargs: Any
) -> None:
    """Draw contour lines of a function of two variables in a box (2, 2)."""
    x, y = (np.linspace(low, high, _GRID) for low, high in np.asarray(box))
    grid = np.stack(np.meshgrid(x, y), axis=-1)
    values = fun.value(grid.reshape(-1, 2)).reshape(grid.shape[:2])
    draw_contours(ax, x, y, values, marked=marked, **kwargs)
    ax.set_xlabel("x0")
    ax.set_ylabel("x1")


def draw_curve(ax: Axes, fun: Objective, low: float, high: float, **kwargs: Any) -> None:
    """Draw a function of one variable."""
    x = np.linspace(low, high, 4 * _GRID)
    style: dict[str, Any] = {"color": "0.4", "linewidth": 1.2} | kwargs
    ax.plot(x, fun.value(x[:, None]), **style)
    ax.set_xlabel("x")
    ax.set_ylabel("f(x)")


def draw_contours(
    ax: Axes, x: Floats, y: Floats, values: Floats, *, marked: ArrayLike = (), **kwargs: Any
) -> Any:
    """Draw contour lines, from black to grey: the highest are to be seen, too.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    x : (p,) float array
    y : (q,) float array
    values : (q, p) float array
    marked : array_like, optional
        Values that get a line of their own.
    **kwargs
        Passed to ``Axes.contour``.

    Returns
    -------
    matplotlib.contour.QuadContourSet or None
        None where there is nothing to draw: no two different numbers.
    """
    style: dict[str, Any] = {"linewidths": 0.7, "alpha": 0.8} | kwargs
    if "levels" not in style:
        style["levels"] = levels_of(values, marked)
    if np.ndim(style["levels"]) and len(style["levels"]) < 1:
        return None
    if not {"cmap", "colors"} & style.keys():
        style["cmap"] = "Greys_r"
        if np.ndim(style["levels"]):
            low, high = np.min(style["levels"]), np.max(style["levels"])
            style |= {"vmin": low, "vmax": high + 0.5 * (high - low)}
    return ax.contour(x, y, values, **style)


def levels_of(values: Floats, marked: ArrayLike = ()) -> Floats:
    """Levels evenly spaced in the ranks: some where the landscape is flat, some where it is steep.

    Empty if there are no two different numbers.
    """
    finite = values[np.isfinite(values)]
    if not len(finite) or finite.min() == finite.max():
        return np.empty(0)
    levels = np.quantile(finite, np.linspace(0.0, 1.0, _LEVELS + 2)[1:-1] ** 1.5)
    own = np.asarray(marked, dtype=np.float64)
    inside = own[(own > finite.min()) & (own < finite.max())]
    found: Floats = np.unique(np.concatenate([levels, inside[:_LEVELS]]))
    return found


def draw_filled(
    ax: Axes, x: Floats, y: Floats, values: Floats, *, log: bool | None = None, **kwargs: Any
) -> Any:
    """Draw filled contours with thin lines between them.

    Parameters
    ----------
    ax, x, y, values
        As for `draw_contours`.
    log : bool, optional
        Whether colours are of the logarithm; by default where values are not negative and range
        over more than a factor of 30.
    **kwargs
        Passed to ``Axes.contourf``.

    Returns
    -------
    matplotlib.contour.QuadContourSet
    """
    heights, logarithmic = heights_of(values, log)
    style: dict[str, Any] = {"cmap": "cividis"} | kwargs
    if "levels" not in style:
        style["levels"] = even_levels(heights, logarithmic)
    if logarithmic and "norm" not in style:
        from matplotlib.colors import LogNorm

        style["norm"] = LogNorm(style["levels"][0], style["levels"][-1])
    filled = ax.contourf(x, y, heights, **style)
    ax.contour(x, y, heights, levels=filled.levels, colors="white", linewidths=0.3, alpha=0.5)
    return filled


def is_steep(values: Floats) -> bool:
    """Whether values are not negative and range so widely that logarithms show more."""
    finite = values[np.isfinite(values)]
    positive = finite[finite > 0.0]
    if not len(positive) or finite.min() < 0.0:
        return False
    return bool(positive.max() > _LOG_FROM * np.quantile(positive, 0.01))


def heights_of(values: Floats, log: bool | None) -> tuple[Floats, bool]:
    """Values ready to be drawn, and whether in logarithms: 0 is then drawn as the least height."""
    logarithmic = is_steep(values) if log is None else log
    if not logarithmic:
        return np.where(np.isfinite(values), values, np.nan), False
    finite = values[np.isfinite(values)]
    if not len(finite) or finite.min() < 0.0 or finite.max() <= 0.0:
        raise ValueError("`log` must be False where values are negative or none is positive")
    floor = max(finite[finite > 0.0].min(), finite.max() * 10.0**-_DECADES)
    return np.where(np.isfinite(values), np.maximum(values, floor), np.nan), True


def even_levels(heights: Floats, logarithmic: bool) -> Floats:
    """Levels of colours: round numbers, or evenly spaced logarithms."""
    low, high = np.nanmin(heights), np.nanmax(heights)
    if low == high:
        return np.array([low - 0.5, low + 0.5]) if not logarithmic else np.array([low, 2.0 * low])
    if logarithmic:
        levels: Floats = np.geomspace(low, high, _LEVELS)
        return levels
    from matplotlib.ticker import MaxNLocator

    return np.asarray(MaxNLocator(_LEVELS).tick_values(low, high))


def draw_bar(filled: Any, axes: Any, label: str) -> None:
    """Draw the bar of colours of filled contours, a few of their levels written beside it."""
    from matplotlib.colors import LogNorm
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    levels = np.asarray(filled.levels)
    ticks = levels[:: max(1, len(levels) // 7)]
    if isinstance(filled.norm, LogNorm):
        tens = 10.0 ** np.arange(np.ceil(np.log10(levels[0])), np.log10(levels[-1]) + 1e-9)
        ticks = tens if len(tens) > 2 else ticks
    figure = np.ravel(np.asarray(axes, dtype=object))[0].figure
    bar = figure.colorbar(filled, ax=axes, label=label)
    bar.ax.yaxis.set_major_locator(FixedLocator(ticks.tolist()))
    bar.ax.yaxis.set_minor_locator(NullLocator())
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}"))
