"""Graphs beside mpmath: what is simplified keeps its value, and derivatives are exact."""

import itertools
import math
from fractions import Fraction

import graphs
import mpmath
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from reference import graph as reference

from saddlecore.folding import folded, scalar
from saddlecore.graph import Graph, GraphTooLongError, gradient, hessian, hvp
from saddlecore.operations import ARITY, CODES, PARTIALS, SCALAR

INF, NAN = math.inf, math.nan
SPECIAL = [0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 2.0, -2.0, 3.0, -3.0, -2.5, 0.7, 1e16, 2.0**53 + 2,
           1e300, -1e300, 1e308, -1e308, 1e-300, 5e-324, -5e-324, INF, -INF, NAN]  # fmt: skip
anything = st.sampled_from(SPECIAL) | st.floats(width=64)

# --- operations on floats ------------------------------------------------------------------------

NUMPY = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide,
    "pow": lambda x, y: np.power(x, y, dtype=np.longdouble).astype(np.float64),
    "max": lambda x, y: np.where(y > x, y, x), "min": lambda x, y: np.where(y < x, y, x),
    "greater": np.greater, "atan2": np.arctan2, "neg": np.negative, "abs": np.abs,
    "sign": lambda x: np.where(np.isnan(x), 0.0, np.sign(x)), "floor": np.floor, "sqrt": np.sqrt,
    "exp": np.exp, "log": np.log, "sin": np.sin, "cos": np.cos, "tan": np.tan, "sinh": np.sinh,
    "cosh": np.cosh, "tanh": np.tanh, "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan,
    "expm1": np.expm1, "log1p": np.log1p, "exp2": np.exp2, "log2": np.log2, "log10": np.log10,
    "erf": np.vectorize(math.erf), "sech": lambda x: 1.0 / np.cosh(x),
}  # fmt: skip


def same_numbers(found, expected, ulps):
    """Equal, both NaN, or apart by so many units in the last place (or denormals)."""
    gap = np.abs(found - expected)
    near = gap <= ulps * np.maximum(np.spacing(np.abs(expected)), 5e-324)
    return found == expected or (np.isnan(found) and np.isnan(expected)) or near


def check_scalar(name, numbers):
    found = scalar(name, *numbers)
    with np.errstate(all="ignore"):
        expected = np.float64(NUMPY[name](*map(np.float64, numbers)))
        # NumPy has vector code of its own: 4 units in the last place.
        assert same_numbers(np.float64(found), expected, 4), (name, numbers, found, expected)


@pytest.mark.parametrize("name", graphs.ALL)
def test_operations_at_special_numbers(name):
    for numbers in itertools.product(SPECIAL, repeat=ARITY[name]):
        check_scalar(name, numbers)


@given(st.sampled_from(graphs.ALL), anything, anything)
def test_operations_anywhere(name, x, y):
    check_scalar(name, (x, y)[: ARITY[name]])


@pytest.mark.parametrize(("name", "numbers", "sign"), [
    ("div", (1.0, -0.0), -1), ("div", (-0.0, 3.0), -1), ("pow", (-0.0, -3.0), -1),
    ("pow", (-0.0, -2.0), 1), ("pow", (-10.0, 309.0), -1), ("floor", (-0.0,), -1),
    ("div", (INF, 0.0), 1), ("neg", (0.0,), -1), ("sinh", (-1e3,), -1), ("floor", (-INF,), -1),
])  # fmt: skip
def test_signs_of_zeros_and_infinities(name, numbers, sign):
    assert math.copysign(1.0, scalar(name, *numbers)) == sign


def test_the_tables_list_the_same_operations():
    assert set(ARITY) == set(SCALAR) == set(PARTIALS) == set(NUMPY)
    assert set(CODES) == {*ARITY, "constant", "input", "store"}
    assert sorted(CODES.values()) == list(range(len(CODES)))


# --- simplification ------------------------------------------------------------------------------


def simplified(operation, *operands):
    """What an operation on x, y and constants becomes, x being node 0 and y node 1."""
    g = Graph(2)
    nodes = [operand if isinstance(operand, int) else g.constant(operand) for operand in operands]
    node = g.apply(operation, *nodes)
    name, *rest = g.nodes[node]
    return node if node < 2 else (name, rest[0]) if name == "constant" else (name, *rest)


