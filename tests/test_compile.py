"""Forms of users' functions: every kind and width, failures, arguments, and foreign C functions."""

import contextlib
import ctypes
import gc
import math
import weakref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numba import carray, cfunc, njit, types
from numba.core.errors import NumbaError
from scipy import LowLevelCallable

from saddlecore import foreign
from saddlecore.compile import compile_function, plain_function
from saddlecore.forms import (
    BATCH,
    GRADIENT,
    HVP,
    LANES,
    SECOND,
    SLOTS,
    VALUE,
    call,
    call_form,
)

WIDTHS = (1, LANES)
coordinates = st.floats(-1e3, 1e3)


def run(form, X, outputs, inputs=None):
    """A form at the points X (width, inputs): (width, outputs); what is not written stays 77."""
    X = np.atleast_2d(np.asarray(X, float))
    width, n = X.shape
    out = np.full((outputs + 1, width), 77.0)
    call(form.address, np.ascontiguousarray(X.T), n if inputs is None else inputs, out, form.data)
    assert (out[-1] == 77.0).all()
    return out[:-1].T


def points(width, n, seed=0):
    return np.random.default_rng(seed).normal(size=(width, n))


def per_point(function, X):
    return np.array([function(x) for x in X])


# --- the kinds -----------------------------------------------------------------------------------


def cubic(x):
    total = 0.0
    for i in range(len(x)):
        total += x[i] * x[i] * x[i] - x[i] * x[0]
    return total


def cubic_slopes(x):
    return np.array([3 * t * t - x[0] for t in x]) - np.eye(len(x))[0] * np.sum(x)


def slopes_returned(x):
    g = np.empty_like(x)
    total = 0.0
    for i in range(len(x)):
        g[i] = 3 * x[i] * x[i] - x[0]
        total += x[i]
    g[0] -= total
    return g


def slopes_filled(x, out):
    total = 0.0
    for i in range(len(x)):
        out[i] = 3 * x[i] * x[i] - x[0]
        total += x[i]
    out[0] -= total


def product_returned(x, v):
    w = np.empty_like(x)
    total = 0.0
    for i in range(len(x)):
        w[i] = 6 * x[i] * v[i] - v[0]
        total += v[i]
    w[0] -= total
    return w


def product_filled(x, v, out):
    total = 0.0
    for i in range(len(x)):
        out[i] = 6 * x[i] * v[i] - v[0]
        total += v[i]
    out[0] -= total


def cubic_product(x, v):
    H = np.diag(6 * x)
    H[0] -= 1
    H[:, 0] -= 1
    return H @ v


def close(found, expected, x):
    """Contracted or in another order: a dozen roundings of cubes."""
    size = (1 + np.abs(x).max()) ** 3 * x.shape[-1]
    return np.abs(found - expected).max() <= 24 * 2.0**-53 * size


@pytest.mark.parametrize("width", WIDTHS)
def test_values(width):
    form = compile_function(cubic, "value", width)
    for n in (1, 2, 7):
        X = points(width, n)
        assert close(run(form, X, 1)[:, 0], per_point(cubic, X), X)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(("kind", "function"), [("returns", slopes_returned),
                                                ("fills", slopes_filled)])  # fmt: skip
def test_gradients(width, kind, function):
    form = compile_function(function, kind, width)
    for n in (1, 2, 7):
        X = points(width, n)
        assert close(run(form, X, n), per_point(cubic_slopes, X), X)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(("kind", "function"), [("hvp returns", product_returned),
                                                ("hvp fills", product_filled)])  # fmt: skip
def test_products(width, kind, function):
    form = compile_function(function, kind, width)
    for n in (1, 2, 7):
        X, V = points(width, n), points(width, n, seed=1)
        both = np.concatenate([X, V], axis=1)
        expected = np.array([cubic_product(x, v) for x, v in zip(X, V, strict=True)])
        assert close(run(form, both, n, inputs=n), expected, both)


