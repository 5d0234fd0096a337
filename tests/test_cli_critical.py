"""``saddlecore critical``: what it prints and writes, and its complaints."""

import re
import subprocess
import sys

import matplotlib.image
import numpy as np
import pytest
from commands import complaint, rows_of, strictly

from saddlelab import critical_points, descend_from_saddle, surfaces
from saddlelab.cli import main

HIMMELBLAU = ["critical", "himmelblau", "--box", "-5:5,-5:5", "--seed", "0"]


@pytest.fixture(scope="module")
def himmelblau():
    return critical_points(surfaces.himmelblau, [(-5, 5), (-5, 5)], rng=0)


# --- output -------------------------------------------------------------------------------------


def test_in_a_shell(tmp_path):
    """A process of its own: table, CSV, picture; nothing on stderr."""
    result = subprocess.run(
        [sys.executable, "-m", "saddlelab", *HIMMELBLAU, "--plot", "out.png", "--csv", "out.csv"],
        capture_output=True, text=True, check=False, timeout=300, cwd=tmp_path,
    )  # fmt: skip
    assert (result.returncode, result.stderr) == (0, "")
    assert "9 critical points of himmelblau, 9 with a certified index" in result.stdout
    image = matplotlib.image.imread(tmp_path / "out.png")
    assert image.shape[0] > 400
    assert image.std() > 0.05
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 10


def test_the_table(capsys, himmelblau):
    assert main(HIMMELBLAU) == 0
    out = capsys.readouterr().out
    assert out == himmelblau.table() + "\n"
    head, *rows = out.split("\n\n")[0].splitlines()
    assert head.split() == ["kind", "index", "value", "x0", "x1", "least", "largest", "found"]
    assert len(rows) == 9
    for k, row in enumerate(row.split() for row in rows):
        assert row[:2] == [str(himmelblau.kind[k]), str(himmelblau.index[k])]
        assert abs(float(row[2]) - himmelblau.value[k]) <= 1e-7 * abs(himmelblau.value[k]) + 1e-20
        np.testing.assert_allclose([float(row[3]), float(row[4])], himmelblau.x[k], rtol=1e-7)
        np.testing.assert_allclose(
            [float(row[5]), float(row[6])], himmelblau.eigenvalues[k], rtol=1e-3
        )
        assert int(row[7]) == himmelblau.found[k]
    assert f"{himmelblau.starts} starts: {himmelblau.starts} converged" in out
    assert "estimated missing: 0.0, coverage 100.00 %" in out
    assert "signs (-1)^index sum to 1, the boundary says 1" in out


def test_csv_has_all_digits(folder, himmelblau):
    assert main([*HIMMELBLAU, "--csv", "points.csv"]) == 0
    rows = rows_of(folder / "points.csv")
    assert len(rows) == 9
    for k, row in enumerate(rows):
        assert row["kind"] == himmelblau.kind[k]
        assert row["certified"] == "True"
        assert [float(row["x0"]), float(row["x1"])] == himmelblau.x[k].tolist()
        assert [float(row["eig0"]), float(row["eig1"])] == himmelblau.eigenvalues[k].tolist()
        assert float(row["value"]) == himmelblau.value[k]


def test_json_can_be_parsed(capsys, himmelblau):
    assert main([*HIMMELBLAU, "--json", "--graph"]) == 0
    found = strictly(capsys.readouterr().out)
    assert [point["x"] for point in found["points"]] == himmelblau.x.tolist()
    assert [point["index"] for point in found["points"]] == himmelblau.index.tolist()
    assert found["ends"] == himmelblau.ends
    assert found["bounds"] == [[-5.0, 5.0], [-5.0, 5.0]]
    assert (found["euler"], found["euler_expected"], found["method"]) == (1, 1, "exact")
    graph = descend_from_saddle(himmelblau)
    assert [edge["saddle"] for edge in found["graph"]] == graph.saddles.tolist()
    assert [edge["minima"] for edge in found["graph"]] == graph.minima.tolist()


def test_json_without_points(capsys, folder):
    (folder / "flat.py").write_text("def plane(x):\n    return x[0] + x[1]\n")
    assert main(["critical", "flat:plane", "--box", "0:1,0:1", "--json"]) == 0
    found = strictly(capsys.readouterr().out)
    assert found["points"] == []
    assert found["message"] == "no critical point was found in the box"


def test_the_graph_in_words(capsys, folder):
    assert main(["critical", "muller_brown", "--seed", "0", "--graph", "--plot", "graph.svg"]) == 0
    lines = capsys.readouterr().out.splitlines()
    said = [line for line in lines if line.startswith("saddle ") and " joins " in line]
    assert len(said) == 2
    for line in said:
        assert re.fullmatch(
            r"saddle \d joins minimum \d \([\d.]+ below\) and minimum \d \([\d.]+ below\)", line
        )
    text = (folder / "graph.svg").read_text()
    for kind in ("minimum", "saddle"):
        assert f'id="{kind}"' in text


