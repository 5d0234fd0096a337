"""Blocks that networks are built of, each with its derivatives: norms, skips, attention, clipping.

>>> from saddlelab import blocks
>>> found = blocks.layer_norm([[1.0, 2.0, 6.0]])
>>> found.backward([[1.0, 1.0, 1.0]]).beta.tolist()
[1.0, 1.0, 1.0]
"""

from saddlelab.blocks.attention import (
    Attention,
    AttentionGradients,
    SoftmaxSaturation,
    attention,
)
from saddlelab.blocks.clipping import Clipped, clip_gradient
from saddlelab.blocks.normalisation import (
    Normalised,
    NormalisedGradients,
    batch_norm,
    layer_norm,
)
from saddlelab.blocks.residual import Residual, ResidualGradients, residual

__all__ = [
    "Attention",
    "AttentionGradients",
    "Clipped",
    "Normalised",
    "NormalisedGradients",
    "Residual",
    "ResidualGradients",
    "SoftmaxSaturation",
    "attention",
    "batch_norm",
    "clip_gradient",
    "layer_norm",
    "residual",
]
