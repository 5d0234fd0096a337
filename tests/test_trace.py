"""Tracing: the graph that a function writes computes what the function computes."""

import math
import operator
import threading
from concurrent.futures import ThreadPoolExecutor

import graphs
import numpy as np
import pytest
from numba import njit
from numba.core.errors import NumbaError
from reference import graph as reference

from saddlecore import trace as tracing
from saddlecore.evaluate import evaluate
from saddlecore.exact import Expression
from saddlecore.trace import TraceError, compile_trace, trace

LIMIT = 100_000


def traced(function, x, args=()):
    """(trace, node of the result) of a function compiled anew."""
    return trace(compile_trace(function, args), np.array(x, float), 2 * len(x), LIMIT)


def value_of(recorded, node, x):
    return graphs.in_floats(recorded.graph, x)[node]


def derivatives(recorded, node, x):
    """f, ∇f and H of a traced function at x, by its programs, and bounds of their errors."""
    n = len(x)
    expression, X = Expression(recorded.graph, node, n), np.array([x], float)
    found = []
    for (program, targets), shape in ((expression.value, ()), (expression.gradient, (n,)),
                                      (expression.hessian, (n, n))):  # fmt: skip
        out, off = np.zeros((2, 1, math.prod(shape)))
        evaluate(program.code, program.constants, program.slots, X, targets, out, off)
        found.append((out[0].reshape(shape), off[0].reshape(shape)))
    return found


def assert_right(recorded, node, x):
    """f, ∇f and H beside mpmath, within their bounds to first order."""
    n = len(x)
    truth = reference.taylor(recorded.graph.nodes[: node + 1], [*x, *[0.0] * n])[node]
    exact = (truth[0], truth[1][:n], [row[:n] for row in truth[2][:n]])
    for (found, bound), expected in zip(derivatives(recorded, node, x), exact, strict=True):
        assert (np.abs(found - np.array(expected, float)) <= 1.001 * bound).all()


# --- every operation -----------------------------------------------------------------------------


def operations(x):
    """One operation of a and b for each value of k: the decisions take the trace there."""
    k, a, b = x[0], x[1], x[2]
    s = a
    if k == 0:
        return a + b
    if k == 1:
        return a - b
    if k == 2:
        return a * b
    if k == 3:
        return a / b
    if k == 4:
        return -a
    if k == 5:
        return +a
    if k == 6:
        return abs(a) + math.fabs(b)
    if k == 7:
        return max(a, b)
    if k == 8:
        return min(a, b)
    if k == 9:
        return math.atan2(a, b)
    if k == 10:
        return math.floor(a) + 0.25
    if k == 11:
        s += b
        return s
    if k == 12:
        s -= b
        return s
    if k == 13:
        s *= b
        return s
    if k == 14:
        s /= b
        return s
    if k == 15:
        return 2.5 * a - 1 + a * True
    if k == 16:
        return 3 / a + (1 - b) / 2
    if k == 17:
        return max(a, 0.25) + min(1, b)
    if k == 18:
        return math.sqrt(b) + math.exp(a)
    if k == 19:
        return math.log(b)
    if k == 20:
        return math.sin(a) + math.cos(b)
    if k == 21:
        return math.tan(a)
    if k == 22:
        return math.sinh(a) + math.cosh(b)
    if k == 23:
        return math.tanh(a)
    if k == 24:
        return math.asin(a) + math.acos(a)
    if k == 25:
        return math.atan(a)
    if k == 26:
        return math.expm1(a) + math.log1p(b)
    if k == 27:
        return math.exp2(a)
    if k == 28:
        return math.log2(b) + math.log10(b)
    if k == 29:
        return math.erf(a)
    if k == 30:
        return math.atan2(a, 2.0)
    if k == 31:
        return math.atan2(-1, b)
    return b


COUNT = 33


@pytest.fixture(scope="module")
def compiled_operations():
    return compile_trace(operations)


