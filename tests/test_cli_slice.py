"""``saddlecore slice``."""

import json

import matplotlib.image
import numpy as np
import pytest

from saddlelab import slice_plane, surfaces
from saddlelab.cli import main


def test_a_table_and_files(capsys, tmp_path):
    files = [str(tmp_path / name) for name in ("plane.csv", "plane.png", "surface.png")]
    words = ["slice", "himmelblau", "--resolution", "21"]
    assert main([*words, "--csv", files[0], "--plot", files[1]]) == 0
    out = capsys.readouterr().out
    assert "himmelblau: 21 × 21 points through a point of 2 variables" in out
    low, high = surfaces.himmelblau.bounds().T
    middle, reach = (low + high) / 2, (high - low) / 2
    plane = slice_plane(surfaces.himmelblau, middle, *np.eye(2), resolution=21, radius=reach)
    values = np.loadtxt(files[0], delimiter=",", skiprows=1)[:, 2]
    np.testing.assert_array_equal(values, plane.values.ravel())
    assert main([*words, "--surface", "--plot", files[2]]) == 0
    for name in files[1:]:
        assert matplotlib.image.imread(name).std() > 0.02


def test_json_and_directions(capsys):
    words = ["slice", "himmelblau", "--json", "--resolution", "3", "--radius", "0.5"]
    assert main([*words, "--along", "hessian", "--point=-0.27,-0.92"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["a"] == [-0.5, 0.0, 0.5]
    _, vectors = np.linalg.eigh(surfaces.himmelblau.hessian([-0.27, -0.92]))
    np.testing.assert_allclose(np.abs(found["directions"]), np.abs(vectors.T), atol=1e-6)
    assert found["values"][0][1] < found["values"][1][1]
    seeds = []
    for seed in ("3", "3", "4"):
        assert main([*words, "--along", "random", "--seed", seed]) == 0
        seeds.append(capsys.readouterr().out)
    assert seeds[0] == seeds[1] != seeds[2]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "a function is missing"),
        (["himmelblau", "--point", "1"], "--point has 1 variables, the box 2"),
        (["himmelblau", "--radius", "-1"], "`radius` must be positive"),
        (["rastrigin", "--dim", "1"], "a plane needs two variables"),
    ],
)
def test_bad_input(words, message, capsys):
    assert main(["slice", *words]) == 2
    assert message in capsys.readouterr().err
