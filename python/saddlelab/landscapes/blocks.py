"""Layers of a network among its parameters: where each array begins, and its shape."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from saddlelab.networks.mlp import MLP
from saddlelab.networks.network_objective import NetworkObjective

__all__ = ["Block", "blocks_of"]

#: Where an array of parameters begins, and its shape.
Block: TypeAlias = tuple[int, tuple[int, ...]]


def blocks_of(given: Any, n: int) -> list[Block]:
    """Arrays of parameters in their order.

    Parameters
    ----------
    given : MLP, NetworkObjective or sequence of (start, shape)
        A network knows its own.
    n : int
        How many parameters there are: the arrays must cover them without a gap.

    Raises
    ------
    ValueError, TypeError
        If they do not, or are no such pairs.

    Examples
    --------
    >>> from saddlelab.networks import MLP
    >>> from saddlelab.landscapes import blocks_of
    >>> blocks_of(MLP([2, 3, 1]), 13)
    [(0, (3, 2)), (6, (3,)), (9, (1, 3)), (12, (1,))]
    """
    if isinstance(given, NetworkObjective):
        given = given.network
    found = _of_network(given) if isinstance(given, MLP) else _of_pairs(given)
    end = 0
    for k, (start, shape) in enumerate(found):
        if start != end:
            raise ValueError(f"`blocks` must follow one another, but block {k} begins at {start}, "
                             f"the one before ends at {end}")  # fmt: skip
        end = start + math.prod(shape)
    if end != n:
        raise ValueError(f"`blocks` must hold the {n} numbers of `x`, they hold {end}")
    return found


def _of_network(network: MLP) -> list[Block]:
    numbers = np.arange(network.size, dtype=np.float64)
    arrays = [array for layer in network.unpack(numbers) for array in layer if array is not None]
    return sorted((int(array.flat[0]), array.shape) for array in arrays)


def _of_pairs(given: Any) -> list[Block]:
    rule = "`blocks` must be a network or (start, shape) of each array of parameters"
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise TypeError(f"{rule}, got {given!r}")
    found = []
    for pair in given:
        try:
            start, shape = pair
            found.append((operator.index(start), tuple(operator.index(k) for k in shape)))
        except (TypeError, ValueError):
            raise TypeError(f"{rule}, got {pair!r}") from None
        if min(found[-1][1], default=1) < 1:
            raise ValueError(f"{rule}, got the shape {found[-1][1]}")
    return found
