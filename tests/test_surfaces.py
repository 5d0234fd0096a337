"""The catalogue's functions, and its critical points: exact, of the stated index, and all there."""

import copy
import itertools
import json
import math
import pickle
import re
import sys
from pathlib import Path

import mpmath
import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from reference import exact, intervals
from reference import surfaces as formulas

from saddlelab import surfaces

TRUTH = json.loads((Path(__file__).parent / "data" / "critical_points.json").read_text("utf-8"))
CATALOGUE = surfaces.catalogue()
#: Sums of functions of one variable each, for any number of them.
LIKE_AXES = ("double_well", "levy", "rastrigin", "styblinski_tang")


def sizes(name):
    """The first few numbers of variables."""
    return list(itertools.islice(CATALOGUE[name].dims, 4))


#: Every list of at most 500 points among these.
LISTS = [
    (name, n, known)
    for name, surface in CATALOGUE.items()
    for n in sizes(name)
    if (known := surface.points(n)) is not None and len(known) <= 500
]
NAMES_AND_SIZES = [(name, n) for name, n, _ in LISTS]
#: Complete lists of nondegenerate points in so few dimensions that all boxes can be searched; the
#: staircase, which has pieces, is proved by hand.
PROVABLE = [
    (name, n)
    for name, n, known in LISTS
    if known.complete and not known.zeros.any() and n <= (1 if name in LIKE_AXES else 2)
    if name != "staircase"
]


