"""Directions in which no data can tell a network's parameters apart."""

from __future__ import annotations

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
        Orthonormal rows; none if there is weight decay.

    Examples
    --------
    >>> from saddlelab import networks
    >>> loss = networks.MLP([2, 3, 2], loss="cross_entropy").objective([[0, 1], [0, 2]], [0, 1])
    >>> networks.exact_symmetries(loss).shape  # softmax: 4; 3 units that see a constant 0
    (7, 17)
    """
    network = objective.network
    if network.weight_decay > 0.0:
        return np.empty((0, network.size))
    found = _unseen_inputs(objective)
    if network.loss == "cross_entropy":
        found += _shifts(objective)
    return np.array(found).reshape(len(found), network.size)


def _blank(objective: NetworkObjective) -> Floats:
    return np.zeros(objective.network.size)


def _unseen_inputs(objective: NetworkObjective) -> list[Floats]:
    """Null vectors of the inputs, for each unit of the first layer."""
    network = objective.network
    rows = objective.rows
    if network.bias:
        rows = np.column_stack([rows, np.ones(len(rows))])
    _, sizes, axes = np.linalg.svd(rows, full_matrices=True)
    largest = sizes[0] if len(sizes) else 0.0
    rank = int(np.sum(sizes > largest * max(rows.shape) * np.finfo(float).eps))
    found = []
    for null in axes[rank:]:
        for unit in range(network.sizes[1]):
            direction = _blank(objective)
            W, b = network.unpack(direction)[0]
            W[unit] = null[: network.sizes[0]]
            if b is not None:
                b[unit] = null[-1]
            found.append(direction)
    return found


def _shifts(objective: NetworkObjective) -> list[Floats]:
    """The last layer's weights and bias of each input, equal for all outputs."""
    network = objective.network
    count = 1.0 / np.sqrt(network.sizes[-1])
    found = []
    for column in range(network.sizes[-2] + network.bias):
        direction = _blank(objective)
        W, b = network.unpack(direction)[-1]
        if column < network.sizes[-2]:
            W[:, column] = count
        elif b is not None:
            b[:] = count
        found.append(direction)
    return found
