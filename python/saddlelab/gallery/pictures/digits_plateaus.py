"""Plateaus of a loss that was really trained."""

from saddlelab import datasets, networks

TITLE = "Plateaus of a network that learns digits"
CAPTION = (
    "A sigmoid network 64-20-20-10 on the digits (8 × 8 pixels), whole batches, small first "
    "weights: the loss stands still, with a small gradient, until it has found its way down. "
    "What is shaded was found from the losses alone; the gradient's norm below is of the same "
    "epochs."
)
SIZE = (7.6, 6.2)


def draw(figure):
    """Draw losses with their plateaus, and gradient norms."""
    network = networks.MLP([64, 20, 20, 10], activation="sigmoid", loss="cross_entropy")
    data = datasets.digits(standardize=True)
    start = networks.initialise(network.sizes, "glorot_normal", gain=0.3, rng=0)
    run = networks.train(network, data, method="momentum", lr=0.05, batch_size=None, epochs=1000,
                         every=2, start=start, rng=0)  # fmt: skip
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(1.7, 1.0))
    run.plateaus.plot(ax=above)
    above.set(xlabel="", ylabel="training loss")
    below.semilogy(run.epochs, run.gradient_norm, color="#0072b2")
    below.set(xlabel="epochs", ylabel="‖∇f‖")
