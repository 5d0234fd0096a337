"""Spread of the values of minima against width: real runs, figures beside NumPy's, bad input."""

import csv
import json

import numpy as np
import pytest
from scipy.stats import spearmanr

from saddlelab import cli_network, datasets, networks
from saddlelab.cli_arguments import OneLineParser
from saddlelab.networks.spread_result import MinimaSpread

WIDTHS = (4, 8, 16)


@pytest.fixture(scope="module")
def found():
    return networks.minima_spread(WIDTHS, runs=20, rng=1, workers=2)


def made(values, index=0):
    """A result with these values, one row for each width 1, 2, …"""
    value = np.atleast_2d(np.asarray(values, dtype=float))
    kind = np.full(value.shape, "saddle" if index else "minimum")
    return MinimaSpread(np.arange(1, len(value) + 1), value, np.zeros(value.shape),
                        np.ones(value.shape, int), kind, np.full(value.shape, index), 1e-6, "gd",
                        "none", 0.0, 0)  # fmt: skip


def test_the_spread_shrinks_with_width(found):
    """Choromanska et al. 2015: rank correlation −1, a falling line, intervals of the ends apart.

    Narrower networks than these have but a few minima, whose spread depends on the runs.
    """
    assert spearmanr(found.widths, found.std).statistic == pytest.approx(-1.0)
    low, high = found.std_interval()
    assert high[-1] < low[0]
    slope, _, most = found.slope()
    assert slope < most < 0.0
    assert (np.diff(found.mean) < 0.0).all()


def test_runs_end_where_they_say(found):
    """Every counted run is a critical point of the loss, and none of a positive index."""
    assert found.counted.sum() >= 0.9 * found.value.size
    assert (found.index[found.kind == "minimum"] == 0).all()
    assert (found.gradient_norm[found.counted] <= found.tol).all()


def test_bits_depend_on_nothing_but_the_seed(found):
    """Neither on threads, nor on the other widths, nor on how many runs there are."""
    other = networks.minima_spread([8], runs=10, rng=1, workers=1)
    np.testing.assert_array_equal(other.value[0], found.value[1, :10])
    np.testing.assert_array_equal(other.kind[0], found.kind[1, :10])
    again = networks.minima_spread([8], runs=10, rng=2, workers=1)
    assert (again.value != other.value).any()


def test_figures_are_numpy_s(found):
    for k, width in enumerate(WIDTHS):
        values = found.value[k, found.counted[k]]
        np.testing.assert_array_equal(found.minima(width), np.sort(values))
        assert found.std[k] == pytest.approx(values.std(ddof=1), rel=1e-12)
        assert found.mean[k] == pytest.approx(values.mean(), rel=1e-12)
        assert found.iqr[k] == pytest.approx(np.subtract(*np.quantile(values, [0.75, 0.25])))


@pytest.mark.parametrize(("decay", "kind"), [(0.1, "saddle"), (0.0, "degenerate")])
def test_saddles_are_not_counted(decay, kind):
    """(1 + w₁w₂)²/2 and biases: descent that starts on the stable manifold ends at the saddle."""
    X, y = np.array([[1.0], [-1.0]]), np.array([[-1.0], [1.0]])
    stuck = networks.minima_spread(
        [1], runs=2, data=(X, y), activation="linear", weight_decay=decay, initialiser="constant",
        method="gd", learning_rate=0.1, steps=1000,
    )  # fmt: skip
    assert stuck.kind.tolist() == [[kind, kind]]
    assert stuck.index.tolist() == [[1, 1]]
    assert stuck.converged.all()
    assert not stuck.counted.any()
    assert np.isnan(stuck.std[0])
    assert stuck.table().splitlines()[2].split()[:6] == ["1", "2", "2", "2", "0", "0"]


def test_runs_on_their_way_are_not_counted():
    early = networks.minima_spread([2], runs=3, steps=1, method="gd", rng=0)
    assert not early.converged.any()
    assert not early.counted.any()


def test_intervals_cover_the_truth():
    """Of normals of standard deviation 1, in at least 80 of 100 samples of 40 (95 % is asked)."""
    draws = np.random.default_rng(0).normal(size=(100, 40))
    low, high = made(draws).std_interval()
    assert np.mean((low <= 1.0) & (high >= 1.0)) >= 0.8


