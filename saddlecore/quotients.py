"""Square roots and quotients for optimizers, by estimates of the processor where it has them.

AVX-512 estimates 1/y and 1/√y to 14 bits in the time of a product; a step of Newton's and one on
the residual bring them to within an ulp or two of the exact result, in a third of the time that
division takes.  Elsewhere these are the processor's own root and quotient.

For optimizers only: not for infinite numbers or those near the ends of the range, and not the same
bits on every machine.
"""

from llvmlite import ir
from numba.core.typing.templates import signature
from numba.extending import intrinsic

from saddlecore.lanes import call_llvm, lanes_of, splat_value

__all__ = ["quotient", "root"]

#: Below it a root is that of this number: where an estimate would be infinite.
_TINY = 2.0**-1000


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
def quotient(typingctx, x, y):
    """x / y."""
    result = lanes_of((x, y)) or x

    def codegen(context, builder, sig, args):
        x, y = args
        if not _estimates(context, y.type):
            return builder.fdiv(x, y)
        z = _estimate(builder, "rcp14", y)
        z = _fma(builder, z, _fma(builder, builder.fneg(y), z, _number(builder, y.type, 1.0)), z)
        q = builder.fmul(x, z)
        return _fma(builder, _fma(builder, builder.fneg(y), q, x), z, q)

    return signature(result, result, result), codegen


@intrinsic
def root(typingctx, y):
    """√y of a number that is not negative."""

    def codegen(context, builder, sig, args):
        (y,) = args
        if not _estimates(context, y.type):
            return call_llvm(builder, "sqrt", y)
        least, half = _number(builder, y.type, _TINY), _number(builder, y.type, 0.5)
        y = builder.select(builder.fcmp_ordered("<", y, least), least, y)
        z = _estimate(builder, "rsqrt14", y)
        # g tends to √y and h to 1/(2√y) (Goldschmidt 1964).
        g, h = builder.fmul(y, z), builder.fmul(half, z)
        r = _fma(builder, builder.fneg(g), h, half)
        g, h = _fma(builder, g, r, g), _fma(builder, h, r, h)
        return _fma(builder, _fma(builder, builder.fneg(g), g, y), h, g)

    return y(y), codegen
