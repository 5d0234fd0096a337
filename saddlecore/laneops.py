"""Operations on lanes that scalar code has no word for; each also takes plain numbers.

That is what makes the scalar twin of a kernel the same source.
"""

from llvmlite import ir
from numba.core import types
from numba.core.typing.templates import signature
from numba.extending import intrinsic

from saddlecore.lanes import Lanes, call_llvm, lanes_of, repeat_value, shape_of

__all__ = [
    "all_lanes",
    "any_lane",
    "bits_of",
    "fma",
    "fold",
    "from_bits",
    "lane",
    "lane_numbers",
    "lowest_bit",
    "mask_bits",
    "not_",
    "product_32",
    "raise_half",
    "repeat",
    "select",
    "splat",
    "width",
    "zeros",
]


def _common(*args):
    return lanes_of(args) or args[0]


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
    result = lanes_of((x, y, z)) or types.float64

    def codegen(context, builder, sig, args):
        return call_llvm(builder, "fma", *args)

    return signature(result, result, result, result), codegen


@intrinsic
def select(typingctx, mask, x, y):
    """`x` where `mask` holds, else `y`."""
    result = lanes_of((x, y)) or typingctx.unify_types(x, y)
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
    result = shape_of(x, types.uint64)

    def codegen(context, builder, sig, args):
        return builder.bitcast(args[0], context.get_value_type(sig.return_type))

    return result(x), codegen


@intrinsic
def from_bits(typingctx, x):
    """The float64 with these IEEE bits."""
    result = shape_of(x, types.float64)

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
    result = shape_of(like, types.uint64)

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
