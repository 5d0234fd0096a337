"""Losses of multilayer networks: value, gradient and product with the Hessian, chunk by chunk.

The mean over samples of a loss, plus ½ Σ decay·θᵢ², biases with a decay of their own.  `header` is
that of `saddlecore.network_plan`; a form takes its address as `data`.
"""

import numpy as np
from numba import carray

from saddlecore.forms import pointer_at
from saddlecore.jit import allocating, c_function, device, kernel
from saddlecore.memory import aligned
from saddlecore.network_columns import second_of_columns
from saddlecore.network_hessian import second_of
from saddlecore.network_layers import (
    backward,
    backward_along,
    forward,
    forward_along,
    losses_of,
    space_for,
    targets_at,
    turned_weights,
)
from saddlecore.network_normal import MEAN
from saddlecore.network_plan import (
    COLUMNS,
    HEADER,
    IN,
    MANY,
    NORMAL,
    OUT,
    PLAIN,
    SAMPLES,
    TARGETS,
    TO,
    UNITS,
    opened,
)
from saddlecore.network_sums import add_sums, halved_norm, means_of, sums_for

__all__ = ["batch_form", "gradient", "gradient_form", "hvp_form", "outputs",
           "second_form", "value_form"]  # fmt: skip

VALUE, GRADIENT, PRODUCT = range(3)


@allocating
def _chunk(net, theta, v, turned, turned_v, x, x_at, x_row, by_sample, at, m, count, what, space,
           each, sums):  # fmt: skip
    """One chunk: its losses go to `each`, their sum is returned, derivatives are added to sums."""
    forward(net, theta, turned, x, x_at, x_row, m, count, space, what)
    total = losses_of(net, m, count, space, each)
    if what > VALUE:
        backward(net, theta, m, count, space)
    if what == GRADIENT:
        add_sums(net, m, by_sample, at, False, space, sums)
    if what == PRODUCT:
        forward_along(net, theta, v, turned_v, turned, x, x_at, x_row, m, count, space)
        backward_along(net, theta, v, m, count, space)
        add_sums(net, m, by_sample, at, True, space, sums)
    return total


@allocating
def _all(net, theta, v, what, out):
    """Mean over all samples; returns the value, writes the gradient, or the product with v."""
    N, columns, inputs, m = net[1][SAMPLES], net[1][COLUMNS], net[0][0, IN], net[1][MANY]
    space, each = space_for(net, m, what == PRODUCT), aligned(m)
    sums = aligned(sums_for(net) if what > VALUE else 0)
    sums[:] = 0.0
    turned = turned_weights(net, theta)
    turned_v = turned_weights(net, v) if what == PRODUCT else turned
    total = 0.0
    for first in range(0, N, m):
        count = min(m, N - first)
        targets_at(net, first, count, m, space[7])
        total += _chunk(net, theta, v, turned, turned_v, net[4], first * inputs, m, net[3],
                        first * columns, m, count, what, space, each, sums)  # fmt: skip
    if what > VALUE:
        means_of(net, sums, N, v if what == PRODUCT else theta, out)
    return total / N + halved_norm(net, theta)


@device
def _gather(net, rows, first, count, m, x, by_sample, y):
    """Inputs and targets of the samples with these numbers, as of a chunk."""
    inputs, columns, targets = net[0][0, IN], net[1][COLUMNS], net[1][TARGETS]
    for s in range(m):
        at = np.int64(rows[first + min(s, count - 1)])
        for i in range(columns):
            by_sample[s * columns + i] = net[3][at * columns + i]
        for i in range(inputs):
            x[i * m + s] = net[3][at * columns + i]
        for k in range(targets):
            y[k * m + s] = net[5][at * targets + k]


