"""C functions of others as forms: ``double f(int n, double *x, void *data)`` and the like.

One function serves `scipy.LowLevelCallable` and Numba's ``cfunc`` alike: a C function does not
mind a third argument that it does not take.
"""

from llvmlite import ir
from numba import carray
from numba.core import types
from numba.extending import intrinsic

from saddlecore.forms import pointer_at
from saddlecore.jit import c_function

__all__ = ["length_first", "point_first"]


def _declare_call(order):
    def call(typingctx, address, x, n, data):
        """Call the C function at `address`."""
        sig = types.float64(types.int64, x, types.int64, types.int64)

        def codegen(context, builder, sig, args):
            address, x, n, data = args
            given = [x, n, data] if order == "point first" else [n, x, data]
            function = ir.FunctionType(ir.DoubleType(), [arg.type for arg in given])
            return builder.call(builder.inttoptr(address, function.as_pointer()), given)

        return sig, codegen

    return intrinsic(call)


_call_length_first, _call_point_first = _declare_call("length first"), _declare_call("point first")


@c_function
def length_first(x, n, out, data):
    """A function of (n, x) or (n, x, its data); `data` is the address of both addresses."""
    header = carray(pointer_at(data, data), 2)
    carray(out, 1)[0] = _call_length_first(header[0], x, n, header[1])


@c_function
def point_first(x, n, out, data):
    """A function of (x, n)."""
    header = carray(pointer_at(data, data), 2)
    carray(out, 1)[0] = _call_point_first(header[0], x, n, header[1])
