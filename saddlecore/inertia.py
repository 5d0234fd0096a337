"""The inertia of symmetric matrices, each with a certificate.

By Sylvester's law the number of negative pivots of H − σI = LDLᵀ is the number of eigenvalues
below σ.  H is equilibrated, H' = DHD, and shifted both ways by a margin s plus what the caller
calls uncertain, e:

    X∓ = D (H ∓ e I) D ∓ s I.

Unpivoted LDLᵀ is exact for X + F with ‖F‖₂ ≤ u, a bound that the factorisation itself delivers (see
`saddlecore.panels`).  **If both have the same number of negative pivots and s > u, that number is
the index of H + E for every symmetric E with ‖E‖₂ ≤ e**: DHD + DED lies between X₋ + F and X₊ + F
in Loewner's order, so its count does too.

s starts wide, 2⁻¹⁹ ‖H'‖_F / √n: for most matrices no eigenvalue is that near 0, and the margin
forgives a large growth of L.  Where the counts differ, or u is too large, one narrower (or wider)
margin is tried, and then LAPACK's eigenvalues of the same X∓.
"""

import math

import numpy as np

from saddlecore.equilibrate import (
    equilibrate,
    measure,
    measure_upper,
    mirror,
    needs_equilibration,
    not_finite,
    scale,
)
from saddlecore.jit import allocating, device, kernel
from saddlecore.laneops import (
    all_lanes,
    any_lane,
    bits_of,
    mask_bits,
    repeat,
    select,
    splat,
    width,
    zeros,
)
from saddlecore.memory import (
    aligned,
    load,
    prefetch,
    prefetch_second,
    store,
    transpose_in,
)
from saddlecore.panels import factor_size, factorize
from saddlecore.sturm import sturm_counts

__all__ = ["ASYMMETRIC", "NOT_FINITE", "OK", "examine_group", "examine_stably", "gather",
           "group_scratch", "inertia", "inertia_batch", "inertia_kernel", "inertia_large",
           "inertia_scalar", "inertia_small", "sturm_counts"]  # fmt: skip

OK, NOT_FINITE, ASYMMETRIC = 0, 1, 2

_FRACTION = np.uint64(0x000FFFFFFFFFFFFF)

EPS = 2.0**-52
# An asymmetry up to this multiple of n·eps·max|H| passes as rounding; it enters the certificate.
SYMMETRY = 32.0
_WIDE = 2.0**-19
_TINY = 2.0**-1000
_HUGE = 2.0**500
# Entries of matrices of which the next eight fit into the first-level cache, or the second.
_TINY_MATRIX, _SMALL_MATRIX = 50, 4096
# What caller's tolerance and error grow by, so that rounding the shift cannot shrink them.
_OUTWARD = 1.0 + 8.0 * EPS


@device
def gather(f, flat, n, ids, first, A, starts):
    """Matrices ids[first], … side by side, as one flat matrix whose elements are lanes."""
    size, w = n * n, width(f)
    for lane in range(w):
        starts[lane] = ids[min(first + lane, len(ids) - 1)] * size
    if size < 8:
        for at in range(size):
            for lane in range(w):
                A[at * w + lane] = flat[starts[lane] + at]
    else:
        following = starts[0] + w * size
        for at in range(0, size - 7, 8):
            # Eight short runs of memory side by side do not wake the hardware's prefetcher.
            if size <= _TINY_MATRIX:
                for lane in range(0, 8 * w, 8):
                    prefetch(flat, following + w * at + lane)
            elif size <= _SMALL_MATRIX:
                for lane in range(0, 8 * w, 8):
                    prefetch_second(flat, following + w * at + lane)
            transpose_in(flat, starts, at, A)
        transpose_in(flat, starts, size - 8, A)


# Rows of a group's table by lane: what scalar code reads, or writes one by one.
STATUS, MARGIN, _TOL, _ERROR, NEXT = range(5)
_SIGNS, NEGATIVES, _TRACE = 5, 6, 7  # for A − t in their first half, A + t in their second


@allocating
def group_scratch(z, e, f, n):
    """What `examine_group` needs; the last is the group's table by lane."""
    w, step = width(f), width(e)
    factor, panel = factor_size(z, e, n)
    lanes = aligned(8 * 2 * w).reshape(8, 2 * w)
    lanes[_SIGNS, :w], lanes[_SIGNS, w:] = 1.0, -1.0
    return (
        aligned(n * n * w),  # DAD
        aligned(2 * n * w).reshape(2, n * w),  # D and row maxima
        (aligned(panel), aligned(factor), aligned(panel), aligned(n * step)),
        aligned(n * step),  # shift
        lanes,
    )


