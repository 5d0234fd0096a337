"""Objectives: what functions become, what they give, and what goes wrong with them."""

import ctypes
import functools
import gc
import operator
import pickle
import sys
import threading
import warnings
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numba import carray, cfunc, njit, types
from objectives import NUMPY_STYLE, TABLE, WITH_LOOPS, prepared
from reference import exact
from scipy import LowLevelCallable

import saddlecore
from saddlecore.lanes import Lanes
from saddlelab import Objective, PythonSpeedWarning, objective, surfaces
from saddlelab.as_objective import as_objective
from saddlelab.points import points_of

LANES = "value, eight points at once"
COMPILED = {"value": "compiled", LANES: "compiled", "exact derivatives": "traced"}
EPS = np.finfo(float).eps

A = np.array([[2.0, 1.0, 0.0], [1.0, -3.0, 0.5], [0.0, 0.5, 1.0]])
X = np.array([[1.0, 2.0, 3.0], [-1.0, 0.5, 0.0], [0.1, -0.2, 4.0]])


def form(x):
    return 0.5 * np.dot(x, A @ x)


def form_gradient(x):
    return A @ x


def form_error(x):
    """Of one entry of A x, or of xᵀA x: at most n + 1 roundings of the sum of the sizes."""
    x = np.abs(x)
    return (x.shape[-1] + 1) * EPS * np.einsum("...i,ij,...j->...", x, np.abs(A), x)


def products_error(v):
    return (v.shape[-1] + 1) * EPS * np.abs(v) @ np.abs(A)


@functools.cache
def the_form():
    return objective(form)


def choosy(x):
    if x[0] < 0.0:
        raise ValueError("must be positive")
    return np.sqrt(x[0]) + x[1]


def branching(x):
    if x[0] > 0.0:
        return x[0] ** 2 * x[1]
    return -(x[0] ** 3) + x[1] ** 2


# --- functions that compile ---------------------------------------------------------------------


def test_the_table_is_long_enough():
    assert len(set(NUMPY_STYLE)) >= 18
    assert len(set(WITH_LOOPS)) >= 10


@pytest.mark.parametrize("name", TABLE)
def test_functions_of_the_table(name):
    """Compiled for one point, for eight and for tracing; values as in Python, but for rounding."""
    case, f = prepared(name)
    assert dict(f.forms) == COMPILED
    points = np.array(case.points * 3)
    at_once = f.value(points)
    for x, value in zip(points, at_once, strict=True):
        expected = case.fun(x)
        error = 2 * exact.rounding_error(*case.formula, x)  # each of the two may be off by that
        assert abs(value - expected) <= error
        assert abs(f.value(x) - expected) <= error


def plainly(x):
    return x[0] ** 2 - x[1] * x[2]


@njit
def squared(t):
    return t * t


@njit
def weighted(x, w):
    return np.sum(w * x)


def with_helpers(x):
    return squared(x[0]) + weighted(x, 2.0)


def with_default(x, scale=3.0):
    return scale * x[0] * x[1]


def with_rest(x, *rest):
    return x[0] * len(rest) + x[2]


def closed_over(matrix, number):
    return lambda x: np.sum(np.tanh(matrix @ x)) + number * x[0]


def prints(x):
    if x[0] > 1e300:
        print("far away")
    return x[0]


FUNCTIONS = {
    "njit": njit(plainly),
    "njit with options": njit(fastmath=True)(plainly),
    "lambda": lambda x: x[0] ** 2 - x[1],
    "closure over an array and a number": closed_over(A, 2),
    "helpers with njit": with_helpers,
    "default argument": with_default,
    "any number of arguments": with_rest,
    "returns an integer": len,
    "returns an integer sometimes": lambda x: x[0] if len(x) > 5 else 1,
    "returns a comparison": lambda x: x[0] > 1.0,
    "a constant": lambda x: 2.5,
}


@pytest.mark.parametrize("what", FUNCTIONS)
def test_every_sort_of_plain_function_is_compiled(what):
    fun = FUNCTIONS[what]
    if fun is len:
        fun = lambda x: len(x)  # noqa: E731  a builtin is no plain function
    f = objective(fun)
    assert dict(f.forms) == COMPILED
    expected = [float(fun(x)) for x in X]
    np.testing.assert_allclose(f.value(X), expected, rtol=8 * EPS, atol=8 * EPS * np.abs(X).sum())
    assert [f.value(x) for x in X] == pytest.approx(expected, rel=8 * EPS, abs=64 * EPS)


def test_printing_is_compiled_for_plain_numbers():
    f = objective(prints)
    assert f.forms["value"] == "compiled"
    assert f.forms[LANES].startswith("no: it branches on a value")


def test_args_are_passed_and_their_arrays_are_live():
    matrix = np.eye(2)
    f = objective(lambda x, m, c: c * np.dot(x, m @ x), args=(matrix, 2.0))
    x = np.array([1.0, 2.0])
    assert dict(f.forms) == COMPILED
    assert f.value(x) == 10.0
    assert f.gradient(x).tolist() == [4.0, 8.0]
    matrix[0, 1] = 5.0
    assert f.value(x) == 30.0
    assert f.value([x, x]).tolist() == [30.0, 30.0]
    assert f.gradient(x).tolist() == [24.0, 18.0]
    assert f.hessian(x).tolist() == [[4.0, 10.0], [10.0, 4.0]]
    assert f.hvp(x, [1.0, 0.0]).tolist() == [4.0, 10.0]
    assert f(x) == 30.0


