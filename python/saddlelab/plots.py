"""Pictures of results.  Each draws on given axes, or makes its own; none shows or saves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from saddlelab.energy_plot import plot_index_energy
from saddlelab.law_plot import draw_by_dimension, draw_by_index, draw_on_map

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from saddlelab.laws import IndexLaw
    from saddlelab.studies.result import Kind, PrevalenceStudy

__all__ = ["plot_index_energy", "plot_index_law", "plot_prevalence", "prevalence_figure"]

# Okabe & Ito's colours, told apart by every kind of colour vision; line styles and markers differ
# too, because minima and maxima lie on each other in a symmetric ensemble.
_STYLES: dict[Kind, dict[str, Any]] = {
    "saddle": {"color": "#0072B2", "marker": "s", "markersize": 3.5},
    "minimum": {"color": "#D55E00", "marker": "o", "markersize": 5.5},
    "maximum": {"color": "#009E73", "marker": "x", "markersize": 5, "linestyle": (0, (4, 3))},
}
_LABELS: dict[Kind, str] = {"saddle": "saddles", "minimum": "minima", "maximum": "maxima"}
# Up to this many dimensions the index law is drawn as curves, beyond it as a heat map.
_MAX_CURVES = 5
# From this ratio of the largest to the smallest dimension on, their axis is logarithmic.
_LOG_FROM = 12.0
# The fractions' axis ends here, in counts: below one, with room for what was never seen.
_FLOOR = 0.3
# Minima and maxima mostly have the same limit: their dashes alternate.
_LIMIT_DASHES: dict[Kind, Any] = {
    "saddle": ":",
    "minimum": (0, (2, 4)),
    "maximum": (3, (2, 4)),
}


def plot_prevalence(
    study: PrevalenceStudy,
    *,
    ax: Axes | None = None,
    level: float = 0.95,
    laws: Mapping[int, IndexLaw] | None = None,
    **kwargs: Any,
) -> Axes:
    """Draw the fraction of saddles, minima and maxima against dimension.

    The fractions are on a log axis, with a band for the exact confidence interval.  Where a kind
    was never seen there is no fraction to draw: a dotted line marks the upper limit, and a note
    says so.

    Parameters
    ----------
    study : PrevalenceStudy
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure's by default.
    level : float, optional
        Confidence level of the bands.
    laws : mapping of int to IndexLaw, optional
        Exact laws by dimension (see :func:`saddlelab.index_laws`): drawn as lines, what was
        counted then as markers.
    **kwargs
        Passed to every ``Axes.plot``.

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = ax if ax is not None else _new_axes()
    if laws:
        kwargs = {"linestyle": "none"} | kwargs
        draw_by_dimension(ax, laws)
    for kind in _STYLES:
        _draw_kind(ax, study, kind, level, kwargs)
    _note_limit(ax, study, level)
    _dimension_axis(ax, study.dims)
    ax.set_yscale("log")
    ax.set_ylim(_floor(study), 2.0)
    ax.set_ylabel(f"fraction of {study.samples:,} Hessians")
    ax.set_title("Kinds of critical points")
    ax.grid(True, which="major", linewidth=0.4, alpha=0.5)
    ax.legend(frameon=False, loc="best")
    return ax