@given(hnp.arrays(np.float64, (LANES, 3), elements=coordinates))
def test_lanes_are_the_plain_form_of_each_point(X):
    """Sums and products only, contracted alike: the same bits."""
    plain, lanes = FORMS["plain"], FORMS["lanes"]
    expected = np.concatenate([run(plain, x, 1) for x in X])
    np.testing.assert_array_equal(run(lanes, X, 1), expected)


FORMS = {}


@pytest.fixture(autouse=True, scope="module")
def _compiled():
    FORMS["plain"] = compile_function(cubic, "value", 1)
    FORMS["lanes"] = compile_function(cubic, "value", LANES)
    yield
    FORMS.clear()


def test_a_jitted_function_is_compiled_from_its_source():
    jitted = njit(cubic)
    assert plain_function(jitted) is cubic
    assert plain_function(cubic) is cubic
    X = points(LANES, 3)
    assert (run(compile_function(jitted, "value", LANES), X, 1) == run(FORMS["lanes"], X, 1)).all()


def test_a_constant_function_in_lanes():
    X = points(LANES, 2)
    assert (run(compile_function(lambda x: 2, "value", LANES), X, 1) == 2.0).all()


def test_a_form_is_called_from_jitted_code():
    """At an offset into x and out; the address is an argument."""

    @njit
    def twice(address, x, out):
        call_form(address, x, 0, 3, out, 0, 0)
        call_form(address, x, 3, 3, out, 1, 0)

    x, out = np.random.default_rng(2).normal(size=6), np.full(3, 77.0)
    twice(FORMS["plain"].address, x, out)
    expected = [*run(FORMS["plain"], x[:3], 1)[0], *run(FORMS["plain"], x[3:], 1)[0], 77.0]
    np.testing.assert_array_equal(out, expected)


def test_slots_hold_plain_numbers_and_next_to_them_lanes():
    assert sorted([VALUE, GRADIENT, HVP, SECOND, BATCH]) == list(range(0, SLOTS, 2))


# --- failures ------------------------------------------------------------------------------------


def raises_if_negative(x):
    if x[0] < 0.0:
        raise ValueError("negative")
    return x[0]


def gradient_raises_if_negative(x):
    if x[0] < 0.0:
        raise ValueError("negative")
    return 2.0 * x


def fills_then_raises(x, out):
    for i in range(len(x)):
        out[i] = 1.0
    if x[0] < 0.0:
        raise ValueError("negative")


def product_raises(x, v, out):
    if x[0] < 0.0:
        raise ZeroDivisionError
    for i in range(len(x)):
        out[i] = v[i]


@pytest.mark.parametrize(("kind", "function", "outputs"), [
    ("value", raises_if_negative, 1), ("returns", gradient_raises_if_negative, 3),
    ("fills", fills_then_raises, 3), ("hvp fills", product_raises, 3),
])  # fmt: skip
def test_an_exception_gives_nan_everywhere_and_prints_nothing(kind, function, outputs, capfd):
    form = compile_function(function, kind, 1)
    x = np.array([-1.0, 2.0, 3.0] * (2 if "hvp" in kind else 1))
    for _ in range(3):
        assert np.isnan(run(form, x, outputs, inputs=3)).all()
    assert np.isfinite(run(form, np.abs(x), outputs, inputs=3)).all()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("width", WIDTHS)
def test_an_exception_in_lanes_gives_nan_in_every_lane(width, capfd):
    def f(x):
        if len(x) > 2:
            raise ValueError("too many")
        return x[0]

    form = compile_function(f, "value", width)
    assert np.isnan(run(form, points(width, 3), 1)).all()
    assert np.isfinite(run(form, points(width, 2), 1)).all()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("kind", ["returns", "hvp returns"])
def test_a_returned_array_of_the_wrong_length_gives_nan(kind, width, capfd):
    def shorter(x):
        return x[1:]

    def shorter_product(x, v):
        return v[1:]

    function = shorter if kind == "returns" else shorter_product
    form = compile_function(function, kind, width)
    X = points(width, 3 if kind == "returns" else 6)
    assert np.isnan(run(form, X, 3, inputs=3)).all()
    assert capfd.readouterr() == ("", "")


