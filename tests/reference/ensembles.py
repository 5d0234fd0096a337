"""Random Hessians as dense matrices of numpy's draws, and laws of two eigenvalues by quadrature."""

import numpy as np
from scipy import integrate, special, stats

CHUNK = 20_000


def normals(rng, beta, shape):
    """Real, complex, or (as pairs of complex) quaternion matrices whose parts are N(0, 1)."""
    if beta == 1:
        return rng.standard_normal(shape)
    G = rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
    if beta == 2:
        return G
    K = rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
    return np.block([[G, K], [-K.conj(), G.conj()]])


def adjoint(G):
    return np.swapaxes(G.conj(), -1, -2)


def gaussian(rng, beta, n, samples):
    """GOE, GUE, GSE with eigenvalue density ∝ ∏|λ_i − λ_j|^β exp(−Σ λ²/2)."""
    G = normals(rng, beta, (samples, n, n))
    return (G + adjoint(G)) / 2


def wishart(rng, beta, n, m, samples):
    """J J*/m with E|J_ij|² = 1."""
    J = normals(rng, beta, (samples, n, m)) / np.sqrt(beta)
    return J @ adjoint(J) / m


def histogram(sampler, n, samples, threshold):
    """Counts of how many eigenvalues lie below the threshold; quaternions have each one twice."""
    counts = np.zeros(n + 1, dtype=np.int64)
    while samples > 0:
        size = min(samples, CHUNK)
        values = np.linalg.eigvalsh(sampler(size))
        below = np.sum(values < threshold, axis=1) * n // values.shape[1]
        counts += np.bincount(below, minlength=n + 1)
        samples -= size
    return counts


def pair_law_hermite(beta, threshold):
    """P(0, 1, 2 eigenvalues below), n = 2, from the joint density: half sum and half gap.

    The half sum is N(0, 1/2), and the half gap squared, independent of it, Gamma((β + 1)/2).
    """
    gap = stats.gamma((beta + 1) / 2)
    # substitute the probability of the gap: the density itself is singular for β < 1

    def mean(f):
        return integrate.quad(lambda p: f(np.sqrt(gap.ppf(p))), 0, 1, limit=500, epsabs=1e-10)[0]

    none = mean(lambda half: special.ndtr(-(threshold + half) * np.sqrt(2)))
    both = mean(lambda half: special.ndtr((threshold - half) * np.sqrt(2)))
    return np.array([none, 1 - none - both, both])


def pair_law_laguerre(beta, m, threshold):
    """P(0, 1, 2 eigenvalues below), n = 2 <= m, density |x − y|^β (xy)^(β(m − 1)/2 − 1) e^(−x − y).

    In units of the gammas; one integral for the smaller is enough, in u = the other's gap.
    """
    power = beta * (m - 1) / 2 - 1

    def inner(x, low, high):
        f = integrate.quad(
            lambda y: (y - x) ** beta * y**power * np.exp(-y), max(x, low), high, epsabs=1e-12
        )
        return f[0] * x**power * np.exp(-x)

    def mass(low, high, low_y, high_y):
        return integrate.quad(lambda x: inner(x, low_y, high_y), low, high, epsabs=1e-10)[0]

    none = mass(threshold, np.inf, threshold, np.inf)
    both = mass(0, threshold, 0, threshold)
    one = mass(0, threshold, threshold, np.inf)
    return np.array([none, one, both]) / (none + one + both)


def semicircle_below(s):
    """Fraction of the semicircle's mass below s radii."""
    s = np.clip(s, -1.0, 1.0)
    return 0.5 + (s * np.sqrt(1 - s * s) + np.arcsin(s)) / np.pi


def marchenko_pastur_below(ratio, x):
    """Fraction of the eigenvalues of W below x > 0, the atom at 0 included."""
    low, high = (1 - np.sqrt(ratio)) ** 2, (1 + np.sqrt(ratio)) ** 2
    atom = max(0.0, 1 - 1 / ratio)
    if x <= low:
        return atom

    def density(t):
        return np.sqrt((high - t) * (t - low)) / (2 * np.pi * ratio * t)

    return atom + integrate.quad(density, low, min(x, high), limit=500)[0]
