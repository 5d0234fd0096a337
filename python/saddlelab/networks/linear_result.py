"""What is known of a linear network's critical points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["LinearCriticalPoints"]

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]

_MOST_LINES = 40


@dataclass(frozen=True, slots=True, eq=False)
class LinearCriticalPoints:
    """One point of each family, lowest value first; what `linear_critical_points` returns.

    Attributes
    ----------
    subsets : tuple of tuple of int
        The eigenvectors that the network has learnt, 0 being that of the largest eigenvalue.
    value : (points,) float
    index : (points,) int
        Negative eigenvalues of the Hessian.
    zeros : (points,) int
        Zero eigenvalues of the Hessian.
    W1 : (points, p, n) float
    W2 : (points, m, p) float
    eigenvalues : (r,) float
        Of Σ, nonzero, decreasing (divided by N if the loss is a mean).
    """

    subsets: tuple[tuple[int, ...], ...]
    value: Floats
    index: Integers
    zeros: Integers
    W1: Floats
    W2: Floats
    eigenvalues: Floats

    @property
    def theta(self) -> Floats:
        """(points, P) weights as networks without biases have them: W₁ row by row, then W₂."""
        count = len(self)
        return np.concatenate([self.W1.reshape(count, -1), self.W2.reshape(count, -1)], axis=1)

    @property
    def kind(self) -> NDArray[np.str_]:
        """(points,) str: "minimum", global and the only one but for C, or "saddle"."""
        return np.where(self.index == 0, "minimum", "saddle")

    def __len__(self) -> int:
        """Number of subsets."""
        return len(self.subsets)

    def __str__(self) -> str:
        """The table."""
        return self.table()

    def table(self) -> str:
        """One line for each of the lowest points."""
        lines = [f"{'value':>13} {'index':>6} {'zeros':>6}  learnt"]
        for i, subset in enumerate(self.subsets[:_MOST_LINES]):
            learnt = ", ".join(map(str, subset)) or "nothing"
            lines.append(f"{self.value[i]:13.6g} {self.index[i]:6d} {self.zeros[i]:6d}  {learnt}")
        if len(self) > _MOST_LINES:
            lines.append(f"… and {len(self) - _MOST_LINES} more")
        return "\n".join(lines)

    def plot(self, *, ax: Axes | None = None, **kwargs: Any) -> Axes:
        """Draw the index against the value; `kwargs` are passed to ``Axes.scatter``."""
        if ax is None:
            import matplotlib.pyplot as plt

            ax = plt.figure(layout="constrained").add_subplot()
        from matplotlib.ticker import MaxNLocator

        looks = {"minimum": ("o", "#0072B2"), "saddle": ("X", "#D55E00")}
        for kind, (marker, color) in looks.items():
            those = self.kind == kind
            style: dict[str, Any] = {
                "marker": marker, "color": color, "s": 30, "label": kind, "gid": kind,
            } | kwargs  # fmt: skip
            ax.scatter(self.value[those], self.index[those], **style)
        ax.yaxis.set_major_locator(MaxNLocator(integer=True))
        ax.set(xlabel="loss", ylabel="index: number of negative eigenvalues")
        ax.set_title(f"All {len(self)} critical points of a linear network")
        ax.grid(True, which="major", linewidth=0.4, alpha=0.5)
        ax.legend(frameon=False)
        return ax
