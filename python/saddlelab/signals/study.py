"""Gradients by layer of deep networks, with and without each cure."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from saddlelab.arguments import positive_integer
from saddlelab.signals.deep import begin, depths_of, problem_of
from saddlelab.signals.plain import or_null
from saddlelab.signals.report import SaturationReport
from saddlelab.studies.seeds import RNG, resolve_seed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["CURES", "SignalStudy", "signal_study"]

Floats: TypeAlias = NDArray[np.float64]

_HE: dict[str, Any] = {"activation": "relu", "initialiser": "he_normal"}
_PLAIN: dict[str, Any] = {"activation": "sigmoid", "initialiser": "glorot_uniform"}
_ARGUMENTS = {"activation", "initialiser", "gain", "batch_norm", "residual"}
#: What `signal_study` compares unless told: a plain stack, one change at a time, and all of them.
CURES: Mapping[str, Mapping[str, Any]] = MappingProxyType({
    "sigmoid + Glorot": _PLAIN,
    "sigmoid + Glorot + batch norm": _PLAIN | {"batch_norm": True},
    "sigmoid + Glorot + skip": _PLAIN | {"residual": True},
    "tanh + orthogonal": {"activation": "tanh", "initialiser": "orthogonal"},
    "ReLU + He": _HE,
    "ReLU + He + batch norm": _HE | {"batch_norm": True},
    "ReLU + He + batch norm + skip": _HE | {"batch_norm": True, "residual": True},
})  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class SignalStudy:
    """What `signal_study` returns.

    Attributes
    ----------
    depths : tuple of int
        Hidden layers.
    reports : dict
        (name of the cure, depth) → SaturationReport, at initialisation.
    width : int
    data : str
    seed : int
        What to pass as ``rng`` to get the same again.
    """

    depths: tuple[int, ...]
    reports: Mapping[tuple[str, int], SaturationReport] = field(repr=False)
    width: int
    data: str
    seed: int

    @property
    def cures(self) -> tuple[str, ...]:
        """Their names, in order."""
        return tuple(dict.fromkeys(name for name, _ in self.reports))

    def gradient_norms(self, cure: str, depth: int) -> Floats:
        """(depth + 1,) ‖∂ℓ/∂z‖ of each layer over that of the outputs, which are the last."""
        if (cure, depth) not in self.reports:
            raise ValueError(f"`cure` and `depth` must be of the study, got {cure!r} and {depth}")
        norms = self.reports[cure, depth].gradient_norm
        relative: Floats = norms / norms[-1]
        return relative

    def __str__(self) -> str:
        """The table."""
        return self.table()

    def rows(self) -> list[dict[str, Any]]:
        """One dictionary for each cure and depth, plain Python."""
        return [
            {"cure": cure, "depth": depth, "first": float(self.gradient_norms(cure, depth)[0]),
             "spread": report.spread_ratio,
             "saturated": float(report.saturated_fraction.max()),
             "verdict": report.verdict, "layer": report.passage.layer}
            for (cure, depth), report in self.reports.items()
        ]  # fmt: skip

    def table(self) -> str:
        """Say in text what each cure does."""
        lines = [
            f"at initialisation on {self.data}, {self.width} units: gradient of the first layer "
            "over that of the outputs,",
            "spread over samples of the outputs over that of the first layer, the layer that is "
            "saturated most",
            f"{'':30} {'depth':>5} {'gradient':>9} {'spread':>9} {'saturated':>9}",
        ]
        for row in self.rows():
            where = "" if row["layer"] is None else f" at layer {row['layer']}"
            lines.append(f"{row['cure']:30} {row['depth']:5d} {row['first']:9.2g} "
                         f"{row['spread']:9.2g} {row['saturated']:9.1%} {row['verdict']}{where}"
                         )  # fmt: skip
        return "\n".join(lines)

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write one line for each cure, depth and layer."""
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["cure", "depth", "layer", "gradient_norm", "mean_square", "spread"])
            for (cure, depth), report in self.reports.items():
                columns = (report.gradient_norm, report.mean_square, report.spread)
                for k, figures in enumerate(zip(*columns, strict=True)):
                    writer.writerow([cure, depth, k + 1, *figures])

    def to_json(self) -> str:
        """Settings, and gradients of each cure and depth; null for what is not finite."""
        rows = [
            row | {"gradient_norms": self.gradient_norms(row["cure"], row["depth"]).tolist()}
            for row in self.rows()
        ]
        return json.dumps({"width": self.width, "data": self.data, "seed": self.seed,
                           "cures": or_null(rows)})  # fmt: skip

    def plot(self, *, ax: Axes | None = None, depth: int | None = None, **kwargs: Any) -> Axes:
        """Draw gradients by layer, of the deepest networks unless told; see `plot_signals`."""
        from saddlelab.signals.plots import plot_signals

        return plot_signals(self, ax=ax, depth=depth, **kwargs)


def signal_study(
    depths: Any = (10, 30, 50),
    *,
    cures: Mapping[str, Mapping[str, Any]] | None = None,
    width: int = 64,
    data: Any = None,
    samples: int | None = None,
    rng: RNG = 0,
) -> SignalStudy:
    """Measure gradients by layer of deep networks at initialisation, with and without each cure.

    Clipping is none of them: it bounds the length of a step, and leaves what layers get of it.

    Parameters
    ----------
    depths : int or sequence of int, optional
        Hidden layers.
    cures : mapping, optional
        Name → a mapping with ``activation`` and ``initialiser`` and, if need be, ``gain``,
        ``batch_norm`` and ``residual``; `CURES` by default.
    width : int, optional
        Units of each hidden layer.
    data : Dataset or (X, y), optional
        Labelled samples; by default 256 of the digits, each pixel standardised.
    samples : int, optional
        So many of them.
    rng : int, SeedSequence, Generator or None, optional
        Of the weights.

    Returns
    -------
    SignalStudy

    Raises
    ------
    ValueError, TypeError
        If an argument is out of its range.

    References
    ----------
    X. Glorot and Y. Bengio, AISTATS 2010; K. He et al., ICCV 2015, arXiv:1502.01852; S. Ioffe and
    C. Szegedy, ICML 2015, arXiv:1502.03167; K. He et al., CVPR 2016, arXiv:1512.03385.
    """
    layers, problem, seed = depths_of(depths), problem_of(data, samples), resolve_seed(rng)
    units = positive_integer("width", width, at_most=10**5)
    kinds = CURES if cures is None else cures
    if not isinstance(kinds, Mapping) or not kinds:
        raise ValueError(f"`cures` must be a mapping with at least one name, got {cures!r}")
    for name, how in kinds.items():
        if not {"activation", "initialiser"} <= set(how) <= _ARGUMENTS:
            raise ValueError(f"`cures` must give activation and initialiser of {name!r}, and at "
                             f"most {', '.join(sorted(_ARGUMENTS))}, got {how!r}")  # fmt: skip
    reports = {(name, depth): begin(problem, depth, units, seed, **how)
               for name, how in kinds.items() for depth in layers}  # fmt: skip
    return SignalStudy(layers, MappingProxyType(reports), units, problem[2], seed)
