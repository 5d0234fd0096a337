"""What `classify` promises a person: tolerances, errors, shapes, and answers that do not depend
on the neighbours, the order, the scale or the number of workers."""

import numpy as np
import pytest
import strategies
from hypothesis import given
from hypothesis import strategies as st
from reference import inertia as exact

from saddlelab import classify

FIELDS = ("index", "zeros", "positive", "certified", "kind")


def assert_same(one, two, select=slice(None)):
    for field in FIELDS:
        np.testing.assert_array_equal(getattr(one, field)[select], getattr(two, field)[select])


def mixed_stack(n, copies=4):
    rng = np.random.default_rng(n)
    return np.stack([case[1] for _ in range(copies) for case in strategies.hard_matrices(rng, n)])


def gaussian_stack(n, count=500):
    A = np.random.default_rng(n).standard_normal((count, n, n))
    return A + np.swapaxes(A, 1, 2)


# --- independence -------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8, 12, 30])
def test_workers_neighbours_and_order_do_not_matter(n):
    stack = mixed_stack(n)
    result = classify(stack, workers=1)
    for workers in (2, 3, None):
        assert_same(result, classify(stack, workers=workers))
    order = np.random.default_rng(0).permutation(len(stack))
    shuffled = classify(stack[order])
    for field in FIELDS:
        np.testing.assert_array_equal(getattr(result, field)[order], getattr(shuffled, field))
    for i in range(0, len(stack), 7):
        alone = classify(stack[i])
        for field in FIELDS:
            assert getattr(alone, field) == getattr(result, field)[i]


@given(strategies.hard_cases(), st.randoms(use_true_random=False))
def test_permutation_keeps_a_certified_inertia(case, random):
    A, _ = case
    order = list(range(len(A)))
    random.shuffle(order)
    one, two = classify(A), classify(A[np.ix_(order, order)])
    if one.certified and two.certified:
        assert (one.index, one.positive) == (two.index, two.positive)
    values = np.abs(np.linalg.eigvalsh(A / max(np.abs(A).max(), 1e-300)))
    if values.min() > 1e-8 * values.max():
        assert one.certified
        assert two.certified


@pytest.mark.parametrize("n", [1, 2, 5, 10, 40])
def test_power_of_four_scales_change_nothing(n):
    stack = gaussian_stack(n)
    result = classify(stack)
    for power in (-400, -2, 2, 400):
        assert_same(result, classify(np.ldexp(stack, power)))


@pytest.mark.parametrize("n", [2, 5, 12])
def test_powers_of_two_per_variable_keep_the_inertia(n):
    """x → Dx scales the Hessian to DHD: another unit for each variable, the same saddle."""
    stack = gaussian_stack(n)
    s = np.ldexp(1.0, np.random.default_rng(1).integers(-480, 481, (len(stack), n)))
    one, two = classify(stack), classify(s[:, :, None] * stack * s[:, None, :])
    both = one.certified & two.certified
    assert both.mean() > 0.99
    assert_same(one, two, both)


@pytest.mark.parametrize(
    ("A", "kind"),
    [
        (np.diag([1e150, 1e-150]), "minimum"),
        (np.diag([1e300, -1e-300]), "saddle"),
        (np.array([[1e150, 0.5], [0.5, -1e-150]]), "saddle"),
        (np.diag([1e-320, 1.0]), "minimum"),
        (-np.diag([1e-320, 1e300, 1.0]), "maximum"),
    ],
    ids=["graded", "1e±300", "coupled", "denormal", "denormal and 1e300"],
)
def test_badly_scaled_matrices_are_certified(A, kind):
    """A norm-relative tolerance without equilibration calls these degenerate."""
    result = classify(A)
    assert result.kind == kind
    assert result.certified


# --- shapes and results -------------------------------------------------------------------------


def test_one_matrix_gives_scalars():
    result = classify([[2.0, 0.0], [0.0, -1.0]])
    assert (result.index, result.zeros, result.positive) == (1, 0, 1)
    for field in (*FIELDS, "tol"):
        assert np.ndim(getattr(result, field)) == 0, field
    assert result.kind == "saddle"
    assert result.certified
    assert "saddle" in str(result.summary())


def test_kinds_of_a_stack():
    stack = np.array([np.diag(d) for d in [(1, 2), (-1, -2), (1, -1), (0, 1)]])
    result = classify(stack.astype(float))
    assert result.kind.tolist() == ["minimum", "maximum", "saddle", "degenerate"]
    assert result.certified.tolist() == [True, True, True, False]
    for field in ("index", "zeros", "positive"):
        assert np.issubdtype(getattr(result, field).dtype, np.integer)
    assert result.zeros.tolist() == [0, 0, 0, 1]


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.uint16, np.float32, bool])
def test_real_dtypes_are_accepted(dtype):
    A = np.array([[2, 1], [1, 3]]).astype(dtype)
    truth = exact.inertia(A.astype(float))
    result = classify(A)
    assert result.positive + result.zeros == 2 - truth[0]


