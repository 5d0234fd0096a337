"""Multilayer networks as objectives: values, exact derivatives, Hessians and Gauss–Newton matrices.

Also where they start, and what is known of linear ones in closed form.

>>> from saddlelab import check, networks
from saddlelab.networks.critical import network_critical_points
from saddlelab.networks.critical_result import NetworkCriticalPoints
from saddlelab.networks.deep_linear import learning_time, mode_curve
from saddlelab.networks.depth import depth_study
from saddlelab.networks.depth_result import DepthStudy
from saddlelab.networks.initialisers import gain_of, initialise
from saddlelab.networks.linear import linear_critical_points
from saddlelab.networks.mlp import ACTIVATIONS, LOSSES, MLP
from saddlelab.networks.modes import LinearModes, linear_modes
from saddlelab.networks.network_objective import NetworkObjective
from saddlelab.networks.spread import minima_spread
from saddlelab.networks.spread_result import MinimaSpread
from saddlelab.networks.symmetries import exact_symmetries

__all__ = [
    "ACTIVATIONS",
    "LOSSES",
    "MLP",
    "DepthStudy",
    "LinearModes",
    "MinimaSpread",
    "NetworkCriticalPoints",
    "NetworkObjective",
    "depth_study",
    "exact_symmetries",
    "gain_of",
    "initialise",
    "learning_time",
    "linear_critical_points",
    "linear_modes",
    "minima_spread",
    "mode_curve",
    "network_critical_points",
]
