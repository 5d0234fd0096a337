"""Derivatives: exact ones beside 50 digits, differences beside exact ones, errors beside truth."""

import dataclasses
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numba import carray, cfunc, types
from objectives import TABLE, prepared
from reference.functions import exact_derivatives

import saddlecore
from saddlelab import (
    PythonSpeedWarning,
    finite_differences,
    gradient,
    hessian,
    hvp,
    objective,
    surfaces,
)
from saddlelab.as_objective import as_objective
from saddlelab.derivatives import METHODS, STATUSES

EPS = np.finfo(float).eps
DIFFERENCES = ("central", "forward", "richardson")
#: What truncation leaves: the power of the step.
ORDERS = {"forward": 1, "central": 2, "richardson": 4}
KINDS = ("given", "ordinary", "tiny", "huge", "mixed")


def truths(case, what):
    """Gradients (m, n) or Hessians (m, n, n) at a case's points, each number rounded once."""
    place = {"gradient": 1, "hessian": 2}[what]
    return np.array([exact_derivatives(case, x)[place] for x in case.points])


def half_an_ulp(truth):
    return np.spacing(np.abs(truth)) / 2


def deviations(what, method, name):
    """(kinds, |value − truth|, error, truth), flat: one row for each entry at each point."""
    case, f = prepared(name)
    derive = {"gradient": gradient, "hessian": hessian}[what]
    found, truth = derive(f, np.array(case.points), method=method), truths(case, what)
    kinds = np.repeat(case.kinds, truth[0].size)
    return kinds, *(a.ravel() for a in (np.abs(found.value - truth), found.error, truth))


def all_deviations(what, method):
    columns = zip(*(deviations(what, method, name) for name in TABLE), strict=True)
    return tuple(np.concatenate(column) for column in columns)


def median_overestimate(off, error, truth):
    """How much larger the errors are than they had to be, where there is any."""
    some = off >= np.spacing(np.abs(truth))
    return float(np.median(error[some] / off[some]))


# --- exact --------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["gradient", "hessian"])
def test_exact_derivatives_are_right_within_their_errors(what, record_property):
    """All of them: the bounds are of first order, and their constants are generous."""
    kinds, off, error, truth = all_deviations(what, "exact")
    assert np.isfinite(error).all()
    outside = off > error + half_an_ulp(truth)
    assert not outside.any(), truth[outside]
    assert set(kinds) == set(KINDS)
    ratio = median_overestimate(off, error, truth)
    record_property("entries", len(off))
    record_property("median error / true error", round(ratio, 2))
    assert ratio <= 100


@pytest.mark.parametrize("name", TABLE)
def test_exact_derivatives_are_the_same_at_one_point_and_at_many(name):
    case, f = prepared(name)
    points = np.array(case.points * 9)
    for derive in (gradient, hessian, lambda f, x: hvp(f, x, np.ones(case.n))):
        many = derive(f, points)
        assert many.method == "exact"
        for k, x in enumerate(case.points):
            one = derive(f, x)
            for field in ("value", "error", "evaluations", "codes"):
                np.testing.assert_array_equal(getattr(many, field)[k], getattr(one, field))
    H = hessian(f, points).value
    np.testing.assert_array_equal(H, H.transpose(0, 2, 1))


@pytest.mark.parametrize("name", TABLE)
def test_products_are_those_of_the_hessian(name):
    case, f = prepared(name)
    points = np.array(case.points)
    v = np.random.default_rng(case.n).normal(size=points.shape)
    product, H = hvp(f, points, v), hessian(f, points)
    size = np.einsum("kij,kj->ki", np.abs(H.value), np.abs(v))
    error = product.error + np.einsum("kij,kj->ki", H.error, np.abs(v)) + case.n * EPS * size
    off = np.abs(product.value - np.einsum("kij,kj->ki", H.value, v))
    assert (off <= error + np.finfo(float).tiny).all()


def test_the_result_says_what_it_is():
    case, f = prepared("runge")
    found = hessian(f, case.points[0])
    assert (found.method, found.status, found.evaluations, found.codes) == ("exact", "ok", 1, 0)
    assert type(found.status) is np.str_
    many = gradient(f, case.points)
    assert many.status.tolist() == ["ok"] * len(case.points)
    assert many.evaluations.tolist() == [1] * len(case.points)
    with pytest.raises(dataclasses.FrozenInstanceError):
        many.value = None


