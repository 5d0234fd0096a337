"""From a point of a loss to a critical point beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saddlelab.arguments import positive_integer, positive_number
from saddlelab.derivatives import gradient, hessian
from saddlelab.objective import Objective
from saddlelab.points import points_of

__all__ = ["Nearest", "nearest_critical_point"]

Floats: TypeAlias = NDArray[np.float64]

_EPS = float(np.finfo(np.float64).eps)
#: A search goes on below the tolerance: a degenerate point is neared only slowly.
_POLISHED = 1e-3
#: Damping of the first step beside the largest λ², and where no step lowers ‖g‖ any more.
_FIRST, _MOST = 1e-3, 1e12
#: ‖Hg‖ / (‖H‖ ‖g‖) below which a point where the search ends is called gradient-flat.
_FLAT = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Nearest:
    """Where a search for a critical point ended.

    Attributes
    ----------
    theta : (n,) float
    found : bool
        Whether the gradient is zero there, to the tolerance.
    gradient_norm : float
    distance : float
        From where the search began.
    steps : int
    message : str
        "critical point", or "no critical point found: " and why.
    """

    theta: Floats
    found: bool
    gradient_norm: float
    distance: float
    steps: int
    message: str


def nearest_critical_point(
    objective: Objective,
    theta: ArrayLike,
    *,
    tol: float = 1e-10,
    steps: int = 100,
    workers: int | None = None,
) -> Nearest:
    """Go from a point to a critical point of any index.

    Parameters
    ----------
    objective : Objective
        With an exact Hessian, such as a network's loss.
    theta : (n,) array_like
    tol : float, optional
        ‖g‖ at a critical point is at most tol·max(1, ‖H‖).
    steps : int, optional
        Hessians at most.
    workers : int, optional
        Threads; all cores by default.

    Returns
    -------
    Nearest

    Raises
    ------
    ValueError, TypeError
        If an argument is out of its range, or the Hessian would be too large.

    Notes
    -----
    Levenberg and Marquardt's method for g = 0: s = −(H² + μ)⁻¹ H g, from the eigenvectors of H,
    with Nielsen's rule for μ.  It goes to saddles no less than to minima, and does not move along
    eigenvectors of eigenvalue 0, the symmetries.  It follows ‖g‖ downhill: that no other critical
    point is nearer is not proved, and where ‖g‖ has a minimum of its own there is none (Frye et al.
    2021, arXiv:2003.10397).

    Examples
    --------
    >>> from saddlelab import networks
    >>> from saddlelab.networks.nearest import nearest_critical_point
    >>> loss = networks.MLP([1, 1, 1], activation="linear", bias=False).objective([[1.0]], [[1.0]])
    >>> end = nearest_critical_point(loss, [0.1, 0.05])
    >>> end.found, round(end.distance, 6)
    (True, 0.111803)
    """
    tol = positive_number("tol", tol, at_most=1.0)
    steps = positive_integer("steps", steps, at_most=10**6)
    x = points_of(theta, "theta")[0][0]
    begun, damping, taken, left = x, np.nan, 0, True
    g = _slope(objective, x, workers)
    while True:
        values, vectors = np.linalg.eigh(hessian(objective, x, workers=workers).value)
        largest, norm = float(np.abs(values).max()), float(np.linalg.norm(g))
        along, enough = vectors.T @ g, tol * max(1.0, largest)
        if norm <= _POLISHED * enough or taken == steps:
            break
        damping = damping if taken else _FIRST * largest * largest
        # Rounding, not curvature: a step along it would be as wrong as it is long.
        curved = np.where(np.abs(values) > len(x) * _EPS * largest, values, 0.0)
        moved = _step(objective, x, norm, along, curved, vectors, damping, workers)
        if moved is None:
            left = False
            break
        (x, g, damping), taken = moved, taken + 1
    flatness = float(np.linalg.norm(values * along)) / max(largest * norm, 1e-300)
    return Nearest(
        x, norm <= enough, norm, float(np.linalg.norm(x - begun)), taken,
        _said(norm <= enough, flatness, left, norm),
    )  # fmt: skip


def _slope(objective: Objective, x: Floats, workers: int | None) -> Floats:
    return gradient(objective, x, workers=workers).value


def _step(
    objective: Objective,
    x: Floats,
    norm: float,
    along: Floats,
    values: Floats,
    vectors: Floats,
    damping: float,
    workers: int | None,
) -> tuple[Floats, Floats, float] | None:
    """The next point, its gradient and damping; None where no step lowers ‖g‖.

    `along` is the gradient along the eigenvectors.
    """
    squares, growth = values * values, 2.0
    most = _MOST * float(squares.max())
    while 0.0 < damping <= most:
        kept = damping / (squares + damping)  # of each component of g, by the model
        to = x - vectors @ (values * along / (squares + damping))
        if (to == x).all():
            return None
        g = _slope(objective, to, workers)
        there = float(np.linalg.norm(g))
        if there < norm:
            predicted = float((along * along * (1.0 - kept * kept)).sum())
            ratio = (norm * norm - there * there) / max(predicted, 1e-300)
            ease = min(1.0, max(0.1, 1.0 - (2.0 * ratio - 1.0) ** 3))
            return to, g, damping * ease
        damping, growth = damping * growth, 2.0 * growth
    return None


def _said(found: bool, flatness: float, left: bool, norm: float) -> str:
    if found:
        return "critical point"
    if flatness < _FLAT:
        return "no critical point found: gradient-flat"
    why = "out of steps" if left else "no step lowers the gradient"
    return f"no critical point found: {why}, |gradient| = {norm:.2g}"
