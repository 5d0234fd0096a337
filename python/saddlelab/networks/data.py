"""Inputs, targets and parameters as users pass them to networks."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["inputs_of", "targets_of", "theta_of"]

Floats: TypeAlias = NDArray[np.float64]


def _numbers(name: str, given: Any) -> Floats:
    """Real, finite numbers."""
    array = np.asarray(given)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"`{name}` must be real numbers, got dtype {array.dtype}")
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        at = tuple(map(int, np.argwhere(~np.isfinite(array))[0]))
        where = ", ".join(map(str, at))
        raise ValueError(f"`{name}` must be finite, but {name}[{where}] = {array[at]}")
    return array


def theta_of(theta: ArrayLike, size: int) -> Floats:
    """One point."""
    numbers = _numbers("theta", theta)
    if numbers.shape != (size,):
        raise ValueError(f"`theta` must have shape ({size},), got {numbers.shape}")
    return np.ascontiguousarray(numbers)


def inputs_of(X: ArrayLike, inputs: int) -> Floats:
    """(N, inputs) numbers."""
    rows = _numbers("X", X)
    if rows.ndim == 1 and inputs == 1:
        rows = rows[:, None]
    if rows.ndim != 2 or rows.shape[1] != inputs or not len(rows):
        raise ValueError(f"`X` must have shape (N, {inputs}), got {rows.shape}")
    return np.ascontiguousarray(rows)


def targets_of(y: ArrayLike, count: int, loss: str, outputs: int) -> Floats:
    """(N, outputs) targets, or (N, 1) classes."""
    targets = _numbers("y", y)
    classes = loss == "cross_entropy"
    if targets.ndim == 1 and (classes or outputs == 1):
        targets = targets[:, None]
    if targets.shape != (count, 1 if classes else outputs):
        wanted = f"({count},) of classes" if classes else f"({count}, {outputs})"
        raise ValueError(f"`y` must have shape {wanted} for {loss}, got {np.shape(y)}")
    if classes:
        _check(targets, (targets % 1 == 0) & (targets >= 0) & (targets < outputs),
               f"be classes from 0 to {outputs - 1}")  # fmt: skip
    elif loss == "binary_cross_entropy":
        _check(targets, (targets >= 0) & (targets <= 1), "be from 0 to 1")
    return np.ascontiguousarray(targets)


def _check(targets: Floats, fine: NDArray[np.bool_], rule: str) -> None:
    if not fine.all():
        k = int(np.argmin(fine.all(axis=1)))
        raise ValueError(f"`y` must {rule}, but y[{k}] is {targets[k].squeeze()}")
