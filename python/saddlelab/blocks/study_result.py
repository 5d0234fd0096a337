"""Saturation of attention against d: figures, files and a picture."""

from __future__ import annotations

import csv
import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from saddlelab.arguments import one_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["QUANTITIES", "SCALINGS", "AttentionStudy"]

Floats: TypeAlias = NDArray[np.float64]

SCALINGS = ("1/√d", "none")
QUANTITIES = ("entropy", "largest", "saturated", "jacobian", "gradient", "typical")


@dataclass(frozen=True, slots=True, eq=False)
class AttentionStudy:
    """What `attention_saturation` returns; arrays are (scalings, dims, runs), 1/√d first.

    Attributes
    ----------
    dims : (d,) int
        Lengths of queries and keys, ascending.
    entropy : float
        Mean over the rows, in nats; ln(tokens) at most.
    largest : float
        Mean of the largest weights.
    saturated : float
        Fraction of rows whose largest weight is beyond 1 − threshold.
    jacobian : float
        Mean of ‖J‖_F of the softmax.
    gradient : float
        Root mean square of ∂ℓ/∂Q, where ∂ℓ/∂output is N(0, 1).
    typical : float
        The same of the entries of one row, of the median row.
    tokens : int
    threshold : float
    seed : int
        What to pass as ``rng`` to get the same again.
    """

    dims: NDArray[np.int64]
    entropy: Floats = field(repr=False)
    largest: Floats = field(repr=False)
    saturated: Floats = field(repr=False)
    jacobian: Floats = field(repr=False)
    gradient: Floats = field(repr=False)
    typical: Floats = field(repr=False)
    tokens: int
    threshold: float
    seed: int

    def mean(self, quantity: str) -> Floats:
        """(scalings, dims) mean over the runs, of a quantity by its name."""
        found: Floats = self.runs(quantity).mean(axis=2)
        return found

    def error(self, quantity: str) -> Floats:
        """(scalings, dims) standard error of the mean; NaN of a single run."""
        values = self.runs(quantity)
        count = values.shape[2]
        if count == 1:
            return np.full(values.shape[:2], np.nan)
        found: Floats = values.std(axis=2, ddof=1) / np.sqrt(count)
        return found

    def runs(self, quantity: str) -> Floats:
        """(scalings, dims, runs) a quantity by its name."""
        found: Floats = getattr(self, one_of("quantity", quantity, QUANTITIES))
        return found

    # --- text, files and pictures -----------------------------------------------------------------

    def __str__(self) -> str:
        """The table."""
        return self.table()

    def rows(self) -> list[dict[str, Any]]:
        """One dictionary for each scaling and d, plain Python."""
        means = {name: self.mean(name).tolist() for name in QUANTITIES}
        return [
            {"scale": kind, "d": d, **{name: means[name][k][i] for name in QUANTITIES}}
            for k, kind in enumerate(SCALINGS)
            for i, d in enumerate(self.dims.tolist())
        ]

    def table(self) -> str:
        """Say in text what saturates."""
        lines = [
            f"attention of {self.tokens} queries to {self.tokens} keys, entries N(0, 1), "
            f"{self.entropy.shape[2]} runs; all weights alike: entropy {np.log(self.tokens):.4g}",
            f"{'scale':6} {'d':>6} {'entropy':>9} {'largest':>9} {'saturated':>10} {'|J|':>10} "
            f"{'dQ rms':>9} {'median row':>10}",
        ]
        for row in self.rows():
            lines.append(
                f"{row['scale']:6} {row['d']:6d} {row['entropy']:9.4g} {row['largest']:9.4g} "
                f"{100.0 * row['saturated']:8.1f} % {row['jacobian']:10.4g} {row['gradient']:9.4g} "
                f"{row['typical']:10.4g}"
            )
        return "\n".join(lines)

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write one line for each scaling, d and run."""
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["scale", "d", "run", *QUANTITIES])
            for k, i, run in np.ndindex(self.entropy.shape):
                values = [self.runs(name)[k, i, run] for name in QUANTITIES]
                writer.writerow([SCALINGS[k], self.dims[i], run, *values])

    def to_json(self) -> str:
        """Settings and means."""
        names = ("tokens", "threshold", "seed")
        return json.dumps({name: getattr(self, name) for name in names} | {"rows": self.rows()})

    def plot(self, quantity: str = "entropy", *, ax: Axes | None = None, **kwargs: Any) -> Axes:
        """Draw a quantity against d, one line for each scaling.

        Parameters
        ----------
        quantity : {"entropy", "largest", "saturated", "jacobian", "gradient", "typical"}, optional
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure's by default.
        **kwargs
            Passed to every ``Axes.errorbar``.

        Returns
        -------
        matplotlib.axes.Axes

        Raises
        ------
        ValueError
            If there is no such quantity.
        """
        from saddlelab.blocks.study_plot import plot_attention

        return plot_attention(self, quantity, ax, kwargs)
