"""Grid search: every point once, the least values with their ties, and where minima are."""

import itertools

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from reference import grid as reference

from saddlecore import grid as engine
from saddlecore.forms import VALUE_LANES
from saddlelab import PythonSpeedWarning, objective, surfaces
from saddlelab.lines import lines_of
from saddlelab.optimize import grid as face
from saddlelab.optimize.grid import grid_search

EPS = np.finfo(float).eps


def plain(x):
    """Whole numbers at whole numbers, with many ties; NaN here and there."""
    total, product = 0.0, 1.0
    for i in range(len(x)):
        total += (x[i] - 1.0) * (x[i] - 2.0)
        product *= x[i]
    return total if product != 6.0 else np.nan


def waves(x):
    total = 0.0
    for i in range(len(x)):
        total += np.cos(3.0 * x[i] + i) + 0.1 * x[i] * x[i]
    return total


PLAIN, WAVES = objective(plain), objective(waves)
AXES = np.empty(0), np.empty((0, 0))  # the grid is of the variables
counts_strategy = st.one_of(
    st.lists(st.integers(1, 300), min_size=1, max_size=1),
    st.lists(st.integers(1, 40), min_size=2, max_size=2),
    st.lists(st.integers(1, 5), min_size=3, max_size=5),
)


def whole(counts):
    """Bounds that make whole coordinates."""
    return [(0.0, count - 1.0) if count > 1 else (0.0, 4.0) for count in counts]


