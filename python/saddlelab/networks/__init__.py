"""Networks: where they start, and what is known of linear ones in closed form."""

from saddlelab.networks.deep_linear import learning_time, mode_curve
from saddlelab.networks.initialisers import gain_of, initialise
from saddlelab.networks.linear import linear_critical_points

__all__ = ["gain_of", "initialise", "learning_time", "linear_critical_points", "mode_curve"]
