"""Square roots for optimizers, by estimates of the processor where it has them.

AVX-512 estimates 1/√y to 14 bits in the time of a product; a short series brings that to an ulp or
so of the root in half of the time that the processor's own takes, and the divider is free
for the division that follows.  Elsewhere it is the processor's own root.

For optimizers only: not for 0, infinity or numbers near the ends of the range, and not the same
bits on every machine.
"""

from llvmlite import ir
from numba.extending import intrinsic

from saddlecore.lanes import call_llvm, splat_value

__all__ = ["root"]


def _estimates(context, ty):
    wide = isinstance(ty, ir.VectorType) and ty.count == 8
    return wide and "+avx512f" in context.codegen().magic_tuple()[2]


def _estimate(builder, name, y):
    ty = y.type
    kind = ir.FunctionType(ty, [ty, ty, ir.IntType(8)])
    full = f"llvm.x86.avx512.{name}.pd.512"
    function = builder.module.globals.get(full) or ir.Function(builder.module, kind, full)
    return builder.call(function, [y, ir.Constant(ty, ir.Undefined), ir.IntType(8)(255)])


def _fma(builder, x, y, z):
    return call_llvm(builder, "fma", x, y, z)


def _number(builder, ty, value):
    return splat_value(builder, ir.DoubleType()(value), ty.count)


@intrinsic
def root(typingctx, y):
    """√y of a normal positive number."""

    def codegen(context, builder, sig, args):
        (y,) = args
        if not _estimates(context, y.type):
            return call_llvm(builder, "sqrt", y)
        one, c1, c2, c3 = (_number(builder, y.type, c) for c in (1.0, 0.5, 0.375, 0.3125))
        z = _estimate(builder, "rsqrt14", y)
        # √y = yz (1 − e)^(−1/2) with e = 1 − yz², at most 2⁻¹³: e⁴ is rounding.
        s = builder.fmul(y, z)
        e = _fma(builder, builder.fneg(s), z, one)
        p = _fma(builder, e, _fma(builder, e, c3, c2), c1)
        return _fma(builder, s, builder.fmul(e, p), s)

    return y(y), codegen
