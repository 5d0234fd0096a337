"""Softmax down columns, its Jacobian, and how saturated it is.

    p_i = exp z_i / Σ_j exp z_j,     J = diag(p) − p pᵀ

A stack of matrices of `rows` by `wide` numbers, flat; `wide` is a multiple of eight, eight columns
in a register.  z may be −∞, but not all of a column.  1 − p of the largest is the sum of the
others, so that a saturated column loses no digits.
"""

import math

from saddlecore.jit import device, kernel
from saddlecore.laneops import select, splat, zeros
from saddlecore.memory import load, store

__all__ = ["saturation", "softmax", "softmax_times"]


@device
def _largest(like, z, at, rows, wide):
    """Value and row of the first that is largest."""
    top, row = load(like, z, at), splat(like, 0.0)
    for i in range(1, rows):
        value = load(like, z, at + i * wide)
        higher = value > top
        top, row = select(higher, value, top), select(higher, splat(like, 1.0 * i), row)
    return top, row


@device
def _rest(like, z, at, rows, wide, top, row):
    """Σ exp(z − top) of all but the largest."""
    rest = splat(like, 0.0)
    for i in range(rows):
        e = math.exp(load(like, z, at + i * wide) - top)
        rest += select(row == 1.0 * i, splat(like, 0.0), e)
    return rest


@kernel
def softmax(z, rows, wide, p):
    """Write p.

    Parameters
    ----------
    z : (stack · rows · wide,) float64
    rows, wide : int
    p : float64, out
        Like z.
    """
    like = zeros(8)
    for first in range(0, len(z), rows * wide):
        for at in range(first, first + wide, 8):
            top, row = _largest(like, z, at, rows, wide)
            total = 1.0 + _rest(like, z, at, rows, wide, top, row)
            for k in range(at, at + rows * wide, wide):
                store(p, k, math.exp(load(like, z, k) - top) / total)


@kernel
def softmax_times(p, rows, wide, r, out):
    """Write J r, which is backwards and forwards the same: p (r − p·r).

    Parameters
    ----------
    p : (stack · rows · wide,) float64
    rows, wide : int
    r : float64
        Like p.
    out : float64, out
        Like p.
    """
    like = zeros(8)
    for first in range(0, len(p), rows * wide):
        for at in range(first, first + wide, 8):
            mean = splat(like, 0.0)
            for k in range(at, at + rows * wide, wide):
                mean += load(like, p, k) * load(like, r, k)
            for k in range(at, at + rows * wide, wide):
                store(out, k, load(like, p, k) * (load(like, r, k) - mean))


@device
def _others(like, z, at, rows, wide, top, row, total):
    """Over all but the largest: Σ p (ln Σ exp − z), Σ p², and p²((1 − p)² − p²) summed."""
    log, zero = math.log1p(total - 1.0), splat(like, 0.0)
    entropy, squares, mixed = zero, zero, zero
    for i in range(rows):
        off = load(like, z, at + i * wide) - top
        e = math.exp(off)
        counts = (row != 1.0 * i) & (e > 0.0)
        p = select(counts, e / total, zero)
        entropy += p * (log - select(counts, off, zero))
        squares += p * p
        mixed += p * p * (1.0 - 2.0 * p)
    return entropy, squares, mixed


@kernel
def saturation(z, rows, wide, entropy, largest, jacobian):
    """Write −Σ p ln p, max p and ‖J‖_F of each column.

    ‖J‖_F² = Σ_i p_i² ((1 − p_i)² + Σ_{j≠i} p_j²).

    Parameters
    ----------
    z : (stack · rows · wide,) float64
    rows, wide : int
    entropy, largest, jacobian : (stack · wide,) float64, out
    """
    like = zeros(8)
    for stack in range(len(z) // (rows * wide)):
        for j in range(0, wide, 8):
            at = stack * rows * wide + j
            top, row = _largest(like, z, at, rows, wide)
            rest = _rest(like, z, at, rows, wide, top, row)
            total = 1.0 + rest
            p, off = 1.0 / total, rest / total
            h, squares, mixed = _others(like, z, at, rows, wide, top, row, total)
            inner = mixed + squares * (p * p + squares)
            store(entropy, stack * wide + j, h + p * math.log1p(rest))
            store(largest, stack * wide + j, p)
            store(jacobian, stack * wide + j, math.sqrt(p * p * (off * off + squares) + inner))
