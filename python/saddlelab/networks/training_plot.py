"""Pictures of a training: losses with their plateaus, and the ends of the spectrum."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from saddlelab.networks.training import Spectra, Training

__all__ = ["draw_figure", "plot_losses", "plot_spectrum"]

_LEARN, _TEST = "#0072B2", "#D55E00"
#: Of plateaus near a saddle, near a minimum, and of others.
_SHADES = {"saddle": "#E69F00", "minimum": "#009E73", "other": "0.5"}

#: Fewer points get markers.  Part of the largest eigenvalue below which their axis is linear.
_MARKED, _LINEAR = 40, 1e-3


def draw_figure(training: Training, figure: Figure, **kwargs: Any) -> Axes:
    """Draw losses and, if there are any, eigenvalues; returns the Axes of the losses."""
    if training.spectra is None:
        figure.set_size_inches(7.2, 4.4)
        return plot_losses(training, figure.add_subplot(), **kwargs)
    figure.set_size_inches(7.2, 6.6)
    grid = figure.add_gridspec(2, 1, height_ratios=(1.6, 1.0))
    above = figure.add_subplot(grid[0])
    plot_losses(training, above, **kwargs)
    above.tick_params(labelbottom=False)
    above.set_xlabel("")
    plot_spectrum(training.spectra, figure.add_subplot(grid[1], sharex=above))
    return above


def plot_losses(training: Training, ax: Axes, **kwargs: Any) -> Axes:
    """Draw the losses on a log axis; plateaus are shaded and named.

    Parameters
    ----------
    training : Training
    ax : matplotlib.axes.Axes
    **kwargs
        Passed to the ``Axes.plot`` of the losses.

    Returns
    -------
    matplotlib.axes.Axes
    """
    for name, loss, color, dashes in (
        ("training", training.loss, _LEARN, "-"),
        ("test", training.test_loss, _TEST, (0, (4, 2))),
    ):
        if loss is not None:
            style = {"color": color, "linestyle": dashes, "label": name, "gid": name} | kwargs
            ax.plot(training.epochs, np.where(loss > 0.0, loss, np.nan), **style)
    ax.set_yscale("log")
    _shade(training, ax)
    sizes = "-".join(map(str, training.network.sizes))
    ax.set(xlabel="epochs", ylabel="loss", title=f"{training.method} on a network {sizes}")
    ax.grid(True, which="major", linewidth=0.4, alpha=0.5)
    ax.legend(frameon=False, fontsize="small")
    return ax


def _shade(training: Training, ax: Axes) -> None:
    from matplotlib.patheffects import withStroke

    found, explained = training.plateaus, training.explanations
    for number in range(0 if found is None else len(found)):
        assert found is not None
        first, last = training.epochs[[found.start[number], found.stop[number] - 1]]
        level = found.level[number]
        # What was found further off, or why nothing was, is for the table.
        verdict = re.split("[:;]", explained[number].verdict)[0] if explained is not None else ""
        what = next((kind for kind in _SHADES if kind in verdict), "other")
        ax.axvspan(first, last, color=_SHADES[what], alpha=0.18, linewidth=0,
                   gid=f"plateau {number}")  # fmt: skip
        # Where the curve is not: a plateau above the middle is named at the foot.
        below = ax.transAxes.inverted().transform(ax.transData.transform((0.0, level)))[1] > 0.5
        ax.text(
            0.5 * (first + last), 0.03 if below else 0.97, verdict, rotation=90, color="0.25",
            transform=ax.get_xaxis_transform(), ha="center", va="bottom" if below else "top",
            fontsize="x-small", path_effects=[withStroke(linewidth=2.5, foreground="white")],
        )  # fmt: skip


def plot_spectrum(spectra: Spectra, ax: Axes) -> Axes:
    """Draw the extreme eigenvalues, and the index where it is known.

    Parameters
    ----------
    spectra : Spectra
    ax : matplotlib.axes.Axes

    Returns
    -------
    matplotlib.axes.Axes
    """
    for name, color, dashes in (("largest", _LEARN, "-"), ("smallest", _TEST, (0, (4, 2)))):
        ax.plot(spectra.epochs, getattr(spectra, name), color=color, linestyle=dashes,
                marker="." if len(spectra.epochs) < _MARKED else "", label=f"{name} eigenvalue",
                gid=name)  # fmt: skip
    ax.axhline(0.0, color="0.4", linewidth=0.6)
    # Negative curvature is much smaller than the positive: both must be seen.
    largest = float(np.abs([spectra.smallest, spectra.largest]).max())
    ax.set_yscale("symlog", linthresh=10.0 ** np.ceil(np.log10(_LINEAR * largest or 1.0)))
    ax.set(xlabel="epochs", ylabel="eigenvalues")
    ax.grid(True, which="major", linewidth=0.4, alpha=0.5)
    ax.legend(frameon=False, fontsize="small")
    if spectra.index[0] >= 0:
        _plot_index(spectra, ax.twinx())
    return ax


def _plot_index(spectra: Spectra, ax: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    ax.step(spectra.epochs, spectra.index, where="mid", color="0.45", linestyle=":", gid="index")
    ax.set_ylim(0.0, max(1.0, 1.25 * float(spectra.index.max())))
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_ylabel("index (dotted)", color="0.35")