def test_the_slope_of_a_known_law():
    draws = np.random.default_rng(0).normal(size=(1, 400)) / np.arange(1.0, 5.0)[:, None]
    slope, low, high = made(draws).slope()
    assert slope == pytest.approx(-1.0, abs=1e-9)
    assert low < -1.0 < high
    one = made(np.vstack([np.full(400, 0.5), draws]))  # a width whose minima are all one
    assert np.isfinite(one.slope()).all()
    assert np.isnan(made([[1.0, 2.0]]).slope()).all()


def test_classes_and_data_sets():
    data = datasets.gaussian_blobs(40, classes=3, test=0.0)
    found = networks.minima_spread([2], runs=4, data=data, weight_decay=0.01, rng=0, checked=1)
    assert found.data == "gaussian_blobs"
    assert (found.kind[0, 1:] == "unchecked").all()
    assert found.converged.all()


def test_files_and_text(found, tmp_path):
    found.to_csv(tmp_path / "runs.csv")
    with (tmp_path / "runs.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["value"]) for row in rows] == found.value.ravel().tolist()
    assert rows[21]["width"] == "8"
    told = json.loads(found.to_json(), parse_constant=pytest.fail)
    assert [row["std"] for row in told["widths"]] == pytest.approx(found.std.tolist())
    assert json.loads(made([[1.0, 1.0]], index=1).to_json())["widths"][0]["std"] is None
    assert len(str(found).splitlines()) == 2 + len(found) + 1


def test_the_plot_shows_every_width(found):
    import matplotlib.pyplot as plt

    figure = found.plot()
    left, right = figure.axes
    assert [label.get_text() for label in left.get_yticklabels()] == ["4", "8", "16"]
    drawn = right.get_lines()[0].get_ydata()
    np.testing.assert_allclose(drawn, found.std)
    plt.close(figure)
    plt.close(made([[1.0, 1.0], [2.0, 2.0]], index=1).plot())


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"widths": []}, ValueError, "`widths` must be distinct, at least one"),
        ({"widths": [2, 2]}, ValueError, "`widths` must be distinct"),
        ({"widths": [0]}, ValueError, "`widths` must be a positive integer, got 0"),
        ({"runs": 0}, ValueError, "`runs` must be a positive integer, got 0"),
        ({"tol": 0.0}, ValueError, "`tol` must be positive"),
        ({"data": 3}, TypeError, "`data` must be a Dataset or a pair"),
        ({"data": (np.ones(3), np.ones(3))}, ValueError, r"X of `data` must have shape"),
        ({"data": (np.ones((3, 1)), np.ones(2))}, ValueError, r"y of `data` must have shape \(3,"),
        ({"data": ([[np.nan]], [1.0])}, ValueError, "`X` must be finite"),
        ({"method": "nothing"}, ValueError, "`method` must be one of"),
        ({"initialiser": "glorott"}, ValueError, "`initialiser` must be one of"),
        ({"checked": 0}, ValueError, "`checked` must be a positive integer or None"),
    ],
)
def test_bad_input_is_named(arguments, error, text):
    with pytest.raises(error, match=text):
        networks.minima_spread(**{"widths": [1], "runs": 2} | arguments)
    with pytest.raises(ValueError, match="`width` must be one of"):
        made([[1.0, 2.0]]).minima(7)


def test_the_command(tmp_path, capsys):
    parser = OneLineParser(prog="saddlecore", example="saddlecore network")
    cli_network.add_parser(parser.add_subparsers(dest="command"))
    args = parser.parse_args(
        ["network", "spread", "--widths", "1,2", "--runs", "5",
         "--plot", str(tmp_path / "a.png"), "--csv", str(tmp_path / "a.csv")]
    )  # fmt: skip
    args.action(args)
    truth = networks.minima_spread([1, 2], runs=5, rng=0)
    assert capsys.readouterr().out == f"{truth.table()}\nseed 0\n"
    assert (tmp_path / "a.png").stat().st_size > 10_000
    assert (tmp_path / "a.csv").exists()
