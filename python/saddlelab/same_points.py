"""Which of the points that were found are the same."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from saddlelab.verdict import Verdict

__all__ = ["merge", "thin_out"]

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]

#: Points nearer than this part of the box are one; degenerate ones are not known as well.
_SAME, _BLURRED = 1e-6, 1e-4
#: Points found once that are no continuum if they are fewer; how many of one may be listed.
_FEW, _MANY = 4, 64


def merge(
    points: Floats, counts: Integers, more: Floats, box: Floats
) -> tuple[Floats, Integers]:
    """Add points, each found once, to those known; points that are the same become one."""
    every = np.vstack([points, more])
    weights = np.concatenate([counts, np.ones(len(more), np.int64)])
    first, group = groups((every - box[:, 0]) / np.ptp(box, axis=1), _SAME)
    return every[first], sums(weights, group, len(first))


def groups(features: Floats, apart: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Put rows that are nearer than ``apart`` together: the first row of each group, and all's."""
    from scipy.spatial import cKDTree

    # Cells first: there may be thousands of copies of a point, and pairs of them are too many.
    cells = np.round(features / apart)
    _, first, cell = np.unique(cells, axis=0, return_index=True, return_inverse=True)
    label = np.arange(len(first))
    for i, j in sorted(cKDTree(features[first]).query_pairs(apart)) if len(first) > 1 else ():
        label[label == label[j]] = label[i]
    _, first, group = np.unique(label[cell.reshape(-1)], return_index=True, return_inverse=True)
    return first, group


def sums(counts: Integers, group: NDArray[np.intp], groups: int) -> Integers:
    return np.bincount(group, counts, groups).astype(np.int64)


def thin_out(
    found: Verdict, counts: Integers, box: Floats
) -> tuple[Floats, Integers, NDArray[np.bool_]]:
    """Isolated points and, after them, a few representatives of a continuum of degenerate ones."""
    loose = found.kind == "degenerate"
    unit = (found.x - box[:, 0]) / np.ptp(box, axis=1)
    rows = np.flatnonzero(loose)
    rows = rows[np.argsort(found.gradient_norm[rows], kind="stable")]
    # Newton's steps converge slowly to a degenerate point: they end somewhere around it.
    first, group = groups(unit[rows], _BLURRED)
    rows, totals = rows[first], sums(counts[rows], group, len(first))
    # A point of a continuum is hardly ever found twice, an isolated one is.
    lonely = totals == 1
    if np.count_nonzero(lonely) < _FEW:
        lonely[:] = False
    few, stand = rows[lonely], totals[lonely]
    if len(few):
        # Rigid motions and the like: the same value and the same curvatures, elsewhere.
        same = np.column_stack([found.value, found.eigenvalues])[few]
        first, group = groups(same / np.maximum(np.abs(same).max(axis=0), 1.0), _SAME)
        few, stand = few[first], sums(stand, group, len(first))
    if len(few) > _MANY:
        first, group = _spread(unit[few], _MANY)
        few, stand = few[first], sums(stand, group, len(first))
    kept = np.concatenate([np.flatnonzero(~loose), rows[~lonely], few])
    totals = np.concatenate([counts[~loose], totals[~lonely], stand])
    return found.x[kept], totals, np.arange(len(kept)) < len(kept) - len(few)


def _spread(unit: Floats, many: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """So many points, each the farthest from those before it; and the nearest of them to each."""
    chosen, owner = np.zeros(many, np.intp), np.zeros(len(unit), np.intp)
    distance = np.linalg.norm(unit - unit[0], axis=1)
    for k in range(1, many):
        chosen[k] = np.argmax(distance)
        there = np.linalg.norm(unit - unit[chosen[k]], axis=1)
        owner[there < distance] = k
        distance = np.minimum(distance, there)
    return chosen, owner
