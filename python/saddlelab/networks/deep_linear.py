"""How deep linear networks learn: each mode by itself, in closed form for one hidden layer.

A. M. Saxe, J. L. McClelland and S. Ganguli, Exact solutions to the nonlinear dynamics of learning
in deep linear neural networks, ICLR 2014, arXiv:1312.6120.

Let the loss be ½ Σ ‖y − W_D … W₁x‖², over D = `depth` layers of weights, and Σ x xᵀ = 1 (or both
means over the samples).  If the weights begin balanced and aligned with the singular vectors of
Σ y xᵀ, the strength a of their product in the mode of singular value s obeys

    τ da/dt = D a^(2 − 2/D) (s − a),     τ = 1/learning rate,

in the limit of small steps (sections 1 and 2 there; D is their number of layers of units less one).
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saddlelab.arguments import finite_float, positive_integer, positive_number

__all__ = ["learning_time", "mode_curve"]

Floats: TypeAlias = NDArray[np.float64]

_MOST = 10**6
#: Relative errors asked of what integrates.
_RTOL = 1e-12
#: e to the minus this is nothing beside 1.
_LEARNT = 40.0


def mode_curve(
    s: ArrayLike, a0: ArrayLike, t: ArrayLike, *, depth: int = 2, rate: float = 1.0
) -> Floats:
    """Return the strength a(t) of modes of a deep linear network under gradient descent.

    One layer: a = s − (s − a₀) e^(−t/τ).  Two: a = s e^(2st/τ)/(e^(2st/τ) − 1 + s/a₀).  More: the
    equation of this module is integrated.

    Parameters
    ----------
    s : float or array_like
        Singular values, positive.
    a0 : float or array_like
        Strengths at t = 0, not negative; with more than one layer, one that is 0 remains 0.
        Broadcast with `s`.
    t : float or array_like
        Times, not negative; with `rate` the learning rate, steps of gradient descent.
    depth : int, optional
        Layers of weights.
    rate : float, optional
        1/τ.

    Returns
    -------
    (*modes, *t.shape) float
        Of each mode in its own row.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of its range.

    Examples
    --------
    >>> from saddlelab.networks.deep_linear import mode_curve
    >>> mode_curve(2.0, 1e-3, [0.0, 1.0, 2.0, 4.0]).round(4).tolist()
    [0.001, 0.0532, 1.1972, 1.9996]
    """
    strengths, starts = _modes(s, a0)
    times = _array("t", t, zero=True)
    depth, rate = _depth_and_rate(depth, rate)
    shape = (*strengths.shape, *times.shape)
    x = rate * times.ravel()
    rows = [_curve(*mode, x, depth) for mode in zip(strengths.flat, starts.flat, strict=True)]
    return np.reshape(rows, shape)


def learning_time(
    s: ArrayLike, a0: ArrayLike, *, fraction: float = 0.5, depth: int = 2, rate: float = 1.0
) -> Any:
    """Return the time after which modes of a deep linear network have come to a fraction of s.

    With a = `fraction` · s.  One layer: τ ln((s − a₀)/(s − a)).  Two: τ/(2s) ln(a (s − a₀)/(a₀ (s −
    a))).  More: the integral of τ da/(D a^(2 − 2/D) (s − a)).

    Parameters
    ----------
    s, a0 : float or array_like
        As in `mode_curve`, with a₀ < `fraction` · s.
    fraction : float, optional
        Between 0 and 1.
    depth : int, optional
        Layers of weights.
    rate : float, optional
        1/τ.

    Returns
    -------
    float or (*modes) float
        Infinite where a₀ = 0 and there is more than one layer.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of its range.

    Examples
    --------
    >>> from saddlelab.networks.deep_linear import learning_time
    >>> [round(learning_time(2.0, 1e-3, depth=depth), 3) for depth in (1, 2, 3)]
    [0.693, 1.9, 4.661]
    """
    strengths, starts = _modes(s, a0)
    depth, rate = _depth_and_rate(depth, rate)
    rule = "`fraction` must be above 0 and below 1"
    part = finite_float(rule, fraction)
    if not 0.0 < part < 1.0:
        raise ValueError(f"{rule}, got {fraction!r}")
    if (starts >= part * strengths).any():
        where = int(np.argmax(starts >= part * strengths))
        raise ValueError(
            f"`a0` must be below `fraction` of `s`, {part * strengths.flat[where]:g}, got "
            f"{starts.flat[where]:g}"
        )
    found = [_time(*mode, part, depth) / rate
             for mode in zip(strengths.flat, starts.flat, strict=True)]  # fmt: skip
    return found[0] if not strengths.ndim else np.reshape(found, strengths.shape)


def _modes(s: Any, a0: Any) -> tuple[Floats, Floats]:
    strengths, starts = _array("s", s, zero=False), _array("a0", a0, zero=True)
    try:
        one, other = np.broadcast_arrays(strengths, starts)
    except ValueError:
        raise ValueError(
            f"`a0` must broadcast with `s`, got shapes {starts.shape} and {strengths.shape}"
        ) from None
    return one, other


def _array(name: str, value: Any, *, zero: bool) -> Floats:
    rule = f"`{name}` must be finite and {'not negative' if zero else 'positive'}"
    try:
        found = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"{rule}, got {value!r}") from None
    good = np.isfinite(found) & ((found >= 0.0) if zero else (found > 0.0))
    if not good.all():
        raise ValueError(f"{rule}, got {found.flat[int(np.argmin(good))]}")
    return found


def _depth_and_rate(depth: Any, rate: Any) -> tuple[int, float]:
    return (positive_integer("depth", depth, at_most=_MOST),
            positive_number("rate", rate, at_most=1e300))  # fmt: skip


# --- one mode, τ = 1 ------------------------------------------------------------------------------


def _curve(s: float, a0: float, t: Floats, depth: int) -> Floats:
    if depth == 1:
        return s - (s - a0) * np.exp(-t)
    if a0 == 0.0:
        return np.zeros_like(t)
    if depth == 2:
        # Divided by e^(2st), which would overflow.
        return np.asarray(s / (1.0 + (s / a0 - 1.0) * np.exp(-2.0 * s * t)))
    return _integrated(s, a0, t, depth)


def _integrated(s: float, a0: float, t: Floats, depth: int) -> Floats:
    """Solve for v = (a/s)^(2/D − 1): dv/dx = −q (1 − a/s), q = 1 − 2/D, in x = D s^(2 − 2/D) t.

    No unit is left in it.  While a is small v falls at a constant rate, and errors decay; in a
    itself, or its logarithm, a small error at first would become one of when it rises.
    """
    from scipy.integrate import solve_ivp

    q, unit = 1.0 - 2.0 / depth, depth * s ** (2.0 - 2.0 / depth)
    # Beyond the half, and from above, the distance to s falls at least as e^(−x).
    end = _LEARNT + max(np.log(a0 / s), 0.0)
    if a0 < 0.5 * s:
        end += unit * _time(s, a0, 0.5, depth)
    x, where = np.unique(np.minimum(unit * t, end), return_inverse=True)
    if x[-1] == 0.0:
        return np.full_like(t, a0)
    first = (a0 / s) ** -q
    least = 0.5 * min(first, 1.0)  # v goes from `first` to 1: a step that was too long may not
    run = solve_ivp(
        lambda _, v: -q * (1.0 - np.maximum(v, least) ** (-1.0 / q)), (0.0, x[-1]), [first],
        method="DOP853", t_eval=x, rtol=_RTOL, atol=_RTOL,
    )  # fmt: skip
    if not run.success:
        raise RuntimeError(f"the dynamics could not be integrated: {run.message}")
    return np.asarray(s * (run.y[0] ** (-1.0 / q))[where])


def _time(s: float, a0: float, part: float, depth: int) -> float:
    if depth == 1:
        return float(np.log((s - a0) / (s - part * s)))
    if a0 == 0.0:
        return np.inf
    if depth == 2:
        odds = part / (1.0 - part) * (s - a0) / a0
        return float(np.log(odds) / (2.0 * s))
    from scipy.integrate import quad

    power = 1.0 - 2.0 / depth
    low, high = float(np.log(a0 / s)), float(np.log(part))
    value, _ = quad(
        lambda u: np.exp(-power * (u - low)) / -np.expm1(u), low, high,
        epsabs=0.0, epsrel=_RTOL, limit=500,
    )  # fmt: skip
    return float(value * np.exp(-power * low) / (depth * s ** (2.0 - 2.0 / depth)))
