"""The command line, as a person has it: a subprocess, its output, its files, its exit status."""

import csv
import io
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from xml.etree import ElementTree

import matplotlib.image
import numpy as np
import pytest
from commands import ended, rows_of

from saddlelab.cli import main
from saddlelab.prevalence import prevalence

GOE = ["prevalence", "goe", "--dims", "1:12", "--samples", "2000", "--seed", "0"]


def command(*args):
    return [sys.executable, "-m", "saddlelab", *map(str, args)]


def run(*args, **kwargs):
    return subprocess.run(
        command(*args), capture_output=True, text=True, check=False, timeout=300, **kwargs
    )


def table_rows(text):
    return [line.split() for line in text.splitlines() if re.match(r"\s*\d+\s", line)]


@pytest.fixture(scope="module")
def study():
    return prevalence("goe", range(1, 13), samples=2000, rng=0)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """One whole run, with every file it can write."""
    folder = tmp_path_factory.mktemp("run")
    files = ["--csv", "a.csv", "--plot", "a.svg", "--checkpoint", "a.sqlite"]
    result = run(*GOE, *files, cwd=folder)
    assert result.returncode == 0, result.stderr
    return folder, result


# --- prevalence ----------------------------------------------------------------------------


def test_a_study_ends_with_its_table(finished, study):
    _, result = finished
    heading, *table = result.stdout.splitlines()
    assert heading == "goe, 2000 samples, seed 0, 95 % intervals"
    assert "\n".join(table) == study.table()
    assert [int(row[0]) for row in table_rows(result.stdout)] == list(range(1, 13))  # 12 included


def test_progress_goes_to_stderr(finished):
    _, result = finished
    assert "100%" in result.stderr
    assert re.search(r"\d[kMG]? samples/s", result.stderr)
    assert re.search(r"\d\d:\d\d<\d\d:\d\d", result.stderr)  # elapsed < left
    assert "%|" not in result.stdout


def test_csv_is_read_back(finished, study):
    folder, _ = finished
    rows = rows_of(folder / "a.csv")
    assert {(row["ensemble"], row["seed"], row["nested"]) for row in rows} == {
        ("goe", "0", "False")
    }
    for name, values in study.columns().items():
        assert [float(row[name]) for row in rows] == values.tolist()


def test_the_picture_shows_the_csv(finished, study):
    """In the file itself: the points of each line are the logarithms of the CSV's fractions."""
    folder, _ = finished
    tree = ElementTree.parse(folder / "a.svg")
    rows = rows_of(folder / "a.csv")
    drawn, meant = [], []
    for kind in ("saddle", "minimum", "maximum"):
        (group,) = tree.findall(f".//*[@id='{kind}']")
        path = group.find("{http://www.w3.org/2000/svg}path").get("d")
        numbers = np.array(re.findall(r"-?\d+(?:\.\d+)?", path), float).reshape(-1, 2)
        seen = [(int(r["n"]), float(r[kind])) for r in rows if float(r[kind]) > 0]
        assert len(numbers) == len(seen)
        drawn.append(numbers)
        meant.append(np.log10(seen))
    drawn, meant = np.concatenate(drawn), np.concatenate(meant)
    for axis in (0, 1):
        scale = np.polyfit(meant[:, axis], drawn[:, axis], 1)
        # An SVG has six decimals.
        np.testing.assert_allclose(np.polyval(scale, meant[:, axis]), drawn[:, axis], atol=1e-5)


