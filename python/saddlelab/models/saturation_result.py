"""Saturation of a torch model: a table, files and a picture."""

from __future__ import annotations

import csv
import json
import math
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ModuleSaturation", "TorchSaturation"]


@dataclass(frozen=True, slots=True)
class ModuleSaturation:
    """One call of an activation; NaN or None is what it does not have.

    Attributes
    ----------
    module : str
        Its name in the model, "" if it is the model.
    kind : str
        Its class.
    call : int
        0, 1, …: a module may be called several times.
    units : int
        Channels, features, or what a softmax chooses from.
    saturated : float
        Fraction of (unit, sample) pairs with \\|f'| below the threshold; of softmax, of rows whose
        largest weight is beyond 1 − threshold.
    mean, variance : float
        Of all entries of the output.
    dead : int or None
        Units with f' = 0 for the whole batch: no gradient passes them.
    stuck : int or None
        Units that are saturated for the whole batch, the dead among them.
    fractions : tuple of float
        What is saturated of each unit; of softmax there is none.
    entropy : float
        Of softmax, mean of −Σ p ln p in nats; ln(units) at most.
    largest : float
        Of softmax, mean of the largest weight.
    """

    module: str
    kind: str
    call: int
    units: int
    saturated: float
    mean: float
    variance: float
    dead: int | None = None
    stuck: int | None = None
    fractions: tuple[float, ...] = field(default=(), repr=False)
    entropy: float = math.nan
    largest: float = math.nan

    @property
    def name(self) -> str:
        """The module, and which call of it where there are several."""
        shown = self.module or self.kind
        return f"{shown} ({self.call + 1})" if self.call else shown


@dataclass(frozen=True, slots=True)
class TorchSaturation:
    """What `torch_saturation` returns.

    Attributes
    ----------
    modules : tuple of ModuleSaturation
        In the order of the calls.
    threshold : float
    model : str
        Its class.
    """

    modules: tuple[ModuleSaturation, ...]
    threshold: float
    model: str

    @property
    def saturated_fraction(self) -> dict[str, float]:
        """The fraction that is saturated, by name, in the order of the calls."""
        return {each.name: each.saturated for each in self.modules}

    @property
    def dead_units(self) -> int:
        """Units of all modules that pass no gradient, in a single call at least."""
        return sum(each.dead or 0 for each in self.modules)

    def __len__(self) -> int:
        """Calls that were seen."""
        return len(self.modules)

    def __iter__(self) -> Iterator[ModuleSaturation]:
        """Go through the calls."""
        return iter(self.modules)

    def __str__(self) -> str:
        """The table."""
        return self.table()

    def table(self) -> str:
        """One line for each call."""
        wide = max(6, *(len(each.name) for each in self.modules))
        lines = [
            f"{self.model}: saturated where |f'| < {self.threshold:g}, softmax where the largest "
            f"weight > {1.0 - self.threshold:g}",
            f"{'module':{wide}} {'kind':18} {'units':>6} {'saturated':>10} {'dead':>6} "
            f"{'stuck':>6} {'mean':>10} {'variance':>10} {'entropy':>8} {'largest':>8}",
        ]
        for m in self.modules:
            dead, stuck = ("–" if n is None else str(n) for n in (m.dead, m.stuck))
            entropy, largest = ("–" if x != x else f"{x:.4g}" for x in (m.entropy, m.largest))
            lines.append(
                f"{m.name:{wide}} {m.kind:18} {m.units:6d} {100.0 * m.saturated:8.1f} % {dead:>6} "
                f"{stuck:>6} {m.mean:10.4g} {m.variance:10.4g} {entropy:>8} {largest:>8}"
            )
        return "\n".join(lines)

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write one line for each call; what it does not have is empty."""
        names = [name for name in ModuleSaturation.__slots__ if name != "fractions"]
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(names)
            for each in self.modules:
                values = [getattr(each, name) for name in names]
                writer.writerow(["" if value is None or value != value else value
                                 for value in values])  # fmt: skip

    def to_json(self) -> str:
        """Everything; what a call does not have, or is not finite, is null."""
        rows = [{name: _or_null(value) for name, value in asdict(each).items()}
                for each in self.modules]  # fmt: skip
        return json.dumps({"model": self.model, "threshold": self.threshold, "modules": rows})

    def plot(self, *, ax: Axes | None = None, **kwargs: Any) -> Axes:
        """Draw what is saturated of each module, and what of it is dead.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure's by default.
        **kwargs
            Passed to ``Axes.barh``.

        Returns
        -------
        matplotlib.axes.Axes
        """
        from saddlelab.models.saturation_plot import plot_saturation

        return plot_saturation(self, ax, kwargs)


def _or_null(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
