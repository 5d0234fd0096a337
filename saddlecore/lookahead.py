"""What a chain of pivots has still before it: approximate probabilities of the rest.

The pivots d_0 … d_{n−1} of a β-Hermite matrix minus s (see `hermite`) are a Markov chain. With x_i
= |d_i|, ε_i its sign and t_i = g_i / x_i the joint density of all is

    ∏ φ(ε_i x_i + ε_{i−1} t_{i−1} + s) · ∏ x_i^{α_i} t_i^{α_i − 1} exp(−x_i t_i) / Γ(α_i),

α_i = (i + 1) β/2: a chain x_0, t_0, x_1, t_1, … in which each number, given the others, has one of
the densities of `tilts`. The matrix has as many eigenvalues below s as there are ε_i = −1.

Particles that walk along the chain need to know which of its states lead to at most K negative
pivots. A particle therefore knows where the next negative one will be (its *goal*: 0 for never, f +
1 for row f), and for each row, count of negatives and goal a *message* approximates the probability
of the rest, as a function of x (or t),

    exp(L + A ln x − b x − γ x²/2),

which tilts the next density into one of the same form. A change of sign before x ties it to t, x ≈
t however large that is: then the message is another term, with b ≥ 0 and γ = 0, to which for large
t a third is added that has the right tail. Messages are found from the last row backwards: the
integral over the next number is a known function of this one, and is fitted where the chain is
expected to pass. Where that is, a forward pass tells that follows maxima and curvatures; two or
three rounds settle both. Nothing is sampled here, and the approximations only make the sampling
efficient: every error of theirs is weighed out.

Arrays: ``model`` = (s, alpha (n,), constants (n,)). ``messages`` and ``places`` are one array for x
and one for t, with axes (row, sign, count, goal) and then of the three terms and of L, A, b, γ and
the bound beyond which the third counts, or of the mean and variance of ln x and the logarithm of
the mass. K = 0 needs one sign and one goal; else goals are n + 1.
"""

import math

import numpy as np

from saddlecore.jit import allocating, device, kernel
from saddlecore.streams import log
from saddlecore.tilts import bounded_exp, log_integral, maximum, stirling

__all__ = [
    "add_logs",
    "at_t",
    "at_x",
    "first_goal",
    "goal_stop",
    "is_far_t",
    "is_goal",
    "look_ahead",
    "tilt_of_t",
    "tilt_of_x",
]

_HALF_LN_2PI = 0.9189385332046727
_NOWHERE = -1e300  # the logarithm of no mass
_NODES = 5
_PART = -1.3862943611198906  # ln ¼: a tail is a part of a message, and small beside the fit
_LEAST_SD, _MOST_SD = 0.02, 0.8
_ROUNDS = 4


@device
def add_logs(x, y):
    """ln(e^x + e^y)."""
    top = max(x, y)
    return top + log(1.0 + bounded_exp(min(x, y) - top))


# --- the chain -----------------------------------------------------------------------------------


@device
def is_goal(row, goal):
    """Whether the pivot of this row is the next negative one."""
    return goal == row + 1


@device
def goal_stop(n, count, most):
    """Goals end here: with all negatives spent only 0 is left."""
    return n + 1 if count < most else 1


@device
def first_goal(row):
    """The least goal of a particle at `row`, besides 0."""
    return row + 2


@allocating
def at_x(messages, row, negative, count, goal):
    """The message (or place) of x at a row whose own sign is counted in `count`."""
    # All goals of a negative pivot share one message.
    return messages[0][row, int(negative), count, 0 if negative else goal]


@allocating
def at_t(messages, row, negative, count, goal):
    """The message (or place) of t after a row of that sign."""
    return messages[1][row, int(negative), count, goal]


@device
def tilt_of_x(model, message, row, before, negative, t):
    """(P, c, κ) of x at a row, given its sign, and t with the sign `before` it."""
    s, alpha, _ = model
    sign = -1.0 if negative else 1.0
    c = sign * (s - t if before else s + t) + message[2]
    return alpha[row] + 1.0 + message[1], c, 0.5 * (1.0 + message[3])


@device
def tilt_of_t(model, message, row, negative, x):
    """(P, c, κ) of t after x at a row of that sign."""
    s, alpha, _ = model
    c = x + (-s if negative else s) + message[2]
    return alpha[row] + message[1], c, 0.5 * (1.0 + message[3])


@device
def is_far_t(model, far, row, negative, goal, x):
    """Whether t after x is likely to be beyond the places where its message was fitted."""
    turning = negative != is_goal(row + 1, goal)
    return turning and model[1][row] > far[4] * x


