"""Weights to begin with: their variances, order and streams; orthogonal ones exactly so."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import initialisers as reference
from scipy.stats import kstest

from saddlelab.networks.initialisers import KINDS, gain_of, initialise

EPS = np.finfo(float).eps
SIZES = st.lists(st.integers(1, 9), min_size=2, max_size=4)
RANDOM = sorted(set(KINDS) - {"constant"})


@given(SIZES, st.sampled_from(sorted(KINDS)), st.booleans(), st.integers(0, 2**70))
def test_the_order_is_layer_by_layer_and_copies_are_their_own(sizes, kind, bias, seed):
    many = initialise(sizes, kind, rng=seed, count=4, bias=bias)
    one = initialise(sizes, kind, rng=seed, bias=bias)
    np.testing.assert_array_equal(many[0], one)
    np.testing.assert_array_equal(many[:2], initialise(sizes, kind, rng=seed, count=2, bias=bias))
    for theta in many:
        for W, b in reference.layers(theta, sizes, bias):
            assert not np.any(b)
            assert np.any(W)
    bare = np.concatenate([np.ravel(W) for W, _ in reference.layers(one, sizes, bias)])
    np.testing.assert_array_equal(bare, initialise(sizes, kind, rng=seed, bias=False))


@pytest.mark.parametrize("kind", RANDOM)
@pytest.mark.parametrize(("i", "o"), [(20, 30), (30, 20), (6, 6)])
def test_means_and_variances(kind, i, o):
    """Of many layers, to six standard errors (those of a fourth moment of 3 variance² at most)."""
    count = 400
    W = initialise([i, o], kind, gain=2.0, rng=1, count=count, bias=False)
    n, variance = W.size, 4.0 * float(reference.variance(kind, i, o))
    assert abs(W.mean()) < 6 * (variance / n) ** 0.5
    # Weights that are 0 leave larger ones: their fourth moment is 3 variance²·i/15.
    kurtosis = 3.0 * max(1.0, i / 15.0) if kind == "sparse" else 3.0
    assert abs((W**2).mean() / variance - 1.0) < 6 * (kurtosis / n) ** 0.5
    if kind.endswith("uniform"):
        limit = 2.0 * reference.limit(kind, i, o)
        assert 0.99 * limit < np.abs(W).max() < limit


@given(st.integers(1, 12), st.integers(1, 12), st.floats(0.1, 10.0), st.integers(0, 2**32))
def test_orthogonal_weights_have_all_singular_values_equal_to_the_gain(i, o, gain, seed):
    W = initialise([i, o], "orthogonal", gain=gain, rng=seed, bias=False).reshape(o, i)
    gram = W @ W.T if o <= i else W.T @ W
    error = np.abs(gram - gain**2 * np.eye(len(gram))).max()
    assert error <= 20 * EPS * max(i, o) * gain**2  # Householder's Q is orthogonal to n·eps


def test_orthogonal_weights_are_haar_s():
    """Of three dimensions: entries are uniform, traces have variance 1, both signs of det."""
    W = initialise([3, 3], "orthogonal", rng=2, count=4000, bias=False).reshape(-1, 3, 3)
    for row, column in ((0, 0), (2, 1)):
        # Archimedes: a coordinate of a uniform point of the sphere is uniform.
        assert kstest(W[:, row, column], "uniform", (-1.0, 2.0)).pvalue > 1e-4
    traces = np.trace(W, axis1=1, axis2=2)
    assert abs(traces.mean()) < 6 / 4000**0.5
    assert abs((traces**2).mean() - 1.0) < 6 * (2.0 / 4000) ** 0.5
    assert abs(np.linalg.det(W).mean()) < 6 / 4000**0.5


def test_sparse_units_have_fifteen_connections():
    W = initialise([40, 25], "sparse", rng=3, count=7, bias=False).reshape(7, 25, 40)
    assert (np.count_nonzero(W, axis=2) == 15).all()
    chosen = np.count_nonzero(W, axis=(0, 1))
    assert chosen.min() > 0
    few = initialise([9, 25], "sparse", rng=3, bias=False)
    assert np.count_nonzero(few) == few.size


def test_constants_and_gains_by_layer():
    theta = initialise([2, 2, 1], "constant", gain=[0.5, 3.0])
    assert theta.tolist() == [0.5] * 4 + [0.0] * 2 + [3.0] * 2 + [0.0]


def test_layers_seeds_and_kinds_are_independent():
    W = initialise([5, 5, 5], "gaussian", rng=4, bias=False).reshape(2, 25)
    assert not np.intersect1d(W[0], W[1]).size
    assert not np.intersect1d(W, initialise([5, 5, 5], "gaussian", rng=5, bias=False)).size
    np.testing.assert_array_equal(
        initialise([3, 4], "lecun_normal", rng=0), initialise([3, 4], "scaled_gaussian", rng=0)
    )


def test_the_bits_are_those_of_all_releases():
    theta = initialise([2, 1], "glorot_uniform", rng=0, bias=False)
    assert [value.hex() for value in theta.tolist()] == [
        "-0x1.12e735c67ce60p-1", "0x1.20142bf42a227p-1",
    ]  # fmt: skip


def test_gains():
    found = [gain_of(name) for name in ("linear", "sigmoid", "tanh", "relu", "selu")]
    assert found == pytest.approx([1.0, 1.0, 5 / 3, 2**0.5, 0.75], rel=EPS)
    assert gain_of("leaky_relu", slope=0.5) == pytest.approx((2 / 1.25) ** 0.5, rel=2 * EPS)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "text"),
    [
        (([3],), {}, ValueError, "`sizes` must name inputs and outputs at least"),
        (([3, 0, 1],), {}, ValueError, "`sizes` must be a positive integer, got 0"),
        ((7,), {}, TypeError, "`sizes` must be integers"),
        (([3, 1], "xavier"), {}, ValueError, "`kind` must be one of .*got 'xavier'"),
        (([3, 1], "he_norml"), {}, ValueError, "did you mean 'he_normal'"),
        (([3, 1],), {"gain": -1.0}, ValueError, "`gain` must be positive and finite, got -1.0"),
        (([3, 1],), {"gain": [1.0, 2.0]}, ValueError, "`gain` must be a number or one of each"),
        (([3, 1],), {"gain": "x"}, TypeError, "`gain` must be positive and finite, got 'x'"),
        (([3, 1],), {"count": 0}, ValueError, "`count` must be a positive integer or None"),
    ],
)
def test_bad_input_is_named(arguments, options, error, text):
    with pytest.raises(error, match=text):
        initialise(*arguments, **options)
