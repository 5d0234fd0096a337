"""LDLᵀ without pivoting, by panels of rows: one source for eight matrices and for one.

A *panel* holds P rows of the factor, column after column: [column][row] in elements.  In a batch
an element is a value of `Lanes`, one matrix per lane (P = 4); in a single large matrix it is a
float64 and the lanes run down the P = 24 rows.  Either way a panel's column is R vectors, and

    V = A − Σ_k V[:, k] L[j, k],    L[:, k] = V[:, k] / d_k

is computed tile by tile in R × C accumulators that never leave the registers.

The factorisation is exact for A + ΔA with ‖ΔA‖₂ ≤ (n + 2) eps · trace(|L||D||Lᵀ|): the matrix is
positive semidefinite, so its trace bounds its norm (Higham, *Accuracy and Stability of Numerical
Algorithms*, §10.1 and §11.1; eps is twice the unit roundoff).  `factorize` returns that trace.  A
zero pivot makes it infinite or NaN, which certifies nothing.
"""

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from saddlecore.jit import device
from saddlecore.laneops import (
    fma,
    fold,
    repeat,
    select,
    splat,
    width,
)
from saddlecore.lanes import (
    Lanes,
    call_llvm,
    repeat_value,
    splat_value,
)
from saddlecore.memory import (
    load,
    store,
)

__all__ = ["factor_size", "factorize", "panel_height"]


TINY = 8  # up to this n a matrix is a single diagonal block


def _tile_shape(vector, element):
    """(R, C): vectors per panel column and columns per tile."""
    if not isinstance(vector, Lanes):
        return 4, 4
    if not isinstance(element, Lanes):
        return 3, 8
    return (4, 4) if vector.width <= 8 else (2, 2)


@intrinsic
def panel_height(typingctx, vector, element):
    """P, the rows in a panel."""

    def codegen(context, builder, sig, args):
        vector, element = sig.args
        ratio = getattr(vector, "width", 1) // getattr(element, "width", 1)
        return ir.IntType(64)(_tile_shape(vector, element)[0] * ratio)

    return types.intp(vector, element), codegen


@intrinsic
def tile_columns(typingctx, vector, element):
    """C, the columns that one call of `tile` computes."""

    def codegen(context, builder, sig, args):
        return ir.IntType(64)(_tile_shape(*sig.args)[1])

    return types.intp(vector, element), codegen


def _declare_tile(solve):
    def tile(typingctx, vector, element, start, place, V, L, source, target, span, inverse):
        """One tile of V, C columns of a panel.

            V[:, columns] = A[:, columns] − V[:, :terms] L_J[row : row + C, :terms]ᵀ

        `finish_tile` goes on to the forward substitution with the triangle of L_J and stores
        L_I = V D⁻¹; it returns the sums Σ v²/|d| over its columns, `start_tile` returns 0.

        Parameters
        ----------
        vector, element, start
            Carry the types of a vector, of an element of V and of an element of A.
        place : (A, at, stride)
            Where A's entries of the panel stand: row r of column k at ``A[at + k·stride + r]``.
        V, L, inverse : flat float64
            `inverse` holds 1/d of the finished columns.
        source, target : int
            Where the panels L_J and L_I start in `L`.
        span : (terms, column, row)
        """
        integers = types.UniTuple(types.intp, 3)
        sig = vector(vector, element, start, place, V, L, types.intp, types.intp, integers, inverse)

        def codegen(context, builder, sig, args):
            return _Tile(context, builder, sig, args).emit(solve)

        return sig, codegen

    return intrinsic(tile)


start_tile, finish_tile = _declare_tile(False), _declare_tile(True)


