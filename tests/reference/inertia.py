"""Exact inertia of float64 matrices: every float is an integer times a power of two."""

from fractions import Fraction
from itertools import pairwise

import mpmath
import numpy as np


def integers(values):
    """The floats as Python integers, all multiplied by the same power of two."""
    fractions = [Fraction(float(value)) for value in values]
    scale = max((fraction.denominator for fraction in fractions), default=1)
    return [int(fraction * scale) for fraction in fractions]


def inertia(A, shift=0.0):
    """(negative, zero, positive) of A + shift·I, a symmetric float64 matrix, exactly.

    Bareiss elimination keeps the remaining block M an integer matrix whose quotient by `previous`
    is the Schur complement, so the sign of each pivot of LDLᵀ is that of M[0][0] / previous.
    """
    A = np.asarray(A, dtype=float)
    n = len(A)
    *flat, shift = integers([*A.ravel(), shift])
    M = [flat[i * n : (i + 1) * n] for i in range(n)]
    for i in range(n):
        M[i][i] += shift
    negative = positive = 0
    previous = 1
    while M and bring_pivot_first(M):
        pivot = M[0][0]
        if (pivot > 0) == (previous > 0):
            positive += 1
        else:
            negative += 1
        M = eliminate(M, pivot, previous)
        previous = pivot
    return negative, len(M), positive


def bring_pivot_first(M):
    """Make M[0][0] non-zero by a congruence with determinant ±1; False when M is all zero."""
    m = len(M)
    for i in range(m):
        if M[i][i] != 0:
            exchange(M, 0, i)
            return True
    for i in range(m):
        for j in range(i):
            if M[i][j] != 0:
                # Both diagonal entries are zero: adding row and column i to j makes 2 M[i][j].
                M[j] = [a + b for a, b in zip(M[j], M[i], strict=True)]
                for row in M:
                    row[j] += row[i]
                exchange(M, 0, j)
                return True
    return False


def exchange(M, i, j):
    M[i], M[j] = M[j], M[i]
    for row in M:
        row[i], row[j] = row[j], row[i]


def eliminate(M, pivot, previous):
    """The next Bareiss block; the division is exact (Sylvester's identity)."""
    m = len(M)
    result = [[0] * (m - 1) for _ in range(m - 1)]
    for i in range(1, m):
        for j in range(1, i + 1):
            value = (pivot * M[i][j] - M[i][0] * M[j][0]) // previous
            result[i - 1][j - 1] = result[j - 1][i - 1] = value
    return result


def sturm_count(a, b, x):
    """How many eigenvalues of the tridiagonal (diagonal a, off-diagonal b) lie below x, exactly.

    Sign changes along the leading minors of T − xI; a zero inside the sequence stands between
    opposite signs, and one at the end is an eigenvalue equal to x.
    """
    scaled = integers([*a, *b, x])
    diagonal = [value - scaled[-1] for value in scaled[: len(a)]]
    b = scaled[len(a) : -1]
    count = 0
    minors = [1, diagonal[0]]
    for k in range(1, len(a)):
        if b[k - 1] == 0:
            count += sign_changes(minors)
            minors = [1, diagonal[k]]
        else:
            minors.append(diagonal[k] * minors[-1] - b[k - 1] ** 2 * minors[-2])
    return count + sign_changes(minors)


def sign_changes(values):
    signs = [value > 0 for value in values if value != 0]
    return sum(s != t for s, t in pairwise(signs))


def eigenvalues(A, digits=50):
    """Ascending eigenvalues by mpmath, with `digits` decimal digits of working precision."""
    with mpmath.workdps(digits):
        values = mpmath.eigsy(mpmath.matrix(np.asarray(A).tolist()), eigvals_only=True)
        return sorted(values)
