"""Files that are damaged, hostile or something else: one helpful line, never a traceback."""

import pickle
import sqlite3
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
from commands import complaint
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from saddlelab.cli import main
from saddlelab.networks.critical_checkpoint import CriticalCheckpoint, Ended
from saddlelab.prevalence import PrevalenceStudy, prevalence
from saddlelab.studies.study_file import CheckpointError

H = np.array([[2.0, 0.5], [0.5, -1.0]])
fuzzed = settings(suppress_health_check=list(HealthCheck), deadline=None)


def header(text, version=(1, 0), body=b""):
    """A .npy file with any header."""
    text = text if isinstance(text, str) else repr(text)
    size = struct.pack("<H" if version == (1, 0) else "<I", len(text) + 1)
    return b"\x93NUMPY" + bytes(version) + size + text.encode() + b"\n" + body


def described(shape, descr="<f8", body=b"\0" * 32):
    return header({"descr": descr, "fortran_order": False, "shape": shape}, body=body)


def archive(path, **members):
    with zipfile.ZipFile(path, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path.read_bytes()


def saved(path, save=np.save, **arrays):
    save(path, **(arrays or {"arr": H}))
    return path.read_bytes()


# --- classify ------------------------------------------------------------------------------

SOUND = described((2, 2), body=H.tobytes())
NO_ARRAY = "must be a .npy or .npz file of numbers"
NPY = {
    "empty": (b"", NO_ARRAY),
    "text": (b"1 2\n3 4\n", NO_ARRAY),
    "a pickle": (pickle.dumps([1.0]), NO_ARRAY),
    "half a header": (SOUND[:20], NO_ARRAY),
    "half of the data": (SOUND[:-9], NO_ARRAY),
    "10 GB claimed": (described((1000, 1120, 1120)), NO_ARRAY),
    "more than addresses": (described((10**30, 2, 2)), NO_ARRAY),
    "a product that overflows": (described((2**32, 2**32, 2)), NO_ARRAY),
    "a negative size": (described((-1, 2, 2)), NO_ARRAY),
    "an open brace": (header("{'descr':"), NO_ARRAY),
    "deep nesting": (header("(" * 5000), NO_ARRAY),
    "a header of 2 GB": (b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**31) + b"{", NO_ARRAY),
    "a version to come": (header("{}", (9, 9)), NO_ARRAY),
    "objects": (described((2, 2), "|O"), NO_ARRAY),
    "text entries": (described((2, 2), "<U2"), "must be real numbers, got dtype <U2"),
    "complex": (described((1, 2), "<c16"), "must be real numbers, got dtype complex128"),
    "dates": (described((2, 2), "<M8[s]"), "must be real numbers, got dtype datetime64[s]"),
    "records": (described((2, 2), [("a", "<f8")]), "must be real numbers"),
    "nothing": (described((0, 2, 2)), "must not be empty, got shape (0, 2, 2)"),
    "a number": (described(()), "must be one (n, n) array or a stack"),
}


@pytest.mark.parametrize("name", NPY)
def test_npy_files_that_are_none(tmp_path, capsys, name):
    content, said = NPY[name]
    path = tmp_path / "a.npy"
    path.write_bytes(content)
    line = complaint(capsys, "classify", path)
    assert str(path) in line
    assert said in line


NPZ = {
    "no members": ({}, "holds no arrays"),
    "a text": ({"notes.txt": b"hello"}, "[notes.txt]: must be an array of numbers"),
    "an empty member": ({"x.npy": b""}, "[x]: must be an array of numbers"),
    "half of the data": ({"x.npy": SOUND[:-9]}, "[x]: must be an array of numbers"),
    "10 GB claimed": ({"x.npy": described((1000, 1120, 1120))}, "[x]: must be an array"),
    "26 TB claimed": ({"x.npy": described((10**6, 1800, 1800))}, "[x]: must be an array"),
    "objects": ({"x.npy": described((2, 2), "|O")}, "[x]: must be an array of numbers"),
    "a later one": ({"a.npy": SOUND, "b.npy": b"?"}, "[b]: must be an array of numbers"),
}


@pytest.mark.parametrize("name", NPZ)
def test_npz_files_that_are_none(tmp_path, capsys, name):
    members, said = NPZ[name]
    archive(tmp_path / "a.npz", **members)
    assert said in complaint(capsys, "classify", tmp_path / "a.npz")


