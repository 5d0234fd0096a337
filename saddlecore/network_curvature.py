"""Second derivatives of a sample's loss by the inputs z of its layers, eight samples at once.

With A = ∂a_k/∂z_l, Z = ∂z_k/∂z_l and Q_k = ∂²ℓ/∂a_k², all of later layers included,

    Z_kl = W_k A_{k−1,l},   A_kl = D_k Z_kl + r A_{k−1,l},   A_ll = D_l = diag f'(z_l),
    Q_{l−1} = W_lᵀ(P_l W_l + r D_l Q_l) + r Q_l D_l W_l + r Q_l,   P_l = S_ll,
    S_ml = dδ_m/dz_l = diag(f''(z_m) g_m) Z_ml + D_m Q_m A_ml,

r = 1 where the layer has a residual connection.  Without f'' it is the Gauss–Newton matrix.
"""

from saddlecore.jit import allocating, device
from saddlecore.laneops import fma, lane, splat, zeros
from saddlecore.memory import aligned, load, store
from saddlecore.network_losses import loss_curvature, masks
from saddlecore.network_plan import (
    EARLIER,
    KIND,
    LATER,
    LOSS,
    OF_A,
    OF_P,
    OF_R,
    OF_W,
    OUT,
    RESIDUAL,
    TO,
    W,
)

__all__ = ["curvature", "curvature_space"]


@allocating
def curvature_space(net):
    """Buffers for eight samples: A and Z of every two layers, Q, S, and a product."""
    plan, widest = net[0], 0
    for early in range(len(plan)):
        widest = max(widest, plan[early, OUT])
    square = 8 * widest * widest
    pairs = len(plan) * len(plan) * square
    return (aligned(pairs), aligned(pairs), aligned(square), aligned(square), aligned(square),
            aligned(square))  # fmt: skip


@device
def _block(space, k, early, layers):
    return (k * layers + early) * (len(space[2]))


@device
def _slope(net, space, row, s, m, i):
    """f' of unit i; 1 of an output."""
    like = zeros(8)
    if row[TO] == net[0][len(net[0]) - 1, TO]:
        return splat(like, 1.0)
    return load(like, space[1], (row[TO] + i) * m + s)


@device
def _bend(net, space, row, s, m, i, curved):
    like = zeros(8)
    if row[TO] == net[0][len(net[0]) - 1, TO] or not curved:
        return splat(like, 0.0)
    at = (row[TO] + i) * m + s
    return load(like, space[2], at) * load(like, space[3], at)


@device
def _times_weights(theta, row, rows, inner, columns, A, at, diagonal, Z, to):
    """Z = W A; of a diagonal A."""
    like = zeros(8)
    for i in range(rows):
        for j in range(columns):
            if diagonal:
                total = theta[row[W] + i * inner + j] * load(like, A, at + 8 * (j * columns + j))
            else:
                total = splat(like, 0.0)
                for k in range(inner):
                    weight = splat(like, theta[row[W] + i * inner + k])
                    total = fma(weight, load(like, A, at + 8 * (k * columns + j)), total)
            store(Z, to + 8 * (i * columns + j), total)


@allocating
def _jacobians(net, theta, s, m, space, more):
    """A and Z of every two layers."""
    like = zeros(8)
    plan, A, Z = net[0], more[0], more[1]
    layers = len(plan)
    for early in range(layers):
        h, own = plan[early, OUT], _block(more, early, early, layers)
        for i in range(h):
            for j in range(h):
                d = _slope(net, space, plan[early], s, m, i) if i == j else splat(like, 0.0)
                store(A, own + 8 * (i * h + j), d)
        for k in range(early + 1, layers):
            at, to = _block(more, k - 1, early, layers), _block(more, k, early, layers)
            row, inner = plan[k], plan[k - 1, OUT]
            _times_weights(theta, row, row[OUT], inner, h, A, at, k == early + 1, Z, to)
            for i in range(row[OUT]):
                d = _slope(net, space, row, s, m, i)
                for j in range(h):
                    place = 8 * (i * h + j)
                    value = d * load(like, Z, to + place)
                    if row[RESIDUAL]:
                        value += load(like, A, at + place)
                    store(A, to + place, value)


