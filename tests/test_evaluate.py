"""Programs on the machine: every lane, every width, and bounds that hold beside mpmath."""

import itertools
import math
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import graphs
import mpmath
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from reference import graph as reference

from saddlecore import exact, forms
from saddlecore.evaluate import describe, evaluate, program_form, program_form_lanes
from saddlecore.exact import Expression
from saddlecore.folding import scalar
from saddlecore.graph import Graph, gradient, hessian, hvp
from saddlecore.operations import ARITY
from saddlecore.program import assemble

U = 2.0**-53
MAX_ULPS = 4  # glibc's promise for libmvec
INF, NAN = math.inf, math.nan
SPECIAL = [0.0, -0.0, 0.5, 1.0, -1.0, 2.0, -3.0, -2.5, 0.7, 30.0, -30.0, 1e16, -1e16, 1e19, 1e300,
           -1e300, 1e-300, 5e-324, -5e-324, 800.0, -800.0, INF, -INF, NAN]  # fmt: skip


def columns_of(program):
    """Output k to column k."""
    return np.repeat(np.arange(program.outputs), 2).reshape(-1, 2)


def run(program, X, bounds=False):
    """Outputs of a program at points (m, n), and bounds of their errors if wanted."""
    X = np.ascontiguousarray(X, np.float64).reshape(-1, program.inputs)
    out = np.full((len(X), program.outputs), NAN)
    errors = np.full_like(out, NAN) if bounds else np.empty((0, 0))
    evaluate(program.code, program.constants, program.slots, X, columns_of(program), out, errors)
    return (out, errors) if bounds else out


def run_form(program, X, width):
    """The same by the address of the form in 1 or 8 lanes; X has that many points."""
    address = {1: program_form, forms.LANES: program_form_lanes}[width]()
    x = np.ascontiguousarray(np.asarray(X, np.float64).reshape(width, program.inputs).T)
    out, header = np.full((program.outputs, width), NAN), describe(program)
    forms.call(address, x, program.inputs, out, header.ctypes.data)
    return out.T


def bits(x):
    """The bits of floats, every NaN the same."""
    x = np.asarray(x, np.float64)
    return np.where(np.isnan(x), NAN, x).view(np.int64)


def assert_same_bits(found, expected):
    np.testing.assert_array_equal(bits(found), bits(expected))


def with_derivatives(nodes, n):
    """(graph, nodes of f, gradient, lower triangle of H, and H v) of a drawn function."""
    graph, place = graphs.graph_of(nodes, 2 * n)
    slopes = gradient(graph, place[-1], n)
    lower, products = hessian(graph, slopes, 10**6), hvp(graph, slopes, n)
    return graph, [place[-1], *slopes, *lower, *products]


# --- every operation, in every lane --------------------------------------------------------------


def one_operation(name):
    graph = Graph(ARITY[name])
    return assemble(graph, [graph.apply(name, *range(ARITY[name]))], ARITY[name])


def assert_near(found, expected, name, x):
    if name in graphs.ARITHMETIC:
        assert_same_bits(found, expected)
        return
    with np.errstate(invalid="ignore", over="ignore"):
        gap = np.abs(found - expected)
        # 1/cosh and the scalar 2e/(1 + e²) are rounded once or thrice more.
        ulps = 2 * MAX_ULPS if name == "sech" else MAX_ULPS
        near = gap <= ulps * np.spacing(np.abs(expected))
    same = (found == expected) | (np.isnan(found) & np.isnan(expected)) | near
    assert same.all(), (name, x[~same][0], found[~same][0], expected[~same][0])


@pytest.mark.parametrize("name", graphs.ALL)
def test_every_operation_at_special_numbers_in_every_width(name):
    program = one_operation(name)
    X = np.array(list(itertools.product(SPECIAL, repeat=ARITY[name])))
    expected = np.array([[scalar(name, *x)] for x in X.tolist()])
    assert_near(run(program, X), expected, name, X)
    eight = np.concatenate([run(program, X[i : i + 8]) for i in range(0, len(X), 8)])
    assert_same_bits(eight, run(program, X))
    assert_near(np.concatenate([run_form(program, x, 1) for x in X]), expected, name, X)
    if len(X) % 8 == 0:
        lanes = np.concatenate([run_form(program, X[i : i + 8], 8) for i in range(0, len(X), 8)])
        assert_same_bits(lanes, eight)