class _Tile:
    """Writes the LLVM code of `tile`: accumulators are SSA values, so they stay in registers."""

    def __init__(self, context, builder, sig, args):
        def data(ty, array):
            return context.make_array(ty)(context, builder, array).data

        vector, element, start = sig.args[:3]
        self.builder = builder
        self.R, self.C = _tile_shape(vector, element)
        self.lanes, self.step = getattr(vector, "width", 1), getattr(element, "width", 1)
        self.type = context.get_value_type(vector)
        self.element_type = context.get_value_type(element)
        # In a large matrix the lanes run down the rows of A, in a batch they are A's elements.
        self.start_lanes = self.lanes if self.step == 1 else start.width
        A, at, self.start_stride = (builder.extract_value(args[3], i) for i in range(3))
        self.A = builder.gep(data(sig.args[3][0], A), [at])
        self.V, L = data(sig.args[4], args[4]), data(sig.args[5], args[5])
        self.source, self.target = builder.gep(L, [args[6]]), builder.gep(L, [args[7]])
        self.terms, self.column, self.row = (builder.extract_value(args[8], i) for i in range(3))
        self.inverse = data(sig.args[9], args[9])
        self.stride = self.column.type(self.R * self.lanes)  # doubles per panel column

    def _pointer(self, base, column, stride, offset, ty):
        at = self.builder.add(self.builder.mul(column, stride), offset)
        return self.builder.bitcast(self.builder.gep(base, [at]), ty.as_pointer())

    def _vectors(self, base, column):
        return [self._pointer(base, column, self.stride, column.type(r * self.lanes), self.type)
                for r in range(self.R)]  # fmt: skip

    def _start(self, column):
        """Entries of A at a column of the panel."""
        ty = self.type if self.lanes == 1 else ir.VectorType(ir.DoubleType(), self.start_lanes)
        for r in range(self.R):
            offset = column.type(r * self.start_lanes)
            pointer = self._pointer(self.A, column, self.start_stride, offset, ty)
            value = self.builder.load(pointer, align=8)
            yield value if value.type == self.type else repeat_value(
                self.builder, value, self.lanes)  # fmt: skip

    def _element(self, pointer):
        value = self.builder.load(pointer, align=8)
        return value if value.type == self.type else splat_value(self.builder, value, self.lanes)

    def _entry_of_l(self, column, c):
        row = self.builder.add(self.row, self.row.type(c))
        offset = self.builder.mul(row, row.type(self.step))
        return self._element(
            self._pointer(self.source, column, self.stride, offset, self.element_type)
        )

    def _minus(self, accumulator, v, entry):
        return call_llvm(self.builder, "fma", self.builder.fneg(v), entry, accumulator)

    def emit(self, solve):
        builder, C = self.builder, self.C
        columns = [builder.add(self.column, self.column.type(c)) for c in range(C)]
        sums = self._accumulate([list(self._start(column)) for column in columns])
        if solve:
            for c in range(1, C):
                for earlier in range(c):
                    entry = self._entry_of_l(columns[earlier], c)
                    sums[c] = [self._minus(x, y, entry)
                               for x, y in zip(sums[c], sums[earlier], strict=True)]  # fmt: skip
        trace = ir.Constant(self.type, None) if self.lanes > 1 else self.type(0.0)
        for column, values in zip(columns, sums, strict=True):
            for pointer, value in zip(self._vectors(self.V, column), values, strict=True):
                builder.store(value, pointer, align=8)
            if solve:
                trace = self._scale(column, values, trace)
        return trace

    def _accumulate(self, start):
        """start − Σ_k V[:, k] L[:, k]ᵀ over the terms."""
        builder, zero = self.builder, self.terms.type(0)
        before = builder.block
        loop, after = builder.append_basic_block("terms"), builder.append_basic_block("done")
        builder.cbranch(builder.icmp_signed(">", self.terms, zero), loop, after)
        builder.position_at_end(loop)
        k = builder.phi(zero.type)
        sums = [[builder.phi(self.type) for _ in column] for column in start]
        entries = [self._entry_of_l(k, c) for c in range(self.C)]
        v = [builder.load(pointer, align=8) for pointer in self._vectors(self.V, k)]
        new = [[self._minus(x, y, entry) for x, y in zip(column, v, strict=True)]
               for column, entry in zip(sums, entries, strict=True)]  # fmt: skip
        following = builder.add(k, zero.type(1))
        k.add_incoming(zero, before)
        k.add_incoming(following, loop)
        builder.cbranch(builder.icmp_signed("<", following, self.terms), loop, after)
        builder.position_at_end(after)
        total = [[builder.phi(self.type) for _ in column] for column in start]
        for c, column in enumerate(start):
            for r, value in enumerate(column):
                for phi in (sums[c][r], total[c][r]):
                    phi.add_incoming(value, before)
                    phi.add_incoming(new[c][r], loop)
        return total

    def _scale(self, column, values, trace):
        """Store L = V/d at a finished column; add Σ v²/|d| to the trace."""
        builder = self.builder
        offset = builder.mul(column, column.type(self.step))
        inverse = self._element(
            builder.bitcast(builder.gep(self.inverse, [offset]), self.element_type.as_pointer())
        )
        squares = ir.Constant(self.type, None) if self.lanes > 1 else self.type(0.0)
        for pointer, value in zip(self._vectors(self.target, column), values, strict=True):
            builder.store(builder.fmul(value, inverse), pointer, align=8)
            squares = call_llvm(builder, "fma", value, value, squares)
        return call_llvm(builder, "fma", squares, call_llvm(builder, "fabs", inverse), trace)


