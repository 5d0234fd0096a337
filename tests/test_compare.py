"""Comparisons: each number against the runs themselves, text, files, pictures."""

import csv
import itertools
import json

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import escape as reference
from reference import optimizers

from saddlelab import Comparison, compare, data_objective, minimize, surfaces

METHODS_AND_RATES = {"gd": 0.01, "momentum": 0.003, "adam": 0.1, "noisy_gd": 0.01}
STEPS = 400


def himmelblau_slope(x):
    a, b = x[0] ** 2 + x[1] - 11, x[0] + x[1] ** 2 - 7
    return np.array([4 * a * x[0] + 2 * b, 2 * a + 4 * b * x[1]])


@pytest.fixture(scope="module")
def x0():
    return np.random.default_rng(0).uniform(-4, 4, (60, 2))


@pytest.fixture(scope="module")
def found(x0):
    return compare(
        surfaces.himmelblau, x0, list(METHODS_AND_RATES), learning_rate=METHODS_AND_RATES,
        steps=STEPS, target=1e-3, change=1e-6, options={"noisy_gd": {"noise": 0.5}}, rng=3,
    )  # fmt: skip


@pytest.fixture(scope="module")
def runs(x0):
    """The same by themselves."""
    return {
        method: minimize(surfaces.himmelblau, x0, method=method, learning_rate=rate, steps=STEPS,
                         rng=3, record=["value", "step_length"],
                         **({"noise": 0.5} if method == "noisy_gd" else {}))
        for method, rate in METHODS_AND_RATES.items()
    }  # fmt: skip


# --- numbers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["x", "value", "kind", "index", "certified", "status", "steps"])
def test_ends_are_those_of_the_runs(found, runs, name):
    assert found.methods == tuple(METHODS_AND_RATES)
    for k, method in enumerate(found.methods):
        np.testing.assert_array_equal(getattr(found, name)[k], getattr(runs[method], name))


def test_steps_to_target_and_to_settle(found, runs):
    """Counted along every path."""
    for k, method in enumerate(found.methods):
        values = runs[method].history.value
        known = [reference.first(path, lambda v: v <= 1e-3) for path in values]
        assert found.to_target[k].tolist() == known
        for path, settled in zip(values, found.settled[k], strict=True):
            changes = [np.inf, *(abs(b - a) for a, b in itertools.pairwise(path))]
            assert settled == reference.first(changes, lambda c: c < 1e-6)
        assert found.median_steps(method) == sorted(known)[29]
        assert found.median_steps(method, "settled") == sorted(found.settled[k])[29]


def test_settled_by_the_length_of_steps(x0, runs):
    found = compare(surfaces.himmelblau, x0, ["gd"], learning_rate=0.01, steps=STEPS, change=1e-5,
                    change_of="step", timed=False)  # fmt: skip
    lengths = runs["gd"].history.step_length
    known = [reference.first(path, lambda length: length < 1e-5) for path in lengths]
    assert found.settled[0].tolist() == known
    assert max(known) < STEPS


def test_curves_are_quantiles(found, runs):
    for k, method in enumerate(found.methods):
        ranked = np.sort(runs[method].history.value, axis=0)
        np.testing.assert_array_equal(found.curves[k], ranked[[5, 29, 53]])
        assert found.quantile(method) == np.sort(runs[method].value)[29]
        assert found.quantile(method, 0.0) == runs[method].value.min()


@given(st.sampled_from(["gd", "adam", "rmsprop"]), st.integers(1, 7))
@settings(max_examples=15)
def test_records_every_so_often(method, every):
    x = np.array([1.0, 1.5])
    found = compare(surfaces.himmelblau, x, [method], learning_rate=0.01, steps=100, every=every,
                    target=1.0, change=1e-2, timed=False)  # fmt: skip
    path = optimizers.trajectory(method, himmelblau_slope, x, [0.01] * 100)
    values = np.array([surfaces.himmelblau(point) for point in path])[::every]
    np.testing.assert_allclose(found.curves[0, 1], values, rtol=1e-9, atol=1e-9)
    assert found.to_target[0, 0] == every * reference.first(values, lambda v: v <= 1.0)
    changes = [np.inf, *np.abs(np.diff(values)) / every]
    assert found.settled[0, 0] == every * reference.first(changes, lambda c: c < 1e-2)


