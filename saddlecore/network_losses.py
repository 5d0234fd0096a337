"""Losses of a network's outputs u against targets y, with two derivatives, in lanes over samples.

`SQUARED_ERROR`
    ½ Σ (u − y)².
`CROSS_ENTROPY`
    ln Σ exp u_k − u_y, y a class.
`BINARY_CROSS_ENTROPY`
    Σ ln(1 + exp u) − y u, y from 0 to 1.

Outputs and targets are rows of m samples; `s` is the first sample of the lanes.
"""

import math

import numpy as np

from saddlecore.activations import sigmoid, softplus
from saddlecore.jit import device
from saddlecore.laneops import lane, lane_numbers, select, splat
from saddlecore.memory import load, store

__all__ = [
    "BINARY_CROSS_ENTROPY",
    "CROSS_ENTROPY",
    "SQUARED_ERROR",
    "loss_alone",
    "loss_and_slope",
    "loss_curvature",
    "loss_curvature_times",
    "masks",
    "sum_of",
]  # fmt: skip

SQUARED_ERROR, CROSS_ENTROPY, BINARY_CROSS_ENTROPY = range(3)


@device
def masks(like, s, count):
    """1 for the samples from s on that there are, 0 for the others."""
    there = lane_numbers(like) < np.uint64(max(count - s, 0))
    return select(there, splat(like, 1.0), splat(like, 0.0))


@device
def sum_of(lanes):
    """The sum of eight lanes."""
    total = 0.0
    for k in range(8):
        total += lane(lanes, k)
    return total


@device
def _softmax(like, u, at, m, outputs, g, g_at):
    """Write exp(u − max) / Σ; return the max and ln Σ."""
    top = load(like, u, at)
    for k in range(1, outputs):
        top = max(top, load(like, u, at + k * m))
    total = splat(like, 0.0)
    for k in range(outputs):
        e = math.exp(load(like, u, at + k * m) - top)
        total += e
        store(g, g_at + k * m, e)
    for k in range(outputs):
        store(g, g_at + k * m, load(like, g, g_at + k * m) / total)
    return top, math.log(total)


@device
def _cross_entropy(like, u, at, m, outputs, y, s, mask, g):
    top, rest = _softmax(like, u, at + s, m, outputs, g, at + s)
    label, chosen = load(like, y, s), splat(like, 0.0)
    for k in range(outputs):
        here = label == 1.0 * k
        p = load(like, g, at + k * m + s)
        chosen = select(here, load(like, u, at + k * m + s), chosen)
        store(g, at + k * m + s, mask * select(here, p - 1.0, p))
    return mask * ((top - chosen) + rest)


@device
def loss_alone(like, loss, u, at, m, outputs, y, s, mask):
    """The loss of `loss_and_slope`, to the bit but for the sign of 0."""
    total = splat(like, 0.0)
    if loss == CROSS_ENTROPY:
        label, chosen, top = load(like, y, s), splat(like, 0.0), load(like, u, at + s)
        for k in range(1, outputs):
            top = max(top, load(like, u, at + k * m + s))
        for k in range(outputs):
            uk = load(like, u, at + k * m + s)
            total += math.exp(uk - top)
            chosen = select(label == 1.0 * k, uk, chosen)
        return mask * ((top - chosen) + math.log(total))
    for k in range(outputs):
        uk, yk = load(like, u, at + k * m + s), load(like, y, k * m + s)
        if loss == SQUARED_ERROR:
            total += 0.5 * (uk - yk) * (uk - yk)
        else:
            total += softplus(like, uk) - yk * uk
    return mask * total


@device
def loss_and_slope(like, loss, u, at, m, outputs, y, s, mask, g):
    """Loss of the samples that `mask` (1 or 0) leaves; its gradient goes to g, at the same places.

    u and g are flat, output k of sample s at ``at + k·m + s``; y has rows of m.
    """
    if loss == CROSS_ENTROPY:
        return _cross_entropy(like, u, at, m, outputs, y, s, mask, g)
    total = splat(like, 0.0)
    for k in range(outputs):
        uk, yk = load(like, u, at + k * m + s), load(like, y, k * m + s)
        if loss == SQUARED_ERROR:
            off = uk - yk
            total += 0.5 * off * off
            store(g, at + k * m + s, mask * off)
        else:
            total += softplus(like, uk) - yk * uk
            store(g, at + k * m + s, mask * (sigmoid(like, uk)[0] - yk))
    return mask * total


@device
def loss_curvature_times(like, loss, u, at, m, outputs, s, mask, r, rg, p):
    """Second derivative of the loss by the outputs, times r; into rg.  p is scratch like g."""
    if loss == CROSS_ENTROPY:
        _softmax(like, u, at + s, m, outputs, p, s)
        mean = splat(like, 0.0)
        for k in range(outputs):
            mean += load(like, p, k * m + s) * load(like, r, at + k * m + s)
        for k in range(outputs):
            rk = load(like, r, at + k * m + s)
            store(rg, at + k * m + s, mask * (load(like, p, k * m + s) * (rk - mean)))
        return
    for k in range(outputs):
        rk = load(like, r, at + k * m + s)
        if loss == BINARY_CROSS_ENTROPY:
            q, rest = sigmoid(like, load(like, u, at + k * m + s))
            rk *= q * rest
        store(rg, at + k * m + s, mask * rk)


@device
def loss_curvature(like, loss, u, at, m, outputs, s, mask, p, Q):
    """Write the second derivative by the outputs to Q, outputs² lanes."""
    w = 8
    if loss == CROSS_ENTROPY:
        _softmax(like, u, at + s, m, outputs, p, s)
    for i in range(outputs):
        for j in range(outputs):
            value = splat(like, 0.0)
            if loss == CROSS_ENTROPY:
                pi, pj = load(like, p, i * m + s), load(like, p, j * m + s)
                value = pi * (1.0 - pj) if i == j else -pi * pj
            elif i == j and loss == SQUARED_ERROR:
                value = splat(like, 1.0)
            elif i == j:
                q, rest = sigmoid(like, load(like, u, at + i * m + s))
                value = q * rest
            store(Q, (i * outputs + j) * w, mask * value)
