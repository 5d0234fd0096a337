"""Products of matrices for networks, small or tall: eight columns in a register, eight rows.

Everything that a network does is C += WᵀB.  The tile of C stays in registers, an entry of W is one
broadcast, a row of B one or two loads.  Bits do not depend on the number of rows or of threads.
"""

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from saddlecore.jit import allocating, device
from saddlecore.lanes import call_llvm, splat_value

__all__ = ["add_products"]


@intrinsic
def _add_tile(typingctx, c, c_at, c_row, w, w_at, w_row, b, b_at, b_row, count, rows, vectors):
    """c[r, 8v:8v + 8] += Σ_k w[k, r] b[k, 8v:8v + 8], k < count, r < rows, v < vectors."""
    if not (isinstance(rows, types.IntegerLiteral) and isinstance(vectors, types.IntegerLiteral)):
        return None
    shape, at = (rows.literal_value, vectors.literal_value), types.intp
    sig = types.void(c, at, at, w, at, at, b, at, at, at, rows, vectors)

    def codegen(context, builder, sig, args):
        vector = ir.VectorType(ir.DoubleType(), 8)
        c, w, b = (context.make_array(sig.args[k])(context, builder, args[k]).data
                   for k in (0, 3, 6))  # fmt: skip

        def lanes_at(origin, index):
            return builder.bitcast(builder.gep(origin, [index]), vector.as_pointer())

        def place(r, v):
            row = builder.add(args[1], builder.mul(args[2], ir.IntType(64)(r)))
            return lanes_at(c, builder.add(row, ir.IntType(64)(8 * v)))

        tile = [(r, v) for r in range(shape[0]) for v in range(shape[1])]
        sums = {at: cgutils.alloca_once(builder, vector) for at in tile}
        for at in tile:
            builder.store(builder.load(place(*at), align=8), sums[at])
        with cgutils.for_range(builder, args[9]) as loop:
            from_w = builder.add(args[4], builder.mul(loop.index, args[5]))
            from_b = builder.add(args[7], builder.mul(loop.index, args[8]))
            row = [builder.load(lanes_at(b, builder.add(from_b, ir.IntType(64)(8 * v))), align=8)
                   for v in range(shape[1])]  # fmt: skip
            for r in range(shape[0]):
                one = builder.load(builder.gep(w, [builder.add(from_w, ir.IntType(64)(r))]))
                factor = splat_value(builder, one, 8)
                for v in range(shape[1]):
                    held = builder.load(sums[r, v])
                    builder.store(call_llvm(builder, "fma", factor, row[v], held), sums[r, v])
        for at in tile:
            builder.store(builder.load(sums[at]), place(*at), align=8)
        return context.get_dummy_value()

    return sig, codegen


@device
def _add_columns(c, c_at, c_row, w, w_at, w_row, b, b_at, b_row, count, rows, wide):
    """One or two vectors of columns, all rows."""
    r = 0
    while r < rows:
        left = rows - r
        at = c_at + r * c_row
        if wide:
            if left >= 8:
                _add_tile(c, at, c_row, w, w_at + r, w_row, b, b_at, b_row, count, 8, 2)
            elif left >= 4:
                _add_tile(c, at, c_row, w, w_at + r, w_row, b, b_at, b_row, count, 4, 2)
            elif left >= 2:
                _add_tile(c, at, c_row, w, w_at + r, w_row, b, b_at, b_row, count, 2, 2)
            else:
                _add_tile(c, at, c_row, w, w_at + r, w_row, b, b_at, b_row, count, 1, 2)
        else:
            if left >= 8:
                _add_tile(c, at, c_row, w, w_at + r, w_row, b, b_at, b_row, count, 8, 1)
            elif left >= 4:
                _add_tile(c, at, c_row, w, w_at + r, w_row, b, b_at, b_row, count, 4, 1)
            elif left >= 2:
                _add_tile(c, at, c_row, w, w_at + r, w_row, b, b_at, b_row, count, 2, 1)
            else:
                _add_tile(c, at, c_row, w, w_at + r, w_row, b, b_at, b_row, count, 1, 1)
        r += 8 if left >= 8 else 4 if left >= 4 else 2 if left >= 2 else 1


@allocating
def add_products(c, c_at, c_row, w, w_at, w_row, b, b_at, b_row, count, rows, columns):
    """C += WᵀB, C (rows, columns), W (count, rows), B (count, columns).

    Each is a part of a flat array: it begins at ``_at``, a row comes ``_row`` after the one before.
    `columns` is a multiple of eight.
    """
    q = 0
    while q < columns:
        wide = columns - q >= 16
        _add_columns(c, c_at + q, c_row, w, w_at, w_row, b, b_at + q, b_row, count, rows, wide)
        q += 16 if wide else 8
