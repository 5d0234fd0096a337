"""How long each method needed to leave a saddle."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from saddlelab.arguments import one_of
from saddlelab.intervals import quantile_ranks, wilson
from saddlelab.optimize.contenders import Contender

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["EscapeStudy"]

Floats: TypeAlias = NDArray[np.float64]

#: How a start may have left.
_LEFT = ("escaped", "target")


@dataclass(frozen=True, slots=True)
class EscapeStudy:
    """Matched starts near a saddle, and when each method had taken them away from it.

    Arrays have a row for each method and a column for each start.

    Attributes
    ----------
    name : str
        The function's.
    saddle : (n,) float
    eigenvalues : (n,) float
        Of the Hessian there, ascending.
    directions : (k, n) float
        Unstable eigenvectors; the null space where `degenerate`.
    degenerate : bool
        Whether no eigenvalue is negative, but some are zero within their error.
    contenders : tuple of Contender
        The methods with their options and learning rates.
    costs : (methods,) float
        Gradients that a step of each costs, see `saddlelab.optimize.costs`.
    x0 : (m, n) float
        The starts, the same for all methods.
    at : str
        "ball", "stable", "saddle" or "given".
    radius, noise : float
    leave, target : float or None
        A start has left where ‖projection on the directions‖ ≥ leave, or f ≤ target.
    horizon : int
        Steps after which one that has not left counts as never leaving.
    steps : (methods, m) int
        Steps until the start left or ended.
    status : (methods, m) str
        "escaped" and "target" have left; "steps", "converged", "diverged" have not.
    seed : int
    """

    name: str
    saddle: Floats
    eigenvalues: Floats
    directions: Floats
    degenerate: bool
    contenders: tuple[Contender, ...]
    costs: Floats
    x0: Floats
    at: str
    radius: float
    noise: float
    leave: float | None
    target: float | None
    horizon: int
    steps: NDArray[np.int64]
    status: NDArray[np.str_]
    seed: int

    @property
    def methods(self) -> tuple[str, ...]:
        """Labels of the methods."""
        return tuple(each.label for each in self.contenders)

    @property
    def left(self) -> NDArray[np.bool_]:
        """(methods, m) bool: whether the start left the saddle."""
        return np.isin(self.status, _LEFT)

    def steps_to_leave(self, method: str) -> Floats:
        """(m,) steps until each start left; infinite for those that did not."""
        k = self._row(method)
        return np.where(self.left[k], self.steps[k].astype(np.float64), np.inf)

    def evaluations_to_leave(self, method: str) -> Floats:
        """(m,) gradients until each start left, see `saddlelab.optimize.costs`."""
        found: Floats = self.cost(method) * self.steps_to_leave(method)
        return found

    def cost(self, method: str) -> float:
        """Gradients that a step costs."""
        return float(self.costs[self._row(method)])

    def never(self, method: str, level: float = 0.95) -> tuple[float, float, float]:
        """Fraction of starts that never left, with Wilson's confidence limits."""
        stayed = ~self.left[self._row(method)]
        low, high = wilson(np.count_nonzero(stayed), len(stayed), level)
        return float(stayed.mean()), float(low), float(high)

    def quantile(
        self, method: str, p: float = 0.5, level: float = 0.95
    ) -> tuple[float, float, float]:
        """Quantile of the steps to leave, with limits that assume nothing of their law.

        The limits are order statistics; all three are infinite where too many never left.
        """
        ranked = np.sort(self.steps_to_leave(method))
        low, high = quantile_ranks(len(ranked), p, level)
        padded = np.concatenate([[0.0], ranked, [np.inf]])
        middle = ranked[int(np.ceil(p * len(ranked))) - 1]
        return float(middle), float(padded[low]), float(padded[high])

    def survival(
        self, method: str, level: float = 0.95
    ) -> tuple[NDArray[np.int64], Floats, Floats, Floats]:
        """Fraction of starts that have not left, against steps.

        Returns
        -------
        t : (j,) int
            0, the steps at which a start left, and the horizon.
        fraction, low, high : (j,) float
            From t on, with Wilson's confidence limits.  All starts are followed to the horizon, so
            this is Kaplan and Meier's estimate.
        """
        steps = self.steps_to_leave(method)
        t = np.unique(np.concatenate([[0.0], steps[np.isfinite(steps)], [self.horizon]]))
        staying = len(steps) - np.searchsorted(np.sort(steps), t, side="right")
        low, high = wilson(staying, len(steps), level)
        return t.astype(np.int64), staying / len(steps), low, high

    def _row(self, method: str) -> int:
        if method in self.methods:
            return self.methods.index(method)
        lower = tuple(label.lower() for label in self.methods)
        return lower.index(one_of("method", method, lower))

    # --- text, files and pictures -----------------------------------------------------------------

    def __str__(self) -> str:
        """The table."""
        return self.table()

    def __repr__(self) -> str:
        """What was run, in a line."""
        return f"<EscapeStudy of {self.name}: {len(self.x0)} starts, {', '.join(self.methods)}>"

    def table(self, level: float = 0.95) -> str:
        """Say in text how long each method took, the fastest first."""
        from saddlelab.optimize.escape_table import table

        return table(self, level)

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write a line for each method and start."""
        from saddlelab.optimize.escape_table import write_csv

        write_csv(self, path)

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return what was run and what came of it as JSON; write it to `path` too."""
        from saddlelab.optimize.escape_table import as_dict

        text = json.dumps(as_dict(self))
        if path is not None:
            with open(path, "w", encoding="utf-8") as file:
                file.write(f"{text}\n")
        return text

    def plot(
        self, *, ax: Axes | None = None, by: str = "steps", level: float = 0.95, **kwargs: Any
    ) -> Axes:
        """Draw the fraction that has not left against "steps" or "evaluations"."""
        from saddlelab.optimize.escape_plot import plot_escape

        return plot_escape(self, ax=ax, by=by, level=level, **kwargs)
