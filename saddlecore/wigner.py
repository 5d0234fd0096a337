"""Samplers of matrices with independent entries: Wigner's, sparse ones, and Ginibre's.

Each is a form, see `saddlecore.entries`; one for eight lanes and one for plain numbers.
"""

import numpy as np
from numba import carray

from saddlecore.entries import (
    REQUEST,
    SCRATCH,
    asked,
    block,
    fill_entries,
)
from saddlecore.forms import pointer_at, words_at
from saddlecore.jit import c_function, device
from saddlecore.laneops import fma, select, width, zeros
from saddlecore.memory import store
from saddlecore.streams import normal_pair, uniform

__all__ = ["ginibre_lanes", "ginibre_plain", "sparse_lanes", "sparse_plain", "wigner_lanes",
           "wigner_plain"]  # fmt: skip


@device
def _wigner(z, words, numbers, n, A):
    """Numbers: law, √variance of the diagonal, shift, ν, scale of Student's t."""
    law, diagonal, shift, nu, scale = numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]
    scratch = A[n * n * width(z) :]
    fill_entries(
        z, asked(z, words), np.int64(law), A, n, diagonal, shift, nu, scale, scratch
    )


@c_function
def wigner_lanes(x, n, out, data):
    """Wigner matrices in eight lanes."""
    words, numbers = carray(words_at(x), REQUEST + 8), carray(pointer_at(data, 0.0), 5)
    _wigner(zeros(8), words, numbers, n, carray(out, (n * n + SCRATCH) * 8))


@c_function
def wigner_plain(x, n, out, data):
    """One Wigner matrix."""
    words, numbers = carray(words_at(x), REQUEST + 1), carray(pointer_at(data, 0.0), 5)
    _wigner(zeros(1), words, numbers, n, carray(out, n * n + SCRATCH))


@device
def _sparse(z, words, numbers, n, A):
    """Numbers: probability of an entry, its standard deviation, shift.

    Blocks of attempt 0 say which entries there are, those of attempt 1 what they are.
    """
    w = width(z)
    p, scale, shift = numbers[0], numbers[1], numbers[2]
    request = asked(z, words)
    i = j = 0
    for number in range((n * (n + 1) // 2 + 1) // 2):
        one, other = block(request, number, 0)
        first, second = block(request, number, 1)
        u, v = normal_pair(first, second)
        here, there = uniform(one) < p, uniform(other) < p
        for _ in range(2):
            if i < n:
                entry = select(here, u, 0.0)
                entry = fma(entry, scale, -shift) if i == j else entry * scale
                store(A, (i * n + j) * w, entry)
                j += 1
                if j == n:
                    i += 1
                    j = i
            u, here = v, there


@c_function
def sparse_lanes(x, n, out, data):
    """Sparse matrices in eight lanes."""
    words = carray(words_at(x), REQUEST + 8)
    _sparse(zeros(8), words, carray(pointer_at(data, 0.0), 3), n, carray(out, n * n * 8))


@c_function
def sparse_plain(x, n, out, data):
    """One sparse matrix."""
    words = carray(words_at(x), REQUEST + 1)
    _sparse(zeros(1), words, carray(pointer_at(data, 0.0), 3), n, carray(out, n * n))


@device
def _ginibre(z, words, n, A):
    """All n² entries, along the rows."""
    w, request = width(z), asked(z, words)
    for number in range((n * n + 1) // 2):
        first, second = block(request, number, 0)
        x, y = normal_pair(first, second)
        store(A, 2 * number * w, x)
        store(A, (2 * number + 1) * w, y)  # of the last block perhaps to the scratch


@c_function
def ginibre_lanes(x, n, out, data):
    """Ginibre matrices in eight lanes."""
    _ginibre(zeros(8), carray(words_at(x), REQUEST + 8), n, carray(out, n * n * 8 + 8))


@c_function
def ginibre_plain(x, n, out, data):
    """One Ginibre matrix."""
    _ginibre(zeros(1), carray(words_at(x), REQUEST + 1), n, carray(out, n * n + 1))
