"""Between eight points side by side and rows of an array."""

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from saddlecore.forms import LANES
from saddlecore.jit import device
from saddlecore.laneops import zeros
from saddlecore.memory import load, store, transpose_in

__all__ = ["gather", "pick", "scatter", "spread", "transpose_out"]


def _pointer(context, builder, array_type, array, index, value_type):
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), value_type.as_pointer())


@intrinsic
def transpose_out(typingctx, array, order, index, shift, out, starts):
    """Turn eight elements of eight lanes into eight runs of numbers.

    Lane l of the j-th, ``array[order[index + j] + shift + l]``, goes to ``out[starts[l] + j]``.
    """
    sig = types.void(array, order, types.intp, types.intp, out, starts)

    def codegen(context, builder, sig, args):
        int64, vector = ir.IntType(64), ir.VectorType(ir.DoubleType(), 8)
        places = context.make_array(sig.args[1])(context, builder, args[1]).data
        rows = []
        for j in range(8):
            at = builder.load(builder.gep(places, [builder.add(args[2], int64(j))]))
            at = builder.add(at, args[3])
            pointer = _pointer(context, builder, sig.args[0], args[0], at, vector)
            rows.append(builder.load(pointer, align=8))
        for size in (4, 2, 1):
            low = [i // size % 2 * (8 - size) + i for i in range(8)]
            masks = [[i + more for i in low] for more in (0, size)]
            masks = [ir.Constant(ir.VectorType(ir.IntType(32), 8), mask) for mask in masks]
            for i in range(8):
                if i // size % 2 == 0:
                    a, b = rows[i], rows[i + size]
                    rows[i], rows[i + size] = (builder.shuffle_vector(a, b, m) for m in masks)
        origin = context.make_array(sig.args[5])(context, builder, args[5]).data
        for i, row in enumerate(rows):
            at = builder.load(builder.gep(origin, [int64(i)]))
            pointer = _pointer(context, builder, sig.args[4], args[4], at, vector)
            builder.store(row, pointer, align=8)
        return context.get_dummy_value()

    return sig, codegen


@intrinsic
def pick(typingctx, like, array, index, stride):
    """The lanes ``array[index]``, ``array[index + stride]``, …"""
    sig = like(like, array, types.intp, types.intp)

    def codegen(context, builder, sig, args):
        data = context.make_array(sig.args[1])(context, builder, args[1]).data
        vector = context.get_value_type(sig.return_type)
        found, at = ir.Constant(vector, ir.Undefined), args[2]
        for lane in range(vector.count):
            x = builder.load(builder.gep(data, [at]))
            found = builder.insert_element(found, x, ir.IntType(32)(lane))
            at = builder.add(at, args[3])
        return found

    return sig, codegen


@intrinsic
def spread(typingctx, array, index, stride, x):
    """Write lanes to ``array[index]``, ``array[index + stride]``, …"""
    sig = types.void(array, types.intp, types.intp, x)

    def codegen(context, builder, sig, args):
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        at = args[1]
        for lane in range(args[3].type.count):
            x = builder.extract_element(args[3], ir.IntType(32)(lane))
            builder.store(x, builder.gep(data, [at]))
            at = builder.add(at, args[2])
        return context.get_dummy_value()

    return sig, codegen


@device
def gather(rows, size, first, used, starts, out, at):
    """Rows first, …, first + used − 1 of a flat array, side by side from ``out[at]`` on.

    The last one also fills the lanes beyond.
    """
    if size < LANES and used == LANES:
        for i in range(size):
            store(out, at + i * LANES, pick(zeros(8), rows, first * size + i, size))
        return
    for w in range(LANES):
        starts[w] = (first + min(w, used - 1)) * size
    for i in range(size if size < LANES else 0):
        for w in range(LANES):
            out[at + i * LANES + w] = rows[starts[w] + i]
    if size >= LANES:
        # transpose_in writes where it reads.
        target = out[at : at + size * LANES]
        for i in range(0, size - LANES + 1, LANES):
            transpose_in(rows, starts, i, target)
        transpose_in(rows, starts, size - LANES, target)


@device
def scatter(lanes, order, shift, first, used, starts, rows):
    """Elements of lanes at ``order`` + shift to rows first, first + 1, … of a flat array."""
    size = len(order)
    if used == LANES and size < LANES:
        for i in range(size):
            x = load(zeros(8), lanes, order[i] + shift)
            spread(rows, first * size + i, size, x)
    elif used < LANES:
        for w in range(used):
            for i in range(size):
                rows[(first + w) * size + i] = lanes[order[i] + shift + w]
    else:
        for i in range(0, size, LANES):
            begin = min(i, size - LANES)
            for w in range(LANES):
                starts[w] = (first + w) * size + begin
            transpose_out(lanes, order, begin, shift, rows, starts)
