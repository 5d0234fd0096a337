"""Running what is missing of a study, on threads or on any executor, in any order."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import closing
from itertools import chain, islice

from saddlelab.studies.blocks import EMPTY, Counted, Histogram, IntArray, Run, count_task
from saddlelab.studies.checkpoint import Checkpoint
from saddlelab.studies.progress import Progress
from saddlelab.studies.spec import Part, StudySpec
from saddlelab.threads import thread_pool

# A foreign executor may be another process or machine: longer tasks hide its latency.
EXECUTOR_TASK_BLOCKS = 8


def run_study(
    spec: StudySpec,
    *,
    workers: int,
    executor: Executor | None,
    checkpoint: Checkpoint | None,
    progress: bool,
) -> list[Histogram]:
    """Count every block that the checkpoint lacks; return the histogram of each part."""
    parts = spec.parts()
    totals = [EMPTY] * len(parts)
    done: dict[int, IntArray] = {}
    if checkpoint is not None:
        totals, done = checkpoint.read(parts)
    task_rows = spec.block_rows * (EXECUTOR_TASK_BLOCKS if executor else 1)
    tasks = pack(missing_runs(parts, done), parts, task_rows)
    with (
        closing(Progress(spec, parts, done, shown=progress)) as bar,
        closing(_counted(spec, parts, tasks, workers, executor)) as counted,
    ):
        for block in counted:
            if checkpoint is not None:
                checkpoint.add(parts[block.part], block)
            totals[block.part] = totals[block.part] + block.histogram
            bar.add(parts[block.part], block.block)
    return totals


def missing_runs(parts: list[Part], done: Mapping[int, IntArray]) -> Iterator[Run]:
    """Yield the runs of blocks not in ``done`` (sorted block numbers by part).

    The largest dimensions come first: the shortest tasks are left for the end, where workers
    would otherwise wait for the last long one.
    """
    for number, part in reversed(list(enumerate(parts))):
        first = 0
        for block in map(int, done.get(number, ())):
            if first < block:
                yield Run(number, first, block)
            first = block + 1
        if first < part.blocks:
            yield Run(number, first, part.blocks)


def pack(runs: Iterable[Run], parts: list[Part], task_rows: int) -> Iterator[list[Run]]:
    """Cut long runs and join short ones into tasks of about ``task_rows`` matrix rows."""
    task: list[Run] = []
    room = task_rows
    for part, first, stop in runs:
        rows = parts[part].samples_in(0) * parts[part].work
        while first < stop:
            cut = min(stop, first + max(room // rows, 1))
            task.append(Run(part, first, cut))
            room -= (cut - first) * rows
            first = cut
            # Half full will do: a default block, a power of two, is a task by itself.
            if 2 * room <= task_rows:
                yield task
                task, room = [], task_rows
    if task:
        yield task


def _counted(
    spec: StudySpec,
    parts: list[Part],
    tasks: Iterator[list[Run]],
    workers: int,
    executor: Executor | None,
) -> Generator[Counted, None, None]:
    """Yield finished blocks as they come."""
    work = ([(run, parts[run.part]) for run in task] for task in tasks)
    ahead = list(islice(work, 2))
    if executor is None and (workers == 1 or len(ahead) < 2):
        for task in chain(ahead, work):
            yield from count_task(spec.ensemble, task)
    elif executor is None:
        yield from _submitted(spec, chain(ahead, work), thread_pool(workers), 2 * workers)
    else:
        yield from _submitted(spec, chain(ahead, work), executor, 2 * workers)


def _submitted(
    spec: StudySpec,
    work: Iterable[list[tuple[Run, Part]]],
    executor: Executor,
    in_flight: int,
) -> Generator[Counted, None, None]:
    """Keep ``in_flight`` tasks with the executor: enough to never idle, flat in memory."""
    pending: set[Future[list[Counted]]] = set()
    work = iter(work)
    try:
        while True:
            for task in islice(work, in_flight - len(pending)):
                pending.add(executor.submit(count_task, spec.ensemble, task))
            if not pending:
                return
            finished, pending = wait(pending, return_when=FIRST_COMPLETED)
            for future in finished:
                yield from future.result()
    finally:
        # After an error or Ctrl-C, what has not begun never will.
        for future in pending:
            future.cancel()
