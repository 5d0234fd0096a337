"""Second-order steps of eight starts at once: decomposition, step in the eigenbasis, and trial.

Dense: all of H is at hand.  Krylov: H is known by products, and VᵀHV takes its place (Dauphin et
al. 2014, algorithm 1; trust regions: Gould et al. 1999; cubic models: Cartis, Gould & Toint 2011).
"""

from saddlecore.eigen import diagonalize, eigen_scratch, from_eigenbasis, scale_tridiagonal
from saddlecore.first import gradient_scratch, value_at
from saddlecore.householder import reflect, reflect_back, tridiagonalize
from saddlecore.jit import allocating, device
from saddlecore.krylov import combine, krylov_scratch, lanczos
from saddlecore.laneops import any_lane, fma, not_, select, splat, width
from saddlecore.memory import aligned, load, store
from saddlecore.spectral import (
    CUBIC,
    NEGATIVE_CURVATURE,
    RADIUS,
    SIGMA,
    adapted,
    in_eigenbasis,
    is_tried,
)

__all__ = ["KEPT", "second_order_scratch", "second_order_step"]

#: Rows of what a lane keeps between steps: the trust region's radius, or M; one is free.
KEPT = 0


@allocating
def second_order_scratch(like, n, k):
    """Buffers for `second_order_step`: k ≤ n vectors of Lanczos, or, if it is 0, all of H."""
    m, w = (k if k > 0 else n), width(like)
    return (
        k, eigen_scratch(like, m), aligned(m * w), aligned(max(m, n) * w), aligned(n * w),
        krylov_scratch(like, n, k), gradient_scratch(like, n),
    )  # fmt: skip


@allocating
def _decompose(like, forms, n, at, x, here, alive, scratch):
    """Eigenvalues, and ∇f in the eigenbasis; returns the number of sweeps."""
    k, eigen, z, space, w = scratch[0], scratch[1], scratch[2], scratch[5], width(like)
    if k > 0:
        lanczos(like, forms, n, k, x, at, here, eigen, z, space, alive, scratch[6])
        return diagonalize(like, k, scale_tridiagonal(like, k, eigen), eigen, z)
    for i in range(0, n * w, w):
        store(z, i, load(like, here, w + i))
    up = tridiagonalize(like, n, here, (1 + n) * w, eigen)
    reflect(like, n, eigen, z)
    return diagonalize(like, n, up, eigen, z)


@allocating
def _leave_eigenbasis(like, n, sweeps, scratch):
    """The step in x's own coordinates."""
    k, eigen, y, s, w = scratch[0], scratch[1], scratch[3], scratch[4], width(like)
    from_eigenbasis(like, sweeps, eigen, y)
    if k > 0:
        combine(like, n, k, scratch[5][0], y, s)
        return
    reflect_back(like, n, eigen, y)
    for i in range(0, n * w, w):
        store(s, i, load(like, y, i))


@allocating
def _add_descent(like, n, rate, here, lanes, lost, s):
    """Add −rate ∇f to the step, in some lanes; where that is lost it is all of the step."""
    w, zero = width(like), splat(like, 0.0)
    for i in range(0, n * w, w):
        si = load(like, s, i)
        moved = fma(splat(like, -rate), load(like, here, w + i), select(lost, zero, si))
        store(s, i, select(lanes, moved, si))


@allocating
def _try(like, rule, forms, n, at, x, here, row, kept, o, alive, fall, length, scratch):
    """Take the step where f at its end agrees with the model."""
    s, w = scratch[4], width(like)
    there = scratch[5][2]
    for i in range(0, n * w, w):
        store(there, i, load(like, x, at + i) + load(like, s, i))
    value = value_at(like, forms, there, 0, n, alive, scratch[6])
    taken, kept = adapted(like, rule, o, kept, load(like, here, 0), value, fall, length)
    store(row, 0, kept)
    for i in range(0, n * w, w):
        store(x, at + i, select(taken, load(like, there, i), load(like, x, at + i)))


@device
def second_order_step(like, rule, forms, n, at, x, here, lanes_row, c, o, alive, scratch):
    """Take one step of the group of lanes that begins at ``x[at]``.

    Parameters
    ----------
    like : Lanes or float64
    rule : int
        See `saddlecore.spectral`.
    forms : (SLOTS, 2) int64
    n, at : int
    x : flat float64
    here : flat float64
        f, ∇f and the lower triangle of H at x; H is not looked at with vectors of Lanczos.
    lanes_row : (2, width) float64
        What lanes keep between steps; NaN at the start.
    c : (COEFFICIENTS,) float64
        Of this step; the first is the rate.
    o : (OPTIONS,) float64
    alive : (width,) float64
    scratch
        From `second_order_scratch`.

    Notes
    -----
    Lanes without a decomposition (H is not finite) take −rate ∇f.
    """
    eigen, z, y, s, rate, w = scratch[1], scratch[2], scratch[3], scratch[4], c[0], width(like)
    m = scratch[0] if scratch[0] > 0 else n
    row = lanes_row[KEPT]
    kept = load(like, row, 0)
    kept = select(kept == kept, kept, splat(like, o[SIGMA] if rule == CUBIC else o[RADIUS]))
    sweeps = _decompose(like, forms, n, at, x, here, alive, scratch)
    first = load(like, eigen[2], 0)
    lost = not_(first == first)
    fall, length = in_eigenbasis(like, rule, m, eigen[2], z, y, rate, o, kept)
    fall = select(lost, splat(like, 0.0), fall)
    _leave_eigenbasis(like, n, sweeps, scratch)
    descending = lost | (splat(like, 1.0 * rule) == 1.0 * NEGATIVE_CURVATURE)
    if any_lane(descending):
        _add_descent(like, n, rate, here, descending, lost, s)
    if is_tried(rule):
        _try(like, rule, forms, n, at, x, here, row, kept, o, alive, fall, length, scratch)
    else:
        for i in range(0, n * w, w):
            store(x, at + i, load(like, x, at + i) + load(like, s, i))
