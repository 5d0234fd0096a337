"""An executor on a Dask cluster, for those who name one on the command line."""

from __future__ import annotations

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
            at = stack.enter_context(
                LocalCluster(
                    n_workers=worker_count(workers),
                    threads_per_worker=1,
                    processes=True,
                    dashboard_address=None,
                )
            )
        try:
            client = stack.enter_context(Client(at, timeout=_CONNECT_SECONDS))
        except OSError as error:
            raise RuntimeError(f"no Dask scheduler answers at {address!r}: {error}") from error
        yield client.get_executor()
