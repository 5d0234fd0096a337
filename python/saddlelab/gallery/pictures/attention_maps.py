"""Attention maps, and how saturated their softmax is."""

import numpy as np

from saddlelab import blocks, datasets

TITLE = "Attention maps"
CAPTION = (
    "Forty digits of four classes look at each other: queries, keys and values are the images "
    "themselves, standardised, nothing is learnt. "
    "With the factor 1/√d their weights still spread over several images, without it almost every "
    "row has chosen one key, itself, and its softmax passes little gradient; on the right the "
    "entropy and the norm of the softmax's Jacobian against the factor."
)
SIZE = (14.0, 4.3)


def draw(figure):
    """Draw both maps, and the saturation against the factor."""
    data = datasets.digits(standardize=True)
    rows = np.concatenate([np.flatnonzero(data.y == digit)[:10] for digit in range(4)])
    X = data.X[rows]
    scaled = 1.0 / np.sqrt(X.shape[1])
    axes = figure.subplots(1, 3)
    for ax, scale, name in zip(axes, (scaled, 1.0), ("scaled by 1/√d", "not scaled"), strict=False):
        found = blocks.attention(X, X, X, scale=scale)
        image = ax.imshow(found.weights, cmap="cividis", vmin=0.0, vmax=1.0)
        ax.set(xticks=range(5, 40, 10), xticklabels=range(4), yticks=range(5, 40, 10),
               yticklabels=range(4), xlabel="keys, by digit", ylabel="queries",
               title=f"{name}: mean entropy {found.saturation().entropy.mean():.2g}")  # fmt: skip
        figure.colorbar(image, ax=ax, label="weight")
    factors = np.geomspace(1e-3, 10.0, 41)
    each = [blocks.attention(X, X, X, scale=factor).saturation() for factor in factors]
    axes[2].loglog(factors, [s.entropy.mean() for s in each], color="#0072b2", label="entropy")
    axes[2].loglog(factors, [s.jacobian.mean() for s in each], "--", color="#d55e00",
                   label="‖softmax′‖")  # fmt: skip
    for factor in (scaled, 1.0):
        axes[2].axvline(factor, color="0.6", linewidth=0.8, linestyle=":")
    axes[2].set(xlabel="factor of Q Kᵀ", title="Mean over the queries", ylim=(1e-4, 10.0))
    axes[2].legend(frameon=False)
