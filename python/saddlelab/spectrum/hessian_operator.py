"""The Hessian at a point as an operator that only multiplies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from saddlelab.as_objective import as_objective
from saddlelab.derivatives import derive
from saddlelab.points import points_of

if TYPE_CHECKING:
    from scipy.sparse.linalg import LinearOperator

__all__ = ["hessian_operator"]


def hessian_operator(f: Any, x: ArrayLike, *, method: str = "auto") -> LinearOperator:
    """Make an operator of Hessian-vector products at x; the Hessian is never formed.

    Parameters
    ----------
    f : callable or Objective
        See `saddlelab.objective`.
    x : (n,) array_like
    method : str, optional
        How products are taken, see `saddlelab.hvp`.

    Returns
    -------
    scipy.sparse.linalg.LinearOperator
        Of shape (n, n), for the functions of `saddlelab.spectrum` and SciPy's.

    Raises
    ------
    ValueError
        If x is not one finite point.
    Exception
        Whatever the function raises, with the point in its notes.

    Examples
    --------
    >>> import numpy as np
    >>> from saddlelab import extreme_eigenpairs, hessian_operator
    >>> def f(x):
    ...     return np.sum(x**4) - x[0] * x[1]
    >>> extreme_eigenpairs(hessian_operator(f, np.zeros(100)), rng=0).values.round(6)
    array([-1.,  1.])
    """
    from scipy.sparse.linalg import LinearOperator

    fun = as_objective(f)
    points, single = points_of(x)
    if not single:
        raise ValueError(f"`x` must be one point (n,), got shape {points.shape}")
    n = points.shape[1]
    fun.check(points)

    multiply = fun.products_at(points[0]) if method == "auto" else None

    def matmat(V: Any) -> Any:
        vectors = np.ascontiguousarray(np.asarray(V, dtype=np.float64).T)
        if multiply is not None:
            return multiply(vectors).T
        return derive("hvp", fun, points, vectors, method, errors=False).value.T

    def matvec(v: Any) -> Any:
        return matmat(np.reshape(v, (n, 1)))[:, 0]

    return LinearOperator((n, n), matvec, matmat=matmat, rmatvec=matvec, dtype=fun.dtype)
