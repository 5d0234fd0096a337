"""Extreme eigenpairs, condition numbers, directions and traces, beside known spectra."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import spectrum as reference

from saddlelab.spectrum import (
    condition_number,
    extreme_eigenpairs,
    negative_curvature_direction,
    trace,
)
from saddlelab.spectrum._checks import generator
from saddlelab.spectrum._krylov import KrylovBasis, project, random_start_failure
from saddlelab.spectrum._operator import as_operator

EPS = np.finfo(float).eps
seeds = st.integers(0, 2**32 - 1)
#: The basis holds 64 rows and two for each wanted pair: beyond it, Lanczos has to restart.
LARGE = 90


def rounding(values):
    """Of n-term sums of products with a matrix of this spectrum."""
    return 4 * len(values) * EPS * np.abs(values).max()


class Counted:
    """A diagonal operator, as a callable that counts its calls."""

    def __init__(self, values):
        self.values, self.calls = np.asarray(values, dtype=float), 0

    def __call__(self, v):
        assert v.shape == self.values.shape
        assert v.flags.c_contiguous
        self.calls += 1
        return self.values * v


def linspaced(n=300):
    return np.linspace(-1.0, 2.0, n)


@st.composite
def spectra(draw, low=1, high=140):
    """Repeated, ±λ, graded, zero, definite, huge and tiny, alone or mixed."""
    n, rng = draw(st.integers(low, high)), np.random.default_rng(draw(seeds))
    family = draw(st.sampled_from(sorted(FAMILIES)))
    scale = draw(st.sampled_from([1.0, 1.0, 1e-290, 1e290, 1e-8]))
    return scale * FAMILIES[family](rng, n)


FAMILIES = {
    "gaussian": lambda rng, n: rng.standard_normal(n),
    "repeated": lambda rng, n: rng.integers(-2, 3, n).astype(float),
    "competing": lambda rng, n: rng.choice([-1.0, 1.0], n) * rng.choice([1.0, 0.5], n),
    "graded": lambda rng, n: np.logspace(-12, 0, n),
    "graded, both signs": lambda rng, n: rng.choice([-1.0, 1.0], n) * np.logspace(-12, 0, n),
    "zero": lambda rng, n: np.zeros(n),
    "negative": lambda rng, n: -1.0 - rng.random(n),
    "low rank": lambda rng, n: np.where(np.arange(n) < 3, rng.standard_normal(n), 0.0),
    "clusters": lambda rng, n: rng.integers(-1, 2, n) + 1e-9 * rng.standard_normal(n),
}


# --- extreme eigenpairs --------------------------------------------------------------------------


def check_pairs(found, H, values, k, which):
    """What must hold of any answer; of a converged one, the values as well."""
    truth = np.array(reference.extremes(values, k, which))
    vectors, most = found.vectors, rounding(values)
    assert vectors.shape == (len(values), len(truth))
    assert np.abs(vectors.T @ vectors - np.eye(len(truth))).max() <= 8 * len(values) * EPS
    scale = np.abs(values).max() or 1.0
    residuals = np.linalg.norm(H / scale @ vectors - vectors * (found.values / scale), axis=0)
    np.testing.assert_allclose(residuals, found.residuals / scale, atol=most / scale, rtol=1e-6)
    distances = np.abs(found.values[:, None] - values).min(axis=1)
    assert (distances <= found.residuals + most).all()
    assert (np.diff(found.values) >= 0).all()
    if found.converged.all():
        off = np.abs(found.values - truth)
        slack = [cluster_width(values, value, 1e-8 * scale) for value in truth]
        assert (off <= EPS ** (2 / 3) * scale + most + slack).all()


def cluster_width(values, value, gap):
    """Within a narrow cluster Lanczos may settle for another value than the outermost."""
    ordered = np.sort(values)
    group = np.cumsum(np.diff(ordered, prepend=ordered[0]) > gap)
    return np.ptp(ordered[group == group[np.searchsorted(ordered, value)]])


@given(spectra(), st.integers(1, 4), st.sampled_from(["both", "smallest", "largest"]), seeds)
def test_extreme_pairs_of_any_spectrum(values, k, which, seed):
    """Both below the size of the basis and above it, where nothing is computed densely at first."""
    rng = np.random.default_rng(seed)
    H = reference.rotated(rng, values)
    k = min(k, len(values))
    found = extreme_eigenpairs(H, k=k, which=which, rng=seed)
    check_pairs(found, H, values, k, which)
    assert found.converged.all()


@given(spectra(low=LARGE, high=LARGE), st.integers(1, 4), seeds)
def test_lanczos_alone_converges_or_says_that_it_did_not(values, k, seed):
    """Too few products for the dense fallback."""
    counted = Counted(values)
    found = extreme_eigenpairs(counted, n=LARGE, k=k, max_products=2 * LARGE - 1, rng=seed)
    check_pairs(found, np.diag(values), values, k, "both")
    assert found.products == counted.calls < 2 * LARGE


@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize(
    "values",
    [
        np.ones(3000),
        np.zeros(3000),
        np.r_[np.full(5, -3.0), np.linspace(-1, 1, 3000), np.full(5, 3.0)],
        np.r_[np.full(3, -3.0), -2.9999999, np.linspace(-1, 1, 3000), [2.5, 2.5, 3.0, 3.0]],
        np.repeat([-1.0, 1.0], 1500),
        np.r_[np.zeros(2990), np.arange(1.0, 11.0)],
        np.r_[-1e-3, np.zeros(2999)],
    ],
    ids=["identity", "zero", "five copies", "copies and a near one", "±1", "low rank", "one"],
)
def test_every_copy_of_a_repeated_eigenvalue_is_found(values, k):
    for seed in range(3):
        found = extreme_eigenpairs(Counted(values), n=len(values), k=k, rng=seed)
        assert found.converged.all()
        check_pairs(found, np.diag(values), values, k, "both")


def test_plus_and_minus_compete():
    """Power iteration ends anywhere between them."""
    found = extreme_eigenpairs(Counted(np.linspace(-5, 5, 5000)), n=5000, rng=0)
    np.testing.assert_allclose(found.values, [-5, 5], atol=5e-10)
    assert found.converged.all()
    assert found.products < 1000


@pytest.mark.parametrize("n", [1, 2, 3, 10, 70, 200])
@pytest.mark.parametrize("which", ["both", "smallest", "largest"])
def test_all_pairs_of_a_matrix(n, which):
    values = np.random.default_rng(n).standard_normal(n)
    H = reference.rotated(np.random.default_rng(0), values)
    found = extreme_eigenpairs(H, k=n, which=which)
    assert found.products == n
    check_pairs(found, H, values, n, which)


def test_a_run_cut_short_says_so():
    values = np.linspace(-1, 1, 5000)
    for most in (4, 10, 30, 100):
        counted = Counted(values)
        found = extreme_eigenpairs(counted, n=5000, max_products=most, rng=0)
        assert not found.converged.any()
        assert found.products == counted.calls <= most
        assert "max_products" in found.message
        check_pairs(found, np.diag(values), values, 1, "both")
    with pytest.raises(ValueError, match="`max_products` must be at least 4"):
        extreme_eigenpairs(counted, n=5000, max_products=3)


def test_flags_are_those_of_the_residuals():
    values = np.r_[np.linspace(-0.1, 0.1, 5000), 1.0]
    found = extreme_eigenpairs(Counted(values), n=5001, max_products=40, tol=1e-6, rng=0)
    assert found.converged.tolist() == [False, True]
    np.testing.assert_array_equal(found.converged, found.residuals <= 1e-6 * found.values[1])


def test_errors_of_the_operator_are_not_called_convergence():
    """Products that are 1e-9 off: the Ritz values settle, the residuals tell."""
    values, noise = linspaced(1000), np.random.default_rng(1)
    found = extreme_eigenpairs(
        lambda v: values * v + 1e-9 * np.abs(v).max() * noise.standard_normal(1000),
        n=1000, max_products=1999, rng=0,
    )  # fmt: skip
    assert not found.converged.any()
    assert found.residuals.max() < 1e-7


def test_a_looser_tolerance_costs_less_and_is_kept():
    values, last = linspaced(5000), 0
    for tol in (1e-2, 1e-4, 1e-8):
        found = extreme_eigenpairs(Counted(values), n=5000, tol=tol, rng=0)
        assert found.converged.all()
        assert (found.residuals <= tol * 2.0).all()
        assert found.products > last
        last = found.products


def test_what_kuczynski_and_wozniakowski_bound():
    """The share of random starts that miss λmin by ε of the spread is within the bound."""
    rng, values = np.random.default_rng(0), np.r_[0.0, np.linspace(0.5, 1, 9)]
    runs = 4000
    for steps, epsilon in ((2, 0.9), (3, 0.45), (4, 0.2)):
        bound = random_start_failure(10, steps, epsilon)
        assert 0.0 < bound < 1.0
        missed = 0
        for _ in range(runs):
            start = rng.standard_normal(10)
            missed += reference.krylov_minimum(values, start, steps) > epsilon
        assert missed / runs <= bound + 4 * math.sqrt(bound / runs)


@given(spectra(low=20, high=60), seeds)
def test_the_basis_stays_orthonormal_and_its_projection_true(values, seed):
    """Through restarts, invariant subspaces and new starts."""
    n = len(values)
    rng = np.random.default_rng(seed)
    basis = KrylovBasis(as_operator(Counted(values), n), 12, rng)
    scale = basis.operator.scaled
    for turn in range(4):
        while basis.size < basis.capacity:
            basis.step()
        ritz = basis.ritz()
        V, T = basis.V[: basis.size], basis.T[: basis.size, : basis.size]
        H = np.diag([scale(value) for value in values])
        assert np.abs(V @ V.T - np.eye(len(V))).max() <= 16 * n * EPS
        # What new starts leave behind, a residual of the kept ones, is in T all the same.
        assert np.abs(V @ H @ V.T - T).max() <= 16 * n * EPS * np.abs(H).max()
        restart = basis.restart if turn % 2 else basis.start_anew
        restart(ritz, np.array([0, 1, 10, 11]))


@given(seeds, st.integers(1, 12), st.integers(-15, 0))
def test_a_vector_almost_in_the_span_becomes_orthogonal_to_it(seed, rows, power):
    """One projection would leave eps/‖w‖."""
    rng = np.random.default_rng(seed)
    V = np.linalg.qr(rng.standard_normal((40, rows)))[0].T.copy()
    w = rng.standard_normal(rows) @ V + 10.0**power * rng.standard_normal(40)
    before = w.copy()
    gap, length = project(w, V)
    assert abs(length - np.linalg.norm(w)) <= 8 * EPS * length
    np.testing.assert_allclose(before, gap @ V + w, atol=40 * EPS * np.linalg.norm(before))
    assert np.abs(V @ w).max() <= 40 * EPS * max(length, EPS)


# --- directions of negative curvature ------------------------------------------------------------


@given(spectra(), seeds)
def test_a_direction_has_the_curvature_it_claims(values, seed):
    H = reference.rotated(np.random.default_rng(seed), values)
    found = negative_curvature_direction(H, rng=seed)
    lowest, most = values.min(), rounding(values)
    if found.direction is None:
        assert lowest >= -most - EPS ** (2 / 3) * np.abs(values).max()
        assert not found.certified
        assert found.bound <= lowest + most
    else:
        v, scale = found.direction, np.abs(values).max()
        assert lowest < 0
        assert abs(v @ v - 1) <= 8 * len(v) * EPS
        assert abs(v @ (H / scale) @ v - found.curvature / scale) <= most / scale
        assert found.curvature < 0
        assert found.curvature >= lowest - most
        assert np.abs(values - found.curvature).min() <= found.residual + most


def test_the_search_stops_when_it_has_found_something():
    """Half of the spectrum is negative: the first step or two must do."""
    found = negative_curvature_direction(Counted(np.linspace(-1, 1, 10_000)), n=10_000, rng=0)
    assert found.certified
    assert found.products <= 4


def test_the_tolerance_is_that_of_the_curvature():
    values = np.r_[-1e-2, np.linspace(0, 1, 1000)]
    assert negative_curvature_direction(Counted(values), n=1001, tol=1e-3, rng=0).curvature < -1e-3
    found = negative_curvature_direction(Counted(values), n=1001, tol=2e-2, rng=0)
    assert found.direction is None


@pytest.mark.parametrize("scale", [1e-280, 1.0, 1e280])
def test_no_direction_comes_with_a_bound_that_holds(scale):
    values = scale * np.linspace(0.2, 1, 2000)
    for seed in range(50):
        found = negative_curvature_direction(
            Counted(values), n=2000, failure=0.01, max_products=5 + seed, rng=seed
        )
        assert found.direction is None
        assert found.bound <= values[0]
        assert found.products <= 5 + seed
    assert found.bound > 0.0
    assert found.failure == 0.01


@pytest.mark.parametrize("steps", [10, 14, 20])
def test_the_bound_is_that_of_the_theorem(steps):
    """Solve 1.648 √n exp(−√ε(2k − 1)) = failure / (2k(k + 1)) for ε, of a spread ≤ S/(1 − 2ε)."""
    n, values = 300, np.linspace(0, 1, 300)
    found = negative_curvature_direction(
        Counted(values), n=n, failure=0.1, max_products=steps + 1, rng=4
    )
    start = generator(4).standard_normal(n)
    low = reference.krylov_minimum(values, start, steps)
    assert abs(found.curvature - low) <= 1e3 * EPS
    bounds = [-np.inf]
    for k in range(1, steps + 1):
        root = math.log(1.648 * math.sqrt(n) * 2 * k * (k + 1) / 0.1) / (2 * k - 1)
        if root**2 < 0.5:
            low, high = (s * reference.krylov_minimum(s * values, start, k) for s in (1, -1))
            bounds.append(low - root**2 * (high - low) / (1 - 2 * root**2))
    assert found.bound == max(bounds) or abs(found.bound - max(bounds)) <= 1e3 * EPS
    assert steps < 14 or found.bound > -1.0


def test_a_bound_needs_products():
    found = negative_curvature_direction(Counted(linspaced() + 2), n=300, max_products=3, rng=0)
    assert found.bound == -np.inf
    assert "max_products" in found.message


@pytest.mark.parametrize("values", [np.ones(500), np.zeros(500), np.repeat([1.0, 2.0], 250)])
def test_an_invariant_krylov_space_ends_the_search(values):
    found = negative_curvature_direction(Counted(values), n=500, rng=0)
    assert found.direction is None
    assert found.products <= 2
    assert found.bound <= values.min() <= found.bound + rounding(values)


# --- condition numbers ---------------------------------------------------------------------------


@given(spectra(), seeds)
def test_condition_of_any_small_matrix(values, seed):
    H = reference.rotated(np.random.default_rng(seed), values)
    found = condition_number(H)
    truth = reference.condition(values)
    assert found.products == len(values)
    largest, smallest = np.abs(values).max(), np.abs(values).min()
    assert abs(found.largest - largest) <= rounding(values)
    assert abs(found.smallest - smallest) <= rounding(values)
    if found.converged:
        assert abs(found.value - truth) <= found.error + 8 * EPS * truth
    else:
        assert smallest <= 2 * rounding(values)
        assert found.error == np.inf or largest == 0.0 or truth > 1 / (8 * len(values) * EPS)


@pytest.mark.parametrize("scale", [1e-280, 1.0, 1e280])
@pytest.mark.parametrize(
    "values",
    [
        np.linspace(1, 50, 1500),
        -np.linspace(1, 50, 1500),
        np.r_[np.linspace(-9, -1, 700), 0.2, np.linspace(0.8, 7, 800)],
        np.r_[np.linspace(-9, -1, 700), -0.2, 0.2, np.linspace(1, 7, 800)],
        np.r_[1e-9, np.linspace(1, 2, 1500)],
        np.r_[0.3, np.ones(1500)],
        np.ones(1500),
    ],
    ids=["positive", "negative", "inner", "±", "tiny", "one below", "identity"],
)
def test_condition_from_products(values, scale):
    counted = Counted(scale * values)
    found = condition_number(counted, n=len(values), rng=0)
    truth = reference.condition(values)
    assert found.converged
    assert found.products == counted.calls
    assert abs(found.value - truth) <= found.error + 8 * EPS * truth
    assert found.error <= 0.05 * truth
    assert found.value <= truth * (1 + 1e4 * EPS)  # it is a lower bound too


def test_a_condition_that_is_not_settled_says_so_and_is_a_lower_bound():
    values = np.linspace(-100, 100, 3000)
    for most in (12, 50, 1000):
        found = condition_number(Counted(values), n=3000, max_products=most, rng=0)
        assert not found.converged
        assert found.products <= most
        assert found.value <= reference.condition(values)
        assert "lower bound" in found.message


@pytest.mark.parametrize("n", [1, 5, 1500])
@pytest.mark.parametrize("rank", [0, 0.5])
def test_singular_operators_are_called_singular(n, rank):
    values = np.where(np.arange(n) < rank * n, np.linspace(1, 2, n), 0.0)
    if n == 1:
        values = np.zeros(1)
    found = condition_number(Counted(values), n=n, rng=0)
    assert not found.converged
    assert found.value > 1e13
    assert "singular" in found.message


# --- traces --------------------------------------------------------------------------------------


@given(spectra(), seeds)
def test_a_trace_of_n_products_is_exact(values, seed):
    H = reference.rotated(np.random.default_rng(seed), values)
    found = trace(H, products=len(values) + 5)
    assert found.products == len(values)
    assert found.error == 0.0
    assert abs(found.value - math.fsum(np.diag(H))) <= rounding(values)


@pytest.mark.parametrize(
    "values",
    [
        np.linspace(-1, 2, 200),
        np.r_[np.full(150, 0.1), np.arange(1.0, 51.0)],
        1 / np.arange(1, 201) ** 2,
    ],
    ids=["flat", "outliers", "decaying"],
)
def test_traces_are_unbiased_and_their_errors_calibrated(values):
    """72 products leave 24 samples: t with 23 degrees of freedom has the deviation 1.046.

    The mean of (value − truth)/error is not 0 where the samples are skewed, and large values come
    with large errors; that of the values is.
    """
    runs = 400
    H = reference.rotated(np.random.default_rng(0), values)
    found = [trace(H, products=72, rng=seed) for seed in range(runs)]
    assert {each.products for each in found} == {72}
    off = np.array([each.value for each in found]) - np.trace(H)
    errors = np.array([each.error for each in found])
    assert abs(off.mean()) <= 4 * off.std() / math.sqrt(runs)
    assert abs((off / errors).std() - 1) <= 0.2
    assert abs(np.sqrt((errors**2).mean()) / off.std() - 1) <= 0.2


def test_two_products_are_two_samples_of_signs():
    """The variance is that of independent signs, by hand."""
    H = reference.rotated(np.random.default_rng(0), np.linspace(-1, 2, 12))
    runs = 2000
    found = np.array([trace(H, products=2, rng=seed).value for seed in range(runs)])
    variance = reference.sign_trace_variance(H) / 2
    assert abs(found.mean() - np.trace(H)) <= 4 * math.sqrt(variance / runs)
    # Kurtosis makes the variance of a variance; 3 ≥ that of these sums.
    assert abs(found.var() / variance - 1) <= 4 * math.sqrt(3 / runs)


def test_low_rank_is_found_exactly():
    values = np.r_[np.zeros(480), np.arange(1.0, 21.0)]
    H = reference.rotated(np.random.default_rng(0), values)
    found = trace(H, products=90, rng=0)
    assert abs(found.value - 210) <= 10 * rounding(values)
    assert found.error <= 10 * rounding(values)


@pytest.mark.parametrize("scale", [1e-290, 1e290])
def test_traces_have_no_scale(scale):
    values = np.linspace(-1, 2, 400)
    one, two = (trace(Counted(s * values), n=400, rng=3) for s in (1.0, scale))
    assert abs(two.value / scale - one.value) <= rounding(values) * 400
