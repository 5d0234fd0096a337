"""Finite differences beside plain loops and exact derivatives; their errors; edges of domains."""

import ctypes
import functools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import njit
from reference import differences as plain
from reference.functions import CASES, exact_derivatives

from saddlecore import differences as engine
from saddlecore import products
from saddlecore.compile import compile_function
from saddlecore.exponents import exponent, power_of_two
from saddlecore.forms import LANES, SLOTS, VALUE, VALUE_LANES
from saddlecore.jit import entry
from saddlecore.laneops import zeros
from saddlecore.memory import load, store
from saddlecore.noise import _table
from saddlecore.places import ROWS, make_place

EPS = np.finfo(float).eps
SCHEMES = {"central": engine.CENTRAL, "forward": engine.FORWARD, "richardson": engine.RICHARDSON}
WHATS = ("gradient", "hessian", "product")
#: Fewer than eight points fill the lanes with moves of one point, more stand side by side.
COUNTS = (1, 7, 8, 9, 17)
SIZES = (1, 2, 7, 8, 9, 10, 17)


# --- calling kernels ----------------------------------------------------------------------------


class Forms:
    """A function's table of forms: in lanes, in plain numbers, or both."""

    def __init__(self, function, args, slots):
        self.table = np.zeros((SLOTS, 2), np.int64)
        self.kept = [
            compile_function(function, "value", LANES if slot == VALUE_LANES else 1, args)
            for slot in slots
        ]
        for slot, form in zip(slots, self.kept, strict=True):
            self.table[slot, 0] = form.address


_made = {}


def forms_of(function, args=(), slots=(VALUE_LANES, VALUE)):
    """`Forms` that are made once."""
    if (function, slots) not in _made:
        _made[function, slots] = Forms(function, args, slots)
    return _made[function, slots]


class Called:
    """A Python function as a form in plain numbers that keeps the points it was called at."""

    C = ctypes.CFUNCTYPE(
        None, ctypes.POINTER(ctypes.c_double), ctypes.c_int64, ctypes.POINTER(ctypes.c_double),
        ctypes.c_int64,
    )  # fmt: skip

    def __init__(self, function):
        self.points = []

        def form(x, n, out, _):
            self.points.append(np.array(x[:n]))
            out[0] = function(self.points[-1])

        self.kept = self.C(form)
        self.table = np.zeros((SLOTS, 2), np.int64)
        self.table[VALUE, 0] = ctypes.cast(self.kept, ctypes.c_void_p).value


def all_pairs(n):
    return np.stack(np.tril_indices(n, -1), axis=1).astype(np.int64)


def differences(what, forms, X, scheme="central", *, step=(), noise=-1.0, errors=True, pairs=None,
                V=None):  # fmt: skip
    """(value, error, evaluations, status) of one kernel, whose outputs start as 7."""
    X = np.ascontiguousarray(X, float)
    m, n = X.shape
    shape = (m, n, n) if what == "hessian" else (m, n)
    value, error = np.full(shape, 7.0), np.full(shape if errors else (0,) * len(shape), 7.0)
    counts, status = np.full(m, 7), np.full(m, 7)
    options = (SCHEMES[scheme], np.array(step, float), noise, value, error, counts, status)
    if what == "gradient":
        engine.gradient_differences(forms.table, X, *options)
    elif what == "hessian":
        pairs = all_pairs(n) if pairs is None else pairs
        engine.hessian_differences(forms.table, X, pairs, *options)
    else:
        V = np.ascontiguousarray(vectors(X) if V is None else V, float)
        products.product_differences(forms.table, X, V, *options)
    return value, error, counts, status


def vectors(X):
    """Directions along which every variable counts, whatever its scale."""
    signs = np.resize([1.0, -0.5, 0.25, -1.0, 0.75], X.shape[1])
    return signs * (np.abs(X) + 1e-3 * np.abs(X).max(axis=1, keepdims=True) + 1e-9)


