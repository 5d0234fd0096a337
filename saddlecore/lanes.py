"""Lanes: several float64 in one SIMD register, as a Numba type.

Code that looks scalar, compiled with ``Lanes`` arguments, runs one problem per lane: eight
matrices, eight samples, eight starting points.  The same source compiled with plain numbers runs
one.  LLVM maps the vector onto what the processor has (AVX-512, two AVX2 registers, four NEON
ones); sixteen lanes give two independent chains of instructions where latency binds.

The kinds of lanes are ``float64``, ``uint64`` and ``bool`` (what comparisons give).  Numbers
splat by themselves.  Every function here also takes plain numbers, which is what makes the scalar
twin of a kernel the same source.

Lanes are stored in memory as ``width`` consecutive float64, with the alignment of one: Numba's
arrays start on 32 bytes, and an aligned 64-byte load from there faults.
"""

import math
import operator

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.typeconv import Conversion
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, lower_cast, models, register_model

from saddlecore import vecmath
from saddlecore.jit import allocating

__all__ = ["Lanes", "native_width"]

_LLVM = {types.float64: ir.DoubleType(), types.uint64: ir.IntType(64), types.boolean: ir.IntType(1)}


def native_width():
    """Number of float64 lanes that this processor computes in one instruction."""
    features = llvm.get_host_cpu_features()
    if features.get("avx512f"):
        return 8
    return 4 if features.get("avx") else 2


class Lanes(types.Type):
    """Numba type of `width` values of one `dtype` in a SIMD register."""

    def __init__(self, dtype, width):  # noqa: D107
        self.dtype = dtype
        self.width = width
        super().__init__(name=f"Lanes({dtype}, {width})")

    def can_convert_from(self, typingctx, other):
        """Numbers splat."""
        if isinstance(other, types.Number | types.Boolean) and self.dtype is not types.boolean:
            return Conversion.promote
        return None

    def unify(self, typingctx, other):
        """Type both branches of ``s = 0.0; s += lane`` as lanes."""
        if isinstance(other, types.Number) and self.dtype is not types.boolean:
            return self
        return None


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    """A vector as a value; an array of `width` in memory, which asks for no alignment."""

    def __init__(self, dmm, fe_type):
        vector = ir.VectorType(_LLVM[fe_type.dtype], fe_type.width)
        super().__init__(dmm, fe_type, vector)
        self._memory = ir.ArrayType(ir.IntType(8) if fe_type.dtype is types.boolean
                                    else _LLVM[fe_type.dtype], fe_type.width)  # fmt: skip

    def get_data_type(self):
        return self._memory

    def as_data(self, builder, value):
        stored = cgutils.get_null_value(self._memory)
        for i in range(self._memory.count):
            item = builder.extract_element(value, ir.IntType(32)(i))
            if item.type != self._memory.element:
                item = builder.zext(item, self._memory.element)
            stored = builder.insert_value(stored, item, i)
        return stored

    def from_data(self, builder, value):
        vector = self.get_value_type()
        result = cgutils.get_null_value(vector)
        for i in range(vector.count):
            item = builder.extract_value(value, i)
            if item.type != vector.element:
                item = builder.trunc(item, vector.element)
            result = builder.insert_element(result, item, ir.IntType(32)(i))
        return result


# --- numbers splat ---------------------------------------------------------------------------


def splat_value(builder, value, width):
    """A number in every lane, in LLVM code."""
    vector = ir.VectorType(value.type, width)
    single = builder.insert_element(ir.Constant(vector, ir.Undefined), value, ir.IntType(32)(0))
    mask = ir.Constant(ir.VectorType(ir.IntType(32), width), [0] * width)
    return builder.shuffle_vector(single, ir.Constant(vector, ir.Undefined), mask)


def repeat_value(builder, value, width):
    """The lanes of a vector over and over, in LLVM code."""
    narrow = value.type.count
    mask = ir.Constant(ir.VectorType(ir.IntType(32), width), [i % narrow for i in range(width)])
    return builder.shuffle_vector(value, ir.Constant(value.type, ir.Undefined), mask)


@lower_cast(types.Number, Lanes)
@lower_cast(types.Boolean, Lanes)
def _number_to_lanes(context, builder, fromty, toty, value):
    return splat_value(builder, context.cast(builder, value, fromty, toty.dtype), toty.width)


def _lanes_of(args, dtype=None):
    """The lanes type among `args`, if the others are numbers or the same type."""
    found = {a for a in args if isinstance(a, Lanes)}
    if len(found) != 1:
        return None
    lanes = found.pop()
    if dtype is not None and lanes.dtype is not dtype:
        return None
    # A float in uint64 lanes would be cut to an integer without a word.
    number = {types.float64: types.Integer | types.Float, types.uint64: types.Integer}
    splats = number.get(lanes.dtype, types.Boolean) | types.Boolean
    return lanes if all(a == lanes or isinstance(a, splats) for a in args) else None


