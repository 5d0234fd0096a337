"""Random matrices by NumPy, entry by entry, and laws of their indices by counting all of them."""

import itertools
import json
from fractions import Fraction
from pathlib import Path

import numpy as np

from reference.streams import block, ctx, mpf, normal_pair, radius_uniform

DATA = Path(__file__).parent.parent / "data"


def entries(rng, law, nu, shape):
    """Independent numbers of mean 0 and variance 1; Student's t raw for nu <= 2."""
    if law == "gaussian":
        return rng.standard_normal(shape)
    if law == "rademacher":
        return rng.choice([-1.0, 1.0], shape)
    if law == "uniform":
        return rng.uniform(-np.sqrt(3), np.sqrt(3), shape)
    if law == "laplace":
        return rng.laplace(0, np.sqrt(0.5), shape)
    return rng.standard_t(nu, shape) * (np.sqrt((nu - 2) / nu) if nu > 2 else 1)


def symmetric(upper):
    """The symmetric matrices whose upper triangles these are."""
    upper = np.triu(upper)
    return upper + np.swapaxes(np.triu(upper, 1), -1, -2)


def wigner(rng, n, samples, law="gaussian", nu=3.0, diagonal=1.0, shift=0.0):
    H = symmetric(entries(rng, law, nu, (samples, n, n)))
    i = np.arange(n)
    H[:, i, i] = H[:, i, i] * np.sqrt(diagonal) - shift * 2 * np.sqrt(n)
    return H


def sparse(rng, n, samples, degree, shift=0.0):
    p = min(1.0, degree / n)
    here = rng.random((samples, n, n)) < p
    H = symmetric(here * rng.standard_normal((samples, n, n)) / np.sqrt(p))
    return H - shift * 2 * np.sqrt(n) * np.eye(n)


def wishart_goe(rng, n, samples, m, energy):
    J = rng.standard_normal((samples, n, m))
    G = rng.standard_normal((samples, n, n))
    G = (G + np.swapaxes(G, 1, 2)) / np.sqrt(2)
    return J @ np.swapaxes(J, 1, 2) / m + np.sqrt(2 * energy / n) * G


def index(stack):
    """Numbers of negative eigenvalues; what rounding makes of a zero is none."""
    values = np.linalg.eigvalsh(stack)
    norm = np.linalg.norm(stack, axis=(1, 2))
    return np.sum(values < -len(stack[0]) * np.finfo(float).eps * norm[:, None], axis=1)


def histogram(sampler, n, samples, chunk=20_000):
    counts = np.zeros(n + 1, np.int64)
    for start in range(0, samples, chunk):
        counts += np.bincount(index(sampler(min(chunk, samples - start))), minlength=n + 1)
    return counts


def sign_law(n):
    """The law of the index of symmetric matrices of signs, all of them, by exact elimination."""
    counts = [0] * (n + 1)
    for signs in itertools.product((1, -1), repeat=n * (n + 1) // 2):
        A = [[Fraction(0)] * n for _ in range(n)]
        for (i, j), x in zip(itertools.combinations_with_replacement(range(n), 2), signs,
                             strict=True):  # fmt: skip
            A[i][j] = A[j][i] = Fraction(x)
        counts[negatives(A)] += 1
    return np.array(counts) / sum(counts)


def negatives(A):
    """Negative eigenvalues of a matrix of fractions, by congruence."""
    A = [row[:] for row in A]
    left, found = list(range(len(A))), 0
    while left:
        i = next((i for i in left if A[i][i] != 0), None)
        if i is not None:
            found += A[i][i] < 0
            left.remove(i)
            for r in left:
                f = A[r][i] / A[i][i]
                for c in left:
                    A[r][c] -= f * A[i][c]
            continue
        pair = next(((i, j) for i in left for j in left if A[i][j] != 0), None)
        if pair is None:
            break
        # x_i → x_i + x_j makes a diagonal entry 2 a_ij
        i, j = pair
        for c in range(len(A)):
            A[i][c] += A[j][c]
        for r in range(len(A)):
            A[r][i] += A[r][j]
    return found


def ginibre_law(n):
    """Exact law of the number of eigenvalues with negative real part."""
    table = json.loads((DATA / "ginibre_real_halfplane.json").read_text())["tables"]
    return np.array([float(p) for p in table[str(n)]["p"]])


# --- the streams' entries, with 40 digits --------------------------------------------------------


def sign(word, bit):
    return -1 if (word >> (63 - bit)) & 1 else 1


def pair(law, A, B, nu=3):
    """The entries of a block; see saddlecore/entries.py."""
    if law == "gaussian":
        return normal_pair(A, B)
    if law == "uniform":
        return tuple(ctx.sqrt(3) * (2 * radius_uniform(word) - 1) for word in (A, B))
    if law == "laplace":
        return tuple(
            ctx.log(radius_uniform(word)) / ctx.sqrt(2) * (-1 if word & 1 else 1) for word in (A, B)
        )
    nu = mpf(nu)
    angle = ctx.pi / 2 * (mpf(B % 2**39) / 2**39 - mpf("0.5"))
    part = ctx.sin(angle) if (B >> 62) & 1 else ctx.cos(angle)
    scale = ctx.sqrt((nu - 2) / nu) if nu > 2 else 1
    t = scale * ctx.sqrt(nu * (radius_uniform(A) ** (-2 / nu) - 1)) * part
    return (-t if B >> 63 else t,)


def wigner_of_stream(key, sample, n, law, nu=3):
    """The matrix of a sample: entries along the rows of the upper triangle, block by block."""
    numbers, at = [], 0
    while len(numbers) < n * (n + 1) // 2:
        A, B = block(key, sample, at)
        if law == "rademacher":
            numbers += [sign(word, bit) for word in (A, B) for bit in range(64)]
        else:
            numbers += pair(law, A, B, nu)
        at += 1
    H = np.zeros((n, n))
    for (i, j), x in zip(itertools.combinations_with_replacement(range(n), 2), numbers,
                         strict=False):  # fmt: skip
        H[i, j] = H[j, i] = x
    return H

