"""Pictures of slices: lines, contours, surfaces, sections of a volume, ensembles, barriers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from saddlelab.contours import (
    draw_bar,
    draw_contours,
    draw_filled,
    even_levels,
    heights_of,
    is_steep,
    new_axes,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from saddlelab.landscapes.between import Barrier
    from saddlelab.landscapes.ensemble import SliceEnsemble
    from saddlelab.landscapes.slice_result import Slice

__all__ = ["plot_barrier", "plot_contour", "plot_ensemble", "plot_filled", "plot_line",
           "plot_surface", "plot_volume", "sliced"]  # fmt: skip

Floats: TypeAlias = NDArray[np.float64]

_BLUE, _ORANGE, _GREEN = "#0072b2", "#d55e00", "#009e73"
_LINE: dict[str, Any] = {"color": _BLUE, "linewidth": 1.4, "gid": "line"}
#: Sections of a volume, unless it is said.
_SECTIONS = 5


def sliced(found: Slice, dimensions: int) -> None:
    """Refuse a slice of other dimensions."""
    names = ("line", "plane", "volume")
    if len(found.axes) != dimensions:
        raise ValueError(f"this picture is of a {names[dimensions - 1]}, `result` is a "
                         f"{names[len(found.axes) - 1]}")  # fmt: skip


def plot_line(
    result: Slice, *, ax: Axes | None = None, log: bool | None = None, **kwargs: Any
) -> Axes:
    """Draw f along a line, with a mark at x.

    Parameters
    ----------
    result : Slice
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure's by default.
    log : bool, optional
        Whether heights are logarithmic; by default where they are positive and range widely.
    **kwargs
        Passed to ``Axes.plot``.

    Returns
    -------
    matplotlib.axes.Axes
    """
    sliced(result, 1)
    ax = new_axes((6.4, 4.2)) if ax is None else ax
    heights, logarithmic = heights_of(result.values, log)
    ax.plot(result.a, heights, **(_LINE | kwargs))
    here = np.flatnonzero(result.a == 0.0)
    ax.plot(result.a[here], heights[here], "o", color=_ORANGE, markersize=5, gid="x", label="x")
    _finish(ax, result.name, logarithmic)
    return ax


def plot_contour(result: Slice, *, ax: Axes | None = None, **kwargs: Any) -> Axes:
    """Draw contour lines of a plane, evenly spaced in the ranks of the values.

    Parameters
    ----------
    result : Slice
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure's by default.
    **kwargs
        Passed to ``Axes.contour``.

    Returns
    -------
    matplotlib.axes.Axes
    """
    sliced(result, 2)
    ax = new_axes() if ax is None else ax
    draw_contours(ax, result.a, result.b, result.values.T, **kwargs)
    _label_plane(ax, result)
    return ax


def plot_filled(
    result: Slice, *, ax: Axes | None = None, log: bool | None = None, **kwargs: Any
) -> Axes:
    """Draw a plane as filled contours, with a bar of its colours.

    Parameters
    ----------
    result : Slice
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure's by default.
    log : bool, optional
        Whether colours are of the logarithm; by default where values are not negative and range
        over more than a factor of 30.
    **kwargs
        Passed to ``Axes.contourf``.

    Returns
    -------
    matplotlib.axes.Axes
    """
    sliced(result, 2)
    ax = new_axes((6.8, 5.4)) if ax is None else ax
    filled = draw_filled(ax, result.a, result.b, result.values.T, log=log, **kwargs)
    draw_bar(filled, ax, result.name)
    _label_plane(ax, result)
    return ax


def plot_surface(
    result: Slice, *, ax: Any = None, log: bool | None = None, **kwargs: Any
) -> Any:
    """Draw a plane as a surface in three dimensions.

    Parameters
    ----------
    result : Slice
    ax : mpl_toolkits.mplot3d.axes3d.Axes3D, optional
        Made with ``projection="3d"``; a new figure's by default.
    log : bool, optional
        Whether heights are log10 f, as for `plot_filled`.
    **kwargs
        Passed to ``Axes3D.plot_surface``.

    Returns
    -------
    mpl_toolkits.mplot3d.axes3d.Axes3D

    Raises
    ------
    ValueError
        If `ax` is not three-dimensional.
    """
    sliced(result, 2)
    ax = new_axes(projection="3d") if ax is None else ax
    if not hasattr(ax, "plot_surface"):
        raise ValueError('`ax` must be three-dimensional: made with projection="3d"')
    heights, logarithmic = heights_of(result.values, log)
    heights = np.log10(heights) if logarithmic else heights
    a, b = np.meshgrid(result.a, result.b, indexing="ij")
    # Matplotlib leaves out rows and columns beyond 50, unless it is told not to.
    style: dict[str, Any] = {"cmap": "cividis", "rcount": 100, "ccount": 100, "linewidth": 0,
                             "antialiased": True}  # fmt: skip
    ax.plot_surface(a, b, heights, **(style | kwargs))
    ax.set(xlabel="a", ylabel="b", title=result.name)
    ax.set_zlabel("log10 f" if logarithmic else "f")
    return ax


def plot_volume(
    result: Slice,
    *,
    ax: Sequence[Axes] | None = None,
    log: bool | None = None,
    **kwargs: Any,
) -> list[Axes]:
    """Draw sections of a volume at several c, linked by one scale of colours.

    Parameters
    ----------
    result : Slice
    ax : sequence of matplotlib.axes.Axes, optional
        One for each section; five of a new figure by default.
    log : bool, optional
        As for `plot_filled`.
    **kwargs
        Passed to ``Axes.contourf``.

    Returns
    -------
    list of matplotlib.axes.Axes
    """
    sliced(result, 3)
    count = min(len(result.c), _SECTIONS)
    made = _row_of_axes(count) if ax is None else list(np.atleast_1d(np.asarray(ax, dtype=object)))
    logarithmic = is_steep(result.values) if log is None else log
    whole, _ = heights_of(result.values, logarithmic)
    style: dict[str, Any] = {"levels": even_levels(whole, logarithmic)} | kwargs
    last = len(result.c) - 1
    chosen = np.linspace(0, last, len(made)).round() if len(made) > 1 else np.array([last // 2])
    for each, k in zip(made, chosen.astype(int).tolist(), strict=True):
        filled = draw_filled(each, result.a, result.b, whole[:, :, k].T, log=logarithmic, **style)
        each.set(xlabel="a", title=f"c = {result.c[k]:.4g}", aspect="auto")
    made[0].set_ylabel("b")
    draw_bar(filled, made, result.name)
    return made


def plot_ensemble(
    result: SliceEnsemble,
    *,
    ax: Axes | None = None,
    line: Slice | None = None,
    level: float = 0.9,
    log: bool | None = None,
    **kwargs: Any,
) -> Axes:
    """Draw random lines, their median and the band that holds most of them.

    Parameters
    ----------
    result : SliceEnsemble
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure's by default.
    line : Slice, optional
        One to be compared with them.
    level : float, optional
        Of the lines, the part that the band holds.
    log : bool, optional
        As for `plot_line`.
    **kwargs
        Passed to ``Axes.plot`` of the median.

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = new_axes((6.4, 4.2)) if ax is None else ax
    low, high = result.band(level)
    every, logarithmic = heights_of(result.values, log)
    for values in every[:50]:
        ax.plot(result.a, values, color="0.6", linewidth=0.4, alpha=0.5)
    label = f"{100 * level:g} % of {len(result)} directions"
    ax.fill_between(result.a, low, high, color=_BLUE, alpha=0.2, linewidth=0, label=label)
    style: dict[str, Any] = {"color": _BLUE, "linewidth": 1.5, "label": "median"} | kwargs
    ax.plot(result.a, np.median(result.values, axis=0), **style)
    if line is not None:
        share = result.typicality(line)
        label = f"this line ({100 * share:.2g} % are as extreme)"
        ax.plot(line.a, line.values, color=_ORANGE, linestyle="--", gid="line", label=label)
    ax.legend(frameon=False, fontsize="small")
    _finish(ax, result.objective.name, logarithmic)
    return ax


