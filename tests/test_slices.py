"""Slices: every grid point beside direct evaluation; the faults of other packages."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import landscapes as reference

from saddlelab import (
    PythonSpeedWarning,
    networks,
    objective,
    slice_line,
    slice_plane,
    slice_volume,
    surfaces,
)
from saddlelab.landscapes import barrier, slice_between, slice_ensemble


def bumps(x):
    total = 0.3
    for i in range(len(x)):
        total += np.cos(2.0 * x[i] + i) + 0.1 * x[i] * x[i] * x[0]
    return total


BUMPS, FLAT = objective(bumps), objective(lambda x: 0.0 * x[0])
SLICES = {1: slice_line, 2: slice_plane, 3: slice_volume}


def directions_of(seed, k, n):
    rng = np.random.default_rng(seed)
    return rng.standard_normal(n), rng.standard_normal((k, n))


def network(seed, sizes=(5, 7, 4, 3), count=90, **options):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((count, sizes[0])), rng.integers(0, sizes[-1], count)
    made = networks.MLP(sizes, loss="cross_entropy", **options)
    return made.objective(X, y), 0.5 * rng.standard_normal(made.size)


# --- beside direct evaluation ------------------------------------------------------------------


@settings(max_examples=40)
@given(
    st.integers(1, 3), st.integers(0, 3), st.lists(st.integers(1, 17), min_size=3, max_size=3),
    st.floats(1e-3, 1e3), st.integers(1, 3), st.integers(0, 2**32),
)  # fmt: skip
def test_every_value_is_that_of_the_function_to_the_bit(k, more, counts, radius, workers, seed):
    x, U = directions_of(seed, k, k + more)
    found = SLICES[k](
        BUMPS, x, *U, resolution=counts[:k] if k > 1 else counts[0], radius=radius, workers=workers
    )
    points = []
    reference.values(lambda p: points.append(p) or 0.0, x, U, found.axes)
    repeated = np.vstack([points] * 8)  # in lanes, whatever their number
    expected = BUMPS.value(repeated)[: len(points)]
    np.testing.assert_array_equal(found.values.ravel(), expected)
    np.testing.assert_allclose(
        found.values, reference.values(bumps, x, U, found.axes), rtol=1e-11, atol=1e-11 * radius**3
    )
    np.testing.assert_array_equal(found.directions, U)
    np.testing.assert_array_equal(found.x, x)


@settings(max_examples=40)
@given(st.integers(1, 400), st.floats(1e-300, 1e300))
def test_axes_are_symmetric_and_end_at_the_radius(resolution, radius):
    a = slice_line(FLAT, [0.0], [1.0], resolution=resolution, radius=radius).a
    np.testing.assert_array_equal(a, -a[::-1] + 0.0)
    assert len(a) == resolution
    if resolution > 1:
        assert (a[0], a[-1]) == (-radius, radius)
        assert (np.diff(a) > 0.0).all()
        step = radius / ((resolution - 1) / 2)
        np.testing.assert_allclose(np.diff(a), step, rtol=1e-12)
    assert (0.0 in a) == (resolution % 2 == 1)
    if resolution % 2:
        assert a[resolution // 2] == 0.0


@settings(max_examples=12)
@given(st.integers(0, 2**32), st.sampled_from([(4, 3), (3, 6, 3), (5, 6, 6, 2)]), st.booleans(),
       st.sampled_from([0.0, 0.2]), st.integers(1, 3))  # fmt: skip
def test_losses_of_networks(seed, sizes, residual, decay, k):
    """Three products for a plane: the same up to rounding, whatever the depth and the threads."""
    f, theta = network(seed, sizes, residual=residual, weight_decay=decay)
    _, U = directions_of(seed, k, len(theta))
    found = SLICES[k](f, theta, *U, resolution=5, workers=1)
    direct = reference.values(f.value, theta, U, found.axes)
    np.testing.assert_allclose(found.values, direct, rtol=1e-12)
    again = SLICES[k](f, theta, *U, resolution=5, workers=3)
    np.testing.assert_array_equal(found.values, again.values)


@pytest.mark.parametrize("loss", ["squared_error", "binary_cross_entropy"])
@pytest.mark.parametrize("bias", [True, False])
def test_other_losses_of_networks(loss, bias):
    rng = np.random.default_rng(3)
    X, y = rng.standard_normal((83, 4)), rng.integers(0, 2, (83, 3))
    made = networks.MLP([4, 6, 3], loss=loss, bias=bias, activation="gelu")
    f, theta = made.objective(X, y), rng.standard_normal(made.size)
    _, U = directions_of(1, 2, made.size)
    plane = slice_plane(f, theta, *U, resolution=4)
    np.testing.assert_allclose(
        plane.values, reference.values(f.value, theta, U, plane.axes), rtol=1e-12
    )


def test_a_network_beside_its_definition():
    f, theta = network(1, (3, 4, 2), 20)
    _, U = directions_of(2, 2, len(theta))
    plane = slice_plane(f, theta, *U, resolution=3)

    def loss(p):
        return reference.network_loss(f.network.unpack(p), f.rows, f.targets.astype(int).ravel())

    direct = reference.values(loss, theta, U, plane.axes)
    np.testing.assert_allclose(plane.values, direct, rtol=1e-12)


# --- the faults of other packages --------------------------------------------------------------


def test_the_centre_is_x_and_the_grid_is_not_shifted():
    """loss-landscapes' planes are a step off, and transposed where x and y differ."""
    def paraboloid(x):
        return (x[0] - 1.0) ** 2 + 4.0 * (x[1] + 2.0) ** 2

    plane = slice_plane(paraboloid, [1.0, -2.0], [1, 0], [0, 1], resolution=(11, 7), radius=(2, 3))
    assert plane.lowest == (5, 3)
    assert (plane.values[5, 3], plane.a[5], plane.b[3]) == (0.0, 0.0, 0.0)
    np.testing.assert_allclose(plane.values, plane.a[:, None] ** 2 + 4.0 * plane.b**2, atol=1e-14)


