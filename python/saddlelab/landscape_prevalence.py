"""How common each kind of point and of critical point is on a landscape."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saddlelab.arguments import MAX_SAMPLES, positive_integer, worker_count
from saddlelab.as_objective import as_objective
from saddlelab.box import box_of
from saddlelab.certificate import inertia_within
from saddlelab.critical import critical_points
from saddlelab.critical_result import CriticalPoints
from saddlelab.derivatives import hessian
from saddlelab.intervals import clopper_pearson
from saddlelab.local_model import entry_errors
from saddlelab.objective import Objective
from saddlelab.studies.seeds import RNG, resolve_seed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["CURVATURES", "Curvature", "LandscapePrevalence", "prevalence_of"]

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]
Curvature: TypeAlias = Literal["convex", "indefinite", "concave", "degenerate", "undecided"]
CURVATURES: tuple[Curvature, ...] = (
    "convex", "indefinite", "concave", "degenerate", "undecided",
)  # fmt: skip

#: Numbers in the Hessians of one block of points.  The blocks decide which points are drawn.
_BLOCK = 2**20


@dataclass(frozen=True, slots=True, eq=False)
class LandscapePrevalence:
    """What fraction of a box is convex, and of its critical points are minima.

    Attributes
    ----------
    name : str
        The function's.
    bounds : (n, 2) float
        The box.
    samples : int
        Points drawn in it, uniformly.
    seed : int
        What to pass as ``rng`` to get the same points again.
    counts : (n + 1,) int
        At how many of them the Hessian certainly has index 0 … n.
    degenerate : int
        At how many an eigenvalue is 0 within the Hessian's error.
    undecided : int
        At how many neither could be told, or the function has no Hessian.
    critical : CriticalPoints or None
        The critical points in the box.
    """

    name: str
    bounds: Floats
    samples: int
    seed: int
    counts: Integers
    degenerate: int
    undecided: int
    critical: CriticalPoints | None
    objective: Objective

    def count(self, kind: Curvature) -> int:
        """Return at how many points the function is of that kind.

        Parameters
        ----------
        kind : {"convex", "indefinite", "concave", "degenerate", "undecided"}
            Index 0, between 0 and n, n; or not certain.
        """
        n = len(self.bounds)
        if kind not in CURVATURES:
            raise ValueError(f"`kind` must be one of {', '.join(CURVATURES)}, got {kind!r}")
        if kind in ("degenerate", "undecided"):
            return int(getattr(self, kind))
        which = {"convex": slice(0, 1), "concave": slice(n, n + 1), "indefinite": slice(1, n)}
        return int(self.counts[which[kind]].sum())

    def fraction(self, kind: Curvature) -> float:
        """Return the fraction of the points where the function is of that kind."""
        return self.count(kind) / self.samples

    def interval(self, kind: Curvature, level: float = 0.95) -> tuple[float, float]:
        """Return exact confidence limits of `fraction` (Clopper & Pearson 1934)."""
        low, high = clopper_pearson(self.count(kind), self.samples, level)
        return float(low), float(high)

    def critical_counts(self) -> Integers:
        """Return how many of the critical points certainly have index 0 … n, shape (n + 1,)."""
        n = len(self.bounds)
        if self.critical is None:
            return np.zeros(n + 1, np.int64)
        sure: Integers = self.critical.index[self.critical.certified]
        return np.bincount(sure, minlength=n + 1).astype(np.int64)

    def critical_interval(self, index: int) -> tuple[float, float]:
        """Return limits of the fraction of the critical points that have that index.

        A list that is complete has no sampling error.  The limits are what remains possible for
        those whose index is not certain, and for as many more as the search says are missing
        (`CriticalPoints.missing`, an estimate).
        """
        if self.critical is None or not len(self.critical):
            return 0.0, 1.0
        counts = self.critical_counts()
        if not 0 <= index < len(counts):
            raise ValueError(f"`index` must be between 0 and {len(counts) - 1}, got {index}")
        total = len(self.critical) + self.critical.missing
        return float(counts[index] / total), float(1.0 - (counts.sum() - counts[index]) / total)

    def table(self) -> str:
        """Write the fractions as text, a line for each kind of point and each index."""
        from saddlelab.landscape_table import table

        return table(self)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw both distributions of the index; without axes, for two variables, the map too.

        The map shows where the function is convex and concave, with its critical points.
        """
        from saddlelab.landscape_plot import figure, plot_fractions

        return plot_fractions(self, ax) if ax is not None else figure(self).axes[0]


