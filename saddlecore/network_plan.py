"""A network and its data as one array of numbers, which forms take as their `data`.

Parameters: layer by layer, the weights row by row (outputs × inputs), then the biases, or γ and
then β where the layer is normalised.  Samples come in chunks of m, at most `CHUNK`, or all in one
where each depends on all, through statistics of the batch; one after another in a register, the
last filled up with zeros.  Inputs are kept twice: in chunks, input i of sample s at ``i·m + s``,
and sample by sample, each followed by a 1 where there are biases and filled up to eight numbers.
"""

import itertools

import numpy as np
from numba import carray

from saddlecore.forms import pointer_at
from saddlecore.jit import allocating

__all__ = [
    "ACTIVATION",
    "BATCH",
    "BESIDE",
    "BIAS",
    "CHUNK",
    "COLUMNS",
    "EARLIER",
    "FIXED",
    "FROM",
    "HEADER",
    "IN",
    "KIND",
    "LATER",
    "LOSS",
    "MANY",
    "NORM",
    "NORMAL",
    "OF_A",
    "OF_C",
    "OF_D",
    "OF_P",
    "OF_Q",
    "OF_R",
    "OF_W",
    "OUT",
    "PAD",
    "PADS",
    "PLAIN",
    "RESIDUAL",
    "SAMPLES",
    "SIZE",
    "SUMS",
    "TARGETS",
    "TASK",
    "TO",
    "UNITS",
    "B",
    "W",
    "describe",
    "jobs_of",
    "opened",
    "padded_to",
    "plan_of",
]  # fmt: skip

#: Of each layer: numbers of inputs and outputs; where its weights and biases begin (−1: none);
#: the first of its input units and of its outputs among all units; how many numbers a sample of its
#: inputs takes, and where those of a hidden layer begin; where sums for its weights begin; whether
#: its input is added to its output; the activation; where γ begin, and β after them (−1: none).
IN, OUT, W, B, FROM, TO, PAD, PADS, SUMS, RESIDUAL, ACTIVATION, NORM = range(12)
#: Of the network: `MANY` is m, `NORMAL` says which statistics layers are normalised by.
SAMPLES, COLUMNS, LOSS, UNITS, SIZE, TARGETS, BIAS, MANY, NORMAL = range(9)
#: None, those of the samples at hand, or given ones.
PLAIN, BATCH, FIXED = range(3)
HEADER = 10
#: Of each sum of a Hessian: 0, or 1 for those with δ (the row at the end, 2, holds totals); the
#: later layer and the earlier one; how many w, a and b there are; where w and a (of those with δ)
#: begin in the record of a sample; where the sums begin, and where those with δ that go to the same
#: block do; whether the layers are neighbours; the first task.
KIND, LATER, EARLIER, OF_R, OF_P, OF_Q, OF_W, OF_A, OF_C, OF_D, BESIDE, TASK = range(12)
#: Not a power of two: rows of a chunk would share the cache's sets.
CHUNK = 80
_POWER = 64