def test_nothing_is_moved():
    f, theta = network(0)
    kept, rows = theta.copy(), f.rows.copy()
    u, v = np.random.default_rng(0).standard_normal((2, len(theta)))
    given_u = u.copy()
    before = f.value(theta)
    slice_plane(f, theta, u, v, resolution=5)
    np.testing.assert_array_equal(theta, kept)
    np.testing.assert_array_equal(u, given_u)
    np.testing.assert_array_equal(f.rows, rows)
    assert f.value(theta) == before


def test_the_result_is_its_own():
    """A change of the arrays that were passed does not reach the result."""
    x, u = np.zeros(2), np.array([1.0, 0.0])
    line = slice_line(BUMPS, x, u, resolution=3)
    x[0], u[0] = 7.0, 7.0
    assert (line.x[0], line.directions[0, 0]) == (0.0, 1.0)


def test_global_random_state_is_left_alone():
    state = np.random.get_state()[1].copy()
    slice_ensemble(BUMPS, np.zeros(3), 3, resolution=5)
    np.testing.assert_array_equal(np.random.get_state()[1], state)


# --- functions that are no numbers, or no compiled ones ----------------------------------------


def test_nan_and_infinity_are_kept():
    line = slice_line(lambda x: 1.0 / np.sqrt(x[0]), [0.0], [1.0], resolution=5)
    np.testing.assert_array_equal(np.isnan(line.values), [True, True, False, False, False])
    assert line.values[2] == np.inf
    assert (line.undefined, line.lowest) == (3, (4,))
    assert json.loads(line.to_json())["values"][:3] == [None] * 3
    assert "not finite: 3" in line.table()