@device
def _padded_panel(z, e, f, A, n, top, scratch):
    """The last rows of A as a panel of full height, zero where A has no rows."""
    P, size = panel_height(z, e), width(f)
    for k in range(top + P):
        for r in range(P):
            x = splat(f, 0.0)
            if k < n and top + r < n:
                x = load(f, A, (k * n + top + r) * size)
            store(scratch, (k * P + r) * size, x)


@device
def _factor_diagonal(e, V, L, at, P, rows, top, inverse):
    """Factor the diagonal block of a panel of height P; return its negative pivots and trace."""
    step = width(e)
    stride = P * step
    negatives, trace = splat(e, 0.0), splat(e, 0.0)
    for c in range(rows):
        column = (top + c) * stride
        d = load(e, V, column + c * step)
        inv = 1.0 / d
        store(inverse, (top + c) * step, inv)
        negatives += select(d < 0.0, splat(e, 1.0), splat(e, 0.0))
        squares = d * d
        for r in range(c + 1, rows):
            v = load(e, V, column + r * step)
            squares = fma(v, v, squares)
            store(L, at + column + r * step, v * inv)
            for j in range(c + 1, r + 1):
                update = (top + j) * stride + r * step
                entry = load(e, L, at + column + j * step)
                store(V, update, fma(-v, entry, load(e, V, update)))
        trace = fma(squares, abs(inv), trace)
    return negatives, trace


@device
def factor_size(z, e, n):
    """Doubles that the panels of an n × n factor take, and those of one panel V."""
    P, step = panel_height(z, e), width(e)
    panels = (n + P - 1) // P
    least = min(n, TINY) ** 2 * step
    panel = P * step * P * panels
    return max(least, panel * (panels + 1) // 2), max(least, panel)


@device
def _factor_tiny(e, f, A, n, shift, sign, V, L, inverse):
    """The whole matrix as one diagonal block."""
    step, size = width(e), width(f)
    for k in range(n):
        diagonal = repeat(e, load(f, A, (k * n + k) * size))
        store(V, (k * n + k) * step, diagonal - sign * load(e, shift, k * step))
        for r in range(k + 1, n):
            store(V, (k * n + r) * step, repeat(e, load(f, A, (k * n + r) * size)))
    return _factor_diagonal(e, V, L, 0, n, n, 0, inverse)


@device
def factorize(z, e, f, A, n, shift, sign, V, L, padded, inverse):
    """Factor A − sign·diag(shift); return the number of negative pivots and trace(|L||D||Lᵀ|).

    `z`, `e` and `f` carry the types of a vector, of an element and of an element of A (which is
    repeated to fill `e`: two shifts of the same matrices side by side).  `A` is flat, n × n
    elements, its upper triangle is read; `shift` and `sign` are elements; `V`, `L`, `padded` and
    `inverse` are scratch of `factor_size` and n elements.
    """
    if n <= TINY:
        return _factor_tiny(e, f, A, n, shift, sign, V, L, inverse)
    P, C, step, size = panel_height(z, e), tile_columns(z, e), width(e), width(f)
    stride = P * step
    negatives, total, trace = splat(e, 0.0), splat(e, 0.0), splat(z, 0.0)
    at = 0
    for top in range(0, n, P):
        place = (A, top * size, n * size)
        if top + P > n:
            _padded_panel(z, e, f, A, n, top, padded)
            place = (padded, 0, P * size)
        panel = 0
        for left in range(0, top, P):
            for c in range(0, P, C):
                span = (left + c, left + c, c)
                trace += finish_tile(z, e, f, place, V, L, panel, at, span, inverse)
            panel += (left + P) * stride
        for c in range(0, P, C):
            start_tile(z, e, f, place, V, L, at, at, (top, top + c, c), inverse)
        for r in range(min(P, n - top)):
            diagonal = (top + r) * stride + r * step
            store(V, diagonal, load(e, V, diagonal) - sign * load(e, shift, (top + r) * step))
        more, share = _factor_diagonal(e, V, L, at, P, min(P, n - top), top, inverse)
        negatives += more
        total += share
        at += (top + P) * stride
    return negatives, total + fold(e, trace)
