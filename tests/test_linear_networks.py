"""Linear networks in closed form: against Hessians by differences, and against gradient descent."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import linear_networks as reference
from scipy.optimize import root

from saddlelab import surfaces
from saddlelab.networks.deep_linear import learning_time, mode_curve
from saddlelab.networks.linear import linear_critical_points

EPS = np.finfo(float).eps


def orthogonal(rng, n, m):
    return np.linalg.qr(rng.normal(size=(n, m)))[0]


def data(rng, n, m, s, rank, samples=9, beyond=1.0):
    """X of the given rank and Y, such that the eigenvalues of Σ are s²."""
    basis = orthogonal(rng, samples, samples)
    X = basis[:, :rank] * rng.uniform(0.5, 2.0, rank) @ orthogonal(rng, n, rank).T
    Y = basis[:, : len(s)] * s @ orthogonal(rng, m, len(s)).T
    return X, Y + beyond * basis[:, rank:] @ rng.normal(size=(samples - rank, m))


@st.composite
def problems(draw):
    """(X, Y, s, hidden): full rank or not, everything to be learnt or not."""
    n, m = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    rank = draw(st.integers(1, n))
    r = draw(st.integers(1, min(rank, m)))
    s = np.sort(draw(st.permutations([1.0, 1.5, 2.0, 2.75])))[::-1][:r].copy()
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    beyond = draw(st.sampled_from([0.0, 0.3]))
    return *data(rng, n, m, s, rank, beyond=beyond), s, draw(st.integers(1, 3))


def rounding(W1, W2, X, Y):
    """What the reference's differences round: f at distance 4 from the point, times its terms."""
    far = reference.loss([np.abs(W1) + 4.0, np.abs(W2) + 4.0], np.abs(X), -np.abs(Y))
    return EPS * far * (X.size + Y.size) * (W1.size + W2.size)


@settings(max_examples=30)
@given(problems())
def test_value_index_and_zeros_are_those_of_the_loss(problem):
    X, Y, s, hidden = problem
    found = linear_critical_points(X, Y, hidden)
    np.testing.assert_allclose(found.eigenvalues, s**2, rtol=1e3 * EPS)
    for i in range(len(found)):
        W1, W2 = found.W1[i], found.W2[i]
        doubt = rounding(W1, W2, X, Y)
        assert abs(reference.loss([W1, W2], X, Y) - found.value[i]) < doubt
        for slope in reference.gradients([W1, W2], X, Y):
            assert np.abs(slope).max() < doubt
        values = np.linalg.eigvalsh(reference.hessian(W1, W2, X, Y))
        assert doubt < 1e-6  # curvatures of these problems are zero or above 1e-3
        assert np.count_nonzero(values < -doubt) == found.index[i]
        assert np.count_nonzero(np.abs(values) <= doubt) == found.zeros[i]
        assert np.abs(values[np.abs(values) > doubt]).min(initial=1.0) > 1e-3


def test_baldi_and_hornik_s_formula():
    """Outputs and no more, Σ nonsingular: (p − k)(m − k) + inversions, p² zeros if k = p."""
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(40, 6)), rng.normal(size=(40, 4))
    found = linear_critical_points(X, Y, 2)
    assert len(found) == 1 + 4 + 6
    by_subset = dict(zip(found.subsets, found.index.tolist(), strict=True))
    for subset, index in by_subset.items():
        k = len(subset)
        pairs = sum(j < i for i in subset for j in range(4) if j not in subset)
        assert index == (2 - k) * (4 - k) + pairs
    zeros = found.zeros[[len(subset) == 2 for subset in found.subsets]]
    assert (zeros == 4).all()
    assert (np.diff(found.value) >= 0.0).all()
    assert found.kind.tolist() == ["minimum"] + ["saddle"] * 10
    best = np.linalg.lstsq(X, Y, rcond=None)[0].T
    least = 0.5 * np.sum((Y - X @ best.T) ** 2) + 0.5 * found.eigenvalues[2:].sum()
    assert found.value[0] == pytest.approx(least, rel=100 * EPS)


