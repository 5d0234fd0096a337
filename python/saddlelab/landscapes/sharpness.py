"""The steepest rise around a point: sharpness as Keskar et al. measure it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saddlelab.arguments import positive_integer, positive_number
from saddlelab.as_objective import as_objective
from saddlelab.landscapes.slices import one_point
from saddlelab.spectrum._checks import generator
from saddlelab.studies.seeds import RNG

__all__ = ["Sharpness", "sharpness"]

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Sharpness:
    """How much f rises in a box around x.

    Attributes
    ----------
    value : float
        100·rise / (1 + f(x)), Keskar et al. (2017), eq. 4.
    rise : float
        max f − f(x), from below: of the points that ascent found.
    at : (n,) float
        Where the highest value was found.
    epsilon : float
    """

    value: float
    rise: float
    at: Floats = field(repr=False)
    epsilon: float


def sharpness(
    f: Any,
    x: ArrayLike,
    *,
    epsilon: float = 1e-3,
    starts: int = 4,
    steps: int = 20,
    rng: RNG = None,
) -> Sharpness:
    """Measure sharpness as in Keskar et al. (2017), in the full space.

    Parameters
    ----------
    f : callable or Objective
        A loss: f(x) > −1.
    x : (n,) array_like
    epsilon : float, optional
        Of the box \\|y_i − x_i| ≤ ε(\\|x_i| + 1).
    starts : int, optional
        Random corners of the box from which f is maximised, besides x itself: at a minimum the
        gradient leads nowhere.
    steps : int, optional
        At most so many iterations of L-BFGS-B from each.
    rng : int, SeedSequence, Generator or None, optional

    Returns
    -------
    Sharpness

    Raises
    ------
    ValueError, TypeError
        If an argument is out of its range, f is not finite at x or f(x) ≤ −1.

    Notes
    -----
    Keskar, Mudigere, Nocedal, Smelyanskiy & Tang (2017, arXiv:1609.04836), eq. 3 and 4 with A = I:
    φ = 100 (max_{y ∈ C_ε} f(y) − f(x)) / (1 + f(x)).  The maximum is not concave: what is found is
    a lower bound.  Like `flatness` it depends on the parametrisation.

    Examples
    --------
    >>> from saddlelab.landscapes import sharpness
    >>> found = sharpness(lambda x: 50.0 * x[0] ** 2 + x[1] ** 2, [0.0, 0.0], epsilon=0.1, rng=0)
    >>> round(found.rise, 9), round(found.value, 6)
    (0.51, 51.0)
    """
    from scipy.optimize import minimize

    fun, point = as_objective(f), one_point("x", x)
    reach = positive_number("epsilon", epsilon, at_most=1e6) * (np.abs(point) + 1.0)
    level = fun.value(point)
    if not np.isfinite(level) or level <= -1.0:
        raise ValueError(f"`f` must be more than −1 at `x`, for 1 + f(x) divides: got {level}")
    signs = generator(rng).choice([-1.0, 1.0], (positive_integer("starts", starts, at_most=10**6),
                                                len(point)))  # fmt: skip
    options = {"maxiter": positive_integer("steps", steps, at_most=10**6)}
    best, at = level, point
    for start in (point, *(point + sign * reach for sign in signs)):
        found = minimize(
            lambda y: -fun.value(y), start, jac=lambda y: -fun.gradient(y), method="L-BFGS-B",
            bounds=np.column_stack([point - reach, point + reach]), options=options,
        )  # fmt: skip
        value = fun.value(found.x)
        if value > best:
            best, at = value, found.x
    return Sharpness(100.0 * (best - level) / (1.0 + level), best - level, at, float(epsilon))
