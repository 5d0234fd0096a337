"""Residual stacks."""

import numpy as np

from saddlelab import datasets, networks

TITLE = "Residual stacks"
CAPTION = (
    "Twenty hidden layers of 24 units on digits: the gradient's norm by the weights of each layer "
    "before training, and the losses of Adam with a learning rate of 0.001. "
    "A layer that adds what it was given lets the gradient through; He's variance and batch norm "
    "keep the ReLUs' signal, and other rates and longer training would narrow the differences."
)
SIZE = (10.5, 4.4)
SIZES = [64, *[24] * 20, 10]
CASES = {
    "plain sigmoid": (("sigmoid", "glorot_normal", False, False), "#d55e00", "--"),
    "sigmoid, skip": (("sigmoid", "glorot_normal", False, True), "#e69f00", "-."),
    "plain ReLU, He": (("relu", "he_normal", False, False), "#56b4e9", "--"),
    "ReLU, He, batch norm, skip": (("relu", "he_normal", True, True), "#0072b2", "-"),
}


def draw(figure):
    """Draw the gradients, and the losses."""
    data = datasets.digits(standardize=True)
    left, right = figure.subplots(1, 2)
    for label, ((activation, kind, batch_norm, residual), colour, dashes) in CASES.items():
        network = networks.MLP(SIZES, activation=activation, loss="cross_entropy",
                               batch_norm=batch_norm, residual=residual)  # fmt: skip
        start = networks.initialise(SIZES, kind, rng=0, batch_norm=batch_norm)
        gradient = network.objective(data.X, data.y).gradient(start)
        norms = [np.linalg.norm(layer[0]) for layer in network.unpack(gradient)]
        left.semilogy(np.arange(1, len(SIZES)), norms, dashes, color=colour, label=label)
        run = networks.train(network, data, start=start, lr=1e-3, epochs=15, rng=0)
        right.semilogy(run.epochs, run.loss, dashes, color=colour, label=label)
    left.set(xticks=range(1, 22, 4), xlabel="layer", ylabel="‖∂loss/∂W‖",
             title="Gradient before training")  # fmt: skip
    right.set(xlabel="epochs", ylabel="training loss", title="Training")
    right.legend(frameon=False, fontsize="small")
