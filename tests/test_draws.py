"""Rows of random numbers: the reference's bits, alike at every width and in every shape."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import streams as reference

from saddlecore import draws
from saddlelab.draws import Draws

KEYS, ROWS = st.integers(0, 2**64 - 1), st.sampled_from([0, 5, 2**32 - 1, 2**40 + 3])
PURPOSES, SIZES = st.integers(0, 2**32 - 1), st.integers(1, 40)


def filled(fill, key, purpose, first, rows, size):
    out = np.full((rows, size), np.nan)
    fill(np.uint64(key), purpose, first, out)
    return out


@given(KEYS, PURPOSES, ROWS, SIZES)
def test_the_numbers_are_those_of_the_streams(key, purpose, row, size):
    normals = filled(draws.fill_normals, key, purpose, row, 1, size)[0]
    uniforms = filled(draws.fill_uniforms, key, purpose, row, 1, size)[0]
    for j in range(size):
        words = reference.block(key, row, j // 2, purpose)
        assert uniforms[j] == float(reference.radius_uniform(words[j % 2]))
        exact = reference.normal_pair(*words)[j % 2]
        # a logarithm to 2 ulp, a root, a polynomial of |w| ≤ ½ and products
        assert abs(normals[j] - exact) <= 8 * np.finfo(float).eps * abs(exact)


@given(KEYS, PURPOSES, ROWS, SIZES)
def test_every_width_gives_the_same_bits(key, purpose, row, size):
    for fill, scalar in (
        (draws.fill_normals, draws.fill_normals_scalar),
        (draws.fill_uniforms, draws.fill_uniforms_scalar),
    ):
        one = filled(fill, key, purpose, row, 3, size)
        np.testing.assert_array_equal(one, filled(scalar, key, purpose, row, 3, size))
        alone = filled(fill, key, purpose, row + 2, 1, size + 3)[0, :size]
        np.testing.assert_array_equal(one[2], alone)


def test_moments():
    """Of 10⁶ numbers, to six standard errors."""
    n, made = 10**6, Draws(0, "moments")
    z, u = made.normals(1000, 1000).ravel(), made.uniforms(1000, 1000).ravel()
    assert abs(z.mean()) < 6 / n**0.5
    assert abs((z**2).mean() - 1.0) < 6 * (2 / n) ** 0.5
    assert abs(u.mean() - 0.5) < 6 * (1 / 12 / n) ** 0.5
    assert abs((z[::2] * z[1::2]).mean()) < 6 * (2 / n) ** 0.5
    assert abs(((u[::2] - 0.5) * (u[1::2] - 0.5)).mean()) < 6 * (2 / n) ** 0.5 / 12


@pytest.mark.parametrize("other", [Draws(1, "a"), Draws(0, "b"), Draws(0, "a", size=3)])
def test_other_seeds_names_and_parameters_give_other_numbers(other):
    mine = Draws(0, "a")
    assert not np.intersect1d(mine.uniforms(2, 9), other.uniforms(2, 9)).size
    assert not np.intersect1d(mine.uniforms(2, 9), mine.uniforms(2, 9, purpose=1)).size


def test_orders_are_permutations_and_all_of_them_come():
    made = Draws(0, "orders")
    seen = {tuple(made.order(3, purpose).tolist()) for purpose in range(200)}
    assert len(seen) == 6
    assert {tuple(sorted(order)) for order in seen} == {(0, 1, 2)}
