"""Pictures that commands write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["picture"]


@contextmanager
def picture(path: Path, width: float = 6.4, height: float = 4.6) -> Iterator[Figure]:
    """Give a figure of this size in inches to draw on, which is then written."""
    from matplotlib.figure import Figure

    # Without pyplot: no display is looked for.
    figure = Figure(figsize=(width, height), layout="constrained")
    yield figure
    figure.savefig(path, dpi=150)
