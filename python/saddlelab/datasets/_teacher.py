"""What a network answers, for another to learn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saddlelab.arguments import finite_float, one_of, positive_integer
from saddlelab.datasets._dataset import Dataset, fraction_aside, split
from saddlelab.draws import Draws
from saddlelab.studies.seeds import RNG, resolve_seed

__all__ = ["teacher_student"]

Floats: TypeAlias = NDArray[np.float64]
Layers: TypeAlias = list[tuple[Floats, Floats]]

_INPUTS, _NOISE = 0, 1
_MOST = 2**31


def _erf(x: Floats) -> Floats:
    from scipy.special import erf

    return np.asarray(erf(x))


_ACTIVATIONS: dict[str, Callable[[Floats], Floats]] = {
    "linear": lambda x: x,
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, 0.0),
    "sigmoid": lambda x: 0.5 * (1.0 + np.tanh(0.5 * x)),
    "erf": _erf,
}


def teacher_student(
    teacher: ArrayLike | Sequence[Any] | Callable[[Floats], Any],
    samples: int = 500,
    *,
    inputs: int | None = None,
    activation: str = "tanh",
    white: bool = False,
    noise: float = 0.0,
    test: float = 0.2,
    rng: RNG = 0,
) -> Dataset:
    """Draw inputs from N(0, I) and let a teacher, a network with given weights, answer them.

    Parameters
    ----------
    teacher : (out, in) array_like, sequence of layers, or callable
        A matrix is a linear teacher, y = W x.  A sequence holds a matrix W or a pair (W, b) for
        each layer, whose activations are `activation` but for the last, linear.  A callable takes
        (N, inputs) and returns (N, out).
    samples : int, optional
        To learn from and to test with, together.
    inputs : int, optional
        How many, for a callable; weights say it.
    activation : {"linear", "tanh", "relu", "sigmoid", "erf"}, optional
        Of the hidden layers.
    white : bool, optional
        Make XᵀX/N the identity exactly (to rounding), of the samples to learn from: what the
        dynamics of deep linear networks (`saddlelab.networks.mode_curve`) are solved for.
    noise : float, optional
        Standard deviation of what is added to each answer.
    test : float, optional
        Fraction that is set aside.
    rng : int, SeedSequence, Generator or None, optional
        Other seeds, other data.

    Returns
    -------
    Dataset
        With y (N, out).

    Raises
    ------
    ValueError, TypeError
        If an argument is out of its range, the layers do not fit together, or the answers are
        not finite.

    References
    ----------
    E. Gardner and B. Derrida, Three unfinished works on the optimal storage capacity of networks,
    J. Phys. A 22 (1989) 1983–1994.  D. Saad and S. A. Solla, On-line learning in soft committee
    machines, Phys. Rev. E 52 (1995) 4225–4243.

    Examples
    --------
    >>> from saddlelab import datasets
    >>> X, y = datasets.teacher_student([[1.0, -1.0, 0.0]], 10)
    >>> bool((y[:, 0] == X[:, 0] - X[:, 1]).all())
    True
    """
    samples = positive_integer("samples", samples, at_most=_MOST)
    size = finite_float("`noise` must be finite and not negative", noise)
    if size < 0.0:
        raise ValueError(f"`noise` must be finite and not negative, got {noise!r}")
    answer, width, text = _teacher(teacher, inputs, activation)
    fraction, seed = fraction_aside(test), resolve_seed(rng)
    draws = Draws(seed, "teacher_student")
    X = draws.normals(samples, width, _INPUTS)
    learn, aside = split(np.zeros(samples, np.int64), fraction, seed, "teacher_student")
    if white:
        X[learn] = _whitened(X[learn])
    y = answer(X)
    if size > 0.0:
        y = y + size * draws.normals(samples, y.shape[1], _NOISE)
        text += f", noise {size:g}"
    return Dataset(X[learn], y[learn], X[aside], y[aside], "teacher_student",
                   text + (", white inputs" if white else ""), None, seed,
                   (learn, aside))  # fmt: skip


def _teacher(
    teacher: Any, inputs: int | None, activation: str
) -> tuple[Callable[[Floats], Floats], int, str]:
    """The teacher as a function, its number of inputs, and its description."""
    if callable(teacher):
        if inputs is None:
            raise ValueError("`inputs` must be given with a teacher that is a function")
        width = positive_integer("inputs", inputs, at_most=_MOST)
        return _checked(teacher), width, "a function as teacher"
    layers = _layers(teacher)
    name = one_of("activation", activation, tuple(_ACTIVATIONS))
    width = layers[0][0].shape[1]
    if inputs is not None and inputs != width:
        raise ValueError(f"`inputs` must be {width}, as the teacher has, got {inputs!r}")
    sizes = "-".join(str(size) for size in (width, *(len(W) for W, _ in layers)))
    text = f"teacher {sizes} " + (name if len(layers) > 1 else "linear")
    return lambda X: _forward(X, layers, _ACTIVATIONS[name]), width, text


def _checked(function: Callable[[Floats], Any]) -> Callable[[Floats], Floats]:
    def answer(X: Floats) -> Floats:
        y = np.asarray(function(X), dtype=np.float64)
        if y.ndim != 2 or len(y) != len(X):
            raise ValueError(f"`teacher` must return shape ({len(X)}, out), got {y.shape}")
        if not np.isfinite(y).all():
            raise ValueError("`teacher` must return finite numbers")
        return y

    return answer


def _layers(teacher: Any) -> Layers:
    given = list(teacher)
    if given and not any(map(_is_pair, given)) and all(np.ndim(row) == 1 for row in given):
        given = [given]  # the rows of one matrix
    if not given:
        raise ValueError("`teacher` must have a layer, got none")
    layers: Layers = []
    for number, layer in enumerate(given):
        W, b = _layer(number, layer)
        if layers and W.shape[1] != len(layers[-1][0]):
            raise ValueError(
                f"layer {number} of `teacher` must take {len(layers[-1][0])} inputs, as many as "
                f"the one before has outputs, got weights of shape {W.shape}"
            )
        layers.append((W, b))
    return layers


def _is_pair(layer: Any) -> bool:
    return isinstance(layer, tuple) and len(layer) == 2 and np.ndim(layer[0]) == 2


def _layer(number: int, layer: Any) -> tuple[Floats, Floats]:
    pair = _is_pair(layer)
    W = np.asarray(layer[0] if pair else layer, dtype=np.float64)
    b = np.asarray(layer[1] if pair else np.zeros(len(W)), dtype=np.float64)
    if W.ndim != 2 or not W.size or b.shape != (len(W),):
        raise ValueError(
            f"layer {number} of `teacher` must be a matrix (out, in), alone or with biases (out,), "
            f"got shapes {W.shape} and {b.shape}"
        )
    if not (np.isfinite(W).all() and np.isfinite(b).all()):
        raise ValueError(f"layer {number} of `teacher` must be finite")
    return W, b


def _forward(X: Floats, layers: Layers, activation: Callable[[Floats], Floats]) -> Floats:
    for W, b in layers[:-1]:
        X = activation(X @ W.T + b)
    W, b = layers[-1]
    return X @ W.T + b


def _whitened(X: Floats) -> Floats:
    """X (XᵀX/N)^(−½): the white inputs that are nearest."""
    if len(X) < X.shape[1]:
        raise ValueError(
            f"`samples` must leave at least {X.shape[1]}, the inputs, to learn from to make them "
            f"white, got {len(X)}"
        )
    U, _, Vt = np.linalg.svd(X, full_matrices=False)
    white: Floats = np.sqrt(len(X)) * (U @ Vt)
    return white
