"""Picture of learning times against depth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from saddlelab.optimize.styles import style_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from saddlelab.networks.depth_result import DepthStudy

__all__ = ["plot_depth"]

#: From this ratio of the slowest to the fastest on, the axis of steps is logarithmic.
_LOG_FROM = 10.0


def plot_depth(
    study: DepthStudy, *, ax: Axes | None = None, level: float = 0.95, **kwargs: Any
) -> Axes:
    """Draw the median number of steps against depth, a line for each initialiser.

    Open markers at the horizon are depths of which half of the runs or more did not learn.

    Parameters
    ----------
    study : DepthStudy
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure's by default.
    level : float, optional
        Confidence level of the bars, from order statistics.
    **kwargs
        Passed to every ``Axes.errorbar``.

    Returns
    -------
    matplotlib.axes.Axes
    """
    if ax is None:
        import matplotlib.pyplot as plt

        ax = plt.figure(figsize=(6.4, 4.6), layout="constrained").add_subplot()
    medians = []
    for k, kind in enumerate(study.initialisers):
        median, low, high = study.quantile(kind, 0.5, level)
        known, end = np.isfinite(median), float(study.horizon)
        bars = np.stack([median - low, np.minimum(high, end) - median])[:, known]
        style = style_of(k) | {"label": kind, "markersize": 4.5, "capsize": 2} | kwargs
        ax.errorbar(study.depths[known], median[known], yerr=np.maximum(bars, 0.0), **style)
        ax.plot(study.depths[~known], np.full(np.count_nonzero(~known), end), linestyle="none",
                color=style["color"], marker=style["marker"], fillstyle="none",
                label=f"_{kind} never")  # fmt: skip
        medians += [*median[known], *([end] if not known.all() else [])]
    positive = [value for value in medians if value > 0.0]
    if positive and max(positive) >= _LOG_FROM * min(positive):
        ax.set_yscale("log")
    else:
        ax.set_ylim(bottom=0.0)
    ax.set(xlabel="depth: layers of weights",
           ylabel=f"steps until {100 * study.fraction:g} % of the loss is left",
           title="Learning time of deep linear networks")  # fmt: skip
    ax.grid(True, which="major", linewidth=0.4, alpha=0.5)
    ax.legend(frameon=False, fontsize="small",
              title=f"best of {len(study.grid)} learning rates, {study.width} units,\n"
              f"{study.steps.shape[2]} runs (open: half or more never)",
              title_fontsize="small")  # fmt: skip
    return ax
