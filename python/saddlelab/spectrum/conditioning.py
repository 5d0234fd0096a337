"""The condition number of a Hessian: its largest and its smallest |eigenvalue|."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from saddlelab.arguments import MAX_SAMPLES, positive_integer
from saddlelab.spectrum._checks import generator, positive_number
from saddlelab.spectrum._krylov import norm, project
from saddlelab.spectrum._minres import minres
from saddlelab.spectrum._operator import Floats, SymmetricOperator, as_operator
from saddlelab.spectrum._search import Ends, find_pairs
from saddlelab.studies.seeds import RNG

__all__ = ["ConditionNumber", "condition_number"]

#: Up to this size all of H is computed, by n products.
_DENSE = 1000
_PRODUCTS = 20_000
#: Solutions, and residuals beside them, that the smallest |eigenvalue| is sought in.
_MOST_ROWS = 48
#: An eigenvalue near a first random vector must not end the search.
_LEAST_SOLVES = 3


@dataclass(frozen=True, slots=True)
class ConditionNumber:
    """The ratio max|λ| / min|λ| of a symmetric operator.

    Attributes
    ----------
    value : float
        The ratio of `largest` and `smallest`, infinity if the latter is 0: a lower bound in any
        case, but for rounding, as it is |uᵀHu| / ‖Hv‖ for two unit vectors.
    error : float
        How far `value` may be off if `largest` and `smallest` belong to the ends; infinity if the
        smallest cannot be told from 0.
    largest, smallest : float
        max|λ| and min|λ| as found.
    converged : bool
        Whether both are known to the tolerance.
    products : int
        Vectors that the operator was multiplied with.
    message : str
        How it was found, and what could not be established.
    """

    value: float
    error: float
    largest: float
    smallest: float
    converged: bool
    products: int
    message: str


def condition_number(
    operator: Any,
    *,
    tol: float = 1e-2,
    max_products: int | None = None,
    n: int | None = None,
    rng: RNG = None,
) -> ConditionNumber:
    """Compute max|λ| / min|λ| of a Hessian.

    Parameters
    ----------
    operator : (n, n) array_like, sparse matrix, LinearOperator or callable
        As for `extreme_eigenpairs`.
    tol : float, optional
        Relative residual that is wanted of each of the two eigenvalues.  The relative error is at
        most this; typically, like that of any Rayleigh quotient, it is nearer to the square.
    max_products : int, optional
        Most products with vectors; 20,000 by default.
    n : int, optional
        Dimension; needed with a callable.
    rng : int, SeedSequence, Generator or None, optional
        Random starts.

    Returns
    -------
    ConditionNumber

    Raises
    ------
    ValueError
        If the operator is not symmetric, gives NaN or infinity or vectors of another shape, or
        an argument is out of range.
    TypeError
        If products or arguments are not real numbers.

    Notes
    -----
    Up to n = 1000 from all eigenvalues.  Beyond, the largest \\|λ\\| comes from Lanczos and the
    smallest, which may lie amid the spectrum, from inverse iteration whose systems MINRES solves:
    that takes of the order of κ products, κ^(1/2) for a definite H.  Products alone prove a lower
    bound of κ and no upper one: no finite number of them excludes an eigenvalue nearer to 0.
    `converged` says that both values are eigenvalues to the tolerance, found from random starts.

    Examples
    --------
    >>> import numpy as np
    >>> from saddlelab.spectrum import condition_number
    >>> curvatures = np.r_[np.linspace(-4.0, -0.5, 1000), 0.1, np.linspace(0.5, 5.0, 3999)]
    >>> found = condition_number(lambda v: curvatures * v, n=5000, rng=0)
    >>> bool(abs(found.value - 50.0) <= found.error < 1.0), found.converged
    (True, True)
    """
    op = as_operator(operator, n)
    tol = positive_number("tol", tol, below=1.0)
    budget = _PRODUCTS if max_products is None else max_products
    budget = positive_integer("max_products", budget, at_most=MAX_SAMPLES, or_none=" or None")
    random = generator(rng)
    if op.n <= min(_DENSE, budget):
        return _dense(op)
    if budget < 12:
        raise ValueError(f"`max_products` must be at least 12, or n, got {budget}")
    ends = find_pairs(op, Ends(1, 1), 0.1 * tol, budget // 2, random)
    i = int(np.argmax(np.abs(ends.values)))
    largest = abs(float(ends.values[i]))
    found = _Smallest(op, tol, largest, random)
    if largest > 0.0:
        found.search(budget)
    return found.result(float(ends.residuals[i]))


def _dense(op: SymmetricOperator) -> ConditionNumber:
    values = np.abs(np.linalg.eigvalsh(op.dense()))
    largest, smallest = float(values.max()), float(values.min())
    rounding = op.n * op.eps * largest  # of LAPACK's eigenvalues
    return _conclude(
        op, largest, smallest, (rounding, rounding),
        known=True, message=f"from all eigenvalues, {op.products} products",
    )  # fmt: skip


class _Smallest:
    """The smallest |eigenvalue|, sought in the span of solutions of Hy = q and their residuals.

    The next q is the unit vector of the span with the least ‖Hq‖.  Unlike a Rayleigh quotient this
    does not mind that λ and −λ are both there.  A singular H shows in the residuals: MINRES leaves
    of q what lies in the kernel.
    """

    def __init__(
        self, op: SymmetricOperator, tol: float, largest: float, rng: np.random.Generator
    ) -> None:
        self.op, self.tol, self.largest = op, tol, largest
        self.Q, self.HQ = np.empty((2, 0, op.n))
        self.q = rng.standard_normal(op.n)
        self.q /= norm(self.q)
        self.value = self.residual = math.inf if largest > 0.0 else 0.0
        self.settled = False

    def search(self, budget: int) -> None:
        """Solve until the eigenvalue is known to the tolerance or `budget` products were made."""
        rounding = self.op.n * self.op.eps * self.largest
        for solves in range(1, _MOST_ROWS // 2 + 1):
            room = budget - self.op.products - 3
            if room < 1:
                return
            # An error of the solution enters the residual multiplied by κ.
            kappa = max(1.0, min(self.largest / self.value, 1e10)) if self.value else 1.0
            y = minres(self.op, self.q, 0.1 * self.tol / kappa, room)
            self._add(y if y.any() else self.q)
            self._add(self.HQ[-1])
            self._triplet()
            enough = self.residual <= self.tol * self.value or self.value <= rounding
            self.settled = enough and solves >= _LEAST_SOLVES
            if self.settled:
                return

    def result(self, error: float) -> ConditionNumber:
        """Put together both ends; `error` is the residual of the largest."""
        known = self.settled and error <= self.tol * self.largest
        rounding = math.sqrt(self.op.n) * self.op.eps * self.largest
        errors = (error + rounding, self.residual + rounding)
        message = f"not settled after {self.op.products} products: `value` is a lower bound"
        if known:
            message = (f"both values are eigenvalues to `tol`, after {self.op.products} products; "
                       "that none lies nearer to 0 cannot be proved by products")  # fmt: skip
        return _conclude(
            self.op, self.largest, self.value, errors, known=known, message=message
        )

    def _add(self, y: Floats) -> None:
        """Add a vector, unless the span holds it already, and its product."""
        size = norm(y)
        if size == 0.0:
            return
        row = y / size
        length = project(row, self.Q)[1]
        if length > math.sqrt(self.op.n) * self.op.eps:
            row = (row / length)[None, :]
            project(row[0], self.Q)
            row /= norm(row[0])
            self.Q = np.concatenate([self.Q, row])
            self.HQ = np.concatenate([self.HQ, self.op.apply(row)])

    def _triplet(self) -> None:
        """Take the best vector of the span, and bound how far σ = ‖Hq‖ is from some |λ|.

        With p = Hq/σ and r = ‖Hp − σq‖, ‖H²q − σ²q‖ is σr: some λ² is this near to σ², and so |λ|
        within r of σ.  Away from −λ the residual of Hq = θq says more.
        """
        left, values, images = np.linalg.svd(self.HQ, full_matrices=False)
        self.q = left[:, -1] @ self.Q
        self.q /= norm(self.q)
        self.value = float(values[-1])
        pair = norm(self.op.apply(images[-1:])[0] - self.value * self.q)
        theta = abs(float(self.q @ (left[:, -1] @ self.HQ)))
        theta = min(theta, self.value)
        alone = math.sqrt(self.value**2 - theta**2) + self.value - theta
        self.residual = min(pair, alone)


def _conclude(
    op: SymmetricOperator, largest: float, smallest: float, errors: tuple[float, float],
    *, known: bool, message: str,
) -> ConditionNumber:  # fmt: skip
    rounding = op.n * op.eps * largest
    value = largest / smallest if smallest > 0.0 else math.inf
    error = math.inf
    if smallest > errors[1]:
        error = (largest + errors[0]) / (smallest - errors[1]) - value
    if smallest <= rounding:
        known = False
        message = "the smallest |λ| is within rounding, n·eps·max|λ|: singular, or nearly so"
    return ConditionNumber(
        value, error, float(op.restore(largest)), float(op.restore(smallest)),
        known, op.products, message,
    )  # fmt: skip
