"""What each unit of a network is given and gives, and how the loss depends on it, sample by sample.

And activation functions with their slopes at many places, for averages over Gaussian signals.
"""

from saddlecore.activations import activate
from saddlecore.jit import allocating, kernel
from saddlecore.laneops import zeros
from saddlecore.memory import aligned, load, store
from saddlecore.network_layers import (
    KEPT,
    backward,
    forward,
    losses_of,
    space_for,
    targets_at,
    turned_weights,
)
from saddlecore.network_plan import IN, MANY, OUT, SAMPLES, TO, opened

__all__ = ["activated", "signals"]


@allocating
def _start_from(net, cotangent, first, m, count, space):
    """Rows of the cotangent in the place of the loss's slopes; 0 beyond the last sample."""
    row = net[0][len(net[0]) - 1]
    for k in range(row[OUT]):
        for s in range(m):
            at = (row[TO] + k) * m + s
            space[3][at] = cotangent[first + s, k] if s < count else 0.0


@allocating
def _write(net, m, first, count, space, z, slopes, a, gradients):
    """Copy a chunk's rows; of the outputs, which are linear, f' = 1."""
    plan = net[0]
    for depth in range(len(plan)):
        row, last = plan[depth], depth == len(plan) - 1
        for unit in range(row[TO], row[TO] + row[OUT]):
            for s in range(count):
                at = unit * m + s
                slope = 1.0 if last else space[1][at]
                z[unit, first + s] = space[11][at]
                slopes[unit, first + s] = slope
                a[unit, first + s] = space[0][at]
                gradients[unit, first + s] = slope * space[3][at]


@allocating
def _signals(net, theta, cotangent, z, slopes, a, gradients):
    N, m, inputs = net[1][SAMPLES], net[1][MANY], net[0][0, IN]
    space, turned, each = space_for(net, m, True), turned_weights(net, theta), aligned(m)
    for first in range(0, N, m):
        count = min(m, N - first)
        targets_at(net, first, count, m, space[7])
        forward(net, theta, turned, net[4], first * inputs, m, m, count, space, KEPT)
        if len(cotangent) > 0:
            _start_from(net, cotangent, first, m, count, space)
        else:
            losses_of(net, m, count, space, each)
        backward(net, theta, m, count, space)
        _write(net, m, first, count, space, z, slopes, a, gradients)


@kernel
def signals(header, theta, cotangent, z, slopes, a, gradients):
    """Signals of all units, of inputs (which stay as they are) first.

    Parameters
    ----------
    header : (HEADER,) int64
        See `saddlecore.network_plan.describe`.
    theta : (n,) float64
    cotangent : (N, outputs) or (0, 0) float64
        g of the outputs; where it is empty, that of the loss of each sample.
    z : (units, N) float64, out
        What the activation is given: of normalised layers y.
    slopes : (units, N) float64, out
        f'.
    a : (units, N) float64, out
        What the layer gives, with what a residual connection adds.
    gradients : (units, N) float64, out
        f' g, the derivative by z.
    """
    _signals(opened(header), theta, cotangent, z, slopes, a, gradients)


@kernel
def activated(which, z, values, slopes):
    """f and f' of an activation of `saddlecore.activations`.

    Parameters
    ----------
    which : int
    z : (n,) float64
        n a multiple of eight.
    values, slopes : (n,) float64, out
    """
    like = zeros(8)
    for k in range(0, len(z), 8):
        value, slope, _ = activate(like, which, load(like, z, k))
        store(values, k, value)
        store(slopes, k, slope)
