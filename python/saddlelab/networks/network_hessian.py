"""Exact Hessians of networks, shared by threads."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

import saddlecore
from saddlelab.threads import over_threads

__all__ = ["columns_at", "hessian_at", "hessians_at"]

Floats: TypeAlias = NDArray[np.float64]

#: Sums and samples, multiplied, that are worth a second thread.
_WORTH = 2_000_000
#: Columns at a time: each part begins with the samples' activations.
_COLUMNS = 32
#: More memory for one matrix is refused.
_LARGEST = 4 * 2**30


def hessian_at(
    header: NDArray[np.int64], kept: Any, theta: Floats, curved: bool, workers: int
) -> Floats:
    """Return the Hessian at one point; with ``curved`` False the Gauss–Newton matrix."""
    engine, columns = saddlecore.network_hessian, saddlecore.network_plan
    plan, ends, n, N = kept[0], kept[-1][-1], len(theta), int(kept[1][columns.SAMPLES])
    check_size(n, int(ends[columns.OF_C]))
    last, tasks, m = plan[-1], int(ends[columns.TASK]), int(kept[1][columns.MANY])
    w = np.empty(ends[columns.OF_W] * engine.GROUP)
    pads = np.empty((last[columns.PADS] + last[columns.PAD]) * engine.GROUP)
    sums, H = np.zeros(ends[columns.OF_C]), np.empty(n * n)
    parts = _parts(tasks, 8 * workers)
    for first in range(0, N, engine.GROUP):
        chunks = -(-min(engine.GROUP, N - first) // m)

        def prepare(part: tuple[int, int], first: int = first) -> None:
            at = first + part[0] * m
            engine.prepare(header, theta, at, part[1] - part[0], curved, w, pads)

        def add(part: tuple[int, int], first: int = first, chunks: int = chunks) -> None:
            engine.add_blocks(header, first, chunks * m, w, pads, *part, curved, sums)

        over_threads(prepare, _parts(chunks, workers), workers)
        over_threads(add, parts, workers)

    def fill(part: tuple[int, int]) -> None:
        engine.fill_blocks(header, *part, curved, sums, n, H)

    over_threads(fill, parts, workers)
    return H.reshape(n, n)


def hessians_at(
    header: NDArray[np.int64], kept: Any, points: Floats, workers: int
) -> Floats:
    """Hessians at many points, small ones each by one thread."""
    m, n = points.shape
    columns = saddlecore.network_plan
    sums = int(kept[-1][-1][columns.OF_C])
    check_size(n, sums)
    H = np.empty((m, n, n))
    small = sums * int(kept[1][columns.SAMPLES]) < _WORTH

    def one(k: int) -> None:
        H[k] = hessian_at(header, kept, points[k], True, 1 if small else workers)

    over_threads(one, range(m), workers if small else 1)
    return H


def columns_at(header: NDArray[np.int64], theta: Floats, curved: bool, workers: int) -> Floats:
    """Return the same column by column, for layers normalised by the batch's statistics."""
    n = len(theta)
    check_size(n, 0)
    H = np.empty((n, n))

    def some(part: tuple[int, int]) -> None:
        begin, end = part
        out = H[begin:end].reshape(-1)
        saddlecore.network_columns.columns(header, theta, begin, end, curved, out)

    over_threads(some, _parts(n, -(-n // _COLUMNS)), workers)
    # The triangles differ by rounding.
    H += H.T.copy()
    H *= 0.5
    return H


def check_size(n: int, sums: int) -> None:
    """Refuse matrices that do not fit; say what does."""
    needed = 8 * (n * n + sums)
    if needed > _LARGEST:
        raise ValueError(
            f"the Hessian of {n} parameters would take {needed / 2**30:.1f} GiB, more than "
            f"{_LARGEST // 2**30}: use products with it (hvp), or extreme_eigenpairs and "
            "spectral_density, which need no more"
        )


def _parts(count: int, most: int) -> list[tuple[int, int]]:
    size = max(1, -(-count // most))
    return [(k, min(k + size, count)) for k in range(0, count, size)]
