"""The monitor in an ordinary training loop: what it records, and that it changes nothing."""

import csv
import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch_models import Encoder, make  # noqa: E402

from saddlelab import TrainingMonitor, from_torch  # noqa: E402

torch.set_num_threads(1)

CRITERION = nn.CrossEntropyLoss()


def trained(net, X, y, steps, monitor=None, lr=0.1):
    """Batches of 8 drawn at random; returns what the loop saw itself."""
    torch.manual_seed(3)
    optimizer, seen = torch.optim.SGD(net.parameters(), lr=lr), []
    for _ in range(steps):
        rows = torch.randint(0, len(X), (8,))
        optimizer.zero_grad()
        loss = CRITERION(net(X[rows]), y[rows])
        loss.backward()
        slopes = torch.cat([p.grad.reshape(-1) for p in net.parameters()])
        seen.append((loss.item(), slopes.norm().item()))
        if monitor is not None:
            monitor.step(loss)
        optimizer.step()
    return np.array(seen)


@pytest.mark.parametrize("kind", ["cnn", "lstm", "normalised", "dropout"])
def test_training_is_the_same_with_it(kind):
    ends = []
    for watched in (False, True):
        if kind == "dropout":
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                net, (_, X, y) = Encoder(dropout=0.3), make("encoder")
                X = torch.randn(20, 3, 4)
        else:
            net, X, y = make(kind)
        monitor = None
        if watched:
            monitor = TrainingMonitor(net, CRITERION, (X, y), every=4, max_products=20)
        trained(net, X, y, 6, monitor)
        ends.append([t.numpy().tobytes() for t in net.state_dict().values()])
    assert ends[0] == ends[1]


@pytest.fixture(scope="module")
def watched():
    """A training that was watched, with the losses and gradients that the loop saw."""
    net, X, y = make("normalised")
    monitor = TrainingMonitor(net, CRITERION, (X, y), every=10, tol=1e-4)
    points = []
    keep = monitor.step

    def step(loss):
        points.append(monitor.objective.theta)
        return keep(loss)

    monitor.step = step
    seen = trained(net, X, y, 31, monitor)
    return monitor, seen, points


def test_records(watched):
    monitor, seen, points = watched
    assert len(monitor) == 31
    np.testing.assert_array_equal(monitor.column("step"), np.arange(31))
    np.testing.assert_allclose(monitor.column("loss"), seen[:, 0], rtol=1e-7)
    np.testing.assert_allclose(monitor.column("gradient_norm"), seen[:, 1], rtol=1e-5)
    np.testing.assert_allclose(monitor.column("weight_norm"), np.linalg.norm(points, axis=1))
    looked = np.arange(31) % 10 == 0
    assert (np.isfinite(monitor.column("largest")) == looked).all()
    # In another arithmetic, and all of the Hessian.
    net, X, y = make("normalised")
    f = from_torch(net, CRITERION, (X, y), dtype=torch.float64)
    for record in monitor.records[::10]:
        theta = points[record.step]
        values = np.linalg.eigvalsh(f.hessian(theta))
        within = 1e-3 * np.abs(values).max()
        assert record.converged
        assert record.largest == pytest.approx(values[-1], abs=within)
        assert record.smallest == pytest.approx(values[0], abs=within)
        assert record.data_loss == pytest.approx(f.value(theta), rel=1e-5)
        slope = np.linalg.norm(f.gradient(theta))
        assert record.data_gradient_norm == pytest.approx(slope, rel=1e-4)


def test_written(watched, tmp_path):
    monitor, seen, _ = watched
    lines = monitor.table().splitlines()
    assert lines[0] == "Sequential: 179 parameters, 31 steps"
    assert [int(line.split()[0]) for line in lines[2:]] == [0, 10, 20, 30]
    monitor.to_csv(tmp_path / "run.csv")
    with open(tmp_path / "run.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["loss"]) for row in rows] == seen[:, 0].tolist()
    assert rows[1]["largest"] == ""
    assert float(rows[10]["largest"]) == monitor.records[10].largest
    told = json.loads(monitor.to_json())
    assert told["every"] == 10
    assert told["records"][1]["largest"] is None


def test_drawn(watched):
    monitor, seen, _ = watched
    ax = monitor.plot()
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), seen[:, 0])
    lines = {line.get_gid(): line for line in monitor.plot("curvature").lines}
    np.testing.assert_array_equal(lines["largest"].get_xdata(), [0, 10, 20, 30])
    assert lines["smallest"].get_ydata()[0] == monitor.records[0].smallest
    norms = monitor.plot("norms", ax=ax.figure.add_subplot())
    assert {line.get_gid() for line in norms.lines} == {"gradient_norm", "data_gradient_norm",
                                                        "weight_norm"}  # fmt: skip
    with pytest.raises(ValueError, match="`quantity` must be one of loss, norms, curvature"):
        monitor.plot("speed")


def test_plateaus():
    net, X, y = make("lstm")
    monitor = TrainingMonitor(net, CRITERION, (X, y), every=1000, max_products=5)
    for loss in [*np.full(40, 2.0), *np.geomspace(2.0, 0.1, 20), *np.full(40, 0.1)]:
        monitor.step(loss)
    assert monitor.plateaus().ended.tolist() == ["drop", "end"]
    assert not monitor.records[0].converged
    assert "not converged" in monitor.table()


def test_a_model_that_diverged():
    net, X, y = make("cnn")
    monitor = TrainingMonitor(net, CRITERION, (X, y), every=1)
    with torch.no_grad():
        net[0].weight.fill_(torch.inf)
    record = monitor.step(torch.tensor(torch.inf))
    assert np.isnan([record.data_loss, record.largest]).all()
    assert json.loads(monitor.to_json())["records"][0]["loss"] is None
    assert monitor.plot().lines


def test_refused():
    net, X, y = make("cnn")
    with pytest.raises(ValueError, match="`every` must be a positive integer, got 0"):
        TrainingMonitor(net, CRITERION, (X, y), every=0)
    monitor = TrainingMonitor(net, CRITERION, (X, y))
    with pytest.raises(ValueError, match="a picture needs records"):
        monitor.plot()
    for wrong in (torch.ones(2), "many", None):
        with pytest.raises(TypeError, match="`loss` must be one number, got"):
            monitor.step(wrong)
