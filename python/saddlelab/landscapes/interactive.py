"""A plane or a volume to turn around in a browser, by plotly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from saddlelab.contours import heights_of

if TYPE_CHECKING:
    from saddlelab.landscapes.slice_result import Slice

__all__ = ["plot_3d"]


def plot_3d(result: Slice, *, log: bool | None = None, **kwargs: Any) -> Any:
    """Draw a plane as a surface, or a volume as nested surfaces of equal value, to be turned.

    Parameters
    ----------
    result : Slice
        A plane or a volume.
    log : bool, optional
        Whether heights (colours of a volume) are log10 f; by default where values are not negative
        and range over more than a factor of 30.
    **kwargs
        Passed to ``plotly.graph_objects.Surface`` or ``Isosurface``.

    Returns
    -------
    plotly.graph_objects.Figure
        Show it by ``figure.show()``, write it by ``figure.write_html("plane.html")``.

    Raises
    ------
    ImportError
        If plotly is not installed: the extra ``interactive``.
    ValueError
        If `result` is a line.
    """
    if len(result.axes) == 1:
        raise ValueError("`result` must be a plane or a volume, it is a line: see `plot_line`")
    try:
        from plotly import graph_objects
    except ImportError:
        raise ImportError(
            'plot_3d needs plotly: pip install "saddlecore[interactive]"'
        ) from None
    heights, logarithmic = heights_of(result.values, log)
    heights = np.log10(heights) if logarithmic else heights
    style: dict[str, Any] = {"colorscale": "Cividis"} | kwargs
    title = "log10 f" if logarithmic else "f"
    axes = {"xaxis_title": "a", "yaxis_title": "b"}
    if len(result.axes) == 2:
        drawn = graph_objects.Surface(x=result.a, y=result.b, z=heights.T, **style)
        axes["zaxis_title"] = title
    else:
        grid = np.meshgrid(*result.axes, indexing="ij")
        x, y, z = (each.ravel() for each in grid)
        style = {"surface_count": 6, "opacity": 0.4, "caps": {"x_show": False, "y_show": False,
                 "z_show": False}, "colorbar": {"title": title}} | style  # fmt: skip
        drawn = graph_objects.Isosurface(x=x, y=y, z=z, value=heights.ravel(), **style)
        axes["zaxis_title"] = "c"
    figure = graph_objects.Figure(drawn)
    figure.update_layout(title=result.name, scene=axes)
    return figure
