"""Where the densities of Sturm's chain are kept, and how to integrate over them.

With α the shape of the gamma variate of the next step and r = d/√α, the transition density is as a
function of the pivot d a spike of width about r √(1 + r²) standard deviations of the diagonal, and
of its own target 1 or more.  Each half line is cut into

    the head   [0, δ], where a density is smooth but the transition is not: 32 Gauss nodes, and the
               32 polynomials through them integrated against the transition on geometric panels;
    the middle [δ, D], panels of 16 Gauss nodes, each a few widths long;
    the tail   [D, ∞), where densities fall like 1/d² at most: panels of equal length in 1/d.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]

#: Of the engine: nodes of a panel, and of a head.
BLOCK, HEAD = 16, 32

# Lengths of panels in widths: by quadrature beside certified tables, the errors end at 4.
_LENGTH = 3.0
#: Over the head a density changes by no more than a factor of about e^8.
_STEEP = 8.0
#: Minus the logarithm of what the last panel of a head may hold: d^α is not smooth at 0.
_SMALLEST = 36.0


@dataclass(frozen=True, slots=True)
class HalfLine:
    """Nodes on d > 0 (or mirrored), and rules for one transition."""

    #: Nodes, a multiple of BLOCK, increasing.
    nodes: Floats
    #: Weights of ∫ f(d) dd, by node.
    weights: Floats
    #: What the engine's `propagate` wants.
    rule: tuple[Floats, Floats, Floats, Floats, Floats]


@functools.cache
def gauss(count: int) -> tuple[Floats, Floats]:
    """Gauss–Legendre nodes and weights on [0, 1]."""
    x, w = np.polynomial.legendre.leggauss(count)
    return (x + 1.0) / 2.0, w / 2.0


def half_line(alpha: float, shift: float) -> HalfLine:
    """Return the grid before a step of shape α."""
    root = math.sqrt(alpha)
    # A density that has its mass a distance x away from 0 has there the slope e^x.
    head_end = min(2.0, _STEEP / (root + abs(shift)))
    farthest = _farthest(root, shift)
    end = max(3.0 * root, farthest)
    middle, middle_weights = _panels(_middle_edges(root, head_end, end))
    # In u = 1/d: ∫ f dd = ∫ f/u² du.
    u, du = _panels(np.linspace(0.0, 1.0 / end, 2 + math.ceil(root / 3.0 / _LENGTH)))
    u, du = u[::-1], du[::-1]
    head, head_weights = gauss(HEAD)
    nodes = np.concatenate([head_end * head, middle, 1.0 / u])
    weights = np.concatenate([head_end * head_weights, middle_weights, du / u**2])
    edges = _head_edges(alpha, head_end, float(nodes[-1]))
    fine, fine_weights = _panels(np.concatenate([[0.0], edges]))
    basis = _lagrange(fine / head_end) * fine_weights[:, None]
    filled = np.concatenate([edges, np.full(-len(edges) % 8, edges[-1])])
    rule = (filled, fine, basis.ravel(), nodes[HEAD:].copy(), weights[HEAD:].copy())
    return HalfLine(nodes, weights, rule)


def _farthest(root: float, shift: float) -> float:
    """Pivots beyond come from a small one before them; else Gaussian tails are below e^−50."""
    if shift == 0.0:
        return min(root, 10.0) + 10.0
    return abs(shift) + root + 10.0


def _panels(edges: Floats) -> tuple[Floats, Floats]:
    x, w = gauss(BLOCK)
    length = np.diff(edges)[:, None]
    return (edges[:-1, None] + length * x).ravel(), (length * w).ravel()


def _middle_edges(root: float, start: float, end: float) -> Floats:
    edges = [start]
    while edges[-1] < end:
        # From the start of the panel: r √(1 + r²) grows along it.
        d = edges[-1]
        edges.append(d + _LENGTH * min(1.0, d / root * math.hypot(1.0, d / root)))
    return np.array([*edges[:-1], end]) if len(edges) > 1 else np.array(edges)


def _head_edges(alpha: float, end: float, largest: float) -> Floats:
    """Upper edges, from where the transition to the largest node is negligible."""
    ratio = 1.0 + min(1.0, _LENGTH / math.sqrt(alpha))
    # Of Gamma(α) a share below e^−c is under α e^(−1 − c/(1 + α)).
    first = min(end, alpha / largest) * math.exp(-1.0 - _SMALLEST / (1.0 + alpha))
    count = max(1, math.ceil(math.log(end / first) / math.log(ratio)))
    return end * ratio ** -np.arange(count, -1.0, -1.0)


@functools.cache
def _head_values() -> Floats:
    x, w = gauss(HEAD)
    return _legendre(x) * w[:, None] * (2.0 * np.arange(HEAD) + 1.0)


def _legendre(x: Floats) -> Floats:
    return np.asarray(np.polynomial.legendre.legvander(2.0 * x - 1.0, HEAD - 1), np.float64)


def _lagrange(x: Floats) -> Floats:
    """Values (m, HEAD) of the polynomials that are 1 at one node of the head, 0 at the others."""
    values: Floats = _legendre(x) @ _head_values().T
    return values
