"""Functions by address: how kernels call a function that did not exist when they were compiled.

A *form* of an objective is a C function

    void form(const double *x, int64_t n, double *out, int64_t data)

Its numbers are ``Lanes`` of a fixed width w: x holds n·w doubles, variable i of lane l at
x[i·w + l], and `out` likewise.  A kernel takes an objective as a table of forms, a (SLOTS, 2) int64
array of addresses and of their `data`; an address 0 says that the objective has no such form.
Addresses are arguments, never globals: a global would be frozen into the kernel's disk cache.

A form that fails (an exception in the user's function) writes NaN.
"""

import ctypes

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

__all__ = [
    "BATCH",
    "BATCH_LANES",
    "GRADIENT",
    "GRADIENT_LANES",
    "HVP",
    "HVP_LANES",
    "LANES",
    "SECOND",
    "SECOND_LANES",
    "SLOTS",
    "VALUE",
    "VALUE_LANES",
    "call",
    "call_form",
    "pointer_at",
    "words_at",
]  # fmt: skip

#: What a slot of the table computes: f(x); ∇f(x); H(x) v, with x holding the n numbers of x and
#: then the n of v; "second" is f, ∇f and the lower triangle of H row by row, one after another.
#: "batch" is the mean gradient of a few terms of a mean over data, x holding the n numbers of x,
#: how many terms, and their numbers.
#: Each in plain numbers and, in the next slot, in `LANES` lanes.
VALUE, VALUE_LANES, GRADIENT, GRADIENT_LANES, HVP, HVP_LANES, SECOND, SECOND_LANES = range(8)
BATCH, BATCH_LANES = 8, 9
SLOTS = 10
LANES = 8


def form_type():
    """The C type of a form, for LLVM."""
    number, pointer = ir.IntType(64), ir.DoubleType().as_pointer()
    return ir.FunctionType(ir.VoidType(), [pointer, number, pointer, number])


_C = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64)


def call(address, x, n, out, data=0):
    """Call a form from Python, on contiguous arrays."""
    _C(address)(x.ctypes.data, n, out.ctypes.data, data)


@intrinsic
def call_form(typingctx, address, x, x_at, n, out, out_at, data):
    """Call the form at `address` on the numbers from ``x[x_at]`` on, `out` from ``out[out_at]``."""
    sig = types.void(types.intp, x, types.intp, types.intp, out, types.intp, types.intp)

    def codegen(context, builder, sig, args):
        address, x, x_at, n, out, out_at, data = args
        function = builder.inttoptr(address, form_type().as_pointer())
        source = context.make_array(sig.args[1])(context, builder, x).data
        target = context.make_array(sig.args[4])(context, builder, out).data
        builder.call(
            function, [builder.gep(source, [x_at]), n, builder.gep(target, [out_at]), data]
        )
        return context.get_dummy_value()

    return sig, codegen


@intrinsic
def pointer_at(typingctx, address, like):
    """A pointer to numbers like `like` at an address."""
    sig = types.CPointer(like)(types.int64, like)

    def codegen(context, builder, sig, args):
        return builder.inttoptr(args[0], context.get_value_type(sig.return_type))

    return sig, codegen


@intrinsic
def words_at(typingctx, pointer):
    """A pointer to float64 as one to words of 64 bits."""
    sig = types.CPointer(types.uint64)(pointer)

    def codegen(context, builder, sig, args):
        return builder.bitcast(args[0], context.get_value_type(sig.return_type))

    return sig, codegen
