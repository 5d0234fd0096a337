"""Arithmetic and functions of arrays of `saddlecore.lanes.Numeric`, element by element.

Numba fuses ``100.0 * (x[1:] - x[:-1] ** 2) ** 2`` into one expression for its own numbers; its
expressions of ours are compiled here, into one loop, and so is every operation that stands alone.
Shapes broadcast as NumPy's do; a mismatch raises ValueError.
"""

import operator

import numpy as np
from llvmlite import ir as llvm_ir
from numba.core import cgutils, ir, types
from numba.core.imputils import impl_ret_borrowed
from numba.core.registry import cpu_target
from numba.np import arrayobj
from numba.np.ufunc.array_exprs import _lower_array_expr

from saddlecore.laneloops import Operand, elements, empty, is_numeric_array, raise_if
from saddlecore.lanemath import FUNCTIONS, POWERS
from saddlecore.lanes import Numeric
from saddlecore.lanetrees import Value, call, declare, evaluate, result_type

__all__ = ["elementwise", "fill"]

_INT = llvm_ir.IntType(64)


# --- broadcasting --------------------------------------------------------------------------------


def _leaves(tree):
    """The operands in a tree, each once."""
    if isinstance(tree, tuple):
        return list(dict.fromkeys(leaf for branch in tree[1:] for leaf in _leaves(branch)))
    return [tree] if isinstance(tree, Operand) else []


def _common_shape(builder, operands):
    shape = []
    for axis in range(-max(len(x.shape) for x in operands), 0):
        sizes = [x.shape[axis] for x in operands if len(x.shape) >= -axis]
        size = sizes[0]
        for other in sizes[1:]:
            single = builder.icmp_signed("==", size, _INT(1))
            size = builder.select(single, other, size)
        shape.append(size)
    return shape


def _stretch(context, builder, operands, shape):
    """Let axes of length 1 stay where they are; other lengths must be those of `shape`."""
    for x in operands:
        for axis in range(-len(x.shape), 0):
            if x.shape[axis] is shape[axis]:
                continue
            single = builder.icmp_signed("==", x.shape[axis], _INT(1))
            equal = builder.icmp_signed("==", x.shape[axis], shape[axis])
            raise_if(context, builder, builder.not_(builder.or_(single, equal)),
                     "operands could not be broadcast together")  # fmt: skip
            x.strides[axis] = builder.select(single, _INT(0), x.strides[axis])


def _load(context, builder, tree, loaded):
    if isinstance(tree, tuple):
        return (tree[0], *(_load(context, builder, branch, loaded) for branch in tree[1:]))
    return loaded.get(tree, tree) if isinstance(tree, Operand) else tree


def fill(context, builder, out, tree):
    """Write a tree, element by element, into the array `out`."""
    operands = _leaves(tree)
    _stretch(context, builder, operands, out.shape)
    with elements(builder, out.shape) as indices:
        loaded = {x: x.load(context, builder, indices) for x in operands}
        found = evaluate(context, builder, _load(context, builder, tree, loaded))
        out.store(context, builder, indices, found)


def elementwise(context, builder, ty, tree):
    """A tree, element by element, as a new array."""
    out = empty(context, builder, ty, _common_shape(builder, _leaves(tree)))
    fill(context, builder, out, tree)
    return out.value


# --- operations that stand alone -----------------------------------------------------------------


def _element(ty):
    return ty.dtype if isinstance(ty, types.Array) else ty


def _type_elementwise(context, function, args):
    dimensions = [ty.ndim for ty in args if isinstance(ty, types.Array)]
    if not dimensions or not any(isinstance(_element(ty), Numeric) for ty in args):
        return None
    dtype = result_type(context, (function, *(Value(_element(ty)) for ty in args)))
    return types.Array(dtype, max(dimensions), "C")


def _operands(context, builder, tys, values):
    return [Operand(context, builder, ty, value) if isinstance(ty, types.Array)
            else Value(ty, value) for ty, value in zip(tys, values, strict=True)]  # fmt: skip


def _declare_elementwise(function, arity):
    def typer(context, *args):
        return _type_elementwise(context, function, args) if len(args) == arity else None

    def emit(context, builder, sig, args):
        tree = (function, *_operands(context, builder, sig.args, args))
        return elementwise(context, builder, sig.return_type, tree)

    declare(function, typer, emit, prefer_literal=function in POWERS)


_BINARY = {op: getattr(operator, f"i{op.__name__}") for op in (
    operator.add, operator.sub, operator.mul, operator.truediv, operator.pow)}  # fmt: skip
_MASKS = (operator.and_, operator.or_, operator.xor)
_COMPARISONS = (operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne)

