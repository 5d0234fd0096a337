"""The β-Hermite kernel: exact index laws, and the same bits however the samples are split."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from laws import LIKELY, chi_square, same_law
from numba import njit
from reference import ensembles as dense
from reference import hermite as reference
from scipy import stats

from saddlecore import hermite

DATA = Path(__file__).parent / "data"
GOE = json.loads((DATA / "goe_index.json").read_text())
OTHERS = json.loads((DATA / "gaussian_index.json").read_text())
GOLDEN = json.loads((DATA / "goe_counts.json").read_text())
KEY = np.uint64(20_240_601)
SAMPLES = 10_000_000
BETAS = [0.1, 0.25, 0.5, 1.0, 1.3, 2.0, 4.0, 7.5]


def probability(n):
    return np.array([float(p) for p in GOE["probability"][str(n)]])


def index_counts(n, first=0, count=SAMPLES, key=KEY, beta=1.0, shift=0.0):
    counts = np.zeros(n + 1, dtype=np.int64)
    hermite.hermite_index(key, beta, shift, n, first, count, counts)
    return counts


def nested_counts(dims, first=0, count=SAMPLES, beta=1.0, s=0.0):
    dims = np.asarray(dims, dtype=np.int64)
    offsets = np.concatenate([[0], np.cumsum(dims + 1)]).astype(np.int64)
    counts = np.zeros(offsets[-1], dtype=np.int64)
    hermite.hermite_index_nested(KEY, beta, s, dims, first, count, counts, offsets)
    return dict(zip(dims.tolist(), np.split(counts, offsets[1:-1]), strict=True))


def radius(n, beta):
    return np.sqrt(2 * beta * n)


# --- the law of the GOE ---------------------------------------------------------------------------


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
    counts = dense.histogram(lambda size: dense.gaussian(rng, 1, n, size), n, 100_000, 0.0)
    assert chi_square(counts, probability(n)) > LIKELY


@pytest.mark.parametrize("n", [10, 20, 50])
def test_mean_and_variance(n):
    assert_moments(index_counts(n, count=2_000_000), float(GOE["variance"][str(n)]))


def assert_moments(counts, truth):
    """The mean is n/2; the variance is the table's. Errors from the counts' own fourth moment."""
    samples = counts.sum()
    k = np.arange(len(counts)) - (len(counts) - 1) / 2
    mean, var, fourth = ((counts * k**order).sum() / samples for order in (1, 2, 4))
    assert abs(mean) < 4 * np.sqrt(truth / samples)
    assert abs(var - truth) < 4 * np.sqrt((fourth - var**2) / samples)


def test_nested_follows_the_law_in_every_dimension():
    dims = [1, 2, 3, 4, 5, 6, 7, 10]
    for n, counts in nested_counts(dims).items():
        assert counts.sum() == SAMPLES
        assert chi_square(counts, probability(n)) > LIKELY, n


# --- other β, and shifts --------------------------------------------------------------------------


@pytest.mark.parametrize("n", OTHERS["gue"])
def test_gue_law(n):
    law = [float(p) for p in OTHERS["gue"][n]]
    samples = SAMPLES if int(n) < 20 else 1_000_000
    assert chi_square(index_counts(int(n), count=samples, beta=2.0), law) > LIKELY


@pytest.mark.parametrize("n", OTHERS["gse"])
def test_gse_law(n):
    law = [float(p) for p in OTHERS["gse"][n]]
    samples = SAMPLES if int(n) < 20 else 2_000_000
    assert chi_square(index_counts(int(n), count=samples, beta=4.0), law) > LIKELY


@pytest.mark.parametrize("n", ["5", "10", "50"])
def test_gue_variance(n):
    counts = index_counts(int(n), count=2_000_000, beta=2.0)
    assert_moments(counts, float(OTHERS["gue_variance"][n]))


@pytest.mark.parametrize("case", OTHERS["goe_shifted"], ids=lambda c: f"n={c['n']},c={c['c']}")
def test_shifted_goe_law(case):
    """s = c √n is c/√2 radii."""
    counts = index_counts(case["n"], shift=case["c"] / np.sqrt(2))
    assert chi_square(counts, [float(p) for p in case["p"]]) > LIKELY


@pytest.mark.parametrize("beta", BETAS)
@pytest.mark.parametrize("shift", [-0.7, 0.0, 0.2, 1.1])
def test_two_eigenvalues_of_any_beta(beta, shift):
    """Beside the joint density of two eigenvalues, which knows of no tridiagonal matrix."""
    law = dense.pair_law_hermite(beta, shift * radius(2, beta))
    assert chi_square(index_counts(2, beta=beta, shift=shift), law) > LIKELY


def test_the_pair_law_is_that_of_the_tables():
    """quad was asked for 1e-10."""
    for beta, law in ((1, probability(2)), (2, OTHERS["gue"]["2"]), (4, OTHERS["gse"]["2"])):
        expected = np.array(law, dtype=float)
        np.testing.assert_allclose(dense.pair_law_hermite(beta, 0.0), expected, atol=1e-9)
    case = OTHERS["goe_shifted"][1]
    assert (case["n"], case["c"]) == (2, 0.5)
    shifted = dense.pair_law_hermite(1, 0.5 * np.sqrt(2))
    np.testing.assert_allclose(shifted, np.array(case["p"], float), atol=1e-9)


@pytest.mark.parametrize("beta", [1, 2, 4])
@pytest.mark.parametrize(("n", "shift"), [(3, -0.3), (6, 0.4), (9, 0.8)])
def test_dense_matrices_have_the_same_law(beta, n, shift):
    rng = np.random.default_rng([beta, n])
    s, samples = shift * radius(n, beta), 40_000 if beta == 4 else 100_000
    found = dense.histogram(lambda size: dense.gaussian(rng, beta, n, size), n, samples, s)
    counts = index_counts(n, count=1_000_000, beta=float(beta), shift=shift)
    assert same_law(counts, found) > LIKELY


@pytest.mark.parametrize("beta", [0.3, 0.5, 3.0])
def test_the_chain_of_numpys_gammas_has_the_same_law(beta):
    rng = np.random.default_rng(int(10 * beta))
    for n in (3, 8):
        found = reference.chain_histogram(n, 1_000_000, rng, beta=beta)
        assert same_law(index_counts(n, count=2_000_000, beta=beta), found) > LIKELY


def test_a_wrong_beta_or_shift_is_rejected():
    law = [float(p) for p in OTHERS["gue"]["4"]]
    assert chi_square(index_counts(4, count=1_000_000, beta=2.05), law) < LIKELY
    assert chi_square(index_counts(4, count=1_000_000, beta=2.0, shift=0.003), law) < LIKELY


@pytest.mark.parametrize("beta", [0.5, 1.0, 4.0])
@pytest.mark.parametrize("u", [-1.0, -0.5, 0.0, 0.25, 0.5, 0.75, 1.0])
def test_the_mean_index_is_that_of_the_shifted_semicircle(beta, u):
    """Bray & Dean's α(u) at shift −u. The density of n eigenvalues is off by O(|2/β − 1|/n)."""
    n, samples = 2000, 500
    counts = index_counts(n, count=samples, beta=beta, shift=-u)
    mean = counts @ np.arange(n + 1) / samples / n
    spread = np.sqrt(np.log(n) / (beta * np.pi**2) + 1) / n
    bound = 5 * spread / np.sqrt(samples) + (1 + abs(2 / beta - 1)) / n
    assert abs(mean - dense.semicircle_below(-u)) < bound


