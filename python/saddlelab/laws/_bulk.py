r"""Index laws of the GOE, GUE and GSE without shift, in the bulk, from closed forms.

GOE.  With ψ_m the Hermite functions, e_i = ψ_{2i}/√2 and o_j = −ψ'_{2j}/√2 span the polynomials
below degree n times exp(−x²/2), and de Bruijn's formula (J. Indian Math. Soc. 19, 1955) makes
φ(θ) = E exp(iθ (index − n/2)) a Pfaffian, φ² = det M(θ)/det M(0), of half-line skew moments,

    M = [[2 sin θ E, B], [−Bᵀ, −2 sin θ O]],   B = cos θ I + (1 − cos θ) m uᵀ,
    E_ij = ½ ∫∫_{x,y>0} sgn(y − x) ψ_{2i}(x) ψ_{2j}(y),   O the same of ψ',
    m_i = ∫₀^∞ ψ_{2i},   u_j = ψ_{2j}(0),

for odd n with a border √2 (cos θ/2 m, −sin θ/2 u).  A product with B⁻¹ halves it.
GSE: index k of n is index 2k or 2k + 1 of a GOE of 2n + 1 (Forrester & Rains 2001).
GUE: the index is a sum of independent Bernoulli variables, whose means are the eigenvalues of the
half-line overlaps ∫₀^∞ ψ_a ψ_b (a determinantal process).
"""

from __future__ import annotations

import math
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]

#: Beyond that many from n/2 every probability is below 1e-17 for n ≤ 4001 (seven-fold margin of the
#: standard deviation, 1.05 at most); not a multiple of 4 angles, where cos θ would vanish.
_REACH = 10
_ANGLES = 2 * _REACH + 1


def bulk_law(beta: float, n: int) -> Floats:
    """P(index = k), k = 0 … n, for β = 1, 2, 4, to about 1e-12."""
    if beta == 2.0:
        return _gue(n)
    if beta == 1.0:
        return _goe(n)
    law = _goe(2 * n + 1)
    return law[::2] + law[1::2]


class _Moments(NamedTuple):
    at_zero: Floats
    integral: Floats
    even: Floats
    odd: Floats


def _overlaps(count: int) -> tuple[Floats, Floats]:
    """Values ψ_{2i}(0), and ∫₀^∞ ψ_{2i} ψ_{2j+1} from their Wronskian."""
    i = np.arange(1, count)
    at_zero = math.pi**-0.25 * np.cumprod(np.concatenate([[1.0], -np.sqrt((2 * i - 1) / (2 * i))]))
    a, b = 2 * np.arange(count)[:, None], 2 * np.arange(count)[None, :] + 1
    # ψ'_b(0) = √(2b) ψ_{b−1}(0)
    return at_zero, -np.outer(at_zero, at_zero) * np.sqrt(2 * b) / (2 * (a - b))


def _moments(count: int) -> _Moments:
    at_zero, overlap = _overlaps(count)
    first = math.pi**-0.25 * math.sqrt(math.pi / 2)
    integral = np.abs(at_zero) * math.pi**0.25 * first
    # √(m+2) ψ_{m+2} = √(m+1) ψ_m − √2 ψ'_{m+1}, and sgn integrates a derivative.
    # Row j holds column j: the first pass is for its column 0, −row 0 of the matrix.
    columns, steps = np.zeros((count, count)), 2 * math.sqrt(2) * overlap.T
    for _ in range(2):
        columns[0] = -columns[:, 0].copy()
        for j in range(count - 1):
            step = math.sqrt(2 * j + 1) * columns[j] + steps[j]
            columns[j + 1] = step / math.sqrt(2 * j + 2)
    # ψ'_m = √(m/2) ψ_{m−1} − √((m+1)/2) ψ_{m+1}
    m = 2 * np.arange(count)[:, None]
    odd = np.sqrt((m + 1) / 2) * overlap.T - 0.5 * np.outer(at_zero, at_zero)
    odd[1:] -= np.sqrt(m[1:] / 2) * overlap.T[:-1]
    return _Moments(at_zero, integral, columns.T / 2, odd)


def _goe(n: int) -> Floats:
    halved = _Even(n) if n % 2 == 0 else _Odd(n)
    angles = 2.0 * math.pi * np.arange(1, _REACH + 1) / _ANGLES
    phi = np.array([halved.characteristic(angle) for angle in angles])
    k = np.arange(n + 1) - n / 2
    near = np.abs(k) <= _ANGLES / 2
    law = np.zeros(n + 1)
    law[near] = (1.0 + 2.0 * np.cos(np.outer(k[near], angles)) @ phi) / _ANGLES
    found: Floats = np.maximum(law, 0.0)
    return found


def _root(X: Floats, log_factor: float) -> float:
    """√det(I + X) · e^log_factor."""
    X[np.diag_indices(len(X))] += 1.0
    return math.exp(0.5 * float(np.linalg.slogdet(X)[1]) + log_factor)


class _Even:
    def __init__(self, n: int) -> None:
        """Compute all products that do not depend on θ."""
        u, self.m, even, odd = _moments(n // 2)
        self.product = even @ odd
        self.e, self.um = even @ u, float(u @ self.m)
        self.e_odd, self.m_odd = self.e @ odd, self.m @ odd

    def characteristic(self, angle: float) -> float:
        """Return φ."""
        s, c = math.sin(angle), math.cos(angle)
        whole = c + (1.0 - c) * self.um
        k = (1.0 - c) / whole
        X = self.product + k * (np.outer(self.m, self.e_odd) - np.outer(self.e, self.m_odd))
        log_factor = (len(X) - 1) * math.log(abs(c)) + math.log(abs(whole))
        return _root(-4.0 * (s / c) ** 2 * X, log_factor)


class _Odd:
    def __init__(self, n: int) -> None:
        """Compute all products that do not depend on θ."""
        size = n // 2
        u, m, even, odd = _moments(size + 1)
        u, odd, self.last = u[:size], odd[:size, :size], float(m[-1])
        r = m[:size] / self.last
        inner = even[:size, :size] - np.outer(r, even[-1, :size]) - np.outer(even[:size, -1], r)
        e = even[:size, -1]
        self.product, self.inner_u, self.u = inner @ odd, inner @ u, u
        self.e, self.e_odd, self.eu = e, e @ odd, float(e @ u)

    def characteristic(self, angle: float) -> float:
        """Return φ."""
        s, c, size = math.sin(angle), math.cos(angle), len(self.u)
        half = math.cos(angle / 2)
        f = 2.0 * s / (c * math.sqrt(2) * half * self.last)
        v = -math.sqrt(2) * math.sin(angle / 2)
        X = np.empty((size + 1, size + 1))
        X[:size, :size] = -4.0 * (s / c) ** 2 * self.product - f * v * np.outer(self.e, self.u)
        X[:size, size] = 2.0 * s / c**2 * v * self.inner_u
        X[size, :size] = 2.0 * s * f * self.e_odd
        X[size, size] = -f * v * self.eu
        return _root(X, size * math.log(abs(c)) + math.log(half))


def _gue(n: int) -> Floats:
    overlap = _overlaps((n + 1) // 2)[1][:, : n // 2]
    means = 0.5 + np.linalg.svd(overlap, compute_uv=False)
    # Pairs ½ ± σ; the middle one of an odd n is ½.
    law = np.array([0.5, 0.5]) if n % 2 else np.array([1.0])
    for p in np.minimum(means, 1.0):
        law = np.convolve(law, [p * (1.0 - p), p * p + (1.0 - p) ** 2, p * (1.0 - p)])
    return law
