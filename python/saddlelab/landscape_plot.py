"""Pictures of `saddlelab.prevalence_of`: where a function is convex, and how its indices lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from saddlelab.landscape_prevalence import LandscapePrevalence

__all__ = ["draw_figure", "figure", "plot_fractions", "plot_map"]

#: Points per side of the map.
_GRID = 301
#: Index 0, 1, 2 of two variables: of the colours of minima, saddles, maxima.
_COLOURS = ("#cfe4f2", "#f9dcc7", "#c8e8dd")
_BAR = 0.38


def figure(found: LandscapePrevalence) -> Figure:
    """Draw the distributions of the index and, for two variables, the map, with pyplot."""
    import matplotlib.pyplot as plt

    return draw_figure(found, plt.figure(layout="constrained"))


def draw_figure(found: LandscapePrevalence, made: Figure) -> Figure:
    """Draw what `figure` does into an empty figure, and return it."""
    if len(found.bounds) != 2:
        made.set_size_inches(6.4, 4.2)
        plot_fractions(found, made.add_subplot())
        return made
    made.set_size_inches(11.0, 4.8)
    axes = made.subplots(1, 2, width_ratios=(1.0, 1.1))
    plot_fractions(found, axes[0])
    plot_map(found, axes[1])
    return made


def plot_fractions(found: LandscapePrevalence, ax: Axes) -> Axes:
    """Draw how common each index is, among points and among critical points.

    Parameters
    ----------
    found : LandscapePrevalence
    ax : matplotlib.axes.Axes

    Returns
    -------
    matplotlib.axes.Axes
    """
    from saddlelab.intervals import clopper_pearson

    index = np.arange(len(found.counts))
    share = found.counts / found.samples
    low, high = clopper_pearson(found.counts, found.samples, 0.95)
    _bars(ax, index - _BAR / 2, share, low, high, "#0072b2", f"{found.samples:,} points")
    if found.critical is not None and len(found.critical):
        low, high = np.transpose([found.critical_interval(int(k)) for k in index])
        share = found.critical_counts() / len(found.critical)
        label = f"{len(found.critical)} critical points"
        _bars(ax, index + _BAR / 2, share, low, high, "#d55e00", label)
    ax.set_xticks(index if len(index) <= 12 else index[:: -(-len(index) // 12)])
    ax.set_xlabel("negative eigenvalues of the Hessian")
    ax.set_ylabel("fraction")
    ax.set_title(f"{found.name}: how common is each index?")
    ax.legend(frameon=False)
    return ax


def _bars(ax: Axes, at: Any, share: Any, low: Any, high: Any, colour: str, label: str) -> None:
    reach = np.maximum([share - low, high - share], 0.0)
    ax.bar(at, share, _BAR, yerr=reach, color=colour, label=label, error_kw={"linewidth": 1.0})


def plot_map(found: LandscapePrevalence, ax: Axes) -> Axes:
    """Colour the box by the index of the Hessian, with contours and critical points.

    Parameters
    ----------
    found : LandscapePrevalence
        Of a function of two variables.
    ax : matplotlib.axes.Axes

    Returns
    -------
    matplotlib.axes.Axes
    """
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch

    x, y = (np.linspace(low, high, _GRID) for low, high in found.bounds)
    grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    eigenvalues = np.linalg.eigvalsh(found.objective.hessian(grid))
    index = np.sum(eigenvalues < 0.0, axis=1).reshape(_GRID, _GRID)
    ax.pcolormesh(x, y, index, cmap=ListedColormap(_COLOURS), vmin=-0.5, vmax=2.5, rasterized=True)
    if found.critical is not None:
        found.critical.plot(ax=ax, directions=False, linewidths=0.5, alpha=0.5)
    names = ("convex", "indefinite", "concave")
    patches = [Patch(color=c, label=name) for c, name in zip(_COLOURS, names, strict=True)]
    points, labels = ax.get_legend_handles_labels()
    ax.legend([*patches, *points], [*names, *labels], loc="upper right", fontsize="small",
              framealpha=0.85)  # fmt: skip
    ax.set_title(f"Where is {found.name} convex?")
    return ax