@allocating
def log_rest_of_t(model, messages, row, before, count, goal, t):
    """ln of the integral over x at `row`, its message included, as a function of the t before."""
    negative = is_goal(row, goal)
    message = at_x(messages, row, negative, count + negative, goal)
    turning = before != negative
    near, far = message[int(turning)], message[2]
    P, c, kappa = tilt_of_x(model, near, row, before, negative, t)
    total = near[0] + log_integral(P, c, kappa)
    if turning and t > far[4]:
        P, c, kappa = tilt_of_x(model, far, row, before, negative, t)
        total = add_logs(total, far[0] + log_integral(P, c, kappa))
    return total


@allocating
def log_rest_of_x(model, messages, row, negative, count, goal, x):
    """ln of the integral over t after `row`, its message included, as a function of x."""
    message = at_t(messages, row, negative, count, goal)
    near, far = message[0], message[2]
    P, c, kappa = tilt_of_t(model, near, row, negative, x)
    total = near[0] + log_integral(P, c, kappa)
    if is_far_t(model, far, row, negative, goal, x):
        P, c, kappa = tilt_of_t(model, far, row, negative, x)
        total = add_logs(total, far[0] + log_integral(P, c, kappa))
    return model[2][row + 1] + total


@allocating
def log_rest_of_negative(model, messages, row, count, x):
    """The same for a negative pivot, which has all goals before it."""
    n, most = len(model[1]), messages[0].shape[2] - 1
    total = log_rest_of_x(model, messages, row, True, count, 0, x)
    for goal in range(first_goal(row), goal_stop(n, count, most)):
        total = add_logs(total, log_rest_of_x(model, messages, row, True, count, goal, x))
    return total


# --- fitting a message ---------------------------------------------------------------------------


@allocating
def _least_squares(columns, chosen, values, found):
    """Fit `values` by the chosen columns (Gram & Schmidt, modified); the others' factors are 0."""
    size = len(columns)
    R = np.zeros((size, size))
    for j in range(size):
        found[j] = 0.0
        if not chosen[j]:
            continue
        R[j, j] = math.sqrt(np.sum(columns[j] * columns[j]))
        columns[j] /= R[j, j]
        for i in range(j + 1, size):
            R[j, i] = np.sum(columns[j] * columns[i])
            columns[i] -= R[j, i] * columns[j]
        found[j] = np.sum(columns[j] * values)
        values -= found[j] * columns[j]
    for j in range(size - 1, -1, -1):
        if chosen[j]:
            for i in range(j + 1, size):
                found[j] -= R[j, i] * found[i]
            found[j] /= R[j, j]


@allocating
def _fit(values, place, base, least, bounded, term):
    """Fit a term to ln h at the nodes of a place; the density it tilts must stay one.

    `base` is the exponent P of that density without it, `least` the least that the sum may have.  A
    `bounded` term grows as a power at most.
    """
    u, sd = place[0], _spread(place[1])
    x = bounded_exp(u)
    columns, scaled = np.empty((4, _NODES)), np.empty(_NODES)
    chosen, found = np.ones(4, np.bool_), np.empty(4)
    for attempt in range(2 if bounded else 4):
        chosen[1] = bounded or attempt < 2
        chosen[2] = not bounded or attempt == 0
        chosen[3] = not bounded and attempt % 2 == 0
        for i in range(_NODES):
            step, weight = i - 2.0, bounded_exp(-0.25 * (i - 2.0) ** 2)
            grown = bounded_exp(step * sd) - 1.0
            columns[0, i], columns[1, i] = weight, weight * step * sd
            columns[2, i], columns[3, i] = weight * grown, weight * grown * grown
            scaled[i] = weight * values[i]
        _least_squares(columns, chosen, scaled, found)
        # grown = e^δ − 1, grown² = e^{2δ} − 2 e^δ + 1
        b, gamma = (2.0 * found[3] - found[2]) / x, -2.0 * found[3] / (x * x)
        if base + found[1] >= least and gamma > -0.25 and (b >= 0.0 or not bounded):
            break
    term[0] = found[0] - found[2] + found[3] - found[1] * u
    term[1], term[2], term[3] = max(found[1], least - base), b, max(gamma, -0.25)


@device
def _spread(variance):
    return min(max(math.sqrt(variance), _LEAST_SD), _MOST_SD)


@device
def _node(place, i):
    return bounded_exp(place[0] + (i - 2.0) * _spread(place[1]))


@device
def _tail(place, tail, height, A, b, gamma):
    tail[0], tail[1], tail[2], tail[3] = height + _PART, A, b, gamma
    tail[4] = _node(place, _NODES - 1)


