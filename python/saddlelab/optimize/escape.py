"""How long optimizers stay at a saddle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saddlelab.arguments import (
    finite_number,
    one_of,
    positive_integer,
    positive_number,
    worker_count,
)
from saddlelab.as_objective import as_objective
from saddlelab.objective import Objective
from saddlelab.optimize.contenders import Contender, Methods, contenders_of, costs_of
from saddlelab.optimize.descent import STATUSES, Stops
from saddlelab.optimize.escape_study import EscapeStudy
from saddlelab.optimize.minimize import begin, run
from saddlelab.points import points_of
from saddlelab.studies.seeds import RNG, resolve_seed
from saddlelab.verdict import Verdict, check

__all__ = ["escape"]

Floats: TypeAlias = NDArray[np.float64]

_PLACES = ("ball", "stable", "saddle")
_MOST_SAMPLES, _MOST_STEPS = 10**8, 2**31
#: How far from the saddle a start has left it, if nothing else is said.
_LEAVE = 0.1


def escape(
    f: Any,
    saddle: ArrayLike,
    methods: Methods = ("gd", "momentum", "adam", "perturbed_gd"),
    *,
    samples: int = 1000,
    at: str = "ball",
    radius: float = 1e-3,
    noise: float = 0.0,
    starts: ArrayLike | None = None,
    leave: float | None = None,
    target: float | None = None,
    steps: int = 10_000,
    learning_rate: Any = None,
    options: Mapping[str, Any] | None = None,
    rng: RNG = None,
    workers: int | None = None,
    progress: bool = False,
) -> EscapeStudy:
    """Start several methods from the same points near a saddle, and see when they leave it.

    Parameters
    ----------
    f : callable or Objective
        See `saddlelab.objective`.
    saddle : (n,) array_like
        A critical point; it is checked first.
    methods : str, sequence of str or dict, optional
        Names (see `saddlelab.minimize`), or labels with settings:
        ``{"slow": {"method": "rmsprop", "alpha": 0.999, "learning_rate": 1e-3}, …}``.
    samples : int, optional
        Number of starts.
    at : {"ball", "stable", "saddle"}, optional
        Starts uniform in a ball around the saddle; in that ball's part in the tangent
        space of the stable manifold (rounding may leave 1e-16 of that beside it); or all of them
        exactly at the saddle.
    radius : float, optional
        Of the ball.
    noise : float, optional
        Standard deviation of what is added to each coordinate of each start.
    starts : (m, n) array_like, optional
        The starts themselves, in place of `samples`, `at`, `radius` and `noise`.
    leave : float, optional
        A start has left when its projection on the unstable eigenvectors, from the saddle, is so
        long; 0.1 if there is no `target`.
    target : float, optional
        Or when f ≤ target.
    steps : int, optional
        The horizon: who has not left by then never leaves.
    learning_rate : float, array, schedule or dict, optional
        One for all methods of first order, or a dict by method; each method's own default.
    options : dict, optional
        Options by method, ``{"nesterov": {"look_ahead": True}}``.
    rng : int, SeedSequence, Generator or None, optional
        Seed of the starts and of what is random in the methods.
    workers : int, optional
        Threads; all cores by default.  The results are the same bits for any number.
    progress : bool, optional
        Show a progress bar for each method.

    Returns
    -------
    EscapeStudy

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range, or `saddle` is no critical point, or a minimum.
    Exception
        Whatever the function raises, with the point in its notes.

    Notes
    -----
    Where the Hessian has no negative eigenvalue but zeros within its error (a monkey saddle), it
    cannot tell which way is down: all of its null space is watched, and the study is `degenerate`.

    A method that gives up (`perturbed_gd`, after a kick that did not help) or diverges before it
    has left never leaves.

    Examples
    --------
    >>> from saddlelab import escape
    >>> study = escape(lambda x: (x[0] ** 2 - x[1] ** 2) / 2, [0.0, 0.0], ["gd", "adam"],
    ...                starts=[[1.0, 1e-8]], leave=1.0, learning_rate=0.1)
    >>> study.steps.tolist()
    [[194], [12]]
    """
    contenders = contenders_of(methods, learning_rate, options)
    fun = as_objective(f)
    found = _checked(fun, saddle)
    limits = _limits(leave, target)
    steps = positive_integer("steps", steps, at_most=_MOST_STEPS)
    at, seed = one_of("at", at, _PLACES), resolve_seed(rng)
    radius = positive_number("radius", radius, at_most=1e300)
    noise = _not_negative("noise", noise)
    if starts is None:
        samples = positive_integer("samples", samples, at_most=_MOST_SAMPLES)
        x0 = _starts(found, at, radius, noise, samples, seed)
    else:
        x0, at = _given(starts, len(found.x)), "given"
    directions, degenerate = _unstable(found)
    stops = Stops(
        target=limits[1], directions=None if limits[0] is None else directions, centre=found.x,
        radius=np.nan if limits[0] is None else limits[0],
    )  # fmt: skip
    threads = worker_count(workers)
    taken, status = zip(
        *(_follow(fun, one, x0, stops, steps, seed, threads, progress) for one in contenders),
        strict=True,
    )
    return EscapeStudy(
        fun.name, found.x, found.eigenvalues, directions, degenerate, contenders,
        costs_of(contenders, fun, len(found.x)), x0, at, radius, noise, *limits, steps,
        np.array(taken), np.array(status), seed,
    )  # fmt: skip


def _follow(
    fun: Objective,
    one: Contender,
    x0: Floats,
    stops: Stops,
    steps: int,
    seed: int,
    workers: int,
    progress: bool,
) -> tuple[NDArray[np.int64], NDArray[np.str_]]:
    """Run one method from all starts; returns the steps that each took, and why it ended."""
    descent = begin(fun, x0, one.method, one.given, seed)
    run(descent, steps, one.learning_rate, stops, {}, workers, progress)
    return descent.steps, np.array(STATUSES)[descent.status]


def _checked(fun: Objective, saddle: ArrayLike) -> Verdict:
    """The verdict on the saddle, which must be one or degenerate."""
    points, single = points_of(saddle, "saddle")
    if not single:
        raise ValueError(f"`saddle` must be one point (n,), got shape {points.shape}")
    fun.check(points)
    found = check(fun, points[0])
    if not found.critical:
        raise ValueError(
            f"`saddle` must be a critical point, but there |gradient| = {found.gradient_norm:.3g} "
            f"and Newton's step is {np.linalg.norm(found.newton):.3g} long: find it with "
            "critical_points"
        )
    if found.index == 0 and found.kind != "degenerate":
        raise ValueError(
            f"`saddle` must have negative curvature, but it is {found.kind}: the eigenvalues are "
            f"{', '.join(f'{value:.3g}' for value in found.eigenvalues[:8])}"
        )
    return found


def _unstable(found: Verdict) -> tuple[Floats, bool]:
    """Eigenvectors, as rows, of the negative eigenvalues, or else of those that are zero."""
    _, vectors = np.linalg.eigh(found.hessian)
    count = found.index or found.zeros
    return np.ascontiguousarray(vectors[:, :count].T), bool(found.index == 0)


def _starts(
    found: Verdict, at: str, radius: float, noise: float, samples: int, seed: int
) -> Floats:
    """Starts around the saddle, the same for the same seed."""
    generator = np.random.default_rng(seed)
    n = len(found.x)
    _, basis = np.linalg.eigh(found.hessian)
    if at == "stable":
        basis = basis[:, found.index + found.zeros :]
    where = np.zeros((samples, n))
    if at != "saddle" and basis.shape[1]:
        where = _in_ball(generator, samples, basis.shape[1], radius) @ basis.T
    if noise > 0.0:
        where += noise * generator.standard_normal((samples, n))
    return found.x + where


def _in_ball(generator: np.random.Generator, count: int, n: int, radius: float) -> Floats:
    """Uniform in the n-dimensional ball (Muller 1959)."""
    normals = generator.standard_normal((count, n))
    size = radius * generator.random((count, 1)) ** (1.0 / n)
    found: Floats = normals * (size / np.linalg.norm(normals, axis=1, keepdims=True))
    return found


def _given(starts: ArrayLike, n: int) -> Floats:
    x0, _ = points_of(starts, "starts")
    if x0.shape[1] != n:
        raise ValueError(f"`starts` must be points of {n} variables, got shape {x0.shape}")
    return x0


def _limits(leave: float | None, target: float | None) -> tuple[float | None, float | None]:
    if leave is None and target is None:
        leave = _LEAVE
    return (
        None if leave is None else positive_number("leave", leave, at_most=1e300),
        None if target is None else finite_number("target", target),
    )


def _not_negative(name: str, value: Any) -> float:
    number = finite_number(name, value)
    if number < 0.0:
        raise ValueError(f"`{name}` must not be negative, got {value!r}")
    return number
