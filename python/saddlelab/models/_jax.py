"""Losses of JAX models as functions of one array; imported when needed, for it imports jax."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import jax
import numpy as np
from jax.flatten_util import ravel_pytree
from numpy.typing import NDArray

__all__ = ["JaxModel"]

Floats: TypeAlias = NDArray[np.float64]


class JaxModel:
    """What `ModelObjective` asks for, of a JAX function; the arguments are those of `from_jax`.

    Attributes
    ----------
    size : int
        Number of parameters.
    dtype : numpy.dtype
        Of the parameters in one array.
    """

    def __init__(self, fun: Callable[[Any], Any], params: Any) -> None:
        self._fun, self._params = fun, params
        flat, self._unravel = ravel_pytree(params)
        self._start = np.asarray(flat, dtype=np.float64)
        self.size, self.dtype = len(flat), np.dtype(flat.dtype)

        def loss(x: Any) -> Any:
            return fun(self._unravel(x))

        def product(x: Any, v: Any) -> Any:
            return jax.jvp(jax.grad(loss), (x,), (v,))[1]

        self._loss, self._slope, self._product = map(jax.jit, (loss, jax.grad(loss), product))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as function and parameters."""
        return JaxModel, (self._fun, self._params)

    @property
    def theta(self) -> Floats:
        """(n,) the parameters that were given."""
        return self._start.copy()

    def unpack(self, theta: Floats) -> Any:
        """The parameters as a pytree."""
        return self._unravel(self._array(theta))

    def value(self, x: Floats) -> float:
        """The loss."""
        return float(self._loss(self._array(x)))

    def gradient(self, x: Floats) -> Floats:
        """(n,) its gradient."""
        return np.asarray(self._slope(self._array(x)), dtype=np.float64)

    def hvp(self, x: Floats, v: Floats) -> Floats:
        """(n,) the Hessian times v."""
        found: Floats = self.products_at(x)(v[None])[0].astype(np.float64)
        return found

    def products_at(self, x: Floats) -> Callable[[Floats], NDArray[Any]]:
        """What multiplies rows with the Hessian at x."""
        return partial(self._products, self._array(x))

    def _products(self, x: Any, rows: Floats) -> NDArray[Any]:
        return np.stack([np.asarray(self._product(x, self._array(row))) for row in rows])

    def _array(self, x: Floats) -> Any:
        return jax.numpy.asarray(np.asarray(x, dtype=self.dtype))