@allocating
def _tail_of_x(model, place, row, rest, tail):
    """As x → ∞, t → 0: x^α times the probability of the rest tends to a limit."""
    alpha = model[1][row]
    height = model[2][row + 1] + stirling(alpha) + alpha * (log(alpha) - 1.0) + rest
    _tail(place, tail, height, -alpha, 0.0, 0.0)


@allocating
def _tail_of_t(model, messages, place, row, negative, goal, count, tail):
    """As t → ∞ before a change of sign, the next x is about t, and large."""
    s = model[0]
    ahead = at_x(messages, row + 1, not negative, count + (not negative), goal)
    height = ahead[2, 0] + _HALF_LN_2PI + 0.5 * s * s
    _tail(place, tail, height, 0.0, s if negative else -s, -1.0)


@allocating
def _fit_t(model, messages, places, row, negative, count, goal, values):
    s, alpha = model[0], model[1][row]
    place = at_t(places, row, negative, count, goal)
    message = at_t(messages, row, negative, count, goal)
    turning = negative != is_goal(row + 1, goal)
    sign = -1.0 if negative else 1.0
    for i in range(_NODES):
        t = _node(place, i)
        values[i] = log_rest_of_t(model, messages, row + 1, negative, count, goal, t)
        if turning:  # the integral contains exp((t ± s)²/2)
            values[i] -= 0.5 * t * t + sign * s * t
    _fit(values, place, alpha, min(0.5, alpha), turning, message[0])
    if turning:
        message[0, 2] -= sign * s
        message[0, 3] -= 1.0
        _tail_of_t(model, messages, place, row, negative, goal, count, message[2])


@allocating
def _fit_positive(model, messages, places, row, count, goal, values):
    place = at_x(places, row, False, count, goal)
    for i in range(_NODES):
        values[i] = log_rest_of_x(model, messages, row, False, count, goal, _node(place, i))
    message = at_x(messages, row, False, count, goal)
    _fit(values, place, model[1][row] + 1.0, 1.0, False, message[0])
    if messages[0].shape[2] > 1:
        _fit(values, place, model[1][row] + 1.0, 1.0, True, message[1])
        rest = log_rest_of_t(model, messages, row + 1, False, count, goal, 0.0)
        _tail_of_x(model, place, row, rest, message[2])


@allocating
def _fit_negative(model, messages, places, row, count, values):
    place = at_x(places, row, True, count, 0)
    for i in range(_NODES):
        values[i] = log_rest_of_negative(model, messages, row, count, _node(place, i))
    message = at_x(messages, row, True, count, 0)
    _fit(values, place, model[1][row] + 1.0, 1.0, False, message[0])
    _fit(values, place, model[1][row] + 1.0, 1.0, True, message[1])
    n, most = len(model[1]), messages[0].shape[2] - 1
    rest = log_rest_of_t(model, messages, row + 1, True, count, 0, 0.0)
    for goal in range(first_goal(row), goal_stop(n, count, most)):
        rest = add_logs(rest, log_rest_of_t(model, messages, row + 1, True, count, goal, 0.0))
    _tail_of_x(model, place, row, rest, message[2])


@allocating
def _normalise(messages, places, row):
    """Divide the messages of a row by one of them, and return what it was, in logs."""
    message, place = messages[0][row, 0, 0, 0, 0], places[0][row, 0, 0, 0]
    x = bounded_exp(place[0])
    value = message[0] + message[1] * place[0] - x * (message[2] + 0.5 * message[3] * x)
    messages[0][row, ..., 0] -= value
    return value


@allocating
def _backward(model, messages, places, scales):
    """Fit all messages, from the last row to the first."""
    n, most = len(model[1]), messages[0].shape[2] - 1
    values = np.empty(_NODES)
    messages[0][n - 1] = 0.0  # there is nothing beyond, and any term is right
    messages[0][n - 1, ..., 4] = math.inf
    for row in range(n - 2, -1, -1):
        for count in range(most + 1):
            for goal in range(goal_stop(n, count, most)):
                if 0 < goal < first_goal(row):
                    continue
                for negative in range(min(count, 1) + 1):
                    _fit_t(model, messages, places, row, negative == 1, count, goal, values)
                _fit_positive(model, messages, places, row, count, goal, values)
            if count > 0:
                _fit_negative(model, messages, places, row, count, values)
        scales[row] = _normalise(messages, places, row)


# --- where the chain passes ----------------------------------------------------------------------


@allocating
def _arrive(place, mean, variance, mass):
    """Merge what comes from one more state into a place: means, variances, masses in logs."""
    total = add_logs(place[2], mass)
    share = bounded_exp(mass - total)
    gap = mean - place[0]
    if share == 1.0:
        place[0], place[1] = mean, variance
    else:
        place[1] += share * (variance - place[1]) + share * (1.0 - share) * gap * gap
        place[0] += share * gap
    place[2] = total


