"""Activations, their derivatives, and where they saturate."""

import numpy as np

from saddlelab import networks

TITLE = "Activations and their derivatives"
CAPTION = (
    "What a hidden unit answers to its input z, and the derivative that backpropagation multiplies "
    "by; shaded is where that is below 0.05: the unit is saturated there. "
    "All values are a network's own, the derivatives its exact gradients; a ReLU's zero side is "
    "flat from 0 on, a leaky one's falls by 0.01 and is as good as flat."
)
SIZE = (13.0, 4.8)
NAMES = ("sigmoid", "tanh", "relu", "leaky_relu", "elu")


def response(name, z):
    """Return a unit's output and derivative: the gradient of ½(u − y)² by its bias, y = u − 1."""
    unit = networks.MLP([1, 1, 1], activation=name)
    theta = unit.pack([([[1.0]], [0.0]), ([[1.0]], [0.0])])
    u = unit.forward(theta, z[:, None])[:, 0]
    targets = zip(z, u - 1.0, strict=True)
    return u, np.array([unit.objective([[a]], [y]).gradient(theta)[1] for a, y in targets])


def draw(figure):
    """Draw each above its derivative."""
    z = np.linspace(-6.0, 6.0, 241)
    axes = figure.subplots(2, len(NAMES), sharex=True, sharey="row")
    for name, above, below in zip(NAMES, *axes, strict=True):
        value, slope = response(name, z)
        above.plot(z, value, color="#0072b2")
        below.plot(z, slope, color="#d55e00")
        for ax in (above, below):
            ax.fill_between(z, 0.0, 1.0, where=np.abs(slope) < 0.05, color="0.85",
                            transform=ax.get_xaxis_transform(), zorder=0)  # fmt: skip
        above.set(title=name, ylim=(-1.5, 4.0))
        below.set(xlabel="z", ylim=(-0.05, 1.1))
    axes[0, 0].set_ylabel("f(z)")
    axes[1, 0].set_ylabel("f′(z)")
