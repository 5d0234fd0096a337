"""Derivatives by finite differences: what the engine needs, and what it found."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

import saddlecore
from saddlelab.objective import Objective
from saddlelab.points import all_finite
from saddlelab.threads import over_threads

__all__ = ["derive", "once"]

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]
Found: TypeAlias = tuple[Floats, Floats, Integers, Integers]

_EPS = float(np.finfo(np.float64).eps)
#: Evaluations worth another thread.
_TASK = 20_000
#: Steps tried for a product; and how much larger truncation or rounding may be than the other.
_MOST_STEPS, _UNEVEN = 12, 16.0


def _constant(value: int) -> Integers:
    made = np.array([value], np.int64)
    made.flags.writeable = False  # results share it
    return made


_CHOSEN, _ZERO, _ONE = np.empty(0), _constant(0), _constant(1)


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
            return _product_from_gradients(fun, points, vectors, steps, threads)
        return _product(fun, points, vectors, method, steps, threads)
    if what == "hessian":
        return _hessian(fun, points, method, steps, threads)
    return _gradient(fun, points, method, steps, threads)


def _steps(step: ArrayLike | None, n: int) -> Floats:
    """Absolute steps for each variable; none if they are to be chosen."""
    if step is None:
        return _CHOSEN
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


@functools.cache
def _scheme(method: str) -> int:
    return int(getattr(saddlecore.differences, method.upper()))


def _gradient(fun: Objective, points: Floats, method: str, steps: Floats, threads: int) -> Found:
    table, scheme = fun.table(points.shape[1], exact=False), _scheme(method)
    differences, cost = saddlecore.differences.gradient_differences, 4 * points.shape[1]

    def kernel(x: Floats, *out: Any) -> None:
        differences(table, x, scheme, steps, -1.0, *out)

    return _over_points(kernel, points, points.shape, cost, threads)


def _hessian(fun: Objective, points: Floats, method: str, steps: Floats, threads: int) -> Found:
    m, n = points.shape
    table, scheme = fun.table(n, exact=False), _scheme(method)
    if "gradient" in fun.given:
        return _from_gradients(fun, points, scheme, steps, threads)
    pairs, differences = _pairs(fun, points), saddlecore.differences.hessian_differences

    def kernel(x: Floats, *out: Any) -> None:
        differences(table, x, pairs, scheme, steps, -1.0, *out)

    return _over_points(kernel, points, (m, n, n), n * n, threads)


def _from_gradients(
    fun: Objective, points: Floats, scheme: int, steps: Floats, threads: int
) -> Found:
    m, n = points.shape
    table = fun.table(n, exact=False)

    def kernel(x: Floats, value: Floats, error: Floats, evaluations: Integers, _: Any) -> None:
        saddlecore.slopes.hessian_from_gradients(table, x, scheme, steps, value, error, evaluations)

    value, error, evaluations, _ = _over_points(kernel, points, (m, n, n), n * n, threads)
    fun.reraise()
    return value, error, evaluations, once(value)[1]


def _pairs(fun: Objective, points: Floats) -> Integers:
    """Pairs i > j of variables whose mixed derivative is not known to be always 0."""
    n = points.shape[1]
    expression = fun.expression(n)
    if expression is None and fun.is_traced(points[:1]):
        expression = fun.expression(n)
    pattern = None if expression is None else fun.program(expression, "pattern")
    return _every_pair(n) if pattern is None else pattern


@functools.lru_cache(maxsize=8)
def _every_pair(n: int) -> Integers:
    return np.stack(np.tril_indices(n, -1), axis=1).astype(np.int64)


def _over_points(
    kernel: Callable[..., None], points: Floats, shape: tuple[int, ...], cost: int, threads: int
) -> Found:
    """Run a kernel over the points, in groups of eight."""
    m = len(points)
    value, error = np.zeros(shape), np.zeros(shape)
    evaluations, status = np.zeros(m, np.int64), np.zeros(m, np.int64)
    size = max(8, _TASK // cost // 8 * 8)
    if threads == 1 or m <= size:
        kernel(points, value, error, evaluations, status)
        return value, error, evaluations, _codes(status)

    def part(rows: slice) -> None:
        kernel(points[rows], value[rows], error[rows], evaluations[rows], status[rows])

    # No part of less than eight points: the engine takes those one by one, which rounds otherwise.
    starts = range(0, max(m - 7, 1), size)
    ends = [k + size if k + size + 8 <= m else m for k in starts]
    over_threads(part, list(map(slice, starts, ends)), threads)
    return value, error, evaluations, _codes(status)


def _codes(status: Integers) -> Integers:
    """The engine's flags as numbers of `saddlelab.derivatives.STATUSES`."""
    code_of = _code_of_flags()
    if len(status) == 1:
        return code_of[status.item()]
    return np.concatenate(code_of)[status]


