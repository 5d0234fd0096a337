"""A chunk of samples forwards and backwards through a network, eight samples in a register.

z = W a' + b, a = f(z), and a + a' where there is a residual connection; δ = ∂ℓ/∂z, g = ∂ℓ/∂a.
Where a layer is normalised a = f(y), and `saddlecore.network_normal` makes y of z.
Rows are units: unit u of sample s at ``u·m + s``, m a multiple of eight.  The products with an R
are derivatives along a direction of the parameters (Pearlmutter 1994).
"""

from saddlecore.activations import activate
from saddlecore.jit import allocating, device
from saddlecore.laneops import splat, zeros
from saddlecore.memory import aligned, load, store
from saddlecore.network_losses import loss_and_slope, loss_curvature_times, masks, sum_of
from saddlecore.network_normal import (
    ROWS,
    normalise,
    normalise_along,
    normalise_backward,
    normalise_backward_along,
)
from saddlecore.network_plan import (
    ACTIVATION,
    FROM,
    IN,
    LOSS,
    NORM,
    NORMAL,
    OUT,
    PAD,
    PADS,
    PLAIN,
    RESIDUAL,
    SIZE,
    TARGETS,
    TO,
    UNITS,
    B,
    W,
)
from saddlecore.network_products import add_products

__all__ = ["KEPT", "backward", "backward_along", "first_layer", "forward", "forward_along",
           "losses_along",
           "losses_of", "masks", "onwards", "space_for", "targets_at",
           "turned_weights"]  # fmt: skip

#: An order of `forward` above all that derivatives need.
KEPT = 3


@allocating
def space_for(net, m, along):
    """Buffers for chunks of m samples.

    a, f', f'', g and δ of all units; hidden units and δ sample by sample; targets; softmax; and
    with ``along`` those of derivatives along a direction, Ra, Rg and Rδ; of normalised layers û,
    Rû, and numbers of each unit.
    """
    plan, numbers = net[0], net[1]
    units, last = numbers[UNITS] * m, plan[len(plan) - 1]
    pads, widest = last[PADS] + last[PAD], 0
    for depth in range(len(plan)):
        widest = max(widest, plan[depth, OUT])
    more, normal = units if along else 0, 0 if numbers[NORMAL] == PLAIN else 1
    return (
        aligned(units), aligned(units), aligned(units), aligned(units), aligned(units),
        aligned(pads * m), aligned(widest * m), aligned(max(numbers[TARGETS], 1) * m),
        aligned(last[OUT] * m), aligned(more), aligned(more), aligned(more),
        aligned(pads * m if along else 0), aligned(normal * units), aligned(normal * more),
        aligned(normal * ROWS * numbers[UNITS]),
    )  # fmt: skip


@allocating
def turned_weights(net, theta):
    """Weights column by column, at the same places."""
    plan, turned = net[0], aligned(net[1][SIZE])
    for depth in range(len(plan)):
        at, inputs, outputs = plan[depth, W], plan[depth, IN], plan[depth, OUT]
        for o in range(outputs):
            for i in range(inputs):
                turned[at + i * outputs + o] = theta[at + o * inputs + i]
    return turned


@device
def targets_at(net, first, count, m, out):
    """Rows of targets of the samples from `first` on; 0 beyond the last."""
    columns, y = net[1][TARGETS], net[5]
    for k in range(columns):
        for s in range(m):
            out[k * m + s] = y[(first + s) * columns + k] if s < count else 0.0


@device
def _start(c, at, rows, m, theta, where):
    """Rows of biases, or of zeros."""
    for o in range(rows):
        value = splat(zeros(8), theta[where + o] if where >= 0 else 0.0)
        for s in range(0, m, 8):
            store(c, at + o * m + s, value)


# --- forwards ------------------------------------------------------------------------------------


@device
def _activate_layer(row, m, space, order):
    like = zeros(8)
    a, f1, f2 = space[0], space[1], space[2]
    at, before = row[TO] * m, row[FROM] * m
    for k in range(0, row[OUT] * m, 8):
        value, slope, bend = activate(like, row[ACTIVATION], load(like, a, at + k))
        if row[RESIDUAL]:
            value += load(like, a, before + k)
        store(a, at + k, value)
        if order > 0:
            store(f1, at + k, slope)
            store(f2, at + k, bend)


@allocating
def forward(net, theta, turned, x, x_at, x_row, m, count, space, order):
    """Activations of a chunk whose inputs are rows of x; with ``order`` > 0 also f' and f''.

    With `KEPT` also what f is given, in the place of Rδ (`space_for` with ``along``).  The first
    `count` of the m samples there are.
    """
    first_layer(net, theta, turned, x, x_at, x_row, m, space[0])
    onwards(net, theta, turned, m, count, space, order)


@allocating
def first_layer(net, theta, turned, x, x_at, x_row, m, a):
    """W x + b of the first layer, at its place among the units."""
    row = net[0][0]
    _start(a, row[TO] * m, row[OUT], m, theta, row[B])
    add_products(a, row[TO] * m, m, turned, row[W], row[OUT], x, x_at, x_row, row[IN], row[OUT], m)


