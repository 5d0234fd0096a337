"""The search for critical points: all that are known, nothing else, the same bits every time."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import critical as reference
from reference import exact
from reference import surfaces as formulas
from scipy.optimize import Bounds

from saddlelab import critical_points, objective, surfaces
from saddlelab.critical_result import _unseen

EPS = np.finfo(float).eps
KINDS = ("minimum", "saddle", "maximum", "degenerate", "undecided")
#: Complete lists of at most 500 points, of the first few numbers of variables.
COMPLETE = [
    (name, n)
    for name, surface in surfaces.catalogue().items()
    for n in itertools.islice(surface.dims, 4)
    if (known := surface.points(n)) is not None and known.complete and len(known) <= 500
]
#: Of those the ones where no Hessian is singular, of few variables.
SHARP = [
    (name, n)
    for name, n in COMPLETE
    if n <= 5 and not surfaces.get(name).points(n).zeros.any()
]
FIELDS = ("x", "value", "gradient_norm", "index", "kind", "zeros", "certified", "eigenvalues",
          "vectors", "error", "flatness", "found")  # fmt: skip


def accounts(found):
    """What every result keeps to."""
    k, n = found.x.shape
    assert len(found) == k
    assert found.bounds.shape == (n, 2)
    assert sum(found.ends.values()) == found.starts
    assert found.found.sum() == found.ends["converged"]
    assert (found.found > 0).all()
    # Sorted by value to twelve digits, then by position.
    unit = 1e-12 * np.abs(found.value).max(initial=1e-290)
    assert (np.diff(found.value) >= -unit).all()
    keys = np.column_stack([np.round(found.value / unit), found.x]).tolist()
    assert keys == sorted(keys)
    assert set(found.kind) <= set(KINDS)
    np.testing.assert_array_equal(found.kind == "minimum", found.certified & (found.index == 0))
    np.testing.assert_array_equal(found.kind == "maximum", found.certified & (found.index == n))
    np.testing.assert_array_equal(found.kind == "degenerate", found.zeros > 0)
    assert (np.diff(found.eigenvalues, axis=1) >= 0).all()
    shapes = found.eigenvalues.shape, found.vectors.shape
    assert shapes == ((k, n), (k, n, n))
    low, high = found.bounds.T
    slack = 1e-12 * (high - low)
    assert ((low - slack <= found.x) & (found.x <= high + slack)).all()


def matched(found, known):
    """For each known point the row of the result that is nearest; as many and no other."""
    assert len(found) == len(known)
    width = np.ptp(found.bounds, axis=1)
    distance = (np.abs(found.x[None] - known.x[:, None]) / width).max(axis=2)
    rows = distance.argmin(axis=1)
    assert sorted(rows) == list(range(len(known)))
    return rows


def spacing_of_roots(H, x, width):
    """How far a root of ∇f may be off, where ∇f is rounded like n + 8 terms of size |H||x|."""
    n = len(x)
    blur = (n + 8) * EPS * np.abs(H) @ (np.abs(x) + 1e-3 * width)
    return np.abs(np.linalg.inv(H)) @ blur


def sample(known, count=12):
    return range(0, len(known), 1 + len(known) // count)


# --- the catalogue ------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "n"), COMPLETE)
def test_all_known_points_are_found_and_nothing_else(name, n):
    surface = surfaces.get(name)
    known = surface.points(n)
    found = critical_points(surface, surface.bounds(n), rng=0)
    accounts(found)
    rows = matched(found, known)
    np.testing.assert_array_equal(found.zeros[rows], known.zeros)
    if known.zeros.any():
        assert (found.kind == "degenerate").all()
        return
    np.testing.assert_array_equal(found.index[rows], known.index)
    assert found.certified.all()
    assert found.missing == 0
    assert found.coverage == 1
    assert found.euler == np.sum((-1) ** known.index)
    assert found.euler_expected in ((found.euler,) if n <= 2 else (found.euler, None))
    assert found.message == ""
    assert found.method == "exact"


@pytest.mark.parametrize(("name", "n"), SHARP)
def test_positions_values_and_eigenvalues(name, n):
    """To rounding: of the gradient's terms, seen through H⁻¹; of the function; of the Hessian."""
    surface = surfaces.get(name)
    known, bounds = surface.points(n), surface.bounds(n)
    found = critical_points(surface, bounds, rng=0)
    rows = matched(found, known)
    symbols, formula = formulas.expression(name, n)
    for i in sample(known):
        x, value, H = known.x[i], known.value[i], truth(symbols, formula, known.x[i])
        got, off = found.x[rows[i]], spacing_of_roots(H, known.x[i], np.ptp(bounds, axis=1))
        assert (np.abs(got - x) <= off + EPS * np.abs(x)).all()
        step = np.abs(got - x) + EPS * np.abs(x)
        rounding = exact.rounding_error(symbols, formula, got) + EPS * abs(value)
        assert abs(found.value[rows[i]] - value) <= rounding + step @ np.abs(H) @ step
        # Weyl: the eigenvalues move by no more than the Hessian does.
        moved = np.linalg.norm(truth(symbols, formula, got) - H)
        allowed = moved + found.error[rows[i]] + 4 * n * EPS * np.linalg.norm(H)
        eigenvalues = np.linalg.eigvalsh(H)
        assert np.abs(found.eigenvalues[rows[i]] - eigenvalues).max() <= allowed
        V, d = found.vectors[rows[i]], found.eigenvalues[rows[i]]
        residual = np.linalg.norm(truth(symbols, formula, got) @ V - V * d)
        assert residual <= allowed


