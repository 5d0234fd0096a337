"""Landscapes to look at: slices, directions, what they show, and pictures of them."""

from saddlelab.landscapes.between import Barrier, barrier, slice_between
from saddlelab.landscapes.blocks import blocks_of
from saddlelab.landscapes.curvature_map import CurvatureMap, curvature_map
from saddlelab.landscapes.directions import (
    hessian_directions,
    normalise_direction,
    random_directions,
)
from saddlelab.landscapes.ensemble import SliceEnsemble, slice_ensemble
from saddlelab.landscapes.metrics import (
    convex_fraction,
    flatness,
    max_rise,
    mean_total_variation,
    roughness,
)
from saddlelab.landscapes.plots import (
    animate,
    plot_3d,
    plot_barrier,
    plot_contour,
    plot_curvature,
    plot_density,
    plot_directions,
    plot_eigenvectors,
    plot_ensemble,
    plot_filled,
    plot_line,
    plot_spectrum,
    plot_surface,
    plot_trajectory,
    plot_volume,
)
from saddlelab.landscapes.sharpness import Sharpness, sharpness
from saddlelab.landscapes.slice_result import Slice
from saddlelab.landscapes.slices import slice_line, slice_plane, slice_volume
from saddlelab.landscapes.trajectory import Trajectory, trajectory_plane

__all__ = [
    "Barrier",
    "CurvatureMap",
    "Sharpness",
    "Slice",
    "SliceEnsemble",
    "Trajectory",
    "animate",
    "barrier",
    "blocks_of",
    "convex_fraction",
    "curvature_map",
    "flatness",
    "hessian_directions",
    "max_rise",
    "mean_total_variation",
    "normalise_direction",
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
    "random_directions",
    "roughness",
    "sharpness",
    "slice_between",
    "slice_ensemble",
    "slice_line",
    "slice_plane",
    "slice_volume",
    "trajectory_plane",
]
