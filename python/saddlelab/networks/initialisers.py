"""Weights that a network begins with."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saddlelab.arguments import finite_float, one_of, positive_integer
from saddlelab.draws import Draws
from saddlelab.studies.seeds import RNG, resolve_seed

__all__ = ["KINDS", "gain_of", "initialise"]

Floats: TypeAlias = NDArray[np.float64]

_MOST = 2**31
#: Incoming weights of a unit in Martens' sparse initialisation.
_CONNECTIONS = 15
#: Purposes of the numbers of layer l are 2l and 2l + 1.
_CHOICE = 1


def initialise(
    sizes: Sequence[int],
    kind: str = "glorot_uniform",
    *,
    gain: ArrayLike = 1.0,
    rng: RNG = None,
    count: int | None = None,
    bias: bool = True,
    batch_norm: bool = False,
) -> Floats:
    """Draw the weights of a network with layers of the given sizes; biases are zero.

    With i inputs and o outputs of a layer, before its weights are multiplied by `gain`:

    ==================  =========================================================================
    "glorot_uniform"    U(−√(6/(i + o)), √(6/(i + o)))
    "glorot_normal"     N(0, 2/(i + o))
    "he_uniform"        U(−√(6/i), √(6/i))
    "he_normal"         N(0, 2/i)
    "lecun_uniform"     U(−√(3/i), √(3/i))
    "lecun_normal"      N(0, 1/i)
    "scaled_gaussian"   N(0, 1/i): the same numbers, as Saxe et al. call it
    "gaussian"          N(0, 1)
    "orthogonal"        orthonormal columns, or rows where o < i, uniformly (Haar's measure)
    "sparse"            15 weights of each unit (all, if i < 15) are N(0, 1), the others 0
    "constant"          1
    ==================  =========================================================================

    No normal is truncated.

    Parameters
    ----------
    sizes : sequence of int
        Inputs, units of each hidden layer, outputs.
    kind : str, optional
        Of the table.
    gain : float or (layers,) array_like, optional
        For all layers or for each, see `gain_of`.  For orthogonal weights all singular values
        are the gain.
    rng : int, SeedSequence, Generator or None, optional
        Same seed, same weights.
    count : int, optional
        So many networks; the first do not depend on how many there are.
    bias : bool, optional
        Whether each layer has biases.
    batch_norm : bool, optional
        Whether hidden layers are normalised: γ = 1 and β = 0 then take the place of their biases.

    Returns
    -------
    theta : (P,) or (count, P) float
        Layer by layer, each the weights (out, in) row by row, then the biases, or γ and β.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of its range.

    References
    ----------
    X. Glorot and Y. Bengio, AISTATS 2010.  K. He et al., ICCV 2015, arXiv:1502.01852.  Y. LeCun
    et al., Efficient BackProp (1998), eq. 16.  A. M. Saxe et al., ICLR 2014, arXiv:1312.6120.
    J. Martens, Deep learning via Hessian-free optimization, ICML 2010.  Orthogonal matrices
    after F. Mezzadri, How to generate random matrices from the classical compact groups, Notices
    of the AMS 54 (2007) 592, section 5.

    Examples
    --------
    >>> import numpy as np
    >>> from saddlelab.networks.initialisers import initialise
    >>> theta = initialise([3, 3, 2], "orthogonal", gain=2.0, rng=0, bias=False)
    >>> W = theta[:9].reshape(3, 3)
    >>> bool(np.allclose(W @ W.T, 4.0 * np.eye(3)))
    True
    """
    kind, sizes = one_of("kind", kind, tuple(KINDS)), _sizes(sizes)
    gains = _gains(gain, len(sizes) - 1)
    rows = 1
    if count is not None:
        rows = positive_integer("count", count, at_most=_MOST, or_none=" or None (one)")
    draws = Draws(resolve_seed(rng), "initialise")
    parts = []
    for layer, (i, o) in enumerate(pairwise(sizes)):
        W = KINDS[kind](draws, rows, o, i, 2 * layer) * gains[layer]
        parts.append(W.reshape(rows, o * i))
        if batch_norm and layer < len(sizes) - 2:
            parts.append(np.repeat([1.0, 0.0], o)[None, :].repeat(rows, axis=0))
        elif bias:
            parts.append(np.zeros((rows, o)))
    theta = np.concatenate(parts, axis=1)
    return theta[0] if count is None else theta


def gain_of(activation: str, slope: float = 0.01) -> float:
    """Return the customary gain for layers that follow an activation.

    Parameters
    ----------
    activation : {"linear", "sigmoid", "tanh", "relu", "leaky_relu", "selu"}
        Gains 1, 1, 5/3, √2, √(2/(1 + slope²)) and 3/4.
    slope : float, optional
        Of leaky ReLU, left of 0.

    Returns
    -------
    float

    Raises
    ------
    ValueError, TypeError
        If there is no such activation.

    References
    ----------
    He et al. (2015), eq. 14 and 15, for ReLU and leaky ReLU, exact for weights of variance 1/i;
    the others are PyTorch's `calculate_gain`.

    Examples
    --------
    >>> from saddlelab.networks.initialisers import gain_of
    >>> gain_of("leaky_relu", slope=1.0)
    1.0
    """
    slope = finite_float("`slope` must be a finite number", slope)
    gains = {
        "linear": 1.0, "sigmoid": 1.0, "tanh": 5.0 / 3.0, "relu": math.sqrt(2.0),
        "leaky_relu": math.sqrt(2.0 / (1.0 + slope * slope)), "selu": 0.75,
    }  # fmt: skip
    return gains[one_of("activation", activation, tuple(gains))]


def _sizes(sizes: Any) -> tuple[int, ...]:
    if isinstance(sizes, str | bytes) or not np.iterable(sizes):
        raise TypeError(f"`sizes` must be integers, one of each layer, got {sizes!r}")
    found = tuple(positive_integer("sizes", size, at_most=_MOST) for size in sizes)
    if len(found) < 2:
        raise ValueError(f"`sizes` must name inputs and outputs at least, got {found}")
    return found


def _gains(gain: Any, layers: int) -> Floats:
    rule = "`gain` must be positive and finite"
    try:
        found = np.asarray(gain, dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"{rule}, got {gain!r}") from None
    if found.shape not in ((), (layers,)):
        raise ValueError(f"`gain` must be a number or one of each of {layers} layers, got {gain!r}")
    if not (np.isfinite(found).all() and (found > 0.0).all()):
        raise ValueError(f"{rule}, got {gain!r}")
    return np.broadcast_to(found, layers)


# --- one layer: (rows, o, i) weights from the numbers of two purposes -----------------------------

Maker: TypeAlias = Callable[[Draws, int, int, int, int], Floats]


def _normal(variance: Callable[[int, int], float]) -> Maker:
    def make(draws: Draws, rows: int, o: int, i: int, purpose: int) -> Floats:
        z = draws.normals(rows, o * i, purpose).reshape(rows, o, i)
        return math.sqrt(variance(i, o)) * z

    return make


def _uniform(variance: Callable[[int, int], float]) -> Maker:
    def make(draws: Draws, rows: int, o: int, i: int, purpose: int) -> Floats:
        u = draws.uniforms(rows, o * i, purpose).reshape(rows, o, i)
        return math.sqrt(3.0 * variance(i, o)) * (2.0 * u - 1.0)

    return make


def _orthogonal(draws: Draws, rows: int, o: int, i: int, purpose: int) -> Floats:
    tall, thin = max(o, i), min(o, i)
    z = draws.normals(rows, tall * thin, purpose).reshape(rows, tall, thin)
    Q, R = np.linalg.qr(z)
    # The signs make the factorisation unique, and only so is Q uniform.
    signs = np.where(np.diagonal(R, axis1=1, axis2=2) < 0.0, -1.0, 1.0)
    W: Floats = Q * signs[:, None, :]
    return W if o >= i else W.transpose(0, 2, 1)


def _sparse(draws: Draws, rows: int, o: int, i: int, purpose: int) -> Floats:
    W = draws.normals(rows, o * i, purpose).reshape(rows, o, i)
    u = draws.uniforms(rows, o * i, purpose + _CHOICE).reshape(rows, o, i)
    if i > _CONNECTIONS:
        last = np.sort(u, axis=2)[:, :, _CONNECTIONS - 1 : _CONNECTIONS]
        W = np.where(u <= last, W, 0.0)
    return W


def _constant(draws: Draws, rows: int, o: int, i: int, purpose: int) -> Floats:
    return np.ones((rows, o, i))


KINDS: dict[str, Maker] = {
    "glorot_uniform": _uniform(lambda i, o: 2.0 / (i + o)),
    "glorot_normal": _normal(lambda i, o: 2.0 / (i + o)),
    "he_uniform": _uniform(lambda i, o: 2.0 / i),
    "he_normal": _normal(lambda i, o: 2.0 / i),
    "lecun_uniform": _uniform(lambda i, o: 1.0 / i),
    "lecun_normal": _normal(lambda i, o: 1.0 / i),
    "scaled_gaussian": _normal(lambda i, o: 1.0 / i),
    "gaussian": _normal(lambda i, o: 1.0),
    "orthogonal": _orthogonal,
    "sparse": _sparse,
    "constant": _constant,
}
