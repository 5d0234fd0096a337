"""Running programs (see `saddlecore.program`), with bounds of their rounding errors if wanted.

Every operation is done for 32 points at once, four registers full: choosing the operation then
costs little beside doing it.

The bounds are those of running error analysis (Higham, Accuracy and Stability of Numerical
Algorithms, 2nd ed., §3.3): beside each number v stands e ≥ |computed − exact|, to first order in
the unit roundoff u; an operation adds u·|v| to what its operands' errors become.  What is lost by
underflow is not in them.
"""

import math

import numpy as np
from numba import carray

from saddlecore.forms import pointer_at
from saddlecore.jit import allocating, c_function, device, kernel
from saddlecore.laneops import select, splat, width, zeros
from saddlecore.memory import aligned, load, store
from saddlecore.operations import CODES

__all__ = ["describe", "evaluate", "program_form", "program_form_lanes"]

_U = 2.0**-53
# Unit roundoffs in a result of the vector math library: at most 4 ulp.
_MATH = 8.0 * _U
_TWO_BY_ROOT_PI = 2.0 / math.sqrt(math.pi)

ADD, SUB, MUL, DIV, POW, MAX, MIN, GREATER, ATAN2 = map(CODES.get, (
    "add", "sub", "mul", "div", "pow", "max", "min", "greater", "atan2"))  # fmt: skip
NEG, ABS, SIGN, FLOOR, SQRT, EXP, LOG, SIN, COS, TAN = map(CODES.get, (
    "neg", "abs", "sign", "floor", "sqrt", "exp", "log", "sin", "cos", "tan"))  # fmt: skip
SINH, COSH, TANH, ASIN, ACOS, ATAN, EXPM1, LOG1P = map(CODES.get, (
    "sinh", "cosh", "tanh", "asin", "acos", "atan", "expm1", "log1p"))  # fmt: skip
EXP2, LOG2, LOG10, ERF, SECH, STORE = map(CODES.get, (
    "exp2", "log2", "log10", "erf", "sech", "store"))  # fmt: skip


@device
def _floor(a):
    """In lanes a number; of plain numbers an integer, and wrong beyond the range of those."""
    inner = (abs(a) < 2.0**52) & (a != 0.0)
    return select(inner, math.floor(a) * splat(a, 1.0), a)


@device
def _apply(op, a, b):
    """One operation.  The commonest come first; a processor's table of jumps does not mind."""
    v = a
    if op == ADD:
        v = a + b
    elif op == SUB:
        v = a - b
    elif op == MUL:
        v = a * b
    elif op == DIV:
        v = a / b
    elif op == POW:
        v = a**b
    elif op == MAX:
        v = max(a, b)
    elif op == MIN:
        v = min(a, b)
    elif op == GREATER:
        v = select(a > b, splat(a, 1.0), splat(a, 0.0))
    elif op == ATAN2:
        v = math.atan2(a, b)
    elif op == NEG:
        v = -a
    elif op == ABS:
        v = abs(a)
    elif op == SIGN:
        v = select(a > 0.0, splat(a, 1.0), select(a < 0.0, splat(a, -1.0), splat(a, 0.0)))
    elif op == FLOOR:
        v = _floor(a)
    elif op == SQRT:
        v = math.sqrt(a)
    elif op == EXP:
        v = math.exp(a)
    elif op == LOG:
        v = math.log(a)
    elif op == SIN:
        v = math.sin(a)
    elif op == COS:
        v = math.cos(a)
    elif op == TAN:
        v = math.tan(a)
    elif op == SINH:
        v = math.sinh(a)
    elif op == COSH:
        v = math.cosh(a)
    elif op == TANH:
        v = math.tanh(a)
    elif op == ASIN:
        v = math.asin(a)
    elif op == ACOS:
        v = math.acos(a)
    elif op == ATAN:
        v = math.atan(a)
    elif op == EXPM1:
        v = math.expm1(a)
    elif op == LOG1P:
        v = math.log1p(a)
    elif op == EXP2:
        v = math.exp2(a)
    elif op == LOG2:
        v = math.log2(a)
    elif op == LOG10:
        v = math.log10(a)
    elif op == ERF:
        v = math.erf(a)
    elif op == SECH:
        v = 1.0 / math.cosh(a)
    return v


