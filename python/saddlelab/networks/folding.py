"""Normalised layers with frozen statistics as a plain network: its Hessian, pulled back.

γ s (W a − μ) + β = W' a + b', with W' = diag(γ s) W, b' = β − γ s μ and s = (var + ε)^(−1/2).  As
θ' = φ(θ), with J the derivative of φ, H = Jᵀ H' J + Σ_k ∂ℓ/∂θ'_k ∇²φ_k; of the Gauss–Newton matrix
there is the first term alone.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

import saddlecore
from saddlelab.networks.network_hessian import hessian_at

if TYPE_CHECKING:
    from saddlelab.networks.mlp import MLP
    from saddlelab.networks.network_objective import NetworkObjective

__all__ = ["folded", "pulled_back"]

Floats: TypeAlias = NDArray[np.float64]
Moments: TypeAlias = tuple[tuple[Floats, Floats], ...]


def folded(network: MLP) -> MLP:
    """The plain network, all of whose layers have biases; without weight decay, which is of θ."""
    return replace(network, batch_norm=False, bias=True, weight_decay=0.0)


class _Fold:
    """φ at a point: θ', the entries (k, i) of J, and of ∇²φ_k those (k, i, j), each once."""

    def __init__(self, network: MLP, statistics: Moments, theta: Floats) -> None:
        self.theta = np.zeros(folded(network).size)
        self.first: list[tuple[Any, Any, Any]] = []
        self.mixed: list[tuple[Any, Any, Any, Any]] = []
        at, to = 0, 0
        hidden = len(statistics)
        for k, (i, o) in enumerate(pairwise(network.sizes)):
            if k < hidden:
                self._normalised(theta, at, to, i, o, *statistics[k])
                at += o * (i + 2)
            else:
                count = o * (i + network.bias)
                self._add(np.arange(to, to + count), np.arange(at, at + count), 1.0)
                self.theta[to : to + count] = theta[at : at + count]
            to += o * (i + 1)

    def _add(self, k: Any, i: Any, value: Any) -> None:
        self.first.append((k, i, np.broadcast_to(value, k.shape)))

    def _normalised(
        self, theta: Floats, at: int, to: int, i: int, o: int, mean: Floats, variance: Floats
    ) -> None:
        s = 1.0 / np.sqrt(variance + saddlecore.network_normal.EPSILON)
        weights, units = np.arange(o * i), np.arange(o)
        gammas = at + o * i + units
        W, gamma, beta = theta[at + weights], theta[gammas], theta[gammas + o]
        wide = np.repeat(s, i)
        self.theta[to + weights] = np.repeat(gamma, i) * wide * W
        self.theta[to + o * i + units] = beta - gamma * s * mean
        self._add(to + weights, at + weights, np.repeat(gamma, i) * wide)
        self._add(to + weights, np.repeat(gammas, i), wide * W)
        self._add(to + o * i + units, gammas, -s * mean)
        self._add(to + o * i + units, gammas + o, 1.0)
        self.mixed.append((to + weights, at + weights, np.repeat(gammas, i), wide))


def pulled_back(
    network: MLP,
    statistics: Moments,
    theta: Floats,
    plain: NetworkObjective,
    curved: bool,
    workers: int,
) -> Floats:
    """The Hessian, or the Gauss–Newton matrix, from that of the folded network `plain`."""
    from scipy.sparse import csr_array

    fold = _Fold(network, statistics, theta)
    k, i, values = (np.concatenate(parts) for parts in zip(*fold.first, strict=True))
    J = csr_array((values, (k, i)), shape=(len(fold.theta), len(theta)))
    inner = hessian_at(plain.header, plain._kept, fold.theta, curved, workers)
    H: Floats = J.T @ (J.T @ inner).T
    if curved:
        slope = np.empty(len(fold.theta))
        saddlecore.network.gradient(plain.header, fold.theta, slope)
        for at, row, column, value in fold.mixed:
            H[row, column] += slope[at] * value
            H[column, row] += slope[at] * value
    # The triangles differ by rounding.
    H = 0.5 * (H + H.T)
    H[np.diag_indices(len(theta))] += network.decays
    return H
