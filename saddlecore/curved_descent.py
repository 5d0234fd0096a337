"""The loop of `saddlecore.descent` for methods that use the Hessian."""

import numpy as np

from saddlecore.first import gradient_at, value_at
from saddlecore.jit import device, kernel
from saddlecore.laneops import width, zeros
from saddlecore.loop import loop_of
from saddlecore.memory import aligned, load, store
from saddlecore.perturbed import SINCE
from saddlecore.records import ALIVE
from saddlecore.second import second_at, second_scratch
from saddlecore.second_order import second_order_scratch, second_order_step

__all__ = ["descend_curved"]


@device
def _differentiate(like, forms, n, at, group, t, alive, method, work, last):
    """Take f, ∇f and, unless products do, the Hessian."""
    x, g, w = work.x, work.g, width(like)
    here, typical, room, scratch = work.extra
    if scratch[0] > 0:
        store(here, 0, value_at(like, forms, x, at, n, alive, work.scratch))
        gradient_at(like, forms, x, at, n, here, w, alive, work.scratch)
    else:
        second_at(like, forms, x[at : at + n * w], n, typical, here, room)
    for k in range(0, n * w, w):
        store(g, at + k, load(like, here, w + k))


@device
def _advance(like, forms, n, groups, method, t, row, work):
    w = width(like)
    here, scratch = work.extra[0], work.extra[3]
    alive = work.lanes[ALIVE, 0:w]
    kept = work.lanes[SINCE : SINCE + 2, 0:w]
    second_order_step(
        like, method.rule, forms, n, 0, work.x, here, kept, method.coefficients[row],
        method.curved, alive, scratch,
    )  # fmt: skip


# One group at a time: a step is long enough, and has the Hessian of one group.
_run = loop_of(_differentiate, _advance, 1)


@kernel
def descend_curved(forms, rows, method, span, stops, history, state, results, vectors):
    """`descent.descend` with the rules of `spectral`; `vectors` of Lanczos, or 0: dense.

    What a method knows of each start, besides the length of its last step, begins as NaN.
    """
    like, n = zeros(8), state[0].shape[1]
    count = 1 + n if vectors > 0 else 1 + n + n * (n + 1) // 2
    derivatives = aligned(count * width(like))
    derivatives[:] = 0.0  # of lanes without a start: see `loop`
    extra = (
        derivatives, np.ones(n), second_scratch(like, n),
        second_order_scratch(like, n, vectors),
    )  # fmt: skip
    _run(like, (forms, n), rows, method, span, stops, history, state, results, extra)
