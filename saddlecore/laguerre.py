"""The index of β-Laguerre (Wishart) matrices in O(n) each: no matrix is ever formed.

W = J Jᵀ/m with J an n × m matrix of independent standard Gaussians: n parameters, m data, real
(β = 1), complex (2) or quaternion (4).  Its mean eigenvalue is 1 and its eigenvalues fill
[(1 − √φ)², (1 + √φ)²] with φ = n/m (Marchenko & Pastur).  For m ≥ n, (βm/2) W is similar to B Bᵀ
with B upper bidiagonal, whose squared entries are

    q_i ~ Gamma(β(m − n + i)/2, 1) on the diagonal,  e_i ~ Gamma(βi/2, 1) beside it, i = 1 … n,

and e_n = 0; that matrix exists for every β > 0 (Dumitriu & Edelman, J. Math. Phys. 43, 2002, their
chain read from its end).  For m < n, Jᵀ J has the same eigenvalues but for n − m zeros.

The pivots of B Bᵀ − σ = L D Lᵀ come from the differential progressive quotient-difference
algorithm (Parlett, Acta Numerica 4, 1995),

    d_1 = q_1 − σ,   D_i = d_i + e_i,   d_{i+1} = d_i q_{i+1}/D_i − σ,

which here costs no division: with M_i = D_1 … D_i and N_i = d_i M_{i−1}

    N_i = q_i N_{i−1} − σ M_{i−1},   M_i = N_i + e_i M_{i−1},   N_0 = M_0 = 1.

The number of eigenvalues below σ is the number of sign changes of M_0 … M_n.  Every rounding is a
relative change, by a few ulp, of a q, of an e, or of σ in one row.
"""

import numpy as np

from saddlecore.chains import WIDTH, record, scale_of
from saddlecore.gammas import boosted_rows, draw_pairs, gamma_rows, pair_buffers
from saddlecore.jit import allocating, device, kernel
from saddlecore.laneops import bits_of, fma, width, zeros
from saddlecore.memory import aligned, aligned_words, load, store
from saddlecore.streams import CHUNK

__all__ = ["laguerre_index", "laguerre_index_scalar"]

_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)
_63 = np.uint64(63)

# Rows between scalings: with β up to 2^30 and m below 2^52 a row multiplies the pair by less than
# 2^123, the farthest shift included.
_SPAN = 8
_FARTHEST = 2.0**40


@device
def _advance(z, buffers, pairs, index, g, rows, sigma, span):
    """Carry group g's M and N over a chunk of rows."""
    q, e = buffers[2], buffers[3]
    w = width(z)
    M, N = load(z, pairs[g, 0], 0), load(z, pairs[g, 1], 0)
    negatives = load(z, index[g], 0)
    for start in range(0, rows, span):
        for r in range(start, min(start + span, rows)):
            at = (g * rows + r) * w
            N = fma(load(z, q, at), N, -(sigma * M))
            before, M = M, fma(load(z, e, at), M, N)
            negatives += (bits_of(M) ^ bits_of(before)) >> _63
        scale = scale_of(M, N)
        M, N = M * scale, N * scale
    store(pairs[g, 0], 0, M)
    store(pairs[g, 1], 0, N)
    store(index[g], 0, negatives)


@allocating
def _count_chains(z, key, beta, excess, n, sigma, first, count, counts):
    """Add the histogram of the n × n chain whose q have shapes β(excess + i)/2 to `counts`."""
    k0, k1 = key & _LOW, key >> _32
    w = width(z)
    one, two = gamma_rows(z, beta, excess + 1, n), gamma_rows(z, beta, 1, n)
    two[0, n - 1], two[1, n - 1], two[2:, n - 1] = -1.0, 0.0, 0.0
    boosted = max(boosted_rows(one, n), boosted_rows(two, n))
    buffers = pair_buffers(w)
    groups = max(1, CHUNK // n)
    rows_at_once = CHUNK // groups
    pairs = aligned(groups * 2 * w).reshape(groups, 2, w)
    index = aligned_words(groups * w).reshape(groups, w)
    # Where all variates and σ are tiny a few rows would underflow.
    span = _SPAN if sigma > 2.0**-100 else 1
    stop = first + count
    for base in range(first - first % w, stop, groups * w):
        used = min(groups, (stop - base + w - 1) // w)
        pairs[:] = 1.0
        index[:] = np.uint64(0)
        for top in range(0, n, rows_at_once):
            rows = min(rows_at_once, n - top)
            draw_pairs(z, buffers, base, used, top, rows, one, two, boosted, k0, k1)
            for g in range(used):
                _advance(z, buffers[0], pairs, index, g, rows, sigma, span)
        for g in range(used):
            record(index[g], w, base + g * w, first, stop, counts, 0)


@allocating
def _count(z, key, beta, shift, n, m, first, count, counts):
    if shift <= 0.0:
        counts[0] += count
        return
    sigma = min(shift, _FARTHEST) * 0.5 * beta * m
    rank = min(n, m)
    # Of the n eigenvalues n − rank are 0, below any positive shift.
    _count_chains(z, key, beta, abs(m - n), rank, sigma, first, count, counts[n - rank :])


@kernel
def laguerre_index(key, beta, shift, n, m, first, count, counts):
    """Add the histogram of how many eigenvalues of W lie below the shift to `counts` (n + 1,).

    Parameters
    ----------
    key : uint64
        Key of the random streams.
    beta : float64
        β > 0, at most 2^30.
    shift : float64
        In units of the mean eigenvalue of W.
    n, m : int64
        Parameters and data; m below 2^52.
    first, count : int64
        Samples first … first + count − 1.
    counts : (n + 1,) int64
        Added to.
    """
    _count(zeros(WIDTH), np.uint64(key), beta, shift, n, m, first, count, counts)


@kernel
def laguerre_index_scalar(key, beta, shift, n, m, first, count, counts):
    """`laguerre_index` from the same source, one sample at a time."""
    _count(zeros(1), np.uint64(key), beta, shift, n, m, first, count, counts)
