"""Extreme eigenpairs of a Hessian: both ends of the spectrum from one Krylov space."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from saddlelab.arguments import MAX_SAMPLES, positive_integer
from saddlelab.spectrum._checks import generator, positive_number
from saddlelab.spectrum._operator import Floats, as_operator
from saddlelab.spectrum._search import Ends, Found, find_pairs
from saddlelab.studies.seeds import RNG

__all__ = ["Eigenpairs", "extreme_eigenpairs"]

End = Literal["both", "smallest", "largest"]

#: Most products, unless it is said.
_PRODUCTS = 10_000


@dataclass(frozen=True, slots=True)
class Eigenpairs:
    """Eigenpairs of a symmetric operator, with residuals.

    Attributes
    ----------
    values : (m,) float64
        Ascending; of "both" ends the `k` smallest, then the `k` largest.
    vectors : (n, m) float64
        Orthonormal columns.
    residuals : (m,) float64
        ‖Hv − λv‖, from products that were made for it: an eigenvalue lies this near.
    converged : (m,) bool
        Whether the residual is at most `tol` times the largest \\|λ\\| found.
    products : int
        Vectors that the operator was multiplied with.
    message : str
        How the search ended, and what it could not establish.
    """

    values: Floats
    vectors: Floats
    residuals: Floats
    converged: NDArray[np.bool_]
    products: int
    message: str


def extreme_eigenpairs(
    operator: Any,
    *,
    k: int = 1,
    which: End = "both",
    n: int | None = None,
    tol: float | None = None,
    max_products: int | None = None,
    rng: RNG = None,
) -> Eigenpairs:
    """Compute the smallest and the largest eigenvalues of a Hessian and their eigenvectors.

    Parameters
    ----------
    operator : (n, n) array_like, sparse matrix, LinearOperator or callable
        A symmetric matrix or anything that multiplies with one: an object with `shape` and
        `matvec` (and `matmat`, which then gets blocks of vectors), or ``operator(v)`` that returns
        Hv of shape (n,).
    k : int, optional
        Pairs at each end.
    which : {"both", "smallest", "largest"}, optional
        Ends of the spectrum, by sign: the smallest are the most negative.
    n : int, optional
        Dimension; needed with a callable.
    tol : float, optional
        A pair has converged when its residual is at most `tol` times the largest \\|λ\\|;
        eps^(2/3) by default, with the eps of the products' type.
    max_products : int, optional
        Most products with vectors, 10,000 by default.
    rng : int, SeedSequence, Generator or None, optional
        Random starts.

    Returns
    -------
    Eigenpairs

    Raises
    ------
    ValueError
        If the operator is not symmetric, gives NaN or infinity or vectors of another shape, or
        an argument is out of range.
    TypeError
        If products or arguments are not real numbers.

    Notes
    -----
    Thick-restart Lanczos (Wu & Simon, SIAM J. Matrix Anal. Appl. 22, 2000) on both ends at once,
    with full reorthogonalisation.  All of H is computed instead, by n products, where n is at most
    the size of the basis (64 and a few), or at most 2000 and n products were not enough.

    One random start shows one copy of a repeated eigenvalue.  With ``k > 1`` the search is
    therefore repeated beside the pairs that it found, each time from a new random vector, until a
    search finds no other: its best value must have converged too, or be so far from the k-th that
    Kuczyński and Woźniakowski's bound gives a larger one a probability below 1e-4.

    An eigenvalue is within the residual of each value.  That it is the outermost is not proved: of
    a cluster narrower than about √tol relative to the largest \\|λ\\|, it may be another one.

    Examples
    --------
    >>> import numpy as np
    >>> from saddlelab.spectrum import extreme_eigenpairs
    >>> curvatures = np.linspace(-3.0, 3.0, 10_000)      # −λ and +λ compete
    >>> pairs = extreme_eigenpairs(lambda v: curvatures * v, n=10_000, tol=1e-6, rng=0)
    >>> pairs.values.round(6), pairs.converged
    (array([-3.,  3.]), array([ True,  True]))
    """
    op = as_operator(operator, n)
    ends = _ends(which, k, op.n)
    if tol is not None:
        tol = positive_number("tol", tol, below=1.0)
    budget = _PRODUCTS if max_products is None else max_products
    budget = positive_integer("max_products", budget, at_most=MAX_SAMPLES, or_none=" or None")
    found = find_pairs(op, ends, tol, budget, generator(rng))
    return Eigenpairs(
        op.restore(found.values), found.vectors.T, op.restore(found.residuals), found.converged,
        op.products, _message(found, op.products),
    )  # fmt: skip


def _message(found: Found, products: int) -> str:
    count = f"{np.count_nonzero(found.converged)} of {len(found.values)} pairs"
    message = f"{count} converged in {products} products"
    if not found.settled:
        return f"{message}; more need a larger `max_products`"
    if not found.converged.all():
        return f"{message}; the operator's own errors keep the other residuals above `tol`"
    if not found.ruled_out:
        return f"{message}; `max_products` left no room to rule out further copies of them"
    return message


def _ends(which: End, k: int, n: int) -> Ends:
    k = positive_integer("k", k, at_most=n)
    if which == "both":
        low = min(k, math.ceil(n / 2))
        return Ends(low, min(k, n - low))
    if which not in ("smallest", "largest"):
        raise ValueError(f'`which` must be "both", "smallest" or "largest", got {which!r}')
    return Ends(k, 0) if which == "smallest" else Ends(0, k)
