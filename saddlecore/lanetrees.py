"""Teaching Numba calls: how to type and lower one, and trees of calls.

A tree is ``(function, argument, …)`` with values for leaves.  It is evaluated once with types
alone, to type a call, and once with LLVM values, to compile it in place: a function that Numba
compiles on its own takes it 50 ms.
"""

import functools
import inspect
import itertools
from dataclasses import dataclass

from numba.core import types
from numba.core.typing.templates import (
    AbstractTemplate,
    CallableTemplate,
    infer_global,
    signature,
)
from numba.extending import lower_builtin

__all__ = ["FIRST", "Value", "call", "convert", "declare", "declare_named", "evaluate",
           "result_type"]  # fmt: skip

# Templates for the target "cpu" are asked before Numba's own, which are for any target.
FIRST = {"target": "cpu"}

_keys = itertools.count()


def declare(function, typer, emit, prefer_literal=False):
    """Type calls of `function` by ``typer(typing context, *types)`` and lower them by `emit`.

    A typer that gives None, or takes another number of arguments, leaves the call to Numba.
    """
    parameters = inspect.signature(typer).parameters.values()
    any_number = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    arity = len(parameters) - 1

    class Template(AbstractTemplate):
        key = function
        metadata = FIRST

        def generic(self, args, kws):
            if kws or not (any_number or len(args) == arity):
                return None
            result = typer(self.context, *args)
            return None if result is None else signature(result, *args)

    _register(Template, emit, prefer_literal)


def declare_named(function, typer, emit):
    """`declare`, where arguments have names, may be left out, and are literals if they can be."""

    class Template(CallableTemplate):
        key = function
        metadata = FIRST

        def generic(self):
            return functools.partial(typer, self.context)

    _register(Template, emit, prefer_literal=True)


def _register(template, emit, prefer_literal):
    own = ("saddlecore", next(_keys))  # of the implementation, which Numba's cannot be taken for
    template.get_impl_key = lambda self, sig: own
    template.prefer_literal = prefer_literal
    infer_global(template.key, types.Function(template))
    lower_builtin(own, types.VarArg(types.Any))(emit)


# --- trees -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Value:
    """A leaf: a type, and an LLVM value unless only types are asked for."""

    type: types.Type
    llvm: object = None


def result_type(context, tree):
    """The type of a tree."""
    if not isinstance(tree, tuple):
        return _leaf(tree).type
    function, *args = tree
    args = tuple(result_type(context, arg) for arg in args)
    return context.resolve_value_type(function).get_call_type(context, args, {}).return_type


def evaluate(context, builder, tree):
    """Compile a tree: a `Value`."""
    if not isinstance(tree, tuple):
        leaf = _leaf(tree)
        if leaf.llvm is None:
            return Value(leaf.type, context.get_constant(leaf.type, tree))
        return leaf
    function, *args = tree
    return call(context, builder, function, *(evaluate(context, builder, arg) for arg in args))


def _leaf(x):
    """Numbers in a tree are float64."""
    return x if isinstance(x, Value) else Value(types.float64)


def call(context, builder, function, *args):
    """Compile a call of `function` with values."""
    typing = context.typing_context
    kind = typing.resolve_value_type(function)
    sig = kind.get_call_type(typing, tuple(arg.type for arg in args), {})
    implementation = context.get_function(kind, sig)
    context.add_linking_libs(getattr(implementation, "libs", ()))
    values = [convert(context, builder, arg, ty) for arg, ty in zip(args, sig.args, strict=True)]
    return Value(sig.return_type, implementation(builder, values))


def convert(context, builder, value, ty):
    """The LLVM value, as the type `ty`."""
    return context.cast(builder, value.llvm, value.type, ty)
