"""``saddlecore minimize``, ``escape`` and ``compare``: output and complaints."""

import subprocess
import sys

import matplotlib.image
import numpy as np
import pytest
from commands import complaint, rows_of, strictly

from saddlelab import compare, escape, minimize, surfaces
from saddlelab.cli import main
from saddlelab.cli_optimize import start_points
from saddlelab.starts import Rounds

MINIMIZE = ["minimize", "himmelblau", "--starts", "50", "--lr", "0.1", "--seed", "0"]
ESCAPE = ["escape", "saddle", "--methods", "gd,adam,perturbed_gd", "--samples", "100", "--lr",
          "0.05", "--seed", "0"]  # fmt: skip
COMPARE = ["compare", "himmelblau", "--methods", "gd,adam", "--lr", "gd=0.01,adam=0.1", "--starts",
           "40", "--target", "1e-3", "--steps", "300", "--seed", "0"]  # fmt: skip

def sobol(surface, count, seed):
    return np.concatenate(list(Rounds(count, surface.bounds(), np.random.default_rng(seed), True)))


def test_help_is_one_screen(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit):
        main(["--help"])
    out = capsys.readouterr().out
    assert len(out.splitlines()) <= 40
    for command in ("minimize", "escape", "compare"):
        assert f"\n    {command} " in out


# --- minimize -------------------------------------------------------------------------------------


def test_minimize_prints_the_table(capsys):
    assert main(MINIMIZE) == 0
    out = capsys.readouterr().out
    x0 = sobol(surfaces.himmelblau, 50, 0)
    runs = minimize(surfaces.himmelblau, x0, method="adam", learning_rate=0.1, rng=0)
    *table, best = out.splitlines()
    assert table == runs.table().splitlines()
    assert best.startswith("best: minimum, f = ")
    assert best.endswith("; seed 0")


def test_minimize_writes_csv_and_json(capsys, folder):
    assert main([*MINIMIZE, "--param", "betas=0.8,0.9", "--csv", "runs.csv", "--json"]) == 0
    found = strictly(capsys.readouterr().out)
    rows = rows_of(folder / "runs.csv")
    assert len(rows) == 50
    assert found["options"]["betas"] == [0.8, 0.9]
    assert [float(row["value"]) for row in rows] == found["value"]
    assert [row["kind"] for row in rows] == found["kind"]
    ends = [[float(row["end_0"]), float(row["end_1"])] for row in rows]
    assert ends == found["x"]
    assert sum(found["kinds"].values()) == 50
    assert found["best"] == int(np.argmin(found["value"]))


def test_minimize_from_one_start(capsys):
    assert main(["minimize", "himmelblau", "--method", "gd", "--x0", "-1,-2.5", "--lr", "0.01",
                 "--tol", "1e-6", "--json"]) == 0  # fmt: skip
    found = strictly(capsys.readouterr().out)
    assert found["x0"] == [[-1.0, -2.5]]
    assert found["status"] == ["converged"]


def test_minimize_what_one_wrote(folder, capsys):
    (folder / "mine.py").write_text("def well(x):\n    return (x[0] - 3.0) ** 2 + x[1] ** 2\n")
    common = ["minimize", "mine:well", "--method", "gd", "--lr", "0.4", "--json"]
    assert main([*common, "--x0", "5,5"]) == 0
    assert strictly(capsys.readouterr().out)["kinds"] == {"minimum": 1}
    assert main([*common, "--box", "-9:9,-9:9", "--starts", "7"]) == 0
    assert strictly(capsys.readouterr().out)["kinds"] == {"minimum": 7}


@pytest.mark.parametrize("name", ["himmelblau", "wood"])
def test_minimize_draws(folder, name, capsys):
    assert main(["minimize", name, "--starts", "20", "--lr", "1e-3", "--steps", "50", "--seed",
                 "0", "--plot", "paths.png"]) == 0  # fmt: skip
    assert matplotlib.image.imread(folder / "paths.png").std() > 0.02


# --- escape ---------------------------------------------------------------------------------------


