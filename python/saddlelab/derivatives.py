"""Gradients, Hessians and Hessian-vector products of any function, with errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

import saddlecore
from saddlelab import finite_differences
from saddlelab.arguments import worker_count
from saddlelab.as_objective import as_objective
from saddlelab.finite_differences import once
from saddlelab.objective import Objective
from saddlelab.points import points_of
from saddlelab.threads import over_threads

__all__ = ["METHODS", "STATUSES", "Derivative", "gradient", "hessian", "hvp"]

#: How derivatives can be taken; "auto" is "exact" where the function can be traced.
METHODS = ("auto", "exact", "central", "forward", "richardson")

Floats: TypeAlias = NDArray[np.float64]
#: Value, error, evaluations and codes at many points.
Found: TypeAlias = tuple[Floats, Floats, NDArray[np.int64], NDArray[np.int64]]
_NONE = np.zeros((0, 0))
#: Numbers computed by one task of a thread, and points that are not worth another thread.
_TASK, _FEW = 200_000, 32


#: What `Derivative.status` can say.
STATUSES = ("ok", "one-sided", "noisy", "not finite")


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
    method : str
        The method used: one of `METHODS`, or "given" for the objective's own.
    codes : (…) int
        `status` by number.
    """

    value: Floats
    error: Floats
    evaluations: NDArray[np.int64]
    method: str
    codes: NDArray[np.int64]

    @property
    def status(self) -> NDArray[np.str_] | np.str_:
        """(…) str: one of `STATUSES` for each point.

        "one-sided" where the function ends on one side of the point; "noisy" where noise leaves
        no digits; "not finite" where there is no value.
        """
        found = np.array(STATUSES)[self.codes]
        return found if isinstance(found, np.ndarray) else np.str_(found)


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
    return derive("gradient", f, x, None, method, step, workers)


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
    return derive("hessian", f, x, None, method, step, workers)


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
    return derive("hvp", f, x, v, method, step, workers)


def derive(
    what: str,
    f: Any,
    x: ArrayLike,
    v: ArrayLike | None = None,
    method: str = "auto",
    step: ArrayLike | None = None,
    workers: int | None = None,
    *,
    errors: bool = True,
) -> Derivative:
    """Compute what `gradient`, `hessian` and `hvp` return; without ``errors`` those are empty."""
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
    threads = 1 if len(points) < _FEW or not fun.parallel else worker_count(workers)
    if method == "auto":
        method = _best(fun, what, points)
    if method == "exact":
        found = _exact(fun, what, points, vectors, threads, errors)
    elif method == "given":
        # A Hessian of its own knows what is worth a thread.
        threads = worker_count(workers) if what == "hessian" else threads
        found = _given(fun, what, points, vectors, threads, errors)
    else:
        found = finite_differences.derive(fun, what, points, vectors, method, step, threads)
        fun.reraise()  # or the next call would, of what a callback raised beside the points
    value, error, evaluations, codes = found
    if np.count_nonzero(codes):
        fun.explain(points, value, vectors, derivatives=True)
    if single:
        return Derivative(value[0], error[0], evaluations[0], method, codes[0])
    return Derivative(value, error, evaluations, method, codes)


def _best(fun: Objective, what: str, points: Floats) -> str:
    """What "auto" means for this objective."""
    if what in fun.given:
        return "given"
    return "exact" if fun.is_traced(points[:1]) else "central"


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
    fun: Objective, what: str, points: Floats, vectors: Floats | None, threads: int, errors: bool
) -> Found:
    m, n = points.shape
    columns = n * n if what == "hessian" else n
    value = np.zeros((m, columns))
    error = np.zeros((m, columns)) if errors else np.zeros((m, 0))
    inputs = points if vectors is None else np.hstack([points, vectors])
    for expression, at in fun.expressions(points):
        made = fun.program(expression, what)
        run = run_program if made is not None else _by_columns
        if made is None:
            made = fun.program(expression, "hvp")
        if len(at) == m:
            run(made, inputs, value, error, threads)
        else:
            parts = value[at], error[at]
            run(made, inputs[at], *parts, threads)
            value[at], error[at] = parts
    if what == "hessian":
        value = value.reshape(m, n, n)
        error = error.reshape(m, n, n) if errors else error
    return value, error, *once(value)


def run_program(made: Any, x: Floats, value: Floats, error: Floats, threads: int) -> None:
    """Run a traced program at every row of x; an `error` without columns is left out."""
    program, targets = made
    evaluate, (code, constants, slots) = saddlecore.evaluate.evaluate, program.parts
    size = max(32, _TASK // (len(code) + 1) // 32 * 32)
    if threads == 1 or len(x) <= size:
        evaluate(code, constants, slots, x, targets, value, error if error.shape[1] else _NONE)
        return

    def part(rows: slice) -> None:
        bounds = error[rows] if error.shape[1] else _NONE
        evaluate(code, constants, slots, x[rows], targets, value[rows], bounds)

    over_threads(part, [slice(k, k + size) for k in range(0, len(x), size)], threads)


def _by_columns(product: Any, x: Floats, value: Floats, error: Floats, threads: int) -> None:
    """Compute a Hessian too long to be written out, from products with unit vectors."""
    n = x.shape[1]
    for k, point in enumerate(x):
        inputs = np.hstack([np.broadcast_to(point, (n, n)), np.eye(n)])
        columns, bounds = np.zeros((n, n)), np.zeros((n, n))
        run_program(product, inputs, columns, bounds, threads)
        # The two computations of an entry differ by rounding.
        value[k] = ((columns + columns.T) / 2).ravel()
        if error.shape[1]:
            error[k] = np.maximum(bounds, bounds.T).ravel()


def _given(
    fun: Objective, what: str, points: Floats, vectors: Floats | None, threads: int, errors: bool
) -> Found:
    """Run the objective's own gradient, product or Hessian."""
    if what == "hessian":
        value, error = fun.given_hessian(points, threads)
        return value, error, *once(value)
    forms = saddlecore.forms
    slot = forms.GRADIENT if what == "gradient" else forms.HVP
    inputs = points if vectors is None else np.hstack([points, vectors])
    value = fun.run(inputs, slot, points.shape[1], points.shape[1], threads)
    fun.reraise()
    error = fun.rounding(what, points, vectors, value) if errors else np.zeros((len(value), 0))
    return value, error, *once(value)
