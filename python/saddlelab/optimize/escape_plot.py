"""Pictures of escapes: who is still at the saddle, and how long it takes against what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from saddlelab.arguments import one_of
from saddlelab.optimize.styles import style_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from saddlelab.optimize.escape_scaling import EscapeScaling
    from saddlelab.optimize.escape_study import EscapeStudy

__all__ = ["plot_escape", "plot_scaling"]

#: From this ratio of the slowest to the fastest on, the axis of steps is logarithmic.
_LOG_FROM = 10.0
#: Methods whose legend has room between the curves.
_MOST_INSIDE = 5


def plot_escape(
    study: EscapeStudy,
    *,
    ax: Axes | None = None,
    by: str = "steps",
    level: float = 0.95,
    **kwargs: Any,
) -> Axes:
    """Draw survival curves: the fraction of starts that have not left.

    Parameters
    ----------
    study : EscapeStudy
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure's by default.
    by : {"steps", "evaluations"}, optional
        The horizontal axis; evaluations are gradients or what costs as much.
    level : float, optional
        Confidence level of the bands.
    **kwargs
        Passed to every ``Axes.plot``.

    Returns
    -------
    matplotlib.axes.Axes
    """
    by = one_of("by", by, ("steps", "evaluations"))
    ax = ax if ax is not None else _new_axes()
    for k, method in enumerate(study.methods):
        t, fraction, low, high = study.survival(method, level)
        # What is zero need not be drawn to the horizon.
        shown = slice(None, -1 if fraction[-1] == 0.0 else None)
        x = t[shown] * (study.cost(method) if by == "evaluations" else 1.0)
        fraction, low, high = fraction[shown], low[shown], high[shown]
        style = style_of(k) | {"label": method, "drawstyle": "steps-post", "markevery": _some(x),
                               "markersize": 4.5, "gid": method} | kwargs  # fmt: skip
        ax.plot(x, fraction, **style)
        ax.fill_between(x, low, high, step="post", color=style["color"], alpha=0.2, linewidth=0)
    _axis_of_steps(ax, study, by)
    ax.set_ylim(-0.03, 1.03)
    ax.set_ylabel(f"fraction of {len(study.x0):,} starts still there")
    least = f"least eigenvalue {study.eigenvalues[0]:.3g}"
    ax.set_title(f"Leaving the saddle of {study.name}, {least}", fontsize="medium")
    ax.grid(True, which="major", linewidth=0.4, alpha=0.5)
    _legend(ax, len(study.methods))
    return ax


def plot_scaling(
    scaling: EscapeScaling,
    *,
    ax: Axes | None = None,
    level: float = 0.95,
    **kwargs: Any,
) -> Axes:
    """Draw the median number of steps to leave against what was varied.

    Parameters
    ----------
    scaling : EscapeScaling
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure's by default.
    level : float, optional
        Confidence level of the bars.
    **kwargs
        Passed to every ``Axes.errorbar``.

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = ax if ax is not None else _new_axes()
    x, label = scaling.axis()
    for k, method in enumerate(scaling.methods):
        median, low, high = scaling.quantile(method, 0.5, level)
        known = np.isfinite(median)
        x_known, middle = x[known], median[known]
        # An infinite limit is a bar to the horizon.
        top = np.minimum(high[known], scaling.studies[0].horizon)
        bars = np.stack([middle - low[known], np.maximum(top - middle, 0.0)])
        style = style_of(k) | {"label": method, "markersize": 4.5, "capsize": 2} | kwargs
        ax.errorbar(x_known, middle, yerr=bars, **style)
        ax.plot(x[~known], np.full(np.count_nonzero(~known), scaling.studies[0].horizon),
                color=style["color"], marker=style["marker"], fillstyle="none",
                linestyle="none", label=f"_{method} never")  # fmt: skip
    for axis, values in ((ax.xaxis, x), (ax.yaxis, _medians(scaling))):
        if len(values) and values.min() > 0.0 and values.max() >= _LOG_FROM * values.min():
            (ax.set_xscale if axis is ax.xaxis else ax.set_yscale)("log")
    ax.set_xlabel(label)
    ax.set_ylabel("median steps to leave (open: never)")
    ax.set_title(f"Leaving the saddle of {scaling.studies[0].name}", fontsize="medium")
    ax.grid(True, which="major", linewidth=0.4, alpha=0.5)
    _legend(ax, len(scaling.methods))
    return ax


def _axis_of_steps(ax: Axes, study: EscapeStudy, by: str) -> None:
    """To the last that left, or to the horizon where some never did."""
    costs = np.array([study.cost(m) if by == "evaluations" else 1.0 for m in study.methods])
    last = np.where(study.left, study.steps, 0).max(axis=1, initial=1) * costs
    end = float(last.max() if study.left.all() else (study.horizon * costs).max())
    first = np.where(study.left, study.steps, study.horizon).min(axis=1) * costs
    if end >= _LOG_FROM * max(1.0, first.min()):
        ax.set_xscale("log")
        ax.set_xlim(max(0.8, 0.8 * first.min()), 1.1 * end)
    else:
        ax.set_xlim(0.0, 1.05 * end)
    ax.set_xlabel("steps" if by == "steps" else "gradients, or what costs as much")


def _legend(ax: Axes, count: int) -> None:
    """Inside while there is room, else at the right."""
    aside: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0)}
    where = {"loc": "best"} if count <= _MOST_INSIDE else aside
    ax.legend(frameon=False, fontsize="small", **where)


def _medians(scaling: EscapeScaling) -> Any:
    found = np.concatenate([scaling.quantile(method)[0] for method in scaling.methods])
    return found[np.isfinite(found)]


def _some(x: Any) -> list[int]:
    """A few markers, at equal parts of the curve."""
    return sorted({(len(x) - 1) * part // 4 for part in range(5)})


def _new_axes() -> Axes:
    import matplotlib.pyplot as plt

    return plt.figure(figsize=(6.4, 4.6), layout="constrained").add_subplot()
