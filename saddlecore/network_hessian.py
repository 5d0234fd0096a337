"""Exact Hessians of multilayer networks, and Gauss–Newton matrices, by blocks of two layers.

With ã = (a, 1) the inputs of a layer, the block of layers m ≥ l is the mean over samples of

    (dδ_m/dz_l)_ij ã_p b̃_q + δ_i (∂a_p/∂z_j) b̃_q,

row (i, p) in layer m, column (j, q) in layer l, whose inputs are b̃; the second term where m > l.
Each is Σ_s w_r a_p b_q, with w and a from `saddlecore.network_curvature`: for each p, which is a
task, one product of matrices.  Blocks with m = l are symmetric in (i, j) and in (p, q): half of
them is computed.

Samples go through in groups of `GROUP`; sums do not depend on the number of threads.
"""

from saddlecore.jit import allocating, device, kernel
from saddlecore.memory import aligned
from saddlecore.network_curvature import curvature, curvature_space
from saddlecore.network_layers import (
    backward,
    forward,
    losses_of,
    space_for,
    targets_at,
    turned_weights,
)
from saddlecore.network_plan import (
    BESIDE,
    BIAS,
    CHUNK,
    COLUMNS,
    EARLIER,
    FROM,
    IN,
    KIND,
    LATER,
    MANY,
    OF_A,
    OF_C,
    OF_D,
    OF_P,
    OF_Q,
    OF_R,
    OF_W,
    OUT,
    PAD,
    PADS,
    SAMPLES,
    TASK,
    TO,
    B,
    W,
    opened,
)
from saddlecore.network_products import add_products
from saddlecore.network_sums import sample_major

__all__ = ["GROUP", "add_blocks", "fill_blocks", "prepare", "second_of"]

#: Samples at a time: their records stay in the cache.
GROUP = 6 * CHUNK


@allocating
def _prepare(net, theta, first, chunks, curved, w, pads):
    """Records of the chunks, which begin with sample `first` of the group."""
    plan, numbers, jobs = net[0], net[1], net[6]
    ends, one = jobs[len(jobs) - 1], 1.0 if net[1][BIAS] else -1.0
    m = numbers[MANY]
    space, more, each = space_for(net, m, False), curvature_space(net), aligned(m)
    turned = turned_weights(net, theta)
    origin = first // GROUP * GROUP
    for at in range(first, first + chunks * m, m):
        count, base = min(m, numbers[SAMPLES] - at), at - origin
        targets_at(net, at, count, m, space[7])
        forward(net, theta, turned, net[4], at * plan[0, IN], m, m, count, space, 1)
        losses_of(net, m, count, space, each)
        backward(net, theta, m, count, space)
        for s in range(0, m, 8):
            curvature(net, theta, s, m, count, space, more, curved, jobs, base, w, GROUP)
        deltas = ends[OF_W]
        for depth in range(len(plan) - 1, -1, -1):
            row = plan[depth]
            deltas -= row[OUT]
            sample_major(space[4], row[TO] * m, row[OUT], m, w,
                         deltas * GROUP + base * row[OUT], row[OUT], -1.0)  # fmt: skip
            if depth > 0:
                sample_major(space[0], row[FROM] * m, row[IN], m, pads,
                             row[PADS] * GROUP + base * row[PAD], row[PAD], one)  # fmt: skip


@device
def _job_of(jobs, task):
    job = 0
    while jobs[job + 1, TASK] <= task:
        job += 1
    return job


@device
def _scale(a, a_at, a_row, b, b_at, b_row, low, columns, count, u):
    """u_sq = a_s b_sq, from column `low` on."""
    for s in range(count):
        factor = a[a_at + s * a_row]
        for q in range(low, columns):
            u[s * columns + q] = factor * b[b_at + s * b_row + q]


@device
def _add_task(net, jobs, job, p, first, count, w, pads, u, sums):
    row = jobs[job]
    later, earlier = net[0][row[LATER]], net[0][row[EARLIER]]
    R, Q, m = row[OF_R], row[OF_Q], net[1][MANY]
    low = p // 8 * 8 if row[LATER] == row[EARLIER] else 0
    to = row[OF_C] + p * R * Q + low
    for s in range(0, count, m):
        # A layer's inputs, of the first layer those of the data.
        if row[EARLIER] == 0:
            b, b_at = net[3], (first + s) * net[1][COLUMNS]
        else:
            b, b_at = pads, earlier[PADS] * GROUP + s * Q
        if row[KIND] == 1:
            a, a_at, a_row = w, row[OF_A] * GROUP + s * row[OF_P] + p, row[OF_P]
        elif row[LATER] == 0:
            a, a_at, a_row = net[3], (first + s) * net[1][COLUMNS] + p, later[PAD]
        else:
            a, a_at, a_row = pads, later[PADS] * GROUP + s * later[PAD] + p, later[PAD]
        _scale(a, a_at, a_row, b, b_at, Q, low, Q, m, u)
        add_products(sums, to, Q, w, row[OF_W] * GROUP + s * R, R, u, low, Q, m, R, Q - low)


@allocating
def _add_tasks(net, first, count, w, pads, begin, end, curved, sums):
    jobs, widest = net[6], 0
    for depth in range(len(net[0])):
        widest = max(widest, net[0][depth, PAD])
    u = aligned(net[1][MANY] * widest)
    for task in range(begin, end):
        job = _job_of(jobs, task)
        if curved or jobs[job, KIND] == 0:
            _add_task(net, jobs, job, task - jobs[job, TASK], first, count, w, pads, u, sums)


