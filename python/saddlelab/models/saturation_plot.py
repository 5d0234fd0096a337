"""Picture of the saturation of a torch model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from saddlelab.models.saturation_result import TorchSaturation

__all__ = ["plot_saturation"]

#: Okabe & Ito's blue and vermilion, the latter hatched: they differ in black and white too.
_SATURATED, _DEAD = "#56B4E9", "#D55E00"


def plot_saturation(report: TorchSaturation, ax: Axes | None, kwargs: dict[str, Any]) -> Axes:
    """See `TorchSaturation.plot`."""
    rows = range(len(report))
    if ax is None:
        from matplotlib.figure import Figure

        ax = Figure(figsize=(6.8, 1.6 + 0.34 * len(report)), layout="constrained").add_subplot()
    look: dict[str, Any] = {"color": _SATURATED, "edgecolor": "0.2", "linewidth": 0.5} | kwargs
    ax.barh(rows, [100.0 * each.saturated for each in report], label="saturated", **look)
    dead = [(k, 100.0 * each.dead / each.units) for k, each in enumerate(report)
            if each.dead is not None]  # fmt: skip
    ax.barh([k for k, _ in dead], [part for _, part in dead], height=0.35, color=_DEAD,
            edgecolor="0.2", linewidth=0.5, hatch="////", label="dead units")  # fmt: skip
    ax.set_yticks(rows, [f"{each.name}: {each.kind}" if each.module else each.name
                         for each in report])  # fmt: skip
    ax.invert_yaxis()
    ax.set(xlim=(0.0, 100.0), xlabel="%",
           title=f"Saturation of {report.model}, |f'| < {report.threshold:g}")  # fmt: skip
    ax.grid(True, axis="x", linewidth=0.4, alpha=0.5)
    ax.set_axisbelow(True)
    ax.legend(frameon=False, fontsize="small", loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return ax
