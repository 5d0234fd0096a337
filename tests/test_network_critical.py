"""Critical points of networks: true ones only, the same ones always, indices that are right."""

import dataclasses
import json
import sqlite3

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saddlelab import datasets, networks, objective
from saddlelab.cli import main
from saddlelab.networks.critical_checkpoint import Ended
from saddlelab.networks.critical_result import Collected
from saddlelab.networks.critical_search import CONVERGED, FLAT, search
from saddlelab.networks.restricted import landscape_of
from saddlelab.studies.study_file import CheckpointError, CheckpointMismatchError

DIGITS = datasets.digits(components=4, standardize=True)
X, Y = (part[DIGITS.y < 3][:100] for part in DIGITS)
NETWORK = networks.MLP([4, 3, 3], loss="cross_entropy", weight_decay=0.01)
STUDY = {"runs": 3, "steps": 100, "rng": 1}


@pytest.fixture(scope="module")
def found():
    return networks.network_critical_points(NETWORK, X, Y, starts=32, **STUDY)


def same(a, b):
    for name in ("theta", "loss", "error", "index", "eigenvalues", "found"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    assert (a.starts, a.ends, a.hessians) == (b.starts, b.ends, b.hessians)


# --- symmetries ----------------------------------------------------------------------------------


@st.composite
def problems(draw):
    """A network without weight decay and data with inputs that depend on each other."""
    inputs, outputs = draw(st.integers(1, 4)), draw(st.integers(2, 3))
    loss = draw(st.sampled_from(["cross_entropy", "squared_error"]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rank = draw(st.integers(0, inputs))
    X = rng.normal(size=(8, rank)) @ rng.normal(size=(rank, inputs)) + rng.normal(size=inputs)
    hidden = draw(st.lists(st.integers(1, 3), min_size=0, max_size=2))
    network = networks.MLP([inputs, *hidden, outputs], loss=loss, bias=draw(st.booleans()))
    y = rng.integers(0, outputs, 8) if loss == "cross_entropy" else rng.normal(size=(8, outputs))
    return network.objective(X, y), rng


@settings(max_examples=40)
@given(problems())
def test_the_loss_never_changes_along_symmetries(problem):
    loss, rng = problem
    directions = networks.exact_symmetries(loss)
    np.testing.assert_allclose(directions @ directions.T, np.eye(len(directions)), atol=1e-12)
    theta = rng.normal(size=loss.network.size)
    before = loss.value(theta)
    for direction in directions:
        assert abs(loss.value(theta + 3.0 * direction) - before) < 1e-11 * max(1.0, before)
    # Whatever other zero eigenvalues a point has: these are among them.
    H = loss.hessian(theta)
    assert np.abs(H @ directions.T).max(initial=0.0) < 1e-11 * max(1.0, np.abs(H).max())


@settings(max_examples=20)
@given(st.integers(1, 4), st.integers(1, 3), st.integers(0, 2**32 - 1))
def test_symmetries_are_as_many_as_must_be(inputs, hidden, seed):
    """Generic data, rich enough: the shift of all outputs, for each hidden unit and the bias."""
    rng = np.random.default_rng(seed)
    network = networks.MLP([inputs, hidden, 3], loss="cross_entropy")
    loss = network.objective(rng.normal(size=(40, inputs)), rng.integers(0, 3, 40))
    found = networks.exact_symmetries(loss)
    assert len(found) == hidden + 1
    eigenvalues = np.abs(np.linalg.eigvalsh(loss.hessian(rng.normal(size=network.size))))
    assert np.sum(eigenvalues < 1e-13 * eigenvalues.max()) == len(found)


def test_the_digits_have_forty_one():
    """Three pixels that are always black, ten units; the shift of ten outputs."""
    data = datasets.digits(test=0.0)
    network = networks.MLP([64, 10, 10], loss="cross_entropy")
    assert len(networks.exact_symmetries(network.objective(*data))) == 41
    decayed = networks.MLP([64, 10, 10], loss="cross_entropy", weight_decay=0.01)
    assert networks.exact_symmetries(decayed.objective(*data)).shape == (0, 760)


# --- what searches find --------------------------------------------------------------------------


#: f = x³/3 + cx: for c > 0 without a critical point, though f″(0) = 0.
C = np.zeros(1)
CUBIC = objective(lambda x, c: x[0] ** 3 / 3 + c[0] * x[0], args=(C,))


@settings(max_examples=50)
@given(st.floats(0.5, 20.0) | st.floats(-20.0, -0.5), st.floats(0.1, 2.0))
def test_a_gradient_flat_point_is_told_from_a_critical_one(x, c):
    C[0] = c
    assert search(CUBIC, np.array([x])).status == FLAT
    C[0] = -c
    end = search(CUBIC, np.array([x]))
    assert end.status == CONVERGED
    assert abs(abs(end.x[0]) - c**0.5) < 1e-12


def test_what_has_no_vanishing_gradient_is_not_counted():
    collected = Collected(landscape_of(NETWORK.objective(X, Y)))
    theta = networks.initialise(NETWORK.sizes, rng=0)
    collected.add(Ended(0, CONVERGED, 7, 0.1, theta))
    collected.add(Ended(1, FLAT, 5, 0.1, theta))
    assert len(collected) == 0
    result = collected.result(0)
    assert result.ends == {CONVERGED: 0, FLAT: 1, "not converged": 1}
    assert (result.hessians, len(result), result.table().count("\n")) == (12, 0, 1)
    with pytest.raises(ValueError, match="no critical points to draw"):
        result.plot()
    with pytest.raises(ValueError, match="at least 3 points"):
        result.correlation()


def test_points_are_critical_and_indices_right(found):
    loss = NETWORK.objective(X, Y)
    assert len(found) >= 5
    assert found.certified.all()
    assert (np.diff(found.loss) >= 0).all()
    for k, theta in enumerate(found.theta):
        assert np.linalg.norm(loss.gradient(theta)) < 1e-12
        # A Hessian by differences of the loss itself knows nothing of ours but the loss.
        H = central_hessian(loss.value, theta)
        assert np.sum(np.linalg.eigvalsh(H) < -1e-5) == found.index[k]
        wrong = loss.predictions(theta) != Y
        assert found.error[k] == pytest.approx(wrong.mean())
    assert found.starts == 32 == sum(found.ends.values())
    assert found.found.sum() == found.ends[CONVERGED]
    np.testing.assert_allclose(found.fraction_negative + found.minimum_ratio, 1.0)


def central_hessian(f, x, h=1e-3):
    n = len(x)
    steps = h * np.eye(n)
    H = np.empty((n, n))
    for i in range(n):
        for j in range(n):
            a, b = steps[i], steps[j]
            H[i, j] = (f(x + a + b) - f(x + a - b) - f(x - a + b) + f(x - a - b)) / (4 * h * h)
    return H


def test_points_that_differ_by_the_order_of_units_are_one(found):
    k = int(np.argmin(found.loss))
    (W1, b1), (W2, b2) = NETWORK.unpack(found.theta[k])
    turned = NETWORK.pack([(-W1[::-1], -b1[::-1]), (-W2[:, ::-1], b2)])
    collected = Collected(landscape_of(NETWORK.objective(X, Y)))
    for start, theta in enumerate([found.theta[k], turned, found.theta[-1]]):
        collected.add(Ended(start, CONVERGED, 1, 0.0, theta))
    assert len(collected) == 2
    assert collected.result(0).found.tolist() == [2, 1]


def test_index_rises_with_error():
    """Dauphin et al. 2014, figure 1, on five digits."""
    data = datasets.digits(components=6, standardize=True)
    few = data.y < 5
    network = networks.MLP([6, 5, 5], loss="cross_entropy", weight_decay=0.01)
    found = networks.network_critical_points(
        network, data.X[few][:200], data.y[few][:200], starts=96, runs=5, steps=300, rng=0
    )
    rho = found.correlation()
    assert rho.value > 0.8
    assert rho.low > 0.6
    assert rho.low <= rho.value <= rho.high


def test_points_of_equal_error_have_no_correlation(found):
    equal = dataclasses.replace(found, error=np.zeros(len(found)))
    rho = equal.correlation()
    assert np.isnan([rho.value, rho.low, rho.high]).all()
    assert equal.plot().get_title() == ""


def test_without_weight_decay_symmetries_are_left_out():
    """One layer on classes that overlap: convex but for the shift of all outputs."""
    blobs = datasets.gaussian_blobs(60, separation=1.0, test=0.0, rng=0)
    network = networks.MLP([2, 3], loss="cross_entropy")
    found = networks.network_critical_points(network, *blobs, starts=16, **STUDY)
    assert found.symmetries == 3
    assert found.kind.tolist() == ["minimum"]
    assert found.certified.all()
    assert found.found.tolist() == [16]
    assert "orthogonally to 3 exact symmetries" in found.table()
    loss = network.objective(*blobs)
    everything = np.linalg.eigvalsh(loss.hessian(found.theta[0]))
    np.testing.assert_allclose(everything[:3], 0.0, atol=1e-14)
    np.testing.assert_allclose(everything[3:], found.eigenvalues[0], atol=1e-14)


def test_a_linear_network_has_the_points_of_baldi_and_hornik():
    rng = np.random.default_rng(3)
    inputs, outputs = rng.normal(size=(30, 3)), rng.normal(size=(30, 2)) @ np.diag([2.0, 1.0])
    known = networks.linear_critical_points(inputs, outputs, 1)
    network = networks.MLP([3, 1, 2], activation="linear", bias=False)
    found = networks.network_critical_points(network, inputs, outputs, starts=32, **STUDY)
    # Its loss is a mean with a half.
    values, indices = found.loss, found.index
    loss = network.objective(inputs, outputs)
    expected = {(round(loss.value(t), 9), int(i))
                for t, i in zip(known.theta, known.index, strict=True)}  # fmt: skip
    assert {(round(v, 9), int(i)) for v, i in zip(values, indices, strict=True)} == expected


# --- the same points always ----------------------------------------------------------------------


def test_same_bits_for_any_number_of_workers_and_resumed(found, tmp_path):
    path = tmp_path / "run.sqlite"
    same(found, networks.network_critical_points(NETWORK, X, Y, starts=32, workers=1, **STUDY))
    first = networks.network_critical_points(
        NETWORK, X, Y, starts=20, checkpoint=path, workers=2, **STUDY
    )
    assert first.starts == 20
    stored = sqlite3.connect(path).execute("SELECT start, x FROM searches").fetchall()
    again = networks.network_critical_points(NETWORK, X, Y, starts=32, checkpoint=path, **STUDY)
    same(found, again)
    more = sqlite3.connect(path).execute("SELECT start, x FROM searches").fetchall()
    assert more[:20] == stored
    assert len(more) == 32


def test_so_many_points_as_asked_for(found):
    few = networks.network_critical_points(NETWORK, X, Y, points=3, **STUDY)
    assert len(few) == 3
    assert set(few.loss) <= set(found.loss)
    assert few.starts <= 32


def test_checkpoints_of_other_studies_and_damaged_ones(tmp_path):
    path = tmp_path / "run.sqlite"
    find = networks.network_critical_points
    find(NETWORK, X, Y, starts=2, checkpoint=path, **STUDY)
    with pytest.raises(CheckpointMismatchError, match="its `seed` is 1, this study's is 2"):
        find(NETWORK, X, Y, starts=2, checkpoint=path, **STUDY | {"rng": 2})
    other = networks.MLP([4, 3, 3], loss="cross_entropy", weight_decay=0.03)
    with pytest.raises(CheckpointMismatchError, match="its `network` is"):
        find(other, X, Y, starts=2, checkpoint=path, **STUDY)
    with pytest.raises(CheckpointMismatchError, match="its `data` is"):
        find(NETWORK, X[::-1], Y[::-1], starts=2, checkpoint=path, **STUDY)
    db = sqlite3.connect(path)
    db.execute("UPDATE searches SET hessians = hessians + 1 WHERE start = 1")
    db.commit()
    db.close()
    with pytest.raises(CheckpointError, match="search 1 is garbled; it was left as it is"):
        find(NETWORK, X, Y, starts=2, checkpoint=path, **STUDY)


# --- results, pictures, command line -------------------------------------------------------------


def test_tables_and_files(found, tmp_path):
    lines = found.table(3).splitlines()
    assert len(lines) == 3 + 3
    assert f"{len(found)} distinct critical points of 32 searches" in lines[0]
    found.to_csv(tmp_path / "points.csv")
    table = np.genfromtxt(tmp_path / "points.csv", delimiter=",", names=True)
    np.testing.assert_array_equal(table["index"], found.index)
    np.testing.assert_array_equal(table["loss"], found.loss)
    plain = json.loads(found.to_json())
    assert [point["index"] for point in plain["points"]] == found.index.tolist()
    assert plain["correlation"]["value"] == pytest.approx(found.correlation().value)


def test_pictures_show_the_points(found):
    offsets = found.plot("index").collections[0].get_offsets()
    np.testing.assert_allclose(offsets, np.column_stack([found.error, found.fraction_negative]))
    offsets = found.plot("ratio").collections[0].get_offsets()
    np.testing.assert_allclose(offsets, np.column_stack([found.loss, found.minimum_ratio]))
    for line in found.plot("spectra").lines[:-1]:
        x, y = line.get_data()
        # A density, but for what lies outside the picture.
        assert 0.8 < np.sum(y[1:] * np.diff(x)) <= 1.02
    assert len(found.figure().axes) == 3
    with pytest.raises(ValueError, match="`what` must be one of index, spectra, ratio"):
        found.plot("loss")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"points": 0}, "`points` must be a positive integer"),
        ({"starts": 1.5}, "`starts` must be"),
        ({"runs": -1}, "`runs` must be a positive integer"),
        ({"steps": 0}, "`steps` must be a positive integer"),
    ],
)
def test_bad_arguments(change, message):
    with pytest.raises((ValueError, TypeError), match=message):
        networks.network_critical_points(NETWORK, X, Y, **change)


def test_networks_that_are_too_large():
    huge = networks.MLP([4, 10_000, 3], loss="cross_entropy", weight_decay=0.1)
    with pytest.raises(ValueError, match=r"the Hessian of 80003 parameters would take .* GiB"):
        networks.network_critical_points(huge, X, Y, starts=1)


def test_command_line(tmp_path, capsys):
    command = ["network", "digits", "--pca", "4", "--hidden", "3", "--critical", "--points", "4"]
    files = [tmp_path / name for name in ("index.png", "points.csv", "run.sqlite")]
    options = ["--plot", files[0], "--csv", files[1], "--checkpoint", files[2], "--runs", "3"]
    assert main([*command, *map(str, options)]) == 0
    out = capsys.readouterr().out
    assert "network 4-3-10: 4 distinct critical points" in out
    assert all(file.stat().st_size > 0 for file in files)
    assert main([*command, *map(str, options), "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["points"]) == 4
    assert main([*command, "--activation", "cubic"]) == 2
    assert "`activation` must be one of" in capsys.readouterr().err
