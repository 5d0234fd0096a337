"""An executor on a Dask cluster, for those who name one on the command line."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager

from saddlelab.arguments import worker_count

_CONNECT_SECONDS = 30.0


@contextmanager
def dask_executor(address: str, workers: int | None) -> Iterator[Executor]:
    """Connect to the scheduler at ``address``; ``"local"`` starts a cluster of processes here.

    Parameters
    ----------
    address : str
        ``"tcp://host:8786"`` or ``"local"``.
    workers : int or None
        Processes of a local cluster; None: one per core.

    Raises
    ------
    RuntimeError
        If Dask is not installed, or no scheduler answers.
    ValueError
        If the address is none.

    Examples
    --------
    >>> with dask_executor("nowhere", None) as executor:
    ...     pass
    Traceback (most recent call last):
    ValueError: `--dask` must be tcp://host:8786 or local, got 'nowhere'
    """
    if address != "local" and "://" not in address:
        raise ValueError(f"`--dask` must be tcp://host:8786 or local, got {address!r}")
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise RuntimeError("`--dask` needs Dask: pip install 'saddlecore[dask]'") from error
    with ExitStack() as stack:
        at: str | LocalCluster = address
        if address == "local":
            number = worker_count(workers)
            at = stack.enter_context(
                LocalCluster(
                    n_workers=number, threads_per_worker=1, processes=True, dashboard_address=None
                )
            )
            # A nanny whose worker dies while it starts gives up: then another one is made.
            at.adapt(minimum=number, maximum=number)
        try:
            client = stack.enter_context(Client(at, timeout=_CONNECT_SECONDS))
        except OSError as error:
            raise RuntimeError(f"no Dask scheduler answers at {address!r}: {error}") from error
        yield client.get_executor()


def require_module(executor: Executor, module: str) -> None:
    """Raise ValueError unless a cluster can import ``module``, in which a sampler lies.

    A worker that cannot unpickle its task ends, without a word to the driver.
    """
    client = getattr(executor, "_client", None)
    if client is None:
        return
    found = [client.run_on_scheduler(_has, module), *client.run(_has, module).values()]
    if not all(found):
        raise ValueError(
            f"there is no module {module!r} on the cluster: start its scheduler and its workers "
            "where they can import it"
        )


def _has(module: str) -> bool:
    return importlib.util.find_spec(module.partition(".")[0]) is not None
