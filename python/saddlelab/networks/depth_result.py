"""Learning times of deep linear networks: figures, files and a picture."""

from __future__ import annotations

import csv
import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from saddlelab.arguments import one_of
from saddlelab.intervals import quantile_ranks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["DepthStudy"]

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class DepthStudy:
    """Steps that each run took to learn; what `depth_study` returns.

    Attributes
    ----------
    depths : (d,) int
        Layers of weights, ascending.
    initialisers : tuple of str
    steps : (initialisers, d, runs) float
        With the best learning rate; infinite where the horizon was not enough, or the run diverged.
    rates : (initialisers, d) float
        The best of the grid, in its units of 1/(depth · λ); NaN where no run learnt at any.
    grid : (r,) float
        Rates that were tried, descending.
    width : int
        Units of each hidden layer.
    gain : float
    fraction : float
        A run has learnt when this fraction of the loss is left.
    horizon : int
        Steps at most.
    data : str
    seed : int
        What to pass as ``rng`` to get the same again.
    """

    depths: NDArray[np.int64]
    initialisers: tuple[str, ...]
    steps: Floats = field(repr=False)
    rates: Floats = field(repr=False)
    grid: Floats = field(repr=False)
    width: int
    gain: float
    fraction: float
    horizon: int
    data: str
    seed: int

    def median(self, initialiser: str) -> Floats:
        """(d,) median of the steps, the lower one of two; infinite where half did not learn."""
        return self.quantile(initialiser)[0]

    def quantile(
        self, initialiser: str, p: float = 0.5, level: float = 0.95
    ) -> tuple[Floats, Floats, Floats]:
        """(d,) quantile of the steps, with limits that assume nothing of their law.

        The limits are order statistics; 0 and infinite where there are too few runs for any.
        """
        ranked = np.sort(self.steps[self._row(initialiser)], axis=1)
        runs, edge = ranked.shape[1], np.ones((len(ranked), 1))
        low, high = quantile_ranks(runs, p, level)
        padded = np.concatenate([0.0 * edge, ranked, np.inf * edge], axis=1)
        return padded[:, int(np.ceil(p * runs))], padded[:, low], padded[:, high]

    def never(self, initialiser: str) -> NDArray[np.int64]:
        """(d,) number of runs that did not learn."""
        return np.asarray(np.isinf(self.steps[self._row(initialiser)]).sum(axis=1))

    def at_edge(self, initialiser: str) -> NDArray[np.bool_]:
        """(d,) bool: whether the best rate is an end of the grid, so that one beyond may be better.

        False where no run learnt.
        """
        return np.isin(self.rates[self._row(initialiser)], self.grid[[0, -1]])

    def growth(self, initialiser: str) -> float:
        """Slope of ln median against ln depth by least squares: 0 if depth costs nothing.

        Of the depths whose median is finite; NaN with fewer than two of those.
        """
        median = self.median(initialiser)
        known = np.isfinite(median) & (median > 0.0)
        if known.sum() < 2:
            return float("nan")
        log = np.log(self.depths[known])
        log -= log.mean()
        return float(log @ np.log(median[known]) / (log @ log))

    def _row(self, initialiser: str) -> int:
        return self.initialisers.index(one_of("initialiser", initialiser, self.initialisers))

    # --- text, files and pictures -----------------------------------------------------------------

    def __str__(self) -> str:
        """The table."""
        return self.table()

    def rows(self, level: float = 0.95) -> list[dict[str, Any]]:
        """One dictionary for each initialiser and depth, plain Python."""
        found = []
        for i, kind in enumerate(self.initialisers):
            columns = [self.depths, *self.quantile(kind, 0.5, level), self.never(kind),
                       self.rates[i], self.at_edge(kind)]  # fmt: skip
            for row in zip(*(column.tolist() for column in columns), strict=True):
                names = ("depth", "median", "low", "high", "never", "rate", "at_edge")
                found.append({"initialiser": kind, **dict(zip(names, row, strict=True))})
        return found

    def table(self, level: float = 0.95) -> str:
        """Say in text how many steps each depth took."""
        lines = [
            f"deep linear networks on {self.data}, {self.width} units: steps until "
            f"{100 * self.fraction:g} % of the loss is left",
            f"best of {len(self.grid)} learning rates, {self.steps.shape[2]} runs, at most "
            f"{self.horizon} steps; rates times depth (* an end of the grid)",
            f"{'initialiser':17} {'depth':>5} {'median':>8} {f'{100 * level:g} %':>15} "
            f"{'never':>6} {'rate':>8}",
        ]
        for row in self.rows(level):
            limits = f"{_count(row['low'])} – {_count(row['high'])}"
            rate = "none" if np.isnan(row["rate"]) else f"{row['rate']:.3g}"
            lines.append(
                f"{row['initialiser']:17} {row['depth']:5d} {_count(row['median']):>8} "
                f"{limits:>15} {row['never']:6d} {rate:>8}{'*' if row['at_edge'] else ''}"
            )
        for kind in self.initialisers:
            lost = np.isinf(self.median(kind)).sum()
            told = f" ({lost} depths not learnt left out)" if lost else ""
            lines.append(f"{kind}: steps ∝ depth^{self.growth(kind):.2f}{told}")
        return "\n".join(lines)

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write one line for each run; "inf" where it did not learn."""
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["initialiser", "depth", "run", "steps", "rate"])
            for (i, j, k), steps in np.ndenumerate(self.steps):
                writer.writerow([self.initialisers[i], self.depths[j], k, steps, self.rates[i, j]])

    def to_json(self, level: float = 0.95) -> str:
        """Settings, and what there is of each depth; null for what is infinite or not a number."""
        names = ("data", "width", "gain", "fraction", "horizon", "seed")
        plain = {name: getattr(self, name) for name in names} | {"grid": self.grid.tolist()}
        rows = [{name: _or_null(each) for name, each in row.items()} for row in self.rows(level)]
        growth = {kind: _or_null(self.growth(kind)) for kind in self.initialisers}
        return json.dumps(plain | {"growth": growth, "depths": rows})

    def plot(self, *, ax: Axes | None = None, level: float = 0.95, **kwargs: Any) -> Axes:
        """Draw median steps against depth; `kwargs` are passed to every ``Axes.errorbar``."""
        from saddlelab.networks.depth_plot import plot_depth

        return plot_depth(self, ax=ax, level=level, **kwargs)


def _count(steps: float) -> str:
    return f"{steps:.0f}" if np.isfinite(steps) else "never"


def _or_null(value: Any) -> Any:
    return None if isinstance(value, float) and not np.isfinite(value) else value