@allocating
def onwards(net, theta, turned, m, count, space, order):
    """Activations, where z of the first layer stands in the place of its units."""
    plan, a = net[0], space[0]
    for depth in range(len(plan)):
        row = plan[depth]
        if depth > 0:
            to, before = row[TO] * m, row[FROM] * m
            _start(a, to, row[OUT], m, theta, row[B])
            add_products(a, to, m, turned, row[W], row[OUT], a, before, m, row[IN], row[OUT], m)
        if row[NORM] >= 0:
            normalise(net, row, theta, m, count, space)
        if order == KEPT:
            for k in range(row[TO] * m, (row[TO] + row[OUT]) * m, 8):
                store(space[11], k, load(zeros(8), a, k))
        if depth < len(plan) - 1:
            _activate_layer(row, m, space, order)


@allocating
def losses_of(net, m, count, space, losses):
    """Losses of the `count` samples of a chunk, and g = δ of the outputs; returns their sum."""
    like = zeros(8)
    plan, numbers = net[0], net[1]
    last = plan[len(plan) - 1]
    at, total = last[TO] * m, splat(like, 0.0)
    for s in range(0, m, 8):
        each = loss_and_slope(like, numbers[LOSS], space[0], at, m, last[OUT], space[7], s,
                              masks(like, s, count), space[3])  # fmt: skip
        total += each
        store(losses, s, each)
    return sum_of(total)


@allocating
def forward_along(net, theta, v, turned_v, turned, x, x_at, x_row, m, count, space):
    """Ra of a chunk along v, after `forward`; of the inputs it is 0."""
    like = zeros(8)
    plan, a, f1, ra = net[0], space[0], space[1], space[9]
    for depth in range(len(plan)):
        row = plan[depth]
        to, before, rows, inputs, at = row[TO] * m, row[FROM] * m, row[OUT], row[IN], row[W]
        _start(ra, to, rows, m, v, row[B])
        if depth == 0:
            add_products(ra, to, m, turned_v, at, rows, x, x_at, x_row, inputs, rows, m)
        else:
            add_products(ra, to, m, turned_v, at, rows, a, before, m, inputs, rows, m)
            add_products(ra, to, m, turned, at, rows, ra, before, m, inputs, rows, m)
        if row[NORM] >= 0:
            normalise_along(net, row, theta, v, m, count, space)
        if depth < len(plan) - 1:
            # Rz, or Ry, is kept where Rδ will be.
            for k in range(0, rows * m, 8):
                rz = load(like, ra, to + k)
                store(space[11], to + k, rz)
                value = load(like, f1, to + k) * rz
                if row[RESIDUAL] and depth > 0:
                    value += load(like, ra, before + k)
                store(ra, to + k, value)


# --- backwards -----------------------------------------------------------------------------------


@allocating
def backward(net, theta, m, count, space):
    """δ and g of all layers, from g of the outputs."""
    like = zeros(8)
    plan, f1, g, d = net[0], space[1], space[3], space[4]
    for depth in range(len(plan) - 1, -1, -1):
        row = plan[depth]
        to, before, last = row[TO] * m, row[FROM] * m, depth == len(plan) - 1
        for k in range(0, row[OUT] * m, 8):
            gk = load(like, g, to + k)
            store(d, to + k, gk if last else gk * load(like, f1, to + k))
        if row[NORM] >= 0:
            normalise_backward(net, row, theta, m, count, space)
        if depth > 0:
            for k in range(0, row[IN] * m, 8):
                store(g, before + k, load(like, g, to + k) if row[RESIDUAL] else splat(like, 0.0))
            add_products(g, before, m, theta, row[W], row[IN], d, to, m, row[OUT], row[IN], m)


@device
def losses_along(net, m, count, space, rg):
    """Write Rg of the outputs, after `forward_along`."""
    like = zeros(8)
    loss, last = net[1][LOSS], net[0][len(net[0]) - 1]
    for s in range(0, m, 8):
        loss_curvature_times(like, loss, space[0], last[TO] * m, m, last[OUT], s,
                             masks(like, s, count), space[9], rg, space[8])  # fmt: skip


@allocating
def backward_along(net, theta, v, m, count, space):
    """Rδ and Rg of all layers, after `backward` and `forward_along`."""
    like = zeros(8)
    plan = net[0]
    f1, f2, g, d, rg, rd = space[1], space[2], space[3], space[4], space[10], space[11]
    losses_along(net, m, count, space, rg)
    for depth in range(len(plan) - 1, -1, -1):
        row = plan[depth]
        to, before, rows, inputs = row[TO] * m, row[FROM] * m, row[OUT], row[IN]
        for k in range(to, to + rows * m, 8):
            value = load(like, rg, k)
            if depth < len(plan) - 1:
                bent = load(like, f2, k) * load(like, g, k)
                value = load(like, f1, k) * value + bent * load(like, rd, k)
            store(rd, k, value)
        if row[NORM] >= 0:
            normalise_backward_along(net, row, theta, v, m, count, space)
        if depth > 0:
            for k in range(0, inputs * m, 8):
                store(rg, before + k,
                      load(like, rg, to + k) if row[RESIDUAL] else splat(like, 0.0))  # fmt: skip
            add_products(rg, before, m, theta, row[W], inputs, rd, to, m, rows, inputs, m)
            add_products(rg, before, m, v, row[W], inputs, d, to, m, rows, inputs, m)