@functools.cache
def _code_of_flags() -> list[Integers]:
    """The code, (1,), of every sum of flags: the gravest one counts."""
    engine, codes = saddlecore.differences, []
    for status in range(2 * engine.INCOMPLETE):
        code = 0
        for possible, flag in ((1, engine.ONE_SIDED), (2, engine.NOISY),
                               (3, engine.INCOMPLETE), (3, engine.NOT_FINITE)):  # fmt: skip
            code = possible if status & flag else code
        codes.append(_constant(code))
    return codes


def once(value: Floats) -> tuple[Integers, Integers]:
    """One evaluation at each point, and codes that say where `value` is not finite."""
    m = len(value)
    if all_finite(value):
        return (_ONE, _ZERO) if m == 1 else (np.ones(m, np.int64), np.zeros(m, np.int64))
    bad = ~np.isfinite(value).all(axis=tuple(range(1, value.ndim)))
    return np.ones(m, np.int64), np.where(bad, 3, 0).astype(np.int64)


def _product(
    fun: Objective, points: Floats, vectors: Floats, method: str, steps: Floats, threads: int
) -> Found:
    """H v from values."""
    n = points.shape[1]
    table, scheme = fun.table(n, exact=False), _scheme(method)
    both = np.stack([points, vectors], axis=1)

    def kernel(xv: Floats, *out: Any) -> None:
        x, v = np.ascontiguousarray(xv[:, 0]), np.ascontiguousarray(xv[:, 1])
        saddlecore.products.product_differences(table, x, v, scheme, steps, -1.0, *out)

    return _over_points(kernel, both, points.shape, 8 * n, threads)


def _product_from_gradients(
    fun: Objective, points: Floats, vectors: Floats, steps: Floats, threads: int
) -> Found:
    """[∇f(x + h v) − ∇f(x − h v)] / 2h, its error from twice the step.

    Without ``steps`` h is changed until truncation and rounding balance, and the best is kept of
    each number.
    """
    m = len(points)
    h, size = _first_step(points, vectors, steps)
    value, error = np.full(points.shape, np.nan), np.full(points.shape, np.inf)
    evaluations, before, left = np.zeros(m, np.int64), np.zeros(m), np.arange(m)
    for _ in range(1 if len(steps) else _MOST_STEPS):
        found, *parts = _central(fun, points[left], vectors[left], h[left], size[left], threads)
        evaluations[left] += 4
        doubt = sum(parts)
        better = doubt < error[left]
        value[left] = np.where(better, found, value[left])
        error[left] = np.where(better, doubt, error[left])
        truncation, rounding = (part.max(axis=1) for part in parts)
        longer = (rounding > _UNEVEN * truncation).astype(float)
        direction = longer - ~(truncation <= _UNEVEN * rounding)  # shorter also where it is NaN
        h[left] *= 8.0 ** direction[:, None]
        going = (direction != 0.0) & (direction != -before[left])
        before[left] = direction
        left = left[going]
        if not len(left):
            break
    return value, error, evaluations, once(value)[1]


def _first_step(points: Floats, vectors: Floats, steps: Floats) -> tuple[Floats, Floats]:
    """A step along each vector, and how long the point is in units of the vector, (m, 1)."""
    length = np.abs(vectors).max(axis=1, keepdims=True)
    length = np.where(length > 0.0, length, 1.0)
    size = np.abs(points).max(axis=1, keepdims=True) / length
    if not len(steps):
        return np.cbrt(_EPS) * np.maximum(size, 1.0 / length), size
    each = np.full_like(vectors, np.inf)
    np.divide(steps, np.abs(vectors), out=each, where=vectors != 0.0)
    h = each.min(axis=1, keepdims=True)
    return np.where(np.isfinite(h), h, 1.0), size


def _central(
    fun: Objective, points: Floats, vectors: Floats, h: Floats, size: Floats, threads: int
) -> tuple[Floats, Floats, Floats]:
    """The difference, what truncation does to it and what rounding does."""
    m, n = points.shape
    moves = [points + k * h * vectors for k in (1.0, -1.0, 2.0, -2.0)]
    slopes = fun.run(np.vstack(moves), saddlecore.forms.GRADIENT, n, n, threads)
    fun.reraise()
    up, down, further_up, further_down = slopes.reshape(4, m, n)
    value = (up - down) / (2.0 * h)
    truncation = 2.0 * np.abs(value - (further_up - further_down) / (4.0 * h))
    # Of the gradients as they are, and of x, which moves them by H x.
    largest = np.abs(slopes.reshape(4, m, n)).max(axis=0)
    rounding = 4.0 * _EPS * (largest + np.abs(value) * size) / h
    return value, truncation, rounding
