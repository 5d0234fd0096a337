"""Multilayer networks as objectives: values, exact derivatives, Hessians and Gauss–Newton matrices.

>>> from saddlelab import check, networks
>>> loss = networks.MLP([1, 1, 1], activation="linear", bias=False).objective([[1.0]], [[1.0]])
>>> print(check(loss, [0.0, 0.0]))
saddle, index 1, certified: f = 0.5, |gradient| = 0
"""

from saddlelab.networks.mlp import ACTIVATIONS, LOSSES, MLP
from saddlelab.networks.network_objective import NetworkObjective

__all__ = ["ACTIVATIONS", "LOSSES", "MLP", "NetworkObjective"]
