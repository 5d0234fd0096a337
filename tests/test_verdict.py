"""Verdicts: what kind of point, and certificates that are never wrong."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import inertia as reference

from saddlelab import PythonSpeedWarning, check, objective, surfaces
from saddlelab.verdict import Verdict

EPS = np.finfo(float).eps


def escape(x):
    return (x[0] * x[0] - x[1] * x[1]) / 2.0 + x[1] * x[1] * x[1] * x[1] / 4.0


def monkey(x):
    return x[0] * x[0] * x[0] - 3.0 * x[0] * x[1] * x[1]


def valley(x):
    a = 1.0 - x[0] * x[1]
    return a * a


def graded(x):
    """One variable is stiff, one is soft, and the soft one goes down."""
    return 1e12 * x[0] * x[0] - 1e-6 * x[1] * x[1] + x[2] * x[2]


def slope(x):
    """Flat points at x₀ = (2k + 1) π, x₁ = 0: ∇f = (0.01, 0) there."""
    return x[0] + 0.99 * math.sin(x[0]) + x[1] * x[1]


def tilted_slope(x):
    return 1e8 * x[0] * x[0] + 0.01 * x[1]


# --- one point ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "x", [[0.0, 0.0], [1e-9, 1e-9], [-1e-9, 1e-9], [1e-7, 0.0], [0.0, -9e-7]]
)
@pytest.mark.parametrize("method", ["auto", "exact"])
def test_the_saddle_where_optimizers_stop(x, method):
    """Eight of scipy's methods, started at (1, 0), call it a minimum."""
    found = check(escape, x, method=method)
    assert (str(found.kind), found.index, found.zeros) == ("saddle", 1, 0)
    assert found.certified
    assert found.critical
    assert np.abs(x - found.newton).max() <= 1e-15
    assert found.method == "exact"
    text = f"saddle, index 1, certified: f = {found.value:.6g}, |gradient| = "
    assert str(found).startswith(text)


@pytest.mark.parametrize(
    ("fun", "x", "kind", "index", "zeros"),
    [
        (escape, [0.0, 1.0], "minimum", 0, 0),
        (lambda x: -x[0] * x[0] - 3.0 * x[1] * x[1], [1e-8, -1e-8], "maximum", 2, 0),
        (monkey, [0.0, 0.0], "degenerate", 0, 2),
        (monkey, [3e-9, -2e-9], "degenerate", 0, 2),
        (monkey, [1e-7, 2e-7], "degenerate", 0, 2),
        (valley, [0.0, 0.0], "saddle", 1, 0),
        (valley, [1.0, 1.0], "degenerate", 0, 1),
        (valley, [0.3, 1 / 0.3], "degenerate", 0, 1),
        (valley, [-7.0, -1 / 7.0], "degenerate", 0, 1),
        (graded, [0.0, 0.0, 0.0], "saddle", 1, 0),
        (graded, [1e-9, -1e-8, 1e-7], "saddle", 1, 0),
        (lambda x: x[0] ** 2 + x[1] ** 3, [0.0, 0.0], "degenerate", 0, 1),
        (lambda x: x[0] ** 2 + x[1] ** 3, [0.0, 1e-9], "degenerate", 0, 1),
        (lambda x: x[0] ** 2 + x[1] ** 3, [0.0, -1e-7], "degenerate", 0, 1),
        (lambda x: x[0] ** 2 - x[1] ** 4, [0.0, 1e-8], "degenerate", 0, 1),
        (lambda x: 1e12 * x[0] ** 2 + 1e-6 * x[1] ** 2 + x[2] ** 4, [0, 0, 1e-9], "degenerate", 0,
         1),
        (lambda x: x[0] + math.sin(x[0]), [math.pi], "degenerate", 0, 1),
        (lambda x: x[0] + math.sin(x[0]), [math.pi + 1e-8], "degenerate", 0, 1),
        (lambda x: 0.0 * x[0] + 2.0, [0.0, 1.0], "degenerate", 0, 2),
    ],
)  # fmt: skip
def test_kinds_of_critical_points(fun, x, kind, index, zeros):
    found = check(fun, x)
    assert (str(found.kind), found.index, found.zeros) == (kind, index, zeros)
    assert found.critical
    assert found.certified == (kind != "degenerate")


