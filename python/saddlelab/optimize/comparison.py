"""What several methods came to from the same starts."""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from saddlelab.arguments import one_of
from saddlelab.optimize.contenders import Contender

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["BAND", "Comparison"]

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]

#: Quantiles of the values over the starts that are kept of each recorded step.
BAND = (0.1, 0.5, 0.9)


@dataclass(frozen=True, slots=True)
class Comparison:
    """The same starts with several methods.

    Arrays have a row for each method and a column for each start.

    Attributes
    ----------
    name : str
        The function's.
    contenders : tuple of Contender
        The methods with their options and learning rates.
    costs : (methods,) float
        Gradients that a step of each costs, see `saddlelab.optimize.costs`.
    x0 : (m, n) float
        The starts.
    horizon : int
        Steps at most.
    every : int
        Steps between records.
    x : (methods, m, n) float
        Where each start ended.
    value : (methods, m) float
        f there.
    kind : (methods, m) str
        What kind of point that is, see `saddlelab.check`.
    index : (methods, m) int
    certified : (methods, m) bool
    status : (methods, m) str
        Why it ended, see `saddlelab.Runs`.
    steps : (methods, m) int
        Steps taken.
    target : float or None
    to_target : (methods, m) float
        Steps until f ≤ target, to the next record; infinite where that never was, and without a
        target.
    change : float
    change_of : str
        "value" or "step".
    settled : (methods, m) float
        First record at which f changed by less than `change` in a step, or a step was shorter than
        `change`; infinite where that never was.
    curves : (methods, 3, records) float
        The quantiles 0.1, 0.5 and 0.9 of f over the starts, every so many steps.  A start that
        has ended keeps its value; one that diverged counts as infinite.
    seconds : (methods,) float
        Measured time for a step of one start, all threads at work, nothing recorded, everything
        compiled before; NaN if not asked for.
    seed : int
    """

    name: str
    contenders: tuple[Contender, ...]
    costs: Floats
    x0: Floats
    horizon: int
    every: int
    x: Floats
    value: Floats
    kind: NDArray[np.str_]
    index: Integers
    certified: NDArray[np.bool_]
    status: NDArray[np.str_]
    steps: Integers
    target: float | None
    to_target: Floats
    change: float
    change_of: str
    settled: Floats
    curves: Floats
    seconds: Floats
    seed: int

    @property
    def methods(self) -> tuple[str, ...]:
        """Labels of the methods."""
        return tuple(each.label for each in self.contenders)

    def row(self, method: str) -> int:
        """The row of a method in the arrays."""
        if method in self.methods:
            return self.methods.index(method)
        lower = tuple(label.lower() for label in self.methods)
        return lower.index(one_of("method", method, lower))

    def cost(self, method: str) -> float:
        """Gradients that a step costs."""
        return float(self.costs[self.row(method)])

    def quantile(self, method: str, p: float = 0.5) -> float:
        """Quantile of the final values; those of diverged starts count as infinite."""
        k = self.row(method)
        ranked = np.sort(np.where(self.status[k] == "diverged", np.inf, self.value[k]))
        return float(ranked[max(0, int(np.ceil(p * len(ranked))) - 1)])

    def kinds(self, method: str) -> dict[str, int]:
        """How many starts ended at each kind of point; "diverged" is one."""
        k = self.row(method)
        ends = np.where(self.status[k] == "diverged", "diverged", self.kind[k])
        return dict(Counter(ends.tolist()).most_common())

    def median_steps(self, method: str, what: str = "target") -> float:
        """Median over the starts of `to_target` ("target") or of `settled` ("settled")."""
        what = one_of("what", what, ("target", "settled"))
        found = (self.to_target if what == "target" else self.settled)[self.row(method)]
        return float(np.sort(found)[(len(found) - 1) // 2])

    # --- text, files and pictures -----------------------------------------------------------------

    def __str__(self) -> str:
        """The table."""
        return self.table()

    def __repr__(self) -> str:
        """What was run, in a line."""
        return f"<Comparison on {self.name}: {len(self.x0)} starts, {', '.join(self.methods)}>"

    def table(self) -> str:
        """Say in text what each method came to, the lowest median value first."""
        from saddlelab.optimize.compare_table import table

        return table(self)

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write a line for each method and start."""
        from saddlelab.optimize.compare_table import write_csv

        write_csv(self, path)

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return what was run and what came of it as JSON; write it to `path` too."""
        from saddlelab.optimize.compare_table import as_dict

        text = json.dumps(as_dict(self))
        if path is not None:
            with open(path, "w", encoding="utf-8") as file:
                file.write(f"{text}\n")
        return text

    def plot(self, *, figure: Figure | None = None, **kwargs: Any) -> Figure:
        """Draw values against steps and against evaluations, and where the starts ended."""
        from saddlelab.optimize.compare_plot import plot_comparison

        return plot_comparison(self, figure=figure, **kwargs)
