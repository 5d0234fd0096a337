"""Checkpoints: what is finished is kept, whatever happens, and never counted twice."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile

import numpy as np
import pytest
from faults import SERVER, begun, drive_goe, wait_until

from saddlelab.prevalence import CheckpointError, CheckpointMismatchError, prevalence
from saddlelab.studies import blocks as block_module
from saddlelab.studies.checkpoint import Checkpoint

STUDY = {"samples": 1000, "rng": 0, "block_size": 100, "workers": 1}
DIMS = [2, 5]


def assert_same(study, other):
    assert study.seed == other.seed
    for n in study.dims:
        np.testing.assert_array_equal(study.counts(n), other.counts(n))


def stored(path):
    """The rows of a checkpoint, by (n, block)."""
    db = sqlite3.connect(path)
    try:
        return {row[:2]: row[2:] for row in db.execute("SELECT * FROM blocks")}
    finally:
        db.close()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.sqlite"


@pytest.fixture
def counted(monkeypatch):
    """The blocks that were counted, as (n, block); `stop_after` makes Ctrl-C come then."""
    real = block_module.count_block

    class Log(list):
        stop_after = None

    log = Log()

    def count_block(ensemble, part, block):
        if len(log) == log.stop_after:
            raise KeyboardInterrupt
        log.append((part.n, block))
        return real(ensemble, part, block)

    monkeypatch.setattr(block_module, "count_block", count_block)
    return log


@pytest.fixture(scope="module")
def unbroken():
    return prevalence("goe", DIMS, **STUDY)


# --- resuming ------------------------------------------------------------------------------


def test_a_checkpoint_changes_nothing(path, unbroken):
    assert_same(unbroken, prevalence("goe", DIMS, **STUDY, checkpoint=path))
    assert set(stored(path)) == {(n, block) for n in DIMS for block in range(10)}
    # One file at rest: no journal is left beside it.
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_finished_study_is_read_not_run(path, unbroken, counted):
    prevalence("goe", DIMS, **STUDY, checkpoint=path)
    counted.clear()
    before = path.read_bytes()
    assert_same(unbroken, prevalence("goe", DIMS, **STUDY, checkpoint=path))
    assert counted == []
    assert path.read_bytes() == before


@pytest.mark.parametrize("nested", [False, True])
def test_only_missing_blocks_are_run(path, counted, nested):
    whole = prevalence("goe", DIMS, **STUDY, nested=nested, checkpoint=path)
    everything = set(counted)
    lost = set(random.Random(1).sample(sorted(everything), 4))
    db = sqlite3.connect(path)
    with db:
        db.executemany("DELETE FROM blocks WHERE n = ? AND block = ?", sorted(lost))
    db.close()
    counted.clear()
    assert_same(whole, prevalence("goe", DIMS, **STUDY, nested=nested, checkpoint=path))
    assert sorted(counted) == sorted(lost)
    assert set(stored(path)) == everything


def test_ctrl_c_leaves_a_checkpoint_that_resumes(path, unbroken, counted):
    # Many tasks of one block: the last before Ctrl-C is stored.
    study = STUDY | {"samples": 200_000, "block_size": None}
    whole = prevalence("goe", [50], **study)
    counted.clear()
    counted.stop_after = 5
    with pytest.raises(KeyboardInterrupt):
        prevalence("goe", [50], **study, checkpoint=path)
    kept = stored(path)
    assert set(kept) == set(counted) == {(50, block) for block in range(5)}
    counted.stop_after = None
    counted.clear()
    assert_same(whole, prevalence("goe", [50], **study, checkpoint=path))
    assert not set(counted) & set(kept)
    assert kept.items() <= stored(path).items()


def test_none_takes_the_seed_of_the_file(path):
    args = {"samples": 100, "checkpoint": path}
    first = prevalence("goe", 5, rng=None, **args)
    assert_same(first, prevalence("goe", 5, rng=None, **args))
    assert_same(first, prevalence("goe", 5, rng=first.seed, **args))


def test_seeds_beyond_64_bits(path):
    args = {"samples": 100, "checkpoint": path}
    assert prevalence("goe", 5, rng=2**80, **args).seed == 2**80
    assert prevalence("goe", 5, **args).seed == 2**80


def test_two_runs_may_share_a_file(path, unbroken):
    """The loser of a race finds its block stored already, with the same bits."""
    prevalence("goe", DIMS, **STUDY, checkpoint=path)
    whole = stored(path)
    file = Checkpoint(path)
    spec = _spec()
    file.begin(spec)
    parts = spec.parts()
    file.add(parts, block_module.count_task(spec.ensemble, [(block_module.Run(0, 0, 3), parts[0])]))
    file.close()
    assert stored(path) == whole


def _spec():
    from saddlelab.ensembles import get_ensemble
    from saddlelab.studies.spec import StudySpec

    return StudySpec(get_ensemble("goe"), tuple(DIMS), 1000, 0, False, 100)


# --- SIGKILL -------------------------------------------------------------------------------

# Fifty kills of studies whose samples cost nothing are in test_executors.py.
KILLS = 20 if os.environ.get("HYPOTHESIS_PROFILE") == "nightly" else 5
# About 3 s of work in blocks of 30 ms: all kills fit in, and each finds blocks in flight.
LONG = {"samples": 15_000_000, "rng": 3, "workers": 2}
LONG_DIMS = [20, 30]


def has_blocks(path):
    """Whether something is stored, of a study that may be making its tables just now."""
    try:
        return path.exists() and len(stored(path)) > 0
    except sqlite3.OperationalError:
        return False


def kill_when_busy(path, log, delay):
    """Start the study, kill it ``delay`` seconds after its third block began and one is stored."""
    child = SERVER.Process(target=drive_goe, args=(LONG_DIMS, LONG, path, log))
    child.start()
    try:
        wait_until(lambda: (len(begun(log)) >= 3 and has_blocks(path)) or not child.is_alive())
        child.join(delay)
        assert child.is_alive()
    finally:
        child.kill()
        child.join()
    assert child.exitcode == -signal.SIGKILL


def test_killed_again_and_again(path, tmp_path, counted):
    whole = prevalence("goe", LONG_DIMS, **LONG)
    everything = set(counted)
    chance, kept = random.Random(0), {}
    for kill in range(KILLS):
        log = tmp_path / f"{kill}.log"
        kill_when_busy(path, log, chance.uniform(0, 0.06))
        tried, before, kept = begun(log), kept, stored(path)
        # Nothing that was stored is lost or touched, or counted again; what was in flight is lost.
        assert before.items() <= kept.items()
        assert len(tried) == len(set(tried))
        assert not set(tried) & set(before)
        assert set(kept) - set(before) < set(tried)
    assert 0 < len(kept) < len(everything)
    counted.clear()
    assert_same(whole, prevalence("goe", LONG_DIMS, **LONG, checkpoint=path))
    assert sorted(counted) == sorted(everything - set(kept))
    assert kept.items() <= stored(path).items()


# --- other studies, damage, full and read-only disks ---------------------------------------


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("dims", {"dims": [2, 6]}),
        ("samples", {"samples": 999}),
        ("seed", {"rng": 1}),
        ("nested", {"nested": True}),
        ("block_size", {"block_size": 50}),
    ],
)
def test_another_study_is_refused_by_the_field_that_differs(path, field, change):
    prevalence("goe", DIMS, **STUDY, checkpoint=path)
    before = path.read_bytes()
    args = {"dims": DIMS, "checkpoint": path} | STUDY | change
    with pytest.raises(CheckpointMismatchError, match=f"another study: its `{field}` is"):
        prevalence("goe", **args)
    assert issubclass(CheckpointMismatchError, ValueError)
    assert path.read_bytes() == before


def refused(path, pattern):
    """The file is refused with that message, and left as it was."""
    before = path.read_bytes()
    with pytest.raises(CheckpointError, match=pattern) as caught:
        prevalence("goe", DIMS, **STUDY, checkpoint=path)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == before


def test_a_file_of_something_else_is_refused(path):
    path.write_text("these are my notes " * 100)
    refused(path, "is damaged: file is not a database; it was left as it is")


def test_a_database_of_something_else_is_refused(path):
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE songs (title)")
    db.close()
    refused(path, "is a database of something else; name another file")


def test_a_truncated_checkpoint_is_refused(path):
    prevalence("goe", DIMS, **STUDY, checkpoint=path)
    path.write_bytes(path.read_bytes()[:-4096])
    refused(path, "is damaged: .*malformed")


def test_a_changed_value_is_refused(path):
    prevalence("goe", DIMS, **STUDY, checkpoint=path)
    db = sqlite3.connect(path)
    (counts,) = db.execute("SELECT counts FROM blocks WHERE n = 5 AND block = 3").fetchone()
    changed = bytes([counts[0] ^ 1]) + counts[1:]
    with db:
        db.execute("UPDATE blocks SET counts = ? WHERE n = 5 AND block = 3", [changed])
    db.close()
    refused(path, "is damaged: block 3 of n = 5 is garbled; it was left as it is: move it away")


def test_damage_anywhere_is_an_error_or_harmless(path, unbroken):
    """Random bytes changed all over the file: never a wrong count, never another exception."""
    prevalence("goe", DIMS, **STUDY, checkpoint=path)
    sound, chance = path.read_bytes(), random.Random(2)
    refusals = 0
    for _ in range(300):
        damaged = bytearray(sound)
        for _ in range(chance.choice([1, 4, 40])):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        path.write_bytes(damaged)
        try:
            assert_same(unbroken, prevalence("goe", DIMS, **STUDY, checkpoint=path))
        except CheckpointError:
            refusals += 1
    assert refusals > 50


def test_an_empty_file_is_a_new_checkpoint(path, unbroken):
    """What a run killed before its first transaction leaves."""
    path.touch()
    assert_same(unbroken, prevalence("goe", DIMS, **STUDY, checkpoint=path))


def test_folders_that_are_not_there(path):
    with pytest.raises(CheckpointError, match=r"cannot open `checkpoint` .*unable to open"):
        prevalence("goe", 3, samples=10, checkpoint=path / "below" / "run.sqlite")
    with pytest.raises(CheckpointError, match=r"cannot open `checkpoint` .*unable to open"):
        prevalence("goe", 3, samples=10, checkpoint=path.parent)


def test_a_full_disk_loses_nothing(path, monkeypatch):
    """SQLite's own limit of pages gives the error of a full disk at the same place."""
    study = STUDY | {"samples": 20_000, "block_size": 20}
    begin = Checkpoint.begin

    def begin_on_a_small_disk(self, spec):
        begin(self, spec)
        self._db.execute("PRAGMA max_page_count = 12")

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "begin", begin_on_a_small_disk)
        with pytest.raises(CheckpointError, match="the disk is full; the blocks it holds are safe"):
            prevalence("goe", DIMS, **study, checkpoint=path)
    kept = stored(path)
    assert len(kept) > 20
    assert_same(prevalence("goe", DIMS, **study), prevalence("goe", DIMS, **study, checkpoint=path))
    assert kept.items() <= stored(path).items()