def truth(symbols, formula, x):
    return exact.rounded(exact.derivatives(symbols, formula, x))[2]


def test_ten_dimensions():
    """Σ_{i ≤ 5} x_i² − Σ_{i > 5} x_i²."""
    found = critical_points(surfaces.ten_saddle, surfaces.ten_saddle.bounds(10), rng=0)
    assert (len(found), found.index.tolist(), found.certified.all()) == (1, [5], True)
    np.testing.assert_array_equal(found.eigenvalues, [[-2.0] * 5 + [2.0] * 5])


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize(
    ("name", "half", "minima", "maxima"),
    [("styblinski_tang", 5.0, 2, 1), ("rastrigin", 1.3, 3, 2), ("rastrigin", 2.4, 5, 4)],
)
def test_indices_of_separable_functions_are_binomial(name, half, minima, maxima, n):
    """C(n, k) minimaⁿ⁻ᵏ maximaᵏ of index k."""
    found = critical_points(surfaces.get(name), [(-half, half)] * n, rng=0)
    expected = [math.comb(n, k) * minima ** (n - k) * maxima**k for k in range(n + 1)]
    assert np.bincount(found.index, minlength=n + 1).tolist() == expected
    assert found.certified.all()
    assert found.euler == sum((-1) ** k * count for k, count in enumerate(expected))


def test_the_reference_finds_the_same():
    """A plain multistart of scipy's root finder, on waves that nobody has a list of."""

    def waves(x):
        return math.sin(3.0 * x[0]) * math.cos(2.0 * x[1]) + 0.3 * x[0] * x[1] + 0.1 * x[0] ** 3

    def gradient(x):
        return np.array([
            3 * np.cos(3 * x[0]) * np.cos(2 * x[1]) + 0.3 * x[1] + 0.3 * x[0] ** 2,
            -2 * np.sin(3 * x[0]) * np.sin(2 * x[1]) + 0.3 * x[0],
        ])  # fmt: skip

    def hessian(x):
        mixed = -6 * np.cos(3 * x[0]) * np.sin(2 * x[1]) + 0.3
        first = -9 * np.sin(3 * x[0]) * np.cos(2 * x[1]) + 0.6 * x[0]
        return np.array([[first, mixed], [mixed, -4 * np.sin(3 * x[0]) * np.cos(2 * x[1])]])

    bounds = [(-2.0, 2.2), (-2.1, 2.0)]
    x, index = reference.multistart(gradient, hessian, bounds, 600, np.random.default_rng(0))
    found = critical_points(waves, bounds, rng=0)
    accounts(found)
    distance = np.linalg.norm(found.x[:, None] - x[None], axis=2)
    nearest = distance.argmin(axis=1)
    assert sorted(nearest) == list(range(len(x)))
    assert distance.min(axis=1).max() <= 1e-9 * np.linalg.norm(x, axis=1).max()  # the reference's
    np.testing.assert_array_equal(found.index, index[nearest])


