"""A digest of a function's code: what it says, not how it is laid out or commented."""

from __future__ import annotations

import ast
import functools
import inspect
import textwrap
import types
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

import numpy as np


def digest(function: Any) -> str:
    """Return 16 hexadecimal digits of the code of ``function`` and of all that it refers to.

    The functions it calls, numbers, texts and arrays among its globals, defaults and the closure
    are a part of it; modules are by name, other objects by their type.
    """
    found = blake2b(digest_size=8)
    for part in _parts(function, {}):
        found.update(part.encode() + b"\0")
    return found.hexdigest()


def _parts(value: Any, seen: dict[int, Any]) -> Iterator[str]:
    value = getattr(value, "py_func", value)
    if isinstance(value, bool | int | float | complex | str | bytes | None):
        yield f"{type(value).__name__} {value!r}"
    elif isinstance(value, np.generic | np.ndarray):
        array = np.asarray(value)
        yield f"array {array.dtype.str} {array.shape} {array.tobytes().hex()}"
    elif isinstance(value, types.ModuleType):
        yield f"module {value.__name__}"
    elif id(value) in seen:
        yield "again"
    else:
        seen[id(value)] = value  # kept: the number of a lost object would come again
        yield from _parts_of_object(value, seen)


def _parts_of_object(value: Any, seen: dict[int, Any]) -> Iterator[str]:
    if isinstance(value, types.FunctionType):
        yield from _parts_of_function(value, seen)
    elif isinstance(value, functools.partial):
        yield from _parts((value.func, value.args, value.keywords), seen)
    elif isinstance(value, types.MethodType):
        yield from _parts((value.__func__, value.__self__), seen)
    elif isinstance(value, tuple | list):
        yield f"{type(value).__name__} {len(value)}"
        for part in value:
            yield from _parts(part, seen)
    elif isinstance(value, dict):
        for key in sorted(value, key=repr):
            yield repr(key)
            yield from _parts(value[key], seen)
    else:
        kind = type(value)
        yield f"{kind.__module__}.{kind.__qualname__}"
        call = vars(kind).get("__call__")
        if isinstance(call, types.FunctionType):
            yield from _parts(call, seen)
            yield from _parts(getattr(value, "__dict__", {}), seen)


def _parts_of_function(function: types.FunctionType, seen: dict[int, Any]) -> Iterator[str]:
    yield _code(function)
    yield from _parts(function.__defaults__ or (), seen)
    yield from _parts(function.__kwdefaults__ or {}, seen)
    found = inspect.getclosurevars(function)
    for names in (found.nonlocals, found.globals):
        for name in sorted(names):
            yield name
            yield from _parts(names[name], seen)


def _code(function: types.FunctionType) -> str:
    """The syntax tree of a function, or where there is no source its bytecode."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
        if isinstance(tree.body[0], ast.FunctionDef):
            return ast.dump(tree)
    except (OSError, TypeError, SyntaxError):
        pass
    return _bytecode(function.__code__)


def _bytecode(code: types.CodeType) -> str:
    inner = (_bytecode(c) if isinstance(c, types.CodeType) else repr(c) for c in code.co_consts)
    return f"{code.co_code.hex()} {code.co_names} {code.co_varnames} {' '.join(inner)}"
