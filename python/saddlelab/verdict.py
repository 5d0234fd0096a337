"""The verdict on a point: is it critical, of what kind, and is that certain?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saddlelab.arguments import worker_count
from saddlelab.derivatives import Derivative, gradient, hessian
from saddlelab.inertia import classify
from saddlelab.objective import Objective, as_objective, points_of

__all__ = ["Verdict", "check"]

Floats: TypeAlias = NDArray[np.float64]

#: Estimated errors of differences grow by this before anything is certified on them.
_CAUTION = 10.0
#: The Hessian changes by at most twice as much on the way to the critical point as over Newton's
#: correction, where that leads there (Kantorovich); by exactly that at a degenerate point.
_BEYOND = 4.0
#: Rows of which nothing is known are made this much smaller than the others.
_SMALL = 2.0**-60
_EPS = float(np.finfo(np.float64).eps)
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
    index, zeros, kind, certified, error = _classified(H, here.uncertain + _BEYOND * change)
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
    uncertain = _entry_errors(curved, H)
    newton, spread, rest = _newton(g, _noise(slope, H, points), H, uncertain, reach)
    critical = (np.abs(newton) <= reach).all(axis=1) & rest & usable
    return Model(slope, curved, usable, g, H, uncertain, newton, spread, critical)


def _noise(slope: Derivative, H: Floats, points: Floats) -> Floats:
    """How far each component of the gradient may be from the truth."""
    error: Floats = np.where(np.isfinite(slope.error), slope.error, 0.0)
    if slope.method == "given":
        # Nobody knows the rounding in another's code.  Where terms cancel it is that of the terms.
        error = error + 4.0 * _EPS * np.einsum("mij,mj->mi", np.abs(H), np.abs(points))
    elif slope.method != "exact":
        error = error * _CAUTION
    return error


def _entry_errors(curved: Derivative, H: Floats) -> Floats:
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
    d = _scaling(np.abs(H) + doubt)
    eigenvalues, vectors = np.linalg.eigh(_scaled(H, d))
    size = np.abs(eigenvalues)
    least = np.linalg.norm(_scaled(doubt, d), axis=(1, 2)) + n * _EPS * size.max(axis=1)
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


def _classified(H: Floats, uncertain: Floats) -> tuple[Any, Any, Any, Any, Floats]:
    """Index, zeros, kind, certificate, and ‖E‖_F in H's own units."""
    known: NDArray[np.bool_] = np.all(np.isfinite(uncertain), axis=(1, 2))
    E = np.where(known[:, None, None], uncertain, 0.0)
    d = _scaling(np.abs(H) + E)
    # A row of which nothing is known must not blur the others: by Sylvester's law it may be as
    # small as we like.
    blurred = E.max(axis=2) >= np.abs(H).max(axis=2)
    index, zeros, kind, certified = _inertia(H, E, np.where(blurred, _SMALL * d, d))
    open_ = np.flatnonzero(~certified)
    if len(open_):
        # Errors grow with small rows.  Whatever can be said in one scaling is true in all.
        plain = _inertia(H[open_], E[open_], np.ones_like(d[open_]))
        more = plain[1] < zeros[open_]
        for of_all, again in zip((index, zeros, kind, certified), plain, strict=True):
            of_all[open_[more]] = again[more]
    error = np.where(known, np.linalg.norm(E, axis=(1, 2)), np.inf)
    return index, zeros, np.where(known, kind, "undecided"), certified & known, error


def _inertia(H: Floats, E: Floats, d: Floats) -> Any:
    """Index, zeros, kind and certificate of DHD, of which DED is not known."""
    scaled, bound = _scaled(H, d), np.linalg.norm(_scaled(E, d), axis=(1, 2))
    # A zero matrix has no size to compare with, and is degenerate all the same.
    tol = np.maximum(bound, H.shape[1] * _EPS * np.linalg.norm(scaled, axis=(1, 2)) + 1e-290)
    found = classify(scaled, tol=tol, error=bound)
    results: Any = found.index, found.zeros, found.kind, found.certified
    open_ = np.flatnonzero(~found.certified & (found.zeros == 0))
    if len(open_):
        # Beyond the bound and still not certain: 0 within the bound and rounding.
        wider = classify(scaled[open_], tol=3.0 * tol[open_], error=bound[open_])
        for of_all, again in zip(results, (wider.index, wider.zeros, wider.kind), strict=False):
            of_all[open_] = again
    return results


def _scaled(A: Floats, d: Floats) -> Floats:
    product: Floats = A * d[:, :, None] * d[:, None, :]
    return product


def _scaling(size: Floats) -> Floats:
    """Powers of two, d, that bring the rows of a matrix of sizes, d·size·d, near 1."""
    d = np.ones(size.shape[:2])
    for _ in range(3):
        rows = _scaled(size, d).max(axis=2)
        rows = np.where((rows > 0.0) & np.isfinite(rows), rows, 1.0)
        d *= np.exp2(np.clip(np.round(-np.log2(rows) / 2.0), -250, 250))
    return d


def _flatness(H: Floats, g: Floats) -> Floats:
    norm = np.linalg.norm(H, axis=(1, 2)) * np.linalg.norm(g, axis=1)
    product = np.linalg.norm(np.einsum("mij,mj->mi", H, g), axis=1)
    flatness: Floats = np.divide(product, norm, out=np.zeros_like(norm), where=norm > 0.0)
    return flatness
