"""Searches for a network's critical points that have ended, in one SQLite file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, NamedTuple, TypeAlias
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from saddlelab.studies.study_file import CheckpointError, StudyFile

__all__ = ["CriticalCheckpoint", "Ended"]

Floats: TypeAlias = NDArray[np.float64]

_SEARCHES = """
CREATE TABLE searches (
    start INTEGER PRIMARY KEY, status TEXT NOT NULL, hessians INTEGER NOT NULL,
    seconds REAL NOT NULL, x BLOB NOT NULL, crc INTEGER NOT NULL
)
"""


class Ended(NamedTuple):
    """What became of one start."""

    start: int
    status: str
    hessians: int
    seconds: float
    x: Floats


class CriticalCheckpoint(StudyFile):
    """The ends of searches, by the number of their start, see `StudyFile`."""

    FIELDS: ClassVar[tuple[str, ...]] = (
        "format", "network", "data", "runs", "steps", "seed",
    )  # fmt: skip
    TABLES: ClassVar[dict[str, str]] = {"searches": _SEARCHES}
    ROWS: ClassVar[str] = "searches"

    def add(self, ended: list[Ended]) -> None:
        """Store searches."""
        rows = [
            (end.start, end.status, end.hessians, end.seconds, data,
             _crc(end.start, end.status, end.hessians, data))
            for end in ended
            for data in (end.x.astype("<f8").tobytes(),)
        ]
        with self.transaction():
            self._db.executemany("INSERT OR IGNORE INTO searches VALUES (?, ?, ?, ?, ?, ?)", rows)

    def searches(self, size: int) -> Iterator[Ended]:
        """Yield what is stored, in the order of starts, and check each.

        Raises
        ------
        CheckpointError
            If one is garbled.
        """
        with self._errors("read"):
            for start, status, hessians, seconds, data, crc in self._db.execute(
                "SELECT * FROM searches ORDER BY start"
            ):
                # SQLite's columns take values of any type.
                sound = isinstance(data, bytes) and isinstance(seconds, float)
                x = np.frombuffer(data, "<f8") if sound and len(data) == 8 * size else None
                if x is None or crc != _crc(start, status, hessians, data):
                    raise CheckpointError(self._damaged(f"search {start} is garbled"))
                yield Ended(start, status, hessians, seconds, x.astype(np.float64))


def _crc(start: int, status: str, hessians: int, data: bytes) -> int:
    return crc32(data, crc32(f"{start}:{status}:{hessians}".encode()))
