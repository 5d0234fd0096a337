"""Pictures of signals and saturation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from saddlelab.arguments import one_of
from saddlelab.contours import new_axes
from saddlelab.optimize.styles import style_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from saddlelab.signals.history import SaturationHistory
    from saddlelab.signals.report import SaturationReport
    from saddlelab.signals.study import SignalStudy

__all__ = ["colour_bar", "plot_histograms", "plot_history", "plot_saturation", "plot_signals"]

Floats: TypeAlias = NDArray[np.float64]

_LABELS = {
    "saturated": "saturated fraction of the layer",
    "dead": "dead fraction of the layer's units",
    "gradient": "log₁₀ ‖∂ℓ/∂z‖",
}


def plot_saturation(
    report: SaturationReport, *, ax: Axes | None = None, theory: bool = True, **kwargs: Any
) -> Axes:
    """Draw gradients, E z² and saturation by layer, beside mean-field theory in wide, pale lines.

    Parameters
    ----------
    report : SaturationReport
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure's by default.
    theory : bool, optional
        Whether to draw what mean-field theory has.
    **kwargs
        Passed to every ``Axes.plot``.

    Returns
    -------
    matplotlib.axes.Axes
        Of the logarithmic axis; bars of the saturated fraction have one of their own, on the right.
    """
    ax = new_axes((6.8, 4.4)) if ax is None else ax
    layers = np.arange(1, len(report.gradient_norm) + 1)
    pairs = (
        ("‖∂ℓ/∂z‖", report.gradient_norm, report.gradient_norm_predicted),
        ("E z²", report.mean_square, report.mean_square_predicted),
        ("variance of z over samples", report.spread, None),
    )
    for k, (label, values, predicted) in enumerate(pairs):
        style = style_of(k) | {"markersize": 4, "label": label} | kwargs
        ax.plot(layers, _seen(values), **style)
        if theory and predicted is not None and np.isfinite(predicted).any():
            ax.plot(layers, _seen(predicted), color=style["color"], linewidth=3.5, alpha=0.35,
                    linestyle="-", label=f"{label}, theory")  # fmt: skip
    ax.set_yscale("log")
    _whole_layers(ax.xaxis)
    _bars(report, ax)
    ax.set(xlabel="layer (the last: outputs)", ylabel="by layer",
           title=f"{report.network.activation}, {len(layers) - 1} hidden layers: {report.verdict}")
    ax.grid(True, which="major", linewidth=0.4, alpha=0.5)
    ax.legend(frameon=False, fontsize="small")
    return ax


def _bars(report: SaturationReport, ax: Axes) -> None:
    """Saturated fractions behind the lines."""
    beside = ax.twinx()
    hidden = np.arange(1, len(report.saturated_fraction) + 1)
    beside.bar(hidden, report.saturated_fraction, width=0.8, color="0.85", gid="saturated")
    beside.set(ylim=(0.0, 1.0), ylabel="saturated fraction (bars)")
    ax.set_zorder(beside.get_zorder() + 1)
    ax.patch.set_visible(False)


def plot_histograms(report: SaturationReport, *, ax: Axes | None = None, **kwargs: Any) -> Axes:
    """Draw the histogram of what each hidden layer gives, one column of a heat map for each.

    Parameters
    ----------
    report : SaturationReport
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure's by default.
    **kwargs
        Passed to every ``Axes.pcolormesh``.

    Returns
    -------
    matplotlib.axes.Axes
    """
    if not report.histograms:
        raise ValueError("`report` must have a hidden layer, got none")
    ax = new_axes((6.8, 4.4)) if ax is None else ax
    mesh = None
    for k, (counts, edges) in enumerate(report.histograms):
        shares = counts[:, None] / max(counts.sum(), 1)
        style: dict[str, Any] = {"cmap": "cividis", "vmin": 0.0, "vmax": 1.0} | kwargs
        mesh = ax.pcolormesh([k + 0.55, k + 1.45], edges, np.sqrt(shares), **style)
    colour_bar(mesh, ax, "root of the share of each bin")
    _whole_layers(ax.xaxis)
    ax.set(xlabel="hidden layer", ylabel="activation a", title="What each layer gives")
    return ax


def plot_history(
    history: SaturationHistory, *, ax: Axes | None = None, what: str = "saturated", **kwargs: Any
) -> Axes:
    """Draw a heat map of layers and epochs.

    Parameters
    ----------
    history : SaturationHistory
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure's by default.
    what : {"saturated", "dead", "gradient"}, optional
        Fractions, or ‖∂ℓ/∂z‖.
    **kwargs
        Passed to ``Axes.pcolormesh``.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If there is nothing to draw: no hidden layer, or no gradients, for want of targets.
    """
    what = one_of("what", what, tuple(_LABELS))
    values, limits = history.saturated, {"vmin": 0.0, "vmax": 1.0}
    if what == "dead":
        values = history.dead
    if what == "gradient":
        values, limits = np.log10(_seen(history.gradient_norm)), {}
    if not values.size or np.isnan(values).all():
        raise ValueError(f'`what` "{what}" has nothing to draw')
    ax = new_axes((6.8, 4.0)) if ax is None else ax
    style: dict[str, Any] = {"cmap": "cividis", **limits} | kwargs
    layers = np.arange(values.shape[1] + 1) + 0.5
    mesh = ax.pcolormesh(_edges(history.epochs), layers, values.T, **style)
    colour_bar(mesh, ax, _LABELS[what])
    _whole_layers(ax.yaxis)
    ax.set(xlabel="epoch", ylabel="layer",
           title=f"Saturation in training: |f'| < {history.threshold:g}")  # fmt: skip
    if what == "gradient":
        ax.set_title("Gradients in training, the outputs on top")
    return ax


def plot_signals(
    study: SignalStudy, *, ax: Axes | None = None, depth: int | None = None, **kwargs: Any
) -> Axes:
    """Draw gradients by layer, relative to that of the outputs, a line for each cure.

    Parameters
    ----------
    study : SignalStudy
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure's by default.
    depth : int, optional
        One of the study's; the largest by default.
    **kwargs
        Passed to every ``Axes.plot``.

    Returns
    -------
    matplotlib.axes.Axes
    """
    deep = study.depths[-1] if depth is None else depth
    ax = new_axes((7.2, 4.8)) if ax is None else ax
    layers = np.arange(1, deep + 2)
    for k, cure in enumerate(study.cures):
        style = style_of(k) | {"markersize": 3.5, "markevery": max(deep // 10, 1)}
        style |= {"linewidth": 1.3, "label": cure} | kwargs
        ax.plot(layers, _seen(study.gradient_norms(cure, deep)), **style)
    ax.set_yscale("log")
    ax.set(xlabel="layer (the last: outputs)", ylabel="‖∂ℓ/∂z‖ over that of the outputs",
           title=f"Gradients of {deep} layers of {study.width} units at initialisation")
    ax.grid(True, which="major", linewidth=0.4, alpha=0.5)
    ax.legend(frameon=False, fontsize="x-small")
    return ax


def colour_bar(mesh: Any, ax: Axes, label: str) -> None:
    """Draw the bar of a heat map beside it."""
    figure: Any = ax.figure
    figure.colorbar(mesh, ax=ax, label=label)


def _whole_layers(axis: Any) -> None:
    """Ticks at whole numbers alone."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def _seen(values: Floats) -> Floats:
    """What a logarithmic axis can show; the rest NaN."""
    shown: Floats = np.where(np.isfinite(values) & (values > 0.0), values, np.nan)
    return shown


def _edges(centres: NDArray[np.int64]) -> Floats:
    """Edges of cells around ascending numbers."""
    at = centres.astype(np.float64)
    if len(at) == 1:
        return np.array([at[0] - 0.5, at[0] + 0.5])
    middles = 0.5 * (at[1:] + at[:-1])
    return np.concatenate([[2.0 * at[0] - middles[0]], middles, [2.0 * at[-1] - middles[-1]]])
