"""Functions in NumPy's style: in lanes beside NumPy itself, on eight columns."""

import functools
import math
import operator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from llvmlite import ir
from numba import carray, njit
from numba.core import event, types
from numba.core.errors import NumbaError
from numba.core.registry import cpu_target
from numba.core.runtime import _nrt_python, rtsys
from numba.core.typeconv import Conversion
from numba.extending import intrinsic, lower_cast, models, register_model
from reference.lanearrays import Running

from saddlecore import lanearrays as _register  # noqa: F401
from saddlecore import lanemath, lanes, lanetrees, vecmath
from saddlecore.forms import pointer_at
from saddlecore.jit import allocating, entry
from saddlecore.laneops import splat, zeros
from saddlecore.memory import store

COLUMNS = 8
LANES = lanes.Lanes(types.float64, COLUMNS)

# --- compiling and comparing ---------------------------------------------------------------------


@functools.cache
def in_lanes(function, axes=0):
    """`function` of an array of lanes; its result, with so many axes, goes to `out`."""
    function = allocating(function)  # linked into what calls it, and not compiled by itself

    @entry
    def number(address, n, out):
        store(out, 0, splat(zeros(8), function(carray(pointer_at(address, zeros(8)), n))))

    @entry
    def vector(address, n, out):
        y = function(carray(pointer_at(address, zeros(8)), n))
        for i in range(len(y)):
            store(out, 8 * i, splat(zeros(8), y[i]))

    return vector if axes else number


def lanes_of(function, X):
    """What lanes give for each column of X, as NumPy's values are shaped; X may change."""
    X = np.ascontiguousarray(X)
    expected = by_column(function, X)
    out = np.full(expected.shape, np.nan)
    in_lanes(function, expected.ndim - 1)(X.ctypes.data, len(X), out.reshape(-1))
    return out


def by_column(function, X):
    """(..., 8): `function` of each column."""
    with np.errstate(all="ignore"):
        return np.stack([np.asarray(function(x.copy())) for x in X.T], axis=-1)


def assert_close(found, function, X):
    """Within the bound of the rounding errors of both sides."""
    lift = np.vectorize(Running, otypes=[object])
    expected = by_column(function, lift(X))
    read = np.vectorize(lambda x: (x.value, x.error) if isinstance(x, Running) else (x, 0.0))
    values, errors = read(expected)
    np.testing.assert_array_less(np.abs(found - values), 2 * errors + 5e-324, function.__name__)


# --- functions as people write them --------------------------------------------------------------

CASES = []
W = np.random.default_rng(3).standard_normal((9, 9))
W_FORTRAN = np.asfortranarray(W)
TARGETS = np.linspace(-1.0, 1.0, 9)


def case(function):
    CASES.append(function)
    return function


@case
def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


@case
def rosenbrock_loop(x):
    s = 0.0
    for i in range(len(x) - 1):
        s += 100.0 * (x[i + 1] - x[i] ** 2) ** 2 + (1.0 - x[i]) ** 2
    return s


@case
def rosenbrock_zip(x):
    s = 0
    for a, b in zip(x[:-1], x[1:]):  # noqa: B905, RUF007  as people write
        s += 100 * (b - a * a) ** 2 + (1 - a) ** 2
    return s


@case
def sphere(x):
    return x @ x


@case
def rastrigin(x):
    return 10 * len(x) + np.sum(x**2 - 10 * np.cos(2 * np.pi * x))


@case
def ackley(x):
    root = np.sqrt(np.mean(x**2) + 1.0)
    return 20 + np.e - 20 * np.exp(-0.2 * root) - np.exp(np.mean(np.cos(2 * np.pi * x)))


@case
def griewank(x):
    return 1 + np.sum(x**2) / 4000 - np.prod(np.cos(x / np.sqrt(np.arange(1, len(x) + 1))))


