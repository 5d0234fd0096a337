"""Coordinates on a grid, as the engine counts through them (`saddlecore.grid`)."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["axes_of", "centred_lines", "coordinates", "lines_of", "points_of_grid",
           "stepped_lines"]  # fmt: skip

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]


def lines_of(box: Floats, counts: Integers) -> Floats:
    """The engine's lines of a box, (k, 5): the coordinates of `numpy.linspace`, to the bit."""
    low, high = box.T
    step = (high - low) / np.maximum(counts - 1, 1)
    first = np.where(counts > 1, low, low + 0.5 * (high - low))
    return np.column_stack([first, step, high, first, np.zeros(len(box))])


def centred_lines(radius: Floats, counts: Integers) -> Floats:
    """Lines from −radius to radius: symmetric to the bit, and 0 in the middle of an odd count."""
    middle = 0.5 * (counts - 1)
    step = radius / np.maximum(middle, 0.5)
    first = np.where(counts > 1, -radius, 0.0)
    return np.column_stack([first, step, radius, np.zeros(len(radius)), middle])


def stepped_lines(step: Floats, below: Integers, above: Integers) -> tuple[Floats, Integers]:
    """Lines of whole steps, so many below 0 and above, and how many coordinates that makes."""
    zero = np.zeros(len(step))
    lines = np.column_stack([-step * below, step, step * above, zero, 1.0 * below])
    return lines + 0.0, below + above + 1


def coordinates(line: Floats, j: Integers, count: int) -> Floats:
    """The j-th of `count` coordinates on a line."""
    first, step, last, origin, shift = line.tolist()
    inner = origin + (j - shift) * step
    found: Floats = np.where(j == 0, first, np.where(j == count - 1, last, inner))
    return found


def axes_of(lines: Floats, counts: Integers) -> tuple[Floats, ...]:
    """All coordinates of each line."""
    each = zip(lines, counts.tolist(), strict=True)
    return tuple(coordinates(line, np.arange(count), count) for line, count in each)


def points_of_grid(lines: Floats, counts: Integers, numbers: Integers) -> Floats:
    """The coordinates of the points with these numbers, (m, k)."""
    index = np.unravel_index(numbers, tuple(counts.tolist()))
    each = zip(lines, index, counts.tolist(), strict=True)
    return np.column_stack([coordinates(line, j, count) for line, j, count in each])
