"""Exact index laws of small Gaussian ensembles, from de Bruijn's determinants and Pfaffians.

With w(x) = exp(−x²/2) times z below the shift, E z^index is, up to a factor that z = 1 settles,

    β = 1   Pf [∫∫ sgn(y − x) xⁱ yʲ w(x) w(y)], bordered by ∫ xⁱ w(x) where n is odd
    β = 2   det [∫ x^{i+j} w(x)]
    β = 4   Pf [(j − i) ∫ x^{i+j−1} w(x)], 2n × 2n

(de Bruijn, J. Indian Math. Soc. 19, 1955).  Everything in mpmath: the determinants cancel.
"""

import functools

import mpmath
import numpy as np
from mpmath import mp, mpf


def log_index_law(beta, n, most):
    """ln P(index = k), k = 0 … most, of the β-ensemble without a shift."""
    with mp.workdps(30 + 2 * n):
        # E z^index has degree n: through n + 1 points, solved exactly enough.
        points = [mpf(j) / n for j in range(n + 1)]
        values = [_generating(beta, n, z) for z in points]
        coefficients = _through(points, values)
        return np.array([float(mp.log(c / values[-1])) for c in coefficients[: most + 1]])


def log_definite(beta, n, shift=0.0):
    """ln P(all eigenvalues above shift · √(2βn)); of β = 2 where there is a shift."""
    with mp.workdps(30 + 2 * n):
        s = mpf(shift) * mp.sqrt(2 * beta * n)
        if s != 0:
            assert beta == 2
            below = [_half_moment(k, -s) * (-1) ** k for k in range(2 * n)]
            above = [_half_moment(k, s) for k in range(2 * n)]
            both = [a + b for a, b in zip(below, above, strict=True)]
            return float(mp.log(_hankel(above, n) / _hankel(both, n)))
        return float(mp.log(_generating(beta, n, mpf(0)) / _generating(beta, n, mpf(1))))


def _generating(beta, n, z):
    if beta == 2:
        return _hankel([_moment(k, z) for k in range(2 * n)], n)
    size = 2 * n if beta == 4 else n + n % 2
    A = mpmath.zeros(size)
    for i in range(size):
        for j in range(i + 1, size):
            A[i, j] = _bracket(beta, n, i, j, z)
            A[j, i] = -A[i, j]
    # The square of the Pfaffian, which is positive.
    return mp.sqrt(mpmath.det(A))


def _hankel(moments, n):
    return mpmath.det(mpmath.matrix([[moments[i + j] for j in range(n)] for i in range(n)]))


def _bracket(beta, n, i, j, z):
    if beta == 4:
        return (j - i) * _moment(i + j - 1, z)
    if j == n:  # the border of an odd dimension
        return _moment(i, z)
    quadrant = _skew(i, j, mp.dps)
    cross = ((-1) ** i - (-1) ** j) * _half_moment(i) * _half_moment(j)
    return (1 - z * z * (-1) ** (i + j)) * quadrant + z * cross


def _moment(k, z):
    return (1 + z * (-1) ** k) * _half_moment(k)


def _half_moment(k, s=0):
    """∫_s^∞ x^k exp(−x²/2) dx."""
    if s == 0:
        return mpf(2) ** (mpf(k - 1) / 2) * mp.gamma(mpf(k + 1) / 2)
    if k > 1:
        return s ** (k - 1) * mp.exp(-s * s / 2) + (k - 1) * _half_moment(k - 2, s)
    return mp.exp(-s * s / 2) if k == 1 else mp.sqrt(mp.pi / 2) * mp.erfc(s / mp.sqrt(2))


@functools.cache
def _skew(i, j, dps):
    """∫∫ sgn(y − x) xⁱ yʲ exp(−(x² + y²)/2) over x, y > 0, in polar coordinates."""
    radial = mpf(2) ** (mpf(i + j) / 2) * mp.gamma(mpf(i + j + 2) / 2)
    a, b = mpf(j + 1) / 2, mpf(i + 1) / 2
    steep = mp.betainc(a, b, mpf(1) / 2, 1) / 2  # sin² θ > ½
    flat = mp.betainc(a, b, 0, mpf(1) / 2) / 2
    return radial * (steep - flat)


def _through(points, values):
    """Coefficients of the polynomial through these points (Newton's divided differences)."""
    table = list(values)
    for level in range(1, len(points)):
        for i in range(len(points) - 1, level - 1, -1):
            table[i] = (table[i] - table[i - 1]) / (points[i] - points[i - level])
    found = [table[-1]]
    for i in range(len(points) - 2, -1, -1):
        shifted = [mpf(0), *found]
        found = [a - points[i] * b for a, b in zip(shifted, [*found, mpf(0)], strict=True)]
        found[0] += table[i]
    return found


def chain_probability(n, beta, shift, most, samples, rng):
    """Fraction of plain samples with at most so many negative pivots: the Sturm chain in NumPy."""
    s = shift * np.sqrt(2 * beta * n)
    d = rng.standard_normal(samples) - s
    negatives = (d < 0).astype(int)
    for i in range(1, n):
        d = rng.standard_normal(samples) - s - rng.standard_gamma(beta * i / 2, samples) / d
        negatives += d < 0
    return np.mean(negatives <= most)
