"""The verdict on a point: is it critical, of what kind, and is that certain?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saddlelab.arguments import worker_count
from saddlelab.as_objective import as_objective
from saddlelab.certificate import inertia_within
from saddlelab.derivatives import gradient, hessian
from saddlelab.local_model import local_model, wherever
from saddlelab.objective import Objective
from saddlelab.points import points_of

__all__ = ["Verdict", "check"]

Floats: TypeAlias = NDArray[np.float64]

#: The Hessian changes by at most twice as much on the way to the critical point as over Newton's
#: correction, where that leads there (Kantorovich); by exactly that at a degenerate point.
_BEYOND = 4.0
#: ‖H∇f‖ / (‖H‖ ‖∇f‖) below which a point is called gradient-flat.
_FLAT = 1e-3


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known about a point or many; scalars and (n,), (n, n) arrays for a single one.

    Attributes
    ----------
    x : (…, n) float
    value : (…) float
        f(x).
    gradient : (…, n) float
    gradient_norm : (…) float
    hessian : (…, n, n) float
    eigenvalues : (…, n) float
        Ascending.
    condition : (…) float
        max |λ| / min |λ|.
    error : (…) float
        Bound, in the 2-norm, of what is uncertain about the Hessian at the critical point:
        rounding or differences, and that x is not exactly there.
    newton : (…, n) float
        Newton's correction: x − newton is nearer to the critical point.
    flatness : (…) float
        ‖H∇f‖ / (‖H‖ ‖∇f‖), 0 where the gradient is: a tiny value with a gradient that is not
        tiny means a gradient-flat point, which is no critical point (Frye et al. 2021).
    critical : (…) bool
        Whether a critical point lies within `tol` of x.
    index : (…) int
        Number of negative eigenvalues, beyond `error`.
    zeros : (…) int
        Number of eigenvalues that are 0 within `error`.
    kind : (…) str
        "minimum", "saddle", "maximum"; "degenerate" if an eigenvalue is 0 within `error`;
        "undecided" if that cannot be told; "not critical"; "gradient-flat".
    certified : (…) bool
        Whether `index` holds for every Hessian within `error`.
    method : str
        How the Hessian was computed, see `saddlelab.hessian`.
    """

    x: Floats
    value: Any
    gradient: Floats
    gradient_norm: Any
    hessian: Floats
    eigenvalues: Floats
    condition: Any
    error: Any
    newton: Floats
    flatness: Any
    critical: Any
    index: Any
    zeros: Any
    kind: Any
    certified: Any
    method: str

    def __str__(self) -> str:
        """Say the verdict in a line for each point."""
        rows = [np.atleast_1d(a) for a in (self.kind, self.index, self.value, self.gradient_norm)]
        sure = np.where(np.atleast_1d(self.certified), "certified", "not certified")
        return "\n".join(
            f"{kind}, index {index}, {certain}: f = {value:.6g}, |gradient| = {norm:.3g}"
            for kind, index, value, norm, certain in zip(*rows, sure, strict=True)
        )


def check(
    f: Any, x: ArrayLike, *, tol: float = 1e-6, method: str = "auto", workers: int | None = None
) -> Verdict:
    """Say what kind of point x is, with a certificate.

    Parameters
    ----------
    f : callable or Objective
        See `saddlelab.objective`.
    x : (n,) or (m, n) array_like
    tol : float, optional
        How far the critical point may be, relative to max(1, |x_i|) for each variable.
    method : str, optional
        How derivatives are taken, see `saddlelab.hessian`.
    workers : int, optional
        Threads; all cores by default.

    Returns
    -------
    Verdict

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range.
    Exception
        Whatever the function raises, with the point in its notes.

    Notes
    -----
    The certificate counts the error of each entry of the Hessian (for differences ten times the
    estimate), and four times by how much the Hessian changes over Newton's correction and over
    what noise of the gradient may add to it: x is not the critical point itself.  It is taken of
    DHD, whose rows are of one size, since variables in metres and in nanometres leave no digits
    otherwise; the inertia is the same.

    "gradient-flat" is said where `flatness` is below 0.001 and Newton's step does not lower the
    gradient.

    Examples
    --------
    >>> from saddlelab import check
    >>> print(check(lambda x: x[0] ** 2 - x[1] ** 2, [0.0, 0.0]))
    saddle, index 1, certified: f = 0, |gradient| = 0
    """
    if not (isinstance(tol, int | float) and 0.0 < tol < np.inf):
        raise ValueError(f"`tol` must be positive and finite, got {tol!r}")
    workers = worker_count(workers)
    points, single = points_of(x)
    reach = tol * np.maximum(1.0, np.abs(points))
    found = examine(as_objective(f), points, reach, method, workers)
    if not single:
        return found
    fields = {name: getattr(found, name) for name in Verdict.__slots__}
    return Verdict(**{k: v if k == "method" else v[0] for k, v in fields.items()})


