"""Handwritten digits, pooled to fewer pixels and projected on principal components."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from saddlelab.arguments import positive_integer
from saddlelab.datasets._dataset import Dataset, fraction_aside, split
from saddlelab.studies.seeds import RNG, resolve_seed

__all__ = ["digits"]

Floats: TypeAlias = NDArray[np.float64]

_SIDE, _DARKEST, _CLASSES = 8, 16.0, 10
_SIDES = (8, 4, 2, 1)


def digits(
    *,
    pixels: int = 8,
    components: int | None = None,
    standardize: bool = False,
    test: float = 0.2,
    rng: RNG = 0,
) -> Dataset:
    """Return scikit-learn's 1797 handwritten digits, of 8 × 8 pixels between 0 and 1.

    Small networks on small pictures are what exact Hessians can be had of: Dauphin et al. (2014)
    trained theirs on pictures of 10 × 10 pixels that had been made smaller.

    Parameters
    ----------
    pixels : {8, 4, 2, 1}, optional
        Side of the pictures: blocks of pixels are averaged.
    components : int, optional
        Keep so many principal components, the largest first, each with its largest loading
        positive; at most pixels².
    standardize : bool, optional
        Bring every feature (pixel or component) to mean 0 and variance 1; one that is constant
        becomes 0.
    test : float, optional
        Fraction of each digit that is set aside.
    rng : int, SeedSequence, Generator or None, optional
        Which.

    Returns
    -------
    Dataset
        Means, components and variances are those of the samples to learn from.

    Raises
    ------
    ImportError
        If scikit-learn, which has the data, is not there.
    ValueError, TypeError
        If an argument is out of its range.

    References
    ----------
    E. Alpaydin and C. Kaynak, Optical recognition of handwritten digits, UCI machine learning
    repository (1998).  Y. N. Dauphin et al., Identifying and attacking the saddle point problem
    in high-dimensional non-convex optimization, NeurIPS 2014, arXiv:1406.2572.

    Examples
    --------
    >>> from saddlelab import datasets
    >>> small = datasets.digits(pixels=4, components=10)
    >>> small.X.shape, small.X_test.shape
    ((1438, 10), (359, 10))
    """
    if positive_integer("pixels", pixels, at_most=_SIDE) not in _SIDES:
        raise ValueError(f"`pixels` must be one of 8, 4, 2, 1, got {pixels}")
    if components is not None:
        components = positive_integer("components", components, at_most=pixels**2,
                                      or_none=" or None (pixels)")  # fmt: skip
    fraction, seed = fraction_aside(test), resolve_seed(rng)
    pictures, labels = _pictures()
    features = _pooled(pictures, pixels)
    learn, aside = split(labels, fraction, seed, "digits")
    if components is not None:
        features = _projected(features, features[learn], components)
    if standardize:
        features = _standardized(features, features[learn])
    return Dataset(
        features[learn], labels[learn], features[aside], labels[aside], "digits",
        _description(pixels, components, standardize), _CLASSES, seed, (learn, aside),
    )  # fmt: skip


def _pictures() -> tuple[Floats, NDArray[np.int64]]:
    """(1797, 8, 8) pixels between 0 and 1, and what they show."""
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise ImportError(
            "`digits` needs scikit-learn, which has the data: pip install 'saddlecore[data]'"
        ) from error
    found: Any = load_digits()
    return np.asarray(found.images) / _DARKEST, np.asarray(found.target, np.int64)


def _pooled(pictures: Floats, pixels: int) -> Floats:
    size = _SIDE // pixels
    blocks = pictures.reshape(-1, pixels, size, pixels, size)
    means: Floats = blocks.mean(axis=(2, 4)).reshape(len(pictures), pixels**2)
    return means


def _projected(features: Floats, learn: Floats, components: int) -> Floats:
    mean = learn.mean(axis=0)
    axes = np.linalg.svd(learn - mean, full_matrices=False)[2][:components]
    largest = np.argmax(np.abs(axes), axis=1)
    axes *= np.sign(axes[np.arange(components), largest])[:, None]
    scores: Floats = (features - mean) @ axes.T
    return scores


def _standardized(features: Floats, learn: Floats) -> Floats:
    centred = features - learn.mean(axis=0)
    # Not the variance: that of a constant need not come out as 0.
    constant = np.ptp(learn, axis=0) == 0.0
    scale = np.where(constant, 1.0, learn.std(axis=0))
    return np.where(constant, 0.0, centred / scale)


def _description(pixels: int, components: int | None, standardize: bool) -> str:
    parts = [f"{pixels} × {pixels} pixels"]
    parts += [] if components is None else [f"{components} principal components"]
    parts += ["standardized"] if standardize else []
    return ", ".join(parts)