@device
def _error(op, a, b, v, ea, eb):
    """A bound of the error of v, given bounds of those of its operands."""
    e = ea
    size = abs(v)
    if op in (ADD, SUB):
        e = ea + eb + _U * size
    elif op == MUL:
        e = abs(a) * eb + abs(b) * ea + ea * eb + _U * size
    elif op == DIV:
        e = (ea + size * eb) / abs(b) + _U * size
    elif op == POW:
        from_x = select(ea > 0.0, abs(b) * ea / abs(a), ea)
        from_y = select(eb > 0.0, abs(math.log(abs(a))) * eb, eb)
        e = size * (from_x + from_y + _MATH)
    elif op in (MAX, MIN):
        e = max(ea, eb)
    elif op == ATAN2:
        e = select(ea + eb > 0.0, (ea + eb) / max(abs(a), abs(b)), ea) + _MATH * size
    elif op == GREATER:
        # Steps: right, but where the operands' errors reach across.
        e = select(abs(a - b) < ea + eb, splat(a, 1.0), splat(a, 0.0))
    elif op == SIGN:
        e = select(abs(a) < ea, splat(a, 2.0), splat(a, 0.0))
    elif op == FLOOR:
        e = _floor(a + ea) - _floor(a - ea)
    elif op == SQRT:
        # |√(a + e) − √a| ≤ √e, and far from 0 much less.
        e = min(math.sqrt(ea), select(v > 0.0, ea / v, math.sqrt(ea))) + _U * size
    elif op in (EXP, EXP2):
        e = size * (ea + _MATH)
    elif op == EXPM1:
        e = (size + 1.0) * ea + _MATH * size
    elif op in (LOG, LOG2, LOG10):
        e = 1.5 * ea / abs(a) + _MATH * size
    elif op == LOG1P:
        e = ea / abs(1.0 + a) + _MATH * size
    elif op == TAN:
        e = (1.0 + v * v) * ea + _MATH * size
    elif op == SINH:
        e = (size + 1.0) * ea + _MATH * size
    elif op == COSH:
        e = size * (ea + _MATH)
    elif op == SECH:
        e = size * (ea + _MATH + _U)
    elif op in (ASIN, ACOS):
        slope = (1.0 - a) * (1.0 + a)
        e = select(ea > 0.0, ea / math.sqrt(slope), ea) + _MATH * size
    elif op == ERF:
        e = _TWO_BY_ROOT_PI * math.exp(-a * a) * ea + _MATH * size
    elif op == TANH:
        # Where v is rounded to 1 its slope is not quite 0.
        e = (1.0 - v * v + 2.0 * _MATH) * ea + _MATH * size
    elif op == ATAN:
        e = ea / (1.0 + a * a) + _MATH * size
    elif op in (SIN, COS):
        e = ea + _MATH * size  # their slopes are at most 1
    return e


@device
def _run(like, code, out, errors, with_errors, buffer, spread):
    """Run a program whose constants and inputs are in the buffer; its outputs are lanes."""
    w = width(like)
    for k in range(len(code)):
        op, to, first, second = code[k, 0], code[k, 1], code[k, 2], code[k, 3]
        a = load(like, buffer, first * w)
        if op == STORE:
            store(out, to * w, a)
            if with_errors:
                store(errors, to * w, load(like, spread, first * w))
        else:
            b = load(like, buffer, second * w)
            v = _apply(op, a, b)
            if with_errors:
                ea, eb = load(like, spread, first * w), load(like, spread, second * w)
                store(spread, to * w, _error(op, a, b, v, ea, eb))
            store(buffer, to * w, v)


@device
def _fill(like, numbers, buffer):
    """The first slots, from one number for each."""
    for k in range(len(numbers)):
        store(buffer, k * width(like), splat(like, numbers[k]))


@allocating
def _buffer(like, constants, slots):
    """Slots, the first of them holding the constants."""
    buffer = aligned(slots * width(like))
    _fill(like, constants[:, 0], buffer)
    return buffer


# Indices here are unsigned: Numba looks at every signed one to see whether it is negative.


