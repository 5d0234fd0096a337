"""All critical points of a function in a box, of every index."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

import saddlecore
from saddlelab.arguments import positive_integer, worker_count
from saddlelab.boundary import euler_count
from saddlelab.derivatives import gradient
from saddlelab.objective import Objective, as_objective
from saddlelab.studies.seeds import RNG, resolve_seed
from saddlelab.threads import over_threads
from saddlelab.verdict import Verdict, examine, local_model, wherever

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["CriticalPoints", "critical_points"]

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]

#: Starts of the first round; every round has as many as all before it.  How many there are if
#: nothing is found, and at most.
_FIRST_ROUND, _LEAST_STARTS = 512, 8192
_MOST_STARTS, _MOST_CALLBACKS = 131_072, 512
#: Steps of one search.
_MOST_STEPS = 250
_TASK = 512
#: Points nearer than this part of the box are one; degenerate ones are not known as well.
_SAME, _BLURRED = 1e-6, 1e-4
#: Newton's steps at the end, and how long they may be beside the box.  At a point where the
#: gradient vanishes of third order each of them gains a third.
_POLISHINGS, _NEARBY = 60, 1e-2
#: Points found once that are looked at to tell a continuum; fewer than these are none; and how
#: many of them may be listed.
_SAMPLE, _FEW, _MANY = 128, 4, 64
#: A point on the edge of the box may be rounded out of it by this part of the width.
_EDGE = 1e-12
_ENDS = ("converged", "outside the box", "gradient-flat", "not finite", "not converged")


@dataclass(frozen=True, slots=True)
class CriticalPoints:
    """The critical points found in a box, sorted by value.

    Attributes
    ----------
    x : (k, n) float
    value : (k,) float
    gradient_norm : (k,) float
        ‖∇f‖ as computed at x, which rounding keeps from 0.
    index : (k,) int
        Number of negative eigenvalues of the Hessian.
    kind : (k,) str
        "minimum", "saddle", "maximum", "degenerate" (points of a valley among them), "undecided".
    zeros : (k,) int
        Number of eigenvalues that are 0 within `error`; degenerate points have some.
    certified : (k,) bool
    eigenvalues : (k, n) float
        Ascending.
    vectors : (k, n, n) float
        Eigenvectors in columns, in the eigenvalues' order.
    error : (k,) float
        Uncertainty of the Hessian, see `saddlelab.Verdict`.
    flatness : (k,) float
        ‖H∇f‖ / (‖H‖ ‖∇f‖).
    found : (k,) int
        How many of the starts led there.
    bounds : (n, 2) float
        The box.
    starts : int
        How many starts there were.
    ends : dict
        What became of them: "converged", "outside the box", "gradient-flat", "not converged",
        "not finite".
    missing : float
        Estimate of how many more there are to find: Chao's lower bound from those found once
        and twice.  A continuum of degenerate points is left out, here and below.
    coverage : float
        Good and Turing's estimate of the share of the starts that converged, had there been more
        of them, that lead to a point in the list.
    euler : int
        Σ (−1)^index over the points found.
    euler_expected : int or None
        What that must be, from the gradient on the boundary of the box: its winding number in one
        and two dimensions; 1 (or (−1)ⁿ) if it points outward (inward) wherever it was looked at;
        None where the boundary does not tell.
    message : str
        What to know about the result, in words.
    method : str
        How derivatives were taken.
    name : str
        The function's.
    """

    x: Floats
    value: Floats
    gradient_norm: Floats
    index: Integers
    kind: NDArray[np.str_]
    zeros: Integers
    certified: NDArray[np.bool_]
    eigenvalues: Floats
    vectors: Floats
    error: Floats
    flatness: Floats
    found: Integers
    bounds: Floats
    starts: int
    ends: dict[str, int]
    missing: float
    coverage: float
    euler: int
    euler_expected: int | None
    message: str
    method: str
    name: str
    objective: Objective = field(repr=False, compare=False)

    def __len__(self) -> int:
        """Count the points."""
        return len(self.x)

    def table(self) -> str:
        """Write the points as aligned text, one a line."""
        from saddlelab.critical_table import table

        return table(self)

    def plot(self, *, ax: Axes | None = None, **kwargs: Any) -> Axes:
        """Draw contours, the points by kind and the saddles' unstable directions (n = 1 or 2)."""
        from saddlelab.critical_plot import plot_critical_points

        return plot_critical_points(self, ax=ax, **kwargs)


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
    rounds = _Rounds(starts, box, np.random.default_rng(resolve_seed(rng)), fun.parallel)
    threads = worker_count(workers) if fun.parallel else 1
    somewhere = _generic(box)
    fun.check(somewhere)
    table = _forms(fun, somewhere)
    width = np.ptp(box, axis=1)
    ends = dict.fromkeys(_ENDS, 0)
    points, counts = np.empty((0, len(box))), np.empty(0, np.int64)
    for batch in rounds:
        ended = _arrived(fun, *_search(table, batch, box, threads), box, tol, ends)
        known = len(points)
        points, counts = _merge(points, counts, ended, box)
        if not rounds.as_many_as_needed:
            continue
        if len(points) == known and not (counts == 1).any() and (
            known or sum(ends.values()) >= _LEAST_STARTS
        ):
            break
        if _is_continuum(fun, points, counts, tol * width, workers):
            break
    return _result(fun, box, points, counts, ends, tol, workers)


