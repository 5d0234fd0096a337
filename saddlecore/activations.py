"""Activation functions with two derivatives, in lanes or in plain numbers.

At a kink a derivative is the one from the left.
"""

import math

from saddlecore.jit import device
from saddlecore.laneops import select, splat

__all__ = [
    "ELU",
    "GELU",
    "LEAK",
    "LEAKY_RELU",
    "LINEAR",
    "RELU",
    "SELU",
    "SELU_ALPHA",
    "SELU_SCALE",
    "SIGMOID",
    "SILU",
    "SOFTPLUS",
    "TANH",
    "activate",
    "sigmoid",
    "softplus",
]  # fmt: skip

LINEAR, SIGMOID, TANH, SOFTPLUS, RELU, LEAKY_RELU, ELU, SELU, GELU, SILU = range(10)
#: Slope of the leaky ReLU on the left.
LEAK = 0.01
#: Klambauer et al. 2017: these keep N(0, 1) as it is.
SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772
_HALF_ROOT, _DENSITY = math.sqrt(0.5), 1.0 / math.sqrt(2.0 * math.pi)


@device
def sigmoid(like, z):
    """1/(1 + exp(−z)), and 1 minus that, both without cancellation."""
    e = math.exp(-abs(z))
    near, far = 1.0 / (1.0 + e), e / (1.0 + e)
    right = z >= 0.0
    return select(right, near, far), select(right, far, near)


@device
def softplus(like, z):
    """ln(1 + exp z)."""
    return max(z, splat(like, 0.0)) + math.log1p(math.exp(-abs(z)))


@device
def _smooth(like, z):
    s, rest = sigmoid(like, z)
    return s, s * rest, s * rest * (rest - s)


@device
def _tanh(like, z):
    t = math.tanh(z)
    slope = (1.0 - t) * (1.0 + t)
    return t, slope, -2.0 * t * slope


@device
def _softplus(like, z):
    s, slope, _ = _smooth(like, z)
    return softplus(like, z), s, slope


@device
def _pieces(like, z, left):
    right = z > 0.0
    zero = splat(like, 0.0)
    slope = select(right, splat(like, 1.0), splat(like, left))
    return slope * z, slope, zero


@device
def _exponential(like, z, scale, alpha):
    """Scale·z on the right, scale·α (exp z − 1) on the left."""
    right, zero = z > 0.0, splat(like, 0.0)
    low = min(z, zero)
    e = scale * alpha * math.exp(low)
    bent = scale * alpha * math.expm1(low)
    return (select(right, scale * z, bent), select(right, splat(like, scale), e),
            select(right, zero, e))  # fmt: skip


@device
def _gelu(like, z):
    """z Φ(z), by erf."""
    below = 0.5 + 0.5 * math.erf(_HALF_ROOT * z)
    density = _DENSITY * math.exp(-0.5 * z * z)
    return z * below, below + z * density, density * (2.0 - z * z)


@device
def _silu(like, z):
    s, slope, bend = _smooth(like, z)
    return z * s, s + z * slope, 2.0 * slope + z * bend


@device
def activate(like, which, z):
    """f, f' and f'' at z."""
    if which == TANH:
        return _tanh(like, z)
    if which == SIGMOID:
        return _smooth(like, z)
    if which == SOFTPLUS:
        return _softplus(like, z)
    if which == RELU:
        return _pieces(like, z, 0.0)
    if which == LEAKY_RELU:
        return _pieces(like, z, LEAK)
    if which == ELU:
        return _exponential(like, z, 1.0, 1.0)
    if which == SELU:
        return _exponential(like, z, SELU_SCALE, SELU_ALPHA)
    if which == GELU:
        return _gelu(like, z)
    if which == SILU:
        return _silu(like, z)
    return z, splat(like, 1.0), splat(like, 0.0)
