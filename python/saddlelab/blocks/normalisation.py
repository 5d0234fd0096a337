"""Batch norm and layer norm with their derivatives."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

import saddlecore
from saddlelab.arguments import positive_number
from saddlelab.blocks._arrays import like, numbers, or_zeros, padded, turned

__all__ = ["Normalised", "NormalisedGradients", "batch_norm", "layer_norm"]

Floats: TypeAlias = NDArray[np.float64]


class NormalisedGradients(NamedTuple):
    """Derivatives of a loss by what was normalised, each of the shape of that."""

    x: Floats
    gamma: Floats
    beta: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Normalised:
    """What `batch_norm` and `layer_norm` return.

    Attributes
    ----------
    output : (N, n) float
        γ û + β.
    normalised : (N, n) float
        û.
    mean, variance : (n,) or (N,) float
        Of each feature over the batch, or of each sample over its features; the variance is
        divided by the number of terms, not by one less.
    """

    output: Floats
    normalised: Floats = field(repr=False)
    mean: Floats = field(repr=False)
    variance: Floats = field(repr=False)
    _gamma: Floats = field(repr=False)
    _hat: Floats = field(repr=False)
    _scale: Floats = field(repr=False)
    _turn: bool = field(repr=False)

    def backward(self, dy: ArrayLike) -> NormalisedGradients:
        """Derivatives of a loss by x, γ and β, from those by the output.

        Parameters
        ----------
        dy : (N, n) array_like

        Raises
        ------
        ValueError, TypeError
            If `dy` has another shape, or is not finite.
        """
        d = padded(self._way(like("dy", dy, self.output.shape)))
        dx, gamma, beta = np.empty(d.shape), np.zeros(len(self._gamma)), np.zeros(len(self._gamma))
        saddlecore.blocks_norm.normalise_backward(
            d.ravel(), d.shape[1], self._gamma, not self._turn, self._scale, self._hat.ravel(),
            np.zeros((2, d.shape[1])), dx.ravel(), gamma, beta,
        )  # fmt: skip
        n = self.output.shape[1]
        return NormalisedGradients(_back(dx, self.output.shape, self._turn), gamma[:n], beta[:n])

    def jvp(
        self,
        dx: ArrayLike | None = None,
        dgamma: ArrayLike | None = None,
        dbeta: ArrayLike | None = None,
    ) -> Floats:
        """(N, n) derivative of the output along a direction of x, γ and β; None is 0.

        Raises
        ------
        ValueError, TypeError
            If one has another shape, or is not finite.
        """
        shape = self.output.shape
        r = padded(self._way(or_zeros("dx", dx, shape)))
        across = not self._turn
        gamma, beta = (_affine(or_zeros(name, given, shape[1:]), across)
                       for name, given in (("dgamma", dgamma), ("dbeta", dbeta)))  # fmt: skip
        out = np.empty(r.shape)
        saddlecore.blocks_norm.normalise_along(
            r.ravel(), r.shape[1], self._gamma, across, self._scale, self._hat.ravel(), gamma, beta,
            np.zeros((2, r.shape[1])), out.ravel(),
        )  # fmt: skip
        return _back(out, shape, self._turn)

    def _way(self, x: Floats) -> Floats:
        return turned(x) if self._turn else x


def batch_norm(
    x: ArrayLike,
    gamma: ArrayLike | None = None,
    beta: ArrayLike | None = None,
    *,
    epsilon: float = 1e-5,
) -> Normalised:
    """Normalise each feature over the batch: y = γ (x − μ)/√(var + ε) + β.

    Parameters
    ----------
    x : (N, n) array_like
        N samples, two at least.
    gamma, beta : (n,) array_like, optional
        1 and 0 by default.
    epsilon : float, optional

    Returns
    -------
    Normalised
        With `backward` and `jvp`.

    Raises
    ------
    ValueError, TypeError
        If a shape does not fit, or something is not finite.

    References
    ----------
    S. Ioffe and C. Szegedy, Batch normalization, ICML 2015, arXiv:1502.03167, Algorithm 1.

    Examples
    --------
    >>> from saddlelab import blocks
    >>> found = blocks.batch_norm([[1.0], [3.0]], epsilon=1e-15)
    >>> found.output.round(12).tolist()
    [[-1.0], [1.0]]
    >>> bool(abs(found.backward([[1.0], [0.0]]).x).max() < 1e-12)   # two samples are always ±1
    True
    """
    found = numbers("x", x, "(N, n)")
    if len(found) < 2:
        raise ValueError(
            "`x` must have at least 2 samples, for batch norm takes their mean and variance, got 1"
        )
    return _normalised(found, gamma, beta, epsilon, turn=False)


def layer_norm(
    x: ArrayLike,
    gamma: ArrayLike | None = None,
    beta: ArrayLike | None = None,
    *,
    epsilon: float = 1e-5,
) -> Normalised:
    """Normalise each sample over its features: y = γ (x − μ)/√(var + ε) + β.

    Parameters
    ----------
    x : (N, n) array_like
        N samples.
    gamma, beta : (n,) array_like, optional
        1 and 0 by default.
    epsilon : float, optional

    Returns
    -------
    Normalised
        With `backward` and `jvp`.

    Raises
    ------
    ValueError, TypeError
        If a shape does not fit, or something is not finite.

    References
    ----------
    J. L. Ba, J. R. Kiros and G. E. Hinton, Layer normalization (2016), arXiv:1607.06450, eq. 3-4.

    Examples
    --------
    >>> from saddlelab import blocks
    >>> blocks.layer_norm([[1.0, 3.0]], beta=[5.0, 5.0], epsilon=1e-15).output.round(12).tolist()
    [[4.0, 6.0]]
    """
    return _normalised(numbers("x", x, "(N, n)"), gamma, beta, epsilon, turn=True)


def _normalised(x: Floats, gamma: Any, beta: Any, epsilon: Any, *, turn: bool) -> Normalised:
    """The engine goes down columns: for layer norm they are the samples."""
    n = x.shape[1]
    factor = np.ones(n) if gamma is None else like("gamma", gamma, (n,))
    own = _affine(factor, not turn), _affine(or_zeros("beta", beta, (n,)), not turn)
    columns = padded(turned(x) if turn else x)
    wide, few = columns.shape[1], x.shape[0] if turn else n
    mean, variance, scale = np.zeros(wide), np.zeros(wide), np.zeros(wide)
    hat, y = np.empty(columns.shape), np.empty(columns.shape)
    saddlecore.blocks_norm.normalise(
        columns.ravel(), wide, positive_number("epsilon", epsilon, at_most=1.0), *own, not turn,
        mean, variance, scale, hat.ravel(), y.ravel(),
    )  # fmt: skip
    return Normalised(
        _back(y, x.shape, turn), _back(hat, x.shape, turn), mean[:few], variance[:few],
        own[0], hat, scale, turn,
    )  # fmt: skip


def _affine(factor: Floats, across: bool) -> Floats:
    """Of columns it goes on to a multiple of eight."""
    return padded(factor) if across else np.ascontiguousarray(factor)


def _back(y: Floats, shape: tuple[int, ...], turn: bool) -> Floats:
    """What belongs to samples and features, in rows of samples."""
    return turned(y)[: shape[0]] if turn else y[:, : shape[1]]