def box_of(bounds: Any) -> Floats:
    """Return bounds as (n, 2) float64."""
    if isinstance(bounds, Objective):
        own = getattr(bounds, "bounds", None)
        if own is None:
            raise TypeError("`bounds` must be given: lower and upper bound of each variable")
        bounds = own()
    if hasattr(bounds, "lb") and hasattr(bounds, "ub"):
        bounds = np.column_stack(np.broadcast_arrays(bounds.lb, bounds.ub))
    try:
        box = np.array(bounds, dtype=np.float64, order="C", ndmin=2)
    except (ValueError, TypeError):
        raise ValueError(
            f"`bounds` must be (lower, upper) for each variable, got {bounds!r}"
        ) from None
    if box.ndim != 2 or box.shape[1] != 2 or not len(box):
        raise ValueError(
            f"`bounds` must be (lower, upper) for each variable, got shape {box.shape}"
        )
    for i, (low, high) in enumerate(box.tolist()):
        if not (np.isfinite([low, high]).all() and low < high):
            raise ValueError(
                "`bounds` must be finite with lower < upper, but variable "
                f"{i} has ({low!r}, {high!r})"
            )
    return box


class _Rounds:
    """The starts, in rounds."""

    def __init__(
        self, starts: Any, box: Floats, generator: np.random.Generator, compiled: bool
    ) -> None:
        self._box, self._generator = box, generator
        self._given = None
        self._most = _MOST_STARTS if compiled else _MOST_CALLBACKS
        self.as_many_as_needed = starts is None
        if starts is None:
            return
        if np.ndim(starts) == 0:
            self._most = positive_integer("starts", starts, at_most=10**8)
            return
        given = np.array(starts, dtype=np.float64, order="C", ndmin=2)
        wrong = given.ndim != 2 or given.shape[1] != len(box) or not len(given)
        if wrong or not np.isfinite(given).all():
            raise ValueError(
                f"`starts` must be a number or finite points of shape (m, {len(box)}), got shape "
                f"{given.shape}"
            )
        self._given = given

    def __iter__(self) -> Any:
        if self._given is not None:
            yield self._given
            return
        from scipy.stats import qmc

        sobol = qmc.Sobol(len(self._box), scramble=True, rng=self._generator)
        low, width = self._box[:, 0], np.ptp(self._box, axis=1)
        done = 0
        while done < self._most:
            count = max(done, _FIRST_ROUND) if self.as_many_as_needed else _MOST_STARTS
            count = min(count, self._most - done)
            yield low + width * _sobol(sobol, count)
            done += count


def _sobol(sobol: Any, count: int) -> Any:
    import warnings

    with warnings.catch_warnings():
        # Its balance wants powers of two; a search does not.
        warnings.simplefilter("ignore", UserWarning)
        return sobol.random(count)


