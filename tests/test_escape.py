"""Escapes from saddles: counts, starts, statistics, text, files and pictures."""

import csv
import dataclasses
import json
import math

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import escape as reference
from reference import optimizers
from scipy import stats

from saddlelab import EscapeStudy, escape, escape_scaling, objective, surfaces
from saddlelab.intervals import quantile_ranks, wilson
from saddlelab.optimize.contenders import contenders_of
from saddlelab.optimize.costs import evaluations
from saddlelab.optimize.escape_scaling import quadratic_family
from saddlelab.optimize.methods import METHODS

EPS = 2.0**-52
MANY = ("gd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "perturbed_gd")


def saddle(x):
    return (x[0] ** 2 - x[1] ** 2) / 2


@pytest.fixture(scope="module")
def study():
    """Most methods near x² − y², and one that stays."""
    methods = {name: {} for name in MANY} | {"slow": {"method": "gd", "learning_rate": 1e-6}}
    return escape(surfaces.quadratic_saddle, [0.0, 0.0], methods, samples=300, rng=0,
                  steps=1000, learning_rate=0.02)  # fmt: skip


# --- how many steps -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "options", "steps"),
    [
        ("gd", {}, 194),
        ("momentum", {}, 69),
        ("nesterov", {}, 61),
        ("nesterov", {"look_ahead": True}, 62),
        ("adagrad", {}, 17),
        ("adagrad", {"initial_accumulator_value": 0.1, "eps": 1e-7, "eps_inside": True}, 81),
        ("rmsprop", {"alpha": 0.9}, 5),
        ("rmsprop", {}, 2),
        ("adam", {}, 12),
    ],
)
def test_known_counts(method, options, steps):
    """(x² − y²)/2 from y = 1e-8 until |y| ≥ 1, at rate 0.1: ⌈ln 1e8/ln 1.1⌉ = 194, and so on."""
    found = escape(saddle, [0.0, 0.0], [method], starts=[[1.0, 1e-8]], leave=1.0,
                   learning_rate=0.1, options={method: options})  # fmt: skip
    assert found.steps.tolist() == [[steps]]
    assert found.status.tolist() == [["escaped"]]


@pytest.mark.parametrize(("method", "steps"), [("saddle_free_newton", 27), ("newton", np.inf)])
def test_known_counts_of_second_order(method, steps):
    """y doubles in each step of saddle-free Newton's; Newton's method lands on the saddle."""
    found = escape(saddle, [0.0, 0.0], [method], starts=[[1.0, 1e-8]], leave=1.0,
                   learning_rate={method: 1.0})  # fmt: skip
    assert found.steps_to_leave(method).tolist() == [steps]


H = np.array([[2.0, 0.5, 0.3], [0.5, -1.0, 0.2], [0.3, 0.2, -0.4]])
HESSIAN = H.copy()


def quadratic(x, A):
    return 0.5 * np.sum(x * (A @ x))


tilted = objective(quadratic, args=(HESSIAN,), name="tilted")


