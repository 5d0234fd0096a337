"""Checks of a study's arguments: the right type and range, or an error that says what to pass."""

from __future__ import annotations

import difflib
import math
import operator
import os
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np

#: Samples are numbered with int64, rows of a matrix with the 32-bit word of the random stream.
MAX_SAMPLES = 2**63 - 1
MAX_DIM = 2**31 - 1


def positive_integer(name: str, value: Any, *, at_most: int, or_none: str = "") -> int:
    """Return ``value`` as an int in 1 … ``at_most``; ``or_none`` completes the rule's text."""
    if type(value) is int and 1 <= value <= at_most:
        return value  # the rest is for what has to be refused or converted
    rule = f"`{name}` must be a positive integer{or_none}"
    # True is an integer to Python, never to the person who passed it as a size.
    if isinstance(value, bool | np.bool_):
        raise TypeError(f"{rule}, got {value!r}")
    try:
        number = operator.index(value)
    except TypeError:
        error = ValueError if isinstance(value, float | np.floating) else TypeError
        raise error(f"{rule}, got {value!r}") from None
    if number < 1:
        raise ValueError(f"{rule}, got {number}")
    if number > at_most:
        raise ValueError(f"`{name}` must be at most {at_most}, got {number}")
    return number


def finite_number(name: str, value: Any) -> float:
    """Return ``value`` as a finite float."""
    return finite_float(f"`{name}` must be a finite number", value)


def positive_number(
    name: str, value: Any, *, at_most: float, at_least: float | None = None
) -> float:
    """Return ``value`` as a float that is positive (``at_least`` that much) and ``at_most``."""
    lower = f", at least {at_least:g}" if at_least is not None else ""
    rule = f"`{name}` must be positive{lower} and at most {at_most:g}"
    number = finite_float(rule, value)
    if not (at_least or 0.0) <= number <= at_most or number == 0.0:
        raise ValueError(f"{rule}, got {value!r}")
    return number


def finite_float(rule: str, value: Any) -> float:
    """Return ``value`` as a finite float, or say the rule."""
    # float() would also take text, and True is no number to the person who passed it.
    if isinstance(value, bool | np.bool_ | str | bytes):
        raise TypeError(f"{rule}, got {value!r}")
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{rule}, got {value!r}") from None
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"{rule}, got {value!r}")
    return number + 0.0  # -0.0 is 0.0: equal numbers make one specification


def one_of(name: str, value: Any, known: tuple[str, ...]) -> str:
    """Return ``value``, in lower case, if it is one of the ``known`` words."""
    rule = f"`{name}` must be one of {', '.join(known)}"
    if not isinstance(value, str):
        raise TypeError(f"{rule}, got {value!r}")
    if value.lower() not in known:
        near = difflib.get_close_matches(value.lower(), known, 1)
        hint = f": did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"{rule}, got {value!r}{hint}")
    return value.lower()


def dimensions(dims: Any) -> tuple[int, ...]:
    """Return ``dims`` (an integer or several) as distinct positive ints in increasing order."""
    if isinstance(dims, str | bytes):
        raise TypeError(f"`dims` must be positive integers, got {dims!r}")
    given: Iterable[Any] = dims if np.iterable(dims) else (dims,)
    found = sorted(positive_integer("dims", n, at_most=MAX_DIM) for n in given)
    if not found:
        raise ValueError("`dims` must hold at least one dimension, got none")
    twice = [n for n, after in pairwise(found) if n == after]
    if twice:
        raise ValueError(f"`dims` must not repeat a dimension, got {twice[0]} more than once")
    return tuple(found)


def worker_count(workers: Any) -> int:
    """Return the number of workers; None means all cores this process may use."""
    if workers is not None:
        return positive_integer("workers", workers, at_most=2**16, or_none=" or None (all cores)")
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
