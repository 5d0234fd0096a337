"""Whether signals pass a network, where they do not, and what would help."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from saddlelab.networks.mlp import MLP

__all__ = ["Passage", "judge"]

Floats: TypeAlias = NDArray[np.float64]

#: By how much norms of gradients may differ from those of the outputs; squares by its square.
FACTOR = 1e3

_INITIALISER = {
    "relu": "he_normal", "leaky_relu": "he_normal", "gelu": "he_normal", "silu": "he_normal",
    "elu": "he_normal", "selu": "lecun_normal", "softplus": "lecun_normal",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Passage:
    """Whether signals pass, and if they do not, where and why.

    Attributes
    ----------
    kind : str
        "healthy", "vanishing" or "exploding": gradients a thousand times smaller or larger than at
        the outputs, or z² a million times larger, or its variance over samples a million times
        smaller, than in the first layer.
    layer : int or None
        Where that begins; 1 is the first.
    reason, advice : str
        With the figure, and what would help.
    """

    kind: str
    layer: int | None
    reason: str
    advice: str

    def __str__(self) -> str:
        """All of it in a line."""
        if self.layer is None:
            return self.kind
        return f"{self.kind} at layer {self.layer}: {self.reason}. What would help: {self.advice}"


def judge(
    network: MLP, norms: Floats, spread: Floats, squares: Floats, saturated: Floats
) -> Passage:
    """Return the verdict from figures of all layers, the outputs the last.

    `norms` are those of gradients, `spread` variances over samples, `squares` mean squares of z;
    `saturated` fractions of the hidden layers.  Gradients come first, but for overflow; the layer
    is that where they first leave the limits, on their way from the outputs, or signals on theirs
    from the inputs.
    """
    with np.errstate(all="ignore"):
        gradients = norms / norms[-1]
        parts, lengths = spread / spread[0], squares / squares[0]
    if not np.isfinite(squares).all():
        layer = int(np.argmin(np.isfinite(squares))) + 1
        return _found("exploding", layer, f"E z² overflows at layer {layer}", network, saturated)
    if norms[-1] > 0.0:
        for bad, kind in (
            (~(gradients <= FACTOR), "exploding"),
            (gradients < 1.0 / FACTOR, "vanishing"),
        ):
            if bad.any():
                layer = int(np.flatnonzero(bad)[-1]) + 1
                reason = f"‖∂ℓ/∂z‖ of layer {layer} is {gradients[layer - 1]:.2g} times that of "
                return _found(kind, layer, reason + "the outputs", network, saturated)
    for bad, kind, text, values in (
        (~(lengths <= FACTOR**2), "exploding", "E z²", lengths),
        (parts < FACTOR**-2, "vanishing", "the variance of z over samples", parts),
    ):
        if bad.any():
            layer = int(np.argmax(bad)) + 1
            reason = f"{text} at layer {layer} is {values[layer - 1]:.2g} times that of layer 1"
            return _found(kind, layer, reason, network, saturated)
    return Passage("healthy", None, "", "")


def _found(kind: str, layer: int, reason: str, network: MLP, saturated: Floats) -> Passage:
    worst = int(np.argmax(saturated)) if len(saturated) else 0
    # Half of a ReLU's slopes are 0 in the best of networks.
    full = network.activation in ("sigmoid", "tanh") and len(saturated) and saturated[worst] > 0.5
    if full:
        reason += f"; layer {worst + 1} is saturated to {100 * saturated[worst]:.3g} %"
    initialiser = _INITIALISER.get(network.activation, "orthogonal")
    parts: list[str] = []
    if kind == "exploding":
        parts += ["clip gradients", f"smaller weights: {initialiser}"]
    elif network.activation == "sigmoid":
        parts += [f"{'smaller weights, or ' if full else ''}tanh with orthogonal weights or "
                  "ReLU with he_normal in place of the sigmoid"]  # fmt: skip
    else:
        parts += [f"{'smaller' if full else 'other'} weights: "
                  f"{initialiser}"]  # fmt: skip
    parts += [] if network.batch_norm else ["batch_norm=True"]
    parts += [] if network.residual else ["residual=True (skip connections)"]
    return Passage(kind, layer, reason, "; ".join(parts))
