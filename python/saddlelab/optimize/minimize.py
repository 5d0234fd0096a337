"""Thousands of starts at once, with any optimizer, each to a checked end."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saddlelab.arguments import finite_number, positive_integer, positive_number, worker_count
from saddlelab.as_objective import as_objective
from saddlelab.objective import Objective
from saddlelab.optimize.descent import STATUSES, Descent, Stops
from saddlelab.optimize.history import QUANTITIES, History, intervals_of
from saddlelab.optimize.methods import method_of, options_of
from saddlelab.optimize.runs import Runs, runs_of
from saddlelab.points import points_of
from saddlelab.studies.seeds import RNG, resolve_seed

__all__ = ["minimize"]

Floats: TypeAlias = NDArray[np.float64]

_MOST_STEPS = 2**31


def minimize(
    fun: Any,
    x0: ArrayLike | Runs,
    *,
    method: str = "adam",
    steps: int = 1000,
    learning_rate: Any = None,
    tol: float | None = None,
    target: float | None = None,
    stall: float | None = None,
    record: Any = None,
    near: float = 1e-4,
    rng: RNG = None,
    workers: int | None = None,
    progress: bool = False,
    **options: Any,
) -> Runs:
    """Run an optimizer from one start or from many at once.

    Parameters
    ----------
    fun : callable or Objective
        See `saddlelab.objective`.  Its gradient is the one that it was given, else exact, else
        by central differences.
    x0 : (n,) or (m, n) array_like, or Runs
        The starts.  Of `Runs` all starts that ended with their last step go on from there, with
        what the method remembers; method and options are then those of the runs.
    method : str, optional
        ``"gd"``, ``"noisy_gd"``, ``"perturbed_gd"``, ``"sgd"``, ``"momentum"``, ``"nesterov"``,
        ``"adagrad"``, ``"rmsprop"``, ``"adam"``, ``"adamw"``, ``"nadam"``.  ``"sgd"`` is for means
        over data, see `saddlelab.data_objective`.
    steps : int, optional
        At most; of `Runs`, so many more.
    learning_rate : float, schedule or array, optional
        Also ``lr``.  A schedule is a function of the array of step numbers 0, 1, …, such as those
        of `saddlelab.optimize.schedules`.  PyTorch's default for the method.
    tol : float, optional
        End a start where ‖∇f‖ ≤ tol.
    target : float, optional
        End it where f ≤ target.
    stall : float, optional
        End it after a step of length ≤ stall·max(1, ‖x‖).
    record : str, sequence of str or dict, optional
        What to keep on the way: "value", "gradient_norm", "step_length", "x"; of a dict
        every so many steps.
    near : float, optional
        How far the critical point may be from where a start ended, relative to max(1, |x_i|), for
        the verdict.
    rng : int, SeedSequence, Generator or None, optional
        Seed of what is random.  Each start has its own stream: it runs the same alone.
    workers : int, optional
        Threads; all cores by default.  The results are the same bits for any number.
    progress : bool, optional
        Show a progress bar.
    **options
        Of the method, in PyTorch's words and with PyTorch's defaults: `betas`, `eps`,
        `weight_decay`, `momentum`, `dampening`, `nesterov`, `alpha`, `centered`, `amsgrad`,
        `momentum_decay`, …; `eps_inside=True` puts eps under the root, as optax does.  Of all
        methods of first order: `noise` (standard deviation of what is added to each entry of the
        gradient), `clip_norm`, `clip_value`, and of means over data
        `batch_size`: so many terms in each step, every term once in an epoch, in an order
        of its own for each start and epoch.

    Returns
    -------
    Runs
        ``success`` is True only at a certified minimum.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of its range, or an option none of the method's.
    Exception
        Whatever the function raises, with the point in its notes.

    Notes
    -----
    The arithmetic is PyTorch's, step for step, to rounding.  A start whose numbers become infinite
    or NaN ends as "diverged", at its last finite point; the others go on.

    Examples
    --------
    >>> from saddlelab import minimize
    >>> runs = minimize(lambda x: x[0] ** 2 - x[1] ** 2 + x[1] ** 4, [[1.0, 0.0], [1.0, 0.1]],
    ...                 method="gd", learning_rate=0.1)
    >>> runs.kind.tolist(), runs.success.tolist()
    (['saddle', 'minimum'], [False, True])
    """
    steps = positive_integer("steps", steps, at_most=_MOST_STEPS)
    workers = worker_count(workers)
    every, near = intervals_of(record), positive_number("near", near, at_most=1.0)
    stops = Stops(_limit("tol", tol), _finite("target", target), _limit("stall", stall))
    if isinstance(x0, Runs):
        descent, single, begun = _resumed(fun, x0, options, rng), x0.x.ndim == 1, x0.x0
        near = x0.near
    else:
        begun, single = points_of(x0, "x0")
        descent = begin(as_objective(fun), begun, method, options, rng)
    if "lr" in options and learning_rate is not None:
        raise ValueError("`lr` and `learning_rate` are the same: pass one of them")
    rate = options.get("lr", learning_rate)
    if rate is None:
        rate = method_of(descent.method).rate
    made = run(descent, steps, rate, stops, every, workers, progress)
    history = _history(every, made, single)
    start = begun[0] if single and begun.ndim == 2 else begun
    return runs_of(descent, history, np.atleast_2d(start), near, single)


def run(
    descent: Descent,
    steps: int,
    rate: Any,
    stops: Stops,
    every: dict[str, int],
    workers: int,
    progress: bool,
) -> tuple[Any, ...]:
    """Take a descent further; what its function raises is raised."""
    workers = workers if descent.fun.parallel else 1
    if progress:
        from tqdm import tqdm

        with tqdm(total=steps, unit=" steps", desc=descent.method) as bar:

            def report(taken: int, active: int) -> None:
                bar.set_postfix_str(f"{active} starts going")
                bar.update(taken)

            history = descent.run(steps, rate, stops, every, workers, report)
    else:
        history = descent.run(steps, rate, stops, every, workers)
    lost = descent.x[descent.status == STATUSES.index("diverged")][:1]
    if len(lost):
        descent.fun.explain(lost, np.full(1, np.nan), derivatives=True)
    return history


def begin(
    fun: Objective, points: Floats, name: str, options: dict[str, Any], rng: RNG
) -> Descent:
    """A descent that has not taken a step; everything is checked."""
    method_of(name)
    name = name.lower().replace("-", "_")
    given = {key: value for key, value in options.items() if key != "lr"}
    chosen = options_of(name, given)
    _check_batches(fun, name, chosen, options)
    fun.check(points)
    return Descent(fun, name, chosen, points.copy(), resolve_seed(rng))


def _check_batches(
    fun: Objective, name: str, chosen: dict[str, Any], given: dict[str, Any]
) -> None:
    """Make sure that there are as many terms as are to be taken; of no data take none."""
    size = chosen.get("batch_size")
    if size is None:
        return
    if not fun.terms:
        raise ValueError(
            f"{name} takes a few terms of a mean over data in each step: `fun` must be made by "
            f"saddlelab.data_objective, got {fun.name}"
        )
    if size < fun.least_terms:
        raise ValueError(
            f"`batch_size` must be at least {fun.least_terms} for {fun.name}, whose layers are "
            f"normalised by statistics of the batch, got {size}"
        )
    if size > fun.terms:
        if "batch_size" in given:
            raise ValueError(f"`batch_size` must be at most {fun.terms}, got {size}")
        chosen["batch_size"] = fun.terms


def _resumed(fun: Any, runs: Runs, options: dict[str, Any], rng: RNG) -> Descent:
    if as_objective(fun) is not runs.fun_:
        raise ValueError(f"`fun` must be the function of the runs, {runs.fun_.name}")
    given = [key for key in options if key != "lr"]
    if given or rng is not None:
        what = given[0] if given else "rng"
        raise ValueError(f"`{what}` is that of the runs that go on, and cannot be given again")
    return runs.descent.copy()


def _limit(name: str, value: Any) -> float | None:
    """A number that is not negative, or None."""
    if value is None:
        return None
    number = finite_number(name, value)
    if number < 0.0:
        raise ValueError(f"`{name}` must not be negative, got {value!r}")
    return number


def _finite(name: str, value: Any) -> float | None:
    return None if value is None else finite_number(name, value)


def _history(every: dict[str, int], made: tuple[Any, ...], single: bool) -> History:
    arrays = dict(zip(QUANTITIES, made[1:], strict=True))
    kept = {name: arrays[name][0] if single else arrays[name] for name in every}
    return History(every, **kept)