@pytest.mark.parametrize("name", graphs.ALL)
@given(st.lists(st.tuples(*[st.floats(width=64) | st.floats(-9.0, 9.0)] * 2), min_size=1))
def test_every_operation_anywhere(name, points):
    program, X = one_operation(name), np.array(points)[:, : ARITY[name]]
    expected = np.array([[scalar(name, *x)] for x in X.tolist()])
    assert_near(run(program, X), expected, name, X)
    assert_near(run_form(program, X[:1], 1), expected[:1], name, X)


# --- random functions ----------------------------------------------------------------------------


@given(graphs.functions(operations=graphs.ARITHMETIC, longest=12))
def test_plain_numbers_and_lanes_are_the_graph_bit_for_bit(function):
    nodes, x = function
    graph, outputs = with_derivatives(nodes, len(x))
    both = [*x, *x[::-1]]
    found = graphs.in_floats(graph, both)
    expected = np.array([[found[k] for k in outputs]])
    program = assemble(graph, outputs, len(both))
    assert_same_bits(run_form(program, both, 1), expected)
    assert_same_bits(run_form(program, [both] * 8, 8), np.repeat(expected, 8, axis=0))
    assert_same_bits(run(program, [both]), expected)
    assert_same_bits(run(program, [both] * 9), np.repeat(expected, 9, axis=0))


@given(graphs.functions(longest=10), st.sampled_from([1, 7, 8, 9, 31, 32, 33, 65]))
def test_a_point_has_the_same_bits_in_every_lane_and_company(function, m):
    """8 and 32 lanes, with and without bounds; points where nothing is defined among them."""
    nodes, x = function
    graph, outputs = with_derivatives(nodes, len(x))
    program = assemble(graph, outputs, 2 * len(x))
    rng = np.random.default_rng(m)
    X = np.tile(x, (m, 2)) + rng.choice([0.0, 1e-3, 7.0, NAN], (m, 2 * len(x)))
    together, bounds = run(program, X, bounds=True)
    assert_same_bits(run(program, X), together)
    alone = [run(program, point, bounds=True) for point in X]
    assert_same_bits(np.concatenate([out for out, _ in alone]), together)
    assert_same_bits(np.concatenate([error for _, error in alone]), bounds)
    if m == 8:
        assert_same_bits(run_form(program, X, 8), together)


def test_no_points():
    assert run(one_operation("mul"), np.empty((0, 2)), bounds=True)[0].shape == (0, 1)


# --- bounds of rounding errors -------------------------------------------------------------------

# Operands whose relative error must be small for an error to be of first order in it.
_DIVISOR = {"div": (1,), "pow": (0, 1), "atan2": (0, 1), "log": (0,), "log2": (0,), "log10": (0,),
            "log1p": (0,), "asin": (0,), "acos": (0,), "tan": (0,)}  # fmt: skip
_GROWING = ("exp", "exp2", "expm1", "sinh", "cosh", "sech", "pow")
_NEGLIGIBLE = 1e-7


def needed_by(graph, outputs):
    needed = set(outputs)
    for node in range(len(graph) - 1, -1, -1):
        if node in needed:
            needed.update(graph.operands(node))
    return sorted(needed)


def of_first_order(graph, needed, values, errors):
    """Whether no error is so large that its square matters, and nothing is near underflow."""
    for node in needed:
        name, operands = graph.nodes[node][0], graph.operands(node)
        if not math.isfinite(values[node]) or 0.0 < abs(values[node]) < 1e-280:
            return False
        divided = [operands[k] for k in _DIVISOR.get(name, ())]
        if any(errors[k] > _NEGLIGIBLE * min(1.0, abs(values[k])) for k in divided):
            return False
        if name in _GROWING and max(errors[k] for k in operands) > _NEGLIGIBLE:
            return False
    return True


def errors_and_bounds(nodes, x, v):
    """|computed − exact| and its bound for f, ∇f, H and H v; None where first order is not all."""
    n = len(x)
    graph, outputs = with_derivatives(nodes, n)
    needed = needed_by(graph, outputs)
    found, bounds = run(assemble(graph, needed, 2 * n), [*x, *v], bounds=True)
    values = dict(zip(needed, found[0].tolist(), strict=True))
    errors = dict(zip(needed, bounds[0].tolist(), strict=True))
    if not of_first_order(graph, needed, values, errors):
        return None
    value, slopes, H = reference.taylor(nodes, x)[-1]
    with mpmath.workdps(reference.DIGITS):
        lower = [H[i][j] for i in range(n) for j in range(i + 1)]
        products = [sum(H[i][j] * v[j] for j in range(n)) for i in range(n)]
        truths = [value, *slopes, *lower, *products]
        gaps = [abs(values[k] - t) for k, t in zip(outputs, truths, strict=True)]
    return np.array(gaps, float), np.array([errors[k] for k in outputs]), np.array(truths, float)


