"""Compiling a user's function into forms that kernels call by address (see `saddlecore.forms`).

Numba's own ``cfunc`` prints an exception of the function and returns 0; what is built here
returns NaN.
"""

from typing import NamedTuple

import numba
import numpy as np
from llvmlite import ir
from numba import carray
from numba.core import cgutils, types
from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import cpu_target
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array

from saddlecore import lanearrays as _register  # noqa: F401  array operations of lanes
from saddlecore.forms import LANES, form_type
from saddlecore.jit import users
from saddlecore.lanes import Lanes

__all__ = ["Form", "compile_both", "compile_function", "plain_function", "wrap"]


class Form:
    """A compiled function; its code and its arrays live as long as this object."""

    def __init__(self, library, name, args):  # noqa: D107
        self._kept = library, args
        self.data = 0
        self.address = library.get_pointer_to_function(name)


def plain_function(function):
    """The Python function that `function` was compiled from."""
    return getattr(function, "py_func", function)


def compile_function(function, kind, width, args=()):
    """Compile `function`, for ``width`` lanes or plain numbers (1).

    `kind` says how it is called: "value" f(x) -> number, "returns" f(x) -> (n,),
    "fills" f(x, out), "hvp returns" f(x, v) -> (n,), "hvp fills" f(x, v, out); `args` follow x (and
    v).  Arrays among them are taken by address: what is written into them later counts.

    Raises Numba's errors if the function cannot be compiled so.
    """
    number = types.float64 if width == 1 else Lanes(types.float64, width)
    return compile_for(function, kind, number, args)


def compile_both(function, kind, args=()):
    """Compile `function` for plain numbers and, where its code allows, for lanes.

    Returns both forms; where there is none in lanes, Numba's error in its place.  A function that
    compiles for eight lanes is compiled for one in place of a plain number: array expressions
    are then ours, which takes a quarter of the time of compiling Numba's.
    """
    try:
        lanes = compile_function(function, kind, LANES, args)
        return compile_for(function, kind, Lanes(types.float64, 1), args), lanes
    except Exception as error:  # Numba raises whatever its passes do
        return compile_function(function, kind, 1, args), error


def compile_for(function, kind, number, args):
    """`compile_function`, for any type of number."""
    inner = users(plain_function(function))
    pointer = types.CPointer(number)
    run = users(_BODIES[kind](inner, _bind(args)))
    run.compile((pointer, types.intp, pointer))
    (result,) = run.overloads.values()
    return wrap(result, number, args, every=kind != "value")


def _value(f, bound):
    def run(x, n, out):
        carray(out, 1)[0] = f(carray(x, n), *bound())

    return run


def _returns(f, bound):
    def run(x, n, out):
        y, target = f(carray(x, n), *bound()), carray(out, n)
        if len(y) != n:
            raise ValueError
        for i in range(n):
            target[i] = y[i]

    return run


def _fills(f, bound):
    def run(x, n, out):
        f(carray(x, n), carray(out, n), *bound())

    return run


def _hvp_returns(f, bound):
    def run(x, n, out):
        both = carray(x, 2 * n)
        y, target = f(both[:n], both[n:], *bound()), carray(out, n)
        if len(y) != n:
            raise ValueError
        for i in range(n):
            target[i] = y[i]

    return run


def _hvp_fills(f, bound):
    def run(x, n, out):
        both = carray(x, 2 * n)
        f(both[:n], both[n:], carray(out, n), *bound())

    return run


_BODIES = {"value": _value, "returns": _returns, "fills": _fills, "hvp returns": _hvp_returns,
           "hvp fills": _hvp_fills}  # fmt: skip


def _bind(args):
    """A function that gives `args` to compiled code: arrays by their address, numbers by value."""
    kinds = [numba.typeof(arg) for arg in args]
    # Numba never forgets an intrinsic: it must not hold the arrays, as the form does.
    args = [_Place(arg.ctypes.data, arg.shape, arg.strides, arg.itemsize)
            if isinstance(arg, np.ndarray) else arg for arg in args]  # fmt: skip

    @intrinsic
    def bound(typingctx):
        def codegen(context, builder, sig, _):
            values = [
                _array_at(context, builder, kind, arg)
                if isinstance(kind, types.Array)
                else context.get_constant_generic(builder, kind, arg)
                for kind, arg in zip(kinds, args, strict=True)
            ]
            return context.make_tuple(builder, sig.return_type, values)

        return types.Tuple(kinds)(), codegen

    return bound


class _Place(NamedTuple):
    """Where an array lies."""

    address: int
    shape: tuple
    strides: tuple
    itemsize: int


def _array_at(context, builder, kind, place):
    number = context.get_constant
    made = context.make_array(kind)(context, builder)
    populate_array(
        made,
        data=builder.inttoptr(number(types.intp, place.address), made.data.type),
        shape=[number(types.intp, k) for k in place.shape],
        strides=[number(types.intp, k) for k in place.strides],
        itemsize=number(types.intp, place.itemsize),
        meminfo=None,
    )
    return made._getvalue()


@global_compiler_lock
def wrap(result, number, args, every):
    """The C function around compiled code; NaN in `out` (all n numbers if `every`) on failure."""
    context = cpu_target.target_context
    library = context.codegen().create_library(f"form_{result.fndesc.unique_name}")
    module = context.create_module("form")
    wrapper = ir.Function(module, form_type(), f"saddlecore_form.{result.fndesc.mangled_name}")
    # Where lanes are kept on the stack while a function is called, a store that straddles two cache
    # lines costs more than the call.  (llvmlite forgets an alignment that is the only attribute.)
    wrapper.attributes.add("nounwind")
    wrapper.attributes.alignstack = 64
    builder = ir.IRBuilder(wrapper.append_basic_block("entry"))
    callee = context.declare_function(module, result.fndesc)
    pointer = context.get_value_type(types.CPointer(number))
    x, n, out, _ = wrapper.args
    given = [builder.bitcast(x, pointer), n, builder.bitcast(out, pointer)]
    status, _ = context.call_conv.call_function(
        builder, callee, result.fndesc.restype, result.fndesc.argtypes, given
    )
    with builder.if_then(status.is_error, likely=False):
        _fill_with_nan(builder, out, n if every else ir.IntType(64)(1), number)
    builder.ret_void()
    library.add_ir_module(module)
    library.add_linking_library(result.library)
    library.finalize()
    return Form(library, wrapper.name, args)


def _fill_with_nan(builder, out, n, number):
    count = builder.mul(n, ir.IntType(64)(getattr(number, "width", 1)))
    with cgutils.for_range(builder, count) as loop:
        builder.store(ir.DoubleType()(float("nan")), builder.gep(out, [loop.index]))
