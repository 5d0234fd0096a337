"""All critical points of a function in a box, of every index."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

import saddlecore
from saddlelab.arguments import worker_count
from saddlelab.as_objective import as_objective
from saddlelab.box import box_of, generic_point, inside_box, reach_in
from saddlelab.critical_result import CriticalPoints, assemble
from saddlelab.derivatives import gradient
from saddlelab.local_model import local_model, wherever
from saddlelab.objective import Objective
from saddlelab.same_points import merge, thin_out
from saddlelab.starts import Rounds
from saddlelab.studies.seeds import RNG, resolve_seed
from saddlelab.threads import over_threads
from saddlelab.verdict import examine

__all__ = ["critical_points"]

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]

#: Starts after which a box is empty if nothing was found.
_LEAST_STARTS = 8192
#: Steps of one search.
_MOST_STEPS = 250
_TASK = 512
#: Newton's steps at the end, and how long they may be beside the box.  At a point where the
#: gradient vanishes of third order each of them gains a third.
_POLISHINGS, _NEARBY = 60, 1e-2
#: Points found once that are looked at to tell a continuum.
_SAMPLE = 128
_ENDS = ("converged", "outside the box", "gradient-flat", "not finite", "not converged")


def critical_points(
    f: Any,
    bounds: ArrayLike | None = None,
    *,
    starts: int | ArrayLike | None = None,
    rng: RNG = None,
    tol: float = 1e-8,
    workers: int | None = None,
) -> CriticalPoints:
    """Find all critical points in a box, of any index, each with its certificate.

    Parameters
    ----------
    f : callable or Objective
        See `saddlelab.objective`.
    bounds : (n, 2) array_like or scipy.optimize.Bounds
        Lower and upper bound of each variable.  May be left out for an entry of
        `saddlelab.surfaces`.
    starts : int or (m, n) array_like, optional
        How many starts, or which.  By default Sobol's points in rounds, each as large as all before
        it, until a round finds nothing new and no point has been found only once.
    rng : int, SeedSequence, Generator or None, optional
        Scrambles the starts.  Of a SeedSequence or a Generator 64 bits are taken.
    tol : float, optional
        Newton's last correction, relative to max(|x_i|, width of the box).
    workers : int, optional
        Threads; all cores by default.

    Returns
    -------
    CriticalPoints
        With no points in it if there are none in the box.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range.
    Exception
        Whatever the function raises, with the point in its notes.

    Notes
    -----
    ‖∇f‖² is minimised from every start by Levenberg and Marquardt's method, which is Newton's
    where that works (see ``saddlecore.newton``), with variables in widths of the box: units do not
    matter.  What it returns is then polished with Newton's steps, points that are the same are
    put together, and those that are gradient-flat or outside the box left out.

    No search proves that it found everything.  `found`, `missing`, `coverage` and the Euler count
    tell how likely that is.

    Examples
    --------
    >>> from saddlelab import critical_points
    >>> double_well = lambda x: (x[0] ** 2 - 1) ** 2 + x[1] ** 2
    >>> found = critical_points(double_well, [(-2, 2), (-2, 2)], rng=0)
    >>> [(str(kind), round(float(x), 6)) for kind, x in zip(found.kind, found.x[:, 0])]
    [('minimum', -1.0), ('minimum', 1.0), ('saddle', 0.0)]
    """
    fun = as_objective(f)
    box = box_of(fun if bounds is None else bounds)
    if not (isinstance(tol, int | float) and 0.0 < tol < 1.0):
        raise ValueError(f"`tol` must be between 0 and 1, got {tol!r}")
    rounds = Rounds(starts, box, np.random.default_rng(resolve_seed(rng)), fun.parallel)
    threads = worker_count(workers) if fun.parallel else 1
    somewhere = generic_point(box)
    fun.check(somewhere)
    table = _forms(fun, somewhere)
    width = np.ptp(box, axis=1)
    ends = dict.fromkeys(_ENDS, 0)
    points, counts = np.empty((0, len(box))), np.empty(0, np.int64)
    for batch in rounds:
        ended = _arrived(fun, *_search(table, batch, box, threads), box, tol, ends)
        known = len(points)
        points, counts = merge(points, counts, ended, box)
        if not rounds.as_many_as_needed:
            continue
        if len(points) == known and not (counts == 1).any() and (
            known or sum(ends.values()) >= _LEAST_STARTS
        ):
            break
        if _is_continuum(fun, points, counts, tol * width, workers):
            break
    return _result(fun, box, points, counts, ends, tol, workers)


def _forms(fun: Objective, somewhere: Floats) -> NDArray[np.int64]:
    """The engine's table, with exact derivatives where there are any."""
    return fun.table(somewhere.shape[1], exact=fun.is_traced(somewhere))


