"""The indices of random matrices that a sampler draws straight into the lanes.

No stack goes through memory: eight matrices are drawn side by side (see `saddlecore.entries`),
examined as `saddlecore.inertia` does, and entered in a histogram.  Those that the wide margin does
not certify wait until there are eight of them, and are then drawn again: a sample is a function of
its number alone.  They get a narrow margin s, a few times the bound of all rounding errors, and
where that bound grows as s shrinks (a pivot of zero) one between both.

Where the counts still differ beyond a margin that covers every error, some eigenvalues are within
2s of zero.  If the matrices are such that only zero itself is so near (`GAP`: those of integers
have no other small eigenvalues), that is a proof, and the index is the count below −s.  If not, and
the margin is the narrow one, they are counted as zeros too: as not negative, and as uncertified.
The rest is left to LAPACK, and is uncertified unless its margin is wide enough.
"""

import math

import numpy as np

from saddlecore.entries import COUNTER, REQUEST, SPARE
from saddlecore.forms import call_form
from saddlecore.inertia import (
    MARGIN,
    NEGATIVES,
    NEXT,
    OK,
    STATUS,
    examine_group,
    examine_stably,
    gather,
    group_scratch,
)
from saddlecore.jit import allocating, device, kernel
from saddlecore.laneops import any_lane, mask_bits, splat, width, zeros
from saddlecore.memory import aligned, load, store

__all__ = ["draw_samples", "draw_samples_lanes", "sample_index", "sample_index_batch",
           "sample_index_large", "sample_index_scalar", "sample_index_small"]  # fmt: skip

#: A sampler is six numbers: the address of its form in eight lanes (0: there is none) and in plain
#: numbers, what they get as data, the elements of scratch that they want after a matrix, whether
#: only the upper triangle is filled, and e if no eigenvalue but 0 is below 2^−e, or 0.
LANES_FORM, PLAIN_FORM, DATA, WORK, SYMMETRIC, GAP = range(6)

COUNTED, SINGULAR, UNDECIDED, WAITING, HARD = range(5)

_0 = np.uint64(0)
_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)


@allocating
def _request(w, key):
    words = aligned(REQUEST + 2 * w)
    words[:] = 0.0
    words.view(np.uint64)[0] = key & _LOW
    words.view(np.uint64)[1] = key >> _32
    return words


@allocating
def _drawing(f, sampler, n, key):
    """Matrices, requests for all lanes and for one, matrices one by one, their starts, order."""
    w = width(f)
    singly = w > 1 and sampler[LANES_FORM] == 0
    space = n * n * w + sampler[WORK] * w
    A = aligned(space)
    A[:] = 0.0
    one_by_one = aligned(space if singly else 1)
    return (A, _request(w, key), _request(1, key), one_by_one, np.empty(w, np.int64), np.arange(w))


@device
def _draw(f, sampler, n, ids, drawing):
    """Draw the matrices of samples ids[0], …, side by side."""
    A, request, single, flat, starts, order = drawing
    w, data = width(f), sampler[DATA]
    if w == 1:
        words = request.view(np.uint64)
        words[COUNTER], words[SPARE], words[REQUEST] = _0, _0, np.uint64(ids[0])
        call_form(sampler[PLAIN_FORM], request, 0, n, A, 0, data)
    elif sampler[LANES_FORM] != 0:
        words = request.view(np.uint64)
        words[COUNTER], words[SPARE] = _0, _0
        for lane in range(w):
            words[REQUEST + lane] = np.uint64(ids[lane])
        call_form(sampler[LANES_FORM], request, 0, n, A, 0, data)
    else:
        for lane in range(w):
            words = single.view(np.uint64)
            words[COUNTER], words[SPARE], words[REQUEST] = _0, _0, np.uint64(ids[lane])
            call_form(sampler[PLAIN_FORM], single, 0, n, flat, lane * n * n, data)
        gather(f, flat, n, order, 0, A, starts)


