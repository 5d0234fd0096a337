"""Steps of first-order optimizers, with the arithmetic of PyTorch's.

A rule is a loop over the variables of one group of lanes: it turns x, the gradient g and what the
method remembers into the next x.  What changes from step to step (learning rate, bias corrections)
stands in a row of coefficients that `saddlelab` computes; what does not, in `options`.
"""

import numpy as np

from saddlecore.jit import device
from saddlecore.laneops import fma, splat, width
from saddlecore.memory import load, store
from saddlecore.quotients import quotient, root

__all__ = [
    "ADAGRAD",
    "ADAM",
    "AMSGRAD",
    "CLIP_NORM",
    "CLIP_VALUE",
    "COEFFICIENTS",
    "FALL",
    "HEAVY_BALL",
    "KICK",
    "LOOK_AHEAD",
    "NADAM",
    "NESTEROV",
    "NOISE",
    "OPTIONS",
    "PLAIN",
    "RMSPROP",
    "RMSPROP_CENTERED",
    "ROWS",
    "TERMS",
    "THRESHOLD",
    "WAIT",
    "clip",
    "look_ahead",
    "step",
]  # fmt: skip

#: The rules; how many vectors each remembers is their `memory` in `saddlelab`.
PLAIN, HEAVY_BALL, NESTEROV, LOOK_AHEAD = range(4)
ADAGRAD, RMSPROP, RMSPROP_CENTERED, ADAM, AMSGRAD, NADAM = range(4, 10)

#: Columns of the coefficients: the rate that multiplies the step; two that the rule explains;
#: what decoupled weight decay leaves of x.
RATE, FIRST, SECOND, KEPT = range(4)
COEFFICIENTS = 4
#: Places in `options`.  DECAY: of weights, added to the gradient; BETA, BETA2: what is kept of the
#: averages of gradients and of their squares; EPS is added to a root, EPS_INSIDE under it.
DECAY, BETA, BETA2, EPS, EPS_INSIDE = range(5)
#: Of every method: standard deviation of the noise added to each entry of the gradient; the largest
#: norm and the largest entry of what is passed on of it.  0: none.
NOISE, CLIP_NORM, CLIP_VALUE = range(5, 8)
#: Of perturbed gradient descent: the gradient below which x is kicked, how far, for how many steps
#: it is then let alone, and by how much f must have fallen after these.
THRESHOLD, KICK, WAIT, FALL = range(8, 12)
#: Of methods that take a few terms of a mean over data in each step: how many, out of how many.
TERMS, ROWS = 12, 13
OPTIONS = 14


@device
def _slope(like, o, x, g, k):
    """The gradient with weight decay."""
    return fma(splat(like, o[DECAY]), x, load(like, g, k))


@device
def _move(like, c, x, k, xi, by):
    """Write x kept, minus the rate times the step."""
    store(x, k, fma(splat(like, -c[RATE]), by, c[KEPT] * xi))


@device
def _average(like, beta, old, new):
    """β·old + (1 − β)·new."""
    return fma(splat(like, 1.0 - beta), new - old, old)


@device
def _average_square(like, beta, old, new):
    return fma((1.0 - beta) * new, new, beta * old)


@device
def _plain(like, n, at, x, g, memory, c, o):
    w = width(like)
    for k in range(at, at + n * w, w):
        xi = load(like, x, k)
        _move(like, c, x, k, xi, _slope(like, o, xi, g, k))


@device
def _heavy_ball(like, n, at, x, g, memory, c, o):
    """b ← μ b + (1 − dampening) g, FIRST being 1 − dampening (1 in the first step)."""
    w, b = width(like), memory[0]
    for k in range(at, at + n * w, w):
        xi = load(like, x, k)
        bi = fma(splat(like, c[FIRST]), _slope(like, o, xi, g, k), o[BETA] * load(like, b, k))
        store(b, k, bi)
        _move(like, c, x, k, xi, bi)


