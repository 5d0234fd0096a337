"""The saddle surface."""

import numpy as np

from saddlelab import landscapes, surfaces

TITLE = "A saddle"
CAPTION = (
    "Up along one axis, down along the other: f = x₀² − x₁² has a vanishing gradient at the "
    "middle, and is neither lowest nor highest there. "
    "Both pictures are of the same 101 × 101 values."
)
SIZE = (9.6, 4.4)


def draw(figure):
    """Draw the surface, and its contours with the ways down."""
    saddle = surfaces.quadratic_saddle
    plane = landscapes.slice_plane(saddle, [0.0, 0.0], [1.0, 0.0], [0.0, 1.0], resolution=101)
    left = figure.add_subplot(1, 2, 1, projection="3d")
    landscapes.plot_surface(plane, ax=left)
    left.view_init(28, -52)
    left.set_title("The surface")
    right = figure.add_subplot(1, 2, 2, aspect="equal")
    landscapes.plot_directions(plane, np.zeros(2), ax=right)
    right.locator_params(nbins=5)
    right.set_title("Contours, and the unstable direction")