def test_odd_names_are_names(tmp_path, capsys):
    names = ("a/b.npy", "é [0].npy", ".npy")
    archive(tmp_path / "a.npz", **dict.fromkeys(names, SOUND), **{"folder/": b""})
    assert main(["classify", str(tmp_path / "a.npz")]) == 0
    assert capsys.readouterr().out.startswith("3 matrices")


def test_folders_and_names_of_nothing(tmp_path, capsys):
    assert "it is a folder" in complaint(capsys, "classify", tmp_path)
    assert "No such file" in complaint(capsys, "classify", tmp_path / "none.npy")


def test_a_claim_takes_no_memory(tmp_path, capsys):
    archive(tmp_path / "a.npz", **{"x.npy": described((1000, 1120, 1120))})
    (tmp_path / "a.npy").write_bytes(described((1000, 1120, 1120)))
    complaint(capsys, "classify", tmp_path / "a.npy")  # imports
    tracemalloc.start()
    try:
        for name in ("a.npy", "a.npz"):
            complaint(capsys, "classify", tmp_path / name)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


# --- bytes changed anywhere ----------------------------------------------------------------

CHANGES = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=6)


def damaged(content, changes, kept):
    """`content` with bytes replaced at fractions of its length, cut to a fraction."""
    found = bytearray(content)
    for at, byte in changes:
        found[min(int(at * len(found)), len(found) - 1)] = byte
    return bytes(found[: round(kept * len(found))])


def survives(capsys, *args):
    """Run a command line that may fail, but in one line; returns the exit status."""
    status = main([str(arg) for arg in args])
    out, err = capsys.readouterr()
    assert status in (0, 1, 2)
    if status:
        (line,) = err.splitlines()
        assert line.startswith("saddlecore: ")
        assert len(line) < 1000
    else:
        assert out
        assert not err or args[0] == "prevalence"  # its progress
    return status


@pytest.fixture
def arrays(tmp_path):
    """Sound files of every kind, by what they are."""
    return {
        "npy": saved(tmp_path / "a.npy"),
        "npz": saved(tmp_path / "a.npz", np.savez, a=H, b=np.eye(3)),
        "compressed": saved(tmp_path / "c.npz", np.savez_compressed, a=np.eye(6) - 0.3),
    }


@pytest.mark.parametrize("kind", ["npy", "npz", "compressed"])
@fuzzed
@given(changes=CHANGES, kept=st.just(1.0) | st.floats(0, 1))
def test_classify_survives_damage(arrays, tmp_path, capsys, kind, changes, kept):
    path = tmp_path / "damaged"
    path.write_bytes(damaged(arrays[kind], changes, kept))
    survives(capsys, "classify", path)


# --- plateaus ------------------------------------------------------------------------------

LOG = b"step,loss\n" + b"".join(b"%d,%.3f\n" % (i, 2.0 / (1 + i)) for i in range(30))
CSV = {
    "Latin": (b"step,loss\n1,2.0\xe9\n", "must be CSV in UTF-8, but 'utf-8' codec"),
    "UTF-16": ("loss\n1.0\n".encode("utf-16"), "must be CSV in UTF-8"),
    "a field without end": (b'loss\n"' + b"1" * 200_000, "must be CSV in UTF-8, but field larger"),
    "empty": (b"", "it is empty"),
    "words": (b"loss\nnone\n", "must be numbers, but record 0 is 'none'"),
}


@pytest.mark.parametrize("name", CSV)
def test_logs_that_are_none(tmp_path, capsys, name):
    content, said = CSV[name]
    path = tmp_path / "log.csv"
    path.write_bytes(content)
    assert said in complaint(capsys, "plateaus", path)
    assert "there is no file" in complaint(capsys, "plateaus", tmp_path)


@fuzzed
@given(changes=CHANGES, kept=st.just(1.0) | st.floats(0, 1))
@example(changes=[(0.5, 0)], kept=1.0)
def test_plateaus_survive_damage(tmp_path, capsys, changes, kept):
    path = tmp_path / "log.csv"
    path.write_bytes(damaged(LOG, changes, kept))
    survives(capsys, "plateaus", path)


# --- checkpoints ---------------------------------------------------------------------------

