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
0, and move t takes the attempts 2t and 2t + 1; gammas are drawn at the rows from 2²⁴ on, an
island's resamplings at row 2²⁵ of its first particle.
"""

import math

import numpy as np

from saddlecore.bartlett import side_of
from saddlecore.entrywise import move_entries
from saddlecore.gammas import exp
from saddlecore.inertia import NEGATIVES, OK, examine_group, examine_stably, group_scratch
from saddlecore.jit import allocating, device, kernel
from saddlecore.laneops import lane_numbers, mask_bits, select, splat, width, zeros
from saddlecore.latents import SIGN, WISHART_GOE, assemble, count_chain, is_chain, move
from saddlecore.memory import aligned, load, store
from saddlecore.rare import log_gamma_variate, uniform_at
from saddlecore.streams import log

__all__ = ["place_levels", "split_islands"]

_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)
_GAMMAS, _RESAMPLING = 1 << 24, 1 << 25
_W = 8
_ALL = np.uint64(255)


@allocating
def _room(problem, size):
    """Latents of all groups, those proposed, matrices, and what the certificate wants."""
    form, _, parts, _, n, _ = problem
    d, f = parts[0] + parts[1] + parts[2] + parts[3], zeros(_W)
    dense = 1 if is_chain(form) else n
    side = side_of(n) if form == WISHART_GOE else 0
    results = (np.zeros(1, np.int64), np.zeros(1, np.int64), np.zeros(1, np.int64),
               np.zeros(1, np.bool_), np.zeros(1), np.zeros(1, np.int64))  # fmt: skip
    small = np.empty((1, dense, dense)), np.empty(dense * dense), np.empty((2, dense)), results
    return (
        aligned(size * d).reshape(size // _W, d * _W),
        aligned(d * _W),
        (aligned(dense * dense * _W), aligned(side * side * _W)),
        (group_scratch(zeros(16), zeros(16), f, dense), small),
        aligned(_W),
        np.empty(size, np.bool_),
        np.empty(size, np.int64),
        (aligned(n * _W), aligned(n * _W), aligned(n * _W), aligned(n * _W)),
    )


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
def _count_dense(problem, x, level, room):
    """Two margins, then LAPACK's eigenvalues; those within rounding errors of the level are not
    below it, or all below it where −H is asked whether its eigenvalues are positive."""
    form, numbers, _, _, n, _ = problem
    (A, T), (group, small), found = room[2], room[3], room[4]
    z, f = zeros(16), zeros(_W)
    zero, given, sure = splat(f, 0.0), splat(f, 0.0), np.uint64(0)
    assemble(f, form, numbers, n, x, level, A, T)
    for _ in range(2):
        same, covered, _, following, _, _ = examine_group(
            z, z, f, A, n, True, given, zero - 1.0, zero, group
        )
        proved = mask_bits(same & covered) & (sure ^ _ALL)
        for lane in range(_W):
            if proved & (np.uint64(1) << np.uint64(lane)):
                found[lane] = group[4][NEGATIVES, lane]
        sure |= proved
        if sure == _ALL:
            return
        given = select(following > 0.0, following, zero)
    ties = numbers[SIGN] < 0.0 and level == 0.0
    for lane in range(_W):
        if not sure & (np.uint64(1) << np.uint64(lane)):
            found[lane] = _settle(A, n, lane, ties, small)


@allocating
def _count(problem, x, level, room):
    """Fill the room's counts of eigenvalues below `level`, of eight matrices."""
    form, numbers, _, _, n, _ = problem
    if is_chain(form):
        store(room[4], 0, count_chain(zeros(_W), form, numbers, n, x, level))
    else:
        _count_dense(problem, x, level, room)


# --- particles -----------------------------------------------------------------------------------


@device
def _request(keys, first, g):
    sample = np.uint64(first) + np.uint64(g * _W)
    return keys[0], keys[1], lane_numbers(zeros(_W)) + (sample & _LOW), sample >> _32


@allocating
def _begin(problem, keys, first, room):
    """Draw all particles from their law: moves with a step of 1 forget everything, but gammas."""
    _, numbers, parts, alpha, _, _ = problem
    X, y = room[0], room[1]
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


@allocating
def _survivors(problem, level, room):
    """Note which particles are not below a level; return how many."""
    X, found, alive = room[0], room[4], room[5]
    total = 0
    for g in range(len(X)):
        _count(problem, X[g], level, room)
        for lane in range(_W):
            alive[g * _W + lane] = found[lane] <= problem[5]
            total += alive[g * _W + lane]
    return total