def sample(known, count=40):
    """Rows of the list, spread over it."""
    return range(0, len(known), 1 + len(known) // count)


# --- the list -----------------------------------------------------------------------------------


def test_there_are_many_and_most_have_known_points():
    assert len(surfaces.names()) >= 24
    assert len({name for name, _ in NAMES_AND_SIZES}) >= 24
    assert list(surfaces.names()) == sorted(set(surfaces.names()))


@pytest.mark.parametrize("name", surfaces.names())
def test_a_name_is_an_attribute_and_finds_its_surface(name):
    assert name.isidentifier()
    assert surfaces.get(name) is getattr(surfaces, name) is CATALOGUE[name]
    assert name in surfaces.__all__
    assert CATALOGUE[name].name == name


@pytest.mark.parametrize("name", surfaces.names())
def test_documented_with_formula_and_source(name):
    """A power or a function of something, and when it was published."""
    surface = CATALOGUE[name]
    assert re.search(r"[²³⁴⁶]|exp|sin|cos", surface.__doc__)
    assert re.search(r"\b(19|20)\d\d\b|MathWorks", surface.reference)


def test_the_catalogue_is_the_callers_own():
    surfaces.catalogue().clear()
    assert surfaces.catalogue() == CATALOGUE


@pytest.mark.parametrize("name", surfaces.names())
def test_pickles_by_name(name):
    surface = CATALOGUE[name]
    assert pickle.loads(pickle.dumps(surface)) is surface
    assert pickle.loads(pickle.dumps(surface.fun)) is surface.fun
    assert copy.deepcopy(surface) is surface


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: surfaces.get("himelblau"), "`name` .* got 'himelblau': did you mean 'himmelblau'"),
        (lambda: surfaces.get("saddle"), "did you mean .*_saddle"),
        (lambda: surfaces.get("qqq"), "none is like it"),
        (lambda: surfaces.himmelblau.points(3), "`n` must be 2 for himmelblau, got 3"),
        (lambda: surfaces.rosenbrock.bounds(1), "`n` must be at least 2 for rosenbrock, got 1"),
        (lambda: surfaces.lennard_jones.points(7), "`n` must be 6, 9, 12, … for lennard_jones"),
        (lambda: surfaces.wood([1.0, 2.0]), r"`len\(x\)` must be 4 for wood, got 2"),
        (lambda: surfaces.wood([[1.0] * 4]), r"`x` must be a vector, got shape \(1, 4\)"),
    ],
)
def test_errors_name_argument_rule_and_value(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_names_are_strings():
    with pytest.raises(TypeError, match="`name` must be a string, got 3"):
        surfaces.get(3)


# --- the functions ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", surfaces.names())
@given(data=st.data())
def test_the_function_is_its_formula(name, data):
    surface = CATALOGUE[name]
    n = data.draw(st.sampled_from(sizes(name)))
    bounds = surface.bounds(n)
    if name == "lennard_jones":  # a few σ apart: the energy of atoms in one place is infinite
        x = 1.2 * np.arange(n) + data.draw(vectors(np.tile([-0.1, 0.1], (n, 1))))
    else:
        x = data.draw(vectors(bounds))
    symbols, formula = formulas.expression(name, n)
    error = abs(surface(x) - exact.value(symbols, formula, x))
    assert error <= exact.rounding_error(symbols, formula, x)


def vectors(bounds):
    return st.tuples(*(st.floats(low, high) for low, high in bounds.tolist())).map(np.array)


def test_ackley_has_a_kink_at_its_minimum():
    """Slope 4 on either side of 0: 20/5."""
    assert [name for name, each in CATALOGUE.items() if not each.smooth] == ["ackley"]
    (x,), formula = formulas.expression("ackley", 1)
    assert sympy.limit(sympy.diff(formula, x), x, 0, "+") == 4
    assert sympy.limit(sympy.diff(formula, x), x, 0, "-") == -4


# --- the points ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "n"), NAMES_AND_SIZES)
def test_points_are_critical_to_the_last_bit(name, n):
    """Nondegenerate ones: every coordinate is the float nearest to the exact critical point's.

    Degenerate ones: the nearest critical point is as near as the rounding of its coordinates.
    """
    known = CATALOGUE[name].points(n)
    symbols, formula = formulas.expression(name, n)
    for i in sample(known):
        x = known.x[i]
        root = exact.critical_point_near(symbols, formula, x)
        if known.zeros[i] == 0:
            tiny = mpmath.mpf(10) ** -40  # an exact zero is known to the last of 50 digits only
            assert [float(r) if abs(r) > tiny else 0.0 for r in root] == x.tolist()
        else:
            distance = mpmath.norm([r - mpmath.mpf(t) for r, t in zip(root, x, strict=True)])
            assert distance <= exact.EPS * np.linalg.norm(x)


@pytest.mark.parametrize(("name", "n"), NAMES_AND_SIZES)
def test_values_and_indices_are_those_of_the_exact_hessian(name, n):
    known = CATALOGUE[name].points(n)
    symbols, formula = formulas.expression(name, n)
    # Sums of n values of one-dimensional lists are rounded n times; the others once.
    summed = name in (*LIKE_AXES, "bohachevsky") and n > 1
    slack = n * exact.EPS * np.abs(known.value).max() if summed else 0.0
    for i in sample(known):
        root = exact.critical_point_near(symbols, formula, known.x[i])
        value, _, H = exact.derivatives(symbols, formula, root)
        value = float(value) if abs(value) > 1e-40 else 0.0
        assert abs(value - known.value[i]) <= slack
        zeros, index = known.zeros[i], known.index[i]
        assert exact.inertia(H) == (index, zeros, n - index - zeros)


@pytest.mark.parametrize("name", surfaces.names())
def test_points_lie_inside_the_bounds_and_are_sorted(name):
    surface = CATALOGUE[name]
    for n in sizes(name):
        bounds, known = surface.bounds(n), surface.points(n)
        assert bounds.shape == (n, 2)
        assert (bounds[:, 0] < bounds[:, 1]).all()
        if known is None:
            continue
        assert known.x.shape == (len(known), n)
        assert known.x.dtype == known.value.dtype == np.float64
        assert known.index.dtype == known.zeros.dtype == np.int64
        assert ((bounds[:, 0] < known.x) & (known.x < bounds[:, 1])).all()
        assert len(np.unique(known.x, axis=0)) == len(known)
        assert np.lexsort((known.value, known.index)).tolist() == list(range(len(known)))


def test_degenerate_is_said_where_it_is_so():
    for name, surface in CATALOGUE.items():
        lists = [known for other, _, known in LISTS if other == name]
        some = any(known.zeros.any() or not known.complete for known in lists)
        assert surface.degenerate == some, name


def test_what_is_not_known_is_none():
    assert surfaces.ackley.points() is None
    assert surfaces.rosenbrock.points(30) is None
    assert surfaces.griewank.points(3) is None
    assert surfaces.rastrigin.points(1_000_000) is None


def test_indices_of_separable_surfaces_are_binomial():
    for n in range(1, 8):
        counts = np.bincount(surfaces.styblinski_tang.points(n).index)
        assert counts.tolist() == [math.comb(n, k) * 2 ** (n - k) for k in range(n + 1)]


def test_indices_of_the_linear_network_follow_baldi_and_hornik():
    """(p − k)(n − k) + #{(i kept, j not): σ_j > σ_i}, with p = n = 2."""
    known = surfaces.deep_linear.points()
    for x, index in zip(known.x, known.index, strict=True):
        product = x[4:].reshape(2, 2) @ x[:4].reshape(2, 2)
        kept = np.diag(product) > 0
        k = kept.sum()
        assert index == (2 - k) ** 2 + (kept[1] and not kept[0])


def test_lennard_jones_clusters_in_closed_form():
    """The chain −(129/16)²/(4 · 8193/1024) and the square −17²/(4 · 129/8), with s = r⁻⁶."""
    chain = surfaces.lennard_jones.points(9).value
    assert chain[-1] == -float(sympy.Rational(129, 16) ** 2 / (4 * sympy.Rational(8193, 1024)))
    assert surfaces.lennard_jones.points(12).value[-1] == -289 / 64.5


# --- are these all? -----------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "n"), PROVABLE)
def test_lists_are_proved_complete(name, n, record_property):
    """By interval arithmetic; terms of separable surfaces one by one, below."""
    surface = CATALOGUE[name]
    symbols, formula = formulas.expression(name, n)
    boxes = intervals.prove_complete(symbols, formula, surface.bounds(n), surface.points(n).x)
    record_property("boxes", boxes)


@pytest.mark.parametrize("name", LIKE_AXES)
def test_terms_of_separable_surfaces_are_proved_complete(name):
    surface, n = CATALOGUE[name], 3
    symbols, formula = formulas.expression(name, n)
    known = surface.points(n)
    for s, t in itertools.combinations(symbols, 2):
        assert sympy.diff(formula, s, t) == 0
    axes = [np.unique(column) for column in known.x.T]
    assert len(known) == math.prod(map(len, axes))
    for i, axis in enumerate(axes):
        term = formula.subs({s: 0 for s in symbols if s != symbols[i]})
        intervals.prove_complete((symbols[i],), term, surface.bounds(n)[i : i + 1], axis[:, None])


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_rosenbrock_has_no_more_critical_points(n):
    """Elimination from the first variable on; the roots of what remains are counted exactly."""
    symbols, formula = formulas.expression("rosenbrock", n)
    known = {}
    for i in range(n - 1):
        (following,) = sympy.solve(sympy.diff(formula, symbols[i]), symbols[i + 1])
        known[symbols[i + 1]] = sympy.factor(following.subs(known))
    last = sympy.numer(sympy.factor(sympy.diff(formula, symbols[-1]).subs(known)))
    assert sympy.Poly(last, symbols[0]).count_roots() == len(surfaces.rosenbrock.points(n))
    # Nothing was lost by dividing by x_i: where it is 0, ∂f/∂x_i = −200 x_{i−1}² − 2 < 0.
    for i in range(n - 1):
        slope = sympy.diff(formula, symbols[i]).subs(symbols[i], 0)
        assert slope == -2 - (200 * symbols[i - 1] ** 2 if i else 0)


def test_staircase_has_no_more_critical_points():
    """What the proof beside it says of h and of the factor a; that both are C² besides."""
    x, e = sympy.symbols("x e", positive=True)
    (s,), h = formulas.expression("staircase", 1)
    (first, second), two = formulas.expression("staircase", 2)
    factor = (two.subs({first: x, second: e}) - h.subs(s, x) - 2 * e**2) / (h.subs(s, e) - 2 * e**2)
    h, factor = h.subs(s, x), sympy.simplify(factor.subs(e, 4))
    pieces = ((0, 1), (1, 2), (2, 6))
    for f, k, (left, right) in itertools.product((h, factor), range(3), itertools.pairwise(pieces)):
        ends = [on(sympy.diff(f, x, k), x, *piece).subs(x, left[1]) for piece in (left, right)]
        assert ends[0] == ends[1]
    slopes = {piece: sympy.Poly(on(sympy.diff(h, x), x, *piece), x) for piece in pieces}
    for (a, b), slope in slopes.items():
        roots = [r for r in sympy.real_roots(slope) if a < r <= b]
        assert roots == ([4] if b == 6 else [])
        assert slope.eval(sympy.Rational(a + b, 2) if b < 6 else 3) < 0
    assert slopes[2, 6].eval(5) > 0
    for piece in pieces:
        rise = on(sympy.diff(factor, x), x, *piece)
        assert rise == (0 if piece != (1, 2) else sympy.expand(30 * (x - 1) ** 2 * (2 - x) ** 2))
        under = sympy.Poly(on(h - 2 * x**2, x, *piece), x)
        assert not [r for r in sympy.real_roots(under) if piece[0] < r < piece[1]]
        assert under.eval(sympy.Rational(sum(piece), 2)) < 0


def on(expression, x, a, b):
    """The polynomial that a piecewise one is on (a, b)."""
    middle = sympy.Rational(a + b, 2)
    inside = expression.replace(
        lambda e: isinstance(e, sympy.Piecewise),
        lambda e: next(piece for piece, where in e.args if where.subs(x, middle)),
    )
    return sympy.expand(inside)


def test_wood_has_no_more_critical_points():
    symbols, formula = formulas.expression("wood", 4)
    a, b, c, d = symbols
    linear = sympy.solve([sympy.diff(formula, b), sympy.diff(formula, d)], [b, d])
    p, q = (sympy.expand(sympy.diff(formula, s).subs(linear)) for s in (a, c))
    # For a given a, p fixes c² and then q, which is odd in c but for a constant, fixes c.
    assert sympy.Poly(p, c).monoms() == [(2,), (0,)]
    assert sympy.Poly(q, c).monoms() == [(3,), (1,), (0,)]
    assert sympy.Poly(sympy.resultant(p, q, c), a).count_roots() == len(surfaces.wood.points())


def test_a_missing_or_a_false_point_is_noticed():
    symbols, formula = formulas.expression("himmelblau", 2)
    known, bounds = surfaces.himmelblau.points().x, surfaces.himmelblau.bounds()
    with pytest.raises(ArithmeticError, match="undecided"):
        intervals.prove_complete(symbols, formula, bounds, known[1:], most=20_000)
    with pytest.raises(ArithmeticError, match="no critical point can be proved"):
        intervals.prove_complete(symbols, formula, bounds, np.vstack([known, [[0.0, 0.0]]]))


# --- the certified lists ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        ("quadratic_saddle", "quadratic_saddle"),
        ("himmelblau", "himmelblau"),
        ("rosenbrock", "rosenbrock"),
        ("six_hump_camel", "six_hump_camel"),
        ("muller_brown", "muller_brown"),
        ("sin4x_cos4y", "sin_cos"),
        ("styblinski_tang_2d", "styblinski_tang"),
        ("rastrigin_2d", "rastrigin"),
        ("booth", "booth"),
    ],
)
def test_agrees_with_the_certified_lists(entry, name):
    """Within the certified box: the same points, the same floats, the same index."""
    truth, known = TRUTH["functions"][entry], CATALOGUE[name].points(2)
    low, high = np.array(truth["box"]).reshape(2, 2).T
    inside = ((low <= known.x) & (known.x <= high)).all(axis=1)
    ours = {
        tuple(x): (value, index)
        for x, value, index in zip(
            known.x[inside].tolist(), known.value[inside], known.index[inside], strict=True
        )
    }
    assert len(ours) == len(truth["points"])
    for point in truth["points"]:
        value, index = ours[tuple(map(float, point["x"]))]
        assert index == point["index"]
        assert abs(value - float(point["f"])) <= 2 * exact.EPS * abs(value)


