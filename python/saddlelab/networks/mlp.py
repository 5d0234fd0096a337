"""Multilayer networks: their shape, their parameters in one array, what they answer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saddlelab.arguments import finite_number, positive_integer
from saddlelab.networks.data import Statistics, inputs_of, statistics_of, targets_of, theta_of

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
    batch_norm : bool, optional
        Whether hidden layers are normalised: each unit's z becomes γ û + β with û = (z − μ)/√(var +
        1e-5), μ and var its mean and (biased) variance over the samples, before the activation.
        Such layers have no biases, which μ would take away again: β are in their place, and `bias`
        concerns the outputs alone, which are not normalised.
    residual : bool, optional
        Whether a hidden layer that is as wide as the hidden layer before adds what it was given to
        its output.
    weight_decay : float, optional
        The loss has ½·weight_decay·‖θ‖² besides.
    decay_biases : bool, optional
        Whether that θ includes the biases (γ and β); scikit-learn and many others leave them out.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of its range.

    Notes
    -----
    Parameters are one array θ: layer by layer, the weights W row by row, (outputs, inputs), then
    the biases; of a normalised layer W, γ, β.

    With the batch's own statistics the loss is no sum over samples, and a step of `minimize` with a
    `batch_size` takes those of its few; with frozen ones, see `statistics`, it is a sum again.

    References
    ----------
    S. Ioffe and C. Szegedy, Batch normalization, ICML 2015, arXiv:1502.03167, algorithm 1.

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
    batch_norm: bool = False
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
        put(self, "batch_norm", _truth("batch_norm", self.batch_norm))
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
        return sum(math.prod(shape) for layer in self._shapes() for shape in layer)

    def _shapes(self) -> list[list[tuple[int, ...]]]:
        """Shapes of the arrays of each layer."""
        shapes: list[list[tuple[int, ...]]] = []
        for inputs, outputs in pairwise(self.sizes):
            vectors = 2 if self.batch_norm else int(self.bias)
            shapes.append([(outputs, inputs), *[(outputs,)] * vectors])
        if self.batch_norm:
            shapes[-1][1:] = [shapes[-1][1]] * self.bias
        return shapes

    @property
    def decays(self) -> Floats:
        """Weight decay of each parameter, (size,)."""
        of_vectors = self.weight_decay if self.decay_biases else 0.0
        return np.concatenate([
            np.full(array.size, self.weight_decay if array.ndim == 2 else of_vectors)
            for layer in self.unpack(np.zeros(self.size)) for array in layer if array is not None
        ])  # fmt: skip

    def pack(self, layers: Sequence[Any]) -> Floats:
        """Put weights and biases of all layers into one array.

        Parameters
        ----------
        layers : sequence of (W, b)
            W (outputs, inputs) and b (outputs,) of each layer; only W, or None for b, in a network
            without biases; (W, γ, β) of a normalised layer.

        Returns
        -------
        (size,) float array

        Raises
        ------
        ValueError
            If an array has another shape.
        """
        shapes = self._shapes()
        if len(layers) != len(shapes):
            raise ValueError(f"`layers` must be one for each of {len(shapes)}, got {len(layers)}")
        parts = []
        for k, (layer, wanted) in enumerate(zip(layers, shapes, strict=True)):
            arrays = list(layer) if isinstance(layer, tuple | list) else [layer]
            if len(arrays) == 2 and arrays[1] is None:
                del arrays[1]
            if len(arrays) == 2 and len(wanted) == 1:
                raise ValueError(f"`layers[{k}]` has biases, and the network has none")
            if len(arrays) != len(wanted):
                raise ValueError(
                    f"`layers[{k}]` must have {len(wanted)} arrays, of shapes "
                    f"{', '.join(map(str, wanted))}, got {len(arrays)}"
                )
            parts += [_array(f"layers[{k}]", *pair) for pair in zip(arrays, wanted, strict=True)]
        return np.concatenate([part.ravel() for part in parts])

    def unpack(self, theta: ArrayLike) -> list[tuple[Any, ...]]:
        """Weights and biases of each layer, copied; None where there are no biases.

        Of a normalised layer W, γ and β.
        """
        numbers, at, layers = theta_of(theta, self.size), 0, []
        for shapes in self._shapes():
            arrays: list[Floats | None] = []
            for shape in shapes:
                arrays.append(numbers[at : (at := at + math.prod(shape))].reshape(shape))
            layers.append(tuple(arrays if len(arrays) > 1 else [*arrays, None]))
        return layers

    def forward(
        self, theta: ArrayLike, X: ArrayLike, *, statistics: Statistics | None = None
    ) -> Floats:
        """Outputs, (N, outputs), for inputs X (N, inputs): what the loss takes, before softmax.

        Normalised layers take the `statistics` of other samples if they are given.
        """
        return self._blank(X, statistics).outputs(theta)

    def statistics(self, theta: ArrayLike, X: ArrayLike) -> Statistics:
        """Return what normalised layers take from the samples X, for `objective` and `forward`.

        Parameters
        ----------
        theta : (size,) array_like
        X : (N, inputs) array_like
            At least two samples.

        Returns
        -------
        tuple of (mean, variance)
            Of each hidden layer, (units,) each, of z = W a; the variance is the biased one.

        Raises
        ------
        ValueError
            If the network has no batch norm, or there is one sample.

        Examples
        --------
        >>> from saddlelab import networks
        >>> network = networks.MLP([1, 1, 1], batch_norm=True)
        >>> theta = network.pack([([[2.0]], [1.0], [0.0]), ([[1.0]], [0.0])])
        >>> [(mean, variance)] = network.statistics(theta, [[0.0], [1.0]])
        >>> mean.item(), variance.item()
        (1.0, 1.0)
        >>> loss = network.objective([[3.0]], [[0.0]], statistics=[(mean, variance)])
        """
        if not self.batch_norm:
            raise ValueError("`batch_norm` must be True for statistics, got False")
        return self._blank(X, None).statistics_at(theta)

    def _blank(self, X: ArrayLike, statistics: Statistics | None) -> NetworkObjective:
        """An objective whose targets are of no account."""
        from saddlelab.networks.network_objective import NetworkObjective

        rows = inputs_of(X, self.sizes[0])
        blank = np.zeros((len(rows), self.sizes[-1] if self.loss != "cross_entropy" else 1))
        return NetworkObjective(self, rows, blank, statistics_of(statistics, self, len(rows)))

    def objective(
        self, X: ArrayLike, y: ArrayLike, *, statistics: Statistics | None = None
    ) -> NetworkObjective:
        """Return the mean loss over samples as a function of θ.

        Parameters
        ----------
        X : (N, inputs) array_like
        y : (N, outputs) or (N,) array_like
            Targets; classes 0, 1, … for cross_entropy, (N,) also for one output.
        statistics : sequence of (mean, variance), optional
            Frozen statistics of normalised layers, see `statistics`; by default those of X at each
            θ, through which derivatives go (training mode).

        Returns
        -------
        NetworkObjective

        Raises
        ------
        ValueError, TypeError
            If the shapes do not fit, a number is not finite, or a label is out of range; if there
            is one sample, and its own statistics are to be taken.
        """
        from saddlelab.networks.network_objective import NetworkObjective

        rows = inputs_of(X, self.sizes[0])
        targets = targets_of(y, len(rows), self.loss, self.sizes[-1])
        return NetworkObjective(self, rows, targets, statistics_of(statistics, self, len(rows)))


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