def test_tables_for_kernels_follow_args_too():
    scale = np.array([1.0])
    f = objective(lambda x, s: s[0] * x[0] ** 2, args=(scale,))
    point, out = np.array([[3.0]]), np.empty((1, 1))
    for scale[0] in (1.0, 5.0):
        f.expressions(point)
        table = f.table(1, exact=True)
        saddlecore.points.at_points(table, saddlecore.forms.GRADIENT, 1, point, out)
        assert out[0, 0] == 6.0 * scale[0]


@pytest.mark.filterwarnings("ignore::saddlelab.PythonSpeedWarning")
@pytest.mark.parametrize(
    ("arg", "change"),
    [
        ((np.ones(2), 2.0), lambda arg: operator.setitem(arg[0], 0, 5.0)),
        (((np.ones(2), 1.0), 2.0), lambda arg: operator.setitem(arg[0][0], 0, 5.0)),
        ([1.0, 2.0], lambda arg: operator.setitem(arg, 0, 5.0)),
    ],
)
def test_args_that_could_change_unseen_are_not_compiled_in(arg, change):
    def first(x, arg):
        return x[0] * np.ravel(arg[0][0] if isinstance(arg[0], tuple) else arg[0])[0]

    f = objective(first, args=(arg,))
    kind = type(arg).__name__
    assert f.forms["value"] == (
        f"Python callback: `args` holds a {kind}, not only arrays and numbers"
    )
    assert f.value([2.0]) == 2.0
    change(arg)
    assert f.value([2.0]) == 10.0


def test_tuples_of_numbers_are_compiled_in():
    f = objective(lambda x, sizes: sizes[0] * x[0] + sizes[1][0], args=((2.0, (3, 4)),))
    assert dict(f.forms) == COMPILED
    assert f.value([1.0]) == 5.0


@pytest.mark.parametrize(
    "matrix",
    [np.asfortranarray(A), A[::2, :], A.astype(np.float32), np.arange(9).reshape(3, 3)],
    ids=["Fortran", "strided", "float32", "int"],
)
def test_args_of_any_layout(matrix):
    matrix = matrix.view()
    matrix.flags.writeable = False
    f = objective(lambda x, m: m[0, 1] * x[0] + m[1, 2] * x[1] ** 2, args=(matrix,))
    assert dict(f.forms) == COMPILED
    assert f.value(X[0]) == matrix[0, 1] + 4.0 * matrix[1, 2]


# --- functions that do not ----------------------------------------------------------------------


class Quadratic:
    def value(self, x):
        return float(x @ x)

    def __call__(self, x):
        return float(x @ x)


def undecorated(t):
    return t * t


CALLED_BACK = {
    "a partial function": (functools.partial(pow_sum := lambda p, x: float(np.sum(x**p)), 2),
                           "it is not a plain function but partial"),
    "a bound method": (Quadratic().value, "it is not a plain function but method"),
    "a callable object": (Quadratic(), "it is not a plain function but Quadratic"),
    "a builtin": (np.linalg.norm, "it is not a plain function but _ArrayFunctionDispatcher"),
    "an undecorated helper": (
        lambda x: undecorated(x[0]), r"it calls undecorated, which is not decorated with numba"),
    "formatted strings": (lambda x: float(f"{x[0]:.3f}"), "format spec"),
    "objects": (lambda x: Quadratic()(x), r"Quadratic.*\(line \d+ of .*test_objective.py\)"),
}  # fmt: skip


@pytest.mark.parametrize("what", CALLED_BACK)
def test_the_rest_is_called_back(what):
    fun, why = CALLED_BACK[what]
    with pytest.warns(PythonSpeedWarning, match=f"at Python's speed: Python callback: .*{why}"):
        f = objective(fun)
    assert f.forms["value"].startswith("Python callback: ")
    assert f.forms[LANES] == "no: a callback"
    assert f.forms["exact derivatives"] == "no: it is not compiled"
    assert not f.parallel
    assert f.value(X).tolist() == [float(fun(x)) for x in X]
    assert f.value(X[0]) == float(fun(X[0]))


def test_one_warning_per_objective():
    f = Objective(Quadratic(), name="bowl")
    with pytest.warns(PythonSpeedWarning, match="^`bowl` runs at Python's speed") as caught:
        f.value(X[0])
    assert len(caught) == 1
    assert caught[0].filename == __file__
    f.build()
    f.value(X)
    assert f.forms


@pytest.mark.parametrize("make", [objective, as_objective])
def test_the_warning_points_at_the_caller(make):
    with pytest.warns(PythonSpeedWarning) as caught:
        make(Quadratic())
    assert [w.filename for w in caught] == [__file__]


