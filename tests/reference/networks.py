"""Networks in plain loops, one sample and one unit at a time, for any kind of number.

Numbers may be floats, mpmath's, or `Dual` numbers of the second order along two directions, which
differentiate without differences (Fike & Alonso 2011).
"""

import itertools
import math

import numpy as np


class Dual:
    """a + b ε + c η + d εη, with ε² = η² = 0; a function takes its derivatives with it."""

    def __init__(self, a, b=0.0, c=0.0, d=0.0):
        self.parts = (a, b, c, d)

    def lift(self, f, f1, f2):
        _, b, c, d = self.parts
        return Dual(f, f1 * b, f1 * c, f1 * d + f2 * b * c)

    def __add__(self, other):
        other = other if isinstance(other, Dual) else Dual(other)
        return Dual(*(x + y for x, y in zip(self.parts, other.parts, strict=True)))

    def __mul__(self, other):
        other = other if isinstance(other, Dual) else Dual(other)
        (a, b, c, d), (e, f, g, h) = self.parts, other.parts
        return Dual(a * e, a * f + b * e, a * g + c * e, a * h + b * g + c * f + d * e)

    def __neg__(self):
        return self * -1.0

    def __sub__(self, other):
        return self + -other

    def __rsub__(self, other):
        return -self + other

    __radd__, __rmul__ = __add__, __mul__


def exp(x):
    if isinstance(x, Dual):
        e = math.exp(x.parts[0])
        return x.lift(e, e, e)
    return math.exp(x)


def log(x):
    if isinstance(x, Dual):
        a = x.parts[0]
        return x.lift(math.log(a), 1.0 / a, -1.0 / (a * a))
    return math.log(x)


def inverse(x):
    if isinstance(x, Dual):
        a = x.parts[0]
        return x.lift(1.0 / a, -1.0 / a**2, 2.0 / a**3)
    return 1.0 / x


def sqrt(x):
    if isinstance(x, Dual):
        a = math.sqrt(x.parts[0])
        return x.lift(a, 0.5 / a, -0.25 / a**3)
    return math.sqrt(x)


def erf(x):
    if isinstance(x, Dual):
        a = x.parts[0]
        slope = 2.0 / math.sqrt(math.pi) * math.exp(-a * a)
        return x.lift(math.erf(a), slope, -2.0 * a * slope)
    return math.erf(x)


def value_of(x):
    return x.parts[0] if isinstance(x, Dual) else x


def sigmoid(x):
    return inverse(1.0 + exp(-x))


def elu(x, scale, alpha):
    return scale * x if value_of(x) > 0 else scale * alpha * (exp(x) - 1.0)


ACTIVATIONS = {
    "linear": lambda x: x,
    "sigmoid": sigmoid,
    "tanh": lambda x: 2.0 * sigmoid(2.0 * x) - 1.0,
    "softplus": lambda x: log(1.0 + exp(x)),
    "relu": lambda x: x if value_of(x) > 0 else 0.0 * x,
    "leaky_relu": lambda x: x if value_of(x) > 0 else 0.01 * x,
    "elu": lambda x: elu(x, 1.0, 1.0),
    # Klambauer et al. 2017
    "selu": lambda x: elu(x, 1.0507009873554805, 1.6732632423543772),
    # Hendrycks & Gimpel 2016
    "gelu": lambda x: x * 0.5 * (1.0 + erf(x * math.sqrt(0.5))),
    "silu": lambda x: x * sigmoid(x),
}
KINKED = ("relu", "leaky_relu", "selu", "elu")


def squared_error(outputs, y):
    return sum(0.5 * (u - t) * (u - t) for u, t in zip(outputs, y, strict=True))


def cross_entropy(outputs, y):
    return log(sum((exp(u) for u in outputs), 0.0)) - outputs[int(y[0])]


def binary_cross_entropy(outputs, y):
    return sum(log(1.0 + exp(u)) - float(t) * u for u, t in zip(outputs, y, strict=True))


LOSSES = {f.__name__: f for f in (squared_error, cross_entropy, binary_cross_entropy)}


def layers_of(sizes, bias, theta):
    """[(W, b)] with lists of lists, from the parameters layer by layer, W row by row, then b."""
    at, layers = 0, []
    for inputs, outputs in itertools.pairwise(sizes):
        W = [theta[at + o * inputs : at + (o + 1) * inputs] for o in range(outputs)]
        at += inputs * outputs
        b = theta[at : at + outputs] if bias else [0.0] * outputs
        at += outputs if bias else 0
        layers.append((W, b))
    return layers


def outputs_of(layers, activation, residual, x):
    """Outputs for one sample, and the inputs of the activations on the way."""
    a, seen = [float(each) for each in x], []
    for k, (W, b) in enumerate(layers):
        z = [sum((w * v for w, v in zip(row, a, strict=True)), c)
             for row, c in zip(W, b, strict=True)]  # fmt: skip
        if k == len(layers) - 1:
            return z, seen
        seen += map(value_of, z)
        new = [ACTIVATIONS[activation](each) for each in z]
        skip = residual and k > 0 and len(new) == len(a)
        a = [u + v for u, v in zip(new, a, strict=True)] if skip else new
    raise AssertionError


def normalised_layers_of(sizes, bias, theta):
    """[(W, γ, β)] of hidden layers, then (W, b), from the parameters in that order."""
    at, layers = 0, []
    for k, (inputs, outputs) in enumerate(itertools.pairwise(sizes)):
        W = [theta[at + o * inputs : at + (o + 1) * inputs] for o in range(outputs)]
        at += inputs * outputs
        hidden = k < len(sizes) - 2
        vectors = 2 if hidden else int(bias)
        rest = [theta[at + v * outputs : at + (v + 1) * outputs] for v in range(vectors)]
        at += vectors * outputs
        layers.append((W, *(rest or [[0.0] * outputs])))
    return layers