@pytest.mark.parametrize(
    ("entry", "name", "n"),
    [
        ("monkey_saddle", "monkey_saddle", 2),
        ("one_minus_w1w2_sq", "two_weights", 2),
        ("quadratic_10d", "ten_saddle", 10),
    ],
)
def test_agrees_with_the_analytic_ones_at_the_origin(entry, name, n):
    point = TRUTH["functions"][entry]["points"][0]
    known = CATALOGUE[name].points(n)
    (row,) = np.flatnonzero((known.x == 0).all(axis=1))
    eigenvalues = np.array(point["eigenvalues"], float)
    assert known.value[row] == float(point["f"])
    assert known.index[row] == point["index"] == np.sum(eigenvalues < 0)
    assert known.zeros[row] == np.sum(eigenvalues == 0)


@pytest.mark.parametrize(
    ("entry", "name"),
    [("styblinski_tang_nd", "styblinski_tang"), ("rastrigin_nd_in_box_1p5", "rastrigin")],
)
def test_agrees_with_the_certified_lists_of_one_variable(entry, name):
    known = CATALOGUE[name].points(1)
    columns = known.x[:, 0].tolist(), known.value, known.index
    rows = {x: (value, index) for x, value, index in zip(*columns, strict=True)}
    for root in TRUTH["functions"][entry]["one_d"]:
        value, index = rows[float(root["t"])]
        assert value == float(root["f"])
        assert index == (float(root["second"]) < 0)


def test_sizes_beyond_any_list_cost_nothing():
    assert surfaces.styblinski_tang.points(sys.maxsize - 1) is None
