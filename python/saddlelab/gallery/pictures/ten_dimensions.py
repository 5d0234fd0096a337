"""A saddle of ten variables, seen through two pairs of directions."""

import numpy as np

from saddlelab import landscapes, minimize, objective

TITLE = "A saddle of ten variables"
CAPTION = (
    "Five ways up and five down: gradient descent in the plane of its own principal components "
    "(colours: how far it is from that plane), and in the plane of the Hessian's outermost "
    "eigenvectors. "
    "PCA of isotropic points (right) shows nothing: no component holds much more than its share of "
    "a tenth, so a picture of such points in two of them has no meaning."
)
SIZE = (14.0, 4.4)
CURVATURES = np.array([3.0, 2.5, 2.0, 1.5, 1.0, -0.2, -0.4, -0.6, -0.8, -1.0])


@objective
def saddle(x):
    """½ Σ λᵢ xᵢ²."""
    return 0.5 * np.sum(CURVATURES * x**2)


def shares(points):
    """Return the part of the variance that each principal component holds."""
    squares = np.linalg.svd(points - points.mean(axis=0), compute_uv=False) ** 2
    return squares / squares.sum()


def draw(figure):
    """Draw the trajectory's plane, the eigenvectors' plane, and what PCA makes of isotropy."""
    rng = np.random.default_rng(0)
    start = np.repeat([1.0, 0.05], 5)
    path = minimize(saddle, start, method="gd", lr=0.05, steps=70, record="x").history.x
    left, middle, right = figure.subplots(1, 3)
    trajectory = landscapes.trajectory_plane(path)
    trajectory.plot(ax=left, surface=trajectory.slice(saddle))
    down, *_, up = np.linalg.eigh(saddle.hessian(np.zeros(10)))[1].T
    plane = landscapes.slice_plane(saddle, np.zeros(10), down, up, radius=2.2)
    landscapes.plot_contour(plane, ax=middle)
    middle.plot(*plane.coordinates(path)[0].T, ".-", color="#d55e00")
    middle.locator_params(nbins=5)
    middle.set(xlabel="along the lowest, λ = −1", ylabel="along the highest, λ = 3",
               title="In the plane of two eigenvectors", aspect="equal")  # fmt: skip
    components = np.arange(1, 11)
    label = "1000 isotropic points"
    right.bar(components, shares(rng.normal(size=(1000, 10))), color="0.6", label=label)
    right.plot(components, shares(path), "o-", color="#d55e00", label="this trajectory")
    right.set(xlabel="principal component", ylabel="part of the variance",
              title="What each component holds")  # fmt: skip
    right.legend(frameon=False)
