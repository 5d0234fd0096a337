"""A network and its data as the engine takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

import saddlecore

if TYPE_CHECKING:
    from saddlelab.networks.mlp import MLP

__all__ = ["describe"]

Floats: TypeAlias = NDArray[np.float64]
Moments: TypeAlias = tuple[tuple[Floats, Floats], ...]


def describe(
    network: MLP, X: Floats, y: Floats, statistics: Moments | None
) -> tuple[NDArray[np.int64], Any]:
    """Return (header, what must live as long), see ``saddlecore.network_plan.describe``."""
    from saddlelab.networks.mlp import ACTIVATIONS, LOSSES

    engine = saddlecore.network_plan
    normal, moments = engine.BATCH if network.batch_norm else engine.PLAIN, np.zeros(0)
    if statistics is not None:
        # Of inputs and outputs there are none.
        first, last = np.zeros(network.sizes[0]), np.zeros(network.sizes[-1])
        rows = ([first, *(pair[k] for pair in statistics), last] for k in range(2))
        moments = np.concatenate([part for row in rows for part in row])
        normal = engine.FIXED
    plan = engine.plan_of(
        network.sizes, bias=int(network.bias), residual=network.residual,
        activation=ACTIVATIONS.index(network.activation), linear=ACTIVATIONS.index("linear"),
        batch_norm=network.batch_norm,
    )  # fmt: skip
    loss, decay = LOSSES.index(network.loss), network.weight_decay
    decays = decay, decay if network.decay_biases else 0.0
    header, kept = engine.describe(plan, loss, X, y, decays, normal, moments)
    return header, kept
