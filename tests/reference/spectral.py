"""Second-order steps from NumPy's eigenvectors; models minimised by bisection in 60 digits."""

import mpmath
import numpy as np

EPS = np.finfo(float).eps


def _decomposed(H, g):
    values, Q = np.linalg.eigh(H)
    return values, Q, Q.T @ g, len(g) * EPS * np.abs(values).max()


def _divided(H, g, divisor, rate):
    values, Q, c, least = _decomposed(H, g)
    by = divisor(values)
    y = [0.0 if abs(b) <= least else -rate * ci / b for ci, b in zip(c, by, strict=True)]
    return Q @ np.array(y)


def newton(H, g, rate):
    return _divided(H, g, lambda values: values, rate)


def damped_newton(H, g, rate, damping):
    return _divided(H, g, lambda values: values + max(0.0, -values.min()) + damping, rate)


def saddle_free(H, g, rate, damping):
    """Dauphin et al. 2014."""
    return _divided(H, g, lambda values: np.abs(values) + damping, rate)


def negative_curvature(H, g, rate, curvature_rate):
    """The two steps of which it is one, if λmin is simple and g is not orthogonal to it."""
    values, Q, c, least = _decomposed(H, g)
    if not values[0] < -least:
        return -rate * g
    return -rate * g - curvature_rate * abs(values[0]) * np.sign(c[0]) * Q[:, 0]


# --- models, minimised ----------------------------------------------------------------------------


def _exactly(H, g):
    """Eigenvalues and components of g, to 60 digits."""
    values, Q = mpmath.eigsy(mpmath.matrix(H.tolist()))
    c = Q.T * mpmath.matrix(g.tolist())
    return list(values), list(c)


def _least(H, g, length, value):
    """Minimum of a model over y_i = −c_i/(λ_i + μ): y is `length(μ)` long.

    Where y is too short at the least μ, the rest is made up along the lowest eigenvector.
    """
    with mpmath.workdps(60):
        values, c = _exactly(H, g)
        lowest, pairs = min(values), list(zip(values, c, strict=True))

        def step(mu):
            return [-ci / (v + mu) if ci else mpmath.mpf(0) for v, ci in pairs]

        def norm(y):
            return mpmath.sqrt(sum(yi * yi for yi in y))

        low = max(mpmath.mpf(0), -lowest)
        tiny = mpmath.mpf(10) ** -45 * (1 + abs(lowest))
        if norm(step(low + tiny)) <= length(low + tiny):
            y = step(low + tiny)
            rest = mpmath.sqrt(max(length(low) ** 2 - norm(y) ** 2, 0)) if lowest < 0 else 0
            y[values.index(lowest)] += rest
        else:
            high = low + 1
            while norm(step(high)) > length(high):
                high = low + 2 * (high - low)
            low += tiny
            for _ in range(250):
                middle = (low + high) / 2
                low, high = (middle, high) if norm(step(middle)) > length(middle) else (low, middle)
            y = step(high)
        model = sum(ci * yi + v * yi * yi / 2 for v, ci, yi in zip(values, c, y, strict=True))
        return float(model + value(norm(y)))


def trust_region(H, g, radius):
    """min g·s + ½ sᵀHs over ‖s‖ ≤ radius."""
    return _least(H, g, lambda mu: mpmath.mpf(radius), lambda norm: 0)


def cubic(H, g, M):
    """min g·s + ½ sᵀHs + M/6 ‖s‖³: μ = M‖s‖/2 (Nesterov & Polyak 2006)."""
    return _least(H, g, lambda mu: 2 * mu / mpmath.mpf(M), lambda norm: M * norm**3 / 6)


# --- what a method does with a model's step -------------------------------------------------------


def next_radius(radius, most, eta, fall, promised, length):
    """Nocedal & Wright 2006, algorithm 4.1: whether the step is taken, and the next radius."""
    ratio = fall / promised
    if ratio < 0.25:
        after = 0.25 * radius
    elif ratio > 0.75 and length > 0.99 * radius:
        after = min(2 * radius, most)
    else:
        after = radius
    return ratio > eta, after


def next_sigma(M, least, fall, promised):
    """Doubled where f is above the model, else halved."""
    return (True, max(M / 2, least)) if fall >= promised else (False, 2 * M)
