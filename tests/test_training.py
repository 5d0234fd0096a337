"""Training: beside plain loops, its plateaus beside saddles of known index, and its complaints."""

import csv
import json
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from reference import networks as reference
from reference.optimizers import trajectory

from saddlelab import check, datasets, networks
from saddlelab.networks.training_plot import draw_figure

EPS = 2.0**-52
BLOBS = datasets.gaussian_blobs(60, rng=0)
SMALL = networks.MLP([2, 3, BLOBS.classes], loss="cross_entropy")


def linear(hidden, decay=0.0):
    """Gradient descent from near the origin on a linear teacher of rank 3: steps and plateaus."""
    data = datasets.teacher_student(np.diag([3.0, 1.5, 0.6]), 200, white=True, rng=0)
    network = networks.MLP([3, hidden, 3], activation="linear", bias=False, weight_decay=decay)
    start = networks.initialise(network.sizes, "gaussian", gain=1e-3, bias=False, rng=0)
    run = networks.train(network, data, method="gd", batch_size=None, lr=0.05, epochs=250,
                         start=start, spectrum_every=50, rng=0)  # fmt: skip
    return run, data


@pytest.fixture(scope="module")
def staircase():
    run, data = linear(2)
    run.explain()
    return run, data


# --- what is computed ----------------------------------------------------------------------------


@settings(max_examples=8)
@given(st.data())
def test_full_batches_go_where_plain_loops_go(data):
    method = data.draw(st.sampled_from(["gd", "momentum", "adam", "rmsprop"]))
    loss = data.draw(st.sampled_from(["squared_error", "cross_entropy"]))
    decay, seed = data.draw(st.sampled_from([0.0, 0.1])), data.draw(st.integers(0, 100))
    rng = np.random.default_rng(seed)
    sizes, N = (2, data.draw(st.integers(1, 3)), 2), data.draw(st.integers(2, 4))
    X = rng.standard_normal((N, 2))
    y = np.arange(N) % 2 if loss == "cross_entropy" else rng.standard_normal((N, 2))
    network = networks.MLP(sizes, loss=loss, weight_decay=decay)
    start = rng.standard_normal(network.size)
    run = networks.train(network, X, y, method=method, batch_size=None, lr=0.01, epochs=4,
                         start=start, X_test=X, y_test=y, rng=0, workers=1)  # fmt: skip
    rows = np.reshape(y, (N, -1))
    told = {"activation": "tanh", "kind": loss, "bias": True, "decay": decay}

    def slope(theta):
        return reference.derivatives(list(theta), sizes, X, rows, **told)[1]

    path = trajectory(method, slope, start, [0.01] * 4)
    within = 1e3 * EPS * (1.0 + np.abs(path).max())
    np.testing.assert_allclose(run.thetas, path, rtol=0.0, atol=within)
    for k, theta in enumerate(run.thetas):
        value = reference.loss(list(theta), sizes, X, rows, **told)
        assert run.loss[k] == pytest.approx(value, rel=1e3 * EPS)
        assert run.test_loss[k] == run.loss[k]
        assert run.gradient_norm[k] == pytest.approx(np.linalg.norm(slope(theta)), rel=1e4 * EPS)
        layers = reference.layers_of(sizes, True, list(theta))
        norms = [np.sqrt(sum(w * w for row in W for w in row)) for W, _ in layers]
        np.testing.assert_allclose(run.weight_norms[k], norms, rtol=10 * EPS)
        if loss == "cross_entropy":
            outs = [reference.outputs_of(layers, "tanh", False, x)[0] for x in X]
            right = np.mean([np.argmax(out) == t for out, t in zip(outs, y, strict=True)])
            assert run.accuracy[k] == run.test_accuracy[k] == right
        else:
            assert run.accuracy is run.test_accuracy is None


def test_an_epoch_takes_every_sample_once():
    """Steps so small that gradients stay what they are: an epoch adds up to the full gradient."""
    X, y = BLOBS.X[:48], BLOBS.y[:48]
    run = networks.train(SMALL, X, y, method="sgd", batch_size=8, lr=1e-9, epochs=1, rng=0)
    assert (run.steps_per_epoch, run.batch_size) == (6, 8)
    moved = (run.thetas[1] - run.thetas[0]) / -6e-9
    slope = run.objective.gradient(run.thetas[0])
    np.testing.assert_allclose(moved, slope, rtol=0.0, atol=1e-6 * np.linalg.norm(slope))


