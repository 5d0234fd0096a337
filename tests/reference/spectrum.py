"""Spectra, quadratures and densities the slow and obvious way."""

from fractions import Fraction
from math import comb

import mpmath
import numpy as np


def rotated(rng, spectrum):
    """A symmetric matrix with these eigenvalues, to rounding, and random eigenvectors."""
    spectrum = np.asarray(spectrum, dtype=float)
    Q = np.linalg.qr(rng.standard_normal((len(spectrum), len(spectrum))))[0]
    H = (Q * spectrum) @ Q.T
    return H / 2 + H.T / 2


def extremes(spectrum, k, which):
    """The k smallest and the k largest values, none of them twice."""
    ordered = sorted(spectrum)
    n = len(ordered)
    if which == "smallest":
        return ordered[:k]
    if which == "largest":
        return ordered[n - k :]
    return ordered if 2 * k >= n else ordered[:k] + ordered[n - k :]


def condition(spectrum):
    sizes = [abs(value) for value in spectrum]
    return max(sizes) / min(sizes) if min(sizes) > 0 else np.inf


def fractions(spectrum, tol):
    """Fractions of negative, zero and positive values."""
    n = len(spectrum)
    negative = sum(value < -tol for value in spectrum)
    positive = sum(value > tol for value in spectrum)
    return negative / n, (n - negative - positive) / n, positive / n


def moment(H, z, power):
    """zᵀHʲz by j products."""
    v = z
    for _ in range(power):
        v = np.array([sum(h * x for h, x in zip(row, v, strict=True)) for row in H])
    return float(sum(a * b for a, b in zip(z, v, strict=True)))


def gauss_quadrature(H, z, steps, digits=60):
    """Nodes and weights of the measure of z, by Lanczos in 60 digits."""
    with mpmath.workdps(digits):
        H, v = mpmath.matrix(H.tolist()), mpmath.matrix(z.tolist())
        v = v / mpmath.norm(v)
        J = mpmath.zeros(steps)
        before, beta = v * 0, mpmath.mpf(0)
        for j in range(steps):
            w = H * v - beta * before
            J[j, j] = (v.T * w)[0]
            w = w - J[j, j] * v
            if j + 1 < steps:
                beta = mpmath.norm(w)
                J[j, j + 1] = J[j + 1, j] = beta
                before, v = v, w / beta
        values, vectors = mpmath.eigsy(J)
        pairs = sorted((float(values[i]), float(vectors[0, i] ** 2)) for i in range(steps))
    return [node for node, _ in pairs], [weight for _, weight in pairs]


def semicircle_moment(j):
    """Of variance 1: Catalan numbers."""
    return 0 if j % 2 else comb(j, j // 2) // (j // 2 + 1)


def marchenko_pastur_moment(j, c):
    """Narayana polynomial in the ratio c."""
    c = Fraction(c)
    return float(sum(Fraction(comb(j, r) * comb(j - 1, r), r + 1) * c**r for r in range(j)))


def semicircle_density(x):
    return np.sqrt(np.maximum(4 - np.asarray(x) ** 2, 0)) / (2 * np.pi)


def sign_trace_variance(H):
    """Variance of zᵀHz over independent random signs z."""
    return 2 * sum(H[i, j] ** 2 for i in range(len(H)) for j in range(len(H)) if i != j)


def krylov_minimum(spectrum, start, steps):
    """The smallest Ritz value after that many products, from an explicit basis."""
    Q = (start / np.linalg.norm(start))[:, None]
    while Q.shape[1] < steps:
        Q = np.linalg.qr(np.column_stack([Q, spectrum * Q[:, -1]]))[0]
    return float(np.linalg.eigvalsh((Q.T * spectrum) @ Q)[0])