X, Y = 0, 1


@pytest.mark.parametrize(("operation", "operands", "expected"), [
    ("add", (X, 0.0), X), ("add", (0.0, X), X), ("sub", (X, 0.0), X), ("mul", (X, 1.0), X),
    ("mul", (1.0, X), X), ("div", (X, 1.0), X), ("pow", (X, 1.0), X),
    ("mul", (X, 0.0), ("constant", 0.0)), ("mul", (-0.0, X), ("constant", 0.0)),
    ("div", (0.0, X), ("constant", 0.0)), ("sub", (X, X), ("constant", 0.0)),
    ("pow", (X, 0.0), ("constant", 1.0)), ("sub", (0.0, X), ("neg", X)),
    ("mul", (X, -1.0), ("neg", X)), ("mul", (-1.0, X), ("neg", X)), ("pow", (X, 0.5), ("sqrt", X)),
    ("pow", (X, 2.0), ("mul", X, X)), ("mul", (2.0, 3.5), ("constant", 7.0)),
    ("atan2", (0.0, -1.0), ("constant", math.pi)), ("add", (Y, X), ("add", X, Y)),
    ("mul", (Y, X), ("mul", X, Y)), ("sub", (Y, X), ("sub", Y, X)), ("div", (Y, X), ("div", Y, X)),
    ("pow", (Y, X), ("pow", Y, X)), ("max", (Y, X), ("max", Y, X)),
])  # fmt: skip
def test_what_operations_reduce_to(operation, operands, expected):
    assert simplified(operation, *operands) == expected


def test_a_reciprocal_and_a_double_negation():
    g = Graph(1)
    assert g.nodes[g.pow(0, g.constant(-1.0))] == ("div", g.constant(1.0), 0)
    assert g.neg(g.neg(0)) == 0
    assert g.sqrt(0) == g.apply("sqrt", 0)
    with pytest.raises(AttributeError, match="cbrt"):
        g.cbrt(0)


def test_equal_nodes_are_one():
    g = Graph(2)
    first = g.exp(g.mul(0, g.sin(1)))
    count = len(g)
    assert g.exp(g.mul(g.sin(1), 0)) == first
    assert g.constant(NAN) == g.constant(NAN)
    assert g.constant(0.0) != g.constant(-0.0)
    assert len(g) == count + 3


@given(graphs.functions(operations=tuple(name for name in graphs.ALL if name != "pow")))
def test_simplification_keeps_every_value(function):
    """To the last bit, but for signs of zeros; powers become products, whose rounding differs."""
    nodes, x = function
    g, place = graphs.graph_of(nodes, len(x))
    expected, found = reference.in_floats(nodes, x, scalar), graphs.in_floats(g, x)
    assert [found[k] for k in place] == expected
    assert len(g) <= len(nodes) + len(x)
    assert all(k < node for node in range(len(g)) for k in g.operands(node))


@given(graphs.functions(operations=("pow", "mul", "add", "sqrt"), constants=graphs.whole))
def test_simplified_powers_keep_their_exact_value(function):
    nodes, x = function
    g, place = graphs.graph_of(nodes, len(x))
    assume(graphs.folded_exactly(g))
    expected, found = reference.values(nodes, x), reference.values(g.nodes, x)
    assert all(agree(found[k], value) for k, value in zip(place, expected, strict=True))


# --- constants -----------------------------------------------------------------------------------


@given(st.sampled_from(graphs.ALL), st.tuples(*[graphs.coordinates] * 2),
       st.tuples(*[st.floats(-1.0, 1.0)] * 2), st.integers(20, 60))  # fmt: skip
