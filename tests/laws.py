"""Does a sample follow its law?  p-values that tests compare with `LIKELY`."""

import numpy as np
from scipy import special, stats

LIKELY = 1e-4  # seeds are fixed: a p-value below this is a fault, not bad luck


def chi_square(counts, probability):
    """p-value of counts beside their law; bins that expect fewer than 5 are merged."""
    expected = np.asarray(probability) * np.sum(counts)
    observed, mean = _merged(np.array([counts, expected], float), expected)
    return stats.chisquare(observed, mean * observed.sum() / mean.sum()).pvalue


def same_law(counts, others):
    """p-value of two histograms having one law; bins that expect fewer than 5 are merged."""
    both = np.array([counts, others], float)
    rare = both.sum(axis=0) * both.sum(axis=1).min() / both.sum()
    table = _merged(both, rare)
    return stats.chi2_contingency(table)[1] if table.shape[1] > 1 else 1.0


def _merged(rows, expected, least=5):
    """Sum neighbouring columns of `rows` until each expects at least so many."""
    merged, mass = [np.zeros(len(rows))], [0.0]
    for column, mean in zip(rows.T, expected, strict=True):
        if mass[-1] >= least:
            merged.append(np.zeros(len(rows)))
            mass.append(0.0)
        merged[-1] = merged[-1] + column
        mass[-1] += mean
    if mass[-1] < least and len(merged) > 1:
        last = merged.pop()
        merged[-1] = merged[-1] + last
    return np.transpose(merged)


def assert_follows(sample, law):
    """Kolmogorov–Smirnov, four moments against their exact errors, and counts far in the tails."""
    sample = np.sort(sample)
    count = len(sample)
    assert stats.kstest(sample, law.cdf).pvalue > LIKELY
    for order in range(1, 5):
        mean = law.moment(order)
        sd = np.sqrt((law.moment(2 * order) - mean**2) / count)
        p = 2 * special.ndtr(-abs(np.mean(sample**order) - mean) / sd)
        assert p > LIKELY, f"moment {order}: p = {p}"
    for tail in (1e-3, 1e-4, 1e-5, 1e-6):
        below = int(np.searchsorted(sample, law.ppf(tail)))
        above = count - int(np.searchsorted(sample, law.isf(tail)))
        for side, found in (("lower", below), ("upper", above)):
            p = stats.binomtest(found, count, tail).pvalue
            assert p > LIKELY, f"{side} {tail}: {found} of {count}, p = {p}"


def weighted_chi_square(weight, square, probability, least=25):
    """p-value of sums of weights (and of their squares) beside their law.

    The fractions are ratios of sums: their covariances are those of w (e − p) for each sample's
    weight w and indicator e.  Bins that expect fewer than `least` effective samples are merged.
    """
    probability = np.asarray(probability, float)
    effective = np.sum(weight) ** 2 / np.sum(square)
    rows = np.array([weight, square, probability * np.sum(weight)], float)
    weight, square, mean = _merged(rows, probability * effective, least)
    p = mean / mean.sum()
    return _quadratic_p(weight / weight.sum() - p, _covariance(weight, square, p))


def same_weighted_law(one, two, least=25):
    """p-value of two pairs (sums of weights, sums of their squares) having one law."""
    total = [np.sum(w) ** 2 / np.sum(s) for w, s in (one, two)]
    p = sum(n * w / np.sum(w) for n, (w, _) in zip(total, (one, two), strict=True)) / sum(total)
    a, b, c, d = _merged(np.array([*one, *two], float), p * min(total), least)
    pooled = (total[0] * a / a.sum() + total[1] * c / c.sum()) / sum(total)
    covariance = _covariance(a, b, pooled) + _covariance(c, d, pooled)
    return _quadratic_p(a / a.sum() - c / c.sum(), covariance)


def _covariance(weight, square, p):
    crossed = np.outer(square, p)
    spread = np.diag(square) - crossed - crossed.T + np.outer(p, p) * square.sum()
    return spread / weight.sum() ** 2


def _quadratic_p(residual, covariance):
    if len(residual) == 1:
        return 1.0
    part, inner = residual[:-1], covariance[:-1, :-1]  # fractions sum to 1
    return stats.chi2(len(part)).sf(part @ np.linalg.solve(inner, part))