@case
def levy(x):
    w = 1 + (x - 1) / 4
    middle = np.sum((w[:-1] - 1) ** 2 * (1 + 10 * np.sin(np.pi * w[:-1] + 1) ** 2))
    return np.sin(np.pi * w[0]) ** 2 + middle + (w[-1] - 1) ** 2 * (1 + np.sin(w[-1]) ** 2)


@case
def styblinski_tang(x):
    return (x**4 - 16 * x**2 + 5 * x).sum() / 2


@case
def zakharov(x):
    s = np.dot(0.5 * np.arange(1, x.size + 1), x)
    return (x**2).sum() + s**2 + s**4


@case
def quadratic_form(x):
    n = len(x)
    return 0.5 * x @ W[:n, :n] @ x - TARGETS[:n] @ x


@case
def least_squares(x):
    return np.sum((np.dot(W[:, : len(x)], x) - TARGETS) ** 2)


@case
def network(x):
    n = len(x)
    hidden = np.tanh(W_FORTRAN[:, :n] @ x + TARGETS)
    return np.sum((x @ W[:n] - hidden) ** 2)


@case
def logistic_loss(x):
    return np.mean(np.log1p(np.exp(-(W[:, : x.shape[0]] @ x)))) + 0.1 * np.dot(x, x)


@case
def softplus(x):
    return np.sum(np.log1p(np.exp(-np.abs(x))) + np.maximum(x, 0.0))


@case
def log_sum_exp(x):
    top = np.max(x)
    return top + np.log(np.sum(np.exp(x - top)))


@case
def huber(x):
    return np.sum(np.where(np.abs(x) < 1.0, 0.5 * x**2, np.abs(x) - 0.5))


@case
def relu(x):
    return np.sum((x > 0) * x) + np.sum(np.maximum(x, 0.0) * 2.0) - np.minimum(x, 0).sum()


@case
def counts(x):
    return np.sum((x > 0.25) & ~(x > 1.0)) + np.sum((x < 0.0) | (x > 2.0)) + 0.5 * (x[0] > 0)


@case
def clipped(x):
    return np.clip(x, -0.5, 0.75) + np.sign(x) * np.square(x)


@case
def total_variation(x):
    return np.sum(np.sqrt(np.diff(x) ** 2 + 1e-2)) + np.abs(x[0])


@case
def chain(x):
    return -np.sum(np.cos(x - np.roll(x, 1))) - np.roll(x, -len(x) - 1)[0]


@case
def walk(x):
    return np.cumsum(x)[-1] ** 2 + np.sum(np.cumprod(x)) + x.cumsum().mean()


@case
def lengths(x):
    return np.sqrt(np.sum((x + 5.0) ** 2)) * np.std(x + 10 * np.arange(x.size)) + np.var(x)


@case
def extremes(x):
    return np.max(x) - x.min() + x.max() * np.amin(x)


@case
def strided(x):
    m = len(x) // 2
    return np.sum(x[::2][:m] * x[1::2][:m]) + (x[::-1] * x).sum() + x[-1]


@case
def in_place(x):
    y = x.copy()
    y *= 2
    y[1:] -= x[:-1]
    y /= 3.0
    y **= 2
    y += 1
    return y


@case
def filled_in(x):
    y, z = np.zeros_like(x), np.empty_like(x)
    z[:] = 1.0
    for i, v in enumerate(x):
        y[i] = v * v
    y[1:] = x[:-1] + y[1:]
    y[:1] = 2.5
    return y + z * np.full_like(x, 0.5) - np.ones_like(x)


@case
def by_dtype(x):
    y = np.zeros(len(x), dtype=x.dtype)
    y[::2] = x[::2]
    return y


@case
def powers(x):
    s = x[0] ** 3 + pow(x[0], 2) + np.power(x[0], 4) + math.pow(2.0, 3.0)
    for k in range(5):
        s += x[0] ** k + 2.0 ** x[1]
    return s + np.sum((x + 6.0) ** -2 + np.sqrt(x + 6.0) + (x + 6.0) ** 1.5 + (x + 6) ** 0.5)


