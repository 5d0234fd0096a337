"""A JAX function of any tree of parameters as an objective."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from saddlelab.models.model_objective import ModelObjective

__all__ = ["from_jax"]


def from_jax(fun: Callable[[Any], Any], params: Any) -> ModelObjective:
    """Make a loss written in JAX a function of its parameters, in one array.

    Parameters
    ----------
    fun : callable
        ``fun(params) -> scalar``, which `jax.jit` and `jax.grad` take twice; data are in its
        closure.
    params : pytree of arrays
        Parameters of `fun`, such as a network's: lists, tuples and dictionaries of real arrays,
        in the order of ``jax.flatten_util.ravel_pytree``.  Computed in float64 if they are so
        (``jax.config.update("jax_enable_x64", True)``), else in float32.

    Returns
    -------
    ModelObjective
        Its ``theta`` are `params`; ``unpack`` makes a tree of an array.

    Raises
    ------
    ImportError
        If JAX is not installed.
    TypeError, ValueError
        If parameters are not real numbers of 32 or 64 bits, or there are none; if `fun` does not
        return one real number.

    Notes
    -----
    A product with the Hessian is the derivative of the gradient along the vector, forward over
    reverse, compiled once.

    Examples
    --------
    >>> import jax.numpy as jnp                                                 # doctest: +SKIP
    >>> from saddlelab import check, models                                     # doctest: +SKIP
    >>> f = models.from_jax(lambda p: jnp.sum(p["w"] ** 2) - p["b"] ** 2,       # doctest: +SKIP
    ...                     {"w": jnp.zeros(2), "b": jnp.zeros(())})
    >>> print(check(f, f.theta))                                                # doctest: +SKIP
    saddle, index 1, certified: f = 0, |gradient| = 0
    """
    try:
        import jax
    except ImportError:
        raise ImportError("`from_jax` needs jax: pip install 'saddlecore[jax]'") from None
    from saddlelab.models._jax import JaxModel

    if not callable(fun):
        raise TypeError(f"`fun` must be a function of the parameters, got {fun!r}")
    leaves, _ = jax.tree_util.tree_flatten(params)
    if not sum(np.size(leaf) for leaf in leaves):
        raise ValueError("`params` must hold at least one number, it holds none")
    for leaf in leaves:
        dtype = getattr(leaf, "dtype", np.asarray(leaf).dtype)
        if dtype not in (np.float32, np.float64):
            raise TypeError(
                f"`params` must be arrays of float32 or float64, but one has dtype {dtype}"
            )
    _check_result(jax.eval_shape(fun, params))
    return ModelObjective(JaxModel(fun, params), name=getattr(fun, "__name__", "fun"))


def _check_result(found: Any) -> None:
    if getattr(found, "shape", None) != ():
        told = getattr(found, "shape", None)
        what = f"an array of shape {told}" if told else type(found).__name__
        raise ValueError(f"`fun` must return one number, it returned {what}")
    if not np.issubdtype(found.dtype, np.floating):
        raise TypeError(f"`fun` must return a real number, it returned dtype {found.dtype}")