def test_a_longer_returned_array_does_not_overflow():
    form = compile_function(lambda x: np.concatenate((x, x)), "returns", 1)
    assert np.isnan(run(form, [1.0, 2.0], 2)).all()  # run() checks the number behind


@pytest.mark.parametrize(("function", "width"), [
    (lambda x: x[0] if x[0] > 0.0 else -x[0], LANES), (lambda x: "text", 1), (lambda x, y: x[0], 1),
    (lambda x: x, 1), (lambda x: math.gamma(x[0]), LANES), (lambda x: undefined(x), 1),  # noqa: F821
], ids=["branch", "text", "arguments", "array", "gamma", "name"])  # fmt: skip
def test_functions_that_cannot_be_compiled_raise_numbas_errors(function, width):
    with pytest.raises(NumbaError):
        compile_function(function, "value", width)


def test_division_by_zero_is_ieee():
    form = compile_function(lambda x: x[0] / x[1], "value", 1)
    assert run(form, [1.0, 0.0], 1) == np.inf
    assert np.isnan(run(form, [0.0, 0.0], 1))


# --- arguments -----------------------------------------------------------------------------------


def quadratic(x, A, b, shift, scale):
    total = 0.0
    for i in range(len(x)):
        total += b[i] * x[i]
        for j in range(len(x)):
            total += A[i, j] * x[i] * x[j]
    return scale[0] * total + shift + scale[1]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("layout", ["C", "F", "strided", "read-only"])
def test_arrays_are_taken_by_address(width, layout):
    """Whole numbers, so that nothing is rounded: what is written into an array later counts."""
    A = np.arange(9.0).reshape(3, 3)
    big = np.zeros((6, 9))
    owner = {"strided": big, "F": np.asfortranarray(A)}.get(layout, A)
    shown = {"strided": big[1::2, 2::3]}.get(layout, owner)
    shown[:] = A
    if layout == "read-only":
        shown = owner[:]
        shown.flags.writeable = False
    b = np.array([1.0, -2.0, 3.0])
    form = compile_function(quadratic, "value", width, (shown, b, 5, (2.0, 1)))
    X = np.random.default_rng(1).integers(-9, 9, (width, 3)).astype(float)

    def expected():
        return np.array([quadratic(x, shown, b, 5, (2.0, 1)) for x in X])

    np.testing.assert_array_equal(run(form, X, 1)[:, 0], expected())
    b[1] = 100.0
    if layout != "read-only":
        shown[2, 0] = -50.0
    np.testing.assert_array_equal(run(form, X, 1)[:, 0], expected())


@pytest.mark.parametrize("kind", ["returns", "fills", "hvp returns", "hvp fills"])
def test_arguments_follow_x_v_and_out(kind):
    functions = {
        "returns": lambda x, w: w * x, "hvp returns": lambda x, v, w: w * v + x * 0.0,
        "fills": fill, "hvp fills": fill_product,
    }  # fmt: skip
    w = np.array([2.0, 3.0])
    form = compile_function(functions[kind], kind, 1, (w,))
    x = [5.0, 7.0, 11.0, 13.0] if "hvp" in kind else [5.0, 7.0]
    expected = [22.0, 39.0] if "hvp" in kind else [10.0, 21.0]
    np.testing.assert_array_equal(run(form, x, 2, inputs=2)[0], expected)


def fill(x, out, w):
    out[:] = w * x


def fill_product(x, v, out, w):
    out[:] = w * v


def test_a_form_keeps_its_code_and_its_arrays():
    """All else being gone, and the memory used for other things."""

    def f(x, data):
        return x[0] + data[0] + data[-1]

    # Small enough for NumPy to reuse at once, and large enough to be unmapped when freed.
    for size in (2, 10**6):
        form = compile_function(f, "value", 1, (np.full(size, 5.0),))
        gc.collect()
        rubbish = [np.full(size, -1.0) for _ in range(20)]
        assert run(form, [1.0], 1) == 11.0
        del rubbish