@pytest.mark.parametrize("suffix", ["png", "PNG", "pdf"])
def test_the_suffix_picks_the_format(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    assert main([*GOE, "--plot", str(path)]) == 0
    if suffix == "png":
        pixels = matplotlib.image.imread(path)
        assert pixels.shape[0] > 500
        assert pixels.std() > 0.05
    assert path.read_bytes()[:4] in (b"\x89PNG", b"%PDF")


def test_json_is_read_back(study):
    result = run(*GOE, "--json")
    answer = json.loads(result.stdout)
    assert (answer["samples"], answer["seed"], answer["nested"]) == (2000, 0, False)
    for n in range(1, 13):
        counts = {int(k): count for k, count in answer["counts"][str(n)].items()}
        assert counts == {k: c for k, c in enumerate(study.counts(n).tolist()) if c}
    assert answer["minimum"] == study.fraction("minimum").tolist()


@pytest.mark.parametrize("options", [["--workers", "1"], ["--workers", "3"], ["--samples", "2e3"]])
def test_options_that_change_nothing(finished, capsys, options):
    assert main([*GOE, *options]) == 0
    assert capsys.readouterr().out == finished[1].stdout


def test_nested(capsys):
    assert main([*GOE, "--nested", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    nested = prevalence("goe", range(1, 13), samples=2000, rng=0, nested=True)
    assert answer["nested"] is True
    assert answer["minimum"] == nested.fraction("minimum").tolist()


def test_a_long_study_prints_a_short_table(capsys):
    assert main(["prevalence", "goe", "--dims", "1:200", "--samples", "5", "--nested"]) == 0
    assert len(capsys.readouterr().out.splitlines()) < 40


@pytest.mark.parametrize(
    ("text", "dims"),
    [("7", [7]), ("3:5", [3, 4, 5]), ("10:30:10", [10, 20, 30]), ("2,9,4:5", [2, 4, 5, 9])],
)
def test_dims(capsys, text, dims):
    assert main(["prevalence", "goe", "--dims", text, "--samples", "5", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["n"] == dims


def test_without_a_seed_the_one_taken_is_said(capsys):
    args = ["prevalence", "goe", "--dims", "4", "--samples", "500"]
    assert main(args) == 0
    first = capsys.readouterr().out
    seed = re.search(r"seed (\d+)", first)[1]
    assert main([*args, "--seed", seed]) == 0
    assert capsys.readouterr().out == first


# --- checkpoint, Ctrl-C --------------------------------------------------------------------


def test_a_finished_checkpoint_answers_without_a_seed(finished):
    folder, result = finished
    again = run(*GOE[:-2], "--checkpoint", "a.sqlite", cwd=folder)
    assert again.stdout == result.stdout


def rows_in(path):
    if not path.exists():
        return 0
    db = sqlite3.connect(path, timeout=30)
    try:
        return db.execute("SELECT count(*) FROM blocks").fetchone()[0]
    except sqlite3.OperationalError:
        return 0  # the tables are not there yet
    finally:
        db.close()


LONG = ["prevalence", "goe", "--dims", "40,80", "--samples", "6000000", "--seed", "1"]


def _heed_ctrl_c():
    """What a shell runs in the background is told to ignore it, and so would its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def interrupted(*args, when, cwd):
    """Start, press Ctrl-C once `when` holds, return what is printed."""
    with subprocess.Popen(
        command(*args),
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_heed_ctrl_c,
    ) as child:
        deadline = time.monotonic() + 120
        while not when():
            assert child.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=60)
    assert child.returncode == 130
    assert out == ""
    assert "Traceback" not in err
    return err.splitlines()[-1]


def test_ctrl_c_says_how_to_go_on_and_the_study_does(tmp_path):
    path = tmp_path / "run.sqlite"
    args = [*LONG, "--checkpoint", "run.sqlite"]
    said = interrupted(*args, when=lambda: rows_in(path) >= 3, cwd=tmp_path)
    assert said == "saddlecore: interrupted; run the same command again to go on from run.sqlite"
    kept = rows_in(path)
    assert kept >= 3
    resumed = run(*args, cwd=tmp_path)
    assert resumed.returncode == 0
    assert rows_in(path) > kept
    assert "goe: " in resumed.stderr
    whole = prevalence("goe", [40, 80], samples=6_000_000, rng=1)
    assert resumed.stdout.split("\n", 1)[1] == whole.table() + "\n"


def test_ctrl_c_without_a_checkpoint(tmp_path):
    began = time.monotonic()
    # Long enough to be at work, whatever the machine.
    args = ["prevalence", "goe", "--dims", "100", "--samples", "1e12"]
    said = interrupted(*args, when=lambda: time.monotonic() - began > 6, cwd=tmp_path)
    assert said == (
        "saddlecore: interrupted, nothing kept; with --checkpoint run.sqlite it could go on"
    )


# --- complaints ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ([], "required: COMMAND; type for example: saddlecore prevalence goe --dims 1:100"),
        (["prevalense"], "invalid choice: 'prevalense'"),
        (["prevalence"], "required: ensemble, --dims, --samples; type for example: saddlecore"),
        ([*GOE, "--dims", "0:5"], "argument --dims: must look like 10, 1:100 (100 included)"),
        ([*GOE, "--dims", "1:5:2:2"], "argument --dims: must look like"),
        ([*GOE, "--dims", "five"], "argument --dims: must look like"),
        ([*GOE, "--dims", ""], "argument --dims: must look like"),
        ([*GOE, "--dims", "9:3"], "argument --dims: '9:3' is an empty range"),
        ([*GOE, "--dims", "1:1000000000000"], "argument --dims: holds more than 1000000"),
        ([*GOE, "--dims", "3,3"], "`dims` must not repeat a dimension, got 3 more than once"),
        ([*GOE, "--samples", "0"], "argument --samples: must be a positive integer, got '0'"),
        ([*GOE, "--samples", "1.5"], "argument --samples: must be an integer, got '1.5'"),
        ([*GOE, "--samples", "1e30"], "`samples` must be at most 9223372036854775807"),
        ([*GOE, "--workers", "-1"], "argument --workers: must be a positive integer, got '-1'"),
        ([*GOE, "--seed", "-1"], "argument --seed: must be a non-negative integer, got '-1'"),
        ([*GOE, "--csv", "no/such/a.csv"], "argument --csv: there is no folder 'no/such'"),
        ([*GOE, "--csv", "/"], "argument --csv: must be a file, '/' is a folder"),
        ([*GOE, "--plot", "a.xyz"], "argument --plot: must end with .png"),
        ([*GOE, "--nest"], "unrecognized arguments: --nest"),
        (["prevalence", "geo", *GOE[2:]], "`ensemble` must be one of"),
        (["classify"], "required: FILE; type for example: saddlecore classify hessians.npy"),
        (["classify", "a.npy", "--tol", "-1"], "argument --tol: must be a finite number"),
        (["classify", "/no/such.npy"], "No such file or directory: '/no/such.npy'"),
    ],
)
def test_bad_arguments_are_one_line_and_exit_2(capsys, args, said):
    status, line = ended(capsys, *args)
    assert status == 2
    assert said in line


def test_the_checkpoint_of_another_study_exits_2(finished, capsys):
    folder, _ = finished
    status, line = ended(capsys, *GOE, "--seed", "1", "--checkpoint", folder / "a.sqlite")
    assert status == 2
    assert "belongs to another study: its `seed` is 0, this study's is 1" in line


def test_a_damaged_checkpoint_exits_1(tmp_path, capsys):
    path = tmp_path / "a.sqlite"
    path.write_text("not a database" * 100)
    status, line = ended(capsys, *GOE, "--checkpoint", path)
    assert status == 1
    assert "is damaged" in line


def test_a_reader_that_leaves_is_no_error():
    with subprocess.Popen(
        command(*GOE), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        child.stdout.close()
        said = child.stderr.read()
    assert child.returncode == 1
    assert "Traceback" not in said
    assert "BrokenPipe" not in said


def test_version_and_help(capsys):
    for args, pattern in (
        (["--version"], r"saddlecore .+\n"),
        (["--help"], r"(?s)usage: saddlecore.*prevalence.*classify.*warmup.*doctor.*"),
        (["prevalence", "--help"], r"(?s).*1:100\s+includes\s+100.*"),
    ):
        with pytest.raises(SystemExit) as left:
            main(args)
        assert left.value.code == 0
        assert re.fullmatch(pattern, capsys.readouterr().out)


# --- classify ------------------------------------------------------------------------------


@pytest.fixture
def hessians():
    """Five 3 × 3 matrices of known index (of which one is singular), in rotated axes."""
    spectra = np.array([[1, 2, 3], [-1, 2, 3], [-1, -2, 3], [-1, -2, -3], [0, 1, 2]], float)
    rotation = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    stack = rotation @ (spectra[:, :, None] * rotation.T)
    return (stack + stack.swapaxes(1, 2)) / 2


def test_classify_files(tmp_path, hessians):
    np.save(tmp_path / "stack.npy", hessians)
    np.savez(tmp_path / "two.npz", one=np.diag([1.0, -1.0]), many=hessians[:2])
    result = run("classify", "stack.npy", "two.npz", "--csv", "out.csv", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    said = dict(line.split(":") for line in result.stdout.splitlines()[1:])
    counts = {label.strip(): text.strip() for label, text in said.items()}
    assert result.stdout.startswith("8 matrices\n")
    kinds = ("minimum", "saddle", "maximum", "degenerate", "undecided")
    assert [int(counts[kind]) for kind in kinds] == [2, 4, 1, 1, 0]
    assert [int(counts[index]) for index in "0123"] == [2, 3, 1, 1]
    rows = rows_of(tmp_path / "out.csv")
    assert [row["kind"] for row in rows[:5]] == [
        "minimum", "saddle", "saddle", "maximum", "degenerate",
    ]  # fmt: skip
    assert [int(row["index"]) for row in rows[:4]] == [0, 1, 2, 3]
    assert [(row["file"], row["array"], row["matrix"]) for row in rows[5:]] == [
        ("two.npz", "one", "0"),
        ("two.npz", "many", "0"),
        ("two.npz", "many", "1"),
    ]
    assert {row["certified"] for row in rows[:4]} == {"True"}
    assert rows[4]["zeros"] == "1"


def test_classify_takes_a_tolerance(tmp_path, capsys):
    np.save(tmp_path / "a.npy", np.diag([1.0, 1e-3]))
    assert main(["classify", str(tmp_path / "a.npy"), "--tol", "0.01"]) == 0
    assert re.search(r"degenerate: +1\n", capsys.readouterr().out)


def test_classify_names_the_file_and_the_matrix(tmp_path, capsys, hessians):
    hessians[3, 0, 1] = np.nan
    np.save(tmp_path / "bad.npy", hessians)
    status, line = ended(capsys, "classify", tmp_path / "bad.npy")
    assert status == 2
    assert "bad.npy" in line
    assert "3" in line


def test_classify_never_unpickles(tmp_path, capsys):
    np.save(tmp_path / "a.npy", np.array([{}], object), allow_pickle=True)
    np.savez(tmp_path / "b.npz", x=np.array([{}], object))
    (tmp_path / "c.npy").write_text("text")
    np.savez(tmp_path / "d.npz")
    for name, said in (
        ("a.npy", "must be a .npy or .npz file of numbers"),
        ("b.npz", "b.npz[x]: must be an array of numbers"),
        ("c.npy", "must be a .npy or .npz file of numbers"),
        ("d.npz", "holds no arrays"),
    ):
        status, line = ended(capsys, "classify", tmp_path / name)
        assert status == 2
        assert said in line


# --- warmup, doctor ------------------------------------------------------------------------


def test_doctor_says_what_a_report_needs():
    result = run("doctor")
    assert result.returncode == 0, result.stderr
    said = dict(line.split(":", 1) for line in result.stdout.splitlines())
    assert f"numpy {np.__version__}" in said["versions"]
    assert f"of {os.cpu_count()}" in said["threads"]
    assert re.fullmatch(r" +\d+ × float64", said["native lanes"])
    for label in ("python", "platform", "cpu", "cpu features", "libmvec", "cache folder"):
        assert said[label].strip()


HEAVY = {"numba", "scipy", "matplotlib", "sklearn", "networkx", "pandas", "torch", "jax"}


def test_nothing_heavy_is_imported_for_help():
    code = f"import sys, saddlelab.cli; print(*{HEAVY} & set(sys.modules))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == ""


def test_csv_has_plain_rows(finished):
    folder, _ = finished
    text = (folder / "a.csv").read_text()
    assert len(list(csv.reader(io.StringIO(text)))) == 13
