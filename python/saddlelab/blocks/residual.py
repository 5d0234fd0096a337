"""A residual block with its derivatives."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

import saddlecore
from saddlelab.arguments import one_of
from saddlelab.blocks._arrays import like, numbers, or_zeros, padded, times, turned
from saddlelab.networks.mlp import ACTIVATIONS

__all__ = ["Residual", "ResidualGradients", "residual"]

Floats: TypeAlias = NDArray[np.float64]


class ResidualGradients(NamedTuple):
    """Derivatives of a loss by the inputs of a residual block, each of the shape of that."""

    x: Floats
    W: Floats
    b: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Residual:
    """What `residual` returns.

    Attributes
    ----------
    output : (N, n) float
        x + f(W x + b).
    slope : (N, n) float
        f' of each unit and sample.
    """

    output: Floats
    slope: Floats = field(repr=False)
    _x: Floats = field(repr=False)
    _W: Floats = field(repr=False)

    def backward(self, dy: ArrayLike) -> ResidualGradients:
        """Derivatives of a loss by x, W and b, from those by the output.

        δ = f' ∂ℓ/∂y, ∂ℓ/∂x = ∂ℓ/∂y + δ W: the first term is what the connection adds.

        Parameters
        ----------
        dy : (N, n) array_like

        Raises
        ------
        ValueError, TypeError
            If `dy` has another shape, or is not finite.
        """
        d = like("dy", dy, self.output.shape)
        delta = self.slope * d
        dx = d + times(delta, self._W)
        return ResidualGradients(dx, times(turned(delta), self._x), delta.sum(axis=0))

    def jvp(
        self, dx: ArrayLike | None = None, dW: ArrayLike | None = None, db: ArrayLike | None = None
    ) -> Floats:
        """(N, n) derivative of the output along a direction of x, W and b; None is 0.

        Raises
        ------
        ValueError, TypeError
            If one has another shape, or is not finite.
        """
        rx, rW = or_zeros("dx", dx, self._x.shape), or_zeros("dW", dW, self._W.shape)
        rb = or_zeros("db", db, self._W.shape[:1])
        rz = times(rx, turned(self._W)) + times(self._x, turned(rW)) + rb
        moved: Floats = rx + self.slope * rz
        return moved


def residual(
    x: ArrayLike, W: ArrayLike, b: ArrayLike | None = None, *, activation: str = "relu"
) -> Residual:
    """Add to x what a layer makes of it: y = x + f(W x + b).

    Parameters
    ----------
    x : (N, n) array_like
        N samples.
    W : (n, n) array_like
    b : (n,) array_like, optional
        0 by default.
    activation : str, optional
        One of `saddlelab.networks.ACTIVATIONS`; at a kink the derivative is that from the left.

    Returns
    -------
    Residual
        With `backward` and `jvp`.

    Raises
    ------
    ValueError, TypeError
        If a shape does not fit, something is not finite, or there is no such activation.

    References
    ----------
    K. He, X. Zhang, S. Ren and J. Sun, Identity mappings in deep residual networks, ECCV 2016,
    arXiv:1603.05027, eq. 1 and 5.

    Examples
    --------
    >>> from saddlelab import blocks
    >>> found = blocks.residual([[1.0, -2.0]], [[2.0, 0.0], [0.0, 3.0]])
    >>> found.output.tolist(), found.backward([[1.0, 1.0]]).x.tolist()
    ([[3.0, -2.0]], [[3.0, 1.0]])
    """
    found = numbers("x", x, "(N, n)")
    n = found.shape[1]
    weights, bias = like("W", W, (n, n)), or_zeros("b", b, (n,))
    kind = one_of("activation", activation, ACTIVATIONS)
    z = padded(times(found, turned(weights)) + bias)
    f, slope = np.zeros(z.shape), np.zeros(z.shape)
    saddlecore.blocks_layers.activate_all(
        ACTIVATIONS.index(kind), z.ravel(), f.ravel(), slope.ravel()
    )
    return Residual(found + f[:, :n], slope[:, :n], found, weights)
