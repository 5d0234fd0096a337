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

__all__ = ["FUNCTIONS", "binding", "libmvec_path", "register"]

FUNCTIONS = ("exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "asin", "acos", "atan",
             "expm1", "log1p", "exp2", "log2", "log10", "erf")  # fmt: skip

_VARIANT = {8: "_ZGVeN8v_{}", 4: "_ZGVdN4v_{}"}


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


@functools.cache
def available(function, lanes):
    """Whether libmvec has `function` for that many lanes."""
    library = _libmvec()
    return library is not None and hasattr(library, _VARIANT[lanes].format(function))


def binding():
    """A text that changes when the set of bound functions does; part of the cache's path."""
    return " ".join(f"{name}{k}" for k in _VARIANT for name in FUNCTIONS if available(name, k))


def symbol(function, lanes):
    """The engine's own name for a vector function."""
    return f"saddlecore_{function}{lanes}"


def register():
    """Make the engine's symbols known to LLVM.  Called once, on import."""
    for lanes, pattern in _VARIANT.items():
        for function in FUNCTIONS:
            if available(function, lanes):
                callee = getattr(_libmvec(), pattern.format(function))
                address = ctypes.cast(callee, ctypes.c_void_p).value
                llvm.add_symbol(symbol(function, lanes), address)


register()