def test_errors_of_folded_constants(name, numbers, moves, exponent):
    """Operands anywhere within their errors, of 2⁻²⁰ … 2⁻⁶⁰: the result is within its own."""
    values, moves = numbers[: ARITY[name]], moves[: ARITY[name]]
    assume(graphs.is_harmless(name, values))
    errors = tuple(2.0**-exponent * abs(move) for move in moves)
    result, error = folded(name, values, errors)
    with mpmath.workdps(reference.DIGITS):
        moved = [mpmath.mpf(v) + math.copysign(e, m)
                 for v, e, m in zip(values, errors, moves, strict=True)]  # fmt: skip
        nodes = [*(("input", i) for i in range(len(moved))), (name, *range(len(moved)))]
        truth = reference.values(nodes, moved)[-1]
        # To first order: an error of an operand squared is left out, some curvature times.
        assert abs(result - truth) <= error * (1 + 1e4 * 2.0**-exponent)
    if not any(errors) and name in ("add", "sub", "mul", "div"):
        assert error <= 2.0**-53 * abs(result)
        assert (error == 0.0) == (truth == result)


def test_what_is_written_is_exact_and_what_is_folded_may_be_rounded():
    g = Graph(1)
    tenth, two = g.constant(0.1), g.constant(2.0)
    assert g.value(tenth) == 0.1
    assert g.value(g.mul(tenth, two)) == 0.2
    rounded = g.mul(tenth, tenth)
    assert g.value(rounded) is None
    off = float(abs(Fraction(0.1) ** 2 - Fraction(0.1 * 0.1)))
    assert g.nodes[rounded] == ("constant", 0.1 * 0.1, off)
    # Equal numbers with different errors are different constants: 0 and 1 stay what they are.
    almost_one = g.add(g.constant(1.0), g.constant(1e-20))
    assert g.nodes[almost_one][1] == 1.0
    assert almost_one != g.constant(1.0)
    assert g.mul(0, almost_one) != 0
    nothing = g.sub(almost_one, g.constant(1.0))
    assert g.nodes[g.mul(0, nothing)] == ("mul", 0, nothing)
    assert g.nodes[g.mul(rounded, two)][2] == 2 * g.nodes[rounded][2]


# --- derivatives ---------------------------------------------------------------------------------


def agree(found, expected):
    """To 30 of the 60 digits that both were computed with, unless cancelled to less than 1e-25."""
    return abs(found - expected) <= mpmath.mpf(10) ** -30 * max(abs(expected), 10**5)


def derivatives(g, output, n):
    """Nodes of gradient, lower triangle of the Hessian, and H v."""
    slopes = gradient(g, output, n)
    return slopes, hessian(g, slopes, 10**6), hvp(g, slopes, n)


def lower_triangle(H):
    return [H[i][j] for i in range(len(H)) for j in range(i + 1)]


@given(graphs.functions(
    operations=tuple(set(graphs.ALL) - set(graphs.WITH_ROUNDED_CONSTANTS)),
    constants=graphs.whole,
), st.data())  # fmt: skip
def test_derivatives_of_random_functions(function, data):
    """Evaluated in mpmath, where neither the function nor its derivatives are rounded."""
    nodes, x = function
    n = len(x)
    g, place = graphs.graph_of(nodes, 2 * n)
    slopes, lower, products = derivatives(g, place[-1], n)
    assume(graphs.folded_exactly(g))
    v = data.draw(st.lists(graphs.coordinates, min_size=n, max_size=n))
    try:
        found = reference.values(g.nodes, [*x, *v])
    except reference.UndefinedError:
        assume(False)
    _, expected, H = reference.taylor(nodes, x)[-1]
    assert all(map(agree, [found[k] for k in slopes], expected))
    assert all(map(agree, [found[k] for k in lower], lower_triangle(H)))
    with mpmath.workdps(reference.DIGITS):
        Hv = [sum(H[i][j] * v[j] for j in range(n)) for i in range(n)]
    assert all(map(agree, [found[k] for k in products], Hv))


DOMAINS = {
    **dict.fromkeys(("sqrt", "log", "log2", "log10"), st.floats(5e-324, 1e308)),
    **dict.fromkeys(("exp", "sinh", "cosh", "expm1", "exp2", "sech"), st.floats(-700.0, 700.0)),
    **dict.fromkeys(("sin", "cos", "tan", "tanh", "erf"), st.floats(-1e3, 1e3)),
    **dict.fromkeys(("asin", "acos"), st.floats(-1.0, 1.0, exclude_min=True, exclude_max=True)),
    "log1p": st.floats(-1.0, 1e308, exclude_min=True),
}