def prevalence_of(
    f: Any,
    bounds: ArrayLike | None = None,
    *,
    samples: int = 100_000,
    critical: bool = True,
    starts: int | ArrayLike | None = None,
    method: str = "auto",
    rng: RNG = None,
    workers: int | None = None,
    progress: bool = False,
) -> LandscapePrevalence:
    """Measure how common each kind of point, and of critical point, is on a landscape.

    Parameters
    ----------
    f : callable or Objective
        See `saddlelab.objective`.
    bounds : (n, 2) array_like or scipy.optimize.Bounds
        Lower and upper bound of each variable.  May be left out for an entry of
        `saddlelab.surfaces`.
    samples : int, optional
        Points drawn uniformly in the box.
    critical : bool, optional
        Whether to look for the critical points too.
    starts : int or (m, n) array_like, optional
        For that search, see `saddlelab.critical_points`.
    method : str, optional
        How Hessians are taken, see `saddlelab.hessian`.
    rng : int, SeedSequence, Generator or None, optional
        The seed, of the points and of the search.
    workers : int, optional
        Threads; all cores by default.  The points are the same for any number.
    progress : bool, optional
        Draw a progress bar on stderr.

    Returns
    -------
    LandscapePrevalence

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range.
    Exception
        Whatever the function raises, with the point in its notes.

    Examples
    --------
    >>> from saddlelab import prevalence_of
    >>> wells = lambda x: (x[0] ** 2 - 1) ** 2 + x[1] ** 2  # convex where 3 x0² > 1
    >>> found = prevalence_of(wells, [(-2, 2), (-2, 2)], samples=20_000, rng=0)
    >>> low, high = found.interval("convex")
    >>> low < 1 - 1 / (2 * 3**0.5) < high
    True
    >>> found.critical_counts().tolist()
    [2, 1, 0]
    """
    fun = as_objective(f)
    box = box_of(fun if bounds is None else bounds)
    samples = positive_integer("samples", samples, at_most=MAX_SAMPLES)
    workers = worker_count(workers)
    seed = resolve_seed(rng)
    n = len(box)
    size = max(1, _BLOCK // (n * n))
    totals = np.zeros(n + 3, np.int64)
    for block in _shown(range(-(-samples // size)), fun.name, progress):
        points = _points(box, seed, block, size)[: samples - block * size]
        totals += _counts(fun, points, method, workers)
    found = None
    if critical:
        found = critical_points(fun, box, starts=starts, rng=seed, workers=workers)
    return LandscapePrevalence(
        fun.name, box, samples, seed, totals[: n + 1], int(totals[n + 1]), int(totals[n + 2]),
        found, fun,
    )  # fmt: skip


def _shown(blocks: range, name: str, progress: bool) -> Iterable[int]:
    if not progress:
        return blocks
    from tqdm import tqdm

    bar: Iterable[int] = tqdm(blocks, desc=name, unit="block")
    return bar


def _points(box: Floats, seed: int, block: int, size: int) -> Floats:
    """A block of points of the box; it has its own random numbers."""
    generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(block,)))
    low, high = box.T
    # Not low + u·(high − low): the width of a huge box overflows.
    u = generator.random((size, len(box)))
    points: Floats = (1.0 - u) * low + u * high
    return points


def _counts(fun: Objective, points: Floats, method: str, workers: int) -> Integers:
    """How many Hessians have index 0 … n, are degenerate, are undecided."""
    n = points.shape[1]
    curved = hessian(fun, points, method=method, workers=workers)
    H = curved.value
    usable: NDArray[np.bool_] = np.all(np.isfinite(H), axis=(1, 2))
    H = np.where(usable[:, None, None], H, 0.0)
    index, zeros, _, certified, error = inertia_within(H, entry_errors(curved, H))
    known = usable & np.isfinite(error)
    place = np.where(zeros > 0, n + 1, n + 2)
    place = np.where(known, np.where(certified, index, place), n + 2)
    return np.bincount(place, minlength=n + 3).astype(np.int64)
