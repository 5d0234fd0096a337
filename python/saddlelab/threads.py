"""Threads that stay: starting a pool can cost more than the work of a small call."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")

_pools: dict[int, ThreadPoolExecutor] = {}


def thread_pool(workers: int) -> ThreadPoolExecutor:
    """Return the pool of that many threads, the same at every call.  Do not shut it down.

    Tasks must not wait for other tasks of the pool.
    """
    pool = _pools.get(workers)
    if pool is None:
        # Two threads may both come here: the pool that loses is never used and costs nothing.
        made = ThreadPoolExecutor(workers, thread_name_prefix="saddlelab")
        pool = _pools.setdefault(workers, made)
    return pool


def over_threads(function: Callable[[Item], None], items: Iterable[Item], workers: int) -> None:
    """Call ``function`` on every item, the caller's thread taking its part of the work."""
    left = deque(items)

    def work() -> None:
        while True:
            try:
                item = left.popleft()
            except IndexError:
                return
            function(item)

    helpers = min(workers, len(left)) - 1
    futures = [thread_pool(workers).submit(work) for _ in range(helpers)]
    try:
        work()
    finally:
        left.clear()
        for future in futures:
            future.result()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keep BLAS to the calling thread: threads that all call it would wait for its own.

    What it computes does then not depend on how many threads it would have had.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"):
        yield


# A forked child has the pools but not their threads.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pools.clear)
