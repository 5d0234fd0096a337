"""Gradient clipping at a cliff."""

import numpy as np

from saddlelab import landscapes, minimize, objective

TITLE = "Clipping at a cliff"
CAPTION = (
    "The error of one recurrent unit after 50 steps has a cliff where its state flips from one "
    "fixed point to the other (Pascanu, Mikolov and Bengio 2013, figure 6). "
    "Gradient descent from the same start with the same rate: plain, one step on the "
    "cliff throws it far off; with the gradient's norm clipped at ½ it follows the cliff down "
    "(of 400 starts between (5, −3) and (6.5, −1) 46 % are thrown so, the others are not)."
)
SIZE = (10.5, 4.6)


@objective
def recurrent(theta):
    """x ← w σ(x) + b, fifty times; its σ is to be 0.7."""
    x = 0.5
    for _ in range(50):
        x = theta[0] / (1.0 + np.exp(-x)) + theta[1]
    return (1.0 / (1.0 + np.exp(-x)) - 0.7) ** 2


def draw(figure):
    """Draw both paths over the error, and the values on the way."""
    left, right = figure.subplots(1, 2)
    plane = landscapes.slice_plane(
        recurrent, [5.5, -0.8], [1.0, 0.0], [0.0, 1.0], resolution=161, radius=[1.9, 3.0]
    )
    landscapes.plot_filled(plane, ax=left, log=False)
    looks = {"plain": (None, "#d55e00", "o"), "clipped": (0.5, "#56b4e9", ".")}
    for name, (limit, colour, marker) in looks.items():
        run = minimize(recurrent, [[5.8, -1.5]], method="gd", lr=0.5, steps=200, clip_norm=limit,
                       record={"x": 1, "value": 1}, rng=0)  # fmt: skip
        at = plane.coordinates(run.history.x[0])[0]
        left.plot(*at.T, marker=marker, markersize=4, color=colour, linewidth=1.0)
        right.plot(run.history.steps("value"), run.history.value[0], color=colour, label=name)
    left.set(xlabel="w − 5.5", ylabel="b + 0.8",
             title="The cliff, and both paths")  # fmt: skip
    right.set(xlabel="steps", ylabel="error", title="Error")
    right.legend(frameon=False)
