"""`saddlecore study`, and `saddlecore prevalence` on clusters and into files."""

import csv
import json
import shutil
import sqlite3
import sys
from zlib import crc32

import numpy as np
import pytest
from commands import ended

from saddlelab.cli import main
from saddlelab.prevalence import (
    CheckpointError,
    CheckpointMismatchError,
    PrevalenceStudy,
    prevalence,
)
from saddlelab.studies.merge import merge_checkpoints
from saddlelab.studies.status import duration, study_status

DIMS = [2, 5]
STUDY = {"samples": 990, "rng": 0, "block_size": 100, "workers": 1}
GOE = ["prevalence", "goe", "--dims", "2,5", "--samples", "990", "--seed", "0"]


def sql(path, command, *values):
    db = sqlite3.connect(path)
    with db:
        found = db.execute(command, values).fetchall()
    db.close()
    return found


def blocks(path):
    return {row[:2]: row[2:] for row in sql(path, "SELECT * FROM blocks")}


@pytest.fixture
def whole(tmp_path):
    path = tmp_path / "whole.sqlite"
    prevalence("goe", DIMS, **STUDY, checkpoint=path)
    return path


@pytest.fixture
def halves(whole, tmp_path):
    """What two machines have; one block is in both."""
    found = []
    for name, lost in (("a", "block < 5"), ("b", "block >= 5 AND (n = 2 OR block > 5)")):
        path = tmp_path / f"{name}.sqlite"
        shutil.copy(whole, path)
        sql(path, f"DELETE FROM blocks WHERE {lost}")
        found.append(path)
    return found


def complaint(capsys, *args):
    """The one line that a command ends with, whatever its exit status but 0."""
    status, line = ended(capsys, *args)
    assert status != 0
    return line


# --- show ----------------------------------------------------------------------------------


def test_show_says_what_is_done(halves, capsys):
    assert main(["study", "show", str(halves[0])]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "goe, 990 samples, seed 0"
    assert lines[1].split() == ["n", "samples", "of", "done", "blocks", "left"]
    # Blocks 5 … 9, of which the last has 90 samples.
    assert lines[2].split() == ["2", "490", "990", "49.4", "%", "5"]
    assert lines[3].split() == ["5", "490", "990", "49.4", "%", "5"]
    assert lines[4].startswith("49.4 % done, ")
    assert " in 1 run, " in lines[4]
    assert "rows/s in the last, about " in lines[4]


def test_show_of_a_finished_and_of_several(whole, halves, capsys):
    assert main(["study", "show", str(whole), str(halves[1])]) == 0
    out = capsys.readouterr().out
    assert f"{whole}:\ngoe, 990" in out
    assert f"\n\n{halves[1]}:\ngoe, 990" in out
    assert "100 % done" in out
    assert out.count("left") == 3  # two headings, and the second's last line


def test_show_reads_only(halves, capsys):
    before = halves[0].read_bytes()
    assert main(["study", "show", str(halves[0])]) == 0
    assert halves[0].read_bytes() == before


def test_the_speed_is_that_of_the_last_run(whole):
    sql(whole, "DELETE FROM runs")
    sql(whole, "DELETE FROM blocks WHERE n = 5")
    assert study_status(whole).seconds_left is None
    assert "speed not known yet" in study_status(whole).table()
    sql(whole, "INSERT INTO runs VALUES (1, 0.0, 9.0, 1, 1, 1)")
    sql(whole, "INSERT INTO runs VALUES (2, 100.0, 102.0, 4, 400, 1980)")
    status = study_status(whole)
    assert (status.seconds, status.rows_per_second) == (11.0, 990.0)
    assert status.seconds_left == 5.0
    assert status.done == 2 / 7


def test_runs_are_noted(tmp_path):
    path = tmp_path / "run.sqlite"
    prevalence("goe", DIMS, **STUDY, checkpoint=path)
    (run,) = study_status(path).runs
    assert (run.blocks, run.samples, run.rows) == (20, 1980, 990 * 7)
    assert 0 < run.latest - run.began < 600
    sql(path, "DELETE FROM blocks WHERE block = 9")
    prevalence("goe", DIMS, **STUDY, checkpoint=path)
    first, second = study_status(path).runs
    assert first == run
    assert (second.blocks, second.samples, second.rows) == (2, 180, 90 * 7)


def test_nested_studies_are_shown_as_one(tmp_path, capsys):
    path = tmp_path / "run.sqlite"
    prevalence("goe", range(1, 9), **STUDY, nested=True, checkpoint=path)
    assert main(["study", "show", str(path)]) == 0
    assert "1…8" in capsys.readouterr().out


def test_show_of_what_is_none(tmp_path, whole, capsys):
    missing = tmp_path / "none.sqlite"
    assert "there is no checkpoint" in complaint(capsys, "study", "show", missing)
    assert not missing.exists()
    missing.write_text("notes " * 100)
    assert "is damaged: file is not a database" in complaint(capsys, "study", "show", missing)
    missing.write_bytes(b"")
    assert "no study was begun in it" in complaint(capsys, "study", "show", missing)
    sql(whole, "UPDATE runs SET latest = 'yesterday'")
    assert "its times are garbled" in complaint(capsys, "study", "show", whole)
    sql(whole, "UPDATE study SET value = '[1]' WHERE field = 'block_size'")
    assert "its study is garbled" in complaint(capsys, "study", "show", whole)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.123, "0.12 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (200, "3 min 20 s"),
        (18720, "5 h 12 min"),
        (273600, "3 d 4 h"),
    ],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


# --- merge ---------------------------------------------------------------------------------