@device
def _nesterov(like, n, at, x, g, memory, c, o):
    w, b = width(like), memory[0]
    for k in range(at, at + n * w, w):
        xi = load(like, x, k)
        slope = _slope(like, o, xi, g, k)
        bi = fma(splat(like, o[BETA]), load(like, b, k), slope)
        store(b, k, bi)
        _move(like, c, x, k, xi, fma(splat(like, o[BETA]), bi, slope))


@device
def _look_ahead(like, n, at, x, g, memory, c, o):
    """v ← μ v − rate·∇f(x + μ v), x ← x + v (Nesterov 1983, as Sutskever et al. 2013 write it)."""
    w, v = width(like), memory[0]
    for k in range(at, at + n * w, w):
        xi, vi = load(like, x, k), o[BETA] * load(like, v, k)
        vi = fma(splat(like, -c[RATE]), _slope(like, o, xi + vi, g, k), vi)
        store(v, k, vi)
        store(x, k, xi + vi)


@device
def look_ahead(like, n, at, x, memory, o, out):
    """The points x + μ v where LOOK_AHEAD takes the gradient, to the beginning of `out`."""
    w = width(like)
    for i in range(n):
        k = at + i * w
        v = load(like, memory[0], k)
        store(out, i * w, fma(splat(like, o[BETA]), v, load(like, x, k)))


@device
def clip(like, n, at, g, o):
    """Shorten the gradient, as ``clip_grad_norm_`` and then ``clip_grad_value_`` would."""
    w, square = width(like), splat(like, 0.0)
    share = splat(like, 1.0)
    if o[CLIP_NORM] > 0.0:
        for k in range(at, at + n * w, w):
            square += load(like, g, k) * load(like, g, k)
        share = min(share, o[CLIP_NORM] / (root(square) + 1e-6))
    most = splat(like, o[CLIP_VALUE] if o[CLIP_VALUE] > 0.0 else np.inf)
    for k in range(at, at + n * w, w):
        store(g, k, max(min(share * load(like, g, k), most), -most))


@device
def _adagrad(like, n, at, x, g, memory, c, o):
    """Duchi, Hazan & Singer 2011."""
    w, v = width(like), memory[0]
    for k in range(at, at + n * w, w):
        xi = load(like, x, k)
        slope = _slope(like, o, xi, g, k)
        vi = fma(slope, slope, load(like, v, k))
        store(v, k, vi)
        _move(like, c, x, k, xi, quotient(slope, root(vi + o[EPS_INSIDE]) + o[EPS]))


@device
def _rmsprop(like, n, at, x, g, memory, c, o):
    """Tieleman & Hinton 2012; with momentum if BETA is not 0."""
    w, v, b = width(like), memory[0], memory[1]
    for k in range(at, at + n * w, w):
        xi = load(like, x, k)
        slope = _slope(like, o, xi, g, k)
        vi = _average_square(like, o[BETA2], load(like, v, k), slope)
        store(v, k, vi)
        by = quotient(slope, root(vi + o[EPS_INSIDE]) + o[EPS])
        by = fma(splat(like, o[BETA]), load(like, b, k), by)
        store(b, k, by)
        _move(like, c, x, k, xi, by)


@device
def _rmsprop_centered(like, n, at, x, g, memory, c, o):
    """With the variance in place of the mean square (Graves 2013)."""
    w, v, b, mean = width(like), memory[0], memory[1], memory[2]
    for k in range(at, at + n * w, w):
        xi = load(like, x, k)
        slope = _slope(like, o, xi, g, k)
        vi = _average_square(like, o[BETA2], load(like, v, k), slope)
        mi = _average(like, o[BETA2], load(like, mean, k), slope)
        store(v, k, vi)
        store(mean, k, mi)
        spread = max(fma(-mi, mi, vi), splat(like, 0.0))
        by = quotient(slope, root(spread + o[EPS_INSIDE]) + o[EPS])
        by = fma(splat(like, o[BETA]), load(like, b, k), by)
        store(b, k, by)
        _move(like, c, x, k, xi, by)