@pytest.mark.parametrize("k", range(COUNT))
def test_every_operation(compiled_operations, k):
    for a, b in ((0.7, 1.3), (-0.4, 2.5), (0.3, 0.3)):
        x = np.array([k, a, b])
        recorded, node = trace(compiled_operations, x, 6, LIMIT)
        assert value_of(recorded, node, x) == operations(x)
        assert recorded.decisions == [False] * min(k, COUNT - 1) + [True] * (k < COUNT - 1)


def powers(x):
    k, a, b = x[0], x[1], x[2]
    m = 3
    if k == 0:
        return a**2
    if k == 1:
        return a**3 + b**0
    if k == 2:
        return b**0.5
    if k == 3:
        return a**b
    if k == 4:
        return b**1.5
    if k == 5:
        return 2**a + 2.5**b
    if k == 6:
        return a**-1 + b**-2
    if k == 7:
        return a**m
    return math.pow(a, b)


@pytest.fixture(scope="module")
def compiled_powers():
    return compile_trace(powers)


@pytest.mark.parametrize("k", range(9))
def test_powers(compiled_powers, k):
    for a, b in ((0.7, 1.3), (1.9, 2.0)):
        x = np.array([k, a, b])
        recorded, node = trace(compiled_powers, x, 6, LIMIT)
        expected = powers(x)
        # Products instead of powers: a rounding for each, and one for the power's own.
        assert abs(value_of(recorded, node, x) - expected) <= 8 * 2.0**-53 * abs(expected)
        assert_right(recorded, node, x)


def test_angles_have_exact_derivatives():
    def angle(x):
        return math.atan2(x[0] * x[1], x[1] - 2.0)

    for x in ([0.7, 1.3], [-0.7, 0.1], [2.0, 3.0], [-1e-3, -2.0]):
        recorded, node = traced(angle, x)
        assert recorded.graph.nodes[node][0] == "atan2"
        assert_right(recorded, node, x)


# --- functions -----------------------------------------------------------------------------------


def rosenbrock(x):
    total = 0.0
    for i in range(len(x) - 1):
        total += 100.0 * (x[i + 1] - x[i] * x[i]) ** 2 + (1 - x[i]) ** 2
    return total


def himmelblau(x):
    a, b = x
    return (a * a + b - 11) ** 2 + (a + b * b - 7) ** 2


def test_rosenbrock_at_its_minimum():
    recorded, node = traced(rosenbrock, [1.0, 1.0])
    (value, _), (slopes, _), (H, _) = derivatives(recorded, node, [1.0, 1.0])
    assert value == 0.0
    np.testing.assert_array_equal(slopes, [0.0, 0.0])
    np.testing.assert_array_equal(H, [[802.0, -400.0], [-400.0, 200.0]])
    assert recorded.decisions == []
    assert recorded.error is None


def test_himmelblau_at_its_minimum():
    recorded, node = traced(himmelblau, [0.0, 0.0])
    (value, _), (slopes, _), (H, _) = derivatives(recorded, node, [3.0, 2.0])
    assert value == 0.0
    np.testing.assert_array_equal(slopes, [0.0, 0.0])
    # Himmelblau's Hessian there: 12x² + 4y − 42, 4(x + y), 4x + 12y² − 26.
    np.testing.assert_array_equal(H, [[74.0, 20.0], [20.0, 34.0]])
    np.testing.assert_allclose(np.linalg.eigvalsh(H), [25.7157287525, 82.2842712475], rtol=1e-11)


@njit
def helper(a, b):
    return math.tanh(a) * b


def test_a_function_may_call_others_and_take_slices():
    def inner(values):
        total = 0
        for value in values:
            total += value * value
        return total

    compiled = njit(inner)

    def f(x):
        return compiled(x[1:]) + helper(x[0], x[-1]) * x.size

    x = [0.5, -1.5, 2.5]
    recorded, node = traced(f, x)
    assert value_of(recorded, node, x) == 1.5 * 1.5 + 2.5 * 2.5 + math.tanh(0.5) * 2.5 * 3


def test_a_jitted_function_is_traced_as_its_source():
    recorded, node = traced(njit(himmelblau), [1.0, 2.0])
    assert value_of(recorded, node, [1.0, 2.0]) == himmelblau([1.0, 2.0])


