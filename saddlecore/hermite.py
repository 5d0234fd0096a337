"""The index of β-Hermite matrices in O(n) each: no matrix is ever formed.

A GOE, GUE or GSE matrix (β = 1, 2, 4), in the scale where its eigenvalues have the density
∏|λ_i − λ_j|^β exp(−Σ λ²/2), is similar to the tridiagonal matrix with diagonal a_i ~ N(0, 1) and
squared off-diagonals g_i ~ Gamma(iβ/2, 1), i = 1 … n−1; that one exists for every β > 0 (Dumitriu &
Edelman, J. Math. Phys. 43, 2002).  Its eigenvalues fill a semicircle of radius √(2βn).  By
Sylvester's law the number of them below s is the number of negative terms of

    d_0 = a_0 − s,   d_i = (a_i − s) − g_i / d_{i−1}

and so the number of sign changes of the leading principal minors (d_i = p_i / p_{i−1}),

    p_{−1} = 1,  p_0 = a_0 − s,   p_i = (a_i − s) p_{i−1} − g_i p_{i−2},

which cost no division.  Every rounding of that recurrence is a relative change of some a_i − s or
g_i by one ulp.  Only over- and underflow ask for care: the pair is scaled by a power of two after
every few rows.

The rows ascend in i, so the chain for n + 1 extends the chain for n and one pass gives every
dimension (with one s for all of them).
"""

import math

import numpy as np

from saddlecore.chains import WIDTH, record, scale_of
from saddlecore.gammas import boost_gammas, boosted_rows, gamma_rows
from saddlecore.jit import allocating, device, kernel
from saddlecore.laneops import bits_of, fma, width, zeros
from saddlecore.memory import aligned, aligned_words, load, store
from saddlecore.streams import CHUNK, chunk_buffers, draw_chunk

__all__ = ["hermite_index", "hermite_index_nested", "hermite_index_scalar"]

_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)
_63 = np.uint64(63)

# Rows between scalings.  With β up to 2^30 and n below 2^31 a row multiplies the minors by less
# than 2^52.
_SPAN = 16
# No eigenvalue is ever that many radii away.
_FARTHEST = 2.0**20


@device
def _advance(z, buffers, state, g, top, rows, s, dims, j, samples, counts, offsets):
    """Carry group g's minors over a chunk of rows, recording at the dimensions in it."""
    a, squared = buffers[2], buffers[3]
    minors, index = state
    base, first, stop = samples
    w = width(z)
    p, before = load(z, minors[g, 0], 0), load(z, minors[g, 1], 0)
    negatives = load(z, index[g], 0)
    for start in range(0, rows, _SPAN):
        for r in range(start, min(start + _SPAN, rows)):
            at = (g * rows + r) * w
            p, before = fma(load(z, a, at) - s, p, -(load(z, squared, at) * before)), p
            negatives += (bits_of(p) ^ bits_of(before)) >> _63
            if top + r + 1 == dims[j]:
                store(index[g], 0, negatives)
                record(index[g], w, base + g * w, first, stop, counts, offsets[j])
                j += 1
        if j < len(dims):
            scale = scale_of(p, before)
            p, before = p * scale, before * scale
    store(minors[g, 0], 0, p)
    store(minors[g, 1], 0, before)
    store(index[g], 0, negatives)
    return j


@allocating
def _count_chains(z, key, beta, s, dims, first, count, counts, offsets):
    k0, k1 = key & _LOW, key >> _32
    w = width(z)
    n = dims[-1]
    constants = gamma_rows(z, beta, 0, n)
    boosted = boosted_rows(constants, n)
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
            if top < boosted:
                boost_gammas(z, buffers[3], base, used, top, rows, constants, boosted, k0, k1)
            after = j
            for g in range(used):
                after = _advance(z, buffers, state, g, top, rows, s, dims, j,
                                 (base, first, stop), counts, offsets)  # fmt: skip
            j = after


@device
def _threshold(beta, shift, n):
    """The shift in the scale of the chain, from units of the semicircle's radius."""
    return min(max(shift, -_FARTHEST), _FARTHEST) * math.sqrt(2.0 * beta * n)


@kernel
def hermite_index_nested(key, beta, s, dims, first, count, counts, offsets):
    """Add the index histograms of samples first … first + count − 1 at every dimension of `dims`.

    Parameters
    ----------
    key : uint64
        Key of the random streams.
    beta : float64
        β > 0, at most 2^30.
    s : float64
        What is subtracted from the diagonal, in the scale of the chain, in every dimension alike.
    dims : (k,) int64, strictly increasing
    first, count : int64
    counts : int64, flat
        The bins of dims[j] are ``counts[offsets[j] : offsets[j] + dims[j] + 1]``; added to.
    offsets : (k,) int64
    """
    _count_chains(zeros(WIDTH), np.uint64(key), beta, s, dims, first, count, counts, offsets)


@kernel
def hermite_index(key, beta, shift, n, first, count, counts):
    """Add the histogram of how many eigenvalues lie below the shift to `counts` (n + 1,).

    Parameters
    ----------
    key : uint64
    beta, shift : float64
        The shift is in units of the semicircle's radius √(2βn).
    n, first, count : int64
        Samples first … first + count − 1.
    counts : (n + 1,) int64
        Added to.
    """
    dims, offsets = np.full(1, n, np.int64), np.zeros(1, np.int64)
    s = _threshold(beta, shift, n)
    hermite_index_nested(np.uint64(key), beta, s, dims, first, count, counts, offsets)


@kernel
def hermite_index_scalar(key, beta, shift, n, first, count, counts):
    """`hermite_index` from the same source, one sample at a time."""
    dims, offsets = np.full(1, n, np.int64), np.zeros(1, np.int64)
    s = _threshold(beta, shift, n)
    _count_chains(zeros(1), np.uint64(key), beta, s, dims, first, count, counts, offsets)
