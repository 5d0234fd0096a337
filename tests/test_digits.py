"""Real Hessians: a small network learning the digits, classified from the command line."""

import csv
import os
import subprocess
import sys

import numpy as np
import pytest
from reference import network

HIDDEN_SHIFTS = network.HIDDEN + 1  # softmax ignores a constant added to all scores


def classify_files(tmp_path, *stacks, arguments=()):
    """Rows of the CSV that `saddlecore classify` writes for the stacks."""
    files = []
    for number, stack in enumerate(stacks):
        files.append(str(tmp_path / f"hessians{number}.npy"))
        np.save(files[-1], stack)
    out = tmp_path / "answers.csv"
    command = [sys.executable, "-m", "saddlelab", "classify", *files, "--csv", str(out)]
    done = subprocess.run(
        [*command, *arguments], capture_output=True, text=True, env=os.environ, check=False
    )
    assert done.returncode == 0, done.stderr
    with out.open(newline="") as handle:
        return list(csv.DictReader(handle)), done.stdout


def column(rows, name):
    return np.array([int(row[name]) for row in rows])


@pytest.fixture(scope="module")
def training():
    """Along 200 steps of gradient descent: with weight decay, and without."""
    return [network.training_hessians(200, 10, decay=decay) for decay in (1e-3, 0.0)]


def test_the_hessian_is_the_derivative_of_the_gradient():
    """Against central differences: error h²·f⁗/6 + eps/h, about 1e-9 at h = 1e-5."""
    X, Y = network.digits(50)
    w = np.random.default_rng(1).normal(size=network.SIZE)
    h = np.finfo(float).eps ** (1 / 3)
    differences = np.array(
        [
            (network.gradient(w + h * u, X, Y, 0.1) - network.gradient(w - h * u, X, Y, 0.1))
            / (2 * h)
            for u in np.eye(network.SIZE)
        ]
    )
    assert np.abs(differences - network.hessian(w, X, Y, 0.1)).max() < 100 * h**2


def test_with_weight_decay_every_index_is_that_of_eigvalsh(tmp_path, training):
    hessians = training[0]
    rows, _ = classify_files(tmp_path, hessians)
    values = np.linalg.eigvalsh(hessians)
    assert np.abs(values).min() > 1e-6  # no doubt about any sign
    np.testing.assert_array_equal(column(rows, "index"), np.sum(values < 0, axis=1))
    np.testing.assert_array_equal(column(rows, "positive"), np.sum(values > 0, axis=1))
    assert {row["kind"] for row in rows} == {"saddle"}
    assert all(row["certified"].lower() in ("true", "1") for row in rows)


def test_without_weight_decay_the_shifts_of_softmax_are_zeros(tmp_path, training):
    hessians = training[1]
    tol = 1e-9
    rows, _ = classify_files(tmp_path, hessians, arguments=["--tol", str(tol)])
    values = np.linalg.eigvalsh(hessians)
    np.testing.assert_array_equal(column(rows, "zeros"), np.sum(np.abs(values) <= tol, axis=1))
    np.testing.assert_array_equal(column(rows, "index"), np.sum(values < -tol, axis=1))
    assert set(column(rows, "zeros")) == {HIDDEN_SHIFTS}
    assert {row["kind"] for row in rows} == {"degenerate"}


def test_several_files_are_read_in_order(tmp_path, training):
    rows, printed = classify_files(tmp_path, *training)
    index = np.concatenate([np.sum(np.linalg.eigvalsh(H) < -1e-9, axis=1) for H in training])
    assert len(rows) == len(index)
    certified = np.array([row["certified"].lower() in ("true", "1") for row in rows])
    np.testing.assert_array_equal(column(rows, "index")[certified], index[certified])
    assert certified.sum() == len(training[0])
    assert "saddle" in printed
