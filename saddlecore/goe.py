"""The index of GOE matrices in O(n) each: no matrix is ever formed.

A GOE matrix divided by √2 is orthogonally similar to the tridiagonal matrix with diagonal
a_i ~ N(0, 1) and squared off-diagonals g_i ~ Gamma(i/2, 1), i = 1 … n−1 (Dumitriu & Edelman,
J. Math. Phys. 43, 2002).  By Sylvester's law its index is the number of negative terms of

    d_0 = a_0,   d_i = a_i − g_i / d_{i−1}.

A zero or infinite d needs no care: IEEE arithmetic carries it into the right count as long as
the *sign bit* is what is counted.  The rows ascend in i, so the chain for n + 1 extends the chain
for n and one pass gives every dimension.
"""

import numpy as np

from saddlecore.jit import device, kernel
from saddlecore.lanes import bits_of, lane_numbers, splat, store, width, zeros
from saddlecore.streams import gamma, gamma_constants, normal_pair, row_words

__all__ = ["goe_index", "goe_index_nested"]

_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)
_63 = np.uint64(63)
_PURPOSE = np.uint64(0)

# Sixteen lanes: two registers of AVX-512, whose chains of latency overlap.
_WIDTH = 16


@device
def _row(d, low, high, i, constants, k0, k1):
    """The next d of the chain, from row i's numbers."""
    row = np.uint64(i)
    A, B = row_words(low, high, row, _PURPOSE, k0, k1)
    a, x = normal_pair(A, B)
    if i < 2:  # no off-diagonal at i = 0, Gamma(½) = x²/2 at i = 1
        g = (0.5 * i) * (x * x)
    else:
        g = gamma(x, B, low, high, row, _PURPOSE, k0, k1,
                  constants[i, 0], constants[i, 1], constants[i, 2])  # fmt: skip
    return a - g / d


@device
def _count_chains(z, key, dims, first, count, counts, offsets):
    k0, k1 = key & _LOW, key >> _32
    n = dims[-1]
    constants = np.empty((n, 3))
    for i in range(2, n):
        constants[i] = gamma_constants(0.5 * i)
    w = width(z)
    index = np.empty(w, np.uint64)
    stop = first + count
    # Groups start at multiples of w, so that a group never straddles 2³² samples.
    for base in range(first - first % w, stop, w):
        low = lane_numbers(z) + (np.uint64(base) & _LOW)
        high = np.uint64(base) >> _32
        d = splat(z, 1.0)
        negatives = low ^ low
        i = 0
        for j in range(len(dims)):
            while i < dims[j]:
                d = _row(d, low, high, i, constants, k0, k1)
                negatives += bits_of(d) >> _63
                i += 1
            store(index, 0, negatives)
            for k in range(max(first - base, 0), min(stop - base, w)):
                counts[offsets[j] + np.int64(index[k])] += 1


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
