"""The β-Laguerre kernel: Wishart matrices' index laws, and the same bits for any split."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from laws import LIKELY, chi_square, same_law
from numba import njit
from reference import ensembles as dense
from reference import laguerre as reference
from scipy import stats

from saddlecore import laguerre

KEY = np.uint64(20_240_602)
SAMPLES = 2_000_000


def index_counts(n, m, shift, first=0, count=SAMPLES, beta=1.0):
    counts = np.zeros(n + 1, dtype=np.int64)
    laguerre.laguerre_index(KEY, beta, shift, n, m, first, count, counts)
    return counts


# --- the law --------------------------------------------------------------------------------------


@pytest.mark.parametrize("beta", [1, 2, 4])
@pytest.mark.parametrize(
    ("n", "m", "shift"),
    [(2, 2, 0.1), (3, 6, 0.5), (4, 4, 0.02), (5, 2, 1.0), (6, 7, 1.5), (4, 40, 0.8)],
)
def test_dense_matrices_have_the_same_law(beta, n, m, shift):
    rng = np.random.default_rng([beta, n, m])
    samples = 40_000 if beta == 4 else 100_000
    found = dense.histogram(lambda s: dense.wishart(rng, beta, n, m, s), n, samples, shift)
    assert same_law(index_counts(n, m, shift, beta=float(beta)), found) > LIKELY


@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0, 3.3])
@pytest.mark.parametrize(("m", "shift"), [(2, 0.3), (3, 0.9), (7, 1.2)])
def test_two_eigenvalues_of_any_beta(beta, m, shift):
    """Beside the joint density of two eigenvalues, which knows of no bidiagonal matrix."""
    law = dense.pair_law_laguerre(beta, m, shift * beta * m / 2)
    assert chi_square(index_counts(2, m, shift, beta=beta), law) > LIKELY


@pytest.mark.parametrize("beta", [0.1, 1.0, 4.0])
@pytest.mark.parametrize("m", [1, 2, 9])
def test_one_eigenvalue_is_a_gamma(beta, m):
    for shift in (0.2, 1.0, 2.5):
        below = stats.gamma(beta * m / 2).cdf(shift * beta * m / 2)
        counts = index_counts(1, m, shift, beta=beta)
        assert stats.binomtest(int(counts[1]), SAMPLES, below).pvalue > LIKELY


def test_a_wrong_beta_or_shift_is_rejected():
    law = dense.pair_law_laguerre(1.0, 3, 0.9 * 3 / 2)
    assert chi_square(index_counts(2, 3, 0.91), law) < LIKELY
    assert chi_square(index_counts(2, 3, 0.9, beta=1.03), law) < LIKELY
    assert chi_square(index_counts(2, 4, 0.9), law) < LIKELY


@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("ratio", [0.25, 0.5, 1.0, 2.0, 4.0])
@pytest.mark.parametrize("shift", [0.05, 0.2, 1.0, 2.0])
def test_the_mean_index_is_marchenko_and_pasturs(beta, ratio, shift):
    """The density of n eigenvalues is off by O(|2/β − 1|/n); at ratio 1 it is 1/√x at 0."""
    n, samples = 2000, 100
    counts = index_counts(n, round(n / ratio), shift, count=samples, beta=beta)
    mean = counts @ np.arange(n + 1) / samples / n
    bound = (2 + abs(2 / beta - 1)) / n
    assert abs(mean - dense.marchenko_pastur_below(ratio, shift)) < bound


@pytest.mark.parametrize(("n", "m"), [(2, 1), (300, 100), (300, 299)])
def test_the_atom_at_zero(n, m):
    """1 − 1/φ of the eigenvalues are 0, in every sample; the others are not near it at φ = 3."""
    counts = index_counts(n, m, 1e-9, count=2000)
    assert counts[: n - m].sum() == 0
    if m == 100:
        assert counts[200] == 2000
    np.testing.assert_array_equal(index_counts(n, m, 0.0, count=2000)[:2], [2000, 0])


def test_the_fraction_of_minima_at_the_lower_edge():
    """n = m: P(no eigenvalue below s/n²) → exp(−s/2 − √s) (Edelman 1988), off by O(1/n)."""
    n = 400
    for s in (0.5, 1.0, 4.0):
        found = index_counts(n, n, s / n**2, count=40_000)[0] / 40_000
        limit = np.exp(-s / 2 - np.sqrt(s))
        assert abs(found - limit) < 4 * np.sqrt(limit / 40_000) + 2 / n


def test_below_zero_lies_nothing_and_far_above_all():
    for n, m in ((1, 1), (5, 3), (5, 10**9), (70, 100), (3, 2**51)):
        for shift in (-1e300, -1.0, -1e-300, 0.0):
            assert index_counts(n, m, shift, count=50)[0] == 50
        for shift in (3 * n / m + 10, 1e30, 1e300):
            assert index_counts(n, m, shift, count=50)[n] == 50


def test_many_data_make_the_identity():
    """√φ = 1e-3: eigenvalues within 2e-3 of 1, give or take."""
    n, m = 50, 50_000_000
    assert index_counts(n, m, 0.99, count=100)[0] == 100
    assert index_counts(n, m, 1.01, count=100)[n] == 100


@pytest.mark.parametrize("beta", [1e-9, 1e-3, 0.05])
@pytest.mark.parametrize("shift", [1e-200, 1e-3, 1.0])
def test_tiny_beta_and_shift_do_not_underflow(beta, shift):
    """As β → 0 an eigenvalue is Gamma(β(m − n + …)/2): below any shift almost surely, at rank n."""
    counts = index_counts(30, 30, shift, count=64, beta=beta)
    found = counts @ np.arange(31) / 64
    # E of the eigenvalues' mean is 1, so no more than n/shift of them are above (Markov).
    assert counts.sum() == 64
    assert found >= 30 - 30 / shift if shift >= 1 else found >= 0
    if beta == 1e-9:
        assert found > 29


# --- the same bits --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "m", "beta", "shift"),
    [
        (1, 1, 1.0, 0.4),
        (2, 5, 1.0, 0.6),
        (9, 9, 1.0, 0.03),
        (7, 3, 1.0, 1.5),
        (4, 6, 0.3, 0.2),
        (12, 20, 2.0, 0.7),
    ],
)
def test_each_sample_equals_the_reference(n, m, beta, shift):
    """One sample at a time: the kernel's index beside LAPACK's on the same random numbers."""
    for sample in [*range(30), 2**32 - 1, 2**32, 2**40 + 3]:
        B = reference.bidiagonal(int(KEY), sample, n, m, beta)
        expected = reference.index(B, n, m, beta, shift)
        counts = index_counts(n, m, shift, sample, 1, beta)
        assert counts.tolist() == np.bincount([expected], minlength=n + 1).tolist(), sample


@given(
    n=st.integers(1, 80),
    m=st.integers(1, 200),
    beta=st.floats(0.01, 50),
    shifts=st.tuples(st.floats(-1, 4), st.floats(1e-6, 1)),
    sample=st.integers(0, 2**62),
)
def test_a_larger_shift_never_loses_an_eigenvalue(n, m, beta, shifts, sample):
    low, more = shifts
    one = index_counts(n, m, low, sample, 1, beta).argmax()
    two = index_counts(n, m, low + more, sample, 1, beta).argmax()
    assert one <= two


@pytest.mark.parametrize(("n", "m"), [(1, 1), (2, 4), (5, 3), (10, 20), (33, 33), (70, 80)])
@pytest.mark.parametrize("beta", [0.4, 1.0])
def test_blocks_add_up_to_the_whole(n, m, beta):
    whole = index_counts(n, m, 0.3, count=1000, beta=beta)
    for edges in ([0, 1, 1000], [0, 7, 8, 9, 500, 1000], [0, *range(3, 1000, 83), 1000]):
        parts = [index_counts(n, m, 0.3, a, b - a, beta) for a, b in pairwise(edges)]
        np.testing.assert_array_equal(np.sum(parts, axis=0), whole)


@pytest.mark.parametrize("n", [1, 2, 5, 10, 100, 1000])
@pytest.mark.parametrize(
    ("ratio", "beta", "shift"),
    [(0.5, 1.0, 0.2), (1.0, 1.0, 0.01), (3.0, 2.0, 1.0), (1.0, 0.02, 0.1), (0.1, 1e9, 0.9)],
)
def test_lanes_equal_the_scalar_twin(n, ratio, beta, shift):
    m = max(1, round(n / ratio))
    for first, count in [(0, 1003), (2**32 - 9, 17)]:
        lanes = index_counts(n, m, shift, first, count, beta)
        scalar = np.zeros(n + 1, dtype=np.int64)
        laguerre.laguerre_index_scalar(KEY, beta, shift, n, m, first, count, scalar)
        np.testing.assert_array_equal(lanes, scalar)


def test_counts_are_added_to():
    counts = np.ones(4, dtype=np.int64)
    laguerre.laguerre_index(KEY, 1.0, 0.3, 3, 6, 0, 10, counts)
    np.testing.assert_array_equal(counts, index_counts(3, 6, 0.3, count=10) + 1)
    before = counts.copy()
    laguerre.laguerre_index(KEY, 1.0, 0.3, 3, 6, 10, 0, counts)
    np.testing.assert_array_equal(counts, before)


def test_a_huge_dimension():
    """Within O(1/n) of the limit; the index fluctuates by √(ln n)/π."""
    n = 300_000
    counts = index_counts(n, 2 * n, 0.5, count=16)
    found = np.repeat(np.arange(n + 1), counts) / n
    assert np.all(abs(found - dense.marchenko_pastur_below(0.5, 0.5)) < 12 / n)


@njit
def _from_jitted_code(key, n, m, count):
    counts = np.zeros(n + 1, np.int64)
    laguerre.laguerre_index(key, 1.0, 0.5, n, m, 0, count, counts)
    return counts


def test_the_kernel_is_callable_from_jitted_code():
    counts = np.zeros(6, np.int64)
    laguerre.laguerre_index(np.uint64(3), 1.0, 0.5, 5, 9, 0, 1000, counts)
    np.testing.assert_array_equal(_from_jitted_code(np.uint64(3), 5, 9, 1000), counts)
    assert counts.sum() == 1000
