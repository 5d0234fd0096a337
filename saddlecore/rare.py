"""Rare indices of β-Hermite matrices: particles along the chain of pivots, guided by tables.

Sequential Monte Carlo (Doucet & Johansen, A tutorial on particle filtering and smoothing, 2009)
with twisted proposals (Guarniero, Johansen & Lee, The iterated auxiliary particle filter, JASA
112, 2017): every t and d is drawn from its density times the table of `foresight`, a cell by its
probability, and within it uniformly in the angle (in the first cell of t with density ∝ t^{α−1}).
Where a density is narrower than the cells the draw is from it, untilted.  What the draw's density
leaves over is the particle's weight.  Whenever the effective sample size of an island of particles
falls below half of them, all are drawn anew in proportion to their weights (systematic resampling).

An island's mean weight, times the factors set aside at its resamplings, is an unbiased estimate of
the probability, whatever the tables hold.  Islands are independent: each is a function of its key
and its number alone.  Particle p of island i owns sample i · size + p of the stream; d at row r is
row 2r there, the t after it row 2r + 1; the choice of its cell is the block of attempt 2³¹ + 1,
the island's resampling at row r that of attempt 2³¹ + 2 of its first particle.
"""

import math

import numpy as np

from saddlecore.foresight import (
    NOWHERE,
    beyond,
    cell_of,
    is_point_pivot,
    is_point_t,
    pivot_weights,
    stirling,
    t_weights,
    width_at,
)
from saddlecore.gammas import exp
from saddlecore.jit import allocating, device, kernel
from saddlecore.philox import philox2x64
from saddlecore.streams import acceptance, log, normal_pair, uniform

__all__ = ["log_gamma_variate", "run_islands", "uniform_at"]

_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)
_ZERO = np.uint64(0)
_BOOST = np.uint64(1 << 31)  # the block of a gamma of shape below 1, as in `gammas`
_HALF_LN_2PI = 0.9189385332046727
_CHOICE = np.uint64((1 << 31) + 1)
_RESAMPLING = np.uint64((1 << 31) + 2)


@device
def _bounded_exp(x):
    """exp(x), 0 far below and e⁷⁰⁰ far above."""
    return exp(min(x, 700.0)) if x > -700.0 else 0.0


@device
def uniform_at(sample, row, attempt, keys):
    """A uniform variate of one sample."""
    A, _ = philox2x64(sample & _LOW, sample >> _32, np.uint64(row), attempt, keys[0], keys[1])
    return uniform(A)


@device
def log_gamma_variate(S, low, high, row, k0, k1):
    """The logarithm of a Gamma(S) variate, by Marsaglia & Tsang's method."""
    d = S - 1.0 / 3.0 + (1.0 if S < 1.0 else 0.0)
    m = 1.0 / math.sqrt(9.0 * d)
    attempt = np.uint64(0)
    while True:
        A, B = philox2x64(low, high, row, attempt, k0, k1)
        x = normal_pair(A, B)[1]
        t = 1.0 + m * x
        if t > 0.0:
            log_v = 3.0 * log(t)
            if log(acceptance(B)) < 0.5 * x * x + d * (1.0 - t * t * t + log_v):
                break
        attempt += np.uint64(1)
    value = log(d) + log_v
    if S < 1.0:
        A, _ = philox2x64(low, high, row, _BOOST, k0, k1)
        value += log(uniform(A)) / S
    return value


@device
def _add_logs(x, y):
    """ln(e^x + e^y)."""
    top = max(x, y)
    return top + log(1.0 + _bounded_exp(min(x, y) - top))


@allocating
def _pick(weights, u, total):
    """A cell with probability ∝ weights, and how far into it u reaches, in [0, 1]."""
    left, chosen = u * total, -1
    for m in range(len(weights)):
        if weights[m] > 0.0:
            chosen = m
            if left < weights[m]:
                break
            left -= weights[m]
    return chosen, min(left / weights[chosen], 1.0)


@allocating
def _near_point(grid, alpha, m, part):
    """The point t of a near cell."""
    if m > 0:
        return beyond(grid, grid[0][m], part * grid[4])
    return max(grid[0][1] * _bounded_exp(log(max(part, 1e-300)) / alpha), 1e-300)


@allocating
def _log_near(grid, alpha, out, m, t, total):
    """ln of the density with which t is drawn as a point of its near cell."""
    if m > 0:
        return log(out[m] / total) - log(width_at(grid, t))
    edge = grid[0][1]
    return log(out[0] / total) + log(alpha) + (alpha - 1.0) * log(t) - alpha * log(edge)


@allocating
def _draw_t(grid, alpha, x, table, out, sample, row, keys):
    """Draw t after x; return it and its weight in logs, or (0, 0) if there is none."""
    low, high, number = sample & _LOW, sample >> _32, np.uint64(row)
    stop, total, m, part = 0, 1.0, 0, 0.0
    if not is_point_t(grid, alpha, x):
        stop, total, top = t_weights(grid, alpha, x, table, out)
        if top < 0.5 * NOWHERE:
            return 0.0, 0.0
        m, part = _pick(out[: stop + 1], uniform_at(sample, row, _CHOICE, keys), total)
    if m < stop:
        t = _near_point(grid, alpha, m, part)
    else:
        t = _bounded_exp(log_gamma_variate(alpha, low, high, number, keys[0], keys[1]) - log(x))
    if stop == 0:
        return t, 0.0
    constant = alpha * (log(x) - log(alpha) + 1.0) - stirling(alpha)
    log_p = constant + (alpha - 1.0) * log(t) - x * t
    # Both a near cell and the far ones, untilted, may have given t.
    log_q = -math.inf
    if m < stop or t < grid[0][stop]:
        near = m if m < stop else cell_of(grid, t)
        log_q = _log_near(grid, alpha, out, near, t, total)
    if m == stop or out[stop] > 1e-280:  # else nothing is added
        log_q = _add_logs(log_q, log(out[stop] / total) + log_p)
    return t, log_p - log_q


