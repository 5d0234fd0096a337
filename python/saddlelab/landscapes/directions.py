"""Directions to look in: random, normalised like the network, of the Hessian."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saddlelab.arguments import one_of, positive_integer
from saddlelab.landscapes.blocks import blocks_of
from saddlelab.landscapes.slices import one_point
from saddlelab.spectrum._checks import generator
from saddlelab.studies.seeds import RNG

__all__ = ["NORMALISATIONS", "hessian_directions", "normalise_direction", "random_directions",
           "with_sign"]  # fmt: skip

Floats: TypeAlias = NDArray[np.float64]

NORMALISATIONS = ("filter", "layer", "none")
_MOST = 10**6


def random_directions(
    x: ArrayLike,
    count: int = 1,
    *,
    blocks: Any = None,
    normalise: str | None = None,
    rng: RNG = None,
) -> Floats:
    """Draw Gaussian directions, and scale them to the parameters at x.

    Parameters
    ----------
    x : (n,) array_like
    count : int, optional
    blocks : MLP, NetworkObjective or sequence of (start, shape), optional
        The arrays that the parameters are, see `blocks_of`.
    normalise : {"filter", "layer", "none"}, optional
        See `normalise_direction`; "filter" where `blocks` are given, else "none".
    rng : int, SeedSequence, Generator or None, optional
        Same seed, same directions; the first ones do not depend on `count`.

    Returns
    -------
    (count, n) float array

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range, or `blocks` are needed and missing.

    Examples
    --------
    >>> import numpy as np
    >>> from saddlelab.landscapes import random_directions
    >>> x = np.array([3.0, 4.0, 0.6, 0.8, 7.0])
    >>> u = random_directions(x, blocks=[(0, (2, 2)), (4, (1,))], rng=0)[0]
    >>> np.linalg.norm(u[:2]).round(12), np.linalg.norm(u[2:4]).round(12), u[4]
    (np.float64(5.0), np.float64(1.0), np.float64(0.0))
    """
    point = one_point("x", x)
    count = positive_integer("count", count, at_most=_MOST)
    kind = "filter" if blocks is not None else "none"
    if normalise is not None:
        kind = one_of("normalise", normalise, NORMALISATIONS)
    drawn = generator(rng).standard_normal((count, len(point)))
    if kind == "none":
        return drawn
    return np.array([normalise_direction(u, point, blocks, kind) for u in drawn])


def normalise_direction(u: ArrayLike, x: ArrayLike, blocks: Any, kind: str = "filter") -> Floats:
    """Scale a direction to the parameters, filter by filter or layer by layer.

    Parameters
    ----------
    u, x : (n,) array_like
        The direction and the parameters.
    blocks : MLP, NetworkObjective or sequence of (start, shape)
        See `blocks_of`.
    kind : {"filter", "layer", "none"}, optional
        Each filter (what one output is made with: an entry of the first axis of an array of two or
        more), or each such array, gets the norm that it has in x.

    Returns
    -------
    (n,) float array

    Raises
    ------
    ValueError, TypeError
        If shapes do not fit.

    Notes
    -----
    Li, Xu, Taylor, Studer & Goldstein (2018, arXiv:1712.09913, §4): d_ij ← d_ij ‖θ_ij‖ / ‖d_ij‖.
    Biases and other parameters of one dimension (those of a normalisation) are left out, 0, as in
    the authors' pictures (their ``ignore="biasbn"``).  So is a filter that is 0 in x.
    """
    kind = one_of("normalise", kind, NORMALISATIONS)
    found, point = one_point("u", u), one_point("x", x)
    if len(found) != len(point):
        raise ValueError(f"`u` must have {len(point)} numbers as `x` has, got {len(found)}")
    if kind == "none":
        return found
    if blocks is None:
        raise ValueError(f"`blocks` must be given to normalise by {kind}: the arrays that `x` is")
    for start, shape in blocks_of(blocks, len(point)):
        part = slice(start, start + int(np.prod(shape)))
        rows = 1 if kind == "layer" else shape[0]
        d, w = found[part].reshape(rows, -1), point[part].reshape(rows, -1)
        d[:] = d * _ratio(w, d) if len(shape) > 1 else 0.0
    return found


def _ratio(w: Floats, d: Floats) -> Floats:
    """‖w‖ / ‖d‖ of each row, 0 where there is no direction."""
    length = np.linalg.norm(d, axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = np.where(length > 0.0, np.linalg.norm(w, axis=1, keepdims=True) / length, 0)
    return found


def hessian_directions(
    f: Any,
    x: ArrayLike,
    *,
    k: int = 1,
    which: Any = "both",
    tol: float | None = None,
    rng: RNG = None,
) -> tuple[Floats, Floats]:
    """Eigenvectors of the Hessian at x as directions, by products alone.

    Parameters
    ----------
    f : callable or Objective
    x : (n,) array_like
    k, which, tol, rng
        As for `saddlelab.extreme_eigenpairs`: with ``which="both"`` the most negative (or least)
        and the largest.

    Returns
    -------
    values : (m,) float array
        Ascending.
    directions : (m, n) float array
        Of length 1; the largest component is positive.

    Raises
    ------
    ValueError
        If x is not one finite point, or the eigenpairs do not converge.

    Examples
    --------
    >>> from saddlelab import surfaces
    >>> from saddlelab.landscapes import hessian_directions
    >>> values, directions = hessian_directions(surfaces.quadratic_saddle, [0.0, 0.0])
    >>> values.tolist(), directions.tolist()
    ([-2.0, 2.0], [[0.0, 1.0], [1.0, 0.0]])
    """
    from saddlelab.spectrum import extreme_eigenpairs, hessian_operator

    pairs = extreme_eigenpairs(hessian_operator(f, x), k=k, which=which, tol=tol, rng=rng)
    if not pairs.converged.all():
        raise ValueError(f"`tol` must be larger here, the eigenvectors are not known: "
                         f"{pairs.message}")  # fmt: skip
    return pairs.values, with_sign(pairs.vectors.T)


def with_sign(directions: Floats) -> Floats:
    """Directions whose largest component is positive: eigenvectors have no sign of their own."""
    rows = np.arange(len(directions))
    largest = directions[rows, np.abs(directions).argmax(axis=1)]
    found: Floats = directions * np.where(largest < 0.0, -1.0, 1.0)[:, None] + 0.0
    return found