# --- sums as a matrix ----------------------------------------------------------------------------


@device
def _place(row, i, p):
    """The parameter that leads from input p, or from the 1 after them, to output i."""
    return row[W] + i * row[IN] + p if p < row[IN] else row[B] + i


@device
def _put(H, packed, n, i, j, value):
    """Write a number to both of its places, or to that of the lower triangle."""
    if packed:
        high, low = max(i, j), min(i, j)
        H[high * (high + 1) // 2 + low] = value
    else:
        H[i * n + j] = value
        H[j * n + i] = value


@device
def _fill_symmetric(row, layer, own, p, scale, decays, sums, H, packed, n):
    h, r = layer[OUT], 0
    decay = decays[0] if p < layer[IN] else decays[1]
    for i in range(h):
        for j in range(i, h):
            at = row[OF_C] + (p * row[OF_R] + r) * row[OF_Q]
            for q in range(p, own):
                value = scale * sums[at + q] + (decay if i == j and p == q else 0.0)
                _put(H, packed, n, _place(layer, i, p), _place(layer, j, q), value)
                _put(H, packed, n, _place(layer, i, q), _place(layer, j, p), value)
            r += 1


@device
def _fill_across(net, row, p, own, curved, scale, sums, H, packed, n):
    later, earlier = net[0][row[LATER]], net[0][row[EARLIER]]
    h, columns, Q = later[OUT], earlier[OUT], row[OF_Q]
    for i in range(h):
        for j in range(columns):
            at = row[OF_C] + (p * row[OF_R] + i * columns + j) * Q
            more = curved and p < later[IN] and (j == p or not row[BESIDE])
            k = p if row[BESIDE] else p * columns + j
            of_d = row[OF_D] + (k * h + i) * Q
            for q in range(own):
                total = sums[at + q]
                if more:
                    total += sums[of_d + q]
                _put(H, packed, n, _place(later, i, p), _place(earlier, j, q), scale * total)


@allocating
def _fill_tasks(net, begin, end, curved, sums, n, H, packed):
    jobs, scale, decays = net[6], 1.0 / net[1][SAMPLES], net[2]
    for task in range(begin, end):
        row = jobs[_job_of(jobs, task)]
        p, earlier = task - row[TASK], net[0][row[EARLIER]]
        own = earlier[IN] + net[1][BIAS]
        if row[KIND] == 0 and row[LATER] == row[EARLIER]:
            _fill_symmetric(row, earlier, own, p, scale, decays, sums, H, packed, n)
        elif row[KIND] == 0:
            _fill_across(net, row, p, own, curved, scale, sums, H, packed, n)


@allocating
def second_of(net, theta, out):
    """The lower triangle of the Hessian, row by row."""
    jobs, plan, N, m = net[6], net[0], net[1][SAMPLES], net[1][MANY]
    ends, last = jobs[len(jobs) - 1], plan[len(plan) - 1]
    w, pads = aligned(ends[OF_W] * GROUP), aligned((last[PADS] + last[PAD]) * GROUP)
    sums = aligned(ends[OF_C])
    sums[:] = 0.0
    for first in range(0, N, GROUP):
        chunks = (min(GROUP, N - first) + m - 1) // m
        _prepare(net, theta, first, chunks, True, w, pads)
        _add_tasks(net, first, chunks * m, w, pads, 0, ends[TASK], True, sums)
    _fill_tasks(net, 0, ends[TASK], True, sums, len(theta), out, True)


# --- kernels, which threads share ----------------------------------------------------------------


@kernel
def prepare(header, theta, first, chunks, curved, w, pads):
    """Write what the Hessian is made of for some chunks of a group of samples.

    Parameters
    ----------
    header : (HEADER,) int64
        See `saddlecore.network_plan.describe`.
    theta : (n,) float64
    first, chunks : int
        The first sample, of a chunk too, and how many chunks, all of one group.
    curved : bool
        False for the Gauss–Newton matrix.
    w : (records,) float64, out
        The last job's `OF_W` times `GROUP`.
    pads : (inputs,) float64, out
        Inputs of hidden layers, `GROUP` times the last layer's `PADS` and `PAD`.
    """
    _prepare(opened(header), theta, first, chunks, curved, w, pads)


@kernel
def add_blocks(header, first, count, w, pads, begin, end, curved, sums):
    """Add a group of samples to the sums of tasks `begin` … `end` − 1.

    Parameters
    ----------
    header, w, pads, curved
        As for `prepare`.
    first, count : int
        The group's first sample, and how many, filled up to whole chunks.
    begin, end : int
        Of the last job's `TASK`.
    sums : (sums,) float64, in and out
        The last job's `OF_C`.
    """
    _add_tasks(opened(header), first, count, w, pads, begin, end, curved, sums)


@kernel
def fill_blocks(header, begin, end, curved, sums, n, H):
    """Turn sums into entries of the Hessian: all of it when every task was done.

    Parameters
    ----------
    header, begin, end, curved, sums
        As for `add_blocks`.
    n : int
        Number of parameters.
    H : (n·n,) float64, out
    """
    _fill_tasks(opened(header), begin, end, curved, sums, n, H, False)