@given(graphs.functions(longest=15), st.data())
def test_bounds_hold(function, data):
    nodes, x = function
    v = data.draw(st.lists(graphs.coordinates, min_size=len(x), max_size=len(x)))
    case = errors_and_bounds(nodes, x, v)
    assume(case is not None)
    gaps, bounds, _ = case
    assert (gaps <= bounds * (1 + 100 * _NEGLIGIBLE)).all(), (gaps, bounds)


def test_bounds_are_not_loose(record_property):
    """Beside the error, or one rounding of the result where the error happens to be less."""
    rng, ratios, kept = np.random.default_rng(5), [], 0
    for _ in range(100):
        nodes, x = graphs.random_function(rng, length=15)
        case = errors_and_bounds(nodes, x, rng.normal(size=len(x)).tolist())
        if case is not None:
            kept += 1
            gaps, bounds, truths = case
            assert (gaps <= bounds * (1 + 100 * _NEGLIGIBLE)).all()
            rounded = (bounds > 0) & (truths != 0)
            scale = np.maximum(gaps, U * np.abs(truths))[rounded]
            ratios.extend((bounds[rounded] / scale).tolist())
    record_property("functions whose bounds were compared", kept)
    record_property("median of bound / error", f"{np.median(ratios):.1f}")
    record_property("nine in ten below", f"{np.quantile(ratios, 0.9):.0f}")
    assert kept > 70
    assert np.median(ratios) < 64


def blurred(name):
    """An operation on numbers that lost half of their digits: (x + 2²⁷) − 2²⁷."""
    arity = ARITY[name]
    nodes = [*(("input", i) for i in range(arity)), ("constant", 2.0**27)]
    for i in range(arity):
        nodes += [("add", i, arity), ("sub", len(nodes), arity)]
    return [*nodes, (name, *(arity + 2 + 2 * i for i in range(arity)))]


@pytest.mark.parametrize("name", graphs.ALL)
def test_each_operation_passes_errors_on(name):
    """Errors of operands far above the rounding of the operation itself."""
    rng, nodes = np.random.default_rng(11), blurred(name)
    graph, place = graphs.graph_of(nodes, ARITY[name])
    program, ratios = assemble(graph, [place[-1]], ARITY[name]), []
    while len(ratios) < 60:
        x = rng.uniform(-4.0, 4.0, ARITY[name]).tolist()
        if graphs.is_harmless(name, x):
            found, bound = run(program, x, bounds=True)
            gap = abs(found[0, 0] - reference.values(nodes, x)[-1])
            assert gap <= bound[0, 0] * (1 + 1e4 * 2.0**-26), (x, gap, bound)
            ratios.append(float(bound[0, 0] / max(gap, U * abs(found[0, 0]), 1e-300)))
    assert np.median(ratios) < 16


def test_constants_have_the_errors_of_their_folding():
    graph = Graph(1)
    third = graph.div(graph.constant(1.0), graph.constant(3.0))
    outputs = [graph.constant(0.1), third, graph.mul(third, 0), graph.add(third, third)]
    found, bounds = run(assemble(graph, outputs, 1), [1.0], bounds=True)
    np.testing.assert_array_equal(found[0], [0.1, 1 / 3, 1 / 3, 2 / 3])
    off = float(Fraction(1, 3) - Fraction(1 / 3))
    np.testing.assert_array_equal(bounds[0], [0.0, off, off + U * (1 / 3), 2 * off])


def test_bounds_of_steps_reach_across_them():
    """x² is rounded to y: which side of y it lies on, its rounded value does not tell."""
    x = 1.0 + 2.0**-30
    y = x * x
    assert (mpmath.mpf(x) ** 2).ae(y)
    graph = Graph(2)
    square = graph.mul(0, 0)
    gap = graph.sub(square, 1)
    outputs = [graph.greater(square, 1), graph.sign(gap), graph.floor(gap), graph.sign(0),
               graph.greater(0, 1), graph.floor(0)]  # fmt: skip
    found, bounds = run(assemble(graph, outputs, 2), [x, y], bounds=True)
    np.testing.assert_array_equal(found, [[0.0, 0.0, 0.0, 1.0, 0.0, 1.0]])
    np.testing.assert_array_equal(bounds, [[1.0, 2.0, 1.0, 0.0, 0.0, 0.0]])


