"""A direction of negative curvature, or the odds that there is none."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from saddlelab.arguments import MAX_SAMPLES, positive_integer
from saddlelab.spectrum._checks import generator, positive_number
from saddlelab.spectrum._krylov import KrylovBasis, Ritz, norm
from saddlelab.spectrum._operator import Floats, as_operator
from saddlelab.studies.seeds import RNG

__all__ = ["NegativeCurvature", "negative_curvature_direction"]

_PRODUCTS = 1000
#: Rows of the basis, fewer where they would take 2 GiB.
_BASIS = 256
_MOST_NUMBERS = 2**28
#: Steps with a look at the Ritz values after each, and how many between two looks later.
_EACH = 32
_EVERY = 8
_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True)
class NegativeCurvature:
    """A unit vector v with vᵀHv < −tol, or none.

    Attributes
    ----------
    direction : (n,) float64 or None
        The vector v; None if none was found.
    curvature : float
        vᵀHv, from a product made for it; the smallest Ritz value if no direction was found.
    residual : float
        ‖Hv − (vᵀHv)v‖: an eigenvalue lies this near to `curvature`.
    certified : bool
        Whether `curvature` is below −tol by more than the rounding of the sum vᵀHv, so that H,
        if its product is exact, has an eigenvalue below −tol.  False without a direction.
    bound : float
        Every eigenvalue is above this, but for a random start of probability `failure`; −∞
        before there are enough products to say anything.
    failure : float
        See `bound`.
    products : int
        Vectors that the operator was multiplied with.
    message : str
        How the search ended.
    """

    direction: Floats | None
    curvature: float
    residual: float
    certified: bool
    bound: float
    failure: float
    products: int
    message: str


def negative_curvature_direction(
    operator: Any,
    *,
    tol: float | None = None,
    failure: float = 1e-6,
    max_products: int | None = None,
    n: int | None = None,
    rng: RNG = None,
) -> NegativeCurvature:
    """Search a direction of negative curvature, and stop as soon as one is found.

    Parameters
    ----------
    operator : (n, n) array_like, sparse matrix, LinearOperator or callable
        As for `extreme_eigenpairs`.
    tol : float, optional
        Curvature counts as negative below −`tol`; n·eps·max|λ| by default, with the largest
        Ritz value for max|λ|.
    failure : float, optional
        Probability at which `bound` may be wrong.
    max_products : int, optional
        Most products with vectors; 1000 by default.
    n : int, optional
        Dimension; needed with a callable.
    rng : int, SeedSequence, Generator or None, optional
        Random start.

    Returns
    -------
    NegativeCurvature

    Raises
    ------
    ValueError
        If the operator is not symmetric, gives NaN or infinity or vectors of another shape, or
        an argument is out of range.
    TypeError
        If products or arguments are not real numbers.

    Notes
    -----
    Lanczos from a random start, until the smallest Ritz value is below −tol.  The vector is then
    multiplied once more.  Otherwise the search ends when the Krylov space is all that the start
    can reach, when the smallest Ritz pair has converged to rounding, when `bound` reaches −tol, or
    with the budget.  After k products the smallest Ritz value exceeds λmin by ε(λmax − λmin) or
    more with probability 1.648 √n exp(−√ε (2k − 1)) at most (Kuczyński & Woźniakowski, SIAM J.
    Matrix Anal. Appl. 13, 1992), whatever the spectrum is; half of `failure` is spent on each end
    of the spectrum.

    Examples
    --------
    >>> import numpy as np
    >>> from saddlelab.spectrum import negative_curvature_direction
    >>> curvatures = np.r_[-0.1, np.linspace(0.0, 1.0, 9_999)]
    >>> found = negative_curvature_direction(lambda v: curvatures * v, n=10_000, rng=0)
    >>> v = found.direction
    >>> bool(v @ (curvatures * v) < 0.0), found.certified, found.products < 100
    (True, True, True)
    """
    op = as_operator(operator, n)
    if tol is not None:
        tol = positive_number("tol", tol, zero=True)
    failure = positive_number("failure", failure, below=1.0)
    budget = _PRODUCTS if max_products is None else max_products
    budget = positive_integer("max_products", budget, at_most=MAX_SAMPLES, or_none=" or None")
    if budget < 2:
        raise ValueError("`max_products` must be at least 2, a step and a check, got 1")
    capacity = max(16, min(_BASIS, budget, _MOST_NUMBERS // op.n))
    search = _Search(KrylovBasis(op, capacity, generator(rng)), tol, failure)
    return search.run(budget)


class _Search:
    """Lanczos steps, with a look at the smallest Ritz value after each."""

    def __init__(self, basis: KrylovBasis, tol: float | None, failure: float) -> None:
        self.basis, self.op = basis, basis.operator
        self.given, self.failure = tol, failure
        self.bound = -math.inf

    def run(self, budget: int) -> NegativeCurvature:
        """Step until something is known; one product is kept for the check."""
        basis, op = self.basis, self.op
        while True:
            basis.step()
            spent = op.products >= budget - 1
            if not (spent or self._look()):
                continue
            ritz = basis.ritz()
            tol = self._tol(ritz)
            if ritz.values[0] < -tol:
                found = self._found(ritz, tol)
                if found is not None:
                    return found
                spent = op.products >= budget - 1
            self._update_bound(ritz)
            why = self._end(ritz, tol)
            if why or spent:
                return self._none(ritz, why or "`max_products` ended the search")
            if basis.size == basis.capacity:
                basis.restart(ritz, np.arange(basis.capacity // 2))

    def _look(self) -> bool:
        """Whether to compute Ritz values: always at first, later they cost more than a product."""
        size = self.basis.size
        return size <= _EACH or size % _EVERY == 0 or size in (self.basis.capacity, self.op.n)

    def _tol(self, ritz: Ritz) -> float:
        if self.given is None:
            return self.op.n * self.op.eps * ritz.norm
        return self.op.scaled(self.given)

    def _found(self, ritz: Ritz, tol: float) -> NegativeCurvature | None:
        """Multiply the smallest Ritz vector, and believe only the product."""
        op = self.op
        v = self.basis.rows(ritz, np.arange(1))[0]
        v /= norm(v)
        Hv = op.apply(v[None, :])[0]
        curvature = float(v @ Hv)
        if curvature >= -tol:
            return None
        residual = norm(Hv - curvature * v)
        # A sum of n products is off by at most n·eps·|v|·|Hv|.
        certified = curvature + op.n * _EPS * norm(Hv) < -tol
        return NegativeCurvature(
            v, float(op.restore(curvature)), float(op.restore(residual)), certified,
            float(op.restore(self.bound)), self.failure, op.products,
            f"negative curvature after {op.products} products",
        )  # fmt: skip

    def _update_bound(self, ritz: Ritz) -> None:
        """Bound λmin by `random_start_failure`, solved for ε, with chance to spare for every k."""
        k = self.basis.steps
        rounding = self.op.n * self.op.eps * ritz.norm
        if self.basis.complete or self._invariant():
            self.bound = float(ritz.values[0]) - rounding
        elif k == self.basis.size:
            # The search looks at many k and stops where it likes: Σ 1/(k(k + 1)) = 1.
            chance = self.failure / (2 * k * (k + 1))
            root = math.log(1.648 * math.sqrt(self.op.n) / chance) / (2 * k - 1)
            if root**2 < 0.5:
                spread = float(ritz.values[-1] - ritz.values[0]) / (1.0 - 2.0 * root**2)
                self.bound = max(
                    self.bound, float(ritz.values[0]) - root**2 * spread - rounding
                )

    def _invariant(self) -> bool:
        return not self.basis.T[: self.basis.size, self.basis.size].any()

    def _end(self, ritz: Ritz, tol: float) -> str:
        """Say why more products would tell nothing new; nothing if they might."""
        value, residual = float(ritz.values[0]), float(ritz.residuals[0])
        if self.basis.complete:
            return "all of the space was searched"
        if self._invariant():
            return ("the random start's Krylov space is invariant, and so holds every eigenvalue "
                    "with probability one")  # fmt: skip
        if self.bound >= -tol:
            return "`bound` reached −tol"
        rounding = math.sqrt(self.op.n) * self.op.eps
        enough = self.op.eps ** (2 / 3) if value - residual >= -tol else rounding
        if residual <= enough * ritz.norm:
            return "the smallest Ritz value has converged; `bound` is what holds for any spectrum"
        return ""

    def _none(self, ritz: Ritz, why: str) -> NegativeCurvature:
        op = self.op
        return NegativeCurvature(
            None, float(op.restore(ritz.values[0])), float(op.restore(ritz.residuals[0])), False,
            float(op.restore(self.bound)), self.failure, op.products,
            f"no negative curvature found in {op.products} products: {why}",
        )  # fmt: skip
