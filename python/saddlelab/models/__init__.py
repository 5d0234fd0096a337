"""Models of other libraries as objectives: losses of torch, JAX and scikit-learn.

Everything of saddlelab takes them; models of many parameters are only ever multiplied with.
"""

from saddlelab.models.from_jax import from_jax
from saddlelab.models.from_sklearn import from_sklearn
from saddlelab.models.from_torch import from_torch
from saddlelab.models.model_objective import ModelObjective
from saddlelab.models.saturation_result import TorchSaturation
from saddlelab.models.torch_saturation import torch_saturation
from saddlelab.models.training_monitor import TrainingMonitor

__all__ = ["ModelObjective", "TorchSaturation", "TrainingMonitor", "from_jax", "from_sklearn",
           "from_torch", "torch_saturation"]  # fmt: skip
