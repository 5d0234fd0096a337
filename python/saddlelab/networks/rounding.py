"""How much normalisation magnifies the rounding of what it normalises."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

import saddlecore

if TYPE_CHECKING:
    from saddlelab.networks.mlp import MLP

__all__ = ["magnification"]

Floats: TypeAlias = NDArray[np.float64]

#: No activation is further from 0 than 1 plus this times its input.
_STEEPEST = 1.13


def magnification(
    network: MLP, theta: Floats, X: Floats, statistics: tuple[tuple[Floats, Floats], ...]
) -> float:
    """Sum over layers of the largest error of an û, in units of rounding.

    A unit's z has rounding as of its terms, Σ_j |W_ij| rms(a_j), and the errors e_j of its inputs,
    as if independent; û is divided by the spread √(var + ε), which is smaller the more the terms
    cancel.  Of hidden units rms(y) = √(γ² + β²).
    """
    size, total = np.sqrt((X * X).mean(axis=0)), 0.0
    error = np.zeros(len(size))
    layers = network.unpack(theta)[:-1]
    for k, ((W, gamma, beta), (_, variance)) in enumerate(zip(layers, statistics, strict=True)):
        spread = np.sqrt(variance + saddlecore.network_normal.EPSILON)
        off = np.hypot(np.abs(W) @ size, np.sqrt((W * W) @ (error * error))) / spread
        total += float(off.max())
        new, moved = 1.0 + _STEEPEST * np.hypot(gamma, beta), _STEEPEST * np.abs(gamma) * off
        if network.residual and k > 0 and len(new) == len(size):
            new, moved = new + size, np.hypot(moved, error)
        size, error = new, moved
    return total