@pytest.mark.parametrize(
    ("fun", "x", "kind"),
    [
        (escape, [1e-3, 1e-3], "not critical"),
        (escape, [0.5, 0.0], "not critical"),
        (valley, [0.3, 3.3], "not critical"),
        (lambda x: 1e6 * x[0] ** 2 + x[1] ** 2, [0.0, 1.0], "not critical"),  # stiff, not flat
        (slope, [math.pi, 0.0], "gradient-flat"),
        (slope, [3.0 * math.pi + 1e-6, 0.0], "gradient-flat"),
        (tilted_slope, [0.0, 5.0], "gradient-flat"),
        (lambda x: x[0] * x[0] + 1e-9 * x[1], [0.0, 0.0], "gradient-flat"),
        (lambda x: x[0] + 0.9999999 * math.sin(x[0]), [math.pi], "not critical"),
    ],
)
def test_points_that_are_not_critical(fun, x, kind):
    found = check(fun, x)
    assert str(found.kind) == kind
    assert not found.critical
    # The index is that of the Hessian at x.
    assert found.index == np.sum(found.eigenvalues < 0) or not found.certified


@pytest.mark.parametrize("x", [[-1.0, 0.0], [0.0, 1.0]])
def test_where_there_is_no_hessian(x):
    """√x₀ has no value on one side of 0 and no slope at it."""
    found = check(lambda x: np.sqrt(x[0]) + x[1] ** 2, x)
    assert (str(found.kind), bool(found.certified), bool(found.critical)) == (
        "undecided", False, False
    )  # fmt: skip
    assert np.isinf(found.error)
    assert np.isnan(found.eigenvalues).all()


def test_many_points_at_once():
    points = [[0.0, 0.0], [0.0, 1.0], [0.0, -1.0], [0.5, 0.5]]
    found = check(escape, points, workers=2)
    assert found.kind.tolist() == ["saddle", "minimum", "minimum", "not critical"]
    for k, x in enumerate(points):
        one = check(escape, x)
        for name in Verdict.__slots__:
            if name != "method":
                np.testing.assert_array_equal(getattr(found, name)[k], getattr(one, name))
    assert len(str(found).splitlines()) == 4
    assert found.x.shape == (4, 2)
    assert found.hessian.shape == (4, 2, 2)


def test_numbers_of_a_verdict():
    """f = (x² − y²)/2 + y⁴/4 at (0.1, 0.2), by hand."""
    x, y = 0.1, 0.2
    found = check(escape, [x, y])
    g, H = np.array([x, y**3 - y]), np.diag([1.0, 3 * y**2 - 1])
    rounding = 8 * EPS
    assert abs(found.value - ((x**2 - y**2) / 2 + y**4 / 4)) <= rounding
    np.testing.assert_allclose(found.gradient, g, atol=rounding, rtol=0)
    np.testing.assert_allclose(found.hessian, H, atol=rounding, rtol=0)
    assert abs(found.gradient_norm - np.linalg.norm(g)) <= rounding
    np.testing.assert_allclose(found.eigenvalues, np.sort(np.diag(H)), atol=rounding, rtol=0)
    assert abs(found.condition - 1 / (1 - 3 * y**2)) <= rounding
    np.testing.assert_allclose(found.newton, np.linalg.solve(H, g), atol=rounding, rtol=0)
    flatness = np.linalg.norm(H @ g) / np.linalg.norm(H) / np.linalg.norm(g)
    assert abs(found.flatness - flatness) <= rounding


@pytest.mark.parametrize("tol", [1e-3, 1e-6, 1e-9])
def test_tol_is_how_far_the_critical_point_may_be(tol):
    """Relative to max(1, |x_i|): Newton's correction here is 1e-4 + 7 and 7e-8 away from 7."""
    for distance in (tol / 2, 2 * tol):
        found = check(lambda x: (x[0] - 7.0) ** 2 - x[1] ** 2, [7.0 + 7 * distance, 0.0], tol=tol)
        assert found.critical == (distance < tol)


def test_an_own_gradient_is_used():
    """In the valley its rounding is what is left: no noise is known, and none is missed."""
    given = objective(
        valley, gradient=lambda x: -2.0 * (1.0 - x[0] * x[1]) * np.array([x[1], x[0]])
    )
    for t in (0.3, 0.7, 3.1):
        found = check(given, [t, 1 / t])
        assert (str(found.kind), found.zeros) == ("degenerate", 1)


@pytest.mark.parametrize("name", ["himmelblau", "muller_brown", "goldstein_price", "griewank"])
def test_near_known_points(name):
    """Up to 1e-6 away in any direction the certified index is the point's own."""
    surface, rng = surfaces.get(name), np.random.default_rng(0)
    known = surface.points(2)
    away = 10.0 ** rng.uniform(-17, -6.5, (200, 1, 1)) * rng.uniform(-1, 1, (200, len(known), 2))
    x = known.x + away
    found = check(surface, x.reshape(-1, 2))
    index = np.broadcast_to(known.index, (200, len(known))).ravel()
    assert found.certified.all()
    assert found.critical.all()
    np.testing.assert_array_equal(found.index, index)
    far = check(surface, known.x + np.array([1e-3, -2e-3]))
    assert not far.critical.any()
    assert (far.kind == "not critical").all()


# --- scaling ------------------------------------------------------------------------------------