def plot_barrier(
    result: Barrier, *, ax: Axes | None = None, log: bool | None = None, **kwargs: Any
) -> Axes:
    """Draw the line between two solutions and the barrier on it.

    Parameters
    ----------
    result : Barrier
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure's by default.
    log : bool, optional
        As for `plot_line`.
    **kwargs
        Passed to ``Axes.plot``.

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = new_axes((6.4, 4.2)) if ax is None else ax
    line = result.line
    heights, logarithmic = heights_of(line.values, log)
    ax.plot(line.a, heights, **(_LINE | kwargs))
    ax.plot([0.0, 1.0], heights[[0, -1]], "o", color=_GREEN, gid="ends", label="solutions")
    top = int(np.argmax(line.values))
    ax.plot([result.at] * 2, [heights[[0, -1]].max(), heights[top]], color=_ORANGE, linestyle="--",
            gid="barrier", label=f"barrier {result.height:.4g}")  # fmt: skip
    ax.legend(frameon=False, fontsize="small")
    _finish(ax, line.name, logarithmic, "from x (0) to y (1)")
    return ax


def _finish(ax: Axes, name: str, logarithmic: bool, along: str = "a") -> None:
    if logarithmic:
        ax.set_yscale("log")
    ax.set(xlabel=along, ylabel="f", title=name)
    ax.grid(True, which="major", linewidth=0.4, alpha=0.5)


def _label_plane(ax: Axes, result: Slice) -> None:
    ax.set(xlabel="a", ylabel="b", title=result.name)


def _row_of_axes(count: int) -> list[Any]:
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(2.6 * count + 0.8, 3.0), layout="constrained")
    return list(np.atleast_1d(figure.subplots(1, count, sharex=True, sharey=True)))
