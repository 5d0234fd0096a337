"""A million matrices whose inertia is known by construction: no certified answer may be wrong."""

import numpy as np
import pytest
import strategies
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


def near_degenerate_stack(rng, n, count):
    """Eigenvalues m·D exactly (m the Hadamard side): one within 1e-10 … 1e-15 of the norm.

    A Hadamard block, where equilibration cannot help, beside a diagonal in the same scale.
    """
    D = np.round(2.0**48 * rng.uniform(0.25, 1, (count, n))) * rng.choice([-1.0, 1.0], (count, n))
    side = 2 ** int(np.log2(n))
    tiny = np.round(2.0**48 * 10.0 ** -rng.uniform(10, 16, count)) * rng.choice([-1, 1], count)
    D[np.arange(count), rng.integers(0, side, count)] = tiny
    A = np.zeros((count, n, n))
    H = hadamard(side)
    A[:, :side, :side] = strategies.congruence(H, D[:, :side])
    A[:, range(side, n), range(side, n)] = D[:, side:] * side
    return A, D


STACKS = [integer_stack, wide_stack, graded_stack, singular_stack, near_degenerate_stack]


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
# 3.3 · 10⁶ cases. A singular matrix never may.
MASS_CERTIFIED = {
    "integer_stack": (0.999, 1.0),
    "wide_stack": (0.5, 1.0),
    "graded_stack": (0.999, 1.0),
    "singular_stack": (0.0, 0.0),
    "near_degenerate_stack": (0.4, 1.0),
}


@pytest.mark.parametrize("n", [2, 4, 8, 12])
def test_a_certificate_covers_the_stated_error(n, record_property):
    """Certified with error e proves |eigenvalue| > e; every eigenvalue is known exactly here."""
    rng = np.random.default_rng(n)
    A, D = near_degenerate_stack(rng, n, 20_000)
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
    allowed = (factor < 0.1) & (smallest > 1e5 * n * EPS * np.abs(A).max(axis=(1, 2)))
    record_property("allowed", int(allowed.sum()))
    record_property("withheld", int(np.sum(allowed & ~result.certified)))
    assert allowed.sum() > 1000
    assert result.certified[allowed].all()
    truth = np.stack([np.sum(D < 0, 1), np.sum(D == 0, 1), np.sum(D > 0, 1)], axis=1)
    assert_never_wrong(result, truth)
