"""Arrays of `saddlecore.lanes.Numeric` in LLVM code: reading, writing, making them; loops."""

import contextlib
import copy

from llvmlite import ir
from numba.core import cgutils, types
from numba.np import arrayobj

from saddlecore.lanes import Lanes, Numeric
from saddlecore.lanetrees import Value, convert

__all__ = ["Operand", "constant", "elements", "empty", "is_numeric_array", "number_of", "raise_if"]

_INT = ir.IntType(64)


def is_numeric_array(ty):
    """Whether a type is an array of numbers that are not plain."""
    return isinstance(ty, types.Array) and isinstance(ty.dtype, Numeric)


def number_of(ty):
    """The type of number that elements count as: masks as 0.0 and 1.0."""
    return ty if ty.dtype is types.float64 else Lanes(types.float64, ty.width)


def constant(context, builder, x, ty):
    """A float, as a value of the type `ty`."""
    number = Value(types.float64, context.get_constant(types.float64, x))
    return Value(ty, convert(context, builder, number, ty))


class Operand:
    """An array in a loop: a leaf of a tree, with the sizes and strides it is read with."""

    def __init__(self, context, builder, ty, value):  # noqa: D107
        array = context.make_array(ty)(context, builder, value)
        self.type, self.value, self.data = ty, value, array.data
        self.shape = cgutils.unpack_tuple(builder, array.shape, ty.ndim)
        self.strides = cgutils.unpack_tuple(builder, array.strides, ty.ndim)
        if ty.layout == "C" and ty.ndim > 0:  # a constant, for the optimizer
            self.strides[-1] = _INT(arrayobj.get_itemsize(context, ty))

    def part(self, builder, first, length):
        """The `length` elements from `first` on, of one axis."""
        return self._view(self.pointer(builder, [first]), [length], self.strides)

    def line(self, builder, axis, indices):
        """The elements along `axis`, where the other axes have these indices."""
        start = self.pointer(builder, [*indices[:axis], _INT(0), *indices[axis:]])
        return self._view(start, [self.shape[axis]], [self.strides[axis]])

    def _view(self, data, shape, strides):
        view = copy.copy(self)
        view.data, view.shape, view.strides = data, shape, list(strides)
        return view

    def pointer(self, builder, indices):
        """Address of the element at `indices`, of which the leading ones may be too many."""
        offset = _INT(0)
        for index, stride in zip(reversed(indices), reversed(self.strides), strict=False):
            offset = builder.add(offset, builder.mul(index, stride))
        return cgutils.pointer_add(builder, self.data, offset)

    def load(self, context, builder, indices):
        """The element at `indices`, as a value."""
        pointer = self.pointer(builder, indices)
        return Value(self.type.dtype, arrayobj.load_item(context, builder, self.type, pointer))

    def store(self, context, builder, indices, value):
        """Write the element at `indices`."""
        item = convert(context, builder, value, self.type.dtype)
        arrayobj.store_item(context, builder, self.type, item, self.pointer(builder, indices))


def empty(context, builder, ty, shape):
    """A new array in C order, on a 64-byte boundary, as an operand."""
    # Numba's own allocation compiles a function for each call: most of the time of an expression.
    itemsize = _INT(arrayobj.get_itemsize(context, ty))
    strides = [itemsize]
    for length in reversed(shape):
        strides.insert(0, builder.mul(strides[0], length))
    meminfo = context.nrt.meminfo_alloc_aligned(builder, strides[0], 64)
    made = context.make_array(ty)(context, builder)
    data = builder.bitcast(context.nrt.meminfo_data(builder, meminfo), made.data.type)
    arrayobj.populate_array(made, data, shape, strides[1:], itemsize, meminfo)
    return Operand(context, builder, ty, made._getvalue())


@contextlib.contextmanager
def elements(builder, shape):
    """A loop over all indices of a shape, the last fastest."""
    with cgutils.loop_nest(builder, shape, intp=_INT) as indices:
        yield list(indices)


def raise_if(context, builder, bad, message):
    """Raise ValueError where `bad` holds."""
    with builder.if_then(bad, likely=False):
        context.call_conv.return_user_exc(builder, ValueError, (message,))