@device
def _second(net, s, m, space, more, k, early, curved):
    """S_kl, from Q_k, A_kl and Z_kl."""
    like = zeros(8)
    plan, A, Z, Q, S = net[0], more[0], more[1], more[2], more[3]
    h, columns, at = plan[k, OUT], plan[early, OUT], _block(more, k, early, len(plan))
    for i in range(h):
        d = _slope(net, space, plan[k], s, m, i)
        bend = _bend(net, space, plan[k], s, m, i, curved)
        for j in range(columns):
            if k == early:
                total = load(like, Q, 8 * (i * h + j)) * load(like, A, at + 8 * (j * h + j))
            else:
                total = splat(like, 0.0)
                for u in range(h):
                    total = fma(load(like, Q, 8 * (i * h + u)),
                                load(like, A, at + 8 * (u * columns + j)), total)  # fmt: skip
            value = d * total
            if k == early and i == j:
                value += bend
            if k > early:
                value = fma(bend, load(like, Z, at + 8 * (i * columns + j)), value)
            store(S, 8 * (i * columns + j), value)


@allocating
def _earlier(net, theta, s, m, space, more, early):
    """Q_{l−1} from Q_l and P_l, which is in S."""
    like = zeros(8)
    row, inner = net[0][early], net[0][early - 1, OUT]
    Q, P, T, new, h, at = more[2], more[3], more[4], more[5], row[OUT], row[W]
    for i in range(h):
        for j in range(inner):
            total = splat(like, 0.0)
            for u in range(h):
                weight = splat(like, theta[at + u * inner + j])
                total = fma(weight, load(like, P, 8 * (i * h + u)), total)
            if row[RESIDUAL]:
                total += _slope(net, space, row, s, m, i) * load(like, Q, 8 * (i * h + j))
            store(T, 8 * (i * inner + j), total)
    for i in range(inner):
        for j in range(inner):
            total = splat(like, 0.0)
            for u in range(h):
                weight = splat(like, theta[at + u * inner + i])
                total = fma(weight, load(like, T, 8 * (u * inner + j)), total)
            if row[RESIDUAL]:
                total += load(like, Q, 8 * (i * h + j))
                for u in range(h):
                    dw = theta[at + u * inner + j] * _slope(net, space, row, s, m, u)
                    total = fma(load(like, Q, 8 * (i * h + u)), dw, total)
            store(new, 8 * (i * inner + j), total)
    for k in range(0, 8 * inner * inner, 8):
        store(Q, k, load(like, new, k))


@device
def _spread(S, k, h, columns, s, w, w_at, w_row):
    """Write S_kl to the records of eight samples; of k = l the upper triangle."""
    like = zeros(8)
    r = 0
    for i in range(h):
        for j in range(i if k else 0, columns):
            x = load(like, S, 8 * (i * columns + j))
            for each in range(8):
                w[w_at + (s + each) * w_row + r] = lane(x, each)
            r += 1


@allocating
def curvature(net, theta, s, m, count, space, more, curved, places, base, w, size):
    """Write S of every two layers, and ∂a/∂z, of eight samples to their records.

    `places` are jobs of `saddlecore.network_plan`; `base` is the number of the chunk's first sample
    among the `size` that w has room for.
    """
    like = zeros(8)
    plan, layers = net[0], len(net[0])
    last = plan[layers - 1]
    _jacobians(net, theta, s, m, space, more)
    loss_curvature(like, net[1][LOSS], space[0], last[TO] * m, m, last[OUT], s,
                   masks(like, s, count), space[8], more[2])  # fmt: skip
    for k in range(layers - 1, -1, -1):
        for early in range(k + 1):
            # S_kk comes last: the next Q is made of it.
            _second(net, s, m, space, more, k, early, curved)
            job = _find(places, 0, k, early)
            _spread(more[3], k == early, plan[k, OUT], plan[early, OUT], base + s, w,
                    places[job, OF_W] * size, places[job, OF_R])  # fmt: skip
        if k > 0:
            _earlier(net, theta, s, m, space, more, k)
            _spread_slopes(net, s, m, space, more, k, places, base, w, size)


@device
def _find(places, kind, k, early):
    found = 0
    for job in range(len(places)):
        row = places[job]
        if row[KIND] == kind and row[LATER] == k and row[EARLIER] == early:
            found = job
    return found


@device
def _spread_slopes(net, s, m, space, more, k, places, base, w, size):
    """∂a_{k−1}/∂z_l for all earlier l; of l = k − 1 the diagonal."""
    like = zeros(8)
    plan, A = net[0], more[0]
    for early in range(k):
        job, at = _find(places, 1, k, early), _block(more, k - 1, early, len(plan))
        to, row, columns = places[job, OF_A] * size, places[job, OF_P], plan[early, OUT]
        for r in range(row):
            x = load(like, A, at + 8 * (r * columns + r if early == k - 1 else r))
            for each in range(8):
                w[to + (base + s + each) * row + r] = lane(x, each)