# --- formulas -----------------------------------------------------------------------------------


def coupled(x):
    """Smooth, with every kind of derivative, of size 1."""
    total = 0.0
    for i in range(len(x)):
        total += math.sin(x[i] + 0.5 * i) + 0.1 * x[i] * x[i] * x[0] * x[len(x) - 1]
        for j in range(i):
            total += 0.3 * math.cos(x[i] - 0.7 * x[j])
    return total / len(x)


@functools.cache
def by_the_book(what, n, scheme):
    """(points, steps, derivatives by plain loops, what rounding may do to them)."""
    rng = np.random.default_rng(n)
    X, h = rng.normal(size=(max(COUNTS), n)), 0.01 * rng.uniform(1.0, 2.0, n)
    value = []
    for x in X:
        if what == "product":
            value.append(plain.product(coupled, x, vectors(x[None])[0], h, SCHEMES[scheme]))
        else:
            value.append(getattr(plain, what)(coupled, x, h, SCHEMES[scheme]))
    return X, h, np.array(value), rounding(what, X, h)


def rounding(what, X, h):
    """n² terms of size 1 are summed in another order; a formula's weights sum to less than 16."""
    size = 16 * EPS * len(h) * (1.0 + np.abs([coupled(x) for x in X]))
    if what == "gradient":
        return size[:, None] / h
    if what == "hessian":
        return size[:, None, None] / (h[:, None] * h)
    length = np.linalg.norm(vectors(X) / h, axis=1)
    return (size * length)[:, None] / h


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("what", WHATS)
@pytest.mark.parametrize("n", SIZES)
def test_kernels_are_the_plain_formulas(what, n, scheme):
    X, h, truth, tolerance = by_the_book(what, n, scheme)
    for m in COUNTS:
        for errors in (True, False):
            value, error, _, status = differences(
                what, forms_of(coupled), X[:m], scheme, step=h, errors=errors
            )
            assert (np.abs(value - truth[:m]) <= tolerance[:m]).all()
            assert (status == engine.OK).all()
            assert (error > 0).all()


#: What the compiled form reads: of its address, as it is when it is called.
COEFFICIENTS = np.zeros((10, 10))


def quadratic_form(x, A):
    s = 0.0
    for i in range(len(x)):
        for j in range(len(x)):
            s += A[i, j] * x[i] * x[j]
    return 0.5 * s


@pytest.mark.parametrize("scheme", SCHEMES)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 10), m=st.sampled_from(COUNTS))
def test_quadratic_forms_are_exact(scheme, seed, n, m):
    """Integers and steps of ¼: every value is a float, and so is every sum."""
    rng = np.random.default_rng(seed)
    B = rng.integers(-9, 10, (n, n)).astype(float)
    A, X, V = B + B.T, rng.integers(-9, 10, (m, n)).astype(float), np.eye(m, n)
    COEFFICIENTS[:n, :n] = A
    forms = forms_of(quadratic_form, (COEFFICIENTS,))
    step = np.full(n, 0.25)
    # Only Richardson's weights, thirds, are rounded, times differences of values.
    slack = 8 * EPS * np.abs(A).sum() * (np.abs(X).max() + 1.0)
    H = differences("hessian", forms, X, scheme, step=step)[0]
    assert (np.abs(H - A) <= (slack / 0.25**2 if scheme == "richardson" else 0.0)).all()
    product = differences("product", forms, X, scheme, step=step, V=V)[0]
    assert (np.abs(product - V @ A) <= slack / 0.25**2).all()
    if scheme != "forward":
        g = differences("gradient", forms, X, scheme, step=step)[0]
        assert (np.abs(g - X @ A) <= slack / 0.25).all()