def the_same(found, expected):
    for name in ("x", "value", "index", "undefined"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


# --- beside the reference -----------------------------------------------------------------------


@settings(max_examples=60)
@given(counts_strategy, st.integers(1, 40), st.integers(1, 3))
def test_every_point_is_seen_once(counts, top, workers):
    """Exact arithmetic: values, ties and NaN are those of a loop over all points."""
    points = reference.points(whole(counts), counts)
    values = np.array([plain(x) for x in points])
    least = reference.least(values, top)
    found = grid_search(PLAIN, whole(counts), counts, top=top, keep_values=True, workers=workers)
    np.testing.assert_array_equal(found.values.ravel(), values)
    np.testing.assert_array_equal(found.value, values[least])
    np.testing.assert_array_equal(found.x, points[least])
    np.testing.assert_array_equal(np.ravel_multi_index(found.index.T, counts), least)
    assert found.undefined == np.count_nonzero(np.isnan(values))
    assert found.evaluations == len(points)


@settings(max_examples=40)
@given(counts_strategy, st.integers(0, 2**32))
def test_coordinates_are_linspace_to_the_bit(counts, seed):
    rng = np.random.default_rng(seed)
    box = np.sort(rng.standard_normal((len(counts), 2)) * 10.0 ** rng.integers(-3, 4), axis=1)
    found = grid_search(WAVES, box, counts, top=5, keep_values=True)
    for ours, theirs in zip(found.axes, reference.axes(box, counts), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    values = WAVES.value(np.vstack([reference.points(box, counts)] * 2))[: found.evaluations]
    np.testing.assert_array_equal(found.values.ravel(), values)
    least = reference.least(values, 5)
    np.testing.assert_array_equal(found.x, reference.points(box, counts)[least])
    spacing = np.ptp(box, axis=1) / np.maximum(np.array(counts) - 1, 1)
    np.testing.assert_array_equal(found.spacing, spacing)


# --- lanes, spans, threads ----------------------------------------------------------------------


@settings(max_examples=60)
@given(counts_strategy, st.data())
def test_spans_do_not_matter(counts, data):
    """However the grid is cut, and with a form in plain numbers only: the same."""
    total = int(np.prod(counts))
    cuts = data.draw(st.lists(st.integers(0, total), max_size=4))
    lines, counts = lines_of(np.array(whole(counts)), np.array(counts)), np.array(counts)
    PLAIN.check(np.zeros((1, len(counts))))
    forms = PLAIN.table(len(counts), exact=False)
    scalar = forms.copy()
    scalar[VALUE_LANES] = 0

    def search(table, times):
        top = np.full(7, np.inf), np.full(7, engine.NONE)
        lost, values = np.array([0, engine.NONE]), np.zeros(total)
        for span in itertools.pairwise(times):
            engine.search(table, lines, counts, span, *AXES, top, lost, values)
        return *top, lost, values

    expected = search(forms, [0, total])
    for table, times in ((forms, [0, *sorted(cuts), total]), (scalar, [0, total])):
        for found, other in zip(search(table, times), expected, strict=True):
            np.testing.assert_array_equal(found, other)


@settings(max_examples=30)
@given(st.lists(st.integers(1, 60), min_size=2, max_size=2), st.integers(1, 5), st.integers(1, 900))
def test_workers_and_tasks_do_not_matter(counts, workers, task):
    expected = grid_search(PLAIN, whole(counts), counts, workers=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(face, "_TASK", task)
        patch.setattr(face, "_TASKS", 2)
        the_same(grid_search(PLAIN, whole(counts), counts, workers=workers), expected)


def test_a_grid_that_no_memory_would_hold():
    """Only a span of it is looked at: 10¹⁸ points are numbered, and none is stored."""
    counts, n = np.full(6, 1000), 6
    lines = lines_of(np.tile([0.0, 999.0], (n, 1)), counts)
    PLAIN.check(np.zeros((1, n)))
    top, lost = (np.full(3, np.inf), np.full(3, engine.NONE)), np.array([0, engine.NONE])
    first = int(np.ravel_multi_index([999, 998, 1, 2, 1, 0], counts))
    engine.search(PLAIN.table(n, exact=False), lines, counts, (first, first + 10**4), *AXES, top,
                  lost, np.empty(0))  # fmt: skip
    index = np.transpose(np.unravel_index(top[1], counts))
    ends = [[1, 1], [1, 2], [2, 1]]  # where (x − 1)(x − 2) is 0
    assert index.tolist() == [[999, 998, 1, 2, *end] for end in ends]


# --- where minima are ---------------------------------------------------------------------------

SURFACES = [name for name, each in surfaces.catalogue().items() if 2 in each.dims]


@pytest.mark.parametrize("name", SURFACES)
def test_the_minimum_of_every_surface_is_found(name):
    """The least of all values; and as near to the global minimum as its valley lets the grid be."""
    surface, count = surfaces.get(name), 151
    box, known = surface.bounds(2), surface.points(2)
    found = grid_search(surface, box, count)
    values = surface.value(reference.points(box, [count, count]))
    np.testing.assert_array_equal(
        np.ravel_multi_index(found.index.T, (count, count)), reference.least(values, 10)
    )
    if name == "ackley":  # whose minimum is a cone
        assert np.abs(found.x[found.best]).max() <= 2 * count * EPS * np.ptp(box)
    if known is None or not ((known.index == 0) & (known.zeros == 0)).any():
        return
    least = np.flatnonzero((known.index == 0) & (known.zeros == 0))
    x = known.x[least[np.argmin(known.value[least])]]
    if known.value.min() < surface(x) - 1e-9 or found.value[found.best] < surface(x) - 1e-9:
        return  # the least is on the boundary, or degenerate
    # In units of the spacing: half a cell away, ½ uᵀHu is at most λmax n/8; a point with less is
    # not further than √(n κ)/2, twice that where f is not quadratic.
    H = surface.hessian(x) * np.outer(found.spacing, found.spacing)
    same = known.x[np.abs(known.value - surface(x)) <= 1e-9 * (1 + abs(surface(x)))]
    away = np.linalg.norm((found.x[found.best] - same) / found.spacing, axis=1).min()
    assert away <= np.sqrt(2 * np.linalg.cond(H))


# --- functions that are no numbers, or no compiled ones -----------------------------------------


def test_nan_is_counted_and_ignored():
    found = grid_search(lambda x: np.log(x[0]) + 0.0 * x[1], [(-1, 1), (0, 1)], [100, 7], top=20)
    assert found.undefined == 350
    assert np.isfinite(found.value).all()
    assert found.index[0].tolist() == [50, 0]


def test_a_function_that_is_nowhere_a_number():
    found = grid_search(lambda x: x[0] * np.nan, [(0, 1)], 10)
    assert (found.undefined, len(found.x), found.x.shape) == (10, 0, (0, 1))
    with pytest.raises(ValueError, match="is NaN on the whole grid"):
        found.best  # noqa: B018


def test_infinite_values_are_values():
    found = grid_search(lambda x: 1.0 / (x[0] * x[0] - 1.0), [(-2, 2)], 5, keep_values=True)
    assert found.values.tolist() == [1 / 3, np.inf, -1.0, np.inf, 1 / 3]
    assert found.index[:, 0].tolist() == [2, 0, 4, 1, 3]


def test_what_the_function_raises_is_raised():
    def picky(x):
        if x[0] > 0.7:
            raise ValueError("too large")
        return x[0]

    with pytest.raises(ValueError, match="too large") as caught:
        grid_search(picky, [(0, 1)], 11)
    assert caught.value.__notes__ == [f"raised by `picky` at x = [{np.linspace(0, 1, 11)[7]}]"]


def test_python_functions_run_too():
    def from_python(x):
        return float(str(x[0])) ** 2 - x[1]

    with pytest.warns(PythonSpeedWarning):
        found = grid_search(from_python, [(-1, 1), (0, 2)], [21, 31])
    assert found.x[found.best].tolist() == [0.0, 2.0]


def test_a_callback_that_raises_stops():
    calls = []

    def fragile(x):
        calls.append(float(str(x[0])))
        if len(calls) > 100:
            raise RuntimeError("no more")
        return x[0]

    with pytest.warns(PythonSpeedWarning), pytest.raises(RuntimeError, match="no more"):
        grid_search(fragile, [(0, 1)], 10**6)
    assert len(calls) == 101


def test_a_surface_brings_its_bounds():
    found = grid_search(surfaces.himmelblau, None, 121)
    assert found.value[found.best] == 0.0
    np.testing.assert_array_equal(found.bounds, surfaces.himmelblau.bounds())


def test_progress_is_shown(capsys):
    grid_search(WAVES, [(0, 1)], 10, progress=True)
    assert "grid search waves" in capsys.readouterr().err
    grid_search(WAVES, [(0, 1)], 10)
    assert capsys.readouterr() == ("", "")


# --- the picture --------------------------------------------------------------------------------


@pytest.fixture
def no_display():
    with mpl.rc_context(), mpl.style.context("default"):
        mpl.use("agg")
        yield
        plt.close("all")


@pytest.mark.usefixtures("no_display")
@pytest.mark.parametrize("n", [1, 2])
def test_the_picture_holds_the_points(n, tmp_path):
    found = grid_search(WAVES, [(-2, 3)] * n, 51)
    ax = Figure().subplots()
    assert found.plot(ax) is ax
    shown = {c.get_gid(): np.asarray(c.get_offsets()) for c in ax.collections}
    heights = found.value if n == 1 else found.x[:, 1]
    expected = np.column_stack([found.x[:, 0], heights])
    np.testing.assert_array_equal(shown["best"], expected[:1])
    np.testing.assert_array_equal(shown["next"], expected[1:])
    ax.figure.savefig(tmp_path / "grid.png")
    assert mpl.image.imread(tmp_path / "grid.png").std() > 0.02
    assert found.plot().get_title().startswith("waves on a grid of 51")


def test_no_picture_of_three_variables():
    with pytest.raises(ValueError, match="one or two variables, waves has 3"):
        grid_search(WAVES, [(0, 1)] * 3, 3).plot()


# --- bad input ----------------------------------------------------------------------------------

WRONG = [
    ({"bounds": [(1, 0)]}, ValueError, "`bounds` must be finite with lower < upper"),
    ({"bounds": [(0, np.inf)]}, ValueError, "`bounds` must be finite"),
    ({"bounds": [(-1e308, 1e308)]}, ValueError, "`bounds` must have finite widths"),
    ({"bounds": None}, TypeError, "`bounds` must be given"),
    ({"points": 0}, ValueError, "`points` must be a positive integer, got 0"),
    ({"points": [3, 4]}, ValueError, "one for each of 1 variables, got 2"),
    ({"points": [2.5]}, ValueError, "`points` must be a positive integer, got 2.5"),
    ({"bounds": [(0, 1)] * 3, "points": 10**7}, ValueError, "a grid of at most .* got 1e[+]21"),
    ({"points": 10**9, "keep_values": True}, ValueError, "`keep_values` must be False for more"),
    ({"top": 0}, ValueError, "`top` must be a positive integer, got 0"),
    ({"workers": -1}, ValueError, "`workers` must be a positive integer"),
]


@pytest.mark.parametrize(("given_to", "error", "message"), WRONG)
def test_bad_input(given_to, error, message):
    given_to = {"bounds": [(0, 1)], "points": 5} | given_to
    with pytest.raises(error, match=message):
        grid_search(WAVES, **given_to)