@allocating
def _draw_pivot(grid, centre, count, tables, out, sample, row, keys):
    """Draw d ~ N(centre, 1) at a row, tilted; return it and its weight in logs, or (0, 0)."""
    if is_point_pivot(grid, centre):
        A, B = philox2x64(
            sample & _LOW, sample >> _32, np.uint64(row), _ZERO, keys[0], keys[1]
        )
        return centre + normal_pair(A, B)[0], 0.0
    M = len(grid[1])
    total, top = pivot_weights(grid, centre, count, tables, out)
    if top < 0.5 * NOWHERE:
        return 0.0, 0.0
    m, part = _pick(out, uniform_at(sample, row, _ZERO, keys), total)
    y = beyond(grid, grid[0][m % M], part * grid[4])
    d = y if m < M else -y
    log_p = -0.5 * (d - centre) ** 2 - _HALF_LN_2PI
    return d, log_p + log(width_at(grid, y)) - log(out[m] / total)


@allocating
def _move(model, grid, tables, row, p, d, counts, weights, out, sample, keys):
    """Carry particle p from d at row − 1 to d at `row`, or lose it."""
    s, alpha = model
    M, centre = len(grid[1]), -s
    weights[1, p] = -math.inf
    if row > 0:
        x, sign = abs(d[p]), int(d[p] < 0.0)
        table = tables[1][row - 1, sign, counts[p]]
        t, gain = _draw_t(grid, alpha[row - 1], x, table, out[:M], sample, 2 * row - 1, keys)
        if t == 0.0:
            return
        centre += t if sign == 1 else -t
        weights[0, p] += gain
    after = tables[0][row]
    d[p], gain = _draw_pivot(grid, centre, counts[p], after, out, sample, 2 * row, keys)
    counts[p] += d[p] < 0.0
    if d[p] == 0.0 or counts[p] >= after.shape[1]:
        return
    weights[0, p] += gain
    rest = after[int(d[p] < 0.0), counts[p], cell_of(grid, abs(d[p]))]
    weights[1, p] = weights[0, p] + rest if rest > 0.5 * NOWHERE else -math.inf


@device
def _effective(weights):
    """ln of the mean weight and the effective sample size, as a fraction."""
    top = np.max(weights)
    if top == -math.inf:
        return top, 0.0
    total, squares = 0.0, 0.0
    for one in weights:
        w = _bounded_exp(one - top)
        total += w
        squares += w * w
    size = len(weights)
    return top + log(total / size), total * total / (squares * size)


@allocating
def _resample(weights, d, counts, log_mean, u, copies):
    """Draw all particles anew in proportion to their twisted weights, which are 1 then."""
    size = len(d)
    untwisted, weights = weights
    parents, old_d, old_counts, old = copies
    total, parent = _bounded_exp(weights[0] - log_mean), 0
    for i in range(size):
        while total <= i + u and parent < size - 1:
            parent += 1
            total += _bounded_exp(weights[parent] - log_mean)
        parents[i] = parent
    # Rounding may have left the last a parent of weight 0.
    for i in range(size - 1, -1, -1):
        while weights[parents[i]] == -math.inf:
            parents[i] -= 1
    old_d[:], old_counts[:], old[:] = d, counts, untwisted - weights
    for i in range(size):
        j = parents[i]
        d[i], counts[i], untwisted[i] = old_d[j], old_counts[j], old[j]
    weights[:] = 0.0


@allocating
def _run_island(model, grid, tables, keys, island, d, counts, weights, copies, out):
    """Return ln of the island's estimate, and its least effective size."""
    n, size = len(model[1]), len(d)
    first = np.uint64(island) * np.uint64(size)
    counts[:], weights[:] = 0, 0.0
    aside, least = 0.0, 1.0
    for row in range(n):
        for p in range(size):
            if weights[1, p] > -math.inf:
                sample = first + np.uint64(p)
                _move(model, grid, tables, row, p, d, counts, weights, out, sample, keys)
        log_mean, effective = _effective(weights[1])
        least = min(least, effective)
        if effective == 0.0:
            return log_mean, least
        if effective < 0.5 and row < n - 1:
            u = uniform_at(first, 2 * row, _RESAMPLING, keys)
            _resample((weights[0], weights[1]), d, counts, log_mean, u, copies)
            aside += log_mean
    return aside + log_mean, least


@kernel
def run_islands(key, model, grid, tables, first, size, estimates, effective):
    """Logarithms of the estimates of islands first, first + 1, …

    Parameters
    ----------
    key : uint64
        Key of the random streams.
    model, grid, tables
        As `foresight.fill_tables` has filled them.
    first, size : int64
        Number of the first island, and how many particles each has.
    estimates : (islands,) float64, out
    effective : (islands,) float64, out
        The least effective sample size at any row, as a fraction of the particles.
    """
    keys = (np.uint64(key) & _LOW, np.uint64(key) >> _32)
    d, counts, weights = np.empty(size), np.empty(size, np.int64), np.empty((2, size))
    copies = np.empty(size, np.int64), np.empty(size), np.empty(size, np.int64), np.empty(size)
    out = np.empty(2 * len(grid[1]))
    for i in range(len(estimates)):
        found = _run_island(model, grid, tables, keys, first + i, d, counts, weights, copies, out)
        estimates[i], effective[i] = found
