"""Gradients and products of a network: sums over samples of δ aᵀ and its like, layer by layer."""

from saddlecore.jit import allocating, device
from saddlecore.network_normal import add_moments
from saddlecore.network_plan import (
    BIAS,
    FROM,
    IN,
    NORM,
    NORMAL,
    OUT,
    PAD,
    PADS,
    PLAIN,
    SUMS,
    TO,
    UNITS,
    B,
    W,
)
from saddlecore.network_products import add_products

__all__ = ["add_sums", "halved_norm", "means_of", "sample_major", "sums_for"]


@device
def sums_for(net):
    """How many numbers the gradient takes while it is summed."""
    plan = net[0]
    last = plan[len(plan) - 1]
    more = 0 if net[1][NORMAL] == PLAIN else 2 * net[1][UNITS]
    return last[SUMS] + last[OUT] * last[PAD] + more


@allocating
def sample_major(rows, at, count, m, out, out_at, out_row, one):
    """Turn rows of units into rows of samples, filled up with a 1 (if `one` ≥ 0) and zeros."""
    for s in range(m):
        for k in range(count, out_row):
            out[out_at + s * out_row + k] = 0.0
        if one >= 0.0 and count < out_row:
            out[out_at + s * out_row + count] = one
    for u in range(count):
        for s in range(m):
            out[out_at + s * out_row + u] = rows[at + u * m + s]


@device
def _add_layer(net, row, d, m, inputs, inputs_at, space, sums):
    """Sums of δ aᵀ of one layer."""
    sample_major(d, row[TO] * m, row[OUT], m, space[6], 0, row[OUT], -1.0)
    add_products(sums, row[SUMS], row[PAD], space[6], 0, row[OUT], inputs, inputs_at, row[PAD],
                 m, row[OUT], row[PAD])  # fmt: skip


@allocating
def add_sums(net, m, x, x_at, along, space, sums):
    """Add the chunk's gradient, Σ δ aᵀ; or its part of Hessian times v, Σ Rδ aᵀ + δ Raᵀ.

    x holds the inputs sample by sample, filled up; their Ra is 0.
    """
    plan, one, d = net[0], 1.0 if net[1][BIAS] else -1.0, space[11] if along else space[4]
    for depth in range(len(plan)):
        row = plan[depth]
        if depth == 0:
            _add_layer(net, row, d, m, x, x_at, space, sums)
            continue
        at = row[PADS] * m
        sample_major(space[0], row[FROM] * m, row[IN], m, space[5], at, row[PAD], one)
        _add_layer(net, row, d, m, space[5], at, space, sums)
        if along:
            sample_major(space[9], row[FROM] * m, row[IN], m, space[12], at, row[PAD], -1.0)
            _add_layer(net, row, space[4], m, space[12], at, space, sums)
    add_moments(net, space, along, sums)


@device
def means_of(net, sums, count, along, out):
    """Sums of δ aᵀ, and those for γ and β, as a gradient, with the decay's part."""
    plan, units, last = net[0], net[1][UNITS], net[0][len(net[0]) - 1]
    of_weights, of_biases = net[2][0], net[2][1]
    for depth in range(len(plan)):
        row = plan[depth]
        for o in range(row[OUT]):
            at, to = row[SUMS] + o * row[PAD], row[W] + o * row[IN]
            for i in range(row[IN]):
                out[to + i] = sums[at + i] / count + of_weights * along[to + i]
            if row[B] >= 0:
                to = row[B] + o
                out[to] = sums[at + row[IN]] / count + of_biases * along[to]
            for k in range(2 if row[NORM] >= 0 else 0):
                at = last[SUMS] + last[OUT] * last[PAD] + k * units + row[TO] + o
                to = row[NORM] + k * row[OUT] + o
                out[to] = sums[at] / count + of_biases * along[to]


@device
def halved_norm(net, theta):
    """½ Σ decay·θᵢ²; where all have the same, in the order of θ."""
    plan, of_weights, of_biases = net[0], net[2][0], net[2][1]
    total = biases = 0.0
    if of_weights != 0.0 or of_biases != 0.0:
        for i in range(len(theta)):
            total += theta[i] * theta[i]
    if of_weights != of_biases:
        for depth in range(len(plan)):
            row = plan[depth]
            for o in range(row[OUT]):
                if row[B] >= 0:
                    biases += theta[row[B] + o] * theta[row[B] + o]
                for k in range(2 if row[NORM] >= 0 else 0):
                    at = row[NORM] + k * row[OUT] + o
                    biases += theta[at] * theta[at]
    return 0.5 * (of_weights * total + (of_biases - of_weights) * biases)
