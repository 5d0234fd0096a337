"""Multilayer networks as objectives: values, exact derivatives, Hessians and Gauss–Newton matrices.

Also where they start, and what is known of linear ones in closed form.

>>> from saddlelab import check, networks
>>> loss = networks.MLP([1, 1, 1], activation="linear", bias=False).objective([[1.0]], [[1.0]])
>>> print(check(loss, [0.0, 0.0]))
saddle, index 1, certified: f = 0.5, |gradient| = 0
"""

from saddlelab.networks.deep_linear import learning_time, mode_curve
from saddlelab.networks.initialisers import gain_of, initialise
from saddlelab.networks.linear import linear_critical_points
from saddlelab.networks.mlp import ACTIVATIONS, LOSSES, MLP
from saddlelab.networks.nearest import Nearest, nearest_critical_point
from saddlelab.networks.network_objective import NetworkObjective
from saddlelab.networks.train import train
from saddlelab.networks.training import Training

__all__ = [
    "ACTIVATIONS",
    "LOSSES",
    "MLP",
    "Nearest",
    "NetworkObjective",
    "Training",
    "gain_of",
    "initialise",
    "learning_time",
    "linear_critical_points",
    "mode_curve",
    "nearest_critical_point",
    "train",
]
