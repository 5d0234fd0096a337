"""Two spirals, one within the other."""

from __future__ import annotations

import numpy as np

from saddlelab.arguments import finite_float, positive_integer, positive_number
from saddlelab.datasets._dataset import Dataset, fraction_aside, split
from saddlelab.draws import Draws
from saddlelab.studies.seeds import RNG, resolve_seed

__all__ = ["two_spirals"]

#: Lang and Witbrock's: the outer radius, and what is left of it at the inner end.
_RADIUS, _INNER = 6.5, 8.0 / 104.0
_MOST = 2**31


def two_spirals(
    samples: int = 194,
    *,
    turns: float = 3.0,
    noise: float = 0.0,
    test: float = 0.0,
    rng: RNG = 0,
) -> Dataset:
    """Return the points of two spirals that turn around each other.

    Point u of [0, 1] of the first has the radius 6.5 (1 − u 96/104) and the angle 2π · turns · u,
    measured from the second axis; the second is −1 times the first.  By default the points are
    those of Lang and Witbrock, i π/16 and 6.5 (104 − i)/104 for i = 0 … 96.

    Parameters
    ----------
    samples : int, optional
        Of both together, to learn from and to test with; an even number.
    turns : float, optional
        How often each goes around.
    noise : float, optional
        Standard deviation of what is added to both coordinates.
    test : float, optional
        Fraction of each spiral that is set aside.
    rng : int, SeedSequence, Generator or None, optional
        Other seeds, other noise and other points set aside.

    Returns
    -------
    Dataset
        Points of the two spirals alternate.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of its range.

    References
    ----------
    K. J. Lang and M. J. Witbrock, Learning to tell two spirals apart, Proceedings of the 1988
    Connectionist Models Summer School, 52–59.

    Examples
    --------
    >>> from saddlelab import datasets
    >>> X, y = datasets.two_spirals()
    >>> X[:2].tolist(), y[:2].tolist()
    ([[0.0, 6.5], [-0.0, -6.5]], [0, 1])
    """
    samples = positive_integer("samples", samples, at_most=_MOST)
    if samples % 2 or samples < 4:
        raise ValueError(f"`samples` must be even and at least 4, got {samples}")
    turns = positive_number("turns", turns, at_most=1e6)
    size = finite_float("`noise` must be finite and not negative", noise)
    if size < 0.0:
        raise ValueError(f"`noise` must be finite and not negative, got {noise!r}")
    fraction, seed = fraction_aside(test), resolve_seed(rng)
    u = np.linspace(0.0, 1.0, samples // 2)
    radius, angle = _RADIUS * (1.0 - (1.0 - _INNER) * u), 2.0 * np.pi * turns * u
    one = radius[:, None] * np.stack([np.sin(angle), np.cos(angle)], axis=1)
    X = np.stack([one, -one], axis=1).reshape(samples, 2)
    if size > 0.0:
        X = X + size * Draws(seed, "two_spirals").normals(samples, 2)
    labels = np.arange(samples, dtype=np.int64) % 2
    learn, aside = split(labels, fraction, seed, "two_spirals")
    text = f"{turns:g} turns" + (f", noise {size:g}" if size else "")
    return Dataset(X[learn], labels[learn], X[aside], labels[aside], "two_spirals", text, 2, seed,
                   (learn, aside))  # fmt: skip
