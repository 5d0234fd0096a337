"""Pictures of a network's critical points: index against error, spectra, minimum ratio."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from saddlelab.arguments import one_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from saddlelab.networks.critical_result import NetworkCriticalPoints

__all__ = ["SIZE", "draw_figure", "plot_network_points"]

Floats: TypeAlias = NDArray[np.float64]

#: Of all three pictures, in inches.
SIZE = (13.5, 4.2)

_KINDS = ("index", "spectra", "ratio")
#: Groups of points by error whose spectra are drawn, from low to high: colours of viridis, dashes.
_GROUPS = ((0.1, "-"), (0.45, (0, (5, 2))), (0.75, (0, (2, 1.5))))
#: Places at which a density is drawn, and the width of its Gaussian kernel beside their range.
_PLACES, _WIDTH = 400, 0.012
#: Part of the eigenvalues on either side that may lie outside the picture.
_BEYOND = 0.005


def plot_network_points(
    found: NetworkCriticalPoints, what: str = "index", *, ax: Axes | None = None, **kwargs: Any
) -> Axes:
    """Draw a network's critical points.

    Parameters
    ----------
    found : NetworkCriticalPoints
    what : {"index", "spectra", "ratio"}, optional
        Fraction of negative eigenvalues against error, with the rank correlation; mean densities of
        eigenvalues of three groups of points, by error; fraction of positive eigenvalues against
        loss.
    ax : Axes, optional
    **kwargs
        For ``Axes.scatter``, or ``Axes.plot`` of spectra.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If there are no points.
    """
    from matplotlib.figure import Figure

    what = one_of("what", what, _KINDS)
    if not len(found):
        raise ValueError("there are no critical points to draw")
    if ax is None:
        ax = Figure(figsize=(5.6, 4.2), layout="constrained").add_subplot()
    {"index": _draw_index, "spectra": _draw_spectra, "ratio": _draw_ratio}[what](found, ax, kwargs)
    return ax


def draw_figure(found: NetworkCriticalPoints, figure: Figure) -> None:
    """All three, side by side."""
    for ax, what in zip(figure.subplots(1, 3), _KINDS, strict=True):
        plot_network_points(found, what, ax=ax)
    n = found.eigenvalues.shape[1]
    figure.suptitle(f"{len(found)} critical points of {found.objective.name}, {n} parameters")


def _error_name(found: NetworkCriticalPoints) -> str:
    regression = found.objective.network.loss == "squared_error"
    return "squared error" if regression else "training error"


def _points(ax: Axes, x: Any, y: Any, found: NetworkCriticalPoints, kwargs: Any) -> None:
    style = {"s": 16, "color": "#0072B2", "alpha": 0.7, "linewidths": 0.0} | kwargs
    sure = found.certified
    ax.scatter(x[sure], y[sure], **style)
    if not sure.all():
        hollow = style | {"facecolors": "none", "edgecolors": style["color"], "linewidths": 0.8}
        hollow.pop("color")
        ax.scatter(x[~sure], y[~sure], label="index not certified", **hollow)
        ax.legend(fontsize="small")


def _draw_index(found: NetworkCriticalPoints, ax: Axes, kwargs: Any) -> None:
    _points(ax, found.error, found.fraction_negative, found, kwargs)
    ax.set(xlabel=_error_name(found), ylabel="fraction of negative eigenvalues")
    rho = found.correlation() if len(found) > 2 else None
    if rho is not None and np.isfinite(rho.value):
        ax.set_title(
            f"rank correlation {rho.value:.3f} (95 %: {rho.low:.3f} to {rho.high:.3f})",
            fontsize="medium",
        )


def _draw_ratio(found: NetworkCriticalPoints, ax: Axes, kwargs: Any) -> None:
    _points(ax, found.loss, found.minimum_ratio, found, kwargs)
    ax.axhline(1.0, color="0.6", linewidth=0.8, zorder=0)
    ax.set(xlabel="loss", ylabel="minimum ratio (fraction positive)", ylim=(None, 1.01))


def _draw_spectra(found: NetworkCriticalPoints, ax: Axes, kwargs: Any) -> None:
    from matplotlib import colormaps

    low, high = np.quantile(found.eigenvalues, [_BEYOND, 1.0 - _BEYOND])
    places, width = np.linspace(low, high, _PLACES), _WIDTH * (high - low)
    order = np.argsort(found.error, kind="stable")
    groups = [part for part in np.array_split(order, min(len(_GROUPS), len(found))) if len(part)]
    highest = 0.0
    for rows, (shade, dashes) in zip(groups, _GROUPS, strict=False):
        density = _density(found.eigenvalues[rows].ravel(), places, width)
        highest = max(highest, float(density.max()))
        first, last = found.error[rows[0]], found.error[rows[-1]]
        style = {"color": colormaps["viridis"](shade), "linestyle": dashes, "linewidth": 1.6}
        ax.plot(
            places, density, **(style | kwargs),
            label=f"error {first:.2f} to {last:.2f} ({len(rows)})",
        )  # fmt: skip
    ax.axvline(0.0, color="0.6", linewidth=0.8, zorder=0)
    # Far from all eigenvalues the sums underflow.
    shown = (0.01 / (high - low), 2.0 * highest)
    ax.set(xlabel="eigenvalue", ylabel="density", yscale="log", ylim=shown)
    ax.legend(fontsize="small")


def _density(eigenvalues: Floats, places: Floats, width: float) -> Floats:
    """Sum of Gaussians, one for each eigenvalue."""
    far = (places[:, None] - eigenvalues) / width
    mass: Floats = np.exp(-0.5 * far**2).mean(axis=1)
    density: Floats = mass / (width * np.sqrt(2.0 * np.pi))
    return density