def _search(
    table: NDArray[np.int64], starts: Floats, box: Floats, threads: int
) -> tuple[Floats, Integers]:
    """Follow every start; returns where it ended and the engine's status."""
    m = len(starts)
    X, norm, flatness = np.empty_like(starts), np.empty(m), np.empty(m)
    steps, status = np.zeros(m, np.int64), np.zeros(m, np.int64)

    def part(rows: slice) -> None:
        saddlecore.newton.newton(
            table, starts[rows], box, _MOST_STEPS, X[rows], norm[rows], flatness[rows],
            steps[rows], status[rows],
        )  # fmt: skip

    over_threads(part, [slice(k, k + _TASK) for k in range(0, m, _TASK)], threads)
    return X, status


def _arrived(
    fun: Objective, ended: Floats, status: Integers, box: Floats, tol: float, ends: dict[str, int]
) -> Floats:
    """Where in the box searches came to a critical point; counts all in ``ends``."""
    newton, reach = saddlecore.newton, tol * np.ptp(box, axis=1)
    fun.reraise()
    lost = status == newton.NOT_FINITE
    if lost.any():
        fun.explain(ended[lost], np.full(np.count_nonzero(lost), np.nan))
    inside = inside_box(ended, box)
    there = (status == newton.CONVERGED) & inside
    # Where the gradient is noisy a search stops without having noticed that it has arrived.
    doubtful = np.flatnonzero(((status == newton.STOPPED) | (status == newton.FLAT)) & inside)
    if len(doubtful):
        there[doubtful] = examine(fun, ended[doubtful], reach).critical
    flat = (status == newton.FLAT) & ~there
    left = (status == newton.LEFT) | (status == newton.CONVERGED) & ~inside
    for name, those in zip(_ENDS, (there, left, flat, lost), strict=False):
        ends[name] += int(np.count_nonzero(those))
    ends["not converged"] += int(np.count_nonzero(~(there | left | flat | lost)))
    arrived: Floats = ended[there]
    return arrived


def _is_continuum(
    fun: Objective, points: Floats, counts: Integers, reach: Floats, workers: int | None
) -> bool:
    """Whether most of the points that were found once are degenerate: points of a valley."""
    once = points[counts == 1][:_SAMPLE]
    if len(once) < _SAMPLE:
        return False
    kinds = examine(fun, once, reach, workers=workers).kind
    return bool(np.count_nonzero(kinds == "degenerate") > _SAMPLE // 2)


def _polish(
    fun: Objective, points: Floats, box: Floats, tol: float, workers: int | None
) -> Floats:
    """Newton's steps while they lower the gradient."""
    points, going = points.copy(), np.arange(len(points))
    nearby = _NEARBY * np.ptp(box, axis=1)
    for _ in range(_POLISHINGS):
        if not len(going):
            break
        x = points[going]
        model = local_model(fun, x, reach_in(x, box, tol), "auto", workers)
        moved = x - model.newton
        moves = (moved != x).any(axis=1) & (np.abs(model.newton) <= nearby).all(axis=1)
        if not moves.any():
            break
        slope = wherever(gradient, fun, moved[moves], "auto", workers)
        before = np.linalg.norm(model.g[moves], axis=1)
        moves[moves] = np.linalg.norm(slope, axis=1) < before
        going = going[moves]
        points[going] = moved[moves]
    return points


def _result(
    fun: Objective,
    box: Floats,
    points: Floats,
    counts: Integers,
    ends: dict[str, int],
    tol: float,
    workers: int | None,
) -> CriticalPoints:
    starts, found = sum(ends.values()), None
    isolated, message = np.ones(0, np.bool_), list[str]()
    if len(points):
        points = _polish(fun, points, box, tol, workers)
        verdict = examine(fun, points, reach_in(points, box, tol), workers=workers)
        inside, flat = inside_box(points, box), verdict.kind == "gradient-flat"
        true = verdict.critical & inside
        for name, those in (
            ("outside the box", verdict.critical & ~inside),
            ("gradient-flat", flat),
            ("not converged", ~verdict.critical & ~flat),
        ):
            ends[name] += int(counts[those].sum())
            ends["converged"] -= int(counts[those].sum())
        points, counts = merge(points[true], counts[true], points[:0], box)
    if len(points):
        found = examine(fun, points, reach_in(points, box, tol), workers=workers)
        points, counts, isolated = thin_out(found, counts, box)
        if not isolated.all():
            message.append(
                f"a continuum of degenerate points, of which {np.count_nonzero(~isolated)} stand "
                f"for {counts[~isolated].sum()} found"
            )
        found = examine(fun, points, reach_in(points, box, tol), workers=workers)
    return assemble(fun, box, found, counts, isolated, ends, starts, message)
