"""NumPy on arrays of `saddlecore.lanes.Numeric`: what a user's function may do with its argument.

Importing this module teaches Numba all of it: the scalar functions of `saddlecore.lanemath`, the
elementwise ones of `saddlecore.lanewise`, the sums and products of `saddlecore.lanesums`, the new
arrays of `saddlecore.lanemake`, and here methods.  Plain float64 arrays are left to Numba.

Not here, as one decision for all lanes does not exist: sorting, arg-extremes, boolean indices.
"""

import numpy as np
from numba.core import (
    inline_closurecall,  # noqa: F401  its rewrite of np.array comes before ours
    ir,
    pythonapi,
    types,
)
from numba.core.boxing import box_unsupported
from numba.core.rewrites import Rewrite, register_rewrite
from numba.core.typing.templates import (
    AbstractTemplate,
    AttributeTemplate,
    infer_getattr,
    signature,
)
from numba.extending import lower_builtin

from saddlecore import lanemake as _lanemake  # noqa: F401  registers, as the others do
from saddlecore.laneloops import Operand, constant, is_numeric_array
from saddlecore.lanes import Numeric
from saddlecore.lanetrees import FIRST, Value, call, declare
from saddlecore.lanewise import fill

__all__ = ["METHODS"]

# --- what Numba does behind np.array, np.zeros and a jitted helper -------------------------------


@register_rewrite("after-inference")
class _NumericDtype(Rewrite):
    """Numba fills ``np.array([a, b])`` in place, with a dtype that it looks up in NumPy by name."""

    def match(self, func_ir, block, typemap, calltypes):
        """Whether a block looks up one of our types."""
        self._block, self._found = block, [
            inst for inst in block.find_insts(ir.Assign)
            if isinstance(inst.value, ir.Expr) and inst.value.op == "getattr"
            and isinstance(typemap.get(inst.value.value.name), types.Module)
            and isinstance(getattr(typemap[inst.target.name], "dtype", None), Numeric)
        ]  # fmt: skip
        return len(self._found) > 0

    def apply(self):
        """Put a constant there: its type says everything."""
        for inst in self._found:
            inst.value = ir.Const(None, inst.loc)
        return self._block


def _zero_fill(array):
    """What Numba's np.zeros calls, for a dtype whose zero may not be all bits 0."""


def _emit_zero_fill(context, builder, sig, args):
    out = Operand(context, builder, sig.args[0], args[0])
    fill(context, builder, out, constant(context, builder, 0.0, out.type.dtype))
    return context.get_dummy_value()


declare(_zero_fill, lambda context, array: types.none, _emit_zero_fill)


_box_plain_array = pythonapi._boxers.functions[types.Array]


def _box_array(ty, value, c):
    """What the wrapper for Python of a jitted helper does with its result."""
    box = box_unsupported if isinstance(ty.dtype, Numeric) else _box_plain_array
    return box(ty, value, c)


# Numba's asks for a NumPy dtype while it compiles, though such a wrapper is never called.
pythonapi._boxers.functions[types.Array] = _box_array


# --- methods -------------------------------------------------------------------------------------

#: Methods of arrays, and the functions that they are.
METHODS = {"sum": np.sum, "prod": np.prod, "mean": np.mean, "var": np.var, "std": np.std,
           "max": np.max, "min": np.min, "cumsum": np.cumsum, "cumprod": np.cumprod,
           "_zero_fill": _zero_fill}  # fmt: skip


def _method(name, function):
    own = ("saddlecore method", name)

    class Method(AbstractTemplate):
        key = own
        prefer_literal = True

        def generic(self, args, kws):
            called = self.context.resolve_value_type(function)
            sig = called.get_call_type(self.context, (self.this, *args), kws)
            # A function of Numba's has parameters with names.
            return sig.as_method() if sig.pysig else signature(
                sig.return_type, *args, recvr=self.this)  # fmt: skip

    @lower_builtin(own, types.Array, types.VarArg(types.Any))
    def lower(context, builder, sig, args):
        return call(context, builder, function, *map(Value, sig.args, args)).llvm

    return Method


_TEMPLATES = {name: _method(name, function) for name, function in METHODS.items()}


@infer_getattr
class _Methods(AttributeTemplate):
    key = types.Array
    metadata = FIRST

    def generic_resolve(self, array, attr):
        if attr in METHODS and is_numeric_array(array):
            return types.BoundFunction(_TEMPLATES[attr], array)
        return None
