"""Steps of first-order optimizers, with the arithmetic of PyTorch's.

A rule is a loop over the variables of one group of lanes: it turns x, the gradient g and what the
method remembers into the next x.  What changes from step to step (learning rate, bias corrections)
stands in a row of coefficients that `saddlelab` computes; what does not, in `options`.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from saddlecore.jit import device
from saddlecore.laneops import fma, splat, width
from saddlecore.memory import load, store
from saddlecore.roots import root

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
    "Method",
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
#: sums of gradients and of their squares; EPS is added to a root, EPS_INSIDE under it (of a sum
#: of squares without its factor).
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


class Method(NamedTuple):
    """What a method does in a span of steps."""

    rule: Any  # here or in `spectral`
    coefficients: Any  # (steps, COEFFICIENTS)
    options: Any  # (OPTIONS,)
    key: Any  # uint64, of its random numbers
    curved: Any  # (spectral.OPTIONS,)


#: Never 0, but for squares of gradients below 1e-137.
_TINY = 1e-290

# Numbers are taken out of `c` and `o` before the loops: as far as the compiler knows, what a loop
# stores might change them.


@device
def _common(like, c, o):
    """Weight decay, minus the rate, and what is kept of x."""
    return splat(like, o[DECAY]), splat(like, -c[RATE]), splat(like, c[KEPT])


@device
def _sum(like, beta, old, new):
    """An average without its factor: Σ βʲ g_{t−j}, which is m / (1 − β)."""
    return fma(beta, old, new)


@device
def _sum_of_squares(like, beta, old, new):
    """Likewise of squares, v / (1 − β), and something that no gradient would notice, for `root`."""
    return fma(new, new, fma(beta, old, splat(like, _TINY)))


@device
def _plain(like, n, x, g, memory, c, o):
    w = width(like)
    decay, by_rate, kept = _common(like, c, o)
    for k in range(0, n * w, w):
        xi = load(like, x, k)
        store(x, k, fma(by_rate, fma(decay, xi, load(like, g, k)), kept * xi))


@device
def _heavy_ball(like, n, x, g, memory, c, o):
    """b ← μ b + (1 − dampening) g, FIRST being 1 − dampening (1 in the first step)."""
    w, b = width(like), memory[0]
    decay, by_rate, kept = _common(like, c, o)
    mu, new = splat(like, o[BETA]), splat(like, c[FIRST])
    for k in range(0, n * w, w):
        xi = load(like, x, k)
        bi = fma(new, fma(decay, xi, load(like, g, k)), mu * load(like, b, k))
        store(b, k, bi)
        store(x, k, fma(by_rate, bi, kept * xi))


@device
def _nesterov(like, n, x, g, memory, c, o):
    w, b = width(like), memory[0]
    decay, by_rate, kept = _common(like, c, o)
    mu = splat(like, o[BETA])
    for k in range(0, n * w, w):
        xi = load(like, x, k)
        slope = fma(decay, xi, load(like, g, k))
        bi = fma(mu, load(like, b, k), slope)
        store(b, k, bi)
        store(x, k, fma(by_rate, fma(mu, bi, slope), kept * xi))


@device
def _look_ahead(like, n, x, g, memory, c, o):
    """v ← μ v − rate·∇f(x + μ v), x ← x + v (Nesterov 1983, as Sutskever et al. 2013 write it)."""
    w, v = width(like), memory[0]
    decay, by_rate, _ = _common(like, c, o)
    mu = splat(like, o[BETA])
    for k in range(0, n * w, w):
        xi, vi = load(like, x, k), mu * load(like, v, k)
        vi = fma(by_rate, fma(decay, xi + vi, load(like, g, k)), vi)
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
        share = min(share, o[CLIP_NORM] / (math.sqrt(square) + 1e-6))
    most = splat(like, o[CLIP_VALUE] if o[CLIP_VALUE] > 0.0 else np.inf)
    for k in range(at, at + n * w, w):
        store(g, k, max(min(share * load(like, g, k), most), -most))


@device
def _adagrad(like, n, x, g, memory, c, o):
    """Duchi, Hazan & Singer 2011."""
    w, v = width(like), memory[0]
    decay, by_rate, kept = _common(like, c, o)
    inside, eps = splat(like, o[EPS_INSIDE] + _TINY), splat(like, o[EPS])
    for k in range(0, n * w, w):
        xi = load(like, x, k)
        slope = fma(decay, xi, load(like, g, k))
        vi = fma(slope, slope, load(like, v, k))
        store(v, k, vi)
        store(x, k, fma(by_rate, slope / (root(vi + inside) + eps), kept * xi))


@device
def _rmsprop(like, rule, n, x, g, memory, c, o):
    """Tieleman & Hinton 2012, SECOND being √(1 − α); with momentum if BETA is not 0.

    Centered: with the variance in place of the mean square (Graves 2013).
    """
    w, v, b = width(like), memory[0], memory[1]
    decay, by_rate, kept = _common(like, c, o)
    inside, eps = splat(like, o[EPS_INSIDE] + _TINY), splat(like, o[EPS])
    mu, alpha, share = splat(like, o[BETA]), splat(like, o[BETA2]), splat(like, c[SECOND])
    for k in range(0, n * w, w):
        xi = load(like, x, k)
        slope = fma(decay, xi, load(like, g, k))
        spread = _sum_of_squares(like, alpha, load(like, v, k), slope)
        store(v, k, spread)
        if rule == RMSPROP_CENTERED:
            mean = _sum(like, alpha, load(like, memory[2], k), slope)
            store(memory[2], k, mean)
            spread = max(fma((alpha - 1.0) * mean, mean, spread), splat(like, 0.0))
        by = slope / fma(root(spread + inside), share, eps)
        by = fma(mu, load(like, b, k), by)
        store(b, k, by)
        store(x, k, fma(by_rate, by, kept * xi))


@device
def _adam(like, rule, n, x, g, memory, c, o):
    """Kingma & Ba 2015; RATE is lr (1 − β₁) / (1 − β₁ᵗ), SECOND √(1 − β₂) / √(1 − β₂ᵗ).

    AMSGRAD divides by the largest mean square so far (Reddi, Kale & Kumar 2018); for NADAM (Dozat
    2016) RATE multiplies the gradient, and FIRST its sum.
    """
    w, m, v = width(like), memory[0], memory[1]
    decay, by_rate, kept = _common(like, c, o)
    beta, beta2, of_mean = splat(like, o[BETA]), splat(like, o[BETA2]), splat(like, c[FIRST])
    share, eps = splat(like, c[SECOND]), splat(like, o[EPS])
    for k in range(0, n * w, w):
        xi = load(like, x, k)
        slope = fma(decay, xi, load(like, g, k))
        mi = _sum(like, beta, load(like, m, k), slope)
        vi = _sum_of_squares(like, beta2, load(like, v, k), slope)
        store(m, k, mi)
        store(v, k, vi)
        if rule == AMSGRAD:
            vi = max(load(like, memory[2], k), vi)
            store(memory[2], k, vi)
        size = fma(root(vi), share, eps)
        if rule == NADAM:
            store(x, k, fma(kept, xi, fma(by_rate, slope, -of_mean * mi) / size))
        else:
            store(x, k, fma(by_rate, mi / size, kept * xi))


@device
def step(like, rule, n, x, g, memory, c, o):
    """Take one step.

    Parameters
    ----------
    like : Lanes or float64
    rule : int
    n : int
        Variables, of one group of lanes after another: no rule minds.
    x, g : flat float64
    memory : (slots, …) float64
        Vectors like x.
    c : (COEFFICIENTS,) float64
        Of this step.
    o : (OPTIONS,) float64
    """
    if rule == PLAIN:
        _plain(like, n, x, g, memory, c, o)
    elif rule == HEAVY_BALL:
        _heavy_ball(like, n, x, g, memory, c, o)
    elif rule == NESTEROV:
        _nesterov(like, n, x, g, memory, c, o)
    elif rule == LOOK_AHEAD:
        _look_ahead(like, n, x, g, memory, c, o)
    elif rule == ADAGRAD:
        _adagrad(like, n, x, g, memory, c, o)
    elif rule == RMSPROP:  # told as a constant: the loop is made for it
        _rmsprop(like, RMSPROP, n, x, g, memory, c, o)
    elif rule == RMSPROP_CENTERED:
        _rmsprop(like, RMSPROP_CENTERED, n, x, g, memory, c, o)
    elif rule == ADAM:
        _adam(like, ADAM, n, x, g, memory, c, o)
    elif rule == AMSGRAD:
        _adam(like, AMSGRAD, n, x, g, memory, c, o)
    elif rule == NADAM:
        _adam(like, NADAM, n, x, g, memory, c, o)
