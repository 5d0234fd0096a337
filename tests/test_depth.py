"""Learning times of deep linear networks: beside plain descent, the paper's claim, modes."""

import csv
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import depth as reference

from saddlelab import cli_network, networks
from saddlelab.cli_arguments import OneLineParser
from saddlelab.networks.depth_result import DepthStudy

KINDS = ("scaled_gaussian", "glorot_normal", "orthogonal")
RATES = (2.0, 1.4, 1.0, 0.7, 0.5, 0.35)


@pytest.fixture(scope="module")
def found():
    return networks.depth_study((3, 10, 30), initialisers=("scaled_gaussian", "orthogonal"), runs=4,
                                learning_rates=RATES, steps=200, fraction=0.1, rng=0,
                                workers=2)  # fmt: skip


def made(steps, horizon=100):
    """A study with these steps, one row for each depth 1, 2, …"""
    table = np.array([steps], dtype=float)
    return DepthStudy(np.arange(1, len(steps) + 1), ("orthogonal",), table,
                      np.full((1, len(steps)), 0.5), np.array([1.0, 0.5]), 4, 1.0, 0.1, horizon,
                      "none", 0)  # fmt: skip


def test_orthogonal_is_flat_and_gaussian_grows(found):
    """Saxe et al. 2014, depths 3 to 30, the best learning rate of each."""
    flat, grown = found.median("orthogonal"), found.median("scaled_gaussian")
    assert np.isfinite(flat).all()
    assert flat.max() <= 3.0 * flat.min()
    assert (np.diff(grown) > 0.0).all()
    assert (grown[1:] > 3.0 * grown[:-1]).all()
    assert grown[2] > 10.0 * flat[2]
    assert found.growth("orthogonal") < 0.5 < 1.0 < found.growth("scaled_gaussian")
    assert not found.at_edge("orthogonal").any()


def weights_of(theta, sizes):
    network = networks.MLP(sizes, activation="linear", bias=False)
    return [W for W, _ in network.unpack(theta)]