# --- degenerate points --------------------------------------------------------------------------


def tilted(power):
    """u² − vᵖ in axes that are turned: the Hessian is singular at 0, and nowhere diagonal."""
    if power == 3:
        return lambda x: (0.8 * x[0] + 0.6 * x[1]) ** 2 - (0.8 * x[1] - 0.6 * x[0]) ** 3
    return lambda x: (0.8 * x[0] + 0.6 * x[1]) ** 2 - (0.8 * x[1] - 0.6 * x[0]) ** 4


@pytest.mark.parametrize("power", [3, 4])
def test_isolated_degenerate_points(power):
    found = critical_points(tilted(power), [(-1.0, 1.3), (-1.2, 1.0)], rng=0)
    accounts(found)
    assert found.kind.tolist() == ["degenerate"]
    assert found.zeros.tolist() == [1]
    # Where ∇f ~ vᵖ⁻¹ is lost in the rounding of terms 2 u, u ~ eps v.
    assert np.abs(found.x).max() <= (8 * EPS) ** (1 / power)
    assert found.ends["converged"] >= 0.95 * found.starts
    assert found.euler_expected is None


def test_powells_singular_function_in_eight_variables():
    found = critical_points(surfaces.powell_singular, surfaces.powell_singular.bounds(8), rng=0)
    assert (len(found), found.zeros.tolist(), found.index.tolist()) == (1, [4], [0])
    # Gradient 40 r³ beside the rounding of terms 200 r.
    assert np.abs(found.x).max() <= 1e-6


def test_points_merge_into_a_degenerate_one_and_vanish():
    """x + a sin x: cos x = −1/a.  Two roots that come together at π as a falls to 1."""
    a = np.ones(1)
    f = objective(lambda x, a: x[0] + a[0] * math.sin(x[0]), args=(a,))
    for excess in (1.0, 1e-2, 1e-5, 1e-8):
        a[0] = 1 + excess
        found = critical_points(f, [(0.0, 2 * math.pi)], rng=0)
        root = math.acos(-1 / a[0])
        assert found.kind.tolist() == ["minimum", "maximum"]
        assert found.certified.all()
        # sin x ~ √(2·excess) is the curvature that an error of eps is divided by.
        allowed = 8 * EPS / math.sin(root)
        assert np.abs(found.x[:, 0] - [2 * math.pi - root, root]).max() <= allowed
        assert found.euler == found.euler_expected == 0
    a[0] = 1.0
    found = critical_points(f, [(0.0, 2 * math.pi)], rng=0)
    assert found.kind.tolist() == ["degenerate"]
    assert abs(found.x[0, 0] - math.pi) <= 4 * math.sqrt(EPS)  # f' ~ y²/2
    for lack in (1e-12, 1e-8, 1e-2, 0.5):
        a[0] = 1 - lack
        found = critical_points(f, [(0.0, 2 * math.pi)], rng=0)
        assert len(found) == 0
        assert found.ends["gradient-flat"] > 0.5 * found.starts
        assert found.ends["converged"] == 0
        assert found.message == "no critical point was found in the box"


@pytest.mark.parametrize(
    ("name", "saddles", "zeros"), [("two_weights", 1, 1), ("three_weights", 0, None)]
)
def test_a_valley_is_shown_by_a_few_points(name, saddles, zeros):
    surface = surfaces.get(name)
    found = critical_points(surface, surface.bounds(), rng=0)
    accounts(found)
    assert "a continuum of degenerate points, of which 64 stand for" in found.message
    assert 64 <= len(found) <= 80
    loose = found.kind == "degenerate"
    assert np.count_nonzero(~loose) == saddles
    if saddles:
        assert np.abs(found.x[~loose]).max() <= EPS
        assert found.index[~loose].tolist() == [1]
        np.testing.assert_allclose(found.x[loose].prod(axis=1), 1.0, rtol=4 * EPS)
        assert (found.zeros[loose] == zeros).all()
    assert found.euler_expected is None
    # A continuum says nothing about what is missing.
    assert (found.missing, found.coverage) == (0, 1)