@allocating
def _some(net, theta, rows, out):
    """Mean gradient of the samples with these numbers."""
    columns, inputs = net[1][COLUMNS], net[0][0, IN]
    m = min(net[1][MANY], (len(rows) + 15) // 16 * 16)
    space, each, sums = space_for(net, m, False), aligned(m), aligned(sums_for(net))
    x, by_sample = aligned(inputs * m), aligned(columns * m)
    sums[:] = 0.0
    turned = turned_weights(net, theta)
    for first in range(0, len(rows), m):
        count = min(m, len(rows) - first)
        _gather(net, rows, first, count, m, x, by_sample, space[7])
        _chunk(net, theta, theta, turned, turned, x, 0, m, by_sample, 0, m, count, GRADIENT,
               space, each, sums)  # fmt: skip
    means_of(net, sums, len(rows), theta, out)


# --- forms ---------------------------------------------------------------------------------------


@allocating
def _form(x, n, out, data, what):
    net = opened(carray(pointer_at(data, np.int64(0)), HEADER))
    numbers = carray(x, 2 * n if what == PRODUCT else n)
    theta, v = numbers[:n], numbers[n:] if what == PRODUCT else numbers[:n]
    result = carray(out, 1 if what == VALUE else n)
    value = _all(net, theta, v, what, result)
    if what == VALUE:
        result[0] = value


@c_function
def value_form(x, n, out, data):
    """The loss as a form, see `saddlecore.forms`; `data` is the address of a network's header."""
    _form(x, n, out, data, VALUE)


@c_function
def gradient_form(x, n, out, data):
    """Its gradient."""
    _form(x, n, out, data, GRADIENT)


@c_function
def hvp_form(x, n, out, data):
    """Its Hessian times v."""
    _form(x, n, out, data, PRODUCT)


@allocating
def _batch(x, n, out, data):
    net = opened(carray(pointer_at(data, np.int64(0)), HEADER))
    count = np.int64(carray(x, n + 1)[n])
    numbers = carray(x, n + 1 + count)
    _some(net, numbers[:n], numbers[n + 1 :], carray(out, n))


@c_function
def batch_form(x, n, out, data):
    """The mean gradient of a few samples."""
    _batch(x, n, out, data)


@allocating
def _second(x, n, out, data):
    net = opened(carray(pointer_at(data, np.int64(0)), HEADER))
    theta, result = carray(x, n), carray(out, 1 + n + n * (n + 1) // 2)
    result[0] = _all(net, theta, theta, GRADIENT, result[1:])
    if net[1][NORMAL] == PLAIN:
        second_of(net, theta, result[1 + n :])
    else:
        second_of_columns(net, theta, result[1 + n :])


@c_function
def second_form(x, n, out, data):
    """f, ∇f and the lower triangle of H."""
    _second(x, n, out, data)


# --- kernels -------------------------------------------------------------------------------------


@kernel
def gradient(header, theta, out):
    """Value and gradient at one point.

    Parameters
    ----------
    header : (HEADER,) int64
        See `saddlecore.network_plan.describe`.
    theta : (n,) float64
    out : (n,) float64, out

    Returns
    -------
    float
        The value.
    """
    return _all(opened(header), theta, theta, GRADIENT, out)


@kernel
def outputs(header, theta, losses, out, statistics):
    """Losses and outputs of every sample; statistics of the last chunk.

    Parameters
    ----------
    header : (HEADER,) int64
        See `saddlecore.network_plan.describe`.
    theta : (n,) float64
    losses : (whole,) float64, out
        `whole` is the number of samples, filled up to whole chunks.
    out : (whole, outputs) float64, out
    statistics : (2·units,) float64, out
        Of normalised layers: means of all units, inputs and outputs too, and variances.
    """
    net = opened(header)
    N, m, inputs, last = net[1][SAMPLES], net[1][MANY], net[0][0, IN], net[0][len(net[0]) - 1]
    space, turned = space_for(net, m, False), turned_weights(net, theta)
    for first in range(0, N, m):
        count = min(m, N - first)
        targets_at(net, first, count, m, space[7])
        forward(net, theta, turned, net[4], first * inputs, m, m, count, space, 0)
        losses_of(net, m, count, space, losses[first : first + m])
        for s in range(m):
            for k in range(last[OUT]):
                out[first + s, k] = space[0][(last[TO] + k) * m + s]
    if net[1][NORMAL] != PLAIN:
        # Means and variances are rows one after another.
        for k in range(2 * net[1][UNITS]):
            statistics[k] = space[15][MEAN * net[1][UNITS] + k]
