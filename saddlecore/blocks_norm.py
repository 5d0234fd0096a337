"""Rows normalised by the mean and variance of each column: batch norm, and layer norm turned.

    y = γ û + β,   û = s (x − μ),   s = (var + ε)^(−1/2)

(Ioffe & Szegedy 2015, arXiv:1502.03167; of layer norm, Ba et al. 2016, arXiv:1607.06450, the
columns are samples).  Backwards and forwards, with e = γ ∂ℓ/∂y, c = ẋ − m(ẋ) and m(·) the mean
down a column,

    ∂ℓ/∂x = s (e − m(e) − û m(e û)),      dû = s (c − û m(û c)).

Arrays are flat, rows of `wide` numbers, a multiple of eight: eight columns in a register.  What
belongs to columns has `wide` numbers.  γ and β belong to columns if ``across``, else to rows.
"""

import math

from saddlecore.jit import device, kernel
from saddlecore.laneops import fold, splat, zeros
from saddlecore.memory import load, store

__all__ = ["normalise", "normalise_along", "normalise_backward"]


@device
def _of(like, gamma, across, i, j):
    """γ of row i in the columns from j on."""
    if across:
        return load(like, gamma, j)
    return splat(like, gamma[i])


@device
def _mean(like, x, wide, j):
    total = splat(like, 0.0)
    for k in range(j, len(x), wide):
        total += load(like, x, k)
    return total / (len(x) // wide)


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
    for j in range(0, wide, 8):
        m, squares = _mean(like, x, wide, j), splat(like, 0.0)
        for i in range(rows):
            off = load(like, x, i * wide + j) - m
            squares += off * off
        v = squares / rows
        s = 1.0 / math.sqrt(v + epsilon)
        store(mean, j, m)
        store(variance, j, v)
        store(scale, j, s)
        for i in range(rows):
            u = s * (load(like, x, i * wide + j) - m)
            store(hat, i * wide + j, u)
            store(y, i * wide + j, _of(like, gamma, across, i, j) * u
                  + _of(like, beta, across, i, j))  # fmt: skip


@kernel
def normalise_backward(dy, wide, gamma, across, scale, hat, dx, dgamma, dbeta):
    """Write ∂ℓ/∂x, and add the derivatives by γ and β to what stands there.

    Parameters
    ----------
    dy : (rows · wide,) float64
        ∂ℓ/∂y; 0 in columns that there are not.
    wide, gamma, across, scale, hat
        As for `normalise`.
    dx : float64, out
        Like dy.
    dgamma, dbeta : float64, in and out
        Like gamma.
    """
    like = zeros(8)
    rows = len(dy) // wide
    for j in range(0, wide, 8):
        total, product = splat(like, 0.0), splat(like, 0.0)
        for i in range(rows):
            k = i * wide + j
            d, u = load(like, dy, k), load(like, hat, k)
            e = _of(like, gamma, across, i, j) * d
            total += e
            product += e * u
            if across:
                store(dgamma, j, load(like, dgamma, j) + d * u)
                store(dbeta, j, load(like, dbeta, j) + d)
            else:
                dgamma[i] += fold(0.0, d * u)
                dbeta[i] += fold(0.0, d)
        m, h, s = total / rows, product / rows, load(like, scale, j)
        for i in range(rows):
            k = i * wide + j
            e = _of(like, gamma, across, i, j) * load(like, dy, k)
            store(dx, k, s * (e - m - load(like, hat, k) * h))


@kernel
def normalise_along(r, wide, gamma, across, scale, hat, rgamma, rbeta, out):
    """Write the derivative of y along ẋ = r, γ̇ and β̇.

    Parameters
    ----------
    r : (rows · wide,) float64
    wide, gamma, across, scale, hat
        As for `normalise`.
    rgamma, rbeta : float64
        Like gamma.
    out : float64, out
        Like r.
    """
    like = zeros(8)
    rows = len(r) // wide
    for j in range(0, wide, 8):
        m, product, s = _mean(like, r, wide, j), splat(like, 0.0), load(like, scale, j)
        for i in range(rows):
            k = i * wide + j
            product += load(like, hat, k) * (load(like, r, k) - m)
        h = product / rows
        for i in range(rows):
            k = i * wide + j
            u = load(like, hat, k)
            moved = s * (load(like, r, k) - m - u * h)
            store(out, k, _of(like, rgamma, across, i, j) * u
                  + _of(like, gamma, across, i, j) * moved
                  + _of(like, rbeta, across, i, j))  # fmt: skip