def test_bounds_at_zeros_of_roots_powers_and_angles_are_numbers():
    """0 known exactly is no reason for a bound that says nothing."""
    graph = Graph(2)
    outputs = [graph.sqrt(0), graph.pow(0, graph.constant(1.5)), graph.atan2(0, 1),
               graph.mul(0, 1), graph.tanh(0), graph.div(0, 1)]  # fmt: skip
    found, bounds = run(assemble(graph, outputs, 2), [0.0, 1.0], bounds=True)
    np.testing.assert_array_equal(found, np.zeros((1, 6)))
    np.testing.assert_array_equal(bounds, np.zeros((1, 6)))


def test_a_cancelled_difference_under_a_root():
    """√(x² − y) where x² − y is nothing but rounding: the bound is of the size of √u."""
    x = 1.0 + 2.0**-30
    graph = Graph(2)
    root = graph.sqrt(graph.sub(graph.mul(0, 0), 1))
    found, bounds = run(assemble(graph, [root], 2), [x, x * x], bounds=True)
    with mpmath.workdps(50):
        exact_gap = abs(mpmath.mpf(x) ** 2 - mpmath.mpf(x * x))
        assert mpmath.sqrt(exact_gap) <= bounds[0, 0] <= 2 * math.sqrt(U) * x
    assert found[0, 0] == 0.0


# --- where outputs go ----------------------------------------------------------------------------


@pytest.mark.parametrize("m", [1, 8, 9, 33])
def test_targets_scatter(m):
    graph = Graph(2)
    program = assemble(graph, [graph.mul(0, 1), graph.add(0, 1), 0], 2)
    X = np.random.default_rng(m).normal(size=(m, 2))
    targets = np.array([[5, 1], [0, 0], [3, 6]])
    out, errors = np.full((m, 8), 77.0), np.full((m, 8), 77.0)
    evaluate(program.code, program.constants, program.slots, X, targets, out, errors)
    product, total = X[:, 0] * X[:, 1], X[:, 0] + X[:, 1]
    expected = np.full((m, 8), 77.0)
    expected[:, [5, 1]], expected[:, 0] = product[:, None], total
    expected[:, [3, 6]] = X[:, :1]
    assert_same_bits(out, expected)
    expected[:, [5, 1]], expected[:, 0] = U * np.abs(product)[:, None], U * np.abs(total)
    expected[:, [3, 6]] = 0.0
    assert_same_bits(errors, expected)


@pytest.mark.parametrize("m", [1, 8, 9, 33])
def test_programs_of_little(m):
    """No outputs; constants; inputs; the same output twice."""
    graph = Graph(2)
    X = np.random.default_rng(m).normal(size=(m, 2))
    out = np.full((m, 3), 77.0)
    none = assemble(graph, [], 2)
    evaluate(none.code, none.constants, none.slots, X, columns_of(none), out, np.empty((0, 0)))
    assert (out == 77.0).all()
    one, product = graph.constant(1.0), graph.mul(0, 1)
    found = run(assemble(graph, [one, 1, product, one, product], 2), X)
    expected = np.stack([np.ones(m), X[:, 1], X[:, 0] * X[:, 1]], axis=1)
    assert_same_bits(found, expected[:, [0, 1, 2, 0, 2]])


def test_a_lane_keeps_its_nan_to_itself():
    X = np.random.default_rng(3).uniform(0.5, 2.0, (33, 1))
    X[[2, 20, 32]] = [[NAN], [INF], [-1.0]]
    graph = Graph(1)
    program = assemble(graph, [graph.log(graph.sqrt(0))], 1)
    found, bounds = run(program, X, bounds=True)
    assert np.flatnonzero(~np.isfinite(found)).tolist() == [2, 20, 32]
    clean = np.delete(np.arange(33), [2, 20, 32])
    assert_same_bits(found[clean], run(program, X[clean]))
    assert np.isfinite(bounds[clean]).all()


def test_threads_share_nothing():
    nodes, x = graphs.random_function(np.random.default_rng(8), length=20)
    graph, outputs = with_derivatives(nodes, len(x))
    program = assemble(graph, outputs, 2 * len(x))
    X = np.random.default_rng(9).normal(size=(1000, 2 * len(x)))
    expected = run(program, X)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: run(program, X), range(8)):
            assert_same_bits(found, expected)


