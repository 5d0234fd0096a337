"""What a search for critical points returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from saddlelab.boundary import euler_count
from saddlelab.objective import Objective
from saddlelab.verdict import Verdict

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["CriticalPoints", "assemble"]

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class CriticalPoints:
    """The critical points found in a box, sorted by value.

    Attributes
    ----------
    x : (k, n) float
    value : (k,) float
    gradient_norm : (k,) float
        ‖∇f‖ as computed at x, which rounding keeps from 0.
    index : (k,) int
        Number of negative eigenvalues of the Hessian.
    kind : (k,) str
        "minimum", "saddle", "maximum", "degenerate" (points of a valley among them), "undecided".
    zeros : (k,) int
        Number of eigenvalues that are 0 within `error`; degenerate points have some.
    certified : (k,) bool
    eigenvalues : (k, n) float
        Ascending.
    vectors : (k, n, n) float
        Eigenvectors in columns, in the eigenvalues' order.
    error : (k,) float
        Uncertainty of the Hessian, see `saddlelab.Verdict`.
    flatness : (k,) float
        ‖H∇f‖ / (‖H‖ ‖∇f‖).
    found : (k,) int
        How many of the starts led there.
    bounds : (n, 2) float
        The box.
    starts : int
        How many starts there were.
    ends : dict
        What became of them: "converged", "outside the box", "gradient-flat", "not converged",
        "not finite".
    missing : float
        Estimate of how many more there are to find: Chao's lower bound from those found once
        and twice.  A continuum of degenerate points is left out, here and below.
    coverage : float
        Good and Turing's estimate of the share of the starts that converged, had there been more
        of them, that lead to a point in the list.
    euler : int
        Σ (−1)^index over the points found.
    euler_expected : int or None
        What that must be, from the gradient on the boundary of the box: its winding number in one
        and two dimensions; 1 (or (−1)ⁿ) if it points outward (inward) wherever it was looked at;
        None where the boundary does not tell.
    message : str
        What to know about the result, in words.
    method : str
        How derivatives were taken.
    name : str
        The function's.
    """

    x: Floats
    value: Floats
    gradient_norm: Floats
    index: Integers
    kind: NDArray[np.str_]
    zeros: Integers
    certified: NDArray[np.bool_]
    eigenvalues: Floats
    vectors: Floats
    error: Floats
    flatness: Floats
    found: Integers
    bounds: Floats
    starts: int
    ends: dict[str, int]
    missing: float
    coverage: float
    euler: int
    euler_expected: int | None
    message: str
    method: str
    name: str
    objective: Objective = field(repr=False, compare=False)

    def __len__(self) -> int:
        """Count the points."""
        return len(self.x)

    def table(self) -> str:
        """Write the points as aligned text, one a line."""
        from saddlelab.critical_table import table

        return table(self)

    def plot(self, *, ax: Axes | None = None, **kwargs: Any) -> Axes:
        """Draw contours, the points by kind and the saddles' unstable directions (n = 1 or 2)."""
        from saddlelab.critical_plot import plot_critical_points

        return plot_critical_points(self, ax=ax, **kwargs)


def assemble(
    fun: Objective,
    box: Floats,
    found: Verdict | None,
    counts: Integers,
    isolated: NDArray[np.bool_],
    ends: dict[str, int],
    starts: int,
    message: list[str],
) -> CriticalPoints:
    """Put the result together: sorted, with what may be missing."""
    n = len(box)
    if found is None:
        message.append("no critical point was found in the box")
        shapes = ((0, n), (0,), (0,), (0, n, n), (0, n), (0,), (0,))
        x, value, norm, H, eigenvalues, error, flatness = (np.empty(s) for s in shapes)
        index, zeros, kind = np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, "U10")
        certified, method = np.empty(0, np.bool_), ""
    else:
        x, value, norm, H = found.x, found.value, found.gradient_norm, found.hessian
        eigenvalues, error, flatness = found.eigenvalues, found.error, found.flatness
        index, zeros, kind = found.index, found.zeros, found.kind
        certified, method = found.certified, found.method
    # Minima of one value keep their places whatever the last digits are.
    order = np.lexsort((*x.T[::-1], _rounded(value)))
    sure = np.isin(kind, ["minimum", "saddle", "maximum"])
    euler = int(np.sum(np.where(index[sure] % 2 == 0, 1, -1)))
    expected = euler_count(fun, box) if sure.all() else None
    missing, coverage = _unseen(counts[isolated])
    if expected is not None and expected != euler:
        message.append(
            f"points are missing: the signs (−1)^index sum to {euler}, the gradient on the "
            f"boundary says {expected}"
        )
    elif missing >= 0.5 and not message:
        message.append(f"at least {missing:.0f} more are likely: pass more `starts`")
    return CriticalPoints(
        x[order], value[order], norm[order], index[order], kind[order], zeros[order],
        certified[order], eigenvalues[order], np.linalg.eigh(H)[1][order], error[order],
        flatness[order], counts[order], box, starts, ends, missing, coverage, euler, expected,
        "; ".join(message), method, fun.name, fun,
    )  # fmt: skip


def _rounded(value: Floats) -> Floats:
    """Values to twelve digits of the largest."""
    unit = 1e-12 * max(float(np.max(np.abs(value), initial=0.0)), 1e-290)
    rounded: Floats = np.round(value / unit)
    return rounded


def _unseen(counts: Integers) -> tuple[float, float]:
    """Chao's estimate of how many were not found, Good and Turing's of the share that was."""
    once, twice = int(np.count_nonzero(counts == 1)), int(np.count_nonzero(counts == 2))
    total = int(counts.sum())
    coverage = 1.0 - once / total if total else 0.0
    return once * (once - 1) / (2.0 * (twice + 1)), coverage
