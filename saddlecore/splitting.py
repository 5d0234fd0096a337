"""Rare indices of any random matrix: multilevel splitting over its independent numbers.

Let λ be eigenvalue max_index + 1 of H.  The event λ ≥ 0 is split into λ ≥ ℓ_0, λ ≥ ℓ_1, …, λ ≥ 0
(Kahn & Harris 1951; Cérou, Del Moral, Furon & Guyader, Statistics and Computing 22, 2012).  The
particles of an island, which are sets of latents (see `latents`), lose those below a level; copies
of others take their places, and all make some moves under the law of H given λ ≥ ℓ: one that
leads below is not made.  The product of the fractions that survive is an unbiased estimate of
the probability, however few the moves, as the levels and the steps are fixed: a pilot run with
random numbers of its own has placed them.

Only "are at most max_index eigenvalues below ℓ?" is ever asked.  Eight matrices are examined at
once with a certificate, as in `inertia`; those without get a narrower margin, then LAPACK's
eigenvalues: what is within rounding errors of ℓ counts as ℓ itself.

Particle p of island i owns sample i · size + p of the stream.  Its latents are drawn from attempt
0, and move t = 1, 2, … takes attempt t; gammas are drawn at the rows from 2²⁴ on, an island's
resamplings at row 2²⁵ of its first particle.
"""

import math

import numpy as np

from saddlecore.bartlett import side_of
from saddlecore.entrywise import move_entries
from saddlecore.inertia import NEGATIVES, OK, examine_group, examine_stably, group_scratch
from saddlecore.jit import allocating, device, kernel
from saddlecore.laneops import lane_numbers, mask_bits, select, splat, zeros
from saddlecore.latents import SIGN, WISHART_GOE, assemble, count_chain, is_chain, move
from saddlecore.memory import aligned, load, store
from saddlecore.rare import log_gamma_variate, uniform_at

__all__ = ["place_levels", "split_islands"]

_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)
_GAMMAS, _RESAMPLING = 1 << 24, 1 << 25
_W = 8
_ALL = np.uint64(255)
# Where the search for levels begins: nothing that an eigenvalue of integers, or one of a leading
# block, is a simple multiple of.
_LOWEST = -1.0 / math.pi
# Of latents of which eigenvalues are counted in O(n), moved together.
_BLOCKS = 16


@allocating
def _matrices(problem):
    """Room for eight matrices, and for their T."""
    form, n = problem[0], problem[4]
    dense = 1 if is_chain(form) else n
    side = side_of(n) if form == WISHART_GOE else 0
    return aligned(dense * dense * _W), aligned(side * side * _W)


# --- how many eigenvalues are below a level ------------------------------------------------------


@allocating
def _settle(A, n, lane, ties, small):
    """The count of one matrix of a group, by LAPACK; `ties`: that of zeros too."""
    stack, scaled, rows, results = small
    for i in range(n):
        for j in range(i, n):
            stack[0, i, j] = stack[0, j, i] = A[(i * n + j) * _W + lane]
    results[5][0] = OK
    examine_stably(stack, 0, -1.0, 0.0, scaled, rows, results)
    return results[0][0] + (results[1][0] if ties else 0)


@allocating
def _settle_rest(A, n, sure, ties, found):
    """Those of a group that no margin has certified."""
    results = (np.zeros(1, np.int64), np.zeros(1, np.int64), np.zeros(1, np.int64),
               np.zeros(1, np.bool_), np.zeros(1), np.zeros(1, np.int64))  # fmt: skip
    small = np.empty((1, n, n)), np.empty(n * n), np.empty((2, n)), results
    for lane in range(_W):
        if not sure & (np.uint64(1) << np.uint64(lane)):
            found[lane] = _settle(A, n, lane, ties, small)


@device
def _count_dense(A, n, ties, group, found):
    """Fill `found` with the numbers of negative eigenvalues: two margins, then LAPACK."""
    f = zeros(_W)
    zero, given, sure = splat(f, 0.0), splat(f, 0.0), np.uint64(0)
    for _ in range(2):
        same, covered, _, following, _, _ = examine_group(
            f, f, f, A, n, True, given, zero - 1.0, zero, group
        )
        proved = mask_bits(same & covered) & (sure ^ _ALL)
        for lane in range(_W):
            if proved & (np.uint64(1) << np.uint64(lane)):
                found[lane] = group[4][NEGATIVES, lane]
        sure |= proved
        if sure == _ALL:
            return
        given = select(following > 0.0, following, zero)
    _settle_rest(A, n, sure, ties, found)


