"""β-Hermite indices in plain numpy: the tridiagonal chain, and two wrong samplers.

Units: eigenvalue density ∝ ∏|λ_i − λ_j|^β exp(−Σ λ²/2), where the diagonal is N(0, 1), the square
of the off-diagonal of row k is Gamma(βk/2) (Dumitriu, Edelman 2002).
"""

import numpy as np

from reference import streams

CHUNK = 250_000


def tridiagonal(key, sample, n, beta=1.0):
    """(diagonal, squared off-diagonal) of one sample, from the reference streams."""
    diagonal = [float(streams.normal(key, sample, row)[0]) for row in range(n)]
    squares = [float(streams.gamma(key, sample, row, beta * row / 2)) for row in range(1, n)]
    return np.array(diagonal), np.array(squares)


def index(diagonal, squares, threshold=0.0):
    """Eigenvalues of the tridiagonal below the threshold, by LAPACK."""
    off = np.sqrt(squares)
    T = np.diag(diagonal) + np.diag(off, 1) + np.diag(off, -1)
    return int(np.sum(np.linalg.eigvalsh(T) < threshold))


def chain_histogram(n, samples, rng, diagonal_sd=1.0, beta=1.0):
    """Counts of each index by the Sturm chain d ← a − g/d over numpy's own draws.

    In these units the diagonal's standard deviation is 1. A diagonal N(0, 1) beside χ_k is 1/√2
    here, one of standard deviation 2 is √2: the two errors found in published libraries.
    """
    counts = np.zeros(n + 1, dtype=np.int64)
    for size in chunks(samples):
        d = diagonal_sd * rng.standard_normal(size)
        negatives = (d < 0).astype(np.int64)
        for k in range(1, n):
            g = rng.standard_gamma(beta * k / 2, size)
            d = diagonal_sd * rng.standard_normal(size) - g / d
            negatives += d < 0
        counts += np.bincount(negatives, minlength=n + 1)
    return counts


WRONG_DIAGONAL_SD = {
    "diagonal N(0, 1)": np.sqrt(0.5),
    "diagonal of standard deviation 2": np.sqrt(2.0),
}


def chunks(samples):
    while samples > 0:
        yield min(samples, CHUNK)
        samples -= CHUNK
