"""Values of a function on a line, a plane or a volume, by threads."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

import saddlecore
from saddlelab.grid_walk import GridWalk, rounds, whole_rows
from saddlelab.lines import points_of_grid
from saddlelab.networks.network_objective import NetworkObjective
from saddlelab.objective import Objective
from saddlelab.threads import over_threads

__all__ = ["values_on"]

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]

#: Spans for each thread, their least and largest size, and those between two looks at Ctrl-C.
_SPANS, _LEAST, _MOST, _TURNS = 32, 64, 2**18, 8


def values_on(
    fun: Objective,
    x: Floats,
    directions: Floats,
    lines: Floats,
    counts: Integers,
    threads: int,
    progress: bool,
) -> Floats:
    """f(x + Σ t_k directions[k]) for all coordinates t on the lines, an array of shape `counts`."""
    total = int(np.prod(counts))
    values = np.empty(total)
    network = _plain_network(fun)
    walk = None
    if network is None:
        fun.check(x[None])
        walk = GridWalk(fun, lines, counts, 1, values, x, directions)
    size = whole_rows(min(max(total // (_SPANS * threads), _LEAST), _MOST), int(counts[-1]))
    for spans in rounds(total, size, _TURNS * threads, f"slice of {fun.name}", progress):
        if network is not None:
            _network_losses(network, x, directions, lines, counts, spans, values, threads)
        elif walk is not None:
            walk.go(spans, threads)
    if walk is not None:
        walk.explain()
    return values.reshape(counts)


def _plain_network(fun: Objective) -> NetworkObjective | None:
    """The network, if z of its first layer is linear in the parameters."""
    if type(fun) is not NetworkObjective or getattr(fun.network, "batch_norm", False):
        return None
    return fun


def _network_losses(
    fun: NetworkObjective,
    x: Floats,
    directions: Floats,
    lines: Floats,
    counts: Integers,
    spans: list[tuple[int, int]],
    values: Floats,
    threads: int,
) -> None:
    def part(span: tuple[int, int]) -> None:
        t = points_of_grid(lines, counts, np.arange(*span))
        out = values[slice(*span)]
        saddlecore.network_slice.losses_on(fun.header, x, directions, t, out)

    fun.check(x[None])
    over_threads(part, spans, threads)
