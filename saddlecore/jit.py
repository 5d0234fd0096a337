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
``entry``
    A kernel that is not kept on disk.
``c_function``
    A function with an address, for kernels that call by address (`saddlecore.forms`); cached on
    disk like a kernel.
``sampler``
    A user's sampler of random matrices, or what calls it; like the next, but bits are owed.
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
import threading
from pathlib import Path

from numba import njit
from numba.core import types
from numba.core.caching import FunctionCache, IndexDataCacheFile
from numba.core.ccallback import CFunc
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import AnalysisPass, register_pass
from numba.core.typed_passes import IRLegalization

from saddlecore import vecmath

__all__ = [
    "METHODS", "allocating", "c_function", "device", "entry", "kernel", "sampler", "users",
]  # fmt: skip

_OPTIONS = {"error_model": "numpy", "boundscheck": False, "fastmath": False}
# What nobody calls from Python needs no wrappers, a large part of the time of compiling.
# A user's function owes no bits to anybody: products and sums may be contracted.
_UNWRAPPED = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
#: Methods of types that user's functions see.
METHODS = _OPTIONS | _UNWRAPPED | {"nogil": True, "forceinline": False, "_nrt": True}
# What fills a matrix of any size may forget the smallest: an IndexError is better than a crash.
_SAMPLERS = _OPTIONS | _UNWRAPPED | {"nogil": True, "boundscheck": True}
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


_COMPILING = threading.RLock()


class _Ingredient(JITCodeLibrary):
    """LLVM code to be linked into kernels: neither optimised nor made machine code by itself.

    Numba does both at every level of nested calls, half of the time of compiling a kernel.
    """

    def _optimize_final_module(self):
        pass

    def _finalize_final_module(self):
        self._finalize_dynamic_globals()
        self._finalized = True

    @property
    def codegen(self):
        # Numba would enter the function's Python objects in machine code that there is not;
        # kernels have none.
        return _NoEnvironment


class _NoEnvironment:
    """A code generator that has nowhere to enter a function's Python objects."""

    @staticmethod
    def set_env(name, environment):
        pass


@register_pass(mutates_CFG=False, analysis_only=True)
class _MakeIngredient(AnalysisPass):
    _name = "saddlecore_make_ingredient"

    def __init__(self):
        super().__init__()

    def run_pass(self, state):
        state.library = _Ingredient(state.targetctx.codegen(), state.func_id.func_qualname)
        return False


class _IngredientCompiler(CompilerBase):
    def define_pipelines(self):
        passes = DefaultPassBuilder.define_nopython_pipeline(self.state)
        passes.add_pass_after(_MakeIngredient, IRLegalization)
        passes.finalize()
        return [passes]


_INGREDIENT = {"pipeline_class": _IngredientCompiler, "nogil": True} | _OPTIONS | _UNWRAPPED


def device(function):
    """Compile `function` into the kernels that call it."""
    return _for_kernels_only(njit(forceinline=True, _nrt=False, **_INGREDIENT)(function))


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
    return _for_kernels_only(njit(forceinline=False, _nrt=True, **_INGREDIENT)(function))


def entry(function):
    """Compile `function` in this process, for calls from Python."""
    return njit(nogil=True, forceinline=False, _nrt=True, **_OPTIONS)(function)


def kernel(function):
    """Compile `function` as an entry point of the engine, cached on disk."""
    dispatcher = entry(function)
    with contextlib.suppress(RuntimeError):  # no folder to write to: compile anew in each process
        dispatcher._cache = _EngineCache(function)
    return dispatcher


def users(function):
    """Compile a user's function, or what calls it."""
    return _for_kernels_only(njit(**_USERS)(function))


def sampler(function):
    """Compile a user's sampler, or what calls it."""
    return _for_kernels_only(njit(**_SAMPLERS)(function))


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

    def address():
        # Of two threads that compile at once one would be left with the address of a lost function.
        with _COMPILING:
            return compiled().address

    return address