@device
def _adam(like, n, at, x, g, memory, c, o):
    """Kingma & Ba 2015; RATE is lr / (1 − β₁ᵗ), SECOND 1 / √(1 − β₂ᵗ)."""
    w, m, v = width(like), memory[0], memory[1]
    for k in range(at, at + n * w, w):
        xi = load(like, x, k)
        slope = _slope(like, o, xi, g, k)
        mi = _average(like, o[BETA], load(like, m, k), slope)
        vi = _average_square(like, o[BETA2], load(like, v, k), slope)
        store(m, k, mi)
        store(v, k, vi)
        size = fma(root(vi), splat(like, c[SECOND]), splat(like, o[EPS]))
        _move(like, c, x, k, xi, quotient(mi, size))


@device
def _amsgrad(like, n, at, x, g, memory, c, o):
    """Reddi, Kale & Kumar 2018: divides by the largest mean square so far."""
    w, m, v, largest = width(like), memory[0], memory[1], memory[2]
    for k in range(at, at + n * w, w):
        xi = load(like, x, k)
        slope = _slope(like, o, xi, g, k)
        mi = _average(like, o[BETA], load(like, m, k), slope)
        vi = _average_square(like, o[BETA2], load(like, v, k), slope)
        top = max(load(like, largest, k), vi)
        store(m, k, mi)
        store(v, k, vi)
        store(largest, k, top)
        size = fma(root(top), splat(like, c[SECOND]), splat(like, o[EPS]))
        _move(like, c, x, k, xi, quotient(mi, size))


@device
def _nadam(like, n, at, x, g, memory, c, o):
    """Dozat 2016: RATE multiplies the gradient, FIRST the mean gradient; SECOND as for Adam."""
    w, m, v = width(like), memory[0], memory[1]
    for k in range(at, at + n * w, w):
        xi = load(like, x, k)
        slope = _slope(like, o, xi, g, k)
        mi = _average(like, o[BETA], load(like, m, k), slope)
        vi = _average_square(like, o[BETA2], load(like, v, k), slope)
        store(m, k, mi)
        store(v, k, vi)
        size = fma(root(vi), splat(like, c[SECOND]), splat(like, o[EPS]))
        ahead = fma(splat(like, c[FIRST]), mi, c[RATE] * slope)
        store(x, k, c[KEPT] * xi - quotient(ahead, size))


@device
def step(like, rule, n, at, x, g, memory, c, o):
    """Take one step of the group of lanes that begins at `at` in x, g and every vector of memory.

    Parameters
    ----------
    like : Lanes or float64
    rule : int
    n, at : int
    x, g : flat float64
    memory : (slots, …) float64
        The group's vectors, side by side as in x.
    c : (COEFFICIENTS,) float64
        Of this step.
    o : (OPTIONS,) float64
    """
    if rule == PLAIN:
        _plain(like, n, at, x, g, memory, c, o)
    elif rule == HEAVY_BALL:
        _heavy_ball(like, n, at, x, g, memory, c, o)
    elif rule == NESTEROV:
        _nesterov(like, n, at, x, g, memory, c, o)
    elif rule == LOOK_AHEAD:
        _look_ahead(like, n, at, x, g, memory, c, o)
    elif rule == ADAGRAD:
        _adagrad(like, n, at, x, g, memory, c, o)
    elif rule == RMSPROP:
        _rmsprop(like, n, at, x, g, memory, c, o)
    elif rule == RMSPROP_CENTERED:
        _rmsprop_centered(like, n, at, x, g, memory, c, o)
    elif rule == ADAM:
        _adam(like, n, at, x, g, memory, c, o)
    elif rule == AMSGRAD:
        _amsgrad(like, n, at, x, g, memory, c, o)
    elif rule == NADAM:
        _nadam(like, n, at, x, g, memory, c, o)
