"""Classes that are clouds of points."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saddlelab.arguments import positive_integer, positive_number
from saddlelab.datasets._dataset import Dataset, fraction_aside, split
from saddlelab.draws import Draws
from saddlelab.studies.seeds import RNG, resolve_seed

__all__ = ["gaussian_blobs"]

Floats: TypeAlias = NDArray[np.float64]

_POINTS, _CENTERS = 0, 1
_MOST = 2**31


def gaussian_blobs(
    samples: int = 300,
    *,
    classes: int = 3,
    features: int = 2,
    centers: ArrayLike | None = None,
    spread: float = 1.0,
    separation: float = 4.0,
    test: float = 0.2,
    rng: RNG = 0,
) -> Dataset:
    """Draw points around the centers of some classes, ``center + spread · N(0, 1)``.

    Sample i belongs to class i mod classes.  The seed fixes the bits of the data, on any machine.

    Parameters
    ----------
    samples : int, optional
        To learn from and to test with, together.
    classes, features : int, optional
        How many; `centers` says it if they are given.
    centers : (classes, features) array_like, optional
        By default ``separation · N(0, 1)``.
    spread, separation : float, optional
        Standard deviations of the points around their center, and of the centers.
    test : float, optional
        Fraction of each class that is set aside.
    rng : int, SeedSequence, Generator or None, optional
        Other seeds, other data.

    Returns
    -------
    Dataset

    Raises
    ------
    ValueError, TypeError
        If an argument is out of its range; if there are fewer samples than classes.

    Examples
    --------
    >>> from saddlelab import datasets
    >>> X, y = datasets.gaussian_blobs(10, centers=[[-9.0], [9.0]], test=0.0)
    >>> bool((X[y == 0] < 0).all()), bool((X[y == 1] > 0).all())
    (True, True)
    """
    samples = positive_integer("samples", samples, at_most=_MOST)
    spread = positive_number("spread", spread, at_most=1e150)
    separation = positive_number("separation", separation, at_most=1e150)
    fraction, seed = fraction_aside(test), resolve_seed(rng)
    draws = Draws(seed, "gaussian_blobs")
    if centers is None:
        shape = (positive_integer("classes", classes, at_most=_MOST),
                 positive_integer("features", features, at_most=_MOST))  # fmt: skip
        middle = separation * draws.normals(*shape, _CENTERS)
    else:
        middle = _given(centers)
    if samples < len(middle):
        raise ValueError(f"`samples` must be at least {len(middle)}, one of a class, got {samples}")
    labels = np.arange(samples, dtype=np.int64) % len(middle)
    X = middle[labels] + spread * draws.normals(samples, middle.shape[1], _POINTS)
    learn, aside = split(labels, fraction, seed, "gaussian_blobs")
    text = f"standard deviation {spread:g} around the centers"
    return Dataset(X[learn], labels[learn], X[aside], labels[aside], "gaussian_blobs", text,
                   len(middle), seed, (learn, aside))  # fmt: skip


def _given(centers: Any) -> Floats:
    found = np.asarray(centers, dtype=np.float64)
    if found.ndim != 2 or not found.size:
        raise ValueError(f"`centers` must have shape (classes, features), got {found.shape}")
    if not np.isfinite(found).all():
        raise ValueError(f"`centers` must be finite, got {found.tolist()}")
    return found
