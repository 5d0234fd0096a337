"""Symmetric matrices that break eigenvalue codes: hypothesis strategies and a seeded iterator.

Each family is a function of (rng, n) that gives one matrix, exactly symmetric, and its inertia
(negative, zero, positive) where the construction proves it, else None (ask reference.inertia).
"""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp


def symmetrised(A):
    """(A + Aᵀ)/2, exactly symmetric in floating point and safe near overflow."""
    return A / 2 + A.T / 2


def signs(values):
    values = np.asarray(values)
    return int(np.sum(values < 0)), int(np.sum(values == 0)), int(np.sum(values > 0))


def orthogonal(rng, n):
    return np.linalg.qr(rng.standard_normal((n, n)))[0]


def with_spectrum(rng, values):
    Q = orthogonal(rng, len(values))
    return symmetrised((Q * values) @ Q.T)


def unimodular(rng, n, count=None):
    """Integer matrices of determinant ±1 with entries up to n: permuted products L U.

    Half of them sparse, well conditioned at every n; half dense, with inverses that grow as 2ⁿ.
    """
    shape = (1 if count is None else count, n, n)
    density = np.where(rng.random((shape[0], 1, 1)) < 0.5, min(1.0, 2 / n), 1.0)
    L, U = (rng.integers(-1, 2, shape) * (rng.random(shape) < density) for _ in range(2))
    X = (np.tril(L, -1) + np.eye(n)) @ (np.triu(U, 1) + np.eye(n))
    rows = np.argsort(rng.random(shape[:2]), axis=1)
    X = np.take_along_axis(X, rows[:, :, None], axis=1)
    return X[0] if count is None else X


def congruence(X, D):
    """Xᵀ diag(D) X in float64; exact while n · max|X|² · max|D| < 2**53."""
    return np.swapaxes(X, -1, -2) @ (D[..., None] * X)


def two_powers(rng, n, low, high):
    return np.ldexp(1.0, rng.integers(low, high + 1, n))


# --- families -----------------------------------------------------------------------------------


def gaussian(rng, n):
    return symmetrised(rng.standard_normal((n, n))), None


def by_condition(rng, n):
    magnitudes = 10.0 ** -rng.uniform(0, 14, n)
    return with_spectrum(rng, magnitudes * rng.choice([-1.0, 1.0], n)), None


def near_degenerate(rng, n):
    values = rng.standard_normal(n)
    values[rng.integers(n)] = rng.choice([-1.0, 1.0]) * 10.0 ** -rng.integers(9, 19)
    return with_spectrum(rng, values), None


def repeated(rng, n):
    return with_spectrum(rng, rng.choice([-1.0, 1.0, 1.0 + 1e-14], n)), None


def integer_congruence(rng, n):
    D = rng.integers(1, 10, n) * rng.choice([-1.0, 1.0], n)
    return congruence(unimodular(rng, n), D), signs(D)


def singular_congruence(rng, n):
    D = rng.integers(-3, 4, n).astype(float)
    D[rng.integers(n)] = 0.0
    return congruence(unimodular(rng, n), D), signs(D)


def wide_congruence(rng, n):
    """Unimodular with D over twelve decades: eigenvalues near the rounding of the largest."""
    D = two_powers(rng, n, 0, min(40, 52 - int(3 * np.log2(n)))) * rng.choice([-1.0, 1.0], n)
    return congruence(unimodular(rng, n), D), signs(D)


def graded_by_two_powers(rng, n):
    B, known = integer_congruence(rng, n)
    s = two_powers(rng, n, -498, 498)  # about 1e±150
    return s[:, None] * B * s, known


def graded(rng, n):
    B, _ = integer_congruence(rng, n)
    s = 10.0 ** rng.uniform(-75, 75, n)
    return symmetrised(s[:, None] * B * s), None


def tiny_leading_pivot(rng, n):
    A = symmetrised(rng.standard_normal((n, n)))
    A[0, 0] = rng.choice([0.0, 1e-20, -1e-20, 1e-300])
    return A, None


def zero_diagonal(rng, n):
    A = symmetrised(rng.standard_normal((n, n)))
    np.fill_diagonal(A, 0.0)
    return A, None


def arrowhead(rng, n):
    A = np.diag(rng.standard_normal(n) * 10.0 ** rng.integers(-8, 9, n))
    A[0, 1:] = A[1:, 0] = rng.standard_normal(n - 1)
    return A, None


