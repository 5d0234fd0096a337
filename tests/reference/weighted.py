"""Critical points of random landscapes: Hessians from the landscapes' own definitions, and |det|.

Nothing here knows of GOE matrices with a shift: a field's Hessian is drawn by its covariances, a
spin glass's from its couplings.
"""

import numpy as np

CHUNK = 20_000


def field_hessians(rng, n, samples, energy=None, correlation=1.0):
    """Hessians of a field of covariance C(r²/2), C''(0) = 1, independent of its gradient.

    cov(H_ij, H_kl) = δ_ij δ_kl + δ_ik δ_jl + δ_il δ_jk, and cov(f, H_ii) = C'(0) = −correlation
    where C(0) = 1.
    """
    H = rng.standard_normal((samples, n, n))
    H = np.triu(H, 1) + np.swapaxes(np.triu(H, 1), 1, 2)
    covariance, mean = 2 * np.eye(n) + np.ones((n, n)), np.zeros(n)
    if energy is not None:
        with_field = np.full(n, -correlation)
        mean = with_field * energy
        covariance = covariance - np.outer(with_field, with_field)
    rows = np.arange(n)
    H[:, rows, rows] = rng.multivariate_normal(mean, covariance, samples)
    return H


def spin_hessians(rng, n, samples, p, energy=None):
    """Hessians on the sphere |σ|² = N = n + 1 of N^((1−p)/2) Σ J σ…σ (p = 2 or 3) at a pole.

    By symmetry all points are like the pole σ = √N e_N, where the gradient is independent of the
    energy and of the Hessian.
    """
    N = n + 1
    J = rng.standard_normal((samples, *[N] * p))
    last = (slice(None), *[n] * p)
    if energy is not None:
        J[last] = np.sqrt(N) * energy
    E = J[last] / np.sqrt(N)
    if p == 2:
        second = J + np.swapaxes(J, 1, 2)
    else:
        pairs = J[:, :, :, n] + J[:, :, n, :] + J[:, n, :, :]
        second = pairs + np.swapaxes(pairs, 1, 2)
    # The sphere bends: the radial derivative, pNE/√N, over the radius.
    return second[:, :n, :n] / np.sqrt(N) - p * E[:, None, None] * np.eye(n)


def weighted_histogram(sampler, n, samples):
    """Sums of |det H| and of its square by index."""
    sums = np.zeros((2, n + 1))
    while samples > 0:
        size = min(samples, CHUNK)
        values = np.linalg.eigvalsh(sampler(size))
        index, weight = np.sum(values < 0, axis=1), np.abs(np.prod(values, axis=1))
        for power in (1, 2):
            sums[power - 1] += np.bincount(index, weight**power, minlength=n + 1)
        samples -= size
    return sums


def index_and_det(diagonal, squares, s):
    """(index, |det|) of a tridiagonal matrix less s, by LAPACK."""
    off = np.sqrt(squares)
    T = np.diag(diagonal) + np.diag(off, 1) + np.diag(off, -1)
    values = np.linalg.eigvalsh(T) - s
    return int(np.sum(values < 0)), float(np.prod(np.abs(values)))
