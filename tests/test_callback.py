"""Python functions called from kernels: copies in, numbers out, exceptions kept."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from saddlecore import forms, points
from saddlelab.callback import Callback, call, number

finite = st.floats(-1e300, 1e300)
vectors = hnp.arrays(np.float64, st.integers(1, 6), elements=finite)


def run(callback, x, outputs):
    """Call by address, as a kernel would."""
    out = np.full(outputs, 7.0)
    n = len(x) // 2 if callback._kind.startswith("hvp") else len(x)
    forms.call(callback.address, np.asarray(x, float), n, out)
    return out


def table_of(callback):
    table = np.zeros((forms.SLOTS, 2), np.int64)
    table[forms.VALUE] = callback.address, callback.data
    return table


def diagonal(x, v):
    return x * v


def fill_diagonal(x, v, out):
    out[:] = x * v


# --- what it passes on --------------------------------------------------------------------------


@given(vectors)
def test_values_pass_to_the_bit(x):
    seen = []
    callback = Callback(lambda x: seen.append(x) or x[0], "value", ())
    assert run(callback, x, 1)[0] == x[0]
    assert seen[0].tolist() == x.tolist()
    assert seen[0].dtype == np.float64


@given(vectors)
@pytest.mark.parametrize("kind", ["returns", "fills"])
def test_gradients_pass_to_the_bit(kind, x):
    function = {"returns": lambda x: x, "fills": lambda x, out: out.__setitem__(slice(None), x)}
    assert run(Callback(function[kind], kind, ()), x, len(x)).tolist() == x.tolist()


@pytest.mark.parametrize(
    ("kind", "function"), [("hvp returns", diagonal), ("hvp fills", fill_diagonal)]
)
def test_products_get_the_point_and_the_vector(kind, function):
    assert run(Callback(function, kind, ()), [1.0, 2.0, 5.0, -7.0], 2).tolist() == [5.0, -14.0]


def test_args_follow():
    scale = np.array([3.0])
    callback = Callback(lambda x, s, c: s[0] * x[0] + c, "value", (scale, 1.0))
    assert run(callback, [2.0], 1)[0] == 7.0
    scale[0] = 4.0
    assert run(callback, [2.0], 1)[0] == 9.0


@pytest.mark.parametrize("returned", [[1, 2], (1.0, 2.0), np.float32([1, 2]), np.array([1, 2])])
def test_gradients_may_be_any_two_real_numbers(returned):
    assert run(Callback(lambda x: returned, "returns", ()), [0.0, 0.0], 2).tolist() == [1.0, 2.0]


def test_what_a_function_does_to_its_input_stays_with_it():
    def spoil(x):
        x[:] = 0.0
        return 1.0

    x = np.array([1.0, 2.0])
    callback = Callback(spoil, "value", ())
    assert run(callback, x, 1)[0] == 1.0
    assert x.tolist() == [1.0, 2.0]


def test_a_function_may_keep_its_input():
    kept = []
    callback = Callback(lambda x: kept.append(x) or 0.0, "value", ())
    out = np.empty((3, 1))
    points.at_points(table_of(callback), forms.VALUE, 1, np.array([[1.0], [2.0], [3.0]]), out)
    assert [x[0] for x in kept] == [1.0, 2.0, 3.0]


# --- what goes wrong ----------------------------------------------------------------------------


def choosy(x):
    if x[0] > 1.0:
        raise KeyError("too large")
    return x[0]


def test_the_first_exception_is_kept_and_the_rest_not_computed():
    calls = []
    callback = Callback(lambda x: calls.append(x[0]) or choosy(x), "value", ())
    out = np.empty((4, 1))
    X = np.array([[0.0], [2.0], [3.0], [1.0]])
    points.at_points(table_of(callback), forms.VALUE, 1, X, out)
    assert out[0, 0] == 0.0
    assert np.isnan(out[1:]).all()
    assert calls == [0.0, 2.0]
    with pytest.raises(KeyError, match="too large") as caught:
        callback.reraise()
    assert caught.value.__notes__ == ["raised by `<lambda>` at x = [2.0]"]


def test_an_exception_is_raised_once():
    callback = Callback(choosy, "value", ())
    run(callback, [2.0], 1)
    with pytest.raises(KeyError):
        callback.reraise()
    callback.reraise()
    assert run(callback, [1.0], 1)[0] == 1.0
    callback.reraise()


def test_the_note_has_the_point_as_it_was():
    def spoil(x):
        x[:] = 0.0
        raise ValueError

    callback = Callback(spoil, "value", ())
    run(callback, [1.0, 2.0], 1)
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        callback.reraise()
    assert caught.value.__notes__ == ["raised by `spoil` at x = [1.0, 2.0]"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit, MemoryError])
def test_every_exception_arrives(error):
    def stop(x):
        raise error

    callback = Callback(stop, "value", ())
    assert np.isnan(run(callback, [1.0], 1)).all()
    with pytest.raises(error):
        callback.reraise()


@pytest.mark.parametrize(
    ("kind", "given"),
    [("value", [1.0]), ("returns", [1.0, 2.0]), ("fills", [1.0, 2.0]), ("hvp returns", [1.0] * 4)],
)
def test_a_failure_fills_the_output_with_nan(kind, given):
    def fail(*_):
        raise ArithmeticError

    outputs = {"value": 1, "hvp returns": 2}.get(kind, len(given))
    assert np.isnan(run(Callback(fail, kind, ()), given, outputs)).all()


def test_nan_is_no_error():
    callback = Callback(lambda x: float("nan"), "value", ())
    assert np.isnan(run(callback, [1.0], 1)[0])
    callback.reraise()


def test_what_was_not_filled_is_nan():
    def half(x, out):
        out[0] = 1.0

    out = run(Callback(half, "fills", ()), [0.0, 0.0], 2)
    assert out[0] == 1.0
    assert np.isnan(out[1])


# --- numbers ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [3, True, 3.5, np.float32(2), np.int8(3), np.bool_(True), np.array(3.0), np.array([3.0]),
     np.array([[3]])],
)  # fmt: skip
def test_one_number_in_any_dress(value):
    found = number(value)
    assert type(found) is float
    assert found == float(np.asarray(value).reshape(()))


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, "None"),
        ("3", "'3'"),
        (1j, "1j"),
        (np.complex128(1j), r"1j\)"),
        (np.array([1j]), r"1\.j\]\)"),
        ({}, r"\{\}"),
        (object, "<class 'object'>"),
        ([1.0, 2.0], r"an array of shape \(2,\)"),
        (np.zeros((2, 3)), r"an array of shape \(2, 3\)"),
        (np.zeros(0), r"an array of shape \(0,\)"),
    ],
)
def test_what_is_no_number_is_refused(value, told):
    with pytest.raises(TypeError, match=f"^`fun` must return a number, it returned .*{told}$"):
        number(value)


@pytest.mark.parametrize(
    ("kind", "returned", "error", "told"),
    [
        ("returns", [1.0], ValueError, r"`gradient` must return .* \(2,\), .* shape \(1,\)$"),
        ("returns", 1.0, ValueError, r"`gradient` must return .* \(2,\), it returned 1.0$"),
        ("returns", None, ValueError, r"`gradient` must return .* \(2,\), it returned None$"),
        ("returns", np.eye(2), ValueError, r"`gradient` must return .* \(2,\), .* \(2, 2\)$"),
        ("returns", [1j, 0.0], TypeError, "`gradient` must return real .* complex128$"),
        ("returns", ["a", "b"], TypeError, "`gradient` must return real numbers.*<U1$"),
        ("hvp returns", [1.0] * 3, ValueError, r"`hvp` must return .* \(2,\), .* \(3,\)$"),
    ],
)
def test_vectors_that_do_not_fit_are_refused(kind, returned, error, told):
    x = np.zeros(2)
    given = (x, x) if kind.startswith("hvp") else (x,)
    with pytest.raises(error, match=told):
        call(lambda *_: returned, kind, given, ())
