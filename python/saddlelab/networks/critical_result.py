"""Critical points of a network: what is known about each, and how index goes with error."""

from __future__ import annotations

import csv
import json
import os
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from saddlelab.networks.critical_checkpoint import Ended
from saddlelab.networks.critical_search import CONVERGED, FLAT, STOPPED
from saddlelab.networks.network_objective import NetworkObjective
from saddlelab.networks.restricted import Landscape
from saddlelab.verdict import Verdict, examine

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Collected", "Correlation", "NetworkCriticalPoints"]

Floats: TypeAlias = NDArray[np.float64]

#: How far the critical point may be from where a search ended, relative to max(1, |x|).
_REACH = 1e-8
#: Two points are the same but for the order and signs of units: losses and spectra, relatively.
_SAME_LOSS, _SAME_SPECTRUM = 1e-9, 1e-6
_COLUMNS = ("loss", "error", "index", "zeros", "kind", "certified", "fraction_negative",
            "minimum_ratio", "gradient_norm", "found")  # fmt: skip


class Correlation(NamedTuple):
    """Spearman's rank correlation with its 95 % confidence interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, eq=False)
class NetworkCriticalPoints:
    """Distinct critical points of a network's loss, sorted by loss.

    Attributes
    ----------
    theta : (k, n) float
        Parameters.
    loss : (k,) float
        With the weight decay.
    error : (k,) float
        Fraction of the samples that are classified wrongly; of a network for squared error the
        loss without weight decay.
    index, zeros : (k,) int
        Negative eigenvalues of the Hessian, and those that are 0 within its uncertainty.
    kind : (k,) str
        As of `saddlelab.check`.
    certified : (k,) bool
        Whether the index is certain.
    eigenvalues : (k, m) float
        Ascending; m = n without `symmetries`.
    gradient_norm : (k,) float
    found : (k,) int
        How many searches led there.
    starts : int
        Searches.
    ends : dict
        What became of them: "converged", "gradient-flat", "not converged".
    hessians : int
        Computed in all searches.
    seconds : float
        Of all searches, on one thread each.
    symmetries : int
        Directions in which the loss never changes, which were left out (`exact_symmetries`).
    seed : int
    objective : NetworkObjective
    """

    theta: Floats
    loss: Floats
    error: Floats
    index: NDArray[np.int64]
    zeros: NDArray[np.int64]
    kind: NDArray[np.str_]
    certified: NDArray[np.bool_]
    eigenvalues: Floats
    gradient_norm: Floats
    found: NDArray[np.int64]
    starts: int
    ends: dict[str, int]
    hessians: int
    seconds: float
    symmetries: int
    seed: int
    objective: NetworkObjective = field(repr=False)

    def __len__(self) -> int:
        """Number of distinct points."""
        return len(self.loss)

    def __str__(self) -> str:
        """The table."""
        return self.table()

    @property
    def fraction_negative(self) -> Floats:
        """Index over the number of eigenvalues, (k,)."""
        fraction: Floats = self.index / max(self.eigenvalues.shape[1], 1)
        return fraction

    @property
    def minimum_ratio(self) -> Floats:
        """Fraction of positive eigenvalues, (k,): 1 at a minimum."""
        ratio: Floats = 1.0 - (self.index + self.zeros) / max(self.eigenvalues.shape[1], 1)
        return ratio

    def correlation(self, of: str = "error") -> Correlation:
        """Rank correlation of the index with ``"error"`` or ``"loss"``.

        The interval is from 2000 bootstrap samples of the points (percentiles).

        Raises
        ------
        ValueError
            If there are fewer than 3 points.
        """
        from scipy.stats import rankdata

        x, y = (rankdata(a) for a in (getattr(self, of), self.index))
        if len(x) < 3:
            raise ValueError(f"a correlation needs at least 3 points, there are {len(x)}")
        rows = np.random.default_rng(0).integers(0, len(x), (2000, len(x)))
        again = np.array([_pearson(rankdata(x[row]), rankdata(y[row])) for row in rows])
        # Of a sample of equals there is none.
        again = again[np.isfinite(again)]
        low, high = np.percentile(again, [2.5, 97.5]) if len(again) else (np.nan, np.nan)
        return Correlation(_pearson(x, y), float(low), float(high))

    def _rows(self) -> list[dict[str, Any]]:
        columns = [getattr(self, name).tolist() for name in _COLUMNS]
        return [dict(zip(_COLUMNS, row, strict=True)) for row in zip(*columns, strict=True)]

    def table(self, most: int = 20) -> str:
        """A summary, and a line for each of `most` points, evenly spaced in the list."""
        per = f", {self.hessians / len(self):.0f} Hessians for each" if len(self) else ""
        ends = ", ".join(f"{count} {name}" for name, count in self.ends.items() if count)
        lines = [
            f"{self.objective.name}: {len(self)} distinct critical points of {self.starts} "
            f"searches ({ends}){per}, {int(self.certified.sum())} with a certified index",
        ]
        if self.symmetries:
            lines.append(f"orthogonally to {self.symmetries} exact symmetries")
        if len(self) > 2:
            rho = self.correlation()
            lines.append(
                f"rank correlation of index and error {rho.value:.3f} "
                f"(95 %: {rho.low:.3f} to {rho.high:.3f})"
            )
        lines.append(f"{'loss':>10} {'error':>8} {'index':>6} {'fraction':>9}  kind")
        rows, count = self._rows(), len(self)
        for k in np.unique(np.linspace(0, max(count - 1, 0), min(most, count)).astype(int)):
            row = rows[k]
            sure = "" if row["certified"] else ", not certified"
            lines.append(
                f"{row['loss']:10.6f} {row['error']:8.4f} {row['index']:6d} "
                f"{row['fraction_negative']:9.4f}  {row['kind']}{sure}"
            )
        return "\n".join(lines)

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write one line for each point."""
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, _COLUMNS)
            writer.writeheader()
            writer.writerows(self._rows())

    def to_json(self) -> str:
        """Everything but parameters and spectra."""
        plain = {
            "network": list(self.objective.network.sizes), "starts": self.starts, "ends": self.ends,
            "hessians": self.hessians, "seconds": self.seconds, "symmetries": self.symmetries,
            "seed": self.seed, "points": self._rows(),
        }  # fmt: skip
        if len(self) > 2:
            plain["correlation"] = self.correlation()._asdict()
        return json.dumps(plain)

    def plot(self, what: str = "index", *, ax: Axes | None = None, **kwargs: Any) -> Axes:
        """Draw ``"index"`` against error, the ``"spectra"``, or the minimum ``"ratio"``."""
        from saddlelab.networks.critical_plot import plot_network_points

        return plot_network_points(self, what, ax=ax, **kwargs)

    def figure(self) -> Figure:
        """All three pictures, side by side."""
        from matplotlib.figure import Figure

        from saddlelab.networks.critical_plot import SIZE, draw_figure

        figure = Figure(figsize=SIZE, layout="constrained")
        draw_figure(self, figure)
        return figure