def test_the_points_are_steps_away():
    """Given steps are taken as x allows them; along each variable, and along pairs alike."""
    x, h = np.array([[1.0, -3.0, 1e6]]), np.array([1e-3, 0.1, 1e-9])
    forms = Called(lambda x: float(np.sum(np.sin(x))))
    differences("hessian", forms, x, step=h, errors=False)
    taken = plain.step_taken(x[0], h)
    moves = (np.array(forms.points) - x) / taken
    wanted = [np.zeros(3)]
    for i in range(3):
        wanted += [np.eye(3)[i], -np.eye(3)[i]]
        wanted += [s * (np.eye(3)[i] + np.eye(3)[j]) for j in range(i) for s in (1.0, -1.0)]
    assert sorted(map(tuple, moves)) == sorted(map(tuple, wanted))


def test_chosen_steps_are_differences_of_floats():
    x = np.array([[0.3, -7e5, 2e-9, 0.0]])
    forms = Called(lambda x: float(np.sum(np.cos(x))))
    differences("gradient", forms, x, errors=False)
    steps = np.array(forms.points[1:5]) - x
    np.testing.assert_array_equal((x + steps) - x, steps)
    assert (np.diag(steps) != 0.0).all()
    assert np.count_nonzero(steps) == 4


# --- modes, batches, forms ----------------------------------------------------------------------


def hard(x):
    """Rounded in places, missing in places, fast in places: lanes must go their own ways."""
    s = math.sqrt(x[0] + 2.0) + x[1] * x[1] * x[0] + math.sin(40.0 * x[2])
    return s + 1e-9 * math.floor(1e3 * x[1]) + math.log(x[2] * x[2])


def hard_points():
    rng = np.random.default_rng(7)
    X = rng.normal(size=(40, 3)) * 10.0 ** rng.integers(-8, 3, (40, 3))
    X[::7, 0] = -2.0
    X[::5, 1] = 0.0
    X[3::11, 2] = 0.0
    return X


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("what", WHATS)
def test_a_point_does_not_see_its_neighbours(what, scheme):
    """The same bits, errors and evaluations in any batch of at least, or of less than, eight."""
    X, forms = hard_points(), forms_of(hard)
    rng = np.random.default_rng(1)
    for size, others in ((40, (8, 9, 17)), (7, (1, 2))):
        whole = [differences(what, forms, part, scheme) for part in np.split(X, [size])[:1]]
        for m in others:
            rows = rng.permutation(size)[:m]
            part = differences(what, forms, X[rows], scheme)
            for found, all_found in zip(part, whole[0], strict=True):
                np.testing.assert_array_equal(found, all_found[rows])


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("what", WHATS)
def test_both_ways_to_fill_lanes_agree(what, scheme):
    X = np.random.default_rng(3).normal(size=(9, 9))
    many, few = (
        differences(what, forms_of(coupled), X, scheme),
        [differences(what, forms_of(coupled), x[None], scheme) for x in X],
    )
    value, error, counts, _ = (np.concatenate(column) for column in zip(*few, strict=True))
    assert (np.abs(value - many[0]) <= error + many[1]).all()
    np.testing.assert_array_equal(counts, many[2])


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("m", [3, 17])
@pytest.mark.parametrize("what", WHATS)
def test_evaluations_are_calls(what, m, scheme):
    forms = Called(lambda x: float(hard(x)) if x[0] > -2.0 and x[2] != 0.0 else math.nan)
    for errors in (True, False):
        forms.points.clear()
        counts = differences(what, forms, hard_points()[:m], scheme, errors=errors)[2]
        assert counts.sum() == len(forms.points)


