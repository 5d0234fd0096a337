"""Spread of the minima of networks."""

from saddlelab import networks

TITLE = "Spread of minima"
CAPTION = (
    "Losses that trainings from independent starts ended at, for networks with more and more "
    "hidden units that learn from a noisy teacher: they come closer together (Choromanska et al. "
    "2015). "
    "Widths and numbers of runs are small, and the intervals say how much that leaves open."
)
SIZE = (10.5, 4.6)


def draw(figure):
    """Draw histograms by width, and the spread against it."""
    networks.minima_spread((2, 4, 8, 16), runs=24, rng=0).plot(figure=figure)
