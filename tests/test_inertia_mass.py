"""A million matrices whose inertia is known by construction: no certified answer may be wrong."""

import numpy as np
import pytest
import strategies
from reference import inertia as exact

from saddlelab import classify

EPS = np.finfo(float).eps


def assert_never_wrong(result, truth):
    answer = np.stack([result.index, result.zeros, result.positive], axis=1)
    wrong = result.certified & np.any(answer != truth, axis=1)
    assert not wrong.any(), f"wrong at {np.flatnonzero(wrong)[:10]}"


def hadamard(n):
    H = np.ones((1, 1))
    while len(H) < n:
        H = np.block([[H, H], [H, -H]])
    return H


def integer_stack(rng, n, count):
    D = rng.integers(1, 10, (count, n)) * rng.choice([-1.0, 1.0], (count, n))
    return strategies.congruence(strategies.unimodular(rng, n, count), D), D


def wide_stack(rng, n, count):
    D = np.ldexp(rng.choice([-1.0, 1.0], (count, n)), rng.integers(0, 41, (count, n)))
    return strategies.congruence(strategies.unimodular(rng, n, count), D), D


def graded_stack(rng, n, count):
    A, D = integer_stack(rng, n, count)
    s = np.ldexp(1.0, rng.integers(-498, 499, (count, n)))
    return s[:, :, None] * A * s[:, None, :], D


def singular_stack(rng, n, count):
    D = rng.integers(-3, 4, (count, n)).astype(float)
    D[:, 0] = 0.0
    return strategies.congruence(strategies.unimodular(rng, n, count), D), D


def near_degenerate_stack(rng, n, count, low=10, high=16):
    """Eigenvalues m·D exactly (m the Hadamard side): one within 1e-low … 1e-high of the norm.

    A Hadamard block, where equilibration cannot help, beside a diagonal in the same scale.
    """
    D = np.round(2.0**48 * rng.uniform(0.25, 1, (count, n))) * rng.choice([-1.0, 1.0], (count, n))
    side = 2 ** int(np.log2(n))
    tiny = np.round(2.0**48 * 10.0 ** -rng.uniform(low, high, count)) * rng.choice([-1, 1], count)
    D[np.arange(count), rng.integers(0, side, count)] = tiny
    A = np.zeros((count, n, n))
    H = hadamard(side)
    A[:, :side, :side] = strategies.congruence(H, D[:, :side])
    A[:, range(side, n), range(side, n)] = D[:, side:] * side
    return A, D


def tiny_pivot_stack(rng, n, count):
    """Blocks [[e, 1], [1, f]] with |e|, |f| < 1, one negative and one positive eigenvalue each.

    Half are permuted as they are, with e and f from 0 to 1e-8; half have e = f = 0 and are mixed
    by integers, so that zero pivots come up on the way. An odd last entry is ±1.
    """
    D = rng.choice([-1.0, 1.0], (count, n))
    D[:, 0 : n - 1 : 2], D[:, 1::2] = -1.0, 1.0
    B = np.zeros((count, n, n))
    B[:, range(0, n - 1, 2), range(1, n, 2)] = B[:, range(1, n, 2), range(0, n - 1, 2)] = 1.0
    if n % 2:
        B[:, -1, -1] = D[:, -1]
    mixed = rng.random(count) < 0.5
    X = strategies.unimodular(rng, n, count)
    tiny = rng.choice([0.0, 5e-324, -1e-310, 1e-300, -1e-20, 1e-8], (count, n - n % 2))
    B[:, range(n - n % 2), range(n - n % 2)] = np.where(mixed[:, None], 0.0, tiny)
    order = np.argsort(rng.random((count, n)), axis=1)
    B[~mixed] = B[np.arange(count)[:, None, None], order[:, :, None], order[:, None, :]][~mixed]
    B[mixed] = (np.swapaxes(X, 1, 2) @ B @ X)[mixed]
    return B, D


STACKS = [
    integer_stack,
    wide_stack,
    graded_stack,
    singular_stack,
    near_degenerate_stack,
    tiny_pivot_stack,
]


