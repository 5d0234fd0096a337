"""Glorot's and He's weights, and what becomes of a signal."""

import numpy as np

from saddlelab import networks

TITLE = "Glorot, He, and the signal by depth"
CAPTION = (
    "Left: the weights of one layer with 256 inputs and 128 units as each initialiser draws them. "
    "Right: mean square of what the units of each of 30 layers of 128 ReLUs are given, relative to "
    "the first, for one start: He's variance keeps it on average, Glorot's halves it in each layer."
)
SIZE = (10.5, 4.2)
KINDS = {
    "glorot_uniform": ("#e69f00", "--"),
    "glorot_normal": ("#d55e00", "-"),
    "he_uniform": ("#56b4e9", "--"),
    "he_normal": ("#0072b2", "-"),
}


def signal(theta, sizes, X):
    """Return the mean square of z in each layer, through the network up to that layer."""
    found = []
    for k in range(2, len(sizes) + 1):
        part = networks.MLP(sizes[:k], activation="relu")
        found.append(np.mean(part.forward(theta[: part.size], X) ** 2))
    return np.array(found)


def draw(figure):
    """Draw histograms of weights, and the signal."""
    left, right = figure.subplots(1, 2)
    sizes = [128] * 31
    X = np.random.default_rng(0).normal(size=(100, 128))
    for kind, (colour, dashes) in KINDS.items():
        weights = networks.initialise([256, 128], kind, rng=0, bias=False)
        left.hist(weights, bins=np.linspace(-0.3, 0.3, 81), density=True, histtype="step",
                  color=colour, linestyle=dashes, label=kind)  # fmt: skip
        squares = signal(networks.initialise(sizes, kind, rng=0), sizes, X)
        right.semilogy(np.arange(1, 31), squares / squares[0], dashes, color=colour, label=kind)
    left.set(xlabel="weight", ylabel="density", title="Weights of a layer")
    right.set(xlabel="layer", ylabel="mean square of z, relative", title="Signal by depth")
    left.legend(frameon=False, fontsize="small")
    right.legend(frameon=False, fontsize="small")
