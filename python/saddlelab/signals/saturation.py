"""Where a network saturates, and whether signals and gradients pass it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saddlelab.arguments import positive_integer, positive_number
from saddlelab.networks.data import Statistics, theta_of
from saddlelab.networks.network_objective import NetworkObjective
from saddlelab.signals.forecast import forecast
from saddlelab.signals.passage import judge
from saddlelab.signals.propagate import cotangent_of, objective_of, signals_of
from saddlelab.signals.report import SaturationReport
from saddlelab.studies.seeds import RNG

if TYPE_CHECKING:
    from saddlelab.networks.mlp import MLP

__all__ = ["saturation", "threshold_of"]

Floats: TypeAlias = NDArray[np.float64]

#: Histograms leave out what is beyond.
_HUGE = 1e300


def saturation(
    network: MLP,
    theta: ArrayLike,
    X: ArrayLike,
    *,
    y: ArrayLike | None = None,
    threshold: float = 0.01,
    statistics: Statistics | None = None,
    bins: int = 40,
    rng: RNG = 0,
) -> SaturationReport:
    """Measure how far each layer is saturated, and how signals and gradients pass it.

    Parameters
    ----------
    network : MLP
    theta : (size,) array_like
        Its parameters.
    X : (N, inputs) array_like
    y : array_like, optional
        Targets, as of `MLP.objective`: gradients are then those of each sample's loss.  Without
        them they start from random derivatives by the outputs, N(0, 1).
    threshold : float, optional
        A unit is saturated on a sample where \\|f'(z)| is below it: a sigmoid beyond \\|z| = 4.58,
        a tanh beyond 2.99, a ReLU left of 0.
    statistics : sequence of (mean, variance), optional
        Frozen ones of normalised layers, see `MLP.statistics`.
    bins : int, optional
        Of the histograms.
    rng : int, SeedSequence, Generator or None, optional
        Of the random derivatives.

    Returns
    -------
    SaturationReport

    Raises
    ------
    ValueError, TypeError
        If the shapes do not fit, or an argument is out of its range.

    References
    ----------
    X. Glorot and Y. Bengio, AISTATS 2010; B. Poole et al., NeurIPS 2016, arXiv:1606.05340; S. S.
    Schoenholz et al., ICLR 2017, arXiv:1611.01232.

    Examples
    --------
    >>> from saddlelab import networks, saturation
    >>> network = networks.MLP([1, 2, 1], activation="sigmoid")
    >>> theta = network.pack([([[1.0], [9.0]], [0.0, 0.0]), ([[1.0, 1.0]], [0.0])])
    >>> report = saturation(network, theta, [[1.0], [-1.0]])
    >>> report.saturated_fraction
    array([0.5])
    >>> report.dead[0]
    array([False,  True])
    """
    limit = threshold_of(threshold)
    bins = positive_integer("bins", bins, at_most=10**6)
    objective = objective_of(network, X, y, statistics)
    seed, start = None, None
    if y is None:
        start, seed = cotangent_of(network, len(objective.rows), rng)
    at = theta_of(theta, network.size)
    # Signals that explode overflow.
    with np.errstate(over="ignore", invalid="ignore"):
        return _report(objective, at, start, seed, limit, bins)


def _report(
    objective: NetworkObjective, at: Floats, start: Floats | None, seed: int | None,
    limit: float, bins: int,
) -> SaturationReport:  # fmt: skip
    network, rows, found = objective.network, objective.rows, signals_of(objective, at, start)
    saturated = [np.asarray(np.abs(slope) < limit) for slope in found.slopes[:-1]]
    lengths, norms = forecast(network, at, rows)
    fractions = np.array([each.mean() for each in saturated])
    squares = np.array([np.mean(z**2) for z in found.z])
    spread = np.array([z.var(axis=1).mean() for z in found.z])
    gradient_norm = np.sqrt([np.sum(g**2) / len(rows) for g in found.gradients])
    of_output, entropy = _of_outputs(network.loss, found.z[-1], limit)
    return SaturationReport(
        network=network, threshold=limit, samples=len(rows), seed=seed,
        saturated_fraction=fractions,
        unit_saturated=tuple(each.mean(axis=1) for each in saturated),
        dead=tuple(np.all(each, axis=1) for each in saturated),
        unit_mean=tuple(a.mean(axis=1) for a in found.given[:-1]),
        unit_variance=tuple(a.var(axis=1) for a in found.given[:-1]),
        activation_mean=np.array([a.mean() for a in found.given[:-1]]),
        activation_variance=np.array([a.var() for a in found.given[:-1]]),
        histograms=tuple(_histogram(a, bins) for a in found.given[:-1]),
        mean_square=squares, mean_square_predicted=lengths, spread=spread,
        gradient_norm=gradient_norm, gradient_norm_predicted=np.sqrt(norms) * gradient_norm[-1],
        output_saturated=of_output, entropy=entropy,
        passage=judge(network, gradient_norm, spread, squares, fractions),
    )  # fmt: skip


def threshold_of(threshold: float) -> float:
    """Check a threshold for slopes."""
    return positive_number("threshold", threshold, at_most=1.0)


def _histogram(a: Floats, bins: int) -> tuple[NDArray[np.int64], Floats]:
    finite = a[np.abs(a) < _HUGE]
    if finite.size and np.ptp(finite) < 1e-12 * np.abs(finite).max():
        # All but one number: as if it were one.
        finite = np.full(finite.shape, finite.flat[0])
    counts, edges = np.histogram(finite, bins)
    return counts, edges


def _of_outputs(loss: str, u: Floats, limit: float) -> tuple[float | None, Floats | None]:
    """Fraction of outputs with p (1 − p) below the threshold, and entropy of each sample, nats."""
    if loss == "squared_error":
        return None, None
    if loss == "cross_entropy":
        e = np.exp(u - u.max(axis=0))
        p = e / e.sum(axis=0)
        entropy = -np.sum(np.where(p > 0.0, p * np.log(np.where(p > 0.0, p, 1.0)), 0.0), axis=0)
    else:
        e, entropy = np.exp(-np.abs(u)), None
        p = e / (1.0 + e)
    return float(np.mean(p * (1.0 - p) < limit)), entropy
