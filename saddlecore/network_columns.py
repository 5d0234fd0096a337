"""Hessians of networks, and Gauss–Newton matrices, column by column: products with unit vectors.

For layers normalised by statistics of the batch, where no loss is a sum over samples.  Of each
chunk activations and δ are computed once for all columns.
"""

from saddlecore.jit import allocating, kernel
from saddlecore.memory import aligned
from saddlecore.network_layers import (
    backward,
    backward_along,
    forward,
    forward_along,
    losses_along,
    losses_of,
    space_for,
    targets_at,
    turned_weights,
)
from saddlecore.network_plan import COLUMNS, IN, MANY, SAMPLES, opened
from saddlecore.network_sums import add_sums, means_of, sums_for

__all__ = ["columns", "second_of_columns"]


@allocating
def _columns(net, theta, begin, end, curved, out):
    """Columns `begin` … `end` − 1 of the Hessian, or of the Gauss–Newton matrix, one by one."""
    N, m, inputs, n, size = net[1][SAMPLES], net[1][MANY], net[0][0, IN], len(theta), sums_for(net)
    space, each, v = space_for(net, m, True), aligned(m), aligned(n)
    sums = aligned(size * (end - begin))
    sums[:], v[:] = 0.0, 0.0
    turned = turned_weights(net, theta)
    for first in range(0, N, m):
        count, at, by_sample = min(m, N - first), first * inputs, first * net[1][COLUMNS]
        targets_at(net, first, count, m, space[7])
        forward(net, theta, turned, net[4], at, m, m, count, space, 1)
        losses_of(net, m, count, space, each)
        backward(net, theta, m, count, space)
        for j in range(begin, end):
            v[j] = 1.0
            turned_v, into = turned_weights(net, v), sums[(j - begin) * size :]
            forward_along(net, theta, v, turned_v, turned, net[4], at, m, m, count, space)
            if curved:
                backward_along(net, theta, v, m, count, space)
                add_sums(net, m, net[3], by_sample, True, space, into)
            else:
                # Rg of the outputs takes the place of g: Jᵀ of it.
                losses_along(net, m, count, space, space[3])
                backward(net, theta, m, count, space)
                add_sums(net, m, net[3], by_sample, False, space, into)
            v[j] = 0.0
    for j in range(begin, end):
        v[j] = 1.0
        means_of(net, sums[(j - begin) * size :], N, v, out[(j - begin) * n :])
        v[j] = 0.0


@allocating
def second_of_columns(net, theta, out):
    """The lower triangle of the Hessian, row by row, where there are no blocks."""
    n = len(theta)
    H = aligned(n * n)
    _columns(net, theta, 0, n, True, H)
    at = 0
    for i in range(n):
        for j in range(i + 1):
            out[at] = H[i * n + j]
            at += 1


@kernel
def columns(header, theta, begin, end, curved, out):
    """Columns of the Hessian, as products with unit vectors: where a loss is no sum over samples.

    Parameters
    ----------
    header : (HEADER,) int64
        See `saddlecore.network_plan.describe`.
    theta : (n,) float64
    begin, end : int
        Columns `begin` … `end` − 1.
    curved : bool
        False for the Gauss–Newton matrix.
    out : ((end − begin)·n,) float64, out
        Column after column.
    """
    _columns(opened(header), theta, begin, end, curved, out)