def _generic(box: Floats) -> Floats:
    """A point inside the box that is nothing special: the middle often is."""
    golden = 0.6180339887498949
    share = 0.3 + 0.4 * ((1 + np.arange(len(box))) * golden % 1.0)
    point: Floats = (box[:, 0] + np.ptp(box, axis=1) * share)[None]
    return point


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
    inside = _inside(ended, box)
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


def _inside(points: Floats, box: Floats) -> NDArray[np.bool_]:
    slack = _EDGE * np.ptp(box, axis=1)
    inside = (points >= box[:, 0] - slack) & (points <= box[:, 1] + slack)
    every: NDArray[np.bool_] = inside.all(axis=1)
    return every


def _merge(
    points: Floats, counts: Integers, more: Floats, box: Floats
) -> tuple[Floats, Integers]:
    """Add points, each found once, to those known; points that are the same become one."""
    every = np.vstack([points, more])
    weights = np.concatenate([counts, np.ones(len(more), np.int64)])
    first, group = _groups((every - box[:, 0]) / np.ptp(box, axis=1), _SAME)
    return every[first], _sums(weights, group, len(first))


def _groups(features: Floats, apart: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Put rows that are nearer than ``apart`` together: the first row of each group, and all's."""
    from scipy.spatial import cKDTree

    # Cells first: there may be thousands of copies of a point, and pairs of them are too many.
    cells = np.round(features / apart)
    _, first, cell = np.unique(cells, axis=0, return_index=True, return_inverse=True)
    label = np.arange(len(first))
    for i, j in sorted(cKDTree(features[first]).query_pairs(apart)) if len(first) > 1 else ():
        label[label == label[j]] = label[i]
    _, first, group = np.unique(label[cell.reshape(-1)], return_index=True, return_inverse=True)
    return first, group


def _sums(counts: Integers, group: NDArray[np.intp], groups: int) -> Integers:
    return np.bincount(group, counts, groups).astype(np.int64)


def _is_continuum(
    fun: Objective, points: Floats, counts: Integers, reach: Floats, workers: int | None
) -> bool:
    """Whether most of the points that were found once are degenerate: points of a valley."""
    once = points[counts == 1][:_SAMPLE]
    if len(once) < _SAMPLE:
        return False
    kinds = examine(fun, once, reach, workers=workers).kind
    return bool(np.count_nonzero(kinds == "degenerate") > _SAMPLE // 2)


def _reach(points: Floats, box: Floats, tol: float) -> Floats:
    """How far Newton's last correction may go."""
    reach: Floats = tol * np.maximum(np.abs(points), np.ptp(box, axis=1))
    return reach


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
        model = local_model(fun, x, _reach(x, box, tol), "auto", workers)
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
        verdict = examine(fun, points, _reach(points, box, tol), workers=workers)
        inside, flat = _inside(points, box), verdict.kind == "gradient-flat"
        true = verdict.critical & inside
        for name, those in (
            ("outside the box", verdict.critical & ~inside),
            ("gradient-flat", flat),
            ("not converged", ~verdict.critical & ~flat),
        ):
            ends[name] += int(counts[those].sum())
            ends["converged"] -= int(counts[those].sum())
        points, counts = _merge(points[true], counts[true], points[:0], box)
    if len(points):
        found = examine(fun, points, _reach(points, box, tol), workers=workers)
        points, counts, isolated = _thinned(found, counts, box)
        if not isolated.all():
            message.append(
                f"a continuum of degenerate points, of which {np.count_nonzero(~isolated)} stand "
                f"for {counts[~isolated].sum()} found"
            )
        found = examine(fun, points, _reach(points, box, tol), workers=workers)
    return _assemble(fun, box, found, counts, isolated, ends, starts, message)


def _thinned(
    found: Verdict, counts: Integers, box: Floats
) -> tuple[Floats, Integers, NDArray[np.bool_]]:
    """Isolated points and, after them, a few representatives of a continuum of degenerate ones."""
    loose = found.kind == "degenerate"
    unit = (found.x - box[:, 0]) / np.ptp(box, axis=1)
    rows = np.flatnonzero(loose)
    rows = rows[np.argsort(found.gradient_norm[rows], kind="stable")]
    # Newton's steps converge slowly to a degenerate point: they end somewhere around it.
    first, group = _groups(unit[rows], _BLURRED)
    rows, totals = rows[first], _sums(counts[rows], group, len(first))
    # A point of a continuum is hardly ever found twice, an isolated one is.
    lonely = totals == 1
    if np.count_nonzero(lonely) < _FEW:
        lonely[:] = False
    few, stand = rows[lonely], totals[lonely]
    if len(few):
        # Rigid motions and the like: the same value and the same curvatures, elsewhere.
        same = np.column_stack([found.value, found.eigenvalues])[few]
        first, group = _groups(same / np.maximum(np.abs(same).max(axis=0), 1.0), _SAME)
        few, stand = few[first], _sums(stand, group, len(first))
    if len(few) > _MANY:
        first, group = _spread(unit[few], _MANY)
        few, stand = few[first], _sums(stand, group, len(first))
    kept = np.concatenate([np.flatnonzero(~loose), rows[~lonely], few])
    totals = np.concatenate([counts[~loose], totals[~lonely], stand])
    return found.x[kept], totals, np.arange(len(kept)) < len(kept) - len(few)


def _spread(unit: Floats, many: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """So many points, each the farthest from those before it; and the nearest of them to each."""
    chosen, owner = np.zeros(many, np.intp), np.zeros(len(unit), np.intp)
    distance = np.linalg.norm(unit - unit[0], axis=1)
    for k in range(1, many):
        chosen[k] = np.argmax(distance)
        there = np.linalg.norm(unit - unit[chosen[k]], axis=1)
        owner[there < distance] = k
        distance = np.minimum(distance, there)
    return chosen, owner


def _assemble(
    fun: Objective,
    box: Floats,
    found: Verdict | None,
    counts: Integers,
    isolated: NDArray[np.bool_],
    ends: dict[str, int],
    starts: int,
    message: list[str],
) -> CriticalPoints:
    n = len(box)
    if found is None:
        message.append("no critical point was found in the box")
        shapes = ((0, n), (0,), (0,), (0, n, n), (0, n), (0,), (0,))
        x, value, norm, H, eigenvalues, error, flatness = (np.empty(s) for s in shapes)
        index, zeros, kind = np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, "U10")
        certified, method = np.empty(0, np.bool_), ""
    else:
        x, value, norm, H = found.x, found.value, found.gradient_norm, found.hessian
        eigenvalues, error, flatness = found.eigenvalues, found.error, found.flatness
        index, zeros, kind = found.index, found.zeros, found.kind
        certified, method = found.certified, found.method
    # Minima of one value keep their places whatever the last digits are.
    order = np.lexsort((*x.T[::-1], _rounded(value)))
    sure = np.isin(kind, ["minimum", "saddle", "maximum"])
    euler = int(np.sum(np.where(index[sure] % 2 == 0, 1, -1)))
    expected = euler_count(fun, box) if sure.all() else None
    missing, coverage = _unseen(counts[isolated])
    if expected is not None and expected != euler:
        message.append(
            f"points are missing: the signs (−1)^index sum to {euler}, the gradient on the "
            f"boundary says {expected}"
        )
    elif missing >= 0.5 and not message:
        message.append(f"at least {missing:.0f} more are likely: pass more `starts`")
    return CriticalPoints(
        x[order], value[order], norm[order], index[order], kind[order], zeros[order],
        certified[order], eigenvalues[order], np.linalg.eigh(H)[1][order], error[order],
        flatness[order], counts[order], box, starts, ends, missing, coverage, euler, expected,
        "; ".join(message), method, fun.name, fun,
    )  # fmt: skip


def _rounded(value: Floats) -> Floats:
    """Values to twelve digits of the largest."""
    unit = 1e-12 * max(float(np.max(np.abs(value), initial=0.0)), 1e-290)
    rounded: Floats = np.round(value / unit)
    return rounded


def _unseen(counts: Integers) -> tuple[float, float]:
    """Chao's estimate of how many were not found, Good and Turing's of the share that was."""
    once, twice = int(np.count_nonzero(counts == 1)), int(np.count_nonzero(counts == 2))
    total = int(counts.sum())
    coverage = 1.0 - once / total if total else 0.0
    return once * (once - 1) / (2.0 * (twice + 1)), coverage
