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


def in_the_tube(x, L=2.0, gamma=1.0, tau=1.0):
    """f of Du et al. 2017, case by case, where they define it: x₁, x₂, … have gone down in order.

    First come variables of at least 2τ, then one below that, then those still below τ.
    """

    def g1(s):
        third, fourth = (-14 * L + 10 * gamma) / (3 * tau), (5 * L - 3 * gamma) / (2 * tau**2)
        return -gamma * s**2 + third * (s - tau) ** 3 + fourth * (s - tau) ** 4

    def g2(s):
        u = (s - 2 * tau) / tau
        return -gamma - (L + gamma) * (10 * u**3 + 15 * u**4 + 6 * u**5)

    nu = -g1(2 * tau) + 4 * L * tau**2
    gone = next((i for i, s in enumerate(x) if s < 2 * tau), len(x))
    total = sum(L * (s - 4 * tau) ** 2 for s in x[:gone]) - gone * nu
    if gone == len(x):
        return total
    now, rest = x[gone], x[gone + 1 :]
    if now <= tau:
        return total - gamma * now**2 + sum(L * s**2 for s in rest)
    total += g1(now) + sum(L * s**2 for s in rest[1:])
    return total + (g2(now) * rest[0] ** 2 if len(rest) else 0.0)
