"""Values of the minima of networks of several widths: figures, files and a picture."""

from __future__ import annotations

import csv
import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["UNCHECKED", "MinimaSpread"]

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]

UNCHECKED = "unchecked"
#: Kinds of points that are no minima, however small the gradient is.
_NO_MINIMA = ("not critical", "gradient-flat")
_RESAMPLES = 2000
#: Minima whose values spread by less, relatively, are one: what is left is rounding and `tol`.
_SAME = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class MinimaSpread:
    """Where the runs of each width ended; what `minima_spread` returns.

    Attributes
    ----------
    widths : (w,) int
        Ascending.
    value : (w, runs) float
        Losses at the end, with the weight decay.
    gradient_norm : (w, runs) float
    steps : (w, runs) int
    kind : (w, runs) str
        "minimum", "saddle", … by the exact Hessian, see `saddlelab.check`, or "unchecked".
    index : (w, runs) int
        Negative eigenvalues; −1 where unchecked.
    tol : float
        Norm of the gradient from which on a run has converged.
    method, data : str
    weight_decay : float
    seed : int
        What to pass as ``rng`` to get the same again.
    """

    widths: Integers
    value: Floats = field(repr=False)
    gradient_norm: Floats = field(repr=False)
    steps: Integers = field(repr=False)
    kind: NDArray[np.str_] = field(repr=False)
    index: Integers = field(repr=False)
    tol: float
    method: str
    data: str
    weight_decay: float
    seed: int

    @property
    def converged(self) -> NDArray[np.bool_]:
        """(w, runs) bool: gradient norm ≤ tol."""
        return self.gradient_norm <= self.tol

    @property
    def counted(self) -> NDArray[np.bool_]:
        """(w, runs) bool: converged, and not found to be at a saddle or at no critical point."""
        return self.converged & ~self.saddles & ~np.isin(self.kind, _NO_MINIMA)

    @property
    def saddles(self) -> NDArray[np.bool_]:
        """(w, runs) bool: converged, and with negative eigenvalues, degenerate ones included."""
        return self.converged & (self.index > 0)

    def minima(self, width: int) -> Floats:
        """Values of the minima of one width, ascending.

        Raises ValueError if there is no such width.
        """
        if width not in self.widths:
            raise ValueError(f"`width` must be one of {self.widths.tolist()}, got {width!r}")
        row = int(np.searchsorted(self.widths, width))
        return np.sort(self.value[row, self.counted[row]])

    @property
    def mean(self) -> Floats:
        """(w,) mean value of the minima; NaN where there are none."""
        return self._each(np.mean, 1)

    @property
    def std(self) -> Floats:
        """(w,) standard deviation of their values; NaN with fewer than two."""
        return self._each(_std, 2)

    @property
    def iqr(self) -> Floats:
        """(w,) distance of their quartiles."""
        return self._each(_iqr, 2)

    def std_interval(self, level: float = 0.95) -> tuple[Floats, Floats]:
        """(w,) limits of `std`: percentiles of 2000 bootstrap samples (scipy.stats.bootstrap)."""
        found = [_interval([self.minima(width)], _std, level) for width in self.widths]
        low, high = np.transpose(found)
        return low, high

    def slope(self, level: float = 0.95) -> tuple[float, float, float]:
        """Slope of ln std against ln width by least squares, and its bootstrap limits.

        Of the widths whose minima differ; NaN with fewer than two of those.
        """
        wide = self.widths[self.std > _SAME * np.abs(self.mean)]
        if len(wide) < 2:
            return np.nan, np.nan, np.nan
        log = np.log(wide) - np.log(wide).mean()
        least = np.finfo(np.float64).tiny  # of a resample of one value only

        def fitted(*samples: Floats, axis: int = -1) -> Any:
            spread = [np.log(np.maximum(_std(each, axis=axis), least)) for each in samples]
            return sum(x * y for x, y in zip(log, spread, strict=True)) / (log @ log)

        samples = [self.minima(width) for width in wide]
        return (float(fitted(*samples)), *_interval(samples, fitted, level))

    def _each(self, statistic: Any, least: int) -> Floats:
        found = [self.minima(width) for width in self.widths]
        return np.array([statistic(each) if len(each) >= least else np.nan for each in found])

    # --- text, files and pictures -----------------------------------------------------------------

    def __len__(self) -> int:
        """Number of widths."""
        return len(self.widths)

    def __str__(self) -> str:
        """The table."""
        return self.table()

    def rows(self, level: float = 0.95) -> list[dict[str, Any]]:
        """One dictionary for each width, plain Python."""
        low, high = self.std_interval(level)
        return [
            {
                "width": int(width), "runs": self.value.shape[1],
                "converged": int(self.converged[k].sum()),
                "checked": int((self.kind[k] != UNCHECKED).sum()),
                "saddles": int(self.saddles[k].sum()),
                "minima": int((self.kind[k] == "minimum").sum()),
                "counted": int(self.counted[k].sum()), "mean": float(self.mean[k]),
                "std": float(self.std[k]), "std_low": float(low[k]), "std_high": float(high[k]),
                "iqr": float(self.iqr[k]), "worst_gradient": float(self.gradient_norm[k].max()),
            }
            for k, width in enumerate(self.widths)
        ]  # fmt: skip

    def table(self, level: float = 0.95) -> str:
        """Say in text how many runs converged, to what, and how far apart."""
        percent = f"{100 * level:g} %"
        lines = [
            f"minima of networks on {self.data}: {self.value.shape[1]} runs of each width, "
            f"{self.method}, weight decay {self.weight_decay:g}",
            f"{'width':>6} {'converged':>9} {'checked':>8} {'saddles':>8} {'minima':>7} "
            f"{'counted':>8} {'mean':>11} {'std':>9} {percent:>21} {'IQR':>9}",
        ]
        for row in self.rows(level):
            limits = f"{row['std_low']:.3g} – {row['std_high']:.3g}"
            lines.append(
                f"{row['width']:6d} {row['converged']:9d} {row['checked']:8d} {row['saddles']:8d} "
                f"{row['minima']:7d} {row['counted']:8d} {row['mean']:11.6g} {row['std']:9.3g} "
                f"{limits:>21} {row['iqr']:9.3g}"
            )
        if len(self) > 1:
            slope, low, high = self.slope(level)
            lines.append(f"std ∝ width^{slope:.2f} ({percent}: {low:.2f} to {high:.2f})")
        return "\n".join(lines)

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write one line for each run."""
        names = ("value", "gradient_norm", "steps", "converged", "kind", "index")
        columns = [getattr(self, name).ravel().tolist() for name in names]
        each = np.indices(self.value.shape)
        widths, runs = self.widths[each[0]].ravel().tolist(), each[1].ravel().tolist()
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["width", "run", *names])
            writer.writerows(zip(widths, runs, *columns, strict=True))

    def to_json(self, level: float = 0.95) -> str:
        """Settings, and what there is of each width; null for what is not a number."""
        names = ("data", "method", "weight_decay", "tol", "seed")
        slope = dict(zip(("slope", "low", "high"), self.slope(level), strict=True))
        plain = {name: getattr(self, name) for name in names}
        rows = [_without_nan(row) for row in self.rows(level)]
        return json.dumps(plain | {"trend": _without_nan(slope), "widths": rows})

    def plot(self, *, figure: Figure | None = None, level: float = 0.95) -> Figure:
        """Draw the histograms of each width, and the spread against width; returns the figure."""
        from saddlelab.networks.spread_plot import spread_figure

        return spread_figure(self, figure=figure, level=level)


def _std(values: Floats, axis: int = -1) -> Any:
    return np.std(values, axis=axis, ddof=1)


def _iqr(values: Floats) -> Any:
    low, high = np.percentile(values, (25.0, 75.0))
    return high - low


def _interval(samples: list[Floats], statistic: Any, level: float) -> tuple[float, float]:
    """Percentiles of the statistic of bootstrap samples, each of one width's own minima."""
    from scipy.stats import bootstrap

    if min(map(len, samples)) < 2:
        return np.nan, np.nan
    found = bootstrap(
        samples, statistic, n_resamples=_RESAMPLES, confidence_level=level, vectorized=True,
        method="percentile", random_state=np.random.default_rng(0),
    ).confidence_interval  # fmt: skip
    return float(found.low), float(found.high)


def _without_nan(row: dict[str, Any]) -> dict[str, Any]:
    return {name: None if value != value else value for name, value in row.items()}
