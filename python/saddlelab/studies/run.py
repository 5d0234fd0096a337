"""Running what is missing of a study, on threads or on any executor, in any order."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from concurrent.futures import Executor
from contextlib import closing
from itertools import chain, islice

from saddlelab.arguments import worker_count
from saddlelab.studies.blocks import Finished, Histogram, IntArray, Run, Tally, Task, run_task
from saddlelab.studies.checkpoint import Checkpoint
from saddlelab.studies.plan import Pace, missing_rows, missing_runs, pack, rows_of
from saddlelab.studies.progress import Progress
from saddlelab.studies.remote import Slots, submitted
from saddlelab.studies.spec import Part, StudySpec
from saddlelab.threads import thread_pool


def run_study(
    spec: StudySpec,
    *,
    workers: int | None,
    executor: Executor | None,
    task_threads: int,
    checkpoint: Checkpoint | None,
    progress: bool,
) -> list[Histogram]:
    """Count every block that the checkpoint lacks; return the histogram of each part."""
    parts = spec.parts()
    tallies = [Tally() for _ in parts]
    done: dict[int, IntArray] = {}
    if checkpoint is not None:
        tallies, done = checkpoint.read(parts)
    if executor is None:
        # One thread has its blocks written by another: it does not wait for the disk.
        alone = checkpoint is None and worker_count(workers) == 1
        finished = _on_threads(spec, parts, done, 0 if alone else worker_count(workers))
    else:
        slots = Slots(executor, workers)
        finished = _elsewhere(
            spec, parts, done, executor, slots, task_threads, _what_is_safe(checkpoint)
        )
    with (
        closing(Progress(spec, parts, done, shown=progress)) as bar,
        closing(finished),
    ):
        for task in finished:
            if checkpoint is not None:
                checkpoint.add(parts, task.blocks)
            for block in task.blocks:
                tallies[block.part].add(block.histogram)
                bar.add(parts[block.part], block.block)
    return [tally.total() for tally in tallies]


def _on_threads(
    spec: StudySpec, parts: list[Part], done: dict[int, IntArray], workers: int
) -> Generator[Finished, None, None]:
    """Yield finished tasks of a block or so each, counted by ``workers`` threads or (0) here."""
    runs = pack(missing_runs(parts, done), parts, lambda: spec.block_rows)
    tasks = (_task(spec, parts, task, 1) for task in runs)
    ahead = list(islice(tasks, 2))
    if workers == 0 or len(ahead) < 2:
        for task in chain(ahead, tasks):
            yield run_task(task)
    else:
        pool = thread_pool(workers)
        yield from submitted(chain(ahead, tasks), pool, lambda: workers, "")


def _elsewhere(
    spec: StudySpec,
    parts: list[Part],
    done: dict[int, IntArray],
    executor: Executor,
    slots: Slots,
    task_threads: int,
    safe: str,
) -> Generator[Finished, None, None]:
    """Yield finished tasks of some seconds each, as fast as they have turned out to be."""
    pace = Pace(spec.block_rows, missing_rows(parts, done), slots)

    def tasks() -> Iterator[Task]:
        for runs in pack(missing_runs(parts, done), parts, pace):
            pace.handed_out(rows_of(runs, parts))
            yield _task(spec, parts, runs, task_threads)

    with closing(submitted(tasks(), executor, slots, safe)) as finished:
        for task in finished:
            rows = sum(parts[b.part].samples_in(b.block) * parts[b.part].work for b in task.blocks)
            pace.observe(rows, task.seconds)
            yield task


def _task(spec: StudySpec, parts: list[Part], runs: list[Run], threads: int) -> Task:
    work = [(run, parts[run.part]) for run in runs]
    return Task(spec.ensemble, spec.ensemble.stream, work, threads)


def _what_is_safe(checkpoint: Checkpoint | None) -> str:
    if checkpoint is None:
        return "nothing was kept: with `checkpoint` the study could go on"
    return (
        f"the finished blocks are safe in `checkpoint` {checkpoint.path!r}: run the same study "
        "again, on a new executor, to go on"
    )