def test_integers_that_overflow_are_noticed():
    """Numba's are 64 bits wide, Python's are not."""

    def large(x):
        k = 1
        for _ in range(25):
            k = k * 10
        return k * x[0]

    f = objective(large)
    with pytest.warns(PythonSpeedWarning, match=r"compiled it gives -?\d.*, in Python 1e\+25"):
        assert f.value([1.0]) == 1e25
    assert f.value([[1.0], [2.0]]).tolist() == [1e25, 2e25]
    assert f.forms["exact derivatives"] == "no: it is not compiled"


def test_torch():
    torch = pytest.importorskip("torch")
    W = torch.tensor(A)

    def loss(x):
        return torch.sum(torch.tanh(W @ torch.tensor(x)) ** 2)

    def slope(x):
        leaf = torch.tensor(x, requires_grad=True)
        torch.sum(torch.tanh(W @ leaf) ** 2).backward()
        return leaf.grad

    with pytest.warns(PythonSpeedWarning, match="`loss`"):
        f = objective(loss, gradient=slope)
    assert f.forms["gradient"].startswith("Python callback")
    layer = np.tanh(X @ A)
    error = 16 * EPS * (1 + np.abs(X) @ np.abs(A)).sum()
    np.testing.assert_allclose(f.value(X), (layer**2).sum(axis=1), rtol=0, atol=error)
    expected = (2 * layer * (1 - layer**2)) @ A
    np.testing.assert_allclose(f.gradient(X), expected, rtol=0, atol=4 * error)


# --- functions in C -----------------------------------------------------------------------------

POINTER = types.CPointer(types.float64)
SIGNATURES = {
    "int": (types.intc, POINTER),
    "long": (types.int64, POINTER),
    "data": (types.intc, POINTER, types.voidptr),
    "point first": (POINTER, types.intc),
}


@functools.cache
def in_c(which):
    first_length = which != "point first"
    body = {
        "int": lambda n, x: carray(x, n)[0] ** 2 + n,
        "long": lambda n, x: carray(x, n)[0] ** 2 + n,
        "data": lambda n, x, data: carray(x, n)[0] ** 2 + n,
        "point first": lambda x, n: carray(x, n)[0] ** 2 + n,
    }[which]
    assert first_length == (SIGNATURES[which][0] is not POINTER)
    return cfunc(types.float64(*SIGNATURES[which]))(body)


@pytest.mark.parametrize("which", SIGNATURES)
@pytest.mark.parametrize("wrap", [lambda f: f, lambda f: LowLevelCallable(f.ctypes)],
                         ids=["cfunc", "LowLevelCallable"])  # fmt: skip
def test_c_functions(which, wrap):
    f = objective(wrap(in_c(which)), name="square")
    assert f.forms["value"] == "C function"
    assert f.forms[LANES] == "no: a C function"
    assert f.forms["exact derivatives"] == "no: it is a C function"
    assert f.parallel
    assert f.value(X).tolist() == (X[:, 0] ** 2 + 3).tolist()
    assert f.value([2.0]) == f([2.0]) == 5.0


def test_c_functions_get_their_data():
    signature = types.float64(types.intc, POINTER, types.voidptr)
    scaled = cfunc(signature)(lambda n, x, data: carray(x, n)[0] * carray(data, 1, np.float64)[0])
    number = np.array([3.0])
    data = ctypes.cast(number.ctypes.data, ctypes.c_void_p)
    f = objective(LowLevelCallable(scaled.ctypes, data))
    assert f.value([2.0]) == 6.0
    number[0] = 5.0
    assert f.value([2.0]) == 10.0


@pytest.mark.parametrize(
    ("arguments", "result"),
    [
        ((types.float64,), types.float64),
        ((types.int8, POINTER), types.float64),
        ((types.intc, types.CPointer(types.float32)), types.float64),
        ((types.intc, POINTER), types.float32),
        ((POINTER, types.intc, types.voidptr), types.float64),
        ((), types.float64),
    ],
)
def test_other_c_functions_are_refused(arguments, result):
    bodies = (lambda: 1.0, lambda a: 1.0, lambda a, b: 1.0, lambda a, b, c: 1.0)
    wrong = cfunc(result(*arguments))(bodies[len(arguments)])
    with pytest.raises(TypeError, match=r"^`fun` must have the C signature double \(int, double"):
        objective(wrong)


def test_c_functions_take_no_args():
    with pytest.raises(TypeError, match=r"`args` must be empty .* C function, got \(3,\)$"):
        objective(in_c("int"), args=(3,))


# --- derivatives that come with it --------------------------------------------------------------


def fills(x, out):
    for i in range(len(x)):
        out[i] = np.dot(A[i], x)


def form_product(x, v):
    return A @ v


def form_product_fills(x, v, out):
    for i in range(len(v)):
        out[i] = np.dot(A[i], v)


class Returns:
    def __call__(self, x):
        return A @ x


class ProductFills:
    def __call__(self, x, v, out):
        out[:] = A @ v


