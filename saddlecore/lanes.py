"""Lanes: several float64 in one SIMD register, as a Numba type.

Code that looks scalar, compiled with ``Lanes`` arguments, runs one problem per lane: eight
matrices, eight samples, eight starting points.  The same source compiled with plain numbers runs
one.  LLVM maps the vector onto what the processor has (AVX-512, two AVX2 registers, four NEON
ones); sixteen lanes give two independent chains of instructions where latency binds.

The kinds of lanes are ``float64``, ``uint64`` and ``bool`` (what comparisons give).  Numbers
splat by themselves.

`saddlecore.laneops` holds what scalar code has no word for, `saddlecore.memory` loads and stores.
"""

import math
import operator

import llvmlite.binding as llvm
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.typeconv import Conversion
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import lower_builtin, lower_cast, models, register_model

from saddlecore import vecmath

__all__ = ["Lanes", "Numeric", "native_width"]

_LLVM = {types.float64: ir.DoubleType(), types.uint64: ir.IntType(64), types.boolean: ir.IntType(1)}


def native_width():
    """Number of float64 lanes that this processor computes in one instruction."""
    features = llvm.get_host_cpu_features()
    if features.get("avx512f"):
        return 8
    return 4 if features.get("avx") else 2


class Numeric(types.Type):
    """A number, other than a plain one, that a user's function may be compiled for.

    `dtype` says what it is made of, `mask` is the type of its comparisons.
    """

    @property
    def is_internal(self):
        """Numba fuses expressions of arrays and of numbers that are its own, and of these."""
        return True


class Lanes(Numeric):
    """Numba type of `width` values of one `dtype` in a SIMD register."""

    def __init__(self, dtype, width):  # noqa: D107
        self.dtype = dtype
        self.width = width
        super().__init__(name=f"Lanes({dtype}, {width})")

    @property
    def mask(self):
        """The type of comparisons."""
        return Lanes(types.boolean, self.width)

    def can_convert_from(self, typingctx, other):
        """Numbers splat; masks count as 0.0 and 1.0."""
        if isinstance(other, types.Number | types.Boolean) and self.dtype is not types.boolean:
            return Conversion.promote
        return Conversion.promote if self.dtype is types.float64 and other == self.mask else None

    def unify(self, typingctx, other):
        """Type both branches of ``s = 0.0; s += lane`` as lanes."""
        if isinstance(other, types.Number) and self.dtype is not types.boolean:
            return self
        return None


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    """A vector as a value; in memory the same in a packed struct, which asks for no alignment."""

    def __init__(self, dmm, fe_type):
        super().__init__(dmm, fe_type, ir.VectorType(_LLVM[fe_type.dtype], fe_type.width))
        self._masks = fe_type.dtype is types.boolean
        # A byte for each lane of a mask.
        kept = ir.VectorType(ir.IntType(8), fe_type.width) if self._masks else self.get_value_type()
        self._memory = ir.LiteralStructType([kept], packed=True)

    def get_data_type(self):
        return self._memory

    def as_data(self, builder, value):
        if self._masks:
            value = builder.zext(value, self._memory.elements[0])
        return builder.insert_value(ir.Constant(self._memory, ir.Undefined), value, 0)

    def from_data(self, builder, value):
        value = builder.extract_value(value, 0)
        return builder.trunc(value, self.get_value_type()) if self._masks else value


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


@lower_cast(Lanes, Lanes)
def _mask_to_numbers(context, builder, fromty, toty, value):
    return builder.uitofp(value, context.get_value_type(toty))


def _lanes_among(args):
    """The type of lanes that `args` become together."""
    found = {a for a in args if isinstance(a, Lanes)}
    masks = {a for a in found if a.dtype is types.boolean}
    # ``(x > 0) * x`` and ``0.5 * (x > 0)``: a mask beside numbers counts as 0.0 and 1.0.
    if masks and (found - masks or any(isinstance(a, types.Number) for a in args)):
        found = (found - masks) | {Lanes(types.float64, a.width) for a in masks}
    return found.pop() if len(found) == 1 else None


def lanes_of(args, dtype=None):
    """The lanes type among `args`, if the others are numbers or the same type."""
    lanes = _lanes_among(args)
    if lanes is None:
        return None
    if dtype is not None and lanes.dtype is not dtype:
        return None
    # A float in uint64 lanes would be cut to an integer without a word.
    number = {types.float64: types.Integer | types.Float, types.uint64: types.Integer}
    splats = number.get(lanes.dtype, types.Boolean) | types.Boolean
    same = (lanes, lanes.mask) if lanes.dtype is types.float64 else (lanes,)
    return lanes if all(a in same or isinstance(a, splats) for a in args) else None


def shape_of(like, dtype):
    """`dtype` with the width of `like`."""
    return Lanes(dtype, like.width) if isinstance(like, Lanes) else dtype


# --- operators -------------------------------------------------------------------------------


def _declare_operator(op, arity, dtypes, emit, returns_mask=False):
    """Type and lower one operator for the given kinds of lanes."""

    class Template(AbstractTemplate):
        def generic(self, args, kws):
            lanes = lanes_of(args)
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
    ((operator.mul, operator.imul), (_F, _U, _B), _either("fmul", "mul")),  # of masks: both
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
_declare_operator(operator.invert, 1, (_B,), lambda builder, dtype, x: builder.not_(x))


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


def concatenate(builder, pieces):
    while len(pieces) > 1:
        mask = ir.Constant(ir.VectorType(ir.IntType(32), 2 * pieces[0].type.count),
                           list(range(2 * pieces[0].type.count)))  # fmt: skip
        pieces = [builder.shuffle_vector(pieces[i], pieces[i + 1], mask)
                  for i in range(0, len(pieces), 2)]  # fmt: skip
    return pieces[0]


def _vector_call(context, builder, function, *args):
    """`function` of every lane: libmvec for the *target's* widest registers, or lane by lane."""
    features = context.codegen().magic_tuple()[2]
    lanes = 8 if "+avx512f" in features else 4 if "+avx2" in features else 0
    width = args[0].type.count
    if lanes and vecmath.available(function, lanes) and width >= lanes:
        callee = _external(builder, vecmath.symbol(function, lanes),
                           ir.VectorType(ir.DoubleType(), lanes), len(args))  # fmt: skip
        parts = [builder.call(callee, [_piece(builder, x, i, lanes) for x in args])
                 for i in range(0, width, lanes)]  # fmt: skip
        return concatenate(builder, parts)
    callee = _external(builder, function, ir.DoubleType(), len(args))
    result = args[0]
    for i in range(width):
        index = ir.IntType(32)(i)
        value = builder.call(callee, [builder.extract_element(x, index) for x in args])
        result = builder.insert_element(result, value, index)
    return result


def _external(builder, name, number, arity):
    kind = ir.FunctionType(number, [number] * arity)
    return cgutils.get_or_insert_function(builder.module, kind, name)


def _declare_function(function, emit, arity=1):
    class Template(AbstractTemplate):
        def generic(self, args, kws):
            lanes = lanes_of(args, types.float64)
            if kws or len(args) != arity or lanes is None:
                return None
            if function is operator.pow and args[0] != args[1]:
                return None  # whole and constant exponents: saddlecore.lanemath
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
for _name, _function in (("pow", operator.pow), ("atan2", math.atan2), ("hypot", math.hypot)):
    _declare_function(
        _function,
        lambda context, builder, x, y, name=_name: _vector_call(context, builder, name, x, y),
        arity=2,
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


_declare_function(max, _larger(">"), arity=2)
_declare_function(min, _larger("<"), arity=2)