@given(
    st.sampled_from(["gd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "nadam"]),
    st.lists(st.floats(-0.1, 0.1), min_size=3, max_size=3),
    st.sampled_from([0.01, 0.05]),
    st.floats(0.05, 2.0),
)
@settings(max_examples=30)
def test_leaving_is_what_the_definition_says(method, start, rate, leave):
    """Against every point of a path in plain loops, to rounding where the border is crossed."""
    horizon = 300
    found = escape(tilted, [0.0, 0.0, 0.0], [method], starts=[start], leave=leave,
                   learning_rate=rate, steps=horizon)  # fmt: skip
    path = optimizers.trajectory(method, lambda x: H @ x, start, [rate] * horizon)
    far = reference.distances(path, np.zeros(3), np.linalg.eigh(H)[1][:, :2].T)
    steps = found.steps_to_leave(method)[0]
    # Each step rounds, and what was rounded grows with the path; m/√v is steep where √v is tiny.
    slack = 1e6 * EPS * horizon * leave
    surely = reference.first(far, lambda d: d >= leave + slack)
    perhaps = reference.first(far, lambda d: d >= leave - slack)
    assert perhaps <= steps <= surely
    assert found.degenerate is False
    assert found.directions.shape == (2, 3)
    np.testing.assert_allclose(found.eigenvalues, np.linalg.eigvalsh(H), atol=20 * EPS)


def test_leaving_by_value():
    found = escape(surfaces.two_weights, [0.0, 0.0], ["gd", "adam"], target=0.25, samples=50,
                   learning_rate=0.05, rng=1)  # fmt: skip
    assert found.leave is None
    assert set(found.status.ravel()) == {"target"}
    path = optimizers.trajectory("gd", lambda w: -2 * (1 - w[0] * w[1]) * w[::-1], found.x0[0],
                                 [0.05] * 200)  # fmt: skip
    values = (1 - path[:, 0] * path[:, 1]) ** 2
    assert found.steps[0, 0] == reference.first(values, lambda v: v <= 0.25)


def test_both_ways_to_leave():
    """Whichever comes first."""
    kwargs = {"starts": [[0.0, 1e-3]], "learning_rate": 0.1}
    far = escape(saddle, [0.0, 0.0], ["gd"], leave=0.1, **kwargs)
    low = escape(saddle, [0.0, 0.0], ["gd"], target=-0.5, **kwargs)
    both = escape(saddle, [0.0, 0.0], ["gd"], target=-0.5, leave=0.1, **kwargs)
    assert both.steps.tolist() == far.steps.tolist()
    assert low.steps[0, 0] > far.steps[0, 0]


# --- starts ---------------------------------------------------------------------------------------


def test_starts_fill_the_ball():
    found = escape(surfaces.ten_saddle, np.zeros(10), ["gd"], samples=2000, radius=0.5, rng=3,
                   steps=1)  # fmt: skip
    size = np.linalg.norm(found.x0, axis=1)
    assert size.max() <= 0.5 * (1 + 4 * EPS)
    assert stats.kstest((size / 0.5) ** 10, "uniform").pvalue > 1e-3
    # Each coordinate of a direction: a beta law on the sphere.
    unit = found.x0 / size[:, None]
    assert stats.kstest((unit[:, 4] + 1) / 2, stats.beta(4.5, 4.5).cdf).pvalue > 1e-3


def test_starts_on_the_stable_space():
    found = escape(tilted, np.zeros(3), ["gd", "adam"], at="stable", samples=100, radius=1.0,
                   noise=0.0, rng=0, steps=5)  # fmt: skip
    part = found.x0 @ found.directions.T
    assert np.abs(part).max() <= 20 * EPS
    assert np.linalg.norm(found.x0, axis=1).max() > 0.9
    noisy = escape(tilted, np.zeros(3), ["gd"], at="stable", samples=4000, noise=1e-3, rng=0,
                   steps=1)  # fmt: skip
    part = noisy.x0 @ noisy.directions.T / 1e-3
    assert stats.kstest(part.ravel(), "norm").pvalue > 1e-3


def test_starts_at_the_saddle_and_around_a_point_elsewhere():
    centre = surfaces.six_hump_camel.points().x[2]
    index = surfaces.six_hump_camel.points().index
    assert index[2] == 0
    centre = surfaces.six_hump_camel.points().x[index == 1][0]
    at = escape(surfaces.six_hump_camel, centre, ["gd"], at="saddle", samples=3, steps=1)
    assert (at.x0 == centre).all()
    ball = escape(surfaces.six_hump_camel, centre, ["gd"], samples=50, steps=1, rng=0)
    far = np.linalg.norm(ball.x0 - centre, axis=1)
    assert 0.8e-3 < far.max() <= 1e-3 * (1 + 1e-9)


def test_same_seed_same_bits_for_any_number_of_workers():
    kwargs = {"samples": 70, "learning_rate": 0.02, "steps": 300, "at": "stable", "noise": 1e-9}
    methods = ["noisy_gd", "perturbed_gd", "adam"]
    one, two = (
        escape(surfaces.ten_saddle, np.zeros(4), methods, rng=5, workers=w, **kwargs)
        for w in (1, 2)
    )
    other = escape(surfaces.ten_saddle, np.zeros(4), methods, rng=6, **kwargs)
    for name in ("x0", "steps", "status"):
        assert getattr(one, name).tobytes() == getattr(two, name).tobytes()
    assert one.x0.tobytes() != other.x0.tobytes()
    assert one.seed == 5


def test_a_start_does_the_same_alone():
    many = escape(saddle, [0.0, 0.0], ["gd", "adam"], samples=20, learning_rate=0.03, rng=2)
    for k in (0, 7, 19):
        alone = escape(saddle, [0.0, 0.0], ["gd", "adam"], starts=many.x0[k], learning_rate=0.03)
        assert alone.steps[:, 0].tolist() == many.steps[:, k].tolist()


# --- what stays, what leaves ----------------------------------------------------------------------


def test_at_the_saddle_only_noise_helps():
    found = escape(surfaces.quadratic_saddle, [0.0, 0.0], [*MANY, "noisy_gd"], at="saddle",
                   samples=100, learning_rate=0.05, rng=0, steps=2000)  # fmt: skip
    stays = {method: found.never(method)[0] for method in found.methods}
    assert {name for name, part in stays.items() if part == 1.0} == {*MANY} - {"perturbed_gd"}
    assert stays["noisy_gd"] == 0.0
    assert stays["perturbed_gd"] < 0.1


def test_the_ranking_on_ten_variables():
    """The adaptive ones do not care how small the gradient is; momentum is 1/(1 − 0.9) as fast."""
    found = escape(surfaces.ten_saddle, np.zeros(10), MANY[:-1], samples=200, rng=0,
                   learning_rate=0.01)  # fmt: skip
    median = {method: found.quantile(method)[0] for method in found.methods}
    adaptive = [median[name] for name in ("adagrad", "rmsprop", "adam")]
    assert max(adaptive) < median["nesterov"] < median["momentum"] < median["gd"]
    assert 4.0 < median["gd"] / median["momentum"] < 10.0


def test_a_monkey_saddle_is_degenerate_and_slow():
    """No curvature is negative: ẋ = −3x² takes time as 1/radius, not as −ln radius."""
    medians = []
    for radius in (1e-2, 5e-3):
        found = escape(surfaces.monkey_saddle, [0.0, 0.0], ["gd"], radius=radius, samples=300,
                       learning_rate=0.05, steps=20_000, rng=0)  # fmt: skip
        assert found.degenerate
        assert found.directions.shape == (2, 2)
        medians.append(found.quantile("gd")[0])
    assert "the null space is watched" in found.table()
    assert 1.8 < medians[1] / medians[0] < 2.4
    straight = [
        escape(surfaces.quadratic_saddle, [0.0, 0.0], ["gd"], radius=radius, samples=300,
               learning_rate=0.05, rng=0).quantile("gd")[0]
        for radius in (1e-2, 5e-3)
    ]  # fmt: skip
    assert straight[1] - straight[0] == pytest.approx(math.log(2) / math.log(1.1), abs=1.0)


def test_gradient_descent_takes_exponential_time_on_a_staircase(record_property):
    """Du et al. 2017: each stair multiplies its steps; kicks make them grow by a constant."""
    medians = {"gd": [], "perturbed_gd": []}
    for stairs in range(1, 6):
        found = escape(
            surfaces.staircase, np.zeros(stairs), ["gd", "perturbed_gd"], samples=101, radius=1.0,
            target=reference.staircase_drop(stairs) + 0.1, steps=20_000, learning_rate=0.125, rng=0,
        )  # fmt: skip
        for method, counts in medians.items():
            counts.append(found.quantile(method)[0])
    record_property("gd", medians["gd"])
    record_property("perturbed_gd", medians["perturbed_gd"])
    factors = np.divide(medians["gd"][1:], medians["gd"][:-1])
    assert (factors > 3.0).all()
    steps = np.diff(medians["perturbed_gd"])
    assert steps.max() < 80
    assert medians["perturbed_gd"][-1] < 0.2 * medians["gd"][-1]


@given(st.data())
def test_the_staircase_is_the_papers_where_the_paper_has_it(data):
    """On the tube, and mirrored: any signs."""
    n = data.draw(st.integers(1, 5))
    gone = data.draw(st.integers(0, n))
    ahead = data.draw(st.lists(st.floats(2.0, 6.0), min_size=gone, max_size=gone))
    now = [data.draw(st.floats(0.0, 2.0))] if gone < n else []
    behind = n - gone - len(now)
    rest = data.draw(st.lists(st.floats(0.0, 1.0), min_size=behind, max_size=behind))
    x = np.array([*ahead, *now, *rest])
    signs = np.array(data.draw(st.lists(st.sampled_from([-1, 1]), min_size=n, max_size=n)))
    # Sums of some twenty terms, none larger than ν = 14.5 or L (6τ)² = 72.
    assert abs(surfaces.staircase(signs * x) - reference.in_the_tube(x)) <= 100 * n * 72 * EPS


# --- statistics -----------------------------------------------------------------------------------


@given(st.integers(1, 400), st.data(), st.floats(0.5, 0.999))
def test_wilson(samples, data, level):
    hits = data.draw(st.integers(0, samples))
    low, high = wilson(hits, samples, level)
    known = stats.binomtest(hits, samples).proportion_ci(level, method="wilson")
    np.testing.assert_allclose([low, high], [known.low, known.high], rtol=0.0, atol=20 * EPS)
    roots = reference.wilson(hits, samples, stats.norm.ppf(0.5 + level / 2))
    np.testing.assert_allclose([low, high], roots, rtol=0.0, atol=math.sqrt(EPS))


@given(st.integers(1, 60), st.floats(0.02, 0.98), st.floats(0.5, 0.99))
def test_ranks_of_quantiles(n, p, level):
    """P(X_(low) ≤ q ≤ X_(high)) is at least the level, half of the rest on either side, no less."""
    low, high = quantile_ranks(n, p, level)
    tail, slack = (1 - level) / 2, 100 * n * EPS
    assert 0 <= low < high <= n + 1
    assert low == 0 or reference.below(n, p, low - 1) <= tail + slack
    assert reference.below(n, p, low) >= tail - slack
    assert high == n + 1 or reference.below(n, p, high - 1) >= 1 - tail - slack
    assert reference.below(n, p, high - 2) <= 1 - tail + slack


@pytest.mark.parametrize("call", [lambda: wilson(1, 2, 1.0), lambda: quantile_ranks(3, 0.5, 0.0),
                                  lambda: quantile_ranks(3, 1.0, 0.9)])  # fmt: skip
def test_levels_are_checked(call):
    with pytest.raises(ValueError, match="must be between 0 and 1, got"):
        call()


def test_survival_is_kaplan_and_meiers(study):
    for method in study.methods:
        t, fraction, low, high = study.survival(method)
        steps = study.steps_to_leave(method)
        known = [reference.still_there(steps, each) for each in t]
        assert fraction.tolist() == known
        assert ((low <= fraction) & (fraction <= high)).all()
        assert t[0] == 0
        assert t[-1] == study.horizon
        gone = steps[np.isfinite(steps)]
        data = stats.CensoredData(uncensored=gone, right=[study.horizon + 1.0] * sum(steps > 1e9))
        kaplan = stats.ecdf(data).sf.evaluate(t.astype(float))
        np.testing.assert_allclose(fraction, kaplan, atol=10 * EPS * len(steps))


def test_quantiles_and_fractions(study):
    for method in study.methods:
        steps = np.sort(study.steps_to_leave(method))
        median, low, high = study.quantile(method)
        assert median == steps[149]
        assert (low, high) == (steps[132], steps[167])  # ranks 133 and 168 of 300
        part, least, most = study.never(method)
        assert part == np.mean(np.isinf(steps))
        assert least <= part <= most
    assert study.quantile("slow") == (np.inf, np.inf, np.inf)
    assert study.never("slow")[0] == 1.0
    assert study.quantile("gd", 0.9)[0] == np.sort(study.steps_to_leave("gd"))[269]
    np.testing.assert_array_equal(study.evaluations_to_leave("gd"), study.steps_to_leave("gd"))


def test_the_limits_of_a_median_hold_as_often_as_they_say():
    """200 studies of 30 starts: P(fewer than 180 hold) is 8e-4 at 95 %."""
    truth = escape(saddle, [0.0, 0.0], ["gd"], samples=20_001, learning_rate=0.02, rng=99)
    median = truth.quantile("gd")[0]
    steps = truth.steps_to_leave("gd")[:6000].reshape(200, 30)
    held = 0
    for some in steps:
        part = dataclasses.replace(
            truth, steps=some[None].astype(int), status=np.full((1, 30), "escaped")
        )
        _, low, high = part.quantile("gd")
        held += low <= median <= high
    assert held >= 180


# --- methods and costs ----------------------------------------------------------------------------


@pytest.fixture
def second_order(monkeypatch):
    """As if gradient descent were of second order."""
    whole = dataclasses.replace(METHODS["gd"], second_order=True, rate=1.0)
    part = dataclasses.replace(whole, options={**whole.options, "krylov": None})
    monkeypatch.setitem(METHODS, "gd", whole)
    monkeypatch.setitem(METHODS, "momentum", part)


def test_costs(second_order):
    assert evaluations("adam", {}, 10, 7) == 7
    assert evaluations("gd", {}, 10, 7) == 77
    assert evaluations("momentum", {"krylov": 5}, 10, 7) == 77
    assert evaluations("momentum", {"krylov": None}, 10, 7) == 77
    assert evaluations("adam", {"batch_size": 3}, 10, 8, terms=12) == 2.0
    assert evaluations("adam", {"batch_size": None}, 10, 8, terms=12) == 8
    assert evaluations("momentum", {"krylov": 3}, 1000, np.array([1, 2])).tolist() == [7, 14]


def test_one_rate_is_for_first_order(second_order):
    rates = {each.label: each.learning_rate for each in contenders_of(["gd", "adam"], 0.5)}
    assert rates == {"gd": 1.0, "adam": 0.5}
    rates = {each.label: each.learning_rate for each in contenders_of(["gd"], {"gd": 0.25})}
    assert rates == {"gd": 0.25}


def test_labels_options_and_rates():
    found = contenders_of(
        {"a": "adam", "b": {"method": "Adam", "betas": (0.5, 0.9), "lr": 0.3}, "gd": {}},
        {"a": 0.1}, {"gd": {"weight_decay": 0.5}},
    )  # fmt: skip
    assert [(each.label, each.method, each.learning_rate) for each in found] == [
        ("a", "adam", 0.1), ("b", "adam", 0.3), ("gd", "gd", 1e-3),
    ]  # fmt: skip
    assert found[1].options["betas"] == (0.5, 0.9)
    assert found[2].options["weight_decay"] == 0.5
    assert contenders_of("noisy-gd", 0.1)[0].method == "noisy_gd"


# --- scaling --------------------------------------------------------------------------------------


def test_time_against_curvature_is_the_formulas():
    """⌈ln(leave/y)/ln(1 + ηλ)⌉, about 1/λ."""
    values = [0.01, 0.1, 1.0]
    found = escape_scaling("curvature", values, ["gd", "adam"], dimension=3, leave=1.0,
                           starts=[[0.1, 0.1, 1e-4]], learning_rate=0.05,
                           steps=20_000)  # fmt: skip
    known = [reference.steps_on_quadratic(1e-4, 1.0, 0.05, value) for value in values]
    assert found.quantile("gd")[0].tolist() == known
    assert [each.eigenvalues[0] for each in found.studies] == [-0.01, -0.1, -1.0]
    axis, label = found.axis()
    np.testing.assert_allclose(axis, [100.0, 10.0, 1.0], rtol=EPS)
    assert label == "−1/λmin"


def test_dimension_noise_and_rate():
    found = escape_scaling("dimension", [2, 5, 10], ["gd"], samples=50, learning_rate=0.1, rng=0)
    assert [study.x0.shape for study in found.studies] == [(50, 2), (50, 5), (50, 10)]
    noise = escape_scaling("noise", [1e-9, 1e-6, 1e-3], ["gd"], dimension=2, at="stable",
                           samples=101, learning_rate=0.1, rng=0)  # fmt: skip
    # A thousand times the noise: as many steps fewer as 1.1 takes to become a thousand.
    np.testing.assert_allclose(np.diff(noise.quantile("gd")[0]), -math.log(1e3) / math.log(1.1),
                               atol=1.0)  # fmt: skip
    rates = escape_scaling("learning_rate", [0.01, 0.1], ["gd"], f=saddle, saddle=[0.0, 0.0],
                           samples=51, rng=0)  # fmt: skip
    assert [each.contenders[0].learning_rate for each in rates.studies] == [0.01, 0.1]
    assert (np.diff(rates.quantile("gd")[0]) < 0).all()
    assert "learning_rate" in str(rates)
    assert len(rates.table().splitlines()) == 4


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        (("speed", [1.0]), {}, "`over` must be one of curvature"),
        (("noise", [1.0, 0.5]), {}, "`values` must be positive and ascending"),
        (("noise", []), {}, "`values` must be positive and ascending"),
        (("noise", [1.0]), {"noise": 0.1}, "`noise` varies: do not pass a value of it"),
        (("curvature", [1.0]), {"f": saddle, "saddle": [0, 0]}, "`curvature` is that of `f`"),
        (("noise", [1.0]), {"f": saddle}, "`saddle` is missing"),
        (("dimension", [2.5]), {}, "`dimension` must be a positive integer"),
        (("dimension", [1]), {}, "`dimension` must be at least 2, got 1"),
        (("noise", [1.0]), {"curvature": -1.0}, "`curvature` must be positive"),
    ],
)
def test_errors_of_scaling(args, kwargs, message):
    with pytest.raises(ValueError, match=message):
        escape_scaling(*args, **kwargs)


