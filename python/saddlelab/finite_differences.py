"""Derivatives by finite differences: what the engine needs, and what it found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

import saddlecore
from saddlelab.objective import Objective
from saddlelab.threads import over_threads

__all__ = ["derive"]

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]
Found: TypeAlias = tuple[Floats, Floats, Integers, Integers]

_EPS = float(np.finfo(np.float64).eps)
#: Evaluations worth another thread.
_TASK = 20_000


def derive(
    fun: Objective,
    what: str,
    points: Floats,
    vectors: Floats | None,
    method: str,
    step: ArrayLike | None,
    threads: int,
) -> Found:
    """Value, error, evaluations and codes of "gradient", "hessian" or "hvp" at many points."""
    steps = _steps(step, points.shape[1])
    if vectors is not None:
        if "gradient" in fun.given:
            return _product_from_gradients(fun, points, vectors, threads)
        return _product_from_hessian(_hessian(fun, points, method, steps, threads), vectors)
    if what == "hessian":
        return _hessian(fun, points, method, steps, threads)
    return _gradient(fun, points, method, steps, threads)


def _steps(step: ArrayLike | None, n: int) -> Floats:
    """Absolute steps for each variable; none if they are to be chosen."""
    if step is None:
        return np.empty(0)
    try:
        steps = np.array(step, dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"`step` must be a number or one for each variable, got {step!r}") from None
    if steps.shape not in ((), (n,)):
        raise ValueError(
            f"`step` must be a number or have shape ({n},), one for each variable, got shape "
            f"{steps.shape}"
        )
    bad = ~((steps > 0.0) & np.isfinite(steps))
    if bad.any():
        raise ValueError(f"`step` must be positive and finite, got {float(steps[bad][0])!r}")
    return np.ascontiguousarray(np.broadcast_to(steps, n))


def _scheme(method: str) -> int:
    return int(getattr(saddlecore.differences, method.upper()))


def _gradient(fun: Objective, points: Floats, method: str, steps: Floats, threads: int) -> Found:
    table = fun.table(points.shape[1], exact=False)
    shape, cost = points.shape, 4 * points.shape[1]

    def kernel(x: Floats, *out: Any) -> None:
        saddlecore.differences.gradient_differences(
            table, x, _scheme(method), steps, -1.0, *out
        )

    return _over_points(kernel, points, shape, cost, threads)


def _hessian(fun: Objective, points: Floats, method: str, steps: Floats, threads: int) -> Found:
    m, n = points.shape
    table, scheme = fun.table(n, exact=False), _scheme(method)
    if "gradient" in fun.given:
        return _from_gradients(fun, points, scheme, steps, threads)
    pairs = _pairs(fun, points)

    def kernel(x: Floats, *out: Any) -> None:
        saddlecore.differences.hessian_differences(
            table, x, pairs, scheme, saddlecore.forms.VALUE, steps, -1.0, *out
        )

    return _over_points(kernel, points, (m, n, n), n * n, threads)


def _from_gradients(
    fun: Objective, points: Floats, scheme: int, steps: Floats, threads: int
) -> Found:
    m, n = points.shape
    table = fun.table(n, exact=False)

    def kernel(x: Floats, value: Floats, error: Floats, evaluations: Integers, _: Any) -> None:
        saddlecore.slopes.hessian_from_gradients(table, x, scheme, steps, value, error, evaluations)

    found = _over_points(kernel, points, (m, n, n), n * n, threads)
    fun.reraise()
    return found


def _pairs(fun: Objective, points: Floats) -> Integers:
    """Pairs i > j of variables whose mixed derivative is not known to be always 0."""
    n = points.shape[1]
    expression = fun.expression(n) if fun.is_traced(points[:1]) else None
    pattern = None if expression is None else expression.pattern
    if pattern is not None:
        return np.ascontiguousarray(pattern)
    return np.stack(np.tril_indices(n, -1), axis=1).astype(np.int64)


def _over_points(
    kernel: Callable[..., None], points: Floats, shape: tuple[int, ...], cost: int, threads: int
) -> Found:
    """Run a kernel over the points, in groups of eight."""
    m = len(points)
    value, error = np.zeros(shape), np.zeros(shape)
    evaluations, status = np.zeros(m, np.int64), np.zeros(m, np.int64)

    def part(rows: slice) -> None:
        kernel(points[rows], value[rows], error[rows], evaluations[rows], status[rows])

    size = max(8, _TASK // cost // 8 * 8)
    over_threads(part, [slice(k, k + size) for k in range(0, m, size)], threads)
    return value, error, evaluations, _codes(status)


def _codes(status: Integers) -> Integers:
    """The engine's flags as numbers of `saddlelab.derivatives.STATUSES`; the gravest one counts."""
    differences, codes = saddlecore.differences, np.zeros_like(status)
    for code, flag in ((1, differences.ONE_SIDED), (2, differences.NOISY),
                       (3, differences.INCOMPLETE), (3, differences.NOT_FINITE)):  # fmt: skip
        codes[status & flag != 0] = code
    return codes


def _product_from_hessian(found: Found, vectors: Floats) -> Found:
    """H v from H: without a gradient, differences of values must visit every pair anyway."""
    value, error, evaluations, codes = found
    product = np.einsum("mij,mj->mi", value, vectors)
    return product, np.einsum("mij,mj->mi", error, np.abs(vectors)), evaluations, codes


def _product_from_gradients(
    fun: Objective, points: Floats, vectors: Floats, threads: int
) -> Found:
    """[∇f(x + h v) − ∇f(x − h v)] / 2h, its error from twice the step."""
    m, n = points.shape
    size = np.abs(vectors).max(axis=1, keepdims=True)
    h = np.cbrt(_EPS) * np.maximum(np.abs(points).max(axis=1, keepdims=True), 1.0)
    h = np.divide(h, size, out=np.ones_like(h), where=size > 0.0)
    moves = [points + k * h * vectors for k in (1.0, -1.0, 2.0, -2.0)]
    slopes = fun.run(np.vstack(moves), saddlecore.forms.GRADIENT, n, n, threads)
    fun.reraise()
    up, down, further_up, further_down = slopes.reshape(4, m, n)
    value = (up - down) / (2.0 * h)
    truncation = np.abs(value - (further_up - further_down) / (4.0 * h)) / 3.0
    rounding = _EPS * (np.abs(up) + np.abs(down)) / h
    return value, truncation + 4.0 * rounding, np.full(m, 4), np.zeros(m, np.int64)
