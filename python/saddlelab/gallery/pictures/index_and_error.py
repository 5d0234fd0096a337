"""The index of a network's critical points against their error."""

from saddlelab import datasets, networks

TITLE = "Index against error"
CAPTION = (
    "Critical points of a network 6-5-5 on six principal components of the digits 0–4, as Dauphin "
    "et al. (2014, figure 1) looked for them in larger ones: the higher the error, the more "
    "directions lead down. "
    "They are what some hundred searches found, not all that there are."
)
SIZE = (10.5, 4.4)


def draw(figure):
    """Draw index against error, and spectra by error."""
    data = datasets.digits(components=6, standardize=True)
    few = data.y < 5
    network = networks.MLP([6, 5, 5], loss="cross_entropy", weight_decay=0.01)
    found = networks.network_critical_points(
        network, data.X[few][:200], data.y[few][:200], points=30, runs=10, steps=600, rng=0
    )
    left, right = figure.subplots(1, 2)
    found.plot("index", ax=left)
    found.plot("spectra", ax=right)
