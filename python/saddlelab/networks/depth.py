"""How long deep linear networks take to learn, against their depth.

A. M. Saxe, J. L. McClelland and S. Ganguli, Exact solutions to the nonlinear dynamics of learning
in deep linear neural networks, ICLR 2014, arXiv:1312.6120, section 3: with the best learning rate
for each depth, the time from orthogonal weights does not grow with depth; that from scaled
Gaussian weights does, for most directions shrink in the product of many Gaussian matrices.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saddlelab.arguments import (
    finite_float,
    one_of,
    positive_integer,
    positive_number,
    worker_count,
)
from saddlelab.networks.depth_result import DepthStudy
from saddlelab.networks.initialisers import KINDS, initialise
from saddlelab.networks.mlp import MLP
from saddlelab.networks.spread import distinct_integers
from saddlelab.studies.seeds import RNG, resolve_seed
from saddlelab.threads import over_threads

if TYPE_CHECKING:
    from saddlelab.datasets import Dataset

__all__ = ["depth_study"]

Floats: TypeAlias = NDArray[np.float64]

_MOST = 10**6
#: Rates tried, over depth and the largest second moment of the inputs: 2 … 1/8 in steps of √2.
_RATES = 2.0 ** (np.arange(2, -7, -1) / 2.0)
#: Steps that all rates are followed at first.
_FIRST = 16
#: The default teacher: inputs, and the singular values of what is to be learnt of them.
_INPUTS, _MODES = 16, (1.5, 1.0, 0.75, 0.5)


class _Problem(NamedTuple):
    """Data with the second moments of those given; what to stop at; the unit of learning rates."""

    X: Floats
    y: Floats
    target: float
    unit: float


def depth_study(
    depths: Sequence[int] = (3, 6, 12, 24),
    *,
    initialisers: Sequence[str] = ("scaled_gaussian", "glorot_normal", "orthogonal"),
    width: int = 16,
    gain: float = 1.0,
    data: Dataset | tuple[Any, Any] | None = None,
    learning_rates: ArrayLike | None = None,
    fraction: float = 0.01,
    runs: int = 6,
    steps: int = 500,
    rng: RNG = None,
    workers: int | None = None,
    progress: bool = False,
) -> DepthStudy:
    """Measure how many steps of gradient descent deep linear networks of each depth need.

    A run has learnt when what is left of the loss, above that of the least-squares fit, is
    `fraction` of what the zero map leaves.  Of a grid of learning rates the one with the fewest
    steps in the median is taken, for each depth and initialiser.

    Parameters
    ----------
    depths : sequence of int, optional
        Layers of weights, distinct.
    initialisers : sequence of str, optional
        See `initialise`.
    width : int, optional
        Units of each hidden layer.
    gain : float, optional
        Of all layers.
    data : Dataset or (X, y), optional
        X (N, inputs) and y (N, outputs), or classes (N,) int, of which indicators less their means
        are learnt.  By default 16 white inputs, of which a map of singular values 1.5, 1, 0.75
        and 0.5 is learnt.
    learning_rates : (r,) array_like, optional
        The grid, in units of 1/(depth · λ), λ the largest eigenvalue of XᵀX/N; by default
        2 … 1/8 in steps of √2.
    fraction : float, optional
        Between 0 and 1.
    runs : int, optional
        Networks of each depth and initialiser.
    steps : int, optional
        At most: a run that takes longer has not learnt.
    rng : int, SeedSequence, Generator or None, optional
        Same seed, same bits.
    workers : int, optional
        Threads; all cores by default.  The results are the same bits for any number.
    progress : bool, optional
        Show a progress bar.

    Returns
    -------
    DepthStudy

    Raises
    ------
    ValueError, TypeError
        If an argument is out of its range.

    Notes
    -----
    The loss of a linear network depends on the data by XᵀX and Xᵀy alone, but for a constant: it is
    descended on as many samples as there are inputs that have the same.

    With white inputs the greedy pretraining of the paper has nothing to find, any orthogonal
    weights are its solutions: "orthogonal" stands for both.

    Weights of a square orthogonal network can have the wrong determinant, which descent must pass a
    singular matrix to mend; the claim is meant for hidden layers wider than the outputs.

    Examples
    --------
    >>> from saddlelab import networks
    >>> found = networks.depth_study([2, 8], runs=3, width=16, rng=0)
    >>> bool(found.median("scaled_gaussian")[1] > 2 * found.median("orthogonal")[1])
    True
    """
    from tqdm import tqdm

    layers = distinct_integers("depths", depths, 10_000)
    kinds = _initialisers(initialisers)
    width = positive_integer("width", width, at_most=_MOST)
    gain = positive_number("gain", gain, at_most=1e100)
    count = positive_integer("runs", runs, at_most=_MOST)
    steps = positive_integer("steps", steps, at_most=2**31)
    seed, threads = resolve_seed(rng), worker_count(workers)
    grid = _grid(learning_rates)
    given = _data(data)
    problem = _equivalent(*given[:2], _fraction(fraction))
    shape = len(kinds), len(layers)
    taken, best = np.full((*shape, count), np.inf), np.full(shape, np.nan)
    bar = tqdm(total=shape[0] * sum(layers), desc="depths", unit="layer", disable=not progress)

    def one(job: tuple[int, int]) -> None:
        kind, depth = kinds[job[0]], layers[job[1]]
        sizes = [problem.X.shape[1], *[width] * (depth - 1), problem.y.shape[1]]
        x0 = initialise(sizes, kind, gain=gain, rng=seed, count=count, bias=False)
        best[job], taken[job] = _fastest(problem, sizes, x0, grid, steps)
        bar.update(depth)

    with bar:  # the longest first
        over_threads(one, [(i, j) for j in range(shape[1])[::-1] for i in range(shape[0])], threads)
    return DepthStudy(
        np.array(layers), kinds, taken, best, grid, width, gain, float(fraction), steps, given[2],
        seed,
    )  # fmt: skip


def _fastest(
    problem: _Problem, sizes: list[int], x0: Floats, grid: Floats, steps: int
) -> tuple[float, Floats]:
    """The rate with the least median (then with most runs that learn), and the steps of each run.

    All rates are followed side by side, to twice as many steps each time, until half of the runs
    have learnt at one: no other rate could be better later.  That one is followed to the end.
    """
    from saddlelab.optimize.minimize import minimize

    f = MLP(sizes, activation="linear", bias=False).objective(problem.X, problem.y)
    rates = (grid * (problem.unit / (len(sizes) - 1))).tolist()
    how: dict[str, Any] = {"target": problem.target, "workers": 1}

    def further(runs: Any, rate: float, by: int) -> Any:
        going = by > 0 and (runs.status == "steps").any()
        return minimize(f, runs, learning_rate=rate, steps=by, **how) if going else runs

    taken = min(_FIRST, steps)
    found = [minimize(f, x0, method="gd", learning_rate=rate, steps=taken, rng=0, **how)
             for rate in rates]  # fmt: skip
    while min(map(_rank, found))[0] == np.inf and taken < steps:
        by = min(taken, steps - taken)
        found = [further(runs, rate, by) for runs, rate in zip(found, rates, strict=True)]
        taken += by
    ranks = list(map(_rank, found))
    best = ranks.index(min(ranks))
    reached = _steps(further(found[best], rates[best], steps - taken))
    return float(grid[best]) if np.isfinite(reached).any() else np.nan, reached


def _rank(runs: Any) -> tuple[float, int]:
    """Lower is better: the median (the lower one of two), and how many have not learnt."""
    reached = np.sort(_steps(runs))
    return float(reached[(len(reached) - 1) // 2]), int(np.isinf(reached).sum())


def _steps(runs: Any) -> Floats:
    return np.where(runs.status == "target", runs.steps, np.inf)


# --- arguments ------------------------------------------------------------------------------------


def _equivalent(X: Floats, y: Floats, fraction: float) -> _Problem:
    """As many samples as inputs, with the same moments, and answers that a linear map gives."""
    best = np.linalg.lstsq(X, y, rcond=None)[0]
    R = np.linalg.qr(X, mode="r")
    rows = R * np.sqrt(len(R) / len(X))
    targets = rows @ best
    zero = 0.5 * float(np.sum(targets**2)) / len(rows)
    if not zero > 1e-12 * float(np.sum(y**2)) / len(y) or zero == 0.0:
        raise ValueError("y of `data` must depend linearly on X, or there is nothing to learn")
    unit = 1.0 / float(np.linalg.eigvalsh(X.T @ X / len(X))[-1])
    return _Problem(rows, targets, fraction * zero, unit)


def _data(data: Any) -> tuple[Floats, Floats, str]:
    from saddlelab.networks.data import inputs_of

    given = _teacher() if data is None else data
    try:
        X, y = given
    except (TypeError, ValueError):
        raise TypeError(f"`data` must be a Dataset or a pair (X, y), got {data!r}") from None
    rows = inputs_of(X, np.shape(X)[1] if np.ndim(X) == 2 else 1)
    answers = np.asarray(y)
    if answers.ndim == 1 and answers.dtype.kind in "iu":
        shown = (answers[:, None] == np.unique(answers)).astype(np.float64)
        answers = shown - shown.mean(axis=0)
    if answers.ndim != 2 or len(answers) != len(rows) or not np.isfinite(answers).all():
        raise ValueError(f"y of `data` must be finite, of shape ({len(rows)}, outputs), or classes "
                         f"({len(rows)},), got shape {np.shape(y)}")  # fmt: skip
    return rows, answers.astype(np.float64), getattr(given, "name", "data")


def _teacher() -> Dataset:
    """White inputs and a linear teacher, fixed, whatever the seed."""
    from saddlelab.datasets import teacher_student

    W = initialise([_INPUTS, len(_MODES)], "orthogonal", rng=0, bias=False)
    teacher = np.array(_MODES)[:, None] * W.reshape(-1, _INPUTS)
    return teacher_student(teacher, 4 * _INPUTS, white=True, test=0.0)


def _initialisers(given: Any) -> tuple[str, ...]:
    names = [given] if isinstance(given, str) else list(given)
    found = tuple(one_of("initialisers", name, tuple(KINDS)) for name in names)
    if not found or len(set(found)) < len(found):
        raise ValueError(f"`initialisers` must be distinct, at least one, got {names}")
    return found


def _grid(rates: Any) -> Floats:
    """Descending: of rates that are too large the runs soon diverge."""
    found = np.sort(np.asarray(_RATES if rates is None else rates, dtype=np.float64).ravel())[::-1]
    if not len(found) or not (np.isfinite(found).all() and (found > 0.0).all()):
        raise ValueError(f"`learning_rates` must be positive and finite, got {rates!r}")
    return found.copy()


def _fraction(fraction: Any) -> float:
    rule = "`fraction` must be above 0 and below 1"
    found = finite_float(rule, fraction)
    if not 0.0 < found < 1.0:
        raise ValueError(f"{rule}, got {fraction!r}")
    return found
