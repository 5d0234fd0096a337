"""Means over data: their gradients, and those of a few of their terms, from the gradient of one.

A term is a function of z = (x, row), a point and a row of the data.  A mean over data has the forms
below; their `data` is the address of a header: address and data of the term's gradient in plain
numbers, the same in lanes, address of the rows, how many, and how many numbers each has.
"""

import numpy as np
from numba import carray

from saddlecore.forms import call_form, pointer_at
from saddlecore.jit import allocating, c_function, device, entry
from saddlecore.kicks import words_of
from saddlecore.laneops import any_lane, product_32, select, splat, width, zeros
from saddlecore.memory import aligned, load, store
from saddlecore.streams import number

__all__ = ["batch_form", "batch_form_lanes", "choose_rows", "joined", "mean_form",
           "mean_form_lanes", "mean_of"]  # fmt: skip

HEADER = 7
_LOW, _32 = np.uint64(0xFFFFFFFF), np.uint64(32)
#: The block of a start's epoch.
_SHUFFLE = (1 << 32) - 2


# --- functions -----------------------------------------------------------------------------------


def mean_of(term):
    """The function (x, rows) of which `term` (x, row) is one term."""
    term = entry(term)

    def mean(x, rows):
        total = term(x, rows[0])
        for k in range(1, len(rows)):
            total += term(x, rows[k])
        return total / len(rows)

    return mean


def joined(term, columns):
    """A term as a function of z = (x, row)."""
    term = entry(term)

    def at(z):
        n = len(z) - columns
        return term(z[:n], z[n:])

    return at


# --- forms ---------------------------------------------------------------------------------------


@device
def _add_term(like, header, rows, z, slope, n, total, chosen):
    """Add the gradient of each lane's term, of the row with the number that `chosen` holds."""
    w, columns = width(like), header[6]
    for lane in range(w):
        row = np.int64(chosen[lane])
        for i in range(columns):
            z[(n + i) * w + lane] = rows[row, i]
    k = 2 if w > 1 else 0
    call_form(header[k], z, 0, n + columns, slope, 0, header[k + 1])
    for i in range(n):
        store(total, i * w, load(like, total, i * w) + load(like, slope, i * w))


@allocating
def _mean(like, x, n, out, data, chosen, count, listed):
    """Mean gradient of `count` terms: those listed, or all."""
    header = carray(pointer_at(data, np.int64(0)), HEADER)
    rows = carray(pointer_at(header[4], 0.0), (header[5], header[6]))
    w = width(like)
    z, slope, numbers = aligned((n + header[6]) * w), aligned((n + header[6]) * w), aligned(w)
    source, total = carray(x, n * w), carray(out, n * w)
    for i in range(n):
        store(z, i * w, load(like, source, i * w))
        store(total, i * w, splat(like, 0.0))
    for j in range(count):
        store(numbers, 0, load(like, chosen, j * w) if listed else splat(like, 1.0 * j))
        _add_term(like, header, rows, z, slope, n, total, numbers)
    for i in range(n):
        store(total, i * w, load(like, total, i * w) / (1.0 * count))


@allocating
def _all(like, x, n, out, data):
    header = carray(pointer_at(data, np.int64(0)), HEADER)
    _mean(like, x, n, out, data, carray(x, 1), header[5], False)


@allocating
def _listed(like, x, n, out, data):
    w = width(like)
    count = np.int64(carray(x, n * w + 1)[n * w])
    chosen = carray(x, (n + 1 + count) * w)[(n + 1) * w :]
    _mean(like, x, n, out, data, chosen, count, True)


@c_function
def mean_form(x, n, out, data):
    """The gradient of a mean over data."""
    _all(zeros(1), x, n, out, data)


@c_function
def mean_form_lanes(x, n, out, data):
    """The gradient of a mean over data, in lanes."""
    _all(zeros(8), x, n, out, data)


@c_function
def batch_form(x, n, out, data):
    """The mean gradient of a few terms."""
    _listed(zeros(1), x, n, out, data)


@c_function
def batch_form_lanes(x, n, out, data):
    """The mean gradient of a few terms, in lanes."""
    _listed(zeros(8), x, n, out, data)


# --- which terms ---------------------------------------------------------------------------------


@device
def _mixed(x):
    """The finaliser of MurmurHash3 (Appleby 2011) of the low 32 bits."""
    x = product_32(x ^ ((x & _LOW) >> np.uint64(16)), np.uint64(0x85EBCA6B)) & _LOW
    x = product_32(x ^ (x >> np.uint64(13)), np.uint64(0xC2B2AE35)) & _LOW
    return x ^ (x >> np.uint64(16))


@device
def _shuffled(v, half, mask, keys):
    """A permutation of the numbers of 2·half bits: eight rounds of a Feistel network."""
    low, high = v & mask, v >> half
    for turn in range(2):
        for key in keys:
            low, high = high ^ (_mixed(low ^ key ^ np.uint64(turn << 16)) & mask), low
    return (high << half) | low


@device
def _place(like, position, rows, ids, epoch, key):
    """Which row comes at a position of each start's epoch: all rows come once."""
    A, B = words_of(ids, epoch, _SHUFFLE, key)
    keys = (A & _LOW, A >> _32, B & _LOW, B >> _32)
    half = np.uint64(1)
    while (1 << (2 * half)) < rows:
        half += np.uint64(1)
    mask = (np.uint64(1) << half) - np.uint64(1)
    found = ids - ids + np.uint64(position)
    beyond = found == found
    while any_lane(beyond):
        found = select(beyond, _shuffled(found, half, mask, keys), found)
        beyond = found >= np.uint64(rows)
    return number(found)


@device
def choose_rows(like, count, rows, ids, t, key, out, at):
    """Write `count` and the numbers of the terms of step t to the lanes from ``out[at]`` on.

    An epoch goes through all rows in an order of its own, each start's another.
    """
    w = width(like)
    store(out, at, splat(like, 1.0 * count))
    for j in range(count):
        position = t * count + j
        row = _place(like, position % rows, rows, ids, position // rows, key)
        store(out, at + (1 + j) * w, row)
