"""Weighting by |det| beside the same chain without weights, and beside dense matrices of NumPy."""

from functools import partial

import numpy as np
from threadpoolctl import threadpool_limits

from bench.harness import Row, Stopwatch, Table, alternate, check, cost, versus

DIMS = (2, 3, 5, 10, 100, 1000)
TARGET = 1.5  # times the unweighted
FIELD_MEAN, FIELD_VARIANCE = 0.0, 0.5

NOTE = """\
*Weighting* is `saddlecore.weighted.weighted_index` for a Gaussian field at all heights: the chain
of `saddlecore.hermite.hermite_index` (the peer) with a random shift, |det|, and exact sums of the
weights and of their squares, on one thread.  *NumPy* draws a stack of dense Hessians and takes
eigenvalues and their product, BLAS on one thread; mean indices agree within 5 standard errors."""


def run(quick: bool) -> Table:
    repeats, rows = (3, 1_000_000) if quick else (7, 10_000_000)
    with threadpool_limits(1, user_api="blas"):
        table = [_weighting(repeats, n, rows // n) for n in DIMS]
        table += [_beside_numpy(repeats, n, 300 if quick else 2000) for n in (10, 100)]
    return Table("weighted", NOTE, table)


def _weighted(n: int, samples: int) -> np.ndarray:
    from saddlecore.weighted import BINS, weighted_index

    bins = np.zeros((n + 1) * BINS, np.int64)
    weighted_index(np.uint64(1), FIELD_MEAN, FIELD_VARIANCE, n, 0, samples, bins)
    return bins.reshape(n + 1, BINS)


def _plain(n: int, samples: int) -> np.ndarray:
    from saddlecore.hermite import hermite_index

    counts = np.zeros(n + 1, np.int64)
    hermite_index(np.uint64(1), 1.0, 0.1, n, 0, samples, counts)
    return counts


def _weighting(repeats: int, n: int, samples: int) -> Row:
    watches = {
        "weighted": Stopwatch(partial(_weighted, n, samples)),
        "plain": Stopwatch(partial(_plain, n, samples)),
    }
    found = alternate(watches, repeats)
    check(watches["weighted"].answer[:, 0].sum() == samples, "all samples are counted")
    each = {name: [t / samples for t in times] for name, times in found.items()}
    return cost("weighting", f"n = {n}", each["weighted"], "unweighted", each["plain"],
                at_most=TARGET)  # fmt: skip


def _dense(n: int, samples: int) -> np.ndarray:
    """Sums of weights by index, of dense Hessians of a field."""
    rng = np.random.default_rng(0)
    G = rng.standard_normal((samples, n, n))
    H = (G + G.transpose(0, 2, 1)) * np.sqrt(0.5)
    H += rng.standard_normal((samples, 1, 1)) * np.eye(n)
    values = np.linalg.eigvalsh(H)
    weight = np.exp(np.sum(np.log(np.abs(values)), axis=1))
    index = np.sum(values < 0, axis=1)
    sums = [np.bincount(index, weight**power, minlength=n + 1) for power in (1, 2)]
    return np.transpose(sums)


def _mean(weight: np.ndarray, square: np.ndarray) -> tuple[float, float]:
    """Mean index and its standard error."""
    index = np.arange(weight.size)
    mean = weight @ index / weight.sum()
    return mean, np.sqrt((index - mean) ** 2 @ square) / weight.sum()


def _beside_numpy(repeats: int, n: int, samples: int) -> Row:
    from saddlecore.weighted import DIGITS, SQUARE_DIGITS

    ours_samples = 100 * samples
    ours = Stopwatch(partial(_weighted, n, ours_samples))
    peer = Stopwatch(partial(_dense, n, samples), loops=1)
    found = alternate({"ours": ours, "peer": peer}, repeats)
    bins = ours.answer
    scales = 2.0 ** np.array(DIGITS), 2.0 ** np.array(SQUARE_DIGITS)
    one = _mean(bins[:, 1:4] @ scales[0], bins[:, 4:] @ scales[1])
    two = _mean(*peer.answer.T)
    check(abs(one[0] - two[0]) < 5 * np.hypot(one[1], two[1]), f"mean index at n = {n}")
    return versus(
        "weighted index law, one thread",
        f"n = {n}, {ours_samples:,} samples (peer {samples:,})",
        [t / ours_samples for t in found["ours"]],
        "NumPy, batched",
        [t / samples for t in found["peer"]],
    )
