"""Any optimizer from many points of a box."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saddlelab.arguments import one_of, positive_integer
from saddlelab.as_objective import as_objective
from saddlelab.optimize.finite_box import finite_box
from saddlelab.starts import Rounds
from saddlelab.studies.seeds import RNG, resolve_seed

if TYPE_CHECKING:
    from saddlelab.optimize.runs import Runs

__all__ = ["SAMPLING", "draw_starts", "multistart"]

Floats: TypeAlias = NDArray[np.float64]

SAMPLING = ("sobol", "uniform")
_MOST_STARTS = 10**8


def multistart(
    fun: Any,
    bounds: ArrayLike | None = None,
    *,
    method: str = "adam",
    starts: int = 1000,
    sampling: str = "sobol",
    rng: RNG = None,
    **options: Any,
) -> Runs:
    """Minimise from many points of a box at once.

    Parameters
    ----------
    fun : callable or Objective
        See `saddlelab.objective`.
    bounds : (n, 2) array_like or scipy.optimize.Bounds
        Where to start; the optimizer may leave it.  May be left out for an entry of
        `saddlelab.surfaces`.
    method : str, optional
        See `saddlelab.minimize`.
    starts : int, optional
        How many.
    sampling : {"sobol", "uniform"}, optional
        Scrambled points of Sobol's sequence, which leave no part of the box out, or independent
        ones, from whose ends sizes of basins can be estimated.
    rng : int, SeedSequence, Generator or None, optional
        The seed, of the starts and of the optimizer.
    **options
        Passed to `saddlelab.minimize`: ``steps``, ``learning_rate``, ``tol``, …

    Returns
    -------
    Runs

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range.

    Examples
    --------
    >>> from saddlelab import surfaces
    >>> from saddlelab.optimize.multistart import multistart
    >>> runs = multistart(surfaces.himmelblau, starts=200, steps=400, learning_rate=0.1, rng=0)
    >>> len(set(map(tuple, runs.x.round(3))))
    4
    """
    from saddlelab.optimize.minimize import minimize

    made = as_objective(fun)
    box = finite_box(made if bounds is None else bounds)
    seed = resolve_seed(rng)
    return minimize(
        made, draw_starts(box, starts, sampling, seed), method=method, rng=seed, **options
    )


def draw_starts(box: Floats, starts: Any, sampling: Any, seed: int) -> Floats:
    """Draw points of a box, (starts, n); with more of them, the first stay the same."""
    count = positive_integer("starts", starts, at_most=_MOST_STARTS)
    sampling = one_of("sampling", sampling, SAMPLING)
    generator = np.random.default_rng(seed)
    if sampling == "sobol":
        return np.vstack(list(Rounds(count, box, generator, compiled=True)))
    low, high = box.T
    points: Floats = low + (high - low) * generator.random((count, len(box)))
    return points