def _pearson(x: Floats, y: Floats) -> float:
    a, b = x - x.mean(), y - y.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size > 0.0 else float("nan")


class Collected:
    """Ends of searches, as they come in; points that are the same are one."""

    def __init__(self, landscape: Landscape) -> None:
        """Begin with none."""
        self._landscape = landscape
        self.ends: Counter[str] = Counter({CONVERGED: 0, FLAT: 0, STOPPED: 0})
        self._verdicts: list[Verdict] = []
        self._counts: list[int] = []
        self._hessians, self._seconds = 0, 0.0

    def __len__(self) -> int:
        """Number of distinct points."""
        return len(self._counts)

    def add(self, ended: Ended) -> None:
        """Take one more end; a point that proves not to be critical counts as not converged."""
        self._hessians += ended.hessians
        self._seconds += ended.seconds
        status = ended.status
        if status == CONVERGED:
            reach = _REACH * np.maximum(1.0, np.abs(ended.x))[None]
            verdict = examine(self._landscape.fun, ended.x[None], reach, workers=1)
            if verdict.critical[0]:
                self._put(verdict)
            else:
                status = FLAT if verdict.kind[0] == FLAT else STOPPED
        self.ends[status] += 1

    def _put(self, verdict: Verdict) -> None:
        for k, known in enumerate(self._verdicts):
            if _same(known, verdict):
                self._counts[k] += 1
                return
        # Matrices of all points would fill the memory.
        self._verdicts.append(_without_matrices(verdict))
        self._counts.append(1)

    def result(self, seed: int) -> NetworkCriticalPoints:
        """Put the points together."""
        place, objective = self._landscape, self._landscape.whole
        found = sorted(zip(self._verdicts, self._counts, strict=True), key=_order)
        theta = [place.place(verdict.x[0]) for verdict, _ in found]

        def all_of(name: str, kind: Any) -> NDArray[Any]:
            return np.array([getattr(verdict, name)[0] for verdict, _ in found], kind)

        n = place.size
        return NetworkCriticalPoints(
            np.array(theta).reshape(-1, objective.network.size), all_of("value", float),
            np.array([_error(objective, x) for x in theta]), all_of("index", np.int64),
            all_of("zeros", np.int64), all_of("kind", "U16"), all_of("certified", bool),
            all_of("eigenvalues", float).reshape(-1, n), all_of("gradient_norm", float),
            np.array([count for _, count in found], np.int64), self.ends.total(), dict(self.ends),
            self._hessians, self._seconds, objective.network.size - n, seed, objective,
        )  # fmt: skip


def _order(item: tuple[Verdict, int]) -> tuple[float, int]:
    return float(item[0].value[0]), int(item[0].index[0])


def _same(a: Verdict, b: Verdict) -> bool:
    f = float(a.value[0])
    if abs(f - float(b.value[0])) > _SAME_LOSS * max(1.0, abs(f)):
        return False
    largest = float(np.abs(a.eigenvalues).max())
    return bool(np.abs(a.eigenvalues - b.eigenvalues).max() <= _SAME_SPECTRUM * largest)


def _without_matrices(verdict: Verdict) -> Verdict:
    from dataclasses import replace

    return replace(verdict, hessian=np.empty((1, 0, 0)))


def _error(objective: NetworkObjective, theta: Floats) -> float:
    if objective.network.loss == "squared_error":
        return float(objective.per_sample(theta).mean())
    return 1.0 - objective.accuracy(theta)
