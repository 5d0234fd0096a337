"""Picture of the minima of several widths: their histograms, and their spread against width."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from saddlelab.networks.spread_result import MinimaSpread

__all__ = ["plot_histograms", "plot_spread", "spread_figure"]

Floats: TypeAlias = NDArray[np.float64]

_BINS = 60
#: Each histogram is so high, in distances of the base lines.
_HEIGHT = 0.85
_BLUE, _RED = "#0072B2", "#D55E00"


def spread_figure(
    found: MinimaSpread, *, figure: Figure | None = None, level: float = 0.95
) -> Figure:
    """Draw both pictures side by side; returns the figure.

    Parameters
    ----------
    found : MinimaSpread
    figure : matplotlib.figure.Figure, optional
        Where to draw; a new one of pyplot's by default.
    level : float, optional
        Confidence level of the bars.
    """
    if figure is None:
        import matplotlib.pyplot as plt

        figure = plt.figure(figsize=(11.0, 4.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    plot_histograms(found, left)
    plot_spread(found, right, level=level)
    figure.suptitle(
        f"Minima of networks on {found.data}: {found.value.shape[1]} runs of each width, "
        f"{found.method}, seed {found.seed}", fontsize="medium",
    )  # fmt: skip
    return figure


def plot_histograms(found: MinimaSpread, ax: Axes) -> Axes:
    """Draw a histogram of the minima's values for each width, one above the other.

    All have the same bins; each is as high as its fullest bin.
    """
    every = [found.minima(width) for width in found.widths]
    edges = _edges(every)
    for k, values in enumerate(every):
        count = np.histogram(values, edges)[0]
        top = k + _HEIGHT * count / max(count.max(), 1)
        ax.stairs(top, edges, baseline=k, fill=True, color=_BLUE, alpha=0.45, gid=f"width {k}")
        ax.stairs(top, edges, baseline=k, color=_BLUE, linewidth=0.8)
        ax.plot(values, np.full(len(values), k - 0.06), "|", color="0.35", markersize=4)
    ax.set_yticks(range(len(found)), [str(width) for width in found.widths])
    ax.set_ylim(-0.2, len(found))
    ax.set(xlabel="loss at the minima", ylabel="hidden units",
           title="Values of minima")  # fmt: skip
    ax.grid(True, axis="x", linewidth=0.4, alpha=0.5)
    return ax


def plot_spread(found: MinimaSpread, ax: Axes, *, level: float = 0.95, **kwargs: Any) -> Axes:
    """Draw standard deviation (with its interval) and distance of quartiles against width.

    Both axes are logarithmic: a spread of zero, where all minima are one, is not to be seen.
    """
    from matplotlib.ticker import NullLocator

    low, high = found.std_interval(level)
    std, seen = found.std, found.std > 0.0
    bars = np.maximum([std - low, high - std], 0.0)
    style: dict[str, Any] = {
        "fmt": "o-", "color": _BLUE, "capsize": 3, "markersize": 5,
        "label": f"standard deviation, {100 * level:g} %",
    } | kwargs  # fmt: skip
    ax.errorbar(found.widths[seen], std[seen], yerr=bars[:, seen], **style)
    wide = found.iqr > 0.0
    ax.plot(found.widths[wide], found.iqr[wide], "s--", color=_RED, markersize=4,
            label="distance of quartiles")  # fmt: skip
    slope, least, most = found.slope(level)
    title = "Spread of the values"
    if np.isfinite(slope):
        title += f": std ∝ width^{slope:.2f} ({least:.2f} to {most:.2f})"
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xticks(found.widths, [str(width) for width in found.widths])
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set(xlabel="hidden units", ylabel="spread of the loss", title=title)
    ax.grid(True, which="major", linewidth=0.4, alpha=0.5)
    ax.legend(frameon=False)
    return ax


def _edges(every: list[Floats]) -> Floats:
    """Bins from the lowest to the highest minimum of all widths."""
    values = np.concatenate(every)
    if not len(values):
        return np.linspace(0.0, 1.0, _BINS + 1)
    low, high = values.min(), values.max()
    room = max(0.01 * (high - low), 1e-6 * abs(high), np.finfo(np.float64).tiny)
    return np.linspace(low - room, high + room, _BINS + 1)