@allocating
def _settle(f, sampler, n, sample, drawing, ids, small, counts):
    """One sample by LAPACK; returns whether that is certified."""
    w = width(f)
    stack, scaled, rows, results = small
    ids[:] = sample
    _draw(f, sampler, n, ids, drawing)
    A = drawing[0]
    for i in range(n):
        for j in range(n):
            at = i * n + j
            if sampler[SYMMETRIC] != 0 and j < i:
                at = j * n + i
            stack[0, i, j] = A[at * w]
    results[5][0] = OK
    examine_stably(stack, 0, -1.0, 0.0, scaled, rows, results)
    counts[results[0][0]] += 1
    return results[3][0]


@allocating
def _small(n):
    """Room for one matrix on its own: the stack, DAD, D and row maxima, the results."""
    results = (np.zeros(1, np.int64), np.zeros(1, np.int64), np.zeros(1, np.int64),
               np.zeros(1, np.bool_), np.zeros(1), np.zeros(1, np.int64))  # fmt: skip
    return np.empty((1, n, n)), np.empty(n * n), np.empty((2, n)), results


@device
def _refused(w, used, ids, lanes, report):
    """Note the first sample that is refused, if any is."""
    for lane in range(used):
        if lanes[STATUS, lane] != 1.0 * OK and report[1] == OK:
            report[1], report[2] = np.int64(lanes[STATUS, lane]), ids[lane]
    return report[1] != OK


@device
def _next_group(w, position, stop, waiting, pending, ids, margins):
    """The samples to examine next: those waiting if they fill the lanes, or if nothing is left.

    Returns how many, and how many of them had been waiting.
    """
    numbers, narrow, between = pending
    if waiting >= w or position >= stop:
        used = min(w, waiting)
        for lane in range(w):
            at = waiting - 1 - min(lane, used - 1)
            ids[lane], margins[0, lane], margins[1, lane] = numbers[at], narrow[at], between[at]
        return used, used
    used = min(w, stop - position)
    for lane in range(w):
        ids[lane] = position + min(lane, used - 1)
        margins[0, lane], margins[1, lane] = 0.0, 0.0
    return used, 0


@device
def _verdict(lane, used_margin, sure, covered, gap, following, margins):
    """What becomes of a sample, `COUNTED` … `HARD`; its next margins are set."""
    bit = np.uint64(1) << np.uint64(lane)
    if sure & bit:
        return COUNTED
    sound = covered & bit != np.uint64(0)
    if sound and 2.0 * used_margin < gap:
        return SINGULAR
    if margins[0, lane] == 0.0:
        narrow = following
        # A bound that grows like 1/s is s/4 there.
        between = math.sqrt(following * used_margin)
        margins[0, lane], margins[1, lane] = (between, 0.0) if gap > 0.0 else (narrow, between)
        return WAITING if narrow > 0.0 else HARD  # NaN: no margin is in sight
    if margins[1, lane] == 0.0:
        return HARD
    if sound:
        return UNDECIDED
    margins[0, lane], margins[1, lane] = margins[1, lane], 0.0
    return WAITING


@device
def _enter(w, lane, verdict, ids, lanes, margins, waiting, pending, counts):
    """Count a sample, or let it wait; returns how many wait."""
    if verdict == COUNTED:
        counts[np.int64(lanes[NEGATIVES, lane])] += 1
    elif verdict == WAITING:
        numbers, narrow, between = pending
        numbers[waiting] = ids[lane]
        narrow[waiting], between[waiting] = margins[0, lane], margins[1, lane]
        return waiting + 1
    elif verdict != HARD:
        counts[np.int64(lanes[NEGATIVES, w + lane])] += 1
    return waiting


