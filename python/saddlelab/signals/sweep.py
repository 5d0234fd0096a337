"""Which activations and initialisers carry signals and gradients to which depth."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from saddlelab.arguments import one_of, positive_integer, worker_count
from saddlelab.networks.initialisers import KINDS
from saddlelab.networks.mlp import ACTIVATIONS
from saddlelab.signals.deep import begin, depths_of, problem_of
from saddlelab.signals.plain import or_null
from saddlelab.studies.seeds import RNG, resolve_seed
from saddlelab.threads import over_threads

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Sweep", "sweep"]

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Sweep:
    """What `sweep` returns.

    Attributes
    ----------
    activations, initialisers : tuple of str
    depths : tuple of int
        Hidden layers.
    gradient : (activations, initialisers, depths) float
        ‖∂ℓ/∂z‖ of the first layer over that of the outputs.
    spread : the same shape
        Variance over samples of the outputs over that of the first layer.
    saturated : the same shape
        Fraction of the hidden layer that is saturated most.
    verdict : the same shape, str
    width : int
    gain : float
    batch_norm, residual : bool
    data : str
    seed : int
        What to pass as ``rng`` to get the same again.
    """

    activations: tuple[str, ...]
    initialisers: tuple[str, ...]
    depths: tuple[int, ...]
    gradient: Floats = field(repr=False)
    spread: Floats = field(repr=False)
    saturated: Floats = field(repr=False)
    verdict: NDArray[np.str_] = field(repr=False)
    width: int
    gain: float
    batch_norm: bool
    residual: bool
    data: str
    seed: int

    def __str__(self) -> str:
        """The table."""
        return self.table()

    def rows(self) -> list[dict[str, Any]]:
        """One dictionary for each combination, plain Python."""
        names = product(self.activations, self.initialisers, self.depths)
        columns = (self.gradient, self.spread, self.saturated, self.verdict)
        return [
            {"activation": activation, "initialiser": initialiser, "depth": depth,
             "gradient": gradient, "spread": spread, "saturated": saturated, "verdict": verdict}
            for (activation, initialiser, depth), gradient, spread, saturated, verdict
            in zip(names, *(column.ravel().tolist() for column in columns), strict=True)
        ]  # fmt: skip

    def table(self) -> str:
        """Say in text which combinations carry signals."""
        told = [name for name, there in (("batch norm", self.batch_norm), ("skip", self.residual))
                if there]  # fmt: skip
        lines = [
            f"at initialisation on {self.data}, {self.width} units, gain {self.gain:g}"
            + "".join(f", {name}" for name in told),
            "gradient of the first layer over that of the outputs, spread of the outputs over that "
            "of the first",
            f"{'activation':11} {'initialiser':16} {'depth':>5} {'gradient':>9} {'spread':>9} "
            f"{'saturated':>9}",
        ]
        for row in self.rows():
            lines.append(
                f"{row['activation']:11} {row['initialiser']:16} {row['depth']:5d} "
                f"{row['gradient']:9.2g} {row['spread']:9.2g} {row['saturated']:9.1%} "
                f"{row['verdict']}"
            )
        return "\n".join(lines)

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write one line for each combination."""
        rows = self.rows()
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)

    def to_json(self) -> str:
        """Settings and combinations; null for what is infinite or not a number."""
        names = ("width", "gain", "batch_norm", "residual", "data", "seed")
        plain = {name: getattr(self, name) for name in names}
        return json.dumps(plain | {"cells": or_null(self.rows())})

    def plot(self, *, ax: Axes | None = None, **kwargs: Any) -> Axes:
        """Draw the grid of combinations, see `plot_sweep`."""
        from saddlelab.signals.sweep_plot import plot_sweep

        return plot_sweep(self, ax=ax, **kwargs)


def sweep(
    activations: Sequence[str] = ("sigmoid", "tanh", "relu", "selu"),
    initialisers: Sequence[str] = ("glorot_uniform", "he_normal", "lecun_normal", "orthogonal"),
    depths: Sequence[int] = (5, 20, 50),
    *,
    width: int = 64,
    gain: float = 1.0,
    batch_norm: bool = False,
    residual: bool = False,
    data: Any = None,
    samples: int | None = None,
    rng: RNG = 0,
    workers: int | None = None,
    progress: bool = False,
) -> Sweep:
    """Measure signals and gradients through depth at initialisation, for every combination.

    Parameters
    ----------
    activations : sequence of str, optional
    initialisers : sequence of str, optional
        Of `saddlelab.networks.initialise`.
    depths : sequence of int, optional
        Hidden layers.
    width : int, optional
        Units of each.
    gain : float, optional
        Of all layers.
    batch_norm, residual : bool, optional
        See `saddlelab.networks.MLP`.
    data : Dataset or (X, y), optional
        Labelled samples; by default 256 of the digits, each pixel standardised.
    samples : int, optional
        So many of them.
    rng : int, SeedSequence, Generator or None, optional
        Of the weights, the same for all combinations.
    workers : int, optional
        Threads; all cores by default.
    progress : bool, optional

    Returns
    -------
    Sweep

    Raises
    ------
    ValueError, TypeError
        If an argument is out of its range.
    """
    from tqdm import tqdm

    acts = _names("activations", activations, ACTIVATIONS)
    kinds, layers = _names("initialisers", initialisers, tuple(KINDS)), depths_of(depths)
    units, seed = positive_integer("width", width, at_most=10**5), resolve_seed(rng)
    problem, threads = problem_of(data, samples), worker_count(workers)
    cells = list(product(acts, kinds, layers))
    figures, verdicts = np.empty((3, len(cells))), [""] * len(cells)
    with tqdm(total=len(cells), desc="sweep", disable=not progress) as bar:

        def one(k: int) -> None:
            activation, kind, depth = cells[k]
            found = begin(problem, depth, units, seed, activation=activation, initialiser=kind,
                          gain=gain, batch_norm=batch_norm, residual=residual)  # fmt: skip
            verdicts[k] = found.verdict
            with np.errstate(all="ignore"):
                figures[:, k] = (found.gradient_norm[0] / found.gradient_norm[-1],
                                 found.spread_ratio,
                                 found.saturated_fraction.max())  # fmt: skip
            bar.update()

        over_threads(one, range(len(cells)), threads)
    shape = len(acts), len(kinds), len(layers)
    gradient, spread, saturated = figures.reshape(3, *shape)
    return Sweep(acts, kinds, layers, gradient, spread, saturated,
                 np.array(verdicts).reshape(shape), units, float(gain), bool(batch_norm),
                 bool(residual), problem[2], seed)  # fmt: skip


def _names(name: str, given: Any, known: tuple[str, ...]) -> tuple[str, ...]:
    found = tuple(one_of(name, each, known) for each in
                  ([given] if isinstance(given, str) else given))  # fmt: skip
    if not found or len(set(found)) < len(found):
        raise ValueError(f"`{name}` must be distinct, at least one, got {list(found)}")
    return found
