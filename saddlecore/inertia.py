"""The inertia of symmetric matrices, each with a certificate.

By Sylvester's law the number of negative pivots of H − σI = LDLᵀ is the number of eigenvalues
below σ.  H is equilibrated, H' = DHD, and shifted both ways by a margin s plus what the caller
calls uncertain, e:

    X∓ = D (H ∓ e I) D ∓ s I.

Unpivoted LDLᵀ is exact for X + F with ‖F‖₂ ≤ u, a bound that the factorisation itself delivers (see
`saddlecore.panels`).  **If both have the same number of negative pivots and s > u, that number is
the index of H + E for every symmetric E with ‖E‖₂ ≤ e**: DHD + DED lies between X₋ + F and X₊ + F
in Loewner's order, so its count does too.

s starts wide, 2⁻¹⁹ ‖H'‖_F / √n: for most matrices no eigenvalue is that near 0, and the margin forgives
a large growth of L.  Where the counts differ, or u is too large, one narrower (or wider) margin
is tried, and then LAPACK's eigenvalues of the same X∓.
"""

import numpy as np

from saddlecore.equilibrate import equilibrate, measure, needs_equilibration, scale
from saddlecore.jit import device, kernel, outlined
from saddlecore.lanes import (
    all_lanes,
    load,
    mask_bits,
    not_,
    repeat,
    select,
    splat,
    store,
    transpose_in,
    width,
    zeros,
)
from saddlecore.panels import factor_size, factorize
from saddlecore.sturm import sturm_counts

__all__ = ["ASYMMETRIC", "NOT_FINITE", "OK", "inertia", "inertia_batch", "inertia_large",
           "inertia_scalar", "inertia_small", "sturm_counts"]  # fmt: skip

OK, NOT_FINITE, ASYMMETRIC = 0, 1, 2

EPS = 2.0**-52
# An asymmetry up to this multiple of n·eps·max|H| passes as rounding; it enters the certificate.
SYMMETRY = 32.0
_WIDE = 2.0**-19
_TINY = 2.0**-1000
# What caller's tolerance and error grow by, so that rounding the shift cannot shrink them.
_OUTWARD = 1.0 + 8.0 * EPS


@device
def _gather(f, stack, ids, first, A, starts):
    """Matrices ids[first], … side by side, as one flat matrix whose elements are lanes."""
    n = stack.shape[1]
    size, w = n * n, width(f)
    flat = stack.reshape(stack.size)
    if w == 1:
        return flat[ids[first] * size : (ids[first] + 1) * size]
    for lane in range(w):
        starts[lane] = ids[min(first + lane, len(ids) - 1)] * size
    whole = size - size % 8
    for at in range(0, whole, 8):
        transpose_in(flat, starts, at, A)
    for at in range(whole, size):
        for lane in range(w):
            A[at * w + lane] = flat[starts[lane] + at]
    return A


@device
def _scratch(z, e, f, n):
    w, step = width(f), width(e)
    factor, panel = factor_size(z, e, n)
    return (
        np.empty(n * n * w if w > 1 else 1),  # A, gathered
        np.empty(w, np.int64),
        np.empty(n * n * w),  # DAD
        np.empty((2, n * w)),  # D and row maxima
        (np.empty(panel), np.empty(factor), np.empty(panel), np.empty(n * step)),
        np.empty(n * step),  # shift
        np.empty((8, 2 * w)),  # by lane: see _examine
    )


@device
def _judge(f, largest, asymmetry, finite, n, used):
    """Refuse lanes that hold NaN or infinity, or whose asymmetry is more than rounding."""
    good = (finite == 0.0) & (asymmetry <= (SYMMETRY * EPS * n) * largest)
    if not all_lanes(good):
        store(used, 0, select(finite == 0.0, splat(f, 1.0 * ASYMMETRIC), splat(f, 1.0 * NOT_FINITE)))
        refused = mask_bits(not_(good))
        for lane in range(width(f)):
            if not (refused >> np.uint64(lane)) & np.uint64(1):
                used[lane] = OK
    else:
        store(used, 0, splat(f, 1.0 * OK))


