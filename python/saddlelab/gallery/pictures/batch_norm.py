"""Batch normalisation, before and after."""

import numpy as np

from saddlelab import datasets, networks

TITLE = "Batch norm, before and after"
CAPTION = (
    "A sigmoid network of eight hidden layers on digits: what the units of its last hidden layer "
    "are given before training, without and with batch norm, and the losses of both in training. "
    "Without it a unit's input hardly depends on the sample (the bar is one bin wide, its values "
    "are closer yet); normalised inputs do, and the same steps of Adam then learn."
)
SIZE = (10.5, 4.2)
SIZES = [64, *[24] * 8, 10]


def preactivations(theta, X, batch_norm):
    """Return what the last hidden layer's activation is given, less each unit's mean."""
    hidden = SIZES[:-1]
    # The network up to that layer, whose units are then outputs, and not yet normalised.
    part = networks.MLP(hidden, activation="sigmoid", batch_norm=batch_norm)
    z = part.forward(np.resize(theta, part.size), X)
    z = z - z.mean(axis=0)
    return z / np.sqrt(z.var(axis=0) + 1e-5) if batch_norm else z


def draw(figure):
    """Draw the histograms, and the losses."""
    data = datasets.digits(standardize=True)
    left, right = figure.subplots(1, 2)
    looks = {False: ("without", "#d55e00", "--"), True: ("with batch norm", "#0072b2", "-")}
    for batch_norm, (label, colour, dashes) in looks.items():
        network = networks.MLP(SIZES, activation="sigmoid", loss="cross_entropy",
                               batch_norm=batch_norm)  # fmt: skip
        theta = networks.initialise(SIZES, "glorot_normal", rng=0, batch_norm=batch_norm)
        z = preactivations(theta, data.X, batch_norm)
        left.hist(z.ravel(), bins=np.linspace(-4.0, 4.0, 161), density=True, histtype="step",
                  color=colour, linestyle=dashes, label=f"{label}: deviation {z.std():.1g}")
        run = networks.train(network, data, start=theta, lr=3e-3, epochs=25, rng=0)
        right.semilogy(run.epochs, run.loss, dashes, color=colour, label=label)
    left.set(yscale="log", xlabel="z less its unit's mean", ylabel="density",
             title="Inputs of the units of layer 8")  # fmt: skip
    right.set(xlabel="epochs", ylabel="training loss", title="Adam, learning rate 0.003")
    left.set_ylim(top=200.0)
    left.legend(frameon=False, loc="upper center")
    right.legend(frameon=False)
