"""Averages of an activation over Gaussian signals, z ~ N(0, q)."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

import saddlecore
from saddlelab.networks.mlp import ACTIVATIONS

__all__ = ["Averages", "averages", "growth", "hermite_coefficients"]

Floats: TypeAlias = NDArray[np.float64]

#: Half of the nodes, and where the Gaussian ends: exp(−12²/2) is below 1e-31.
_NODES, _END = 256, 12.0


@dataclass(frozen=True, slots=True, eq=False)
class Averages:
    """Averages over z ~ N(0, q), one of each q.

    Attributes
    ----------
    first, second : (m,) float
        E f and E f².
    slope : (m,) float
        E f'².
    """

    first: Floats
    second: Floats
    slope: Floats


@functools.cache
def _quadrature() -> tuple[Floats, Floats]:
    """Nodes and weights of the standard Gaussian, by Gauss and Legendre on either side of 0.

    Gauss–Hermite quadrature would need a smooth f: here kinks are at 0.  Nodes crowd there, t = 12
    s³, so that a tanh of a wide Gaussian, all but a step, is seen.
    """
    s, w = np.polynomial.legendre.leggauss(_NODES)
    s, w = 0.5 * (s + 1.0), 0.5 * w
    t = _END * s**3
    half = w * 3.0 * _END * s**2 * np.exp(-0.5 * t * t) / math.sqrt(2.0 * math.pi)
    return np.concatenate([-t[::-1], t]), np.concatenate([half[::-1], half])


def _activated(activation: str, z: Floats) -> tuple[Floats, Floats]:
    """f and f', by the engine."""
    flat = np.ascontiguousarray(z.ravel())
    values, slopes = np.empty_like(flat), np.empty_like(flat)
    which = ACTIVATIONS.index(activation)
    saddlecore.network_signals.activated(which, flat, values, slopes)
    return values.reshape(z.shape), slopes.reshape(z.shape)


def averages(activation: str, q: ArrayLike) -> Averages:
    """Return the averages at variances q (m,).

    Below 1e-24 they are those there: at z = 0 itself a kink has but one of its slopes.
    """
    variances = np.maximum(np.atleast_1d(np.asarray(q, dtype=np.float64)), 1e-24)
    t, w = _quadrature()
    f, slope = _activated(activation, np.sqrt(variances)[:, None] * t)
    return Averages(f @ w, f**2 @ w, slope**2 @ w)


def growth(activation: str, q: float) -> float:
    """Return d E f²/dq = E f f' z / q; below q = 1e-12, where digits go, that there."""
    t, w = _quadrature()
    root = math.sqrt(max(q, 1e-12))
    f, slope = _activated(activation, root * t)
    return float((f * slope * t) @ w) / root


def hermite_coefficients(activation: str, q: float, count: int) -> Floats:
    """Return a_k of f(√q z) = Σ a_k h_k(z), h_k orthonormal; at correlation c E f f is Σ a_k² c^k.

    See Daniely, Frostig and Singer, NeurIPS 2016, arXiv:1602.05897, section 4.
    """
    t, w = _quadrature()
    f, _ = _activated(activation, math.sqrt(q) * t)
    before, here, found = np.zeros_like(t), np.ones_like(t), np.empty(count)
    for k in range(count):
        found[k] = (f * here) @ w
        before, here = here, (t * here - math.sqrt(k) * before) / math.sqrt(k + 1)
    return found
