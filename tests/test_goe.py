"""The GOE kernel: the exact index law, and the same bits however the samples are split."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numba import njit
from reference import goe as reference
from scipy import stats

from saddlecore import goe

TRUTH = json.loads((Path(__file__).parent / "data" / "goe_index.json").read_text())
KEY = np.uint64(20_240_601)
SAMPLES = 10_000_000
LIKELY = 1e-4  # seeds are fixed: a p-value below this is a fault, not bad luck


def probability(n):
    return np.array([float(p) for p in TRUTH["probability"][str(n)]])


def chi_square(counts, expected_probability):
    """p-value of the counts; cells that expect fewer than 5 are merged with their neighbours."""
    expected = expected_probability * counts.sum()
    merged = [[0.0, 0.0]]
    for observed, mean in zip(counts, expected, strict=True):
        if merged[-1][1] >= 5:
            merged.append([0.0, 0.0])
        merged[-1][0] += observed
        merged[-1][1] += mean
    if merged[-1][1] < 5:
        last = merged.pop()
        merged[-1] = [merged[-1][0] + last[0], merged[-1][1] + last[1]]
    observed, mean = np.transpose(merged)
    return stats.chisquare(observed, mean * observed.sum() / mean.sum()).pvalue


def index_counts(n, first=0, count=SAMPLES, key=KEY):
    counts = np.zeros(n + 1, dtype=np.int64)
    goe.goe_index(key, n, first, count, counts)
    return counts


def nested_counts(dims, first=0, count=SAMPLES):
    dims = np.asarray(dims, dtype=np.int64)
    offsets = np.concatenate([[0], np.cumsum(dims + 1)]).astype(np.int64)
    counts = np.zeros(offsets[-1], dtype=np.int64)
    goe.goe_index_nested(KEY, dims, first, count, counts, offsets)
    return dict(zip(dims.tolist(), np.split(counts, offsets[1:-1]), strict=True))


# --- the law ------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6, 7, 10])
def test_index_law(n, record_property):
    counts = index_counts(n)
    assert counts.sum() == SAMPLES
    p = chi_square(counts, probability(n))
    record_property("p", f"{p:.3g}")
    assert p > LIKELY


@pytest.mark.parametrize("n", [2, 3, 4, 5, 6, 7])
@pytest.mark.parametrize("name", reference.WRONG_DIAGONAL_SD)
def test_known_wrong_samplers_are_rejected(n, name):
    rng = np.random.default_rng(n)
    sd = reference.WRONG_DIAGONAL_SD[name]
    counts = reference.chain_histogram(n, 1_000_000, rng, diagonal_sd=sd)
    assert chi_square(counts, probability(n)) < 1e-6


@pytest.mark.parametrize("n", [2, 4, 7])
def test_references_follow_the_law(n):
    rng = np.random.default_rng(100 + n)
    assert chi_square(reference.chain_histogram(n, 1_000_000, rng), probability(n)) > LIKELY
    assert chi_square(reference.index_histogram(n, 100_000, rng), probability(n)) > LIKELY


@pytest.mark.parametrize("n", [10, 20, 50])
def test_mean_and_variance(n):
    """The mean is n/2; the variance is the table's. Errors from the counts' own fourth moment."""
    samples = 2_000_000
    counts = index_counts(n, count=samples)
    k = np.arange(n + 1) - n / 2
    mean, var, fourth = ((counts * k**order).sum() / samples for order in (1, 2, 4))
    truth = float(TRUTH["variance"][str(n)])
    assert abs(mean) < 4 * np.sqrt(truth / samples)
    assert abs(var - truth) < 4 * np.sqrt((fourth - var**2) / samples)


def test_nested_follows_the_law_in_every_dimension():
    dims = [1, 2, 3, 4, 5, 6, 7, 10]
    for n, counts in nested_counts(dims).items():
        assert counts.sum() == SAMPLES
        assert chi_square(counts, probability(n)) > LIKELY, n


# --- the same bits ------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 3, 9, 20])
def test_each_sample_equals_the_reference(n):
    """One sample at a time: the kernel's index beside LAPACK's on the same random numbers."""
    for sample in [*range(40), 2**32 - 1, 2**32, 2**40 + 3]:
        expected = reference.index(*reference.tridiagonal(int(KEY), sample, n))
        counts = index_counts(n, first=sample, count=1)
        assert counts.tolist() == np.bincount([expected], minlength=n + 1).tolist(), sample


@pytest.mark.parametrize("n", [1, 2, 5, 10, 33])
def test_blocks_add_up_to_the_whole(n):
    whole = index_counts(n, count=1000)
    for edges in ([0, 1, 1000], [0, 7, 8, 9, 500, 1000], [0, *range(3, 1000, 83), 1000]):
        parts = [index_counts(n, first=a, count=b - a) for a, b in pairwise(edges)]
        np.testing.assert_array_equal(np.sum(parts, axis=0), whole)


@pytest.mark.parametrize("n", [1, 2, 5, 10, 100, 1000])
def test_lanes_equal_the_scalar_twin(n):
    for first, count in [(0, 1003), (2**32 - 9, 17)]:
        lanes = index_counts(n, first, count)
        scalar = np.zeros(n + 1, dtype=np.int64)
        goe.goe_index_scalar(KEY, np.array([n]), first, count, scalar, np.array([0]))
        np.testing.assert_array_equal(lanes, scalar)


def test_nested_blocks_add_up_and_agree_with_single_dimensions():
    """Rows come from the same streams in both forms, so they agree sample by sample."""
    dims = [1, 3, 10, 40]
    whole = nested_counts(dims, count=1000)
    one, two = nested_counts(dims, count=333), nested_counts(dims, first=333, count=667)
    for n in dims:
        np.testing.assert_array_equal(one[n] + two[n], whole[n])
        np.testing.assert_array_equal(index_counts(n, count=1000), whole[n])


def test_counts_are_added_to():
    counts = np.ones(4, dtype=np.int64)
    goe.goe_index(KEY, 3, 0, 10, counts)
    np.testing.assert_array_equal(counts, index_counts(3, count=10) + 1)
    before = counts.copy()
    goe.goe_index(KEY, 3, 10, 0, counts)
    np.testing.assert_array_equal(counts, before)


def test_other_keys_give_other_samples():
    one, two = (
        index_counts(50, count=10_000),
        index_counts(50, count=10_000, key=KEY + np.uint64(1)),
    )
    assert np.any(one != two)


@pytest.mark.parametrize("n", [100_000, 1_000_000])
def test_huge_dimensions(n):
    """Within eight standard deviations of n/2, by the asymptotic variance."""
    counts = index_counts(n, count=16)
    found = np.repeat(np.arange(n + 1), counts)
    assert len(found) == 16
    sd = np.sqrt(np.log(n) / np.pi**2 + 0.2454968363451)
    assert np.all(np.abs(found - n / 2) < 8 * sd)


@njit
def _from_jitted_code(key, n, count):
    counts = np.zeros(n + 1, np.int64)
    goe.goe_index(key, n, 0, count, counts)
    return counts


def test_the_kernel_is_callable_from_jitted_code():
    counts = np.zeros(6, np.int64)
    goe.goe_index(np.uint64(3), 5, 0, 1000, counts)
    np.testing.assert_array_equal(_from_jitted_code(np.uint64(3), 5, 1000), counts)
    assert counts.sum() == 1000
