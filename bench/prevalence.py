"""Prevalence of the GOE: the engine's kernel alone, and studies beside sampling by NumPy."""

from concurrent.futures import ThreadPoolExecutor

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

KERNEL_DIMS = (10, 100, 1000)
NS_PER_ROW = 4.0
LOOP_DIMS = range(1, 101)
LOOP_SAMPLES = 1000

NOTE = f"""\
*Kernel* is `saddlecore.hermite.hermite_index` at β = 1 in nanoseconds per matrix row and core
(aim: 3): on one thread, and on two at once.  *NumPy, batched* draws a stack of n × n standard
normals, symmetrises it and calls `numpy.linalg.eigvalsh(stack)`; times are per sample.  *Tutorials'
loop* does `A = rng.standard_normal((n, n)); A = (A + A.T)/2; np.linalg.eigvals(A)` one by one for
{LOOP_SAMPLES} matrices at each n = {LOOP_DIMS[0]} … {LOOP_DIMS[-1]}; it is timed on fewer at every
n, as the size says, and scaled up, while ours is timed in full.  Studies run on {WORKERS} threads
and NumPy's BLAS is allowed as many; in the loop, whose small matrices may gain nothing by that,
also one.  Mean indices agree within 5 standard errors in every dimension, and so does P(minimum)
at n = 1 … 4."""


def run(quick: bool) -> Table:
    repeats = 3 if quick else 7
    with threadpool_limits(WORKERS, user_api="blas"):
        _check_minima()
        rows = _kernel(repeats, 5_000_000 if quick else 20_000_000)
        rows.append(_batched(repeats, 250 if quick else 1000))
        rows += _loop(repeats, 2 if quick else 5)
    return Table("prevalence", NOTE, rows)


def _kernel(repeats: int, rows: int) -> list[Row]:
    from saddlecore.hermite import hermite_index

    def count(n: int, first: int) -> np.ndarray:
        counts = np.zeros(n + 1, np.int64)
        hermite_index(np.uint64(1), 1.0, 0.0, n, first, rows // n, counts)
        return counts

    def at_once(n: int) -> np.ndarray:
        return sum(threads.map(lambda part: count(n, part * (rows // n)), range(WORKERS)))

    table = []
    with ThreadPoolExecutor(WORKERS) as threads:
        for n in KERNEL_DIMS:
            contestants = {
                "1 thread": Stopwatch(lambda n=n: count(n, 0)),
                f"{WORKERS} threads": Stopwatch(lambda n=n: at_once(n)),
            }
            found = alternate(contestants, repeats)
            for name, watch in contestants.items():
                _check_symmetric(n, watch.answer)
                each = [t / rows * 1e9 for t in found[name]]
                table.append(limit("kernel", f"n = {n}, {name}", each, "ns", at_most=NS_PER_ROW))
    return table


def _check_symmetric(n: int, counts: np.ndarray) -> None:
    """The law of the index is symmetric about n/2."""
    samples, index = int(counts.sum()), np.arange(n + 1)
    mean = counts @ index / samples
    variance = counts @ (index - mean) ** 2 / samples
    check_mean(mean, n / 2, variance, samples, f"mean index, n = {n}")


def _sampled(rng: np.random.Generator, n: int, samples: int) -> np.ndarray:
    """Indices by sampling and batched eigenvalues."""
    stack = rng.standard_normal((samples, n, n))
    stack += stack.transpose(0, 2, 1).copy()
    return np.count_nonzero(np.linalg.eigvalsh(stack) < 0.0, axis=1)


def _batched(repeats: int, samples: int, n: int = 100, ours_samples: int = 400_000) -> Row:
    from saddlelab import prevalence

    rng = np.random.default_rng(0)
    ours = Stopwatch(lambda: prevalence("goe", [n], samples=ours_samples, rng=0, workers=WORKERS))
    peer = Stopwatch(lambda: _sampled(rng, n, samples), loops=1)
    found = alternate({"ours": ours, "peer": peer}, repeats)
    study = ours.answer
    check_mean(study.index_mean()[0], peer.answer.mean(), study.index_var()[0], samples, f"n = {n}")
    return versus(
        "study, one dimension",
        f"n = {n}, {ours_samples:,} samples (peer {samples:,})",
        [t / ours_samples for t in found["ours"]],
        "NumPy, batched",
        [t / samples for t in found["peer"]],
        at_least=1000,
    )


def _tutorial(rng: np.random.Generator, samples: int) -> list[float]:
    """Mean index in each dimension, as tutorials find it."""
    means = []
    for n in LOOP_DIMS:
        negative = 0
        for _ in range(samples):
            A = rng.standard_normal((n, n))
            A = (A + A.T) / 2
            negative += np.sum(np.linalg.eigvals(A).real < 0)
        means.append(negative / samples)
    return means


def _tutorial_one_thread(rng: np.random.Generator, samples: int) -> list[float]:
    with threadpool_limits(1, user_api="blas"):
        return _tutorial(rng, samples)


def _loop(repeats: int, thinned: int) -> list[Row]:
    from saddlelab import prevalence

    def study(nested: bool):
        return prevalence(
            "goe", LOOP_DIMS, samples=LOOP_SAMPLES, rng=0, nested=nested, workers=WORKERS
        )

    rng = np.random.default_rng(0)
    ours = {
        "study, sweep": Stopwatch(lambda: study(nested=False)),
        "study, nested sweep": Stopwatch(lambda: study(nested=True)),
    }
    peers = {
        "tutorials' loop": Stopwatch(lambda: _tutorial(rng, thinned), loops=1),
        "the same, BLAS on 1 thread": Stopwatch(
            lambda: _tutorial_one_thread(rng, thinned), loops=1
        ),
    }
    found = alternate({**ours, **peers}, repeats)
    targets = {"study, sweep": 5_000, "study, nested sweep": 100_000}
    size = f"n = 1 … 100, {LOOP_SAMPLES} samples each (peer {thinned})"
    rows = []
    for job, watch in ours.items():
        for name, peer in peers.items():
            _check_sweep(watch.answer, peer.answer, thinned)
            full = [t * LOOP_SAMPLES / thinned for t in found[name]]
            rows.append(versus(job, size, found[job], name, full, at_least=targets[job]))
    return rows


def _check_sweep(study, means: list[float], samples: int) -> None:
    check(bool((study.dims == np.array(LOOP_DIMS)).all()), "dimensions")
    ours = zip(study.dims, study.index_mean(), study.index_var(), means, strict=True)
    for n, mean, variance, theirs in ours:
        check_mean(mean, theirs, variance, samples, f"n = {n}")


def _check_minima(samples: int = 100_000) -> None:
    """P(minimum) where it is large enough to be seen by the peer."""
    from saddlelab import prevalence

    rng = np.random.default_rng(0)
    study = prevalence("goe", range(1, 5), samples=100 * samples, rng=0, workers=WORKERS)
    for n, p in zip(study.dims, study.fraction("minimum"), strict=True):
        theirs = float((_sampled(rng, n, samples) == 0).mean())
        check_mean(p, theirs, p * (1.0 - p), samples, f"P(minimum), n = {n}")
