"""Our methods inside `scipy.optimize.minimize`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from saddlelab.objective import Objective, objective
from saddlelab.optimize.methods import method_of
from saddlelab.optimize.minimize import minimize
from saddlelab.optimize.runs import Runs

if TYPE_CHECKING:
    from scipy.optimize import OptimizeResult

__all__ = ["scipy_method"]

#: Ends of a start that SciPy's users would not call a failure of the search.
_MESSAGES = {
    "steps": "All steps were taken",
    "converged": "The gradient is as small as `tol`",
    "target": "The value is as low as `target`",
    "stalled": "The steps are as short as `stall`",
    "diverged": "The numbers became infinite or NaN",
}


def scipy_method(name: str, **defaults: Any) -> Callable[..., OptimizeResult]:
    """Make one of our methods a ``method=`` of `scipy.optimize.minimize`.

    Parameters
    ----------
    name : str
        One of the methods of `saddlelab.minimize`.
    **defaults
        Arguments of `saddlelab.minimize`, such as `learning_rate`, `steps`, `tol` and the method's
        options.  SciPy's ``options=`` and ``tol=`` take precedence; ``maxiter`` is `steps` and
        ``gtol`` is `tol`.

    Returns
    -------
    callable
        Its `OptimizeResult` has the verdict in ``kind``, ``index`` and ``certified``;
        ``success`` is True only at a certified minimum.

    Raises
    ------
    ValueError
        If there is no such method; when it runs, if it is given bounds or constraints.

    Examples
    --------
    >>> from scipy import optimize
    >>> from saddlelab import scipy_method
    >>> found = optimize.minimize(lambda x: x[0] ** 2 - x[1] ** 2 + x[1] ** 4, [1.0, 0.0],
    ...                           method=scipy_method("gd", learning_rate=0.1))
    >>> found.success, str(found.kind)
    (False, 'saddle')
    """
    method_of(name)

    def method(fun: Any, x0: Any, args: Sequence[Any] = (), **given: Any) -> OptimizeResult:
        made = _objective(fun, tuple(args), given)
        callback = given.pop("callback", None)
        options = {**defaults, **_named(given)}
        if callback is None:
            return _result(minimize(made, x0, method=name, **options))
        return _result(_with_callback(made, x0, name, options, callback))

    return method


def _objective(fun: Any, args: tuple[Any, ...], given: dict[str, Any]) -> Objective:
    """The function with what SciPy was told of its derivatives."""
    for each in ("bounds", "constraints"):
        value = given.pop(each, None)
        if value is not None and len(value):
            raise ValueError(f"`{each}` must be left out, these methods have none, got {value!r}")
    jac, hessp = given.pop("jac", None), given.pop("hessp", None)
    given.pop("hess", None)
    if isinstance(fun, Objective):
        return fun
    return objective(
        fun, args=args, gradient=jac if callable(jac) else None,
        hvp=hessp if callable(hessp) else None,
    )  # fmt: skip


def _named(given: dict[str, Any]) -> dict[str, Any]:
    """SciPy's names for what we call otherwise."""
    names = {"maxiter": "steps", "gtol": "tol"}
    given.pop("disp", None)
    return {names.get(key, key): value for key, value in given.items() if value is not None}


def _with_callback(
    fun: Objective, x0: Any, name: str, options: dict[str, Any], callback: Callable[[Any], Any]
) -> Runs:
    """One step at a time; a callback may raise StopIteration."""
    steps = options.pop("steps", 1000)
    going = {key: options[key] for key in ("learning_rate", "lr", "tol", "target", "stall")
             if key in options}  # fmt: skip
    runs = minimize(fun, x0, method=name, steps=1, **options)
    for _ in range(1, steps):
        try:
            stop = callback(np.array(runs.x))
        except StopIteration:
            break
        if stop or runs.status != "steps":
            break
        runs = minimize(fun, runs, steps=1, **going)
    return runs


def _result(runs: Runs) -> OptimizeResult:
    from scipy.optimize import OptimizeResult

    status, steps = str(runs.status), int(runs.steps)
    return OptimizeResult(
        x=runs.x, fun=float(runs.value), jac=runs.verdict.gradient, nit=steps, njev=steps + 1,
        nfev=1, success=bool(runs.success), status=list(_MESSAGES).index(status),
        message=f"{_MESSAGES[status]}; the point: {runs.kind}, index {runs.index}, "
                f"{'certified' if runs.certified else 'not certified'}.",
        kind=runs.kind, index=runs.index, certified=bool(runs.certified), runs=runs,
    )  # fmt: skip