def test_nowhere_a_number():
    line = slice_line(lambda x: x[0] * np.nan, [0.0], [1.0], resolution=3)
    assert "not finite: 3" in str(line)
    with pytest.raises(ValueError, match="is NaN on the whole slice"):
        line.lowest  # noqa: B018


def test_what_the_function_raises_is_raised():
    def picky(x):
        if x[1] > 0.7:
            raise ValueError("too large")
        return x[0]

    with pytest.raises(ValueError, match="too large") as caught:
        slice_plane(picky, [0, 0], [1, 0], [0, 1], resolution=5)
    assert caught.value.__notes__ == ["raised by `picky` at x = [-1.0, 1.0]"]


def test_python_functions_run_too():
    def from_python(x):
        return float(str(x[0])) ** 2 - x[1]

    with pytest.warns(PythonSpeedWarning):
        plane = slice_plane(from_python, [0.5, 0], [1, 0], [0, 1], resolution=3)
    assert plane.values.tolist() == [[1.25, 0.25, -0.75], [1.25, 0.25, -0.75], [3.25, 2.25, 1.25]]


def test_progress_is_shown(capsys):
    slice_line(BUMPS, [0.0], [1.0], progress=True)
    assert "slice of bumps" in capsys.readouterr().err
    slice_line(BUMPS, [0.0], [1.0])
    assert capsys.readouterr() == ("", "")


# --- the result ----------------------------------------------------------------------------------


def test_files_and_tables(tmp_path):
    plane = slice_plane(surfaces.himmelblau, [3, 2], [1, 0], [0, 2], resolution=(3, 5))
    plane.to_csv(tmp_path / "plane.csv")
    a, b, value = np.loadtxt(tmp_path / "plane.csv", delimiter=",", skiprows=1, unpack=True)
    np.testing.assert_array_equal(value, plane.values.ravel())
    np.testing.assert_array_equal(a.reshape(3, 5)[:, 0], plane.a)
    np.testing.assert_array_equal(b.reshape(3, 5)[0], plane.b)
    kept = json.loads(plane.to_json())
    assert kept["values"] == plane.values.tolist()
    assert (kept["a"], kept["x"]) == ([-1.0, 0.0, 1.0], [3.0, 2.0])
    assert "3 × 5 points through a point of 2 variables" in str(plane)
    assert "least at (0, 0)" in str(plane)
    assert plane.point(1.0, 0.5).tolist() == [4.0, 3.0]
    with pytest.raises(AttributeError, match="a plane has 2 axes, no c"):
        plane.c  # noqa: B018
    with pytest.raises(TypeError, match="takes 2 coordinates, got 1"):
        plane.point(1.0)


def test_where_points_are_seen():
    plane = slice_plane(BUMPS, np.ones(4), [1, 1, 0, 0], [0, 2, 0, 0], resolution=3)
    seen, off = plane.coordinates([[2.0, 4.0, 4.0, 5.0], plane.point(0.25, -1.0)])
    np.testing.assert_allclose(seen, [[1.0, 1.0], [0.25, -1.0]], atol=1e-14)
    np.testing.assert_allclose(off, [5.0, 0.0], atol=1e-14)


# --- between solutions ---------------------------------------------------------------------------


def test_a_line_between_solutions():
    line = slice_between(surfaces.himmelblau, [3, 2], [-2.805118, 3.131312], resolution=41)
    assert line.values[line.a == 0.0] == 0.0
    near = np.flatnonzero(np.isclose(line.a, 1.0))
    assert line.values[near] < 1e-9
    assert len(line.a) == 41 + 2 * 10


def test_a_plane_through_three_solutions():
    x, y, z = np.eye(3)
    plane = slice_between(lambda p: np.sum(p**2), x, y, z, resolution=3, margin=0.5)
    i, j = np.flatnonzero(plane.a == 0)[0], np.flatnonzero(plane.a == 1)[0]
    assert plane.a.tolist() == [-0.5, 0.0, 0.5, 1.0, 1.5]
    assert [plane.values[i, i], plane.values[j, i], plane.values[i, j]] == [1.0, 1.0, 1.0]