@np.errstate(over="ignore", invalid="ignore")  # far out, squares overflow
def examine(
    fun: Objective, points: Floats, reach: Floats, method: str = "auto", workers: int | None = None
) -> Verdict:
    """`check`, of many points; ``reach`` is how far the critical point may be."""
    value = np.atleast_1d(fun.value(points))
    here = local_model(fun, points, reach, method, workers)
    g, H, usable, critical = here.g, here.H, here.usable, here.critical
    # Elsewhere the index is that of the Hessian at x itself.
    step = np.where(critical[:, None], here.newton + here.spread, 0.0)
    change = _change(fun, points, step, H, method, workers)
    index, zeros, kind, certified, error = inertia_within(H, here.uncertain + _BEYOND * change)
    norm, flatness = np.linalg.norm(g, axis=1), _flatness(H, g)
    flat = ~critical & (flatness < _FLAT)
    flat[flat] = _leads_nowhere(fun, points[flat] - here.newton[flat], norm[flat], method, workers)
    kind = np.where(critical, kind, np.where(flat, "gradient-flat", "not critical"))
    eigenvalues = np.linalg.eigvalsh(H)
    size = np.abs(eigenvalues)
    with np.errstate(divide="ignore", invalid="ignore"):
        condition = size.max(axis=1) / size.min(axis=1)
    return Verdict(
        points, value, here.slope.value, np.where(usable, norm, np.nan), here.curved.value,
        np.where(usable[:, None], eigenvalues, np.nan), condition, error, here.newton, flatness,
        critical, index, zeros, np.where(usable, kind, "undecided"), certified & usable,
        here.curved.method,
    )  # fmt: skip


def _change(
    fun: Objective, points: Floats, step: Floats, H: Floats, method: str, workers: int | None
) -> Floats:
    """By how much the Hessian's entries change over a step."""
    moved = points - step
    away = (moved != points).any(axis=1) & np.isfinite(moved).all(axis=1)
    change = np.zeros_like(H)
    if away.any():
        there = wherever(hessian, fun, moved[away], method, workers)
        there = there.reshape(H[away].shape)
        change[away] = np.nan_to_num(np.abs(there - H[away]), nan=np.inf, posinf=np.inf)
    return change


def _leads_nowhere(
    fun: Objective, moved: Floats, norm: Floats, method: str, workers: int | None
) -> NDArray[np.bool_]:
    """Whether Newton's step leaves the gradient as large as it was."""
    there = np.full(len(moved), np.inf)
    sound = np.isfinite(moved).all(axis=1)
    if sound.any():
        found = wherever(gradient, fun, moved[sound], method, workers)
        there[sound] = np.linalg.norm(found, axis=1)
    return ~(there < norm)


def _flatness(H: Floats, g: Floats) -> Floats:
    norm = np.linalg.norm(H, axis=(1, 2)) * np.linalg.norm(g, axis=1)
    product = np.linalg.norm(np.einsum("mij,mj->mi", H, g), axis=1)
    flatness: Floats = np.divide(product, norm, out=np.zeros_like(norm), where=norm > 0.0)
    return flatness
