"""Arrays of blocks as users pass them, and as the engine takes them."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

import saddlecore
from saddlelab.networks.data import _numbers

__all__ = ["like", "numbers", "or_zeros", "padded", "times", "turned"]

Floats: TypeAlias = NDArray[np.float64]


def numbers(name: str, given: Any, rank: str) -> Floats:
    """Real, finite numbers, some; `rank` is their shape in words, e.g. "(N, n)"."""
    found = _numbers(name, given)
    stacked = rank.startswith("(..., ")
    wanted = rank.count(",") + 1 - stacked if rank != "(n,)" else 1
    if (found.ndim < wanted if stacked else found.ndim != wanted) or not found.size:
        raise ValueError(f"`{name}` must have shape {rank}, got {found.shape}")
    return found


def like(name: str, given: Any, shape: tuple[int, ...]) -> Floats:
    """Real, finite numbers of a shape."""
    found = _numbers(name, given)
    if found.shape != shape:
        raise ValueError(f"`{name}` must have shape {shape}, got {found.shape}")
    return found


def or_zeros(name: str, given: Any, shape: tuple[int, ...]) -> Floats:
    """The same; zeros if it is None."""
    return np.zeros(shape) if given is None else like(name, given, shape)


def turned(x: Floats) -> Floats:
    """Matrices of a stack, transposed."""
    return x.swapaxes(-1, -2)


def padded(x: Floats) -> Floats:
    """A copy whose rows go on with zeros to a multiple of eight numbers."""
    size = x.shape[-1]
    wide = saddlecore.network_plan.padded_to(size, 8)
    out = np.zeros((*x.shape[:-1], wide))
    out[..., :size] = x
    return out


def times(A: Floats, B: Floats) -> Floats:
    """A B of stacks of matrices of one shape: the same bits for any number of threads."""
    count, columns = B.shape[-2:]
    w, b = np.ascontiguousarray(turned(A)), padded(B)
    out = np.zeros((*A.shape[:-1], b.shape[-1]))
    saddlecore.blocks_layers.multiply(
        w.ravel(), b.ravel(), count, A.shape[-2], b.shape[-1], out.ravel()
    )
    return out[..., :columns]
