"""Inputs, targets and parameters as users pass them to networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from saddlelab.networks.mlp import MLP

__all__ = ["Statistics", "inputs_of", "statistics_of", "targets_of", "theta_of"]

Floats: TypeAlias = NDArray[np.float64]
#: Mean and variance of the units of each hidden layer.
Statistics: TypeAlias = Sequence[tuple[ArrayLike, ArrayLike]]


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


def statistics_of(
    given: Any, network: MLP, samples: int
) -> tuple[tuple[Floats, Floats], ...] | None:
    """Means and variances of each hidden layer, or None: those of the samples."""
    if given is None:
        if network.batch_norm and samples < 2:
            raise ValueError(
                "`X` must have at least 2 samples, for batch norm takes their mean and variance, "
                "got 1: or give `statistics`"
            )
        return None
    if not network.batch_norm:
        raise ValueError("`statistics` must be None for a network without batch norm")
    hidden = network.sizes[1:-1]
    if not isinstance(given, list | tuple) or len(given) != len(hidden):
        raise ValueError(
            f"`statistics` must be (mean, variance) of each of {len(hidden)} hidden layers, got "
            f"{given!r}"
        )
    return tuple(_moments(f"statistics[{k}]", pair, units)
                 for k, (pair, units) in enumerate(zip(given, hidden, strict=True)))  # fmt: skip


def _moments(name: str, pair: Any, units: int) -> tuple[Floats, Floats]:
    if not isinstance(pair, list | tuple) or len(pair) != 2:
        raise ValueError(f"`{name}` must be (mean, variance), got {pair!r}")
    mean, variance = _numbers(f"{name}[0]", pair[0]), _numbers(f"{name}[1]", pair[1])
    for k, array in enumerate((mean, variance)):
        if array.shape != (units,):
            raise ValueError(f"`{name}[{k}]` must have shape ({units},), got {array.shape}")
    if (variance < 0.0).any():
        raise ValueError(f"`{name}[1]` must not be negative, got {variance.min()}")
    return mean, variance


def _check(targets: Floats, fine: NDArray[np.bool_], rule: str) -> None:
    if not fine.all():
        k = int(np.argmin(fine.all(axis=1)))
        raise ValueError(f"`y` must {rule}, but y[{k}] is {targets[k].squeeze()}")
