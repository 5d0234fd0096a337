"""Pictures of exact index laws, by themselves and beside what was counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from saddlelab.laws import IndexLaw
    from saddlelab.studies.result import Kind

__all__ = ["draw_by_dimension", "draw_by_index", "draw_on_map", "plot_law"]

Floats: TypeAlias = NDArray[np.float64]

_KINDS: tuple[Kind, ...] = ("saddle", "minimum", "maximum")
_LN_10 = np.log(10.0)
#: On a map, the exact probabilities whose lines are drawn: every second power of ten.
_LEVELS = 10.0 ** np.arange(-2.0, -19.0, -2.0)


def plot_law(law: IndexLaw, *, ax: Axes | None = None, **kwargs: Any) -> Axes:
    """Draw log10 of the probability of each index, far below the range of a double.

    Parameters
    ----------
    law : IndexLaw
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure's by default.
    **kwargs
        Passed to ``Axes.plot``.

    Returns
    -------
    matplotlib.axes.Axes
    """
    if ax is None:
        import matplotlib.pyplot as plt

        ax = plt.figure(layout="constrained").add_subplot()
    style: dict[str, Any] = {"marker": "o", "markersize": 3, "linewidth": 0.8, "color": "#0072B2"}
    ax.plot(np.arange(law.n + 1), law.log_probabilities / _LN_10, **(style | kwargs))
    ax.set_xlabel("index: number of negative eigenvalues")
    ax.set_ylabel("log10 of the probability")
    ax.set_title(f"{law.ensemble}, n = {law.n}, exact")
    ax.grid(True, which="major", linewidth=0.4, alpha=0.5)
    return ax


def draw_by_dimension(ax: Axes, laws: Mapping[int, IndexLaw]) -> None:
    """Draw the exact fraction of each kind against dimension as thin lines."""
    dims = sorted(laws)
    for number, kind in enumerate(_KINDS):
        logs = np.array([laws[n].log_fraction(kind) for n in dims])
        # Nothing is drawn where there is none (saddles in dimension 1) or none can be written.
        values = np.where(logs > np.log(np.finfo(float).tiny), np.exp(logs), np.nan)
        label = "exact" if number == 0 else f"_exact {kind}"
        ax.plot(dims, values, color="black", linewidth=0.8, label=label, zorder=3)


def draw_by_index(ax: Axes, laws: Mapping[int, IndexLaw], floor: float) -> None:
    """Draw exact probabilities down to `floor` against index − n/2 as thin lines."""
    for number, n in enumerate(sorted(laws)):
        p = laws[n].probabilities
        seen = np.flatnonzero(p >= floor)
        label = "exact" if number == 0 else f"_exact {n}"
        ax.plot(seen - n / 2, p[seen], color="black", linewidth=0.8, label=label, zorder=1)


def draw_on_map(
    ax: Axes, laws: Mapping[int, IndexLaw], dims: NDArray[np.int64], edges: Floats, floor: float
) -> None:
    """Draw on a map of the index where the exact probability passes 1e-2, 1e-4, … down to `floor`.

    The cells of dimension ``dims[j]`` lie between ``edges[j]`` and ``edges[j + 1]``, that of index
    k from k/(n + 1) to (k + 1)/(n + 1).
    """
    levels = _LEVELS[floor <= _LEVELS]
    for number, level in enumerate(levels.tolist()):
        ends = np.array([_ends(laws.get(n), level) for n in dims.tolist()])
        for side in (0, 1):
            label = f"_exact {level:g}"
            if number == side == 0:
                label = f"exact: {', '.join(f'1e{round(p)}' for p in np.log10(levels))}"
            ax.stairs(
                ends[:, side], edges, baseline=None, color="black", linewidth=0.7, label=label
            )
    if levels.size:
        ax.legend(frameon=False, loc="upper right", fontsize="small")


def _ends(law: IndexLaw | None, level: float) -> tuple[float, float]:
    """Where the indices as probable as `level` begin and end, as fractions of the height."""
    inside = np.flatnonzero(law.probabilities >= level) if law is not None else np.zeros(0, int)
    if law is None or not inside.size:
        return np.nan, np.nan
    return inside[0] / (law.n + 1), (inside[-1] + 1) / (law.n + 1)
