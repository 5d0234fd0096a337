"""The engine's decorators: every compilation option is decided in this file.

``kernel``
    An entry point: called from Python with arrays and numbers, or from the user's own
    ``@njit`` code.  Releases the GIL, never raises, is cached on disk.
``device``
    A function that kernels call.  LLVM is told to inline it.  It allocates nothing, and so needs no
    counting of references to its arrays: atomic instructions that once took half of the time of a
    5 × 5 inertia.
``allocating``
    A device function that makes arrays, or a rare path that is better not inlined.
``c_function``
    A function with an address, for kernels that call by address (`saddlecore.forms`); cached on
    disk like a kernel.
``users``
    A function of the user: compiled in this process, for kernels that call it by address.

All but the last forbid fast-math: the streams promise the same bits on every machine and Sturm
counts must be monotone in the shift (Demmel, Dhillon & Ren 1995).  Where fused multiply-adds are
wanted they are written, ``lanes.fma``.

Numba's disk cache notices an edit of the file a kernel stands in, not one of the files that it
calls (numba issue 1833).  The kernels' cache therefore lives in a folder named by a digest of
all of the engine's sources and of the vector math library it was bound to.
"""

import contextlib
import functools
import hashlib
import os
from pathlib import Path

from numba import njit
from numba.core import types
from numba.core.caching import FunctionCache, IndexDataCacheFile
from numba.core.ccallback import CFunc

from saddlecore import vecmath

__all__ = ["allocating", "c_function", "device", "kernel", "users"]

_OPTIONS = {"error_model": "numpy", "boundscheck": False, "fastmath": False}
# What nobody calls from Python needs no wrappers, a large part of the time of compiling.
# A user's function owes no bits to anybody: products and sums may be contracted.
_UNWRAPPED = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
_USERS = _OPTIONS | _UNWRAPPED | {"fastmath": {"contract"}, "nogil": True}


def _digest() -> str:
    digest = hashlib.blake2b(vecmath.binding().encode(), digest_size=8)
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()


_DIGEST = _digest()


class _EngineCache(FunctionCache):
    """Numba's function cache, in a folder of its own for each state of the engine."""

    def __init__(self, function):
        super().__init__(function)
        self._cache_path = os.path.join(self._cache_path, f"saddlecore-{_DIGEST}")
        self._cache_file = IndexDataCacheFile(
            cache_path=self._cache_path,
            filename_base=self._impl.filename_base,
            source_stamp=(_DIGEST, self._impl.locator.get_source_stamp()),
        )

    def save_overload(self, sig, data):
        os.makedirs(self._cache_path, exist_ok=True)
        super().save_overload(sig, data)


def device(function):
    """Compile `function` into the kernels that call it."""
    dispatcher = njit(nogil=True, forceinline=True, _nrt=False, **_UNWRAPPED, **_OPTIONS)(function)
    return _for_kernels_only(dispatcher)


def _for_kernels_only(dispatcher):
    """Python calls of a function without wrappers raise: Numba would jump to address 0."""

    def refuse(*args, **kwargs):
        name = dispatcher.__name__
        raise TypeError(f"{name} has no Python wrapper: call it from an @njit function")

    dispatcher._insert = lambda *entry: None  # no signature that Python's calls could find
    dispatcher._compile_for_args = refuse
    return dispatcher


def allocating(function):
    """Compile `function` for kernels that call it rarely, or once."""
    # Said, not left out: a function compiled on behalf of a device function inherits its flags.
    return njit(nogil=True, forceinline=False, _nrt=True, **_OPTIONS)(function)


def kernel(function):
    """Compile `function` as an entry point of the engine, cached on disk."""
    dispatcher = allocating(function)
    with contextlib.suppress(RuntimeError):  # no folder to write to: compile anew in each process
        dispatcher._cache = _EngineCache(function)
    return dispatcher


def users(function):
    """Compile a user's function, or what calls it."""
    return _for_kernels_only(njit(**_USERS)(function))


def c_function(function):
    """Give `function` an address: a function without arguments that compiles it when it is called.

    It takes (const double *x, int64 n, double *out, int64 data).
    """
    numbers = types.CPointer(types.float64)
    form = ((numbers, types.int64, numbers, types.int64), types.void)

    @functools.cache
    def compiled():
        made = CFunc(function, form, {}, _OPTIONS | {"nogil": True})
        with contextlib.suppress(RuntimeError):
            made._cache = _EngineCache(function)
        made.compile()
        return made

    return lambda: compiled().address
