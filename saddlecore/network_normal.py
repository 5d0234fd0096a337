"""Normalised layers: each unit's z over the samples (Ioffe & Szegedy 2015, arXiv:1502.03167).

    y = γ û + β,   û = s (z − μ),   s = (var + ε)^(−1/2),

μ and var = m((z − μ)²) of the chunk, where m(·) is the mean over its samples.  Backwards, with
e = γ ∂ℓ/∂y, and along a direction of the parameters, with c = Rz − m(Rz) (differentiated here),

    δ  = s (e − m(e) − û h),                                     h = m(e û),
    Rû = s c − û p,                                              p = s m(û c),
    Rδ = s (Re − m(Re) − Rû h − û m(Re û + e Rû)) − p δ.

Of fixed statistics nothing depends on the parameters: all means, h and p are 0.
"""

import math

from saddlecore.jit import allocating, device
from saddlecore.laneops import splat, zeros
from saddlecore.memory import load, store
from saddlecore.network_losses import masks, sum_of
from saddlecore.network_plan import FIXED, NORM, NORMAL, OUT, PAD, SUMS, TO, UNITS

__all__ = ["EPSILON", "ROWS", "add_moments", "normalise", "normalise_along", "normalise_backward",
           "normalise_backward_along"]  # fmt: skip

#: Ioffe & Szegedy leave it open; it is what PyTorch and others add.
EPSILON = 1e-5
#: Numbers of each unit, in rows of all units: the statistics, s, h and p of above; the sums over
#: samples of ∂ℓ/∂y û and of ∂ℓ/∂y, which are the derivatives by γ and β; those along a direction.
MEAN, VARIANCE, SCALE, H, P, OF_GAMMA, OF_BETA, R_GAMMA, R_BETA = range(9)
ROWS = 9


@device
def _statistics(z, at, m, count):
    """Mean and variance of a unit over the samples that there are."""
    like = zeros(8)
    total, squares = splat(like, 0.0), splat(like, 0.0)
    for s in range(0, m, 8):
        total += masks(like, s, count) * load(like, z, at + s)
    mean = sum_of(total) / count
    for s in range(0, m, 8):
        off = load(like, z, at + s) - mean
        squares += masks(like, s, count) * off * off
    return mean, sum_of(squares) / count


@allocating
def normalise(net, row, theta, m, count, space):
    """Turn z into y; keep û."""
    like = zeros(8)
    a, hat, of_units, units = space[0], space[13], space[15], net[1][UNITS]
    for o in range(row[OUT]):
        unit = row[TO] + o
        at, gamma, beta = unit * m, theta[row[NORM] + o], theta[row[NORM] + row[OUT] + o]
        if net[1][NORMAL] == FIXED:
            mean, variance = net[7][unit], net[7][units + unit]
        else:
            mean, variance = _statistics(a, at, m, count)
        scale = 1.0 / math.sqrt(variance + EPSILON)
        of_units[MEAN * units + unit] = mean
        of_units[VARIANCE * units + unit] = variance
        of_units[SCALE * units + unit] = scale
        for k in range(at, at + m, 8):
            u = scale * (load(like, a, k) - mean)
            store(hat, k, u)
            store(a, k, gamma * u + beta)


@allocating
def normalise_along(net, row, theta, v, m, count, space):
    """Turn Rz into Ry; keep Rû."""
    like = zeros(8)
    hat, ra, rhat, of_units, units = space[13], space[9], space[14], space[15], net[1][UNITS]
    for o in range(row[OUT]):
        unit, here = row[TO] + o, row[NORM] + o
        at, scale, after = unit * m, of_units[SCALE * units + unit], here + row[OUT]
        mean, p = 0.0, 0.0
        if net[1][NORMAL] != FIXED:
            mean, _ = _statistics(ra, at, m, count)
            total = splat(like, 0.0)
            for s in range(0, m, 8):
                c = masks(like, s, count) * (load(like, ra, at + s) - mean)
                total += load(like, hat, at + s) * c
            p = scale * (sum_of(total) / count)
        of_units[P * units + unit] = p
        for k in range(at, at + m, 8):
            u = load(like, hat, k)
            ru = scale * (load(like, ra, k) - mean) - p * u
            store(rhat, k, ru)
            store(ra, k, v[here] * u + theta[here] * ru + v[after])


