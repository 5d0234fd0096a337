"""Python functions that kernels call back."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Callback", "call", "name_of", "number"]

_FORM = ctypes.CFUNCTYPE(
    None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64
)

#: Numbers of a point that a message shows.
_MOST_TOLD = 100


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
        given = _copy(x, 2 * n if self._kind.startswith("hvp") else n).reshape(-1, n)
        try:
            if self._error is None:
                result[:] = call(self._function, self._kind, tuple(given), self._args)
        except BaseException as error:
            error.add_note(f"raised by `{name_of(self._function)}` at x = {told(_copy(x, n))}")
            self._error = error
        ctypes.memmove(out, result.ctypes.data, 8 * count)


def _copy(address: int, count: int) -> NDArray[np.float64]:
    return np.frombuffer(bytearray(ctypes.string_at(address, 8 * count)), np.float64)


def call(
    function: Callable[..., Any],
    kind: str,
    points: tuple[NDArray[np.float64], ...],
    args: tuple[Any, ...],
) -> NDArray[np.float64]:
    """Call a function as ``kind`` says; returns its numbers, (1,) or (n,).

    Raises TypeError or ValueError if it does not give as many.
    """
    if kind == "value":
        return np.array([number(function(*points, *args))])
    what, n = "hvp" if kind.startswith("hvp") else "gradient", len(points[0])
    if kind.endswith("fills"):
        out = np.full(n, np.nan)
        function(*points, out, *args)
        return out
    found = function(*points, *args)
    given = np.asarray(found)
    if given.shape != (n,):
        told = f"an array of shape {given.shape}" if given.ndim else repr(found)
        raise ValueError(f"`{what}` must return an array of shape ({n},), it returned {told}")
    if given.dtype.kind not in "biuf":
        raise TypeError(f"`{what}` must return real numbers, it returned dtype {given.dtype}")
    return given.astype(np.float64)


def number(value: Any) -> float:
    """Return what a function gave as a float; raise TypeError unless it is one number."""
    if isinstance(value, str | complex | np.complexfloating):  # which float() would take
        raise TypeError(f"`fun` must return a number, it returned {value!r}")
    shape = np.shape(value)
    if shape and np.prod(shape) != 1:
        raise TypeError(f"`fun` must return a number, it returned an array of shape {shape}")
    try:
        return float(value.item() if shape else value)
    except (TypeError, ValueError):
        raise TypeError(f"`fun` must return a number, it returned {value!r}") from None


def told(x: NDArray[np.float64]) -> str:
    """A point in words: of a model's millions of parameters the first few."""
    if len(x) <= _MOST_TOLD:
        return str(x.tolist())
    return f"[{', '.join(map(repr, x[:3].tolist()))}, …], {len(x)} numbers"


def name_of(function: Any) -> str:
    """What the user calls a function."""
    return getattr(function, "__name__", type(function).__name__)