LIMITED = """
import resource, sys
from saddlelab.prevalence import CheckpointError, prevalence

prevalence("goe", 3, samples=10, rng=0)  # the kernels' cache must not meet the limit
resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
try:
    prevalence("goe", 5, samples=20_000, rng=0, block_size=20, checkpoint=sys.argv[1])
except CheckpointError as error:
    sys.exit(str(error))
"""


def test_writes_that_the_system_refuses_lose_nothing(path):
    child = subprocess.run(
        [sys.executable, "-c", LIMITED, str(path)], capture_output=True, text=True, check=False
    )
    assert "cannot write `checkpoint`" in child.stderr
    assert "the blocks it holds are safe" in child.stderr
    kept = stored(path)
    assert len(kept) > 20
    args = {"samples": 20_000, "rng": 0, "block_size": 20}
    assert_same(prevalence("goe", 5, **args), prevalence("goe", 5, **args, checkpoint=path))
    assert kept.items() <= stored(path).items()


READ_ONLY = """
import os, sys
from saddlelab.prevalence import CheckpointError, prevalence

prevalence("goe", 3, samples=10, rng=0)
if os.geteuid() == 0:
    os.seteuid(65534)  # permissions do not bind root
for name, dims in (("whole.sqlite", [2, 5]), ("part.sqlite", [2, 5]), ("new.sqlite", [2, 5])):
    try:
        os.chdir(sys.argv[1])
        study = prevalence("goe", dims, samples=1000, rng=0, block_size=100, checkpoint=name)
        print(name, study.counts(5).tolist())
    except CheckpointError as error:
        print(error)
"""


