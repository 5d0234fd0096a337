"""The plateaus of a series: a table, files and a picture."""

from __future__ import annotations

import csv
import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Plateaus"]

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]

_COLORS = {"drop": "#D55E00", "rise": "#CC79A7", "end": "#0072B2"}
_LABELS = {"drop": "plateau, then a drop", "rise": "plateau, then a rise",
           "end": "plateau to the end"}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Plateaus:
    """Windows in which a loss barely moves, in their order; what `plateaus` returns.

    Attributes
    ----------
    start, stop : (k,) int
        The records of each, ``losses[start:stop]``.
    level : (k,) float
        Median loss (freed from noise).
    after : (k,) float
        Level of the next plateau, or of the last records.
    ended : (k,) str
        "drop", "rise" or "end".
    losses : (T,) float
    smooth : (T,) float
        The losses, freed from noise.
    steps : (T,) float or int
        Where the records are.
    band : float
        Height of the band in ln loss within which a plateau stays.
    noise : float
        Standard deviation of the noise of ln loss.
    floor : float
        What was taken from the losses.
    name : str
    """

    start: Integers
    stop: Integers
    level: Floats
    after: Floats
    ended: NDArray[np.str_]
    losses: Floats = field(repr=False)
    smooth: Floats = field(repr=False)
    steps: NDArray[Any] = field(repr=False)
    band: float
    noise: float
    floor: float
    name: str

    @property
    def length(self) -> Integers:
        """(k,) records."""
        return self.stop - self.start

    @property
    def fraction(self) -> float:
        """Of the records, those on plateaus that did not last to the end."""
        return float(self.length[self.ended != "end"].sum() / len(self.losses))

    def __len__(self) -> int:
        """Number of plateaus."""
        return len(self.start)

    def __str__(self) -> str:
        """The table."""
        return self.table()

    def _rows(self) -> list[dict[str, Any]]:
        """One dictionary for each plateau, plain Python."""
        at = self.steps.tolist()
        return [
            {
                "start": int(start), "stop": int(stop), "length": int(stop - start),
                "first_step": at[start], "last_step": at[stop - 1], "level": float(level),
                "after": float(after), "ended": str(ended),
            }
            for start, stop, level, after, ended in zip(
                self.start, self.stop, self.level, self.after, self.ended, strict=True
            )
        ]  # fmt: skip

    def table(self) -> str:
        """One line for each plateau."""
        count = f"{len(self)} plateau{'' if len(self) == 1 else 's'}"
        lines = [
            f"{self.name}: {len(self.losses)} records, {count}, noise {self.noise:.2g}, "
            f"band {self.band:.2g} in ln loss",
            f"{'from':>9} {'to':>9} {'records':>8} {'level':>12} {'after':>12}  ended by",
        ]
        for row in self._rows():
            lines.append(
                f"{row['first_step']:9g} {row['last_step']:9g} {row['length']:8d} "
                f"{row['level']:12.6g} {row['after']:12.6g}  {row['ended']}"
            )
        return "\n".join(lines)

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write one line for each plateau."""
        names = ["start", "stop", "length", "first_step", "last_step", "level", "after", "ended"]
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(self._rows())

    def to_json(self) -> str:
        """Everything but the series."""
        plain = {name: getattr(self, name) for name in ("name", "band", "noise", "floor")}
        return json.dumps(plain | {"records": len(self.losses), "plateaus": self._rows()})

    def plot(self, *, ax: Axes | None = None, **kwargs: Any) -> Axes:
        """Draw the series with its plateaus; `kwargs` are passed to the ``Axes.plot`` of losses.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure's by default.

        Returns
        -------
        matplotlib.axes.Axes
        """
        if ax is None:
            import matplotlib.pyplot as plt

            ax = plt.figure(figsize=(6.8, 4.4), layout="constrained").add_subplot()
        style: dict[str, Any] = {"color": "0.55", "linewidth": 0.9, "label": self.name} | kwargs
        ax.plot(self.steps, self.losses, **style)
        for number, row in enumerate(self._rows()):
            ended = row["ended"]
            seen = ended in self.ended[:number].tolist()
            ax.axvspan(row["first_step"], row["last_step"], color=_COLORS[ended], alpha=0.15,
                       linewidth=0)  # fmt: skip
            ax.hlines(row["level"], row["first_step"], row["last_step"], color=_COLORS[ended],
                      linewidth=2.2, label=f"_{ended}" if seen else _LABELS[ended],
                      gid=f"plateau {number}")  # fmt: skip
        if self.losses.min() > 0.0:
            ax.set_yscale("log")
        ax.set(xlabel="steps", ylabel=self.name, title=f"Plateaus of {self.name}: {len(self)}")
        ax.grid(True, which="major", linewidth=0.4, alpha=0.5)
        ax.legend(frameon=False, fontsize="small")
        return ax
