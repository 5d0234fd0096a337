"""What mean-field theory has for a network of these widths and variances of weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from saddlelab.signals.gaussian import averages

if TYPE_CHECKING:
    from saddlelab.networks.mlp import MLP

__all__ = ["forecast"]

Floats: TypeAlias = NDArray[np.float64]


def forecast(network: MLP, theta: Floats, X: Floats) -> tuple[Floats, Floats]:
    """Return the mean square of z of each layer, and ‖∂ℓ/∂z‖² of each over that of the outputs.

    Of independent weights with the mean squares that they have, from the lengths that samples have
    (Poole et al. 2016, eq. 3; Schoenholz et al. 2017, eq. 18; with residual connections Yang and
    Schoenholz 2017, arXiv:1712.08969).  NaN of normalised layers.
    """
    layers = [(np.mean(W**2), 0.0 if b is None else np.mean(b**2))
              for W, b in (layer[:2] for layer in network.unpack(theta))]  # fmt: skip
    if network.batch_norm:
        return np.full(len(layers), np.nan), np.full(len(layers), np.nan)
    lengths, slopes = _forwards(network, layers, np.mean(X**2, axis=1))
    return lengths, _backwards(network, layers, slopes)


def _skips(network: MLP, layer: int) -> bool:
    """Whether the layer adds what it is given."""
    sizes = network.sizes
    hidden = 0 < layer < len(sizes) - 2
    return network.residual and hidden and sizes[layer] == sizes[layer + 1]


def _forwards(network: MLP, layers: list[Any], square: Floats) -> tuple[Floats, list[float]]:
    """Mean squares of z, and E f'² of each hidden layer; `square` is that of a layer's inputs."""
    lengths, slopes, mean = [], [], np.zeros_like(square)
    for k, (weights, biases) in enumerate(layers):
        q = network.sizes[k] * weights * square + biases
        lengths.append(float(q.mean()))
        if k < len(layers) - 1:
            # Samples of one length have one average.
            unique, where = np.unique(q, return_inverse=True)
            found = averages(network.activation, unique)
            first, second = found.first[where], found.second[where]
            slopes.append(float(found.slope[where].mean()))
            skip = _skips(network, k)
            square = second + (square + 2.0 * mean * first if skip else 0.0)
            mean = first + (mean if skip else 0.0)
    return np.array(lengths), slopes


def _backwards(network: MLP, layers: list[Any], slopes: list[float]) -> Floats:
    found, by_outputs = [1.0], 0.0
    for k in range(len(layers) - 1, 0, -1):
        by_inputs = network.sizes[k] * layers[k][0] * found[-1]
        by_inputs += by_outputs if _skips(network, k) else 0.0
        found.append(by_inputs * slopes[k - 1])
        by_outputs = by_inputs
    return np.array(found[::-1])
