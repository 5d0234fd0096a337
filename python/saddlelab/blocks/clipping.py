"""Clipping of gradients with its derivative."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saddlelab.arguments import positive_number
from saddlelab.blocks._arrays import like
from saddlelab.networks.data import _numbers

__all__ = ["Clipped", "clip_gradient"]

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Clipped:
    """What `clip_gradient` returns.

    Attributes
    ----------
    output : float array
        The clipped gradient, of the shape of the gradient.
    norm : float
        ‖g‖₂ before; infinite only if it is beyond all floats.
    factor : float
        What the gradient was multiplied with, min(1, c/‖g‖); 1 where it is clipped by value.
    fraction : float
        Of the entries that were changed.
    """

    output: Floats = field(repr=False)
    norm: float
    factor: float
    fraction: float
    _unit: Floats = field(repr=False)
    _free: Floats = field(repr=False)

    def backward(self, dy: ArrayLike) -> Floats:
        """Derivative of a loss by the gradient, from that by the clipped one.

        By norm it is (c/‖g‖)(I − ĝĝᵀ) dy: along g nothing passes.  By value, entries that were
        clipped pass nothing.

        Raises
        ------
        ValueError, TypeError
            If `dy` has another shape, or is not finite.
        """
        return self._times(like("dy", dy, self.output.shape))

    def jvp(self, dg: ArrayLike) -> Floats:
        """Derivative of the output along a direction; the Jacobian is symmetric.

        Raises
        ------
        ValueError, TypeError
            If `dg` has another shape, or is not finite.
        """
        return self._times(like("dg", dg, self.output.shape))

    def _times(self, d: Floats) -> Floats:
        along = float(np.sum(self._unit * d))
        found: Floats = self.factor * self._free * (d - along * self._unit)
        return found


def clip_gradient(
    g: ArrayLike, *, norm: float | None = None, value: float | None = None
) -> Clipped:
    """Shorten a gradient whose norm, or whose entries, are too large.

    Parameters
    ----------
    g : array_like
        Of any shape: the norm is of all entries together.
    norm : float, optional
        c: g min(1, c/‖g‖₂) keeps the direction.
    value : float, optional
        Or so: each entry is brought into −value … value, which changes the direction.

    Returns
    -------
    Clipped
        With `backward` and `jvp`.

    Raises
    ------
    ValueError, TypeError
        If not one of `norm` and `value` is given, it is not positive, or g is not finite.

    References
    ----------
    R. Pascanu, T. Mikolov and Y. Bengio, On the difficulty of training recurrent neural networks,
    ICML 2013, arXiv:1211.5063, Algorithm 1.

    Examples
    --------
    >>> from saddlelab import blocks
    >>> found = blocks.clip_gradient([3.0, 4.0], norm=1.0)
    >>> found.norm, found.output.round(12).tolist()
    (5.0, [0.6, 0.8])
    """
    found = _numbers("g", g)
    if (norm is None) == (value is None):
        raise ValueError(f"`norm` or `value` must be given, and not both, got {norm} and {value}")
    top = float(np.max(np.abs(found), initial=0.0)) or 1.0
    short = found / top  # squares of the entries themselves could overflow
    length = float(np.sqrt(np.sum(short * short)))
    size, zeros, ones = top * length, np.zeros(found.shape), np.ones(found.shape)
    if value is not None:
        bound = positive_number("value", value, at_most=1e308)
        free = (np.abs(found) <= bound).astype(np.float64)
        changed = float(1.0 - free.mean()) if found.size else 0.0
        return Clipped(np.clip(found, -bound, bound), size, 1.0, changed, zeros, free)
    bound = positive_number("norm", norm, at_most=1e308)
    if size <= bound:
        return Clipped(found, size, 1.0, 0.0, zeros, ones)
    unit, factor = short / length, bound / top / length
    return Clipped(bound * unit, size, factor, 1.0, unit, ones)
