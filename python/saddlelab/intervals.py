"""Confidence intervals."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["clopper_pearson", "quantile_ranks", "wilson"]

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

    _check("level", level)
    seen = np.asarray(hits, dtype=np.float64)
    missed = np.asarray(samples, dtype=np.float64) - seen
    tail = (1.0 - level) / 2.0
    # Where hits (or misses) are 0 the limit is 0 (or 1) by definition, and the formula void.
    low = np.where(seen > 0, betaincinv(np.where(seen > 0, seen, 1), missed + 1, tail), 0.0)
    high = betainccinv(seen + 1, np.where(missed > 0, missed, 1), tail)
    return low, np.where(missed > 0, high, 1.0)


def wilson(hits: ArrayLike, samples: ArrayLike, level: float) -> tuple[Floats, Floats]:
    """Return the confidence limits of Wilson (1927), of a binomial probability.

    They are those of ``scipy.stats.binomtest(...).proportion_ci(level, "wilson")``.

    Parameters
    ----------
    hits, samples : array_like
        Numbers.
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
    from scipy.special import ndtri

    _check("level", level)
    n, k = np.asarray(samples, dtype=np.float64), np.asarray(hits, dtype=np.float64)
    z = ndtri(0.5 + 0.5 * level)
    p, share = k / n, z * z / n
    middle = (p + 0.5 * share) / (1.0 + share)
    half = z / (1.0 + share) * np.sqrt(p * (1.0 - p) / n + 0.25 * share / n)
    # Rounding must not make a limit of what is the limit.
    return np.where(k > 0, middle - half, 0.0), np.where(k < n, middle + half, 1.0)


def quantile_ranks(n: int, p: float, level: float) -> tuple[int, int]:
    """Return the order statistics that bracket a quantile, with at least a confidence.

    Parameters
    ----------
    n : int
        Number of samples, of any one law.
    p, level : float
        Which quantile, and the confidence level, between 0 and 1.

    Returns
    -------
    low, high : int
        Ranks 1 … n of the sorted samples; 0 and n + 1 where there is no limit on that side.

    Raises
    ------
    ValueError
        If `p` or `level` is out of range.
    """
    from scipy.special import bdtr

    _check("p", p)
    _check("level", level)
    tail = (1.0 - level) / 2.0
    # The number of samples at or below the quantile is binomial.
    below = bdtr(np.arange(n + 1), n, p)
    low = int(np.searchsorted(below, tail, side="right"))
    return low, int(np.searchsorted(below, 1.0 - tail, side="left")) + 1


def _check(name: str, value: float) -> None:
    if not 0.0 < value < 1.0:
        raise ValueError(f"`{name}` must be between 0 and 1, got {value!r}")
