"""Confidence intervals."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["clopper_pearson"]

Floats: TypeAlias = NDArray[np.float64]


def clopper_pearson(hits: ArrayLike, samples: ArrayLike, level: float) -> tuple[Floats, Floats]:
    """Return exact confidence limits of a binomial probability (Clopper & Pearson 1934).

    They are those of ``scipy.stats.binomtest(...).proportion_ci(level, "exact")``.

    Parameters
    ----------
    hits, samples : array_like
        Numbers; effective ones need not be whole.
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    low, high : ndarray of float64

    Raises
    ------
    ValueError
        If `level` is out of range.
    """
    # What scipy.stats calls too; importing that would take ten times as long.
    from scipy.special import betainccinv, betaincinv

    if not 0.0 < level < 1.0:
        raise ValueError(f"`level` must be between 0 and 1, got {level!r}")
    seen = np.asarray(hits, dtype=np.float64)
    missed = np.asarray(samples, dtype=np.float64) - seen
    tail = (1.0 - level) / 2.0
    # Where hits (or misses) are 0 the limit is 0 (or 1) by definition, and the formula void.
    low = np.where(seen > 0, betaincinv(np.where(seen > 0, seen, 1), missed + 1, tail), 0.0)
    high = betainccinv(seen + 1, np.where(missed > 0, missed, 1), tail)
    return low, np.where(missed > 0, high, 1.0)