@allocating
def _to_x(model, messages, places, row, before, count, goal, arriving):
    """Carry (mean and variance of ln t, mass) on to x at `row`."""
    negative = is_goal(row, goal)
    message = at_x(messages, row, negative, count + negative, goal)
    t = bounded_exp(arriving[0])
    P, c, kappa = tilt_of_x(model, message[int(before != negative)], row, before, negative, t)
    x = maximum(P, c, kappa)
    curvature = P + 2.0 * kappa * x * x
    slope = t * x / curvature
    variance = min(1.0 / curvature + slope * slope * arriving[1], 1.0)
    place = at_x(places, row, negative, count + negative, goal)
    _arrive(place, log(x), variance, arriving[2])


@allocating
def _from_x(model, messages, places, row, negative, count, goal, mass):
    """Carry a state on to t and to the next x."""
    here = at_x(places, row, negative, count, goal)
    message = at_t(messages, row, negative, count, goal)
    place = at_t(places, row, negative, count, goal)
    x = bounded_exp(here[0])
    P, c, kappa = tilt_of_t(model, message[0], row, negative, x)
    t = maximum(P, c, kappa)
    curvature = P + 2.0 * kappa * t * t
    slope = t * x / curvature
    place[0], place[2] = log(t), mass
    place[1] = min(1.0 / curvature + slope * slope * here[1], 1.0)
    _to_x(model, messages, places, row + 1, negative, count, goal, place)


@allocating
def _forward(model, messages, places):
    """Follow the chain along the messages; places that it cannot reach stay as they were."""
    n, most = len(model[1]), messages[0].shape[2] - 1
    places[0][..., 2] = _NOWHERE
    start = np.zeros(3)
    for goal in range(goal_stop(n, 0, most)):
        start[0], start[2] = -700.0, log_rest_of_t(model, messages, 0, False, 0, goal, 0.0)
        _to_x(model, messages, places, 0, False, 0, goal, start)
    for row in range(n - 1):
        for count in range(most + 1):
            for goal in range(goal_stop(n, count, most)):
                if goal == 0 or goal >= first_goal(row):
                    mass = at_x(places, row, False, count, goal)[2]
                    if mass > _NOWHERE:
                        _from_x(model, messages, places, row, False, count, goal, mass)
            here = at_x(places, row, True, count, 0)
            if here[2] == _NOWHERE:
                continue
            x = bounded_exp(here[0])
            total = here[2] - log_rest_of_negative(model, messages, row, count, x)
            for goal in range(goal_stop(n, count, most)):
                if goal == 0 or goal >= first_goal(row):
                    rest = log_rest_of_x(model, messages, row, True, count, goal, x)
                    _from_x(model, messages, places, row, True, count, goal, total + rest)


@allocating
def _guess(model, places):
    """First places: both x and t grow as the square root of the row."""
    alpha = model[1]
    for row in range(len(alpha)):
        size, variance = math.sqrt(2.0 * alpha[row] + 1.0), 1.0 / (alpha[row] + 1.0)
        places[0][row, ..., 0], places[1][row, ..., 0] = log(0.6 * size), log(0.4 * size)
        places[0][row, ..., 1], places[1][row, ..., 1] = variance, variance


@kernel
def look_ahead(model, messages, places, scales):
    """Fill `messages`; what is to come at row r is exp(Σ scales[r:]) times those of that row.

    Parameters
    ----------
    model : tuple (float64, (n,) float64, (n,) float64)
        s; α of every row, 0 in the last; out: logarithms of the rows' constant factors, over
        exp(scales).
    messages : tuple of two float64 arrays, out
        Shapes (n, 1, 1, 1, 3, 5) for K = 0, else (n, 2, K + 1, n + 1, 3, 5).
    places : tuple of two float64 arrays, out
        The same, with a last axis of 3 instead of the last two.
    scales : (n,) float64, out
    """
    s, alpha, constants = model
    constants[:] = -_HALF_LN_2PI - 0.5 * s * s
    for row in range(len(alpha) - 1):
        constants[row + 1] -= stirling(alpha[row]) + alpha[row] * (log(alpha[row]) - 1.0)
    scales[:] = 0.0
    messages[0][:], messages[1][:] = 0.0, 0.0
    _guess(model, places)
    for _ in range(_ROUNDS):
        _backward(model, messages, places, scales)
        _forward(model, messages, places)
    _backward(model, messages, places, scales)
    constants[1:] -= scales[:-1]