def test_the_semicircle_is_bray_and_deans():
    known = {0.0: 0.5, 0.25: 0.3425188212, 0.5: 0.1955011095, 0.75: 0.0721468064, 1.0: 0.0}
    for u, alpha in known.items():
        assert abs(dense.semicircle_below(-u) - alpha) < 1e-10


@pytest.mark.parametrize("beta", [0.5, 3.0])
def test_the_variance_grows_with_slope_1_over_beta_pi_squared(beta):
    """Between n = 100 and 10 000; further terms are O(1/√n) (they are for β = 4)."""
    samples, variances = 20_000, []
    for n in (100, 10_000):
        counts = index_counts(n, count=samples, beta=beta)
        k = np.arange(n + 1) - n / 2
        variances.append(counts @ k**2 / samples)
    error = 4 * np.hypot(*variances) * np.sqrt(2 / samples) + 0.1 / (beta * np.sqrt(100))
    assert abs(variances[1] - variances[0] - np.log(100) / (beta * np.pi**2)) < error


def test_tiny_beta_gives_independent_eigenvalues():
    """β → 0: N(0, 1) each; at 1e-9 their interaction is not to be seen."""
    counts = index_counts(6, count=1_000_000, beta=1e-9)
    assert chi_square(counts, stats.binom(6, 0.5).pmf(np.arange(7))) > LIKELY
    assert index_counts(300, count=100, beta=1e-300).sum() == 100