@given(st.integers(0, 2**32), st.integers(2, 5))
def test_any_units_are_certified(seed, n):
    """Rows and columns of a Hessian scaled from 1e-30 to 1e30: the index stays, and is proved."""
    rng = np.random.default_rng(seed)
    A, units = QUADRATICS[n]
    H = rng.standard_normal((n, n))
    scale = np.ldexp(1.0, rng.integers(-50, 50, n))
    A[:] = H + H.T
    units[:] = scale
    negative, zero, _ = reference.inertia(A)
    found = check(quadratic_of(n), np.zeros(n))
    if np.linalg.cond(A) < 1e10:
        assert found.certified
    if found.certified:
        assert (found.index, zero) == (negative, 0)


QUADRATICS = {n: (np.eye(n), np.ones(n)) for n in range(2, 6)}
_MADE = {}


def quadratic(x, A, units):
    total = 0.0
    for i in range(len(x)):
        for j in range(len(x)):
            total += A[i, j] * (x[i] * units[i]) * (x[j] * units[j])
    return total / 2.0


def quadratic_of(n):
    if n not in _MADE:
        _MADE[n] = objective(quadratic, args=QUADRATICS[n])
    return _MADE[n]


# --- a million points ---------------------------------------------------------------------------

#: Coordinates u = Ux with U unimodular: u and x are both exact on a grid of 2⁻⁴⁹.  Then
#: H = Uᵀ diag(φ″(u_i)) U, and by Sylvester's law its index is the number of negative φ″(u_i).
GRID = 2.0**-49
U = {2: np.array([[2, 1], [1, 1]]), 3: np.array([[1, 2, 0], [0, 1, -1], [1, 1, 2]])}
INVERSE = {2: np.array([[1, -1], [-1, 2]]), 3: np.array([[3, -4, -2], [-1, 2, 1], [-1, 1, 1]])}


def two(x):
    """φ″ = sin u and eᵘ − 1: of the sign of u."""
    u, v = 2.0 * x[0] + x[1], x[0] + x[1]
    return math.exp(v) - v * v / 2.0 - math.sin(u)


def three(x):
    u, v, w = x[0] + 2.0 * x[1], x[1] - x[2], x[0] + x[1] + 2.0 * x[2]
    return u * u * u / 6.0 + math.exp(v) - v * v / 2.0 - math.sin(w)


def on_the_grid(u, n):
    """x with Ux = u exactly."""
    k = np.round(u / GRID)
    x = k @ INVERSE[n].T
    assert np.abs(x).max() < 2**53
    assert np.array_equal(x @ U[n].T, k)
    return x * GRID, k * GRID


def mixed(rng, count, n):
    """Half of the numbers of size 1, half nearer to 0, down to 1e-15."""
    size = np.where(rng.random((count, n)) < 0.5, 1.0, 10.0 ** rng.uniform(-15, 0, (count, n)))
    u = size * rng.uniform(0.5, 1.0, (count, n)) * rng.choice([-1.0, 1.0], (count, n))
    return np.where(np.abs(u) < GRID, GRID, u)


def record(record_property, wrong, found):
    record_property("certified", int(np.count_nonzero(found.certified)))
    record_property("degenerate", int(np.count_nonzero(found.zeros > 0)))
    record_property(
        "undecided", int(np.count_nonzero(~found.certified & (found.zeros == 0)))
    )
    record_property("wrong", int(np.count_nonzero(wrong)))


@pytest.mark.parametrize("method", ["exact", "central"])
@pytest.mark.parametrize(("fun", "n", "count"), [(two, 2, 600_000), (three, 3, 400_000)])
def test_a_certified_index_is_never_wrong(fun, n, count, method, record_property):
    """Points up to 1e-15 from a change of the index: each certificate is the truth."""
    rng = np.random.default_rng(n)
    f = objective(fun)
    x, u = on_the_grid(mixed(rng, count, n), n)
    found = check(f, x, method=method)
    truth = np.sum(u < 0, axis=1)
    wrong = found.certified & (found.index != truth)
    record(record_property, wrong, found)
    assert not wrong.any()
    # An eigenvalue is at least |u| / ‖U⁻¹‖², some |u| / 40, and rounding some 30 eps ‖H‖ (for
    # differences 1e-4): what is clearly beyond that is certified.
    clear = (np.abs(u) > (1e-11 if method == "exact" else 0.1)).all(axis=1)
    assert np.count_nonzero(clear) > count / 20
    assert found.certified[clear].mean() > (0.999 if method == "exact" else 0.99)
    # Beyond error neither too many negative eigenvalues nor too many positive ones.
    known = np.isfinite(found.error)
    assert known.mean() > 0.99
    # (the error of differences is an estimate: a handful in a million may be beyond)
    enough = 1.0 if method == "exact" else 1.0 - 1e-4
    assert (found.index <= truth)[known].mean() >= enough
    assert (n - found.index - found.zeros <= n - truth)[known].mean() >= enough


