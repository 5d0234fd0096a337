"""Noise for optimizers: normals on the gradient, and the kicks of perturbed gradient descent.

Start s owns its numbers: the Philox counter is (s, step, block), so that neither threads nor
neighbours in the lanes matter.
"""

import math

import numpy as np

from saddlecore.gammas import exp
from saddlecore.jit import device
from saddlecore.laneops import select, splat, width
from saddlecore.memory import load, store
from saddlecore.philox import philox2x64
from saddlecore.streams import log, normal_pair, uniform

__all__ = ["add_normals", "kick", "words_of"]

_LOW, _32 = np.uint64(0xFFFFFFFF), np.uint64(32)
#: The block that is not one of normals.
_LAST = (1 << 32) - 1


@device
def words_of(ids, t, number, key):
    """A block of random words of each lane's start at time t."""
    at = np.uint64(t)
    return philox2x64(ids & _LOW, ids >> _32, at, np.uint64(number), key & _LOW, key >> _32)


@device
def add_normals(like, n, at, x, size, ids, t, key):
    """Add `size` times independent standard normals to the n lanes from ``x[at]`` on."""
    w = width(like)
    for i in range(0, n, 2):
        one, other = normal_pair(*words_of(ids, t, i // 2, key))
        k = at + i * w
        store(x, k, load(like, x, k) + size * one)
        if i + 1 < n:
            store(x, k + w, load(like, x, k + w) + size * other)


@device
def kick(like, n, at, x, radius, ids, t, key, where, room):
    """Move x to a uniformly random point of a ball around it, in the lanes of `where`.

    `room` is scratch for n lanes.
    """
    w, square = width(like), splat(like, 0.0)
    for i in range(n):
        store(room, i * w, splat(like, 0.0))
    add_normals(like, n, 0, room, 1.0, ids, t, key)
    for i in range(n):
        square += load(like, room, i * w) * load(like, room, i * w)
    U = uniform(words_of(ids, t, _LAST, key)[0])
    size = radius * exp(log(U) / n) / math.sqrt(square)
    for i in range(n):
        k = at + i * w
        xi = load(like, x, k)
        store(x, k, select(where, xi + size * load(like, room, i * w), xi))