@pytest.mark.parametrize("n", [1, 2, 5, 12, 200])
def test_huge_beta_freezes_the_spectrum(n):
    """β → ∞: λ_i/√β are the zeros of the Hermite polynomial H_n; they move by about 1/√β."""
    zeros = np.linalg.eigvalsh(np.diag(np.sqrt(np.arange(1, n) / 2), 1), "U")
    for shift in (-1.5, -0.61, -0.37, 0.123, 0.9, 3.0):
        s = shift * np.sqrt(2 * n)
        assert np.all(abs(zeros - s) > 1e-3)
        counts = index_counts(n, count=100, beta=1e9, shift=shift)
        assert counts[np.sum(zeros < s)] == 100


# --- the same bits ------------------------------------------------------------------------------


@pytest.mark.parametrize("case", GOLDEN["kernel"], ids=lambda case: f"n={case['n']}")
def test_counts_of_the_goe_never_change(case):
    counts = index_counts(case["n"], case["first"], case["count"], np.uint64(GOLDEN["key"]))
    assert {str(k): int(counts[k]) for k in np.flatnonzero(counts)} == case["counts"]


@pytest.mark.parametrize("n", [1, 2, 3, 9, 20])
@pytest.mark.parametrize(("beta", "shift"), [(1.0, 0.0), (1.0, 0.3), (0.3, -0.1), (2.0, 0.0)])
def test_each_sample_equals_the_reference(n, beta, shift):
    """One sample at a time: the kernel's index beside LAPACK's on the same random numbers."""
    for sample in [*range(40), 2**32 - 1, 2**32, 2**40 + 3]:
        tridiagonal = reference.tridiagonal(int(KEY), sample, n, beta)
        expected = reference.index(*tridiagonal, shift * radius(n, beta))
        counts = index_counts(n, sample, 1, beta=beta, shift=shift)
        assert counts.tolist() == np.bincount([expected], minlength=n + 1).tolist(), sample


@given(
    n=st.integers(1, 80),
    beta=st.floats(0.01, 50),
    shifts=st.tuples(st.floats(-2, 2), st.floats(1e-6, 1)),
    sample=st.integers(0, 2**62),
)
def test_a_larger_shift_never_loses_an_eigenvalue(n, beta, shifts, sample):
    low, more = shifts
    one = index_counts(n, sample, 1, beta=beta, shift=low).argmax()
    two = index_counts(n, sample, 1, beta=beta, shift=low + more).argmax()
    assert one <= two


@pytest.mark.parametrize("n", [1, 2, 5, 10, 33])
@pytest.mark.parametrize(("beta", "shift"), [(1.0, 0.0), (0.4, 0.2), (4.0, -0.9)])
def test_blocks_add_up_to_the_whole(n, beta, shift):
    more = {"beta": beta, "shift": shift}
    whole = index_counts(n, count=1000, **more)
    for edges in ([0, 1, 1000], [0, 7, 8, 9, 500, 1000], [0, *range(3, 1000, 83), 1000]):
        parts = [index_counts(n, a, b - a, **more) for a, b in pairwise(edges)]
        np.testing.assert_array_equal(np.sum(parts, axis=0), whole)


