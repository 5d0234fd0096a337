"""Sums, products and extremes of arrays of `saddlecore.lanes.Numeric`.

They go through the elements in order, with one accumulator: the bits are the same on every
machine.
"""

import functools
import math
import operator

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.errors import NumbaTypeError

from saddlecore.laneloops import (
    Operand,
    constant,
    elements,
    empty,
    is_numeric_array,
    number_of,
    raise_if,
)
from saddlecore.lanetrees import (
    Value,
    call,
    convert,
    declare,
    declare_named,
    evaluate,
    result_type,
)

__all__ = ["type_product"]

_INT = ir.IntType(64)


# --- reductions ----------------------------------------------------------------------------------


def _reduce(context, builder, array, start, step):
    """``step(… step(start, first) …, last)`` over all elements."""
    result = cgutils.alloca_once_value(builder, start.llvm)
    with elements(builder, array.shape) as indices:
        so_far = Value(start.type, builder.load(result))
        item = array.load(context, builder, indices)
        builder.store(step(so_far, item).llvm, result)
    return Value(start.type, builder.load(result))


def _size(builder, array):
    return functools.reduce(builder.mul, array.shape)


def _starting_with(start, function):
    def reduce(context, builder, array, number):
        first = constant(context, builder, start, number)
        return _reduce(context, builder, array, first, _step(context, builder, function))

    return reduce


def _step(context, builder, function):
    return lambda so_far, item: call(context, builder, function, so_far, item)


_sum, _prod = _starting_with(0.0, operator.add), _starting_with(1.0, operator.mul)


def _over_size(context, builder, array, total):
    size = Value(types.int64, _size(builder, array))
    return call(context, builder, operator.truediv, total, size)


def _mean(context, builder, array, number):
    return _over_size(context, builder, array, _sum(context, builder, array, number))


def _var(context, builder, array, number):
    mean = _mean(context, builder, array, number)

    def step(so_far, item):
        gap = call(context, builder, operator.sub, item, mean)
        return evaluate(context, builder, (operator.add, so_far, (operator.mul, gap, gap)))

    start = constant(context, builder, 0.0, number)
    return _over_size(context, builder, array, _reduce(context, builder, array, start, step))


def _std(context, builder, array, number):
    return call(context, builder, math.sqrt, _var(context, builder, array, number))


def _starting_with_first(function):
    def reduce(context, builder, array, number):
        size = _size(builder, array)
        raise_if(context, builder, builder.icmp_signed("==", size, _INT(0)),
                 "zero-size array to a reduction which has no identity")  # fmt: skip
        first = array.load(context, builder, [_INT(0)] * len(array.shape))
        first = Value(number, convert(context, builder, first, number))
        return _reduce(context, builder, array, first, _step(context, builder, function))

    return reduce


_max, _min = _starting_with_first(np.maximum), _starting_with_first(np.minimum)


def _declare_reduction(function, reduce):
    def typer(context, a, axis=None):
        if not is_numeric_array(a):
            return None
        number = number_of(a.dtype)
        if a.ndim == 1 or _is_none(axis):
            return number
        return types.Array(number, a.ndim - 1, "C")

    def emit(context, builder, sig, args):
        array, axis = Operand(context, builder, sig.args[0], args[0]), _axis(*sig.args)
        if axis is None:
            return reduce(context, builder, array, sig.return_type).llvm
        shape = [length for i, length in enumerate(array.shape) if i != axis]
        out = empty(context, builder, sig.return_type, shape)
        with elements(builder, shape) as indices:
            line = array.line(builder, axis, indices)
            found = reduce(context, builder, line, sig.return_type.dtype)
            out.store(context, builder, indices, found)
        return out.value

    declare_named(function, typer, emit)


def _is_none(axis):
    return axis is None or isinstance(axis, types.NoneType)


def _axis(array, axis=None):
    """Which axis is reduced; None if all of them are."""
    if _is_none(axis):
        return None
    known = isinstance(axis, types.IntegerLiteral)
    if not known or not -array.ndim <= axis.literal_value < array.ndim:
        raise NumbaTypeError(f"`axis` must be one of {array.ndim}, and a literal, got {axis}")
    return None if array.ndim == 1 else axis.literal_value % array.ndim


for _function, _emit in ((np.sum, _sum), (np.prod, _prod), (np.mean, _mean), (np.var, _var),
                         (np.std, _std), (np.max, _max), (np.amax, _max), (np.min, _min),
                         (np.amin, _min)):  # fmt: skip
    _declare_reduction(_function, _emit)


# --- products --------------------------------------------------------------------------------


def type_product(context, a, b):
    """The type of a @ b, for factors of one or two axes."""
    if not (is_numeric_array(a) or is_numeric_array(b)):
        return None
    if not all(isinstance(x, types.Array) and x.ndim in (1, 2) for x in (a, b)):
        return None
    dtype = result_type(context, (operator.mul, Value(a.dtype), Value(b.dtype)))
    ndim = a.ndim + b.ndim - 2
    return types.Array(dtype, ndim, "C") if ndim > 0 else dtype


def _product(context, builder, sig, args):
    """The sum over the last axis of a and the first of b."""
    a, b = (Operand(context, builder, ty, x) for ty, x in zip(sig.args, args, strict=True))
    raise_if(context, builder, builder.icmp_signed("!=", a.shape[-1], b.shape[0]),
             "the factors of a product have axes of different lengths")  # fmt: skip
    if not isinstance(sig.return_type, types.Array):
        return _inner(context, builder, a, b, [], [], sig.return_type).llvm
    out = empty(context, builder, sig.return_type, a.shape[:-1] + b.shape[1:])
    with elements(builder, out.shape) as indices:
        row, column = indices[: a.type.ndim - 1], indices[a.type.ndim - 1 :]
        found = _inner(context, builder, a, b, row, column, sig.return_type.dtype)
        out.store(context, builder, indices, found)
    return out.value


def _inner(context, builder, a, b, row, column, number):
    start = constant(context, builder, 0.0, number)
    result = cgutils.alloca_once_value(builder, start.llvm)
    with elements(builder, b.shape[:1]) as (k,):
        x, y = a.load(context, builder, [*row, k]), b.load(context, builder, [k, *column])
        term = call(context, builder, operator.mul, x, y)
        so_far = Value(number, builder.load(result))
        builder.store(call(context, builder, operator.add, so_far, term).llvm, result)
    return Value(number, builder.load(result))


for _function in (np.dot, operator.matmul):
    declare(_function, type_product, _product)


def _type_norm(context, x):
    return x.dtype if is_numeric_array(x) and x.ndim == 1 else None


def _norm(context, builder, sig, args):
    square = call(context, builder, np.dot, *(Value(sig.args[0], args[0]) for _ in range(2)))
    return call(context, builder, math.sqrt, square).llvm


declare(np.linalg.norm, _type_norm, _norm)
