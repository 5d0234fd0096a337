"""What runs recorded on their way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from saddlelab.arguments import one_of, positive_integer

__all__ = ["QUANTITIES", "History", "clear_unrecorded", "empty_history", "intervals_of"]

Floats: TypeAlias = NDArray[np.float64]

#: In the engine's order.
QUANTITIES = ("value", "gradient_norm", "step_length", "x")
#: Numbers that a history may hold: 16 GB.
_MOST = 2**31


@dataclass(frozen=True, slots=True)
class History:
    """Quantities of each start, every so many steps; NaN after its end.

    Attributes
    ----------
    every : dict
        Name of each recorded quantity -> steps between its records.
    value : (…, records) float
        f(x_t); None if it was not recorded, and so are the others.
    gradient_norm : (…, records) float
    step_length : (…, records) float
        ‖x_t − x_{t−1}‖, NaN at t = 0.
    x : (…, records, n) float
    """

    every: dict[str, int]
    value: Floats | None = None
    gradient_norm: Floats | None = None
    step_length: Floats | None = None
    x: Floats | None = None

    def steps(self, name: str) -> NDArray[np.int64]:
        """How many steps had been taken at each record of a quantity."""
        name = one_of("name", name, tuple(self.every) or QUANTITIES)
        found = getattr(self, name)
        records = found.shape[-2] if name == "x" else found.shape[-1]
        return np.arange(records, dtype=np.int64) * self.every[name]


def intervals_of(record: Any) -> dict[str, int]:
    """``record=`` as a dictionary from names to intervals."""
    if record is None:
        return {}
    if isinstance(record, str):
        record = [record]
    if not isinstance(record, Mapping):
        if not isinstance(record, Iterable):
            raise TypeError(f"`record` must name {', '.join(QUANTITIES)}, got {record!r}")
        record = dict.fromkeys(record, 1)
    return {
        one_of("record", name, QUANTITIES): positive_integer("record", every, at_most=2**62)
        for name, every in record.items()
    }


def empty_history(every: Mapping[str, int], m: int, n: int, steps: int) -> tuple[Any, ...]:
    """The engine's history: intervals, and an array for each quantity, to be written.

    It is the threads that write first: they share the time that fresh memory takes.
    """
    records = [steps // every[name] + 1 if name in every else 0 for name in QUANTITIES]
    total = m * (sum(records[:3]) + n * records[3])
    if total > _MOST:
        raise ValueError(
            f"`record` asks for {total} numbers, at most {_MOST}: record less often, "
            f"{ {name: 10 * e for name, e in every.items()} }"
        )
    arrays = [np.empty((m, r)) for r in records[:3]]
    arrays.append(np.empty((m, records[3], n)))
    intervals = np.array([every.get(name, 0) for name in QUANTITIES], np.int64)
    return intervals, *arrays


def clear_unrecorded(
    history: tuple[Any, ...], every: Mapping[str, int], begun: int, total: int, ends: Floats
) -> None:
    """Write NaN before a run began, and after each start's end at the steps ``ends``."""
    early = np.flatnonzero(ends < total)
    for name, array in zip(QUANTITIES, history[1:], strict=True):
        if name in every:
            array[:, : -(-begun // every[name])] = np.nan
            for row, last in zip(early.tolist(), ends[early].tolist(), strict=True):
                array[row, last // every[name] + 1 :] = np.nan
