"""Ensembles drawn entry by entry, beside NumPy's sampling and `eigvalsh`."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from bench.harness import WORKERS, Row, Stopwatch, Table, alternate, check_mean, versus

# Dimension, NumPy's samples, most ratio wanted.
WIGNER = ((10, 8000, 50.0), (50, 800, 40.0), (100, 200, 20.0))
LAWS = ("gaussian", "rademacher", "uniform", "laplace", "student")
RATIO, ENERGY = 0.5, 0.2

NOTE = f"""\
`prevalence` on {WORKERS} threads beside NumPy, which draws a stack of symmetric matrices (the upper
triangle of n² numbers, mirrored) and calls `numpy.linalg.eigvalsh(stack)`: *batched*, with BLAS
allowed {WORKERS} threads, as in the other tables; *in {WORKERS} threads*, each with half of the
stack and BLAS on one, which nobody writes but is the most that NumPy can do.  Times are per sample;
mean indices agree within 5 standard errors.  *wishart+goe*: ratio {RATIO}, energy {ENERGY}."""

Draw = Callable[[np.random.Generator, int, int], np.ndarray]


def run(quick: bool) -> Table:
    repeats = 3 if quick else 7
    rows = []
    for n, samples, least in WIGNER:
        for law in LAWS if n == 50 else LAWS[:2]:
            target = least if law in LAWS[:2] else None
            rows += _beside(repeats, "wigner", {"entries": law}, n, samples, _draw(law), target)
    more = {"ratio": RATIO, "energy": ENERGY}
    rows += _beside(repeats, "wishart+goe", more, 100, 100, _wishart_goe, None)
    return Table("dense", NOTE, rows)


def _symmetric(A: np.ndarray) -> np.ndarray:
    # Half the sum has other variances; the upper triangle mirrored is what is meant.
    return np.triu(A) + np.swapaxes(np.triu(A, 1), -1, -2)


def _draw(law: str) -> Draw:
    numbers = {
        "gaussian": lambda rng, shape: rng.standard_normal(shape),
        "rademacher": lambda rng, shape: 2.0 * rng.integers(0, 2, shape, np.int8) - 1.0,
        "uniform": lambda rng, shape: rng.uniform(-np.sqrt(3), np.sqrt(3), shape),
        "laplace": lambda rng, shape: rng.laplace(0.0, np.sqrt(0.5), shape),
        "student": lambda rng, shape: rng.standard_t(3.0, shape) / np.sqrt(3.0),
    }[law]
    return lambda rng, n, samples: _symmetric(numbers(rng, (samples, n, n)))


def _wishart_goe(rng: np.random.Generator, n: int, samples: int) -> np.ndarray:
    m = round(n / RATIO)
    J, G = rng.standard_normal((samples, n, m)), rng.standard_normal((samples, n, n))
    noise = np.sqrt(ENERGY / n) * (G + np.swapaxes(G, 1, 2))
    return J @ np.swapaxes(J, 1, 2) / m + noise


def _index(stack: np.ndarray) -> np.ndarray:
    n = stack.shape[1]
    zero = n * np.finfo(float).eps * np.linalg.norm(stack, axis=(1, 2))
    return np.count_nonzero(np.linalg.eigvalsh(stack) < -zero[:, None], axis=1)


def _beside(
    repeats: int, name: str, parameters: dict, n: int, samples: int, draw: Draw, least: float | None
) -> list[Row]:
    from saddlelab import prevalence

    many = (30 if n > 10 else 100) * samples
    generators = np.random.default_rng(0).spawn(WORKERS)

    def ours() -> Any:
        return prevalence(name, n, samples=many, rng=0, workers=WORKERS, **parameters)

    def batched() -> np.ndarray:
        with threadpool_limits(WORKERS, user_api="blas"):
            return _index(draw(generators[0], n, samples))

    def threaded() -> np.ndarray:
        with threadpool_limits(1, user_api="blas"):
            part = samples // WORKERS
            each = pool.map(lambda rng: _index(draw(rng, n, part)), generators)
            return np.concatenate(list(each))

    with ThreadPoolExecutor(WORKERS) as pool:
        peers = {"NumPy, batched": batched, f"NumPy in {WORKERS} threads": threaded}
        watches = {what: Stopwatch(call) for what, call in {"ours": ours, **peers}.items()}
        found = alternate(watches, repeats)
    study = watches["ours"].answer
    mean, variance = float(study.index_mean()[0]), float(study.index_var()[0])
    rows = []
    for what in peers:
        check_mean(mean, watches[what].answer.mean(), variance, samples, f"mean index, {name}")
        rows.append(versus(
            f"{name} {parameters.get('entries', '')}".strip(),
            f"n = {n}, {many:,} samples (peer {samples:,})",
            [t / many for t in found["ours"]],
            what,
            [t / samples for t in found[what]],
            at_least=least if what == "NumPy, batched" else None,
        ))  # fmt: skip
    return rows