@device
def _gather(like, flat, n, first, used, buffer, inputs):
    """Points from `first` on side by side; the last one again where there are fewer than lanes."""
    w = np.uint64(width(like))
    at = np.uint64(first * n)
    for lane in range(width(like)):
        to = np.uint64(inputs + lane)
        for i in range(n):
            buffer[to] = flat[at + np.uint64(i)]
            to += w
        if lane < used - 1:
            at += np.uint64(n)


@device
def _scatter(like, results, targets, used, first, flat, columns):
    """Write lanes to rows of `columns` numbers, each number to both of its columns."""
    for k in range(len(targets)):
        origin = np.uint64(first * columns)
        one, other = origin + np.uint64(targets[k, 0]), origin + np.uint64(targets[k, 1])
        source = np.uint64(k * width(like))
        for _ in range(used):
            value = results[source]
            flat[one] = value
            flat[other] = value
            source += np.uint64(1)
            one += np.uint64(columns)
            other += np.uint64(columns)


@allocating
def _evaluate(like, code, constants, slots, X, targets, out, errors):
    m, n, w = X.shape[0], X.shape[1], width(like)
    columns, with_errors = out.shape[1], len(errors) > 0
    points, values = X.reshape(X.size), out.reshape(out.size)
    margins = errors.reshape(errors.size)
    buffer, results = _buffer(like, constants, slots), aligned(len(targets) * w)
    spread = aligned(slots * w if with_errors else 1)
    bounds = aligned(len(targets) * w if with_errors else 1)
    inputs = len(constants) * w
    if with_errors:
        spread[:] = 0.0
        _fill(like, constants[:, 1], spread)
    for first in range(0, m, w):
        used = min(w, m - first)
        _gather(like, points, n, first, used, buffer, inputs)
        # Said twice: LLVM takes the question out of a loop only as long as the loop is short.
        if with_errors:
            _run(like, code, results, bounds, True, buffer, spread)
            _scatter(like, bounds, targets, used, first, margins, columns)
        else:
            _run(like, code, results, bounds, False, buffer, spread)
        _scatter(like, results, targets, used, first, values, columns)


@kernel
def evaluate(code, constants, slots, X, targets, out, errors):
    """Run a program at every point.

    Parameters
    ----------
    code, constants, slots
        As in `saddlecore.program.Program`.
    X : (m, n) float64, C-contiguous
        Its inputs.
    targets : (outputs, 2) int64
        The two columns of `out` that each output goes to; they may be the same.
    out : (m, columns) float64, C-contiguous, out
        Columns that are nobody's target are left as they are.
    errors : (m, columns) float64, C-contiguous, out
        Bounds of the rounding errors, to first order; with shape (0, 0) none are computed.
    """
    if X.shape[0] <= 8:
        _evaluate(zeros(8), code, constants, slots, X, targets, out, errors)
    else:
        _evaluate(zeros(32), code, constants, slots, X, targets, out, errors)


def describe(program):
    """Return a program as an array whose address a form takes as its `data`."""
    return np.array(
        [program.code.ctypes.data, len(program.code), program.constants.ctypes.data,
         len(program.constants), program.slots, program.inputs, program.outputs],
        np.int64,
    )  # fmt: skip


@allocating
def _form(like, x, out, data):
    header = carray(pointer_at(data, np.int64(0)), 7)
    code = carray(pointer_at(header[0], np.int64(0)), (header[1], 4))
    constants = carray(pointer_at(header[2], 0.0), (header[3], 2))
    w = width(like)
    buffer = _buffer(like, constants, header[4])
    source, inputs = carray(x, header[5] * w), len(constants) * w
    for i in range(header[5]):
        store(buffer, inputs + i * w, load(like, source, i * w))
    results = carray(out, header[6] * w)
    _run(like, code, results, results, False, buffer, buffer)


@c_function
def program_form(x, n, out, data):
    """A program as a form, see `saddlecore.forms`; `data` is the address of its description."""
    _form(zeros(1), x, out, data)


@c_function
def program_form_lanes(x, n, out, data):
    """`program_form` in lanes."""
    _form(zeros(8), x, out, data)
