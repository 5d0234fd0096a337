"""Probabilities of low indices that are known: by hand, by quadrature, and by counting all."""

import itertools
import math

import numpy as np
from scipy import integrate, special, stats

from reference import dense


def signs_definite(n):
    """P(no negative eigenvalue) of matrices of signs.

    With no negative eigenvalue the diagonal is 1 and no 2 × 2 minor negative, so that every
    3 × 3 minor, 2 (xyz − 1), forces xyz = 1: the matrix is x xᵀ, one of 2^(n−1).
    """
    return 2.0 ** (n - 1 - n * (n + 1) // 2)


def signs_law(n):
    """The index of all matrices of signs."""
    return dense.sign_law(n)


def sparse_law_3(degree, rng, samples):
    """Indices of 3 × 3 sparse matrices: every pattern, its entries drawn; with standard errors."""
    p = min(1.0, degree / 3)
    law, variance = np.zeros(4), np.zeros(4)
    for here in itertools.product((0.0, 1.0), repeat=6):
        upper = np.zeros((3, 3))
        upper[np.triu_indices(3)] = here
        weight = p ** sum(here) * (1 - p) ** (6 - sum(here))
        H = dense.symmetric(rng.standard_normal((samples, 3, 3)) * upper)
        part = np.bincount(dense.index(H), minlength=4) / samples
        law += weight * part
        variance += weight**2 * part * (1 - part) / samples
    return law, np.sqrt(variance)


def wishart_definite(n, m, shift):
    """P(all eigenvalues of W above the shift), n = 1 or 2, real data."""
    if n == 1:
        return float(stats.chi2.sf(m * shift, m))
    # Of mW: density ∝ (x y)^((m − 3)/2) e^(−(x + y)/2) (x − y), x > y.
    power = 0.5 * (m - 3)

    def density(y, x):
        return (x * y) ** power * np.exp(-0.5 * (x + y)) * (x - y)

    low = m * shift
    found, _ = integrate.dblquad(density, low, np.inf, low, lambda x: x, epsabs=0, epsrel=1e-10)
    # ∫∫ over all x > y > 0: Wishart's constant for two parameters.
    norm = 2.0**m * special.gamma(m / 2) * special.gamma((m - 1) / 2) / math.sqrt(math.pi)
    return found / norm


def split(latents, value, levels, step, particles, moves, rng):
    """Multilevel splitting in plain loops: P(value(x) >= levels[-1]) for x of independent normals.

    The state moves as a whole, and only the last level's fraction is the event's.
    """
    x = rng.standard_normal((particles, latents))
    estimate = 1.0
    for level in levels:
        alive = np.array([value(one) >= level for one in x])
        if not alive.any():
            return 0.0
        estimate *= alive.mean()
        x = x[alive][rng.integers(alive.sum(), size=particles)]
        for _ in range(moves):
            for p in range(particles):
                moved = math.sqrt(1 - step**2) * x[p] + step * rng.standard_normal(latents)
                if value(moved) >= level:
                    x[p] = moved
    return estimate
