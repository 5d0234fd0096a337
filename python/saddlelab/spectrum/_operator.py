"""What the functions of this package multiply with: products counted, checked and scaled."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from saddlelab.arguments import MAX_DIM, positive_integer

Floats: TypeAlias = NDArray[np.float64]

_EPS = float(np.finfo(np.float64).eps)
#: Entries of a matrix may differ from the transposed ones by this many n·eps·max|H|.
_ROUNDING = 32
#: Products of an operator by this many √eps·‖H‖, which leaves room for finite differences.
_ASYMMETRY = 32
#: Squares of numbers with exponents up to this neither over- nor underflow.
_SAFE = 300
_FORMS = (
    "`operator` must be an (n, n) array_like or sparse matrix, an object with `shape` and "
    "`matvec`, or a callable with `n` given"
)


class SymmetricOperator:
    """A symmetric operator that multiplies rows of an array, in units that keep squares finite.

    Attributes
    ----------
    n : int
        Dimension.
    products : int
        Vectors that it has been multiplied with.
    eps : float
        Coarsest unit of rounding among the products' types.
    """

    __slots__ = ("_exponent", "_multiply", "eps", "n", "products")

    def __init__(self, n: int, multiply: Callable[[Floats], Iterable[Any] | Floats]) -> None:
        self.n, self.products, self.eps = n, 0, _EPS
        self._multiply = multiply
        self._exponent: int | None = None

    def raw(self, rows: Floats) -> Floats:
        """Return H times each row of the (k, n) array, in the units of the operator."""
        given = self._multiply(rows)
        # One at a time: a callable may write all of its products into the same buffer.
        product = given if isinstance(given, np.ndarray) else _stack(map(self._vector, given))
        self.products += len(rows)
        if not np.isfinite(product).all():
            wrong = product[~np.isfinite(product)][0]
            raise ValueError(f"`operator` must give finite products, but one of the first "
                             f"{self.products} holds {wrong}")  # fmt: skip
        return product

    def apply(self, rows: Floats) -> Floats:
        """Return H times each row, H multiplied by the power of two that `restore` takes back."""
        product = self.raw(rows)
        if self._exponent is None:
            largest = float(np.abs(product).max())
            if largest == 0.0:
                return product
            exponent = math.frexp(largest)[1]
            self._exponent = exponent if abs(exponent) > _SAFE else 0
        return np.ldexp(product, -self._exponent) if self._exponent else product

    def dense(self) -> Floats:
        """Return the matrix, scaled: n products with the columns of the identity."""
        matrix = self.raw(np.eye(self.n))
        largest = float(np.abs(matrix).max())
        if largest > 0.0:
            exponent = math.frexp(largest)[1]
            self._exponent = exponent if abs(exponent) > _SAFE else 0
            matrix = np.ldexp(matrix, -self._exponent)
        self.check_symmetry(float(np.abs(matrix - matrix.T).max()), float(np.abs(matrix).max()))
        return np.asarray((matrix + matrix.T) / 2)

    def restore(self, value: Any) -> Floats:
        """Return scaled eigenvalues, traces or residuals in the units of the operator."""
        with np.errstate(over="ignore", under="ignore"):
            return np.asarray(np.ldexp(value, self._exponent or 0))

    def scaled(self, value: float) -> float:
        """Return a number in the units of the operator as one in the scaled units."""
        with np.errstate(over="ignore", under="ignore"):
            return float(np.ldexp(value, -(self._exponent or 0)))

    def check_symmetry(self, gap: float, norm: float) -> None:
        """Raise unless u·Hv and v·Hu, for unit vectors, differ by rounding only."""
        if gap > _ASYMMETRY * math.sqrt(self.eps) * norm:
            raise ValueError(
                f"`operator` must be symmetric, and the same at every call, but u·Hv and v·Hu "
                f"differ by {gap / norm:.2g} of the largest |Hv| for unit vectors u and v"
            )

    def _vector(self, product: Any) -> Floats:
        array = np.asarray(product)
        if array.dtype.kind not in "biuf":
            raise TypeError(f"`operator` must give real numbers, got dtype {array.dtype}")
        if array.shape != (self.n,):
            raise ValueError(f"`operator` must map a vector of shape ({self.n},) to one of the "
                             f"same shape, got shape {array.shape}")  # fmt: skip
        if array.dtype.kind == "f":
            self.eps = max(self.eps, float(np.finfo(array.dtype).eps))
        return array.astype(np.float64)


def _stack(vectors: Iterable[Floats]) -> Floats:
    first, *others = vectors
    return np.stack([first, *others]) if others else first[None, :]


def as_operator(operator: Any, n: int | None) -> SymmetricOperator:
    """Return what the user passed as `operator` (and `n`) in the form that is used here."""
    size = None if n is None else positive_integer("n", n, at_most=MAX_DIM)
    if hasattr(operator, "tocsr"):
        found = _from_sparse(operator.tocsr())
    elif hasattr(operator, "shape") and callable(getattr(operator, "matvec", None)):
        found = _from_linear_operator(operator)
    elif callable(operator):
        if size is None:
            raise ValueError("`n` must be given with a callable `operator`: its vectors' length")
        return SymmetricOperator(size, lambda rows: (operator(row.copy()) for row in rows))
    else:
        found = _from_matrix(operator)
    if size not in (None, found.n):
        raise ValueError(f"`n` must be the operator's size {found.n} or None, got {size}")
    return found


def _from_matrix(operator: Any) -> SymmetricOperator:
    try:
        array = np.asarray(operator)
    except ValueError:
        raise ValueError(f"{_FORMS}; got rows of different lengths") from None
    n = _side(array.shape, array.dtype)
    matrix = np.ascontiguousarray(array, dtype=np.float64)
    bad = np.argwhere(~np.isfinite(matrix))
    if bad.size:
        i, j = map(int, bad[0])
        raise ValueError(f"`operator` must be finite, but H[{i}, {j}] = {matrix[i, j]}")
    with np.errstate(over="ignore"):  # a difference that overflows is not one of rounding
        gap = np.abs(matrix - matrix.T)
    i, j = map(int, np.unravel_index(np.argmax(gap), gap.shape))
    _refuse_asymmetry(n, i, j, float(matrix[i, j]), float(matrix[j, i]), np.abs(matrix).max())
    return SymmetricOperator(n, lambda rows: np.asarray(rows @ matrix))


def _from_sparse(csr: Any) -> SymmetricOperator:
    n = _side(csr.shape, csr.dtype)
    matrix = csr.astype(np.float64)
    if not np.isfinite(matrix.data).all():
        raise ValueError(f"`operator` must be finite, but one of its entries is "
                         f"{matrix.data[~np.isfinite(matrix.data)][0]}")  # fmt: skip
    with np.errstate(over="ignore"):
        gap = abs(matrix - matrix.T).tocoo()
    if gap.nnz:
        worst = int(np.argmax(gap.data))
        i, j = int(gap.row[worst]), int(gap.col[worst])
        _refuse_asymmetry(
            n, i, j, float(matrix[i, j]), float(matrix[j, i]), np.abs(matrix.data).max()
        )
    # One vector is a quarter faster than a block of one.
    return SymmetricOperator(
        n,
        lambda rows: (
            np.asarray(matrix @ rows[0])[None, :]
            if len(rows) == 1
            else np.ascontiguousarray((matrix @ rows.T).T)
        ),
    )


def _from_linear_operator(operator: Any) -> SymmetricOperator:
    n = _side(tuple(operator.shape), getattr(operator, "dtype", None))
    blocks = _takes_blocks(operator)

    def multiply(rows: Floats) -> Iterable[Any]:
        if blocks and len(rows) > 1:
            block = np.asarray(operator.matmat(np.ascontiguousarray(rows.T)))
            if block.shape != rows.T.shape:
                raise ValueError(f"`operator.matmat` must keep the shape {rows.T.shape} of a "
                                 f"block, got shape {block.shape}")  # fmt: skip
            return iter(block.T)
        return (operator.matvec(row.copy()) for row in rows)

    return SymmetricOperator(n, multiply)


def _takes_blocks(operator: Any) -> bool:
    """Whether `matmat` is more than SciPy's loop, which hands `matvec` columns of shape (n, 1)."""
    if not callable(getattr(operator, "matmat", None)):
        return False
    inner = getattr(type(operator), "_matmat", None)
    if getattr(inner, "__qualname__", "") == "LinearOperator._matmat":
        return False
    return getattr(operator, "_CustomLinearOperator__matmat_impl", operator) is not None


def _side(shape: tuple[int, ...], dtype: Any) -> int:
    """Return n, of a non-empty (n, n) shape and a real type."""
    if isinstance(dtype, np.dtype) and dtype.kind not in "biuf":
        raise TypeError(f"{_FORMS}, of real numbers; got dtype {dtype}")
    if len(shape) != 2 or shape[0] != shape[1]:
        raise ValueError(f"{_FORMS}; got shape {shape}")
    if shape[0] == 0:
        raise ValueError(f"`operator` must not be empty, got shape {shape}")
    return int(shape[0])


def _refuse_asymmetry(n: int, i: int, j: int, a: float, b: float, largest: float) -> None:
    if abs(a / 2 - b / 2) > 0.5 * _ROUNDING * n * _EPS * largest:
        raise ValueError(
            f"`operator` must be symmetric to rounding, but H[{i}, {j}] = {a!r} and "
            f"H[{j}, {i}] = {b!r}; pass (H + H.T) / 2 if its symmetric part is meant"
        )