def padded_to(count, multiple):
    """The next multiple."""
    return -(-count // multiple) * multiple


def plan_of(sizes, *, bias, residual, activation, linear, batch_norm=False):
    """(layers, 12) int64: the columns above.

    With ``batch_norm`` only the last layer can have biases: it is not normalised.
    """
    rows, at, unit, hidden, sums = [], 0, 0, 0, 0
    for k, (inputs, outputs) in enumerate(itertools.pairwise(sizes)):
        last = k == len(sizes) - 2
        normal = batch_norm and not last
        pad, after = padded_to(inputs + bias, 8), at + inputs * outputs
        rows.append([
            inputs, outputs, at, after if bias and not normal else -1, unit, unit + inputs,
            pad, hidden, sums, int(residual and k > 0 and not last and inputs == outputs),
            linear if last else activation, after if normal else -1,
        ])  # fmt: skip
        at = after + outputs * (2 if normal else bias)
        unit += inputs
        hidden += pad if k else 0
        sums += outputs * pad
    return np.array(rows, np.int64)


def jobs_of(plan):
    """(jobs, 12) int64: the sums that a Hessian is made of, see `saddlecore.network_hessian`."""
    rows, of_w, of_c, tasks = [], 0, 0, 0
    layers = range(len(plan))
    pairs = [(m, early) for m in layers for early in layers[: m + 1]]
    later = {}
    for m, early in pairs:  # those with δ first: their sums are looked up
        if early < m:
            side = early + 1 == m
            across = plan[early, OUT] * (1 if side else plan[m, IN])
            shape = (plan[m, OUT], across, plan[early, PAD])
            rows.append([1, m, early, *shape, 0, of_w, of_c, -1, side, tasks])
            later[m, early] = of_c
            of_w, of_c = of_w + across, of_c + int(np.prod(shape))
            tasks += across
    for m, early in pairs:
        h = plan[m, OUT]
        count = h * (h + 1) // 2 if early == m else h * plan[early, OUT]
        inner = plan[m, IN] + int(plan[m, B] >= 0)
        shape = (count, inner, plan[early, PAD])
        more = later.get((m, early), -1), early + 1 == m
        rows.append([0, m, early, *shape, of_w, -1, of_c, *more, tasks])
        of_w, of_c = of_w + count, of_c + int(np.prod(shape))
        tasks += inner
    for row in rows:
        if row[KIND] == 1:
            row[OF_W] = of_w + plan[: row[LATER], OUT].sum()
    ends = [2, 0, 0, 0, 0, 0, of_w + plan[:, OUT].sum(), -1, of_c, -1, 0, tasks]
    return np.array([*rows, ends], np.int64)


def _chunk_of(N, normal):
    """How many samples a chunk has."""
    if normal != BATCH:
        return min(CHUNK, padded_to(N, 8))
    m = padded_to(N, 8)
    return m if m % _POWER else m + 8  # no power of two, as above


def describe(plan, loss, X, y, decays, normal=PLAIN, statistics=()):
    """Return (header, what must live as long): X (N, inputs) and y (N, targets) float64.

    `decays` are those of weights and of biases.  `statistics`, of normalised layers with `FIXED`
    ones, are means of all units, inputs and outputs too, and variances.
    """
    (N, inputs), first, last = X.shape, plan[0], plan[-1]
    m = _chunk_of(N, normal)
    chunks = padded_to(N, m) // m
    padded = np.zeros((chunks * m, first[PAD]))
    padded[:N, :inputs] = X
    bias = int(last[B] != -1)
    padded[:N, inputs : inputs + bias] = 1.0
    turned = np.ascontiguousarray(padded[:, :inputs].reshape(chunks, m, inputs).transpose(0, 2, 1))
    targets = np.ascontiguousarray(y, dtype=np.float64)
    size = int(last[W] + last[OUT] * (last[IN] + bias))
    units = last[TO] + last[OUT]
    numbers = np.array(
        [N, first[PAD], loss, units, size, targets.shape[1], bias, m, normal], np.int64
    )
    both, fixed = np.array(decays, np.float64), np.zeros(2 * units)
    if normal == FIXED:
        fixed[:] = statistics
    jobs = jobs_of(plan)
    kept = (np.ascontiguousarray(plan), numbers, both, padded, turned, targets, fixed, jobs)
    header = np.array([len(plan), *(a.ctypes.data for a in kept), len(jobs)], np.int64)
    return header, kept


@allocating
def opened(header):
    """The arrays: plan, numbers, decays, inputs by sample, inputs by chunk, targets, jobs,
    statistics; flat."""
    plan = carray(pointer_at(header[1], np.int64(0)), (header[0], 12))
    numbers = carray(pointer_at(header[2], np.int64(0)), 9)
    decays = carray(pointer_at(header[3], 0.0), 2)
    N, m = numbers[SAMPLES], numbers[MANY]
    whole = (N + m - 1) // m * m
    padded = carray(pointer_at(header[4], 0.0), whole * numbers[COLUMNS])
    turned = carray(pointer_at(header[5], 0.0), whole * plan[0, IN])
    targets = carray(pointer_at(header[6], 0.0), N * numbers[TARGETS])
    fixed = carray(pointer_at(header[7], 0.0), 2 * numbers[UNITS])
    jobs = carray(pointer_at(header[8], np.int64(0)), (header[9], 12))
    return plan, numbers, decays, padded, turned, targets, jobs, fixed