def test_methods_of_objectives_give_the_values():
    case, f = prepared("spin_chain")
    x, v = np.array(case.points), np.ones(case.n)
    np.testing.assert_array_equal(f.gradient(x), gradient(f, x).value)
    np.testing.assert_array_equal(f.hessian(x), hessian(f, x).value)
    np.testing.assert_array_equal(f.hvp(x, v), hvp(f, x, v).value)


@pytest.mark.parametrize("workers", [1, 2, 5, None])
def test_threads_do_not_matter(workers):
    case, f = prepared("logistic_regression")
    points = np.random.default_rng(1).normal(size=(5000, case.n))
    for derive in (gradient, hessian):
        np.testing.assert_array_equal(
            derive(f, points, workers=workers).value, derive(f, points, workers=1).value
        )


# --- degenerate Hessians --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "n"), [("monkey_saddle", 2), ("quartic", 3), ("linear_form", 3), ("a_constant", 2)]
)
def test_zero_hessians_are_zero(name, n):
    plain = {"linear_form": lambda x: 3.0 * x[0] - 2.0 * x[1] + x[2], "a_constant": lambda x: 5.0}
    f = objective(plain[name]) if name in plain else prepared(name)[1]
    found = hessian(f, np.zeros(n))
    assert not found.value.any()
    assert not found.error.any()
    assert not hvp(f, np.zeros(n), np.ones(n)).value.any()
    assert found.status == "ok"


def test_chains_of_three_weights_have_no_curvature_at_zero():
    assert not surfaces.three_weights.hessian(np.zeros(3)).any()


def test_whole_numbers_come_out_whole():
    x = np.array([0.25, -1.0, 3.0, 2.0])
    H = 2.0 * np.eye(4) - np.eye(4, k=1) - np.eye(4, k=-1)
    _, f = prepared("definite_form")
    np.testing.assert_array_equal(f.hessian(x), H)
    np.testing.assert_array_equal(f.gradient(x), H @ x)
    _, f = prepared("singular_form")
    row = np.arange(1.0, 6.0)
    np.testing.assert_array_equal(f.hessian(np.zeros(5)), 2.0 * np.outer(row, row))


def test_singular_at_a_saddle_between_weights():
    _, f = prepared("two_weights")
    np.testing.assert_array_equal(f.hessian([0.0, 0.0]), [[0.0, -2.0], [-2.0, 0.0]])
    np.testing.assert_array_equal(f.hessian([1.0, 1.0]), [[2.0, 2.0], [2.0, 2.0]])


# --- long functions -------------------------------------------------------------------------------


def long_one(x):
    return np.sum(x**3) * x[0] + np.exp(x[1] * x[2]) / (1.0 + x[0] ** 2)


def test_a_hessian_too_long_is_computed_by_columns(monkeypatch):
    points = np.random.default_rng(2).normal(size=(5, 3))
    direct = hessian(objective(long_one), points)
    monkeypatch.setattr(saddlecore.exact, "_LONGEST", 0)
    f = objective(long_one)
    found = hessian(f, points)
    (expression, _), = f.expressions(points)
    assert expression.hessian is None
    assert found.method == "exact"
    assert (np.abs(found.value - direct.value) <= found.error + direct.error).all()
    np.testing.assert_array_equal(found.value, found.value.transpose(0, 2, 1))
    np.testing.assert_array_equal(f.hessian(points), found.value)
    assert (found.error <= 100 * direct.error + EPS * np.abs(direct.value)).all()


def endless(x):
    total = 0.0
    for i in range(50_001):
        total += x[0] * x[0] * i
    return total


def test_a_function_too_long_to_trace_is_not():
    message = "^`endless` cannot be differentiated exactly: it computes more than 100000 numbers"
    with pytest.raises(ValueError, match=message):
        gradient(endless, [1.0], method="exact")


# --- branches -------------------------------------------------------------------------------------


def branching(x):
    if x[0] > 0.0:
        return x[0] ** 2 * x[1]
    return -(x[0] ** 3) + x[1] ** 2


def branching_hessian(x):
    if x[0] > 0.0:
        return [[2.0 * x[1], 2.0 * x[0]], [2.0 * x[0], 0.0]]
    return [[-6.0 * x[0], 0.0], [0.0, 2.0]]


