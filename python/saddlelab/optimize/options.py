"""Checks of the methods' options."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from saddlelab.arguments import finite_number, positive_integer, positive_number

__all__ = ["checked"]


def checked(name: str, value: Any) -> Any:
    """Return an option's value as the engine wants it, or say the rule that it breaks."""
    return _CHECKS[name](name, value)


def _not_negative(name: str, value: Any) -> float:
    number = finite_number(name, value)
    if number < 0.0:
        raise ValueError(f"`{name}` must not be negative, got {value!r}")
    return number


def _fraction(name: str, value: Any) -> float:
    number = finite_number(name, value)
    if not 0.0 <= number < 1.0:
        raise ValueError(f"`{name}` must be at least 0 and below 1, got {value!r}")
    return number


def _pair(name: str, value: Any) -> tuple[float, float]:
    if isinstance(value, str) or np.ndim(value) != 1 or len(value) != 2:
        raise ValueError(f"`{name}` must be two numbers, got {value!r}")
    return _fraction(f"{name}[0]", value[0]), _fraction(f"{name}[1]", value[1])


def _truth(name: str, value: Any) -> bool:
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"`{name}` must be True or False, got {value!r}")
    return bool(value)


def _limit(name: str, value: Any) -> float:
    return 0.0 if value is None else positive_number(name, value, at_most=1e300)


def _positive(name: str, value: Any) -> float:
    return positive_number(name, value, at_most=1e300)


def _count(name: str, value: Any) -> int:
    return positive_integer(name, value, at_most=2**31)


def _count_or_none(name: str, value: Any) -> int | None:
    if value is None:
        return None
    return positive_integer(name, value, at_most=2**31, or_none=" or None")


_CHECKS: dict[str, Callable[[str, Any], Any]] = {
    "alpha": _fraction,
    "amsgrad": _truth,
    "batch_size": _count_or_none,
    "betas": _pair,
    "centered": _truth,
    "clip_norm": _limit,
    "clip_value": _limit,
    "dampening": _fraction,
    "decoupled_weight_decay": _truth,
    "eps": _not_negative,
    "eps_inside": _truth,
    "fall": _not_negative,
    "initial_accumulator_value": _not_negative,
    "look_ahead": _truth,
    "lr_decay": _not_negative,
    "momentum": _fraction,
    "momentum_decay": _not_negative,
    "nesterov": _truth,
    "noise": _not_negative,
    "radius": _positive,
    "threshold": _positive,
    "wait": _count,
    "weight_decay": _not_negative,
}