@pytest.mark.parametrize("what", WHATS)
def test_evaluations_that_a_smooth_function_takes(what):
    for n in (1, 2, 10):
        X = 1.0 + np.random.default_rng(n).uniform(size=(9, n))
        wanted = {
            "gradient": {"central": 4 * n + 2, "forward": 2 * n + 2, "richardson": 6 * n + 2},
            "hessian": {
                "central": n * (n - 1) + 4 * n + 2 + 4 * (n > 1),
                "forward": n * (n - 1) + 3 * n + 2,
                "richardson": 2 * n * (n - 1) + 6 * n + 2 + 6 * (n > 1),
            },
            "product": {
                "central": 6 * n + 6 + 4 * (n > 1),
                "forward": 5 * n + 5,
                "richardson": 10 * n + 8 + 6 * (n > 1),
            },
        }[what]
        for scheme, most in wanted.items():
            for parts in (X[:, None], X[None]):
                counts = [differences(what, forms_of(coupled), x, scheme)[2] for x in parts]
                assert np.median(counts) == most


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("what", WHATS)
def test_forms_in_plain_numbers_do_as_well(what, scheme):
    X = np.random.default_rng(3).normal(size=(11, 4))
    for m in (3, 11):
        lanes, numbers = (
            differences(what, forms_of(coupled, (), (slot,)), X[:m], scheme)
            for slot in (VALUE_LANES, VALUE)
        )
        assert (np.abs(lanes[0] - numbers[0]) <= lanes[1] + numbers[1]).all()


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("m", [2, 9])
def test_pairs_that_are_not_listed_are_zero(m, scheme):
    X, pairs = np.random.default_rng(0).normal(size=(m, 10)), all_pairs(10)
    some = np.random.default_rng(1).permutation(pairs)[:13]
    whole = differences("hessian", forms_of(coupled), X, scheme)
    part = differences("hessian", forms_of(coupled), X, scheme, pairs=some)
    both_ways = np.vstack([some, some[:, ::-1]])
    twice = differences("hessian", forms_of(coupled), X, scheme, pairs=both_ways)
    listed = np.eye(10, dtype=bool)
    listed[tuple(some.T)] = listed[tuple(some.T[::-1])] = True
    for k in range(2):
        np.testing.assert_array_equal(part[k], np.where(listed, whole[k], 0.0))
        np.testing.assert_array_equal(part[k], twice[k])
    np.testing.assert_array_equal(part[2], twice[2])
    assert (part[2] < whole[2]).all()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_hessians_are_symmetric_bit_by_bit(scheme):
    for X in (hard_points(), hard_points()[:5]):
        for matrix in differences("hessian", forms_of(hard), X, scheme)[:2]:
            np.testing.assert_array_equal(matrix, matrix.transpose(0, 2, 1))


@njit
def from_jitted_code(table, X, step, out, error, counts, status):
    engine_gradient(table, X, 0, step, -1.0, out, error, counts, status)
    return out.sum()


engine_gradient = engine.gradient_differences


def test_kernels_are_called_from_jitted_code():
    X = np.random.default_rng(0).normal(size=(3, 2))
    out, error = np.zeros((3, 2)), np.zeros((3, 2))
    counts, status = np.zeros(3, np.int64), np.zeros(3, np.int64)
    forms = forms_of(coupled)
    total = from_jitted_code(forms.table, X, np.empty(0), out, error, counts, status)
    np.testing.assert_array_equal(out, differences("gradient", forms, X)[0])
    assert total == out.sum()


# --- errors -------------------------------------------------------------------------------------


def truth_of(what, case, X):
    exact = [exact_derivatives(case, x) for x in X]
    if what == "gradient":
        return np.array([g for _, g, _ in exact])
    H = np.array([H for _, _, H in exact])
    return H if what == "hessian" else np.einsum("mij,mj->mi", H, vectors(X))


def deviations(what, scheme, case, side_by_side):
    """|value − truth|, error and truth, one for each entry that has a value."""
    X = np.array(case.points)
    forms, truth = forms_of(case.fun, (), (VALUE_LANES,)), truth_of(what, case, X)
    if side_by_side:
        found = differences(what, forms, np.resize(X, (8 * len(X), case.n)), scheme)
        value, error = found[0][: len(X)], found[1][: len(X)]
    else:
        each = [differences(what, forms, x[None], scheme)[:2] for x in X]
        value, error = (np.concatenate(column) for column in zip(*each, strict=True))
    known = np.isfinite(truth) & np.isfinite(value)
    return np.abs(value - truth)[known], error[known], truth[known]