@pytest.mark.parametrize(
    ("atoms", "half", "starts"), [(2, 2.0, None), (3, 1.2, 4096), (4, 0.9, 32_768)]
)
def test_lennard_jones_clusters_up_to_motions(atoms, half, starts):
    """In a small box: of two atoms that start far apart one leaves."""
    surface = surfaces.lennard_jones
    known = surface.points(3 * atoms)
    found = critical_points(surface, [(-half, half)] * (3 * atoms), starts=starts, rng=0)
    accounts(found)
    assert (found.kind == "degenerate").all()
    for x, value, index, zeros in zip(known.x, known.value, known.index, known.zeros, strict=True):
        (row,) = np.flatnonzero(np.abs(found.value - value) < 1e-9)
        assert found.index[row] == index
        assert found.zeros[row] == zeros
        symbols, formula = formulas.expression("lennard_jones", 3 * atoms)
        spectrum = np.linalg.eigvalsh(truth(symbols, formula, x))
        size = np.abs(spectrum).max()
        # Third derivatives are some 20 times the second ones, a bond is 1 long.
        allowed = 100 * size * 1e-8
        assert np.abs(found.eigenvalues[row] - spectrum).max() <= allowed


# --- gradient-flat points -----------------------------------------------------------------------


@given(st.floats(0.3, 0.95), st.floats(0.0, 6.0), st.floats(-0.7, 0.7), st.integers(0, 100))
def test_gradient_flat_points_are_no_critical_points(slopes, a, phase, turn, seed):
    """u + a sin(u + φ) + v² in turned axes: |∇f| has minima, no zeros."""
    f, numbers = slopes
    numbers[:] = a, phase, math.cos(turn), math.sin(turn)
    found = critical_points(f, [(-5.0, 5.5), (-5.2, 5.0)], starts=256, rng=seed, workers=1)
    assert len(found) == 0
    accounts(found)
    assert found.ends["gradient-flat"] > 0
    assert found.ends["converged"] == 0


@pytest.fixture(scope="module")
def slopes():
    def slope(x, k):
        u, v = k[2] * x[0] + k[3] * x[1], k[2] * x[1] - k[3] * x[0]
        return u + k[0] * math.sin(u + k[1]) + v * v

    numbers = np.array([0.5, 0.0, 1.0, 0.0])
    return objective(slope, args=(numbers,)), numbers


def test_hills_that_fade_have_one_critical_point():
    """exp(−x²) (1 + y): the saddle is where y = −1; |∇f| falls to 0 far out."""
    found = critical_points(
        lambda x: math.exp(-x[0] * x[0]) * (1.0 + x[1]), [(-4.0, 4.1), (-3.0, 2.0)], rng=0
    )
    accounts(found)
    # f = 0 along y = −1 and f_y = exp(−x²) ≠ 0: no critical point at all.
    assert len(found) == 0
    found = critical_points(
        lambda x: math.exp(-x[0] * x[0]) * (x[1] * x[1] - 1.0), [(-4.0, 4.1), (-3.0, 2.0)], rng=0
    )
    assert found.x.tolist() == [[0.0, 0.0]]
    assert found.kind.tolist() == ["minimum"]


def test_no_critical_point_in_the_box():
    found = critical_points(lambda x: x[0] + 2.0 * x[1], [(-1, 1), (-1, 1)], rng=0)
    accounts(found)
    assert found.x.shape == (0, 2)
    assert found.vectors.shape == (0, 2, 2)
    assert found.starts >= 8192
    assert (found.missing, found.coverage, found.euler, found.euler_expected) == (0, 0, 0, 0)
    assert found.message == "no critical point was found in the box"
    assert "0 critical points" in found.table()
    outside = critical_points(surfaces.himmelblau, [(4.0, 5.0), (3.0, 4.0)], rng=0)
    assert len(outside) == 0
    assert outside.ends["outside the box"] > 0


