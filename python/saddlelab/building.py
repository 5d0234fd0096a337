"""Turning one function of the user into the engine's forms, or saying why that is not possible."""

from __future__ import annotations

import inspect
import re
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import saddlecore
from saddlelab.callback import Callback

__all__ = ["Built", "build", "build_callback", "build_foreign", "check_arguments", "is_foreign",
           "kind_of", "plain", "reason"]  # fmt: skip


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
    why = _not_plain(function) or _unfit(args)
    if why is None:
        try:
            one, lanes = saddlecore.compile.compile_both(plain(function), kind, args)
        except Exception as error:  # Numba raises whatever its passes do
            why = reason(error)
    if why is not None:
        return build_callback(function, kind, args, why)
    if isinstance(lanes, Exception):
        return Built(one, None, "compiled", f"no: {reason(lanes)}", args)
    return Built(one, lanes, "compiled", "compiled", args)


def build_callback(function: Any, kind: str, args: tuple[Any, ...], why: str) -> Built:
    """Wrap a function that is not compiled, which ``why`` explains."""
    return Built(Callback(function, kind, args), None, f"Python callback: {why}", "no: a callback")


def plain(function: Any) -> Any:
    """The plain Python function within one decorated with ``njit``."""
    return getattr(function, "py_func", function)


def _not_plain(function: Any) -> str | None:
    """Why Numba need not be asked, if so."""
    if isinstance(plain(function), types.FunctionType):
        return None
    return f"it is not a plain function but {type(function).__name__}"


def _unfit(args: tuple[Any, ...]) -> str | None:
    """Why arguments are not compiled in, if so: numbers in them could change unseen."""
    for arg in args:
        if _holds_more(arg):
            return f"`args` holds a {type(arg).__name__}, not only arrays and numbers"
    return None


def _holds_more(arg: Any) -> bool:
    if isinstance(arg, tuple):
        return any(isinstance(part, np.ndarray) or _holds_more(part) for part in arg)
    return isinstance(arg, list | dict | set)


_LINE = re.compile(r'File "([^"]*)", line (\d+)')
_MISSING = re.compile(r"No implementation of function (.*?) found for signature:\s*>>> (.*)")
_RETURNED = re.compile(r"setitem\(array\(.*?\), Literal\[int\]\(0\), (.*)\)")
_UNCOMPILED = re.compile(r"Untyped global name '(.*?)':.*of <class 'function'>")


def reason(error: BaseException) -> str:
    """One line of the pages that Numba writes."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
    # The innermost line of the user's own comes first; the outermost is always ours.
    lines = [at for at in _LINE.findall(text) if at[1] != "0" and not _is_a_library(at[0])]
    where = f" (line {lines[0][1]} of {lines[0][0]})" if lines else ""
    if "bool(Lanes" in text or re.search(r"unary.*not.*Lanes|cannot .*Lanes\(bool.*bool", text):
        return f"it branches on a value{where}"
    missing, uncompiled = _MISSING.search(text), _UNCOMPILED.search(text)
    returned = _RETURNED.match(missing[2]) if missing and not where else None
    if returned:
        return f"it returns no number but {_readable(returned[1])}"
    if uncompiled:
        return f"it calls {uncompiled[1]}, which is not decorated with numba.njit{where}"
    if missing:
        return f"no compiled form of {_readable(missing[2].strip())}{where}"
    first = [line.strip() for line in text.splitlines() if line.strip() and "Failed in" not in line]
    return f"{_readable(first[0]) if first else type(error).__name__}{where}"


def _is_a_library(file: str) -> bool:
    """Whether a file is one whose lines say nothing to the user."""
    import numba

    folders = (Path(module.__file__).parent for module in (saddlecore, numba))
    return any(Path(file).resolve().is_relative_to(folder) for folder in folders)


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
    "length first": re.compile(
        r"^double ?\((int|long|npy_intp|intptr_t), ?double ?\*(, ?void ?\*)?\)$"
        r"|^\(u?int(32|64), float64\*(, (void|none|int\d+)\*)?\) -> float64$"
    ),
    "point first": re.compile(
        r"^double ?\(double ?\*, ?(int|long|npy_intp|intptr_t)\)$"
        r"|^\(float64\*, u?int(32|64)\) -> float64$"
    ),
}


def _order(signature: str) -> str:
    for order, pattern in _SIGNATURES.items():
        if pattern.match(signature):
            return order
    raise TypeError(
        "`fun` must have the C signature double (int, double *), with or without a void * after "
        f"them, or double (double *, int), got {signature!r}"
    )


# --- arguments -----------------------------------------------------------------------------------


def kind_of(what: str, function: Any, inputs: int, args: tuple[Any, ...]) -> str:
    """How a derivative that was given is called, for the compiler; "" if none was."""
    if function is None:
        return ""
    if not callable(function):
        raise TypeError(f"`{what}` must be a function, got {function!r}")
    count = inputs + len(args)
    returns, fills = accepts(function, count), accepts(function, count + 1)
    if not (returns or fills):
        wanted = "(x) or (x, out)" if inputs == 1 else "(x, v) or (x, v, out)"
        raise TypeError(_wrong_arguments(what, wanted, function, args))
    if returns and fills:
        fills = _named_out(function, inputs)
    kind = "fills" if fills else "returns"
    return kind if inputs == 1 else f"hvp {kind}"


def check_arguments(function: Any, args: tuple[Any, ...]) -> None:
    """Raise TypeError unless ``function`` can be called with x and args."""
    if not accepts(function, 1 + len(args)):
        raise TypeError(_wrong_arguments("fun", "(x)", function, args))


def accepts(function: Any, count: int) -> bool:
    """Whether ``function`` takes that many positional arguments; True if that cannot be told."""
    signature = _signature(function)
    try:
        if signature is not None:
            signature.bind(*[None] * count)
    except TypeError:
        return False
    return True


def _signature(function: Any) -> inspect.Signature | None:
    try:
        return inspect.signature(plain(function))
    except (TypeError, ValueError):
        return None


def _named_out(function: Any, at: int) -> bool:
    """Whether an argument is called "out" and has to be given."""
    signature = _signature(function)
    parameters = [] if signature is None else list(signature.parameters.values())
    found = parameters[at : at + 1]
    return any(p.name == "out" and p.default is p.empty for p in found)


def _wrong_arguments(what: str, wanted: str, function: Any, args: tuple[Any, ...]) -> str:
    return (
        f"`{what}` must take {wanted} and then what is in `args` ({len(args)} here), it takes "
        f"{_signature(function)}"
    )
