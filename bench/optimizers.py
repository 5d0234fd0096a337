"""Optimizers: thousands of starts at once, beside optax, PyTorch and loops in Python."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from bench.harness import WORKERS, Row, Stopwatch, Table, alternate, check, cost, versus

STARTS, STEPS = 8000, 1000

NOTE = f"""\
{STARTS:,} starts, {STEPS:,} steps, `minimize(…, workers={WORKERS})`, whole calls; times per step
and start.  optax runs under `jit(vmap(lax.scan))` in float64; `torch.optim` over all starts as one
tensor, and one start at a time; the loop is a tutorial's, one start in NumPy.  Everybody has the
same analytic gradient, and ends at the same points, to {{tolerance:g}} of their size but for at
most {{exceptions:.1%}} of the starts, whose paths amplify roundings.  Recording is compared with
not recording."""

TOLERANCE, EXCEPTIONS = 1e-6, 1e-3


class Problem(NamedTuple):
    name: str
    n: int
    value: Callable[..., Any]
    slope: Callable[..., Any]
    rates: dict[str, float]


def rosenbrock(x):
    total = 0.0
    for i in range(len(x) - 1):
        total += 100.0 * (x[i + 1] - x[i] ** 2) ** 2 + (1.0 - x[i]) ** 2
    return total


def rosenbrock_slope(x, out):
    carried = 0.0 * x[0]
    for i in range(len(x) - 1):
        d = x[i + 1] - x[i] * x[i]
        out[i] = carried - 400.0 * x[i] * d - 2.0 * (1.0 - x[i])
        carried = 200.0 * d
    out[len(x) - 1] = carried


def saddle(x):
    return 0.5 * (x[0] ** 2 - x[1] ** 2)


def saddle_slope(x, out):
    out[0] = x[0]
    out[1] = -x[1]


PROBLEMS = (
    Problem("Rosenbrock, n = 10", 10, rosenbrock, rosenbrock_slope, {"adam": 1e-3, "gd": 1e-4}),
    Problem("saddle, n = 2", 2, saddle, saddle_slope, {"adam": 1e-2, "gd": 1e-3}),
)
#: How many times optax's time is to be ours, by method and number of variables.
TARGETS = {("adam", 10): 8.0, ("gd", 10): 4.0, ("adam", 2): 2.0, ("gd", 2): 1.5}


def run(quick: bool) -> Table:
    rows: list[Row] = []
    repeats = 3 if quick else 9
    for problem in PROBLEMS:
        for method in ("adam", "gd"):
            rows += _first_order(problem, method, repeats)
    rows += _recording(PROBLEMS[0], repeats)
    rows.append(_saddle_free(repeats))
    return Table("optimizers", NOTE.format(tolerance=TOLERANCE, exceptions=EXCEPTIONS), rows)


def _starts(n: int) -> np.ndarray:
    return 0.5 * np.random.default_rng(0).standard_normal((STARTS, n))


def _ours(problem: Problem, method: str, starts: np.ndarray, steps: int, **more: Any) -> Any:
    from saddlelab import minimize, objective

    fun = objective(problem.value, gradient=problem.slope)
    rate = problem.rates[method]
    return lambda: minimize(
        fun, starts, method=method, lr=rate, steps=steps, workers=WORKERS, **more
    )


def _first_order(problem: Problem, method: str, repeats: int) -> list[Row]:
    starts, n = _starts(problem.n), problem.n
    optax = Stopwatch(_optax(problem, method, starts), 1)
    ours = Stopwatch(_ours(problem, method, starts, STEPS), 1)
    batched = Stopwatch(_torch(problem, method, starts), 1)
    single = Stopwatch(_torch(problem, method, starts[:1]), 1)
    loop = Stopwatch(_loop(problem, method, starts[0]), 1)
    times = alternate(
        {"ours": ours, "optax": optax, "batched": batched, "single": single, "loop": loop}, repeats
    )
    _same(ours.answer.x, np.asarray(optax.answer), f"optax {method} {problem.name}")
    _same(ours.answer.x, batched.answer, f"torch {method} {problem.name}")
    _same(ours.answer.x[:1], single.answer, f"torch, one start, {method} {problem.name}")
    _same(ours.answer.x[0], loop.answer, f"loop {method} {problem.name}")
    one = ("single", "loop")
    each = {
        name: [t / (STEPS * (1 if name in one else STARTS)) for t in times[name]] for name in times
    }
    name, size = f"`{method}`", problem.name
    return [
        versus(name, size, each["ours"], "optax", each["optax"], at_least=TARGETS[method, n]),
        versus(name, size, each["ours"], "`torch.optim`, all starts", each["batched"],
               at_least=20.0),
        versus(name, size, each["ours"], "`torch.optim`, one start", each["single"],
               at_least=1000.0),
        versus(name, size, each["ours"], "loop in Python", each["loop"], at_least=10_000.0),
    ]  # fmt: skip


def _same(ours: np.ndarray, theirs: np.ndarray, what: str) -> None:
    off = np.abs(np.atleast_2d(ours - theirs)).max(axis=1) / np.max(np.abs(theirs))
    share = float(np.mean(off > TOLERANCE))
    check(share <= EXCEPTIONS, f"{what}: {share:.2%} of the end points differ, by {off.max():g}")


def _recording(problem: Problem, repeats: int) -> list[Row]:
    starts = _starts(problem.n)
    watches = {
        "nothing": Stopwatch(_ours(problem, "adam", starts, STEPS), 1),
        "gradient_norm": Stopwatch(
            _ours(problem, "adam", starts, STEPS, record="gradient_norm"), 1
        ),
        "value": Stopwatch(_ours(problem, "adam", starts, STEPS, record={"value": 10}), 1),
    }
    times = alternate(watches, repeats)
    each = {name: [t / (STARTS * STEPS) for t in times[name]] for name in times}
    return [
        cost(f"`adam`, recording {what}", problem.name, each[name], "nothing recorded",
             each["nothing"], at_most=1.1)
        for name, what in (("gradient_norm", "every gradient norm"),
                           ("value", "every tenth value"))
    ]  # fmt: skip


def _saddle_free(repeats: int) -> Row:
    """Dauphin's method, dense, beside a loop over NumPy's `eigh`."""
    from saddlelab import minimize, objective

    starts, steps, few = 1.0 + 0.1 * _starts(10), 20, 20
    fun = objective(rosenbrock)
    ours = Stopwatch(lambda: minimize(fun, starts, method="saddle_free_newton", steps=steps,
                                      workers=WORKERS))  # fmt: skip
    loop = Stopwatch(lambda: _saddle_free_loop(starts[:few], steps), 1)
    times = alternate({"ours": ours, "loop": loop}, repeats)
    _same(ours.answer.x[:few], loop.answer, "saddle-free Newton")
    return versus(
        "`saddle_free_newton`", "Rosenbrock, n = 10",
        [t / (STARTS * steps) for t in times["ours"]], "loop over `numpy.linalg.eigh`",
        [t / (few * steps) for t in times["loop"]], at_least=50.0,
    )  # fmt: skip


def _saddle_free_loop(starts: np.ndarray, steps: int) -> np.ndarray:
    """One start at a time; the Hessian in NumPy's array operations."""
    ends = []
    for x in starts:
        for _ in range(steps):
            d = x[1:] - x[:-1] ** 2
            g = np.zeros_like(x)
            g[1:] += 200.0 * d
            g[:-1] += -400.0 * x[:-1] * d - 2.0 * (1.0 - x[:-1])
            main = np.zeros_like(x)
            main[1:] += 200.0
            main[:-1] += 800.0 * x[:-1] ** 2 - 400.0 * d + 2.0
            off = -400.0 * x[:-1]
            H = np.diag(main) + np.diag(off, 1) + np.diag(off, -1)
            values, Q = np.linalg.eigh(H)
            x = x - Q @ ((Q.T @ g) / np.abs(values))
        ends.append(x)
    return np.array(ends)