# --- starts, boxes, threads ---------------------------------------------------------------------


def same(a, b):
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    assert (a.starts, a.ends, a.missing, a.coverage) == (b.starts, b.ends, b.missing, b.coverage)


def test_same_seed_same_bits_for_any_number_of_threads():
    def run(seed, workers):
        return critical_points(surfaces.himmelblau, rng=seed, workers=workers)

    first = run(7, 1)
    for workers in (1, 2, 5):
        same(first, run(7, workers))
    other = run(8, 1)
    assert other.ends == first.ends
    assert not np.array_equal(other.found, first.found)
    same(run(np.random.default_rng(3), None), run(np.random.default_rng(3), None))


def test_a_generator_moves_on():
    generator = np.random.default_rng(0)
    a, b = (critical_points(surfaces.himmelblau, starts=100, rng=generator) for _ in range(2))
    assert not np.array_equal(a.found, b.found)


@pytest.mark.parametrize("count", [1, 7, 100, 1000])
def test_as_many_starts_as_asked_for(count):
    found = critical_points(surfaces.himmelblau, starts=count, rng=0)
    accounts(found)
    assert found.starts == count


def test_given_starts():
    known = surfaces.himmelblau.points()
    found = critical_points(surfaces.himmelblau, starts=known.x)
    accounts(found)
    assert found.found.tolist() == [1] * 9
    matched(found, known)
    one = critical_points(surfaces.himmelblau, starts=known.x[4])
    assert len(one) == one.starts == 1
    fortran = critical_points(surfaces.himmelblau, starts=np.asfortranarray(known.x))
    same(found, fortran)


def test_starts_outside_the_box_may_come_in():
    box = [(0.0, 5.0), (0.0, 5.0)]
    found = critical_points(surfaces.himmelblau, box, starts=[[7.0, 6.0], [40.0, 2.0], [3.0, 2.0]])
    accounts(found)
    assert found.x.tolist() == [[3.0, 2.0]]
    assert found.ends == {
        "converged": 2,
        "outside the box": 1,
        "gradient-flat": 0,
        "not finite": 0,
        "not converged": 0,
    }


def test_points_outside_the_box_are_left_out():
    box = [(0.0, 5.0), (0.0, 5.0)]
    found = critical_points(surfaces.himmelblau, box, rng=0)
    known = surfaces.himmelblau.points().x
    inside = known[(known > 0).all(axis=1)]
    assert len(found) == len(inside)
    assert found.ends["outside the box"] > 0


def test_points_on_the_edge_of_the_box_belong_to_it():
    for box in ([(3.0, 5.0), (1.0, 5.0)], [(0.0, 3.0), (2.0, 2.5)]):
        found = critical_points(surfaces.himmelblau, box, rng=0)
        assert [3.0, 2.0] in np.round(found.x, 12).tolist()


@pytest.mark.parametrize(
    "bounds",
    [
        [(-6, 6), (-6, 6)],
        np.asfortranarray([[-6.0, 6.0], [-6.0, 6.0]]),
        Bounds([-6, -6], [6, 6]),
        Bounds(-6, [6, 6]),
        None,
    ],
)
def test_ways_to_write_the_box(bounds):
    found = critical_points(surfaces.himmelblau, bounds, rng=0)
    assert found.bounds.tolist() == [[-6.0, 6.0], [-6.0, 6.0]]
    assert len(found) == 9


@pytest.mark.parametrize("bounds", [(-2, 2), [(-2, 2)], [[-2.0, 2.0]], Bounds(-2, 2)])
def test_one_variable(bounds):
    found = critical_points(surfaces.double_well, bounds, rng=0)
    accounts(found)
    assert found.x.ravel().tolist() == [-1.0, 1.0, 0.0]
    assert found.kind.tolist() == ["minimum", "minimum", "maximum"]
    assert found.euler == found.euler_expected == 1