def test_the_family():
    assert quadratic_family(2.0)([1.0, 3.0, 2.0]) == 0.5 * (10.0 - 8.0)
    with pytest.raises(ValueError, match="`curvature` must be positive"):
        quadratic_family(0.0)


# --- errors ---------------------------------------------------------------------------------------


def bowl(x):
    return x[0] ** 2 + 2 * x[1] ** 2


@pytest.mark.parametrize(
    ("f", "point", "kwargs", "message"),
    [
        (saddle, [0.1, 0.0], {}, r"must be a critical point, but there \|gradient\| = 0.1"),
        (bowl, [0.0, 0.0], {}, "must have negative curvature, but it is minimum: the eigenvalues"),
        (saddle, [[0.0, 0.0]], {}, r"`saddle` must be one point \(n,\), got shape \(1, 2\)"),
        (saddle, [np.nan, 0.0], {}, r"`saddle` must be finite, but saddle\[0\] = nan"),
        (saddle, [0, 0], {"methods": ["adan"]}, "got 'adan': did you mean 'adam'"),
        (saddle, [0, 0], {"methods": ["sgd"]}, "must be made by saddlelab.data_objective"),
        (saddle, [0, 0], {"methods": []}, "`methods` must name at least one method"),
        (saddle, [0, 0], {"methods": ["gd", "gd"]}, "must not name 'gd' twice"),
        (saddle, [0, 0], {"learning_rate": -1.0}, "`learning_rate` must be positive"),
        (saddle, [0, 0], {"learning_rate": {"adan": 1.0}}, "`learning_rate` must be by gd"),
        (saddle, [0, 0], {"options": {"gdd": {}}}, "`options` must be by gd.* did you mean 'gd'"),
        (saddle, [0, 0], {"options": {"gd": {"betas": 1}}}, "`betas` is no option of gd"),
        (saddle, [0, 0], {"samples": 0}, "`samples` must be a positive integer, got 0"),
        (saddle, [0, 0], {"radius": 0.0}, "`radius` must be positive"),
        (saddle, [0, 0], {"noise": -1.0}, "`noise` must not be negative, got -1.0"),
        (saddle, [0, 0], {"leave": 0.0}, "`leave` must be positive"),
        (saddle, [0, 0], {"target": np.inf}, "`target` must be a finite number"),
        (saddle, [0, 0], {"at": "bal"}, "`at` must be one of ball.* did you mean 'ball'"),
        (saddle, [0, 0], {"starts": [[1.0]]}, "`starts` must be points of 2 variables"),
        (saddle, [0, 0], {"steps": 0}, "`steps` must be a positive integer"),
        (surfaces.wood, [0, 0], {}, "must be 4 for wood, got 2"),
    ],
)  # fmt: skip
def test_errors(f, point, kwargs, message):
    with pytest.raises(ValueError, match=message):
        escape(f, point, **{"methods": ["gd"], **kwargs})


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"methods": 3}, "`methods` must be names of methods, got 3"),
        ({"methods": {"gd": 3}}, r"`methods\['gd'\]` must be a dict of options, got 3"),
        ({"options": [1]}, r"`options` must be a dict by method, got \[1\]"),
        ({"options": {"gd": 3}}, r"`options\['gd'\]` must be a dict of options, got 3"),
    ],
)
def test_errors_of_type(kwargs, message):
    with pytest.raises(TypeError, match=message):
        escape(saddle, [0, 0], **{"methods": ["gd"], **kwargs})


