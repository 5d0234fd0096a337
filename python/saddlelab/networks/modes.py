"""Modes of deep linear networks: gradient descent itself, beside the formula for small steps."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saddlelab.arguments import positive_integer, positive_number, worker_count
from saddlelab.networks.deep_linear import learning_time, mode_curve
from saddlelab.networks.initialisers import initialise
from saddlelab.networks.mlp import MLP
from saddlelab.optimize.styles import style_of
from saddlelab.studies.seeds import RNG, resolve_seed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["LinearModes", "linear_modes"]

Floats: TypeAlias = NDArray[np.float64]

#: Curves go on for so much longer than the slowest mode takes to come to 90 %.
_LONGER = 1.3
#: Points of a curve, about, and modes that a picture can tell apart.
_POINTS, _MOST = 200, 64


@dataclass(frozen=True, slots=True, eq=False)
class LinearModes:
    """Strengths of the modes on the path of gradient descent; what `linear_modes` returns.

    Attributes
    ----------
    s : (modes,) float
        Singular values of what is to be learnt.
    a0 : float
        Strength of each mode at first.
    depth : int
        Layers of weights.
    rate : float
        Learning rate.
    steps : (t,) int
    measured : (modes, t) float
        uᵀ W_D … W₁ v of the singular vectors u, v of each mode.
    formula : (modes, t) float
        `mode_curve` at the same steps.
    seed : int
    """

    s: Floats
    a0: float
    depth: int
    rate: float
    steps: NDArray[np.int64] = field(repr=False)
    measured: Floats = field(repr=False)
    formula: Floats = field(repr=False)
    seed: int

    @property
    def error(self) -> float:
        """Largest distance of measured and formula, as a fraction of the mode's s."""
        return float((np.abs(self.measured - self.formula) / self.s[:, None]).max())

    def __str__(self) -> str:
        """What was run, in a line."""
        return (f"{len(self.s)} modes of a linear network of {self.depth} layers, learning rate "
                f"{self.rate:.3g}: within {self.error:.2g} of the formula")  # fmt: skip

    def plot(self, *, ax: Axes | None = None, **kwargs: Any) -> Axes:
        """Draw the formula as lines and gradient descent as markers.

        `kwargs` are passed to the ``Axes.plot`` of the markers.
        """
        if ax is None:
            import matplotlib.pyplot as plt

            ax = plt.figure(figsize=(6.4, 4.6), layout="constrained").add_subplot()
        every = max(1, len(self.steps) // 25)
        for k, s in enumerate(self.s):
            style = style_of(k)
            ax.plot(self.steps, self.formula[k], color=style["color"], linewidth=1.2,
                    label=f"_formula {k}")  # fmt: skip
            looks = {"color": style["color"], "marker": style["marker"], "markersize": 4.5,
                     "linestyle": "none", "label": f"s = {s:g}"}  # fmt: skip
            ax.plot(self.steps[::every], self.measured[k, ::every], **looks | kwargs)
        ax.set(xlabel=f"steps of gradient descent, learning rate {self.rate:.3g}",
               ylabel="strength of the mode",
               title=f"Modes of a linear network, {self.depth} layers: lines are the formula")
        ax.grid(True, which="major", linewidth=0.4, alpha=0.5)
        ax.legend(frameon=False)
        return ax


def linear_modes(
    s: ArrayLike = (3.0, 2.0, 1.0),
    *,
    a0: float = 1e-3,
    depth: int = 2,
    rate: float | None = None,
    rng: RNG = None,
    workers: int | None = None,
) -> LinearModes:
    """Train a deep linear network, and follow the strength of each mode beside its formula.

    The inputs are white, the weights balanced and aligned with the singular vectors of what is to
    be learnt, which are random, as are the bases between the layers (Saxe et al., section 2).

    Parameters
    ----------
    s : (modes,) array_like, optional
        Singular values of the map to be learnt, positive.
    a0 : float, optional
        Strength of each mode at first, below half of each s.
    depth : int, optional
        Layers of weights.
    rate : float, optional
        Learning rate; the formula is the limit of small ones.  By default 0.01 over depth and the
        largest curvature of one layer, s^(2 − 2/depth).
    rng : int, SeedSequence, Generator or None, optional
        Seed of the bases.
    workers : int, optional
        Threads; all cores by default.

    Returns
    -------
    LinearModes

    Raises
    ------
    ValueError, TypeError
        If an argument is out of its range.

    References
    ----------
    A. M. Saxe, J. L. McClelland and S. Ganguli, ICLR 2014, arXiv:1312.6120.

    Examples
    --------
    >>> from saddlelab import networks
    >>> networks.linear_modes([2.0, 1.0], depth=3, rng=0).error < 0.01
    True
    """
    from saddlelab.optimize.minimize import minimize

    strengths = np.atleast_1d(np.asarray(s, dtype=np.float64))
    if strengths.ndim != 1 or not 1 <= len(strengths) <= _MOST:
        raise ValueError(f"`s` must be 1 to {_MOST} numbers, got shape {strengths.shape}")
    a0 = positive_number("a0", a0, at_most=1e300)
    depth = positive_integer("depth", depth, at_most=1000)
    # Checks s, and that a₀ is below half of each.
    learning_time(strengths, a0, depth=depth)
    if rate is None:
        rate = 0.01 / (depth * float(strengths.max()) ** (2.0 - 2.0 / depth))
    rate = positive_number("rate", rate, at_most=1e300)
    seed, threads, n = resolve_seed(rng), worker_count(workers), len(strengths)
    end = _LONGER * learning_time(strengths, a0, fraction=0.9, depth=depth, rate=rate).max()
    every = max(1, round(end / _POINTS))
    turns = initialise([n] * (depth + 2), "orthogonal", rng=seed, bias=False).reshape(-1, n, n)
    size = a0 ** (1.0 / depth)
    weights = [size * after @ before.T for before, after in pairwise(turns)]
    V, U = turns[0], turns[-1]
    X = np.sqrt(n) * np.eye(n)
    network = MLP([n] * (depth + 1), activation="linear", bias=False)
    path: Any = minimize(
        network.objective(X, X @ (U * strengths @ V.T).T), network.pack(weights), method="gd",
        learning_rate=rate, steps=every * _POINTS, record={"x": every}, rng=0, workers=threads,
    ).history.x  # fmt: skip
    measured = np.array([_modes(layers, U, V) for layers in path.reshape(-1, depth, n, n)]).T
    steps = every * np.arange(measured.shape[1])
    formula = mode_curve(strengths, a0, steps, depth=depth, rate=rate)
    return LinearModes(strengths, a0, depth, rate, steps, measured, formula, seed)


def _modes(layers: Floats, U: Floats, V: Floats) -> Floats:
    """uᵀ W_D … W₁ v of each mode."""
    product = V
    for W in layers:
        product = W @ product
    return np.asarray(np.einsum("ik,ik->k", U, product))