# --- the disk cache ------------------------------------------------------------------------------

CACHED = """
import sys
import numpy as np
from numba.core.ccallback import CFunc
from numba.core.dispatcher import Dispatcher

if sys.argv[1] == "again":
    def refuse(*args):
        raise AssertionError("compiled again")
    CFunc._compile_uncached = refuse

from saddlecore import forms
from saddlecore.evaluate import describe, evaluate, program_form, program_form_lanes
from saddlecore.graph import Graph
from saddlecore.program import assemble

graph = Graph(2)
# Each calls the vector math library: a symbol that a cached kernel must find again.
node = graph.sin(graph.mul(graph.exp(0), graph.tanh(1)))
program = assemble(graph, [node, graph.pow(graph.abs(0), 1), graph.atan2(0, 1)], 2)
header = describe(program)
x, out = np.linspace(-1.0, 2.0, 16), np.zeros(3 * 9)
forms.call(program_form(), x, 2, out, header.ctypes.data)
forms.call(program_form_lanes(), x, 2, out[3:], header.ctypes.data)
all_points = np.zeros((20, 3))
targets = np.array([[0, 0], [1, 1], [2, 2]])
X = np.random.default_rng(0).normal(size=(20, 2))
evaluate(program.code, program.constants, program.slots, X, targets, all_points, all_points[:0])
if sys.argv[1] == "again":
    assert sum(evaluate.stats.cache_hits.values()) == 1
np.save(sys.argv[2], np.concatenate([out, all_points.ravel()]))
"""


def test_cached_forms_load_in_a_fresh_process_and_give_the_same_numbers(tmp_path):
    found = []
    for turn in ("first", "again"):
        environ = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache"),
                   "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", CACHED, turn, str(tmp_path / turn)],
            env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
            timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        found.append(np.load(tmp_path / f"{turn}.npy"))
    assert np.isfinite(found[0]).all()
    assert_same_bits(*found)


# --- expressions ---------------------------------------------------------------------------------


def run_expression(made, X, columns):
    program, targets = made
    out = np.zeros((len(X), columns))
    evaluate(program.code, program.constants, program.slots, X, targets, out, np.empty((0, 0)))
    return out


@given(graphs.functions(longest=10))
def test_an_expression_has_programs_for_all_its_derivatives(function):
    nodes, x = function
    n = len(x)
    graph, place = graphs.graph_of(nodes, 2 * n)
    expression = Expression(graph, place[-1], n)
    X = np.array([x, x[::-1], np.ones(n)])
    value = run_expression(expression.value, X, 1)
    slopes = run_expression(expression.gradient, X, n)
    H = run_expression(expression.hessian, X, n * n).reshape(3, n, n)
    assert_same_bits(H, H.transpose(0, 2, 1))
    rows = np.tril_indices(n)
    second = run_expression(expression.second, X, 1 + n + len(rows[0]))
    everything = np.concatenate([value, slopes, H[:, *rows]], axis=1)
    # An entry that is always 0 is not computed, whatever NaN the rest is.
    assert_same_bits(second, everything)
    occupied = {(i, j) for i, j in expression.pattern.tolist()}
    assert all(j < i for i, j in occupied)
    for i, j in zip(*np.tril_indices(n, -1), strict=True):
        assert (i, j) in occupied or (H[:, i, j] == 0.0).all()
    columns, off = run(expression.second[0], x, bounds=True)
    lower, lower_off = columns[0, 1 + n :], off[0, 1 + n :]
    for j in range(n):
        found, bounds = run(expression.hvp[0], [*x, *np.eye(n)[j]], bounds=True)
        k = [max(i, j) * (max(i, j) + 1) // 2 + min(i, j) for i in range(n)]
        assert (np.abs(found[0] - lower[k]) <= bounds[0] + lower_off[k]).all()


def test_an_expression_whose_hessian_is_too_long_has_none(monkeypatch):
    monkeypatch.setattr(exact, "_LONGEST", 10)
    graph = Graph(8)
    total = graph.mul(0, 1)
    for i in range(4):
        total = graph.add(total, graph.exp(graph.mul(total, i)))
    expression = Expression(graph, total, 4)
    assert expression.hessian is expression.second is expression.pattern is None
    assert expression.gradient[0].outputs == expression.hvp[0].outputs == 4