@given(hnp.arrays(np.float64, st.tuples(st.integers(1, 40), st.just(2)),
                  elements=st.integers(-50, 50).map(lambda k: k / 8)))  # fmt: skip
def test_branches_are_differentiated_each_by_itself(points):
    """Eighths, so that every result is exact: those of the branch on which each point is."""
    f = as_objective(branching)
    expected = np.array([branching_hessian(x) for x in points])
    np.testing.assert_array_equal(f.hessian(points), expected)
    found = hessian(f, points)
    np.testing.assert_array_equal(found.value, expected)
    for k in range(len(points)):
        one = hessian(f, points[k])
        np.testing.assert_array_equal(one.value, found.value[k])
        np.testing.assert_array_equal(one.error, found.error[k])
    v = np.array([1.0, -2.0])
    np.testing.assert_array_equal(f.hvp(points, v), expected @ v)


def test_points_of_a_branch_are_computed_together():
    f = as_objective(branching)
    points = np.array([[1.0, 2.0], [-1.0, 2.0], [2.0, 3.0], [-3.0, 1.0], [0.0, 1.0]])
    groups = [at.tolist() for _, at in f.expressions(points)]
    assert sorted(groups) == [[0, 2], [1, 3, 4]]
    assert f.expression(2) is None


def halving(x):
    total, t = 0.0, x[0]
    while t > 1e-3:
        total += t * t
        t = t / 2.0
    return total


def test_loops_that_end_by_a_value():
    for x in (0.5, 1.0, 2.0):
        turns = next(k for k in range(99) if x / 2.0**k <= 1e-3)
        expected = 2.0 * sum(0.25**k for k in range(turns))
        found = hessian(halving, [x])
        assert abs(found.value[0, 0] - expected) <= found.error[0, 0] + half_an_ulp(expected)


def test_kinks_are_differentiated_on_the_side_of_the_point():
    f = objective(lambda x: np.sum(np.where(x > 0.0, x**2, x**4)) + np.abs(x[0]))
    assert f.gradient([[1.5, -2.0], [-1.5, 2.0]]).tolist() == [[4.0, -32.0], [-14.5, 4.0]]
    assert f.hessian([1.5, -2.0]).tolist() == [[2.0, 0.0], [0.0, 48.0]]


# --- several threads ------------------------------------------------------------------------------


def test_programs_of_one_function_are_made_one_at_a_time(monkeypatch):
    """They all come from one graph, which grows while they are made."""
    inside, most = [], []

    def watched(make):
        def run(*args):
            inside.append(make)
            time.sleep(0.02)  # the others have time to come in
            most.append(len(inside))
            made = make(*args)
            inside.pop()
            return made

        return run

    for name in ("gradient", "hessian", "hvp"):
        monkeypatch.setattr(saddlecore.exact, name, watched(getattr(saddlecore.exact, name)))
    x, f = np.array([0.5, 2.0, 1.0]), objective(long_one)
    tasks = (f.gradient, f.hessian, lambda x: f.hvp(x, x)) * 2
    barrier = threading.Barrier(len(tasks))

    def ask(task):
        barrier.wait()
        return task(x)

    with ThreadPoolExecutor(len(tasks)) as pool:
        found = list(pool.map(ask, tasks))
    assert most == [1] * 3
    for task, here in zip(tasks, found, strict=True):
        np.testing.assert_array_equal(here, task(x))


# --- what goes wrong ------------------------------------------------------------------------------


def test_where_there_is_no_derivative_the_rest_is_unharmed():
    f = objective(lambda x: np.sqrt(x[0]) * x[1])
    found = gradient(f, [[1.0, 2.0], [0.0, 1.0], [-1.0, 1.0], [4.0, 2.0]])
    assert found.status.tolist() == ["ok", "not finite", "not finite", "ok"]
    assert found.value[[0, 3]].tolist() == [[1.0, 1.0], [0.5, 2.0]]
    assert found.codes.tolist() == [0, 3, 3, 0]
    assert hessian(f, [-1.0, 1.0]).status == "not finite"


