"""Adam where there is nothing but noise."""

import numpy as np

from saddlelab import minimize, objective

TITLE = "Adam's steps under pure noise"
CAPTION = (
    "The function is constant: all that the methods see is Gaussian noise of the given standard "
    "deviation. "
    "Adam's mean |Δθ| does not depend on how strong the noise is (its three lines lie on each "
    "other) and settles near the dotted 0.01 √(2/π) √((1 − β₁)/(1 + β₁)), 0.01 being the learning "
    "rate; gradient descent's is proportional to the noise."
)
SIZE = (7.2, 4.6)
RATE = 0.01


@objective
def flat(x):
    """Zero everywhere."""
    return 0.0 * np.sum(x)


def draw(figure):
    """Draw the mean step of each."""
    ax = figure.add_subplot()
    for method, dashes in (("adam", "-"), ("gd", "--")):
        for noise, colour in ((0.01, "#56b4e9"), (1.0, "#0072b2"), (100.0, "#d55e00")):
            run = minimize(flat, np.zeros((8, 500)), method=method, lr=RATE, noise=noise,
                           steps=300, record="x", rng=0)  # fmt: skip
            steps = np.abs(np.diff(run.history.x, axis=1)).mean(axis=(0, 2))
            label = f"{method}, noise {noise:g}"
            ax.loglog(np.arange(1, 301), steps, dashes, color=colour, label=label)
    settled = RATE * np.sqrt(2.0 / np.pi) * np.sqrt(0.1 / 1.9)
    ax.axhline(settled, color="black", linestyle=":", linewidth=1.0)
    ax.set(xlabel="step", ylabel="mean |Δθ|")
    ax.legend(frameon=False, ncols=2, fontsize="small", loc="center", bbox_to_anchor=(0.5, 0.72))