for _function in (*_BINARY, *_MASKS, *_COMPARISONS, np.power, np.float_power):
    _declare_elementwise(_function, 2)
for _function in (operator.neg, operator.pos, operator.invert, abs):
    _declare_elementwise(_function, 1)
for _function, _arity in FUNCTIONS.items():
    _declare_elementwise(_function, _arity)


# --- expressions that Numba has fused ------------------------------------------------------------


def _lower_expression(lowerer, expr):
    variables = {var.name: lowerer.typeof(var.name) for var in expr.list_vars()}
    if not any(isinstance(_element(ty), Numeric) for ty in variables.values()):
        return _lower_array_expr(lowerer, expr)
    context, builder = lowerer.context, lowerer.builder
    values = [lowerer.loadvar(name) for name in variables]
    operands = _operands(context, builder, variables.values(), values)
    leaves = dict(zip(variables, operands, strict=True))
    tree = _tree(context, builder, expr.expr, leaves)
    return elementwise(context, builder, expr.ty, tree)


def _tree(context, builder, node, leaves):
    if isinstance(node, tuple):
        function, branches = node
        return (function, *(_tree(context, builder, branch, leaves) for branch in branches))
    if isinstance(node, ir.Var):
        return leaves[node.name]
    # A literal int stays one: x ** 2 is x * x.
    ty = context.typing_context.resolve_value_type_prefer_literal(node.value)
    return Value(ty, context.get_constant_generic(builder, ty, node.value))


cpu_target.target_context.special_ops["arrayexpr"] = _lower_expression


# --- writing into arrays -------------------------------------------------------------------------


def _apart(context, builder, x, out):
    """`x`, copied where it overlaps `out` other than element on element; and what to release."""
    ends = [arrayobj.get_array_memory_extents(
        context, builder, array.type, context.make_array(array.type)(context, builder, array.value),
        array.shape, array.strides, array.data) for array in (x, out)]  # fmt: skip
    overlap = arrayobj.extents_may_overlap(context, builder, *ends[0], *ends[1])
    same = builder.icmp_unsigned("==", x.data, out.data)
    for a, b in zip(x.shape + x.strides, out.shape + out.strides, strict=True):
        same = builder.and_(same, builder.icmp_signed("==", a, b))
    used = cgutils.alloca_once_value(builder, x.value)
    copied = cgutils.alloca_once_value(builder, llvm_ir.Constant(x.value.type, None))
    with builder.if_then(builder.and_(overlap, builder.not_(same)), likely=False):
        made = elementwise(context, builder, x.type.copy(layout="C", readonly=False), x)
        builder.store(made, used)
        builder.store(made, copied)
    return Operand(context, builder, x.type, builder.load(used)), copied


def _write(context, builder, out, x, tree_of):
    """Write ``tree_of(x)`` into `out`, as if all of it were computed before any is written."""
    if not isinstance(x, Operand) or x.type.dtype != out.type.dtype or x.type.ndim != out.type.ndim:
        fill(context, builder, out, tree_of(x))
        return
    x, copied = _apart(context, builder, x, out)
    fill(context, builder, out, tree_of(x))
    context.nrt.decref(builder, x.type, builder.load(copied))


def _declare_in_place(function, plain):
    def typer(context, target, x):
        found = _type_elementwise(context, plain, (target, x))
        if found is None or not isinstance(target, types.Array):
            return found
        fits = target.mutable and found.ndim == target.ndim and found.dtype == target.dtype
        return target if fits else None

    def emit(context, builder, sig, args):
        target, x = _operands(context, builder, sig.args, args)
        if not isinstance(target, Operand):
            return elementwise(context, builder, sig.return_type, (plain, target, x))
        _write(context, builder, target, x, lambda x: (plain, target, x))
        return impl_ret_borrowed(context, builder, sig.return_type, target.value)

    declare(function, typer, emit, prefer_literal=function in POWERS)


for _plain, _function in _BINARY.items():
    _declare_in_place(_function, _plain)


def _type_set_slice(context, array, index, x):
    if not (is_numeric_array(array) and isinstance(index, types.SliceType)):
        return None
    fits = isinstance(x, types.Array) and x.ndim == array.ndim == 1 and array.mutable
    known = fits and context.can_convert(x.dtype, array.dtype) is not None
    return types.none if known else None


def _set_slice(context, builder, sig, args):
    array, index, x = map(Value, sig.args, args)
    view = call(context, builder, operator.getitem, array, index)
    out = Operand(context, builder, view.type, view.llvm)
    _write(context, builder, out, Operand(context, builder, x.type, x.llvm), lambda x: x)
    context.nrt.decref(builder, view.type, view.llvm)
    return context.get_dummy_value()


declare(operator.setitem, _type_set_slice, _set_slice)
