"""Vector math for users' functions: the engine's own symbols, bound to glibc's libmvec.

Kernels call only symbols named ``saddlecore_<function><lanes>``.  They are registered with LLVM
when the engine is imported, before any cached kernel is loaded (a cached kernel that names an
unregistered symbol ends the process), and bound to libmvec's 8-lane AVX-512 and 4-lane AVX2
functions (at most 4 ulp).  Where libmvec is missing (musl, macOS, other processors) the lanes go
one by one through the C library.

The random streams do not use this module: they need the same bits on every machine.
"""

import ctypes
import functools
import platform

import llvmlite.binding as llvm

__all__ = ["FUNCTIONS", "FUNCTIONS_OF_TWO", "binding", "libmvec_path", "register"]

FUNCTIONS = ("exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "asin", "acos", "atan",
             "expm1", "log1p", "exp2", "log2", "log10", "erf")  # fmt: skip
FUNCTIONS_OF_TWO = ("pow", "atan2", "hypot")

# The vector ABI's names: a `v` for each argument.
_VARIANT = {8: "_ZGVeN8{}_{}", 4: "_ZGVdN4{}_{}"}


@functools.cache
def _libmvec():
    if platform.machine() not in ("x86_64", "AMD64"):
        return None
    try:
        return ctypes.CDLL("libmvec.so.1")
    except OSError:
        return None


def libmvec_path():
    """Name of the vector math library in use, or None."""
    library = _libmvec()
    return None if library is None else library._name


def _name(function, lanes):
    arguments = "vv" if function in FUNCTIONS_OF_TWO else "v"
    return _VARIANT[lanes].format(arguments, function)


@functools.cache
def available(function, lanes):
    """Whether libmvec has `function` for that many lanes."""
    library = _libmvec()
    return library is not None and hasattr(library, _name(function, lanes))


def _available():
    names = (*FUNCTIONS, *FUNCTIONS_OF_TWO)
    return [(name, lanes) for lanes in _VARIANT for name in names if available(name, lanes)]


def binding():
    """A text that changes when the set of bound functions does; part of the cache's path."""
    return " ".join(f"{name}{lanes}" for name, lanes in _available())


def symbol(function, lanes):
    """The engine's own name for a vector function."""
    return f"saddlecore_{function}{lanes}"


def register():
    """Make the engine's symbols known to LLVM.  Called once, on import."""
    for function, lanes in _available():
        callee = getattr(_libmvec(), _name(function, lanes))
        llvm.add_symbol(symbol(function, lanes), ctypes.cast(callee, ctypes.c_void_p).value)


register()