@device
def _judge(f, A, n, largest, squares, asymmetry):
    """`OK`, or why a lane is refused."""
    status = splat(f, 1.0 * OK)
    rounding = asymmetry <= (SYMMETRY * EPS * n) * largest
    if not all_lanes(rounding & (squares < np.inf)):
        status = select(rounding, status, splat(f, 1.0 * ASYMMETRIC))
        status = select(not_finite(f, A, n), splat(f, 1.0 * NOT_FINITE), status)
    return status


@device
def _prepare(f, A, n, symmetric, D, rows, scaled):
    """Measure, and equilibrate if need be.

    Of a matrix that is `symmetric` by construction only the upper triangle is there.  Returns
    whether `scaled` is the matrix to factor; status, squared norm and asymmetry.
    """
    if symmetric:
        largest, smallest, squares, asymmetry = measure_upper(f, A, n, rows)
    else:
        largest, smallest, squares, asymmetry = measure(f, A, n)
    status = _judge(f, A, n, largest, squares, asymmetry)
    for i in range(n):
        store(D, i * width(f), splat(f, 1.0))
    graded = needs_equilibration(largest, smallest)
    rescaled = any_lane(graded)
    if rescaled:
        if symmetric:
            mirror(f, A, n)
        equilibrate(f, A, n, graded, D, rows)
        scale(f, A, n, D, scaled)
        largest, smallest, squares, asymmetry = measure(f, scaled, n)
    return rescaled, status, squares, asymmetry


@device
def _choose_margins(f, n, squares, given, tol, error):
    """(s, bound, floor): the margin, as wide as is usual unless one was given; what is uncertain
    in H's units; the default tolerance n·eps·‖H'‖_F, in those of H', or 0 if one was chosen."""
    norm, zero = math.sqrt(squares), splat(f, 0.0)
    chosen = tol >= 0.0
    s = select(given > 0.0, given, norm * (_WIDE / math.sqrt(1.0 * n)))
    bound = (error + select(chosen, tol, zero)) * _OUTWARD
    return s, bound, select(chosen, zero, norm * (n * EPS))