def mean_and_variance(z):
    mean = sum(z, 0.0) * (1.0 / len(z))
    return mean, sum(((each - mean) * (each - mean) for each in z), 0.0) * (1.0 / len(z))


def normalised_outputs(layers, activation, residual, X, statistics=None):
    """Outputs for each sample, and the activations' inputs, by Ioffe & Szegedy's algorithm 1.

    Also (mean, variance) of the units of each hidden layer; given ones are taken instead.
    """
    a, seen, taken = [[float(v) for v in x] for x in X], [], []
    for k, (W, *rest) in enumerate(layers):
        z = [[sum((w * v for w, v in zip(row, each, strict=True)), 0.0) for row in W] for each in a]
        if k == len(layers) - 1:
            return [[u + c for u, c in zip(each, rest[0], strict=True)] for each in z], seen, taken
        gamma, beta = rest
        moments = [mean_and_variance([each[o] for each in z]) for o in range(len(W))]
        if statistics is not None:
            moments = list(zip(*statistics[k], strict=True))
        taken.append(moments)
        scales = [inverse(sqrt(variance + 1e-5)) for _, variance in moments]
        y = [[gamma[o] * ((each[o] - moments[o][0]) * scales[o]) + beta[o] for o in range(len(W))]
             for each in z]  # fmt: skip
        seen += [value_of(v) for each in y for v in each]
        new = [[ACTIVATIONS[activation](v) for v in each] for each in y]
        skip = residual and k > 0 and len(W) == len(a[0])
        if skip:
            new = [[u + v for u, v in zip(*pair, strict=True)] for pair in zip(new, a, strict=True)]
        a = new
    raise AssertionError


def all_outputs(theta, sizes, X, *, activation, bias, residual, batch_norm, statistics):
    """Outputs for each sample, and the inputs of all activations."""
    if batch_norm:
        layers = normalised_layers_of(sizes, bias, theta)
        return normalised_outputs(layers, activation, residual, X, statistics)[:2]
    layers = layers_of(sizes, bias, theta)
    found = [outputs_of(layers, activation, residual, x) for x in X]
    return [outputs for outputs, _ in found], [z for _, seen in found for z in seen]


def loss(theta, sizes, X, y, *, activation, kind, bias, residual=False, decay=0.0,
         batch_norm=False, statistics=None):  # fmt: skip
    """Mean over samples, plus ½ Σ decay·θᵢ²; one decay, or one for each parameter."""
    decays = np.broadcast_to(decay, len(theta)).tolist()
    found, _ = all_outputs(theta, sizes, X, activation=activation, bias=bias, residual=residual,
                           batch_norm=batch_norm, statistics=statistics)  # fmt: skip
    terms = [LOSSES[kind](outputs, t) for outputs, t in zip(found, y, strict=True)]
    return sum(terms, 0.0) * (1.0 / len(X)) + sum(
        (0.5 * d * t * t for d, t in zip(decays, theta, strict=True)), 0.0
    )


def distance_to_kink(theta, sizes, X, *, activation, bias, residual=False, batch_norm=False,
                     statistics=None):  # fmt: skip
    """How near any input of an activation comes to 0."""
    _, seen = all_outputs(theta, sizes, X, activation=activation, bias=bias, residual=residual,
                          batch_norm=batch_norm, statistics=statistics)  # fmt: skip
    return min(map(abs, seen), default=1.0)


def pairs(theta):
    """θ as dual numbers along all pairs of axes at once: the parts are arrays."""
    i, j = np.tril_indices(len(theta))
    return [Dual(float(t), 1.0 * (i == k), 1.0 * (j == k), np.zeros(len(i)))
            for k, t in enumerate(theta)], i, j  # fmt: skip


def full(n, i, j, entries):
    """A symmetric matrix from its lower triangle."""
    H = np.zeros((n, n))
    H[i, j] = H[j, i] = entries
    return H


def derivatives(theta, sizes, X, y, **network):
    """Value, gradient and Hessian, by dual numbers."""
    at, i, j = pairs(theta)
    value, slopes, _, entries = loss(at, sizes, X, y, **network).parts
    return value, slopes[i == j], full(len(theta), i, j, entries)


def gauss_newton(theta, sizes, X, y, *, activation, kind, bias, residual=False, decay=0.0,
                 batch_norm=False, statistics=None):  # fmt: skip
    """Mean of Jᵀ L J, L the Hessian of the loss by the outputs, plus decay on the diagonal."""
    n = len(theta)
    G = np.diag(np.broadcast_to(decay, n)).astype(float)
    at, i, j = pairs(theta)
    found, _ = all_outputs(at, sizes, X, activation=activation, bias=bias, residual=residual,
                           batch_norm=batch_norm, statistics=statistics)  # fmt: skip
    for out, t in zip(found, y, strict=True):
        J = np.array([u.parts[1][i == j] for u in out])
        G += J.T @ np.array(outer_hessian([u.parts[0] for u in out], t, kind)) @ J / len(X)
    return G


def outer_hessian(u, t, kind):
    """The Hessian of the loss by its outputs."""
    H = [[0.0] * len(u) for _ in u]
    for a in range(len(u)):
        for b in range(len(u)):
            at = [Dual(v, float(k == a), float(k == b)) for k, v in enumerate(u)]
            H[a][b] = LOSSES[kind](at, t).parts[3]
    return H
