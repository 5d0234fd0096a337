"""Pictures of comparisons: values on the way down, and where the starts ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from saddlelab.optimize.styles import style_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from saddlelab.optimize.comparison import Comparison

__all__ = ["plot_comparison"]

#: Okabe & Ito's colours and hatches, by kind of end.
_KINDS: dict[str, dict[str, Any]] = {
    "minimum": {"color": "#0072B2", "hatch": ""},
    "saddle": {"color": "#D55E00", "hatch": "//"},
    "maximum": {"color": "#009E73", "hatch": "\\\\"},
    "degenerate": {"color": "#CC79A7", "hatch": ".."},
    "undecided": {"color": "0.55", "hatch": ""},
    "gradient-flat": {"color": "#E69F00", "hatch": "xx"},
    "not critical": {"color": "0.85", "hatch": ""},
    "diverged": {"color": "0.15", "hatch": ""},
}
#: Values that span as much are drawn on a logarithmic axis, down to rounding.
_LOG_FROM = 100.0
#: How far above the first values, in their own size, curves are drawn.
_ROOM = 10.0
#: Points of a curve at most.
_MOST_POINTS = 1000


def plot_comparison(
    found: Comparison, *, figure: Figure | None = None, **kwargs: Any
) -> Figure:
    """Draw the median value, with a band for 80 % of the starts, and how many ended where.

    Parameters
    ----------
    found : Comparison
    figure : matplotlib.figure.Figure, optional
        Where to draw; a new one of pyplot's by default.
    **kwargs
        Passed to every ``Axes.plot``.

    Returns
    -------
    matplotlib.figure.Figure
        With three axes: values against steps, against evaluations, and kinds of ends.
    """
    if figure is None:
        import matplotlib.pyplot as plt

        figure = plt.figure(figsize=(13.0, 4.6), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    _draw_values(left, found, False, kwargs)
    _draw_values(middle, found, True, kwargs)
    middle.set_ylabel("")
    middle.sharey(left)
    left.legend(frameon=False, fontsize="small")
    _draw_kinds(right, found)
    n = found.x0.shape[1]
    figure.suptitle(f"{found.name}, {n} variables, {len(found.x0):,} starts", fontsize="medium")
    return figure


def _draw_values(ax: Axes, found: Comparison, costs: bool, kwargs: dict[str, Any]) -> None:
    curves, label, log = _heights(found)
    records = curves.shape[2]
    chosen = np.unique(np.linspace(0, records - 1, min(records, _MOST_POINTS)).astype(int))
    for k, method in enumerate(found.methods):
        low, median, high = curves[k][:, chosen]
        x = chosen * found.every * (found.cost(method) if costs else 1.0)
        style = style_of(k) | {"label": method, "gid": method, "markersize": 4.5,
                               "markevery": max(1, len(chosen) // 6)} | kwargs  # fmt: skip
        ax.plot(x, median, **style)
        ax.fill_between(x, low, high, color=style["color"], alpha=0.15, linewidth=0)
    if log:
        ax.set_yscale("log")
    ax.set_xlabel("gradients, or what costs as much" if costs else "steps")
    ax.set_ylabel(f"{label}: median, and 80 % of the starts")
    ax.grid(True, which="major", linewidth=0.4, alpha=0.5)


def _heights(found: Comparison) -> tuple[Any, str, bool]:
    """What is drawn, what it is called, and whether its axis is logarithmic.

    Where f spans orders of magnitude it is f, or if that is negative somewhere what it is above the
    lowest, but at least the rounding of the highest: a logarithmic axis has no place for 0.
    """
    known = np.isfinite(found.curves)
    curves = np.where(known, found.curves, np.nan)
    # What explodes leaves through the top: it must not hide the rest.
    begun = curves[:, :, 0][known[:, :, 0]]
    if len(begun):
        top = begun.max() + _ROOM * max(np.ptp(begun), abs(begun.max()))
        known &= curves <= top
        curves = np.where(known, curves, np.nan)
    if not known.any():
        return curves, "f", False
    lowest, highest = float(np.nanmin(curves)), float(np.nanmax(curves))
    below = min(lowest, 0.0)
    if below < 0.0:
        lowest = min(lowest, float(found.value[np.isfinite(found.value)].min()))
        below = lowest
    heights = curves - below
    floor = np.finfo(float).eps * (highest - below)
    if highest - below <= _LOG_FROM * max(float(np.nanmin(heights)), floor):
        return curves, "f", False
    label = "f" if below == 0.0 else f"f − ({below:.6g})"
    return np.maximum(heights, floor), label, True


def _draw_kinds(ax: Axes, found: Comparison) -> None:
    counts = [found.kinds(method) for method in found.methods]
    places, below = np.arange(len(counts)), np.zeros(len(counts))
    for kind, style in _KINDS.items():
        share = np.array([count.get(kind, 0) for count in counts]) / len(found.x0)
        if share.any():
            ax.barh(places, share, left=below, label=kind, edgecolor="white", gid=kind, **style)
        below += share
    ax.set_yticks(places, found.methods)
    ax.invert_yaxis()
    ax.set_xlim(0.0, 1.0)
    ax.set_xlabel(f"fraction of {len(found.x0):,} starts that ended there")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, frameon=False,
              fontsize="small")  # fmt: skip
