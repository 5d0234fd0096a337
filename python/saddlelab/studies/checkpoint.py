"""A study's finished blocks in one SQLite file: one transaction per task."""

from __future__ import annotations

import os
import time
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar, NamedTuple
from zlib import crc32

import numpy as np

from saddlelab.studies.blocks import Counted, Histogram, IntArray, Tally
from saddlelab.studies.spec import Part, StudySpec, digest_of, grid
from saddlelab.studies.study_file import CheckpointError, CheckpointMismatchError, StudyFile

__all__ = ["Checkpoint", "CheckpointError", "CheckpointMismatchError", "StoredBlock", "StoredRun"]

FORMAT = 1
_BLOCKS = """
CREATE TABLE blocks (
    n INTEGER NOT NULL, block INTEGER NOT NULL, bins BLOB NOT NULL, counts BLOB NOT NULL,
    crc INTEGER NOT NULL, PRIMARY KEY (n, block)
) WITHOUT ROWID
"""
# What each run has done, for a person who asks how fast it goes.
_RUNS = """
CREATE TABLE IF NOT EXISTS runs (
    run INTEGER PRIMARY KEY, began REAL NOT NULL, latest REAL NOT NULL,
    blocks INTEGER NOT NULL, samples INTEGER NOT NULL, rows INTEGER NOT NULL
)
"""
# A full disk loses no more than one transaction.
_TRANSACTION_BLOCKS = 256


class StoredRun(NamedTuple):
    """What one run has added to a checkpoint: Unix times, and sums over its blocks."""

    began: float
    latest: float
    blocks: int
    samples: int
    rows: int


class StoredBlock(NamedTuple):
    """A block as it lies in the file."""

    n: int
    block: int
    bins: bytes
    counts: bytes
    crc: int


