"""What a step of each method costs, in gradients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from saddlelab.optimize.methods import method_of

__all__ = ["evaluations"]


def evaluations(
    method: str, options: Mapping[str, Any], n: int, steps: Any, terms: int | None = None
) -> Any:
    """How many gradients steps of a method cost, or what costs as much.

    Parameters
    ----------
    method : str
        See `saddlelab.minimize`.
    options : mapping
        Of the method; `krylov` products with the Hessian in place of the whole of it, where the
        method has that option and it is not 0.
    n : int
        Number of variables.
    steps : int or array_like of int
    terms : int, optional
        Of a mean over data, how many it has.

    Returns
    -------
    number or ndarray
        One for each step of first order, `batch_size` / `terms` for one that takes a few terms of a
        mean.  A Hessian counts as n gradients and a product with it as
        2: so much do they cost by differences of gradients, and about so much exactly.

    Notes
    -----
    Where a gradient is itself made of differences it costs 2n values.  What is not counted: values
    (of kicks, of steps tried and refused) and the gradient taken again after a kick of
    `perturbed_gd`, at most one in `wait` steps.

    Examples
    --------
    >>> from saddlelab.optimize.costs import evaluations
    >>> evaluations("gd", {}, n=10, steps=50)
    50
    """
    if not method_of(method).second_order:
        few = options.get("batch_size")
        return steps * 1 if few is None or terms is None else steps * (few / terms)
    products = options.get("krylov")
    return steps * (1 + (2 * products if products else n))