def test_barriers():
    found = barrier(surfaces.double_well, [-1.0, 0.0], [1.0, 0.0])
    assert (found.height, found.above_mean, found.at) == (1.0, 1.0, 0.5)
    slope = barrier(lambda x: 3.0 * x[0] + 0.0 * x[1], [0.0, 0.0], [1.0, 0.0])
    assert (slope.height, slope.ends, slope.at) == (0.0, (0.0, 3.0), 1.0)
    assert abs(slope.above_mean) < 1e-14
    tilted = barrier(lambda x: x[0] * (2.0 - x[0]), [0.0], [1.5])
    assert tilted.height == pytest.approx(1.0 - 0.75, abs=1e-4)
    with pytest.raises(ValueError, match="is not finite at 1 points between"):
        barrier(lambda x: 1.0 / x[0], [-1.0], [1.0], resolution=3)


# --- bad input -----------------------------------------------------------------------------------

U, V, W = np.eye(3)
ZERO = np.zeros(3)
WRONG = [
    (slice_line, (BUMPS, ZERO, ZERO), {}, "`direction` must not be zero"),
    (slice_line, (BUMPS, ZERO, [1, 0]), {}, "`direction` must have 3 numbers as `x` has, got 2"),
    (slice_line, (BUMPS, ZERO, [1, np.nan, 0]), {}, r"`direction` must be finite.*\[1\] = nan"),
    (slice_line, (BUMPS, [0, np.inf, 0], U), {}, "`x` must be finite"),
    (slice_line, (BUMPS, [ZERO], U), {}, r"`x` must be one point \(n,\), got shape \(1, 3\)"),
    (slice_line, (BUMPS, ZERO, U), {"resolution": 0}, "`resolution` must be a positive integer"),
    (slice_line, (BUMPS, ZERO, U), {"radius": -1.0}, "`radius` must be positive"),
    (slice_line, (BUMPS, ZERO, U), {"radius": np.inf}, "`radius` must be positive"),
    (slice_line, (BUMPS, ZERO, U), {"workers": 0}, "`workers` must be a positive integer"),
    (slice_plane, (BUMPS, ZERO, U, -2.0 * U), {}, "`v` must not be parallel to `u`"),
    (slice_plane, (BUMPS, ZERO, U, 1e200 * U), {}, "`v` must not be parallel to `u`"),
    (slice_plane, (BUMPS, [0], [1], [2]), {}, "independent of `u`: `x` has only 1 variable"),
    (slice_plane, (BUMPS, ZERO, U, V), {"resolution": (3, 4, 5)}, "one for each of 2 dir"),
    (slice_plane, (BUMPS, ZERO, U, V), {"resolution": 10**5}, "at most 268435456 points"),
    (slice_volume, (BUMPS, ZERO, U, V, U - V), {}, "`w` must not be in the plane of the others"),
    (slice_between, (BUMPS, U, U), {}, "`y` must not be `x` itself"),
    (slice_between, (BUMPS, U, V), {"resolution": 1}, "`resolution` must be at least 2"),
    (slice_between, (BUMPS, U, V), {"margin": -0.1}, "`margin` must be a number that is not neg"),
    (slice_between, (BUMPS, ZERO, U, 3 * U), {}, "`z` must not be parallel to `y`"),
]


@pytest.mark.parametrize(("function", "args", "options", "message"), WRONG)
def test_bad_input(function, args, options, message):
    with pytest.raises(ValueError, match=message):
        function(*args, **options)


def test_a_network_wants_its_own_number_of_parameters():
    f, theta = network(0)
    with pytest.raises(ValueError, match="the parameters of network"):
        slice_line(f, theta[:-1], theta[:-1])
