"""The kernel of weighted chains: known laws, exact sums, and the same bits however they are split.

Laws of critical points of isotropic Gaussian fields and of the spherical spin glass: see the tests.
"""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from laws import LIKELY, same_weighted_law, weighted_chi_square
from numba import njit
from reference import hermite as reference
from reference import streams
from reference import weighted as dense

from saddlecore import weighted

KEY = np.uint64(20_240_601)
SAMPLES = 4_000_000
EPS = np.finfo(float).eps
# Fractions of index k = 0 … n/2 among the critical points of an isotropic Gaussian field at all
# heights: ∝ E exp(−x²/4) of the (k + 1)-th eigenvalue x of the GOE (variance 2 on the diagonal) of
# size n + 1, in closed form for n ≤ 3, else by two quadratures that agree.
FIELD = {
    1: [0.5],
    2: [0.25, 0.5],
    3: [(29 - 6 * 6**0.5) / 116, 0.376697745],
    4: [0.05988577803, 0.25, 0.380228444],
    5: [0.02867114364, 0.153695277, 0.317633579],
    6: [0.01355240674, 0.0896262248, 0.236447593, 0.32074755],
}


def field_law(n):
    half = FIELD[n]
    return np.array(half + half[::-1][1 if n % 2 == 0 else 0 :])


def index_bins(n, mean=0.0, variance=0.5, first=0, count=SAMPLES, key=KEY):
    bins = np.zeros((n + 1) * weighted.BINS, np.int64)
    weighted.weighted_index(key, mean, variance, n, first, count, bins)
    return bins.reshape(n + 1, weighted.BINS)


def sums(bins):
    """Sums of weights and of squared weights by index."""
    scales = 2.0 ** np.array(weighted.DIGITS), 2.0 ** np.array(weighted.SQUARE_DIGITS)
    return bins[:, 1:4] @ scales[0], bins[:, 4:] @ scales[1]


# --- laws -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", FIELD)
def test_critical_points_of_a_gaussian_field(n, record_property):
    bins = index_bins(n)
    assert bins[:, 0].sum() == SAMPLES
    p = weighted_chi_square(*sums(bins), field_law(n))
    record_property("p", f"{p:.3g}")
    assert p > LIKELY


@pytest.mark.parametrize("n", [1, 2, 3, 6, 12])
def test_two_spin_glasses_have_two_critical_points_of_each_index(n):
    weight, square = sums(index_bins(n, variance=1.0))
    assert weighted_chi_square(weight, square, np.full(n + 1, 1 / (n + 1))) > LIKELY


def test_a_wrong_variance_or_weight_is_rejected():
    weight, square = sums(index_bins(4, variance=0.51))
    assert weighted_chi_square(weight, square, field_law(4)) < LIKELY
    counts = index_bins(4)[:, 0]
    assert weighted_chi_square(counts, counts, field_law(4)) < LIKELY


@pytest.mark.parametrize(
    ("n", "energy", "correlation"),
    [(2, None, 1.0), (3, -1.0, 1.0), (3, -1.0, 0.6), (5, 2.5, 0.8), (6, -4.0, 0.3)],
)
def test_dense_hessians_of_fields_have_the_same_law(n, energy, correlation):
    rng = np.random.default_rng([n, 7])
    found = dense.weighted_histogram(
        lambda size: dense.field_hessians(rng, n, size, energy, correlation), n, 200_000
    )
    mean, variance = 0.0, 0.5
    if energy is not None:
        mean, variance = correlation * energy / np.sqrt(2), (1 - correlation**2) / 2
    ours = sums(index_bins(n, mean, variance, count=1_000_000))
    assert same_weighted_law(ours, found) > LIKELY


@pytest.mark.parametrize(
    ("n", "p", "energy"), [(2, 2, None), (3, 3, None), (2, 3, -0.9), (4, 3, 0.5), (4, 2, -1.0)]
)
def test_dense_hessians_of_spin_glasses_have_the_same_law(n, p, energy):
    rng = np.random.default_rng([n, p])
    found = dense.weighted_histogram(
        lambda size: dense.spin_hessians(rng, n, size, p, energy), n, 200_000
    )
    variance = 0.5 * p / (p - 1)
    law = (0.0, variance) if energy is None else (energy * np.sqrt((n + 1) * variance), 0.0)
    assert same_weighted_law(sums(index_bins(n, *law, count=1_000_000)), found) > LIKELY


