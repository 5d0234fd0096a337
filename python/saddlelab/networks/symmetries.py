"""Directions in which no data can tell a network's parameters apart."""

from __future__ import annotations

from itertools import pairwise, product
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from saddlelab.networks.network_objective import NetworkObjective

__all__ = ["exact_symmetries"]

Floats: TypeAlias = NDArray[np.float64]


def exact_symmetries(objective: NetworkObjective) -> Floats:
    """Return the directions along which the loss is the same at every point.

    Without weight decay the loss does not change

    - if all outputs are raised by the same amount (softmax; binary cross-entropy and squared error
      have no such direction): the same vector is added to all rows of the last (W, b);
    - if to the weights of a unit of the first layer is added what vanishes on all samples, as the
      weight of a pixel that is always black: the null space of the inputs, with their 1.

    At *every* point the Hessian has these eigenvectors with eigenvalue 0; a study of indices must
    look orthogonally to them.  Scalings of units, which depend on the point, are not among them.

    Parameters
    ----------
    objective : NetworkObjective

    Returns
    -------
    (k, n) float
        Orthonormal rows; none if all parameters decay.

    Raises
    ------
    ValueError
        For batch normalisation without weight decay: its flat directions depend on the point.

    Examples
    --------
    >>> from saddlelab import networks
    >>> loss = networks.MLP([2, 3, 2], loss="cross_entropy").objective([[0, 1], [0, 2]], [0, 1])
    >>> networks.exact_symmetries(loss).shape  # softmax: 4; 3 units that see a constant 0
    (7, 17)
    """
    network = objective.network
    softmax = network.loss == "cross_entropy"
    if network.weight_decay > 0.0:
        # Of the outputs' biases, where those do not decay.
        free = softmax and network.bias and not network.decay_biases
        return np.array(_shifts(objective)[-1:] if free else []).reshape(-1, network.size)
    if network.batch_norm:
        raise ValueError(
            "`batch_norm` without weight decay has no isolated critical points: the scale of each "
            "normalised unit's weights is free, and other directions depend on the point"
        )
    found = _unseen_inputs(objective)
    if softmax:
        found += _shifts(objective)
    directions = np.array(found).reshape(len(found), network.size)
    if len(network.sizes) > 2:
        return directions
    # One layer is both first and last: some directions are of both kinds.
    _, sizes, axes = np.linalg.svd(directions, full_matrices=False)
    return axes[sizes > 0.5]


def _direction(objective: NetworkObjective, layer: int, W: Floats) -> Floats:
    """Parameters that are 0 but for one layer's, W (outputs, inputs and 1)."""
    network = objective.network
    layers = [(np.zeros((o, i)), np.zeros(o) if network.bias else None)
              for i, o in pairwise(network.sizes)]  # fmt: skip
    inputs = layers[layer][0].shape[1]
    layers[layer] = W[:, :inputs], W[:, inputs] if network.bias else None
    return network.pack(layers)


def _unseen_inputs(objective: NetworkObjective) -> list[Floats]:
    """Null vectors of the inputs, for each unit of the first layer."""
    network, rows = objective.network, objective.rows
    if network.bias:
        rows = np.column_stack([rows, np.ones(len(rows))])
    _, sizes, axes = np.linalg.svd(rows, full_matrices=True)
    rank = int(np.sum(sizes > sizes[0] * max(rows.shape) * np.finfo(float).eps))
    pairs = product(axes[rank:], np.eye(network.sizes[1]))
    return [_direction(objective, 0, np.outer(unit, null)) for null, unit in pairs]


def _shifts(objective: NetworkObjective) -> list[Floats]:
    """The last layer's weights and bias of each input, equal for all outputs."""
    sizes = objective.network.sizes
    equal = np.full(sizes[-1], 1.0 / np.sqrt(sizes[-1]))
    columns = np.eye(sizes[-2] + objective.network.bias)
    return [_direction(objective, -1, np.outer(equal, column)) for column in columns]
