"""How far apart the values of a network's minima are, against the number of its units.

A. Choromanska, M. Henaff, M. Mathieu, G. Ben Arous and Y. LeCun, The loss surfaces of multilayer
networks, AISTATS 2015, arXiv:1412.0233, section 5: many networks of each size are trained from
independent weights, and the values that they end at lie in a band that narrows with the size.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from saddlelab.arguments import one_of, positive_integer, positive_number, worker_count
from saddlelab.networks.initialisers import KINDS, initialise
from saddlelab.networks.mlp import MLP
from saddlelab.networks.spread_result import UNCHECKED, MinimaSpread
from saddlelab.studies.seeds import RNG, resolve_seed

if TYPE_CHECKING:
    from saddlelab.datasets import Dataset
    from saddlelab.networks.network_objective import NetworkObjective

__all__ = ["distinct_integers", "minima_spread"]

Floats: TypeAlias = NDArray[np.float64]

_MOST_RUNS, _WIDEST = 10**6, 10**6
#: Up to this many parameters every run is classified, beyond it a few of each width.
_SMALL, _FEW = 400, 8
#: The default teacher: inputs, hidden units, noise of its answers, samples.
_INPUTS, _UNITS, _NOISE, _SAMPLES = 8, 30, 0.1, 200


def minima_spread(
    widths: Sequence[int] = (2, 4, 8, 16),
    *,
    runs: int = 50,
    data: Dataset | tuple[Any, Any] | None = None,
    activation: str = "tanh",
    layers: int = 1,
    weight_decay: float = 1e-3,
    initialiser: str = "glorot_normal",
    method: str = "trust_region",
    steps: int = 1000,
    tol: float = 1e-6,
    checked: int | None = None,
    rng: RNG = None,
    workers: int | None = None,
    progress: bool = False,
    **options: Any,
) -> MinimaSpread:
    """Train many networks of each width, and compare the losses that they end at.

    Parameters
    ----------
    widths : sequence of int, optional
        Units of each hidden layer, distinct.  A network of 2 or 3 may have so few minima that it is
        chance how far apart they are.
    runs : int, optional
        Networks of each width, from independent weights.
    data : Dataset or (X, y), optional
        Integers y are classes (cross_entropy), others what is to be learnt (squared_error).  By
        default 200 answers, with noise 0.1, of a tanh network of 8 inputs and 30 hidden units.
    activation : str, optional
        Of the hidden layers, see `MLP`.
    layers : int, optional
        Hidden layers.
    weight_decay : float, optional
        Of the loss, and part of the values.  Without any, minima may lie at infinity, and wide
        networks fit everything: their spread is then that of where the training was ended.
    initialiser : str, optional
        See `initialise`.
    method : str, optional
        Of `saddlelab.minimize`.  The default has exact Hessians and leaves saddles; those of first
        order need many `steps`, a learning rate and a larger `tol`.
    steps : int, optional
        Of each run at most.
    tol : float, optional
        A run has converged when the norm of the gradient is this or less; others are not counted.
    checked : int, optional
        Classify so many runs of each width by their exact Hessian, see `saddlelab.check`.  By
        default all up to 400 parameters, 8 beyond.
    rng : int, SeedSequence, Generator or None, optional
        Same seed, same bits.  The runs of a width do not depend on the other widths, and the
        first ones not on how many there are.
    workers : int, optional
        Threads; all cores by default.  The results are the same bits for any number.
    progress : bool, optional
        Show a progress bar.
    **options
        Of `saddlelab.minimize`: ``learning_rate``, and those of the method.

    Returns
    -------
    MinimaSpread

    Raises
    ------
    ValueError, TypeError
        If an argument is out of its range.

    Examples
    --------
    >>> from saddlelab import networks
    >>> found = networks.minima_spread([4, 12], runs=10, rng=0)
    >>> found.counted.sum(axis=1).tolist()
    [10, 10]
    >>> narrow, wide = found.std
    >>> bool(wide < narrow)
    True
    """
    from tqdm import tqdm

    sizes = distinct_integers("widths", widths, _WIDEST)
    count = positive_integer("runs", runs, at_most=_MOST_RUNS)
    layers = positive_integer("layers", layers, at_most=1000)
    tol = positive_number("tol", tol, at_most=1e300)
    if checked is not None:
        checked = positive_integer("checked", checked, at_most=_MOST_RUNS, or_none=" or None")
    initialiser = one_of("initialiser", initialiser, tuple(KINDS))
    seed, threads = resolve_seed(rng), worker_count(workers)
    X, y, name = _data(data)
    loss = "cross_entropy" if y.dtype.kind in "iu" else "squared_error"
    outputs = int(y.max()) + 1 if loss == "cross_entropy" else y.shape[1]
    found = []
    for width in tqdm(sizes, desc="widths", unit="width", disable=not progress):
        network = MLP([X.shape[1], *[width] * layers, outputs], activation=activation, loss=loss,
                      weight_decay=weight_decay)  # fmt: skip
        x0 = initialise(network.sizes, initialiser, rng=seed, count=count)
        found.append(_ends(
            network.objective(X, y), x0, checked, method=method, steps=steps, tol=tol, rng=seed,
            workers=threads, **options,
        ))  # fmt: skip
    value, norm, taken, kind, index = (np.array(each) for each in zip(*found, strict=True))
    return MinimaSpread(np.array(sizes), value, norm, taken, kind, index, tol, method, name,
                        weight_decay, seed)  # fmt: skip


def _ends(
    f: NetworkObjective, x0: Floats, checked: int | None, **how: Any
) -> tuple[Any, ...]:
    """Values, norms of gradients, steps, kinds and indices of where the starts end."""
    from saddlelab.optimize.minimize import minimize
    from saddlelab.verdict import check

    ends = minimize(f, x0, **how)
    some = checked if checked is not None else len(x0) if x0.shape[1] <= _SMALL else _FEW
    kind, index = np.full(len(x0), UNCHECKED, dtype="<U16"), np.full(len(x0), -1)
    verdict = check(f, ends.x[:some], tol=1e-4, workers=how["workers"])
    kind[:some], index[:some] = verdict.kind, verdict.index
    return ends.value, ends.gradient_norm, ends.steps, kind, index


def _data(data: Any) -> tuple[Floats, NDArray[Any], str]:
    """X (N, inputs), y as classes (N,) int or targets (N, outputs), and what they are called."""
    given = _teacher() if data is None else data
    try:
        X, y = given
    except (TypeError, ValueError):
        raise TypeError(f"`data` must be a Dataset or a pair (X, y), got {data!r}") from None
    rows, targets = np.asarray(X, dtype=np.float64), np.asarray(y)
    if rows.ndim != 2 or not rows.size:
        raise ValueError(f"X of `data` must have shape (N, inputs), got {rows.shape}")
    classes = targets.dtype.kind in "iu"
    if targets.ndim == 1 and not classes:
        targets = targets[:, None]
    if targets.ndim != (1 if classes else 2) or len(targets) != len(rows):
        raise ValueError(f"y of `data` must have shape ({len(rows)},) or ({len(rows)}, outputs), "
                         f"got {np.shape(y)}")  # fmt: skip
    return rows, targets, getattr(given, "name", "data")


def _teacher() -> Dataset:
    """Answers that a student needs many units for: the teacher is fixed, whatever the seed."""
    from saddlelab.datasets import teacher_student

    draw = np.sqrt([_INPUTS, 1.0])
    theta = initialise([_INPUTS, _UNITS, 1], "lecun_normal", gain=draw, rng=0)
    teacher = MLP([_INPUTS, _UNITS, 1]).unpack(theta)
    return teacher_student(teacher, _SAMPLES, noise=_NOISE, test=0.0)


def distinct_integers(name: str, values: Any, at_most: int) -> list[int]:
    """Positive integers, ascending; ValueError if there are none or one comes twice."""
    given = values if np.iterable(values) and not isinstance(values, str) else [values]
    found = sorted(positive_integer(name, value, at_most=at_most) for value in given)
    if not found or len(set(found)) < len(found):
        raise ValueError(f"`{name}` must be distinct, at least one, got {found}")
    return found
