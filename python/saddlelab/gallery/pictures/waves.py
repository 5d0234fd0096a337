"""A bowl with waves."""

from saddlelab import landscapes, surfaces

TITLE = "sin(4x₀)cos(4x₁) + 2(x₀² + x₁²)"
CAPTION = (
    "A bowl with waves, as contours and as a surface, of the same 151 × 151 values. "
    "It has nine critical points, all known and certified, marked on the left: four minima, one of "
    "them far the lowest, four saddles and a maximum."
)
SIZE = (10.5, 4.8)


def draw(figure):
    """Draw contours, and the surface."""
    bowl = surfaces.sin_cos
    plane = landscapes.slice_plane(
        bowl, [0.0, 0.0], [1.0, 0.0], [0.0, 1.0], radius=1.25, resolution=151
    )
    left = figure.add_subplot(1, 2, 1)
    landscapes.plot_filled(plane, ax=left)
    known = bowl.points()
    for index, marker, name in ((0, "o", "minima"), (1, "X", "saddles"), (2, "^", "maximum")):
        x = known.x[known.index == index]
        left.plot(*x.T, marker, color="white", markeredgecolor="black", markersize=8, label=name)
    left.legend(loc="lower left", fontsize="small")
    left.set_title("Contours and critical points")
    right = figure.add_subplot(1, 2, 2, projection="3d")
    landscapes.plot_surface(plane, ax=right)
    right.view_init(36, -60)
    right.set_title("The surface")