def test_escape_in_a_shell(tmp_path):
    """A process of its own: table, CSV, picture; nothing on stderr."""
    result = subprocess.run(
        [sys.executable, "-m", "saddlelab", *ESCAPE, "--plot", "out.png", "--csv", "out.csv"],
        capture_output=True, text=True, check=False, timeout=300, cwd=tmp_path,
    )  # fmt: skip
    assert (result.returncode, result.stderr) == (0, "")
    known = escape(surfaces.quadratic_saddle, [0.0, 0.0], ["gd", "adam", "perturbed_gd"],
                   samples=100, learning_rate=0.05, rng=0)  # fmt: skip
    assert result.stdout == f"{known.table()}\nseed 0\n"
    image = matplotlib.image.imread(tmp_path / "out.png")
    assert image.shape[0] > 400
    assert image.std() > 0.05
    assert len(rows_of(tmp_path / "out.csv")) == 300


def test_escape_as_json(capsys):
    options = ["--param", "adam.betas=0.5,0.9", "--param", "perturbed_gd.wait=20"]
    where = ["--at", "stable", "--noise", "1e-6", "--leave", "0.5"]
    assert main([*ESCAPE, *where, *options, "--json"]) == 0
    found = strictly(capsys.readouterr().out)
    assert (found["at"], found["noise"], found["leave"], found["seed"]) == ("stable", 1e-6, 0.5, 0)
    assert found["methods"]["adam"]["options"]["betas"] == [0.5, 0.9]
    assert found["methods"]["perturbed_gd"]["options"]["wait"] == 20
    known = escape(surfaces.quadratic_saddle, [0.0, 0.0], ["gd"], samples=100, at="stable",
                   noise=1e-6, leave=0.5, learning_rate=0.05, rng=0)  # fmt: skip
    assert found["methods"]["gd"]["steps_to_leave"] == known.steps_to_leave("gd").tolist()


@pytest.mark.parametrize(
    ("args", "point"),
    [
        (["ten_saddle", "--dim", "10"], [0.0] * 10),
        (["two_weights"], [0.0, 0.0]),
        (["monkey_saddle"], [0.0, 0.0]),
        (["escape_saddle"], [0.0, 0.0]),
        (["staircase", "--dim", "3"], [-4.0, -4.0, 0.0]),
        (["staircase", "--dim", "3", "--point", "-4,0,0"], [-4.0, 0.0, 0.0]),
    ],
)
def test_which_saddle(args, point, capsys):
    few = ["--methods", "gd", "--samples", "8", "--steps", "9"]
    assert main(["escape", *args, *few, "--json"]) == 0
    assert strictly(capsys.readouterr().out)["saddle"] == point


# --- compare --------------------------------------------------------------------------------------


def test_compare_prints_and_writes(capsys, folder):
    assert main([*COMPARE, "--csv", "c.csv", "--plot", "c.png", "--json"]) == 0
    found = strictly(capsys.readouterr().out)
    known = compare(surfaces.himmelblau, sobol(surfaces.himmelblau, 40, 0), ["gd", "adam"],
                    learning_rate={"gd": 0.01, "adam": 0.1}, target=1e-3, steps=300,
                    timed=False, rng=0)  # fmt: skip
    assert found["x0"] == known.x0.tolist()
    for method in known.methods:
        assert found["methods"][method]["value"] == known.value[known.row(method)].tolist()
        assert found["methods"][method]["seconds_per_step"] > 0.0
    assert len(rows_of(folder / "c.csv")) == 80
    assert matplotlib.image.imread(folder / "c.png").shape[1] > 1500


def test_compare_in_ten_variables(capsys):
    where = ["--dim", "10", "--box", "-2:2", "--starts", "16", "--seed", "1"]
    how = ["--methods", "adam", "--lr", "0.1", "--steps", "100"]
    assert main(["compare", "rosenbrock", *where, *how]) == 0
    out = capsys.readouterr().out
    assert out.startswith("rosenbrock, 10 variables: 16 starts, at most 100 steps")
    assert out.endswith("seed 1\n")