def plot_index_law(
    study: PrevalenceStudy,
    *,
    ax: Axes | None = None,
    laws: Mapping[int, IndexLaw] | None = None,
    **kwargs: Any,
) -> Axes:
    """Draw the distribution of the index.

    For a few dimensions: the probability of each index, against its distance from n/2.  For more:
    a heat map, in which the n + 1 possible indices share the height evenly (index 0, the minima,
    at the bottom; n, the maxima, on top).

    Parameters
    ----------
    study : PrevalenceStudy
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure's by default.
    laws : mapping of int to IndexLaw, optional
        Exact laws by dimension, drawn as lines below the markers; on a heat map, lines where the
        exact probability passes 1e-2, 1e-4, … as far as samples go.
    **kwargs
        Passed to ``Axes.plot`` or to ``PolyCollection``.

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = ax if ax is not None else _new_axes()
    if study.dims.size > _MAX_CURVES:
        _draw_map(ax, study, kwargs)
        if laws:
            draw_on_map(ax, laws, study.dims, _edges(study.dims), 1.0 / study.samples)
    else:
        _draw_curves(ax, study, ({"linestyle": "none"} if laws else {}) | kwargs)
        draw_by_index(ax, laws or {}, _FLOOR / study.samples)
        ax.legend(frameon=False)
    ax.set_title("Index: number of negative eigenvalues")
    return ax


def prevalence_figure(
    study: PrevalenceStudy,
    *,
    figure: Figure | None = None,
    level: float = 0.95,
    laws: Mapping[int, IndexLaw] | None = None,
) -> Figure:
    """Draw both pictures of a study side by side; returns the figure.

    Parameters
    ----------
    study : PrevalenceStudy
    figure : matplotlib.figure.Figure, optional
        Where to draw; a new one of pyplot's by default.
    level : float, optional
        Confidence level of the bands.
    laws : mapping of int to IndexLaw, optional
        Exact laws by dimension, drawn beside what was counted.
    """
    if figure is None:
        import matplotlib.pyplot as plt

        figure = plt.figure(figsize=(11.0, 4.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    plot_prevalence(study, ax=left, level=level, laws=laws)
    plot_index_law(study, ax=right, laws=laws)
    figure.suptitle(_title(study), fontsize="medium")
    return figure


def _floor(study: PrevalenceStudy) -> float:
    """Where the fractions' axis ends; weights may make a fraction less than one of the samples."""
    seen = [fraction[fraction > 0.0] for fraction in map(study.fraction, _STYLES)]
    return float(_FLOOR * min(1.0 / study.samples, np.concatenate(seen).min()))


def _title(study: PrevalenceStudy) -> str:
    from saddlelab.studies.table import format_parameters

    parameters = [format_parameters(study.parameters)] if study.parameters else []
    nested = ["nested"] if study.nested else []
    return ", ".join([study.ensemble.upper(), *parameters, *nested, f"seed {study.seed}"])


def _draw_kind(
    ax: Axes, study: PrevalenceStudy, kind: Kind, level: float, kwargs: dict[str, Any]
) -> None:
    n, fraction = study.dims, study.fraction(kind)
    low, high = study.interval(kind, level)
    seen = fraction > 0
    color = _STYLES[kind]["color"]
    style = _STYLES[kind] | {"markevery": _markevery(n, seen), "label": _LABELS[kind]}
    style["gid"] = kind  # names the line in an SVG file
    # A log axis has no place for 0: leave a gap there, and let bands end at the axis' foot.
    ax.plot(n, np.where(seen, fraction, np.nan), **(style | kwargs))
    low = np.maximum(low, _floor(study))
    ax.fill_between(n, low, high, where=seen, color=color, alpha=0.25, linewidth=0)
    # A band needs two points: a dimension by itself shows its interval as a line.
    ax.vlines(n[seen], low[seen], high[seen], color=color, alpha=0.6, linewidth=1.5)
    # In dimension 1 there are no saddles to be seen.
    unseen = ~seen & ((n > 1) | (kind != "saddle"))
    if unseen.any():
        limit = np.where(unseen, high, np.nan)
        ends = np.flatnonzero(unseen)[[0, -1]].tolist()
        ax.plot(
            n,
            limit,
            color=color,
            linestyle=_LIMIT_DASHES[kind],
            marker="v",
            markerfacecolor="white",
            markevery=ends,
            label=f"_{kind} limit",
        )
        ax.fill_between(n, low, limit, where=unseen, color=color, alpha=0.08, linewidth=0)


def _note_limit(ax: Axes, study: PrevalenceStudy, level: float) -> None:
    """Say what the dotted lines are: the upper limit is the same wherever nothing was seen."""
    kinds: tuple[Kind, ...] = ("minimum", "maximum")
    limits = [study.interval(kind, level)[1][study.kind_counts(kind) == 0] for kind in kinds]
    missing = np.concatenate(limits)
    if missing.size:
        ax.annotate(
            f"none seen: < {missing.max():.1e}\n({100 * level:g} % interval)",
            (0.98, missing.max()),
            xycoords=("axes fraction", "data"),
            xytext=(0, -6),
            textcoords="offset points",
            ha="right",
            va="top",
            fontsize="small",
            color="0.25",
        )


