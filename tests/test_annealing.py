"""Simulated annealing: the chains beside plain loops, the laws that they must obey, the face."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import annealing as reference
from scipy import stats

from saddlecore import annealing as engine
from saddlecore.forms import VALUE_LANES
from saddlecore.jit import entry
from saddlecore.laneops import zeros
from saddlelab import PythonSpeedWarning, objective, surfaces
from saddlelab.optimize import annealing_run
from saddlelab.optimize.annealing import annealing
from saddlelab.optimize.cooling import factors, temperatures

EPS = np.finfo(float).eps
#: A law is rejected by chance once in so many tests, if a seed were to change.
CHANCE = 1e-4


@entry
def anneal_plain(forms, key, chain, plan, span, where, history, state):
    """The engine's loop in plain numbers."""
    engine._anneal(zeros(1), forms, key, chain, plan, span, where, history, state)


def bowl(x):
    total = 0.0
    for i in range(len(x)):
        total += (i + 1.0) * (x[i] - 0.25) * (x[i] - 0.25)
    return total


def waves(x):
    return (x[0] * x[0] + x[1] * x[1]) / 10 - np.cos(3 * x[0]) - np.cos(4 * x[1])


BOWL, WAVES = objective(bowl), objective(waves)
WIDE = [(-4.0, 4.0), (-3.0, 5.0)]


def table(fun, n, *, lanes=True):
    fun.check(np.linspace(0.3, 0.7, n)[None])
    forms = fun.table(n, exact=False).copy()
    if not lanes:
        forms[VALUE_LANES] = 0
    return forms


