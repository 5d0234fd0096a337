"""Studies on executors: few large tasks, flat memory, and the same bits whatever is killed."""

import multiprocessing
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import tracemalloc
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from faults import SERVER, Slow, begun, drive, wait_until, workers
from hypothesis import given
from hypothesis import strategies as st

from saddlelab.ensembles import Ensemble, get_ensemble
from saddlelab.prevalence import StudyInterruptedError, prevalence
from saddlelab.studies import plan, remote
from saddlelab.studies.blocks import Counted, Finished, Histogram, Run, Task, run_task
from saddlelab.studies.spec import StudySpec
from saddlelab.studies.status import study_status

NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
DIMS = [2, 5]
# 40 blocks for each dimension, each of them large enough to be a task by itself.
BLOCK = 2**17
STUDY = {"samples": 40 * BLOCK, "rng": 0, "block_size": BLOCK}
# The same number of blocks, together one task.
FEW = {"samples": 1000, "rng": 0, "block_size": 25}


def assert_same(study, other):
    assert study.seed == other.seed
    for n in study.dims:
        np.testing.assert_array_equal(study.counts(n), other.counts(n))


def stored(path):
    """The rows of a checkpoint, by (n, first sample)."""
    if not path.exists():
        return {}
    db = sqlite3.connect(path)
    try:
        rows = db.execute("SELECT * FROM blocks").fetchall()
    except sqlite3.OperationalError:  # killed before it made the tables
        rows = []
    finally:
        db.close()
    return {(n, block * BLOCK): rest for n, block, *rest in rows}


def count_blocks(path):
    return sum(part.blocks_done for part in study_status(path).parts)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.sqlite"


@pytest.fixture
def log(tmp_path):
    return tmp_path / "log"


@pytest.fixture
def short_tasks(monkeypatch):
    """Tasks of a few blocks of `Slow`: something is finished whenever something dies."""
    monkeypatch.setattr(plan, "TASK_SECONDS", 0.03)
    monkeypatch.setattr(plan, "_LAST_TASK_SECONDS", 0.01)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    slow = Slow(str(tmp_path_factory.mktemp("unbroken") / "log"), seconds=0.0)
    return prevalence(slow, DIMS, **STUDY, workers=1)


# --- how large tasks are -------------------------------------------------------------------


class Simulated(Executor):
    """Workers whose blocks take so many seconds per row, and no time at all."""

    num_workers = 4

    def __init__(self, row_seconds):
        self.row_seconds, self.tasks, self.blocks, self.most = row_seconds, [], 0, 0

    def submit(self, fn, /, task):
        blocks = [
            Counted(run.part, block, Histogram(np.array([0]), np.array([part.samples_in(block)])))
            for run, part in task.work
            for block in range(run.first, run.stop)
        ]
        rows = sum(task.work[0][1].samples_in(block.block) for block in blocks)
        rows *= task.work[0][1].n
        self.tasks.append(rows * self.row_seconds)
        self.blocks += len(blocks)
        future = Future()
        future.set_result(Finished(blocks, rows * self.row_seconds))
        return future


