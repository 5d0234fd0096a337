"""Derivatives of Rosenbrock's function beside numdifftools, SciPy and JAX."""

import os

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import jax.numpy as jnp
import numdifftools
import numpy as np
from scipy import differentiate

from bench.harness import WORKERS, Row, Stopwatch, Table, alternate, check, cost, limit, versus

jax.config.update("jax_enable_x64", True)

POINTS = 10_000
# (n, at most this many times JAX's time: differences, exact)
BATCHES = ((2, 1.0, 1.0), (10, 1.0, 2.0), (30, None, 8.0))

NOTE = f"""\
Hessians of Rosenbrock's function.  *kernel* is a call of the engine's kernel with arrays made
beforehand, from Python; *call* is `saddlelab.hessian(f, x)` with everything it does and returns
(checks, errors, status).  One point, n = 10: beside `numdifftools.Hessian(f)(x)` and
`scipy.differentiate.hessian(f, x)`, f for them written in NumPy.  {POINTS:,} points, {WORKERS}
threads: beside `jax.jit(jax.vmap(jax.hessian(f)))` of the vectorised f in float64, its result
waited for.  *differences* are central, from values; *differences, pattern known* leave out the
entries that tracing showed to be always 0; all of them with errors estimated.  *from a gradient*
is central differences of a compiled gradient.  JAX's Hessian is exact; ratios are ours to JAX's
time where a target says "at most"."""


def rosenbrock(x):
    """With loops, as we compile it."""
    s = 0.0
    for i in range(len(x) - 1):
        a = x[i + 1] - x[i] * x[i]
        b = 1.0 - x[i]
        s += 100.0 * a * a + b * b
    return s


def slopes(x, out):
    """Its gradient, as a person would write it."""
    for i in range(len(x)):
        out[i] = 0.0 * x[i]
    for i in range(len(x) - 1):
        a = x[i + 1] - x[i] * x[i]
        out[i] += -400.0 * a * x[i] - 2.0 * (1.0 - x[i])
        out[i + 1] += 200.0 * a


def vectorised(x, xp=np):
    return xp.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2, axis=0)


def truth(X: np.ndarray) -> np.ndarray:
    """The Hessians, (m, n, n)."""
    m, n = X.shape
    H, i = np.zeros((m, n, n)), np.arange(n - 1)
    H[:, i, i] += 1200.0 * X[:, :-1] ** 2 - 400.0 * X[:, 1:] + 2.0
    H[:, i + 1, i + 1] += 200.0
    H[:, i, i + 1] = H[:, i + 1, i] = -400.0 * X[:, :-1]
    return H


def run(quick: bool) -> Table:
    from saddlelab import objective

    repeats = 2 if quick else 5
    plain, sloped = objective(rosenbrock), objective(rosenbrock, gradient=slopes)
    rows: list[Row] = [*_one_point(plain, repeats)]
    for n, differences, exact in BATCHES:
        rows += _many_points(plain, n, differences, exact, repeats)
    rows += _from_gradient(sloped, repeats)
    return Table("derivatives", NOTE, rows)


# --- one point -----------------------------------------------------------------------------------


def _one_point(fun, repeats: int) -> list[Row]:
    from saddlelab import hessian

    x = np.random.default_rng(0).standard_normal(10)
    measures = {
        "kernel": Stopwatch(_differences(fun, x[None], _all_pairs(10))),
        "call": Stopwatch(lambda: hessian(fun, x, method="central")),
        "exact": Stopwatch(lambda: hessian(fun, x)),
        "numdifftools": Stopwatch(lambda: numdifftools.Hessian(vectorised)(x), loops=1),
        "scipy": Stopwatch(lambda: differentiate.hessian(vectorised, x).ddf, loops=1),
    }
    found = alternate(measures, repeats)
    _check(measures["kernel"].answer[0], measures["kernel"].answer[1], x[None], "one point")
    np.testing.assert_allclose(measures["scipy"].answer, truth(x[None])[0], atol=1e-4)
    size, rows = "n = 10", []
    for peer, kernel, call in (("numdifftools", 5000, 1400), ("scipy", 3000, 800)):
        name = "scipy.differentiate.hessian" if peer == "scipy" else "numdifftools.Hessian"
        for ours, target in (("kernel", kernel), ("call", call)):
            job = f"one point, differences, {ours}"
            rows.append(versus(job, size, found[ours], name, found[peer], at_least=target))
    microseconds = {name: [1e6 * t for t in found[name]] for name in ("call", "exact")}
    return [
        *rows,
        limit("one point, differences, call", size, microseconds["call"], "µs", at_most=10.0),
        limit("one point, exact, call", size, microseconds["exact"], "µs", at_most=10.0),
    ]


# --- many points ---------------------------------------------------------------------------------


