"""Arguments that several functions of this package take."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from saddlelab.arguments import finite_float
from saddlelab.studies.seeds import RNG, resolve_seed

#: Sets these streams apart from others of the same seed.
_STREAM = 0x5BEC


def generator(rng: RNG) -> np.random.Generator:
    """Return a generator for an `rng` argument: equal seeds, equal numbers.

    Not those of ``default_rng(seed)``, which may have made the matrix: a start that is one of its
    rows is not random.
    """
    seeds = np.random.SeedSequence(resolve_seed(rng), spawn_key=(_STREAM,))
    return np.random.default_rng(seeds)


def positive_number(name: str, value: Any, *, zero: bool = False, below: float = math.inf) -> float:
    """Return a finite float above 0 (or from 0 on), and below a limit."""
    limit = "finite" if below == math.inf else f"less than {below:g}"
    rule = f"`{name}` must be {'not negative' if zero else 'positive'} and {limit}"
    number = finite_float(rule, value)
    if not (0.0 <= number < below) or (number == 0.0 and not zero):
        raise ValueError(f"{rule}, got {value!r}")
    return number
