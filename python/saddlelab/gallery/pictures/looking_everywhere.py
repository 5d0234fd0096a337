"""Annealing and grid search."""

import numpy as np

from saddlelab import annealing, grid_search, surfaces

TITLE = "Annealing and grid search"
CAPTION = (
    "Rastrigin's function has a hundred minima and more in this box, one of them at 0. "
    "On the left 64 Metropolis chains that are cooled: the band holds 80 % of their values, which "
    "climb while it is warm; on the right the ten best points of a grid of 101 × 101 and the best "
    "point that each chain came by."
)
SIZE = (11.0, 4.8)


def draw(figure):
    """Draw the chains' values, and what both found."""
    bumpy, box = surfaces.rastrigin, [(-5.12, 5.12)] * 2
    found = annealing(bumpy, box, chains=64, steps=3000, record=10, rng=0)
    left, right = figure.subplots(1, 2)
    low, middle, high = np.quantile(found.history.value, [0.1, 0.5, 0.9], axis=0)
    steps = found.history.steps
    left.fill_between(steps, low, high, color="#0072b2", alpha=0.2, linewidth=0)
    left.plot(steps, middle, color="#0072b2", label="median value of the chains")
    best = np.median(found.history.best, axis=0)
    left.plot(steps, best, color="#009e73", linestyle="-.", label="median of the best so far")
    left.plot(found.temperatures, color="#d55e00", linestyle="--", label="temperature")
    left.set(yscale="log", xlabel="steps", ylabel="f, temperature", title="Annealing",
             ylim=(1e-4, None))  # fmt: skip
    left.legend(frameon=False, fontsize="small", loc="lower left")
    grid_search(bumpy, box, 101).plot(ax=right)
    right.plot(*found.x.T, "x", color="#d55e00", markersize=7, label="chains' best points")
    right.legend(loc="upper right", fontsize="small")
