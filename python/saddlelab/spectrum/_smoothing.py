"""From nodes and weights to a density: widths, a grid, Gaussians and means over probes."""

from __future__ import annotations

import math

import numpy as np

from saddlelab.spectrum._operator import Floats

#: Points of the default grid, and the least width of a node in steps of it.
_POINTS = 1024
LEAST_STEPS = 2.0
#: Spectra no wider than this, relative to their largest value, are points.
_POINT = 1e-9
#: Numbers in one block of a sum over nodes and points.
_BLOCK = 2**22


def over_probes(each: Floats, *, exact: bool) -> tuple[Floats, Floats]:
    """Mean over the first axis and its standard error."""
    mean = np.asarray(each.mean(axis=0))
    if exact:
        return mean, np.zeros_like(mean)
    if len(each) == 1:
        return mean, np.full_like(mean, np.nan)
    scale = float(np.abs(each).max()) or 1.0  # whose square may overflow
    deviation = scale * (each / scale).std(axis=0, ddof=1)
    return mean, np.asarray(deviation / math.sqrt(len(each)))


def half_gaps(nodes: Floats) -> tuple[Floats, Floats]:
    """Half the distances to the left and right neighbours; at the ends, to the only one."""
    if nodes.shape[1] == 1:
        return np.full_like(nodes, np.inf), np.full_like(nodes, np.inf)
    halves = np.diff(nodes, axis=1) / 2
    left = np.concatenate([halves[:, :1], halves], axis=1)
    return left, np.concatenate([halves, halves[:, -1:]], axis=1)


def spacing(values: Floats) -> float:
    """A quarter of what about √n neighbours span, at the median of all eigenvalues."""
    reach = math.ceil(math.sqrt(len(values)) / 2)
    spans = values[2 * reach :] - values[: -2 * reach]
    return float(np.median(spans)) / 4 if len(spans) else 0.0


def default_grid(nodes: Floats, widths: Floats) -> Floats:
    """Evenly spaced points across the spectrum, with room for the nodes' widths."""
    low, high = float((nodes - 4 * widths).min()), float((nodes + 4 * widths).max())
    largest = float(np.abs(nodes).max())
    # Room for the least width at both ends; a spectrum of one point has only that.
    margin = 0.02 * (high - low) if high - low > _POINT * largest else 0.1 * largest or 1.0
    return np.linspace(low - margin, high + margin, _POINTS)


def smoothed(points: Floats, nodes: Floats, weights: Floats, widths: Floats) -> Floats:
    """Return (p, g): a mixture of Gaussians for each probe."""
    heights = weights / (math.sqrt(2.0 * math.pi) * widths)
    each = np.empty((len(nodes), len(points)))
    size = max(1, _BLOCK // nodes.size)
    for first in range(0, len(points), size):
        part = slice(first, first + size)
        scores = (points[part, None, None] - nodes) / widths
        each[:, part] = np.einsum("gij,ij->ig", np.exp(-0.5 * scores**2), heights)
    return each
