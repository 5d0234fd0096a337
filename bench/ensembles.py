"""Kernels of the ensembles that are sampled in O(n), beside the dense matrices of NumPy."""

from collections.abc import Callable
from functools import partial

import numpy as np
from threadpoolctl import threadpool_limits

from bench.harness import (
    WORKERS,
    Row,
    Stopwatch,
    Table,
    alternate,
    check,
    check_mean,
    limit,
    versus,
)

DIMS = (10, 100, 1000)
SHIFT, RATIO = 0.2, 0.5
# β (all a Gaussian ensemble) or the name, most nanoseconds per row.
HERMITE = {1.0: 4.0, 2.0: 4.0, 4.0: 4.0, 0.5: 4.0}
WISHART = 6.0

NOTE = f"""\
*Kernel* is nanoseconds per matrix row on one thread: `saddlecore.hermite.hermite_index` for the
Gaussian ensembles of Dyson index β, centred and with shift {SHIFT}, and
`saddlecore.laguerre.laguerre_index` for Wishart matrices of ratio {RATIO} and shift {SHIFT}.  Below
β = 1 a few rows need a second block of random numbers; they are many in proportion at n = 10.
*NumPy* draws a stack of dense matrices and calls `numpy.linalg.eigvalsh(stack)`, BLAS on one
thread; times are per sample, and mean indices agree within 5 standard errors.  *Exact law* is
`index_laws("goe", 1 … 100)` and `index_law(name, 1000)`, all threads; each sums to 1 within 1e-12.
scikit-rmt 2.1.1 wants `scipy.misc.derivative` and cannot be imported beside SciPy 1.12 or later."""

Count = Callable[[int, int], np.ndarray]


def run(quick: bool) -> Table:
    repeats = 3 if quick else 7
    with threadpool_limits(1, user_api="blas"):
        rows = _kernels(repeats, 2_000_000 if quick else 10_000_000)
        rows += _exact_laws(repeats)
        rows += [_beside_numpy(repeats, name, 200 if quick else 1000) for name in _DENSE]
    return Table("ensembles", NOTE, rows)


def _hermite(beta: float, shift: float, n: int, samples: int) -> np.ndarray:
    from saddlecore.hermite import hermite_index

    counts = np.zeros(n + 1, np.int64)
    hermite_index(np.uint64(1), beta, shift, n, 0, samples, counts)
    return counts


def _wishart(n: int, samples: int) -> np.ndarray:
    from saddlecore.laguerre import laguerre_index

    counts = np.zeros(n + 1, np.int64)
    laguerre_index(np.uint64(1), 1.0, SHIFT, n, round(n / RATIO), 0, samples, counts)
    return counts


def _kernels(repeats: int, rows: int) -> list[Row]:
    jobs: dict[str, tuple[Count, float]] = {}
    for beta, most in HERMITE.items():
        jobs[f"β = {beta:g}"] = partial(_hermite, beta, 0.0), most
        jobs[f"β = {beta:g}, shift {SHIFT}"] = partial(_hermite, beta, SHIFT), most
    jobs[f"Wishart, ratio {RATIO}"] = _wishart, WISHART
    table = []
    for n in DIMS:
        watches = {
            name: Stopwatch(partial(count, n, rows // n)) for name, (count, _) in jobs.items()
        }
        found = alternate(watches, repeats)
        for name, (_, most) in jobs.items():
            each = [t / rows * 1e9 for t in found[name]]
            table.append(limit("kernel", f"{name}, n = {n}", each, "ns", at_most=most))
    return table


def _exact_laws(repeats: int) -> list[Row]:
    from saddlelab import index_law, index_laws

    jobs = {"GOE, every n to 100": (lambda: index_laws("goe", range(1, 101))[100], 2.0)}
    for name in ("goe", "gue", "gse"):
        jobs[f"{name.upper()}, n = 1000, bulk"] = partial(index_law, name, 1000), 1.0
    watches = {name: Stopwatch(job, loops=1) for name, (job, _) in jobs.items()}
    with threadpool_limits(WORKERS, user_api="blas"):
        found = alternate(watches, repeats)
    for name, watch in watches.items():
        check(abs(watch.answer.probabilities.sum() - 1.0) < 1e-12, f"{name}: sums to 1")
    return [
        limit("exact law", name, found[name], "s", at_most=most) for name, (_, most) in jobs.items()
    ]


def _gaussian_stack(rng: np.random.Generator, n: int, samples: int) -> np.ndarray:
    G = rng.standard_normal((samples, n, n)) + 1j * rng.standard_normal((samples, n, n))
    return (G + G.conj().transpose(0, 2, 1)) / 2


def _wishart_stack(rng: np.random.Generator, n: int, samples: int) -> np.ndarray:
    m = round(n / RATIO)
    J = rng.standard_normal((samples, n, m))
    return J @ J.transpose(0, 2, 1) / m


_DENSE = {
    "GUE": (partial(_hermite, 2.0, 0.0), _gaussian_stack, 0.0),
    "Wishart": (_wishart, _wishart_stack, SHIFT),
}


def _beside_numpy(repeats: int, name: str, samples: int, n: int = 100) -> Row:
    count, stack, shift = _DENSE[name]
    rng, ours_samples = np.random.default_rng(0), 100 * samples

    def dense() -> np.ndarray:
        return np.count_nonzero(np.linalg.eigvalsh(stack(rng, n, samples)) < shift, axis=1)

    ours = Stopwatch(lambda: count(n, ours_samples))
    peer = Stopwatch(dense, loops=1)
    found = alternate({"ours": ours, "peer": peer}, repeats)
    index = np.arange(n + 1)
    mean = ours.answer @ index / ours_samples
    variance = ours.answer @ (index - mean) ** 2 / ours_samples
    check_mean(mean, peer.answer.mean(), variance, samples, f"mean index, {name}")
    return versus(
        f"{name}, one thread",
        f"n = {n}, {ours_samples:,} samples (peer {samples:,})",
        [t / ours_samples for t in found["ours"]],
        "NumPy, batched",
        [t / samples for t in found["peer"]],
    )
