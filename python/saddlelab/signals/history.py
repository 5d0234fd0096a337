"""Saturation in the course of a training."""

from __future__ import annotations

import csv
import json
import math
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saddlelab.networks.data import Statistics
from saddlelab.signals.plain import or_null
from saddlelab.signals.propagate import objective_of, signals_of
from saddlelab.signals.saturation import threshold_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from saddlelab.networks.mlp import MLP
    from saddlelab.networks.training import Training

__all__ = ["SaturationHistory", "saturation_history"]

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class SaturationHistory:
    """Saturation at each record of a training; what `saturation_history` returns.

    Attributes
    ----------
    epochs : (r,) int
        Of the records.
    threshold : float
    saturated, dead : (r, L − 1) float
        Fractions of each hidden layer, see `SaturationReport`.
    gradient_norm : (r, L) float
        ‖∂ℓ/∂z‖ of each layer; NaN without targets.
    """

    epochs: NDArray[np.int64]
    threshold: float
    saturated: Floats = field(repr=False)
    dead: Floats = field(repr=False)
    gradient_norm: Floats = field(repr=False)

    def __str__(self) -> str:
        """The table."""
        return self.table()

    def table(self) -> str:
        """Say in text how much of each layer was saturated."""
        hidden = self.saturated.shape[1]
        head = " ".join(f"{f'layer {k + 1}':>9}" for k in range(hidden))
        lines = [f"saturated: |f'| < {self.threshold:g} (dead units)", f"{'epoch':>6} {head}"]
        for epoch, saturated, dead in zip(self.epochs, self.saturated, self.dead, strict=True):
            cells = " ".join(f"{f'{s:.0%} ({d:.0%})':>9}" for s, d in zip(saturated, dead,
                                                                          strict=True))  # fmt: skip
            lines.append(f"{epoch:6d} {cells}")
        return "\n".join(lines)

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write one line for each record and hidden layer."""
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["epoch", "layer", "saturated", "dead", "gradient_norm"])
            for (r, k), saturated in np.ndenumerate(self.saturated):
                writer.writerow([self.epochs[r], k + 1, saturated, self.dead[r, k],
                                 self.gradient_norm[r, k]])  # fmt: skip

    def to_json(self) -> str:
        """Everything; null for what is not a number."""
        return json.dumps({
            "threshold": self.threshold, "epochs": self.epochs.tolist(),
            "saturated": self.saturated.tolist(), "dead": self.dead.tolist(),
            "gradient_norm": or_null(self.gradient_norm.tolist()),
        })  # fmt: skip

    def plot(self, *, ax: Axes | None = None, what: str = "saturated", **kwargs: Any) -> Axes:
        """Draw a heat map of layers and epochs, see `plot_history`."""
        from saddlelab.signals.plots import plot_history

        return plot_history(self, ax=ax, what=what, **kwargs)


def saturation_history(
    training: Training | ArrayLike,
    network: MLP | None = None,
    X: ArrayLike | None = None,
    *,
    y: ArrayLike | None = None,
    threshold: float = 0.01,
    statistics: Statistics | None = None,
) -> SaturationHistory:
    """Measure saturation at every record of a training.

    Parameters
    ----------
    training : Training, or (r, size) array_like
        What `saddlelab.networks.train` returned, or parameters one after another.
    network : MLP, optional
        Of parameters; a training has its own.
    X, y : array_like, optional
        Samples and targets; by default those of the training.
    threshold : float, optional
        See `saturation`.
    statistics : sequence of (mean, variance), optional
        Frozen ones of normalised layers.

    Returns
    -------
    SaturationHistory

    Raises
    ------
    ValueError, TypeError
        If an argument is out of its range.
    """
    from saddlelab.networks.training import Training

    limit = threshold_of(threshold)
    if isinstance(training, Training):
        thetas, epochs = training.thetas, training.epochs
        network = training.network if network is None else network
        # Targets go with their samples.
        if X is None:
            X, y = training.objective.rows, training.objective.targets if y is None else y
    else:
        if network is None or X is None:
            raise TypeError("`network` and `X` must be given with parameters")
        thetas = np.asarray(training, dtype=np.float64)
        if thetas.ndim != 2 or not len(thetas):
            raise ValueError(f"`training` must be a Training or parameters (r, {network.size}), "
                             f"got shape {thetas.shape}")  # fmt: skip
        epochs = np.arange(len(thetas))
    objective = objective_of(network, X, y, statistics)
    outputs, records = network.sizes[-1], []
    nothing = None if y is not None else np.zeros((len(objective.rows), outputs))
    for theta in thetas:
        found = signals_of(objective, theta, nothing)
        low = [np.abs(slope) < limit for slope in found.slopes[:-1]]
        norms = [math.sqrt(np.sum(g**2) / len(objective.rows)) for g in found.gradients]
        records.append(([each.mean() for each in low], [each.all(axis=1).mean() for each in low],
                        norms if y is not None else [math.nan] * len(norms)))  # fmt: skip
    figures = (np.array(part) for part in zip(*records, strict=True))
    return SaturationHistory(np.asarray(epochs), limit, *figures)
