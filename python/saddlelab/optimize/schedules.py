"""Learning rates that change from step to step.

A schedule is a function of the step's number, 0 for the first, as an array; any callable will do.

>>> from saddlelab.optimize import schedules
>>> schedules.step(0.1, every=10, factor=0.5)(np.array([0, 9, 10, 20])).tolist()
[0.1, 0.1, 0.05, 0.025]
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from saddlelab.arguments import finite_number, positive_integer, positive_number

__all__ = ["Schedule", "constant", "cosine", "inverse", "rates", "step", "warm_up"]

Floats: TypeAlias = NDArray[np.float64]

_MOST_STEPS = 2**53


@dataclass(frozen=True, slots=True)
class Schedule:
    """A rate as a function of the step's number."""

    name: str
    rate: float
    every: float = 1.0
    factor: float = 1.0
    after: Any = None

    def __call__(self, t: Any) -> Floats:
        """Rates of the steps t."""
        steps = np.asarray(t, dtype=np.float64)
        found: Floats = _FORMULAS[self.name](self, steps)
        return found


def constant(rate: float) -> Schedule:
    """The same rate at every step."""
    return Schedule("constant", _rate(rate))


def step(rate: float, every: int, factor: float = 0.1) -> Schedule:
    """Multiply the rate by `factor` after each `every` steps (``StepLR``)."""
    every = positive_integer("every", every, at_most=_MOST_STEPS)
    return Schedule("step", _rate(rate), every, positive_number("factor", factor, at_most=1e6))


def cosine(rate: float, steps: int, least: float = 0.0) -> Schedule:
    """Half a cosine from `rate` down to `least` in `steps` steps (``CosineAnnealingLR``)."""
    steps = positive_integer("steps", steps, at_most=_MOST_STEPS)
    least = finite_number("least", least)
    if not 0.0 <= least <= rate:
        raise ValueError(f"`least` must be between 0 and `rate`, {rate}, got {least}")
    return Schedule("cosine", _rate(rate), steps, least)


def inverse(rate: float, decay: float) -> Schedule:
    """rate / (1 + decay·t) (Robbins & Monro 1951)."""
    return Schedule("inverse", _rate(rate), 1.0, positive_number("decay", decay, at_most=1e6))


def warm_up(schedule: float | Schedule, steps: int) -> Schedule:
    """Rise linearly for `steps` steps, the first of them included, then follow a schedule."""
    steps = positive_integer("steps", steps, at_most=_MOST_STEPS)
    after = schedule if callable(schedule) else constant(schedule)
    return Schedule("warm-up", float(after(0)), steps, 1.0, after)


def rates(learning_rate: Any, first: int, last: int) -> Floats:
    """(last − first,) positive rates of the steps, from a number, an array or a schedule."""
    t = np.arange(first, last, dtype=np.float64)
    if callable(learning_rate):
        found = np.asarray(learning_rate(t), dtype=np.float64)
    elif np.ndim(learning_rate):
        given = np.asarray(learning_rate, dtype=np.float64)
        if given.ndim != 1 or len(given) < last:
            raise ValueError(
                f"`learning_rate` must be one number, a schedule or one number for each of the "
                f"{last} steps, got shape {given.shape}"
            )
        found = given[first:last]
    else:
        found = np.full(len(t), _rate(learning_rate))
    if found.shape != t.shape:
        raise ValueError(
            f"`learning_rate` must return a number for each of {len(t)} steps, got shape "
            f"{found.shape}"
        )
    bad = ~((found >= 0.0) & np.isfinite(found))
    if bad.any():
        k = int(np.argmax(bad))
        raise ValueError(
            f"`learning_rate` must be finite and not negative, got {found[k]} at step {first + k}"
        )
    return found


def _rate(rate: Any) -> float:
    return positive_number("learning_rate", rate, at_most=1e300)


def _cosine(s: Schedule, t: Floats) -> Floats:
    part = np.minimum(t / s.every, 1.0)
    found: Floats = s.factor + 0.5 * (s.rate - s.factor) * (1.0 + np.cos(np.pi * part))
    return found


_FORMULAS: dict[str, Callable[[Schedule, Floats], Floats]] = {
    "constant": lambda s, t: np.full(t.shape, s.rate),
    "step": lambda s, t: s.rate * s.factor ** np.floor(t / s.every),
    "cosine": _cosine,
    "inverse": lambda s, t: s.rate / (1.0 + s.factor * t),
    "warm-up": lambda s, t: np.minimum((t + 1.0) / s.every, 1.0) * s.after(t),
}
