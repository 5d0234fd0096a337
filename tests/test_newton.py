"""Damped Newton in lanes: where it ends, why, and that lanes do not meddle with each other."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import critical as reference

import saddlecore
from saddlecore.newton import CONVERGED, FLAT, LEFT, NOT_FINITE, STOPPED
from saddlelab import objective, surfaces

EPS = np.finfo(float).eps
MOST = 250
BOX = np.array([[-5.0, 5.0], [-5.0, 5.0]])


def table(fun, n, args=()):
    """The engine's table with exact derivatives."""
    return retraced(objective(fun, args=args), n)


def retraced(made, n):
    """The same, of an objective whose arguments may have new numbers in them."""
    made.expressions(np.linspace(0.3, 0.7, n)[None])
    return made.table(n, exact=True)


def search(forms, starts, box, most=MOST):
    """X, norm, flatness, steps, status."""
    m = len(starts)
    X, norm, flatness = np.full(starts.shape, np.nan), np.full(m, np.nan), np.full(m, np.nan)
    steps, status = np.full(m, -1), np.full(m, -1)
    saddlecore.newton.newton(forms, starts, box, most, X, norm, flatness, steps, status)
    return X, norm, flatness, steps, status


def himmelblau(x):
    a, b = x[0] * x[0] + x[1] - 11.0, x[0] + x[1] * x[1] - 7.0
    return a * a + b * b


def himmelblau_gradient(x):
    a, b = x[0] ** 2 + x[1] - 11, x[0] + x[1] ** 2 - 7
    return np.array([4 * x[0] * a + 2 * b, 2 * a + 4 * x[1] * b])


def himmelblau_hessian(x):
    a, b, c = x[0] ** 2 + x[1] - 11, x[0] + x[1] ** 2 - 7, 4 * (x[0] + x[1])
    return np.array([[4 * a + 8 * x[0] ** 2 + 2, c], [c, 2 + 4 * b + 8 * x[1] ** 2]])


@pytest.fixture(scope="module")
def hills():
    return table(himmelblau, 2)


def starts_in(box, count, seed=0):
    return np.random.default_rng(seed).uniform(box[:, 0], box[:, 1], (count, len(box)))


# --- beside the reference -----------------------------------------------------------------------


def test_every_start_ends_where_the_reference_ends(hills, record_property):
    """Rounding differs, so a path along the border of two basins may end in the other one."""
    starts = starts_in(BOX, 200)
    X, norm, _, steps, status = search(hills, starts, BOX)
    same_steps = elsewhere = 0
    for k, start in enumerate(starts):
        x, _, evaluations, why = reference.levenberg_marquardt(
            himmelblau_gradient, himmelblau_hessian, start, BOX, MOST
        )
        assert why == "converged"
        same_steps += abs(steps[k] - evaluations) <= 1
        elsewhere += np.linalg.norm(X[k] - x) > 1e-6
    assert (status == CONVERGED).all()
    assert elsewhere <= 2
    assert same_steps >= 190
    record_property("starts that end elsewhere", elsewhere)
    size = max(np.abs(himmelblau_hessian(x)).sum() for x in X)
    gradients = 10.0 * np.array([himmelblau_gradient(x) for x in X])  # the box is 10 wide
    rounding = 10.0 * 16 * EPS * size * np.abs(X).max()
    np.testing.assert_allclose(norm, np.linalg.norm(gradients, axis=1), rtol=0, atol=rounding)


def test_ends_are_critical_to_the_last_bits(hills):
    X, *_ = search(hills, starts_in(BOX, 1000), BOX)
    known = surfaces.himmelblau.points().x
    distance = np.linalg.norm(X[:, None] - known[None], axis=2)
    worst = max(np.linalg.cond(himmelblau_hessian(x)) for x in known)
    assert distance.min(axis=1).max() <= 16 * EPS * worst * np.abs(known).max()
    assert set(distance.argmin(axis=1)) == set(range(9))


def quadratic(x, A, b):
    total = 0.0
    for i in range(len(x)):
        row = -2.0 * b[i]
        for j in range(len(x)):
            row += A[i, j] * x[j]
        total += row * x[i] / 2.0
    return total