@pytest.mark.parametrize(
    ("gradient", "hvp", "how"),
    [
        (form_gradient, form_product, "compiled"),
        (fills, form_product_fills, "compiled"),
        (njit(form_gradient), njit(form_product_fills), "compiled"),
        (Returns(), ProductFills(), "Python callback"),
    ],
)
def test_given_derivatives_are_used(gradient, hvp, how):
    f = objective(form, gradient=gradient, hvp=hvp)
    assert f.given == ("gradient", "hvp")
    assert list(f.forms) == ["value", LANES, "gradient", "gradient, eight points at once", "hvp",
                             "hvp, eight points at once", "exact derivatives"]  # fmt: skip
    assert f.forms["gradient"].startswith(how)
    assert f.forms["hvp"].startswith(how)
    assert f.parallel == (how == "compiled")
    many, error = np.tile(X, (4, 1)), products_error(X).max()
    np.testing.assert_allclose(f.gradient(many), many @ A, rtol=0, atol=error)
    np.testing.assert_allclose(f.gradient(X[0]), A @ X[0], rtol=0, atol=error)
    np.testing.assert_allclose(f.hvp(many, -many), -many @ A, rtol=0, atol=error)
    np.testing.assert_allclose(f.hvp(X[1], X[0]), A @ X[0], rtol=0, atol=error)


def test_given_derivatives_get_args():
    scales = np.array([3.0])

    def product(x, v, out, s, c):
        out[0] = c * s[0] * v[0]

    f = objective(
        lambda x, s, c: c * s[0] * x[0] ** 2 / 2.0,
        args=(scales, 2.0),
        gradient=lambda x, s, c: np.array([c * s[0] * x[0]]),
        hvp=product,
    )
    assert f.forms["gradient"] == f.forms["hvp"] == "compiled"
    for scales[0] in (3.0, 7.0):
        slope = 2.0 * scales[0]
        assert f.gradient([[1.0], [2.0]]).tolist() == [[slope], [2.0 * slope]]
        assert f.hvp([[1.0], [2.0]], [5.0]).tolist() == [[5.0 * slope]] * 2


@pytest.mark.parametrize(
    ("what", "function", "args", "kind"),
    [
        ("gradient", lambda x: x, (), "returns"),
        ("gradient", lambda x, out: None, (), "fills"),
        ("gradient", lambda x, a: x, (1,), "returns"),
        ("gradient", lambda x, out, a: None, (1,), "fills"),
        ("gradient", lambda x, a=3.0: x, (), "returns"),
        ("gradient", lambda x, a=3.0: x, (1,), "returns"),
        ("gradient", lambda x, out, a=3.0: None, (), "fills"),
        ("gradient", lambda x, out, a=3.0: None, (1,), "fills"),
        ("gradient", lambda x, out=None: x, (), "returns"),
        ("gradient", lambda x, *rest: x, (1, 2), "returns"),
        ("gradient", lambda x, out, *rest: None, (1, 2), "fills"),
        ("hvp", lambda x, v: v, (), "hvp returns"),
        ("hvp", lambda x, v, out: None, (), "hvp fills"),
        ("hvp", lambda x, v, a: v, (1,), "hvp returns"),
        ("hvp", lambda x, v, out, a: None, (1,), "hvp fills"),
    ],
)
def test_how_derivatives_are_called_is_seen_from_their_arguments(what, function, args, kind):
    f = Objective(lambda x, *rest: 1.0, args, **{what: function})
    assert kind in f._kinds


@pytest.mark.parametrize(
    ("given", "args", "message"),
    [
        ({"gradient": lambda: 0}, (),
         r"`gradient` must take \(x\) or \(x, out\) and then what is in `args` \(0 here\), it "
         r"takes \(\)$"),
        ({"gradient": lambda x, a, b: 0}, (), r"`gradient` must take .* takes \(x, a, b\)$"),
        ({"gradient": lambda x: 0}, (1.0,), r"`gradient` must take .*\(1 here\).*\(x\)$"),
        ({"hvp": lambda x: 0}, (), r"`hvp` must take \(x, v\) or \(x, v, out\) .*\(x\)$"),
        ({"hvp": lambda x, v, a, b: 0}, (), r"`hvp` must take .*\(x, v, a, b\)$"),
        ({"gradient": 3}, (), "`gradient` must be a function, got 3$"),
        ({"hvp": "no"}, (), "`hvp` must be a function, got 'no'$"),
    ],
)  # fmt: skip
def test_wrong_derivatives_are_refused_at_once(given, args, message):
    with pytest.raises(TypeError, match="^" + message):
        objective(lambda x, *rest: x[0], args=args, **given)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"gradient": lambda x: (A @ x)[:2]}, ValueError,
         r"`gradient` must return an array of shape \(3,\), .* of shape \(2,\)"),
        ({"gradient": lambda x: A}, ValueError, r"`gradient` must return .* shape \(3, 3\)"),
        ({"gradient": lambda x: 1.0}, ValueError, r"`gradient` must return .* returned 1.0"),
        ({"gradient": lambda x: None}, ValueError, "`gradient` must return .* returned None"),
        ({"gradient": lambda x, out: operator.setitem(out, 5, 1.0)}, IndexError, "index 5"),
        ({"gradient": lambda x: operator.imul(x, 2.0)}, ValueError,
         r"must not change its argument, it made \[2.0, 4.0, 6.0\] of \[1.0, 2.0, 3.0\]$"),
        ({"hvp": lambda x, v: v[:2]}, ValueError, r"`hvp` must return .* shape \(2,\)"),
        ({"hvp": lambda x, v: operator.imul(v, 2.0)}, ValueError, "must not change its argument"),
    ],
)  # fmt: skip
def test_wrong_derivatives_are_refused_at_first_use(given, error, message):
    f = objective(lambda x: x[0], **given)
    with pytest.raises(error, match=message):
        f.value(X[0])