@pytest.mark.parametrize("side_by_side", [True, False])
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("what", WHATS)
def test_errors_hold(what, scheme, side_by_side, record_property):
    """At least 99 in 100, and not by being a hundred times too large."""
    columns = [deviations(what, scheme, case, side_by_side) for case in CASES.values()]
    off, error, truth = (np.concatenate(column) for column in zip(*columns, strict=True))
    covered = off <= error + np.spacing(np.abs(truth))
    visible = off > 4 * np.spacing(np.abs(truth))
    ratio = np.median(error[visible] / off[visible])
    record_property("entries", len(off))
    record_property("covered", f"{covered.mean():.4%}")
    record_property("median error / true error", round(float(ratio), 1))
    assert len(CASES) >= 25
    assert covered.mean() >= 0.99
    assert ratio <= 100


@njit
def wave(x):
    s = 3.0
    for i in range(len(x)):
        s += math.cos(x[i] + 0.3 * i) * (1.0 + 0.2 * x[0])
    return s


def to_six_digits(x):
    return 1e-6 * math.floor(wave(x) * 1e6 + 0.5)


def shaken(x):
    """A relative noise of about 1e-9, the same for the same x."""
    z = 0.0
    for i in range(len(x)):
        z += math.sin(x[i] * 3e12 + i)
    return wave(x) * (1.0 + 1e-9 * math.sin(z * 1e6))


def exact_wave(what, X):
    """∇, H, H v of `wave`."""
    n = X.shape[1]
    phase, factor = X + 0.3 * np.arange(n), 1.0 + 0.2 * X[:, 0]
    g = -np.sin(phase) * factor[:, None]
    g[:, 0] += 0.2 * np.cos(phase).sum(axis=1)
    H = np.einsum("mi,ij->mij", -np.cos(phase) * factor[:, None], np.eye(n))
    H[:, 0, :] -= 0.2 * np.sin(phase)
    H[:, :, 0] -= 0.2 * np.sin(phase)
    return {"gradient": g, "hessian": H, "product": np.einsum("mij,mj->mi", H, vectors(X))}[what]


@pytest.mark.parametrize("m", [5, 200])
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("what", WHATS)
@pytest.mark.parametrize("noisy", [to_six_digits, shaken])
def test_noise_is_found(noisy, what, scheme, m, record_property):
    """Long steps, honest errors, and a status that says so."""
    X = np.random.default_rng(5).normal(size=(m, 4))
    value, error, _, status = differences(what, forms_of(noisy), X, scheme)
    off = np.abs(value - exact_wave(what, X))
    covered = np.mean(off <= error)
    record_property("covered", f"{covered:.4%}")
    size = np.abs(exact_wave(what, X)).max()
    record_property("median error / size", f"{np.median(error) / size:.1e}")
    assert np.mean(status & engine.NOISY != 0) > 0.95
    assert covered >= 0.97
    # Steps fit for rounding would lose every digit: noise of 1e-6 over h² of 1e-8.
    assert np.median(off) < 0.1


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("what", WHATS)
def test_noise_may_be_given(what, scheme):
    """Then nothing is measured, and steps are as long from the start."""
    X = np.random.default_rng(5).normal(size=(9, 4))
    value, error, counts, _ = differences(what, forms_of(to_six_digits), X, scheme, noise=3e-7)
    assert np.mean(np.abs(value - exact_wave(what, X)) <= error) >= 0.97
    assert (counts <= differences(what, forms_of(to_six_digits), X, scheme)[2]).all()


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=8, max_size=8),
    st.floats(-1e3, 1e3), st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_noise_tables_are_those_of_more_and_wild(values, scale, seed):
    smooth = scale * np.cos(1e-3 * np.arange(8))
    rng = np.random.default_rng(seed)
    for row in (np.array(values), smooth + rng.normal(size=8), smooth):
        lanes = np.repeat(row, LANES).reshape(8, LANES)
        found, wanted = noise_of(lanes), plain.noise(row)
        if wanted is None:
            assert np.isnan(found).all()
        else:
            np.testing.assert_allclose(found, wanted, rtol=32 * EPS)