@case
def polynomial(x):
    return np.sum(TARGETS[:4] * x[0] ** np.arange(4)) + np.sum((x + 6.0) ** TARGETS[: len(x)])


@case
def angles(x):
    return np.hypot(x, 2.0) + np.arctan2(x + 6.0, 1.5) + np.arctan(x)


@case
def pieces(x):
    y = np.concatenate((x, x[:1] * 2, TARGETS[:2]))
    return np.append(np.hstack((y, x)), 3.0) - np.append(x[-1], np.append(y, x))


@case
def gradient(x):
    return np.array([2 * x[0], x[1] ** 3, 1.0])


@case
def list_of_numbers(x):
    return np.array([v * v for v in x]) + np.array((x[0], 0.0))[0]


@case
def outer_product(x):
    return np.sum(np.outer(x, x) * np.outer(TARGETS[:2], x)[0]) + np.sum(np.outer(x, x))


@case
def plane(x):
    r = x[: len(x) // 2 * 2].reshape(-1, 2)
    d = r - r[0]
    return (d**2).sum(axis=1) + np.max(r, axis=0)[0] + r.mean(axis=-1)[0] + np.sum(r[:, 1])


@case
def lennard_jones(x):
    s = 0.0
    for i in range(len(x)):
        for j in range(i):
            r2 = (x[i] - x[j]) ** 2 + 1.0
            s += 4.0 * (r2**-6 - r2**-3)
    return s


@case
def builtins(x):
    return sum(x) + abs(x[0]) + max(x[0], x[1]) - min(x[0], 0.5) + sum(x * x)


@case
def mixed_scalars(x):
    a, mean = x[0], x.mean()
    y = a * TARGETS[: len(x)] + np.maximum(x, a) - (x - mean) / 2
    y -= a
    return y * mean + np.where(a > 0.5, x, 2.0) + (-x) + (+x)


moderate = st.floats(-3.0, 3.0).map(lambda x: round(x, 3))


@pytest.mark.parametrize("function", CASES, ids=lambda f: f.__name__)
@settings(max_examples=15)
@given(st.data())
def test_functions_are_numpys(function, data):
    n = data.draw(st.integers(2, 9))
    X = data.draw(hnp.arrays(np.float64, (n, COLUMNS), elements=moderate, fill=st.nothing()))
    before = X.copy()
    assert_close(lanes_of(function, X), function, X)
    np.testing.assert_array_equal(X, before)


def test_there_are_many_functions():
    assert len(CASES) >= 25


def test_nothing_leaks():
    """Every array that a function makes is released."""
    X = np.random.default_rng(4).uniform(0.0, 1.0, (6, COLUMNS))
    for function in CASES:
        lanes_of(function, X)
    _nrt_python.memsys_enable_stats()
    try:
        before = rtsys.get_allocation_stats()
        for function in CASES:
            lanes_of(function, X)
        after = rtsys.get_allocation_stats()
    finally:
        _nrt_python.memsys_disable_stats()
    made = after.alloc - before.alloc
    assert made == after.free - before.free
    assert made > len(CASES)


# --- every function, at special values -----------------------------------------------------------

SPECIAL = np.array([0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, math.nan, 5e-324, -2.5, 0.5, 2.0,
                    -0.5, 1e-300, 1e300, -1e300, 709.0, -746.0, 3.0, 40.0, -7.0])  # fmt: skip
special = st.sampled_from(SPECIAL.tolist()) | st.floats(-50.0, 50.0)
ULPS = 4 + 4  # glibc's promise for libmvec, and as many for NumPy's own


def assert_same(found, expected, scale=0.0, ulps=ULPS):
    """NaN and infinities in the same places; the rest as close as both promise."""
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    finite = np.isfinite(expected)
    same = np.isnan(expected) | (found == expected)
    assert same[~finite].all(), (found[~finite & ~same], expected[~finite & ~same])
    found, expected = found[finite], expected[finite]
    size = np.maximum(np.abs(expected), np.broadcast_to(scale, finite.shape)[finite])
    # Products of a power underflow below the smallest normal number.
    assert (np.abs(found - expected) <= ulps * 2.0**-52 * size + 2.0**-1022).all()


def _of_one(function):
    return lambda x: np.append(1.0 * function(x), 1.0 * function(x[0]))


def _of_two(function):
    def apply(x):
        a, b = x[: len(x) // 2], x[len(x) // 2 :]
        arrays = np.append(1.0 * function(a, b), 1.0 * function(a, b[0]))
        return np.append(arrays, 1.0 * function(a[0], b[0]))

    return apply


def _of_masks(function):
    def apply(x):
        a, b = x[: len(x) // 2], x[len(x) // 2 :]
        return np.append(1.0 * function(a > 0, b > 0), 1.0 * function(a > 0, b[0] > 0))

    return apply


def _not(x):
    return np.append(1.0 * np.logical_not(x > 0), 1.0 * ~(x[0] > 0))


def _clip(x):
    return np.append(np.clip(x, -1.5, x[0]), np.clip(x[0], x[1], 2))


def _where(x):
    return np.append(np.where(x[::-1] > 0, x, 2), np.where(x[0] > 0, -1, x[1]))


APPLIED = {
    **{f: (_of_one, _of_two)[arity - 1](f) for f, arity in lanemath.FUNCTIONS.items() if arity < 3},
    **{f: _of_masks(f) for f in (np.logical_and, np.logical_or, np.logical_xor)},
    np.logical_not: _not, np.clip: _clip, np.where: _where,
}  # fmt: skip


def test_functions_of_math_have_numpys_names():
    names = {"asin": "arcsin", "acos": "arccos", "atan": "arctan"}
    for name in (*vecmath.FUNCTIONS, "atan2", "hypot"):
        name = names.get(name, name.replace("atan2", "arctan2"))
        assert name == "erf" or getattr(np, name) in APPLIED


@pytest.mark.parametrize("function", lanemath.FUNCTIONS, ids=lambda f: f.__name__)
@settings(max_examples=15)
@given(st.data())
def test_numpys_functions(function, data):
    """Of arrays, of arrays with numbers, and of numbers."""
    n = 2 * data.draw(st.integers(1, 5))
    X = data.draw(hnp.arrays(np.float64, (n, COLUMNS), elements=special, fill=st.nothing()))
    expected = by_column(APPLIED[function], X)
    # The difference of logaddexp's operands, and its sum, round as they do.
    finite = np.where(np.isfinite(X), np.abs(X), 0.0).max(axis=0)
    scale = finite if function is np.logaddexp else 0.0
    assert_same(lanes_of(APPLIED[function], X), expected, scale)


# --- powers ----------------------------------------------------------------------------------

EXPONENTS = (-3, -2, -1, 0, 1, 2, 3, 4, 7, 10, 64, 65, -65, 0.5, -0.5, 1.5, 2.0, -1.0, 1e300)


def _power_of(k):
    if k == 0.5:  # a square root, as NumPy has it for arrays; of a number, it takes pow
        return lambda x: np.append(x**0.5, x[:1] ** k)
    return lambda x: np.append(x**k, x[0] ** k)


def _variable_power(x):
    y = np.empty_like(x)
    for k in range(len(x)):
        y[k] = x[k] ** (3 * k - 9)
    return np.append(y, pow(x[0], len(x)))


def _power_in_place(x):
    x **= 3
    x[1:] **= x[:-1]
    return x


def _powers_of_numbers(x):
    return np.append(2.0**x, 3 ** x[0]) + np.append(x ** x[::-1], np.power(x[0], x[1]))


POWERS = {f"{k}": (_power_of(k), abs(k)) for k in EXPONENTS if abs(k) <= 64} | {
    f"{k}": (_power_of(k), 0) for k in EXPONENTS if abs(k) > 64} | {
    "variable": (_variable_power, 30), "of numbers": (_powers_of_numbers, 0),
    # Cubes from 1e-3 to 8, wrong by ULPS, are bases and exponents: 8 + 8 |log 1e-3| < 64.
    "in place": (_power_in_place, 64 * ULPS),
}  # fmt: skip


@pytest.mark.parametrize("name", POWERS)
@settings(max_examples=15)
@given(st.data())
def test_powers(name, data):
    function, roundings = POWERS[name]
    n = data.draw(st.integers(2, 9))
    X = data.draw(hnp.arrays(np.float64, (n, COLUMNS), elements=special, fill=st.nothing()))
    if name == "in place":  # the power of a power: its exponent may be too large to compare
        X = np.clip(X, -2.0, 2.0)
        X = np.where((X != 0.0) & (np.abs(X) < 0.1), np.copysign(0.1, X), X)
    if name == "of numbers":  # (−∞)**0.5 is ∞ to C's pow, but a square root to NumPy's
        X = np.where(np.isneginf(X), -7.0, X)
    expected = by_column(function, X)
    scale = np.where(np.isfinite(X), np.abs(X), 0.0).max(axis=0) if name == "of numbers" else 0.0
    assert_same(lanes_of(function, X.copy()), expected, scale, ULPS + roundings)


@given(hnp.arrays(np.float64, (3, COLUMNS), elements=special, fill=st.nothing()))
def test_a_square_is_one_product(X):
    with np.errstate(all="ignore"):
        expected = X * X
    for name in ("2", "2.0"):
        np.testing.assert_array_equal(lanes_of(POWERS[name][0], X)[:3], expected)


# --- shapes --------------------------------------------------------------------------------------


def _stretched(x):
    return x[:1] * x + x[1:2] - np.where(x > 0, x[:1], TARGETS[:1])


def _emptied(x):
    return np.append(x[:0] + x[:1], np.sum(x[:0]) + np.prod(x[:0]) + x[:0] @ x[:0])


def _table(x):
    r = x.reshape(1, -1) * x[: len(x) // 2].reshape(-1, 1)
    return (r + x - r.sum(axis=0)).ravel()


@pytest.mark.parametrize("function", [_stretched, _emptied, _table])
@given(st.integers(2, 7))
def test_shapes_broadcast(function, n):
    X = np.random.default_rng(n).integers(-8, 8, (n, COLUMNS)) / 4  # exact arithmetic
    np.testing.assert_array_equal(lanes_of(function, X), by_column(function, X))


def test_an_empty_mean_is_nan():
    found = np.zeros(COLUMNS)
    in_lanes(lambda x: np.mean(x[:0]))(np.zeros((3, 8)).ctypes.data, 3, found)
    assert np.isnan(found).all()


def _add_in_place(x):
    y = x.copy()
    y += x[1:]
    return y[0]


def _set_too_many(x):
    y = x.copy()
    y[1:] = x
    return y[0]


MISMATCHED = {
    "add": lambda x: np.sum(x[1:] + x[:-2]),
    "fused": lambda x: np.sum(2.0 * x[1:] ** 2 + np.exp(x)),
    "in place": _add_in_place,
    "slice": _set_too_many,
    "inner": lambda x: x @ x[1:],
    "matrix": lambda x: np.sum(W @ x),
    "where": lambda x: np.sum(np.where(x > 0, x[1:], 0.0)),
    "max": lambda x: np.max(x[:0]),
    "min": lambda x: x[:0].min(),
}


@pytest.mark.parametrize("name", MISMATCHED)
def test_lengths_that_do_not_match_are_refused(name):
    X = np.ones((4, COLUMNS))
    for x in X.T:
        with pytest.raises(ValueError, match=r"."):
            MISMATCHED[name](x)
    with pytest.raises(ValueError, match=r"broadcast|different lengths|no identity"):
        in_lanes(MISMATCHED[name])(X.ctypes.data, 4, np.zeros(COLUMNS))


def test_what_has_no_lanes_is_refused():
    """One decision for all lanes: sorting, arg-extremes, boolean indices, branches."""

    def branch(x):
        return x[0] if x[0] > 0 else x[1]

    for function in (lambda x: np.sort(x)[0], lambda x: np.argmax(x), lambda x: x[x > 0][0], branch,
                     lambda x: np.sum(x.reshape(2, -1), axis=len(x) - 3)[0]):  # fmt: skip
        with pytest.raises(NumbaError):
            in_lanes(function)(np.ones((4, COLUMNS)).ctypes.data, 4, np.zeros(COLUMNS))


@njit
def _halves(x):
    return x / 2, np.sum(x) / 2


def _with_a_jitted_helper(x):
    half, s = _halves(x + 1)
    return half * s


def test_helpers_may_be_jitted():
    X = np.random.default_rng(5).integers(-8, 8, (5, COLUMNS)) / 4  # exact arithmetic
    found, expected = lanes_of(_with_a_jitted_helper, X), by_column(_with_a_jitted_helper, X)
    np.testing.assert_array_equal(found, expected)


# --- writing where one reads ---------------------------------------------------------------------


def _forward(x):
    x[1:] += x[:-1]
    return x


def _backward(x):
    x[:-1] -= x[1:]
    return x


def _reversed(x):
    x += x[::-1]
    return x


def _twice(x):
    x *= x
    x -= x[:1]
    return x


def _shifted(x):
    x[1:] = x[:-1]
    x[:-2] = x[2:]
    x[:] = x[::-1]
    return x


def _strided(x):
    x[::2] += x[: len(x[::2])]
    x[::-2] += 1.0
    return x


def _copied(x):
    y, z = x.copy(), np.copy(x[::2])
    y += 1
    z *= 0
    w = x
    w -= 0.25
    return np.append(np.append(x, y), np.append(z, w))


def _fused_into_itself(x):
    x[1:] = x[1:] - 2 * x[:-1]
    x[:] = 1.0 + x[::-1]
    return x


@pytest.mark.parametrize("function", [_forward, _backward, _reversed, _twice, _shifted, _strided,
                                      _copied, _fused_into_itself])  # fmt: skip
@given(st.integers(2, 9))
def test_writing_into_what_is_read(function, n):
    X = np.random.default_rng(n).integers(-8, 8, (n, COLUMNS)) / 4  # exact arithmetic
    expected = by_column(function, X)
    np.testing.assert_array_equal(lanes_of(function, X.copy()), expected)


def test_the_argument_itself_changes():
    X = np.arange(24.0).reshape(3, COLUMNS)
    in_lanes(_forward, 1)(X.ctypes.data, 3, np.zeros(24))
    np.testing.assert_array_equal(X[1], np.arange(8.0) + np.arange(8.0, 16.0))


# --- plain arrays, and other numbers -------------------------------------------------------------


PLAIN = (rosenbrock, griewank, softplus, in_place, gradient)


@pytest.mark.parametrize("function", PLAIN, ids=lambda f: f.__name__)
def test_plain_arrays_are_numbas(function):
    x = np.random.default_rng(6).uniform(0.5, 2.0, 6)
    found = entry(function)(x.copy())
    np.testing.assert_allclose(found, function(x), rtol=1000 * 2.0**-52)


class Single(lanes.Numeric):
    """One float64 that is not Numba's: what any other type must bring."""

    def __init__(self):
        self.dtype, self.mask = types.float64, types.boolean
        super().__init__(name="Single")

    def can_convert_from(self, typingctx, other):
        return Conversion.promote if isinstance(other, types.Number | types.Boolean) else None

    def unify(self, typingctx, other):
        return self if isinstance(other, types.Number) else None


single = Single()


@register_model(Single)
class SingleModel(models.PrimitiveModel):
    def __init__(self, dmm, fe_type):
        super().__init__(dmm, fe_type, ir.DoubleType())


@lower_cast(types.Number, Single)
@lower_cast(types.Boolean, Single)
def _to_single(context, builder, fromty, toty, value):
    return context.cast(builder, value, fromty, types.float64)


_PLAIN = {max: np.maximum, min: np.minimum}  # Numba's own take any number of arguments


def _declare_single(function, arity, result=single):
    def typer(context, *args):
        numbers = all(isinstance(ty, Single | types.Number | types.Boolean) for ty in args)
        if len(args) != arity or not numbers or single not in args:
            return None
        return None if function is operator.pow and set(args) != {single} else result

    def emit(context, builder, sig, args):
        floats = [x if ty == single else context.cast(builder, x, ty, types.float64)
                  for x, ty in zip(args, sig.args, strict=True)]  # fmt: skip
        floats = [lanetrees.Value(types.float64, x) for x in floats]
        return lanetrees.call(context, builder, _PLAIN.get(function, function), *floats).llvm

    lanetrees.declare(function, typer, emit)


for _function in (operator.add, operator.sub, operator.mul, operator.truediv, operator.iadd,
                  operator.isub, operator.imul, operator.itruediv, operator.pow, max, min,
                  math.atan2):  # fmt: skip
    _declare_single(_function, 2)
for _function in (operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne):
    _declare_single(_function, 2, types.boolean)
for _function in (operator.neg, operator.pos, abs, math.sqrt, math.exp, math.log, math.sin,
                  math.cos, math.tanh, math.log1p, math.atan):  # fmt: skip
    _declare_single(_function, 1)


@intrinsic
def as_single(typingctx, x):
    def codegen(context, builder, sig, args):
        return context.cast(builder, args[0], sig.args[0], single)

    return single(x), codegen


@pytest.mark.parametrize("function", CASES, ids=lambda f: f.__name__)
def test_functions_of_any_number(function):
    X = np.random.default_rng(7).uniform(-2.0, 2.0, (5, COLUMNS))
    expected = by_column(function, X)
    inner = allocating(function)
    axes = expected.ndim - 1

    @intrinsic
    def value(typingctx, x):
        return types.float64(x), lambda context, builder, sig, args: args[0]

    @entry
    def run(address, n, out):
        y = inner(carray(pointer_at(address, as_single(0.0)), n))
        if axes == 0:
            out[0] = value(as_single(y))
        else:
            for i in range(len(y)):
                out[i] = value(as_single(y[i]))

    found = np.full(expected.shape, np.nan)
    for j in range(COLUMNS):
        column, out = X[:, j].copy(), np.full(expected.shape[:-1], np.nan)
        run(column.ctypes.data, len(column), out.reshape(-1))
        found[..., j] = out
    assert_close(found, function, X)


# --- the machine code ----------------------------------------------------------------------------


def _sum_of_squares(x):
    s = 0.0
    for i in range(len(x)):
        s += x[i] * x[i]
    return s


def test_lanes_are_loaded_whole():
    if "+avx512f" not in cpu_target.target_context.codegen().magic_tuple()[2]:
        pytest.skip("the processor's registers hold fewer lanes")
    run = entry(_sum_of_squares)
    run.compile((types.Array(LANES, 1, "C"),))
    (code,) = run.inspect_asm().values()
    assert "zmm" in code
    for scalar in ("vmovsd", "vmovhpd", "vinsert"):
        assert scalar not in code


def test_nothing_is_compiled_on_behalf_of_an_expression():
    """Numba takes 50 ms for each function, however small; a fused loop is none."""
    run = njit(no_cpython_wrapper=True, no_cfunc_wrapper=True)(rosenbrock)
    with event.install_recorder("numba:run_pass") as recorded:
        run.compile((types.Array(LANES, 1, "C"),))
    passes = [e.data["name"].split()[0] for _, e in recorded.buffer if e.is_start]
    assert passes.count("nopython_type_inference") == 1
