"""Building blocks from their definitions, one number at a time, for floats and dual numbers.

Lists of lists in, lists of lists out.  A derivative is the ε part of a `Dual`.
"""

import math

from tests.reference.networks import ACTIVATIONS, Dual, exp, inverse, log, sqrt, value_of


def turned(x):
    return [list(column) for column in zip(*x, strict=True)]


def mean(values):
    return sum(values, 0.0) * (1.0 / len(values))


def normalised(values, epsilon):
    middle = mean(values)
    variance = mean([(v - middle) * (v - middle) for v in values])
    return [(v - middle) * inverse(sqrt(variance + epsilon)) for v in values]


def affine(rows, gamma, beta):
    return [[g * u + b for g, u, b in zip(gamma, row, beta, strict=True)] for row in rows]


def layer_norm(x, gamma, beta, epsilon):
    return affine([normalised(row, epsilon) for row in x], gamma, beta)


def batch_norm(x, gamma, beta, epsilon):
    return affine(turned([normalised(column, epsilon) for column in turned(x)]), gamma, beta)


def dot(a, b):
    return sum((u * v for u, v in zip(a, b, strict=True)), 0.0)


def residual(x, W, b, activation):
    f = ACTIVATIONS[activation]
    return [[v + f(dot(w, row) + c) for v, w, c in zip(row, W, b, strict=True)] for row in x]


def softmax(z):
    """None is what may not be seen."""
    top = max(value_of(v) for v in z if v is not None)
    e = [0.0 if v is None else exp(v - top) for v in z]
    total = inverse(sum(e, 0.0))
    return [each * total for each in e]


def logits(Q, K, mask, scale):
    return [
        [dot(q, k) * scale if seen else None for k, seen in zip(K, row, strict=True)]
        for q, row in zip(Q, mask, strict=True)
    ]


def attention(Q, K, V, mask, scale):
    weights = [softmax(row) for row in logits(Q, K, mask, scale)]
    return [[dot(p, column) for column in turned(V)] for p in weights]


def clip_by_norm(g, bound):
    size = sqrt(dot(g, g))
    return [v * (bound * inverse(size)) if value_of(size) > bound else v for v in g]


def clip_by_value(g, bound):
    return [v if abs(value_of(v)) <= bound else math.copysign(bound, value_of(v)) for v in g]


def entropy(p):
    return -sum((v * log(v) for v in p if v > 0.0), 0.0)


def jacobian_norm(p):
    n = range(len(p))
    return math.sqrt(sum(((p[i] if i == j else 0.0) - p[i] * p[j]) ** 2 for i in n for j in n))


def along(function, point, direction):
    """Derivative of a function of one flat list, whose values are a list of lists."""
    found = function([Dual(a, b) for a, b in zip(point, direction, strict=True)])
    return [[v.parts[1] if isinstance(v, Dual) else 0.0 for v in row] for row in found]


def gradient(function, point, weights):
    """Of Σ weights · function, by one derivative for each number."""
    slopes = []
    for k in range(len(point)):
        moved = along(function, point, [float(i == k) for i in range(len(point))])
        slopes.append(sum(dot(a, b) for a, b in zip(weights, moved, strict=True)))
    return slopes