@given(st.floats(-10, -6), st.integers(1, 200))
def test_tasks_take_about_two_seconds(exponent, n):
    """Whatever a row costs: few large tasks, after the first ones."""
    row_seconds = 10.0**exponent
    block_rows = StudySpec(get_ensemble("goe"), (n,), 10**9, 0, False).block_rows
    # About ten minutes of work in all, in at most so many blocks as the test can bear.
    samples = min(int(600 / row_seconds / n), 3000 * block_rows // n)
    executor = Simulated(row_seconds)
    study = prevalence("goe", n, samples=samples, rng=0, executor=executor)
    assert study.counts(n)[0] == samples
    total = sum(executor.tasks)
    # One block at the very least; the last tasks, on which all workers end, are shorter.
    block = max(executor.tasks[0], 0.0)
    longest = max(executor.tasks)
    assert longest <= 2 * max(plan.TASK_SECONDS, block)
    first, ends = 2 * executor.num_workers, 8 * executor.num_workers
    assert len(executor.tasks) <= first + ends + 2 * total / plan.TASK_SECONDS + total / block / 4


def test_tasks_of_known_speed_have_the_size_asked_for():
    pace = plan.Pace(100, 10**12, lambda: 2)
    assert pace() == 100
    pace.observe(10**6, 7.0)  # it compiled
    pace.observe(10**6, 0.01)
    pace.observe(10**6, 0.02)
    assert pace() == round(plan.TASK_SECONDS * 10**8)
    # Towards the end all of what is left is shared out, but not in crumbs.
    pace.handed_out(10**12 - 4 * 10**8)
    assert pace() == 10**8
    pace.handed_out(4 * 10**8)
    assert pace() == round(plan.TASK_SECONDS / 4 * 10**8)


@given(
    dims=st.sets(st.integers(1, 50), min_size=1, max_size=4),
    samples=st.integers(1, 200),
    size=st.integers(1, 60),
    data=st.data(),
)
def test_what_is_missing_is_counted(dims, samples, size, data):
    parts = StudySpec(get_ensemble("goe"), tuple(sorted(dims)), samples, 0, False, size).parts()
    everything = [(i, block) for i, part in enumerate(parts) for block in range(part.blocks)]
    done = data.draw(st.sets(st.sampled_from(everything)))
    by_part = {i: np.array(sorted(b for j, b in done if j == i), int) for i in range(len(parts))}
    rows = [parts[i].samples_in(b) * parts[i].n for i, b in set(everything) - done]
    assert plan.missing_rows(parts, by_part) == sum(rows)


def test_the_driver_stays_small():
    """The peak of the driver's memory does not grow with the number of blocks."""
    peaks = []
    many = 10**6 if NIGHTLY else 60_000
    for blocks in (30_000, many):
        executor = Simulated(1e-5)
        tracemalloc.start()
        prevalence("goe", 3, samples=2 * blocks, rng=0, block_size=2, executor=executor)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert executor.blocks == blocks
    # Less than a byte for each block more: what grows is the list of tasks of this test.
    assert peaks[1] - peaks[0] < blocks - 30_000
    assert peaks[1] < 32 * 2**20


def test_slots_are_those_of_the_executor():
    with ThreadPoolExecutor(3) as pool:
        assert remote.Slots(pool, None)() == 3
        assert remote.Slots(pool, 7)() == 7
    assert remote.Slots(Simulated(1.0), None)() == 4
    assert remote.Slots(Executor(), None)() >= 1


def test_a_task_may_use_several_threads():
    alone = prevalence("goe", DIMS, **FEW, workers=1)
    with ThreadPoolExecutor(1) as pool:
        assert_same(alone, prevalence("goe", DIMS, **FEW, executor=pool, task_threads=3))
    with pytest.raises(ValueError, match="`task_threads` must be a positive integer, got 0"):
        prevalence("goe", DIMS, **FEW, task_threads=0)


def test_workers_with_another_version_are_refused():
    spec = StudySpec(get_ensemble("goe"), (3,), 10, 0, False)
    work = [(Run(0, 0, 1), spec.parts()[0])]
    assert len(run_task(Task(spec.ensemble, spec.ensemble.stream, work, 1)).blocks) == 1
    with pytest.raises(ValueError, match="a worker samples 'goe' in version 1, the study in vers"):
        run_task(Task(spec.ensemble, spec.ensemble.stream + 1, work, 1))


# --- processes -----------------------------------------------------------------------------


@pytest.mark.parametrize("nested", [False, True])
def test_same_bits_in_spawned_processes(nested, path):
    args = FEW | {"nested": nested}
    whole = prevalence("goe", DIMS, **args, workers=1)
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        assert_same(whole, prevalence("goe", DIMS, **args, executor=pool, checkpoint=path))
    assert count_blocks(path) == (40 if nested else 80)


def kill_a_worker(log, after, delay):
    """When ``after`` blocks have begun and a bit later, kill the process that began the last."""

    def kill():
        wait_until(lambda: len(begun(log)) >= after)
        wait_until(lambda: True, delay)
        os.kill(workers(log)[-1], signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    return killer


def started_pool(count):
    """A pool whose processes are all there.

    CPython 3.11 waits for ever for one that is being started while another dies (a pool that
    breaks ends only the processes it knows of).
    """
    pool = ProcessPoolExecutor(count, mp_context=SERVER)
    list(pool.map(time.sleep, [0.05] * count))
    return pool


def check_kept(before, kept, tried):
    """Nothing that was stored is lost, touched or counted again; nothing comes from nowhere."""
    assert before.items() <= kept.items()
    assert len(tried) == len(set(tried))
    assert not set(tried) & set(before)
    assert set(kept) - set(before) <= set(tried)


def resume(path, log, unbroken):
    """Go on from a checkpoint, on threads: only what it lacks is counted."""
    kept = stored(path)
    study = prevalence(Slow(str(log), seconds=0.0), DIMS, **STUDY, checkpoint=path)
    assert_same(unbroken, study)
    check_kept(kept, stored(path), begun(log))
    assert set(begun(log)) == set(stored(path)) - set(kept)
    assert len(stored(path)) == 80


@pytest.mark.parametrize("seed", range(5 if NIGHTLY else 1))
def test_pools_killed_twenty_times(seed, path, tmp_path, unbroken, short_tasks):
    chance, kept, kills = random.Random(seed), {}, 0
    while kills < 20 and len(kept) < 76:
        log = tmp_path / f"{kills}.log"
        killer = kill_a_worker(log, chance.randint(1, 3), 0)
        with (
            started_pool(2) as pool,
            pytest.raises(StudyInterruptedError) as caught,
        ):
            prevalence(Slow(str(log)), DIMS, **STUDY, executor=pool, checkpoint=path)
        killer.join()
        assert "has lost its workers (BrokenProcessPool: " in str(caught.value)
        assert f"the finished blocks are safe in `checkpoint` '{path}'" in str(caught.value)
        before, kept = kept, stored(path)
        check_kept(before, kept, begun(log))
        kills += 1
    assert kills == 20
    assert kept
    resume(path, tmp_path / "last.log", unbroken)


def test_a_killed_pool_without_a_checkpoint(log, short_tasks):
    killer = kill_a_worker(log, 1, 0)
    with (
        ProcessPoolExecutor(1, mp_context=SERVER) as pool,
        pytest.raises(StudyInterruptedError, match="nothing was kept: with `checkpoint` the"),
    ):
        prevalence(Slow(str(log)), DIMS, **STUDY, executor=pool)
    killer.join()


def test_a_pool_that_was_shut_down(path):
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    with pytest.raises(StudyInterruptedError, match="cannot schedule new futures after shutdown"):
        prevalence("goe", DIMS, **FEW, executor=pool, checkpoint=path)


def test_an_argument_that_cannot_be_sent(tmp_path):
    @dataclass(frozen=True)
    class Local(Slow):
        pass

    with (
        ProcessPoolExecutor(1, mp_context=SERVER) as pool,
        pytest.raises((AttributeError, TypeError), match=r"pickle|local object"),
    ):
        prevalence(Local(str(tmp_path)), DIMS, **STUDY, executor=pool)


@pytest.mark.parametrize("seed", range(1, 6 if NIGHTLY else 2))
def test_drivers_killed_thirty_times(seed, path, tmp_path, unbroken):
    """At any moment, also while they write."""
    chance, kept, kills = random.Random(seed), {}, 0
    while kills < 30 and len(kept) < 76:
        log = tmp_path / f"{kills}.log"
        study = STUDY | {"workers": 2}
        driver = SERVER.Process(target=drive, args=(DIMS, study, path, log))
        driver.start()
        wait_until(lambda log=log: len(begun(log)) >= 1)
        driver.join(chance.uniform(0.0, 0.03))
        driver.kill()
        driver.join()
        assert driver.exitcode == -signal.SIGKILL
        before, kept = kept, stored(path)
        check_kept(before, kept, begun(log))
        kills += 1
    assert kills == 30
    assert kept
    resume(path, tmp_path / "last.log", unbroken)


# --- tasks that come back cancelled --------------------------------------------------------


class Forgetful(Executor):
    """Cancels the first ``losses`` attempts at each task."""

    def __init__(self, losses):
        self.losses, self.submitted = losses, []

    def submit(self, fn, /, task):
        future = Future()
        self.submitted.append(task)
        if task.attempt <= self.losses:
            future.cancel()
            future.set_running_or_notify_cancel()
        else:
            future.set_result(fn(task))
        return future


def test_lost_tasks_are_tried_again():
    whole = prevalence("goe", DIMS, **FEW, workers=1)
    executor = Forgetful(remote.MAX_ATTEMPTS - 1)
    assert_same(whole, prevalence("goe", DIMS, **FEW, executor=executor))
    # Not equal to one that was lost: Dask would take it for the same.
    attempts = [(task.work[0], task.attempt) for task in executor.submitted]
    assert len(set(map(str, attempts))) == len(attempts)


def test_a_task_that_is_lost_for_ever_ends_the_study(path):
    with pytest.raises(StudyInterruptedError, match="CancelledError: its tasks were cancelled"):
        prevalence("goe", DIMS, **FEW, executor=Forgetful(10**9), checkpoint=path)


# --- Dask ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Unstable(Ensemble):
    """Raises in the worker."""

    name: ClassVar[str] = "unstable"
    stream: ClassVar[int] = 1

    def index(self, key, n, first, count, counts):
        """Fail."""
        raise ArithmeticError("no such matrix")


# Dask's own warnings and sockets are not ours to mend.
DASK = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def dask():
    """A cluster of two processes and its client."""
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            silence_logs=50,
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        # A nanny whose worker is killed while it starts gives up: then another one is made.
        cluster.adapt(minimum=2, maximum=2)
        yield client


@DASK
@pytest.mark.parametrize("nested", [False, True])
def test_same_bits_under_dask(dask, nested, path):
    args = FEW | {"nested": nested}
    whole = prevalence("goe", DIMS, **args, workers=1)
    executor = dask.get_executor()
    assert remote.Slots(executor, None)() == 2
    assert_same(whole, prevalence("goe", DIMS, **args, executor=executor, checkpoint=path))
    assert count_blocks(path) == (40 if nested else 80)


@DASK
def test_an_error_in_a_worker_is_the_persons(dask):
    with pytest.raises(ArithmeticError, match="no such matrix"):
        prevalence(Unstable(), DIMS, **FEW, executor=dask.get_executor())


@DASK
def test_a_killed_worker_of_dask_is_replaced(dask, path, tmp_path, unbroken, short_tasks):
    """By its nanny; the study goes on and ends."""
    for kill in range(20 if NIGHTLY else 1):
        log = tmp_path / f"{kill}.log"
        path.unlink(missing_ok=True)
        killer = kill_a_worker(log, 3 + kill, 0)
        study = prevalence(
            Slow(str(log)), DIMS, **STUDY, executor=dask.get_executor(), checkpoint=path
        )
        killer.join()
        assert_same(unbroken, study)
        assert len(stored(path)) == 80
        assert set(begun(log)) == set(stored(path))


def start(what, *args):
    """Start a scheduler or a worker."""
    command = [sys.executable, "-m", f"distributed.cli.dask_{what}", "--no-dashboard", *args]
    folder = os.path.dirname(__file__)
    env = os.environ | {"PYTHONPATH": os.pathsep.join([folder, *sys.path])}
    return subprocess.Popen(command, stderr=subprocess.DEVNULL, env=env)


def free_port():
    import socket

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return str(found.getsockname()[1])


@DASK
def test_a_scheduler_is_restarted(path, log, unbroken, short_tasks):
    """Its workers and tasks are gone with it; the driver sends what it lacks to the next."""
    distributed = pytest.importorskip("distributed")
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    scheduler, worker = ("--host", "127.0.0.1", "--port", port), (address, "--no-nanny")
    running = [start("scheduler", *scheduler), start("worker", *worker, "--nthreads", "1")]

    def restart():
        wait_until(lambda: len(begun(log)) >= 5)
        running[0].kill()
        running[0].wait()
        running.append(start("scheduler", *scheduler))
        running.append(start("worker", *worker, "--nthreads", "1"))

    restarter = threading.Thread(target=restart)
    try:
        with distributed.Client(address, timeout=60) as client:
            restarter.start()
            study = prevalence(
                Slow(str(log)), DIMS, **STUDY, executor=client.get_executor(), checkpoint=path
            )
        assert_same(unbroken, study)
        assert len(stored(path)) == 80
    finally:
        restarter.join()
        for process in running:
            process.kill()
            process.wait()
