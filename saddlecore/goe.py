"""The index of GOE matrices in O(n) each: no matrix is ever formed.

A GOE matrix divided by √2 is orthogonally similar to the tridiagonal matrix with diagonal
a_i ~ N(0, 1) and squared off-diagonals g_i ~ Gamma(i/2, 1), i = 1 … n−1 (Dumitriu & Edelman,
J. Math. Phys. 43, 2002).  By Sylvester's law its index is the number of negative terms of

    d_0 = a_0,   d_i = a_i − g_i / d_{i−1}

and so the number of sign changes of p_{−1} = 1, p_0 = a_0, p_i = a_i p_{i−1} − g_i p_{i−2}, the
leading principal minors (d_i = p_i / p_{i−1}), which cost no division.  Every rounding of that
recurrence is a relative change of some a_i or g_i by one ulp.  Only over- and underflow ask for
care: the pair is scaled by a power of two after every chunk of rows.

The rows ascend in i, so the chain for n + 1 extends the chain for n and one pass gives every
dimension.
"""

import numpy as np

from saddlecore.jit import allocating, device, kernel
from saddlecore.laneops import (
    bits_of,
    fma,
    from_bits,
    lane_numbers,
    splat,
    width,
    zeros,
)
from saddlecore.memory import (
    aligned,
    aligned_words,
    load,
    store,
)
from saddlecore.streams import CHUNK, chunk_buffers, draw_chunk, gamma_constants, number

__all__ = ["goe_index", "goe_index_nested", "goe_index_scalar"]

_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)
_63 = np.uint64(63)

_POWER = np.uint64(0x7FF0000000000000)
_INVERSE = np.uint64(0x7FE0000000000000)

# Sixteen lanes: two registers of AVX-512, whose chains of latency overlap.
_WIDTH = 16


@allocating
def _row_constants(z, n):
    """Constants of g_i ~ Gamma(i/2): none at i = 0, χ²₁/2 at i = 1, then Marsaglia & Tsang's."""
    w = width(z)
    length = (n + w - 1) // w * w
    constants = aligned(4 * length).reshape(4, length)
    for first in range(0, n, w):
        i = number(lane_numbers(z) + np.uint64(first))
        # Rows 0 and 1 are no proposals; max keeps their shapes in range.
        d, k, m, sigma = gamma_constants(max(0.5 * i, splat(z, 1.0)))
        store(constants[0], first, d)
        store(constants[1], first, k)
        store(constants[2], first, m)
        store(constants[3], first, sigma)
    constants[0, 0] = -1.0
    if n > 1:
        constants[0, 1] = 0.0
    return constants


@device
def _record(index, w, origin, first, stop, counts, offset):
    """Add the indices of samples origin … origin + w − 1, those in first … stop − 1."""
    start = np.uint64(offset)  # unsigned: a negative index would be looked at twice
    if first <= origin and stop - origin >= w:  # origin + w might overflow
        for k in range(w):
            counts[start + index[k]] += 1
    else:
        for k in range(max(first - origin, 0), min(stop - origin, w)):
            counts[start + index[k]] += 1


@device
def _advance(z, buffers, state, g, top, rows, dims, j, samples, counts, offsets):
    """Carry group g's minors over a chunk of rows, recording at the dimensions in it."""
    a, squared = buffers[2], buffers[3]
    minors, index = state
    base, first, stop = samples
    w = width(z)
    p, before = load(z, minors[g, 0], 0), load(z, minors[g, 1], 0)
    negatives = load(z, index[g], 0)
    for r in range(rows):
        at = (g * rows + r) * w
        p, before = fma(load(z, a, at), p, -(load(z, squared, at) * before)), p
        negatives += (bits_of(p) ^ bits_of(before)) >> _63
        if top + r + 1 == dims[j]:
            store(index[g], 0, negatives)
            _record(index[g], w, base + g * w, first, stop, counts, offsets[j])
            j += 1
    if j < len(dims):
        # 2^(1023 − exponent of the larger): minors of the same sign and ratio, near 1
        scale = from_bits(_INVERSE - (bits_of(max(abs(p), abs(before))) & _POWER))
        store(minors[g, 0], 0, p * scale)
        store(minors[g, 1], 0, before * scale)
        store(index[g], 0, negatives)
    return j


@allocating
def _count_chains(z, key, dims, first, count, counts, offsets):
    k0, k1 = key & _LOW, key >> _32
    w = width(z)
    n = dims[-1]
    constants = _row_constants(z, n)
    buffers = chunk_buffers(w)
    groups = max(1, CHUNK // n)
    rows_at_once = CHUNK // groups
    minors = aligned(groups * 2 * w).reshape(groups, 2, w)
    state = (minors, aligned_words(groups * w).reshape(groups, w))
    stop = first + count
    for base in range(first - first % w, stop, groups * w):
        used = min(groups, (stop - base + w - 1) // w)
        state[0][:, 0] = 1.0
        state[0][:, 1] = 0.0
        state[1][:] = np.uint64(0)
        j = 0
        for top in range(0, n, rows_at_once):
            rows = min(rows_at_once, n - top)
            draw_chunk(z, buffers, base, used, top, rows, constants, k0, k1)
            after = j
            for g in range(used):
                after = _advance(z, buffers, state, g, top, rows, dims, j,
                                 (base, first, stop), counts, offsets)  # fmt: skip
            j = after


@kernel
def goe_index_nested(key, dims, first, count, counts, offsets):
    """Add the index histograms of samples first … first + count − 1 at every dimension of `dims`.

    Parameters
    ----------
    key : uint64
        Key of the random streams.
    dims : (k,) int64, strictly increasing
    first, count : int64
    counts : int64, flat
        The bins of dims[j] are ``counts[offsets[j] : offsets[j] + dims[j] + 1]``; added to.
    offsets : (k,) int64
    """
    _count_chains(zeros(_WIDTH), np.uint64(key), dims, first, count, counts, offsets)


@kernel
def goe_index_scalar(key, dims, first, count, counts, offsets):
    """`goe_index_nested` from the same source, one sample at a time."""
    _count_chains(zeros(1), np.uint64(key), dims, first, count, counts, offsets)


@kernel
def goe_index(key, n, first, count, counts):
    """Add the index histogram of GOE samples first … first + count − 1 to `counts` (n + 1,)."""
    dims = np.full(1, n, np.int64)
    goe_index_nested(np.uint64(key), dims, first, count, counts, np.zeros(1, np.int64))
