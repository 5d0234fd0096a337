"""Newton's model of a function at many points, and where it puts the critical point."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from saddlelab.certificate import scaled, scaling
from saddlelab.derivatives import Derivative, gradient, hessian
from saddlelab.objective import Objective

__all__ = ["Model", "entry_errors", "local_model", "wherever"]

Floats: TypeAlias = NDArray[np.float64]

#: Estimated errors of differences grow by this before anything is certified on them.
_CAUTION = 10.0
_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True)
class Model:
    """Newton's model of the function at many points: ``g`` and ``H`` are 0 where not ``usable``.

    ``newton`` is Newton's correction, ``spread`` how much further the critical point may be,
    ``uncertain`` the errors of the entries of H.
    """

    slope: Derivative
    curved: Derivative
    usable: NDArray[np.bool_]
    g: Floats
    H: Floats
    uncertain: Floats
    newton: Floats
    spread: Floats
    critical: NDArray[np.bool_]


@np.errstate(over="ignore", invalid="ignore")
def local_model(
    fun: Objective, points: Floats, reach: Floats, method: str, workers: int | None
) -> Model:
    """Return the model at each point, and whether it has a critical point within ``reach``."""
    slope = gradient(fun, points, method=method, workers=workers)
    curved = hessian(fun, points, method=method, workers=workers)
    H, g = curved.value, slope.value
    usable = np.isfinite(np.concatenate([g, H.reshape(len(g), -1)], axis=1)).all(axis=1)
    H, g = np.where(usable[:, None, None], H, 0.0), np.where(usable[:, None], g, 0.0)
    uncertain = entry_errors(curved, H)
    newton, spread, rest = _newton(g, _noise(fun, slope, H, points), H, uncertain, reach)
    critical = (np.abs(newton) <= reach).all(axis=1) & rest & usable
    return Model(slope, curved, usable, g, H, uncertain, newton, spread, critical)


def _noise(fun: Objective, slope: Derivative, H: Floats, points: Floats) -> Floats:
    """How far each component of the gradient may be from the truth."""
    error: Floats = np.where(np.isfinite(slope.error), slope.error, 0.0)
    if slope.method == "given":
        # Nobody knows the rounding in another's code.  Where terms cancel it is that of the terms.
        eps = float(np.finfo(fun.dtype).eps)
        error = error + 4.0 * eps * np.einsum("mij,mj->mi", np.abs(H), np.abs(points))
    elif slope.method != "exact":
        error = error * _CAUTION
    return error


def entry_errors(curved: Derivative, H: Floats) -> Floats:
    """How uncertain each entry of the Hessian is, (m, n, n)."""
    errors = curved.error * (1.0 if curved.method == "exact" else _CAUTION)
    return np.where(np.isfinite(errors), errors, np.inf)


def _newton(
    g: Floats, noise: Floats, H: Floats, uncertain: Floats, reach: Floats
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Newton's correction in the directions that have a curvature, and how far it may be wrong.

    That is by noise; in the other directions by as much as the point may be off at all.  Also
    whether the gradient is 0 to all appearances in those.  In units that make H's rows one size.
    """
    n = g.shape[1]
    doubt = np.where(np.isfinite(uncertain), uncertain, 0.0)
    d = scaling(np.abs(H) + doubt)
    eigenvalues, vectors = np.linalg.eigh(scaled(H, d))
    size = np.abs(eigenvalues)
    least = np.linalg.norm(scaled(doubt, d), axis=(1, 2)) + n * _EPS * size.max(axis=1)
    curved = size > least[:, None]
    along = np.einsum("mik,mi->mk", vectors, d * g)
    blur = np.einsum("mik,mi->mk", np.abs(vectors), d * noise)
    steps = np.divide(along, eigenvalues, out=np.zeros_like(along), where=curved)
    # In the others a curvature too small to see may still make the gradient 0 within reach.
    with np.errstate(divide="ignore"):
        room = ((reach / d)[:, :, None] / np.abs(vectors)).min(axis=1)
    slack = np.divide(blur, size, out=room.copy(), where=curved)
    rest = curved | (np.abs(along) <= 4.0 * blur + least[:, None] * room)
    newton, spread = (
        d * np.einsum("mik,mk->mi", vectors, s) for s in (steps, np.copysign(slack, steps))
    )
    return newton, spread, rest.all(axis=1)


def wherever(
    derivative: Callable[..., Derivative], fun: Objective, x: Floats, method: str, workers: Any
) -> Floats:
    """A derivative at points that may lie where the function raises: NaN there."""
    try:
        return derivative(fun, x, method=method, workers=workers).value
    except Exception:
        if len(x) > 1:
            each = [wherever(derivative, fun, row[None], method, workers) for row in x]
            return np.concatenate(each)
        n = x.shape[1]
        return np.full((1, n) if derivative is gradient else (1, n, n), np.nan)