def test_units_do_not_matter():
    """One variable in nanometres: the same points, all certified."""
    units = np.array([2.0**40, 2.0**-30])

    def himmelblau(x):
        a, b = x[0] / 2.0**40, x[1] * 2.0**30
        return (a * a + b - 11.0) ** 2 + (a + b * b - 7.0) ** 2

    box = np.array([[-6.0, 6.0], [-6.0, 6.0]])
    found = critical_points(himmelblau, box * units[:, None], rng=0)
    assert found.certified.all()
    plain = critical_points(surfaces.himmelblau, box, rng=0)
    np.testing.assert_array_equal(found.found, plain.found)
    np.testing.assert_array_equal(found.index, plain.index)
    assert np.abs(found.x / units - plain.x).max() <= 64 * EPS * 5


# --- estimates ----------------------------------------------------------------------------------


@given(st.lists(st.integers(1, 6), max_size=60))
def test_estimates_are_chaos_and_turings(counts):
    missing, coverage = _unseen(np.array(counts, np.int64))
    expected = reference.unseen(counts)
    assert Fraction(missing) == Fraction(float(expected[0]))
    assert abs(coverage - float(expected[1])) <= EPS


def test_estimates_hold_on_synthetic_counts(record_property):
    """Known classes of unequal size, sampled: the coverage is right on average, Chao's below."""
    rng = np.random.default_rng(0)
    share = 1.0 / np.arange(1, 61)
    share /= share.sum()
    errors, short = [], []
    for draws in rng.multinomial(150, share, size=800):
        missing, coverage = _unseen(draws[draws > 0])
        errors.append(coverage - share[draws > 0].sum())
        short.append(np.count_nonzero(draws == 0) - missing)
    spread = np.std(errors) / math.sqrt(len(errors))
    record_property("coverage's mean error", f"{np.mean(errors):.4f} ± {spread:.4f}")
    # Good: the bias is the chance of the last draw being new, at most 1/150 of the singletons'.
    assert abs(np.mean(errors)) <= 4 * spread + 1 / 150
    assert np.mean(short) >= -4 * np.std(short) / math.sqrt(len(short))


def test_a_search_with_few_starts_says_so():
    found = critical_points(surfaces.rastrigin, surfaces.rastrigin.bounds(2), starts=300, rng=0)
    accounts(found)
    assert len(found) < 441
    missing, coverage = reference.unseen(found.found)
    assert found.missing == float(missing) > 0.5
    assert abs(found.coverage - float(coverage)) <= EPS
    assert "points are missing" in found.message or "more are likely" in found.message


# --- functions of all sorts ---------------------------------------------------------------------


def test_a_function_that_is_not_everywhere():
    """√x₀ is NaN in half of the box; the minimum is in the other."""
    found = critical_points(
        lambda x: x[0] - np.sqrt(x[0]) + x[1] ** 2, [(-1.0, 1.0), (-1.0, 1.0)], rng=0
    )
    accounts(found)
    assert found.x.tolist() == [[0.25, 0.0]]
    assert found.ends["not finite"] > 0.4 * found.starts
    assert found.euler_expected is None


def test_a_function_that_is_infinite_somewhere():
    found = critical_points(lambda x: x[0] + 1.0 / x[0], [(0.0, 3.0)], starts=[[0.0], [0.5], [2.0]])
    accounts(found)
    assert found.x.tolist() == [[1.0]]
    assert found.ends["not finite"] == 1


def raises_at_negative(x):
    if x[0] < 0:
        raise ValueError("negative mass")
    return x[0] ** 2 - x[1] ** 2


@pytest.mark.parametrize("compiled", [True, False])
def test_what_the_function_raises_arrives_with_the_point(compiled):
    f = raises_at_negative if compiled else objective_of_python(raises_at_negative)
    with pytest.raises(ValueError, match="negative mass") as caught:
        critical_points(f, [(-1.0, 1.0), (-1.0, 1.0)], rng=0)
    (note,) = caught.value.__notes__
    assert note.startswith("raised by `raises_at_negative` at x = [-")


def objective_of_python(function):
    """As a callback, whatever Numba could make of it."""
    with pytest.warns(Warning, match="runs at Python's speed"):
        return objective(Callable(function))


class Callable:
    def __init__(self, function):
        self.function, self.__name__ = function, function.__name__

    def __call__(self, x):
        return self.function(x)


