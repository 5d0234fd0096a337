"""Critical points of a network's loss, of every index: Dauphin's experiment."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import fields
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saddlelab.arguments import positive_integer, worker_count
from saddlelab.networks.critical_checkpoint import CriticalCheckpoint, Ended
from saddlelab.networks.critical_result import Collected, NetworkCriticalPoints
from saddlelab.networks.critical_search import search
from saddlelab.networks.critical_starts import paths, start_of
from saddlelab.networks.network_hessian import check_size
from saddlelab.networks.network_objective import NetworkObjective
from saddlelab.networks.restricted import Landscape, landscape_of
from saddlelab.studies.seeds import RNG, resolve_seed
from saddlelab.threads import one_blas_thread, over_threads

if TYPE_CHECKING:
    from saddlelab.networks.mlp import MLP

__all__ = ["network_critical_points"]

Floats: TypeAlias = NDArray[np.float64]

_FORMAT = 1
_MOST = 10**6
#: Starts of a round: searches of a round are shared out, and stored, one by one.
_ROUND = 16


def network_critical_points(
    network: MLP,
    X: ArrayLike,
    y: ArrayLike,
    *,
    points: int = 40,
    starts: int | None = None,
    runs: int = 10,
    steps: int = 1000,
    rng: RNG = 0,
    workers: int | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    progress: bool = False,
) -> NetworkCriticalPoints:
    """Find critical points of a network's loss, of high loss and of low loss.

    Parameters
    ----------
    network : MLP
        With weight decay if it is to have isolated critical points with no zero eigenvalues;
        without it search, spectra and indices are those orthogonal to `exact_symmetries`.
    X, y : array_like
        Data, see `MLP.objective`.
    points : int, optional
        Search until there are so many distinct points.
    starts : int, optional
        Instead, do so many searches.
    runs, steps : int, optional
        Runs of training, by Adam with all samples, beside whose paths searches begin; and their
        steps.
    rng : int, SeedSequence, Generator or None, optional
        Same seed, same points, for any number of workers.
    workers : int, optional
        Threads; all cores by default.
    checkpoint : path, optional
        SQLite file that keeps every search that has ended; the same call goes on from it.
    progress : bool, optional
        Show a progress bar.

    Returns
    -------
    NetworkCriticalPoints
        Sorted by loss.  Points that training a network again with its hidden units in another
        order, or other signs, would give are counted as one: those of equal loss and spectrum.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range, the data do not fit, or a Hessian would be too large.
    CheckpointError
        If the file cannot be used; CheckpointMismatchError if it belongs to another study.

    Notes
    -----
    A start is a point of a path of training, at a time chosen evenly on a logarithmic scale, plus
    Gaussian noise of 2 to 100 % of the size of the parameters (log-uniform), as Dauphin et al.
    (2014) began theirs.  From there ‖∇f‖² is minimised by Levenberg and Marquardt's method with
    exact Hessians, which becomes Newton's and is attracted by saddles of every index.

    Most searches end where ‖∇f‖² has a minimum and ∇f does not vanish.  Those *gradient-flat*
    points are no critical points (Frye et al. 2021); they are counted in `ends` and left out.  What
    is kept has been polished until Newton's correction is below 1e-10, and is checked as by
    `saddlelab.check`.

    How often a kind of point is found says how wide its basin is for this search, not how many of
    that kind there are: a relation between index and error is one of the points found.

    References
    ----------
    Y. N. Dauphin et al., Identifying and attacking the saddle point problem in high-dimensional
    non-convex optimization, NeurIPS 2014, arXiv:1406.2572, section 3.  C. G. Frye et al., Critical
    point-finding methods reveal gradient-flat regions of deep network losses, Neural Computation
    33 (2021) 1469, arXiv:2003.10397.

    Examples
    --------
    >>> from saddlelab import datasets, networks
    >>> network = networks.MLP([2, 2, 2], loss="cross_entropy", weight_decay=0.02)
    >>> X, y = datasets.gaussian_blobs(60, classes=2, rng=0)
    >>> found = networks.network_critical_points(network, X, y, starts=16, rng=0)
    >>> bool(found.index[0] < found.index[-1])  # the highest has more ways down than the lowest
    True
    """
    check_size(network.size, 0)
    objective, seed = network.objective(X, y), resolve_seed(rng)
    points = positive_integer("points", points, at_most=_MOST)
    most = None if starts is None else positive_integer("starts", starts, at_most=_MOST)
    runs = positive_integer("runs", runs, at_most=_MOST)
    steps = positive_integer("steps", steps, at_most=_MOST)
    threads = worker_count(workers)
    landscape = landscape_of(objective)
    collected, bar = Collected(landscape), _bar(progress, points, most)
    file = None if checkpoint is None else CriticalCheckpoint(checkpoint)
    try:
        if file is not None:
            file.begin_fields(_fields(objective, runs, steps, seed))
        with one_blas_thread():
            for ended in _searches(landscape, file, runs, steps, seed, threads, most):
                known = len(collected)
                collected.add(ended)
                bar.update(1 if most else len(collected) - known)
                bar.set_postfix(points=len(collected), **collected.ends)
                if most is None and len(collected) >= points:
                    break
    finally:
        bar.close()
        if file is not None:
            file.close()
    return collected.result(seed)


def _fields(objective: NetworkObjective, runs: int, steps: int, seed: int) -> dict[str, Any]:
    network, digest = objective.network, sha256()
    for array in (objective.rows, objective.targets):
        digest.update(array.tobytes())
    plain = {field.name: getattr(network, field.name) for field in fields(network)}
    plain["sizes"] = list(network.sizes)
    return {
        "format": _FORMAT, "network": plain, "data": digest.hexdigest(), "runs": runs,
        "steps": steps, "seed": seed,
    }  # fmt: skip


def _searches(
    landscape: Landscape, file: CriticalCheckpoint | None, runs: int, steps: int, seed: int,
    threads: int, most: int | None,
) -> Iterator[Ended]:  # fmt: skip
    """Yield the ends of searches in the order of their starts; what was stored is not repeated."""
    stored = {} if file is None else {end.start: end for end in file.searches(landscape.size)}
    trained: Floats | None = None
    for first in range(0, _MOST if most is None else most, _ROUND):
        numbers = range(first, min(first + _ROUND, most or _MOST))
        left = [number for number in numbers if number not in stored]
        if left and trained is None:
            trained = paths(landscape.whole, runs, steps, seed, threads)

        def one(number: int, trained: Floats | None = trained) -> None:
            assert trained is not None
            stored[number] = _follow(landscape, number, start_of(number, trained, seed))

        try:
            over_threads(one, left, threads)
        finally:
            # Also after Ctrl-C: what has ended is kept.
            if file is not None:
                file.add([stored[number] for number in left if number in stored])
        for number in numbers:
            yield stored.pop(number)


def _follow(landscape: Landscape, number: int, start: Floats) -> Ended:
    began = time.perf_counter()
    found = search(landscape.fun, landscape.inside(start))
    return Ended(number, found.status, found.hessians, time.perf_counter() - began, found.x)


def _bar(progress: bool, points: int, most: int | None) -> Any:
    from tqdm import tqdm

    return tqdm(
        desc="critical points", total=most or points, unit="search" if most else "point",
        disable=not progress,
    )  # fmt: skip
