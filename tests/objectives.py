"""The functions that tests of objectives share: each is compiled once in a process."""

from reference.functions import CASES

from saddlelab.as_objective import as_objective

#: With sums, slices and functions of whole arrays.
NUMPY_STYLE = (
    "powell_badly_scaled", "extended_rosenbrock", "penalty_1", "indefinite_form", "quartic",
    "large_offset", "runge", "negative_power", "soft_norm", "real_power", "absolute_cube",
    "log_sum_exp", "entropy", "tanh_layers", "hyperbolic", "near_one", "tangent", "spin_chain",
    "bump", "nested", "offset_waves",
)  # fmt: skip
#: With loops over the numbers, and over data.
WITH_LOOPS = (
    "jennrich_sampson", "bard", "box_3d", "penalty_2", "variably_dimensioned", "trigonometric",
    "discrete_boundary_value", "broyden_tridiagonal", "definite_form", "singular_form", "product",
    "barrier", "logistic_regression",
)  # fmt: skip
#: Number by number, the scales of the variables far apart or the Hessian singular.
SHORT = ("rosenbrock", "brown_badly_scaled", "mixed_units", "monkey_saddle", "two_weights", "ratio")
TABLE = (*NUMPY_STYLE, *WITH_LOOPS, *SHORT)


def prepared(name):
    """(case, objective) of the table."""
    return CASES[name], as_objective(CASES[name].fun)
