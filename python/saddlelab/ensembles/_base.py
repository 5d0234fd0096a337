"""What a study asks of an ensemble."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from saddlelab.arguments import MAX_DIM
from saddlelab.ensembles._latents import Latents

_SILENT = "left out of the specification at its default"


def silent(default: Any) -> Any:
    """Declare a parameter that a study's specification leaves out at its default.

    For one that an ensemble gains when studies of it exist: their streams, checkpoints and files
    stay what they were.
    """
    return dataclasses.field(default=default, metadata={_SILENT: True})


@dataclasses.dataclass(frozen=True)
class Ensemble(ABC):
    """A law of random symmetric matrices, and how to count the indices of its samples.

    Subclasses are frozen dataclasses: their fields are the parameters of the ensemble, checked in
    ``__post_init__``.  Instances travel to the workers of a study, so the module of a subclass must
    be importable there.
    """

    name: ClassVar[str]
    #: Raised by one whenever the same seed would give other samples than before.
    stream: ClassVar[int]
    #: The largest dimension that can be sampled.
    largest: ClassVar[int] = MAX_DIM
    #: Whether samples carry weights, whose sums then have bins beside the counts.
    weighted: ClassVar[bool] = False
    #: Bins for an index.
    channels: ClassVar[int] = 1

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters by name, as the specification has them: numbers, strings or booleans."""
        return {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if not (field.metadata.get(_SILENT) and getattr(self, field.name) == field.default)
        }

    @abstractmethod
    def index(
        self, key: np.uint64, n: int, first: int, count: int, counts: NDArray[np.int64]
    ) -> None:
        """Add the index histogram of samples ``first`` … ``first + count - 1`` to ``counts``.

        Sample ``i`` is a function of ``(key, n, i)`` alone, so histograms add to the same bits
        however the samples were split.  Should release the GIL.
        """

    def work(self, n: int) -> int:
        """Return what a sample costs in rows of the ensembles sampled in O(n), 4 ns each or so.

        Blocks are sized, and progress is measured, by it.
        """
        return n

    def latents(self, n: int) -> Latents | None:
        """Return what the matrices of dimension n are functions of, for rare events.

        None: nothing that could be moved.
        """
        return None

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
        raise NotImplementedError(self.why_not_nested())

    def why_not_nested(self) -> str:
        """Say why :meth:`index_nested` cannot be asked for; an empty text if it can."""
        if type(self).index_nested is Ensemble.index_nested:
            return f"the ensemble {self.name!r} has no nested form"
        return ""
