"""β-Laguerre indices in plain numpy: the bidiagonal matrix from the reference streams.

Units: those of the gammas, in which W of n parameters and m data is 2/(βm) times B Bᵀ.
"""

import numpy as np

from reference import streams


def bidiagonal(key, sample, n, m, beta):
    """B of one sample, min(n, m) square: diag² ~ Gamma(β(|m − n| + i)/2), off² ~ Gamma(βi/2)."""
    size = min(n, m)
    B = np.zeros((size, size))
    for row in range(size):
        beside = beta * (row + 1) / 2 if row + 1 < size else 0
        shapes = beta * (abs(m - n) + row + 1) / 2, beside
        q, e = streams.gamma_pair(key, sample, row, shapes)
        B[row, row] = float(q) ** 0.5
        if row + 1 < size:
            B[row, row + 1] = float(e) ** 0.5
    return B


def index(B, n, m, beta, shift):
    """Eigenvalues of W below the shift: singular values, and n − m zeros if n > m."""
    eigenvalues = np.linalg.svd(B, compute_uv=False) ** 2 * 2 / (beta * m)
    return int(np.sum(eigenvalues < shift)) + (max(n - m, 0) if shift > 0 else 0)
