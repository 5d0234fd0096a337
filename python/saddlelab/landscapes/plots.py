"""All pictures of landscapes, each ``plot_x(result, *, ax=None)``."""

from saddlelab.landscapes.interactive import plot_3d
from saddlelab.landscapes.map_plot import (
    plot_curvature,
    plot_density,
    plot_directions,
    plot_eigenvectors,
    plot_spectrum,
)
from saddlelab.landscapes.slice_plot import (
    plot_barrier,
    plot_contour,
    plot_ensemble,
    plot_filled,
    plot_line,
    plot_surface,
    plot_volume,
)
from saddlelab.landscapes.trajectory_plot import animate, plot_trajectory

__all__ = [
    "animate",
    "plot_3d",
    "plot_barrier",
    "plot_contour",
    "plot_curvature",
    "plot_density",
    "plot_directions",
    "plot_eigenvectors",
    "plot_ensemble",
    "plot_filled",
    "plot_line",
    "plot_spectrum",
    "plot_surface",
    "plot_trajectory",
    "plot_volume",
]