def test_arguments_arrays_and_numbers():
    def f(x, A, shift):
        total = 0.0
        for i in range(len(x)):
            for j in range(len(x)):
                total += A[i, j] * x[i] * x[j]
        return total + shift

    A = np.array([[1.0, 2.0], [3.0, 4.0]])
    form = compile_trace(f, (A.T, 7))
    x = np.array([0.5, 2.0])
    recorded, node = trace(form, x, 4, LIMIT)
    assert value_of(recorded, node, x) == x @ A @ x + 7
    A[0, 0] = 100.0  # what is written into an array later counts
    recorded, node = trace(form, x, 4, LIMIT)
    assert value_of(recorded, node, x) == x @ A @ x + 7


@pytest.mark.parametrize(("function", "expected"), [
    (lambda x: 2.5, 2.5), (lambda x: 3, 3.0), (lambda x: True, 1.0), (lambda x: x[1], -2.0),
    (lambda x: len(x), 2.0), (lambda x: x[0] - x[0], 0.0),
])  # fmt: skip
def test_functions_that_compute_nothing(function, expected):
    recorded, node = traced(function, [1.0, -2.0])
    assert value_of(recorded, node, [1.0, -2.0]) == expected


def test_inputs_come_first_and_those_of_products_after():
    form = compile_trace(himmelblau)
    recorded, node = trace(form, np.array([1.0, 2.0]), 4, LIMIT)
    assert recorded.graph.nodes[:4] == [("input", i) for i in range(4)]
    assert all(max(recorded.graph.operands(k), default=0) not in (2, 3)
               for k in range(node + 1))  # fmt: skip


# --- branches ------------------------------------------------------------------------------------


def branches(x):
    if x[0] < x[1]:
        y = x[0] * x[0]
    elif x[0] >= 2.0:
        y = math.sin(x[0])
    else:
        y = x[1]
    while y > 1.0:
        y = y / 2
    return y


@pytest.mark.parametrize(("x", "decisions", "nodes"), [
    ([0.5, 1.0], [True, False], [("mul", 0, 0)]),
    ([1.5, 3.0], [True, True, True, False], None),
    ([3.0, 1.0], [False, True, False], [("sin", 0)]),
    ([1.0, 0.5], [False, False, False], []),
])  # fmt: skip
def test_the_branch_taken_is_the_expression(x, decisions, nodes):
    recorded, node = traced(branches, x)
    assert recorded.decisions == decisions
    assert value_of(recorded, node, x) == branches(x)
    if nodes is not None:
        ops = [n for n in recorded.graph.nodes[: node + 1] if n[0] not in ("input", "constant")]
        assert ops == nodes


COMPARISONS = (operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne)


def test_comparisons_are_those_of_numbers():
    def compare(x):
        score = 0.0
        if x[0] < x[1]:
            score += 1
        if x[0] <= x[1]:
            score += 2
        if x[0] > x[1]:
            score += 4
        if x[0] >= 1:
            score += 8
        if 1.0 == x[0]:  # noqa: SIM300  a number first
            score += 16
        if x[0] != x[1]:
            score += 32
        return score

    form = compile_trace(compare)
    for a in (0.0, 1.0, 2.0, math.nan, -0.0, math.inf):
        for b in (1.0, 0.0, math.nan, -math.inf):
            recorded, node = trace(form, np.array([a, b]), 4, LIMIT)
            expected = [op(a, b) for op in COMPARISONS]
            expected[3:5] = [a >= 1, a == 1.0]
            assert recorded.decisions == expected
            assert recorded.graph.value(node) == sum(2**k * t for k, t in enumerate(expected))


def test_decisions_may_depend_on_anything_computed():
    """Of exp, where the point itself says nothing; of a number that simplification dropped."""

    def f(x):
        y = math.exp(x[0]) * 1.0
        return y if y + 0.0 > 2.0 else -y

    form = compile_trace(f)
    for x, sign in ((1.0, 1.0), (0.1, -1.0)):
        recorded, node = trace(form, np.array([x]), 2, LIMIT)
        assert value_of(recorded, node, [x]) == sign * math.exp(x)