# --- one sample -----------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 3, 9, 20, 61])
@pytest.mark.parametrize(("mean", "variance"), [(0.0, 0.5), (0.0, 1.0), (-1.3, 0.2), (2.5, 0.0)])
def test_each_sample_equals_the_reference(n, mean, variance):
    """Beside LAPACK's eigenvalues on the same random numbers, and the ratio of two normal laws."""
    centre, spread, _, _, power = weighted.shift_proposal(n, mean, variance)
    for sample in [*range(12), 2**32 - 1, 2**40 + 3]:
        diagonal, squares = reference.tridiagonal(int(KEY), sample, n)
        x = float(streams.normal(int(KEY), sample, 0)[1])
        s = centre + spread * x
        index, det = dense.index_and_det(diagonal, squares, s)
        if variance > 0:
            # N(s; mean, variance) / N(s; centre, spread²), but for what is the same for all s
            det *= np.exp(x**2 / 2 - ((s - mean) ** 2 - (centre - mean) ** 2) / (2 * variance))
        bins = index_bins(n, mean, variance, sample, 1)
        expected = det * 2.0**-power
        assert bins[:, 0].tolist() == np.bincount([index], minlength=n + 1).tolist()
        weight, square = (found[index] for found in sums(bins))
        # A determinant's relative error is that of its smallest factor, eps ‖T‖/|λ − s|.
        tolerance = 64 * n * EPS * (1 + (np.sqrt(2 * n) + abs(s)) * 2**10)
        assert abs(weight - expected) < tolerance * expected + 2.0**-46
        assert abs(square - weight**2) < 8 * EPS * square + 2.0**-40 + 2.0**-45 * weight


@pytest.mark.parametrize("n", [1, 2, 10, 100, 1000, 20_000])
@pytest.mark.parametrize(("where", "variance"), [(0.0, 0.5), (0.0, 1.0), (-0.7, 0.0), (1.0, 0.2),
                                                 (3.0, 0.0), (-40.0, 0.3)])  # fmt: skip
def test_weights_are_near_one(n, where, variance):
    """Between 1/8 and 8, or 8 √n outside the semicircle: far from the ends of their digits."""
    samples = 20_000 if n <= 1000 else 200
    mean = where * np.sqrt(2 * n)
    average = sums(index_bins(n, mean, variance, count=samples))[0].sum() / samples
    assert 1 / 8 < average < 8 * (np.sqrt(n) if abs(where) >= 1 else 1)


def test_shifts_are_drawn_where_the_weights_are():
    """Weights of the determinant alone spread as much: drawing the shift costs few samples."""
    for n in (1, 5, 30):
        fixed, random = (
            (lambda w, s: w.sum() ** 2 / s.sum())(*sums(index_bins(n, 0.0, v, count=200_000)))
            for v in (0.0, 0.5)
        )
        assert random > 0.9 * fixed


# --- exact sums -----------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 5, 33])
@pytest.mark.parametrize(("mean", "variance"), [(0.0, 0.5), (3.0, 0.0)])
def test_blocks_add_up_to_the_whole(n, mean, variance):
    whole = index_bins(n, mean, variance, count=1000)
    for edges in ([0, 1, 1000], [0, 7, 8, 9, 500, 1000], [0, *range(3, 1000, 83), 1000]):
        parts = [index_bins(n, mean, variance, a, b - a) for a, b in pairwise(edges)]
        np.testing.assert_array_equal(np.sum(parts, axis=0), whole)


@pytest.mark.parametrize("n", [1, 2, 5, 10, 60, 61, 1000])
@pytest.mark.parametrize(("mean", "variance"), [(0.0, 0.5), (-9.0, 0.25), (0.0, 1.0), (1.0, 0.0)])
def test_lanes_equal_the_scalar_twin(n, mean, variance):
    for first, count in [(0, 1003), (2**32 - 9, 17)]:
        lanes = index_bins(n, mean, variance, first, count)
        scalar = np.zeros_like(lanes)
        weighted.weighted_index_scalar(KEY, mean, variance, n, first, count, scalar.reshape(-1))
        np.testing.assert_array_equal(lanes, scalar)


@given(
    n=st.integers(1, 70),
    mean=st.floats(-1e308, 1e308),
    variance=st.floats(0, 1),
    sample=st.integers(0, 2**62),
)
def test_any_law_of_the_shift_gives_whole_digits(n, mean, variance, sample):
    bins = index_bins(n, mean, variance, sample, 1)
    assert bins[:, 0].sum() == 1
    index = int(bins[:, 0].argmax())
    assert not np.any(np.delete(bins, index, axis=0))
    assert np.all(abs(bins[index]) <= 2**26)
    weight, square = sums(bins)
    assert weight.sum() >= 0
    assert abs(square.sum() - weight.sum() ** 2) < 2.0**-40 * (1 + square.sum())


def test_bins_are_added_to():
    bins = np.ones((4, weighted.BINS), np.int64)
    weighted.weighted_index(KEY, 0.0, 0.5, 3, 0, 10, bins.reshape(-1))
    np.testing.assert_array_equal(bins, index_bins(3, count=10) + 1)


def test_huge_dimensions():
    for n in (100_000, 1_000_000):
        bins = index_bins(n, count=16)
        index = np.repeat(np.arange(n + 1), bins[:, 0])
        assert len(index) == 16
        # the shift spreads it by √(2n)/π of its own standard deviation, 1
        assert np.all(np.abs(index - n / 2) < 8 * np.sqrt(2 * n))


@njit
def _from_jitted_code(key, n, count):
    bins = np.zeros((n + 1) * 8, np.int64)
    weighted.weighted_index(key, 0.0, 0.5, n, 0, count, bins)
    return bins


def test_the_kernel_is_callable_from_jitted_code():
    expected = index_bins(5, count=1000, key=np.uint64(3)).reshape(-1)
    np.testing.assert_array_equal(_from_jitted_code(np.uint64(3), 5, 1000), expected)
