"""Simulated annealing beside a loop in Python, grid search beside `scipy.optimize.brute`."""

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from bench.harness import WORKERS, Row, Stopwatch, Table, alternate, check, versus

STEPS, CHAINS, LOOPS = 2000, 4096, 24

NOTE = f"""\
`annealing(…, workers={WORKERS})` beside the same chain written in plain Python, per step of a
chain: the same function, temperatures and lengths, NumPy's normals.  *Equal quality* is asserted:
as many of the chains ({CHAINS} of ours, at least {LOOPS} of the loop's) end in the basin of the
global minimum, and below the median of ours, within five standard errors.  `grid_search` beside
`scipy.optimize.brute(finish=None, workers={WORKERS})`, per point, the same best point asserted."""


def run(quick: bool) -> Table:
    rows = [_annealing(n, quick) for n in (2, 5)]
    rows += [_grid(himmelblau, 2, 401, quick), _grid(rastrigin, 3, 51, quick)]
    return Table("annealing", NOTE, rows)


# --- annealing -------------------------------------------------------------------------------


def rastrigin(x):
    total = 10.0 * len(x)
    for i in range(len(x)):
        total += x[i] ** 2 - 10.0 * np.cos(2.0 * np.pi * x[i])
    return total


def loop(fun, x, temperatures, length, low, high, rng):
    """The best value of one Metropolis chain."""
    value = best = fun(x)
    for temperature in temperatures:
        factor = math.sqrt(temperature / temperatures[0])
        y = x + factor * length * rng.standard_normal(len(x))
        while ((y < low) | (y > high)).any():
            y = np.where(y < low, 2.0 * low - y, np.where(y > high, 2.0 * high - y, y))
        change = fun(y) - value
        if change <= 0.0 or rng.random() < math.exp(-change / temperature):
            x, value = y, value + change
            best = min(best, value)
    return best


def _annealing(n: int, quick: bool) -> Row:
    from saddlelab.optimize.annealing import annealing

    low, high, length = -5.12, 5.12, 0.25 * 10.24
    options = {"chains": CHAINS, "steps": STEPS, "temperature": 20.0, "final_temperature": 1e-4}
    ours = Stopwatch(
        lambda: annealing(rastrigin, [(low, high)] * n, rng=0, workers=WORKERS, **options)
    )
    temperatures = ours.answer.temperatures
    rng, ended = np.random.default_rng(0), []

    def theirs() -> float:
        start = time.perf_counter()
        for _ in range(LOOPS // 3):
            x = rng.uniform(low, high, n)
            ended.append(loop(rastrigin, x, temperatures, length, low, high, rng))
        return (time.perf_counter() - start) / (LOOPS // 3)

    seconds = alternate({"ours": ours, "loop": theirs}, 3 if quick else 7)
    _check_quality(ours.answer.value, np.array(ended), f"annealing, n = {n}")
    each = {name: [s / STEPS for s in found] for name, found in seconds.items()}
    per_chain = [s / CHAINS for s in each["ours"]]
    size = f"Rastrigin, n = {n}, {CHAINS} chains of {STEPS} steps"
    return versus("annealing", size, per_chain, "a Python loop", each["loop"], at_least=1000.0)


def _check_quality(ours: np.ndarray, theirs: np.ndarray, what: str) -> None:
    """Which fraction of the chains found the global minimum, and how good the median is."""
    for value in (0.5, float(np.median(ours))):
        a, b = np.mean(ours < value), np.mean(theirs < value)
        error = math.sqrt(max(a * (1.0 - a), 1.0 / len(theirs)) / len(theirs))
        check(abs(a - b) <= 5.0 * error, f"{what}: {a:.2f} of ours are below {value}, {b:.2f}")


# --- grid search -----------------------------------------------------------------------------


def himmelblau(x):
    return (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2


def _grid(fun: Callable[[Any], Any], n: int, side: int, quick: bool) -> Row:
    from scipy.optimize import brute

    from saddlelab.optimize.grid import grid_search

    box, side = [(-5.0, 5.0)] * n, side // 2 if quick else side
    ours = Stopwatch(lambda: grid_search(fun, box, side, workers=WORKERS))
    theirs = Stopwatch(
        lambda: brute(fun, box, Ns=side, finish=None, full_output=True, workers=WORKERS), loops=1
    )
    seconds = alternate({"ours": ours, "brute": theirs}, 3 if quick else 5)
    same = np.array_equal(ours.answer.x[ours.answer.best], theirs.answer[0])
    check(same, f"grid search, n = {n}: another point")
    each = {name: [s / side**n for s in found] for name, found in seconds.items()}
    size = f"{fun.__name__}, {' × '.join([str(side)] * n)} points"
    return versus("grid search", size, each["ours"], "scipy.optimize.brute", each["brute"],
                  at_least=300.0)  # fmt: skip
