"""Losses of a network at many points of a line, a plane or a volume.

W₁ enters z₁ = W₁x + b₁ linearly: at θ + Σ t_k u_k it is Z₀ + Σ t_k Z_k.  Products with the inputs
are needed for θ and for each direction, none for a point.
"""

from saddlecore.jit import allocating, device, kernel
from saddlecore.laneops import lane, splat, zeros
from saddlecore.memory import aligned, load, store
from saddlecore.network_layers import (
    first_layer,
    masks,
    onwards,
    space_for,
    targets_at,
    turned_weights,
)
from saddlecore.network_losses import loss_alone
from saddlecore.network_plan import IN, LOSS, MANY, OUT, SAMPLES, SIZE, TO, W, opened
from saddlecore.network_sums import halved_norm

__all__ = ["losses_on"]

#: Lanes may read and write so many numbers beyond the last.
_ROOM = 8


@device
def _combine(like, rows, t, first, last, out):
    """out = rows[0] + Σ t_k rows[k + 1], from the number `first` on."""
    for k in range(len(t)):
        before, row, tk = rows[0] if k == 0 else out, rows[k + 1], t[k]
        for i in range(first, last, 8):
            store(out, i, load(like, before, i) + tk * load(like, row, i))


@allocating
def _rows(count, size):
    return aligned(count * (size + _ROOM)).reshape(count, size + _ROOM)


@allocating
def _parameters(net, theta, directions):
    """θ and the directions, as they are and with their weights column by column."""
    n, count = net[1][SIZE], 1 + len(directions)
    plain, turned = _rows(count, n), _rows(count, n)
    for k in range(count):
        each = theta if k == 0 else directions[k - 1]
        plain[k, :n] = each
        turned[k, :n] = turned_weights(net, each)
    return plain, turned


@allocating
def _sum_of_losses(net, m, count, space):
    like, last = zeros(8), net[0][len(net[0]) - 1]
    at, total = last[TO] * m, splat(like, 0.0)
    for s in range(0, m, 8):
        total += loss_alone(like, net[1][LOSS], space[0], at, m, last[OUT], space[7], s,
                            masks(like, s, count))  # fmt: skip
    sum_ = 0.0
    for k in range(8):
        sum_ += lane(total, k)
    return sum_


@allocating
def _losses_on(net, theta, directions, coordinates, values):
    like = zeros(8)
    plan, N, n, inputs = net[0], net[1][SAMPLES], net[1][SIZE], net[0][0, IN]
    m = net[1][MANY]
    space = space_for(net, m, False)
    plain, turned = _parameters(net, theta, directions)
    here = _rows(2, n)
    first_unit, last_unit = plan[0, TO] * m, (plan[0, TO] + plan[0, OUT]) * m
    zs = _rows(1 + len(directions), last_unit)
    later = plan[1, W] if len(plan) > 1 else n
    values[:] = 0.0
    for first in range(0, N, m):
        count = min(m, N - first)
        targets_at(net, first, count, m, space[7])
        for k in range(len(zs)):
            first_layer(net, plain[k], turned[k], net[4], first * inputs, m, m, zs[k])
        for p in range(len(values)):
            t = coordinates[p]
            _combine(like, zs, t, first_unit, last_unit, space[0])
            _combine(like, plain, t, later, n, here[0])
            _combine(like, turned, t, later, n, here[1])
            onwards(net, here[0], here[1], m, count, space, 0)
            values[p] += _sum_of_losses(net, m, count, space)
    for p in range(len(values)):
        _combine(like, plain, coordinates[p], 0, n, here[0])
        values[p] = values[p] / N + halved_norm(net, here[0][:n])


@kernel
def losses_on(header, theta, directions, coordinates, values):
    """Losses at points θ + Σ t_k u_k.

    Parameters
    ----------
    header : (HEADER,) int64
        See `saddlecore.network_plan.describe`.
    theta : (n,) float64
    directions : (k, n) float64
        u.
    coordinates : (m, k) float64
        t of each point.
    values : (m,) float64, out
    """
    _losses_on(opened(header), theta, directions, coordinates, values)
