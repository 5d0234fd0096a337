"""Tracing: compiling a user's function for a type that writes down what is computed.

A ``Traced`` number is a node of a graph (see `saddlecore.graph`).  The same unmodified source
that is compiled for plain numbers and for lanes is compiled for it and run once; what it did to
its argument is then known as an expression that can be differentiated.  Comparisons are decided at
the point where the function is traced, so a function with branches gives the expression of the
branch taken there, and the list of its decisions.
"""

import contextlib
import ctypes
import math
import operator
import random
import threading

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.typeconv import Conversion
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import lower_builtin, lower_cast, models, register_model

from saddlecore.compile import compile_for
from saddlecore.folding import scalar
from saddlecore.forms import call
from saddlecore.graph import Graph
from saddlecore.lanes import Numeric
from saddlecore.operations import CODES

__all__ = ["Trace", "TraceError", "Traced", "compile_trace", "trace", "traced"]


class Traced(Numeric):
    """Numba type of the nodes of a graph."""

    def __init__(self):  # noqa: D107
        self.dtype = types.float64
        self.mask = types.boolean
        super().__init__(name="Traced")

    def can_convert_from(self, typingctx, other):
        """Numbers become constants."""
        return Conversion.promote if isinstance(other, types.Number | types.Boolean) else None

    def unify(self, typingctx, other):
        """Type both branches of ``s = 0.0; s += x[0]`` as traced."""
        return self if isinstance(other, types.Number) else None


traced = Traced()


@register_model(Traced)
class _TracedModel(models.PrimitiveModel):
    def __init__(self, dmm, fe_type):
        super().__init__(dmm, fe_type, ir.IntType(64))


# --- the recorder --------------------------------------------------------------------------------


class TraceError(Exception):
    """Why a function could not be traced."""


class Trace:
    """A graph while it is written: decisions are taken at the point `x`."""

    def __init__(self, x, inputs, limit):  # noqa: D107
        self.graph = Graph(inputs)
        self.decisions = []
        self._values = list(map(float, x)) + [math.nan] * (inputs - len(x))
        self._limit = limit
        self.error = None

    def record(self, code, x, y):
        """Return the node of an operation."""
        if len(self.graph) > self._limit:
            raise TraceError(f"it computes more than {self._limit} numbers")
        name = _NAMES[code]
        return self.graph.apply(name, x, y) if name in _TWO else self.graph.apply(name, x)

    def decide(self, code, x, y):
        """Return the outcome of a comparison."""
        x, y = self.value(x), self.value(y)
        outcome = _COMPARE[code](x, y)
        self.decisions.append(outcome)
        return outcome

    def value(self, node):
        """Compute a node, and all before it, at the point."""
        g = self.graph
        for k in range(len(self._values), node + 1):
            name, *operands = g.nodes[k]
            known = operands[0] if name == "constant" else scalar(
                name, *(self._values[i] for i in operands))  # fmt: skip
            self._values.append(known)
        return self._values[node]


_NAMES = {code: name for name, code in CODES.items()}
_TWO = ("add", "sub", "mul", "div", "pow", "max", "min", "atan2")
_COMPARE = (operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne)
_lock = threading.Lock()
_current = None


def _zero():
    return 0


def _coin():
    # Whichever outcome a loop waits for to end, it comes.
    return random.getrandbits(1)


def _guarded(function, otherwise):
    """`function` for C: an exception stops the recording, not the process."""

    def run(*args):
        if _current.error is not None:
            return otherwise()
        try:
            return function(*args)
        except BaseException as error:
            _current.error = error
            return otherwise()

    return run


_LONG, _DOUBLE = ctypes.c_int64, ctypes.c_double
# Kept here: C holds no reference to them.
_CALLBACKS = {
    "saddlecore_record": ctypes.CFUNCTYPE(_LONG, _LONG, _LONG, _LONG)(
        _guarded(lambda code, x, y: _current.record(code, x, y), _zero)
    ),
    "saddlecore_constant": ctypes.CFUNCTYPE(_LONG, _DOUBLE)(
        _guarded(lambda value: _current.graph.constant(value), _zero)
    ),
    "saddlecore_decide": ctypes.CFUNCTYPE(_LONG, _LONG, _LONG, _LONG)(
        _guarded(lambda code, x, y: _current.decide(code, x, y), _coin)
    ),
}
for _name, _callback in _CALLBACKS.items():
    llvm.add_symbol(_name, ctypes.cast(_callback, ctypes.c_void_p).value)