def test_starts_that_end_early_keep_their_value_and_lost_ones_are_infinite():
    """Of x² − y⁴ a start with y = 0 converges, another falls for ever."""

    def cliff(x):
        return x[0] ** 2 - x[1] ** 4

    found = compare(cliff, [[1.0, 0.0], [1.0, 1.0], [2.0, 0.0]], ["gd"], learning_rate=0.25,
                    steps=200, tol=1e-6, target=1e-3, timed=False)  # fmt: skip
    assert found.status[0].tolist() == ["converged", "diverged", "converged"]
    assert found.kinds("gd") == {found.kind[0, 0]: 2, "diverged": 1}
    low, median, high = found.curves[0]
    assert high[-1] == np.inf
    assert low[-1] == found.value[0, [0, 2]].min()
    assert median[-1] == found.value[0, [0, 2]].max()
    assert found.quantile("gd", 0.9) == np.inf
    assert found.to_target[0, 0] == 5.0  # (1/4)^t ≤ 1e-3


def test_a_saddle_is_told_from_a_minimum():
    found = compare(surfaces.escape_saddle, [[1.0, 0.0], [1.0, 1e-3]], ["gd", "momentum"],
                    learning_rate=0.1, timed=False)  # fmt: skip
    for method in found.methods:
        assert found.kinds(method) == {"saddle": 1, "minimum": 1}


def test_without_a_target_nothing_is_reached(x0):
    found = compare(surfaces.himmelblau, x0, ["gd"], learning_rate=0.01, steps=5, timed=False)
    assert np.isinf(found.to_target).all()
    assert np.isnan(found.seconds).all()
    assert "to target" not in found.table()


def test_times_are_measured_without_what_is_compiled(found):
    """A step of 60 starts takes microseconds; what is compiled would show as milliseconds."""
    assert ((found.seconds > 1e-10) & (found.seconds < 1e-4)).all()


def test_costs_by_order_and_by_terms():
    """A method that takes the Hessian costs n gradients more; one term of four a quarter."""
    mean = data_objective(lambda x, row: (x[0] - row[0]) ** 2 + x[1] ** 2, [[1.0], [2], [3], [6]])
    found = compare(mean, np.ones(2), ["gd", "sgd", "newton", "damped_newton"],
                    learning_rate=0.1, steps=50, timed=False,
                    options={"sgd": {"batch_size": 1}, "damped_newton": {"krylov": 2}})  # fmt: skip
    assert [found.cost(method) for method in found.methods] == [1.0, 0.25, 3.0, 5.0]


def test_same_seed_same_bits_for_any_number_of_workers(x0):
    one, two = (
        compare(surfaces.himmelblau, x0, ["noisy_gd", "perturbed_gd"], learning_rate=0.01,
                steps=100, rng=7, workers=w, timed=False)
        for w in (1, 2)
    )  # fmt: skip
    for name in ("x", "value", "curves", "settled"):
        assert getattr(one, name).tobytes() == getattr(two, name).tobytes()


def test_the_same_method_twice_by_label(x0):
    found = compare(
        surfaces.himmelblau, x0,
        {"slow": {"method": "adam", "lr": 1e-4}, "fast": {"method": "adam", "betas": (0.5, 0.9)}},
        learning_rate={"fast": 0.1}, steps=100, timed=False,
    )  # fmt: skip
    assert [each.learning_rate for each in found.contenders] == [1e-4, 0.1]
    assert found.quantile("fast") < found.quantile("slow")


# --- errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"methods": ["sgd"]}, "must be made by saddlelab.data_objective, got himmelblau"),
        ({"methods": ["adan"]}, "got 'adan': did you mean 'adam'"),
        ({"x0": [[np.nan, 0.0]]}, r"`x0` must be finite, but x0\[0, 0\] = nan"),
        ({"x0": [0.0, 0.0, 0.0]}, "must be 2 for himmelblau, got 3"),
        ({"steps": 0}, "`steps` must be a positive integer, got 0"),
        ({"every": 11}, "`every` must be at most 10, got 11"),
        ({"change": 0.0}, "`change` must be positive"),
        ({"change_of": "steps"}, "`change_of` must be one of value, step.* did you mean 'step'"),
        ({"target": np.nan}, "`target` must be a finite number"),
        ({"tol": -1.0}, "`tol` must not be negative, got -1.0"),
        ({"learning_rate": 0.0}, "`learning_rate` must be positive"),
        ({"options": {"adam": {}}}, "`options` must be by gd, got 'adam'"),
    ],
)
def test_errors(kwargs, message):
    given = {"x0": [0.0, 0.0], "methods": ["gd"], "steps": 10, **kwargs}
    with pytest.raises(ValueError, match=message):
        compare(surfaces.himmelblau, given.pop("x0"), given.pop("methods"), **given)