def wells(x, a):
    """φ = a u²/2 + u³/6 for each u: critical points at u = 0 and −2a, φ″ = ±a."""
    u, v, w = x[0] + 2.0 * x[1], x[1] - x[2], x[0] + x[1] + 2.0 * x[2]
    total = (3.0 * a[0] + u) * u * u / 6.0
    total += (3.0 * a[1] + v) * v * v / 6.0
    return total + (3.0 * a[2] + w) * w * w / 6.0


@pytest.mark.parametrize("method", ["exact", "central"])
def test_certified_near_a_critical_point_too(method, record_property):
    """x is up to 1e-6 away, another critical point up to 1e-14: the index is the nearest one's."""
    rng, a = np.random.default_rng(5), np.ones(3)
    f = objective(wells, args=(a,))
    counts = np.zeros(4, int)
    for _ in range(40):
        a[:] = rng.choice([-1.0, 1.0], 3) * 10.0 ** -rng.uniform(0, [0.5, 7, 14])
        away = 10.0 ** rng.uniform(-15, -6, (5000, 3)) * rng.uniform(-1, 1, (5000, 3))
        x, u = on_the_grid(away, 3)
        found = check(f, x, method=method)
        truth = np.sum(a + u < 0, axis=1)  # the nearer one, and the sign of φ″(u) too
        sure = found.certified & found.critical
        assert (found.index[sure] == truth[sure]).all()
        near = (np.abs(a + u) < 0.3 * np.abs(u)).any(axis=1)
        if method == "exact":
            assert not (sure & near).any()
        kinds = (found.kind == "degenerate", found.kind == "not critical")
        counts += [len(x), np.count_nonzero(sure), *map(np.count_nonzero, kinds)]
    names = ("points", "certified", "degenerate", "not critical")
    for name, number in zip(names, counts.tolist(), strict=True):
        record_property(name, number)
    assert counts[1] > (0.2 if method == "exact" else 0.02) * counts[0]


# --- bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "options", "message"),
    [
        ([0.0, 0.0], {"tol": 0}, "`tol` must be positive and finite, got 0"),
        ([0.0, 0.0], {"tol": -1e-6}, "`tol` must be positive and finite, got -1e-06"),
        ([0.0, 0.0], {"tol": math.inf}, "`tol` must be positive and finite, got inf"),
        ([0.0, 0.0], {"tol": "1"}, "`tol` must be positive and finite, got '1'"),
        ([0.0, math.nan], {}, r"`x` must be finite, but x\[1\] = nan"),
        ([[0.0, 0.0], [math.inf, 0.0]], {}, r"`x` must be finite, but x\[1, 0\] = inf"),
        (0.0, {}, r"`x` must be one point \(n,\) or many \(m, n\), got shape \(\)"),
        ([], {}, r"`x` must be .* got shape \(0,\)"),
        ([["a", "b"]], {}, "`x` must be real numbers"),
        ([[0.0], [0.0, 1.0]], {}, "`x` must be .* rows of different lengths"),
        ([0.0, 0.0], {"method": "best"}, "`method` must be one of .*, got 'best'"),
        ([0.0, 0.0], {"workers": -1}, "`workers` must be .*got -1"),
    ],
)
def test_errors_name_argument_rule_and_value(x, options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        check(escape, x, **options)


def test_what_the_function_raises_arrives_with_the_point():
    def picky(x):
        if x[0] > 1:
            raise LookupError("too much")
        return x[0] ** 2

    with pytest.raises(LookupError, match="too much") as caught:
        check(picky, [2.0])
    assert "at x = [2.0]" in caught.value.__notes__[0]
    with pytest.raises(IndexError) as caught:
        check(lambda x: x[0] * x[3], [1.0, 2.0])
    assert "at x = [1.0, 2.0]" in caught.value.__notes__[0]


def test_newtons_step_may_leave_the_domain():
    """log's Newton step from 0.5 leads to 1 and from 3 to −3: no exception, no critical point."""
    found = check(lambda x: math.log(x[0]), [[0.5], [3.0], [1e-3]])
    assert not found.critical.any()
    # Here the step counts: the minimum of x log x is near, and 0 too.
    near = check(lambda x: x[0] * math.log(x[0]), [math.exp(-1) + 1e-7])
    assert str(near.kind) == "minimum"


def test_a_function_that_cannot_be_compiled():
    def opaque(x):
        a, b = (float(str(v)) for v in x)
        return (a - b) ** 2 + a**2

    with pytest.warns(PythonSpeedWarning):
        f = objective(opaque)
    found = check(f, [0.0, 0.0], tol=1e-4)
    assert (str(found.kind), found.index, bool(found.certified)) == ("minimum", 0, True)
    assert found.method == "central"
