"""Rare indices of β-Hermite matrices: particles along the chain of pivots.

Sequential Monte Carlo (Doucet & Johansen, A tutorial on particle filtering and smoothing, 2009)
with twisted proposals (Guarniero, Johansen & Lee, The iterated auxiliary particle filter, JASA
112, 2017): every x and t is drawn from its own density times the message of `lookahead`, and
weighed by what that density leaves over.  A particle at a negative pivot, and at the
start, draws its next goal with the probabilities that the messages give.  Whenever the effective
sample size of an island of particles falls below half of them, all are drawn anew in proportion to
their weights (systematic resampling).

An island's mean weight, times the factors set aside at its resamplings, is an unbiased estimate of
the probability, whatever the messages are.  Islands are independent: each is a function of its key
and its number alone.  Particle p of island i owns sample i · size + p of the stream; its x at row r
is row 2r there, its t row 2r + 1, each choice of a goal the block of attempt 2³¹ + 1; the island's
resampling at row r is the block of attempt 2³¹ + 2 of its first particle.
"""

import math

import numpy as np

from saddlecore.jit import allocating, device, kernel
from saddlecore.lookahead import (
    add_logs,
    at_t,
    at_x,
    first_goal,
    goal_stop,
    is_far_t,
    is_goal,
    log_rest_of_t,
    log_rest_of_x,
    tilt_of_t,
    tilt_of_x,
)
from saddlecore.philox import philox2x64
from saddlecore.streams import log, uniform
from saddlecore.tilts import bounded_exp, draw_tilted, log_density, log_integral

__all__ = ["run_islands"]

_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)
_CHOICE = np.uint64((1 << 31) + 1)
_RESAMPLING = np.uint64((1 << 31) + 2)
_TERM = np.uint64((1 << 31) + 3)


@device
def _uniform_at(sample, row, attempt, keys):
    A, _ = philox2x64(sample & _LOW, sample >> _32, np.uint64(row), attempt, keys[0], keys[1])
    return uniform(A)


@device
def _log_term(term, x):
    return term[0] + term[1] * log(x) - x * (term[2] + 0.5 * term[3] * x)


@allocating
def _log_message(near, far, both, x):
    """A message at x, in logs: one of its terms or the sum of two."""
    total = _log_term(near, x)
    return add_logs(total, _log_term(far, x)) if both else total


@device
def _log_factor(P, c, kappa, y):
    """The density that `tilts` speaks of, in logs."""
    return P * log(y) - c * y - kappa * y * y


@allocating
def _choose(logs, u):
    """An index with probability ∝ exp(logs), and ln of its probability."""
    top = np.max(logs)
    total = 0.0
    for one in logs:
        total += bounded_exp(one - top)
    left, chosen = u * total, -1
    for j in range(len(logs)):
        weight = bounded_exp(logs[j] - top)
        if weight > 0.0:
            chosen = j
            left -= weight
            if left < 0.0:
                break
    return chosen, logs[chosen] - top - log(total)


@allocating
def _first_goal(model, messages, sample, keys, logs):
    """Choose the first goal; return it and ln of its probability."""
    stop = goal_stop(len(model[1]), 0, messages[0].shape[2] - 1)
    if stop == 1:
        return 0, 0.0
    for goal in range(stop):
        logs[goal] = log_rest_of_t(model, messages, 0, False, 0, goal, 0.0)
    return _choose(logs[:stop], _uniform_at(sample, 0, _CHOICE, keys))


@allocating
def _next_goal(model, messages, row, count, x, sample, keys, logs):
    """Choose the goal after a negative pivot; return it and ln of its probability."""
    skip = first_goal(row) - 1
    stop = max(goal_stop(len(model[1]), count, messages[0].shape[2] - 1) - skip, 1)
    if stop == 1:
        return 0, 0.0
    logs[0] = log_rest_of_x(model, messages, row, True, count, 0, x)
    for j in range(1, stop):
        logs[j] = log_rest_of_x(model, messages, row, True, count, j + skip, x)
    chosen, log_chance = _choose(logs[:stop], _uniform_at(sample, 2 * row, _CHOICE, keys))
    return (0 if chosen == 0 else chosen + skip), log_chance


@allocating
def _draw_from_both(first, second, logs, sample, row, keys):
    """Draw from the mixture of two tilted densities with weights exp(logs); and its density."""
    log_total = add_logs(logs[0], logs[1])
    share = bounded_exp(logs[0] - log_total)
    low, high = sample & _LOW, sample >> _32
    P, c, kappa = first if _uniform_at(sample, row, _TERM, keys) < share else second
    y = draw_tilted(P, c, kappa, low, high, np.uint64(row), keys[0], keys[1])
    if y <= 0.0:
        return y, 0.0
    one = logs[0] + log_density(first[0], first[1], first[2], y)
    two = logs[1] + log_density(second[0], second[1], second[2], y)
    return y, add_logs(one, two) - log_total


@allocating
def _draw(first, second, logs, both, sample, row, keys):
    """Draw x or t, tilted by one term of its message or by two; and its log-density."""
    P, c, kappa = first
    if not both:
        low, high = sample & _LOW, sample >> _32
        y = draw_tilted(P, c, kappa, low, high, np.uint64(row), keys[0], keys[1])
        return y, (log_density(P, c, kappa, y) if y > 0.0 else 0.0)
    one = logs[0] + log_integral(P, c, kappa)
    two = logs[1] + log_integral(second[0], second[1], second[2])
    return _draw_from_both(first, second, (one, two), sample, row, keys)


