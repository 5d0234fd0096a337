"""Detecting saddles: all of them on a surface, and one that a run meets."""

import numpy as np

from saddlelab import critical_points, minimize, surfaces

TITLE = "Detecting saddles"
CAPTION = (
    "Left: every critical point of Himmelblau's function, its kind from the certified signs of the "
    "Hessian's eigenvalues. "
    "Right: a gradient descent that passes a saddle; where the gradient is small while the lowest "
    "eigenvalue is negative (shaded) it stands near a saddle, and a small gradient alone would not "
    "tell."
)
SIZE = (11.0, 4.6)


def draw(figure):
    """Draw the surface's points, and the run."""
    left, right = figure.subplots(1, 2)
    critical_points(surfaces.himmelblau, rng=0).plot(ax=left)
    surface = surfaces.escape_saddle
    run = minimize(surface, [[1.5, 1e-4]], method="gd", lr=0.1, steps=250, record="x", rng=0)
    steps, path = run.history.steps("x"), run.history.x[0]
    slope = np.linalg.norm(surface.gradient(path), axis=1)
    lowest = np.linalg.eigvalsh(surface.hessian(path))[:, 0]
    near = (slope < 0.05) & (lowest < 0.0)
    right.semilogy(steps, slope, color="#0072b2", label="‖∇f‖")
    right.axhline(0.05, color="0.5", linewidth=0.8, linestyle=":")
    right.fill_between(steps, 0.0, 1.0, where=near, transform=right.get_xaxis_transform(),
                       color="#e69f00", alpha=0.25, label="saddle detected")  # fmt: skip
    right.set(xlabel="steps", ylabel="‖∇f‖", title="A run that meets a saddle")
    other = right.twinx()
    other.plot(steps, lowest, color="#d55e00", linestyle="--", label="lowest eigenvalue")
    other.axhline(0.0, color="0.7", linewidth=0.6)
    other.set_ylabel("lowest eigenvalue")
    lines = [*right.get_legend_handles_labels()[0], *other.get_legend_handles_labels()[0]]
    right.legend(handles=lines, loc="lower right", fontsize="small")