@kernel
def _count_survivors(problem, level, X, alive):
    """Note which particles are not below a level; return how many."""
    form, numbers, _, _, n, most = problem
    (A, T), found = _matrices(problem), aligned(_W)
    f = zeros(_W)
    group = group_scratch(f, f, f, 1 if is_chain(form) else n)
    # −H has index at least n − k where at most k of its eigenvalues are positive or zero.
    ties = numbers[SIGN] < 0.0 and level == 0.0
    total = 0
    for g in range(len(X)):
        if is_chain(form):
            store(found, 0, count_chain(f, form, numbers, n, X[g], level))
        else:
            assemble(f, form, numbers, n, X[g], level, A, T)
            _count_dense(A, n, ties, group, found)
        for lane in range(_W):
            alive[g * _W + lane] = found[lane] <= most
            total += alive[g * _W + lane]
    return total


# --- particles -----------------------------------------------------------------------------------


@device
def _request(keys, first, g):
    sample = np.uint64(first) + np.uint64(g * _W)
    return keys[0], keys[1], lane_numbers(zeros(_W)) + (sample & _LOW), sample >> _32


@kernel
def _begin(key, problem, first, X):
    """Draw all particles from their law: moves with a step of 1 forget everything, but gammas."""
    keys = np.uint64(key) & _LOW, np.uint64(key) >> _32
    _, numbers, parts, alpha, _, _ = problem
    y = aligned(X.shape[1])
    for g in range(len(X)):
        X[g, :] = 0.5
        move(parts, alpha, numbers[0], X[g], y, _request(keys, first, g), 0, 1.0)
        X[g, :] = y
        for i in range(len(alpha)):
            for lane in range(_W):
                sample = np.uint64(first + g * _W + lane)
                X[g, (parts[0] + i) * _W + lane] = log_gamma_variate(
                    alpha[i], sample & _LOW, sample >> _32, np.uint64(_GAMMAS + i), *keys
                )


