"""New arrays of `saddlecore.lanes.Numeric`: filled, running, shifted, joined, of lists."""

import functools
import operator

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.cpython.listobj import ListInstance

from saddlecore.laneloops import Operand, constant, elements, empty, is_numeric_array, number_of
from saddlecore.lanes import Numeric
from saddlecore.lanesums import type_product
from saddlecore.lanetrees import Value, call, declare
from saddlecore.lanewise import elementwise, fill

__all__ = []

_INT = ir.IntType(64)


# --- new arrays ------------------------------------------------------------------------------


def _like(context, array, *_):
    known = is_numeric_array(array)
    return types.Array(number_of(array.dtype), array.ndim, "C") if known else None


def _declare_filled(function, number):
    def typer(context, array):
        return _like(context, array)

    def emit(context, builder, sig, args):
        out = empty(context, builder, sig.return_type, _shape(context, builder, sig, args))
        fill(context, builder, out, constant(context, builder, number, out.type.dtype))
        return out.value

    declare(function, typer, emit)


def _shape(context, builder, sig, args):
    return Operand(context, builder, sig.args[0], args[0]).shape


def _type_full_like(context, array, number):
    known = isinstance(number, types.Number | Numeric)
    return _like(context, array) if known else None


def _full_like(context, builder, sig, args):
    out = empty(context, builder, sig.return_type, _shape(context, builder, sig, args))
    fill(context, builder, out, Value(sig.args[1], args[1]))
    return out.value


_declare_filled(np.zeros_like, 0.0)
_declare_filled(np.ones_like, 1.0)
declare(np.full_like, _type_full_like, _full_like)


def _type_vector(context, array, *_):
    return _like(context, array) if is_numeric_array(array) and array.ndim == 1 else None


def _declare_running(function, operation, start):
    """Reductions that keep what they have so far."""

    def emit(context, builder, sig, args):
        array = Operand(context, builder, sig.args[0], args[0])
        out = empty(context, builder, sig.return_type, array.shape)
        first = constant(context, builder, start, out.type.dtype)
        result = cgutils.alloca_once_value(builder, first.llvm)
        with elements(builder, array.shape) as indices:
            item = array.load(context, builder, indices)
            so_far = Value(first.type, builder.load(result))
            so_far = call(context, builder, operation, so_far, item)
            builder.store(so_far.llvm, result)
            out.store(context, builder, indices, so_far)
        return out.value

    declare(function, lambda context, array: _type_vector(context, array), emit)


_declare_running(np.cumsum, operator.add, 0.0)
_declare_running(np.cumprod, operator.mul, 1.0)


def _diff(context, builder, sig, args):
    array = Operand(context, builder, sig.args[0], args[0])
    n = array.shape[0]
    fewer = builder.select(builder.icmp_signed(">", n, _INT(0)), builder.sub(n, _INT(1)), n)
    head, tail = (array.part(builder, _INT(first), fewer) for first in (0, 1))
    return elementwise(context, builder, sig.return_type, (operator.sub, tail, head))


declare(np.diff, lambda context, array: _type_vector(context, array), _diff)


def _type_roll(context, array, shift):
    return _type_vector(context, array) if isinstance(shift, types.Integer) else None


def _roll(context, builder, sig, args):
    array = Operand(context, builder, sig.args[0], args[0])
    shift = context.cast(builder, args[1], sig.args[1], types.int64)
    out, n = empty(context, builder, sig.return_type, array.shape), array.shape[0]
    with elements(builder, array.shape) as (i,):
        # C's remainder has the sign of i − shift.
        source = builder.srem(builder.sub(i, shift), n)
        negative = builder.icmp_signed("<", source, _INT(0))
        source = builder.select(negative, builder.add(source, n), source)
        out.store(context, builder, [i], array.load(context, builder, [source]))
    return out.value


declare(np.roll, _type_roll, _roll)


def _type_outer(context, a, b):
    known = all(isinstance(x, types.Array) and x.ndim == 1 for x in (a, b))
    product = type_product(context, a, b) if known else None
    return None if product is None else types.Array(product, 2, "C")


def _outer(context, builder, sig, args):
    a, b = (Operand(context, builder, ty, x) for ty, x in zip(sig.args, args, strict=True))
    out = empty(context, builder, sig.return_type, a.shape + b.shape)
    with elements(builder, out.shape) as (i, j):
        factors = a.load(context, builder, [i]), b.load(context, builder, [j])
        out.store(context, builder, [i, j], call(context, builder, operator.mul, *factors))
    return out.value


declare(np.outer, _type_outer, _outer)


# --- arrays end to end ---------------------------------------------------------------------------


def _type_joined(context, pieces):
    """An array of what numbers and vectors of one kind hold together."""
    numbers = [ty.dtype if isinstance(ty, types.Array) else ty for ty in pieces]
    plain = types.Number | Numeric
    if not all(isinstance(ty, plain) for ty in numbers) or not any(
            isinstance(ty, Numeric) for ty in numbers):  # fmt: skip
        return None
    if not all(ty.ndim == 1 for ty in pieces if isinstance(ty, types.Array)):
        return None
    dtype = context.unify_types(*numbers)
    return None if dtype is None else types.Array(dtype, 1, "C")


def _join(context, builder, ty, pieces):
    arrays = [Operand(context, builder, piece.type, piece.llvm)
              if isinstance(piece.type, types.Array) else piece for piece in pieces]  # fmt: skip
    lengths = [x.shape[0] if isinstance(x, Operand) else _INT(1) for x in arrays]
    out, first = empty(context, builder, ty, [functools.reduce(builder.add, lengths)]), _INT(0)
    for x, length in zip(arrays, lengths, strict=True):
        fill(context, builder, out.part(builder, first, length), x)
        first = builder.add(first, length)
    return out.value


def _join_tuple(context, builder, sig, args):
    values = cgutils.unpack_tuple(builder, args[0])
    return _join(context, builder, sig.return_type, list(map(Value, sig.args[0], values)))


def _declare_joining(function, kind):
    def typer(context, pieces):
        known = isinstance(pieces, types.BaseTuple) and all(isinstance(x, kind) for x in pieces)
        return _type_joined(context, list(pieces)) if known and len(pieces) > 0 else None

    declare(function, typer, _join_tuple)


_declare_joining(np.concatenate, types.Array)
_declare_joining(np.hstack, types.Array)
_declare_joining(np.array, types.Number | Numeric)


def _append(context, builder, sig, args):
    return _join(context, builder, sig.return_type, list(map(Value, sig.args, args)))


declare(np.append, lambda context, a, b: _type_joined(context, [a, b]), _append)


# --- arrays of lists -----------------------------------------------------------------------------


def _type_array_of_list(context, items):
    known = isinstance(items, types.List) and isinstance(items.dtype, Numeric)
    return types.Array(items.dtype, 1, "C") if known else None


def _array_of_list(context, builder, sig, args):
    items = ListInstance(context, builder, sig.args[0], args[0])
    out = empty(context, builder, sig.return_type, [items.size])
    with elements(builder, out.shape) as (i,):
        out.store(context, builder, [i], Value(out.type.dtype, items.getitem(i)))
    return out.value


declare(np.array, _type_array_of_list, _array_of_list)