@pytest.mark.parametrize("name", graphs.ALL)
@given(st.data())
def test_partial_derivatives_of_each_operation(name, data):
    """First and second, huge and tiny arguments too; right but for the rounding of constants."""
    numbers = DOMAINS.get(name, st.floats(-1e300, 1e300) | st.sampled_from([0.0, 1.0, -1.0]))
    x = [data.draw(numbers) for _ in range(ARITY[name])]
    nodes = [*(("input", i) for i in range(len(x))), (name, *range(len(x)))]
    if name in ("max", "min", "greater"):
        assume(x[0] != x[1])
    if name == "pow":
        # The reference cancels 1/x² to get x**(y − 2).
        x = [min(max(abs(x[0]), 1e-9), 1e9), math.remainder(x[1], 100.0)]
    if name in ("floor", "abs", "sign"):
        assume(x[0] != math.floor(x[0]) or name == "abs")
    g, place = graphs.graph_of(nodes, 2 * len(x))
    slopes, lower, _ = derivatives(g, place[-1], len(x))
    try:
        # Beside 1 a tiny number has hundreds of zeros.
        found = reference.values(g.nodes, [*x, *x], digits=1000)
        _, expected, H = reference.taylor(nodes, x)[-1]
    except reference.UndefinedError:
        assume(False)
    # Derivatives hold a product of at most two constants such as log 2, each from two roundings.
    slack = mpmath.mpf(2) ** -50 if name in graphs.WITH_ROUNDED_CONSTANTS else mpmath.mpf(10) ** -30
    for nodes, truths in ((slopes, expected), (lower, lower_triangle(H))):
        # Entries of one order may cancel, as xy/(x² + y²) does; floats end at 1e-324.
        size = max([*map(abs, truths), mpmath.mpf(10) ** -330])
        for node, truth in zip(nodes, truths, strict=True):
            assert abs(found[node] - truth) <= slack * size, (name, x, found[node], truth)


@pytest.mark.parametrize("name", ["log", "sin", "sqrt", "atan2"])
def test_the_reference_sees_a_wrong_derivative(name, monkeypatch):
    """Of cos x as the derivative of cos x, so to say."""
    wrong = {"log": lambda g, x, v: (g.div(g.constant(1.0), v),),
             "sin": lambda g, x, v: (g.neg(g.cos(x)),),
             "sqrt": lambda g, x, v: (g.div(g.constant(1.0), v),),
             "atan2": lambda g, y, x, v: PARTIALS["div"](g, y, x, v)}  # fmt: skip
    monkeypatch.setitem(PARTIALS, name, wrong[name])
    with pytest.raises(AssertionError):
        test_partial_derivatives_of_each_operation.hypothesis.inner_test(name, Fixed([0.7, 1.3]))


class Fixed:
    """Gives hypothesis' place to numbers that are known."""

    def __init__(self, numbers):
        self._numbers = iter(numbers)

    def draw(self, _):
        return next(self._numbers)


# --- derivatives at the edges --------------------------------------------------------------------

