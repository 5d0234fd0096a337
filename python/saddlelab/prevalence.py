"""How common each kind of critical point is among random Hessians."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from contextlib import closing, nullcontext
from typing import Any

from saddlelab.arguments import MAX_SAMPLES, dimensions, positive_integer, worker_count
from saddlelab.ensembles import Ensemble, with_parameters
from saddlelab.studies.checkpoint import Checkpoint, CheckpointError, CheckpointMismatchError
from saddlelab.studies.remote import StudyInterruptedError
from saddlelab.studies.result import PrevalenceStudy
from saddlelab.studies.run import run_study
from saddlelab.studies.seeds import RNG, resolve_seed
from saddlelab.studies.spec import StudySpec
from saddlelab.studies.weighted import MAX_SAMPLES as MAX_WEIGHTED
from saddlelab.studies.weighted import WeightedStudy

__all__ = [
    "CheckpointError",
    "CheckpointMismatchError",
    "PrevalenceStudy",
    "StudyInterruptedError",
    "WeightedStudy",
    "prevalence",
]

# A worker of a nested study holds the histograms of all dimensions at once: 1 GiB.
_MAX_NESTED_BINS = 2**27


def prevalence(
    ensemble: str | Ensemble | Callable[..., Any],
    dims: int | Iterable[int],
    *,
    samples: int,
    rng: RNG = None,
    nested: bool = False,
    workers: int | None = None,
    executor: Executor | None = None,
    task_threads: int = 1,
    checkpoint: str | os.PathLike[str] | None = None,
    progress: bool = False,
    block_size: int | None = None,
    **parameters: Any,
) -> PrevalenceStudy:
    """Count how many random Hessians of each dimension have each index.

    The index of a Hessian is its number of negative eigenvalues: 0 at a minimum, n at a maximum,
    between them at a saddle.  The counts are a function of ``(ensemble, parameters, dims, samples,
    seed, nested)`` alone: the same bits for any ``workers``, ``executor`` and ``block_size``, on
    any machine, in one go or resumed.

    Parameters
    ----------
    ensemble : str, Ensemble or callable
        The law of the Hessians: ``"goe"``, ``"gue"``, ``"gse"``, ``"beta"`` (any Dyson index) or
        ``"wishart"``; drawn entry by entry, ``"wigner"`` (five laws of the entries), ``"sparse"``,
        ``"wishart+goe"``, ``"diagonal"`` and ``"ginibre"``; of critical points on random
        landscapes, ``"gaussian-field"`` and ``"p-spin"``; each is described in the module of that
        name in :mod:`saddlelab.ensembles`.  Or your own sampler, a function ``sample(stream, out)``
        or ``sample(rng, n, count)``, see :class:`saddlelab.ensembles.Custom`.
    dims : int or iterable of int
        Dimensions n ≥ 1, each at most once; the study keeps them in increasing order.
    samples : int
        Hessians per dimension.
    rng : int, SeedSequence, Generator or None, optional
        An integer is the seed.  Of a SeedSequence or a Generator 64 bits are taken.  None: the
        seed of an existing checkpoint, else a fresh one.  The result records it as ``seed``.
    nested : bool, optional
        Take each sample's leading blocks as its smaller dimensions: one sample of the largest
        dimension serves all, so a whole sweep costs what its largest dimension does.  Results of
        different dimensions are then correlated; each by itself has the same law.
    workers : int or None, optional
        Threads; with `executor`, how many tasks it can run at once.  None: all cores, or what the
        executor says.
    executor : concurrent.futures.Executor, optional
        Where to run, instead of threads: a process pool (spawn or forkserver), mpi4py.futures,
        Dask's ``Client.get_executor()``.  It gets tasks of about two seconds, and is left open.
    task_threads : int, optional
        With `executor`, the threads that each of its tasks uses where it runs.
    checkpoint : path-like, optional
        A SQLite file that keeps every finished block.  If it exists, only what it lacks is run.
    progress : bool, optional
        Draw a progress bar on stderr.
    block_size : int or None, optional
        Samples per block: what a checkpoint keeps at once and an interrupted run may lose.  None:
        30 to 60 ms of work.
    **parameters
        The ensemble's parameters: ``shift=0.1`` (in units of the semicircle's radius) for the
        Gaussian ones, and ``beta=2.5`` for ``"beta"``; ``ratio=0.5, shift=0.2`` for ``"wishart"``;
        ``energy=-1.2`` (and ``p=3``) on landscapes.

    Returns
    -------
    PrevalenceStudy
        On landscapes a :class:`WeightedStudy`: critical points weigh |det H|.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of its range or of a wrong type, or the ensemble has no such parameter
        (both, then); ValueError if a sampler's matrix is not finite or not symmetric.
    CheckpointMismatchError
        If `checkpoint` belongs to another study (also a ValueError).
    CheckpointError
        If `checkpoint` cannot be read or written; finished blocks in it are safe.
    StudyInterruptedError
        If `executor` has lost its workers for good; finished blocks in `checkpoint` are safe.

    Examples
    --------
    >>> study = prevalence("goe", [1, 2, 3], samples=10_000, rng=0)
    >>> int(study.counts(3).sum())
    10000
    >>> bool(study.fraction("saddle")[2] > study.fraction("minimum")[2])
    True
    """
    law = with_parameters(ensemble, parameters, _options())
    sizes = dimensions(dims)
    if sizes[-1] > law.largest:
        raise ValueError(
            f"`dims` must be at most {law.largest} for the ensemble {law.name!r}, got {sizes[-1]}"
        )
    most = MAX_WEIGHTED if law.weighted else MAX_SAMPLES
    samples = positive_integer("samples", samples, at_most=most)
    if block_size is not None:
        block_size = positive_integer(
            "block_size", block_size, at_most=MAX_SAMPLES, or_none=" or None"
        )
    if executor is not None and not callable(getattr(executor, "submit", None)):
        raise TypeError(f"`executor` must have a method `submit`, got {executor!r}")
    if nested and sum(sizes) + len(sizes) > _MAX_NESTED_BINS:
        raise ValueError(
            f"`dims` of a nested study must add up to at most {_MAX_NESTED_BINS}, got {sum(sizes)}"
        )
    if nested and (reason := law.why_not_nested()):
        raise ValueError(f"`nested` must be False: {reason}")
    if workers is not None:
        workers = worker_count(workers)
    task_threads = positive_integer("task_threads", task_threads, at_most=2**16)
    seed = resolve_seed(rng) if rng is not None else None

    with nullcontext() if checkpoint is None else closing(Checkpoint(checkpoint)) as file:
        if seed is None:
            seed = file.seed if file is not None else None
        if seed is None:
            seed = resolve_seed(None)
        spec = StudySpec(law, sizes, samples, seed, bool(nested), block_size)
        if file is not None:
            file.begin(spec)
        totals = run_study(
            spec,
            workers=workers,
            executor=executor,
            task_threads=task_threads,
            checkpoint=file,
            progress=progress,
        )
    return (WeightedStudy if law.weighted else PrevalenceStudy).from_parts(spec, totals)


@functools.cache
def _options() -> tuple[str, ...]:
    """Names of the keyword arguments that are no parameters of an ensemble."""
    found = inspect.signature(prevalence).parameters.values()
    return tuple(each.name for each in found if each.kind is each.KEYWORD_ONLY)
