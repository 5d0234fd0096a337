"""Escapes and comparisons counted one by one, and their statistics from the definitions."""

import math

import numpy as np


def distances(points, centre, directions):
    """Length of the projection on orthonormal directions at each point of a path."""
    return np.array([
        math.sqrt(sum(float(np.dot(u, x - centre)) ** 2 for u in directions)) for x in points
    ])  # fmt: skip


def first(numbers, holds):
    """Where something first holds; infinity if nowhere."""
    return next((t for t, number in enumerate(numbers) if holds(number)), math.inf)


def steps_on_quadratic(size, leave, rate, curvature):
    """Of gradient descent along −λy²/2: (1 + rate·λ)ᵗ·size ≥ leave."""
    t = 0
    while size < leave:
        size *= 1 + rate * curvature
        t += 1
    return t


def still_there(steps, t):
    """Fraction that has not left after t steps."""
    return sum(step > t for step in steps) / len(steps)


def wilson(hits, samples, z):
    """The p with (p − p̂)² = z² p (1 − p)/n: roots of a quadratic equation."""
    estimate, share = hits / samples, z * z / samples
    roots = np.roots([1 + share, -2 * estimate - share, estimate**2])
    return min(roots.real), max(roots.real)


def below(n, p, k):
    """P(Bin(n, p) ≤ k)."""
    return sum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k + 1))


def staircase_drop(stairs):
    """f of the floor of a staircase."""
    return -14.5 * stairs
