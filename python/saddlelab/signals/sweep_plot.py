"""Picture of which combinations carry gradients to which depth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from saddlelab.contours import new_axes
from saddlelab.signals.plots import colour_bar

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from saddlelab.signals.sweep import Sweep

__all__ = ["plot_sweep"]

#: Powers of ten that colours tell apart, on either side.
_DECADES = 6.0
_SIGNS = {"healthy": "", "vanishing": "–", "exploding": "+"}


def plot_sweep(result: Sweep, *, ax: Axes | None = None, **kwargs: Any) -> Axes:
    """Draw a grid: activations, initialisers × depths, coloured by the gradient that arrives.

    A "–" says that signals or gradients vanish, a "+" that they explode: a "–" on white is of
    signals, whose samples have become alike.

    Parameters
    ----------
    result : Sweep
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure's by default.
    **kwargs
        Passed to ``Axes.pcolormesh``.

    Returns
    -------
    matplotlib.axes.Axes
    """
    acts, kinds, depths = result.gradient.shape
    if ax is None:
        ax = new_axes((2.6 + 0.55 * kinds * depths, 1.9 + 0.5 * acts))
    with np.errstate(all="ignore"):
        powers = np.clip(np.log10(result.gradient), -_DECADES, _DECADES)
    powers = np.where(np.isnan(powers), _DECADES, powers).reshape(acts, -1)
    style: dict[str, Any] = {"cmap": "PuOr_r", "vmin": -_DECADES, "vmax": _DECADES,
                             "edgecolors": "0.8", "linewidth": 0.5} | kwargs  # fmt: skip
    mesh = ax.pcolormesh(np.arange(kinds * depths + 1), np.arange(acts + 1), powers, **style)
    for (row, column), verdict in np.ndenumerate(result.verdict.reshape(acts, -1)):
        dark = abs(powers[row, column]) > 0.6 * _DECADES
        ax.text(column + 0.5, row + 0.5, _SIGNS[str(verdict)], ha="center", va="center",
                color="white" if dark else "black", fontsize=12, fontweight="bold")  # fmt: skip
    for k in range(1, kinds):
        ax.axvline(k * depths, color="black", linewidth=1.2)
    ax.invert_yaxis()
    ax.set_yticks(np.arange(acts) + 0.5, result.activations)
    ax.set_xticks(np.arange(kinds * depths) + 0.5, [str(d) for d in result.depths] * kinds)
    for k, kind in enumerate(result.initialisers):
        ax.text((k + 0.5) * depths, -0.08, kind, ha="center", va="bottom", fontsize="small")
    ax.tick_params(length=0)
    ax.set_xlabel("hidden layers")
    ax.set_title("Gradient of the first layer over that of the outputs (– vanishing, + exploding)",
                 fontsize="medium", pad=20)  # fmt: skip
    colour_bar(mesh, ax, "log₁₀")
    return ax
