"""Finite differences by the book: plain loops, one point, steps given.

Formulas: M. Abramowitz & I. A. Stegun, Handbook of Mathematical Functions (1964), §25.3; noise:
J. J. Moré & S. M. Wild, Estimating computational noise, SIAM J. Sci. Comput. 33 (2011) 1292, §3.
"""

import itertools
import math

import numpy as np

CENTRAL, FORWARD, RICHARDSON = range(3)


def step_taken(x, h):
    """The difference of two floats that is nearest to h."""
    return (x + h) - x


def moved(x, *moves):
    """x after moves (direction, how far)."""
    y = np.array(x, dtype=float)
    for direction, factor in moves:
        y = y + factor * direction
    return y


def axis(x, h, i):
    """The step along variable i, as a direction."""
    direction = np.zeros(len(x))
    direction[i] = step_taken(x[i], h[i])
    return direction


def slope(f, x, direction, scheme):
    """The first derivative along a direction, times its length."""
    at = {k: f(moved(x, (direction, k))) for k in (-2, -1, 0, 1, 2)}
    if scheme == FORWARD:
        return at[1] - at[0]
    if scheme == CENTRAL:
        return (at[1] - at[-1]) / 2
    return (8 * (at[1] - at[-1]) - (at[2] - at[-2])) / 12


def curvature(f, x, direction, scheme):
    """The second derivative along a direction, times its length squared."""
    at = {k: f(moved(x, (direction, k))) for k in (-2, -1, 0, 1, 2)}
    if scheme == FORWARD:
        return at[2] - 2 * at[1] + at[0]
    if scheme == CENTRAL:
        return at[1] - 2 * at[0] + at[-1]
    return (16 * (at[1] + at[-1]) - 30 * at[0] - at[2] - at[-2]) / 12


def mixed(f, x, one, other, scheme):
    """The mixed second derivative along two directions, times both lengths."""

    def central(k):
        far = f(moved(x, (one, k), (other, k))) + f(moved(x, (one, -k), (other, -k)))
        near = sum(f(moved(x, (d, k))) + f(moved(x, (d, -k))) for d in (one, other))
        return (far - near + 2 * f(moved(x))) / 2

    if scheme == FORWARD:
        far, here = f(moved(x, (one, 1), (other, 1))), f(moved(x))
        return far - f(moved(x, (one, 1))) - f(moved(x, (other, 1))) + here
    if scheme == CENTRAL:
        return central(1)
    return (16 * central(1) - central(2)) / 12


def gradient(f, x, h, scheme):
    """∇f at x with the steps h."""
    axes = [axis(x, h, i) for i in range(len(x))]
    return np.array([slope(f, x, d, scheme) / d[i] for i, d in enumerate(axes)])


def hessian(f, x, h, scheme):
    """The Hessian at x with the steps h."""
    n = len(x)
    axes = [axis(x, h, i) for i in range(n)]
    H = np.empty((n, n))
    for i in range(n):
        H[i, i] = curvature(f, x, axes[i], scheme) / axes[i][i] ** 2
        for j in range(i):
            H[i, j] = H[j, i] = mixed(f, x, axes[i], axes[j], scheme) / (axes[i][i] * axes[j][j])
    return H


def product(f, x, v, h, scheme):
    """H(x) v with the steps h, and along v one as long as they are."""
    axes = [axis(x, h, i) for i in range(len(x))]
    length = math.sqrt(sum((v[i] / d[i]) ** 2 for i, d in enumerate(axes)))
    along = v / length
    return np.array([mixed(f, x, d, along, scheme) * length / d[i] for i, d in enumerate(axes)])


def noise(values):
    """The standard deviation of the noise in equally spaced values, or None if none is found."""
    levels, signs, table = [], [], list(values)
    for k in range(1, len(values) - 1):
        table = [b - a for a, b in itertools.pairwise(table)]
        gamma = math.factorial(k) ** 2 / math.factorial(2 * k)
        levels.append(math.sqrt(gamma * sum(d * d for d in table) / len(table)))
        signs.append(min(table) < 0 < max(table))
    for k in range(len(levels) - 2):
        three = levels[k : k + 3]
        if max(three) <= 4 * min(three) and signs[k]:
            return levels[k]
    return None
