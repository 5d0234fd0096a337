"""Signals of all units, forwards and backwards, layer by layer, as the engine leaves them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

import saddlecore
from saddlelab.draws import Draws
from saddlelab.networks.data import inputs_of, statistics_of, targets_of, theta_of
from saddlelab.networks.network_objective import NetworkObjective
from saddlelab.studies.seeds import RNG, resolve_seed

if TYPE_CHECKING:
    from saddlelab.networks.mlp import MLP

__all__ = ["Signals", "cotangent_of", "objective_of", "signals_of"]

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Signals:
    """Of each layer, the outputs' the last, (units, N): z, f'(z), what it gives, and ∂ℓ/∂z."""

    z: tuple[Floats, ...]
    slopes: tuple[Floats, ...]
    given: tuple[Floats, ...]
    gradients: tuple[Floats, ...]


def objective_of(network: MLP, X: Any, y: Any, statistics: Any) -> NetworkObjective:
    """Network and data, checked; without y targets that are of no account."""
    from saddlelab.networks.mlp import MLP

    if not isinstance(network, MLP):
        raise TypeError(f"`network` must be an MLP, got {type(network).__name__}")
    if y is None:
        return network._blank(X, statistics)
    rows = inputs_of(X, network.sizes[0])
    targets = targets_of(y, len(rows), network.loss, network.sizes[-1])
    return NetworkObjective(network, rows, targets, statistics_of(statistics, network, len(rows)))


def cotangent_of(network: MLP, samples: int, rng: RNG) -> tuple[Floats, int]:
    """Derivatives by the outputs, N(0, 1), in the place of a loss's, and their seed."""
    seed = resolve_seed(rng)
    outputs = network.sizes[-1]
    drawn = Draws(seed, "saturation").normals(1, samples * outputs).reshape(samples, outputs)
    return np.ascontiguousarray(drawn), seed


def signals_of(objective: NetworkObjective, theta: Any, cotangent: Floats | None) -> Signals:
    """Signals at θ; gradients are those of each sample's loss, or start from the cotangent."""
    sizes, N = objective.network.sizes, len(objective.rows)
    at = theta_of(theta, objective.network.size)
    start = np.zeros((0, 0)) if cotangent is None else cotangent
    arrays = [np.zeros((sum(sizes), N)) for _ in range(4)]
    saddlecore.network_signals.signals(objective.header, at, start, *arrays)
    ends = np.cumsum(sizes)[:-1]
    return Signals(*(tuple(np.split(array, ends)[1:]) for array in arrays))