def test_memory_layout_does_not_matter_and_input_is_kept():
    stack = gaussian_stack(6, 33)
    stack.flags.writeable = False
    result = classify(stack)
    assert_same(result, classify(np.asfortranarray(stack)))
    assert_same(result, classify(np.repeat(stack, 2, axis=0)[::2]))
    assert_same(result, classify(stack.tolist()))


# --- tol and error ------------------------------------------------------------------------------


@given(st.lists(st.integers(-6, 6), min_size=1, max_size=8), st.integers(0, 6), strategies.seeds)
def test_tol_counts_eigenvalues_within_it(spectrum, cut, seed):
    """Eigenvalues near the integers, tol half way between two of them."""
    A = strategies.with_spectrum(np.random.default_rng(seed), np.array(spectrum, dtype=float))
    tol = cut + 0.5
    result = classify(A, tol=tol)
    assert result.zeros == sum(abs(value) <= tol for value in spectrum)
    assert result.index == sum(value < -tol for value in spectrum)
    assert result.positive == sum(value > tol for value in spectrum)
    assert result.tol == tol
    assert (result.kind == "degenerate") == (result.zeros > 0)
    assert result.certified == (result.zeros == 0)


def test_tol_and_error_per_matrix():
    stack = np.array([np.diag([3.0, -2.0])] * 4)
    result = classify(stack, tol=np.array([0.1, 2.5, 4.0, 1.0]))
    assert result.zeros.tolist() == [0, 1, 2, 0]
    assert result.tol.tolist() == [0.1, 2.5, 4.0, 1.0]
    result = classify(stack, error=np.array([0.0, 0.4, 2.1, 100.0]))
    assert result.certified.tolist() == [True, True, False, False]
    assert result.kind.tolist() == ["saddle", "saddle", "undecided", "undecided"]


def test_error_is_in_the_units_of_the_matrix():
    for scale in (1e-200, 1e-3, 1.0, 1e200):
        assert classify(scale * np.diag([3.0, -2.0]), error=0.4 * scale).certified
        assert not classify(scale * np.diag([3.0, -2.0]), error=2.1 * scale).certified


# --- bad input ----------------------------------------------------------------------------------

GOOD = np.array([np.eye(3)] * 10)


def spoiled(i, j, value):
    stack = GOOD.copy()
    stack[7, i, j] = value
    return stack


@pytest.mark.parametrize(
    ("stack", "word"),
    [
        (spoiled(0, 1, 1e-3), "symmetric"),
        (spoiled(2, 0, np.nan), "finite|NaN|nan"),
        (spoiled(1, 1, np.nan), "finite|NaN|nan"),
        (spoiled(1, 1, -np.inf), "finite|inf"),
    ],
)
def test_bad_matrices_are_named_by_number(stack, word):
    with pytest.raises(ValueError, match=word) as caught:
        classify(stack)
    assert "7" in str(caught.value)
    with pytest.raises(ValueError, match=word):
        classify(stack[7])


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros(3), np.zeros((2, 3)), np.zeros((4, 2, 3)), np.zeros((2, 2, 2, 2)), np.float64(1),
        np.zeros((0, 3, 3)), np.zeros((3, 0, 0)), np.zeros((0, 0)), [],
        [["a", "b"], ["c", "d"]], np.eye(2) * 1j, None, [[1.0], [2.0, 3.0]],
    ],
    ids=repr,
)  # fmt: skip
def test_other_input_is_refused(bad):
    with pytest.raises((ValueError, TypeError), match="hessians"):
        classify(bad)


@pytest.mark.parametrize("name", ["tol", "error"])
@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf, np.ones(3), np.ones((10, 1)), "1", 1j])
def test_bad_tol_and_error_are_named(name, bad):
    with pytest.raises((ValueError, TypeError), match=name):
        classify(GOOD, **{name: bad})


@pytest.mark.parametrize("bad", [0, -1, 1.5, "2"])
def test_bad_workers_are_named(bad):
    with pytest.raises((ValueError, TypeError), match="workers"):
        classify(GOOD, workers=bad)


def test_rounding_asymmetry_is_accepted():
    A = strategies.with_spectrum(np.random.default_rng(0), np.array([-1.0, 2.0, 3.0]))
    A[0, 1] *= 1 + np.finfo(float).eps
    assert classify(A).kind == "saddle"