# --- what cannot be traced -----------------------------------------------------------------------


def too_long(x):
    s = x[0]
    for i in range(1000):
        s = math.sin(s + i)
    return s


def test_a_function_that_computes_too_much():
    form = compile_trace(too_long)
    with pytest.raises(TraceError, match="it computes more than 500 numbers"):
        trace(form, np.array([1.0]), 2, 500)
    recorded, node = trace(form, np.array([1.0]), 2, 3500)  # a constant, a sum and a sine each
    assert value_of(recorded, node, [1.0]) == too_long([1.0])


@pytest.mark.parametrize("loop", ["until it is large", "until it is small", "two decisions"])
def test_a_loop_that_never_ends_does_not_hang(loop):
    """When too much has been computed the loop still waits, and may wait for either outcome."""

    def until_large(x):
        s = x[0]
        while True:
            s = math.cos(s)
            if s > 1e9:
                break
        return s

    def until_small(x):
        s = x[0]
        while s > -1e9:
            s = s + 1.0
        return s

    def two(x):
        s = x[0]
        while True:
            s = s + 1.0
            if s < 0.0:
                s = s * 2.0
            elif s < -1.0:
                break
        return s

    function = {"until it is large": until_large, "until it is small": until_small,
                "two decisions": two}[loop]  # fmt: skip
    with pytest.raises(TraceError, match="more than 300"):
        trace(compile_trace(function), np.array([1.0]), 2, 300)


def test_a_function_that_raises(capfd):
    def f(x):
        if x[0] > 0.0:
            raise ValueError("positive")
        return x[0]

    form = compile_trace(f)
    with pytest.raises(TraceError, match="it raises an exception"):
        trace(form, np.array([1.0]), 2, LIMIT)
    assert trace(form, np.array([-1.0]), 2, LIMIT)[1] == 0
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("function", [
    lambda x: math.gamma(x[0]), lambda x: x[0].real_part, lambda x: "text", lambda x: x,
    lambda x: x[0] if x[0] else x[1], lambda x: undefined_name * x[0],  # noqa: F821
    lambda x, y: x[0], lambda x: int(x[0]),
], ids=["gamma", "attribute", "text", "array", "truth", "name", "arguments", "int"])  # fmt: skip
def test_functions_that_cannot_be_compiled(function):
    with pytest.raises(NumbaError):
        compile_trace(function)


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError("broken")])
def test_an_exception_while_recording_comes_out(monkeypatch, capfd, error):
    form = compile_trace(himmelblau)

    def fail(*args):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(tracing.Trace, "record", fail)
        with pytest.raises(error if isinstance(error, type) else type(error)):
            trace(form, np.array([1.0, 2.0]), 4, LIMIT)
    assert tracing._current is None
    recorded, node = trace(form, np.array([1.0, 2.0]), 4, LIMIT)
    assert value_of(recorded, node, [1.0, 2.0]) == himmelblau([1.0, 2.0])
    assert capfd.readouterr() == ("", "")


# --- threads -------------------------------------------------------------------------------------


def test_several_threads_trace_at_once():
    """Each gets its own graph, also while others fail and compile."""
    forms = {f: compile_trace(f) for f in (rosenbrock, himmelblau, branches, too_long)}
    alone = {f: trace(form, np.array([1.5, 3.0]), 4, LIMIT) for f, form in forms.items()}
    start = threading.Barrier(4)

    def work(k):
        start.wait()
        for turn in range(20):
            function = list(forms)[(k + turn) % 4]
            if turn % 7 == 3:
                with pytest.raises(TraceError):
                    trace(forms[too_long], np.array([1.5, 3.0]), 4, 50)
            recorded, node = trace(forms[function], np.array([1.5, 3.0]), 4, LIMIT)
            expected, expected_node = alone[function]
            assert (recorded.graph.nodes, node) == (expected.graph.nodes, expected_node)
            assert recorded.decisions == expected.decisions
        return traced(himmelblau, [1.0, float(k)])[1]

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(work, range(4)))) == 1
