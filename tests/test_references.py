"""The references and the strategies agree with each other before they judge the engine."""

import mpmath
import numpy as np
import pytest
import strategies
from hypothesis import given
from reference import hermite, inertia


@pytest.mark.parametrize("n", [*range(1, 13), 21])
def test_every_family_is_symmetric_finite_and_has_the_inertia_it_claims(n):
    rng = np.random.default_rng(n)
    for name, A, known in strategies.hard_matrices(rng, n):
        assert A.shape == (n, n), name
        assert A.dtype == float, name
        assert np.isfinite(A).all(), name
        assert np.array_equal(A, A.T), name
        if known is not None:
            assert inertia.inertia(A) == known, name


@pytest.mark.parametrize("n", range(1, 9))
def test_exact_inertia_counts_the_signs_of_exact_eigenvalues(n):
    """mpmath with 60 digits: what is below 1e-40 of the norm is a zero."""
    rng = np.random.default_rng(n)
    for family in ("gaussian", "near_degenerate", "singular_congruence", "zero_diagonal"):
        A, _ = strategies.FAMILIES[family](rng, n)
        values = inertia.eigenvalues(A, 60)
        zero = mpmath.mpf(10) ** -40 * max(1, *map(abs, values), 1)
        negative = sum(value < -zero for value in values)
        positive = sum(value > zero for value in values)
        assert inertia.inertia(A) == (negative, n - negative - positive, positive)


@given(strategies.tridiagonals())
def test_exact_sturm_count_is_the_exact_inertia_of_the_shifted_matrix(case):
    """Where the shifted diagonal is itself a float."""
    a, b, _ = case
    n = len(a)
    T = np.zeros((n, n))
    T[range(n), range(n)] = a
    T[range(1, n), range(n - 1)] = T[range(n - 1), range(1, n)] = b
    negative, zero, _ = inertia.inertia(T)
    assert inertia.sturm_count(a, b, 0.0) == negative
    assert inertia.sturm_count(a, b, np.nextafter(0, 1)) >= negative + zero


def test_goe_tridiagonal_has_the_mean_square_of_the_dense_matrix():
    """E tr T² = n + n(n − 1)/2 in these units: n N(0, 1)² and twice Gamma(k/2), k < n."""
    n, samples = 4, 300
    squares = [hermite.tridiagonal(1, sample, n) for sample in range(samples)]
    traces = np.array([np.sum(a**2) + 2 * np.sum(g) for a, g in squares])
    expected = n + n * (n - 1) / 2
    assert abs(traces.mean() - expected) < 4 * traces.std() / np.sqrt(samples)
