"""Pictures of a training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from saddlelab.arguments import one_of
from saddlelab.optimize.styles import style_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from saddlelab.models.training_monitor import TrainingMonitor

__all__ = ["plot_monitor"]

#: Fields and what they are called, by quantity.
_NORMS = {"gradient_norm": "gradient, of the batch", "data_gradient_norm": "gradient, of the data",
          "weight_norm": "weights"}  # fmt: skip
_CURVATURE = {"largest": "largest eigenvalue", "smallest": "smallest eigenvalue"}
#: Fewer losses than these have no plateaus.
_FEWEST = 5


def plot_monitor(
    monitor: TrainingMonitor, quantity: str, ax: Axes | None, kwargs: dict[str, Any]
) -> Axes:
    """See `TrainingMonitor.plot`."""
    quantity = one_of("quantity", quantity, ("loss", "norms", "curvature"))
    if not len(monitor):
        raise ValueError("a picture needs records: call `step` in the training loop")
    if ax is None:
        from matplotlib.figure import Figure

        ax = Figure(figsize=(6.8, 4.4), layout="constrained").add_subplot()
    if quantity == "loss":
        _draw_loss(monitor, ax, kwargs)
    elif quantity == "norms":
        _draw(monitor, ax, _NORMS, kwargs)
        ax.set(yscale="log", ylabel="norm", title="Norms in training")
    else:
        _draw(monitor, ax, _CURVATURE, kwargs)
        ax.axhline(0.0, color="0.4", linewidth=0.8, zorder=1)
        ax.set_yscale("symlog", linthresh=_linear_part(monitor))
        ax.set(ylabel="curvature", title="Extreme eigenvalues of the Hessian in training")
    ax.set_xlabel("step")
    return ax


def _draw_loss(monitor: TrainingMonitor, ax: Axes, kwargs: dict[str, Any]) -> None:
    losses = monitor.column("loss")
    if len(losses) >= _FEWEST and np.isfinite(losses).all() and losses.min() > 0.0:
        monitor.plateaus().plot(ax=ax, **kwargs)
    else:
        _draw(monitor, ax, {"loss": "loss"}, kwargs)
    ax.set(ylabel="loss", title="Loss in training")


def _draw(
    monitor: TrainingMonitor, ax: Axes, fields: dict[str, str], kwargs: dict[str, Any]
) -> None:
    steps = monitor.column("step")
    for k, (field, label) in enumerate(fields.items()):
        values = monitor.column(field)
        known = np.isfinite(values)
        look = style_of(k) | {"markersize": 3.5, "linewidth": 1.2, "label": label, "gid": field}
        if known.sum() > 40:
            look["marker"] = ""
        ax.plot(steps[known], values[known], **(look | kwargs))
    ax.grid(True, which="major", linewidth=0.4, alpha=0.5)
    ax.legend(frameon=False, fontsize="small")


def _linear_part(monitor: TrainingMonitor) -> float:
    """Below about a hundredth of the median curvature an axis is linear: a power of ten, a tick."""
    size = np.abs(monitor.column("largest"))
    size = size[np.isfinite(size) & (size > 0.0)]
    return float(10.0 ** np.round(np.log10(np.median(size)) - 2.0)) if len(size) else 1.0