@allocating
def _count_samples(z, e, f, sampler, key, n, first, count, counts, report):
    w = width(f)
    symmetric, gap = sampler[SYMMETRIC] != 0, 0.0 if sampler[GAP] == 0 else 2.0 ** -sampler[GAP]
    scratch, drawing, small = group_scratch(z, e, f, n), _drawing(f, sampler, n, key), _small(n)
    lanes, ids, hard = scratch[4], np.empty(w, np.int64), np.empty(w, np.int64)
    pending = np.empty(2 * w, np.int64), np.empty(2 * w), np.empty(2 * w)
    margins = np.empty((2, w))
    waiting, position, stop, uncertified = 0, first, first + count, 0
    zero = splat(f, 0.0)
    while position < stop or waiting > 0:
        used, old = _next_group(w, position, stop, waiting, pending, ids, margins)
        position += used - old
        waiting -= old
        _draw(f, sampler, n, ids, drawing)
        same, covered, s, following, refusal, _ = examine_group(
            z, e, f, drawing[0], n, symmetric, load(f, margins[0], 0), zero - 1.0, zero, scratch
        )
        if any_lane(refusal != 1.0 * OK):
            store(lanes[STATUS], 0, refusal)
            if _refused(w, used, ids, lanes, report):
                return
        store(lanes[MARGIN], 0, s)
        store(lanes[NEXT], 0, following)
        sure, sound = mask_bits(same & covered), mask_bits(covered)
        difficult = 0
        for lane in range(used):
            verdict = _verdict(
                lane, lanes[MARGIN, lane], sure, sound, gap, lanes[NEXT, lane], margins
            )
            waiting = _enter(w, lane, verdict, ids, lanes, margins, waiting, pending, counts)
            uncertified += 1 if verdict == UNDECIDED else 0
            if verdict == HARD:
                hard[difficult] = ids[lane]
                difficult += 1
        for k in range(difficult):
            proved = _settle(f, sampler, n, hard[k], drawing, ids, small, counts)
            uncertified += 0 if proved else 1
    report[0] += uncertified


@kernel
def sample_index_small(sampler, key, n, first, count, counts, report):
    """`sample_index`, both shifts of eight matrices at once: best for n up to about 60."""
    like = zeros(16), zeros(16), zeros(8)
    _count_samples(
        like[0], like[1], like[2], sampler, np.uint64(key), n, first, count, counts, report
    )


@kernel
def sample_index_batch(sampler, key, n, first, count, counts, report):
    """`sample_index`, eight matrices at once: best for n up to about 250."""
    like = zeros(8)
    _count_samples(like, like, like, sampler, np.uint64(key), n, first, count, counts, report)


@kernel
def sample_index_large(sampler, key, n, first, count, counts, report):
    """`sample_index`, one matrix at a time, lanes down its rows: best beyond."""
    _count_samples(
        zeros(8), zeros(1), zeros(1), sampler, np.uint64(key), n, first, count, counts, report
    )


@kernel
def sample_index_scalar(sampler, key, n, first, count, counts, report):
    """`sample_index` from the same source in plain numbers."""
    like = zeros(1)
    _count_samples(like, like, like, sampler, np.uint64(key), n, first, count, counts, report)


def sample_index(sampler, key, n, first, count, counts, report):
    """Add the index histogram of samples first … first + count − 1 to `counts`, by the best kernel.

    Parameters
    ----------
    sampler : (6,) int64
        See `LANES_FORM`.
    key : uint64
    n, first, count : int64
    counts : (n + 1,) int64
        Added to.
    report : (3,) int64
        The number of uncertified samples is added to the first; the others are left alone, or hold
        why a sample was refused (`saddlecore.inertia.NOT_FINITE`, `ASYMMETRIC`) and its number:
        the counts mean nothing then.
    """
    if n <= 60:
        kernel = sample_index_small
    else:
        kernel = sample_index_batch if n <= 250 else sample_index_large
    kernel(sampler, key, n, first, count, counts, report)


@allocating
def _fill(f, sampler, key, first, out):
    count, n = out.shape[0], out.shape[1]
    w = width(f)
    drawing = _drawing(f, sampler, n, np.uint64(key))
    ids = np.empty(w, np.int64)
    for start in range(0, count, w):
        for lane in range(w):
            ids[lane] = first + min(start + lane, count - 1)
        _draw(f, sampler, n, ids, drawing)
        for lane in range(min(w, count - start)):
            for i in range(n):
                for j in range(n):
                    at = j * n + i if sampler[SYMMETRIC] != 0 and j < i else i * n + j
                    out[start + lane, i, j] = drawing[0][at * w + lane]


@kernel
def draw_samples_lanes(sampler, key, first, out):
    """The matrices of samples first, first + 1, … in `out` (count, n, n), eight at a time."""
    _fill(zeros(8), sampler, key, first, out)


@kernel
def draw_samples(sampler, key, first, out):
    """The matrices of samples first, first + 1, … in `out` (count, n, n), one at a time."""
    _fill(zeros(1), sampler, key, first, out)
