"""Pictures of curvature: over a plane, as eigenvectors, as a spectrum."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saddlelab.arguments import positive_integer
from saddlelab.contours import draw_bar, draw_contours, draw_filled, new_axes
from saddlelab.landscapes.slice_plot import sliced
from saddlelab.points import points_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from saddlelab.landscapes.curvature_map import CurvatureMap
    from saddlelab.landscapes.slice_result import Slice
    from saddlelab.spectrum.density import SpectralDensity

__all__ = ["plot_curvature", "plot_density", "plot_directions", "plot_eigenvectors",
           "plot_spectrum"]  # fmt: skip

Floats: TypeAlias = NDArray[np.float64]

_NEGATIVE, _POSITIVE, _ZERO = "#d55e00", "#0072b2", "0.5"


def plot_curvature(result: CurvatureMap, *, ax: Axes | None = None, **kwargs: Any) -> Axes:
    """Draw \\|λmin/λmax| over a plane; a line surrounds where no eigenvalue is negative.

    Parameters
    ----------
    result : CurvatureMap
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure's by default.
    **kwargs
        Passed to ``Axes.contourf``.

    Returns
    -------
    matplotlib.axes.Axes
    """
    found = result.slice
    sliced(found, 2)
    ax = new_axes((6.8, 5.4)) if ax is None else ax
    filled = draw_filled(ax, found.a, found.b, result.ratio.T, **kwargs)
    draw_bar(filled, ax, "|λmin / λmax|")
    if result.smallest.min() < 0.0 <= result.smallest.max():
        ax.contour(found.a, found.b, result.smallest.T, levels=[0.0], colors=_NEGATIVE,
                   linewidths=1.2)  # fmt: skip
    ax.set(xlabel="a", ylabel="b", title=f"Curvature of {found.name}")
    return ax


def plot_directions(
    result: Slice,
    points: ArrayLike,
    *,
    ax: Axes | None = None,
    length: float = 0.15,
    **kwargs: Any,
) -> Axes:
    """Draw critical points and the unstable directions of their Hessians over a plane.

    Points and directions are shown by their nearest ones in the plane: an arrow is shorter the more
    of its direction leads out of it.  The fainter a point, the farther it is from the plane.

    Parameters
    ----------
    result : Slice
    points : (m, n) or (n,) array_like
        Of as many variables as the function has.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure's by default.
    length : float, optional
        Of an arrow in the plane, as a part of the picture's width.
    **kwargs
        Passed to ``Axes.contour``.

    Returns
    -------
    matplotlib.axes.Axes
    """
    sliced(result, 2)
    rows, _ = points_of(points, "points")
    if rows.shape[1] != len(result.x):
        raise ValueError(f"`points` must have {len(result.x)} numbers each as `x` has, got "
                         f"{rows.shape[1]}")  # fmt: skip
    ax = new_axes() if ax is None else ax
    draw_contours(ax, result.a, result.b, result.values.T, **kwargs)
    at, off = result.coordinates(rows)
    size = length * min(np.ptp(result.a), np.ptp(result.b))
    for point, where, distance in zip(rows, at, off, strict=True):
        values, vectors = np.linalg.eigh(result.objective.hessian(point))
        unstable = vectors[:, values < -1e-9 * np.abs(values).max()]
        near = 1.0 / (1.0 + distance / size)
        colour, marker = (_NEGATIVE, "X") if unstable.shape[1] else (_POSITIVE, "o")
        ax.scatter(where[0], where[1], s=46, color=colour, marker=marker, alpha=max(near, 0.15),
                   zorder=4, edgecolors="white", linewidths=0.8, gid="point")  # fmt: skip
        _draw_arrows(ax, result, where, unstable, size)
    ax.set(xlabel="a", ylabel="b", title=f"Unstable directions of {result.name}")
    return ax


def _draw_arrows(ax: Axes, result: Slice, where: Floats, vectors: Floats, size: float) -> None:
    seen, off = result.coordinates(result.x + vectors.T)
    inside = np.sqrt(np.maximum(1.0 - off**2, 0.0))  # the part of each within the plane
    for arrow, part in zip(seen, inside, strict=True):
        norm = np.linalg.norm(arrow)
        if norm > 0.0 and part > 0.05:
            for sign in (-1.0, 1.0):
                end = where + sign * size * part * arrow / norm
                ax.annotate("", tuple(end), tuple(where), zorder=3,
                            arrowprops={"arrowstyle": "->", "color": _NEGATIVE})  # fmt: skip


def plot_eigenvectors(
    result: Slice, *, ax: Axes | None = None, count: int = 13, **kwargs: Any
) -> Axes:
    """Draw the principal curvatures within a plane as crosses of lines, over contours.

    At each place stand the two eigenvectors of the Hessian of the slice, (a, b) ↦ f, scaled by the
    root of \\|λ|: blue where f bends upwards, orange where it bends downwards.

    Parameters
    ----------
    result : Slice
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure's by default.
    count : int, optional
        Crosses along each side.
    **kwargs
        Passed to ``Axes.quiver``.

    Returns
    -------
    matplotlib.axes.Axes
    """
    sliced(result, 2)
    count = positive_integer("count", count, at_most=1000)
    ax = new_axes() if ax is None else ax
    draw_contours(ax, result.a, result.b, result.values.T)
    inner = [np.linspace(axis[0], axis[-1], count + 2)[1:-1] for axis in result.axes]
    at = np.stack(np.meshgrid(*inner, indexing="ij"), axis=-1).reshape(-1, 2)
    values, vectors = np.linalg.eigh(_plane_hessians(result, at))
    top = np.sqrt(np.abs(values)).max()
    cell = min(np.ptp(each) / max(len(each) - 1, 1) for each in inner) if count > 1 else 1.0
    for k in range(2):
        arrows = np.sqrt(np.abs(values[:, k, None])) / (top or 1.0) * vectors[:, :, k] * 0.9 * cell
        colours = np.where(values[:, k] < 0.0, _NEGATIVE, _POSITIVE).tolist()
        style: dict[str, Any] = {
            "color": colours, "angles": "xy", "scale_units": "xy", "scale": 1.0, "pivot": "mid",
            "headwidth": 0, "headlength": 0, "headaxislength": 0, "width": 0.004, "zorder": 3,
            "gid": "least" if k == 0 else "largest",
        } | kwargs  # fmt: skip
        ax.quiver(*at.T, *arrows.T, **style)
    ax.set(xlabel="a", ylabel="b", title=f"Principal curvatures of {result.name}")
    return ax


def _plane_hessians(result: Slice, at: Floats) -> Floats:
    """Hessians of (a, b) ↦ f: uᵀHu, uᵀHv and vᵀHv at each place."""
    points = np.array([result.point(*t) for t in at.tolist()])
    D = result.directions
    products = [result.objective.hvp(points, np.tile(u, (len(points), 1))) for u in D]
    H = np.stack([product @ D.T for product in products], axis=1)
    symmetric: Floats = 0.5 * (H + H.transpose(0, 2, 1))
    return symmetric


def plot_spectrum(
    result: ArrayLike, *, ax: Axes | None = None, tol: float = 0.0, **kwargs: Any
) -> Axes:
    """Draw eigenvalues by their rank, coloured by sign; |λ| beyond a linear middle in logarithms.

    Parameters
    ----------
    result : (n,) array_like
        Eigenvalues, in any order.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure's by default.
    tol : float, optional
        Eigenvalues within it of 0 count as zero.
    **kwargs
        Passed to ``Axes.scatter``.

    Returns
    -------
    matplotlib.axes.Axes
    """
    rows, single = points_of(result, "result")
    if not single:
        raise ValueError(f"`result` must be eigenvalues (n,), got shape {rows.shape}")
    values = np.sort(rows[0])
    ax = new_axes((6.4, 4.2)) if ax is None else ax
    groups = (
        ("negative", values < -tol, _NEGATIVE, "v"),
        ("zero", np.abs(values) <= tol, _ZERO, "D"),
        ("positive", values > tol, _POSITIVE, "o"),
    )
    for name, those, colour, marker in groups:
        if those.any():
            label = f"{np.count_nonzero(those)} {name}"
            style: dict[str, Any] = {"color": colour, "marker": marker, "s": 14} | kwargs
            ax.scatter(np.flatnonzero(those) + 1, values[those], label=label, gid=name, **style)
    ax.axhline(0.0, color="0.3", linewidth=0.6)
    largest = float(np.abs(values).max())
    if largest > 30.0 * max(float(np.median(np.abs(values))), 1e-300):
        ax.set_yscale("symlog", linthresh=max(float(np.median(np.abs(values))), 1e-6 * largest))
    ax.set(xlabel="rank", ylabel="eigenvalue", title=f"Spectrum of {len(values)} eigenvalues")
    ax.legend(frameon=False, fontsize="small")
    return ax


def plot_density(result: SpectralDensity, *, ax: Axes | None = None, **kwargs: Any) -> Axes:
    """Draw the density of eigenvalues that `saddlelab.spectral_density` estimated."""
    return result.plot(ax=ax, **kwargs)