@allocating
def _resample(survivors, u, room):
    """Put copies of survivors in the places of the others, each as often as any, but for one."""
    X, alive, numbers = room[0], room[5], room[6]
    d, size = X.shape[1] // _W, len(alive)
    at = 0
    for p in range(size):
        if alive[p]:
            numbers[at] = p
            at += 1
    dead = 0
    for p in range(size):
        if not alive[p]:
            parent = numbers[min(np.int64((dead + u) * survivors / (size - survivors)),
                                 survivors - 1)]  # fmt: skip
            dead += 1
            for i in range(d):
                X[p // _W, i * _W + p % _W] = X[parent // _W, i * _W + parent % _W]


@allocating
def _sweep(problem, keys, first, t, level, h, room):
    """Move number t of all particles, by steps h; return which fraction was made."""
    form, numbers, parts, alpha, n, most = problem
    X, y, (A, T), found, rows = room[0], room[1], room[2], room[4], room[7]
    f, made = zeros(_W), 0.0
    for g in range(len(X)):
        x = X[g]
        move(parts, alpha, numbers[0], x, y, _request(keys, first, g), 2 * t, h)
        if not is_chain(form):
            assemble(f, form, numbers, n, x, level, A, T)
            made += _W * move_entries(form, numbers, n, most, x, y, A, T, rows)
        else:
            _count(problem, y, level, room)
            fits = load(f, found, 0) <= 1.0 * most
            for i in range(len(y) // _W):
                store(x, i * _W, select(fits, load(f, y, i * _W), load(f, x, i * _W)))
            for lane in range(_W):
                made += found[lane] <= most
    return made / (len(X) * _W)


@allocating
def _run_island(problem, levels, steps, moves, keys, island, room):
    """ln of the island's estimate."""
    size = len(room[5])
    first = island * size
    _begin(problem, keys, first, room)
    estimate, t = 0.0, 1
    for j in range(len(levels)):
        survivors = _survivors(problem, levels[j], room)
        if survivors == 0:
            return -math.inf
        estimate += log(survivors / size)
        if j + 1 < len(levels):
            if survivors < size:
                u = uniform_at(np.uint64(first), _RESAMPLING, np.uint64(j), keys)
                _resample(survivors, u, room)
            for _ in range(moves):
                _sweep(problem, keys, first, t, levels[j], steps[j], room)
                t += 1
    return estimate


# --- the pilot -----------------------------------------------------------------------------------


@allocating
def _next_level(problem, last, low, part, room):
    """A level below 0 that about `part` of the particles survive, or 0 if as many survive that.

    `low` is one that all survive.  Where eigenvalues have atoms there may be none: then one that
    more survive if not all do, or else the highest that any survive.
    """
    size = len(room[5])
    if _survivors(problem, 0.0, room) >= part * size:
        return 0.0
    high, fewest = 0.0, 0
    for _ in range(40):
        middle = 0.5 * (low + high)
        left = _survivors(problem, middle, room)
        if 0.8 * part * size <= left <= 1.2 * part * size:
            return middle
        if left > part * size:
            low = middle
        else:
            high, fewest = middle, left
    if _survivors(problem, low, room) < 0.97 * size and low > last:
        return low
    return high if fewest > 0 else np.nan


@allocating
def _adapt(problem, keys, t, level, h, moves, aim, room):
    """Move the particles, and the step towards one of which so many moves are made."""
    for k in range(moves):
        made = _sweep(problem, keys, 0, t + k, level, h, room)
        h = min(h * exp((made - aim) * (1.0 if k < moves // 2 else 0.5)), 1.0)
    return h


@allocating
def _place(problem, part, aim, moves, keys, levels, steps, room):
    _begin(problem, keys, 0, room)
    size, low = len(room[5]), -1.0
    while _survivors(problem, low, room) < size:
        low *= 4.0
        if low < -1e300:
            return 0
    last, h, t = -math.inf, 1.0, 1
    for j in range(len(levels)):
        level = _next_level(problem, last, low, part, room)
        survivors = _survivors(problem, level, room)
        if survivors == 0:  # NaN too: nothing is below it
            return 0
        levels[j] = level
        if level == 0.0:
            return j + 1
        _resample(survivors, uniform_at(np.uint64(0), _RESAMPLING, np.uint64(j), keys), room)
        h = _adapt(problem, keys, t, level, h, moves, aim, room)
        steps[j] = h
        t += moves
        last = low = level
    return 0


@kernel
def _split(key, problem, levels, steps, moves, first, size, aims, estimates):
    keys, room = (np.uint64(key) & _LOW, np.uint64(key) >> _32), _room(problem, size)
    if len(estimates) == 0:
        return _place(problem, aims[0], aims[1], moves, keys, levels, steps, room)
    for i in range(len(estimates)):
        estimates[i] = _run_island(problem, levels, steps, moves, keys, first + i, room)
    return len(levels)


# One kernel does both: what it compiles is large.


def place_levels(key, problem, part, aim, moves, size, levels, steps):
    """Place levels that about `part` of the particles survive; return how many, 0 if that fails.

    Parameters
    ----------
    key : uint64
    problem
        Form, numbers, parts and alpha as in `latents`; n; how many eigenvalues may be negative.
    part, aim : float64
        Fractions of particles that survive, of moves that are made.
    moves, size : int64
        Moves at a level; particles, a multiple of eight.
    levels, steps : (most,) float64, out
        The last level is 0; the h of the moves at each.
    """
    none, aims = np.empty(0), np.array([part, aim])
    return _split(key, problem, levels, steps, moves, 0, size, aims, none)


def split_islands(key, problem, levels, steps, moves, first, size, estimates):
    """Logarithms of the estimates of islands first, first + 1, …; −∞ where no particle arrived.

    Parameters
    ----------
    key, problem, moves, size
        As for `place_levels`; the size is that of an island.
    levels, steps : (J,) float64
    first : int64
        Number of the first island.
    estimates : (islands,) float64, out
    """
    _split(key, problem, levels, steps, moves, first, size, np.empty(2), estimates)
