"""Batched Sturm counts against exact ones, and their monotony in the shift."""

import numpy as np
import strategies
from hypothesis import given
from reference import inertia as exact

from saddlecore import sturm as engine

EPS = np.finfo(float).eps
TINY = np.finfo(float).tiny


def counts(a, b, x):
    """By lanes and by their scalar twin, which must agree."""
    lanes, scalar = np.full((2, len(a)), -1, dtype=np.int64)
    engine.sturm_counts(a, b, x, lanes)
    engine.sturm_counts_scalar(a, b, x, scalar)
    np.testing.assert_array_equal(lanes, scalar)
    return lanes


def backward_error(a, b, x):
    """Exact counts of entries changed by a few eps each (Demmel, Dhillon, Ren 1995)."""
    norm = np.abs(a).max() + 2 * np.abs(b).max(initial=0.0) + abs(x)
    return 4 * EPS * norm + np.sqrt(TINY)


@given(strategies.tridiagonals())
def test_counts_are_exact_up_to_backward_error(case):
    a, b, x = case
    (count,) = counts(a[None], b[None], np.array([x]))
    delta = backward_error(a, b, x)
    assert exact.sturm_count(a, b, x - delta) <= count <= exact.sturm_count(a, b, x + delta)


def test_counts_of_integer_tridiagonals():
    """Shifts half way between integers: every pivot is a fraction, no eigenvalue is hit."""
    rng = np.random.default_rng(0)
    for n in [1, 2, 3, 7, 8, 9, 30]:
        a = rng.integers(-3, 4, (41, n)).astype(float)
        b = rng.integers(-2, 3, (41, n - 1)).astype(float)
        x = rng.integers(-4, 5, 41) + 0.5
        truth = [exact.sturm_count(*row) for row in zip(a, b, x, strict=True)]
        np.testing.assert_array_equal(counts(a, b, x), truth)


def test_counts_are_monotone_in_the_shift():
    """Also across neighbouring floats around eigenvalues, where rounding would show first."""
    rng = np.random.default_rng(1)
    for n in [2, 5, 21, 100]:
        grade = 10.0 ** rng.uniform(-12, 12, n)
        for a in (rng.standard_normal(n), grade, np.abs(np.arange(n) - (n - 1) / 2)):
            b = np.sqrt(np.abs(a[1:] * a[:-1])) * rng.uniform(0.1, 2, n - 1)
            values = np.linalg.eigvalsh(np.diag(a) + np.diag(b, 1) + np.diag(b, -1))
            near = values[:, None] + np.arange(-20, 21) * np.spacing(values)[:, None]
            x = np.sort(np.concatenate([near.ravel(), np.linspace(values[0], values[-1], 500)]))
            found = counts(np.tile(a, (len(x), 1)), np.tile(b, (len(x), 1)), x)
            assert np.all(np.diff(found) >= 0)
            assert found[0] <= 1
            assert found[-1] >= n - 1


def test_zero_and_infinite_pivots():
    """d = 0 makes the next pivot infinite: the count goes on as if d were a tiny number."""
    a = np.array([[0.0, 0.0], [1.0, 1.0], [0.0, 5.0], [1e308, -1e308]])
    b = np.array([[1.0], [1.0], [1e-200], [1e308]])
    assert counts(a, b, np.zeros(4))[0] == 1
    assert counts(a, b, np.array([0.0, 0.0, 1.0, 0.0])).tolist()[2:] == [1, 1]


def test_infinite_shifts_count_all_or_nothing():
    a, b = np.zeros((2, 5)), np.ones((2, 4))
    assert counts(a, b, np.array([-np.inf, np.inf])).tolist() == [0, 5]
