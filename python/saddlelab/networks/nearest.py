"""From a point of a loss to a critical point beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saddlelab.arguments import positive_integer, positive_number
from saddlelab.networks.critical_search import FLAT, Found, search
from saddlelab.objective import Objective
from saddlelab.points import points_of

__all__ = ["Nearest", "nearest_critical_point"]

Floats: TypeAlias = NDArray[np.float64]


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

    Returns
    -------
    Nearest

    Raises
    ------
    ValueError, TypeError
        If an argument is out of its range, or the Hessian would be too large.

    Notes
    -----
    Levenberg and Marquardt's method for g = 0: s = −(H² + μ)⁻¹ H g, with Nielsen's rule for μ.  It
    goes to saddles no less than to minima.  It follows ‖g‖ downhill: that no other critical
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
    end = search(objective, x, steps)
    norm = float(np.linalg.norm(objective.gradient(end.x)))
    largest = float(np.linalg.norm(objective.hessian(end.x), 2))
    found = norm <= tol * max(1.0, largest)
    distance = float(np.linalg.norm(end.x - x))
    return Nearest(end.x, found, norm, distance, end.hessians, _said(found, end, norm, steps))


def _said(found: bool, end: Found, norm: float, steps: int) -> str:
    if found:
        return "critical point"
    if end.status == FLAT:
        return "no critical point found: gradient-flat"
    why = "out of steps" if end.hessians == steps else "no step lowers the gradient"
    return f"no critical point found: {why}, |gradient| = {norm:.2g}"