@allocating
def normalise_backward(net, row, theta, m, count, space):
    """Turn ∂ℓ/∂y into δ; it is 0 of samples that there are not."""
    like = zeros(8)
    d, hat, of_units, units = space[4], space[13], space[15], net[1][UNITS]
    for o in range(row[OUT]):
        unit, gamma = row[TO] + o, theta[row[NORM] + o]
        at, scale = unit * m, of_units[SCALE * units + unit]
        total, product = splat(like, 0.0), splat(like, 0.0)
        for k in range(at, at + m, 8):
            total += load(like, d, k)
            product += load(like, d, k) * load(like, hat, k)
        of_beta, of_gamma, mean, h = sum_of(total), sum_of(product), 0.0, 0.0
        if net[1][NORMAL] != FIXED:
            mean, h = gamma * of_beta / count, gamma * of_gamma / count
        of_units[H * units + unit] = h
        of_units[OF_GAMMA * units + unit] = of_gamma
        of_units[OF_BETA * units + unit] = of_beta
        for s in range(0, m, 8):
            k = at + s
            e = gamma * load(like, d, k)
            store(d, k, masks(like, s, count) * (scale * (e - mean - h * load(like, hat, k))))


@allocating
def normalise_backward_along(net, row, theta, v, m, count, space):
    """Turn R∂ℓ/∂y into Rδ."""
    like = zeros(8)
    f1, g, d, rd, hat, rhat = space[1], space[3], space[4], space[11], space[13], space[14]
    of_units, units = space[15], net[1][UNITS]
    for o in range(row[OUT]):
        unit, gamma, v_gamma = row[TO] + o, theta[row[NORM] + o], v[row[NORM] + o]
        at, scale, p = unit * m, of_units[SCALE * units + unit], of_units[P * units + unit]
        total, product = splat(like, 0.0), splat(like, 0.0)
        for k in range(at, at + m, 8):
            total += load(like, rd, k)
            product += load(like, rd, k) * load(like, hat, k)
            product += load(like, g, k) * load(like, f1, k) * load(like, rhat, k)
        r_beta, r_gamma, mean, rh = sum_of(total), sum_of(product), 0.0, 0.0
        if net[1][NORMAL] != FIXED:
            mean = (v_gamma * of_units[OF_BETA * units + unit] + gamma * r_beta) / count
            rh = (v_gamma * of_units[OF_GAMMA * units + unit] + gamma * r_gamma) / count
        of_units[R_GAMMA * units + unit] = r_gamma
        of_units[R_BETA * units + unit] = r_beta
        h = of_units[H * units + unit]
        for s in range(0, m, 8):
            k = at + s
            re = v_gamma * (load(like, g, k) * load(like, f1, k)) + gamma * load(like, rd, k)
            less = h * load(like, rhat, k) + rh * load(like, hat, k)
            inner = scale * (re - mean - less) - p * load(like, d, k)
            store(rd, k, masks(like, s, count) * inner)


@device
def add_moments(net, space, along, sums):
    """Add the sums for γ and β of all layers, behind those for weights."""
    plan, units, of_units = net[0], net[1][UNITS], space[15]
    last = plan[len(plan) - 1]
    to, first = last[SUMS] + last[OUT] * last[PAD], R_GAMMA if along else OF_GAMMA
    for depth in range(len(plan)):
        row = plan[depth]
        if row[NORM] >= 0:
            for unit in range(row[TO], row[TO] + row[OUT]):
                sums[to + unit] += of_units[first * units + unit]
                sums[to + units + unit] += of_units[(first + 1) * units + unit]
