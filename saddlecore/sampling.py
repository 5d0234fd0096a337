"""A user's sampler: a plain function ``sample(stream, out)`` that fills an (n, n) matrix.

It is compiled to a form (see `saddlecore.entries`) for eight lanes and for plain numbers.  Each
call of a method of the stream takes the sample's next block of random numbers, or what is left:

    normal()         standard normal; every second one needs no block
    uniform()        in (0, 1)
    exponential()    of mean 1
    sign()           −1.0 or 1.0
    gamma(shape)     of scale 1, for shapes from 0.01 on

In lanes they give eight numbers, one for each of eight matrices, and the same bits as one by one.
"""

import numpy as np
from llvmlite import ir
from numba import carray
from numba.core import types
from numba.extending import intrinsic, models, overload_method, register_model

from saddlecore.compile import plain_function, wrap
from saddlecore.entries import COUNTER, REQUEST, SPARE, asked, block, draw_gamma
from saddlecore.gammas import exp
from saddlecore.jit import METHODS, device, entry, sampler
from saddlecore.laneops import bits_of, from_bits, select, splat, width
from saddlecore.lanes import Lanes
from saddlecore.memory import load, store
from saddlecore.streams import gamma_constants, log, normal_pair, uniform

__all__ = ["Stream", "compile_sampler", "run_sampler"]

_0, _1, _63 = np.uint64(0), np.uint64(1), np.uint64(63)
_ONE = np.uint64(0x3FF0000000000000)  # the bits of 1.0
_BOOST = 1 << 31  # the attempt that brings a gamma from shape + 1 to its shape


class Stream(types.Type):
    """Numba type of the random numbers of a sample, or of eight."""

    def __init__(self, number):  # noqa: D107
        self.number = number
        super().__init__(name=f"Stream({number})")


@register_model(Stream)
class _StreamModel(models.PrimitiveModel):
    """The address of a request."""

    def __init__(self, dmm, fe_type):
        super().__init__(dmm, fe_type, ir.IntType(64).as_pointer())


@intrinsic
def stream_at(typingctx, request):
    """The stream of a request."""
    sig = Stream(request.dtype)(request)

    def codegen(context, builder, sig, args):
        return builder.bitcast(args[0], context.get_value_type(sig.return_type))

    return sig, codegen


@intrinsic
def _stream_in(typingctx, words):
    """The stream of a request for one sample that is an array."""

    def codegen(context, builder, sig, args):
        return context.make_array(sig.args[0])(context, builder, args[0]).data

    return Stream(types.float64)(words), codegen


@intrinsic
def _words_of(typingctx, stream):
    """A pointer to the words of a stream's request."""
    return types.CPointer(types.uint64)(stream), lambda context, builder, sig, args: args[0]


@intrinsic
def _like(typingctx, stream):
    """A zero of the stream's numbers."""
    sig = stream.number(stream)
    return sig, lambda context, builder, sig, args: context.get_constant_null(sig.return_type)


# --- the numbers ---------------------------------------------------------------------------------


@device
def _next_block(z, words):
    number = words[COUNTER]
    words[COUNTER] = number + _1
    return block(asked(z, words), number, 0)


@device
def _normal(z, words):
    w = width(z)
    if words[SPARE] != _0:
        words[SPARE] = _0
        return from_bits(load(z, words, REQUEST + w))
    A, B = _next_block(z, words)
    x, y = normal_pair(A, B)
    store(words, REQUEST + w, bits_of(y))
    words[SPARE] = _1
    return x


@device
def _uniform(z, words):
    return uniform(_next_block(z, words)[0])


@device
def _exponential(z, words):
    return -log(_uniform(z, words))


@device
def _sign(z, words):
    return from_bits((_next_block(z, words)[0] << _63) | _ONE)


@device
def _gamma(z, words, shape):
    number = words[COUNTER]
    words[COUNTER] = number + _1
    request = asked(z, words)
    small = shape < 1.0
    _, value = draw_gamma(request, number, gamma_constants(shape + select(small, 1.0, 0.0)))
    A, _ = block(request, number, _BOOST)
    power = exp(max(log(uniform(A)) / shape, splat(z, -500.0)))
    return select(small, value * power, value)


def _declare(name, draw):
    @overload_method(Stream, name, jit_options=METHODS)
    def method(stream):
        size = REQUEST + 2 * getattr(stream.number, "width", 1)
        return lambda stream: draw(_like(stream), carray(_words_of(stream), size))


for _name, _draw in (("normal", _normal), ("uniform", _uniform), ("exponential", _exponential),
                     ("sign", _sign)):  # fmt: skip
    _declare(_name, _draw)


@overload_method(Stream, "gamma", jit_options=METHODS)
def _gamma_method(stream, shape):
    number = stream.number
    size = REQUEST + 2 * getattr(number, "width", 1)
    if not isinstance(shape, types.Number) and shape != number:
        return None
    return lambda stream, shape: _gamma(
        _like(stream), carray(_words_of(stream), size), splat(_like(stream), 1.0 * shape)
    )


# --- compiling -----------------------------------------------------------------------------------


def compile_sampler(function, lanes):
    """Compile ``function(stream, out)`` for that many lanes, or for plain numbers (1).

    What it leaves of `out`, and all of it where it raises, is NaN.  Raises Numba's errors if it
    cannot be compiled so.
    """
    number = types.float64 if lanes == 1 else Lanes(types.float64, lanes)
    pointer = types.CPointer(number)
    run = sampler(_body(sampler(plain_function(function))))
    run.compile((pointer, types.intp, pointer))
    (result,) = run.overloads.values()
    return wrap(result, number, (), every=True)


def _body(inner):
    def run(x, n, out):
        matrix = carray(out, (n, n))
        for i in range(n):
            for j in range(n):
                matrix[i, j] = np.nan
        inner(stream_at(x), matrix)

    return run


def run_sampler(function, key, sample, out):
    """Run ``function(stream, out)`` for one sample from Python: what it raises is raised."""
    inner = sampler(plain_function(function))

    @entry
    def run(words, out):
        inner(_stream_in(words), out)

    words = np.zeros(REQUEST + 2, np.uint64)
    words[0], words[1], words[REQUEST] = int(key) & 0xFFFFFFFF, int(key) >> 32, sample
    run(words, out)
