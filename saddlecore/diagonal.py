"""The index of diagonal matrices with independent entries: the number of uniforms below p.

Rows 2r and 2r + 1 of a sample take the words of its block r (see `saddlecore.streams`).
"""

import numpy as np

from saddlecore.chains import WIDTH, record
from saddlecore.jit import allocating, kernel
from saddlecore.laneops import lane_numbers, select, width, zeros
from saddlecore.memory import aligned_words, store
from saddlecore.philox import philox2x64
from saddlecore.streams import uniform

__all__ = ["diagonal_index", "diagonal_index_scalar"]

_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)


@allocating
def _count(z, key, p, dims, first, count, counts, offsets):
    k0, k1 = key & _LOW, key >> _32
    w, n, stop = width(z), dims[-1], first + count
    index = aligned_words(w)
    one, none = lane_numbers(z) * np.uint64(0) + np.uint64(1), lane_numbers(z) * np.uint64(0)
    for base in range(first - first % w, stop, w):
        sample = np.uint64(base)
        low, high = lane_numbers(z) + (sample & _LOW), sample >> _32
        negatives, j = none, 0
        for row in range(0, n, 2):
            A, B = philox2x64(low, high, np.uint64(row // 2), np.uint64(0), k0, k1)
            for half in range(2):
                if row + half < n:
                    negatives += select(uniform(A) < p, one, none)
                    if row + half + 1 == dims[j]:
                        store(index, 0, negatives)
                        record(index, w, base, first, stop, counts, offsets[j])
                        j += 1
                A = B


@kernel
def diagonal_index(key, p, dims, first, count, counts, offsets):
    """Add the index histograms of samples first … first + count − 1 at every dimension of `dims`.

    Parameters
    ----------
    key : uint64
    p : float64
        Probability of a negative entry.
    dims : (k,) int64, strictly increasing
    first, count : int64
    counts : int64, flat
        The bins of dims[j] are ``counts[offsets[j] : offsets[j] + dims[j] + 1]``; added to.
    offsets : (k,) int64
    """
    _count(zeros(WIDTH), np.uint64(key), p, dims, first, count, counts, offsets)


@kernel
def diagonal_index_scalar(key, p, dims, first, count, counts, offsets):
    """`diagonal_index` from the same source, one sample at a time."""
    _count(zeros(1), np.uint64(key), p, dims, first, count, counts, offsets)
