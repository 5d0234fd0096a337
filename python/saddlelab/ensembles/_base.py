"""What a study asks of an ensemble."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray


@dataclasses.dataclass(frozen=True)
class Ensemble(ABC):
    """A law of random symmetric matrices, and how to count the indices of its samples.

    Subclasses are frozen dataclasses: their fields are the parameters of the ensemble.  Instances
    travel to the workers of a study, so the module of a subclass must be importable there.
    """

    name: ClassVar[str]
    #: Raised by one whenever the same seed would give other samples than before.
    stream: ClassVar[int]

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters by name: numbers, strings or booleans."""
        return dataclasses.asdict(self)

    @abstractmethod
    def index(
        self, key: np.uint64, n: int, first: int, count: int, counts: NDArray[np.int64]
    ) -> None:
        """Add the index histogram of samples ``first`` … ``first + count - 1`` to ``counts``.

        Sample ``i`` is a function of ``(key, n, i)`` alone, so histograms add to the same bits
        however the samples were split.  Should release the GIL.
        """

    def index_nested(
        self,
        key: np.uint64,
        dims: NDArray[np.int64],
        first: int,
        count: int,
        counts: NDArray[np.int64],
        offsets: NDArray[np.int64],
    ) -> None:
        """Count for every dimension of ``dims`` (increasing) from one sample of the largest.

        The bins of ``dims[j]`` are ``counts[offsets[j] : offsets[j] + dims[j] + 1]``.
        """
        raise ValueError(f"`nested` must be False: the ensemble {self.name!r} has no nested form")
