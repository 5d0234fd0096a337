"""Uniforms and normals in rows: numbers for data, and for the weights a network begins with.

Entries 2j and 2j + 1 of a row come from block j, whose counter is (row mod 2³², row div 2³², j,
purpose): neither the number of rows nor that of entries changes what stands in one of them.

    normals     z0 and z1 of the block (see `saddlecore.streams`)
    uniforms    U of its word A, and U of its word B
"""

import numpy as np

from saddlecore.jit import allocating, kernel
from saddlecore.laneops import lane_numbers, width, zeros
from saddlecore.memory import aligned, store
from saddlecore.philox import philox2x64
from saddlecore.streams import normal_pair, uniform

__all__ = ["fill_normals", "fill_normals_scalar", "fill_uniforms", "fill_uniforms_scalar"]

_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)


@allocating
def _fill(z, key, purpose, first, gaussian, out):
    k0, k1 = np.uint64(key) & _LOW, np.uint64(key) >> _32
    w, size = width(z), out.shape[1]
    pair = aligned(2 * w)
    for i in range(len(out)):
        row = np.uint64(first + i)
        for base in range(0, (size + 1) // 2, w):
            blocks = lane_numbers(z) + np.uint64(base)
            A, B = philox2x64(row & _LOW, row >> _32, blocks, np.uint64(purpose), k0, k1)
            if gaussian:
                one, other = normal_pair(A, B)
            else:
                one, other = uniform(A), uniform(B)
            store(pair, 0, one)
            store(pair, w, other)
            for j in range(min(2 * w, size - 2 * base)):
                out[i, 2 * base + j] = pair[j % 2 * w + j // 2]


@kernel
def fill_normals(key, purpose, first, out):
    """Standard normals in rows first, first + 1, …

    Parameters
    ----------
    key : uint64
    purpose : int64
        Below 2³²; numbers of different purposes are independent.
    first : int64
    out : (rows, size) float64, out
    """
    _fill(zeros(8), key, purpose, first, True, out)


@kernel
def fill_normals_scalar(key, purpose, first, out):
    """`fill_normals` from the same source, one block at a time."""
    _fill(zeros(1), key, purpose, first, True, out)


@kernel
def fill_uniforms(key, purpose, first, out):
    """Numbers in (0, 1), see `fill_normals`."""
    _fill(zeros(8), key, purpose, first, False, out)


@kernel
def fill_uniforms_scalar(key, purpose, first, out):
    """`fill_uniforms` from the same source, one block at a time."""
    _fill(zeros(1), key, purpose, first, False, out)