def test_an_unwritable_checkpoint(unbroken, counted):
    """A finished one can still be read; else the error says what is wrong."""
    # pytest's own folders are closed to the user that the child becomes.
    folder = tempfile.mkdtemp(prefix="saddlecore-test-")
    os.chmod(folder, 0o755)
    try:
        prevalence("goe", DIMS, **STUDY, checkpoint=f"{folder}/whole.sqlite")
        counted.clear()
        counted.stop_after = 10
        with pytest.raises(KeyboardInterrupt):
            # Blocks of their own tasks: some are stored before the interruption.
            prevalence("goe", DIMS, **STUDY, checkpoint=f"{folder}/part.sqlite")
        os.chmod(folder, 0o555)
        for name in ("whole", "part"):
            os.chmod(f"{folder}/{name}.sqlite", 0o444)
        child = subprocess.run(
            [sys.executable, "-c", READ_ONLY, folder], capture_output=True, text=True, check=True
        )
    finally:
        os.chmod(folder, 0o755)
        for name in os.listdir(folder):
            os.remove(f"{folder}/{name}")
        os.rmdir(folder)
    whole, part, new = child.stdout.splitlines()
    assert whole == f"whole.sqlite {unbroken.counts(5).tolist()}"
    assert part.startswith("cannot write `checkpoint` 'part.sqlite': attempt to write a readonly")
    assert new.startswith("cannot open `checkpoint` 'new.sqlite': unable to open")
