"""Signals of a network by definition: bump one unit's z on one sample and see what the loss does.

Loops over units and samples, derivatives by dual numbers; averages over Gaussians by quadrature.
"""

import math

import mpmath
import numpy as np

from tests.reference.networks import (
    ACTIVATIONS,
    LOSSES,
    Dual,
    inverse,
    layers_of,
    mean_and_variance,
    normalised_layers_of,
    sqrt,
    value_of,
)


def signals(sizes, theta, X, *, activation, bias, residual, batch_norm, start, statistics=None):
    """z, f'(z), a and the derivative of Σ by z, each [layer][sample][unit].

    `start` is ("loss", kind, y) or ("outputs", cotangent): Σ is of losses, or of products with it.
    """
    how = (sizes, theta, X, activation, bias, residual, batch_norm, statistics)
    z, a, _ = run(*how)
    slopes = [[[slope(activation, each) for each in sample] for sample in layer]
              for layer in z[:-1]]  # fmt: skip
    slopes.append([[1.0] * sizes[-1] for _ in X])
    gradients = [
        [[total(run(*how, (layer, s, unit))[2], start) for unit in range(sizes[layer + 1])]
         for s in range(len(X))] for layer in range(len(sizes) - 1)
    ]  # fmt: skip
    return z, slopes, a, gradients


def slope(activation, z):
    return ACTIVATIONS[activation](Dual(z, 1.0)).parts[1]


def total(outputs, start):
    if start[0] == "loss":
        _, kind, y = start
        found = [LOSSES[kind](u, t) for u, t in zip(outputs, y, strict=True)]
    else:
        found = [c * u for row, u_row in zip(start[1], outputs, strict=True)
                 for c, u in zip(row, u_row, strict=True)]  # fmt: skip
    return sum(found, Dual(0.0)).parts[1]


def run(sizes, theta, X, activation, bias, residual, batch_norm, statistics, bump=None):
    make = normalised_layers_of if batch_norm else layers_of
    layers, zs, given = make(sizes, bias, list(theta)), [], []
    a = [[float(v) for v in x] for x in X]
    for k, (W, *rest) in enumerate(layers):
        last = k == len(layers) - 1
        z = [[sum((w * v for w, v in zip(row, each, strict=True)), 0.0) for row in W] for each in a]
        if batch_norm and not last:
            z = normalised(z, *rest, None if statistics is None else statistics[k])
        else:
            z = [[v + b for v, b in zip(each, rest[0], strict=True)] for each in z]
        if bump is not None and bump[0] == k:
            _, s, unit = bump
            z[s][unit] = z[s][unit] + Dual(0.0, 1.0)
        zs.append([list(map(value_of, each)) for each in z])
        new = z if last else [[ACTIVATIONS[activation](v) for v in each] for each in z]
        if residual and not last and k > 0 and sizes[k] == sizes[k + 1]:
            new = [[u + v for u, v in zip(*pair, strict=True)] for pair in zip(new, a, strict=True)]
        a = new
        given.append(a)
    return zs, given, a


def normalised(z, gamma, beta, statistics):
    moments = [mean_and_variance([each[o] for each in z]) for o in range(len(gamma))]
    if statistics is not None:
        moments = list(zip(*statistics, strict=True))
    return [[gamma[o] * ((each[o] - moments[o][0]) * inverse(sqrt(moments[o][1] + 1e-5))) + beta[o]
             for o in range(len(gamma))] for each in z]  # fmt: skip


# --- averages over z ~ N(0, q) -------------------------------------------------------------------

FORMULAS = {
    "sigmoid": lambda z: 1 / (1 + mpmath.exp(-z)),
    "tanh": mpmath.tanh,
    "gelu": lambda z: z * mpmath.ncdf(z),
    "silu": lambda z: z / (1 + mpmath.exp(-z)),
    "elu": lambda z: z if z > 0 else mpmath.expm1(z),
}


def average(activation, q, *, slope=False, digits=20):
    """E f², or E f'², by mpmath."""
    f = FORMULAS[activation]
    with mpmath.workdps(digits):
        root = mpmath.sqrt(q)

        def integrand(t):
            value = mpmath.diff(f, root * t) if slope else f(root * t)
            return value**2 * mpmath.npdf(t)

        return float(mpmath.quad(integrand, [-12, -4, -1, 0, 1, 4, 12]))


def kernel(activation, q, c, points=100):
    """E f(u) f(v) of Gaussians of variance q and correlation c, for smooth f: Gauss–Hermite."""
    x, w = np.polynomial.hermite_e.hermegauss(points)
    root, other = math.sqrt(q), math.sqrt(1.0 - c * c)
    total = 0.0
    for s, weight in zip(x, w, strict=True):
        f = plain(activation, root * s)
        for t, second in zip(x, w, strict=True):
            total += weight * second * f * plain(activation, root * (c * s + other * t))
    return total / (2.0 * math.pi)


def plain(activation, z):
    return value_of(ACTIVATIONS[activation](z))
