"""saddlelab: what kind of critical point, how common, how an optimizer behaves there.

>>> import saddlelab
>>> print(saddlelab.classify([[2.0, 0.0], [0.0, -1.0]]).kind)
saddle
"""

from saddlecore import __version__
from saddlelab import (
    blocks,
    datasets,
    landscapes,
    models,
    networks,
    signals,
    spectrum,
    surfaces,
)
from saddlelab.blocks import AttentionStudy, attention_saturation
from saddlelab.critical import critical_points
from saddlelab.critical_result import CriticalPoints
from saddlelab.data_objective import DataObjective, data_objective
from saddlelab.derivatives import Derivative, gradient, hessian, hvp
from saddlelab.gallery import Gallery, gallery
from saddlelab.inertia import Classification, classify
from saddlelab.landscape_graph import LandscapeGraph, descend_from_saddle
from saddlelab.landscape_prevalence import LandscapePrevalence, prevalence_of
from saddlelab.landscapes import Slice, slice_line, slice_plane, slice_volume
from saddlelab.laws import IndexLaw, index_law, index_laws, log_minimum_probability
from saddlelab.models import (
    TorchSaturation,
    TrainingMonitor,
    from_jax,
    from_sklearn,
    from_torch,
    torch_saturation,
)
from saddlelab.objective import Objective, PythonSpeedWarning, objective
from saddlelab.optimize.annealing import annealing
from saddlelab.optimize.annealing_result import Annealing
from saddlelab.optimize.compare import compare
from saddlelab.optimize.comparison import Comparison
from saddlelab.optimize.escape import escape
from saddlelab.optimize.escape_scaling import EscapeScaling, escape_scaling
from saddlelab.optimize.escape_study import EscapeStudy
from saddlelab.optimize.grid import grid_search
from saddlelab.optimize.grid_result import GridSearch
from saddlelab.optimize.minimize import minimize
from saddlelab.optimize.multistart import multistart
from saddlelab.optimize.runs import Runs
from saddlelab.optimize.scipy_method import scipy_method
from saddlelab.plateaus import plateaus
from saddlelab.plateaus_result import Plateaus
from saddlelab.prevalence import PrevalenceStudy, WeightedStudy, prevalence
from saddlelab.rare import RareEvent, rare_prevalence
from saddlelab.signals import (
    MeanField,
    SaturationReport,
    edge_of_chaos,
    mean_field,
    saturation,
    saturation_history,
    signal_study,
    sweep,
)
from saddlelab.spectrum import (
    condition_number,
    curvature_fractions,
    extreme_eigenpairs,
    hessian_operator,
    negative_curvature_direction,
    spectral_density,
    trace,
)
from saddlelab.verdict import Verdict, check
from saddlelab.warmup import warmup

__all__ = [
    "Annealing",
    "AttentionStudy",
    "Classification",
    "Comparison",
    "CriticalPoints",
    "DataObjective",
    "Derivative",
    "EscapeScaling",
    "EscapeStudy",
    "Gallery",
    "GridSearch",
    "IndexLaw",
    "LandscapeGraph",
    "LandscapePrevalence",
    "MeanField",
    "Objective",
    "Plateaus",
    "PrevalenceStudy",
    "PythonSpeedWarning",
    "RareEvent",
    "Runs",
    "SaturationReport",
    "Slice",
    "TorchSaturation",
    "TrainingMonitor",
    "Verdict",
    "WeightedStudy",
    "__version__",
    "annealing",
    "attention_saturation",
    "blocks",
    "check",
    "classify",
    "compare",
    "condition_number",
    "critical_points",
    "curvature_fractions",
    "data_objective",
    "datasets",
    "descend_from_saddle",
    "edge_of_chaos",
    "escape",
    "escape_scaling",
    "extreme_eigenpairs",
    "from_jax",
    "from_sklearn",
    "from_torch",
    "gallery",
    "gradient",
    "grid_search",
    "hessian",
    "hessian_operator",
    "hvp",
    "index_law",
    "index_laws",
    "landscapes",
    "log_minimum_probability",
    "mean_field",
    "minimize",
    "models",
    "multistart",
    "negative_curvature_direction",
    "networks",
    "objective",
    "plateaus",
    "prevalence",
    "prevalence_of",
    "rare_prevalence",
    "saturation",
    "saturation_history",
    "scipy_method",
    "signal_study",
    "signals",
    "slice_line",
    "slice_plane",
    "slice_volume",
    "spectral_density",
    "spectrum",
    "surfaces",
    "sweep",
    "torch_saturation",
    "trace",
    "warmup",
]