class Checkpoint(StudyFile):
    """The finished blocks of one study on disk, see `StudyFile`."""

    FIELDS: ClassVar[tuple[str, ...]] = (
        "format", "ensemble", "parameters", "stream", "dims", "samples", "seed", "nested",
        "block_size",
    )  # fmt: skip
    TABLES: ClassVar[dict[str, str]] = {"blocks": _BLOCKS}
    ROWS: ClassVar[str] = "blocks"

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Open the file and read which study it belongs to."""
        super().__init__(path)
        self._began, self._run = time.time(), 0

    def parts(self) -> list[Part]:
        """The parts of the file's study, without what only its ensemble knows.

        Raises
        ------
        CheckpointError
            If the fields are garbled, or the file holds no study yet.
        """
        if self._stored is None:
            raise CheckpointError(f"`checkpoint` {self.path!r} is empty: no study was begun in it")
        fields = {k: v for k, v in self._stored.items() if k not in ("format", "digest")}
        try:
            if digest_of(fields) == self._stored["digest"]:
                return grid(fields)
        except (ValueError, KeyError, TypeError):
            pass
        raise CheckpointError(self._damaged("its study is garbled"))

    def begin(self, spec: StudySpec) -> None:
        """Write the study's fields into a new file, or check that they are those of the file.

        Raises
        ------
        CheckpointMismatchError
            If the file belongs to another study; the message names the first field that differs.
        """
        self.begin_fields({"format": FORMAT, **spec.fields(), "digest": spec.digest()})

    def rows(self, parts: list[Part]) -> Iterator[tuple[int, StoredBlock]]:
        """Yield the blocks in order, each with the number of its part, and check each.

        Raises
        ------
        CheckpointError
            If one is garbled, comes twice, or is not on the study's grid.
        """
        number, before = {part.n: i for i, part in enumerate(parts)}, (-1, -1)
        with self._errors("read"):
            rows = self._db.execute("SELECT n, block, bins, counts, crc FROM blocks ORDER BY 1, 2")
            for row in map(StoredBlock._make, rows):
                i = number.get(row.n)
                # A broken index may yield rows twice.
                if i is None or not _is_sound(parts[i], row) or before >= (row.n, row.block):
                    raise CheckpointError(
                        self._damaged(f"block {row.block} of n = {row.n} is garbled")
                    )
                before = (row.n, row.block)
                yield i, row

    def read(self, parts: list[Part]) -> tuple[list[Tally], dict[int, IntArray]]:
        """Return the sum of the stored blocks of each part, and their numbers, sorted."""
        tallies, done = [Tally() for _ in parts], {i: array("q") for i in range(len(parts))}
        for i, row in self.rows(parts):
            bins, counts = np.frombuffer(row.bins, "<i8"), np.frombuffer(row.counts, "<i8")
            tallies[i].add(Histogram(bins, counts))
            done[i].append(row.block)
        return tallies, {i: np.array(blocks, np.int64) for i, blocks in done.items()}

    def add(self, parts: list[Part], blocks: Sequence[Counted]) -> None:
        """Store finished blocks."""
        for first in range(0, len(blocks), _TRANSACTION_BLOCKS):
            some = blocks[first : first + _TRANSACTION_BLOCKS]
            with self.transaction():
                self._insert(_stored(parts[block.part], block) for block in some)
                self._note(parts, some)

    def union(self, other: Checkpoint, parts: list[Part]) -> int:
        """Within a transaction, take over what ``other`` has more; return how many blocks.

        Raises
        ------
        CheckpointError
            If a block of ``other`` is garbled, or has other counts here.
        """
        before = self._db.total_changes
        for _, row in other.rows(parts):
            held = self._db.execute(
                "SELECT * FROM blocks WHERE n = ? AND block = ?", (row.n, row.block)
            ).fetchone()
            if held is None:
                self._insert([row])
            elif held != row:
                raise CheckpointError(
                    f"block {row.block} of n = {row.n} has other counts in {self.path!r} than in "
                    f"{other.path!r}: one of them was damaged, or made by another program; "
                    "nothing was merged"
                )
        added = self._db.total_changes - before
        self._db.execute(_RUNS)
        self._db.executemany(
            "INSERT INTO runs SELECT NULL, ?1, ?2, ?3, ?4, ?5 WHERE NOT EXISTS "
            "(SELECT 1 FROM runs WHERE began = ?1 AND latest = ?2 AND blocks = ?3)",
            other.runs(),
        )
        return added

    def _insert(self, rows: Iterable[StoredBlock]) -> None:
        """Store rows; another process may have stored the same ones: they have the same bits."""
        self._db.executemany("INSERT OR IGNORE INTO blocks VALUES (?, ?, ?, ?, ?)", rows)

    def runs(self) -> list[StoredRun]:
        """Return what each run of the study has added, oldest first."""
        with self._errors("read"):
            if "runs" not in self._tables():
                return []
            rows = self._db.execute(
                "SELECT began, latest, blocks, samples, rows FROM runs ORDER BY began"
            ).fetchall()
        if not all(isinstance(value, int | float) for row in rows for value in row):
            raise CheckpointError(self._damaged("its times are garbled"))
        return [StoredRun._make(row) for row in rows]

    def _note(self, parts: list[Part], blocks: Sequence[Counted]) -> None:
        """Add blocks to what this run has done."""
        if not self._run:
            self._db.execute(_RUNS)
            row = self._db.execute(
                "INSERT INTO runs VALUES (NULL, ?, ?, 0, 0, 0)", (self._began, self._began)
            )
            self._run = row.lastrowid or 0
        samples = [parts[block.part].samples_in(block.block) for block in blocks]
        rows = sum(m * parts[block.part].n for m, block in zip(samples, blocks, strict=True))
        self._db.execute(
            "UPDATE runs SET latest = ?, blocks = blocks + ?, samples = samples + ?, "
            "rows = rows + ? WHERE run = ?",
            (time.time(), len(blocks), sum(samples), rows, self._run),
        )

def _stored(part: Part, block: Counted) -> StoredBlock:
    """A block as it goes into the file."""
    bins = block.histogram.bins.astype("<i8").tobytes()
    counts = block.histogram.counts.astype("<i8").tobytes()
    return StoredBlock(part.n, block.block, bins, counts, _crc(part.n, block.block, bins, counts))


def _crc(n: int, block: int, bins: bytes, counts: bytes) -> int:
    """SQLite finds broken pages, not a flipped bit inside a value."""
    return crc32(counts, crc32(bins, crc32(f"{n}:{block}".encode())))


def _is_sound(part: Part, row: StoredBlock) -> bool:
    """Whether a row is what was written, and on the grid."""
    # SQLite's columns take values of any type.
    values: tuple[Any, ...] = row
    if not isinstance(values[2], bytes) or not isinstance(values[3], bytes):
        return False
    return row.crc == _crc(*row[:4]) and 0 <= row.block < part.blocks