def test_starts_are_sobols_points_of_the_box():
    args = type("Args", (), {"x0": None, "starts": 64})
    box = np.array([[-1.0, 3.0], [2.0, 4.0]])
    x0 = start_points(args, box, 5)
    assert x0.shape == (64, 2)
    # In every half of every side as many as in the other.
    assert ((x0 < box.mean(axis=1)).sum(axis=0) == 32).all()


@pytest.mark.parametrize("command", ["minimize", "escape", "compare"])
def test_the_list(command, capsys):
    assert main([command, "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(surfaces.names())


# --- complaints -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["minimize", "himelblau"], "got 'himelblau': did you mean 'himmelblau'?"),
        (["minimize"], "a function is missing: type a name of --list, or module:function"),
        (["minimize", "himmelblau", "--method", "adan"], "got 'adan': did you mean 'adam'"),
        (["minimize", "himmelblau", "--lr", "0"], "`learning_rate` must be positive"),
        (["minimize", "himmelblau", "--lr", "fast"], "must be a number, got 'fast'"),
        (["minimize", "himmelblau", "--steps", "0"], "must be a positive integer, got '0'"),
        (["minimize", "himmelblau", "--param", "betas"], "must look like momentum=0.5"),
        (["minimize", "himmelblau", "--param", "betas=0.9,x"], "must be a number, got 'x'"),
        (["minimize", "himmelblau", "--param", "beta=1"], "did you mean 'betas'"),
        (["minimize", "himmelblau", "--param", "eps=1", "--param", "eps=2"], "--param eps"),
        (["minimize", "himmelblau", "--x0", "1,a"], "must look like 1,-0.5, got '1,a'"),
        (["minimize", "himmelblau", "--x0", "1,2,3"], "must be 2 for himmelblau, got 3"),
        (["minimize", "himmelblau", "--x0", "1,2", "--starts", "3"], "not allowed with argument"),
        (["minimize", "wood", "--x0", "1,2,3,4", "--box", "-1:1"], "--x0 has 4 variables, the"),
        (["minimize", "json:dumps"], "--box is missing"),
        (["minimize", "himmelblau", "--plot", "a.xyz"], "must end with .png"),
        (["minimize", "himmelblau", "--csv", "no/a.csv"], "there is no folder 'no'"),
        (["escape"], "a function is missing: type a name of --list, or module:function"),
        (["escape", "sadle"], "did you mean"),
        (["escape", "saddle", "--methods", "gd,adan"], "got 'adan': did you mean 'adam'"),
        (["escape", "saddle", "--methods", "gd,,adam"], "must look like gd,momentum,adam"),
        (["escape", "saddle", "--lr", "gd=0.1,0.2"], "must look like 0.1 or gd=0.01,adam=0.1"),
        (["escape", "saddle", "--lr", "gdd=0.1"], "`learning_rate` must be by gd"),
        (["escape", "saddle", "--param", "betas=1,2"], "must look like adam.betas=0.9,0.99"),
        (["escape", "saddle", "--param", "adan.eps=1"], "`options` must be by gd"),
        (["escape", "saddle", "--point", "1,0"], "`saddle` must be a critical point"),
        (["escape", "saddle", "--point", "0,0", "--dim", "3"], "--point has 2 variables"),
        (["escape", "saddle", "--at", "top"], "invalid choice: 'top'"),
        (["escape", "booth"], "--point is missing: it says where the saddle is"),
        (["escape", "math:sin"], "--point is missing: it says where the saddle is"),
        (["escape", "saddle", "--radius", "-1"], "`radius` must be positive"),
        (["compare", "himmelblau", "--change", "0"], "`change` must be positive"),
        (["compare", "himmelblau", "--methods", "gd,gd"], "must not name 'gd' twice"),
        (["compare", "himmelblau", "--what"], "--what"),
    ],
)
def test_complaints_are_one_line_and_exit_2(args, message, capsys, folder):
    assert message in complaint(capsys, *args)
    assert list(folder.iterdir()) == []


def test_what_the_function_raises_is_told(folder, capsys):
    (folder / "bad.py").write_text("def f(x):\n    raise ValueError('not today')\n")
    line = complaint(capsys, "minimize", "bad:f", "--x0", "0,0")
    assert "not today" in line
