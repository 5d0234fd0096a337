"""Tasks on an executor of any kind: how many at once, and what happens when workers die."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    wait,
)
from itertools import islice
from typing import Any, NamedTuple, TypeAlias

from saddlelab.arguments import worker_count
from saddlelab.studies.blocks import Finished, Task, run_task

#: A task whose workers were lost so often ends the study: it may be what kills them.
MAX_ATTEMPTS = 5
# A Dask client that has given up its scheduler leaves its futures as they are: look now and then.
_LOOK_SECONDS = 2.0
# How long the number of Dask's workers, which come and go, is believed.
_KNOWN_SECONDS = 5.0
# A broken pool resolves its futures at once; what is finished among them is kept.
_LAST_WORDS_SECONDS = 5.0


class Submitted(NamedTuple):
    """A task, and the connection by which it left (see :func:`_connection`)."""

    task: Task
    connection: Any


Pending: TypeAlias = dict[Future[Finished], Submitted]


class StudyInterruptedError(RuntimeError):
    """An executor that lost its workers; what the checkpoint holds is safe."""


class Slots:
    """How many tasks an executor runs at once, as it says itself.

    Known are process and thread pools, mpi4py.futures and Dask's (all threads of all workers that
    there are at the moment); of others it is taken to be the number of cores here.
    """

    def __init__(self, executor: Executor, workers: int | None) -> None:
        """Ask later, unless ``workers`` says it."""
        self._executor, self._workers = executor, workers
        self._known, self._until = worker_count(None), 0.0

    def __call__(self) -> int:
        """Return the number of slots, at least 1."""
        if self._workers is not None:
            return self._workers
        if time.monotonic() >= self._until:
            self._known = max(self._asked() or self._known, 1)
            self._until = time.monotonic() + _KNOWN_SECONDS
        return self._known

    def _asked(self) -> int:
        for name in ("num_workers", "_max_workers"):
            number = getattr(self._executor, name, None)
            if isinstance(number, int):
                return number
        client = getattr(self._executor, "_client", None)
        # While the scheduler is away the question would wait for it.
        if getattr(client, "status", None) != "running":
            return 0
        try:
            return int(sum(client.ncores().values()))  # type: ignore[union-attr]
        except OSError:
            return 0


def submitted(
    tasks: Iterator[Task], executor: Executor, slots: Callable[[], int], safe: str
) -> Generator[Finished, None, None]:
    """Yield finished tasks, two per slot submitted: enough to never idle, flat in memory.

    A task that was lost with its worker or scheduler is submitted again: it gives the same bits.

    Raises
    ------
    StudyInterruptedError
        If the executor takes no more tasks, or a task is lost again and again; ``safe`` tells
        the person what has been kept.
    """
    pending: Pending = {}
    try:
        while True:
            for task in islice(tasks, max(2 * slots() - len(pending), 0)):
                yield from _submit(executor, task, pending, safe)
            if not pending:
                return
            finished, _ = wait(pending, _LOOK_SECONDS, return_when=FIRST_COMPLETED)
            if not finished:
                yield from _look_after(executor, pending, safe)
            ended = [(pending.pop(future).task, future) for future in finished]
            yield from _results(future for _, future in ended)
            for task, future in ended:
                error = _error(future)
                if isinstance(error, BrokenExecutor):
                    yield from _harvest(pending)
                    raise StudyInterruptedError(_lost(error, safe)) from error
                if error is not None:
                    if not _is_loss(error):
                        raise error
                    yield from _try_again(executor, task, error, pending, safe)
    finally:
        # After an error or Ctrl-C, what has not begun never will.
        if not _is_closed(executor):
            for future in pending:
                future.cancel()


def _submit(
    executor: Executor, task: Task, pending: Pending, safe: str
) -> Generator[Finished, None, None]:
    connection = _connection(executor)
    try:
        pending[executor.submit(run_task, task)] = Submitted(task, connection)
        return
    except Exception as error:
        # A pool that is broken or shut down raises RuntimeError; an argument that cannot be sent
        # is the person's to mend.
        if not isinstance(error, RuntimeError | OSError) and not _is_loss(error):
            raise
        cause = error
    yield from _harvest(pending)
    raise StudyInterruptedError(_lost(cause, safe)) from cause


def _try_again(
    executor: Executor, task: Task, error: BaseException, pending: Pending, safe: str
) -> Generator[Finished, None, None]:
    if task.attempt == MAX_ATTEMPTS:
        raise StudyInterruptedError(_lost(error, safe)) from error
    yield from _submit(executor, task._replace(attempt=task.attempt + 1), pending, safe)


def _look_after(executor: Executor, pending: Pending, safe: str) -> Generator[Finished, None, None]:
    """Submit again what Dask has forgotten without a word, when its scheduler was away."""
    if _is_closed(executor):
        raise StudyInterruptedError(_lost(ConnectionError("its client closed"), safe))
    connection = _connection(executor)
    if connection is None:
        return
    for future, (task, before) in list(pending.items()):
        if before is not connection and not future.done():
            # Should it come back all the same, nobody listens any more.
            del pending[future]
            error = ConnectionError("the scheduler was away")
            yield from _try_again(executor, task, error, pending, safe)


def _harvest(pending: Pending) -> Generator[Finished, None, None]:
    """Yield what was finished before the executor broke."""
    finished, _ = wait(pending, timeout=_LAST_WORDS_SECONDS)
    for future in finished:
        del pending[future]
    yield from _results(iter(finished))


def _results(futures: Iterator[Future[Finished]]) -> Generator[Finished, None, None]:
    """Yield what has come back as one: a checkpoint that is slow to write writes less often."""
    good = [future.result() for future in futures if _error(future) is None]
    if good:
        blocks = [block for task in good for block in task.blocks]
        yield Finished(blocks, sum(task.seconds for task in good))


def _error(future: Future[Finished]) -> BaseException | None:
    """How a future failed, if it did."""
    return CancelledError() if future.cancelled() else future.exception()


def _connection(executor: Executor) -> Any:
    """What Dask's client talks to its scheduler by: another object after each interruption."""
    return getattr(getattr(executor, "_client", None), "scheduler_comm", None)


def _is_closed(executor: Executor) -> bool:
    """Whether this is Dask's executor and its client has ended."""
    return getattr(getattr(executor, "_client", None), "status", None) in ("closing", "closed")


def _is_loss(error: BaseException) -> bool:
    """Whether the machinery failed, not the task: Dask's own errors, and futures taken back."""
    module = type(error).__module__.partition(".")[0]
    return module == "distributed" or isinstance(error, CancelledError)


def _lost(error: BaseException, safe: str) -> str:
    why = str(error) or "its tasks were cancelled"
    return f"`executor` has lost its workers ({type(error).__name__}: {why}); {safe}"
