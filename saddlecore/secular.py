"""Exact minimisers of quadratic models with a bound or a cubic term, in the eigenbasis.

Both are y_i = −c_i / (δ_i + ν) with δ_i = λ_i − min(0, λmin) and one unknown ν ≥ 0:

trust region, ‖y‖ ≤ r (Moré & Sorensen 1983)
    ν = 0, or ‖y(ν)‖ = r.
cubic model, + M/6 ‖y‖³ (Nesterov & Polyak 2006)
    ‖y(ν)‖ = 2 (ν − min(0, λmin)) / M.

So ‖y(ν)‖ = R(ν), R constant or linear.  h(ν) = 1/‖y‖ − 1/R is concave and increasing: from where
‖y‖ ≥ R, Newton's method goes up to the root and never past it.  It starts where no single
component is longer than R, within a factor √n of the end.  λmin itself is never added to anything,
so ν may be as small as it likes.

The hard case: c vanishes wherever λ = λmin < 0, and ‖y(0)‖ < R.  The rest of the length is then
made up along one such eigenvector, for either sign.
"""

import math

from saddlecore.eigen import EPS
from saddlecore.jit import device
from saddlecore.laneops import any_lane, fma, not_, select, splat, width
from saddlecore.memory import load, store

__all__ = ["minimize_model"]

# Newton's steps at most; five or six are usual.
_STEPS = 60


@device
def _clean(like, m, d, z, least):
    """Leave out components of ∇f that are rounding where the curvature is: they say nothing."""
    w, square = width(like), splat(like, 0.0)
    for k in range(0, m * w, w):
        zk = load(like, z, k)
        square = fma(zk, zk, square)
    small = (m * EPS) * math.sqrt(square)
    for k in range(0, m * w, w):
        zk = load(like, z, k)
        nothing = (abs(load(like, d, k)) <= least) & (abs(zk) <= small)
        store(z, k, select(nothing, splat(like, 0.0), zk))


@device
def _start(like, cubic, m, d, z, floor, kept):
    """The largest ν at which some |y_i| = R, so that ‖y‖ ≥ R; or 0."""
    nu = splat(like, 0.0)
    for k in range(0, m * width(like), width(like)):
        zk, delta = abs(load(like, z, k)), load(like, d, k) - floor
        if cubic:
            # (ν + δ)(ν − floor) = M |c| / 2, without cancellation.
            double, total = kept * zk, delta + floor
            root = math.sqrt(fma(total, total, 2.0 * double))
            nu = max(nu, fma(2.0 * delta, floor, double) / (root + (delta - floor)))
        else:
            nu = max(nu, zk / kept - delta)
    return nu


@device
def _sums(like, m, d, z, floor, nu):
    """‖y‖² and Σ y_i²/(δ_i + ν)."""
    square, slope, zero = splat(like, 0.0), splat(like, 0.0), splat(like, 0.0)
    for k in range(0, m * width(like), width(like)):
        by = (load(like, d, k) - floor) + nu
        share = select(by > 0.0, 1.0 / by, zero)
        yk = load(like, z, k) * share
        square = fma(yk, yk, square)
        slope = fma(yk * yk, share, slope)
    return square, slope


@device
def _root(like, cubic, m, d, z, floor, kept):
    """ν, ‖y(ν)‖² and R."""
    nu = _start(like, cubic, m, d, z, floor, kept)
    going, growth = nu == nu, splat(like, 0.0)
    radius, square = kept, kept
    for _ in range(_STEPS):
        square, slope = _sums(like, m, d, z, floor, nu)
        if cubic:
            growth = 2.0 / kept
            radius = growth * (nu - floor)
        part = math.sqrt(square) / radius
        more = (part - 1.0) / (slope / square + growth * part / radius)
        going &= (part > 1.0 + 4.0 * EPS) & (more > EPS * nu)
        if not any_lane(going):
            break
        nu = select(going, nu + more, nu)
    return nu, square, radius


@device
def minimize_model(like, cubic, m, d, z, y, low, least, kept):
    """Write the minimiser y; `low` is λmin, moduli up to `least` are rounding, `kept` r or M.

    Components of z that are rounding become 0.
    """
    w, zero = width(like), splat(like, 0.0)
    _clean(like, m, d, z, least)
    floor = min(low, zero)
    nu, square, radius = _root(like, cubic, m, d, z, floor, kept)
    rest = math.sqrt(max(fma(radius, radius, -square), zero))
    hard = (low < -least) & (nu == 0.0)
    for k in range(0, m * w, w):
        dk, zk = load(like, d, k), load(like, z, k)
        by = (dk - floor) + nu
        yk = select(by > 0.0, -zk / by, zero)
        here = hard & (dk == low)
        store(y, k, select(here, rest, yk))
        hard &= not_(here)