def test_a_derivative_may_raise_somewhere():
    def slope(x):
        if x[0] > 1.0:
            raise KeyError("beyond")
        return A @ x

    f = objective(form, gradient=slope, hvp=lambda x, v: slope(v))
    points = np.array([[0.5, 0.0, 0.0], [2.0, 0.0, 0.0], [3.0, 0.0, 0.0]])
    assert f.value(points).shape == (3,)
    with pytest.raises(KeyError, match="beyond") as caught:
        f.gradient(points)
    assert caught.value.__notes__ == ["raised by `slope` at x = [2.0, 0.0, 0.0]"]


def test_a_compiled_product_may_raise_for_a_vector():
    def product(x, v):
        if v[0] > 1.0:
            raise KeyError("beyond")
        return A @ v

    f = objective(form, hvp=product)
    assert f.forms["hvp"] == "compiled"
    assert f.forms["hvp, eight points at once"].startswith("no: it branches on a value")
    with pytest.raises(KeyError, match="beyond") as caught:
        f.hvp(X, [5.0, 0.0, 0.0])
    assert caught.value.__notes__ == ["raised by `product` at x = [1.0, 2.0, 3.0]"]


# --- one point and many, of all sorts -------------------------------------------------------------


def test_shapes():
    f = the_form()
    assert type(f.value(X[0])) is float
    assert f.value(X[:1]).shape == (1,)
    assert f.value(X).shape == (3,)
    assert f.gradient(X[0]).shape == (3,)
    assert f.gradient(X).shape == (3, 3)
    assert f.hessian(X[0]).shape == (3, 3)
    assert f.hessian(X[:2]).shape == (2, 3, 3)
    assert f.hvp(X[0], X[1]).shape == (3,)
    assert f.hvp(X, X[1]).shape == f.hvp(X[0], X).shape == f.hvp(X, X).shape == (3, 3)
    assert f.hvp(X[:1], X[1]).shape == f.hvp(X[0], X[:1]).shape == (1, 3)


@given(hnp.arrays(np.float64, st.tuples(st.integers(1, 70), st.just(3)),
                  elements=st.floats(-1e6, 1e6)))  # fmt: skip
def test_many_points_are_each_of_them(points):
    f = the_form()
    values = f.value(points)
    for x, value, slope in zip(points, values, f.gradient(points), strict=True):
        tiny = np.finfo(float).tiny
        assert abs(value - form(x)) <= 2 * form_error(x) + tiny
        assert abs(f.value(x) - value) <= 2 * form_error(x) + tiny
        assert (np.abs(slope - A @ x) <= 2 * products_error(x) + tiny).all()


@pytest.mark.parametrize(
    "points",
    [
        X.tolist(),
        tuple(X[0].tolist()),
        X.astype(np.float32),
        np.array([[1, 2, 3], [-4, 0, 7]]),
        [1, 2, 3],
        [True, False, True],
        np.array([1, 2, 3], np.uint8),
        np.array([1.5, 2, 3], np.float16),
        np.asfortranarray(X),
        X[::2],
        X[:, ::-1],
        np.broadcast_to(X[0], (5, 3)),
        np.array([1.0, 2.0, 3.0], ">f8"),
    ],
)
def test_inputs_of_any_dress(points):
    expected = np.asarray(points, np.float64)
    found, error = the_form().value(points), form_error(expected)
    assert (np.abs(found - 0.5 * np.einsum("...i,ij,...j", expected, A, expected)) <= error).all()
    np.testing.assert_array_equal(the_form().gradient(points), the_form().gradient(expected))


def test_inputs_are_left_alone():
    frozen = X.copy()
    frozen.flags.writeable = False
    f = the_form()
    for answer in (f.value, f.gradient, f.hessian):
        first = answer(frozen)
        first += 1.0  # and the answer is the caller's
        np.testing.assert_array_equal(answer(frozen), first - 1.0)
    assert f.hvp(frozen, frozen[0]).shape == (3, 3)
    assert frozen.tolist() == X.tolist()


BAD_POINTS = [
    ([1.0, np.nan], ValueError, r"`x` must be finite, but x\[1\] = nan"),
    ([[1.0, 2.0], [-np.inf, 1.0]], ValueError, r"`x` must be finite, but x\[1, 0\] = -inf"),
    (np.zeros((2, 2, 2)), ValueError, r"`x` must be one point .*, got shape \(2, 2, 2\)"),
    (3.0, ValueError, r"`x` must be one point .*, got shape \(\)"),
    ([], ValueError, r"`x` must be one point .*, got shape \(0,\)"),
    (np.zeros((0, 3)), ValueError, r"`x` must be one point .*, got shape \(0, 3\)"),
    (np.zeros((3, 0)), ValueError, r"`x` must be one point .*, got shape \(3, 0\)"),
    ([[1.0, 2.0], [3.0]], ValueError, "`x` must be one point .* rows of different lengths"),
    ("abc", TypeError, "`x` must be real numbers, got dtype <U3"),
    ([1j, 2.0], TypeError, "`x` must be real numbers, got dtype complex128"),
    (None, TypeError, "`x` must be real numbers, got dtype object"),
    (np.array([1.0, 2.0], object), TypeError, "`x` must be real numbers, got dtype object"),
]


