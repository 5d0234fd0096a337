"""Optimizers compared."""

import numpy as np

from saddlelab import compare, surfaces

TITLE = "Optimizers compared"
CAPTION = (
    "The same 200 starts for all on Rosenbrock's function of ten variables: values against steps "
    "and against what a step costs, and what kind of point each start was at after 3000. "
    "Learning rates are those in the code, others would give another order; at a gradient-flat "
    "point the gradient is small and no critical point is at hand."
)
SIZE = (13.0, 4.4)
RATES = {"gd": 1e-3, "momentum": 5e-4, "nesterov": 5e-4, "rmsprop": 1e-3, "adam": 1e-2,
         "trust_region": 1.0}  # fmt: skip


def draw(figure):
    """Draw the comparison."""
    starts = np.random.default_rng(0).uniform(-1.5, 1.5, (200, 10))
    found = compare(surfaces.rosenbrock, starts, list(RATES), steps=3000, every=10,
                    learning_rate=RATES, timed=False, rng=0)  # fmt: skip
    found.plot(figure=figure)