def run(forms, X, plan, reach, bounds, *, key=7, chain=0, every=0, cuts=(), kernel=engine.anneal):
    """Points, best points, the numbers, and the history."""
    m, steps = len(X), len(plan)
    state = (X.copy(), X.copy(), np.zeros((3, m)))
    history = np.full((2, m, steps // every + 1 if every else 0), np.nan)
    times = [0, *sorted(cuts), steps]
    for first, last in itertools.pairwise(times):
        if first < last or last == steps:
            kernel(
                forms, np.uint64(key), chain, plan[first:last], (first, last, steps),
                (reach, bounds), (every, *history), state,
            )  # fmt: skip
    return *state, history


def cooling(steps, first=1.0):
    heat = first * 1e-3 ** (np.arange(steps) / steps)
    return np.column_stack([heat, np.sqrt(heat / first)])


def same(found, expected):
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)


# --- beside the reference -----------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("bounded", [True, False])
def test_chains_do_what_the_reference_does(n, bounded):
    """Far proposals: many are reflected, some more than once."""
    bounds = np.tile([-1.0, 1.5] if bounded else [-np.inf, np.inf], (n, 1))
    X, plan, reach = np.linspace(-0.9, 1.4, 3 * n).reshape(3, n), cooling(30), np.full(n, 1.7)
    every, best, numbers, _ = run(table(BOWL, n), X, plan, reach, bounds, chain=8)
    for k, start in enumerate(X):
        path, least, taken = reference.anneal(bowl, 7, 8 + k, start, plan, reach, bounds)
        # A step of each time: a sum, a normal to a few ulp, a reflection.
        size = np.abs(path).max() + (2.5 if bounded else 0.0) + reach.max() * 6
        error = 16 * EPS * size * len(plan)
        np.testing.assert_allclose(every[k], path[-1], rtol=0, atol=error)
        np.testing.assert_allclose(best[k], least, rtol=0, atol=error)
        assert numbers[engine.ACCEPTED, k] == taken
        assert 0 < taken < len(plan)


def test_a_proposal_is_reflected_as_often_as_it_takes():
    """Everything is accepted where the temperature is high: a chain is its proposals."""
    box, plan = np.array([[-0.5, 0.25]]), np.array([[1e9, 1.0]])
    X, reach = np.full((64, 1), 0.125), np.array([3.0])
    inside, *_ = run(table(BOWL, 1), X, plan, reach, box)
    free, *_ = run(table(BOWL, 1), X, plan, reach, np.array([[-np.inf, np.inf]]))
    mirrored = np.array([reference.reflected(y, -0.5, 0.25) for y in free[:, 0]])
    assert (np.abs(free[:, 0]) > 1.0).mean() > 0.5
    np.testing.assert_allclose(inside[:, 0], mirrored, rtol=0, atol=8 * EPS * np.abs(free).max())
    assert ((inside >= -0.5) & (inside <= 0.25)).all()


# --- lanes, chunks, threads ---------------------------------------------------------------------


@settings(max_examples=20)
@given(st.integers(1, 5), st.integers(1, 80), st.integers(0, 20), st.integers(0, 2**32))
def test_lanes_are_plain_numbers(n, m, steps, seed):
    rng = np.random.default_rng(seed)
    box = np.tile([-1.0, 2.0], (n, 1))
    X, plan, reach = rng.uniform(-1, 2, (m, n)), cooling(steps), rng.uniform(0.1, 3.0, n)
    forms = table(BOWL, n, lanes=False)
    given_to = (forms, X, plan, reach, box)
    same(
        run(*given_to, key=seed, chain=16, every=3),
        run(*given_to, key=seed, chain=16, every=3, kernel=anneal_plain),
    )


@settings(max_examples=30)
@given(st.integers(1, 200), st.lists(st.integers(0, 40), max_size=4), st.integers(1, 9))
def test_spans_do_not_matter(m, cuts, every):
    rng = np.random.default_rng(m)
    X, plan, reach = rng.uniform(-1, 1, (m, 2)), cooling(40), np.array([0.5, 2.0])
    box = np.array([[-1.0, 1.0], [-1.0, 1.0]])
    whole = run(table(WAVES, 2), X, plan, reach, box, every=every)
    same(run(table(WAVES, 2), X, plan, reach, box, every=every, cuts=cuts), whole)


@settings(max_examples=20)
@given(st.integers(1, 200), st.integers(1, 5), st.integers(1, 10**4))
def test_workers_do_not_matter(m, workers, span):
    given_to = {"chains": m, "steps": 60, "record": 7, "rng": m}
    whole = annealing(WAVES, WIDE, workers=1, **given_to)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(annealing_run, "_SPAN", span)
        other = annealing(WAVES, WIDE, workers=workers, **given_to)
    for name in ("x", "value", "final_x", "final_value", "acceptance", "temperatures"):
        np.testing.assert_array_equal(getattr(other, name), getattr(whole, name))
    same((other.history.value, other.history.best), (whole.history.value, whole.history.best))


def test_a_chain_does_not_notice_the_others():
    few = annealing(WAVES, WIDE, chains=5, steps=100, rng=3)
    many = annealing(WAVES, WIDE, chains=77, steps=100, rng=3)
    np.testing.assert_array_equal(many.x[:5], few.x)
    assert len(np.unique(many.final_x, axis=0)) == 77


# --- laws ---------------------------------------------------------------------------------------


def stairs(x, heights):
    return heights[min(int(np.floor(x[0])), len(heights) - 1)]


@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_the_stationary_law_is_boltzmanns(temperature, record_property):
    """Detailed balance: the last states of independent chains on a staircase of seven steps."""
    heights = np.array([0.0, 1.5, 0.25, 3.0, 1.0, 0.0, 2.0])
    cells, chains = len(heights), 20_000
    found = annealing(
        objective(stairs, args=(heights,)), [(0.0, cells)], chains=chains, steps=400, rng=1,
        temperature=temperature, schedule="constant", scale=2.5 / cells,
    )  # fmt: skip
    counts = np.bincount(np.minimum(found.final_x[:, 0], cells - 1).astype(int), minlength=cells)
    expected = chains * np.array(reference.boltzmann(heights, temperature))
    chance = stats.chisquare(counts, expected).pvalue
    record_property("chance", chance)
    assert chance > CHANCE
    # A cell's mass is spread evenly in it, up to the walls.
    assert stats.kstest(found.final_x[:, 0] % 1.0, "uniform").pvalue > CHANCE


@pytest.mark.parametrize("rise", [0.1, 1.0, 4.0])
def test_a_rise_is_accepted_as_often_as_metropolis_says(rise, record_property):
    """From the foot of one step up, half of the proposals go there."""
    heights, chains = np.array([0.0, 3.0 * rise]), 100_000
    found = annealing(
        objective(stairs, args=(heights,)), [(0.0, 2.0)], x0=[np.nextafter(1.0, 0.0)],
        chains=chains, steps=1, temperature=3.0, schedule="constant", scale=0.1, rng=2,
    )  # fmt: skip
    up = int(np.count_nonzero(found.final_x[:, 0] >= 1.0))
    chance = stats.binomtest(up, chains, 0.5 * math.exp(-rise)).pvalue
    record_property("chance", chance)
    assert chance > CHANCE
    assert np.count_nonzero(found.acceptance == 0.0) > 0


def test_proposals_are_normal_of_the_given_lengths():
    """Where everything is accepted, a step is a normal: in each variable, and not correlated."""
    found = annealing(
        BOWL, x0=np.zeros((20_000, 3)), steps=1, temperature=1e12, schedule="constant",
        scale=[0.5, 1.0, 2.0], rng=0,
    )  # fmt: skip
    assert (found.acceptance == 1.0).all()
    z = found.final_x / [0.5, 1.0, 2.0]
    for i in range(3):
        assert stats.kstest(z[:, i], "norm").pvalue > CHANCE
        assert stats.pearsonr(z[:, i], z[:, i - 1]).pvalue > CHANCE


def test_at_temperature_0_nothing_goes_up():
    found = annealing(BOWL, [(-1, 1)] * 2, schedule=np.zeros(200), record=1, rng=0)
    assert (np.diff(found.history.value, axis=1) <= 0.0).all()
    assert (found.value == found.final_value).all()
    assert found.value[found.best] < 1e-3


# --- global minima ------------------------------------------------------------------------------

GLOBAL = {
    "rastrigin": 0.0, "ackley": 0.0, "himmelblau": 0.0, "griewank": 0.0, "levy": 0.0,
    "goldstein_price": 3.0, "six_hump_camel": -1.0316284534898774, "branin": 0.39788735772973816,
    "muller_brown": -146.69951720995402, "styblinski_tang": -78.33233140754282,
}  # fmt: skip


@pytest.mark.parametrize("name", GLOBAL)
@pytest.mark.parametrize("seed", [0, 1])
def test_the_global_minimum_is_found(name, seed):
    """The last temperature is 1e-8 of the first; Ackley's minimum is a cone, left by lengths."""
    surface = surfaces.get(name)
    found = annealing(surface, surface.bounds(2), rng=seed)
    least, first = GLOBAL[name], found.temperatures[0]
    x, value = found.x[found.best], found.value[found.best]
    assert abs(value - least) <= (1e-4 if name == "ackley" else 1e-6) * max(first, 1.0)
    assert value == pytest.approx(surface(x), abs=1e-9 * max(first, 1.0))
    assert found.evaluations == 64 * 10_001


# --- what it returns ----------------------------------------------------------------------------


def test_history_and_best_agree():
    found = annealing(WAVES, WIDE, steps=100, chains=9, record=10, rng=0)
    history = found.history
    assert history.steps.tolist() == list(range(0, 101, 10))
    assert history.value.shape == history.best.shape == (9, 11)
    assert (np.diff(history.best, axis=1) <= 0).all()
    assert (history.best <= history.value).all()
    np.testing.assert_array_equal(history.value[:, -1], found.final_value)
    np.testing.assert_array_equal(history.best[:, -1], found.value)
    np.testing.assert_array_equal(WAVES.value(found.x), found.value)
    np.testing.assert_array_equal(WAVES.value(found.final_x), found.final_value)
    assert found.value[found.best] == found.value.min()
    assert annealing(WAVES, WIDE, steps=5, rng=0).history is None


def test_the_seed_is_recorded():
    found = annealing(WAVES, WIDE, steps=20, rng=np.random.default_rng(5))
    again = annealing(WAVES, WIDE, steps=20, rng=found.seed)
    np.testing.assert_array_equal(found.final_x, again.final_x)
    other = annealing(WAVES, WIDE, steps=20, rng=found.seed + 1)
    assert not (found.final_x == other.final_x).any()


def test_starts_are_taken_as_given():
    X = np.array([[0.5, 0.5], [-1.0, 2.0], [4.0, 5.0]])
    found = annealing(WAVES, WIDE, x0=X, schedule=np.zeros(1), record=1, rng=0)
    np.testing.assert_array_equal(found.history.value[:, 0], WAVES.value(X))
    one = annealing(WAVES, x0=[1.0, 2.0], chains=7, steps=3, record=1, rng=0)
    np.testing.assert_array_equal(one.history.value[:, 0], np.full(7, WAVES.value([1.0, 2.0])))


def test_a_surface_brings_its_bounds():
    found = annealing(surfaces.himmelblau, steps=50, rng=0)
    assert found.x.shape == (64, 2)
    assert (np.abs(found.final_x) <= np.abs(surfaces.himmelblau.bounds()).max()).all()


SPREAD = (("geometric", 8.0, None), ("linear", 4.0, 1.0), ("logarithmic", 2.0, None))


@pytest.mark.parametrize(("schedule", "first", "final"), SPREAD)
def test_schedules(schedule, first, final):
    heat = temperatures(schedule, 101, first, final)
    assert heat[0] == pytest.approx(first, rel=4 * EPS)
    assert (np.diff(heat) < 0).all()
    if schedule == "geometric":
        np.testing.assert_allclose(heat[1:] / heat[:-1], 1e-8**0.01, rtol=64 * EPS)
    elif schedule == "linear":
        np.testing.assert_allclose(np.diff(heat), -0.03, rtol=1024 * EPS)
    else:
        np.testing.assert_allclose(heat * np.log(2.0 + np.arange(101)), first * np.log(2.0))


def test_lengths_follow_the_temperature():
    heat = np.array([4.0, 1.0, 0.0])
    for shrink, expected in (
        ("root", [1, 0.5, 0]), ("temperature", [1, 0.25, 0]), ("constant", [1, 1, 1])
    ):  # fmt: skip
        np.testing.assert_array_equal(factors(shrink, heat), expected)


def test_the_first_temperature_is_the_spread_of_the_values():
    """Linear in [0, 1]: quartiles half of the rise apart, poles or not."""
    flat = annealing(lambda x: 8.0 * x[0], [(0, 1)], steps=1, rng=0)
    assert flat.temperatures[0] == pytest.approx(4.0, abs=8.0 * 2 / 256)
    steep = annealing(lambda x: 8.0 * x[0] + (1e30 if x[0] > 0.9 else 0.0), [(0, 1)], steps=1)
    assert steep.temperatures[0] == pytest.approx(4.0, abs=8.0 * 8 / 256)
    assert annealing(lambda x: 0.0 * x[0], [(0, 1)], steps=1).temperatures[0] == 1.0


# --- functions that are no numbers, or no compiled ones -----------------------------------------


def half(x):
    return np.sqrt(x[0] - 0.5) + x[0]


def test_nan_is_never_accepted():
    found = annealing(half, [(0, 1)], chains=200, steps=300, shrink="constant", record=1, rng=0)
    begun = np.isfinite(found.history.value)
    assert 60 < np.count_nonzero(begun[:, 0]) < 140
    # Who is at a number stays at numbers; who is not is there soon.
    assert (begun[:, 1:] >= begun[:, :-1]).all()
    assert begun[:, -1].all()
    assert 0.5 <= found.value[found.best] < 0.6


def test_a_function_that_is_nowhere_a_number():
    found = annealing(lambda x: 0.0 * x[0] / 0.0 + np.nan, [(0, 1)], steps=10, rng=0)
    assert np.isinf(found.value).all()
    assert (found.acceptance == 0.0).all()


def test_what_the_function_raises_is_raised():
    def picky(x):
        if x[0] > 0.7:
            raise ValueError("too large")
        return x[0]

    with pytest.raises(ValueError, match="too large") as caught:
        annealing(picky, [(0, 1)], steps=10, rng=0)
    assert "raised by `picky` at x = [" in caught.value.__notes__[0]


def from_python(x):
    return float(str(x[0])) ** 2 + x[1] ** 2


def test_python_functions_run_too():
    with pytest.warns(PythonSpeedWarning):
        slow = annealing(from_python, [(-1, 1)] * 2, chains=3, steps=40, temperature=1.0, rng=0)
    fast = annealing(
        lambda x: x[0] ** 2 + x[1] ** 2, [(-1, 1)] * 2, chains=3, steps=40, temperature=1.0, rng=0
    )
    np.testing.assert_allclose(slow.final_x, fast.final_x, rtol=0, atol=64 * EPS)


def test_a_callback_that_raises_stops():
    calls = []

    def fragile(x):
        calls.append(float(str(x[0])))
        if len(calls) > 500:
            raise RuntimeError("no more")
        return x[0]

    with pytest.warns(PythonSpeedWarning), pytest.raises(RuntimeError, match="no more"):
        annealing(fragile, [(0, 1)], chains=4, steps=10**6, rng=0)
    assert len(calls) == 501


def test_progress_is_shown(capsys):
    annealing(WAVES, WIDE, steps=10, rng=0, progress=True)
    assert "annealing waves" in capsys.readouterr().err
    annealing(WAVES, WIDE, steps=10, rng=0)
    assert capsys.readouterr() == ("", "")


# --- bad input ----------------------------------------------------------------------------------

WRONG = [
    ({"steps": 0}, ValueError, "`steps` must be a positive integer, got 0"),
    ({"steps": 2.5}, ValueError, "`steps` must be a positive integer, got 2.5"),
    ({"chains": -1}, ValueError, "`chains` must be a positive integer, got -1"),
    ({"temperature": 0.0}, ValueError, "`temperature` must be positive and finite, got 0.0"),
    ({"temperature": -2}, ValueError, "`temperature` must be positive and finite, got -2"),
    ({"temperature": np.nan}, ValueError, "`temperature` must be positive and finite, got nan"),
    ({"schedule": "geometrical"}, ValueError, "did you mean 'geometric'"),
    ({"schedule": "log"}, ValueError, "`schedule` must be one of geometric, linear, logarithmic"),
    ({"shrink": "roots"}, ValueError, "did you mean 'root'"),
    ({"schedule": [1.0, 2.0]}, ValueError, "a temperature for each of 9 steps, got shape"),
    ({"schedule": [1.0] * 8 + [-1.0]}, ValueError, r"but schedule\[8\] = -1.0"),
    ({"schedule": [1.0] * 9, "temperature": 1.0}, ValueError, "`temperature` must be None"),
    ({"final_temperature": 2.0, "temperature": 1.0}, ValueError, "at most the first, 1, got 2.0"),
    ({"final_temperature": 0.0}, ValueError, "`final_temperature` must be positive"),
    ({"schedule": "constant", "final_temperature": 1.0}, ValueError, "must be None with schedule"),
    ({"scale": 0.0}, ValueError, "`scale` must be positive and finite, got 0.0"),
    ({"scale": [0.1]}, ValueError, r"`scale` must be a number or have shape \(2,\)"),
    ({"scale": [0.1, np.inf]}, ValueError, "`scale` must be positive and finite"),
    ({"record": 0}, ValueError, "`record` must be a positive integer, got 0"),
    ({"rng": -1}, ValueError, "`rng` must be a non-negative integer"),
    ({"workers": 0}, ValueError, "`workers` must be a positive integer"),
    ({"x0": [9.0, 0.0]}, ValueError, r"`x0` must be within `bounds`, got \[9.0, 0.0\]"),
    ({"x0": [0.0, np.nan]}, ValueError, "`x0` must be finite"),
    ({"x0": [0.0]}, ValueError, "`x0` must have 2 variables like `bounds`, got 1"),
    ({"x0": np.zeros((3, 2)), "chains": 4}, ValueError, "number of rows of `x0`, 3, got 4"),
    ({"bounds": [(1.0, 0.0), (0.0, 1.0)]}, ValueError, "must be finite with lower < upper"),
    ({"bounds": [(-1e308, 1e308), (0.0, 1.0)]}, ValueError, "`bounds` must have finite widths"),
    ({"bounds": None}, TypeError, "`bounds` or `x0` must be given"),
]  # fmt: skip


@pytest.mark.parametrize(("given_to", "error", "message"), WRONG)
def test_bad_input(given_to, error, message):
    given_to = {"bounds": WIDE, "steps": 9} | given_to
    with pytest.raises(error, match=message):
        annealing(WAVES, **given_to)
