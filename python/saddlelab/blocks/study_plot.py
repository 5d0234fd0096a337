"""Picture of the saturation of attention."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from saddlelab.arguments import one_of
from saddlelab.blocks.study_result import QUANTITIES, SCALINGS
from saddlelab.contours import new_axes
from saddlelab.optimize.styles import style_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from saddlelab.blocks.study_result import AttentionStudy

__all__ = ["plot_attention"]

_LABELS = {
    "entropy": "mean entropy of a row (nats)",
    "largest": "mean largest weight of a row",
    "saturated": "fraction of saturated rows",
    "jacobian": "mean ‖J‖ of the softmax",
    "gradient": "root mean square of ∂ℓ/∂Q",
    "typical": "root mean square of ∂ℓ/∂Q, median row",
}
_LOGARITHMIC = ("jacobian", "gradient", "typical")


def plot_attention(
    study: AttentionStudy, quantity: str, ax: Axes | None, kwargs: dict[str, Any]
) -> Axes:
    """See `AttentionStudy.plot`."""
    quantity = one_of("quantity", quantity, QUANTITIES)
    means, errors = study.mean(quantity), study.error(quantity)
    ax = new_axes((6.4, 4.4)) if ax is None else ax
    for k, scale in enumerate(SCALINGS):
        look = style_of(k) | {"label": f"scale {scale}", "markersize": 5, "capsize": 2} | kwargs
        bars = None if np.isnan(errors[k]).any() else 2.0 * errors[k]
        ax.errorbar(study.dims, means[k], yerr=bars, **look)
    if quantity == "entropy":
        _draw_limits(study, ax)
        ax.set_ylim(bottom=0.0)
    elif quantity in _LOGARITHMIC:
        ax.set_yscale("log")
    else:
        ax.set_ylim(0.0, 1.03)
    ax.set_xscale("log", base=2)
    ax.set_xticks(study.dims, [str(d) for d in study.dims])
    ax.set_xticks([], minor=True)
    ax.set(xlabel="d, length of queries and keys", ylabel=_LABELS[quantity],
           title=f"Attention of {study.tokens} random queries and keys")  # fmt: skip
    ax.grid(True, which="major", linewidth=0.4, alpha=0.5)
    ax.legend(frameon=False, fontsize="small")
    return ax


def _draw_limits(study: AttentionStudy, ax: Axes) -> None:
    """What all weights alike would have, and what normal logits of variance 1 have."""
    most = np.log(study.tokens)
    ax.axhline(most, color="0.4", linewidth=0.8, linestyle=":", label="all weights alike: ln(keys)")
    if most > 0.5:
        ax.axhline(most - 0.5, color="0.4", linewidth=0.8, linestyle="--",
                   label="many keys, logits N(0, 1): ln(keys) − 1/2")  # fmt: skip