@device
def _prepare(f, A, n, D, rows, scaled, lanes):
    """Measure and equilibrate; return the matrix to factor, its norm and asymmetry stored."""
    largest, smallest, squares, asymmetry, finite = measure(f, A, n)
    _judge(f, largest, asymmetry, finite, n, lanes[0])
    for i in range(n):
        store(D, i * width(f), splat(f, 1.0))
    if needs_equilibration(largest, smallest):
        equilibrate(f, A, n, D, rows)
        scale(f, A, n, D, scaled)
        largest, smallest, squares, asymmetry, finite = measure(f, scaled, n)
        A = scaled
    store(lanes[1], 0, squares)
    store(lanes[2], 0, asymmetry)
    return A


@device
def _count(z, e, f, A, n, D, shift, scratch, lanes):
    """Negative pivots of A − t and of A + t, t = s + bound·D², and the traces of both factors."""
    V, L, padded, inverse = scratch
    w, step = width(f), width(e)
    s, bound = load(f, lanes[3], 0), load(f, lanes[4], 0)
    for i in range(n):
        d = load(f, D, i * w)
        store(shift, i * step, repeat(e, s + bound * (d * d)))
    if step > w:  # both at once
        signs = lanes[7]
        for lane in range(step):
            signs[lane] = 1.0 if lane < w else -1.0
        sign = load(e, signs, 0)
        negatives, trace = factorize(z, e, f, A, n, shift, sign, V, L, padded, inverse)
        store(lanes[5], 0, negatives)
        store(lanes[6], 0, trace)
    else:
        for run in range(2):
            sign = splat(e, 1.0 - 2.0 * run)
            negatives, trace = factorize(z, e, f, A, n, shift, sign, V, L, padded, inverse)
            store(lanes[5], run * w, negatives)
            store(lanes[6], run * w, trace)


@device
def _examine(z, e, f, problem, ids, first, margins, scratch, results, rest):
    """One group of matrices; return how many were left over in `rest`, their next margin set."""
    stack, tol, error = problem
    counts, certified, used_tol, status = results
    A, starts, scaled, rows, factors, shift, lanes = scratch
    n, w = stack.shape[1], width(f)
    A = _gather(f, stack, ids, first, A, starts)
    D = rows[0]
    A = _prepare(f, A, n, D, rows[1], scaled, lanes)
    used = min(w, len(ids) - first)
    for lane in range(w):
        i = ids[first + min(lane, used - 1)]
        given = margins[i]
        lanes[3, lane] = given if given > 0.0 else _WIDE * np.sqrt(lanes[1, lane] / n)
        bound = error[i] + (tol[i] if tol[i] >= 0.0 else 0.0)
        lanes[4, lane] = bound * _OUTWARD
    _count(z, e, f, A, n, D, shift, factors, lanes)
    left = 0
    for lane in range(used):
        i = ids[first + lane]
        status[i] = np.int64(lanes[0, lane])
        floor = n * EPS * np.sqrt(lanes[1, lane])
        used_tol[i] = tol[i] if tol[i] >= 0.0 else floor
        need = (n + 2) * EPS * max(lanes[6, lane], lanes[6, w + lane]) + n * _TINY
        need += n * lanes[2, lane] + (0.0 if tol[i] >= 0.0 else floor)
        below, above = lanes[5, w + lane], lanes[5, lane]
        if below == above and lanes[3, lane] > need:
            counts[i, 0] = np.int64(below)
            counts[i, 1] = 0
            counts[i, 2] = n - counts[i, 0]
            certified[i] = True
        elif status[i] == OK:
            # A margin that both factors would have allowed; NaN where they broke down.
            margins[i] = 4.0 * need if below == above or 4.0 * need < lanes[3, lane] else np.nan
            rest[left] = i
            left += 1
    return left


@device
def _eigenvalues(A, n, D, t):
    """Eigenvalues of A + t D², by LAPACK."""
    shifted = A[: n * n].copy().reshape(n, n)
    for i in range(n):
        for j in range(i):
            shifted[j, i] = shifted[i, j]
        shifted[i, i] += t * (D[i] * D[i])
    return np.linalg.eigvalsh(shifted)


