"""Multilayer networks as objectives: values, exact derivatives, Hessians and Gauss–Newton matrices.

Also where they start, and what is known of linear ones in closed form.

>>> from saddlelab import check, networks
>>> loss = networks.MLP([1, 1, 1], activation="linear", bias=False).objective([[1.0]], [[1.0]])
>>> print(check(loss, [0.0, 0.0]))
saddle, index 1, certified: f = 0.5, |gradient| = 0
"""

from saddlelab.networks.critical import network_critical_points
from saddlelab.networks.critical_result import NetworkCriticalPoints
from saddlelab.networks.deep_linear import learning_time, mode_curve
from saddlelab.networks.depth import depth_study
from saddlelab.networks.depth_result import DepthStudy
from saddlelab.networks.initialisers import gain_of, initialise
from saddlelab.networks.linear import linear_critical_points
from saddlelab.networks.mlp import ACTIVATIONS, LOSSES, MLP
from saddlelab.networks.modes import LinearModes, linear_modes
from saddlelab.networks.nearest import Nearest, nearest_critical_point
from saddlelab.networks.network_objective import NetworkObjective
from saddlelab.networks.spread import minima_spread
from saddlelab.networks.spread_result import MinimaSpread
from saddlelab.networks.symmetries import exact_symmetries
from saddlelab.networks.train import train
from saddlelab.networks.training import Training

__all__ = [
    "ACTIVATIONS",
    "LOSSES",
    "MLP",
    "DepthStudy",
    "LinearModes",
    "MinimaSpread",
    "Nearest",
    "NetworkCriticalPoints",
    "NetworkObjective",
    "Training",
    "depth_study",
    "exact_symmetries",
    "gain_of",
    "initialise",
    "learning_time",
    "linear_critical_points",
    "linear_modes",
    "minima_spread",
    "mode_curve",
    "nearest_critical_point",
    "network_critical_points",
    "train",
]
