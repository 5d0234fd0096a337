"""A network and its data as one array of numbers, which forms take as their `data`.

Parameters: layer by layer, the weights row by row (outputs × inputs), then the biases.  Samples
come in chunks of `CHUNK`, one after another in a register; the last is filled up with zeros.
Inputs are kept twice: in chunks, input i of sample s at ``i·CHUNK + s``, and sample by sample,
each followed by a 1 where there are biases and filled up to eight numbers.
"""

import itertools

import numpy as np
from numba import carray

from saddlecore.forms import pointer_at
from saddlecore.jit import allocating

__all__ = [
    "ACTIVATION",
    "BESIDE",
    "BIAS",
    "CHUNK",
    "COLUMNS",
    "EARLIER",
    "FROM",
    "HEADER",
    "IN",
    "KIND",
    "LATER",
    "LOSS",
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
#: its input is added to its output; the activation.
IN, OUT, W, B, FROM, TO, PAD, PADS, SUMS, RESIDUAL, ACTIVATION = range(11)
#: Of the network.
SAMPLES, COLUMNS, LOSS, UNITS, SIZE, TARGETS, BIAS = range(7)
HEADER = 9
#: Of each sum of a Hessian: 0, or 1 for those with δ (the row at the end, 2, holds totals); the
#: later layer and the earlier one; how many w, a and b there are; where w and a (of those with δ)
#: begin in the record of a sample; where the sums begin, and where those with δ that go to the same
#: block do; whether the layers are neighbours; the first task.
KIND, LATER, EARLIER, OF_R, OF_P, OF_Q, OF_W, OF_A, OF_C, OF_D, BESIDE, TASK = range(12)
#: Not a power of two: rows of a chunk would share the cache's sets.
CHUNK = 80


def padded_to(count, multiple):
    """The next multiple."""
    return -(-count // multiple) * multiple


def plan_of(sizes, *, bias, residual, activation, linear):
    """(layers, 11) int64: the columns above."""
    rows, at, unit, hidden, sums = [], 0, 0, 0, 0
    for k, (inputs, outputs) in enumerate(itertools.pairwise(sizes)):
        last = k == len(sizes) - 2
        pad = padded_to(inputs + bias, 8)
        rows.append([
            inputs, outputs, at, at + inputs * outputs if bias else -1, unit, unit + inputs,
            pad, hidden, sums, int(residual and k > 0 and not last and inputs == outputs),
            linear if last else activation,
        ])  # fmt: skip
        at += outputs * (inputs + bias)
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


def describe(plan, loss, X, y, *decays):
    """Return (header, what must live as long): X (N, inputs) and y (N, targets) float64.

    The decays are those of weights and of biases.
    """
    (N, inputs), first, last = X.shape, plan[0], plan[-1]
    chunks = padded_to(N, CHUNK) // CHUNK
    padded = np.zeros((chunks * CHUNK, first[PAD]))
    padded[:N, :inputs] = X
    bias = int(first[B] != -1)
    padded[:N, inputs : inputs + bias] = 1.0
    turned = np.ascontiguousarray(
        padded[:, :inputs].reshape(chunks, CHUNK, inputs).transpose(0, 2, 1)
    )
    targets = np.ascontiguousarray(y, dtype=np.float64)
    size = int(last[W] + last[OUT] * (last[IN] + bias))
    numbers = np.array(
        [N, first[PAD], loss, last[TO] + last[OUT], size, targets.shape[1], bias, 0], np.int64
    )
    both = np.array(decays, np.float64)
    kept = (np.ascontiguousarray(plan), numbers, both, padded, turned, targets)
    jobs = jobs_of(plan)
    kept = (*kept, jobs)
    header = np.array([len(plan), *(a.ctypes.data for a in kept), len(jobs)], np.int64)
    return header, kept


@allocating
def opened(header):
    """The arrays, flat: plan, numbers, decays, inputs by sample, inputs by chunk, targets, jobs."""
    plan = carray(pointer_at(header[1], np.int64(0)), (header[0], 11))
    numbers = carray(pointer_at(header[2], np.int64(0)), 8)
    decays = carray(pointer_at(header[3], 0.0), 2)
    N = numbers[SAMPLES]
    whole = (N + CHUNK - 1) // CHUNK * CHUNK
    padded = carray(pointer_at(header[4], 0.0), whole * numbers[COLUMNS])
    turned = carray(pointer_at(header[5], 0.0), whole * plan[0, IN])
    targets = carray(pointer_at(header[6], 0.0), N * numbers[TARGETS])
    jobs = carray(pointer_at(header[7], np.int64(0)), (header[8], 12))
    return plan, numbers, decays, padded, turned, targets, jobs
