"""Picture of how fast minima vanish: −ln P against n², beside the law of large deviations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from saddlelab.ensembles import Ensemble, get_ensemble
from saddlelab.ensembles._hermite import Hermite
from saddlelab.laws import index_law, log_minimum_probability

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from saddlelab.rare import RareEvent

__all__ = ["plot_minimum_law"]

#: Points of the exact curve, and where it ends: a point takes a chain of n steps (and sooner, where
#: all indices are computed).
_POINTS, _LAST_EXACT, _LAST_SHIFTED = 24, 200, 100
#: More dimensions than these are not all written on the axis.
_MOST_TICKS = 8


def plot_minimum_law(
    events: Sequence[RareEvent], *, ax: Axes | None = None, **kwargs: Any
) -> Axes:
    """Draw −ln P of minima (or maxima) against n², both on logarithmic axes.

    Of a Gaussian ensemble without shift also the law of large deviations, β (ln 3/4) n² (Dean &
    Majumdar, Phys. Rev. Lett. 97, 2006), and to n = 200 the exact law of
    :func:`saddlelab.log_minimum_probability`.  With a shift, or where more indices count, the exact
    law of :func:`saddlelab.index_law` at the n ≤ 100 where it is known.  Standard errors are drawn;
    most are smaller than the markers.

    Parameters
    ----------
    events : sequence of RareEvent
        Of one ensemble and kind, from :func:`saddlelab.rare_prevalence` at some dimensions.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure's by default.
    **kwargs
        Passed to ``Axes.errorbar``.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If `events` is empty, or of several laws.
    """
    law = _law_of(events)
    if ax is None:
        import matplotlib.pyplot as plt

        ax = plt.figure(layout="constrained").add_subplot()
    dims = sorted({event.n for event in events})
    if isinstance(law, Hermite) and law.shift == 0.0 and events[0].max_index == 0:
        _draw_laws(ax, law, dims)
    else:
        _draw_index_laws(ax, law, events)
    style: dict[str, Any] = {"fmt": "o", "markersize": 6, "color": "#0072B2", "label": "estimated"}
    ax.errorbar(
        [event.n**2 for event in events],
        [-event.log_probability for event in events],
        yerr=[event.log_error for event in events],
        **(style | kwargs),
    )
    _label(ax, events[0])
    _add_dimension_axis(ax, dims)
    return ax


def _law_of(events: Sequence[RareEvent]) -> Ensemble:
    if not events:
        raise ValueError("`events` must hold at least one event, got none")
    kinds = {
        (event.ensemble, str(event.parameters), event.kind, event.max_index) for event in events
    }
    if len(kinds) > 1:
        raise ValueError(f"`events` must be of one ensemble and kind, got {len(kinds)}")
    return get_ensemble(events[0].ensemble, **events[0].parameters)


def _draw_laws(ax: Axes, law: Hermite, dims: list[int]) -> None:
    beta = law.dyson_index()
    ends = np.array([dims[0], dims[-1]], float)
    label = "(ln 3/4) n²" if beta == 1.0 else f"{beta:g} (ln 3/4) n²"
    ax.plot(ends**2, beta * math.log(3.0) / 4.0 * ends**2, "--", color="0.45", label=label)
    last = min(dims[-1], _LAST_EXACT)
    if last < dims[0]:
        return
    n = np.unique(np.geomspace(dims[0], last, _POINTS).round().astype(int))
    exact = [-log_minimum_probability(law, int(each)) for each in n]
    ax.plot(n**2, exact, color="black", linewidth=0.8, label="exact")


def _draw_index_laws(ax: Axes, law: Ensemble, events: Sequence[RareEvent]) -> None:
    """Draw the exact law at the dimensions of the events, for any shift and largest index."""
    found: dict[int, float] = {}
    for event in events:
        if event.n > _LAST_SHIFTED:
            continue
        try:
            logs = index_law(law, event.n).log_probabilities
        except ValueError:  # too large a Dyson index: the samples know what the law does not
            continue
        tail = logs if event.kind == "minimum" else logs[::-1]
        found[event.n] = -float(np.logaddexp.reduce(tail[: event.max_index + 1]))
    if found:
        n = np.array(sorted(found))
        exact = [found[each] for each in n.tolist()]
        ax.plot(n**2, exact, color="black", linewidth=0.8, label="exact")


def _label(ax: Axes, event: RareEvent) -> None:
    from saddlelab.studies.table import format_parameters

    parameters = [format_parameters(event.parameters)] if event.parameters else []
    index = "index" if event.kind == "minimum" else "n − index"
    said = f"{index} ≤ {event.max_index}" if event.max_index else event.kind
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlabel("n²")
    ax.set_ylabel(f"−ln P({said})")
    ax.set_title(", ".join([event.ensemble.upper(), *parameters, f"seed {event.seed}"]))
    ax.grid(True, which="major", linewidth=0.4, alpha=0.5)
    ax.legend(frameon=False)


def _add_dimension_axis(ax: Axes, dims: list[int]) -> None:
    """Say on top which dimension n is at n²."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

    top = ax.secondary_xaxis("top", functions=(np.sqrt, np.square))
    top.set_xlabel("dimension n")
    few = len(dims) <= _MOST_TICKS
    top.xaxis.set_major_locator(FixedLocator(dims) if few else LogLocator(subs=(1.0, 2.0, 5.0)))
    top.xaxis.set_minor_locator(NullLocator())
    top.xaxis.set_major_formatter(FuncFormatter(lambda n, _: f"{n:g}"))