# --- operators -------------------------------------------------------------------------------


def _declare_operator(op, arity, dtypes, emit, returns_mask=False):
    """Type and lower one operator for the given kinds of lanes."""

    class Template(AbstractTemplate):
        def generic(self, args, kws):
            lanes = _lanes_of(args)
            if kws or len(args) != arity or lanes is None or lanes.dtype not in dtypes:
                return None
            result = Lanes(types.boolean, lanes.width) if returns_mask else lanes
            return signature(result, *([lanes] * arity))

    Template.__name__ = f"Lanes_{op.__name__}"
    infer_global(op)(Template)

    @lower_builtin(op, *([Lanes] * arity))
    def lower(context, builder, sig, args):
        return emit(builder, sig.args[0].dtype, *args)


def _either(float_op, integer_op):
    def emit(builder, dtype, *args):
        name = float_op if dtype is types.float64 else integer_op
        return getattr(builder, name)(*args)

    return emit


_F, _U, _B = types.float64, types.uint64, types.boolean

for _ops, _dtypes, _emit in (
    ((operator.add, operator.iadd), (_F, _U), _either("fadd", "add")),
    ((operator.sub, operator.isub), (_F, _U), _either("fsub", "sub")),
    ((operator.mul, operator.imul), (_F, _U), _either("fmul", "mul")),
    ((operator.truediv, operator.itruediv), (_F,), _either("fdiv", None)),
    ((operator.and_, operator.iand), (_U, _B), _either(None, "and_")),
    ((operator.or_, operator.ior), (_U, _B), _either(None, "or_")),
    ((operator.xor, operator.ixor), (_U, _B), _either(None, "xor")),
    ((operator.lshift, operator.ilshift), (_U,), _either(None, "shl")),
    ((operator.rshift, operator.irshift), (_U,), _either(None, "lshr")),
):
    for _op in _ops:
        _declare_operator(_op, 2, _dtypes, _emit)

_declare_operator(operator.neg, 1, (_F,), lambda builder, dtype, x: builder.fneg(x))
_declare_operator(operator.pos, 1, (_F,), lambda builder, dtype, x: x)


def _compare(symbol):
    def emit(builder, dtype, x, y):
        if dtype is not types.float64:
            return builder.icmp_unsigned(symbol, x, y)
        # As for scalars: a comparison with NaN is false, but for !=.
        compare = builder.fcmp_unordered if symbol == "!=" else builder.fcmp_ordered
        return compare(symbol, x, y)

    return emit


for _op, _symbol in ((operator.lt, "<"), (operator.le, "<="), (operator.gt, ">"),
                     (operator.ge, ">="), (operator.eq, "=="), (operator.ne, "!=")):  # fmt: skip
    _declare_operator(_op, 2, (_F, _U), _compare(_symbol), returns_mask=True)


# --- math functions --------------------------------------------------------------------------


def call_llvm(builder, name, *args):
    """Call the LLVM intrinsic `name` for the type of the first argument."""
    # llvmlite's declare_intrinsic refuses vectors, so the name is mangled here.
    ty = args[0].type
    suffix = f"v{ty.count}f64" if isinstance(ty, ir.VectorType) else "f64"
    function = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(ty, [a.type for a in args]), f"llvm.{name}.{suffix}"
    )
    return builder.call(function, args)


def _piece(builder, x, first, count):
    mask = ir.Constant(ir.VectorType(ir.IntType(32), count), list(range(first, first + count)))
    return builder.shuffle_vector(x, ir.Constant(x.type, ir.Undefined), mask)


def _concatenate(builder, pieces):
    while len(pieces) > 1:
        mask = ir.Constant(ir.VectorType(ir.IntType(32), 2 * pieces[0].type.count),
                           list(range(2 * pieces[0].type.count)))  # fmt: skip
        pieces = [builder.shuffle_vector(pieces[i], pieces[i + 1], mask)
                  for i in range(0, len(pieces), 2)]  # fmt: skip
    return pieces[0]


def _vector_call(context, builder, function, x):
    """`function` of every lane: libmvec for the *target's* widest registers, or lane by lane."""
    features = context.codegen().magic_tuple()[2]
    lanes = 8 if "+avx512f" in features else 4 if "+avx2" in features else 0
    if lanes and vecmath.available(function, lanes) and x.type.count >= lanes:
        piece = ir.VectorType(ir.DoubleType(), lanes)
        callee = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(piece, [piece]), vecmath.symbol(function, lanes)
        )
        parts = [builder.call(callee, [_piece(builder, x, i, lanes)])
                 for i in range(0, x.type.count, lanes)]  # fmt: skip
        return _concatenate(builder, parts)
    callee = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(ir.DoubleType(), [ir.DoubleType()]), function
    )
    result = x
    for i in range(x.type.count):
        index = ir.IntType(32)(i)
        value = builder.call(callee, [builder.extract_element(x, index)])
        result = builder.insert_element(result, value, index)
    return result


