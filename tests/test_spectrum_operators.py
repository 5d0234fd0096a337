"""What counts as an operator, what is refused, and what every function of the package promises."""

import math
import pickle

import numpy as np
import pytest
import scipy.sparse as sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import spectrum as reference
from scipy.sparse.linalg import LinearOperator, aslinearoperator

from saddlelab import spectrum
from saddlelab.spectrum import (
    condition_number,
    curvature_fractions,
    extreme_eigenpairs,
    negative_curvature_direction,
    spectral_density,
    trace,
)

EPS = np.finfo(float).eps
FUNCTIONS = (
    extreme_eigenpairs,
    spectral_density,
    curvature_fractions,
    trace,
    condition_number,
    negative_curvature_direction,
)
seeds = st.integers(0, 2**32 - 1)


class Counted:
    """A diagonal operator, as a callable that counts its calls."""

    def __init__(self, values):
        self.values, self.calls = np.asarray(values, dtype=float), 0

    def __call__(self, v):
        assert v.shape == self.values.shape
        assert v.flags.c_contiguous
        self.calls += 1
        return self.values * v


# --- operators -----------------------------------------------------------------------------------


class Product:
    """Has nothing but a shape and `matvec`."""

    def __init__(self, H):
        self.shape, self._H = H.shape, H

    def matvec(self, v):
        return self._H @ v


class Blocks(Product):
    widths: tuple[int, ...] = ()

    def matmat(self, V):
        self.widths += (V.shape[1],)
        return self._H @ V


def forms(H):
    n = len(H)
    return {
        "lists": H.tolist(),
        "csr": sparse.csr_array(H),
        "coo": sparse.coo_matrix(H),
        "aslinearoperator": aslinearoperator(H),
        "LinearOperator": LinearOperator(H.shape, matvec=lambda v: H @ v.reshape(n), dtype=float),
        "object": Product(H),
        "blocks": Blocks(H),
        "callable": lambda v: H @ v,
        "in place": lambda v: np.matmul(H, v.copy(), out=v),
        "a list": lambda v: (H @ v).tolist(),
    }


def answers(operator, n=None):
    """One number of each function, and what it cost."""
    options = {"n": n, "rng": 5}
    pairs = extreme_eigenpairs(operator, k=2, **options)
    density = spectral_density(operator, probes=3, steps=7, **options)
    fractions = curvature_fractions(operator, probes=3, steps=7, **options)
    sum_ = trace(operator, products=30, **options)
    condition = condition_number(operator, **options)
    direction = negative_curvature_direction(operator, **options)
    costs = [f.products for f in (pairs, density, fractions, sum_, condition, direction)]
    numbers = [*pairs.values, density.density.mean(), fractions.negative.value, sum_.value,
               sum_.error, condition.value, direction.curvature]  # fmt: skip
    return np.array(numbers), costs


H100 = reference.rotated(np.random.default_rng(7), np.linspace(-1.0, 2.0, 100) + 0.004)


@pytest.mark.parametrize("form", sorted(forms(H100)))
def test_forms_of_an_operator_agree(form):
    operator = forms(H100)[form]
    n = 100 if form in ("callable", "in place", "a list") else None
    expected, expected_costs = answers(H100)
    found, costs = answers(operator, n)
    assert costs == expected_costs
    np.testing.assert_allclose(found, expected, rtol=1e6 * EPS, atol=1e6 * EPS)


def test_a_buffer_that_is_used_again_does_no_harm():
    buffer = np.empty(100)
    expected, _ = answers(H100)
    found, _ = answers(lambda v: np.matmul(H100, v, out=buffer), 100)
    np.testing.assert_allclose(found, expected, rtol=1e6 * EPS, atol=1e6 * EPS)