@device
def _count(z, e, f, A, n, D, s, bound, shift, factors, lanes):
    """Negative pivots of A − t and of A + t, t = s + bound·D², and the traces of both factors."""
    V, L, padded, inverse = factors
    w, step = width(f), width(e)
    for i in range(n):
        d = load(f, D, i * w)
        # An uncertainty that dwarfs the row may overflow; it is then enough that it is large.
        t = min(s + bound * d * d, splat(f, _HUGE))
        store(shift, i * step, repeat(e, t))
    # Both signs side by side where an element of the factor holds two of A's.
    for run in range(2 * w // step):
        sign = load(e, lanes[_SIGNS], run * step)
        negatives, trace = factorize(z, e, f, A, n, shift, sign, V, L, padded, inverse)
        store(lanes[NEGATIVES], run * step, negatives)
        store(lanes[_TRACE], run * step, trace)


@device
def _certify(f, n, s, floor, asymmetry, lanes):
    """Where the two counts agree, where the margin covers every error; the margin to try next.

    That is one which both factors would have allowed, or NaN if they broke down.
    """
    w = width(f)
    trace = max(load(f, lanes[_TRACE], 0), load(f, lanes[_TRACE], w))
    need = n * asymmetry + floor + n * _TINY + (n + 2) * EPS * trace
    same = load(f, lanes[NEGATIVES], 0) == load(f, lanes[NEGATIVES], w)
    following = 4.0 * need
    return same, s > need, select(same | (following < s), following, splat(f, np.nan))


@device
def examine_group(z, e, f, A, n, symmetric, given, wanted, unsure, scratch):
    """Count both ways in a group of matrices: the negative pivots are left in its table.

    `given`, `wanted` and `unsure` are the margin (0: the usual one), the tolerance and the error.
    Returns where the counts agree, where the margin covers every error (a certificate is both), the
    margin, the one to try next, the status and the tolerance used.
    """
    scaled, rows, factors, shift, lanes = scratch
    rescaled, refusal, squares, asymmetry = _prepare(
        f, A, n, symmetric, rows[0], rows[1], scaled
    )
    if rescaled:
        A = scaled
    s, bound, floor = _choose_margins(f, n, squares, given, wanted, unsure)
    _count(z, e, f, A, n, rows[0], s, bound, shift, factors, lanes)
    same, covered, following = _certify(f, n, s, floor, asymmetry, lanes)
    return same, covered, s, following, refusal, max(floor, wanted)


@device
def _read(f, source, ids, first, used, together, row):
    """source[ids[first + lane]] in every lane, or the only value that there is."""
    if len(source) == 1:
        return splat(f, source[0])
    if together:
        return load(f, source, ids[first])
    for lane in range(width(f)):
        row[lane] = source[ids[first + min(lane, used - 1)]]
    return load(f, row, 0)


@device
def _integers(x):
    """Small whole numbers held in float64, as uint64."""
    return bits_of(x + 4503599627370496.0) & _FRACTION


@device
def _write(f, n, ids, first, used, together, certain, refusal, tol, results, lanes):
    """Hand a group's results over; what is 0 as a rule is not written then."""
    negative, _, positive, certified, used_tol, status = results
    if together:
        i = ids[first]
        negatives = load(f, lanes[NEGATIVES], 0)
        store(negative, i, _integers(negatives))
        store(positive, i, _integers(n - negatives))
        store(used_tol, i, tol)
        if any_lane(refusal != 1.0 * OK):
            store(status, i, _integers(refusal))
    else:
        store(lanes[STATUS], 0, refusal)
        store(lanes[_TOL], 0, tol)
    for lane in range(used):
        i = ids[first + lane]
        certified[i] = (certain >> np.uint64(lane)) & np.uint64(1)
        if not together:
            negative[i] = np.int64(lanes[NEGATIVES, lane])
            positive[i] = n - negative[i]
            status[i], used_tol[i] = np.int64(lanes[STATUS, lane]), lanes[_TOL, lane]


@device
def _examine(z, e, f, problem, ids, first, margins, gathered, scratch, results, rest, left):
    """One group of matrices; append to `rest` those left over, their next margin set."""
    flat, n, tol, error = problem
    A, starts = gathered
    lanes = scratch[4]
    w = width(f)
    used = min(w, len(ids) - first)
    together = used == w and ids[first + w - 1] - ids[first] == w - 1
    if w == 1:
        here = ids[first] * n * n
        A = flat[here : here + n * n]
    else:
        gather(f, flat, n, ids, first, A, starts)
    given = _read(f, margins, ids, first, used, together, lanes[MARGIN])
    wanted = _read(f, tol, ids, first, used, together, lanes[_TOL])
    unsure = _read(f, error, ids, first, used, together, lanes[_ERROR])
    same, covered, _, following, refusal, tolerance = examine_group(
        z, e, f, A, n, False, given, wanted, unsure, scratch
    )
    sure = same & covered
    certain = mask_bits(sure)
    _write(f, n, ids, first, used, together, certain, refusal, tolerance, results, lanes)
    if not all_lanes(sure):
        store(lanes[NEXT], 0, following)
        for lane in range(used):
            if not (certain >> np.uint64(lane)) & np.uint64(1):
                i = ids[first + lane]
                margins[i] = lanes[NEXT, lane]
                rest[left] = i
                left += 1
    return left


@allocating
def _eigenvalues(A, n, D, t):
    """Eigenvalues of A + t D², by LAPACK."""
    shifted = A[: n * n].copy().reshape(n, n)
    for i in range(n):
        for j in range(i):
            shifted[j, i] = shifted[i, j]
        shifted[i, i] += max(-_HUGE, min(_HUGE, t * D[i] * D[i]))
    return np.linalg.eigvalsh(shifted)


@allocating
def examine_stably(stack, i, tol, error, scaled, rows, results):
    """One matrix by its eigenvalues, whose error is within n·eps·‖H'‖_F."""
    negative, zero, positive, certified, _, _ = results
    n = stack.shape[1]
    D = rows[0]
    A = stack[i].reshape(n * n)
    rescaled, _, squares, asymmetry = _prepare(0.0, A, n, False, D, rows[1], scaled)
    if rescaled:
        A = scaled
    floor = n * EPS * np.sqrt(squares)
    slack = floor + n * asymmetry
    bound = error * _OUTWARD
    if tol >= 0.0:
        low, high = _eigenvalues(A, n, D, -tol), _eigenvalues(A, n, D, tol)
        above, below = np.sum(low < 0.0), np.sum(high < 0.0)
        bound += tol * _OUTWARD
    else:
        low = _eigenvalues(A, n, D, 0.0)
        high = low
        above, below = np.sum(low <= floor), np.sum(low < -floor)
        slack += floor
    negative[i], zero[i], positive[i] = below, above - below, n - above
    certified[i] = False
    if above > below:
        return
    # LAPACK sees A ∓ bound·D², whose norm may be far above A's.
    largest = np.max(D[:n])
    slack += n * EPS * (bound * largest * largest)
    if bound > 0.0:
        low, high = _eigenvalues(A, n, D, -bound), _eigenvalues(A, n, D, bound)
    margin = min(np.min(np.abs(low)), np.min(np.abs(high)))
    certified[i] = np.sum(low < 0.0) == np.sum(high < 0.0) and margin > slack


@allocating
def _inertia(z, e, f, stack, tol, error, results):
    m, n = stack.shape[0], stack.shape[1]
    w = width(f)
    problem = (stack.reshape(stack.size), n, tol, error)
    scratch = group_scratch(z, e, f, n)
    gathered = aligned(n * n * w if w > 1 else 1), np.empty(w, np.int64)
    margins = np.zeros(m)
    ids = np.arange(m)
    for _ in range(2):
        left = 0
        rest = np.empty(len(ids), np.int64)
        for first in range(0, len(ids), w):
            left = _examine(
                z, e, f, problem, ids, first, margins, gathered, scratch, results, rest, left
            )
        ids = rest[:left]
    if len(ids) > 0:
        rows, scaled = np.empty((2, n)), np.empty(n * n)
        for i in ids:
            if results[5][i] != OK:
                continue
            at_tol, at_error = min(i, len(tol) - 1), min(i, len(error) - 1)
            examine_stably(stack, i, tol[at_tol], error[at_error], scaled, rows, results)


@kernel
def inertia_small(stack, tol, error, negative, zero, positive, certified, used_tol, status):
    """`inertia`, eight matrices and both shifts of each at once: best for n up to about 60."""
    results = (negative, zero, positive, certified, used_tol, status)
    _inertia(zeros(16), zeros(16), zeros(8), stack, tol, error, results)


@kernel
def inertia_batch(stack, tol, error, negative, zero, positive, certified, used_tol, status):
    """`inertia`, eight matrices at once: best for stacks of n up to about 250."""
    results = (negative, zero, positive, certified, used_tol, status)
    _inertia(zeros(8), zeros(8), zeros(8), stack, tol, error, results)


@kernel
def inertia_large(stack, tol, error, negative, zero, positive, certified, used_tol, status):
    """`inertia`, one matrix at a time, lanes down its rows: best beyond, and for few matrices."""
    results = (negative, zero, positive, certified, used_tol, status)
    _inertia(zeros(8), zeros(1), zeros(1), stack, tol, error, results)


@kernel
def inertia_scalar(stack, tol, error, negative, zero, positive, certified, used_tol, status):
    """`inertia` from the same source in plain numbers."""
    results = (negative, zero, positive, certified, used_tol, status)
    _inertia(zeros(1), zeros(1), zeros(1), stack, tol, error, results)


def inertia_kernel(m, n):
    """The fastest of the kernels for m matrices of size n."""
    if n <= 60:
        return inertia_small
    return inertia_batch if n <= 250 and m >= 4 else inertia_large


@kernel
def inertia(stack, tol, error, negative, zero, positive, certified, used_tol, status):
    """Inertia of every matrix of a stack.

    Parameters
    ----------
    stack : (m, n, n) float64, C-contiguous
    tol : (m,) or (1,) float64
        Eigenvalues of H within it count as zero; negative or NaN: those of H' within n·eps·‖H'‖_F.
    error : (m,) or (1,) float64
        ‖E‖₂ of H's own uncertainty.
    negative, zero, positive : (m,) int64, out
        How many eigenvalues are of which sign.  `zero` and `status` must hold zeros: most of their
        pages are then never touched.
    certified : (m,) bool, out
    used_tol : (m,) float64, out
    status : (m,) int64, out
        `OK`, `NOT_FINITE` or `ASYMMETRIC`; the counts of a refused matrix mean nothing.
    """
    m, n = stack.shape[0], stack.shape[1]
    if n <= 60:
        inertia_small(stack, tol, error, negative, zero, positive, certified, used_tol, status)
    elif n <= 250 and m >= 4:
        inertia_batch(stack, tol, error, negative, zero, positive, certified, used_tol, status)
    else:
        inertia_large(stack, tol, error, negative, zero, positive, certified, used_tol, status)
