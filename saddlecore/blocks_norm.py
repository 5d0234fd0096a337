"""Rows normalised by the mean and variance of each column: batch norm, and layer norm turned.

    y = γ û + β,   û = s (x − μ),   s = (var + ε)^(−1/2)

(Ioffe & Szegedy 2015, arXiv:1502.03167; of layer norm, Ba et al. 2016, arXiv:1607.06450, the
columns are samples).  Backwards and forwards, with e = γ ∂ℓ/∂y, c = ẋ − m(ẋ) and m(·) the mean
down a column,

    ∂ℓ/∂x = s (e − m(e) − û m(e û)),      dû = s (c − û m(û c)).

Arrays are flat, rows of `wide` numbers, a multiple of eight: eight columns in a register, row after
row of a block of columns whose sums fit in the cache.  What belongs to columns has `wide` numbers.
γ and β belong to columns if ``across``, else to rows.
"""

import math

from saddlecore.jit import device, kernel
from saddlecore.laneops import fold, splat, zeros
from saddlecore.memory import load, store

__all__ = ["normalise", "normalise_along", "normalise_backward"]

#: Columns of a block.
_BLOCK = 256


@device
def _of(like, gamma, across, i, j):
    """γ of row i in the columns from j on."""
    if across:
        return load(like, gamma, j)
    return splat(like, gamma[i])


@device
def _add_to(like, sums, j, x):
    store(sums, j, load(like, sums, j) + x)


@device
def _divide(like, sums, first, last, rows):
    for j in range(first, last, 8):
        store(sums, j, load(like, sums, j) / rows)


@device
def _means(like, x, rows, wide, first, last, out):
    """Means of columns."""
    for j in range(first, last):
        out[j] = 0.0
    for i in range(rows):
        for j in range(first, last, 8):
            _add_to(like, out, j, load(like, x, i * wide + j))
    _divide(like, out, first, last, rows)


@device
def _moments(like, x, rows, wide, first, last, epsilon, mean, variance, scale):
    _means(like, x, rows, wide, first, last, mean)
    for j in range(first, last):
        variance[j] = 0.0
    for i in range(rows):
        for j in range(first, last, 8):
            off = load(like, x, i * wide + j) - load(like, mean, j)
            _add_to(like, variance, j, off * off)
    _divide(like, variance, first, last, rows)
    for j in range(first, last, 8):
        store(scale, j, 1.0 / math.sqrt(load(like, variance, j) + epsilon))


@kernel
def normalise(x, wide, epsilon, gamma, beta, across, mean, variance, scale, hat, y):
    """Write μ, var, s of the columns, û and y.

    Parameters
    ----------
    x : (rows · wide,) float64
    wide : int
    epsilon : float
    gamma, beta : (wide,) or (rows,) float64
    across : bool
        Which of the two.
    mean, variance, scale : (wide,) float64, out
    hat, y : float64, out
        Like x.
    """
    like = zeros(8)
    rows = len(x) // wide
    for first in range(0, wide, _BLOCK):
        last = min(first + _BLOCK, wide)
        _moments(like, x, rows, wide, first, last, epsilon, mean, variance, scale)
        for i in range(rows):
            for j in range(first, last, 8):
                k = i * wide + j
                u = load(like, scale, j) * (load(like, x, k) - load(like, mean, j))
                store(hat, k, u)
                store(y, k, _of(like, gamma, across, i, j) * u + _of(like, beta, across, i, j))


@kernel
def normalise_backward(dy, wide, gamma, across, scale, hat, sums, dx, dgamma, dbeta):
    """Write ∂ℓ/∂x, and add the derivatives by γ and β to what stands there.

    Parameters
    ----------
    dy : (rows · wide,) float64
        ∂ℓ/∂y; 0 in columns that there are not.
    wide, gamma, across, scale, hat
        As for `normalise`.
    sums : (2, wide) float64, scratch
        Zeros.
    dx : float64, out
        Like dy.
    dgamma, dbeta : float64, in and out
        Like gamma.
    """
    like = zeros(8)
    rows, means, products = len(dy) // wide, sums[0], sums[1]
    for first in range(0, wide, _BLOCK):
        last = min(first + _BLOCK, wide)
        for i in range(rows):
            along, total = splat(like, 0.0), splat(like, 0.0)
            for j in range(first, last, 8):
                d, u = load(like, dy, i * wide + j), load(like, hat, i * wide + j)
                e = _of(like, gamma, across, i, j) * d
                _add_to(like, means, j, e)
                _add_to(like, products, j, e * u)
                if across:
                    _add_to(like, dgamma, j, d * u)
                    _add_to(like, dbeta, j, d)
                else:
                    along += d * u
                    total += d
            if not across:
                dgamma[i] += fold(0.0, along)
                dbeta[i] += fold(0.0, total)
        _divide(like, means, first, last, rows)
        _divide(like, products, first, last, rows)
        for i in range(rows):
            for j in range(first, last, 8):
                k = i * wide + j
                e = _of(like, gamma, across, i, j) * load(like, dy, k)
                inner = e - load(like, means, j) - load(like, hat, k) * load(like, products, j)
                store(dx, k, load(like, scale, j) * inner)


@kernel
def normalise_along(r, wide, gamma, across, scale, hat, rgamma, rbeta, sums, out):
    """Write the derivative of y along ẋ = r, γ̇ and β̇.

    Parameters
    ----------
    r : (rows · wide,) float64
    wide, gamma, across, scale, hat
        As for `normalise`.
    rgamma, rbeta : float64
        Like gamma.
    sums : (2, wide) float64, scratch
        Zeros.
    out : float64, out
        Like r.
    """
    like = zeros(8)
    rows, means, products = len(r) // wide, sums[0], sums[1]
    for first in range(0, wide, _BLOCK):
        last = min(first + _BLOCK, wide)
        _means(like, r, rows, wide, first, last, means)
        for i in range(rows):
            for j in range(first, last, 8):
                c = load(like, r, i * wide + j) - load(like, means, j)
                _add_to(like, products, j, load(like, hat, i * wide + j) * c)
        _divide(like, products, first, last, rows)
        for i in range(rows):
            for j in range(first, last, 8):
                k = i * wide + j
                u = load(like, hat, k)
                c = load(like, r, k) - load(like, means, j)
                moved = load(like, scale, j) * (c - u * load(like, products, j))
                store(out, k, _of(like, rgamma, across, i, j) * u
                      + _of(like, gamma, across, i, j) * moved
                      + _of(like, rbeta, across, i, j))  # fmt: skip