def _draw_curves(ax: Axes, study: PrevalenceStudy, kwargs: dict[str, Any]) -> None:
    from matplotlib import colormaps

    shades = colormaps["viridis"](np.linspace(0.0, 0.85, study.dims.size))
    for n, shade, marker in zip(study.dims.tolist(), shades, "osD^v", strict=False):
        index, fraction = study.distribution(n)
        style = {"color": shade, "marker": marker, "markersize": 4, "label": f"n = {n}"} | kwargs
        ax.plot(index - n / 2, fraction, **style)
    ax.set_yscale("log")
    ax.set_xlabel("index − n/2")
    ax.set_ylabel("probability")
    ax.grid(True, which="major", linewidth=0.4, alpha=0.5)


def _draw_map(ax: Axes, study: PrevalenceStudy, kwargs: dict[str, Any]) -> None:
    from matplotlib.collections import PolyCollection
    from matplotlib.colors import LogNorm

    edges = _edges(study.dims)
    corners, shares = [], []
    # Only bins that were hit become cells: a dimension of a million has a dozen.
    for n, left, right in zip(study.dims.tolist(), edges[:-1], edges[1:], strict=True):
        index, fraction = study.distribution(n)
        low, high = index / (n + 1), (index + 1) / (n + 1)
        x = np.broadcast_to([left, left, right, right], (index.size, 4))
        corners.append(np.stack([x, np.column_stack([low, high, high, low])], axis=2))
        shares.append(fraction)
    # Edges in the cells' own colours: thin cells would else vanish between the pixels.
    style: dict[str, Any] = {"cmap": "viridis_r", "edgecolors": "face", "linewidths": 0.2} | kwargs
    norm = LogNorm(vmin=1.0 / study.samples, vmax=1.0)
    cells = PolyCollection(list(np.concatenate(corners)), norm=norm, **style)
    cells.set_array(np.concatenate(shares))
    ax.add_collection(cells)
    _dimension_axis(ax, study.dims)
    ax.set_xlim(edges[0], edges[-1])
    ax.set_ylim(0.0, 1.0)
    ax.set_yticks([0.0, 0.25, 0.5, 0.75, 1.0], ["minima 0", "n/4", "n/2", "3n/4", "maxima n"])
    ax.set_ylabel("index")
    ax.figure.colorbar(cells, ax=ax, label="probability")


def _new_axes() -> Axes:
    import matplotlib.pyplot as plt

    return plt.figure(layout="constrained").add_subplot()


def _is_log(dims: NDArray[np.int64]) -> bool:
    return bool(dims[-1] >= _LOG_FROM * dims[0])


def _dimension_axis(ax: Axes, dims: NDArray[np.int64]) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    if _is_log(dims):
        ax.set_xscale("log")
    else:
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    if dims.size == 1:
        ax.set_xlim(dims[0] - 1.5, dims[0] + 1.5)
    plain = FuncFormatter(lambda n, _: f"{n:g}" if n < 1e5 else f"{n:.0e}")
    ax.xaxis.set_major_formatter(plain)
    ax.set_xlabel("dimension n")


def _edges(dims: NDArray[np.int64]) -> NDArray[np.float64]:
    """Borders half way between neighbouring dimensions, on the scale of the axis."""
    x = np.log(dims) if _is_log(dims) else dims.astype(np.float64)
    inner = (x[1:] + x[:-1]) / 2
    edges = np.concatenate([[2 * x[0] - inner[0]], inner, [2 * x[-1] - inner[-1]]])
    return np.exp(edges) if _is_log(dims) else edges


def _markevery(dims: NDArray[np.int64], seen: NDArray[np.bool_]) -> list[int]:
    """Number the points that get a marker: on a crowded axis only some, evenly in sight."""
    x = np.log(dims) if _is_log(dims) else dims.astype(np.float64)
    span = max(float(x[-1] - x[0]), 1e-9) / 30
    chosen, last = [], -np.inf
    for number in np.flatnonzero(seen).tolist():
        if x[number] - last >= span:
            chosen.append(number)
            last = float(x[number])
    return chosen