@outlined
def _examine_stably(stack, i, tol, error, scaled, rows, lanes, results):
    """One matrix by its eigenvalues, whose error is within n·eps·‖H'‖_F."""
    counts, certified, used_tol, _ = results
    n = stack.shape[1]
    D = rows[0]
    A = _prepare(0.0, stack[i].reshape(n * n), n, D, rows[1], scaled, lanes)
    floor = n * EPS * np.sqrt(lanes[1, 0])
    slack = floor + n * lanes[2, 0]
    bound = error * _OUTWARD
    if tol >= 0.0:
        above = np.sum(_eigenvalues(A, n, D, -tol) < 0.0)
        below = np.sum(_eigenvalues(A, n, D, tol) < 0.0)
        bound += tol * _OUTWARD
    else:
        values = _eigenvalues(A, n, D, 0.0)
        above = np.sum(values <= floor)
        below = np.sum(values < -floor)
        slack += floor
    counts[i, 0], counts[i, 1], counts[i, 2] = below, above - below, n - above
    if above > below:
        return
    low = _eigenvalues(A, n, D, -bound)
    high = _eigenvalues(A, n, D, bound) if bound > 0.0 else low
    margin = min(np.min(np.abs(low)), np.min(np.abs(high)))
    certified[i] = np.sum(low < 0.0) == np.sum(high < 0.0) and margin > slack


@device
def _inertia(z, e, f, stack, tol, error, counts, certified, used_tol, status):
    m, n = stack.shape[0], stack.shape[1]
    w = width(f)
    problem, results = (stack, tol, error), (counts, certified, used_tol, status)
    scratch = _scratch(z, e, f, n)
    margins = np.zeros(m)
    certified[:] = False
    ids = np.arange(m)
    rest, tried = np.empty(w, np.int64), np.empty(m, np.int64)
    for attempt in range(2):
        left = 0
        for first in range(0, len(ids), w):
            count = _examine(z, e, f, problem, ids, first, margins, scratch, results, rest)
            # `tried` fills no faster than `ids` empties, and starts as a copy.
            for k in range(count):
                tried[left] = rest[k]
                left += 1
        ids = tried[:left].copy()
    if len(ids) > 0:
        lanes, rows, scaled = np.empty((8, 2)), np.empty((2, n)), np.empty(n * n)
        for i in ids:
            _examine_stably(stack, i, tol[i], error[i], scaled, rows, lanes, results)


@kernel
def inertia_small(stack, tol, error, counts, certified, used_tol, status):
    """`inertia`, eight matrices and both shifts of each at once: best for n up to about 30."""
    _inertia(zeros(16), zeros(16), zeros(8), stack, tol, error, counts, certified, used_tol, status)


@kernel
def inertia_batch(stack, tol, error, counts, certified, used_tol, status):
    """`inertia`, eight matrices at once: best for stacks of n up to about 250."""
    _inertia(zeros(8), zeros(8), zeros(8), stack, tol, error, counts, certified, used_tol, status)


@kernel
def inertia_large(stack, tol, error, counts, certified, used_tol, status):
    """`inertia`, one matrix at a time, lanes down its rows: best beyond, and for few matrices."""
    _inertia(zeros(8), zeros(1), zeros(1), stack, tol, error, counts, certified, used_tol, status)


@kernel
def inertia_scalar(stack, tol, error, counts, certified, used_tol, status):
    """`inertia` from the same source in plain numbers."""
    _inertia(zeros(1), zeros(1), zeros(1), stack, tol, error, counts, certified, used_tol, status)


@kernel
def inertia(stack, tol, error, counts, certified, used_tol, status):
    """Inertia of every matrix of a stack.

    Parameters
    ----------
    stack : (m, n, n) float64, C-contiguous
    tol : (m,) float64
        Eigenvalues of H within it count as zero; negative or NaN: n·eps·‖H'‖_F, an eigenvalue of H'.
    error : (m,) float64
        ‖E‖₂ of H's own uncertainty.
    counts : (m, 3) int64, out
        Negative, zero and positive eigenvalues.
    certified : (m,) bool, out
    used_tol : (m,) float64, out
    status : (m,) int64, out
        `OK`, `NOT_FINITE` or `ASYMMETRIC`; counts of a refused matrix are undefined.
    """
    m, n = stack.shape[0], stack.shape[1]
    if n > 250 or m < 4:
        inertia_large(stack, tol, error, counts, certified, used_tol, status)
    elif n > 30:
        inertia_batch(stack, tol, error, counts, certified, used_tol, status)
    else:
        inertia_small(stack, tol, error, counts, certified, used_tol, status)
