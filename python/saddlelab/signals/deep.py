"""Deep networks as they begin, on data, for studies."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from saddlelab.arguments import positive_integer
from saddlelab.networks.initialisers import initialise
from saddlelab.networks.mlp import MLP
from saddlelab.signals.report import SaturationReport
from saddlelab.signals.saturation import saturation

__all__ = ["Problem", "begin", "depths_of", "problem_of"]

Problem: TypeAlias = tuple[NDArray[np.float64], NDArray[np.int64], str]

_SAMPLES, _DEEPEST = 256, 10_000


def problem_of(data: Any, samples: int | None) -> Problem:
    """X, labels and a name: of a dataset or a pair, or the digits, each pixel standardised."""
    if data is None:
        from saddlelab.datasets import digits

        data = digits(standardize=True)
        samples = _SAMPLES if samples is None else samples
    try:
        X, y = data
    except (TypeError, ValueError):
        raise TypeError(f"`data` must be a Dataset or a pair (X, y), got {data!r}") from None
    X, y = np.asarray(X, dtype=np.float64), np.asarray(y)
    if X.ndim != 2 or y.shape != (len(X),) or y.dtype.kind not in "iu":
        raise ValueError(f"`data` must be X (N, inputs) and labels y (N,), got shapes {X.shape} "
                         f"and {y.shape}")  # fmt: skip
    if samples is not None:
        samples = positive_integer("samples", samples, at_most=2**31)
    return X[:samples], y[:samples], getattr(data, "name", "data")


def depths_of(depths: Any) -> tuple[int, ...]:
    """Distinct numbers of hidden layers, ascending."""
    given = depths if np.iterable(depths) and not isinstance(depths, str) else [depths]
    found = sorted({positive_integer("depths", each, at_most=_DEEPEST) for each in given})
    if not found:
        raise ValueError("`depths` must hold at least one depth, got none")
    return tuple(found)


def begin(
    problem: Problem, depth: int, width: int, seed: int, *, activation: str, initialiser: str,
    gain: float = 1.0, batch_norm: bool = False, residual: bool = False,
) -> SaturationReport:  # fmt: skip
    """Measure a classifier with `depth` hidden layers before any training."""
    X, y, _ = problem
    sizes = [X.shape[1], *[width] * depth, max(int(y.max()) + 1, 2)]
    network = MLP(sizes, activation=activation, loss="cross_entropy", batch_norm=batch_norm,
                  residual=residual)  # fmt: skip
    theta = initialise(sizes, initialiser, gain=gain, rng=seed, batch_norm=batch_norm)
    return saturation(network, theta, X, y=y, bins=1)