@settings(max_examples=8)
@given(st.integers(1, 4), st.sampled_from(KINDS), st.integers(0, 10**6), st.booleans())
def test_steps_are_those_of_plain_descent(depth, kind, seed, classes):
    """At each rate of the grid, on data that are neither white nor answered by a linear map."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(12, 3)) * [1.0, 2.0, 0.5]
    y = np.arange(12) % 3 if classes else X @ rng.normal(size=(3, 2)) + rng.normal(size=(12, 2))
    grid, fraction, most = [1.0, 0.5, 0.125], 0.2, 60
    found = networks.depth_study([depth], initialisers=[kind], width=5, data=(X, y), runs=3,
                                 learning_rates=grid, fraction=fraction, steps=most,
                                 rng=seed)  # fmt: skip
    Y = np.eye(3)[y] - 1.0 / 3.0 if classes else y
    sizes = [3, *[5] * (depth - 1), Y.shape[1]]
    starts = networks.initialise(sizes, kind, rng=seed, count=3, bias=False)
    unit = 1.0 / (depth * np.linalg.eigvalsh(X.T @ X / 12)[-1])
    steps = np.array([
        [reference.steps_to_learn(weights_of(theta, sizes), X, Y, rate * unit, fraction, most)
         for theta in starts]
        for rate in grid
    ])  # fmt: skip
    medians = np.sort(steps, axis=1)[:, 1]
    assert found.median(kind)[0] == medians.min()
    if np.isfinite(medians.min()):
        best = grid.index(found.rates[0, 0])
        assert medians[best] == medians.min()
        np.testing.assert_array_equal(found.steps[0, 0], steps[best])


def test_bits_do_not_depend_on_threads_or_other_depths(found):
    alone = networks.depth_study([10], initialisers=["orthogonal"], runs=4, steps=200,
                                 learning_rates=RATES, fraction=0.1, rng=0, workers=1)  # fmt: skip
    np.testing.assert_array_equal(alone.steps[0, 0], found.steps[1, 1])
    assert alone.rates[0, 0] == found.rates[1, 1]


def test_what_is_not_reached_is_said():
    """Two steps are too few: nothing is learnt, no rate is the best, and the table says never."""
    found = networks.depth_study([6], initialisers=["scaled_gaussian"], runs=2, steps=2, rng=0)
    assert np.isinf(found.steps).all()
    assert np.isnan(found.rates).all()
    assert found.never("scaled_gaussian").tolist() == [2]
    assert "never" in found.table()
    assert np.isnan(found.growth("scaled_gaussian"))
    told = json.loads(found.to_json(), parse_constant=pytest.fail)
    assert told["depths"][0]["median"] is None


def test_medians_limits_and_growth():
    study = made([[4.0, 1.0, 2.0, 3.0], [np.inf, 4.0, 4.0, np.inf], [np.inf, np.inf, np.inf, 8.0]])
    assert study.median("orthogonal").tolist() == [2.0, 4.0, np.inf]
    assert study.growth("orthogonal") == pytest.approx(1.0)
    assert study.never("orthogonal").tolist() == [0, 2, 3]
    assert study.at_edge("orthogonal").all()
    ten = made([np.arange(1.0, 21.0)])
    assert [limit[0] for limit in ten.quantile("orthogonal")] == [10.0, 6.0, 15.0]  # binomial


def test_files_and_the_plot(found, tmp_path):
    import matplotlib.pyplot as plt

    found.to_csv(tmp_path / "runs.csv")
    with (tmp_path / "runs.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["steps"]) for row in rows] == found.steps.ravel().tolist()
    ax = found.plot()
    np.testing.assert_array_equal(ax.get_lines()[0].get_xdata()[:2], [3, 10])
    assert [t.get_text() for t in ax.get_legend().get_texts()] == list(found.initialisers)
    plt.close(ax.figure)
    lost = made([[np.inf, np.inf], [3.0, 4.0]]).plot()
    assert [100.0] in [line.get_ydata().tolist() for line in lost.get_lines()]
    plt.close(lost.figure)


@pytest.mark.parametrize("depth", [1, 2, 3, 5])
def test_modes_follow_saxe_s_formula(depth):
    """Within 1 % of s all the way, to first order in the rate; half the rate, half the error."""
    found = networks.linear_modes([2.0, 1.0], a0=0.01, depth=depth, rng=depth)
    assert found.error < 0.01
    np.testing.assert_allclose(found.measured[:, 0], found.a0, rtol=1e-9)
    np.testing.assert_allclose(found.measured[:, -1], found.s, rtol=0.15)
    half = networks.linear_modes([2.0, 1.0], a0=0.01, depth=depth, rate=found.rate / 2.0,
                                 rng=depth)  # fmt: skip
    assert found.error / half.error == pytest.approx(2.0, rel=0.1)


def test_the_plot_of_modes():
    import matplotlib.pyplot as plt

    found = networks.linear_modes([2.0, 1.0], rng=0)
    ax = found.plot()
    np.testing.assert_array_equal(ax.get_lines()[0].get_ydata(), found.formula[0])
    assert "within" in str(found)
    plt.close(ax.figure)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"depths": [0]}, ValueError, "`depths` must be a positive integer, got 0"),
        ({"depths": []}, ValueError, "`depths` must be distinct, at least one"),
        ({"initialisers": ["orthogonl"]}, ValueError, "did you mean 'orthogonal'"),
        ({"initialisers": []}, ValueError, "`initialisers` must be distinct, at least one"),
        ({"width": 0}, ValueError, "`width` must be a positive integer"),
        ({"gain": 0.0}, ValueError, "`gain` must be positive"),
        ({"fraction": 1.0}, ValueError, "`fraction` must be above 0 and below 1, got 1.0"),
        ({"learning_rates": [0.1, -1.0]}, ValueError, "`learning_rates` must be positive"),
        ({"data": 3}, TypeError, "`data` must be a Dataset or a pair"),
        ({"data": (np.eye(2), np.ones((3, 1)))}, ValueError, r"y of `data` must be finite, of"),
        ({"data": ([[1.0], [-1.0]], np.ones((2, 1)))}, ValueError, "must depend linearly on X"),
        ({"data": (np.zeros((2, 1)), np.ones((2, 1)))}, ValueError, "must depend linearly on X"),
    ],
)
def test_bad_input_is_named(arguments, error, text):
    with pytest.raises(error, match=text):
        networks.depth_study(**{"depths": [1], "runs": 2} | arguments)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"s": [[1.0]]}, "`s` must be 1 to 64 numbers"),
        ({"s": [-1.0]}, "`s` must be finite and positive"),
        ({"a0": 0.9, "s": [1.0]}, "`a0` must be below"),
        ({"depth": 0}, "`depth` must be a positive integer"),
        ({"rate": 0.0}, "`rate` must be positive"),
    ],
)
def test_bad_modes_are_named(arguments, text):
    with pytest.raises(ValueError, match=text):
        networks.linear_modes(**arguments)


def test_the_command(tmp_path, capsys):
    parser = OneLineParser(prog="saddlecore", example="saddlecore network")
    cli_network.add_parser(parser.add_subparsers(dest="command"))
    args = parser.parse_args(
        ["network", "depth", "--depths", "2:4:2", "--runs", "2", "--initialisers", "orthogonal",
         "--plot", str(tmp_path / "a.png"), "--plot-modes", str(tmp_path / "b.png")]
    )  # fmt: skip
    args.action(args)
    truth = networks.depth_study([2, 4], initialisers=["orthogonal"], runs=2, rng=0)
    assert capsys.readouterr().out == f"{truth.table()}\nseed 0\n"
    for name in ("a.png", "b.png"):
        assert (tmp_path / name).stat().st_size > 10_000