@pytest.fixture(scope="module")
def quadratics():
    """For each n an objective and its A and b: other numbers in them make another function."""
    made = {n: (np.eye(n), np.ones(n)) for n in range(1, 7)}
    return {n: (objective(quadratic, args=args), *args) for n, args in made.items()}


@given(st.integers(1, 6), st.integers(0, 2**32))
def test_a_quadratic_is_solved_in_a_few_steps(quadratics, n, seed):
    """∇f = Ax − b: x = A⁻¹b, whatever the signs of A's eigenvalues."""
    rng = np.random.default_rng(seed)
    made, A, b = quadratics[n]
    Q = np.linalg.qr(rng.standard_normal((n, n)))[0]
    H = (Q * (rng.choice([-1.0, 1.0], n) * 10.0 ** rng.uniform(-1, 1, n))) @ Q.T
    A[:] = (H + H.T) / 2
    x = rng.uniform(-1, 1, n)
    b[:] = A @ x
    box = np.tile([-1.0, 1.0], (n, 1))
    X, _, _, steps, status = search(retraced(made, n), starts_in(box, 9, seed % 1000), box)
    # Rarely the rounding of 2b − Ax − Ax is more than what x can be held responsible for.
    assert set(status) <= {CONVERGED, STOPPED}
    # The damping falls by ten at each step from 1e-2 on: Newton's step soon does it.
    assert steps.max() <= 30
    assert np.abs(X - x).max() <= 64 * n * EPS * np.linalg.cond(A)


@given(st.integers(1, 6), st.integers(0, 2**32))
def test_units_do_not_matter(quadratics, n, seed):
    """Variables in metres or nanometres (times powers of two): the same bits."""
    rng = np.random.default_rng(seed)
    made, A, b = quadratics[n]
    M, box = rng.standard_normal((n, n)), np.tile([-2.0, 2.0], (n, 1))
    starts, units = starts_in(box, 9, seed % 1000), np.ldexp(1.0, rng.integers(-40, 40, n))
    A[:], b[:] = M + M.T, rng.standard_normal(n)
    plain = search(retraced(made, n), starts, box, 6)
    A[:], b[:] = (M + M.T) / units / units[:, None], b / units
    other = search(retraced(made, n), starts * units, box * units[:, None], 6)
    for found, expected in zip(other, (plain[0] * units, *plain[1:]), strict=True):
        np.testing.assert_array_equal(found, expected)


# --- lanes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 17, 100])
def test_any_number_of_starts(hills, count):
    starts = starts_in(BOX, 100)
    every, some = search(hills, starts, BOX), search(hills, starts[:count], BOX)
    for whole, part in zip(every, some, strict=True):
        np.testing.assert_array_equal(whole[:count], part)


@given(st.permutations(range(60)))
def test_a_start_does_not_notice_the_others(hills, order):
    """Lanes are handed out as they come free: in another order, the same bits."""
    starts, order = starts_in(BOX, 60), np.array(order)
    before, after = search(hills, starts, BOX), search(hills, starts[order], BOX)
    for a, b in zip(before, after, strict=True):
        np.testing.assert_array_equal(a[order], b)


def test_it_stops_after_so_many_steps(hills):
    starts = starts_in(BOX, 20)
    for most in (1, 2, 5):
        _, _, _, steps, status = search(hills, starts, BOX, most)
        assert steps.max() <= most
        assert (status[steps == most] != CONVERGED).any()
        assert set(status) <= {STOPPED, CONVERGED}


# --- why it ends --------------------------------------------------------------------------------


def test_far_outside_the_box_a_start_is_given_up():
    """x + eˣ falls off to the left: ∇f > 0 everywhere, least at −∞."""
    box = np.array([[-1.0, 1.0]])
    X, _, _, _, status = search(table(lambda x: x[0] + math.exp(x[0]), 1), starts_in(box, 20), box)
    assert (status == LEFT).all()
    assert (X < -3.0).all()


def test_a_start_where_there_is_no_gradient():
    box = np.array([[-2.0, 2.0]])
    starts = np.array([[-1.5], [0.3], [-0.1], [1.9]])
    X, norm, _, _, status = search(table(lambda x: x[0] * np.log(x[0]), 1), starts, box)
    assert status.tolist() == [NOT_FINITE, CONVERGED, NOT_FINITE, CONVERGED]
    np.testing.assert_array_equal(X[[0, 2]], starts[[0, 2]])
    assert np.isinf(norm[[0, 2]]).all()
    assert np.abs(X[[1, 3]] - 1 / math.e).max() <= 4 * EPS


