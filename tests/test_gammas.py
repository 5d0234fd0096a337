"""Gammas of any shape, alone and in pairs: sample by sample beside the reference, and in law."""

import numpy as np
import pytest
from laws import LIKELY, assert_follows
from numba import njit
from reference import streams as reference
from scipy import stats

from saddlecore import gammas

EPS = np.finfo(float).eps
KEY = 0x9E3779B97F4A7C15
SHAPES = [0.02, 0.25, 0.5, 0.75, 0.999, 1.0, 1.25, 3.0, 80.0]
PLACES = [(0, 0), (3, 1), (2**32 - 5, 7), (2**40 + 1, 100_000)]


def drawn(first, row, count, shapes, fill=gammas.fill_gammas):
    """(gammas of shapes[0], pairs) of samples first, first + 1, … at a row."""
    out = np.full(count, np.nan), np.full((count, 2), np.nan)
    fill(np.uint64(KEY), first, row, np.array(shapes, float), *out)
    return out


def rounding(value, shape):
    """d (1 + cx)³ with x off by a normal's rounding; U^(1/a) = exp of a number with a rounding.

    The boost's exponent ln(U)/a is off by 4 eps of itself, and its exponential by that; it is
    never below −500.
    """
    boost = 4 * EPS * min(40 / shape, 500) if shape < 1 else 0.0
    if shape == 0.5:
        return 2 * np.sqrt(value / 2) * 3 * EPS * 9 + 4 * EPS * value
    d = shape + (shape < 1) - 1 / 3
    # (1 + cx)³ is hardly ever small, and its relative error grows as 1/(1 + cx) does.
    relative = 3 / np.sqrt(9 * d) * 3 * EPS * 9 * 100 + 8 * EPS
    return value * (relative + boost)


@pytest.mark.parametrize("shape", SHAPES)
def test_gammas_equal_the_reference(shape):
    for first, row in PLACES:
        found, _ = drawn(first, row, 60, [shape, 1.0])
        expected = np.array(
            [float(reference.gamma(KEY, first + i, row, shape)) for i in range(60)]
        )
        assert np.all(abs(found - expected) <= rounding(expected, shape))


@pytest.mark.parametrize("one", [0.25, 0.5, 1.0, 3.0])
@pytest.mark.parametrize("two", [0.0, 0.5, 0.7, 1.0, 20.0])
def test_pairs_equal_the_reference(one, two):
    for first, row in PLACES:
        _, found = drawn(first, row, 60, [one, two])
        pairs = [reference.gamma_pair(KEY, first + i, row, (one, two)) for i in range(60)]
        expected = np.array(pairs, dtype=float)
        for j, shape in enumerate((one, two)):
            if shape == 0.0:
                assert not found[:, j].any()
            else:
                error = abs(found[:, j] - expected[:, j])
                assert np.all(error <= rounding(expected[:, j], shape))


@pytest.mark.parametrize("first", [0, 5, 2**32 - 3])
def test_lanes_equal_their_scalar_twin(first):
    for count in (0, 1, 7, 8, 9, 1000):
        for shapes in ((0.3, 0.01), (0.5, 0.5), (1.0, 0.5), (1.0, 1.0), (2.5, 40.0)):
            lanes = drawn(first, 2, count, shapes)
            scalar = drawn(first, 2, count, shapes, gammas.fill_gammas_scalar)
            for one, two in zip(lanes, scalar, strict=True):
                np.testing.assert_array_equal(one.view(np.int64), two.view(np.int64))


@pytest.mark.parametrize("shape", [0.1, 0.25, 0.75, 0.999, 1.0, 1.5])
def test_gammas_follow_their_law(shape):
    assert_follows(drawn(10**9, 3, 2_000_000, [shape, 1.0])[0], stats.gamma(shape))


@pytest.mark.parametrize(
    "shapes", [(1.0, 1.0), (0.5, 1.0), (1.5, 0.5), (0.25, 0.75), (4.5, 2.0), (100.0, 0.5)]
)
def test_pairs_follow_their_laws_and_are_independent(shapes):
    """One V accepts both: a fault there would show as a correlation."""
    count = 2_000_000
    _, pairs = drawn(10**9, 3, count, shapes)
    for j, shape in enumerate(shapes):
        assert_follows(pairs[:, j], stats.gamma(shape))
    p, q = (stats.gamma(shape).cdf(pairs[:, j]) for j, shape in enumerate(shapes))
    cells = np.histogram2d(p, q, bins=20, range=[[0, 1], [0, 1]])[0].ravel()
    assert stats.chisquare(cells).pvalue > LIKELY


@njit
def boosted_rows(table, rows):
    return gammas.boosted_rows(table, rows)


@njit
def rows_of(beta):
    return gammas.gamma_rows(0.0, beta, 0, 20)


def test_the_rows_of_a_chain_have_their_constants():
    for beta in (0.3, 0.5, 1.0, 2.0):
        table = rows_of(beta)
        shapes = 0.5 * np.arange(20) * beta
        np.testing.assert_array_equal(table[0] == -1.0, shapes == 0.0)
        np.testing.assert_array_equal(table[0] == 0.0, shapes == 0.5)
        small = (shapes > 0) & (shapes < 1) & (shapes != 0.5)
        np.testing.assert_array_equal(table[4] > 0.0, small)
        np.testing.assert_array_equal(table[4, small], 1 / shapes[small])
        expected = np.flatnonzero(small)[-1] + 1 if small.any() else 0
        assert boosted_rows(table, 20) == expected


def test_exp_within_two_ulp(record_property):
    rng = np.random.default_rng(0)
    half = np.log(2) / 2 * np.arange(-1500, 1500)
    near = np.concatenate([np.nextafter(half, -np.inf), half, np.nextafter(half, np.inf)])
    tiny = np.concatenate([sign * 2.0 ** -np.arange(0, 60) for sign in (-1, 1)])
    x = np.concatenate([near, tiny, [0.0], rng.uniform(-700, 700, 5000), rng.uniform(-1, 1, 5000)])
    x = x[abs(x) <= 700]
    out = np.full(x.shape, np.nan)
    gammas.exp_array(x, out)
    exact = [reference.ctx.exp(reference.mpf(value)) for value in x]
    error = np.array([float(abs(e - reference.mpf(o))) for e, o in zip(exact, out, strict=True)])
    ulp = error / np.spacing(np.array(exact, dtype=float))
    record_property("ulp", f"{ulp.max():.3f}")
    assert ulp.max() <= 2