@entry
def _noise_of(rows, out):
    place = make_place(1, 1, np.empty(0), False)
    for k in range(64):
        place.memory[ROWS * LANES + k] = rows[k]
    store(out, 0, _table(zeros(8), place))


def noise_of(rows):
    out = np.zeros(LANES)
    _noise_of(np.ascontiguousarray(rows, float).ravel(), out)
    return out


@entry
def _powers(x, exponents, powers):
    k = exponent(load(zeros(8), x, 0))
    store(exponents, 0, k)
    store(powers, 0, power_of_two(k))


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=8, max_size=8))
def test_exponents_are_those_of_frexp(values):
    x, k, powers = np.array(values), np.zeros(8), np.zeros(8)
    _powers(x, k, powers)
    normal = np.abs(x) >= np.finfo(float).tiny
    np.testing.assert_array_equal(k[normal], np.frexp(x[normal])[1] - 1.0)
    np.testing.assert_array_equal(powers[normal], np.ldexp(1.0, np.frexp(x[normal])[1] - 1))
    assert (k[~normal] == -1023.0).all()


# --- edges --------------------------------------------------------------------------------------


def growth_from_zero(x):
    """exp(x₀ + 2x₁) where x₀ ≥ 0, nothing below."""
    return math.exp(x[0] + 2.0 * x[1]) + 0.0 * math.sqrt(x[0])


@pytest.mark.parametrize("m", [2, 9])
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("what", WHATS)
def test_one_side_does_at_an_edge(what, scheme, m):
    X, V = np.zeros((m, 2)), np.tile([1.0, 0.25], (m, 1))
    X[1] = 0.5
    value, error, _, status = differences(what, forms_of(growth_from_zero), X, scheme, V=V)
    grown, c = np.exp(X @ [1.0, 2.0]), np.array([1.0, 2.0])
    truth = {
        "gradient": grown[:, None] * c,
        "hessian": grown[:, None, None] * np.outer(c, c),
        "product": (grown * (V @ c))[:, None] * c,
    }[what]
    assert (np.abs(value - truth) <= error).all()
    assert (error <= 1e-2 * np.abs(truth) + 1e-12).all()
    if scheme != "forward":
        assert status[0] & engine.ONE_SIDED
    assert status[1] == engine.OK


def logarithm(x):
    return math.log(x[0])


def shifted_logarithm(x):
    return math.log(x[0] - 1.0)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("x", [1e-12, 1e-290, 1.0, 1e300])
def test_steps_follow_the_scale_of_x(x, scheme):
    """log at any x has relative derivatives ±1; those of tiny x fit into no other step."""
    order = {"central": 3, "forward": 2, "richardson": 5}[scheme]
    noise = EPS * max(abs(math.log(x)), 1.0)
    slack = 300.0 * noise ** (1.0 - 1.0 / order)
    for m in (1, 8):
        X = np.full((m, 1), x)
        g, error, _, status = differences("gradient", forms_of(logarithm), X, scheme)
        assert (np.abs(g * x - 1.0) <= error * x).all()
        assert (error * x <= slack).all()
        assert (status == engine.OK).all()


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("distance", [2.0**-10, 2.0**-20, 2.0**-30])
def test_steps_shrink_near_a_singularity(distance, scheme):
    X = np.full((9, 1), 1.0 + distance)
    g, error, _, _ = differences("gradient", forms_of(shifted_logarithm), X, scheme)
    assert (np.abs(g * distance - 1.0) <= error * distance).all()
    assert (error * distance <= 1e-2).all()


def root(x):
    return math.sqrt(x[0] - 1.0) + x[1]


