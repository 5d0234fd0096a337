"""Scaled dot-product attention with its derivatives, and how saturated its softmax is."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

import saddlecore
from saddlelab.arguments import positive_number
from saddlelab.blocks._arrays import like, numbers, or_zeros, padded, times, turned

__all__ = ["Attention", "AttentionGradients", "SoftmaxSaturation", "attention"]

Floats: TypeAlias = NDArray[np.float64]


class AttentionGradients(NamedTuple):
    """Derivatives of a loss by queries, keys and values, each of the shape of that."""

    Q: Floats
    K: Floats
    V: Floats


class SoftmaxSaturation(NamedTuple):
    """How far each row of attention is from choosing one key, (..., queries) each.

    Attributes
    ----------
    entropy : float array
        −Σ p ln p in nats: ln(keys) where all weigh the same, 0 where one is chosen.
    largest : float array
        The largest weight.
    jacobian : float array
        ‖J‖_F of J = diag(p) − p pᵀ, the root of the mean of ‖J g‖² over normal g: it is
        √(keys − 1)/keys where all weigh the same, and 0 where nothing passes backwards.
    """

    entropy: Floats
    largest: Floats
    jacobian: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Attention:
    """What `attention` returns.

    Attributes
    ----------
    output : (..., queries, m) float
        P V.
    weights : (..., queries, keys) float
        P, rows that sum to 1.
    logits : (..., queries, keys) float
        What the softmax was taken of, −∞ where it is masked.
    scale : float
        What Q Kᵀ was multiplied with.
    """

    output: Floats
    weights: Floats = field(repr=False)
    logits: Floats = field(repr=False)
    scale: float
    _Q: Floats = field(repr=False)
    _K: Floats = field(repr=False)
    _V: Floats = field(repr=False)

    def backward(self, dy: ArrayLike) -> AttentionGradients:
        """Derivatives of a loss by Q, K and V, from those by the output.

        Parameters
        ----------
        dy : (..., queries, m) array_like

        Raises
        ------
        ValueError, TypeError
            If `dy` has another shape, or is not finite.
        """
        d = like("dy", dy, self.output.shape)
        dz = self.scale * self._through(times(d, turned(self._V)))
        return AttentionGradients(
            times(dz, self._K), times(turned(dz), self._Q), times(turned(self.weights), d)
        )

    def jvp(
        self, dQ: ArrayLike | None = None, dK: ArrayLike | None = None, dV: ArrayLike | None = None
    ) -> Floats:
        """(..., queries, m) derivative of the output along a direction of Q, K and V; None is 0.

        Raises
        ------
        ValueError, TypeError
            If one has another shape, or is not finite.
        """
        rQ, rK, rV = (or_zeros(name, given, own.shape)
                      for name, given, own in (("dQ", dQ, self._Q), ("dK", dK, self._K),
                                               ("dV", dV, self._V)))  # fmt: skip
        rz = self.scale * (times(rQ, turned(self._K)) + times(self._Q, turned(rK)))
        return times(self._through(rz), self._V) + times(self.weights, rV)

    def saturation(self) -> SoftmaxSaturation:
        """Entropy, largest weight and norm of the Jacobian of each row."""
        z = padded(turned(self.logits))
        rows, wide, queries = *z.shape[-2:], self.logits.shape[-2]
        found = [np.zeros((*z.shape[:-2], wide)) for _ in range(3)]
        saddlecore.blocks_softmax.saturation(
            z.ravel(), rows, wide, *(each.ravel() for each in found)
        )
        return SoftmaxSaturation(*(each[..., :queries] for each in found))

    def _through(self, r: Floats) -> Floats:
        """The softmax's Jacobian times r, backwards or forwards."""
        p, s = padded(turned(self.weights)), padded(turned(r))
        out = np.zeros(p.shape)
        saddlecore.blocks_softmax.softmax_times(
            p.ravel(), p.shape[-2], p.shape[-1], s.ravel(), out.ravel()
        )
        return turned(out[..., : r.shape[-2]])


def attention(
    Q: ArrayLike,
    K: ArrayLike,
    V: ArrayLike,
    *,
    mask: ArrayLike | None = None,
    scale: float | None = None,
) -> Attention:
    """Scaled dot-product attention, softmax(scale · Q Kᵀ) V.

    Parameters
    ----------
    Q : (..., queries, d) array_like
    K : (..., keys, d) array_like
    V : (..., keys, m) array_like
        Any number of leading axes, of batches and heads, the same in all three.
    mask : (queries, keys) or (..., queries, keys) bool, optional
        Where a query may look, as in PyTorch; everywhere by default.
    scale : float, optional
        1/√d by default; 1 is attention that is not scaled.

    Returns
    -------
    Attention
        With `backward`, `jvp` and `saturation`.

    Raises
    ------
    ValueError, TypeError
        If shapes do not fit, something is not finite, or a query may look nowhere.

    References
    ----------
    A. Vaswani et al., Attention is all you need, NeurIPS 2017, arXiv:1706.03762, eq. 1.

    Examples
    --------
    >>> from saddlelab import blocks
    >>> found = blocks.attention([[1.0]], [[0.0], [0.0]], [[2.0], [4.0]])
    >>> found.output.tolist(), found.saturation().largest.tolist()
    ([[3.0]], [0.5])
    """
    q, k = numbers("Q", Q, "(..., queries, d)"), numbers("K", K, "(..., keys, d)")
    v = numbers("V", V, "(..., keys, m)")
    wanted = (*q.shape[:-2], k.shape[-2], q.shape[-1])
    if k.shape != wanted:
        raise ValueError(f"`K` must have the leading axes and the d of `Q`, {_told(wanted)}, got "
                         f"{k.shape}")  # fmt: skip
    if v.shape[:-1] != k.shape[:-1]:
        raise ValueError(f"`V` must have shape {_told((*k.shape[:-1], 'm'))}, got {v.shape}")
    factor = 1.0 / math.sqrt(q.shape[-1])
    if scale is not None:
        factor = positive_number("scale", scale, at_most=1e308)
    logits = factor * times(q, turned(k))
    if not np.isfinite(logits).all():
        raise ValueError("`Q` and `K` must have products that are finite, they overflow")
    if mask is not None:
        logits = np.where(_mask(mask, logits.shape), logits, -np.inf)
    weights = _softmax(logits)
    return Attention(times(weights, v), weights, logits, factor, q, k, v)


def _softmax(logits: Floats) -> Floats:
    """Of each row; the engine goes down columns."""
    z = padded(turned(logits))
    p = np.zeros(z.shape)
    saddlecore.blocks_softmax.softmax(z.ravel(), z.shape[-2], z.shape[-1], p.ravel())
    return turned(p[..., : logits.shape[-2]])


def _mask(mask: Any, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    found = np.asarray(mask)
    if found.dtype != np.bool_:
        raise TypeError(f"`mask` must be true where a query may look, got dtype {found.dtype}")
    if found.shape not in (shape, shape[-2:]):
        raise ValueError(f"`mask` must have shape {shape[-2:]} or {shape}, got {found.shape}")
    blind = np.argwhere(~found.any(axis=-1))
    if len(blind):
        where = ", ".join(map(str, blind[0].tolist()))
        raise ValueError(f"`mask` must leave each query a key, but mask[{where}] is all false")
    return np.broadcast_to(found, shape)


def _told(shape: tuple[Any, ...]) -> str:
    return "(" + ", ".join(map(str, shape)) + ")"
