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
from saddlelab.blocks.study import attention_saturation
from saddlelab.blocks.study_result import AttentionStudy

__all__ = [
    "Attention",
    "AttentionGradients",
    "AttentionStudy",
    "Clipped",
    "Normalised",
    "NormalisedGradients",
    "Residual",
    "ResidualGradients",
    "SoftmaxSaturation",
    "attention",
    "attention_saturation",
    "batch_norm",
    "clip_gradient",
    "layer_norm",
    "residual",
]
