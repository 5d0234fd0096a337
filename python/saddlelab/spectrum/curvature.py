"""How much of the curvature is negative: fractions of the spectrum, and the ratio of its ends."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from saddlelab.spectrum._checks import positive_number
from saddlelab.spectrum._estimate import Estimate
from saddlelab.spectrum.density import SpectralDensity, spectral_density
from saddlelab.studies.seeds import RNG

__all__ = ["CurvatureFractions", "curvature_fractions"]

_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True)
class CurvatureFractions:
    """Fractions of negative, zero and positive eigenvalues, and \\|λmin| / \\|λmax|.

    Attributes
    ----------
    negative, zero, positive : Estimate
        Fractions of the eigenvalues below −`tol`, within it and above it.  The error is the
        standard error together with what the quadrature cannot place on either side.
    ratio : Estimate
        \\|λmin| / \\|λmax| (Li et al. 2018); the error follows from the residuals.
    smallest, largest : Estimate
        λmin and λmax; an eigenvalue lies within the error.
    tol : float
        The tolerance used.
    products : int
        Vectors that the operator was multiplied with.
    """

    negative: Estimate
    zero: Estimate
    positive: Estimate
    ratio: Estimate
    smallest: Estimate
    largest: Estimate
    tol: float
    products: int


def curvature_fractions(
    operator: Any,
    *,
    tol: float | None = None,
    probes: int = 10,
    steps: int = 100,
    n: int | None = None,
    rng: RNG = None,
) -> CurvatureFractions:
    """Estimate which fraction of a Hessian's eigenvalues is negative, and how negative they get.

    Parameters
    ----------
    operator : (n, n) array_like, sparse matrix, LinearOperator or callable
        As for `extreme_eigenpairs`.
    tol : float, optional
        Eigenvalues within `tol` of zero count as zero; n·eps·max|λ| by default.
    probes, steps : int, optional
        As for `spectral_density`.
    n : int, optional
        Dimension; needed with a callable.
    rng : int, SeedSequence, Generator or None, optional
        Probes.

    Returns
    -------
    CurvatureFractions

    Raises
    ------
    ValueError, TypeError
        As `spectral_density`, and if `tol` is negative or not finite.

    Notes
    -----
    The fraction of negative eigenvalues is the index of Dauphin et al. (2014) over n, which Alain
    et al. (2019) estimate for networks; \\|λmin| / \\|λmax| is what Li et al. (2018) draw.
    The nodes on either side of the tolerance, if it is within their residuals, may stand for
    eigenvalues on one side only: the error gets their weight over √12, as if any share of it were
    as likely.  A Hessian with many zero eigenvalues amid small ones is thus known to be uncertain.

    Examples
    --------
    >>> import numpy as np
    >>> from saddlelab.spectrum import curvature_fractions
    >>> found = curvature_fractions(np.diag([-1.0, 0.0, 2.0, 3.0]))    # small, and so exact
    >>> found.negative.value, found.zero.value, found.positive.value
    (0.25, 0.25, 0.5)
    >>> print(found.ratio)
    0.333333 ± 0
    """
    if tol is not None:
        tol = positive_number("tol", tol, zero=True)
    density = spectral_density(operator, probes=probes, steps=steps, n=n, rng=rng)
    nodes, residuals = density.nodes.ravel(), density.residuals.ravel()
    ends = [
        Estimate(float(nodes[i]), float(residuals[i]), density.products)
        for i in (int(np.argmin(nodes)), int(np.argmax(nodes)))
    ]
    if tol is None:
        tol = density.n * _EPS * float(np.abs(nodes).max())
    # Up to the next number: an eigenvalue at tol itself is within it.
    negative, not_positive = (_below(density, t) for t in (-tol, float(np.nextafter(tol, np.inf))))
    zero = max(0.0, not_positive[0] - negative[0])
    parts = (negative, (zero, math.hypot(negative[1], not_positive[1])),
             (1.0 - not_positive[0], not_positive[1]))  # fmt: skip
    fractions = [Estimate(*part, density.products) for part in parts]
    smallest, largest = ends
    return CurvatureFractions(
        fractions[0], fractions[1], fractions[2], _ratio(smallest, largest), smallest, largest,
        tol, density.products,
    )  # fmt: skip


def _below(density: SpectralDensity, t: float) -> tuple[float, float]:
    """Fraction of eigenvalues below t and its error."""
    found = density.fraction_below(t)
    unplaced = []
    for x, w, r in zip(density.nodes, density.weights, density.residuals, strict=True):
        k = int(np.searchsorted(x, t))
        sides = slice(max(k - 1, 0), k + 1)
        unplaced.append(w[sides] @ (np.abs(x[sides] - t) < r[sides]))
    placement = float(np.mean(unplaced)) / math.sqrt(12.0)
    return float(found.value), math.hypot(float(found.error), placement)


def _ratio(smallest: Estimate, largest: Estimate) -> Estimate:
    low, high = abs(float(smallest.value)), abs(float(largest.value))
    low_error, high_error = float(smallest.error), float(largest.error)
    if high == 0.0:
        return Estimate(math.nan, math.nan, largest.products)
    ratio = low / high
    if high_error >= high:
        return Estimate(ratio, math.inf, largest.products)
    return Estimate(ratio, (low + low_error) / (high - high_error) - ratio, largest.products)