@pytest.mark.parametrize("n", [1, 2, 5, 10, 100, 1000])
@pytest.mark.parametrize(
    ("beta", "shift"), [(1.0, 0.0), (0.01, 0.1), (0.5, 0.0), (2.0, 0.4), (4.0, 0.0), (1e9, 0.1)]
)
def test_lanes_equal_the_scalar_twin(n, beta, shift):
    for first, count in [(0, 1003), (2**32 - 9, 17)]:
        lanes = index_counts(n, first, count, beta=beta, shift=shift)
        scalar = np.zeros(n + 1, dtype=np.int64)
        hermite.hermite_index_scalar(KEY, beta, shift, n, first, count, scalar)
        np.testing.assert_array_equal(lanes, scalar)


@pytest.mark.parametrize(("beta", "s"), [(1.0, 0.0), (0.5, 0.0), (2.0, 1.5)])
def test_nested_blocks_add_up_and_agree_with_single_dimensions(beta, s):
    """Rows come from the same streams in both forms, so they agree sample by sample."""
    dims, more = [1, 3, 10, 40], {"beta": beta, "s": s}
    whole = nested_counts(dims, count=1000, **more)
    one, two = nested_counts(dims, count=333, **more), nested_counts(dims, 333, 667, **more)
    for n in dims:
        np.testing.assert_array_equal(one[n] + two[n], whole[n])
        alone = index_counts(n, count=1000, beta=beta, shift=s / radius(n, beta))
        np.testing.assert_array_equal(alone, whole[n])


def test_counts_are_added_to():
    counts = np.ones(4, dtype=np.int64)
    hermite.hermite_index(KEY, 1.0, 0.0, 3, 0, 10, counts)
    np.testing.assert_array_equal(counts, index_counts(3, count=10) + 1)
    before = counts.copy()
    hermite.hermite_index(KEY, 1.0, 0.0, 3, 10, 0, counts)
    np.testing.assert_array_equal(counts, before)


def test_other_keys_give_other_samples():
    one, two = (
        index_counts(50, count=10_000),
        index_counts(50, count=10_000, key=KEY + np.uint64(1)),
    )
    assert np.any(one != two)


@pytest.mark.parametrize("n", [100_000, 1_000_000])
@pytest.mark.parametrize("beta", [0.5, 1.0, 4.0, 1e9])
def test_huge_dimensions(n, beta):
    """Within eight standard deviations of n/2, by the asymptotic variance (β = 1's constant)."""
    counts = index_counts(n, count=16, beta=beta)
    found = np.repeat(np.arange(n + 1), counts)
    assert len(found) == 16
    sd = np.sqrt(np.log(n) / (beta * np.pi**2) + 0.2454968363451)
    assert np.all(np.abs(found - n / 2) < 8 * sd)


@pytest.mark.parametrize("shift", [1e-300, 5.0, 1e300, np.finfo(float).max])
def test_any_finite_shift_is_counted(shift):
    for beta in (1e-9, 1.0, 1e9):
        for n in (1, 7, 1000):
            up, down = (index_counts(n, 0, 32, beta=beta, shift=s) for s in (shift, -shift))
            assert up.sum() == down.sum() == 32
            if shift > 1e10:
                assert up[n] == down[0] == 32


@njit
def _from_jitted_code(key, n, count):
    counts = np.zeros(n + 1, np.int64)
    hermite.hermite_index(key, 1.0, 0.0, n, 0, count, counts)
    return counts


def test_the_kernel_is_callable_from_jitted_code():
    counts = np.zeros(6, np.int64)
    hermite.hermite_index(np.uint64(3), 1.0, 0.0, 5, 0, 1000, counts)
    np.testing.assert_array_equal(_from_jitted_code(np.uint64(3), 5, 1000), counts)
    assert counts.sum() == 1000
