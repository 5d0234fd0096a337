"""Second-order steps as functions of the spectrum: H = Q Λ Qᵀ, c = Qᵀ∇f, step Q y.

`NEWTON`, `DAMPED_NEWTON`, `SADDLE_FREE`, `NEGATIVE_CURVATURE`
    y is a formula in λ and c.  Where the divisor is within rounding of 0, at most n·eps·max|λ|, the
    component is left out: these are steps with a pseudo-inverse.
`TRUST_REGION`, `CUBIC`
    The exact minimiser of a model, found from one equation for one number
    (`saddlecore.secular`).
"""

import math

from saddlecore.eigen import EPS
from saddlecore.jit import allocating, device
from saddlecore.laneops import fma, not_, select, splat, width
from saddlecore.memory import load, store
from saddlecore.secular import minimize_model

__all__ = [
    "ADAPT",
    "CUBIC",
    "CURVATURE_RATE",
    "DAMPED_NEWTON",
    "DAMPING",
    "ETA",
    "LEAST_SIGMA",
    "MAX_RADIUS",
    "NEGATIVE_CURVATURE",
    "NEWTON",
    "OPTIONS",
    "RADIUS",
    "SADDLE_FREE",
    "SIGMA",
    "TRUST_REGION",
    "adapted",
    "in_eigenbasis",
    "is_tried",
]

#: The rules.
NEWTON, DAMPED_NEWTON, SADDLE_FREE, NEGATIVE_CURVATURE, TRUST_REGION, CUBIC = range(20, 26)
#: Places in `options`.  DAMPING is added to the (shifted, absolute) eigenvalues; CURVATURE_RATE
#: multiplies |λmin|; RADIUS: of the first trust region, MAX_RADIUS of any; ETA: the part of the
#: promised descent that makes a trust region's step be taken; SIGMA: M at first, LEAST_SIGMA at
#: least, both positive; ADAPT: 0 keeps M as it is and takes every step.
DAMPING, CURVATURE_RATE, RADIUS, MAX_RADIUS, ETA, SIGMA, LEAST_SIGMA, ADAPT = range(8)
OPTIONS = 8

# Changes of f below this part of |f| are rounding, in which a model's promise may be lost.
_NOISE = 8 * EPS


@device
def is_tried(rule):
    """Whether the rule compares f at the end of the step with a model."""
    return rule in (TRUST_REGION, CUBIC)


@device
def _extremes(like, m, d):
    """The least eigenvalue, and the largest modulus."""
    low = load(like, d, 0)
    most = abs(low)
    for i in range(1, m):
        di = load(like, d, i * width(like))
        low, most = min(low, di), max(most, abs(di))
    return low, most


@device
def _divisor(like, rule, di, shift, damping):
    if rule == NEWTON:
        return di
    if rule == SADDLE_FREE:
        return abs(di) + damping
    return di + shift


@device
def _divided(like, rule, m, d, z, y, rate, o, low, least):
    """−rate c divided by λ, by |λ| + damping, or by λ + max(0, −λmin) + damping."""
    shift = max(splat(like, 0.0), -low) + o[DAMPING]
    for k in range(0, m * width(like), width(like)):
        by = _divisor(like, rule, load(like, d, k), shift, o[DAMPING])
        part = -rate * load(like, z, k) / by
        store(y, k, select(abs(by) > least, part, splat(like, 0.0)))


@device
def _along_most_negative(like, m, d, z, y, o, low, least):
    """CURVATURE_RATE |λmin| along the first eigenvector of λmin, downhill."""
    zero, going = splat(like, 0.0), low < -least
    for k in range(0, m * width(like), width(like)):
        here = going & (load(like, d, k) == low)
        size = -o[CURVATURE_RATE] * low
        size = select(load(like, z, k) > 0.0, -size, size)
        store(y, k, select(here, size, zero))
        going &= not_(here)


@device
def _promised(like, m, d, z, y):
    """By how much the quadratic model falls, −(c·y + ½ yᵀΛy); and ‖y‖²."""
    fall, square = splat(like, 0.0), splat(like, 0.0)
    for k in range(0, m * width(like), width(like)):
        yk = load(like, y, k)
        slope = fma(0.5 * load(like, d, k), yk, load(like, z, k))
        fall = fma(-slope, yk, fall)
        square = fma(yk, yk, square)
    return fall, square


@allocating
def in_eigenbasis(like, rule, m, d, z, y, rate, o, kept):
    """Write the step y; returns the fall of f that its model promises, and its length.

    `kept` is the radius or M (of the rules that have one).
    """
    low, most = _extremes(like, m, d)
    least = most * (m * EPS)
    if is_tried(rule):
        cubic = rule == CUBIC
        minimize_model(like, cubic, m, d, z, y, low, least, kept)
    elif rule == NEGATIVE_CURVATURE:
        _along_most_negative(like, m, d, z, y, o, low, least)
    else:
        _divided(like, rule, m, d, z, y, rate, o, low, least)
    fall, square = _promised(like, m, d, z, y)
    length = math.sqrt(square)
    if rule == CUBIC:
        fall -= kept * (square * length) * (1.0 / 6.0)
    return fall, length


@device
def adapted(like, rule, o, kept, f, there, fall, length):
    """Whether a step is taken that leads to `there`, and the next radius or M.

    Trust regions: Nocedal & Wright 2006, algorithm 4.1.  CUBIC: taken if f is not above the model.
    """
    noise = _NOISE * abs(f)
    if rule == CUBIC:
        taken = there <= f - fall + noise
        eased = max(0.5 * kept, splat(like, o[LEAST_SIGMA]))
        if o[ADAPT] == 0.0:
            return there == there, kept
        return taken, select(taken, eased, 2.0 * kept)
    gain = (f - there) + noise
    promised = fall + noise
    good, taken = gain >= 0.25 * promised, gain > o[ETA] * promised
    wide = (gain > 0.75 * promised) & (length > 0.99 * kept)
    wider = min(2.0 * kept, splat(like, o[MAX_RADIUS]))
    kept = select(wide, wider, select(good, kept, 0.25 * kept))
    return taken, kept
