"""Gradients that vanish and explode."""

import numpy as np

from saddlelab import datasets, networks

TITLE = "Vanishing and exploding gradients"
CAPTION = (
    "Norms of the gradient by each layer's weights and biases, before any training, of networks "
    "with 30 hidden layers of 32 units on digits: mean of logarithms over ten starts, and their "
    "range. "
    "By the biases it is the signal that comes back, averaged over samples: sigmoids lose a factor "
    "in each layer, ReLUs with Glorot's variance too, weights too large gain one; by the weights "
    "that is multiplied by the signal that comes forward, which hides it for ReLUs."
)
SIZE = (11.0, 4.8)
CASES = (
    ("sigmoid, Glorot", "sigmoid", "glorot_normal", 1.0, "#d55e00", "-"),
    ("tanh, Glorot", "tanh", "glorot_normal", 1.0, "#cc79a7", "--"),
    ("ReLU, Glorot", "relu", "glorot_normal", 1.0, "#e69f00", "-."),
    ("ReLU, He", "relu", "he_normal", 1.0, "#009e73", "-"),
    ("ReLU, He × 1.5", "relu", "he_normal", 1.5, "#0072b2", "--"),
)


def draw(figure):
    """Draw the norms against the layer."""
    data = datasets.digits(standardize=True)
    sizes = [64, *[32] * 30, 10]
    axes = figure.subplots(1, 2, sharey=True)
    for label, activation, kind, gain, colour, dashes in CASES:
        network = networks.MLP(sizes, activation=activation, loss="cross_entropy")
        loss = network.objective(data.X[:300], data.y[:300])
        norms = np.array([
            [[np.linalg.norm(array) for array in layer]
             for layer in network.unpack(loss.gradient(theta))]
            for theta in networks.initialise(sizes, kind, gain=gain, rng=0, count=10)
        ])  # fmt: skip
        layers = np.arange(1, len(sizes))
        for ax, each in zip(axes, np.moveaxis(norms, 2, 0), strict=True):
            mean = np.exp(np.log(each).mean(axis=0))
            ax.semilogy(layers, mean, dashes, color=colour, label=label)
            ax.fill_between(layers, each.min(axis=0), each.max(axis=0), color=colour, alpha=0.15,
                            linewidth=0)  # fmt: skip
    axes[0].set(xlabel="layer (1 is next to the input)", ylabel="norm", title="‖∂loss/∂W‖")
    axes[1].set(xlabel="layer", title="‖∂loss/∂b‖")
    axes[0].legend(frameon=False, ncols=2, fontsize="small")