@pytest.mark.parametrize("slope", [0.5, 0.9, 0.99, 0.999])
def test_gradient_flat_points_are_not_converged(slope):
    """x + a sin x has no critical point for a < 1, but |f'| has minima at odd multiples of π."""
    box, a = np.array([[0.0, 20.0]]), np.array([slope])
    forms = table(lambda x, a: x[0] + a[0] * math.sin(x[0]), 1, (a,))
    X, norm, _, _, status = search(forms, starts_in(box, 200), box)
    assert not (status == CONVERGED).any()
    flat = status == FLAT
    assert flat.mean() > 0.8
    odd = np.round((X[flat] / np.pi - 1) / 2) * 2 + 1
    # |H∇f| is at most 1e-5 of |∇f| and the largest |H| on the way, here a.
    distance = np.abs(X[flat] - odd * np.pi)
    assert np.sin(distance).max() <= 1e-5 * (1 + EPS)
    assert np.abs(norm[flat] / 20.0 - (1 - slope)).max() <= 1e-10  # f' = 1 − a + a y²/2, y < 1e-5


def cubic(x, stiff):
    u, v = 0.8 * x[0] + 0.6 * x[1], -0.6 * x[0] + 0.8 * x[1]
    return stiff[0] * u * u + v * v * v


def quartic(x, stiff):
    u, v = 0.8 * x[0] + 0.6 * x[1], -0.6 * x[0] + 0.8 * x[1]
    return stiff[0] * u * u - v * v * v * v


@pytest.mark.parametrize("stiff", [1.0, 1e4, 1e8])
@pytest.mark.parametrize(("fun", "power"), [(cubic, 3), (quartic, 4)])
def test_degenerate_points_are_converged_to(fun, power, stiff):
    """Newton's steps gain a part of the distance only, and H² would have lost the direction."""
    box = np.array([[-1.0, 1.3], [-1.2, 1.0]])
    X, norm, _, _, status = search(table(fun, 2, (np.array([stiff]),)), starts_in(box, 64), box)
    arrived = status == CONVERGED
    assert arrived.mean() >= (1.0 if stiff < 1e8 else 0.9)
    X, norm = X[arrived], norm[arrived]
    # Components of the gradient as small as rounding leaves them beside 2 stiff.
    width = np.ptp(box, axis=1).max()
    allowed = 4 * EPS * 2 * stiff * 2 * (np.abs(X).max() + 1e-3 * width)
    assert norm.max() <= math.sqrt(2) * allowed * width
    assert (power * np.abs(X @ [-0.6, 0.8]) ** (power - 1)).max() <= math.sqrt(2) * allowed


# --- without exact derivatives ------------------------------------------------------------------


@pytest.mark.parametrize("given", [False, True])
def test_differences_lead_there_too(given):
    """Of values, or of a gradient: as near as the gradient's error allows."""
    made = objective(himmelblau, gradient=himmelblau_gradient if given else None)
    starts = starts_in(BOX, 300)
    X, _, _, _, status = search(made.table(2, exact=False), starts, BOX)
    known = surfaces.himmelblau.points().x
    distance = np.abs(X[:, None] - known[None]).max(axis=2)
    assert set(status) <= {CONVERGED, STOPPED}
    assert set(distance.argmin(axis=1)) == set(range(9))
    # Steps of 2⁻¹⁷ |x|: f‴ h²/6 and 2 eps f / 2h for the gradient, seen through H⁻¹.
    h, third, largest = 2.0**-17 * 5.0, 24.0 * 5.0, 200.0
    error = 0.0 if given else third * h**2 / 6 + 4 * EPS * largest / (2.0**-17 * 0.1)
    rounding = 64 * EPS * np.abs(known).max()
    worst = max(np.linalg.norm(np.linalg.inv(himmelblau_hessian(x)), 2) for x in known)
    assert np.median(distance.min(axis=1)) <= worst * error + rounding
    if given:
        assert distance.min(axis=1).max() <= 1e3 * rounding
