"""Spectral densities by stochastic Lanczos quadrature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saddlelab.arguments import MAX_SAMPLES, positive_integer
from saddlelab.spectrum._checks import generator
from saddlelab.spectrum._estimate import Estimate
from saddlelab.spectrum._operator import Floats, as_operator
from saddlelab.spectrum._quadrature import quadratures
from saddlelab.spectrum._smoothing import (
    LEAST_STEPS,
    default_grid,
    half_gaps,
    over_probes,
    smoothed,
    spacing,
)
from saddlelab.studies.seeds import RNG

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["SpectralDensity", "spectral_density"]


@dataclass(frozen=True, slots=True)
class SpectralDensity:
    """The density of a Hessian's eigenvalues, with standard errors over the probes.

    Attributes
    ----------
    grid : (g,) float64
        Where the density was evaluated.
    density : (g,) float64
        Density of the eigenvalues; its integral is 1.
    error : (g,) float64
        Standard error of `density` over the probes; 0 where all eigenvalues were computed, NaN
        for a single probe.
    nodes, weights : (p, m) float64
        Gauss quadrature of each probe; the weights of each add up to 1.  All eigenvalues in one
        row, if `exact`.
    residuals : (p, m) float64
        An eigenvalue lies this near to a node.
    widths : (p, m) float64
        Standard deviation of the Gaussian that stands for each node in `density`: the smaller of
        its residual and half the mean distance to its neighbours; of eigenvalues, if `exact`, a
        quarter of the median span of √n of them.  At least two steps of the grid.
    exact : bool
        Whether n ≤ probes · steps, where all of H costs less than its sample.
    n : int
        Dimension of the operator.
    products : int
        Vectors that it was multiplied with.
    """

    grid: Floats
    density: Floats
    error: Floats
    nodes: Floats
    weights: Floats
    residuals: Floats
    widths: Floats
    exact: bool
    n: int
    products: int

    @property
    def trace_estimate(self) -> Estimate:
        """Estimate of the trace: n times the first moment."""
        return self._mean(self.n * np.einsum("ij,ij->i", self.weights, self.nodes))

    def moments(self, count: int = 5) -> Estimate:
        """Estimate the moments tr(Hʲ)/n for j = 0 … count − 1.

        Each probe's are those of its quadrature, and so zᵀHʲz itself for j < 2·steps.
        """
        count = positive_integer("count", count, at_most=10_000)
        powers = np.ones_like(self.nodes)
        each = np.empty((len(self.nodes), count))
        for j in range(count):
            each[:, j] = np.einsum("ij,ij->i", self.weights, powers)
            powers *= self.nodes
        return self._mean(each)

    def fraction_below(self, t: ArrayLike) -> Estimate:
        """Estimate the fraction of eigenvalues below `t`, a number or an (m,) array.

        A node's weight is spread evenly half way to its neighbours, or as far as its residual if
        that is less: what has converged is a step.  The standard error is that over the probes.
        `fraction_bounds` says what so many nodes cannot resolve, such as on which side the copies
        of a highly repeated eigenvalue amid others lie.
        """
        points = np.asarray(t, dtype=np.float64)
        left, right = (np.minimum(half, self.residuals) for half in half_gaps(self.nodes))
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            part = (points.reshape(-1, 1, 1) - self.nodes + left) / (left + right)
        # 0/0 is an eigenvalue at t itself, which is not below it.
        below = np.clip(np.nan_to_num(part, nan=0.0, posinf=1.0, neginf=0.0), 0.0, 1.0)
        each = np.einsum("tij,ij->it", below, self.weights)
        return self._mean(each.reshape(-1, *points.shape))

    def fraction_bounds(self, t: ArrayLike) -> tuple[Floats, Floats]:
        """Bound what more steps, with the same probes, could make of `fraction_below`.

        By the Chebyshev–Markov–Stieltjes inequalities a probe's measure of (−∞, t) lies between
        the weights of the nodes below t without the last one, and with the next one too.
        """
        points = np.asarray(t, dtype=np.float64)
        low, high = np.empty((2, len(self.nodes), points.size))
        for i, (x, w) in enumerate(zip(self.nodes, self.weights, strict=True)):
            sums = np.concatenate([[0.0, 0.0], np.cumsum(w), [1.0]])
            below = np.searchsorted(x, points.reshape(-1), side="left")
            # Nodes that are all the eigenvalues leave nothing open.
            low[i] = sums[below + 1 if self.exact else below]
            high[i] = sums[below + 1 if self.exact else below + 2]
        shape = points.shape
        return low.mean(axis=0).reshape(shape)[()], high.mean(axis=0).reshape(shape)[()]

    def plot(self, ax: Axes | None = None, **kwargs: Any) -> Axes:
        """Draw the density on a log axis, with a band of two standard errors.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure's by default.
        **kwargs
            Passed to ``Axes.plot``.

        Returns
        -------
        matplotlib.axes.Axes
        """
        if ax is None:
            import matplotlib.pyplot as plt

            ax = plt.figure(layout="constrained").add_subplot()
        style = {"color": "#0072B2", "label": f"{self.products} products"} | kwargs
        floor = float(self.density.max()) * 1e-6
        (line,) = ax.plot(self.grid, np.maximum(self.density, floor), **style)
        low, high = (np.maximum(self.density + s * self.error, floor) for s in (-2, 2))
        ax.fill_between(self.grid, low, high, color=line.get_color(), alpha=0.25, linewidth=0)
        ax.axvline(0.0, color="0.6", linewidth=0.8, linestyle=":")
        ax.set_yscale("log")
        ax.set_ylim(floor, 3.0 * float(high[np.isfinite(high)].max(initial=self.density.max())))
        ax.set_xlabel("eigenvalue")
        ax.set_ylabel("density")
        ax.set_title("Spectral density of the Hessian")
        return ax

    def _mean(self, each: Floats) -> Estimate:
        value, error = over_probes(each, exact=self.exact)
        return Estimate(value[()], error[()], self.products)


def spectral_density(
    operator: Any,
    *,
    grid: ArrayLike | None = None,
    probes: int = 10,
    steps: int = 100,
    n: int | None = None,
    rng: RNG = None,
) -> SpectralDensity:
    """Estimate the density of a Hessian's eigenvalues by stochastic Lanczos quadrature.

    Parameters
    ----------
    operator : (n, n) array_like, sparse matrix, LinearOperator or callable
        As for `extreme_eigenpairs`.
    grid : (g,) array_like, optional
        Increasing points to evaluate the density at; 1024 across the spectrum by default.
    probes : int, optional
        Random vectors; the standard error falls with the root of their number.
    steps : int, optional
        Lanczos steps for each: the quadrature has as many nodes, and the moments 0 …
        2·steps − 1 of a probe are exact.
    n : int, optional
        Dimension; needed with a callable.
    rng : int, SeedSequence, Generator or None, optional
        Probes.

    Returns
    -------
    SpectralDensity

    Raises
    ------
    ValueError
        If the operator is not symmetric, gives NaN or infinity or vectors of another shape, or
        an argument is out of range.
    TypeError
        If products or arguments are not real numbers.

    Notes
    -----
    For z uniform on the unit sphere zᵀf(H)z has the mean tr f(H)/n, and Lanczos started with z
    gives its Gauss quadrature (Golub & Meurant 2010; Ubaru, Chen & Saad, SIAM J. Matrix Anal.
    Appl. 38, 2017; for networks Ghorbani, Krishnan & Xiao 2019).  Nodes become Gaussians as wide
    as what is known of them: a node that has converged to an eigenvalue stays narrow, the others
    are as wide as half the distance between their neighbours.  Where n is at most
    ``probes * steps``, n products give all eigenvalues instead, and the errors are 0.

    Examples
    --------
    >>> import numpy as np
    >>> from saddlelab.spectrum import spectral_density
    >>> curvatures = np.r_[np.linspace(-1.0, 3.0, 20_000), 10.0]
    >>> found = spectral_density(lambda v: curvatures * v, n=20_001, steps=40, rng=0)
    >>> below = found.fraction_below(0.0)
    >>> bool(abs(below.value - 0.25) < 4 * below.error < 0.02)
    True
    """
    op = as_operator(operator, n)
    probes = positive_integer("probes", probes, at_most=MAX_SAMPLES)
    steps = min(op.n, positive_integer("steps", steps, at_most=MAX_SAMPLES))
    points = None if grid is None else _grid(grid)
    random = generator(rng)
    exact = op.n <= probes * steps
    if exact:
        nodes = np.linalg.eigvalsh(op.dense())[None, :]
        weights, residuals = np.full_like(nodes, 1.0 / op.n), np.zeros_like(nodes)
    else:
        nodes, weights, residuals = quadratures(op, probes, steps, random)
    nodes, residuals = op.restore(nodes), op.restore(residuals)
    left, right = half_gaps(nodes)
    widths = np.minimum(residuals, left / 2 + right / 2)
    if exact:
        widths = np.full_like(nodes, spacing(nodes[0]))
    points = default_grid(nodes, widths) if points is None else points
    widths = np.maximum(widths, LEAST_STEPS * float(np.diff(points).min()))
    density, error = over_probes(smoothed(points, nodes, weights, widths), exact=exact)
    return SpectralDensity(
        points, density, error, nodes, weights, residuals, widths, exact, op.n, op.products
    )


def _grid(grid: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(grid)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"`grid` must be real numbers, got dtype {array.dtype}")
    points = array.astype(np.float64)
    if points.ndim != 1 or len(points) < 2:
        raise ValueError(f"`grid` must have shape (g,) with g ≥ 2, got shape {points.shape}")
    if not (np.isfinite(points).all() and (np.diff(points) > 0.0).all()):
        raise ValueError("`grid` must be finite and increase from point to point")
    return points
