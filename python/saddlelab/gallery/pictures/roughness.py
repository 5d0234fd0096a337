"""Roughness of loss landscapes, with and without skip connections."""

import numpy as np

from saddlelab import datasets, landscapes, networks

TITLE = "Roughness of two landscapes"
CAPTION = (
    "Loss planes around the weights that two trained networks of twenty hidden layers ended at, "
    "along random filter-normalised directions (Li et al. 2018). "
    "Above each: the mean distance of the values from a smoothed copy, as a part of their range, "
    "and the fraction of convex second differences; it is one plane of very many, and one training."
)
SIZE = (11.0, 4.8)


def draw(figure):
    """Draw both planes."""
    data = datasets.digits(standardize=True)
    sizes = [64, *[16] * 20, 10]
    for ax, residual in zip(figure.subplots(1, 2), (False, True), strict=True):
        network = networks.MLP(sizes, loss="cross_entropy", residual=residual)
        run = networks.train(network, data, epochs=30, lr=1e-3, rng=0)
        loss = network.objective(data.X[:300], data.y[:300])
        u, v = landscapes.random_directions(run.theta, 2, blocks=network, rng=0)
        plane = landscapes.slice_plane(loss, run.theta, u, v, resolution=51)
        landscapes.plot_filled(plane, ax=ax, log=False)
        figure.axes[-1].set_ylabel("loss")
        ax.locator_params(nbins=5)
        rough = landscapes.roughness(plane) / np.ptp(plane.values)
        convex = landscapes.convex_fraction(plane)
        name = "with skips" if residual else "plain"
        ax.set_title(f"{name}: roughness {100 * rough:.1f} %, convex {100 * convex:.0f} %")