def test_the_seed_gives_the_bits_whatever_the_threads():
    runs = [networks.train(SMALL, BLOBS, epochs=6, spectrum_every=3, rng=3, workers=w)
            for w in (1, 3)]  # fmt: skip
    for name in ("thetas", "loss", "test_loss", "accuracy", "gradient_norm"):
        np.testing.assert_array_equal(getattr(runs[0], name), getattr(runs[1], name))
    assert runs[0].spectra.index.tolist() == runs[1].spectra.index.tolist()
    again = networks.train(SMALL, BLOBS, epochs=6, rng=runs[0].seed)
    np.testing.assert_array_equal(again.thetas, runs[0].thetas)
    other = networks.train(SMALL, BLOBS, epochs=6, rng=4)
    assert (other.thetas != runs[0].thetas).any()


def test_records_every_few_epochs_are_those_of_every_epoch():
    told = {"epochs": 7, "lr": 0.01, "rng": 0}
    every, some = (networks.train(SMALL, BLOBS, every=k, **told) for k in (1, 3))
    assert some.epochs.tolist() == [0, 3, 6]
    np.testing.assert_array_equal(some.thetas, every.thetas[::3])
    np.testing.assert_array_equal(some.loss, every.loss[::3])


def test_digits_are_learnt():
    network = networks.MLP([64, 32, 10], loss="cross_entropy")
    run = networks.train(network, datasets.digits(), epochs=20, lr=0.005, rng=0)
    assert run.test_accuracy[-1] >= 0.95
    assert run.steps_per_epoch == 45
    assert run.status == "steps"


@pytest.mark.parametrize(("method", "batch", "steps"),
                         [("newton", 48, 1), ("adam", 32, 2), ("gd", 32, 2)])  # fmt: skip
def test_batches_by_default(method, batch, steps):
    run = networks.train(SMALL, BLOBS.X, BLOBS.y, method=method, epochs=1, lr=1e-3, rng=0)
    assert (run.batch_size, run.steps_per_epoch) == (batch, steps)
    assert run.test is run.test_loss is None


def test_the_spectrum_is_that_of_the_hessian():
    network = networks.MLP([2, 3, BLOBS.classes], loss="cross_entropy", weight_decay=0.01)
    run = networks.train(network, BLOBS, epochs=7, spectrum_every=3, rng=0)
    assert run.spectra.epochs.tolist() == [0, 3, 6, 7]
    for k, epoch in enumerate(run.spectra.epochs):
        values = np.linalg.eigvalsh(run.objective.hessian(run.thetas[epoch]))
        within = 64 * len(values) * EPS * np.abs(values).max()
        np.testing.assert_allclose([run.spectra.smallest[k], run.spectra.largest[k]],
                                   values[[0, -1]], rtol=0.0, atol=within)  # fmt: skip
        assert run.spectra.index[k] == (values < -within).sum()


def test_large_networks_get_the_ends_of_the_spectrum(monkeypatch):
    whole, _ = linear(1)
    monkeypatch.setattr("saddlelab.networks.records.LARGEST", 5)
    monkeypatch.setattr("saddlelab.networks.explanation.LARGEST", 5)
    run, _ = linear(1)
    assert (run.spectra.index == -1).all()
    for name in ("smallest", "largest"):
        values = getattr(whole.spectra, name)
        within = 1e-8 * whole.spectra.largest.max()
        np.testing.assert_allclose(getattr(run.spectra, name), values, rtol=0.0, atol=within)
    assert {each.verdict for each in run.explain()} == {
        "not looked for: 6 parameters, at most 5"
    }
    assert json.loads(run.to_json())["records"]["index"][0] is None


def test_a_training_that_diverges_ends_there():
    network = networks.MLP([2, 3, 2], activation="relu")
    run = networks.train(network, BLOBS.X, BLOBS.X, method="gd", batch_size=None, lr=50.0,
                         epochs=2000, rng=0)  # fmt: skip
    assert run.status == "diverged"
    assert 1 <= len(run.epochs) == len(run.thetas) == len(run.loss) < 2001
    assert np.isfinite(run.thetas).all()
    assert "diverged" in run.table()
    json.loads(run.to_json())


# --- what plateaus are beside --------------------------------------------------------------------


def test_plateaus_of_a_linear_network_are_the_saddles_of_baldi_and_hornik(staircase):
    run, data = staircase
    # All of them in closed form, by what has been learnt: nothing, the first, both of rank 2.
    known = networks.linear_critical_points(data.X, data.y, hidden=2)
    N = len(data.X)
    learnt = [known.subsets.index(subset) for subset in ((), (0,), (0, 1))]
    first, second, last = run.explain()
    for found, k in zip((first, second, last), learnt, strict=True):
        assert found.found
        assert found.near
        assert (found.index, found.zeros) == (known.index[k], known.zeros[k])
        assert found.value == pytest.approx(known.value[k] / N, rel=1e-9)
    assert first.verdict == "near a saddle of index 6"
    assert first.certified
    # Beside the origin, as near as the middle of the plateau is.
    assert first.distance == pytest.approx(np.linalg.norm(run.thetas[first.epoch]), rel=1e-6)
    assert second.verdict.startswith("near a saddle of index 2, ")
    # A valley of minima: second derivatives alone do not tell.
    assert last.verdict == "near a degenerate point of index 0, 4 zero eigenvalues"
    assert [each.ended for each in run.explain()] == ["drop", "drop", "end"]
    assert run.explain() is run.explain()