EDGES = [
    ("sqrt", (0.0,), (INF,)), ("sqrt", (-1.0,), (NAN,)), ("sqrt", (INF,), (0.0,)),
    ("log", (0.0,), (INF,)), ("log", (INF,), (0.0,)), ("log1p", (-1.0,), (INF,)),
    ("log2", (0.0,), (INF,)), ("log10", (INF,), (0.0,)), ("exp", (-INF,), (0.0,)),
    ("exp", (INF,), (INF,)), ("exp", (1e3,), (INF,)), ("expm1", (-INF,), (0.0,)),
    ("exp2", (-INF,), (0.0,)), ("sin", (INF,), (NAN,)), ("cos", (0.0,), (0.0,)),
    ("tan", (0.0,), (1.0,)), ("sinh", (INF,), (INF,)), ("cosh", (-INF,), (-INF,)),
    ("tanh", (INF,), (0.0,)), ("tanh", (-INF,), (0.0,)), ("tanh", (0.0,), (1.0,)),
    ("sech", (INF,), (0.0,)), ("sech", (0.0,), (0.0,)), ("asin", (1.0,), (INF,)),
    ("acos", (-1.0,), (-INF,)), ("asin", (2.0,), (NAN,)), ("atan", (INF,), (0.0,)),
    ("atan", (-1e300,), (0.0,)), ("erf", (INF,), (0.0,)), ("erf", (30.0,), (0.0,)),
    ("abs", (0.0,), (0.0,)), ("abs", (-INF,), (-1.0,)), ("sign", (0.0,), (0.0,)),
    ("floor", (1.0,), (0.0,)), ("max", (1.0, 1.0), (1.0, 0.0)), ("min", (1.0, 1.0), (1.0, 0.0)),
    ("max", (1.0, INF), (0.0, 1.0)), ("min", (1.0, INF), (1.0, 0.0)),
    ("greater", (1.0, 1.0), (0.0, 0.0)), ("div", (1.0, 0.0), (INF, -INF)),
    ("div", (1.0, INF), (0.0, 0.0)), ("div", (0.0, 0.0), (INF, NAN)),
    ("mul", (INF, 2.0), (2.0, INF)), ("pow", (0.0, 3.0), (0.0, NAN)),
    ("pow", (0.0, 1.0), (1.0, NAN)), ("pow", (-2.0, 3.0), (12.0, NAN)),
    ("pow", (2.0, 0.0), (0.0, math.log(2.0))), ("pow", (INF, 2.0), (INF, INF)),
    ("atan2", (0.0, 1.0), (1.0, 0.0)), ("atan2", (1.0, 0.0), (0.0, -1.0)),
    ("atan2", (0.0, 0.0), (NAN, NAN)), ("add", (INF, 1.0), (1.0, 1.0)),
]  # fmt: skip


def in_floats_at(name, x):
    """Gradient and lower triangle of the Hessian of one operation, in plain numbers."""
    nodes = [*(("input", i) for i in range(len(x))), (name, *range(len(x)))]
    g, place = graphs.graph_of(nodes, 2 * len(x))
    slopes, lower, _ = derivatives(g, place[-1], len(x))
    found = graphs.in_floats(g, x)
    return [found[k] for k in slopes], [found[k] for k in lower]


@pytest.mark.parametrize(("name", "x", "expected"), EDGES)
def test_derivatives_at_edges(name, x, expected):
    np.testing.assert_array_equal(in_floats_at(name, x)[0], expected)


@pytest.mark.parametrize("name", graphs.ALL)
def test_derivatives_at_nan_are_nan_or_constant(name):
    slopes, _ = in_floats_at(name, (NAN,) * ARITY[name])
    flat = {"add", "sub", "neg", "greater", "sign", "floor", "abs", "max", "min"}
    assert all(map(math.isfinite if name in flat else math.isnan, slopes))


@pytest.mark.parametrize("x", [25.0, 100.0, 200.0, 360.0, 400.0, 720.0, 1e6, 1e300])
@pytest.mark.parametrize("name", ["tanh", "erf", "atan"])
def test_saturated_units_have_derivatives(name, x):
    """Of the right size and sign while floats go so far, then 0, never NaN."""
    for sign in (1.0, -1.0):
        (slope,), (curvature,) = in_floats_at(name, (sign * x,))
        assert slope >= 0.0 >= sign * curvature
        if name == "tanh" and x < 360.0:
            # The first neglected term, and three roundings in each of the two exponentials.
            expected = 4.0 * math.exp(-2.0 * x)
            slack = 16 * 2.0**-53 + math.exp(-2.0 * x) * 2
            assert abs(slope - expected) <= slack * expected
            assert abs(sign * curvature + 2.0 * expected) <= 2 * slack * expected


def test_a_constant_exponent_may_have_a_base_of_zero_or_below():
    g = Graph(2)
    for exponent, x, expected in ((3.0, 0.0, (0.0, 0.0)), (3.0, -2.0, (12.0, -12.0)),
                                  (2.5, 0.0, (0.0, 0.0)), (-2.0, -2.0, (0.25, 0.375)),
                                  (1.5, 0.0, (0.0, INF))):  # fmt: skip
        node = g.pow(0, g.constant(exponent))
        slopes = gradient(g, node, 1)
        found = graphs.in_floats(g, [x])
        assert found[slopes[0]] == expected[0]
        (second,) = hessian(g, slopes, 10**6)
        assert graphs.in_floats(g, [x])[second] == expected[1]