def test_unknown_labels(study):
    with pytest.raises(ValueError, match=r"`method` must be one of gd, .* did you mean 'momentum'"):
        study.quantile("momentun")
    assert study.quantile("GD") == study.quantile("gd")


def test_what_diverges_never_left():
    """A cliff: the gradient is infinite beyond it."""

    def cliff(x):
        return -0.5 * x[0] ** 2 - 1.0 / (1.0 - x[0] ** 2) + 0.5 * x[1] ** 2

    found = escape(cliff, [0.0, 0.0], ["gd"], target=-1e300, samples=5, learning_rate=0.5, rng=0,
                   steps=500)  # fmt: skip
    assert not found.left.any()
    assert np.isinf(found.steps_to_leave("gd")).all()


# --- text, files, pictures ------------------------------------------------------------------------


def test_the_table(study):
    head, limits, empty, columns, *rows = str(study).splitlines()
    assert head == ("quadratic_saddle at (0, 0), least eigenvalue -2: 300 starts in a ball of "
                    "radius 0.001")  # fmt: skip
    assert "within 1000 steps" in limits
    assert empty == ""
    assert columns.split()[:3] == ["method", "rate", "median"]
    medians = [float(row.split()[2].replace("never", "inf")) for row in rows]
    assert medians == sorted(medians)
    assert {row.split()[0] for row in rows} == set(study.methods)
    for row in rows:
        median, low, high = study.quantile(row.split()[0])
        assert row.split()[2:5] == [
            f"{v:.0f}" if np.isfinite(v) else "never" for v in (median, low, high)
        ]
    slow = next(row for row in rows if row.startswith("slow"))
    assert slow.endswith("1.0000  0.9874  1.0000  steps 300")
    assert repr(study).startswith("<EscapeStudy of quadratic_saddle: 300 starts, gd, momentum")