def test_a_form_that_is_gone_keeps_nothing():
    """Numba keeps what was compiled for ever; the data of a model may be large."""
    data = np.full(10**6, 5.0)
    watch = weakref.ref(data)
    form = compile_function(lambda x, data: x[0] + data[0], "value", 1, (data,))
    del data
    gc.collect()
    assert watch() is not None
    del form
    gc.collect()
    assert watch() is None


def test_forms_of_functions_of_the_same_name_are_different():
    def made(k):
        def f(x):
            return x[0] + k

        return f

    compiled = [compile_function(made(k), "value", 1) for k in range(3)]
    assert [run(form, [0.0], 1)[0, 0] for form in compiled] == [0.0, 1.0, 2.0]


# --- foreign functions ---------------------------------------------------------------------------

POINTER = types.CPointer(types.float64)


@cfunc(types.float64(types.intc, POINTER))
def length_then_point(n, x):
    return np.sum(carray(x, n)) + 100.0 * n


@cfunc(types.float64(types.intc, POINTER, POINTER))
def with_data(n, x, data):
    return np.sum(carray(x, n)) * carray(data, 2)[1]


@cfunc(types.float64(POINTER, types.intc))
def point_then_length(x, n):
    return carray(x, n)[0] - 100.0 * n


def run_foreign(form, address, x, user_data=0):
    header = np.array([address, user_data], np.int64)
    out = np.full(2, 77.0)
    call(form(), np.array(x, float), len(x), out, header.ctypes.data)
    assert out[1] == 77.0
    return out[0]


def test_c_functions_of_a_length_and_a_point():
    address = length_then_point.address
    assert run_foreign(foreign.length_first, address, [1.0, 2.0, 4.0]) == 307.0
    assert run_foreign(foreign.length_first, address, [1.0]) == 101.0


def test_c_functions_of_a_point_and_a_length():
    assert run_foreign(foreign.point_first, point_then_length.address, [5.0, 1.0]) == -195.0


def test_c_functions_with_data():
    data = np.array([0.0, 3.0])
    found = run_foreign(foreign.length_first, with_data.address, [1.0, 2.0], data.ctypes.data)
    assert found == 9.0


def address_in(capsule):
    """The pointer that scipy.LowLevelCallable keeps, by its signature."""
    api = ctypes.pythonapi
    api.PyCapsule_GetName.restype = ctypes.c_char_p
    api.PyCapsule_GetName.argtypes = [ctypes.py_object]
    api.PyCapsule_GetPointer.restype = ctypes.c_void_p
    api.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    return api.PyCapsule_GetPointer(capsule, api.PyCapsule_GetName(capsule))


def test_a_low_level_callable():
    made = LowLevelCallable(with_data.ctypes)
    data = np.array([0.0, -2.0])
    capsule = tuple.__getitem__(made, 0)  # its own subscript refuses
    found = run_foreign(foreign.length_first, address_in(capsule), [1.0, 2.0], data.ctypes.data)
    assert found == -6.0


def test_a_python_callback_that_keeps_its_exception(capfd):
    """As the face wraps any Python callable: the exception is kept, NaN goes to C."""
    kept = []

    def wrapped(n, x):
        with contextlib.suppress(RuntimeError):
            if x[0] < 0.0:
                kept.append("negative")
                raise RuntimeError
            return 2.0 * x[0]
        return math.nan

    double, integer = ctypes.c_double, ctypes.c_int
    callback = ctypes.CFUNCTYPE(double, integer, ctypes.POINTER(double))(wrapped)
    address = ctypes.cast(callback, ctypes.c_void_p).value
    assert run_foreign(foreign.length_first, address, [4.0]) == 8.0
    assert math.isnan(run_foreign(foreign.length_first, address, [-4.0]))
    assert kept == ["negative"]
    assert capfd.readouterr() == ("", "")


def test_lanes_on_the_stack_are_aligned():
    """A loop keeps its sum there while it calls a cosine."""

    def cosines(x):
        total = 0.0
        for i in range(len(x)):
            total += np.cos(x[i])
        return total

    form = compile_function(cosines, "value", 8)
    assert "alignstack=64" in form._kept[0].get_llvm_str()
