"""Lines of several methods, told apart by every kind of colour vision and in black and white."""

from __future__ import annotations

from typing import Any

__all__ = ["style_of"]

# Okabe & Ito's colours but yellow, which is not to be seen on white.
_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_DASHES = ("-", (0, (5, 2)), (0, (1, 1.2)), (0, (5, 1.5, 1, 1.5)))
_MARKERS = "osD^vX*"


def style_of(k: int) -> dict[str, Any]:
    """Colour, line style and marker of the k-th method."""
    turn = k // len(_COLORS)
    return {
        "color": _COLORS[k % len(_COLORS)],
        "linestyle": _DASHES[(k + 2 * turn) % len(_DASHES)],
        "marker": _MARKERS[(k + turn) % len(_MARKERS)],
    }
