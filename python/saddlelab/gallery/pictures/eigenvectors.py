"""Eigenvectors of the Hessian at a saddle."""

import numpy as np

from saddlelab import check, landscapes, surfaces

TITLE = "Eigenvectors at a saddle"
CAPTION = (
    "At a saddle of Müller and Brown's surface the Hessian's eigenvectors are the axes of the "
    "quadratic that fits f there: up along one, down along the other. "
    "On the right f itself along both, and the parabolas ½λt² that the eigenvalues promise, which "
    "hold near the saddle only."
)
SIZE = (10.0, 4.4)


def draw(figure):
    """Draw the directions over the contours, and f along them."""
    surface = surfaces.muller_brown
    known = surface.points()
    saddle = known.x[known.index == 1][0]
    eigenvalues, vectors = np.linalg.eigh(check(surface, saddle).hessian)
    left, right = figure.subplots(1, 2)
    plane = landscapes.slice_plane(
        surface, saddle, [1.0, 0.0], [0.0, 1.0], radius=0.35, resolution=121
    )
    landscapes.plot_contour(plane, ax=left)
    looks = [("down", "#d55e00", "-"), ("up", "#0072b2", "--")]
    for (name, colour, dashes), value, v in zip(looks, eigenvalues, vectors.T, strict=True):
        for sign in (-0.2, 0.2):
            left.annotate("", sign * v, (0.0, 0.0), zorder=3,
                          arrowprops={"arrowstyle": "->", "color": colour, "lw": 2})  # fmt: skip
        line = landscapes.slice_line(surface, saddle, v, radius=0.15)
        label = f"{name}: λ = {value:.0f}"
        right.plot(line.a, line.values, color=colour, linestyle=dashes, label=label)
        parabola = surface(saddle) + 0.5 * value * line.a**2
        right.plot(line.a, parabola, color=colour, linestyle=":", linewidth=1.0)
    right.plot([], [], color="0.3", linestyle=":", label="½λt²")
    left.set_title("The saddle, and its two directions")
    left.set_aspect("equal")
    right.set(xlabel="t along the eigenvector", ylabel="f", title="f along each")
    right.set_ylim(surface(saddle) - 12.0, surface(saddle) + 12.0)
    right.legend(frameon=False)