def laplacian(rng, n):
    """Graph Laplacian: zeros are the components, counted by joining labels."""
    W = np.triu(rng.integers(1, 5, (n, n)) * (rng.random((n, n)) < 1.0 / n), 1).astype(float)
    labels = np.arange(n)
    for i, j in zip(*np.nonzero(W), strict=True):
        labels[labels == labels[j]] = labels[i]
    zeros = len(set(labels.tolist()))
    W = W + W.T
    return np.diag(W.sum(axis=1)) - W, (0, zeros, n - zeros)


def wilkinson(rng, n):
    """W_n⁺: pairs of eigenvalues that agree to many digits (n = 21 is the classic)."""
    off = np.ones(n - 1)
    return np.diag(np.abs(np.arange(n) - (n - 1) / 2)) + np.diag(off, 1) + np.diag(off, -1), None


def hilbert(rng, n):
    i = np.arange(n)
    return 1.0 / (i[:, None] + i + 1), None


def denormal(rng, n):
    A = rng.integers(-50, 51, (n, n)) * 5e-324
    return np.triu(A) + np.triu(A, 1).T, None


def partly_denormal(rng, n):
    A = symmetrised(rng.standard_normal((n, n)))
    i = rng.integers(n)
    A[i] *= 1e-310
    A[:, i] = A[i]
    return A, None


def near_overflow(rng, n):
    return symmetrised(1.7e308 * rng.uniform(-1, 1, (n, n))), None


def huge_beside_tiny(rng, n):
    B, known = integer_congruence(rng, n)
    s = two_powers(rng, n, -500, 500)
    s[: n // 2] = 2.0**500
    return s[:, None] * B * s, known


def zero(rng, n):
    return np.zeros((n, n)), (0, n, 0)


def one_entry(rng, n):
    A = np.zeros((n, n))
    i, j = rng.integers(n, size=2)
    A[i, j] = A[j, i] = rng.choice([-1e-300, 1e300, -1.0])
    return A, None


def permuted(rng, n):
    A, known = wide_congruence(rng, n)
    order = rng.permutation(n)
    s = two_powers(rng, n, -20, 20)
    return s[:, None] * A[np.ix_(order, order)] * s, known


FAMILIES = {
    family.__name__: family
    for family in [
        gaussian, by_condition, near_degenerate, repeated, integer_congruence, singular_congruence,
        wide_congruence, graded_by_two_powers, graded, tiny_leading_pivot, zero_diagonal,
        arrowhead, laplacian, wilkinson, hilbert, denormal, partly_denormal, near_overflow,
        huge_beside_tiny, zero, one_entry, permuted,
    ]
}  # fmt: skip


def hard_matrices(rng, n):
    """One (name, matrix, exact inertia or None) of every family."""
    for name, family in FAMILIES.items():
        yield (name, *family(rng, n))


# --- hypothesis ---------------------------------------------------------------------------------

seeds = st.integers(0, 2**32 - 1)
sides = st.integers(1, 12)
small_sides = st.integers(1, 7)


@st.composite
def hard_cases(draw, sides=sides):
    """(matrix, exact inertia or None) of a family drawn by name."""
    family = FAMILIES[draw(st.sampled_from(sorted(FAMILIES)))]
    return family(np.random.default_rng(draw(seeds)), draw(sides))


@st.composite
def any_symmetric(draw, sides=small_sides):
    """Symmetric matrices of any finite floats at all: denormals, 1e308, signed zeros."""
    n = draw(sides)
    entries = st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.integers(-2, 2))
    A = draw(hnp.arrays(np.float64, (n, n), elements=entries.map(float)))
    return np.triu(A) + np.triu(A, 1).T


@st.composite
def tridiagonals(draw, sides=sides):
    """(diagonal, off-diagonal, shift) with zeros, repeated and extreme values likely."""
    n = draw(sides)
    entry = st.one_of(
        st.integers(-2, 2).map(float),
        st.floats(-1e300, 1e300),
        st.sampled_from([1e-320, -1e-160, 1e-8, 1e150]),
    )
    a = draw(hnp.arrays(np.float64, n, elements=entry))
    b = draw(hnp.arrays(np.float64, n - 1, elements=entry))
    return a, b, draw(entry)
