"""What every data set is, and how its test part is set aside."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from saddlelab.arguments import finite_float
from saddlelab.draws import Draws

__all__ = ["Dataset", "fraction_aside", "split"]

Floats: TypeAlias = NDArray[np.float64]
Rows: TypeAlias = NDArray[np.int64]

#: Purpose of the numbers that set the test part aside; data take those from 0 on.
_SPLIT = 2**31


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Samples to learn from, and samples to test with.

    It unpacks as ``X, y = dataset``.

    Attributes
    ----------
    X : (N, d) float
        One sample in each row.
    y : (N,) int or (N, k) float
        Labels 0 … classes − 1, or what is to be learnt.
    X_test : (M, d) float
    y_test : (M,) int or (M, k) float
    name : str
    description : str
        What was done to the data, in a line.
    classes : int or None
        None unless `y` are labels.
    seed : int
        What to pass as ``rng`` to get the same data again.
    """

    X: Floats
    y: NDArray[Any]
    X_test: Floats
    y_test: NDArray[Any]
    name: str
    description: str
    classes: int | None
    seed: int
    #: Of the data, in the order X and then X_test: the numbers of the samples.
    rows: tuple[Rows, Rows] = field(repr=False)

    def __iter__(self) -> Iterator[NDArray[Any]]:
        """Go through X and y."""
        yield self.X
        yield self.y

    def __str__(self) -> str:
        """Name, description and shapes."""
        kind = f"{self.classes} classes" if self.classes else f"{self.y.shape[1]} outputs"
        return (
            f"{self.name}: {len(self.X)} samples, {len(self.X_test)} for tests, "
            f"{self.X.shape[1]} features, {kind}; {self.description}"
        )


def fraction_aside(test: Any) -> float:
    """Return the fraction of the samples that are set aside."""
    rule = "`test` must be a fraction of the samples, at least 0 and below 1"
    fraction = finite_float(rule, test)
    if not 0.0 <= fraction < 1.0:
        raise ValueError(f"{rule}, got {test!r}")
    return fraction


def split(labels: Rows, test: float, seed: int, name: str) -> tuple[Rows, Rows]:
    """Numbers of the samples to learn from and to test with, both in increasing order.

    Of each label the fraction `test` is set aside, rounded to whole samples, at random; how many
    numbers the data took does not change which.
    """
    order = Draws(seed, name).order(len(labels), _SPLIT)
    aside = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        those = order[labels[order] == label]
        aside[those[: round(test * len(those))]] = True
    return np.flatnonzero(~aside), np.flatnonzero(aside)