@kernel
def _resample(key, first, j, survivors, X, alive):
    """Put copies of survivors in the places of the others, each as often as any, but for one."""
    keys = np.uint64(key) & _LOW, np.uint64(key) >> _32
    u = uniform_at(np.uint64(first), _RESAMPLING, np.uint64(j), keys)
    d, size = X.shape[1] // _W, len(alive)
    numbers = np.nonzero(alive)[0]
    dead = 0
    for p in range(size):
        if not alive[p]:
            at = np.int64((dead + u) * survivors / (size - survivors))
            parent = numbers[min(at, survivors - 1)]
            dead += 1
            for i in range(d):
                X[p // _W, i * _W + p % _W] = X[parent // _W, i * _W + parent % _W]


@device
def _move_blocks(form, numbers, n, most, x, y, level):
    """Move block by block where that keeps to the bound; return which fraction did."""
    f, d, moved = zeros(_W), len(x) // _W, 0
    each = (d + _BLOCKS - 1) // _BLOCKS
    for first in range(0, d, each):
        last = min(first + each, d)
        for i in range(first, last):
            old = load(f, x, i * _W)
            store(x, i * _W, load(f, y, i * _W))
            store(y, i * _W, old)
        fits = count_chain(f, form, numbers, n, x, level) <= 1.0 * most
        for i in range(first, last):
            store(x, i * _W, select(fits, load(f, x, i * _W), load(f, y, i * _W)))
        bits = mask_bits(fits)
        for lane in range(_W):
            moved += np.int64((bits >> np.uint64(lane)) & np.uint64(1)) * (last - first)
    return moved / (_W * d)


@kernel
def _sweep(key, problem, first, t, level, h, X):
    """Move number t of all particles, by steps h; return which fraction was made."""
    keys = np.uint64(key) & _LOW, np.uint64(key) >> _32
    form, numbers, parts, alpha, n, most = problem
    (A, T), y = _matrices(problem), aligned(X.shape[1])
    rows = aligned(n * _W), aligned(n * _W), aligned(n * _W)
    f, made = zeros(_W), 0.0
    for g in range(len(X)):
        x = X[g]
        move(parts, alpha, numbers[0], x, y, _request(keys, first, g), t, h)
        if is_chain(form):
            made += _move_blocks(form, numbers, n, most, x, y, level)
        else:
            assemble(f, form, numbers, n, x, level, A, T)
            made += move_entries(form, numbers, n, most, x, y, A, T, rows)
    return made / len(X)


# --- islands and the pilot -----------------------------------------------------------------------
#
# In Python: what a kernel calls is compiled again for it, and these are calls of milliseconds.


def _latents(problem, size):
    return np.empty((size // _W, sum(problem[2]) * _W)), np.empty(size, np.bool_)


def _run_island(key, problem, levels, steps, moves, island, X, alive):
    """ln of the island's estimate, and the least fraction that survived a level."""
    size = len(alive)
    first = island * size
    _begin(key, problem, first, X)
    estimate, least, t = 0.0, 1.0, 1
    for j, (level, h) in enumerate(zip(levels, steps, strict=True)):
        survivors = _count_survivors(problem, level, X, alive)
        if survivors == 0:
            return -math.inf, 0.0
        least = min(least, survivors / size)
        estimate += math.log(survivors / size)
        if j + 1 < len(levels):
            _resample(key, first, j, survivors, X, alive)
            for _ in range(moves):
                _sweep(key, problem, first, t, level, h, X)
                t += 1
    return estimate, least


def split_islands(key, problem, levels, steps, moves, first, size, estimates, least):
    """Logarithms of the estimates of islands first, first + 1, …; −∞ where no particle arrived.

    Parameters
    ----------
    key : uint64
    problem
        Form, numbers, parts and alpha as in `latents`; n; how many eigenvalues may be negative.
    levels, steps : (J,) float64
        Increasing, the last 0; the h of the moves at each.
    moves : int64
        How many there are at a level.
    first, size : int64
        Number of the first island, and how many particles each has, a multiple of eight.
    estimates : (islands,) float64, out
    least : (islands,) float64, out
        The least fraction of its particles that survived a level.
    """
    X, alive = _latents(problem, size)
    for i in range(len(estimates)):
        estimates[i], least[i] = _run_island(
            key, problem, levels, steps, moves, first + i, X, alive
        )


def _next_level(problem, last, low, part, X, alive):
    """A level below 0 that about `part` of the particles survive, 0 if as many survive that, or 1.

    `low` is one that all survive.  Where eigenvalues have atoms there may be none: then one that
    more survive if not all do, or else the highest that any survive; 1 if that is none.
    """
    aim = part * len(alive)
    if _count_survivors(problem, 0.0, X, alive) >= aim:
        return 0.0
    high, fewest, most = 0.0, 0, len(alive)
    for _ in range(100):
        # No finer: a level must not come to lie on an atom, where no inverse can be had.
        if high - low < -(2.0**-14) * low:
            break
        middle = 0.5 * (low + high)
        left = _count_survivors(problem, middle, X, alive)
        if 0.8 * aim <= left <= 1.2 * aim:
            return middle
        if left > aim:
            low, most = middle, left
        else:
            high, fewest = middle, left
    if most < 0.97 * len(alive) and low > last:
        return low
    return high if fewest > 0 else 1.0


def place_levels(key, problem, part, aim, moves, size, levels, steps):
    """Place levels that about `part` of the particles survive; return how many, 0 if that fails.

    Parameters
    ----------
    key, problem
        As for `split_islands`.
    part, aim : float64
        Fractions of particles that survive, of moves that are made.
    moves, size : int64
    levels, steps : (most,) float64, out
    """
    X, alive = _latents(problem, size)
    _begin(key, problem, 0, X)
    low = _LOWEST
    while _count_survivors(problem, low, X, alive) < size:
        low *= 4.0
        if low < -1e30:
            return 0
    last, h, t = -math.inf, 1.0, 1
    for j in range(len(levels)):
        levels[j] = level = _next_level(problem, last, low, part, X, alive)
        if level > 0.0:
            return 0
        if level == 0.0:
            return j + 1
        survivors = _count_survivors(problem, level, X, alive)
        _resample(key, 0, j, survivors, X, alive)
        for _ in range(moves):
            made = _sweep(key, problem, 0, t, level, h, X)
            h = min(h * (1.0 + (made - aim)), 1.0)
            t += 1
        steps[j] = h
        last = low = level
    return 0
