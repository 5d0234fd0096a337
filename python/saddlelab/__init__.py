"""saddlelab: what kind of critical point, how common, how an optimizer behaves there.

>>> import saddlelab
>>> print(saddlelab.classify([[2.0, 0.0], [0.0, -1.0]]).kind)
saddle
"""

from saddlecore import __version__
from saddlelab import surfaces
from saddlelab.critical import CriticalPoints, critical_points
from saddlelab.derivatives import Derivative, gradient, hessian, hvp
from saddlelab.inertia import Classification, classify
from saddlelab.landscape_graph import LandscapeGraph, descend_from_saddle
from saddlelab.objective import Objective, PythonSpeedWarning, objective
from saddlelab.prevalence import PrevalenceStudy, prevalence
from saddlelab.verdict import Verdict, check
from saddlelab.warmup import warmup

__all__ = [
    "Classification",
    "CriticalPoints",
    "Derivative",
    "LandscapeGraph",
    "Objective",
    "PrevalenceStudy",
    "PythonSpeedWarning",
    "Verdict",
    "__version__",
    "check",
    "classify",
    "critical_points",
    "descend_from_saddle",
    "gradient",
    "hessian",
    "hvp",
    "objective",
    "prevalence",
    "surfaces",
    "warmup",
]