# --- structure -----------------------------------------------------------------------------------


def rosenbrock(g, n):
    total = g.constant(0.0)
    for i in range(n - 1):
        valley = g.sub(i + 1, g.mul(i, i))
        slope = g.sub(g.constant(1.0), i)
        bowl = g.mul(g.constant(100.0), g.mul(valley, valley))
        total = g.add(total, g.add(bowl, g.mul(slope, slope)))
    return total


def test_a_sparse_hessian_stays_sparse():
    n = 12
    g = Graph(2 * n)
    lower = hessian(g, gradient(g, rosenbrock(g, n), n), 10**6)
    places = [(i, j) for i in range(n) for j in range(i + 1)]
    for (i, j), node in zip(places, lower, strict=True):
        assert (g.value(node) == 0.0) == (i - j > 1)


def test_nodes_grow_with_the_variables_not_with_their_square():
    def count(n):
        g = Graph(2 * n)
        hessian(g, gradient(g, rosenbrock(g, n), n), 10**6)
        return len(g) - 2 * n

    assert count(40) - count(39) == count(39) - count(38)


def test_a_hessian_that_grows_too_long_is_given_up():
    n = 12
    g = Graph(2 * n)
    slopes = gradient(g, rosenbrock(g, n), n)
    with pytest.raises(GraphTooLongError):
        hessian(g, slopes, len(g))


@pytest.mark.parametrize(("output", "slopes"), [
    (lambda g: 1, [0.0, 1.0]), (lambda g: g.constant(3.0), [0.0, 0.0]),
    (lambda g: g.mul(g.constant(3.0), 0), [3.0, 0.0]), (lambda g: g.sub(0, 1), [1.0, -1.0]),
    (lambda g: g.floor(0), [0.0, 0.0]),
])  # fmt: skip
def test_derivatives_of_trivial_functions_are_constants(output, slopes):
    g = Graph(4)
    found, lower, products = derivatives(g, output(g), 2)
    assert [g.value(k) for k in found] == slopes
    assert [g.value(k) for k in [*lower, *products]] == [0.0] * 5


def test_a_quadratic_function_has_constant_second_derivatives():
    """½ xᵀA x for a matrix of whole numbers, and H v linear in v."""
    A = [[2.0, -1.0, 3.0], [-1.0, 4.0, 0.0], [3.0, 0.0, -6.0]]
    g = Graph(6)
    total = g.constant(0.0)
    for i in range(3):
        for j in range(3):
            total = g.add(total, g.mul(g.constant(A[i][j] / 2), g.mul(i, j)))
    _, lower, products = derivatives(g, total, 3)
    assert [g.value(k) for k in lower] == lower_triangle(A)
    v = [1.0, -2.0, 5.0]
    found = reference.in_floats(g.nodes, [NAN, NAN, NAN, *v], scalar)
    assert [found[k] for k in products] == [sum(map(lambda a, b: a * b, row, v)) for row in A]


def test_the_reference_is_exact_on_polynomials():
    """A cubic in three variables, by fractions."""
    nodes = [*(("input", i) for i in range(3)), ("mul", 0, 1), ("mul", 3, 2), ("mul", 0, 0),
             ("add", 4, 5)]  # fmt: skip
    x, y, z = map(Fraction, (0.7, -1.3, 2.9))
    value, slopes, H = reference.taylor(nodes, [0.7, -1.3, 2.9])[-1]
    expected = [x * y * z + x * x, y * z + 2 * x, x * z, x * y, 2, z, 0, y, x, 0]
    found = [value, *slopes, *lower_triangle(H)]
    with mpmath.workdps(reference.DIGITS):
        exact = [mpmath.mpf(e.numerator) / e.denominator for e in map(Fraction, expected)]
    assert all(map(agree, found, exact))