@allocating
def _draw_x(model, messages, row, p, before, t, x, states, weights, sample, keys):
    """Draw x at a row; the weight takes its own density over that of the draw."""
    count, goal = states[p, 0], states[p, 1]
    negative = is_goal(row, goal)
    count += negative
    message = at_x(messages, row, negative, count, goal)
    turning = before != negative
    near, far = message[int(turning)], message[2]
    first = tilt_of_x(model, near, row, before, negative, t)
    second = tilt_of_x(model, far, row, before, negative, t)
    both = turning and t > far[4]
    x[p], log_q = _draw(first, second, (near[0], far[0]), both, sample, 2 * row, keys)
    states[p, 0], states[p, 2] = count, negative
    if x[p] <= 0.0:
        weights[0, p], weights[1, p] = -math.inf, -math.inf
        return
    c, alpha = first[1] - near[2], model[1][row]
    weights[0, p] += _log_factor(alpha + 1.0, c, 0.5, x[p]) - log_q
    weights[1, p] = weights[0, p] + _log_message(near, far, turning and x[p] > far[4], x[p])


@allocating
def _advance(model, messages, row, p, x, states, weights, sample, keys, logs):
    """Carry a particle from x at `row` to x at the next row."""
    count, goal, negative = states[p, 0], states[p, 1], states[p, 2] == 1
    if negative:
        goal, log_chance = _next_goal(model, messages, row, count, x[p], sample, keys, logs)
        states[p, 1] = goal
        weights[0, p] -= log_chance
    message = at_t(messages, row, negative, count, goal)
    near, far = message[0], message[2]
    first = tilt_of_t(model, near, row, negative, x[p])
    second = tilt_of_t(model, far, row, negative, x[p])
    both = is_far_t(model, far, row, negative, goal, x[p])
    t, log_q = _draw(first, second, (near[0], far[0]), both, sample, 2 * row + 1, keys)
    if t <= 0.0:
        weights[0, p], weights[1, p] = -math.inf, -math.inf
        return
    c, alpha = first[1] - near[2], model[1][row]
    weights[0, p] += model[2][row + 1] + _log_factor(alpha, c, 0.5, t) - log_q
    _draw_x(model, messages, row + 1, p, negative, t, x, states, weights, sample, keys)


@device
def _effective(weights):
    """ln of the mean weight and the effective sample size, as a fraction."""
    top = np.max(weights)
    if top == -math.inf:
        return top, 0.0
    total, squares = 0.0, 0.0
    for one in weights:
        w = bounded_exp(one - top)
        total += w
        squares += w * w
    size = len(weights)
    return top + log(total / size), total * total / (squares * size)


@allocating
def _resample(weights, x, states, log_mean, u, copies):
    """Draw all particles anew in proportion to their twisted weights, which are 1 then."""
    size = len(x)
    untwisted, weights = weights
    parents, old_x, old_states, old = copies
    total, parent = bounded_exp(weights[0] - log_mean), 0
    for i in range(size):
        while total <= i + u and parent < size - 1:
            parent += 1
            total += bounded_exp(weights[parent] - log_mean)
        parents[i] = parent
    # Rounding may have left the last a parent of weight 0.
    for i in range(size - 1, -1, -1):
        while weights[parents[i]] == -math.inf:
            parents[i] -= 1
    old_x[:], old_states[:], old[:] = x, states, untwisted - weights
    for i in range(size):
        j = parents[i]
        x[i], states[i], untwisted[i] = old_x[j], old_states[j], old[j]
    weights[:] = 0.0


@allocating
def _run_island(model, messages, keys, island, x, states, weights, copies, logs):
    """Return ln of the island's estimate, exp(Σ scales) apart, and its least effective size."""
    n, size = len(model[1]), len(x)
    first = np.uint64(island) * np.uint64(size)
    for p in range(size):
        sample = first + np.uint64(p)
        goal, log_chance = _first_goal(model, messages, sample, keys, logs)
        states[p, 0], states[p, 1] = 0, goal
        weights[0, p] = model[2][0] - log_chance
        _draw_x(model, messages, 0, p, False, 0.0, x, states, weights, sample, keys)
    aside, least = 0.0, 1.0
    for row in range(n):
        log_mean, effective = _effective(weights[1])
        least = min(least, effective)
        if effective == 0.0:
            return log_mean, least
        if row == n - 1:
            break
        if effective < 0.5:
            u = _uniform_at(first, 2 * row, _RESAMPLING, keys)
            _resample((weights[0], weights[1]), x, states, log_mean, u, copies)
            aside += log_mean
        for p in range(size):
            if weights[1, p] > -math.inf:
                sample = first + np.uint64(p)
                _advance(model, messages, row, p, x, states, weights, sample, keys, logs)
    return aside + log_mean, least


@kernel
def run_islands(key, model, messages, first, size, estimates, effective):
    """Logarithms of the estimates of islands first, first + 1, …

    Parameters
    ----------
    key : uint64
        Key of the random streams.
    model, messages
        As `lookahead.look_ahead` has filled them; exp(Σ scales) multiplies the estimates.
    first, size : int64
        Number of the first island, and how many particles each has.
    estimates : (islands,) float64, out
    effective : (islands,) float64, out
        The least effective sample size at any row, as a fraction of the particles.
    """
    keys = (np.uint64(key) & _LOW, np.uint64(key) >> _32)
    n = len(model[1])
    x, states, weights = np.empty(size), np.zeros((size, 3), np.int64), np.empty((2, size))
    copies = (np.empty(size, np.int64), np.empty(size), np.empty((size, 3), np.int64),
              np.empty(size))  # fmt: skip
    logs = np.empty(n + 2)
    for i in range(len(estimates)):
        found = _run_island(model, messages, keys, first + i, x, states, weights, copies, logs)
        estimates[i], effective[i] = found
