"""Python functions that kernels call back."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["Callback", "number"]

_FORM = ctypes.CFUNCTYPE(
    None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64
)


class Callback:
    """A Python function as a form of the engine, see ``saddlecore.forms``.

    C cannot carry an exception through: the first one is kept, NaN is written, and `reraise`
    raises it when the kernel has returned.
    """

    data = 0

    def __init__(self, function: Callable[..., Any], kind: str, args: tuple[Any, ...]) -> None:
        """Wrap ``function``; ``kind`` is one of ``saddlecore.compile.compile_function``."""
        self._function, self._kind, self._args = function, kind, args
        self._error: BaseException | None = None
        self._form = _FORM(self._run)
        address = ctypes.cast(self._form, ctypes.c_void_p).value
        assert address is not None
        self.address: int = address

    def reraise(self) -> None:
        """Raise what the function raised, the point added to it."""
        error, self._error = self._error, None
        if error is not None:
            raise error

    def _run(self, x: int, n: int, out: int, _data: int) -> None:
        count = 1 if self._kind == "value" else n
        result = np.full(count, np.nan)
        # A copy of its own for the function: what it does to its input stays with it.
        given = np.frombuffer(bytearray(ctypes.string_at(x, 8 * self._inputs(n))), np.float64)
        try:
            if self._error is None:
                self._call(given, n, result)
        except BaseException as error:
            error.add_note(f"raised by `{_name(self._function)}` at x = {given[:n].tolist()}")
            self._error = error
        ctypes.memmove(out, result.ctypes.data, 8 * count)

    def _inputs(self, n: int) -> int:
        return 2 * n if self._kind.startswith("hvp") else n

    def _call(self, given: Any, n: int, result: Any) -> None:
        points = (given[:n], given[n:]) if self._kind.startswith("hvp") else (given,)
        if self._kind.endswith("fills"):
            self._function(*points, result, *self._args)
        elif self._kind == "value":
            result[0] = number(self._function(*points, *self._args))
        else:
            result[:] = self._function(*points, *self._args)


def number(value: Any) -> float:
    """Return what a function gave as a float; raise TypeError unless it is one number."""
    shape = np.shape(value)
    if shape and np.prod(shape) != 1:
        raise TypeError(f"`fun` must return a number, it returned an array of shape {shape}")
    try:
        return float(value.item() if shape else value)
    except (TypeError, ValueError):
        raise TypeError(f"`fun` must return a number, it returned {value!r}") from None


def _name(function: Any) -> str:
    return getattr(function, "__name__", type(function).__name__)
