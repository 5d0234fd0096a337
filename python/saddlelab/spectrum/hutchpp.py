"""The trace of a Hessian from products with it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from saddlelab.arguments import MAX_SAMPLES, positive_integer
from saddlelab.spectrum._checks import generator
from saddlelab.spectrum._estimate import Estimate
from saddlelab.spectrum._krylov import norm
from saddlelab.spectrum._operator import Floats, SymmetricOperator, as_operator
from saddlelab.studies.seeds import RNG

__all__ = ["trace"]

#: Numbers in one block of vectors: 256 MiB.
_BLOCK = 2**25


def trace(
    operator: Any, *, products: int = 90, n: int | None = None, rng: RNG = None
) -> Estimate:
    """Estimate the trace of a Hessian without bias by Hutch++, or compute it.

    Parameters
    ----------
    operator : (n, n) array_like, sparse matrix, LinearOperator or callable
        As for `extreme_eigenpairs`.
    products : int, optional
        Products to make, at least 2.  From n on it is n: the trace is computed with the columns
        of the identity, and the error is 0.
    n : int, optional
        Dimension; needed with a callable.
    rng : int, SeedSequence, Generator or None, optional
        Random signs.

    Returns
    -------
    Estimate
        Value, standard error and the number of products.

    Raises
    ------
    ValueError
        If the operator is not symmetric, gives NaN or infinity or vectors of another shape, or
        an argument is out of range.
    TypeError
        If products or arguments are not real numbers.

    Notes
    -----
    A third of the products finds a subspace that holds the large eigenvalues, a third is the trace
    on it, and the rest samples zᵀHz beside it, with random signs projected out of the subspace
    (Meyer, Musco, Musco & Woodruff, SOSA 2021).  The standard error is that of the samples: with
    few of them it is itself uncertain, like that of any mean.

    Examples
    --------
    >>> import numpy as np
    >>> from saddlelab.spectrum import trace
    >>> curvatures = 1.0 / np.arange(1, 1001)
    >>> def product(v):                       # a rotated diagonal: I − 2uuᵀ on either side
    ...     w = v - 2.0 * v.mean()
    ...     w = curvatures * w
    ...     return w - 2.0 * w.mean()
    >>> found = trace(product, n=1000, rng=0)
    >>> bool(abs(found.value - curvatures.sum()) < 4 * found.error)
    True
    """
    op = as_operator(operator, n)
    products = positive_integer("products", products, at_most=MAX_SAMPLES)
    random = generator(rng)
    if products >= op.n:
        return Estimate(_exact(op), 0.0, op.products)
    if products < 2:
        raise ValueError("`products` must be at least 2, for a standard error, got 1")
    sketch = min(products // 3, (products - 2) // 2)
    Q, on_it = _subspace(op, _signs(random, sketch, op.n))
    values = _samples(op, Q, products - 2 * sketch, random)
    value = on_it + float(values.mean())
    error = float(values.std(ddof=1)) / math.sqrt(len(values))
    return Estimate(float(op.restore(value)), float(op.restore(error)), op.products)


def _signs(rng: np.random.Generator, count: int, n: int) -> Floats:
    return 1.0 - 2.0 * rng.integers(0, 2, (count, n)).astype(np.float64)


def _subspace(op: SymmetricOperator, starts: Floats) -> tuple[Floats, float]:
    """Orthonormal rows Q that span H times the starts, and the trace of H on them."""
    if not len(starts):
        return starts, 0.0
    Q = np.ascontiguousarray(np.linalg.qr(op.apply(starts).T)[0].T)
    HQ = op.apply(Q)
    projected = HQ @ Q.T
    op.check_symmetry(_gap(projected), max(norm(row) for row in HQ))
    return Q, float(np.trace(projected))


def _samples(op: SymmetricOperator, Q: Floats, count: int, rng: np.random.Generator) -> Floats:
    """Return `count` values zᵀHz, for random signs without their part in the rows of Q."""
    values = []
    size = max(1, _BLOCK // op.n)
    for first in range(0, count, size):
        Z = _signs(rng, min(size, count - first), op.n)
        Z -= (Z @ Q.T) @ Q
        HZ = op.apply(Z)
        values.append(np.einsum("ij,ij->i", Z, HZ))
    return np.concatenate(values)


def _gap(matrix: Floats) -> float:
    return float(np.abs(matrix - matrix.T).max(initial=0.0))


def _exact(op: SymmetricOperator) -> float:
    """Sum the diagonal, a block of columns of the identity at a time."""
    size = max(1, min(op.n, _BLOCK // op.n))
    diagonal = np.empty(op.n)
    for first in range(0, op.n, size):
        here = slice(first, min(first + size, op.n))
        rows = np.zeros((here.stop - first, op.n))
        np.fill_diagonal(rows[:, here], 1.0)
        product = op.raw(rows)
        with np.errstate(over="ignore", invalid="ignore"):
            op.check_symmetry(_gap(product[:, here] / 2), float(np.abs(product).max()))
        diagonal[here] = np.diagonal(product[:, here])
    with np.errstate(over="ignore", invalid="ignore"):
        return float(np.sum(diagonal))