def test_a_run_that_ends_at_a_minimum_is_told_from_one_at_a_saddle():
    """With weight decay and one hidden unit nothing is degenerate."""
    run, _ = linear(1, decay=0.01)
    saddle, minimum = run.explain()
    assert (saddle.verdict, minimum.verdict) == ("near a saddle of index 3", "near a minimum")
    assert saddle.certified
    assert minimum.certified
    assert minimum.distance < 1e-3 < np.linalg.norm(run.theta)


def test_a_tanh_network_on_digits_begins_beside_a_saddle():
    """At W = 0 each hidden unit has a direction down for each of the 8 inputs: 4 × 8."""
    data = datasets.digits(components=8, standardize=True)
    network = networks.MLP([8, 4, 10], loss="cross_entropy", weight_decay=1e-3)
    start = networks.initialise(network.sizes, "gaussian", gain=1e-3, rng=0)
    run = networks.train(network, data, method="gd", batch_size=None, lr=0.3, epochs=120,
                         start=start, rng=0)  # fmt: skip
    first = run.explain()[0]
    assert first.verdict == "near a saddle of index 32"
    assert first.certified
    assert first.first == 0


def test_without_a_critical_point_nothing_is_near():
    """Separable classes and no weight decay: the minimum is at infinity."""
    X, y = np.array([[1.0], [2.0], [-1.0], [-2.0]]), [1, 1, 0, 0]
    network = networks.MLP([1, 2], loss="cross_entropy")
    run = networks.train(network, X, y, method="gd", batch_size=None, lr=1.0, epochs=300,
                         start=np.full(4, 0.1), rng=0)  # fmt: skip
    assert len(run.explain()) > 0
    for each in run.explain():
        assert not each.near
        assert each.verdict.startswith("no critical point")


def test_normalised_layers_are_tested_with_what_they_learnt():
    data = datasets.gaussian_blobs(80, rng=0)
    network = networks.MLP([2, 3, 3], loss="cross_entropy", batch_norm=True)
    run = networks.train(network, data, epochs=5, lr=0.05, rng=0)
    for k, theta in enumerate(run.thetas):
        frozen = network.statistics(theta, data.X)
        test = network.objective(data.X_test, data.y_test, statistics=frozen)
        assert run.test_loss[k] == test.value(theta)
        assert run.test_accuracy[k] == test.accuracy(theta)


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.floats(0.01, 0.3))
def test_the_nearest_critical_point_is_one(seed, away):
    """From beside the origin of a network with weight decay, a saddle that is not degenerate."""
    f = networks.MLP([2, 2, 2], activation="tanh", bias=False, weight_decay=0.05).objective(
        [[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.5], [0.0, 1.0]]
    )
    step = np.random.default_rng(seed).standard_normal(8)
    end = networks.nearest_critical_point(f, away * step / np.linalg.norm(step))
    if end.found:
        H = np.linalg.norm(f.hessian(end.theta), 2)
        assert np.linalg.norm(f.gradient(end.theta)) <= 1e-10 * max(1.0, H)
        assert end.message == "critical point"
    if away < 0.05:  # well inside of where Newton's method converges
        assert end.found
        np.testing.assert_allclose(end.theta, 0.0, atol=1e-9)
        assert end.distance == pytest.approx(away)
        assert check(f, end.theta).index == 4


def test_a_point_that_is_gradient_flat_is_rejected():
    """Softmax alone, of classes that can be told apart: ‖g‖ falls for ever."""
    f = networks.MLP([1, 2], loss="cross_entropy").objective([[1.0], [-1.0]], [1, 0])
    end = networks.nearest_critical_point(f, [-1.0, 1.0, 0.0, 0.0], steps=5)
    assert not end.found
    assert end.message.startswith("no critical point found: ")
    assert end.gradient_norm > 1e-6


# --- text, files, pictures -----------------------------------------------------------------------