STUDY = {"samples": 200, "rng": 0, "block_size": 50}


@pytest.fixture
def checkpoint(tmp_path):
    path = tmp_path / "sound.sqlite"
    prevalence("goe", [2, 3], **STUDY, checkpoint=path)
    return path


@fuzzed
@given(changes=CHANGES, kept=st.just(1.0) | st.floats(0, 1))
def test_study_survives_damage(checkpoint, tmp_path, capsys, changes, kept):
    path, into = tmp_path / "damaged.sqlite", tmp_path / "all.sqlite"
    path.write_bytes(damaged(checkpoint.read_bytes(), changes, kept))
    survives(capsys, "study", "show", path)
    into.unlink(missing_ok=True)
    if survives(capsys, "study", "merge", path, checkpoint, "--into", into):
        assert not into.exists()
    goe = ["prevalence", "goe", "--dims", "2,3", "--samples", "200", "--seed", "0"]
    survives(capsys, *goe, "--checkpoint", path)


@pytest.mark.parametrize(
    ("field", "value"),
    [("block_size", "[0, 0]"), ("dims", "{}"), ("dims", '"12"'), ("parameters", "[]"),
     ("samples", "-5"), ("samples", "1e400"), ("nested", "7"), ("ensemble", "null"),
     ("seed", "[]"), ("dims", "[" * 100_000)],
)  # fmt: skip
def test_a_garbled_study_is_refused(checkpoint, tmp_path, capsys, field, value):
    db = sqlite3.connect(checkpoint)
    with db:
        db.execute("UPDATE study SET value = ? WHERE field = ?", [value, field])
    db.close()
    for args in (["show", checkpoint], ["merge", checkpoint, "--into", tmp_path / "all.sqlite"]):
        assert main(["study", *map(str, args)]) == 1
        out, err = capsys.readouterr()
        assert out == ""
        assert "is damaged: its study is garbled; it was left as it is" in err
        assert len(err.splitlines()) == 1


@pytest.mark.filterwarnings("ignore")  # NumPy's, of headers that are not quite Python
@fuzzed
@given(changes=CHANGES, kept=st.just(1.0) | st.floats(0, 1))
def test_saved_studies_survive_damage(tmp_path, changes, kept):
    path, broken = tmp_path / "sound.npz", tmp_path / "damaged.npz"
    if not path.exists():
        prevalence("goe", [2, 3], **STUDY).to_npz(path)
    broken.write_bytes(damaged(path.read_bytes(), changes, kept))
    try:
        found = PrevalenceStudy.load(broken)
    except (ValueError, OSError):
        return
    assert found.table() == PrevalenceStudy.load(path).table()


def searches(path):
    file = CriticalCheckpoint(path)
    try:
        return [(end.start, end.status, end.hessians, end.x.tolist()) for end in file.searches(2)]
    finally:
        file.close()


@fuzzed
@given(changes=CHANGES, kept=st.just(1.0) | st.floats(0, 1))
def test_searches_survive_damage(tmp_path, changes, kept):
    path, broken = tmp_path / "sound.sqlite", tmp_path / "damaged.sqlite"
    if not path.exists():
        file = CriticalCheckpoint(path)
        file.begin_fields({"format": 1, "seed": 0})
        file.add([Ended(i, "found", 3, 0.5, np.array([i, 0.1])) for i in range(40)])
        file.close()
    broken.write_bytes(damaged(path.read_bytes(), changes, kept))
    try:
        found = searches(broken)
    except CheckpointError:
        return
    assert set(map(str, found)) <= set(map(str, searches(path)))


@pytest.mark.parametrize(("column", "value"), [("x", b"\0" * 15), ("x", 1), ("seconds", "soon")])
def test_a_garbled_search_is_refused(tmp_path, column, value):
    path = tmp_path / "run.sqlite"
    file = CriticalCheckpoint(path)
    file.begin_fields({"format": 1, "seed": 0})
    file.add([Ended(0, "found", 3, 0.5, np.array([1.0, 0.1]))])
    file.close()
    assert searches(path) == [(0, "found", 3, [1.0, 0.1])]
    db = sqlite3.connect(path)
    with db:
        db.execute(f"UPDATE searches SET {column} = ?", [value])
    db.close()
    with pytest.raises(CheckpointError, match="is damaged: search 0 is garbled"):
        searches(path)
