"""Where searches start: points of a box, in rounds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from saddlelab.arguments import positive_integer

__all__ = ["Rounds"]

Floats: TypeAlias = NDArray[np.float64]

#: Starts of the first round; every round has as many as all before it.  How many there are at most.
_FIRST_ROUND = 512
_MOST_STARTS, _MOST_CALLBACKS = 131_072, 512


class Rounds:
    """The starts, in rounds."""

    def __init__(
        self, starts: Any, box: Floats, generator: np.random.Generator, compiled: bool
    ) -> None:
        """Read ``starts`` as `critical_points` takes it: a number, points, or None."""
        self._box, self._generator = box, generator
        self._given = None
        self._most = _MOST_STARTS if compiled else _MOST_CALLBACKS
        self.as_many_as_needed = starts is None
        if starts is None:
            return
        if np.ndim(starts) == 0:
            self._most = positive_integer("starts", starts, at_most=10**8)
            return
        given = np.array(starts, dtype=np.float64, order="C", ndmin=2)
        wrong = given.ndim != 2 or given.shape[1] != len(box) or not len(given)
        if wrong or not np.isfinite(given).all():
            raise ValueError(
                f"`starts` must be a number or finite points of shape (m, {len(box)}), got shape "
                f"{given.shape}"
            )
        self._given = given

    def __iter__(self) -> Iterator[Floats]:
        """Go through the rounds."""
        if self._given is not None:
            yield self._given
            return
        from scipy.stats import qmc

        sobol = qmc.Sobol(len(self._box), scramble=True, rng=self._generator)
        low, width = self._box[:, 0], np.ptp(self._box, axis=1)
        done = 0
        while done < self._most:
            count = max(done, _FIRST_ROUND) if self.as_many_as_needed else _MOST_STARTS
            count = min(count, self._most - done)
            yield low + width * _sobol(sobol, count)
            done += count


def _sobol(sobol: Any, count: int) -> Any:
    import warnings

    with warnings.catch_warnings():
        # Its balance wants powers of two; a search does not.
        warnings.simplefilter("ignore", UserWarning)
        return sobol.random(count)