def _declare_function(function, emit):
    arity = 2 if function in (max, min) else 1

    class Template(AbstractTemplate):
        def generic(self, args, kws):
            lanes = _lanes_of(args, types.float64)
            if kws or len(args) != arity or lanes is None:
                return None
            return signature(lanes, *([lanes] * arity))

    Template.__name__ = f"Lanes_{function.__name__}"
    infer_global(function)(Template)

    @lower_builtin(function, *([Lanes] * arity))
    def lower(context, builder, sig, args):
        return emit(context, builder, *args)


for _name in vecmath.FUNCTIONS:
    if hasattr(math, _name):
        _declare_function(
            getattr(math, _name),
            lambda context, builder, x, name=_name: _vector_call(context, builder, name, x),
        )
_declare_function(math.sqrt, lambda context, builder, x: call_llvm(builder, "sqrt", x))
_declare_function(math.fabs, lambda context, builder, x: call_llvm(builder, "fabs", x))
_declare_function(abs, lambda context, builder, x: call_llvm(builder, "fabs", x))
_declare_function(math.floor, lambda context, builder, x: call_llvm(builder, "floor", x))


def _larger(symbol):
    # The scalar max(x, y) of Python: y only where the comparison says so.
    def emit(context, builder, x, y):
        return builder.select(builder.fcmp_ordered(symbol, y, x), y, x)

    return emit


_declare_function(max, _larger(">"))
_declare_function(min, _larger("<"))


# --- what scalar code has no word for: each also takes plain numbers --------------------------


def _shape(like, dtype):
    """`dtype` with the width of `like`."""
    return Lanes(dtype, like.width) if isinstance(like, Lanes) else dtype


def _common(*args):
    return _lanes_of(args) or args[0]


@intrinsic
def splat(typingctx, like, x):
    """`x` in every lane of a value shaped like `like`."""

    def codegen(context, builder, sig, args):
        return context.cast(builder, args[1], sig.args[1], sig.return_type)

    return like(like, x), codegen


@intrinsic
def repeat(typingctx, like, x):
    """The lanes of `x` over and over, as wide as `like`."""

    def codegen(context, builder, sig, args):
        like, x = sig.args
        return args[1] if like == x else repeat_value(builder, args[1], like.width)

    return like(like, x), codegen


@intrinsic
def fold(typingctx, like, x):
    """`x` as it is, or the sum of its lanes if `like` is a number."""

    def codegen(context, builder, sig, args):
        if sig.args[0] == sig.args[1]:
            return args[1]
        items = [builder.extract_element(args[1], ir.IntType(32)(i))
                 for i in range(sig.args[1].width)]  # fmt: skip
        while len(items) > 1:
            items = [builder.fadd(a, b) for a, b in zip(items[::2], items[1::2], strict=True)]
        return items[0]

    return like(like, x), codegen


@intrinsic
def fma(typingctx, x, y, z):
    """x·y + z with one rounding, on every machine."""
    result = _lanes_of((x, y, z)) or types.float64

    def codegen(context, builder, sig, args):
        return call_llvm(builder, "fma", *args)

    return signature(result, result, result, result), codegen


@intrinsic
def select(typingctx, mask, x, y):
    """`x` where `mask` holds, else `y`."""
    result = _lanes_of((x, y)) or typingctx.unify_types(x, y)
    if result is None:
        return None
    if isinstance(mask, Lanes) and not isinstance(result, Lanes):
        result = Lanes(result, mask.width)

    def codegen(context, builder, sig, args):
        mask = args[0]
        if not isinstance(sig.args[0], Lanes):
            mask = context.cast(builder, mask, sig.args[0], types.boolean)
        return builder.select(mask, args[1], args[2])

    return signature(result, mask, result, result), codegen


def _reduce(builder, mask, op):
    if not isinstance(mask.type, ir.VectorType):
        return mask
    bits = builder.bitcast(mask, ir.IntType(mask.type.count))
    return builder.icmp_unsigned(op, bits, bits.type(0 if op == "!=" else -1))


@intrinsic
def any_lane(typingctx, mask):
    """Whether `mask` holds in any lane."""

    def codegen(context, builder, sig, args):
        return _reduce(builder, args[0], "!=")

    return types.boolean(mask), codegen


