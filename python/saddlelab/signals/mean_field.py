"""Infinitely wide random networks: what becomes of lengths, angles and gradients with depth."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from saddlelab.arguments import finite_number, one_of
from saddlelab.networks.mlp import ACTIVATIONS
from saddlelab.signals.gaussian import averages, growth, hermite_coefficients
from saddlelab.signals.plain import or_null

__all__ = ["MeanField", "edge_of_chaos", "mean_field"]

Floats: TypeAlias = NDArray[np.float64]

#: f(tz) = t f(z) for t > 0: lengths grow by a factor, whatever they are.
_HOMOGENEOUS = ("linear", "relu", "leaky_relu")
#: Lengths beyond this are infinite; below its inverse they are 0.
_FAR = 1e12
#: χ₁ is 1 to so much where it is critical.
_CRITICAL = 1e-9
#: Terms of the correlation's map.
_TERMS = 400


@dataclass(frozen=True, slots=True)
class MeanField:
    """Where lengths and correlations of signals go in a wide, deep random network.

    Attributes
    ----------
    activation : str
    weight_variance, bias_variance : float
        σ_w² and σ_b²: weights are N(0, σ_w²/inputs), biases N(0, σ_b²).
    q : float
        Fixed point of the mean square of z that signals of mean square 1 go to; infinite if they
        grow without end.
    chi : float
        χ₁ = σ_w² E f'²: the factor of squared gradients through a layer, and of squared small
        distances.
    phase : str
        "ordered" (χ₁ < 1: gradients vanish, signals become alike), "chaotic" (χ₁ > 1: gradients
        explode, like signals part), "critical".
    correlation : float
        Fixed point c* of the correlation of two signals.
    correlation_length, length_scale : float
        Layers, ξ_c and ξ_q, in which correlations and lengths come nearer by a factor of e;
        infinite where they do not, NaN if q is infinite.
    """

    activation: str
    weight_variance: float
    bias_variance: float
    q: float
    chi: float
    phase: str
    correlation: float
    correlation_length: float
    length_scale: float

    def __str__(self) -> str:
        """The table."""
        return self.table()

    def table(self) -> str:
        """Say all of it in lines."""
        return "\n".join([
            f"{self.activation}, weights of variance {self.weight_variance:.12g}/inputs, biases "
            f"of {self.bias_variance:.12g}: {self.phase}",
            f"  q* {self.q:.12g}   χ₁ {self.chi:.12g}   c* {self.correlation:.6g}",
            f"  ξ_c {self.correlation_length:.6g} layers   ξ_q {self.length_scale:.6g} layers",
        ])  # fmt: skip

    def to_json(self) -> str:
        """Everything; null for what is infinite or not a number."""
        return json.dumps(or_null(asdict(self)))


def mean_field(activation: str, *, weight_variance: float, bias_variance: float = 0.0) -> MeanField:
    """Return the mean-field theory of a wide network.

    Parameters
    ----------
    activation : str
        One of `saddlelab.networks.ACTIVATIONS`.
    weight_variance : float
        σ_w²: the variance of a weight times the number of its layer's inputs.
    bias_variance : float, optional
        σ_b².

    Returns
    -------
    MeanField

    Raises
    ------
    ValueError, TypeError
        If an argument is out of its range.

    References
    ----------
    B. Poole et al., NeurIPS 2016, arXiv:1606.05340, eq. 3 and 5; S. S. Schoenholz et al., ICLR
    2017, arXiv:1611.01232, eq. 7 to 10.

    Examples
    --------
    >>> from saddlelab import mean_field
    >>> mean_field("relu", weight_variance=2.0).phase
    'critical'
    >>> round(mean_field("tanh", weight_variance=1.76095463960674, bias_variance=0.05).q, 12)
    0.570047881641
    """
    activation = one_of("activation", activation, ACTIVATIONS)
    weights = _variance("weight_variance", weight_variance)
    biases = _variance("bias_variance", bias_variance)
    q = _fixed_point(activation, weights, biases)
    at = averages(activation, min(q, _FAR))
    chi = weights * float(at.slope[0])
    near = abs(chi - 1.0) <= _CRITICAL
    phase = "critical" if near else "ordered" if chi < 1.0 else "chaotic"
    if math.isinf(q):
        return MeanField(activation, weights, biases, q, chi, phase, math.nan, math.nan, math.nan)
    c, slope = (1.0, chi) if phase != "chaotic" else _correlation(activation, weights, biases, q)
    return MeanField(activation, weights, biases, q, chi, phase, c, _layers(slope),
                     _layers(weights * growth(activation, q)))  # fmt: skip


def edge_of_chaos(activation: str, bias_variance: float = 0.0) -> MeanField:
    """Return the mean-field theory at the σ_w² where χ₁ = 1, between order and chaos.

    Parameters
    ----------
    activation : str
        One of `saddlelab.networks.ACTIVATIONS`.
    bias_variance : float, optional
        σ_b².

    Returns
    -------
    MeanField
        At q = 0 for a tanh without biases, and others like it.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of its range, or χ₁ = 1 at no length that is a stable fixed point:
        so it is with softplus, GELU and SiLU.

    Examples
    --------
    >>> from saddlelab import edge_of_chaos
    >>> round(edge_of_chaos("tanh", 0.05).weight_variance, 10)
    1.7609546396
    """
    activation = one_of("activation", activation, ACTIVATIONS)
    biases = _variance("bias_variance", bias_variance)
    if activation in _HOMOGENEOUS:
        weights = 1.0 / float(averages(activation, 1.0).slope[0])
        return mean_field(activation, weight_variance=weights, bias_variance=biases)
    if biases == 0.0 and _stays(activation, 0.0):
        return _at_edge(activation, biases, 0.0)
    grid = np.logspace(-6.0, 8.0, 113)
    over = _excess(activation, biases, grid)
    from scipy.optimize import brentq

    for k in np.flatnonzero(over[:-1] * over[1:] <= 0.0):
        q = brentq(lambda q: float(_excess(activation, biases, np.array([q]))[0]),
                   grid[k], grid[k + 1], xtol=1e-16 * grid[k], rtol=1e-15)  # fmt: skip
        if _stays(activation, q):
            return _at_edge(activation, biases, q)
    raise ValueError(f"`activation` {activation} has χ₁ = 1 at no length that would last, with "
                     f"bias_variance {biases:g}")  # fmt: skip


def _stays(activation: str, q: float) -> bool:
    """Whether lengths beside q come back to it where χ₁ = 1."""
    at = averages(activation, [q, q + 1e-6 * (q or 1.0)])
    weights, step = 1.0 / at.slope[0], 1e-6 * (q or 1.0)
    if q == 0.0 and at.second[0] > 1e-20:
        return False
    return bool(weights * (at.second[1] - at.second[0]) <= step)


def _excess(activation: str, biases: float, q: Floats) -> Floats:
    """Length after a layer with χ₁ = 1, less the length before."""
    at = averages(activation, q)
    return at.second / at.slope + biases - q


def _at_edge(activation: str, biases: float, q: float) -> MeanField:
    at = averages(activation, q)
    weights = 1.0 / float(at.slope[0])
    return MeanField(activation, weights, biases, q, 1.0, "critical", 1.0, math.inf,
                     _layers(weights * growth(activation, q)))  # fmt: skip


def _fixed_point(activation: str, weights: float, biases: float) -> float:
    """q that 1 goes to under q → σ_w² E f² + σ_b²."""
    if activation in _HOMOGENEOUS:
        factor = weights * float(averages(activation, 1.0).second[0])
        if abs(factor - 1.0) <= _CRITICAL:
            return 1.0 if biases == 0.0 else math.inf
        return biases / (1.0 - factor) if factor < 1.0 else math.inf
    from scipy.optimize import brentq

    def step(q: float) -> float:
        return weights * float(averages(activation, q).second[0]) + biases - q

    low = high = 1.0
    if step(1.0) > 0.0:
        while step(high) > 0.0:
            low, high = high, 2.0 * high
            if high > _FAR:
                return math.inf
    else:
        while step(low) <= 0.0:
            low, high = 0.5 * low, low
            if low < 1.0 / _FAR:
                return biases
    return float(brentq(step, low, high, xtol=1e-16 * low, rtol=1e-15))


def _correlation(activation: str, weights: float, biases: float, q: float) -> tuple[float, float]:
    """c* of the chaotic phase, and the slope of the correlation's map there."""
    from scipy.optimize import brentq

    terms = weights * hermite_coefficients(activation, q, _TERMS) ** 2 / q
    # What later terms have in all: the map of 1 is 1.
    terms = np.append(terms, max(1.0 - biases / q - terms.sum(), 0.0))
    terms[0] += biases / q
    power = np.polynomial.Polynomial(terms)
    # The map is convex with a slope above 1 at 1: it crosses the diagonal once below.
    if terms[0] <= 1e-14:
        return 0.0, float(terms[1])
    gap = 1.0 - 2.0**-30
    if power(gap) >= gap:
        return 1.0, float(power.deriv()(1.0))
    c = float(brentq(lambda c: float(power(c)) - c, 0.0, gap, xtol=1e-15, rtol=1e-14))
    return c, float(power.deriv()(c))


def _layers(slope: float) -> float:
    """Layers in which a distance falls by a factor of e, if each multiplies it by the slope."""
    if slope <= 0.0:
        return 0.0
    return -1.0 / math.log(slope) if slope < 1.0 - _CRITICAL else math.inf


def _variance(name: str, value: float) -> float:
    number = finite_number(name, value)
    if number < 0.0:
        raise ValueError(f"`{name}` must not be negative, got {number:g}")
    return number
