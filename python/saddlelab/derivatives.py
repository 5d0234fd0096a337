"""Gradients, Hessians and Hessian-vector products of any function, with errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

import saddlecore
from saddlelab import finite_differences
from saddlelab.arguments import worker_count
from saddlelab.objective import Objective, as_objective, points_of
from saddlelab.threads import over_threads

__all__ = ["METHODS", "Derivative", "gradient", "hessian", "hvp"]

#: How derivatives can be taken; "auto" is "exact" where the function can be traced.
METHODS = ("auto", "exact", "central", "forward", "richardson")

Floats: TypeAlias = NDArray[np.float64]
_NONE = np.zeros((0, 0))
#: Numbers computed by one task of a thread.
_TASK = 200_000


@dataclass(frozen=True, slots=True)
class Derivative:
    """A derivative at one point or many, with an estimate of its error.

    Attributes
    ----------
    value : (…, n) or (…, n, n) float
        NaN where it could not be computed.
    error : same shape as value
        How far each entry may be from the truth.  For exact derivatives a running bound of the
        rounding errors; for differences an estimate of truncation, noise and rounding together.
    evaluations : (…) int
        Evaluations of the function at each point (of its gradient, for differences of that); an
        exact derivative counts as one.
    status : (…) str
        "ok"; "one-sided" where the function ends on one side of the point; "noisy" where noise
        leaves no digits; "not finite" where there is no value.
    method : str
        The method used.
    """

    value: Floats
    error: Floats
    evaluations: NDArray[np.int64] | np.int64
    status: NDArray[np.str_] | np.str_
    method: str


def gradient(
    f: Any,
    x: ArrayLike,
    *,
    method: str = "auto",
    step: ArrayLike | None = None,
    workers: int | None = None,
) -> Derivative:
    """Gradient of a function at one point or many.

    Parameters
    ----------
    f : callable or Objective
        ``f(x) -> float``.  See `saddlelab.objective`.
    x : (n,) or (m, n) array_like
    method : {"auto", "exact", "central", "forward", "richardson"}, optional
        "exact" differentiates the function as it was written, to rounding; "central" and
        "forward" take differences of second and first order, "richardson" of fourth.  "auto" is
        the gradient that the objective was given, else "exact" where that is possible, else
        "central".
    step : float or (n,) array_like, optional
        Absolute steps of differences; chosen for each variable by default.
    workers : int, optional
        Threads; all cores by default.

    Returns
    -------
    Derivative
        Its value has the shape of `x`.

    Raises
    ------
    ValueError
        If an argument is out of range, or `method` is "exact" and the function cannot be traced
        (the message says why).
    Exception
        Whatever the function raises, with the point in its notes.

    Examples
    --------
    >>> from saddlelab import gradient
    >>> gradient(lambda x: x[0] ** 2 * x[1], [3.0, 2.0]).value
    array([12.,  9.])
    """
    return _derive("gradient", f, x, None, method, step, workers)


def hessian(
    f: Any,
    x: ArrayLike,
    *,
    method: str = "auto",
    step: ArrayLike | None = None,
    workers: int | None = None,
) -> Derivative:
    """Hessian of a function at one point or many, symmetric by construction.

    Parameters
    ----------
    f, x, method, step, workers
        As for `gradient`.  Differences are taken of the objective's gradient if it was given one,
        else of its values.

    Returns
    -------
    Derivative
        Its value has shape (n, n) or (m, n, n).

    Raises
    ------
    ValueError, Exception
        As for `gradient`.

    Notes
    -----
    Exact: the graph of the function's operations is differentiated in reverse for the gradient
    and forward over that for the Hessian (Griewank & Walther 2008, ch. 3 and 5), which keeps
    entries that are always 0 out; then it is run for 32 points at once.

    Differences of values use H_ij = [f(+i+j) + f(−i−j) − f(+i) − f(−i) − f(+j) − f(−j) + 2f] /
    (2 h_i h_j) (Abramowitz & Stegun 25.3.27).

    Examples
    --------
    >>> from saddlelab import hessian
    >>> found = hessian(lambda x: x[0] ** 2 * x[1], [3.0, 2.0])
    >>> found.value
    array([[4., 6.],
           [6., 0.]])
    >>> found.method
    'exact'
    """
    return _derive("hessian", f, x, None, method, step, workers)


def hvp(
    f: Any,
    x: ArrayLike,
    v: ArrayLike,
    *,
    method: str = "auto",
    step: ArrayLike | None = None,
    workers: int | None = None,
) -> Derivative:
    """Hessian times a vector, without the Hessian.

    Parameters
    ----------
    f, x, method, step, workers
        As for `gradient`; "auto" prefers the product that the objective was given.
    v : (n,) or (m, n) array_like
        The vector, or one for each point.

    Returns
    -------
    Derivative
        Its value has the shape of `x`, or of `v` if that has more points.

    Raises
    ------
    ValueError, Exception
        As for `gradient`; also if `v` has not as many numbers as `x`.

    Examples
    --------
    >>> from saddlelab import hvp
    >>> hvp(lambda x: x[0] ** 2 * x[1], [3.0, 2.0], [1.0, 0.0]).value
    array([4., 6.])
    """
    return _derive("hvp", f, x, v, method, step, workers)


def _derive(
    what: str,
    f: Any,
    x: ArrayLike,
    v: ArrayLike | None,
    method: str,
    step: ArrayLike | None,
    workers: int | None,
) -> Derivative:
    if method not in METHODS:
        raise ValueError(f"`method` must be one of {', '.join(METHODS)}, got {method!r}")
    points, single = points_of(x)
    vectors = None
    if v is not None:
        vectors, single_v = points_of(v, "v")
        points, vectors = _together(points, vectors)
        single = single and single_v
    fun = as_objective(f)
    fun.check(points)
    threads = worker_count(workers) if fun.parallel else 1
    if method == "auto":
        method = _best(fun, what, points)
    if method == "exact":
        found = _exact(fun, what, points, vectors, threads)
    elif method == "given":
        found = _given(fun, what, points, vectors, threads)
    else:
        found = finite_differences.derive(fun, what, points, vectors, method, step, threads)
    fun.explain(points, found.value)
    if not single:
        return found
    return Derivative(
        found.value[0], found.error[0], found.evaluations[0], found.status[0], found.method
    )


def _best(fun: Objective, what: str, points: Floats) -> str:
    """What "auto" means for this objective."""
    if what in fun.given:
        return "given"
    try:
        fun.expressions(points[:1])
    except ValueError:
        return "central"
    return "exact"


def _together(points: Floats, vectors: Floats) -> tuple[Floats, Floats]:
    if points.shape[1] != vectors.shape[1]:
        raise ValueError(
            f"`v` must have as many numbers as `x`, {points.shape[1]}, got {vectors.shape[1]}"
        )
    if len(points) != len(vectors) and 1 not in (len(points), len(vectors)):
        raise ValueError(
            f"`v` must be one vector or one for each of the {len(points)} points, got "
            f"{len(vectors)}"
        )
    count = max(len(points), len(vectors))
    shape = (count, points.shape[1])
    both = (np.ascontiguousarray(np.broadcast_to(a, shape)) for a in (points, vectors))
    return next(both), next(both)


def _exact(
    fun: Objective, what: str, points: Floats, vectors: Floats | None, threads: int
) -> Derivative:
    m, n = points.shape
    columns = n * n if what == "hessian" else n
    value, error = np.zeros((m, columns)), np.zeros((m, columns))
    for expression, at in fun.expressions(points):
        everywhere = len(at) == m
        x = points if everywhere else points[at]
        if vectors is not None:
            x = np.hstack([x, vectors if everywhere else vectors[at]])
        into = (value, error) if everywhere else (value[at], error[at])
        made = getattr(expression, what)
        if made is None:
            _by_columns(expression, x, *into, threads)
        else:
            _run(made, x, *into, threads)
        if not everywhere:
            value[at], error[at] = into
    shape = (m, n, n) if what == "hessian" else (m, n)
    return _finished(value.reshape(shape), error.reshape(shape), np.ones(m, np.int64), "exact")


def _run(made: Any, x: Floats, value: Floats, error: Floats, threads: int) -> None:
    program, targets = made

    def part(rows: slice) -> None:
        saddlecore.evaluate.evaluate(
            program.code, program.constants, program.slots, x[rows], targets, value[rows],
            error[rows],
        )  # fmt: skip

    size = max(32, _TASK // (len(program.code) + 1) // 32 * 32)
    parts = [slice(first, first + size) for first in range(0, len(x), size)]
    over_threads(part, parts, threads)


def _by_columns(expression: Any, x: Floats, value: Floats, error: Floats, threads: int) -> None:
    """Compute a Hessian too long to be written out, from products with unit vectors."""
    n = x.shape[1]
    for k, point in enumerate(x):
        inputs = np.hstack([np.broadcast_to(point, (n, n)), np.eye(n)])
        columns, bounds = np.zeros((n, n)), np.zeros((n, n))
        _run(expression.hvp, inputs, columns, bounds, threads)
        # The two computations of an entry differ by rounding.
        value[k] = ((columns + columns.T) / 2).ravel()
        error[k] = np.maximum(bounds, bounds.T).ravel()


def _given(
    fun: Objective, what: str, points: Floats, vectors: Floats | None, threads: int
) -> Derivative:
    """Run the user's own gradient or product."""
    forms = saddlecore.forms
    slot = forms.GRADIENT if what == "gradient" else forms.HVP
    inputs = points if vectors is None else np.hstack([points, vectors])
    value = fun.run(inputs, slot, points.shape[1], points.shape[1], threads)
    fun.reraise()
    # Nobody knows the rounding in another's code; this much is in any.
    error = np.spacing(np.abs(value))
    return _finished(value, error, np.ones(len(points), np.int64), "given")


def _finished(value: Floats, error: Floats, evaluations: Any, method: str) -> Derivative:
    finite = np.isfinite(value.reshape(len(value), -1)).all(axis=1)
    status = np.where(finite, "ok", "not finite")
    return Derivative(value, error, evaluations, status, method)
