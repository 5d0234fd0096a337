"""Sweeps and studies of deep networks, their pictures, and ``saddlecore saturation``."""

import json

import matplotlib.image
import numpy as np
import pytest
from matplotlib.figure import Figure

from saddlelab import networks, saturation, saturation_history, signal_study, sweep
from saddlelab.cli import main
from saddlelab.signals import plot_histograms

RNG = np.random.default_rng(0)
DATA = RNG.standard_normal((30, 8)), np.arange(30) % 3
SMALL = {"data": DATA, "width": 16}


def axes():
    return Figure().add_subplot()


def lines(ax):
    return {line.get_label(): line.get_ydata() for line in ax.get_lines()}


@pytest.fixture(scope="module")
def study():
    return signal_study([4, 20], **SMALL)


@pytest.fixture(scope="module")
def swept():
    return sweep(["sigmoid", "relu"], ["he_normal", "glorot_normal"], [2, 30], **SMALL)


@pytest.fixture(scope="module")
def training():
    network = networks.MLP([8, 5, 4, 3], loss="cross_entropy")
    return networks.train(network, *DATA, epochs=4, rng=0)


# --- studies -------------------------------------------------------------------------------------


def test_cells_are_reports(swept):
    sizes = [8, *[16] * 30, 3]
    network = networks.MLP(sizes, activation="relu", loss="cross_entropy")
    theta = networks.initialise(sizes, "he_normal", rng=0)
    report = saturation(network, theta, DATA[0], y=DATA[1])
    at = 1, 0, 1
    assert swept.gradient[at] == report.gradient_norm[0] / report.gradient_norm[-1]
    assert swept.spread[at] == report.spread_ratio
    assert swept.saturated[at] == report.saturated_fraction.max()
    assert swept.verdict[at] == report.verdict


def test_which_combinations_carry_signals(swept):
    assert swept.verdict[0, 0, 1] == swept.verdict[0, 1, 1] == "vanishing"
    # Glorot's ReLU loses a factor of 2 in each layer.
    assert swept.gradient[1, 1, 1] < 1e-2 * swept.gradient[1, 0, 1]
    assert len(swept.rows()) == 8
    assert len(swept.table().splitlines()) == 11


def test_threads_and_seeds_of_a_sweep(swept):
    told = {"depths": [2, 30], **SMALL}
    again = sweep(["sigmoid", "relu"], ["he_normal", "glorot_normal"], workers=2, **told)
    np.testing.assert_array_equal(again.gradient, swept.gradient)
    other = sweep(["sigmoid", "relu"], ["he_normal", "glorot_normal"], rng=1, **told)
    assert (other.gradient != swept.gradient).all()


def test_cures_cure(study):
    assert study.cures[0] == "sigmoid + Glorot"
    assert study.gradient_norms("sigmoid + Glorot", 20)[0] < 1e-9
    for cure in study.cures[1:]:
        assert 1e-3 < study.gradient_norms(cure, 20)[0] < 1e3, cure
    # Normalised ReLU layers let gradients grow by a factor each; a skip takes that back.
    norms = [study.gradient_norms(f"ReLU + He + batch norm{skip}", 20)[0]
             for skip in ("", " + skip")]  # fmt: skip
    assert norms[1] < norms[0]


def test_gradient_norms_are_relative(study):
    report = study.reports["ReLU + He", 4]
    found = study.gradient_norms("ReLU + He", 4)
    np.testing.assert_array_equal(found, report.gradient_norm / report.gradient_norm[-1])
    assert found[-1] == 1.0
    with pytest.raises(ValueError, match="`cure` and `depth` must be of the study"):
        study.gradient_norms("ReLU + He", 5)


def test_own_cures():
    told = {"mine": {"activation": "tanh", "initialiser": "orthogonal", "gain": 1.1}}
    found = signal_study(3, cures=told, **SMALL)
    assert found.cures == ("mine",)
    assert found.depths == (3,)


def test_files(study, swept, training, tmp_path):
    history = saturation_history(training)
    report = saturation(training.network, training.theta, *DATA[:1])
    for found, count in ((study, 7 * (5 + 21)), (swept, 8), (history, 5 * 2), (report, 3)):
        path = tmp_path / "figures.csv"
        found.to_csv(path)
        assert len(path.read_text().splitlines()) == 1 + count
        json.loads(found.to_json())
        assert str(found) == found.table()
    written = np.genfromtxt(path, delimiter=",", names=True)
    np.testing.assert_array_equal(written["gradient_norm"], report.gradient_norm)


# --- pictures ------------------------------------------------------------------------------------


def test_picture_of_a_report(training):
    report = saturation(training.network, training.theta, DATA[0], y=DATA[1])
    ax = report.plot(ax=axes())
    drawn = lines(ax)
    np.testing.assert_array_equal(drawn["‖∂ℓ/∂z‖"], report.gradient_norm)
    np.testing.assert_array_equal(drawn["‖∂ℓ/∂z‖, theory"], report.gradient_norm_predicted)
    np.testing.assert_array_equal(drawn["E z²"], report.mean_square)
    np.testing.assert_array_equal(drawn["variance of z over samples"], report.spread)
    assert ax.get_yscale() == "log"
    bars = [bar.get_height() for bar in ax.figure.axes[1].patches]
    np.testing.assert_array_equal(bars, report.saturated_fraction)
    assert "‖∂ℓ/∂z‖, theory" not in lines(report.plot(ax=axes(), theory=False))