@pytest.mark.parametrize(("x", "error", "message"), BAD_POINTS)
@pytest.mark.parametrize("answer", ["value", "gradient", "hessian"])
def test_other_points_are_refused(answer, x, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        getattr(the_form(), answer)(x)


def test_large_finite_points_are_points():
    assert points_of([1e300, 1e200])[0].tolist() == [[1e300, 1e200]]


def test_one_variable_and_two_hundred():
    f = objective(lambda x: np.sum(x**4) + x[0] * x[-1])
    assert f.value([2.0]) == 20.0
    assert f.gradient([2.0]).tolist() == [36.0]
    assert f.hessian([2.0]).tolist() == [[50.0]]
    x = np.arange(200.0)
    H = np.diag(12.0 * x**2)
    H[0, -1] = H[-1, 0] = 1.0
    np.testing.assert_array_equal(f.hessian(x), H)
    np.testing.assert_array_equal(f.hessian([x, x])[1], H)
    assert f.value([2.0]) == 20.0


# --- what goes wrong in a function ----------------------------------------------------------------


def test_exceptions_arrive_with_the_point():
    f = objective(choosy)
    assert f.forms["value"] == "compiled"
    points = [[1.0, 0.0], [4.0, 1.0], [-3.0, 5.0], [-7.0, 5.0]]
    for answer in (f.value, f.gradient, f.hessian, lambda x: f.hvp(x, [1.0, 0.0])):
        with pytest.raises(ValueError, match="must be positive") as caught:
            answer(points)
        assert caught.value.__notes__ == ["raised by `choosy` at x = [-3.0, 5.0]"]
    assert f.value(points[:2]).tolist() == [1.0, 3.0]


def test_exceptions_at_the_first_point_arrive():
    f = objective(choosy)
    with pytest.raises(ValueError, match="must be positive") as caught:
        f.value([[-1.0, 0.0], [1.0, 1.0]])
    assert caught.value.__notes__ == ["raised by `choosy` at x = [-1.0, 0.0]"]


def test_exceptions_in_a_callback_arrive():
    class Choosy:
        def __call__(self, x):
            return choosy(x)

    with pytest.warns(PythonSpeedWarning):
        f = objective(Choosy(), name="picky")
    with pytest.raises(ValueError, match="must be positive") as caught:
        f.value([[1.0, 0.0], [-3.0, 5.0]])
    assert caught.value.__notes__ == ["raised by `Choosy` at x = [-3.0, 5.0]"]
    assert f.value([[1.0, 0.0]]).tolist() == [1.0]


def test_quiet_nan_and_infinity_are_answers():
    f = objective(lambda x: np.log(x[0]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        values = f.value([[-1.0], [0.0], [1.0], [-2.0]])
    assert np.isnan(values[[0, 3]]).all()
    assert values[1:3].tolist() == [-np.inf, 0.0]
    assert np.isnan(f.gradient([[-1.0], [0.0]])).tolist() == [[False], [False]]  # it is 1/x


def test_division_by_zero_is_infinite_as_in_numpy():
    assert objective(lambda x: 1.0 / x[0]).value([[0.0], [2.0]]).tolist() == [np.inf, 0.5]
    with pytest.raises(ZeroDivisionError):
        1.0 / float(0)


def test_the_wrong_dimension_raises_what_the_function_raises():
    f = objective(lambda x: x[0] + x[3])
    for _ in range(2):
        with pytest.raises(IndexError, match="index 3 is out of bounds") as caught:
            f.value([[1.0, 2.0], [3.0, 4.0]])
        assert caught.value.__notes__ == ["raised by `<lambda>` at x = [1.0, 2.0]"]
    assert f.value([1.0, 2.0, 3.0, 4.0]) == 5.0


def doubles(x):
    x *= 2.0
    return np.sum(x)


def test_a_function_that_changes_its_input_is_refused():
    f = objective(doubles)
    x = np.array([1.0, 2.0])
    with pytest.raises(ValueError, match=r"^`doubles` must not change its argument, it made "
                                         r"\[2.0, 4.0\] of \[1.0, 2.0\]$"):  # fmt: skip
        f.value(x)
    assert x.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("fun", "told"),
    [
        (lambda x: x * 2.0, r"it returned an array of shape \(2,\)"),
        (lambda x: None, "it returned None"),
        (lambda x: 1j * x[0], "it returned 1j|it returned np.complex128"),
        (lambda x: "three", "it returned 'three'"),
    ],
)
def test_what_is_no_number_is_refused(fun, told):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PythonSpeedWarning)
        f = objective(fun)
        with pytest.raises(TypeError, match=f"^`fun` must return a number, {told}"):
            f.value([1.0, 2.0])


def test_the_warning_says_that_an_array_is_returned():
    with pytest.warns(PythonSpeedWarning, match=r"it returns no number but array\(float64, 1d"):
        objective(lambda x: x[:1])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: objective(3), "^`fun` must be a function of one array, got 3$"),
        (lambda: objective(None), "^`fun` must be a function of one array, got None$"),
        (lambda: objective(lambda: 1.0), r"^`fun` must take \(x\) .* it takes \(\)$"),
        (lambda: objective(lambda x, a: 1.0), r"^`fun` must take \(x\) .*0 here.* \(x, a\)$"),
        (lambda: objective(lambda x: 1.0, args=(1.0,)), r"^`fun` must take .*1 here.* \(x\)$"),
        (lambda: objective(lambda x, *, a: 1.0), r"^`fun` must take .* \(x, \*, a\)$"),
        (lambda: objective(form, args=3), "^`args` must be a sequence, got 3$"),
        (lambda: objective(form, args="no"), "^`args` must be a sequence, got 'no'$"),
        (lambda: as_objective(3), "^`fun` must be a function of one array, got 3$"),
    ],
)
def test_misuse_is_told_at_once(call, message):
    with pytest.raises(TypeError, match=message):
        call()


