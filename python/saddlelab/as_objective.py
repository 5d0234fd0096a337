"""Bare functions as objectives, each compiled once."""

from __future__ import annotations

import dis
import functools
import threading
from types import CodeType, FunctionType
from typing import Any

from saddlelab.building import plain
from saddlelab.objective import Objective, objective

__all__ = ["as_objective"]


def as_objective(f: Any) -> Objective:
    """Return ``f`` itself if it is an objective; else what `objective` makes of it, once."""
    if isinstance(f, Objective):
        return f
    try:
        hash(f)
    except TypeError:
        return objective(f)
    outside = _outside(f)
    with _lock:
        made = _remembered(f, *map(_key, outside))
        made.outside = outside  # as long as these live, no other object has their identity
    made.build()
    return made


_lock = threading.Lock()


@functools.lru_cache(maxsize=256)
def _remembered(f: Any, *_outside: int | float) -> Objective:
    return Objective(f)


def _outside(f: Any) -> tuple[Any, ...]:
    """What a function refers to: it is compiled with the numbers and arrays of that moment."""
    function = plain(f)
    if not isinstance(function, FunctionType):
        return ()
    found = map(function.__globals__.get, _global_names(function.__code__))
    return (*found, *[cell.cell_contents for cell in function.__closure__ or ()])


@functools.lru_cache(maxsize=256)
def _global_names(code: CodeType) -> tuple[str, ...]:
    return tuple({i.argval for i in dis.get_instructions(code) if i.opname == "LOAD_GLOBAL"})


def _key(value: Any) -> int | float:
    return value if isinstance(value, int | float) else id(value)
