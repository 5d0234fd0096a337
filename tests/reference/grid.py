"""Grid search by looking at every point of the grid, in order."""

import itertools

import numpy as np


def axes(bounds, counts):
    """Coordinates of each variable; a single one stands in the middle."""
    return [
        np.linspace(low, high, count) if count > 1 else np.array([low + (high - low) / 2])
        for (low, high), count in zip(bounds, counts, strict=True)
    ]


def points(bounds, counts):
    """All points of the grid, the last variable running fastest."""
    return np.array(list(itertools.product(*axes(bounds, counts))))


def least(values, top):
    """Numbers of the least values, equal ones in order; NaN is none of them."""
    return sorted(np.flatnonzero(~np.isnan(values)), key=lambda k: (values[k], k))[:top]