@pytest.mark.parametrize("stack", STACKS, ids=lambda stack: stack.__name__)
def test_a_million_certified_answers_and_none_wrong(stack, record_property):
    rng = np.random.default_rng(7)
    cases = certified = 0
    for n in range(2, 13):
        for count in [30_000] * 2:
            A, D = stack(rng, n, count)
            truth = np.stack([np.sum(D < 0, 1), np.sum(D == 0, 1), np.sum(D > 0, 1)], axis=1)
            result = classify(A)
            assert_never_wrong(result, truth)
            cases += count
            certified += int(result.certified.sum())
    record_property("cases", cases)
    record_property("certified", certified)
    assert MASS_CERTIFIED[stack.__name__][0] * cases <= certified
    assert certified <= MASS_CERTIFIED[stack.__name__][1] * cases


# The least and most of each stack that may be certified; together the least exceed 10⁶ of the
# 4 · 10⁶ cases. A singular matrix never may.
MASS_CERTIFIED = {
    "integer_stack": (0.999, 1.0),
    "wide_stack": (0.5, 1.0),
    "graded_stack": (0.95, 1.0),
    "singular_stack": (0.0, 0.0),
    "near_degenerate_stack": (0.4, 1.0),
    "tiny_pivot_stack": (0.999, 1.0),
}


@pytest.mark.parametrize("n", [2, 4, 8, 12])
def test_a_certificate_covers_the_stated_error(n, record_property):
    """Certified with error e proves |eigenvalue| > e; every eigenvalue is known exactly here."""
    rng = np.random.default_rng(n)
    A, D = near_degenerate_stack(rng, n, 20_000, low=1, high=13)
    side = 2 ** int(np.log2(n))
    smallest = np.abs(side * D).min(axis=1)
    # Errors from far below the smallest eigenvalue to far above, and at it within one part in 1e6.
    factor = np.where(
        rng.random(len(A)) < 0.5,
        10.0 ** rng.uniform(-3, 3, len(A)),
        1 + rng.choice([-1e-6, 0.0, 1e-6], len(A)),
    )
    result = classify(A, error=factor * smallest)
    assert not np.any(result.certified & (factor >= 1))
    allowed = (factor < 0.1) & (smallest > 1000 * n * EPS * np.abs(A).max(axis=(1, 2)))
    record_property("allowed", int(allowed.sum()))
    record_property("withheld", int(np.sum(allowed & ~result.certified)))
    assert allowed.sum() > 1000
    assert result.certified[allowed].all()
    truth = np.stack([np.sum(D < 0, 1), np.sum(D == 0, 1), np.sum(D > 0, 1)], axis=1)
    assert_never_wrong(result, truth)


def uncertain_stack(rng, n, count):
    """A nearly singular block in units of t² beside a few rows in units of 1, and errors e > 1.

    e is far above the small rows, next to nothing for the block, and decides its last eigenvalue
    through the coupling: the smallest pivots stand beside ones of e.
    """
    stack = np.empty((count, n, n))
    for A in stack:
        small = int(rng.integers(1, n - 1))
        values = rng.uniform(0.3, 1, n - small) * rng.choice([-1.0, 1.0], n - small)
        values[0] = rng.choice([-1.0, 1.0]) * 10.0 ** -rng.uniform(4, 14)
        A[:] = strategies.symmetrised(rng.standard_normal((n, n)))
        A[small:, small:] = strategies.with_spectrum(rng, values)
        s = np.where(np.arange(n) < small, 1.0, 2.0 ** rng.integers(10, 60))
        order = rng.permutation(n)
        A[:] = (s[:, None] * A * s)[np.ix_(order, order)]
    return stack, 10.0 ** rng.uniform(0, 14, count)


@pytest.mark.parametrize("name", ["error", "tol"])
def test_certificates_hold_at_the_ends_of_their_interval(name, record_property):
    """H − eI and H + eI are within the stated error, and their inertia is known exactly."""
    rng = np.random.default_rng(11)
    certified = wrong = 0
    for n in range(3, 8):
        stack, e = uncertain_stack(rng, n, 500)
        result = classify(stack, **{name: e})
        for i in np.flatnonzero(result.certified):
            answer = (result.index[i], 0, result.positive[i])
            certified += 1
            wrong += any(exact.inertia(stack[i], shift) != answer for shift in (-e[i], e[i]))
    record_property("certified", certified)
    assert certified > 100
    assert wrong == 0