def test_a_function_of_more_variables_than_the_box_has():
    with pytest.raises(IndexError) as caught:
        critical_points(lambda x: x[0] ** 2 + x[2] ** 2, [(-1.0, 1.0), (-1.0, 1.0)])
    (note,) = caught.value.__notes__
    assert "at x = [" in note


def test_functions_that_are_none():
    with pytest.raises(TypeError, match="`fun` must be a function of one array, got 3"):
        critical_points(3, [(0, 1)])
    with pytest.raises(TypeError, match="`fun` must return a number, it returned an array of sha"):
        critical_points(objective_of_python(lambda x: x), [(0, 1), (0, 1)])


def test_a_function_that_changes_its_argument():
    def careless(x):
        x[0] = x[0] ** 2
        return x[0] + x[1] ** 2

    with pytest.raises(ValueError, match="must not change its argument"):
        critical_points(careless, [(-1.0, 2.0), (-1.0, 1.0)])


# --- bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"bounds": [(1, -1), (0, 1)]}, r"`bounds` must be finite with lower < upper, but variab"
                                         r"le 0 has \(1.0, -1.0\)"),
        ({"bounds": [(0, 1), (2, 2)]}, r"variable 1 has \(2.0, 2.0\)"),
        ({"bounds": [(0, np.nan), (0, 1)]}, r"variable 0 has \(0.0, nan\)"),
        ({"bounds": [(0, np.inf), (0, 1)]}, r"variable 0 has \(0.0, inf\)"),
        ({"bounds": Bounds([0, 0], [np.inf, 1])}, r"variable 0 has \(0.0, inf\)"),
        ({"bounds": [1, 2, 3]}, r"`bounds` must be \(lower, upper\) .*shape \(1, 3\)"),
        ({"bounds": np.zeros((2, 2, 2))}, r"`bounds` must be .*shape \(2, 2, 2\)"),
        ({"bounds": []}, r"`bounds` must be .*shape"),
        ({"bounds": "box"}, "`bounds` must be .* got 'box'"),
        ({"bounds": [(0, 1), (0,)]}, r"`bounds` must be .* got \[\(0, 1\), \(0,\)\]"),
        ({"tol": 0}, "`tol` must be between 0 and 1, got 0"),
        ({"tol": 1.5}, "`tol` must be between 0 and 1, got 1.5"),
        ({"tol": float("nan")}, "`tol` must be between 0 and 1, got nan"),
        ({"tol": "small"}, "`tol` must be between 0 and 1, got 'small'"),
        ({"starts": 0}, "`starts` must be .*got 0"),
        ({"starts": -5}, "`starts` must be .*got -5"),
        ({"starts": [[1.0, 2.0, 3.0]]}, r"`starts` must be .*\(m, 2\), got shape \(1, 3\)"),
        ({"starts": [[1.0, np.nan]]}, r"`starts` must be .*finite"),
        ({"starts": np.empty((0, 2))}, r"`starts` must be .*shape \(0, 2\)"),
        ({"starts": np.zeros((1, 1, 2))}, r"`starts` must be .*shape \(1, 1, 2\)"),
        ({"starts": "many"}, "`starts` must be .*'many'"),
        ({"workers": 0}, "`workers` must be .*got 0"),
        ({"rng": -1}, "`rng` must be .*got -1"),
        ({"rng": "0"}, "`rng` must be .*got '0'"),
    ],
)  # fmt: skip
def test_errors_name_argument_rule_and_value(arguments, message):
    arguments = {"bounds": [(-5, 5), (-5, 5)]} | arguments
    with pytest.raises((ValueError, TypeError), match=message):
        critical_points(surfaces.himmelblau, **arguments)


def test_a_box_must_be_given_for_a_plain_function():
    with pytest.raises(TypeError, match="`bounds` must be given: lower and upper bound of each"):
        critical_points(lambda x: x[0] ** 2)


@pytest.mark.parametrize("starts", [2.5, True, 1e3])
def test_starts_are_whole_numbers(starts):
    with pytest.raises((TypeError, ValueError), match="`starts` must be"):
        critical_points(surfaces.himmelblau, starts=starts)