def test_blocks_are_given_to_what_takes_them():
    operator = Blocks(H100)
    spectral_density(operator, probes=3, steps=5, rng=0)
    assert operator.widths == (3,) * 5
    found = trace(operator, products=30, rng=0)
    assert sum(operator.widths) == 15 + found.products


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("n", [20, 200, 3000])
def test_products_are_counted(function, n):
    counted = Counted(np.linspace(1.0, 3.0, n))
    assert function(counted, n=n, rng=0).products == counted.calls


@pytest.mark.parametrize("function", FUNCTIONS)
def test_same_seed_same_answer(function):
    def run(rng):
        return function(Counted(np.linspace(0.5, 3.5, 3000)), n=3000, rng=rng)

    def bits(result):
        return pickle.dumps(result)

    assert bits(run(3)) == bits(run(3)) == bits(run(np.int64(3)))
    assert bits(run(3)) != bits(run(4))
    sequence = np.random.SeedSequence(3)
    assert bits(run(sequence)) == bits(run(sequence))
    one, two = np.random.default_rng(3), np.random.default_rng(3)
    assert bits(run(one)) == bits(run(two))
    assert bits(run(one)) == bits(run(two))
    assert bits(run(None))


def test_a_matrix_made_from_the_same_seed_does_not_know_the_starts():
    """The first normals of default_rng(0) are a row of A: no random vector for A + Aᵀ."""
    A = np.random.default_rng(0).standard_normal((600, 600))
    H = (A + A.T) / math.sqrt(1200)
    moment = spectral_density(H, steps=5, probes=20, rng=0).moments(3)
    assert abs(moment.value[2] - np.trace(H @ H) / 600) <= 5 * moment.error[2]


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("n", [10, 3000])
def test_exceptions_of_the_callable_come_through(function, n):
    class BrokenError(Exception):
        pass

    def product(v):
        raise BrokenError("no such tensor")

    with pytest.raises(BrokenError, match="no such tensor"):
        function(product, n=n)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("n", [10, 3000])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_products_that_are_not_finite_are_refused(function, n, bad):
    def product(v):
        w = v.copy()
        w[n // 2] = bad
        return w

    with pytest.raises(ValueError, match=f"finite.*{bad}"):
        function(product, n=n)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("n", [10, 80, 3000])
def test_asymmetric_operators_are_refused(function, n):
    values = np.linspace(1.0, 2.0, n)
    with pytest.raises(ValueError, match="symmetric"):
        function(lambda v: values * v + 0.1 * np.roll(v, 1), n=n, rng=0)


def test_products_that_differ_from_call_to_call_are_refused():
    noise = np.random.default_rng(0)
    with pytest.raises(ValueError, match="same at every call"):
        extreme_eigenpairs(lambda v: v * (1 + noise.standard_normal(500)), n=500, rng=0)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_rounding_asymmetry_and_single_precision_are_accepted(function):
    H = H100.copy()
    H[3, 4] *= 1 + EPS
    function(H, rng=0)
    values = np.linspace(0.5, 2.0, 3000, dtype=np.float32)
    result = function(lambda v: values * v.astype(np.float32), n=3000, rng=0)
    assert np.all(getattr(result, "converged", True))


def spoiled(i, j, value):
    H = np.eye(4)
    H[i, j] = value
    return H


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (spoiled(0, 1, 1e-3), r"symmetric to rounding, but H\[0, 1\] = 0.001"),
        (spoiled(2, 2, np.nan), r"finite, but H\[2, 2\] = nan"),
        (sparse.csr_array(spoiled(0, 1, 1e-3)), r"symmetric to rounding, but H\[0, 1\] = 0.001"),
        (sparse.csr_array(spoiled(1, 1, np.inf)), "finite.*inf"),
        (np.zeros((2, 3)), r"shape \(2, 3\)"),
        (np.zeros((2, 3, 3)), r"shape \(2, 3, 3\)"),
        (np.zeros((0, 0)), "must not be empty"),
        ([[1.0], [2.0, 3.0]], "different lengths"),
        (np.eye(2) * 1j, "complex"),
        (np.array([["a", "b"], ["c", "d"]]), "dtype"),
        (None, "dtype object"),
        (LinearOperator((2, 2), matvec=lambda v: v, dtype=complex), "complex"),
        (lambda v: v, "`n` must be given"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_bad_operators_are_named(function, bad, words):
    with pytest.raises((ValueError, TypeError), match=words) as caught:
        function(bad)
    assert "`operator`" in str(caught.value)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(
    ("product", "error", "words"),
    [
        (lambda v: v[:-1], ValueError, r"shape \(2,\)"),
        (lambda v: v[:, None], ValueError, r"shape \(3, 1\)"),
        (lambda v: v.sum(), ValueError, r"shape \(\)"),
        (lambda v: v * 1j, TypeError, "complex"),
        (lambda v: None, TypeError, "object"),
    ],
)
def test_bad_products_are_named(function, product, error, words):
    with pytest.raises(error, match=f"`operator` must.*{words}"):
        function(product, n=3)


def test_n_of_a_matrix_may_be_said_but_not_changed():
    assert trace(np.eye(3), n=3).value == 3.0
    with pytest.raises(ValueError, match="`n` must be the operator's size 3 or None, got 4"):
        trace(np.eye(3), n=4)


@pytest.mark.parametrize(
    ("function", "options", "words"),
    [
        (extreme_eigenpairs, {"k": 0}, "`k` must be a positive integer"),
        (extreme_eigenpairs, {"k": 4}, "`k` must be at most 3"),
        (extreme_eigenpairs, {"which": "middle"}, "`which` must be"),
        (extreme_eigenpairs, {"tol": 0.0}, "`tol` must be positive"),
        (extreme_eigenpairs, {"tol": "small"}, "`tol` must be positive"),
        (extreme_eigenpairs, {"tol": np.nan}, "`tol` must be positive"),
        (extreme_eigenpairs, {"max_products": 0}, "`max_products` must be"),
        (extreme_eigenpairs, {"rng": -1}, "`rng` must be"),
        (spectral_density, {"probes": 0}, "`probes` must be"),
        (spectral_density, {"steps": 1.5}, "`steps` must be"),
        (spectral_density, {"grid": [1.0]}, "`grid` must have shape"),
        (spectral_density, {"grid": [1.0, 0.0]}, "`grid` must be finite and increase"),
        (spectral_density, {"grid": ["a", "b"]}, "`grid` must be real"),
        (curvature_fractions, {"tol": -1.0}, "`tol` must be not negative"),
        (curvature_fractions, {"tol": np.inf}, "`tol` must be not negative and finite"),
        (trace, {"products": 1}, "`products` must be at least 2"),
        (trace, {"products": 0}, "`products` must be a positive integer"),
        (condition_number, {"tol": 1.0}, "`tol` must be positive and less than 1"),
        (condition_number, {"max_products": 2}, "`max_products` must be at least 12"),
        (negative_curvature_direction, {"failure": 0.0}, "`failure` must be positive"),
        (negative_curvature_direction, {"max_products": 1}, "`max_products` must be at least 2"),
        (negative_curvature_direction, {"tol": -0.1}, "`tol` must be not negative"),
    ],
)
def test_bad_arguments_are_named(function, options, words):
    with pytest.raises((ValueError, TypeError), match=words):
        function(np.eye(3), **options)


@settings(max_examples=10)
@given(seeds)
def test_a_denormal_or_huge_matrix_is_a_matrix(seed):
    rng = np.random.default_rng(seed)
    for scale in (1e-310, 1e307):
        H = np.diag(scale * rng.integers(1, 9, 80).astype(float))
        found = extreme_eigenpairs(H, rng=seed)
        np.testing.assert_allclose(found.values / scale, [H.diagonal().min() / scale,
                                   H.diagonal().max() / scale], rtol=1e-9)  # fmt: skip


def test_everything_public_is_documented_and_exported():
    for name in spectrum.__all__:
        assert getattr(spectrum, name).__doc__
