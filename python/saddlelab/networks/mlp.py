"""Multilayer networks: their shape, their parameters in one array, what they answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saddlelab.arguments import finite_number, positive_integer
from saddlelab.networks.data import inputs_of, targets_of, theta_of

if TYPE_CHECKING:
    from saddlelab.networks.network_objective import NetworkObjective

__all__ = ["ACTIVATIONS", "LOSSES", "MLP"]

Floats: TypeAlias = NDArray[np.float64]

#: In the engine's order.
ACTIVATIONS = ("linear", "sigmoid", "tanh", "softplus", "relu", "leaky_relu", "elu", "selu",
               "gelu", "silu")  # fmt: skip
LOSSES = ("squared_error", "cross_entropy", "binary_cross_entropy")
#: Nobody means a layer of more units.
_WIDEST = 10**6


@dataclass(frozen=True, slots=True)
class MLP:
    """A multilayer network: layers of units, each fed by all of the layer before.

    Parameters
    ----------
    sizes : sequence of int
        Numbers of inputs, of units of each hidden layer, and of outputs.
    activation : str, optional
        Of hidden layers, one of `ACTIVATIONS`; the outputs are linear.  ``"gelu"`` is z Φ(z) by
        erf, ``"leaky_relu"`` falls by 0.01 on the left, ``"elu"`` has α = 1.  With ``"linear"`` it
        is a deep linear network.
    loss : str, optional
        One of `LOSSES`: ``"squared_error"`` is ½ Σ (u − y)² over the outputs u,
        ``"cross_entropy"`` that of softmax(u) and a class, ``"binary_cross_entropy"`` the sum over
        outputs of that of sigmoid(u) and a target from 0 to 1.
    bias : bool, optional
        Whether layers have biases.
    residual : bool, optional
        Whether a hidden layer that is as wide as the hidden layer before adds what it was given to
        its output.
    weight_decay : float, optional
        The loss has ½·weight_decay·‖θ‖² besides.
    decay_biases : bool, optional
        Whether that θ includes the biases; scikit-learn and many others leave them out.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of its range.

    Notes
    -----
    Parameters are one array θ: layer by layer, the weights W row by row, (outputs, inputs), then
    the biases.

    Examples
    --------
    >>> import numpy as np
    >>> from saddlelab import hessian, networks
    >>> network = networks.MLP([2, 3, 2], activation="tanh", loss="cross_entropy")
    >>> network.size
    17
    >>> loss = network.objective([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1])
    >>> theta = np.linspace(-1.0, 1.0, 17)
    >>> hessian(loss, theta).method
    'given'
    >>> network.forward(theta, [[0.0, 1.0]]).shape
    (1, 2)
    """

    sizes: Sequence[int]
    _: KW_ONLY
    activation: str = "tanh"
    loss: str = "squared_error"
    bias: bool = True
    residual: bool = False
    weight_decay: float = 0.0
    decay_biases: bool = True

    def __post_init__(self) -> None:
        """Check everything."""
        put = object.__setattr__
        put(self, "sizes", _sizes_of(self.sizes))
        _one_of("activation", self.activation, ACTIVATIONS)
        _one_of("loss", self.loss, LOSSES)
        put(self, "bias", _truth("bias", self.bias))
        put(self, "residual", _truth("residual", self.residual))
        put(self, "decay_biases", _truth("decay_biases", self.decay_biases))
        decay = finite_number("weight_decay", self.weight_decay)
        if decay < 0.0:
            raise ValueError(f"`weight_decay` must not be negative, got {decay}")
        put(self, "weight_decay", decay)
        if self.loss == "cross_entropy" and self.sizes[-1] < 2:
            raise ValueError(
                "`sizes` must end with at least 2 outputs for cross_entropy, one for each class, "
                f"got {self.sizes[-1]}"
            )

    @property
    def size(self) -> int:
        """Number of parameters."""
        return sum(o * (i + self.bias) for i, o in zip(self.sizes, self.sizes[1:], strict=False))

    def pack(self, layers: Sequence[Any]) -> Floats:
        """Put weights and biases of all layers into one array.

        Parameters
        ----------
        layers : sequence of (W, b)
            W (outputs, inputs) and b (outputs,) of each layer; only W, or None for b, in a network
            without biases.

        Returns
        -------
        (size,) float array

        Raises
        ------
        ValueError
            If an array has another shape.
        """
        shapes = list(zip(self.sizes[1:], self.sizes, strict=False))
        if len(layers) != len(shapes):
            raise ValueError(f"`layers` must be one for each of {len(shapes)}, got {len(layers)}")
        parts = []
        for k, (layer, shape) in enumerate(zip(layers, shapes, strict=True)):
            W, b = layer if isinstance(layer, tuple | list) else (layer, None)
            parts.append(_array(f"layers[{k}]", W, shape))
            if self.bias:
                parts.append(_array(f"layers[{k}]", b, shape[:1]))
            elif b is not None:
                raise ValueError(f"`layers[{k}]` has biases, and the network has none")
        return np.concatenate([part.ravel() for part in parts])

    def unpack(self, theta: ArrayLike) -> list[tuple[Floats, Floats | None]]:
        """Weights and biases of each layer, as views of `theta`; None where there are no biases."""
        numbers, at, layers = theta_of(theta, self.size), 0, []
        for inputs, outputs in zip(self.sizes, self.sizes[1:], strict=False):
            W = numbers[at : (at := at + inputs * outputs)].reshape(outputs, inputs)
            b = numbers[at : (at := at + outputs)] if self.bias else None
            layers.append((W, b))
        return layers

    def forward(self, theta: ArrayLike, X: ArrayLike) -> Floats:
        """Outputs, (N, outputs), for inputs X (N, inputs): what the loss takes, before softmax."""
        from saddlelab.networks.network_objective import NetworkObjective

        rows = inputs_of(X, self.sizes[0])
        blank = np.zeros((len(rows), self.sizes[-1] if self.loss != "cross_entropy" else 1))
        return NetworkObjective(self, rows, blank).outputs(theta)

    def objective(self, X: ArrayLike, y: ArrayLike) -> NetworkObjective:
        """Return the mean loss over samples as a function of θ.

        Parameters
        ----------
        X : (N, inputs) array_like
        y : (N, outputs) or (N,) array_like
            Targets; classes 0, 1, … for cross_entropy, (N,) also for one output.

        Returns
        -------
        NetworkObjective

        Raises
        ------
        ValueError, TypeError
            If the shapes do not fit, a number is not finite, or a label is out of range.
        """
        from saddlelab.networks.network_objective import NetworkObjective

        rows = inputs_of(X, self.sizes[0])
        return NetworkObjective(self, rows, targets_of(y, len(rows), self.loss, self.sizes[-1]))


def _sizes_of(sizes: Any) -> tuple[int, ...]:
    if isinstance(sizes, str) or not np.iterable(sizes) or len(list(sizes)) < 2:
        raise ValueError(f"`sizes` must be inputs, hidden units, …, outputs, got {sizes!r}")
    return tuple(positive_integer(f"sizes[{k}]", size, at_most=_WIDEST)
                 for k, size in enumerate(sizes))  # fmt: skip


def _one_of(name: str, value: Any, names: tuple[str, ...]) -> None:
    if value not in names:
        raise ValueError(f"`{name}` must be one of {', '.join(names)}, got {value!r}")


def _truth(name: str, value: Any) -> bool:
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"`{name}` must be True or False, got {value!r}")
    return bool(value)


def _array(name: str, given: Any, shape: tuple[int, ...]) -> Floats:
    array = np.asarray(given, dtype=np.float64)
    if array.shape != shape:
        raise ValueError(f"`{name}` must have an array of shape {shape}, got {array.shape}")
    return array