@intrinsic
def all_lanes(typingctx, mask):
    """Whether `mask` holds in every lane."""

    def codegen(context, builder, sig, args):
        return _reduce(builder, args[0], "==")

    return types.boolean(mask), codegen


@intrinsic
def mask_bits(typingctx, mask):
    """The lanes of a mask as the bits of a uint64, lane 0 lowest."""

    def codegen(context, builder, sig, args):
        count = getattr(sig.args[0], "width", 1)
        return builder.zext(builder.bitcast(args[0], ir.IntType(count)), ir.IntType(64))

    return types.uint64(mask), codegen


@intrinsic
def lowest_bit(typingctx, bits):
    """Position of the lowest bit set; `bits` is not 0."""

    def codegen(context, builder, sig, args):
        return builder.cttz(args[0], ir.IntType(1)(1))

    return types.int64(types.uint64), codegen


@intrinsic
def not_(typingctx, mask):
    """The lanes where `mask` does not hold."""

    def codegen(context, builder, sig, args):
        return builder.not_(args[0])

    return mask(mask), codegen


@intrinsic
def bits_of(typingctx, x):
    """The IEEE bits of float64 as uint64."""
    result = _shape(x, types.uint64)

    def codegen(context, builder, sig, args):
        return builder.bitcast(args[0], context.get_value_type(sig.return_type))

    return result(x), codegen


@intrinsic
def from_bits(typingctx, x):
    """The float64 with these IEEE bits."""
    result = _shape(x, types.float64)

    def codegen(context, builder, sig, args):
        return builder.bitcast(args[0], context.get_value_type(sig.return_type))

    return result(x), codegen


@intrinsic
def product_32(typingctx, x, y):
    """The 64-bit product of the low halves of two uint64."""
    result = _common(x, y)

    def codegen(context, builder, sig, args):
        ty = args[0].type
        low = 0xFFFFFFFF
        mask = ir.Constant(ty, [low] * ty.count if isinstance(ty, ir.VectorType) else low)
        return builder.mul(*(builder.and_(arg, mask) for arg in args))

    return signature(result, result, result), codegen


@intrinsic
def raise_half(typingctx, x):
    """The low half of a uint64 moved to the high half."""

    def codegen(context, builder, sig, args):
        x = args[0]
        if not isinstance(sig.args[0], Lanes):
            return builder.shl(x, x.type(32))
        # Said as a shuffle: LLVM merges a shift with the multiplication before it into a full
        # 64-bit product, which costs three times the 32-bit one.
        halves = ir.VectorType(ir.IntType(32), 2 * x.type.count)
        order = [i // 2 * 2 if i % 2 else halves.count for i in range(halves.count)]
        mask = ir.Constant(ir.VectorType(ir.IntType(32), halves.count), order)
        shuffled = builder.shuffle_vector(
            builder.bitcast(x, halves), ir.Constant(halves, None), mask
        )
        return builder.bitcast(shuffled, x.type)

    return x(x), codegen


@intrinsic
def lane_numbers(typingctx, like):
    """0, 1, 2, … as uint64, shaped like `like`."""
    result = _shape(like, types.uint64)

    def codegen(context, builder, sig, args):
        ty = context.get_value_type(sig.return_type)
        return ir.Constant(ty, list(range(ty.count)) if isinstance(ty, ir.VectorType) else 0)

    return result(like), codegen


@intrinsic
def lane(typingctx, x, i):
    """The value in lane `i` (a number known when the kernel is compiled runs without a branch)."""
    result = x.dtype if isinstance(x, Lanes) else x

    def codegen(context, builder, sig, args):
        if not isinstance(sig.args[0], Lanes):
            return args[0]
        return builder.extract_element(args[0], args[1])

    return result(x, i), codegen


@intrinsic
def width(typingctx, like):
    """Number of lanes of a value: 1 for a plain number."""

    def codegen(context, builder, sig, args):
        return ir.IntType(64)(getattr(sig.args[0], "width", 1))

    return types.intp(like), codegen


# --- memory ----------------------------------------------------------------------------------


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
    sig = _shape(like, array.dtype)(like, array, types.intp)

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


@intrinsic
def zeros(typingctx, number_of_lanes):
    """A float64 0 in that many lanes; the number is a literal, and 1 gives a plain 0.0."""
    if not isinstance(number_of_lanes, types.IntegerLiteral):
        return None
    count = number_of_lanes.literal_value
    result = types.float64 if count == 1 else Lanes(types.float64, count)

    def codegen(context, builder, sig, args):
        return context.get_constant_null(sig.return_type) if count == 1 else ir.Constant(
            context.get_value_type(sig.return_type), None)  # fmt: skip

    return result(number_of_lanes), codegen


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
        rows = [_concatenate(builder, [quarters[i % 4][i // 4], quarters[i % 4 + 4][i // 4]])
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
