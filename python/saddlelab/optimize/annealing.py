"""Simulated annealing: many Metropolis chains at once."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saddlelab.arguments import finite_float, positive_integer, worker_count
from saddlelab.as_objective import as_objective
from saddlelab.box import generic_point
from saddlelab.objective import Objective
from saddlelab.optimize.annealing_result import Annealing
from saddlelab.optimize.annealing_run import AnnealingRun, spans_of
from saddlelab.optimize.cooling import factors, temperatures
from saddlelab.optimize.finite_box import finite_box
from saddlelab.optimize.multistart import draw_starts
from saddlelab.points import points_of
from saddlelab.studies.seeds import RNG, resolve_seed

__all__ = ["annealing"]

Floats: TypeAlias = NDArray[np.float64]

_CHAINS, _STEPS, _MOST_CHAINS, _MOST_STEPS = 64, 10_000, 10**8, 10**8
#: Proposals beside the box, and without one.
_SCALE, _LENGTH = 0.25, 1.0
#: Points whose values tell the first temperature.
_PROBES, _CALLBACK_PROBES = 256, 32


def annealing(
    fun: Any,
    bounds: ArrayLike | None = None,
    *,
    x0: ArrayLike | None = None,
    chains: int | None = None,
    steps: int | None = None,
    temperature: float | None = None,
    schedule: str | ArrayLike = "geometric",
    final_temperature: float | None = None,
    scale: float | ArrayLike | None = None,
    shrink: str = "root",
    record: int | None = None,
    rng: RNG = None,
    workers: int | None = None,
    progress: bool = False,
) -> Annealing:
    """Look for the global minimum with Metropolis chains whose temperature falls.

    Parameters
    ----------
    fun : callable or Objective
        See `saddlelab.objective`.  Nothing but its values is used.  NaN is never accepted.
    bounds : (n, 2) array_like or scipy.optimize.Bounds, optional
        Chains are reflected there.  May be left out for an entry of `saddlelab.surfaces`, or if
        `x0` is given: there are none then.
    x0 : (n,) or (m, n) array_like, optional
        Where all chains start, or each of them.  By default at Sobol's points of the box.
    chains : int, optional
        64 by default, or as many as `x0` has rows.
    steps : int, optional
        Of each chain; 10 000 by default, or as many as `schedule` has temperatures.
    temperature : float, optional
        Of the first step, in units of the function.  By default the interquartile range of its
        values at Sobol's points of the box (without one: at proposals from `x0`).
    schedule : str or (steps,) array_like, optional
        "geometric" (also called exponential), "linear", "logarithmic" (Boltzmann's, which must go
        on for ever), "constant"; or all temperatures, and then no other.
    final_temperature : float, optional
        Of the last step of the first two schedules, 1e-8 of the first by default.
    scale : float or (n,) array_like, optional
        Standard deviation of a proposal, in widths of the box (0.25 by default), or in
        units of x where there are no bounds (1 by default).
    shrink : str, optional
        Proposals get shorter "root": as √T, so that in a valley as many are accepted as before;
        "temperature": as T; "constant": not at all.
    record : int, optional
        Keep values every so many steps in `history`.
    rng : int, SeedSequence, Generator or None, optional
        The seed.  A chain depends on it and on its number only, not on how many there are.
    workers : int, optional
        Threads; all cores by default.  The result is the same for any number.
    progress : bool, optional
        Draw a progress bar on stderr.

    Returns
    -------
    Annealing

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range.
    Exception
        Whatever the function raises, with the point in its notes.

    Notes
    -----
    S. Kirkpatrick, C. D. Gelatt & M. P. Vecchi, Optimization by simulated annealing, Science 220
    (1983), 671.

    Examples
    --------
    >>> from saddlelab import surfaces
    >>> from saddlelab.optimize.annealing import annealing
    >>> found = annealing(surfaces.rastrigin, [(-5.12, 5.12)] * 2, rng=0)
    >>> abs(found.x[found.best]).round(2)
    array([0., 0.])
    """
    made = as_objective(fun)
    seed = resolve_seed(rng)
    steps = _step_count(steps, schedule)
    every = 0 if record is None else positive_integer("record", record, at_most=_MOST_STEPS)
    box, starts = _starts(made, x0, bounds, chains, seed)
    reach = _reach(scale, box, starts.shape[1])
    made.check(starts[:1] if box is None else generic_point(box))
    first = _temperature(made, temperature, schedule, box, starts, reach, seed)
    heat = temperatures(schedule, steps, first, final_temperature)
    plan = np.column_stack([heat, factors(shrink, heat)])
    threads = worker_count(workers) if made.parallel else 1
    run = AnnealingRun(made, box, reach, starts, plan, every, seed)
    for span in spans_of(steps, len(starts), made, progress):
        run.go(span, threads)
    return run.result(heat, seed)


# --- arguments -------------------------------------------------------------------------------


def _step_count(steps: Any, schedule: Any) -> int:
    if steps is None:
        steps = _STEPS if isinstance(schedule, str) else max(1, np.size(schedule))
    return positive_integer("steps", steps, at_most=_MOST_STEPS)


def _starts(
    fun: Objective, x0: Any, bounds: Any, chains: Any, seed: int
) -> tuple[Floats | None, Floats]:
    """The box, if there is one, and where chains start."""
    if chains is not None:
        chains = positive_integer("chains", chains, at_most=_MOST_CHAINS)
    if bounds is None and x0 is None and not hasattr(fun, "bounds"):
        raise TypeError("`bounds` or `x0` must be given")
    box = None
    if bounds is not None or x0 is None:
        box = finite_box(fun if bounds is None else bounds)
    if x0 is None:
        assert box is not None
        return box, draw_starts(box, _CHAINS if chains is None else chains, "sobol", seed)
    starts, single = points_of(x0, "x0")
    if single:
        starts = np.repeat(starts, _CHAINS if chains is None else chains, axis=0)
    elif chains not in (None, len(starts)):
        rule = f"`chains` must be the number of rows of `x0`, {len(starts)}"
        raise ValueError(f"{rule}, got {chains}")
    _check_inside(starts, box)
    return box, starts


def _check_inside(starts: Floats, box: Floats | None) -> None:
    if box is None:
        return
    if starts.shape[1] != len(box):
        raise ValueError(f"`x0` must have {len(box)} variables like `bounds`, got "
                         f"{starts.shape[1]}")  # fmt: skip
    outside = ((starts < box[:, 0]) | (starts > box[:, 1])).any(axis=1)
    if outside.any():
        raise ValueError(f"`x0` must be within `bounds`, got {starts[outside][0].tolist()}")


def _reach(scale: Any, box: Floats | None, n: int) -> Floats:
    """Lengths of proposals, (n,)."""
    unit = np.ones(n) if box is None else np.ptp(box, axis=1)
    if scale is None:
        scale = _LENGTH if box is None else _SCALE
    rule = "`scale` must be positive and finite"
    if np.ndim(scale) == 0:
        given = np.full(n, finite_float(rule, scale))
    else:
        given = np.array(scale, dtype=np.float64)
    if given.shape != (n,):
        raise ValueError(f"`scale` must be a number or have shape ({n},), got shape {given.shape}")
    if not (np.isfinite(given) & (given > 0.0)).all():
        raise ValueError(f"{rule}, got {scale!r}")
    reach: Floats = given * unit
    return reach


def _temperature(
    fun: Objective,
    given: Any,
    schedule: Any,
    box: Floats | None,
    starts: Floats,
    reach: Floats,
    seed: int,
) -> float:
    """The first temperature."""
    if not isinstance(schedule, str) and np.iterable(schedule):
        if given is not None:
            raise ValueError("`temperature` must be None where `schedule` holds all of them, got "
                             f"{given!r}")  # fmt: skip
        return 0.0
    if given is not None:
        rule = "`temperature` must be positive and finite"
        number = finite_float(rule, given)
        if number <= 0.0:
            raise ValueError(f"{rule}, got {given!r}")
        return number
    return _spread(fun.value(_probes(fun, box, starts, reach, seed)))


def _probes(
    fun: Objective, box: Floats | None, starts: Floats, reach: Floats, seed: int
) -> Floats:
    count = _PROBES if fun.compiled else _CALLBACK_PROBES
    if box is not None:
        return draw_starts(box, count, "sobol", seed)
    around = starts[np.arange(count) % len(starts)]
    by = np.random.default_rng(seed).standard_normal(around.shape)
    probes: Floats = around + reach * by
    return probes


def _spread(values: Floats) -> float:
    """Interquartile range: poles and cliffs do not count."""
    values = values[np.isfinite(values)]
    if not len(values):
        return 1.0
    low, high = np.quantile(values, [0.25, 0.75])
    for spread in (float(high - low), float(np.ptp(values))):
        if 0.0 < spread < np.inf:
            return spread
    return 1.0
