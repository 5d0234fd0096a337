"""What `saturation` found: figures, files and a picture."""

from __future__ import annotations

import csv
import json
import math
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from saddlelab.signals.passage import Passage
from saddlelab.signals.plain import or_null

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from saddlelab.networks.mlp import MLP

__all__ = ["SaturationReport"]

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class SaturationReport:
    """Saturation of each hidden layer, and signals of all L layers, the outputs the last.

    z is what an activation f is given (of a normalised layer γ û + β), a what the layer gives.

    Attributes
    ----------
    network : MLP
    threshold : float
        A unit is saturated on a sample where \\|f'(z)| is below it.
    samples : int
    seed : int or None
        Of the derivatives that gradients start from; None if they are those of the loss.
    saturated_fraction : (L − 1,) float
        Of the pairs of a unit and a sample.
    unit_saturated : tuple of (units,) float
        Fraction of the samples on which each unit is saturated.
    dead : tuple of (units,) bool
        Units that are saturated on every sample: of a ReLU those that are never active.
    unit_mean, unit_variance : tuple of (units,) float
        Of what each unit gives, over the samples.
    activation_mean, activation_variance : (L − 1,) float
        Of a, over units and samples.
    histograms : tuple of (counts, edges)
        Of a, of each hidden layer.
    mean_square, mean_square_predicted : (L,) float
        E z², and what mean-field theory has for weights of these variances (NaN with batch norm).
    spread : (L,) float
        Variance of z over the samples, the mean over units: 0 if all samples look alike.
    gradient_norm, gradient_norm_predicted : (L,) float
        Root of the mean over samples of ‖∂ℓ/∂z‖²; predicted from that of the outputs.
    output_saturated : float or None
        Fraction of p (1 − p) below the threshold, p the outputs' softmax or sigmoid; None for
        squared_error.
    entropy : (N,) float or None
        Of the softmax of each sample, in nats; None without a softmax.
    passage : Passage
        The verdict, with its layer, reason and advice.
    """

    network: MLP
    threshold: float
    samples: int
    seed: int | None
    saturated_fraction: Floats
    unit_saturated: tuple[Floats, ...] = field(repr=False)
    dead: tuple[NDArray[np.bool_], ...] = field(repr=False)
    unit_mean: tuple[Floats, ...] = field(repr=False)
    unit_variance: tuple[Floats, ...] = field(repr=False)
    activation_mean: Floats = field(repr=False)
    activation_variance: Floats = field(repr=False)
    histograms: tuple[tuple[NDArray[np.int64], Floats], ...] = field(repr=False)
    mean_square: Floats = field(repr=False)
    mean_square_predicted: Floats = field(repr=False)
    spread: Floats = field(repr=False)
    gradient_norm: Floats = field(repr=False)
    gradient_norm_predicted: Floats = field(repr=False)
    output_saturated: float | None
    entropy: Floats | None = field(repr=False)
    passage: Passage

    @property
    def verdict(self) -> str:
        """What signals do: "healthy", "vanishing" or "exploding"."""
        return self.passage.kind

    @property
    def dead_fraction(self) -> Floats:
        """(L − 1,) fraction of the units of each hidden layer that are dead."""
        return np.array([each.mean() for each in self.dead])

    @property
    def forward_ratio(self) -> Floats:
        """(L − 1,) E z² of the next layer over that of each hidden layer."""
        return _ratios(self.mean_square[1:], self.mean_square[:-1])

    @property
    def forward_ratio_predicted(self) -> Floats:
        """(L − 1,) the same by mean-field theory."""
        return _ratios(self.mean_square_predicted[1:], self.mean_square_predicted[:-1])

    @property
    def backward_ratio(self) -> Floats:
        """(L − 1,) ‖∂ℓ/∂z‖ of each hidden layer over that of the next layer."""
        return _ratios(self.gradient_norm[:-1], self.gradient_norm[1:])

    @property
    def backward_ratio_predicted(self) -> Floats:
        """(L − 1,) the same by mean-field theory: the root of χ."""
        return _ratios(self.gradient_norm_predicted[:-1], self.gradient_norm_predicted[1:])

    @property
    def spread_ratio(self) -> float:
        """Spread of the outputs over that of the first layer; NaN of one sample."""
        return float(_ratios(self.spread[-1:], self.spread[:1])[0])

    # --- text, files and pictures -----------------------------------------------------------------

    def __str__(self) -> str:
        """The table."""
        return self.table()

    def rows(self) -> list[dict[str, Any]]:
        """One dictionary for each layer, plain Python; None where the outputs have no figure."""
        layers = len(self.gradient_norm)
        hidden = {
            "saturated": self.saturated_fraction, "dead": self.dead_fraction,
            "mean": self.activation_mean, "variance": self.activation_variance,
            "forward_ratio": self.forward_ratio,
            "forward_ratio_predicted": self.forward_ratio_predicted,
            "backward_ratio": self.backward_ratio,
            "backward_ratio_predicted": self.backward_ratio_predicted,
        }  # fmt: skip
        every = {
            "mean_square": self.mean_square,
            "mean_square_predicted": self.mean_square_predicted, "spread": self.spread,
            "gradient_norm": self.gradient_norm,
            "gradient_norm_predicted": self.gradient_norm_predicted,
        }  # fmt: skip
        return [
            {"layer": k + 1, "units": self.network.sizes[k + 1]}
            | {name: float(v[k]) if k < layers - 1 else None for name, v in hidden.items()}
            | {name: float(values[k]) for name, values in every.items()}
            for k in range(layers)
        ]

    def table(self) -> str:
        """Say in text how each layer does, measured (and by mean-field theory)."""
        start = "the loss" if self.seed is None else "random derivatives by the outputs"
        lines = [
            f"network {'-'.join(map(str, self.network.sizes))}, {self.network.activation}, "
            f"{self.samples} samples; saturated: |f'| < {self.threshold:g}; gradients of {start}",
            f"{'layer':>7} {'units':>5} {'saturated':>9} {'dead':>6} {'mean a':>9} {'var a':>9}"
            f"  {'E z² (theory)':<19} {'spread':>9}  {'gradient (theory)':<19}",
        ]
        for row in self.rows():
            last = row["saturated"] is None
            parts = [f"{'outputs' if last else row['layer']:>7} {row['units']:5d}"]
            parts += [" " * 36] if last else [
                f"{row['saturated']:9.2%} {row['dead']:6.1%} {row['mean']:9.2g} "
                f"{row['variance']:9.2g}"
            ]  # fmt: skip
            parts += [f" {_pair(row, 'mean_square'):<19} {row['spread']:9.2g} ",
                      f"{_pair(row, 'gradient_norm'):<19}"]  # fmt: skip
            lines.append(" ".join(parts).rstrip())
        if self.output_saturated is not None:
            more = ""
            if self.entropy is not None:
                most = math.log(self.network.sizes[-1])
                more = f", mean entropy {self.entropy.mean():.3g} of {most:.3g} nats"
            lines.append(f"outputs: {self.output_saturated:.2%} saturated{more}")
        lines.append(f"verdict: {self.passage}")
        return "\n".join(lines)

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write one line for each layer; empty where the outputs have no figure."""
        rows = self.rows()
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)

    def to_json(self) -> str:
        """Everything but histograms; null for what is infinite or not a number."""
        entropy = None if self.entropy is None else float(self.entropy.mean())
        rows = or_null(self.rows())
        for row, units, dead in zip(rows, self.unit_saturated, self.dead, strict=False):
            row |= {"unit_saturated": units.tolist(), "dead_units": np.flatnonzero(dead).tolist()}
        passage = self.passage
        return json.dumps({
            "sizes": list(self.network.sizes), "activation": self.network.activation,
            "threshold": self.threshold, "samples": self.samples, "seed": self.seed,
            "output_saturated": self.output_saturated, "entropy": entropy,
            "verdict": passage.kind, "layer": passage.layer, "reason": passage.reason,
            "advice": passage.advice, "layers": rows,
        })  # fmt: skip

    def plot(self, *, ax: Axes | None = None, **kwargs: Any) -> Axes:
        """Draw gradients, mean squares and saturation by layer; see `plot_saturation`."""
        from saddlelab.signals.plots import plot_saturation

        return plot_saturation(self, ax=ax, **kwargs)


def _ratios(upper: Floats, lower: Floats) -> Floats:
    with np.errstate(all="ignore"):
        return upper / lower


def _pair(row: dict[str, Any], name: str) -> str:
    theory = row[f"{name}_predicted"]
    return f"{row[name]:8.3g}" + ("" if math.isnan(theory) else f" ({theory:.3g})")
