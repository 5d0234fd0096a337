"""Turning one function of the user into the engine's forms, or saying why that is not possible."""

from __future__ import annotations

import inspect
import re
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import saddlecore
from saddlelab.callback import Callback

__all__ = ["Built", "build", "build_foreign", "is_foreign", "reason"]


@dataclass(frozen=True, slots=True)
class Built:
    """A function's forms: in plain numbers and, where that was possible, in lanes.

    ``how`` and ``lanes`` say in words what they are; ``keep`` is what must stay alive.
    """

    plain: Any
    in_lanes: Any
    how: str
    lanes: str
    keep: Any = None

    @property
    def callback(self) -> Callback | None:
        """The callback, if that is what it runs through."""
        return self.plain if isinstance(self.plain, Callback) else None


def build(function: Any, kind: str, args: tuple[Any, ...]) -> Built:
    """Compile ``function`` for plain numbers and for lanes; wrap what cannot be compiled."""
    why = _not_plain(function)
    if why is None:
        try:
            plain = saddlecore.compile.compile_function(function, kind, 1, args)
        except Exception as error:  # Numba raises whatever its passes do
            why = reason(error)
    if why is not None:
        return Built(Callback(function, kind, args), None, f"Python callback: {why}", "no: a callback")
    try:
        lanes = saddlecore.compile.compile_function(function, kind, saddlecore.forms.LANES, args)
    except Exception as error:
        return Built(plain, None, "compiled", f"no: {reason(error)}", args)
    return Built(plain, lanes, "compiled", "compiled", args)


def _not_plain(function: Any) -> str | None:
    """Why Numba need not be asked, if so."""
    plain = getattr(function, "py_func", function)
    if isinstance(plain, types.FunctionType):
        return None
    return f"it is not a plain function but {type(function).__name__}"


_LINE = re.compile(r'File "([^"]*)", line (\d+)')
_MISSING = re.compile(r"No implementation of function (.*?) found for signature:\s*>>> (.*)")


def reason(error: BaseException) -> str:
    """One line of the pages that Numba writes."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
    # The innermost line of the user's own comes first; the outermost is always ours.
    lines = [at for at in _LINE.findall(text) if "saddlecore" not in at[0] and at[1] != "0"]
    where = f" (line {lines[0][1]} of {lines[0][0]})" if lines else ""
    if "bool(Lanes" in text or re.search(r"unary.*not.*Lanes|cannot .*Lanes\(bool.*bool", text):
        return f"it branches on a value{where}"
    missing = _MISSING.search(text)
    if missing:
        return f"no compiled form of {_readable(missing[2].strip())}{where}"
    first = [line.strip() for line in text.splitlines() if line.strip() and "Failed in" not in line]
    return f"{_readable(first[0]) if first else type(error).__name__}{where}"


def _readable(text: str) -> str:
    text = re.sub(r"Lanes\(float64, \d+\)", "lanes", text).replace("Lanes(bool, 8)", "mask")
    return text if len(text) < 200 else text[:197] + "…"


# --- functions that are compiled already ---------------------------------------------------------


def is_foreign(function: Any) -> bool:
    """Whether ``function`` is a C function: a LowLevelCallable or a Numba cfunc."""
    return _low_level(function) or type(function).__name__ == "CFunc"


def _low_level(function: Any) -> bool:
    scipy = sys.modules.get("scipy")  # who has one has imported it
    return scipy is not None and isinstance(function, scipy.LowLevelCallable)


def build_foreign(function: Any) -> Built:
    """Make a form of a C function of a length, an array of float64 and perhaps a data pointer."""
    address, data, order = _c_function(function)
    header: NDArray[np.int64] = np.array([address, data], np.int64)
    foreign = saddlecore.foreign
    made = foreign.length_first() if order == "length first" else foreign.point_first()
    form = types.SimpleNamespace(address=made, data=header.ctypes.data)
    return Built(form, None, "C function", "no: a C function", (function, header))


def _c_function(function: Any) -> tuple[int, int, str]:
    """Address, user data and order of the arguments."""
    if not _low_level(function):
        return function.address, 0, _order(str(function._sig))
    import ctypes

    name = function.signature
    if not isinstance(name, str):
        raise TypeError(f"`fun` must be a LowLevelCallable with a signature, got {function!r}")
    pointer: Callable[..., int] = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype = ctypes.c_void_p  # type: ignore[attr-defined]
    pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]  # type: ignore[attr-defined]
    context = ctypes.pythonapi.PyCapsule_GetContext
    context.restype, context.argtypes = ctypes.c_void_p, [ctypes.py_object]
    capsule = tuple.__getitem__(function, 0)
    return pointer(capsule, name.encode()), context(capsule) or 0, _order(name)


_SIGNATURES = {
    "length first": re.compile(r"^double ?\((int|long|npy_intp|intptr_t), ?double ?\*(, ?void ?\*)?\)$"
                               r"|^\(u?int\d+, float64\*(, (void|none|int\d+)\*)?\) -> float64$"),
    "point first": re.compile(r"^double ?\(double ?\*, ?(int|long|npy_intp|intptr_t)\)$"
                              r"|^\(float64\*, u?int\d+\) -> float64$"),
}  # fmt: skip


def _order(signature: str) -> str:
    for order, pattern in _SIGNATURES.items():
        if pattern.match(signature):
            return order
    raise TypeError(
        "`fun` must have the C signature double (int, double *), with or without a void * after "
        f"them, or double (double *, int), got {signature!r}"
    )


def count_arguments(function: Any) -> int | None:
    """How many positional arguments ``function`` takes; None if that cannot be told."""
    try:
        parameters = inspect.signature(getattr(function, "py_func", function)).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return None
    return sum(
        p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) and p.default is p.empty
        for p in parameters
    )
