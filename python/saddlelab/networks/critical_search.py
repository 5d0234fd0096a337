"""From a point of a network's parameters to a critical point of its loss, of whatever index.

‖∇f‖² is minimised by Levenberg and Marquardt's steps, as by ``saddlecore.newton`` for few
variables, but with one start at a time and LAPACK: at hundreds of parameters it is matrices that
cost, and BLAS that multiplies them best.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from saddlelab.objective import Objective

__all__ = ["CONVERGED", "FLAT", "MOST_STEPS", "STOPPED", "Found", "search"]

Floats: TypeAlias = NDArray[np.float64]

CONVERGED, FLAT, STOPPED = "converged", "gradient-flat", "not converged"

#: Steps of one search, and dampings tried in one step.
MOST_STEPS, _MOST_DAMPINGS = 300, 40
_FIRST_DAMPING = 1e-2
#: Newton's correction, relative to max(1, |x|), that is none any more; and, where H is singular and
#: has no such correction, ‖∇f‖ beside ‖H‖ max(1, ‖x‖).
_ARRIVED, _ROUNDING = 1e-10, 1e-15
#: ‖∇f‖ beside ‖H‖ from which on Newton's correction is worth its solution.
_NEAR = 1e-3
#: Gradient-flat: ‖H∇f‖ beside ‖H‖‖∇f‖, and the part of ‖∇f‖² that a step gains, so many times
#: running.  Most searches end so (Frye et al. 2021); to wait for more costs most of the time.
_FLAT, _GAIN, _PATIENCE = 1e-3, 0.03, 2
#: Damping, beside ‖H‖², below which the squares in H² + μ have lost the small curvatures.
_SQUARES = 1e-12
_TINY = 1e-300


class Found(NamedTuple):
    """Where a search came to its end, why, and how many Hessians it took."""

    x: Floats
    status: str
    hessians: int


class _Damping:
    """Nielsen's rule (1999): down by as much as the model proved right, up ever faster."""

    def __init__(self, first: float) -> None:
        self.size, self._growth = first, 2.0

    def eased(self, ratio: float) -> None:
        self.size *= max(0.1, min(1.0, 1.0 - (2.0 * ratio - 1.0) ** 3))
        self._growth = 2.0

    def raised(self) -> None:
        self.size *= self._growth
        self._growth *= 2.0


def search(fun: Objective, x: Floats, most: int = MOST_STEPS) -> Found:
    """Follow one start to a point where the gradient vanishes.

    Parameters
    ----------
    fun : Objective
        With a Hessian of its own.
    x : (n,) float
    most : int, optional
        Hessians at most.

    Returns
    -------
    Found
        "converged": Newton's correction, or ∇f, is nothing any more.  "gradient-flat": ∇f lies in
        the kernel of H, where ‖∇f‖² has a minimum but f no critical point.  "not converged".
    """
    g, damping, slow, largest = fun.gradient(x), None, 0, 0.0
    for count in range(1, most + 1):
        H = fun.hessian(x)
        before, size = float(g @ g), float(np.linalg.norm(H))
        newton = _solved(H, g) if before**0.5 <= _NEAR * size else None
        if newton is not None and (np.abs(newton) <= _ARRIVED * np.maximum(1.0, np.abs(x))).all():
            return Found(x - newton, CONVERGED, count)
        if before**0.5 <= _ROUNDING * size * max(1.0, float(np.linalg.norm(x))):
            return Found(x, CONVERGED, count)
        # H is small beside what it was on the way: in one dimension it is all there is.
        largest = max(largest, size)
        damping = damping or _Damping(_FIRST_DAMPING * float((H * H).sum(axis=0).max()))
        flatness = float(np.linalg.norm(H @ g)) / max(largest * before**0.5, _TINY)
        moved = _step(fun, x, g, H, newton, size, damping)
        if moved is None:
            return Found(x, FLAT if flatness < _FLAT else STOPPED, count)
        x, g = moved
        slow = slow + 1 if flatness < _FLAT and before - g @ g < _GAIN * before else 0
        if slow == _PATIENCE:
            return Found(x, FLAT, count)
    return Found(x, STOPPED, most)


def _step(
    fun: Objective, x: Floats, g: Floats, H: Floats, newton: Floats | None, size: float,
    damping: _Damping,
) -> tuple[Floats, Floats] | None:  # fmt: skip
    """The next point and its gradient, None if no step lowers ‖∇f‖."""
    squares, slope, before = H @ H, -(H @ g), float(g @ g)
    for _ in range(_MOST_DAMPINGS):
        mu = damping.size
        if newton is not None and mu < _SQUARES * size**2:
            s: Floats | None = -newton
        else:
            s = _solved(squares + mu * np.eye(len(x)), slope)
        if s is not None:
            y = x + s
            there = fun.gradient(y)
            after = float(there @ there)
            if after < before:  # false for NaN
                damping.eased((before - after) / max(float(s @ (slope + mu * s)), _TINY))
                return y, there
        damping.raised()
    return None


def _solved(A: Floats, b: Floats) -> Floats | None:
    try:
        x = np.asarray(np.linalg.solve(A, b), dtype=np.float64)
    except np.linalg.LinAlgError:
        return None
    return x if np.isfinite(x).all() else None
