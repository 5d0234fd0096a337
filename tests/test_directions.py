"""Directions: normalised as the paper says, of the Hessian, of a trajectory (beside PCA)."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import landscapes as reference
from sklearn.decomposition import PCA

from saddlelab import networks, objective, surfaces
from saddlelab.landscapes import (
    blocks_of,
    hessian_directions,
    normalise_direction,
    random_directions,
    slice_ensemble,
    slice_line,
    trajectory_plane,
)

shapes_strategy = st.lists(
    st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple), min_size=1, max_size=5
)


def blocks_from(shapes):
    starts = np.cumsum([0, *(int(np.prod(shape)) for shape in shapes)])
    return list(zip(starts[:-1].tolist(), shapes, strict=True)), int(starts[-1])


# --- normalised --------------------------------------------------------------------------------


@settings(max_examples=60)
@given(shapes_strategy, st.sampled_from(["filter", "layer"]), st.integers(0, 2**32))
def test_as_the_paper_defines_it(shapes, kind, seed):
    blocks, n = blocks_from(shapes)
    u, x = np.random.default_rng(seed).standard_normal((2, n))
    kept = u.copy()
    found = normalise_direction(u, x, blocks, kind)
    for start, shape in blocks:
        part = slice(start, start + int(np.prod(shape)))
        expected = reference.normalised(u[part], x[part], shape, kind)
        np.testing.assert_allclose(found[part], expected, rtol=1e-13)
    np.testing.assert_array_equal(u, kept)
    np.testing.assert_array_equal(normalise_direction(u, x, blocks, "none"), u)


def test_every_filter_of_a_network_has_the_norm_of_the_network():
    made = networks.MLP([6, 5, 3])
    theta = np.random.default_rng(0).standard_normal(made.size)
    u = random_directions(theta, 1, blocks=made, rng=1)[0]
    for (W, b), (D, d) in zip(made.unpack(theta), made.unpack(u), strict=True):
        np.testing.assert_allclose(np.linalg.norm(D, axis=1), np.linalg.norm(W, axis=1))
        assert not d.any()
        assert b.any()


def test_a_dead_filter_stays_dead():
    u = normalise_direction(np.ones(4), [0.0, 0.0, 3.0, 4.0], [(0, (2, 2))])
    np.testing.assert_allclose(u, [0.0, 0.0, 5 / np.sqrt(2), 5 / np.sqrt(2)])
    assert not normalise_direction([0.0, 0.0], [1.0, 2.0], [(0, (1, 2))]).any()


def test_blocks_are_where_unpack_finds_them():
    for bias in (True, False):
        made = networks.MLP([4, 3, 2], bias=bias)
        theta = np.arange(made.size) + 0.0
        found = blocks_of(made.objective(np.ones((1, 4)), np.ones((1, 2))), made.size)
        arrays = [a for layer in made.unpack(theta) for a in layer if a is not None]
        assert found == [(int(a.flat[0]), a.shape) for a in arrays]


# --- random --------------------------------------------------------------------------------------


def test_gaussian_not_uniform():
    """loss-landscapes draws from U[0, 1): every direction then leans the same way."""
    drawn = random_directions(np.zeros(2000), 5, rng=0)
    assert abs(drawn.mean()) < 5 / np.sqrt(drawn.size)
    assert abs(drawn.var() - 1.0) < 5 * np.sqrt(2 / drawn.size)
    products = drawn @ drawn.T / 2000
    assert np.abs(products - np.eye(5)).max() < 5 * np.sqrt(2 / 2000)


def test_seeds():
    first = random_directions(np.ones(7), 3, rng=5)
    np.testing.assert_array_equal(first, random_directions(np.ones(7), 6, rng=5)[:3])
    assert not np.array_equal(first, random_directions(np.ones(7), 3, rng=6))


# --- of the Hessian ------------------------------------------------------------------------------


def test_directions_of_the_hessian():
    rng = np.random.default_rng(1)
    Q = np.linalg.qr(rng.standard_normal((9, 9)))[0]
    H = Q @ np.diag([-3.0, -1.0, 0.1, 0.2, 0.3, 0.4, 0.5, 2.0, 7.0]) @ Q.T
    f = objective(lambda x, A: 0.5 * np.sum(x * (A @ x)), args=(H,))
    values, directions = hessian_directions(f, np.zeros(9), k=2, rng=0)
    np.testing.assert_allclose(values, [-3.0, -1.0, 2.0, 7.0], atol=1e-6)
    np.testing.assert_allclose(np.abs(directions @ Q[:, [0, 1, 7, 8]]), np.eye(4), atol=1e-5)
    assert (directions[np.arange(4), np.abs(directions).argmax(axis=1)] > 0.0).all()
    line = slice_line(f, np.zeros(9), directions[0], resolution=3)
    np.testing.assert_allclose(line.values, [-1.5, 0.0, -1.5], atol=1e-6)


# --- of a trajectory -----------------------------------------------------------------------------


@settings(max_examples=40)
@given(st.integers(4, 40), st.integers(3, 30), st.integers(1, 3), st.integers(0, 2**32))
def test_pca_beside_sklearn(T, n, k, seed):
    points = np.random.default_rng(seed).standard_normal((T, n)).cumsum(axis=0) + 3.0
    found = trajectory_plane(points, through="mean", k=k)
    pca = PCA(n_components=k, svd_solver="full").fit(points)
    np.testing.assert_allclose(found.explained, pca.explained_variance_ratio_, rtol=1e-9)
    signs = np.sign(np.sum(found.directions * pca.components_, axis=1))
    np.testing.assert_allclose(found.directions, signs[:, None] * pca.components_, atol=1e-6)
    np.testing.assert_allclose(found.coordinates, pca.transform(points) * signs, atol=1e-5)
    lost = points - pca.inverse_transform(pca.transform(points))
    np.testing.assert_allclose(found.errors, np.linalg.norm(lost, axis=1), atol=1e-6)


def test_the_plane_passes_through_the_last_point():
    points = np.random.default_rng(0).standard_normal((20, 6)).cumsum(axis=0)
    found = trajectory_plane(points)
    np.testing.assert_array_equal(found.x, points[-1])
    np.testing.assert_allclose([found.errors[-1], *found.coordinates[-1]], 0.0, atol=1e-13)
    rebuilt = found.x + found.coordinates @ found.directions
    np.testing.assert_allclose(np.linalg.norm(points - rebuilt, axis=1), found.errors, atol=1e-12)


def test_the_slice_of_a_trajectory_holds_all_of_it(tmp_path):
    t = np.linspace(0.0, 1.0, 30)
    points = np.column_stack([3 * t, t**2, 0 * t, 0.1 * t**3])
    found = trajectory_plane(points)
    surface = found.slice(lambda x: np.sum(x**2), resolution=21)
    for axis, seen in zip(surface.axes, found.coordinates.T, strict=True):
        assert axis[0] < seen.min() <= seen.max() < axis[-1]
        assert (axis == 0.0).any()
        assert abs(len(axis) - 21) <= 2
    i, j = (int(np.flatnonzero(axis == 0.0)[0]) for axis in surface.axes)
    assert surface.values[i, j] == np.sum(points[-1] ** 2)
    found.to_csv(tmp_path / "t.csv")
    kept = np.loadtxt(tmp_path / "t.csv", delimiter=",", skiprows=1)
    np.testing.assert_array_equal(kept, np.column_stack([found.coordinates, found.errors]))
    assert "30 points in 4 dimensions" in str(found)


def test_isotropic_points_have_no_plane():
    """PCA of them shows nothing, and `explained` says so: 2 of 50 dimensions."""
    points = np.random.default_rng(0).standard_normal((4000, 50))
    found = trajectory_plane(points, through="mean")
    assert found.explained.sum() < 2.0 * 2 / 50
    assert np.median(found.errors) > 6.0


# --- ensembles -----------------------------------------------------------------------------------

CURVATURES = np.linspace(0.1, 1.0, 40)


def bowl(x, c):
    return np.sum(c * x * x)


BOWL = objective(bowl, args=(CURVATURES,))


def test_a_band_of_random_lines(tmp_path):
    found = slice_ensemble(BOWL, np.zeros(40), 60, resolution=11, rng=0)
    u = random_directions(np.zeros(40), 60, rng=0)
    np.testing.assert_array_equal(found.directions, u)
    np.testing.assert_allclose(found.values, np.outer((CURVATURES * u * u).sum(1), found.a**2))
    low, high = found.band(0.8)
    expected = np.quantile(found.values, [0.1, 0.9], axis=0)
    np.testing.assert_allclose([low, high], expected, rtol=1e-12)
    steep = slice_line(BOWL, np.zeros(40), np.eye(40)[39] * 20.0, resolution=11)
    assert found.outside(steep) == 10 / 11  # but for the centre
    assert found.typicality(steep) == 2 / 61  # the lowest line is as extreme
    found.to_csv(tmp_path / "e.csv")
    kept = np.loadtxt(tmp_path / "e.csv", delimiter=",", skiprows=1)
    np.testing.assert_array_equal(kept[:, 1:].T, found.values)
    assert "60 random lines" in str(found)
    with pytest.raises(ValueError, match="`line` must be a line with the coordinates"):
        found.typicality(slice_line(BOWL, np.zeros(40), u[0], resolution=9))


def test_typical_lines_are_as_typical_as_they_say():
    """Of lines drawn alike, the share with typicality ≤ p is p: 300 trials, 5 standard errors."""
    u = random_directions(np.zeros(40), 300 * 20, rng=1)
    heights = (CURVATURES * u * u).sum(axis=1).reshape(300, 20)
    found = slice_ensemble(BOWL, np.zeros(40), 19, resolution=3, rng=2)
    line = slice_line(BOWL, np.zeros(40), u[0], resolution=3)
    said = []
    for row in heights:
        values = np.outer(row, found.a**2)
        found.values[:] = values[:-1]
        line.values[:] = values[-1]
        said.append(found.typicality(line))
    for p in (0.1, 0.3, 0.5):
        assert abs(np.mean(np.array(said) <= p) - p) < 5 * np.sqrt(p * (1 - p) / 300)


def test_networks_know_their_filters():
    made = networks.MLP([3, 4, 2])
    f = made.objective(np.ones((4, 3)), np.ones((4, 2)))
    theta = np.random.default_rng(0).standard_normal(made.size)
    found = slice_ensemble(f, theta, 2, resolution=3, rng=0)
    np.testing.assert_array_equal(found.directions, random_directions(theta, 2, blocks=f, rng=0))


# --- bad input -----------------------------------------------------------------------------------

WRONG = [
    (random_directions, ([1.0], 0), {}, "`count` must be a positive integer"),
    (random_directions, ([1.0],), {"normalise": "filters"}, "did you mean 'filter'"),
    (random_directions, ([1.0],), {"normalise": "layer"}, "`blocks` must be given"),
    (random_directions, ([1.0, np.nan],), {}, "`x` must be finite"),
    (normalise_direction, ([1.0], [1.0, 2.0], [(0, (2,))]), {}, "`u` must have 2 numbers"),
    (blocks_of, ([(0, (2, 2)), (5, (1,))], 6), {}, "block 1 begins at 5, the one before ends at 4"),
    (blocks_of, ([(0, (2, 2))], 6), {}, "`blocks` must hold the 6 numbers of `x`, they hold 4"),
    (blocks_of, ([(0, (2, 0))], 0), {}, r"got the shape \(2, 0\)"),
    (trajectory_plane, ([[1.0, 2.0]] * 5,), {}, "at least 2 dimensions, these 5 points span 0"),
    (trajectory_plane, ([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]],), {}, "span 1"),
    (trajectory_plane, ([[0.0], [1.0]],), {"k": 4}, "`k` must be at most 3"),
    (trajectory_plane, ([[0.0], [1.0]],), {"through": "first"}, "`through` must be one of"),
    (hessian_directions, (surfaces.himmelblau, [[3.0, 2.0]]), {}, "`x` must be one point"),
]


@pytest.mark.parametrize(("function", "args", "options", "message"), WRONG)
def test_bad_input(function, args, options, message):
    with pytest.raises(ValueError, match=message):
        function(*args, **options)


@pytest.mark.parametrize("blocks", ["layers", 3, [(0,)], [(0.5, (2,))]])
def test_blocks_that_are_none(blocks):
    with pytest.raises(TypeError, match="`blocks` must be a network or"):
        blocks_of(blocks, 2)