def test_every_root_of_the_gradient_is_in_the_list():
    """Roots from random starts: each has a listed value, and each listed value is met."""
    rng = np.random.default_rng(1)
    X, Y = data(rng, 2, 2, np.array([3.0, 1.0]), 2)
    found = linear_critical_points(X, Y, 1)
    met = set()

    def slope(theta):
        weights = reference.two_layers(theta, 2, 1, 2)
        return np.concatenate([g.ravel() for g in reference.gradients(weights, X, Y)])

    for _ in range(60):
        answer = root(slope, rng.normal(size=4), method="lm", tol=1e-12)
        if np.abs(answer.fun).max() < 1e-9:
            value = reference.loss(reference.two_layers(answer.x, 2, 1, 2), X, Y)
            near = int(np.argmin(np.abs(found.value - value)))
            assert abs(found.value[near] - value) < 1e-8  # a gradient of 1e-9 over a step of 1
            met.add(near)
    assert met == set(range(len(found)))


def test_the_surface_of_the_catalogue_is_such_a_network():
    found = linear_critical_points(np.eye(2), np.diag([4.0, 1.0]), 2)
    known = surfaces.deep_linear.points()
    mine, theirs = (
        sorted(zip(points.value.tolist(), points.index, points.zeros, strict=True))
        for points in (found, known)
    )
    np.testing.assert_allclose(mine, theirs, rtol=0, atol=100 * EPS)
    np.testing.assert_allclose(surfaces.deep_linear.value(found.theta), found.value, atol=100 * EPS)


def test_the_mean_divides_values_only():
    rng = np.random.default_rng(2)
    X, Y = rng.normal(size=(10, 3)), rng.normal(size=(10, 2))
    one, other = linear_critical_points(X, Y, 2), linear_critical_points(X, Y, 2, mean=True)
    np.testing.assert_allclose(one.value, 10 * other.value, rtol=4 * EPS)
    np.testing.assert_array_equal(one.index, other.index)
    np.testing.assert_array_equal(one.theta, other.theta)


def test_the_table_and_the_plot():
    rng = np.random.default_rng(3)
    found = linear_critical_points(rng.normal(size=(10, 2)), rng.normal(size=10), 3)
    assert str(found).splitlines()[1].split()[-1] == "0"
    assert str(found).splitlines()[2].split()[-1] == "nothing"
    many = linear_critical_points(rng.normal(size=(30, 7)), rng.normal(size=(30, 7)), 7)
    assert str(many).endswith(f"… and {2**7 - 40} more")
    ax = many.plot()
    drawn = sum(len(points.get_offsets()) for points in ax.collections)
    assert drawn == len(many) == 2**7
    ax.figure.clear()


@pytest.mark.parametrize(
    ("X", "Y", "hidden", "text"),
    [
        (np.ones(3), np.ones(3), 1, r"`X` must have shape \(N, n\), got \(3,\)"),
        (np.ones((3, 2)), np.ones(2), 1, r"`Y` must have shape \(3, m\).*got \(2,\)"),
        (np.zeros((3, 2)), np.ones(3), 1, "`X` must not be zero"),
        ([[np.nan, 1.0]], [1.0], 1, r"`X` must be finite, but row 0 is \[nan"),
        (np.eye(2), np.zeros((2, 2)), 1, "`Y` must be correlated with `X`"),
        (np.eye(2), np.eye(2), 1, "must be distinct.*number 0 and 1 are both 1"),
        (np.eye(2), np.diag([2.0, 1.0]), 0, "`hidden` must be a positive integer, got 0"),
        (np.eye(60), np.diag(np.arange(1.0, 61.0)), 30, "principal components first"),
    ],
)
def test_bad_input_is_named(X, Y, hidden, text):
    with pytest.raises(ValueError, match=text):
        linear_critical_points(X, Y, hidden)


# --- dynamics -------------------------------------------------------------------------------------


def begun(rng, s, a0, depth):
    """Balanced weights of `depth` layers, aligned with Σyx = U diag(s) Vᵀ; X, Y; U and V."""
    n = len(s)
    U, V = orthogonal(rng, n, n), orthogonal(rng, n, n)
    turns = [V, *(orthogonal(rng, n, n) for _ in range(depth - 1)), U]
    weights = [
        after * np.asarray(a0) ** (1.0 / depth) @ before.T
        for before, after in pairwise(turns)
    ]
    return weights, np.eye(n), (U * s @ V.T).T, U, V


def strengths(depth, rate, steps):
    """Strengths of two modes on the path of gradient descent, and the formula's."""
    s, a0 = np.array([2.0, 1.0]), np.array([0.02, 0.05])
    weights, X, Y, U, V = begun(np.random.default_rng(depth), s, a0, depth)
    path = reference.descend(weights, X, Y, rate, steps)
    a = np.array([np.diag(U.T @ reference.product(each) @ V) for each in path]).T
    return a, mode_curve(s, a0, np.arange(steps + 1), depth=depth, rate=rate)