def _many_points(fun, n: int, differences, exact, repeats: int) -> list[Row]:
    from saddlelab import hessian

    X = np.random.default_rng(n).standard_normal((POINTS, n))
    pattern = fun.expressions(X[:1])[0][0].pattern
    with_jax = jax.jit(jax.vmap(jax.hessian(lambda x: vectorised(x, jnp))))
    there = jnp.asarray(X)
    measures = {
        "differences": Stopwatch(_differences(fun, X, _all_pairs(n))),
        "differences, pattern known": Stopwatch(_differences(fun, X, pattern)),
        "exact": Stopwatch(_exact(fun, X)),
        "exact, call": Stopwatch(lambda: hessian(fun, X, workers=WORKERS)),
        "jax": Stopwatch(lambda: with_jax(there).block_until_ready()),
    }
    found = alternate(measures, repeats)
    np.testing.assert_allclose(measures["jax"].answer, truth(X), rtol=1e-9, atol=1e-9)
    for name in ("differences", "differences, pattern known"):
        _check(*measures[name].answer, X, f"n = {n}, {name}")
    np.testing.assert_allclose(measures["exact"].answer, truth(X), rtol=1e-12, atol=1e-10)
    each = {name: [t / POINTS for t in times] for name, times in found.items()}
    targets = {"differences": differences, "exact": exact}
    return [
        cost(name, f"n = {n}", each[name], "jax", each["jax"], at_most=targets.get(name))
        for name in measures
        if name != "jax"
    ]


def _from_gradient(fun, repeats: int) -> list[Row]:
    n, m = 100, 1000
    X = np.random.default_rng(n).standard_normal((m, n))
    with_jax = jax.jit(jax.vmap(jax.hessian(lambda x: vectorised(x, jnp))))
    there = jnp.asarray(X)
    measures = {
        "ours": Stopwatch(_gradients(fun, X)),
        "jax": Stopwatch(lambda: with_jax(there).block_until_ready()),
    }
    found = alternate(measures, repeats)
    _check(*measures["ours"].answer, X, "from a gradient")
    each = {name: [t / m for t in times] for name, times in found.items()}
    return [
        cost("from a gradient", f"n = {n}, {m} points", each["ours"], "jax", each["jax"],
             at_most=1.0)
    ]  # fmt: skip


# --- ours, with arrays made beforehand -----------------------------------------------------------


def _all_pairs(n: int) -> np.ndarray:
    return np.stack(np.tril_indices(n, -1), axis=1).astype(np.int64)


def _parts(m: int, size: int) -> list[slice]:
    return [slice(k, k + size) for k in range(0, m, size)]


def _differences(fun, X: np.ndarray, pairs: np.ndarray):
    import saddlecore
    from saddlelab.threads import over_threads

    m, n = X.shape
    table, steps = fun.table(n, exact=False), np.empty(0)
    kernel = saddlecore.differences.hessian_differences
    H, error = np.zeros((m, n, n)), np.zeros((m, n, n))
    counts, status = np.zeros(m, np.int64), np.zeros(m, np.int64)

    def part(k: slice) -> None:
        kernel(table, X[k], pairs, 0, steps, -1.0, H[k], error[k], counts[k], status[k])

    return _threaded(part, m, over_threads, (H, error))


def _gradients(fun, X: np.ndarray):
    import saddlecore
    from saddlelab.threads import over_threads

    m, n = X.shape
    table, steps, counts = fun.table(n, exact=False), np.empty(0), np.zeros(m, np.int64)
    H, error = np.zeros((m, n, n)), np.zeros((m, n, n))

    def part(k: slice) -> None:
        saddlecore.slopes.hessian_from_gradients(table, X[k], 0, steps, H[k], error[k], counts[k])

    return _threaded(part, m, over_threads, (H, error))


def _exact(fun, X: np.ndarray):
    import saddlecore
    from saddlelab.threads import over_threads

    m, n = X.shape
    (expression, _), *_ = fun.expressions(X)
    program, targets = expression.hessian
    H, none = np.zeros((m, n * n)), np.zeros((0, 0))

    def part(k: slice) -> None:
        saddlecore.evaluate.evaluate(*program.parts, X[k], targets, H[k], none)

    return _threaded(part, m, over_threads, H.reshape(m, n, n))


def _threaded(part, m: int, over_threads, answer):
    if m == 1:
        everything = slice(0, 1)

        def once():
            part(everything)
            return answer

        return once
    parts = _parts(m, max(8, m // (4 * WORKERS) // 8 * 8))

    def call():
        over_threads(part, parts, WORKERS)
        return answer

    return call


def _check(H: np.ndarray, error: np.ndarray, X: np.ndarray, what: str) -> None:
    held = np.abs(H - truth(X)) <= error
    check(held.mean() >= 0.99, f"{what}: the error held in only {held.mean():.2%} of the entries")