@pytest.mark.parametrize("derive", [gradient, hessian, lambda f, x, **k: hvp(f, x, x, **k)])
@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"method": "newton"}, ValueError,
         "^`method` must be one of auto, exact, central, forward, richardson, got 'newton'$"),
        ({"method": None}, ValueError, "^`method` must be one of"),
        ({"method": ["exact"]}, ValueError, "^`method` must be one of"),
        ({"workers": 0}, ValueError, "^`workers` must be a positive integer"),
        ({"workers": 1.5}, ValueError, "^`workers` must be a positive integer"),
        ({"workers": True}, TypeError, "^`workers` must be a positive integer"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_told(derive, given, error, message):
    with pytest.raises(error, match=message):
        derive(prepared("runge")[1], np.ones((50, 3)), **given)


@pytest.mark.parametrize(
    ("x", "v", "message"),
    [
        (np.ones(3), np.ones(2), "^`v` must have as many numbers as `x`, 3, got 2$"),
        (np.ones((4, 3)), np.ones((2, 3)),
         "^`v` must be one vector or one for each of the 4 points, got 2$"),
        (np.ones(3), [1.0, np.nan, 1.0], r"^`v` must be finite, but v\[1\] = nan$"),
        (np.ones(3), [[1.0, 1.0, 1.0], [1.0, np.inf, 1.0]], r"but v\[1, 1\] = inf$"),
        ([1.0, np.nan, 1.0], np.ones(3), r"^`x` must be finite, but x\[1\] = nan$"),
        (np.ones(3), 3.0, r"^`v` must be one point \(n,\) or many \(m, n\), got shape \(\)$"),
    ],
)  # fmt: skip
def test_wrong_vectors_are_told(x, v, message):
    with pytest.raises(ValueError, match=message):
        hvp(prepared("runge")[1], x, v)


def test_exact_says_why_it_cannot():
    with pytest.warns(PythonSpeedWarning):
        called_back = objective(lambda x: float(f"{x[0]:.3f}"), name="text")
    with pytest.raises(ValueError, match=r"^`text` cannot be .*: it is not compiled$"):
        gradient(called_back, [1.0], method="exact")
    with pytest.raises(ValueError, match=r"no compiled form of int\(Traced\) \(line \d+ of"):
        hessian(lambda x: float(int(x[0])), [1.0], method="exact")


# --- given derivatives ----------------------------------------------------------------------------


def test_given_derivatives_are_preferred_and_exact_ones_can_be_asked_for():
    f = objective(
        lambda x: np.sum(x**2),
        gradient=lambda x: 2.0 * x + 1.0,  # wrong, to be told apart
        hvp=lambda x, v: 3.0 * v,
    )
    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    found = gradient(f, x)
    assert found.method == "given"
    assert found.value.tolist() == (2.0 * x + 1.0).tolist()
    assert found.status.tolist() == ["ok", "ok"]
    assert (found.error >= half_an_ulp(found.value)).all()
    assert hvp(f, x, x).method == "given"
    assert hvp(f, x, x).value.tolist() == (3.0 * x).tolist()
    assert gradient(f, x, method="exact").value.tolist() == (2.0 * x).tolist()
    assert hvp(f, x, x, method="exact").value.tolist() == (2.0 * x).tolist()
    assert hessian(f, x).method == "exact"


# --- differences ----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", DIFFERENCES)
@pytest.mark.parametrize("what", ["gradient", "hessian"])
def test_differences_are_right_within_their_errors(what, method, record_property):
    kinds, off, error, truth = all_deviations(what, method)
    known = np.isfinite(off)
    record_property("entries", len(off))
    record_property("no value", int((~known).sum()))
    covered = off[known] <= error[known] + half_an_ulp(truth[known])
    record_property("covered", f"{covered.mean():.4%}")
    for kind in KINDS:
        record_property(kind, f"{covered[kinds[known] == kind].mean():.4%}")
    ratio = median_overestimate(off[known], error[known], truth[known])
    record_property("median error / true error", round(ratio, 2))
    assert known.mean() >= 0.99
    assert covered.mean() >= 0.99
    assert ratio <= 100


def waves(x):
    return np.sin(x[0]) * np.exp(0.5 * x[1]) + np.cos(x[0] * x[1])


WAVES_AT = np.array([0.7, -0.4])
ALL_THREE = (gradient, hessian, lambda f, x, **options: hvp(f, x, [1.0, 2.0], **options))


@pytest.mark.parametrize("method", DIFFERENCES)
@pytest.mark.parametrize("derive", ALL_THREE)
def test_the_error_falls_with_the_order_of_the_method(derive, method):
    """Steps so large that rounding does not show, and halved twice."""
    truth = derive(waves, WAVES_AT, method="exact").value
    steps = np.array([0.04, 0.02, 0.01])
    off = [
        np.linalg.norm(derive(waves, WAVES_AT, method=method, step=h).value - truth) for h in steps
    ]
    ratios = np.array(off[:-1]) / off[1:]
    # The next term of the expansion is smaller by about the step.
    np.testing.assert_allclose(ratios, 2.0 ** ORDERS[method], rtol=0.25)


@pytest.mark.parametrize("method", DIFFERENCES)
def test_differences_say_what_they_are(method):
    found = hessian(waves, [WAVES_AT, WAVES_AT], method=method)
    assert found.method == method
    assert found.status.tolist() == ["ok", "ok"]
    assert (found.evaluations > 1).all()
    np.testing.assert_array_equal(found.value, found.value.transpose(0, 2, 1))
    one = hessian(waves, WAVES_AT, method=method)
    assert one.status == "ok"
    assert one.evaluations == found.evaluations[0]
    assert (np.abs(one.value - found.value[1]) <= one.error + found.error[1]).all()


@pytest.mark.parametrize("method", DIFFERENCES)
def test_products_by_differences_are_those_of_the_hessian(method):
    v = np.array([1.0, -2.0])
    found, truth = hvp(waves, WAVES_AT, v, method=method), hvp(waves, WAVES_AT, v)
    assert found.method == method
    assert (np.abs(found.value - truth.value) <= found.error + truth.error).all()


class Counted:
    """A function of Python that counts its calls."""

    def __init__(self, fun):
        self.fun, self.calls = fun, 0

    def __call__(self, x):
        self.calls += 1
        return self.fun(x)


@pytest.mark.filterwarnings("ignore::saddlelab.PythonSpeedWarning")
@pytest.mark.parametrize("method", DIFFERENCES)
@pytest.mark.parametrize("derive", ALL_THREE)
def test_evaluations_are_counted(derive, method):
    fun = Counted(waves)
    f = objective(fun)
    f.value(WAVES_AT)
    for points in (WAVES_AT, WAVES_AT + np.arange(3.0)[:, None]):
        fun.calls = 0
        found = derive(f, points, method=method)
        assert np.sum(found.evaluations) == fun.calls


@pytest.mark.filterwarnings("ignore::saddlelab.PythonSpeedWarning")
def test_what_cannot_be_traced_is_differenced():
    f = objective(Counted(waves))
    for derive in (gradient, hessian, lambda f, x: hvp(f, x, x)):
        found, truth = derive(f, WAVES_AT), derive(waves, WAVES_AT)
        assert found.method == "central"
        assert (np.abs(found.value - truth.value) <= found.error + truth.error).all()
    assert (f.gradient(WAVES_AT) == gradient(f, WAVES_AT).value).all()


def test_c_functions_are_differenced():
    signature = types.float64(types.intc, types.CPointer(types.float64))
    f = cfunc(signature)(lambda n, x: np.sin(carray(x, n)[0]) * np.exp(0.5 * carray(x, n)[1]))
    found, truth = hessian(f, WAVES_AT), hessian(
        lambda x: np.sin(x[0]) * np.exp(0.5 * x[1]), WAVES_AT
    )  # fmt: skip
    assert (found.method, truth.method) == ("central", "exact")
    assert (np.abs(found.value - truth.value) <= found.error + truth.error).all()


def waves_slope(x):
    wave, grown = np.sin(x[0] * x[1]), np.exp(0.5 * x[1])
    return np.array([np.cos(x[0]) * grown - x[1] * wave, 0.5 * np.sin(x[0]) * grown - x[0] * wave])


@pytest.mark.parametrize("method", DIFFERENCES)
def test_hessians_are_differences_of_a_given_gradient(method):
    f = objective(waves, gradient=waves_slope)
    found, plain = hessian(f, WAVES_AT, method=method), hessian(waves, WAVES_AT, method=method)
    truth = hessian(waves, WAVES_AT).value
    assert (np.abs(found.value - truth) <= found.error + half_an_ulp(truth)).all()
    np.testing.assert_array_equal(found.value, found.value.T)
    # A difference fewer is half of the digits more, and evaluations go as n, not as n².
    assert np.abs(found.value - truth).max() < np.abs(plain.value - truth).max()
    assert found.evaluations <= plain.evaluations
    product = hvp(f, WAVES_AT, [1.0, 2.0], method=method)
    assert (np.abs(product.value - truth @ [1.0, 2.0]) <= product.error + 8 * EPS).all()


@pytest.mark.parametrize("method", DIFFERENCES)
def test_differences_of_a_given_gradient_fall_with_the_order(method):
    f, truth = objective(waves, gradient=waves_slope), hessian(waves, WAVES_AT).value
    off = [
        np.linalg.norm(hessian(f, WAVES_AT, method=method, step=h).value - truth)
        for h in (0.04, 0.02, 0.01)
    ]
    order = max(2, ORDERS[method])  # one-sided ones take a third gradient
    np.testing.assert_allclose(np.divide(off[:-1], off[1:]), 2.0**order, rtol=0.25)


def with_gradient(name):
    """A case whose function and gradient are called back: nothing is compiled for it."""
    case, f = prepared(name)
    return case, objective(Counted(case.fun), gradient=Counted(f.gradient))


def check_errors(off, error, truth, record_property):
    """That errors of differences hold for 99 of 100 entries, and are not much too large."""
    covered, ratio = off <= error, median_overestimate(off, error, truth)
    record_property("entries", len(off))
    record_property("covered", f"{covered.mean():.4%}")
    record_property("median error / true error", round(ratio, 2))
    assert covered.mean() >= 0.99
    assert ratio <= 100


@pytest.mark.filterwarnings("ignore::saddlelab.PythonSpeedWarning")
@pytest.mark.parametrize("method", DIFFERENCES)
def test_hessians_from_a_given_gradient_are_right_within_their_errors(method, record_property):
    columns = []
    for name in TABLE:
        case, f = with_gradient(name)
        found, truth = hessian(f, case.points, method=method), truths(case, "hessian")
        error = found.error + half_an_ulp(truth)
        columns.append([a.ravel() for a in (np.abs(found.value - truth), error, truth)])
    check_errors(*map(np.concatenate, zip(*columns, strict=True)), record_property)


@pytest.mark.filterwarnings("ignore::saddlelab.PythonSpeedWarning")
def test_products_from_a_given_gradient_are_right_within_their_errors(record_property):
    columns = []
    for name in TABLE:
        case, f = with_gradient(name)
        points = np.array(case.points)
        v = np.random.default_rng(case.n).normal(size=points.shape)
        found, H = hvp(f, points, v, method="central"), truths(case, "hessian")
        size = np.einsum("kij,kj->ki", np.abs(H), np.abs(v))
        truth, error = np.einsum("kij,kj->ki", H, v), found.error + case.n * EPS * size
        columns.append([a.ravel() for a in (np.abs(found.value - truth), error, truth)])
    check_errors(*map(np.concatenate, zip(*columns, strict=True)), record_property)


def test_products_from_a_given_gradient_take_the_step():
    f, v = objective(waves, gradient=waves_slope), np.array([1.0, 2.0])
    truth = hvp(waves, WAVES_AT, v).value
    off = [
        np.linalg.norm(hvp(f, WAVES_AT, v, method="central", step=h).value - truth)
        for h in (0.04, 0.02, 0.01)
    ]
    np.testing.assert_allclose(np.divide(off[:-1], off[1:]), 2.0 ** ORDERS["central"], rtol=0.25)


@pytest.mark.filterwarnings("ignore::saddlelab.PythonSpeedWarning")
@pytest.mark.parametrize("method", DIFFERENCES)
def test_evaluations_of_a_given_gradient_are_counted(method):
    slope = Counted(waves_slope)
    f = objective(Counted(waves), gradient=slope)
    f.value(WAVES_AT)
    for points in (WAVES_AT, WAVES_AT + np.arange(3.0)[:, None]):
        slope.calls = 0
        assert np.sum(hessian(f, points, method=method).evaluations) == slope.calls


def ends(x):
    """x₀² + x₁ where x₀ ≥ 1, nothing below."""
    return x[0] ** 2 + x[1] + 0.0 * np.sqrt(x[0] - 1.0)


@pytest.mark.parametrize("method", DIFFERENCES)
def test_statuses(method):
    found = gradient(ends, [[2.0, 0.0], [1.0, 0.0], [0.0, 0.0]], method=method)
    assert found.status[0] == "ok"
    assert found.status[1] in ("ok", "one-sided")
    assert method == "forward" or found.status[1] == "one-sided"
    assert found.status[2] == "not finite"
    assert np.isnan(found.value[2]).all()
    truth = np.array([[4.0, 1.0], [2.0, 1.0]])
    assert (np.abs(found.value[:2] - truth) <= found.error[:2] + half_an_ulp(truth)).all()
    assert set(found.status) <= set(STATUSES)


@pytest.mark.parametrize("method", DIFFERENCES)
def test_functions_without_digits_are_noisy(method):
    """A number of which only one digit is given has no slope that can be seen at small steps."""
    f = objective(lambda x: 1e8 * np.floor(4.0 * np.sin(1e9 * x[0])) + x[0])
    assert gradient(f, [0.3], method=method).status == "noisy"


@pytest.mark.parametrize("method", DIFFERENCES)
@pytest.mark.parametrize(
    ("step", "message"),
    [
        (0.0, "`step` must be positive and finite"),
        (-1e-3, "`step` must be positive and finite"),
        (np.nan, "`step` must be positive and finite"),
        (np.inf, "`step` must be positive and finite"),
        ([1e-3, 0.0], "`step` must be positive and finite"),
        ([1e-3] * 3, "`step`"),
        (np.full((2, 2), 1e-3), "`step`"),
    ],
)
def test_wrong_steps_are_told(method, step, message):
    with pytest.raises(ValueError, match=message):
        gradient(waves, WAVES_AT, method=method, step=step)


@pytest.mark.parametrize("method", DIFFERENCES)
def test_steps_may_be_one_for_each_variable(method):
    case, f = prepared("mixed_units")
    x = case.points[0]
    found = gradient(f, x, method=method, step=[1e-8, 1e4])
    truth = exact_derivatives(case, x)[1]
    assert (np.abs(found.value - truth) <= found.error + half_an_ulp(truth)).all()


@pytest.mark.parametrize("method", DIFFERENCES)
def test_differences_raise_what_the_function_raises(method):
    def choosy(x):
        if x[0] < 0.0:
            raise ValueError("must be positive")
        return x[0] ** 2

    with pytest.raises(ValueError, match="must be positive") as caught:
        gradient(choosy, [[1.0], [-3.0], [-4.0]], method=method)
    assert caught.value.__notes__ == ["raised by `choosy` at x = [-3.0]"]
    assert gradient(choosy, [[1.0], [2.0]], method=method).status.tolist() == ["ok", "ok"]


@pytest.mark.filterwarnings("ignore::saddlelab.PythonSpeedWarning")
@pytest.mark.parametrize("method", DIFFERENCES)
@pytest.mark.parametrize("derive", ALL_THREE)
def test_what_a_callback_raises_is_raised_at_once(derive, method):
    """And not by the next call, which is innocent."""

    def choosy(x):
        if x[0] < WAVES_AT[0]:
            raise ValueError("too small")
        return waves(x)

    f = objective(Counted(choosy))
    f.value(WAVES_AT)
    with pytest.raises(ValueError, match="too small"):
        derive(f, WAVES_AT, method=method)
    assert f.value(WAVES_AT) == waves(WAVES_AT)


@pytest.mark.parametrize("workers", [2, None])
@pytest.mark.parametrize("method", DIFFERENCES)
def test_threads_do_not_matter_to_differences(method, workers, monkeypatch):
    """Nor do the parts of the work, of which the last would have three points."""
    points = np.random.default_rng(3).normal(size=(291, 2))
    alone = hessian(waves, points, method=method, workers=1)
    monkeypatch.setattr(finite_differences, "_TASK", 64)
    found = hessian(waves, points, method=method, workers=workers)
    for field in ("value", "error", "evaluations", "codes"):
        np.testing.assert_array_equal(getattr(found, field), getattr(alone, field))


def test_every_method_is_tested_here():
    assert set(METHODS) == {"auto", "exact", *DIFFERENCES}
    assert set(ORDERS) == set(DIFFERENCES)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert gradient(waves, WAVES_AT).method == "exact"
