"""A network of two weights."""

import numpy as np

from saddlelab import landscapes, minimize, surfaces

TITLE = "(1 − w₁w₂)²"
CAPTION = (
    "The smallest network: two weights in a chain, to learn the number 1, with a saddle at 0 and "
    "a whole valley of minima, w₁w₂ = 1. "
    "Of twelve runs of gradient descent eleven end in the valley, whose minima are degenerate, "
    "their neighbours as low; the one that began on w₁ = −w₂ ends at the saddle."
)
SIZE = (10.5, 4.8)


def draw(figure):
    """Draw paths over contours, and the surface."""
    chain = surfaces.two_weights
    plane = landscapes.slice_plane(
        chain, [0.0, 0.0], [1.0, 0.0], [0.0, 1.0], radius=2.0, resolution=121
    )
    left = figure.add_subplot(1, 2, 1, aspect="equal")
    landscapes.plot_contour(plane, ax=left)
    starts = np.random.default_rng(2).uniform(-1.8, 1.8, (11, 2))
    runs = minimize(chain, [*starts, (1.5, -1.5)], method="gd", lr=0.02, steps=2000, tol=1e-8,
                    record="x", rng=0)  # fmt: skip
    for path in runs.history.x:
        left.plot(*path.T, color="#e69f00", linewidth=1.3)
    for kind, marker, colour in (("degenerate", "D", "#0072b2"), ("saddle", "X", "#d55e00")):
        those = runs.x[runs.kind == kind]
        left.plot(*those.T, marker, color=colour, label=f"{len(those)} ended at: {kind}")
    left.locator_params(nbins=5)
    left.set(xlabel="w₁", ylabel="w₂", title="Gradient descent from twelve starts")
    left.legend(loc="upper right", fontsize="small")
    right = figure.add_subplot(1, 2, 2, projection="3d")
    landscapes.plot_surface(plane, ax=right, log=False)
    right.set(xlabel="w₁", ylabel="w₂", title="(1 − w₁w₂)²")