# --- branches -------------------------------------------------------------------------------------


def test_branches_keep_a_function_out_of_lanes_and_forms_say_where():
    f = as_objective(branching)
    line = branching.__code__.co_firstlineno + 1
    assert f.forms["value"] == "compiled"
    assert f.forms[LANES].startswith(f"no: it branches on a value (line {line} of ")
    assert f.forms[LANES].endswith("test_objective.py)")
    assert f.forms["exact derivatives"] == "traced"
    points = np.random.default_rng(0).normal(size=(20, 2))
    expected = [branching(x) for x in points]  # of two terms, at most three factors each
    error = 8 * EPS * (np.abs(points) ** 3 + points**2).sum(axis=1).max()
    np.testing.assert_allclose(f.value(points), expected, rtol=0, atol=error)


def test_what_numba_cannot_do_in_lanes_is_said():
    f = objective(lambda x: float(int(x[0])) * x[1])
    assert f.forms[LANES].startswith("no: no compiled form of int(lanes) (line ")
    assert f.forms["exact derivatives"].startswith("no: no compiled form of int(Traced)")


def test_reasons_name_the_users_line_not_the_librarys():
    f = objective(lambda x: x[np.argmax(x)])
    assert "test_objective.py" in f.forms[LANES]


EIGHT = Lanes(types.float64, saddlecore.forms.LANES)


def test_a_form_in_lanes_that_is_wrong_is_dropped(monkeypatch):
    compile_for = saddlecore.compile.compile_for

    def wrongly(function, kind, number, args):
        other = (lambda x: x[0] + 2.0) if number == EIGHT else function
        return compile_for(other, kind, number, args)

    monkeypatch.setattr(saddlecore.compile, "compile_for", wrongly)
    f = objective(lambda x: x[0] + 1.0)
    assert f.forms[LANES] == "compiled"
    assert f.value([[1.0], [2.0]]).tolist() == [2.0, 3.0]
    assert f.forms[LANES] == "no: it gives 3.0 where the plain form gives 2.0"
    assert f.forms["value"] == "compiled"


def test_a_gradient_in_lanes_that_is_wrong_is_dropped(monkeypatch):
    compile_for = saddlecore.compile.compile_for

    def wrongly(function, kind, number, args):
        wrong = kind == "returns" and number == EIGHT
        return compile_for((lambda x: 2.0 * x) if wrong else function, kind, number, args)

    monkeypatch.setattr(saddlecore.compile, "compile_for", wrongly)
    f = objective(lambda x: 0.5 * np.sum(x**2), gradient=lambda x: 1.0 * x)
    assert f.gradient([[0.0, 1.0], [2.0, 3.0]]).tolist() == [[0.0, 1.0], [2.0, 3.0]]
    told = f.forms["gradient, eight points at once"]
    assert told.startswith("no: it gives [")
    assert f.forms[LANES] == "compiled"


# --- once, and for all --------------------------------------------------------------------------


@pytest.fixture
def compilations(monkeypatch):
    """Names of the functions that were compiled, once for each form."""
    seen, compile_for = [], saddlecore.compile.compile_for

    def counting(function, kind, number, args):
        seen.append((function.__name__, kind, number))
        return compile_for(function, kind, number, args)

    monkeypatch.setattr(saddlecore.compile, "compile_for", counting)
    return seen


def test_a_bare_function_is_compiled_once(compilations):
    def once(x):
        return x[0] * 7.0

    first = as_objective(once)
    for _ in range(3):
        assert as_objective(once) is first
        assert as_objective(first) is first
        saddlecore_value = first.value([[1.0], [2.0]])
    assert saddlecore_value.tolist() == [7.0, 14.0]
    one = Lanes(types.float64, 1)
    assert compilations == [("once", "value", EIGHT), ("once", "value", one)]


SLOPE, MATRIX = 2.0, np.eye(2)


