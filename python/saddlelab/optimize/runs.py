"""What many runs of an optimizer came to."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from saddlelab.objective import Objective
from saddlelab.optimize.descent import STATUSES, Descent
from saddlelab.optimize.history import History
from saddlelab.verdict import Verdict, check

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Runs"]

Floats: TypeAlias = NDArray[np.float64]

#: Points of one verdict: their Hessians are in memory together.
_CHUNK = 4096


@dataclass(frozen=True)
class Runs:
    """Where each start ended, why, and what kind of point that is.

    Arrays have one entry for each start; for a single start `x` is (n,) and the rest are scalars.

    Attributes
    ----------
    x : (…, n) float
        Where the start ended; if it diverged, its last finite point.
    value : (…) float
        f there.
    gradient_norm : (…) float
    steps : (…) int
        Steps taken.
    status : (…) str
        "steps" (all of them taken), "converged" (‖∇f‖ ≤ tol), "target", "stalled", "escaped" or
        "diverged".
    x0 : (…, n) float
    method : str
    options : dict
        Of the method, with its defaults.
    history : History
    seed : int
        What to pass as ``rng`` to get the same runs again.
    near : float
        How far the critical point may be from x, relative to max(1, |x_i|), in the verdict.
    """

    x: Floats
    value: Any
    gradient_norm: Any
    steps: Any
    status: Any
    x0: Floats
    method: str
    options: dict[str, Any]
    history: History
    seed: int
    near: float
    fun_: Objective = field(repr=False)
    descent: Descent = field(repr=False)

    # --- the verdict ------------------------------------------------------------------------------

    @functools.cached_property
    def verdict(self) -> Verdict:
        """What kind of point each start ended at, see `saddlelab.check`; found when asked for."""
        points = np.atleast_2d(self.x)
        parts = [
            check(self.fun_, points[k : k + _CHUNK], tol=self.near)
            for k in range(0, len(points), _CHUNK)
        ]
        names = [name for name in Verdict.__slots__ if name != "method"]
        found = {name: np.concatenate([getattr(p, name) for p in parts]) for name in names}
        if self.x.ndim == 1:
            found = {name: array[0] for name, array in found.items()}
        return Verdict(**found, method=parts[0].method)

    @property
    def kind(self) -> Any:
        """(…) str: "minimum", "saddle", "maximum", "degenerate", "undecided", "not critical", …"""
        return self.verdict.kind

    @property
    def index(self) -> Any:
        """(…) int: negative eigenvalues of the Hessian."""
        return self.verdict.index

    @property
    def certified(self) -> Any:
        """(…) bool: whether the index is proved."""
        return self.verdict.certified

    # --- SciPy's words ----------------------------------------------------------------------------

    @property
    def fun(self) -> Any:
        """`value`."""
        return self.value

    @property
    def nit(self) -> Any:
        """`steps`."""
        return self.steps

    @property
    def success(self) -> Any:
        """(…) bool: whether the start ended at a certified minimum, and nowhere else."""
        return (np.asarray(self.kind) == "minimum") & self.certified

    @property
    def best(self) -> int:
        """The start with the lowest value; NaN counts as highest."""
        values = np.atleast_1d(self.value)
        return int(np.argmin(np.where(np.isnan(values), np.inf, values)))

    # --- text and pictures ------------------------------------------------------------------------

    def __len__(self) -> int:
        """Number of starts."""
        return len(np.atleast_2d(self.x))

    def __str__(self) -> str:
        """The table."""
        return self.table()

    def __repr__(self) -> str:
        """What was run, in a line."""
        return f"<Runs of {self.method} on {self.fun_.name}: {len(self)} starts>"

    def table(self) -> str:
        """Say in text how many starts ended where, and how."""
        from saddlelab.optimize.runs_table import table

        return table(self)

    def plot(self, *, ax: Axes | None = None, **options: Any) -> Axes:
        """Draw paths over contours (two variables, "x" recorded), else values against steps."""
        from saddlelab.optimize.runs_plot import plot_runs

        return plot_runs(self, ax=ax, **options)


def runs_of(descent: Descent, history: History, x0: Floats, near: float, single: bool) -> Runs:
    """What a descent came to."""
    value = np.atleast_1d(descent.fun.value(descent.x))
    status = np.where(np.isnan(value), "diverged", np.array(STATUSES)[descent.status])
    fields: dict[str, Any] = {
        "x": descent.x.copy(), "value": value, "gradient_norm": descent.gradient_norm.copy(),
        "steps": descent.steps.copy(), "status": status, "x0": x0,
    }  # fmt: skip
    if single:
        fields = {name: array[0] for name, array in fields.items()}
    return Runs(
        **fields, method=descent.method, options=descent.options, history=history,
        seed=descent.seed, near=near, fun_=descent.fun, descent=descent,
    )  # fmt: skip
