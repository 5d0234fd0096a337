"""``saddlecore prevalence-of``: what it prints and writes, and its complaints."""

import json

import matplotlib.image
import pytest
from commands import rows_of

from saddlelab import prevalence_of, surfaces
from saddlelab.cli import main

BOX = ["--box", "-5:5,-5:5"]
HIMMELBLAU = ["prevalence-of", "himmelblau", *BOX, "--samples", "2e4", "--seed", "0"]


@pytest.fixture(scope="module")
def himmelblau():
    return prevalence_of(surfaces.himmelblau, [(-5, 5), (-5, 5)], samples=20_000, rng=0)


def test_the_table(capsys, himmelblau):
    assert main(HIMMELBLAU) == 0
    out, err = capsys.readouterr()
    assert out == himmelblau.table() + "\nseed 0, 95 % intervals\n"
    assert "himmelblau: 100%" in err
    assert "9 critical points\n" in out


def test_json_holds_all(capsys, himmelblau):
    assert main([*HIMMELBLAU, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["counts"] == himmelblau.counts.tolist()
    assert (found["samples"], found["seed"], found["name"]) == (20_000, 0, "himmelblau")
    assert [row["count"] for row in found["critical_points"]] == [4, 4, 1]
    assert [point["x"] for point in found["critical"]["points"]] == himmelblau.critical.x.tolist()
    (convex, *_) = found["points"]
    assert (convex["low"], convex["high"]) == himmelblau.interval("convex")


def test_csv_is_read_back(folder, himmelblau):
    assert main([*HIMMELBLAU, "--csv", "a.csv"]) == 0
    rows = rows_of(folder / "a.csv")
    points = {row["kind"]: row for row in rows if row["of"] == "points"}
    assert float(points["concave"]["fraction"]) == himmelblau.fraction("concave")
    assert sum(int(row["count"]) for row in points.values()) == 20_000
    critical = [int(row["count"]) for row in rows if row["of"] == "critical points"]
    assert critical == himmelblau.critical_counts().tolist()


def test_the_critical_points_may_be_left_out(capsys, himmelblau):
    assert main([*HIMMELBLAU, "--no-critical", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["counts"] == himmelblau.counts.tolist()
    assert (found["critical_points"], found["critical"]) == ([], None)


@pytest.mark.parametrize(
    ("args", "shape"), [(BOX, (720, 1650)), (["--dim", "3", "--box", "-2:2"], (630, 960))]
)
def test_the_picture(args, shape, folder):
    """With a map beside the bars for two variables; bars alone for three."""
    function = "himmelblau" if len(args) == 2 else "styblinski_tang"
    found = main(["prevalence-of", function, *args, "--samples", "1e3", "--plot", "a.png"])
    assert found == 0
    pixels = matplotlib.image.imread(folder / "a.png")
    assert pixels.shape[:2] == shape
    assert pixels.std() > 0.05


def test_a_function_of_the_current_folder(folder, capsys):
    (folder / "mine.py").write_text("def bowl(x):\n    return x[0] ** 2 + 3.0 * x[1] ** 2\n")
    args = ["mine:bowl", "--box", "-1:1", "--dim", "2", "--samples", "50", "--json"]
    assert main(["prevalence-of", *args]) == 0
    assert json.loads(capsys.readouterr().out)["counts"] == [50, 0, 0]


def test_the_list(capsys):
    assert main(["prevalence-of", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(surfaces.names())


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "a function is missing: type a name of --list, or module:function"),
        (["himelblau"], "got 'himelblau': did you mean 'himmelblau'?"),
        (["nowhere:f", *BOX], "there is no module 'nowhere'"),
        (["json:dumps"], "--box is missing: it says where to look, for example -5:5,-5:5"),
        (["himmelblau", "--samples", "0"], "must be a positive integer, got '0'"),
        (["himmelblau", "--box", "0:1,0:1", "--dim", "3"], "--box has 2 variables, --dim says 3"),
        (["himmelblau", "--plot", "picture.xyz"], "must end with .png"),
        (["mine:wrong", *BOX], "KeyError: 'no such thing', raised by `wrong` at x = ["),
    ],
)
def test_complaints_are_one_line_and_exit_2(args, message, folder, capsys):
    (folder / "mine.py").write_text("def wrong(x):\n    raise KeyError('no such thing')\n")
    try:
        status = main(["prevalence-of", *args])
    except SystemExit as stop:
        status = stop.code
    out, err = capsys.readouterr()
    assert (status, out) == (2, "")
    assert message in err.splitlines()[-1]