def test_a_bare_function_is_compiled_anew_when_what_it_refers_to_is_another(monkeypatch):
    offset, module = 1.0, sys.modules[__name__]

    def line(x):
        return SLOPE * x[0] + MATRIX[0, 0] + offset

    assert as_objective(line).value([1.0]) == 4.0
    monkeypatch.setattr(module, "SLOPE", 3.0)
    assert as_objective(line).value([1.0]) == as_objective(line).value([1.0]) == 5.0
    monkeypatch.setattr(module, "MATRIX", 5.0 * np.eye(2))
    assert as_objective(line).value([1.0]) == 9.0
    offset = 2.0
    assert as_objective(line).value([1.0]) == 10.0
    assert as_objective(njit(line)).value([1.0]) == 10.0


def test_threads_that_ask_at_once_get_one_objective(compilations):
    def shared(x):
        return x[0] * 3.0 + x[1]

    barrier = threading.Barrier(6)

    def ask(k):
        barrier.wait()
        f = as_objective(shared)
        return f, f.value([float(k), 1.0]), f.gradient([float(k), 1.0]).tolist()

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(ask, range(6)))
    assert len({id(f) for f, _, _ in found}) == 1
    assert [value for _, value, _ in found] == [3.0 * k + 1.0 for k in range(6)]
    assert all(slope == [3.0, 1.0] for _, _, slope in found)
    assert len(compilations) == 2


def test_threads_that_build_one_objective_build_it_once(compilations):
    f = Objective(lambda x: x[0] - 5.0)
    barrier = threading.Barrier(4)

    def build(_):
        barrier.wait()
        f.build()
        return f.value([6.0])

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(build, range(4))) == [1.0] * 4
    assert len(compilations) == 2


def test_kernels_are_not_compiled_for_new_objectives():
    kernels = saddlecore.points.at_points, saddlecore.evaluate.evaluate
    the_form().value(X), the_form().hessian(X)
    before = [len(kernel.signatures) for kernel in kernels]
    f = objective(lambda x: x[0] * x[1], gradient=lambda x: x[::-1].copy())
    for points in (X[:, :2], X[0, :2].astype(np.float32), [1, 2], np.asfortranarray(X[:, 1:])):
        f.value(points), f.gradient(points), f.hessian(points)
    assert [len(kernel.signatures) for kernel in kernels] == before


def test_an_objective_is_itself():
    f = objective(form, name="quadratic")
    assert as_objective(f) is f
    assert repr(f) == "<saddlelab objective quadratic>"
    assert repr(objective(form)) == "<saddlelab objective form>"
    assert f.fun is form
    assert f.args == ()
    assert f(X[0]) == f(X[0].tolist()) == form(X[0])


def test_functions_that_cannot_be_hashed_are_taken_too():
    class Unhashable:
        __hash__ = None

        def __call__(self, x):
            return float(x[0])

    with pytest.warns(PythonSpeedWarning):
        assert as_objective(Unhashable()).value([4.0]) == 4.0


def test_forms_cannot_be_changed():
    told = the_form().forms
    assert isinstance(told, Mapping)
    with pytest.raises(TypeError):
        told["value"] = "mine"
    assert dict(the_form().forms) == COMPILED


def test_addresses_live_as_long_as_their_table():
    f = objective(lambda x: x[0] ** 3)
    f.expressions(np.ones((1, 1)))
    table = f.table(1, exact=True)
    assert f.table(1, exact=True) is table
    del f
    gc.collect()
    out = np.empty((9, 1))
    point = np.full((9, 1), 2.0)
    saddlecore.points.at_points(table, saddlecore.forms.VALUE, 1, point, out)
    assert out.tolist() == [[8.0]] * 9
    saddlecore.points.at_points(table, saddlecore.forms.GRADIENT, 1, point, out)
    assert out.tolist() == [[12.0]] * 9


def module_level(x, matrix):
    return matrix[0, 0] * x[0] ** 2 + matrix[1, 1] * x[1]


def module_level_gradient(x, matrix):
    return np.array([2.0 * matrix[0, 0] * x[0], matrix[1, 1], 0.0])


def test_objectives_are_pickled_as_source():
    f = objective(module_level, args=(A,), gradient=module_level_gradient, name="mine")
    f.value(X)
    back = pickle.loads(pickle.dumps(f))
    assert repr(back) == "<saddlelab objective mine>"
    assert back.fun is module_level
    np.testing.assert_array_equal(back.value(X), f.value(X))
    np.testing.assert_array_equal(back.gradient(X), f.gradient(X))
    assert dict(back.forms) == dict(f.forms)


def test_surfaces_are_objectives():
    f = surfaces.himmelblau
    assert as_objective(f) is f
    assert dict(f.forms) == COMPILED
    assert pickle.loads(pickle.dumps(f)) is f
    assert f.value([[3.0, 2.0], [0.0, 0.0]]).tolist() == [0.0, 170.0]
    with pytest.raises(ValueError, match="must be 2 for himmelblau, got 3"):
        f.value(X)


def test_numba_is_not_loaded_by_making_one():
    """Nothing is compiled before it is needed."""
    assert Objective(lambda x: x[0])._built == []
    assert numba.__version__
