"""The same starts with several optimizers."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saddlelab.arguments import finite_number, one_of, positive_integer, positive_number
from saddlelab.as_objective import as_objective
from saddlelab.objective import Objective
from saddlelab.optimize.comparison import BAND, Comparison
from saddlelab.optimize.contenders import Contender, Methods, contenders_of, costs_of
from saddlelab.optimize.minimize import minimize
from saddlelab.optimize.runs import Runs
from saddlelab.points import points_of
from saddlelab.studies.seeds import RNG, resolve_seed

__all__ = ["compare"]

Floats: TypeAlias = NDArray[np.float64]

_MOST_STEPS = 2**31
#: What `change_of` is among the recorded quantities.
_RECORDED = {"value": "value", "step": "step_length"}


def compare(
    f: Any,
    x0: ArrayLike,
    methods: Methods = ("gd", "momentum", "nesterov", "adagrad", "rmsprop", "adam"),
    *,
    steps: int = 1000,
    learning_rate: Any = None,
    target: float | None = None,
    change: float = 1e-8,
    change_of: str = "value",
    every: int = 1,
    tol: float | None = None,
    options: Mapping[str, Any] | None = None,
    near: float = 1e-4,
    timed: bool = True,
    rng: RNG = None,
    workers: int | None = None,
    progress: bool = False,
) -> Comparison:
    """Run several methods from the same starts, and measure each.

    Parameters
    ----------
    f : callable or Objective
        See `saddlelab.objective`.
    x0 : (n,) or (m, n) array_like
        The starts.
    methods : str, sequence of str or dict, optional
        Names (see `saddlelab.minimize`), or labels with settings:
        ``{"slow": {"method": "adam", "learning_rate": 1e-4}, "fast": …}``.
    steps : int, optional
        At most.
    learning_rate : float, array, schedule or dict, optional
        One for all methods of first order, or a dict by method; each method's own default.
    target : float, optional
        How many steps each start takes to come to f ≤ target is measured; it goes on from there.
    change : float, optional
        The first record with a change below it is where a start has settled.
    change_of : {"value", "step"}, optional
        The change of f in a step (over `every` steps, divided by them), or the step's length.
    every : int, optional
        Steps between records.
    tol : float, optional
        End a start where ‖∇f‖ ≤ tol.
    options : dict, optional
        Options by method, ``{"adam": {"betas": (0.9, 0.99)}}``.
    near : float, optional
        How far the critical point may be from where a start ended, for its kind, see `minimize`.
    timed : bool, optional
        Whether to run every method once more, with nothing recorded, to measure its time.
    rng : int, SeedSequence, Generator or None, optional
        Seed of what is random in the methods.
    workers : int, optional
        Threads; all cores by default.  The results are the same bits for any number.
    progress : bool, optional
        Show a progress bar for each method.

    Returns
    -------
    Comparison

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range.
    Exception
        Whatever the function raises, with the point in its notes.

    Notes
    -----
    A step of one method may cost as much as many of another: compare by evaluations too, see
    `saddlelab.optimize.costs`.

    Examples
    --------
    >>> from saddlelab import compare, surfaces
    >>> found = compare(surfaces.himmelblau, [[0.0, 0.0], [1.0, 1.0]], ["gd", "adam"],
    ...                 learning_rate={"gd": 0.01, "adam": 0.1}, target=1e-6, timed=False)
    >>> found.kinds("gd"), found.to_target[0].tolist()
    ({'minimum': 2}, [32.0, 26.0])
    """
    contenders = contenders_of(methods, learning_rate, options)
    points, _ = points_of(x0, "x0")
    steps = positive_integer("steps", steps, at_most=_MOST_STEPS)
    every = positive_integer("every", every, at_most=steps)
    change = positive_number("change", change, at_most=1e300)
    change_of = one_of("change_of", change_of, tuple(_RECORDED))
    target = None if target is None else finite_number("target", target)
    fun, seed = as_objective(f), resolve_seed(rng)
    asked: dict[str, Any] = {"steps": steps, "tol": tol, "near": near, "rng": seed,
                             "workers": workers}  # fmt: skip
    record = dict.fromkeys(("value", _RECORDED[change_of]), every)
    found: dict[str, list[Any]] = {name: [] for name in _COLUMNS}
    for one in contenders:
        runs = _run(fun, points, one, asked | {"progress": progress}, record)
        for name in ("x", "value", "kind", "index", "certified", "status", "steps"):
            found[name].append(getattr(runs, name))
        value = _lasting(runs)
        found["curves"].append(np.quantile(value, BAND, axis=0, method="inverted_cdf"))
        found["to_target"].append(_first(value <= (-np.inf if target is None else target), every))
        found["settled"].append(_first(_changes(runs, change_of, every) < change, every))
        found["seconds"].append(_time(fun, points, one, asked) if timed else np.nan)
    arrays = {name: np.array(rows) for name, rows in found.items()}
    costs = costs_of(contenders, fun, points.shape[1])
    return Comparison(
        fun.name, contenders, costs, points, steps, every, **arrays, target=target, change=change,
        change_of=change_of, seed=seed,
    )  # fmt: skip


_COLUMNS = ("x", "value", "kind", "index", "certified", "status", "steps", "to_target", "settled",
            "curves", "seconds")  # fmt: skip


def _run(
    fun: Objective,
    points: Floats,
    one: Contender,
    asked: dict[str, Any],
    record: dict[str, int] | None,
) -> Runs:
    return minimize(
        fun, points, method=one.method, learning_rate=one.learning_rate, record=record,
        **asked, **one.given,
    )  # fmt: skip


def _time(fun: Objective, points: Floats, one: Contender, asked: dict[str, Any]) -> float:
    """Seconds for a step of one start.  What there is to compile was compiled before."""
    begun = time.perf_counter()
    runs = _run(fun, points, one, asked, None)
    return (time.perf_counter() - begun) / max(1, int(runs.steps.sum()))


def _lasting(runs: Runs) -> Floats:
    """(m, records) values; those of starts that have ended last, infinite if they diverged."""
    value = runs.history.value
    assert value is not None  # it was asked for
    late = runs.history.steps("value") > runs.steps[:, None]
    # At its end a diverged start stands where it was last finite.
    lost = (runs.status == "diverged")[:, None] & (late | np.isnan(value))
    kept = np.where(late, runs.value[:, None], value)
    found: Floats = np.where(lost | np.isnan(kept), np.inf, kept)
    return found


def _changes(runs: Runs, change_of: str, every: int) -> Floats:
    """(m, records) change of each start at each record, NaN at the first and after its end."""
    if change_of == "step":
        assert runs.history.step_length is not None
        return runs.history.step_length
    value = runs.history.value
    assert value is not None
    with np.errstate(invalid="ignore"):  # ∞ − ∞
        by = np.abs(np.diff(value, axis=1, prepend=np.nan)) / every
    return by


def _first(holds: NDArray[np.bool_], every: int) -> Floats:
    """(m,) steps taken at the first record where something holds, or infinity."""
    return np.where(holds.any(axis=1), every * holds.argmax(axis=1).astype(np.float64), np.inf)
