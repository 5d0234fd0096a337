"""How a temperature falls, and the lengths of proposals with it."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from saddlelab.arguments import finite_float, one_of

__all__ = ["SCHEDULES", "SHRINKING", "factors", "temperatures"]

Floats: TypeAlias = NDArray[np.float64]

SCHEDULES = ("geometric", "linear", "logarithmic", "constant")
SHRINKING = ("root", "temperature", "constant")
#: Where a schedule ends beside where it began.
_END = 1e-8


def temperatures(schedule: Any, steps: int, first: float, final: Any) -> Floats:
    """Temperatures of all steps, (steps,).

    ``schedule`` is one of `SCHEDULES`, or the temperatures themselves.
    """
    if not isinstance(schedule, str) and np.iterable(schedule):
        return _given(schedule, steps)
    schedule = one_of("schedule", schedule, SCHEDULES)
    if final is not None and schedule in ("logarithmic", "constant"):
        raise ValueError(f"`final_temperature` must be None with schedule={schedule!r}, "
                         f"got {final!r}")  # fmt: skip
    last = _END * first if final is None else _final(final, first, schedule)
    t = np.arange(steps)
    share = t / max(steps - 1, 1)
    found: Floats
    if schedule == "geometric":
        found = first * (last / first) ** share
    elif schedule == "linear":
        found = first * (1.0 - share) + last * share
    elif schedule == "logarithmic":
        # c / ln(2 + t): the slope that Geman & Geman (1984) need, who prove that it suffices.
        found = first * math.log(2.0) / np.log(2.0 + t)
    else:
        found = np.full(steps, first)
    return found


def _given(schedule: Any, steps: int) -> Floats:
    found = np.array(schedule, dtype=np.float64, order="C")
    if found.shape != (steps,):
        raise ValueError(f"`schedule` must hold a temperature for each of {steps} steps, got shape "
                         f"{found.shape}")  # fmt: skip
    wrong = np.flatnonzero(~(np.isfinite(found) & (found >= 0.0)))
    if len(wrong):
        k = int(wrong[0])
        raise ValueError("`schedule` must hold finite temperatures that are not negative, but "
                         f"schedule[{k}] = {found[k]}")  # fmt: skip
    return found


def _final(final: Any, first: float, schedule: str) -> float:
    least = "positive" if schedule == "geometric" else "at least 0"
    rule = f"`final_temperature` must be {least} and at most the first, {first:g}"
    number = finite_float(rule, final)
    if not 0.0 <= number <= first or (number == 0.0 and schedule == "geometric"):
        raise ValueError(f"{rule}, got {final!r}")
    return number


def factors(shrink: Any, temperature: Floats) -> Floats:
    """What proposals are multiplied by at each step, (steps,): 1 at the highest temperature."""
    shrink = one_of("shrink", shrink, SHRINKING)
    highest = temperature.max()
    if shrink == "constant" or highest == 0.0:
        return np.ones_like(temperature)
    share: Floats = temperature / highest
    return np.sqrt(share) if shrink == "root" else share