# --- peers ------------------------------------------------------------------------------------


def _optax(problem: Problem, method: str, starts: np.ndarray) -> Callable[[], Any]:
    import jax
    import jax.numpy as jnp
    import optax

    jax.config.update("jax_enable_x64", True)
    made = {"adam": optax.adam, "gd": optax.sgd}[method](problem.rates[method])

    def slope(x):
        if problem.n == 2:
            return jnp.array([x[0], -x[1]])
        d = x[1:] - x[:-1] ** 2
        g = jnp.zeros_like(x).at[1:].add(200.0 * d)
        return g.at[:-1].add(-400.0 * x[:-1] * d - 2.0 * (1.0 - x[:-1]))

    def one(x):
        def step(carry, _):
            x, state = carry
            update, state = made.update(slope(x), state, x)
            return (optax.apply_updates(x, update), state), None

        (x, _), _ = jax.lax.scan(step, (x, made.init(x)), None, length=STEPS)
        return x

    every = jax.jit(jax.vmap(one))
    points = jnp.asarray(starts)
    return lambda: every(points).block_until_ready()


def _torch(problem: Problem, method: str, starts: np.ndarray) -> Callable[[], np.ndarray]:
    import torch

    torch.set_num_threads(WORKERS)
    kind = {"adam": torch.optim.Adam, "gd": torch.optim.SGD}[method]

    def slope(x):
        if problem.n == 2:
            return x * torch.tensor([1.0, -1.0], dtype=torch.float64)
        d = x[:, 1:] - x[:, :-1] ** 2
        g = torch.zeros_like(x)
        g[:, 1:] += 200.0 * d
        g[:, :-1] += -400.0 * x[:, :-1] * d - 2.0 * (1.0 - x[:, :-1])
        return g

    def go() -> np.ndarray:
        x = torch.tensor(starts, requires_grad=True)
        made = kind([x], lr=problem.rates[method])
        for _ in range(STEPS):
            with torch.no_grad():
                x.grad = slope(x)
            made.step()
        return x.detach().numpy()

    return go


def _loop(problem: Problem, method: str, start: np.ndarray) -> Callable[[], np.ndarray]:
    """As tutorials write it: one start, a loop, NumPy arrays."""
    rate, (beta1, beta2, eps) = problem.rates[method], (0.9, 0.999, 1e-8)

    def go() -> np.ndarray:
        x, g = start.copy(), np.empty(problem.n)
        m, v = np.zeros(problem.n), np.zeros(problem.n)
        for t in range(1, STEPS + 1):
            problem.slope(x, g)
            if method == "gd":
                x = x - rate * g
                continue
            m = beta1 * m + (1.0 - beta1) * g
            v = beta2 * v + (1.0 - beta2) * g**2
            mean, square = m / (1.0 - beta1**t), v / (1.0 - beta2**t)
            x = x - rate * mean / (np.sqrt(square) + eps)
        return x

    return go