def test_a_merge_is_a_union(whole, halves, tmp_path, capsys):
    before, target = [path.read_bytes() for path in halves], tmp_path / "all.sqlite"
    assert main(["study", "merge", *map(str, halves), "--into", str(target)]) == 0
    assert "20 blocks added" in capsys.readouterr().out
    assert blocks(target) == blocks(whole)
    assert [path.read_bytes() for path in halves] == before
    # And it is the finished study.
    stamp = target.read_bytes()
    study = prevalence("goe", DIMS, **STUDY, checkpoint=target)
    assert target.read_bytes() == stamp
    for n in DIMS:
        np.testing.assert_array_equal(
            study.counts(n), prevalence("goe", DIMS, **STUDY).counts(n)
        )


def test_merging_again_adds_nothing(whole, halves):
    a, b = halves
    assert merge_checkpoints([b], a) == 10
    assert blocks(a) == blocks(whole)
    runs = study_status(a).runs
    assert merge_checkpoints([b, a], a) == 0
    assert blocks(a) == blocks(whole)
    assert study_status(a).runs == runs


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("dims", {"dims": [2, 6]}),
        ("samples", {"samples": 980}),
        ("seed", {"rng": 1}),
        ("nested", {"nested": True}),
        ("block_size", {"block_size": 50}),
    ],
)
def test_different_studies_are_refused(whole, tmp_path, capsys, field, change):
    other, target = tmp_path / "other.sqlite", tmp_path / "all.sqlite"
    prevalence("goe", **({"dims": DIMS, "checkpoint": other} | STUDY | change))
    before = whole.read_bytes(), other.read_bytes()
    line = complaint(capsys, "study", "merge", whole, other, "--into", target)
    assert f"other.sqlite' belongs to another study: its `{field}` is" in line
    assert not target.exists()
    with pytest.raises(CheckpointMismatchError, match=field):
        merge_checkpoints([whole], other)
    assert (whole.read_bytes(), other.read_bytes()) == before


def test_other_counts_are_refused(whole, halves, tmp_path, capsys):
    """A sound row with other counts: another program has made it."""
    target = tmp_path / "all.sqlite"
    bins, counts = np.array([0, 1], "<i8").tobytes(), np.array([1, 99], "<i8").tobytes()
    crc = crc32(counts, crc32(bins, crc32(b"5:7")))
    change = "UPDATE blocks SET bins = ?, counts = ?, crc = ? WHERE n = 5 AND block = 7"
    sql(halves[0], change, bins, counts, crc)
    line = complaint(capsys, "study", "merge", whole, halves[0], "--into", target)
    assert "block 7 of n = 5 has other counts in" in line
    assert not target.exists()
    # A target that was there stays as it was: nothing of the sound half either.
    before = blocks(halves[1])
    with pytest.raises(CheckpointError, match="nothing was merged"):
        merge_checkpoints([halves[0], whole], halves[1])
    assert blocks(halves[1]) == before


def test_damaged_blocks_are_refused(halves, tmp_path):
    sql(halves[0], "UPDATE blocks SET crc = 1 WHERE n = 5 AND block = 7")
    with pytest.raises(CheckpointError, match="block 7 of n = 5 is garbled"):
        merge_checkpoints(halves, tmp_path / "all.sqlite")
    assert not (tmp_path / "all.sqlite").exists()


def test_merges_of_nothing(whole, tmp_path, capsys):
    target = tmp_path / "all.sqlite"
    with pytest.raises(ValueError, match="`sources` must name at least one checkpoint, got none"):
        merge_checkpoints([], target)
    line = complaint(capsys, "study", "merge", whole, tmp_path / "none", "--into", target)
    assert "there is no checkpoint" in line
    with pytest.raises(SystemExit):
        main(["study", "merge", str(whole)])
    assert "--into" in capsys.readouterr().err
    assert not target.exists()


# --- prevalence ----------------------------------------------------------------------------


def test_npz_and_csv(tmp_path, capsys):
    assert main([*GOE, "--npz", f"{tmp_path}/a.npz", "--csv", f"{tmp_path}/a.csv", "--json"]) == 0
    study = PrevalenceStudy.load(tmp_path / "a.npz")
    assert json.loads(capsys.readouterr().out) == json.loads(study.to_json())
    study.to_csv(tmp_path / "b.csv")
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    with open(tmp_path / "a.csv", newline="") as file:
        assert [row["seed"] for row in csv.DictReader(file)] == ["0", "0"]


@pytest.mark.filterwarnings("ignore")
def test_a_local_cluster(capsys, tmp_path):
    pytest.importorskip("distributed")
    path = tmp_path / "run.sqlite"
    assert main([*GOE, "--dask", "local", "--workers", "1", "--checkpoint", str(path)]) == 0
    out = capsys.readouterr().out
    assert main(GOE) == 0
    assert capsys.readouterr().out == out
    assert study_status(path).done == 1.0


def test_dask_that_is_not_there(capsys, monkeypatch):
    line = complaint(capsys, *GOE, "--dask", "cluster7")
    assert "`--dask` must be tcp://host:8786 or local, got 'cluster7'" in line
    monkeypatch.setitem(sys.modules, "distributed", None)
    line = complaint(capsys, *GOE, "--dask", "local")
    assert line.endswith("`--dask` needs Dask: pip install 'saddlecore[dask]'")


@pytest.mark.filterwarnings("ignore")
def test_a_scheduler_that_does_not_answer(capsys, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("saddlelab.studies.dask._CONNECT_SECONDS", 0.5)
    line = complaint(capsys, *GOE, "--dask", "tcp://127.0.0.1:9")
    assert "no Dask scheduler answers at 'tcp://127.0.0.1:9'" in line
