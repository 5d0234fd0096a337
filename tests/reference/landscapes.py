"""Slices, normalised directions and metrics of landscapes, straight from their definitions."""

import itertools

import numpy as np


def values(f, x, directions, axes):
    """f at every point of the grid, one at a time."""
    found = []
    for t in itertools.product(*axes):
        point = np.array(x, dtype=float)
        for tk, u in zip(t, directions, strict=True):
            point = point + tk * np.asarray(u, dtype=float)
        found.append(f(point))
    return np.reshape(found, [len(axis) for axis in axes])


def network_loss(layers, X, y):
    """Mean cross-entropy of a tanh network."""
    total = 0.0
    for row, label in zip(X, y, strict=True):
        a = row
        for k, (W, b) in enumerate(layers):
            a = W @ a + b
            a = np.tanh(a) if k < len(layers) - 1 else a
        total += np.log(np.sum(np.exp(a - a.max()))) + a.max() - a[label]
    return total / len(X)


def normalised(d, w, shape, kind):
    """Li et al. 2018, §4: d_ij ‖θ_ij‖ / ‖d_ij‖ for filter j of layer i; biases are left out."""
    if len(shape) < 2:
        return np.zeros_like(d)
    if kind == "layer":
        return d * (np.linalg.norm(w) / np.linalg.norm(d))
    d, w = d.reshape(shape), w.reshape(shape)
    out = np.empty_like(d)
    for j in range(shape[0]):
        out[j] = d[j] / np.sqrt(np.sum(d[j] ** 2)) * np.sqrt(np.sum(w[j] ** 2))
    return out.ravel()


def total_variation(line):
    """Σ |difference of neighbours|."""
    return sum(abs(b - a) for a, b in itertools.pairwise(line))


def convex(line):
    """Of each inner point of a line, whether f bends upwards there."""
    return [line[k - 1] - 2 * line[k] + line[k + 1] >= 0 for k in range(1, len(line) - 1)]


def gaussian_filtered(line, sigma):
    """Convolution with a normalised Gaussian cut at 4σ, the ends going on for ever."""
    reach = int(4.0 * sigma + 0.5)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    weights /= weights.sum()
    at = np.arange(len(line))[:, None] + np.arange(-reach, reach + 1)
    return np.asarray(line)[np.clip(at, 0, len(line) - 1)] @ weights
