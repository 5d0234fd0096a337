"""Metrics of slices beside their definitions, and curvature over a plane."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import landscapes as reference

from saddlelab import networks, objective, slice_line, slice_plane, slice_volume, surfaces
from saddlelab.landscapes import (
    convex_fraction,
    curvature_map,
    flatness,
    max_rise,
    mean_total_variation,
    roughness,
    sharpness,
)

planes = st.tuples(st.integers(3, 9), st.integers(3, 9), st.integers(0, 2**32)).map(
    lambda drawn: np.random.default_rng(drawn[2]).standard_normal(drawn[:2])
)


def square(x):
    total = 0.0
    for i in range(len(x)):
        total += x[i] * x[i]
    return total


SQUARE = objective(square)


# --- of values -----------------------------------------------------------------------------------


@settings(max_examples=50)
@given(planes, st.floats(0.3, 4.0))
def test_roughness_is_its_definition(grid, sigma):
    smooth = np.apply_along_axis(reference.gaussian_filtered, 0, grid, sigma)
    smooth = np.apply_along_axis(reference.gaussian_filtered, 1, smooth, sigma)
    expected = np.mean(np.abs(grid - smooth))
    assert roughness(grid, sigma=sigma) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@settings(max_examples=50)
@given(planes)
def test_total_variation_and_convexity_are_their_definitions(grid):
    lines = [*grid, *grid.T]
    variation = np.mean([reference.total_variation(line) for line in lines])
    assert mean_total_variation(grid) == pytest.approx(variation, rel=1e-12)
    bends = np.concatenate([reference.convex(line) for line in lines])
    assert convex_fraction(grid) == pytest.approx(np.mean(bends), rel=1e-12)


def test_rounding_bends_no_line():
    a = np.linspace(-1.0, 1.0, 1001)
    assert convex_fraction(0.1 * a + 1e6) == 1.0
    assert convex_fraction(-(a**2)) == 0.0


def test_noise_is_rough():
    line = np.linspace(0.0, 1.0, 400) ** 2
    noise = 0.01 * np.random.default_rng(0).standard_normal(400)
    assert roughness(line) < 1e-4 < 0.005 < roughness(line + noise)
    assert mean_total_variation(line) == pytest.approx(1.0)


# --- of slices -----------------------------------------------------------------------------------


def test_the_steepest_rise_within_a_radius():
    plane = slice_plane(SQUARE, [1.0, 0.0], [2.0, 0.0], [0.0, 1.0], resolution=41)
    assert max_rise(plane) == pytest.approx(10.0 - 1.0)
    assert max_rise(plane, 0.5) == pytest.approx(1.5**2 - 1.0)
    assert max_rise(slice_line(lambda x: -x[0] * x[0], [0.0], [1.0])) == 0.0


def test_flatness_is_a_length_an_area_a_volume():
    x, options = np.zeros(3), {"resolution": 81, "radius": 1.5}
    assert flatness(slice_line(SQUARE, x, [2, 0, 0], **options), 1.0) == pytest.approx(2.0, abs=0.1)
    plane = slice_plane(SQUARE, x, [1, 0, 0], [1, 1, 0], **options)
    assert flatness(plane, 1.0) == pytest.approx(np.pi, rel=0.02)
    cube = slice_volume(SQUARE, x, *np.eye(3), resolution=41, radius=1.5)
    assert flatness(cube, 1.0) == pytest.approx(4 / 3 * np.pi, rel=0.03)


def test_only_the_part_around_x_is_flat():
    """Two wells: the other one does not count, unless the way there is low enough."""
    line = slice_line(surfaces.double_well, [-1.0, 0.0], [1.0, 0.0], resolution=2001, radius=3.0)
    assert flatness(line, 0.5) == pytest.approx(
        np.sqrt(1 + np.sqrt(0.5)) - np.sqrt(1 - np.sqrt(0.5)), abs=0.01
    )
    assert flatness(line, 1.0001) == pytest.approx(2 * np.sqrt(2), abs=0.02)


def test_flatness_depends_on_the_parametrisation():
    """Dinh et al. 2017: the same function, scaled layers, another flatness."""
    X = np.random.default_rng(0).standard_normal((50, 3))
    made = networks.MLP([3, 4, 1], activation="relu", bias=False)
    theta = np.random.default_rng(1).standard_normal(made.size)
    f = made.objective(X, made.forward(theta, X))
    scaled = np.r_[4.0 * theta[:12], theta[12:] / 4.0]
    assert f.value(scaled) == pytest.approx(0.0, abs=1e-25)
    u = np.random.default_rng(2).standard_normal(made.size)
    found = [flatness(slice_line(f, at, u, resolution=2001), 0.01) for at in (theta, scaled)]
    assert abs(found[0] / found[1] - 1.0) > 0.3


def test_sharpness_as_keskar_measures_it():
    """The highest corner of the box, which is known for a bowl; and the units of eq. 4."""
    c, x, level = np.array([5.0, 1.0, 0.1]), np.array([1.0, -2.0, 0.5]), 0.25
    f = objective(lambda y, c, x: 0.25 + np.sum(c * (y - x) ** 2), args=(c, x))
    found = sharpness(f, x, epsilon=0.01, rng=0)
    reach = 0.01 * (np.abs(x) + 1.0)
    assert found.rise == pytest.approx(np.sum(c * reach**2), rel=1e-9)
    assert found.value == pytest.approx(100.0 * found.rise / (1.0 + level), rel=1e-12)
    np.testing.assert_allclose(np.abs(found.at - x), reach, rtol=1e-12)


def test_a_map_of_curvature():
    def cubic(x):
        return x[0] ** 3 - 3.0 * x[0] * x[1] ** 2 + x[2] ** 2

    plane = slice_plane(cubic, np.zeros(3), [1, 0, 0], [0, 1, 0], resolution=5)
    found = curvature_map(plane)
    radius = np.hypot(plane.a[:, None], plane.b)
    np.testing.assert_allclose(found.smallest, -6.0 * radius, atol=1e-12)
    np.testing.assert_allclose(found.largest, np.maximum(6.0 * radius, 2.0), atol=1e-12)
    np.testing.assert_allclose(found.ratio, 6.0 * radius / np.maximum(6.0 * radius, 2.0))
    assert found.convex == 1 / 25


def test_a_map_of_curvature_by_products():
    c = np.r_[-2.0, np.linspace(0.0, 1.0, 98), 3.0]
    f = objective(lambda x, c: 0.5 * np.sum(c * x * x), args=(c,))
    line = slice_line(f, np.zeros(100), np.ones(100), resolution=3)
    found = curvature_map(line, rng=0)
    np.testing.assert_allclose(found.smallest, -2.0, atol=0.01)
    np.testing.assert_allclose(found.largest, 3.0, atol=0.01)


# --- bad input -----------------------------------------------------------------------------------

EVEN = slice_line(SQUARE, [0.0], [1.0], resolution=4)
WRONG = [
    (roughness, ([1.0, np.nan],), r"`values` must be finite, but values\[1\] = nan"),
    (roughness, ([],), "`values` must be a slice or an array"),
    (convex_fraction, ([1.0, 2.0],), "`values` must have three points along an axis"),
    (max_rise, (EVEN,), "x must be on the grid"),
    (flatness, (EVEN, 0.1), "x must be on the grid"),
    (flatness, (slice_line(SQUARE, [0.0], [1.0]), 0.0), "`rise` must be positive"),
    (sharpness, (lambda x: x[0] - 5.0, [0.0]), "`f` must be more than −1 at `x`"),
]


@pytest.mark.parametrize(("function", "args", "message"), WRONG)
def test_bad_input(function, args, message):
    with pytest.raises(ValueError, match=message):
        function(*args)