def test_picture_of_histograms(training):
    report = saturation(training.network, training.theta, DATA[0], bins=7)
    ax = plot_histograms(report, ax=axes())
    for mesh, (counts, _) in zip(ax.collections, report.histograms, strict=True):
        np.testing.assert_allclose(mesh.get_array().ravel() ** 2, counts / counts.sum())


@pytest.mark.parametrize("what", ["saturated", "dead", "gradient"])
def test_picture_of_a_history(training, what):
    history = saturation_history(training)
    values = {"saturated": history.saturated, "dead": history.dead,
              "gradient": np.log10(history.gradient_norm)}[what]  # fmt: skip
    ax = history.plot(ax=axes(), what=what)
    np.testing.assert_array_equal(ax.collections[0].get_array(), values.T)
    assert ax.get_xlim() == (-0.5, 4.5)


def test_nothing_to_draw(training):
    history = saturation_history(training.thetas, training.network, DATA[0])
    with pytest.raises(ValueError, match='`what` "gradient" has nothing to draw'):
        history.plot(ax=axes(), what="gradient")
    with pytest.raises(ValueError, match="`what` must be one of saturated, dead, gradient"):
        history.plot(ax=axes(), what="alive")
    bare = networks.MLP([8, 3])
    with pytest.raises(ValueError, match="`report` must have a hidden layer"):
        plot_histograms(saturation(bare, np.ones(27), DATA[0]), ax=axes())


def test_picture_of_a_study(study):
    for depth in (None, 4):
        drawn = lines(study.plot(ax=axes(), depth=depth))
        assert list(drawn) == list(study.cures)
        for cure in study.cures:
            np.testing.assert_array_equal(drawn[cure], study.gradient_norms(cure, depth or 20))


def test_picture_of_a_sweep(swept):
    ax = swept.plot(ax=axes())
    drawn = ax.collections[0].get_array()
    np.testing.assert_allclose(drawn, np.clip(np.log10(swept.gradient), -6, 6).reshape(2, -1))
    signs = [text.get_text() for text in ax.texts[:8]]
    expected = {"vanishing": "–", "healthy": "", "exploding": "+"}
    assert signs == [expected[each] for each in swept.verdict.ravel()]
    assert [text.get_text() for text in ax.texts[8:]] == list(swept.initialisers)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["2", "30"] * 2


# --- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("call", "text"), [
    (lambda: sweep(["tan"], **SMALL), "`activations` must be one of .*got 'tan'"),
    (lambda: sweep(["tanh", "tanh"], **SMALL), "`activations` must be distinct"),
    (lambda: sweep("tanh", ["he"], **SMALL), "`initialisers` must be one of"),
    (lambda: sweep("tanh", depths=[0], **SMALL), "`depths` must be a positive integer, got 0"),
    (lambda: signal_study([], **SMALL), "`depths` must hold at least one depth"),
    (lambda: signal_study(2, cures={}, **SMALL), "`cures` must be a mapping"),
    (lambda: signal_study(2, data=(np.ones(3), [1])), "`data` must be X .* and labels y"),
    (lambda: signal_study(2, cures={"a": {"activation": "relu"}}, **SMALL),
     "`cures` must give activation and initialiser of 'a'"),
])  # fmt: skip
def test_bad_input(call, text):
    with pytest.raises(ValueError, match=text):
        call()


# --- the command ---------------------------------------------------------------------------------


def test_the_command(capsys, tmp_path):
    files = [tmp_path / name for name in ("layers.csv", "signal.png")]
    words = ["saturation", "--depth", "6", "--width", "16"]
    assert main([*words, "--csv", str(files[0]), "--plot", str(files[1])]) == 0
    out = capsys.readouterr().out
    assert "sigmoid, 256 samples" in out
    assert "verdict: vanishing at layer" in out
    assert len(files[0].read_text().splitlines()) == 8
    assert matplotlib.image.imread(files[1]).std() > 0.02
    assert main([*words, "--activation", "relu", "--initialiser", "he_normal", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["verdict"] == "healthy"


@pytest.mark.parametrize("more", [["--cures"], ["--sweep", "he_normal,orthogonal"]])
def test_comparisons(capsys, tmp_path, more):
    path = tmp_path / "signal.png"
    assert main(["saturation", "--depth", "4", "--width", "8", *more, "--plot", str(path)]) == 0
    assert ("ReLU + He" if more == ["--cures"] else "selu") in capsys.readouterr().out
    assert matplotlib.image.imread(path).std() > 0.02


def test_errors_of_the_command(capsys):
    assert main(["saturation", "--activation", "sigmoyd"]) == 2
    assert "`activation` must be one of" in capsys.readouterr().err
