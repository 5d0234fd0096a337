"""What simulated annealing found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from saddlelab.objective import Objective

__all__ = ["Annealing", "AnnealingHistory"]

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class AnnealingHistory:
    """What was recorded of a run.

    Attributes
    ----------
    steps : (records,) int
        After how many steps.
    value, best : (m, records) float
        f where each chain was, and the least so far.
    """

    steps: NDArray[np.int64]
    value: Floats
    best: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Annealing:
    """Where Metropolis chains came by and ended.

    Attributes
    ----------
    x : (m, n) float
        The best point of each of m chains.
    value : (m,) float
        f there; infinite for a chain that never saw a number.
    final_x, final_value : (m, n) and (m,) float
        Where each chain ended, and f there.
    acceptance : (m,) float
        What fraction of its steps each chain took.
    temperatures : (steps,) float
        Of every step.
    history : AnnealingHistory or None
        What ``record`` asked for.
    seed : int
        What to pass as ``rng`` to get the same again.
    objective : Objective
    """

    x: Floats
    value: Floats
    final_x: Floats
    final_value: Floats
    acceptance: Floats
    temperatures: Floats
    history: AnnealingHistory | None
    seed: int
    objective: Objective

    @property
    def best(self) -> int:
        """The chain that came by the least value."""
        return int(np.argmin(self.value))

    @property
    def evaluations(self) -> int:
        """How often the function was called for the chains."""
        return len(self.x) * (1 + len(self.temperatures))