def test_csv_and_json(study, tmp_path):
    study.to_csv(tmp_path / "study.csv")
    with (tmp_path / "study.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(study.methods) * 300
    for k in (0, 299, 300, 301):
        method, start = study.methods[k // 300], k % 300
        assert (rows[k]["method"], int(rows[k]["start"])) == (method, start)
        assert int(rows[k]["steps"]) == study.steps[k // 300, start]
        assert [float(rows[k]["x0"]), float(rows[k]["x1"])] == study.x0[start].tolist()
    text = study.to_json(tmp_path / "study.json")
    assert (tmp_path / "study.json").read_text() == f"{text}\n"
    found = json.loads(text, parse_constant=pytest.fail)
    assert found["seed"] == 0
    assert found["methods"]["slow"]["median"] == {"value": None, "low": None, "high": None}
    assert found["methods"]["gd"]["median"]["value"] == study.quantile("gd")[0]
    assert found["methods"]["slow"]["learning_rate"] == 1e-6
    assert "numpy" in found["versions"]


@pytest.fixture
def no_display():
    with mpl.rc_context(), mpl.style.context("default"):
        mpl.use("agg")
        yield
        plt.close("all")


@pytest.mark.usefixtures("no_display")
def test_survival_curves(study, tmp_path):
    ax = study.plot()
    lines = {line.get_gid(): line for line in ax.get_lines()}
    assert set(lines) == set(study.methods)
    for method, line in lines.items():
        t, fraction, _, _ = study.survival(method)
        count = len(line.get_xdata())
        assert count in (len(t), len(t) - 1)
        np.testing.assert_array_equal(line.get_xdata(), t[:count])
        np.testing.assert_array_equal(line.get_ydata(), fraction[:count])
    styles = {(li.get_color(), li.get_linestyle(), li.get_marker()) for li in lines.values()}
    assert len(styles) == len(lines)
    assert ax.get_xscale() == "log"
    assert ax.get_xlabel() == "steps"
    study.plot(by="evaluations", level=0.5).figure.savefig(tmp_path / "curves.svg")
    assert 'id="gd"' in (tmp_path / "curves.svg").read_text()
    with pytest.raises(ValueError, match="`by` must be one of steps, evaluations"):
        study.plot(by="time")


@pytest.mark.usefixtures("no_display")
def test_the_picture_of_medians():
    found = escape_scaling("curvature", [0.001, 0.1, 1.0], ["gd", "momentum"], dimension=2,
                           samples=31, learning_rate=0.1, steps=3000, rng=0)  # fmt: skip
    ax = found.plot()
    assert ax.get_xlabel() == "−1/λmin"
    assert ax.get_xscale() == ax.get_yscale() == "log"
    drawn = ax.containers[0].lines[0]
    np.testing.assert_allclose(drawn.get_xdata(), [10.0, 1.0])
    assert drawn.get_ydata().tolist() == found.quantile("gd")[0][1:].tolist()
    # What never left is drawn open, at the horizon.
    (never,) = [li for li in ax.get_lines() if li.get_label() == "_gd never"]
    assert (never.get_xdata().tolist(), never.get_ydata().tolist()) == ([1000.0], [3000.0])


def test_results_are_frozen(study):
    assert isinstance(study, EscapeStudy)
    with pytest.raises(dataclasses.FrozenInstanceError):
        study.horizon = 3


def test_progress_is_shown(capsys):
    escape(saddle, [0, 0], ["gd", "adam"], samples=8, steps=300, learning_rate=0.1, progress=True)
    said = capsys.readouterr().err
    assert "gd" in said
    assert "adam" in said