def test_text_and_files(staircase, tmp_path):
    run, _ = staircase
    text = str(run)
    assert "gd on a linear network 3-2-3, 12 parameters: 160 samples, 160 in a step" in text
    assert "near a saddle of index 6 (certified, distance" in text
    run.to_csv(tmp_path / "run.csv")
    with open(tmp_path / "run.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["loss"]) for row in rows] == run.loss.tolist()
    assert [int(row["index"]) for row in rows if row["index"]] == run.spectra.index.tolist()
    assert "accuracy" not in rows[0]
    told = json.loads(run.to_json())
    assert told["records"]["test_loss"] == run.test_loss.tolist()
    assert [each["index"] for each in told["plateaus"]] == [6, 2, 0]
    assert pickle.loads(pickle.dumps(run)).table() == text


def test_the_picture(staircase):
    run, _ = staircase
    figure = Figure()
    above = draw_figure(run, figure)
    lines = {line.get_gid(): line for line in above.lines}
    np.testing.assert_array_equal(lines["training"].get_ydata(), run.loss)
    np.testing.assert_array_equal(lines["test"].get_ydata(), run.test_loss)
    assert above.texts[0].get_text() == "near a saddle of index 6"
    below = {line.get_gid(): line for line in figure.axes[1].lines}
    np.testing.assert_array_equal(below["smallest"].get_ydata(), run.spectra.smallest)
    np.testing.assert_array_equal(figure.axes[2].lines[0].get_ydata(), run.spectra.index)
    ax = Figure().add_subplot()
    assert run.plot(ax=ax) is ax


def test_few_records_have_no_plateaus():
    run = networks.train(SMALL, BLOBS, epochs=2, rng=0)
    assert run.plateaus is None
    assert run.explain() == ()
    assert "fewer than 5 records" in run.table()
    run.plot(ax=Figure().add_subplot())


# --- complaints ----------------------------------------------------------------------------------


X, Y = BLOBS.X, BLOBS.y


@pytest.mark.parametrize(("arguments", "told", "complaint"), [
    ((X, Y[:-1]), {}, r"`y` must have shape \(48,\) of classes"),
    ((X[:, :1], Y), {}, r"`X` must have shape \(N, 2\), got \(48, 1\)"),
    ((np.where(X[3] == X, np.nan, X), Y), {}, r"`X` must be finite, but X\[3, 0\] = nan"),
    ((X, np.full(48, 1)), {}, "`y` must hold at least 2 classes, got only 1"),
    ((X, np.full(48, 9)), {}, r"`y` must be classes from 0 to 2, but y\[0\] is 9"),
    ((X[:1], Y[:1]), {}, "`X` must hold at least 2 samples, got 1"),
    ((X,), {}, "`y` must be given, unless `X` is a dataset"),
    ((BLOBS, Y), {}, "`y`, `X_test` and `y_test` are the dataset's"),
    ((X, Y), {"X_test": X}, "`X_test` and `y_test` must be given together"),
    ((X, Y), {"X_test": X, "y_test": Y[1:]}, r"`y_test` must have shape \(48,\)"),
    ((X, Y), {"method": "adan"}, "`method` must be one of .*did you mean 'adam'"),
    ((X, Y), {"batch_size": 49}, "`batch_size` must be at most 48, got 49"),
    ((X, Y), {"batch_size": 0}, "`batch_size` must be a positive integer"),
    ((X, Y), {"batch_size": "all"}, 'None or "auto", got \'all\''),
    ((X, Y), {"method": "newton", "batch_size": 8}, "`batch_size` must be None for newton"),
    ((X, Y), {"epochs": 0}, "`epochs` must be a positive integer, got 0"),
    ((X, Y), {"epochs": 10**7}, "`every` must be larger: 10000001 records of 21 parameters"),
    ((X, Y), {"every": 51}, "`every` must be at most 50, got 51"),
    ((X, Y), {"spectrum_every": 0}, "`spectrum_every` must be a positive integer"),
    ((X, Y), {"lr": -1.0}, "`learning_rate` must be positive"),
    ((X, Y), {"start": "glorot"}, "`kind` must be one of .*did you mean 'glorot_normal'"),
    ((X, Y), {"start": [1.0]}, r"`start` must have shape \(21,\), got \(1,\)"),
    ((X, Y), {"tol": 1e-3}, "`tol` is no option of adam"),
    ((X, Y), {"moment": 0.5}, "`moment` is no option of adam"),
])  # fmt: skip
def test_complaints(arguments, told, complaint):
    with pytest.raises((ValueError, TypeError), match=complaint):
        networks.train(SMALL, *arguments, **told)


@pytest.mark.parametrize(("told", "complaint"), [
    ({"tol": 0.0}, "`tol` must be positive"), ({"steps": 0}, "`steps` must be a positive integer"),
])  # fmt: skip
def test_complaints_of_the_search(told, complaint):
    with pytest.raises(ValueError, match=complaint):
        networks.nearest_critical_point(SMALL.objective(X, Y), np.ones(SMALL.size), **told)