def test_paths_that_lead_elsewhere(capsys):
    assert main(["critical", "quadratic_saddle", "--seed", "0", "--graph"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"saddle 0 joins elsewhere \(.* below\) and elsewhere \(", out)


def test_the_list(capsys):
    assert main(["critical", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(surfaces.names())
    assert all(len(line.split(maxsplit=1)[1]) > 10 for line in lines)


@pytest.mark.parametrize(
    ("args", "variables"),
    [
        (["himmelblau"], 2),
        (["styblinski_tang", "--dim", "3"], 3),
        (["styblinski_tang", "--dim", "3", "--box", "-5:5"], 3),
        (["styblinski_tang", "--box", "-5:5"], 1),
        (["himmelblau", "--box=-5:5,-4:4"], 2),
        (["himmelblau", "--starts", "1e3", "--workers", "1"], 2),
    ],
)
def test_ways_to_say_where(args, variables, capsys):
    assert main(["critical", *args, "--json", "--seed", "1"]) == 0
    found = strictly(capsys.readouterr().out)
    assert len(found["bounds"]) == variables
    assert len(found["points"]) >= 3


def test_a_function_of_the_current_folder(folder, capsys):
    (folder / "mine.py").write_text(
        "class landscapes:\n"
        "    @staticmethod\n"
        "    def well(x):\n"
        "        return (x[0] ** 2 - 1.0) ** 2 + x[1] ** 2\n"
    )
    assert main(["critical", "mine:landscapes.well", "--box", "-2:2,-2:2", "--seed", "0"]) == 0
    assert "3 critical points of well, 3 with a certified index" in capsys.readouterr().out


def test_a_picture_of_one_variable(folder):
    assert main(["critical", "double_well", "--dim", "1", "--plot", "curve.pdf"]) == 0
    assert (folder / "curve.pdf").stat().st_size > 1000


# --- complaints ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["himelblau"], "got 'himelblau': did you mean 'himmelblau'?"),
        (["qqqqq"], "'qqqqq'"),
        ([], "a function is missing: type a name of --list, or module:function"),
        (["nowhere:f", "--box", "0:1"], "there is no module 'nowhere'"),
        (["json:nothing", "--box", "0:1"], "module 'json' has no 'nothing'"),
        (["math:pi", "--box", "0:1"], "`fun` must be a function of one array, got 3.14159"),
        (["json:dumps"], "--box is missing: it says where to look, for example -5:5,-5:5"),
        (["himmelblau", "--box", "5"], "must look like -5:5,-5:5"),
        (["himmelblau", "--box", "a:b"], "must look like -5:5,-5:5"),
        (["himmelblau", "--box", "5:-5,0:1"], "`bounds` must be finite with lower < upper"),
        (["himmelblau", "--box", "0:inf,0:1"], "`bounds` must be finite with lower < upper"),
        (["himmelblau", "--box", "0:1,0:1,0:1"], "must be 2 for himmelblau, got 3"),
        (["himmelblau", "--box", "0:1,0:1", "--dim", "3"], "--box has 2 variables, --dim says 3"),
        (["himmelblau", "--dim", "3"], "`n` must be 2 for himmelblau, got 3"),
        (["himmelblau", "--dim", "0"], "must be a positive integer, got '0'"),
        (["himmelblau", "--starts", "0"], "must be a positive integer, got '0'"),
        (["himmelblau", "--seed", "-1"], "argument --seed"),
        (["himmelblau", "--plot", "picture.xyz"], "must end with .png"),
        (["himmelblau", "--csv", "missing/points.csv"], "there is no folder 'missing'"),
        (["himmelblau", "--what"], "--what"),
        (["styblinski_tang", "--dim", "3", "--plot", "cube.png"],
         "--plot needs one or two variables, here are 3"),
    ],
)  # fmt: skip
def test_complaints_are_one_line_and_exit_2(args, message, capsys, folder):
    assert message in complaint(capsys, "critical", *args)
    assert list(folder.iterdir()) == []


def test_a_module_that_fails_says_why(folder, capsys):
    (folder / "broken.py").write_text("import nothing_like_it\n")
    (folder / "wrong.py").write_text(
        "def f(x):\n"
        "    if x[0] < 0.9:\n"
        "        raise KeyError('no such thing')\n"
        "    return x[0]\n"
    )
    (folder / "syntax.py").write_text("def f(x: return\n")
    assert "nothing_like_it" in complaint(capsys, "critical", "broken:f", "--box", "0:1")
    line = complaint(capsys, "critical", "wrong:f", "--box", "0:1")
    assert "KeyError: " in line
    assert "no such thing" in line
    assert "raised by `f` at x = [0." in line
    line = complaint(capsys, "critical", "syntax:f", "--box", "0:1")
    assert "module 'syntax' cannot be imported: SyntaxError" in line


def test_a_function_at_pythons_speed_is_said_to_be_one(folder, capsys):
    (folder / "slow.py").write_text("def f(x):\n    return float(str(x[0])) ** 2\n")
    assert main(["critical", "slow:f", "--box=-1:1", "--starts", "5", "--seed", "0"]) == 0
    out, err = capsys.readouterr()
    assert re.fullmatch(r"saddlecore: note: `f` runs at Python's speed: .*\n", err)
    assert "1 critical point of f, 1 with a certified index\n5 starts: " in out


def test_a_function_of_more_variables_than_the_box_has(folder, capsys):
    (folder / "three.py").write_text("def f(x):\n    return x[0] + x[1] * x[2]\n")
    line = complaint(capsys, "critical", "three:f", "--box", "0:1,0:1")
    assert "out of bounds" in line
    assert "raised by `f` at x = [" in line