def test_unknown_names(found):
    with pytest.raises(ValueError, match="`method` must be one of gd, momentum"):
        found.cost("sgd")
    with pytest.raises(ValueError, match="`what` must be one of target, settled"):
        found.median_steps("gd", "end")
    assert found.cost("Adam") == 1.0


# --- text, files, pictures ------------------------------------------------------------------------


def test_the_table(found):
    parts = str(found).split("\n\n")
    head, columns = parts[0].splitlines(), parts[1].splitlines()
    assert head[0] == "himmelblau, 2 variables: 60 starts, at most 400 steps"
    assert columns[0].split() == ["method", "rate", "lowest", "f", "median", "f", "90", "%", "to",
                                  "target", "gradients", "settled", "ns/step"]  # fmt: skip
    rows = [row.split() for row in columns[1:]]
    medians = [found.quantile(row[0]) for row in rows]
    assert medians == sorted(medians)
    for row in rows:
        assert row[1] == f"{METHODS_AND_RATES[row[0]]:g}"
        assert float(row[3]) == float(f"{found.quantile(row[0]):.6g}")
        assert row[5] in (f"{found.median_steps(row[0]):.0f}", "never")
    title, *ends = parts[2].splitlines()
    assert title == "where they ended"
    assert [end.split()[0] for end in ends] == [row[0] for row in rows]
    assert repr(found).startswith("<Comparison on himmelblau: 60 starts, gd, momentum")
    assert isinstance(found, Comparison)


def test_csv_and_json(found, x0, tmp_path):
    found.to_csv(tmp_path / "c.csv")
    with (tmp_path / "c.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4 * 60
    for k in (0, 59, 60, 239):
        method, start = k // 60, k % 60
        assert (rows[k]["method"], int(rows[k]["start"])) == (found.methods[method], start)
        assert float(rows[k]["value"]) == found.value[method, start]
        assert rows[k]["kind"] == found.kind[method, start]
        ends = [float(rows[k][f"end_{i}"]) for i in range(2)]
        assert ends == found.x[method, start].tolist()
        assert [float(rows[k][f"start_{i}"]) for i in range(2)] == x0[start].tolist()
    never = np.isinf(found.settled).ravel()
    assert [row["settled"] == "" for row in rows] == never.tolist()
    text = found.to_json(tmp_path / "c.json")
    assert (tmp_path / "c.json").read_text() == f"{text}\n"
    read = json.loads(text, parse_constant=pytest.fail)
    assert read["methods"]["gd"]["value"] == found.value[0].tolist()
    assert read["methods"]["gd"]["kinds"] == found.kinds("gd")
    assert read["methods"]["noisy_gd"]["options"]["noise"] == 0.5


@pytest.fixture
def no_display():
    with mpl.rc_context(), mpl.style.context("default"):
        mpl.use("agg")
        yield
        plt.close("all")


@pytest.mark.usefixtures("no_display")
def test_the_picture(found, tmp_path):
    figure = found.plot()
    left, middle, right = figure.axes
    for ax in (left, middle):
        lines = {line.get_gid(): line for line in ax.get_lines()}
        assert set(lines) == set(found.methods)
        assert ax.get_yscale() == "log"
        for k, method in enumerate(found.methods):
            floor = 2.0**-52 * found.curves.max()
            np.testing.assert_array_equal(lines[method].get_xdata(), np.arange(STEPS + 1))
            np.testing.assert_array_equal(
                lines[method].get_ydata(), np.maximum(found.curves[k, 1], floor)
            )
    assert [label.get_text() for label in right.get_yticklabels()] == list(found.methods)
    widths = {}
    for bar in right.patches:
        widths.setdefault(bar.get_gid(), []).append(bar.get_width())
    for kind, shares in widths.items():
        known = [found.kinds(method).get(kind, 0) / 60 for method in found.methods]
        np.testing.assert_allclose(shares, known, rtol=0.0, atol=2.0**-50)
    assert set(widths) == {kind for method in found.methods for kind in found.kinds(method)}
    figure.savefig(tmp_path / "c.png")


@pytest.mark.usefixtures("no_display")
def test_pictures_of_negative_and_of_lost_values():
    low = compare(surfaces.quadratic_saddle, [[0.0, 1e-3]], ["gd"], learning_rate=0.1, steps=60,
                  timed=False).plot().axes[0]  # fmt: skip
    assert low.get_yscale() == "log"
    assert low.get_ylabel().startswith("f − (-")
    found = compare(surfaces.himmelblau, [[300.0, 1.0], [400.0, 2.0]], ["gd"], learning_rate=10.0,
                    steps=60, timed=False)  # fmt: skip
    assert found.kinds("gd") == {"diverged": 2}
    found.plot().canvas.draw()