@pytest.mark.parametrize("depth", [1, 2, 3, 5])
def test_gradient_descent_follows_the_curves(depth):
    """Within 1 %, and to first order in the rate: half the rate, half the error."""
    time = 2.0 * learning_time(1.0, 0.05, fraction=0.9, depth=depth)
    errors = []
    for rate in (0.002, 0.001):
        a, formula = strengths(depth, rate, int(time / rate))
        assert formula[:, -1] == pytest.approx([2.0, 1.0], rel=0.2 if depth == 1 else 0.05)
        errors.append(np.abs(a - formula).max())
    assert errors[1] < 0.01
    assert errors[0] / errors[1] == pytest.approx(2.0, rel=0.05)


@given(st.floats(0.1, 10.0), st.floats(1e-6, 0.4), st.integers(1, 40), st.floats(1e-3, 1e3))
@settings(max_examples=30)
def test_the_learning_time_is_when_the_curve_gets_there(s, part, depth, rate):
    a0, fraction = part * s, 0.5
    t = learning_time(s, a0, fraction=fraction, depth=depth, rate=rate)
    # Both are asked for 1e-12, of a time in which a/s rises by less than one in each unit.
    units = depth * s ** (2.0 - 2.0 / depth) * rate * t
    doubt = 100 * 1e-12 * max(units, 1.0)
    assert mode_curve(s, a0, t, depth=depth, rate=rate) == pytest.approx(fraction * s, rel=doubt)


def test_the_closed_form_is_the_published_one():
    s, a0, t, rate = 3.0, 1e-4, np.linspace(0.0, 5.0, 50), 0.7
    grown = np.exp(2.0 * s * t * rate)
    np.testing.assert_allclose(
        mode_curve(s, a0, t, rate=rate), s * grown / (grown - 1.0 + s / a0), rtol=100 * EPS
    )


def test_limits_of_the_curves():
    assert mode_curve(2.0, 1e-300, 1e6) == 2.0  # no overflow
    assert mode_curve(2.0, 0.0, 1e6, depth=3) == 0.0
    assert mode_curve(2.0, 5.0, [0.0, 1e9], depth=4).tolist() == pytest.approx([5.0, 2.0])
    assert learning_time(2.0, 0.0, depth=3) == np.inf
    assert learning_time(2.0, 0.0, depth=1) == pytest.approx(np.log(2.0))
    shape = mode_curve([[1.0], [2.0]], [0.1, 0.2, 0.3], np.zeros(4)).shape
    assert shape == (2, 3, 4)
    assert learning_time([1.0, 2.0], 0.1).shape == (2,)


def test_learning_saturates_with_depth():
    """From a₀ near s deep networks are slowed by a finite amount (times in units of D steps)."""
    times = [depth * learning_time(1.0, 0.3, depth=depth) for depth in (3, 30, 300, 3000)]
    assert np.all(np.diff(times) > 0.0)
    assert times[3] / times[2] < 1.01


@pytest.mark.parametrize(
    ("arguments", "options", "error", "text"),
    [
        ((0.0, 0.1, 1.0), {}, ValueError, "`s` must be finite and positive, got 0.0"),
        ((1.0, -0.1, 1.0), {}, ValueError, "`a0` must be finite and not negative, got -0.1"),
        ((1.0, 0.1, np.nan), {}, ValueError, "`t` must be finite and not negative, got nan"),
        ((1.0, 0.1, "x"), {}, TypeError, "`t` must be finite"),
        (([1.0, 2.0], [0.1] * 3, 1.0), {}, ValueError, "`a0` must broadcast with `s`"),
        ((1.0, 0.1, 1.0), {"depth": 0}, ValueError, "`depth` must be a positive integer"),
        ((1.0, 0.1, 1.0), {"rate": 0.0}, ValueError, "`rate` must be positive"),
    ],
)
def test_bad_modes_are_named(arguments, options, error, text):
    with pytest.raises(error, match=text):
        mode_curve(*arguments, **options)


def test_bad_fractions_are_named():
    with pytest.raises(ValueError, match="`fraction` must be above 0 and below 1, got 1"):
        learning_time(1.0, 0.1, fraction=1)
    with pytest.raises(ValueError, match=r"`a0` must be below `fraction` of `s`, 0\.5, got 0\.6"):
        learning_time(1.0, 0.6)
