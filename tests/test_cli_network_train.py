"""``saddlecore network DATA --train``: what it prints and writes, and its complaints."""

import csv
import json

import matplotlib.image
import numpy as np
import pytest

from saddlelab import datasets, networks
from saddlelab.cli import main

BLOBS = ["network", "gaussian_blobs", "--train"]


def test_a_table_a_file_and_a_picture(tmp_path, capsys):
    out, picture = tmp_path / "run.csv", tmp_path / "run.png"
    told = ["--epochs", "6", "--lr", "0.05", "--batch", "16", "--spectrum-every", "3"]
    assert main([*BLOBS, "adam", *told, "--csv", str(out), "--plot", str(picture)]) == 0
    text, err = capsys.readouterr()
    assert err == ""
    network = networks.MLP([2, 4, 3], loss="cross_entropy")
    run = networks.train(network, datasets.gaussian_blobs(rng=0), epochs=6, lr=0.05,
                         batch_size=16, spectrum_every=3, rng=0)  # fmt: skip
    run.explain()
    assert text == f"{run.table()}\n"
    with open(out, newline="", encoding="utf-8") as file:
        assert [float(row["loss"]) for row in csv.DictReader(file)] == run.loss.tolist()
    assert np.ptp(matplotlib.image.imread(picture)) > 0.5


def test_a_plateau_is_explained(capsys):
    """From near W = 0: a direction down for each of 4 hidden units and 2 inputs."""
    told = ["--batch", "all", "--lr", "0.05", "--epochs", "200", "--weight-decay", "0.001"]
    small = ["--initialiser", "gaussian", "--gain", "1e-6"]
    assert main([*BLOBS, "gd", *told, *small, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["batch_size"] == 240
    assert found["weight_decay"] == 0.001
    first = found["plateaus"][0]
    assert (first["verdict"], first["certified"]) == ("near a saddle of index 8", True)
    assert len(found["records"]["loss"]) == 201


@pytest.mark.parametrize(("told", "complaint"), [
    ([*BLOBS, "adan"], "did you mean 'adam'"),
    ([*BLOBS, "newton", "--batch", "8"], "`batch_size` must be None for newton"),
    ([*BLOBS, "adam", "--batch", "1000"], "`batch_size` must be at most 240, got 1000"),
    ([*BLOBS, "adam", "--batch", "some"], "argument --batch: must be an integer, got 'some'"),
    ([*BLOBS, "adam", "--initialiser", "glorot"], "`kind` must be one of"),
    ([*BLOBS, "adam", "--gain", "-1"], "`gain` must be positive"),
    ([*BLOBS, "adam", "--epochs", "0"], "argument --epochs: must be a positive integer"),
    (["network", "gaussian_blobs"], "one of the arguments --critical --train is required"),
])  # fmt: skip
def test_complaints(told, complaint, capsys):
    try:
        status = main(told)
    except SystemExit as stop:
        status = stop.code
    out, err = capsys.readouterr()
    assert (status, out) == (2, "")
    (line,) = err.splitlines()
    assert complaint in line