def compile_trace(function, args=()):
    """Compile `function` for tracing; raises Numba's errors."""
    return compile_for(function, "value", traced, args)


def trace(form, x, inputs, limit):
    """Run a function compiled by `compile_trace` at x.

    Returns the trace and the node of its result.  The graph has `inputs` inputs, the first of them
    x's variables.  Raises `TraceError`.
    """
    global _current
    nodes = np.arange(len(x), dtype=np.int64).view(np.float64)
    out = np.full(1, -1, np.int64)
    with _lock, contextlib.ExitStack() as stack:
        _current = Trace(x, inputs, limit)
        stack.callback(_forget)
        call(form.address, nodes, len(x), out.view(np.float64), form.data)
        recorded = _current
    if recorded.error is not None:
        raise recorded.error
    if not 0 <= out[0] < len(recorded.graph):  # the form wrote NaN
        raise TraceError("it raises an exception")
    return recorded, int(out[0])


def _forget():
    global _current
    _current = None


# --- the type's operations -----------------------------------------------------------------------


def _call(builder, name, *args):
    number = ir.IntType(64)
    function = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(number, [a.type for a in args]), f"saddlecore_{name}"
    )
    return builder.call(function, args)


@lower_cast(types.Number, Traced)
@lower_cast(types.Boolean, Traced)
def _number_to_traced(context, builder, fromty, toty, value):
    return _call(builder, "constant", context.cast(builder, value, fromty, types.float64))


def _declare(function, arity, emit, result=traced, mixed=True):
    class Template(AbstractTemplate):
        def generic(self, args, kws):
            numbers = (types.Number | types.Boolean) if mixed else ()
            known = len(args) == arity and traced in args and not kws
            if known and all(a == traced or isinstance(a, numbers) for a in args):
                return signature(result, *([traced] * arity))
            return None

    Template.__name__ = f"Traced_{function.__name__}"
    infer_global(function)(Template)

    @lower_builtin(function, *([Traced] * arity))
    def lower(context, builder, sig, args):
        return emit(builder, *args)


def _recorded(name):
    code = ir.IntType(64)(CODES[name])

    def emit(builder, x, y=None):
        return _call(builder, "record", code, x, x if y is None else y)

    return emit


def _decided(number):
    def emit(builder, x, y):
        outcome = _call(builder, "decide", ir.IntType(64)(number), x, y)
        return builder.trunc(outcome, ir.IntType(1))

    return emit


def _hypot(builder, x, y):
    square, add, root = _recorded("mul"), _recorded("add"), _recorded("sqrt")
    return root(builder, add(builder, square(builder, x, x), square(builder, y, y)))


for _op, _inplace, _name in (
    (operator.add, operator.iadd, "add"),
    (operator.sub, operator.isub, "sub"),
    (operator.mul, operator.imul, "mul"),
    (operator.truediv, operator.itruediv, "div"),
):
    _declare(_op, 2, _recorded(_name))
    _declare(_inplace, 2, _recorded(_name))
for _number, _op in enumerate(_COMPARE):
    _declare(_op, 2, _decided(_number), types.boolean)
_declare(operator.neg, 1, _recorded("neg"))
_declare(operator.pos, 1, lambda builder, x: x)
_declare(max, 2, _recorded("max"))
_declare(min, 2, _recorded("min"))
_declare(abs, 1, _recorded("abs"))
_declare(math.fabs, 1, _recorded("abs"))
_declare(math.floor, 1, _recorded("floor"))
_declare(math.atan2, 2, _recorded("atan2"))
_declare(math.hypot, 2, _hypot)
# Powers with a plain number on either side are `saddlecore.lanemath`'s.
_declare(operator.pow, 2, _recorded("pow"), mixed=False)
for _name in ("sqrt", "exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "asin", "acos",
              "atan", "expm1", "log1p", "exp2", "log2", "log10", "erf"):  # fmt: skip
    _declare(getattr(math, _name), 1, _recorded(_name))
