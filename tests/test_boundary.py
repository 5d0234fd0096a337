"""What the boundary tells: winding numbers against a close look and the points inside."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from reference import critical as reference

from saddlelab import critical_points, objective, surfaces
from saddlelab.boundary import euler_count

BOX = np.array([[-3.0, 3.1], [-2.8, 3.0]])


def trigonometric(x, c):
    total = 0.0
    for i in range(3):
        for j in range(3):
            total += c[i, j, 0] * math.cos(i * x[0] + j * x[1])
            total += c[i, j, 1] * math.sin(i * x[0] - j * x[1])
    return total


def slopes(x, c):
    """Its gradients at points (k, 2)."""
    i, j = np.indices((3, 3)).reshape(2, 9, 1)
    a = -c[..., 0].reshape(9, 1) * np.sin(i * x[:, 0] + j * x[:, 1])
    b = c[..., 1].reshape(9, 1) * np.cos(i * x[:, 0] - j * x[:, 1])
    return np.stack([np.sum(i * (a + b), axis=0), np.sum(j * (a - b), axis=0)], axis=1)


@pytest.fixture(scope="module")
def waves():
    """An objective and its coefficients: other numbers in them make another function."""
    c = np.zeros((3, 3, 2))
    return objective(trigonometric, args=(c,)), c


# --- two variables ------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "expected"), [("rosenbrock", 1), ("easom", 5), ("levy", 0)])
def test_known_landscapes(name, expected):
    """Rosenbrock's gradient turns around within a 40,000th of a side.  (More: test_critical.py.)"""
    surface = surfaces.get(name)
    assert np.sum((-1) ** surface.points(2).index) == expected
    assert euler_count(surface, surface.bounds(2)) == expected


@given(st.integers(0, 2**32))
def test_the_gradient_turns_as_often_as_a_close_look_says(waves, seed):
    f, c = waves
    c[:] = np.random.default_rng(seed).standard_normal(c.shape)
    expected, largest = reference.turns(lambda x: slopes(x, c), BOX, 6000)
    assume(largest < 1.0)  # no zero beside the border
    assert euler_count(f, BOX) == round(expected)


@given(st.integers(0, 2**32))
def test_poincare_and_hopf(waves, seed):
    """The points found are those that the boundary announces."""
    f, c = waves
    c[:] = np.random.default_rng(seed).standard_normal(c.shape)
    found = critical_points(f, BOX, rng=0, workers=1)
    assert found.certified.all()
    assert found.euler == np.sum((-1) ** found.index)
    assert found.euler == found.euler_expected
    assert "missing" not in found.message


def test_points_left_out_are_noticed(waves):
    """With one start, one point: the boundary knows better."""
    f, c = waves
    c[:] = np.random.default_rng(3).standard_normal(c.shape)
    found = critical_points(f, BOX, rng=0)
    assert len(found) > 2
    one = critical_points(f, BOX, starts=found.x[:1], rng=0)
    assert len(one) == 1
    assert one.euler_expected == found.euler
    if one.euler != found.euler:
        assert f"sum to {one.euler}, the gradient on the boundary says {found.euler}" in one.message


@pytest.mark.parametrize(
    "box",
    [
        [(-1.0, 1.0), (0.0, 1.0)],  # the saddle is on an edge
        [(0.0, 1.0), (0.0, 1.0)],  # in a corner
        [(-1.0, 1.0 / 3.0), (-1e-300, 1.0)],  # too near to an edge to be seen
    ],
)
def test_a_critical_point_on_the_border_leaves_it_open(box):
    assert euler_count(surfaces.quadratic_saddle, np.array(box)) is None


def test_where_there_is_no_gradient_it_tells_nothing():
    f = objective(lambda x: np.log(x[0]) * x[1])
    assert euler_count(f, np.array([(-1.0, 2.0), (-1.0, 1.0)])) is None
    assert euler_count(f, np.array([(0.5, 2.0), (-1.0, 1.0)])) == -1


# --- one variable, and many ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("box", "expected"),
    [((-2.0, 2.0), 1), ((-0.5, 2.0), 0), ((-0.5, 0.5), -1), ((0.5, 2.0), 1), ((0.0, 2.0), None)],
)
def test_one_variable_is_read_off_the_ends(box, expected):
    """(x² − 1)²: minima at ±1 and a maximum at 0."""
    assert euler_count(surfaces.double_well, np.array([box])) == expected


@pytest.mark.parametrize("n", [3, 4, 7])
def test_bowls_and_hills_in_many_variables(n):
    box = surfaces.styblinski_tang.bounds(n)
    assert euler_count(surfaces.styblinski_tang, box) == 1
    assert np.sum((-1) ** surfaces.styblinski_tang.points(n).index) == 1
    hill = objective(lambda x: -np.sum(x**4 - 16.0 * x**2 + 5.0 * x))
    assert euler_count(hill, box) == (-1) ** n
    assert euler_count(surfaces.griewank, surfaces.griewank.bounds(n)) is None
