"""Lists of critical points, and how they are made."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["KnownPoints", "Point", "Root", "by_size", "listed", "mirrored", "separable"]

#: Longer products of one-dimensional lists are not written out (n × 8 bytes for each point).
_MOST_POINTS = 300_000


@dataclass(frozen=True, slots=True)
class Point:
    """A critical point: its Hessian has `index` negative and `zeros` vanishing eigenvalues."""

    x: tuple[float, ...]
    value: float
    index: int
    zeros: int = 0


@dataclass(frozen=True, slots=True)
class Root:
    """A critical point of one term of a separable function: index 0 a minimum, 1 a maximum."""

    x: float
    value: float
    index: int


@dataclass(frozen=True, slots=True, eq=False)
class KnownPoints:
    """Known critical points of a surface, by index, then by value.

    Attributes
    ----------
    x : (k, n) float
        The points, each coordinate the float nearest to the exact one.
    value : (k,) float
        The values there.
    index : (k,) int
        Numbers of negative eigenvalues of the Hessian.
    zeros : (k,) int
        Numbers of zero eigenvalues: 0 where the point is nondegenerate.
    complete : bool
        Whether these are all the critical points within the bounds of the surface.  Where they
        fill curves (valleys, rigid motions of a molecule) it is False, and the points are
        representatives.
    """

    x: NDArray[np.float64]
    value: NDArray[np.float64]
    index: NDArray[np.int64]
    zeros: NDArray[np.int64]
    complete: bool

    def __len__(self) -> int:
        """How many points there are."""
        return len(self.x)


Known: TypeAlias = Callable[[int], KnownPoints | None]


def listed(*points: Point, complete: bool = True) -> Known:
    """The list of a surface whose number of variables is fixed."""
    return by_size({len(points[0].x): points}, complete=complete)


def by_size(lists: Mapping[int, Sequence[Point]], *, complete: bool = True) -> Known:
    """Lists for some numbers of variables; none for the others."""

    def known(n: int) -> KnownPoints | None:
        if n not in lists:
            return None
        points = lists[n]
        return _ordered(
            np.array([point.x for point in points]),
            np.array([point.value for point in points]),
            np.array([point.index for point in points]),
            np.array([point.zeros for point in points]),
            complete,
        )

    return known


def separable(axes: Callable[[int], Sequence[Sequence[Root]]]) -> Known:
    """All combinations of the critical points of a sum of functions of one variable each."""

    def known(n: int) -> KnownPoints | None:
        if n > _MOST_POINTS.bit_length():  # every axis has two roots or more
            return None
        roots = axes(n)
        count = math.prod(len(each) for each in roots)
        if count > _MOST_POINTS:
            return None
        x = _combinations([[root.x for root in each] for each in roots])
        value = _combinations([[root.value for root in each] for each in roots]).sum(axis=1)
        index = _combinations([[root.index for root in each] for each in roots]).sum(axis=1)
        return _ordered(x, value, index.astype(np.int64), np.zeros(count, np.int64), True)

    return known


def _combinations(axes: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    """Every choice of one number from each axis, (count, n)."""
    grids = np.meshgrid(*(np.array(axis, np.float64) for axis in axes), indexing="ij")
    return np.stack(grids, axis=-1).reshape(-1, len(axes))


def mirrored(*roots: Root) -> list[Root]:
    """The roots of an even function, given those that are not negative."""
    return [*(Root(-each.x, each.value, each.index) for each in roots if each.x > 0), *roots]


def _ordered(
    x: NDArray[np.float64],
    value: NDArray[np.float64],
    index: NDArray[np.int64],
    zeros: NDArray[np.int64],
    complete: bool,
) -> KnownPoints:
    order = np.lexsort((*x.T[::-1], value, index))
    return KnownPoints(x[order], value[order], index[order], zeros[order], complete)