def refuses(x):
    if x[0] > 0.0:
        raise ValueError
    return x[0]


@pytest.mark.parametrize("m", [3, 11])
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("what", WHATS)
def test_where_there_is_no_value_there_is_no_derivative(what, scheme, m):
    X = np.full((m, 2), 3.0)
    X[1, 0], X[2, 0] = 0.0, np.nan
    value, error, counts, status = differences(what, forms_of(root), X, scheme)
    for bad in (1, 2):
        assert np.isnan(value[bad]).all()
        assert np.isnan(error[bad]).all()
        assert (status[bad], counts[bad]) == (engine.NOT_FINITE, 1)
    fine = np.delete(np.arange(m), [1, 2])
    assert np.isfinite(value[fine]).all()
    assert np.isfinite(error[fine]).all()
    assert (status[fine] == engine.OK).all()


@pytest.mark.parametrize("what", WHATS)
def test_a_function_that_raises_has_no_value(what):
    only_numbers = forms_of(refuses, (), (VALUE,))
    for m in (2, 9):
        X = np.full((m, 1), -1.0)
        X[1] = 1.0
        value, _, _, status = differences(what, only_numbers, X)
        assert np.isnan(value[1]).all()
        assert status[1] == engine.NOT_FINITE
        assert np.isfinite(np.delete(value, 1, axis=0)).all()


def only_on_the_axes(x):
    """Nothing where two variables are away from 1 at once."""
    away = math.fabs(x[0] - 1.0) * math.fabs(x[1] - 1.0)
    return x[0] * x[0] + 3.0 * x[1] + 0.0 * math.sqrt(-away)


@pytest.mark.parametrize("m", [2, 9])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_entries_that_cannot_be_had_are_missing(scheme, m):
    forms, X = forms_of(only_on_the_axes), np.ones((m, 2))
    H, error, _, status = differences("hessian", forms, X, scheme)
    assert (status & engine.INCOMPLETE).all()
    assert np.isnan(H[:, 0, 1]).all()
    assert np.isnan(error[:, 0, 1]).all()
    assert (np.abs(H[:, 0, 0] - 2.0) <= error[:, 0, 0]).all()
    assert (np.abs(H[:, 1, 1]) <= error[:, 1, 1]).all()


def constant(x):
    return 4.0 + 0.0 * x[0]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("what", WHATS)
def test_constants_have_no_derivatives(what, scheme):
    for m in (1, 9):
        X = np.random.default_rng(0).normal(size=(m, 3))
        value, error, _, status = differences(what, forms_of(constant), X, scheme)
        assert (value == 0.0).all()
        assert (error >= 0.0).all()
        assert (status == engine.OK).all()


def in_odd_units(x):
    """cos in metres, in nanometres and in light years."""
    return math.cos(x[0]) * math.cos(1e9 * x[1]) + math.cos(1e-16 * x[2])


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("what", ["gradient", "hessian"])
def test_every_variable_has_its_own_scale(what, scheme):
    X = np.random.default_rng(4).uniform(0.5, 1.5, (12, 3)) * [1.0, 1e-9, 1e16]
    value, error, _, _ = differences(what, forms_of(in_odd_units), X, scheme)
    a, b, c = (X * [1.0, 1e9, 1e-16]).T
    g = np.array([-np.sin(a) * np.cos(b), -np.cos(a) * np.sin(b), -np.sin(c)])
    H = np.zeros((3, 3, 12))
    H[0, 0] = H[1, 1] = -np.cos(a) * np.cos(b)
    H[0, 1] = H[1, 0] = np.sin(a) * np.sin(b)
    H[2, 2] = -np.cos(c)
    # Both in units that are alike.
    units = np.array([1.0, 1e-9, 1e16])
    scale = units if what == "gradient" else np.outer(units, units)
    truth = (g if what == "gradient" else H).T
    assert (np.abs(value * scale - truth) <= error * scale).all()
    assert (error * scale <= 1e-2).all()
