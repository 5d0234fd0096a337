"""Lanes in memory: flat arrays, on 64-byte boundaries where they are ours.

Lanes are stored as ``width`` consecutive numbers, with the alignment of one: Numba's arrays start
on 32 bytes, and an aligned 64-byte load from there faults.
"""

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from saddlecore.jit import allocating
from saddlecore.lanes import Lanes, concatenate, shape_of

__all__ = [
    "aligned",
    "aligned_words",
    "load",
    "prefetch",
    "prefetch_second",
    "store",
    "transpose_in",
]


def _address(context, builder, array_type, array, index, value_type):
    data = context.make_array(array_type)(context, builder, array).data
    pointer = builder.gep(data, [index], inbounds=True)
    return builder.bitcast(pointer, value_type.as_pointer())


@allocating
def aligned(size):
    """Scratch of `size` float64 on a 64-byte boundary: a vector that straddles two costs twice."""
    block = np.empty(size + 8)
    skip = (-(block.ctypes.data >> 3)) & 7
    return block[skip : skip + size]


@allocating
def aligned_words(size):
    """Scratch of `size` uint64 on a 64-byte boundary."""
    return aligned(size).view(np.uint64)


@intrinsic
def load(typingctx, like, array, index):
    """The lanes at ``array[index:]`` of a flat, contiguous array; no bounds are checked."""
    sig = shape_of(like, array.dtype)(like, array, types.intp)

    def codegen(context, builder, sig, args):
        ty = context.get_value_type(sig.return_type)
        pointer = _address(context, builder, sig.args[1], args[1], args[2], ty)
        return builder.load(pointer, align=8)

    return sig, codegen


@intrinsic
def store(typingctx, array, index, x):
    """Write lanes to ``array[index:]``."""
    # A plain number becomes one of the array's; lanes keep their bits.
    sig = types.void(array, types.intp, x if isinstance(x, Lanes) else array.dtype)

    def codegen(context, builder, sig, args):
        pointer = _address(context, builder, sig.args[0], args[0], args[1], args[2].type)
        builder.store(args[2], pointer, align=8)
        return context.get_dummy_value()

    return sig, codegen


def _declare_prefetch(locality):
    def prefetch(typingctx, array, index):
        """Ask for the cache line of ``array[index]``; any index is allowed."""
        sig = types.void(array, types.intp)

        def codegen(context, builder, sig, args):
            data = context.make_array(sig.args[0])(context, builder, args[0]).data
            pointer = builder.bitcast(builder.gep(data, [args[1]]), ir.IntType(8).as_pointer())
            number = ir.IntType(32)
            function = cgutils.get_or_insert_function(
                builder.module,
                ir.FunctionType(ir.VoidType(), [pointer.type, number, number, number]),
                "llvm.prefetch.p0",
            )
            builder.call(function, [pointer, number(0), number(locality), number(1)])
            return context.get_dummy_value()

        return sig, codegen

    return intrinsic(prefetch)


# Into the first-level cache, and only as far as the second.
prefetch, prefetch_second = _declare_prefetch(3), _declare_prefetch(2)


@intrinsic
def transpose_in(typingctx, array, starts, index, out):
    """Turn eight runs of eight numbers, ``array[starts[l] + index:]``, into eight lanes of eight.

    Lane l of the j-th goes to ``out[(index + j) * 8 + l]``.
    """
    sig = types.void(array, starts, types.intp, out)

    def codegen(context, builder, sig, args):
        int64 = ir.IntType(64)
        vector = ir.VectorType(ir.DoubleType(), 8)
        origin = context.make_array(sig.args[1])(context, builder, args[1]).data
        half = ir.VectorType(ir.DoubleType(), 4)
        quarters = []
        for i in range(8):
            at = builder.add(builder.load(builder.gep(origin, [int64(i)])), args[2])
            ends = (at, builder.add(at, int64(4)))
            pointers = [_address(context, builder, sig.args[0], args[0], x, half) for x in ends]
            quarters.append([builder.load(pointer, align=8) for pointer in pointers])
        # The first exchange, of halves, is done by loading: rows i and i + 4 share two vectors.
        rows = [concatenate(builder, [quarters[i % 4][i // 4], quarters[i % 4 + 4][i // 4]])
                for i in range(8)]  # fmt: skip
        for size in (2, 1):
            low = [i // size % 2 * (8 - size) + i for i in range(8)]
            masks = [[i + more for i in low] for more in (0, size)]
            masks = [ir.Constant(ir.VectorType(ir.IntType(32), 8), mask) for mask in masks]
            for i in range(8):
                if i // size % 2 == 0:
                    a, b = rows[i], rows[i + size]
                    rows[i], rows[i + size] = (builder.shuffle_vector(a, b, m) for m in masks)
        for j, row in enumerate(rows):
            at = builder.mul(builder.add(args[2], int64(j)), int64(8))
            pointer = _address(context, builder, sig.args[3], args[3], at, vector)
            builder.store(row, pointer, align=8)
        return context.get_dummy_value()

    return sig, codegen
