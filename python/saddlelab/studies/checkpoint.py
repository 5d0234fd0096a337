"""A study's finished blocks in one SQLite file: one transaction per task.

Whatever ends the process, the file holds every block whose insertion returned, each exactly
once.  The default rollback journal is kept: it is one file at rest, and works on network disks.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np

from saddlelab.studies.blocks import Counted, Histogram, IntArray, Tally
from saddlelab.studies.spec import Part, StudySpec, grid

FORMAT = 1
_TABLES = """
CREATE TABLE study (field TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE blocks (
    n INTEGER NOT NULL, block INTEGER NOT NULL, bins BLOB NOT NULL, counts BLOB NOT NULL,
    crc INTEGER NOT NULL, PRIMARY KEY (n, block)
) WITHOUT ROWID;
"""
_FIELDS = (
    "format", "ensemble", "parameters", "stream", "dims", "samples", "seed", "nested", "block_size"
)
# What each run has done, for a person who asks how fast it goes.
_RUNS = """
CREATE TABLE IF NOT EXISTS runs (
    run INTEGER PRIMARY KEY, began REAL NOT NULL, latest REAL NOT NULL,
    blocks INTEGER NOT NULL, samples INTEGER NOT NULL, rows INTEGER NOT NULL
)
"""
# A full disk loses no more than one transaction.
_TRANSACTION_BLOCKS = 256
_DAMAGED = {"SQLITE_NOTADB", "SQLITE_CORRUPT"}


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


class CheckpointError(RuntimeError):
    """A checkpoint that cannot be read or written; what it holds is left as it is."""


class CheckpointMismatchError(CheckpointError, ValueError):
    """A checkpoint that belongs to another study."""


class Checkpoint:
    """The finished blocks of one study on disk.

    Parameters
    ----------
    path : str or path-like
        The file; it is made when the study begins if it does not exist.

    Raises
    ------
    CheckpointError
        If the file cannot be opened or is no checkpoint.  It is not touched then.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Open the file and read which study it belongs to."""
        self.path = os.fspath(path)
        self._began, self._run = time.time(), 0
        with self._errors("open"):
            # Autocommit: each INSERT is a transaction, on disk when it returns.
            self._db = sqlite3.connect(
                os.path.abspath(self.path), isolation_level=None, timeout=60.0
            )
        try:
            with self._errors("open"):
                self._stored = self._read_fields()
        except BaseException:
            self._db.close()
            raise

    @property
    def seed(self) -> int | None:
        """The seed of the study in the file; None if the file is new."""
        return None if self._stored is None else int(self._stored["seed"])

    @property
    def fields(self) -> dict[str, Any] | None:
        """The fields of the file's study; None if the file is new."""
        if self._stored is None:
            return None
        # In an order in which the first that differs between two studies says most.
        known = [name for name in _FIELDS if name in self._stored]
        return {name: self._stored[name] for name in dict.fromkeys([*known, *self._stored])}

    def parts(self) -> list[Part]:
        """The parts of the file's study, without what only its ensemble knows.

        Raises
        ------
        CheckpointError
            If the fields are garbled, or the file holds no study yet.
        """
        if self._stored is None:
            raise CheckpointError(f"`checkpoint` {self.path!r} is empty: no study was begun in it")
        try:
            return grid(self._stored)
        except (ValueError, KeyError, TypeError):
            raise CheckpointError(self._damaged("its study is garbled")) from None

    def begin(self, spec: StudySpec) -> None:
        """Write the study's fields into a new file, or check that they are those of the file.

        Raises
        ------
        CheckpointMismatchError
            If the file belongs to another study; the message names the first field that differs.
        """
        self.begin_fields({"format": FORMAT, **spec.fields(), "digest": spec.digest()})

    def begin_fields(self, fields: dict[str, Any]) -> None:
        """Do what :meth:`begin` does, with the fields as another file holds them."""
        if self._stored is None:
            self._create(fields)
            self._stored = fields
            return
        for name, value in fields.items():
            stored = self._stored.get(name)
            if stored != value:
                raise CheckpointMismatchError(
                    f"`checkpoint` {self.path!r} belongs to another study: its `{name}` is "
                    f"{_short(stored)}, this study's is {_short(value)}; name another file"
                )

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

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _read_fields(self) -> dict[str, Any] | None:
        """The fields of the file's study, or None if the file is new (or empty)."""
        tables = self._tables()
        if not tables:
            return None
        if not {"study", "blocks"} <= tables:
            raise CheckpointError(
                f"`checkpoint` {self.path!r} is a database of something else; name another file"
            )
        try:
            stored = {k: json.loads(v) for k, v in self._db.execute("SELECT * FROM study")}
            stored["seed"] = int(stored["seed"])
        except (ValueError, KeyError, TypeError):
            raise CheckpointError(self._damaged("its study is garbled")) from None
        return stored

    def _create(self, fields: dict[str, Any]) -> None:
        values = [(name, json.dumps(value, sort_keys=True)) for name, value in fields.items()]
        with self.transaction():
            for statement in _TABLES.split(";\n"):
                self._db.execute(statement)
            self._db.executemany("INSERT INTO study VALUES (?, ?)", values)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, and on disk at the end."""
        with self._errors("write"):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def _tables(self) -> set[str]:
        return {name for (name,) in self._db.execute("SELECT name FROM sqlite_master")}

    def _damaged(self, how: str) -> str:
        return (
            f"`checkpoint` {self.path!r} is damaged: {how}; it was left as it is: "
            "move it away to start anew"
        )

    @contextmanager
    def _errors(self, verb: str) -> Iterator[None]:
        """Turn SQLite's errors into ones that say what happened and what to do."""
        try:
            yield
        except UnicodeDecodeError as error:
            raise CheckpointError(self._damaged(str(error))) from error
        except sqlite3.Error as error:
            code = str(getattr(error, "sqlite_errorname", ""))
            if code in _DAMAGED:
                message = self._damaged(str(error))
            elif verb == "write":
                why = "the disk is full" if code == "SQLITE_FULL" else str(error)
                message = (
                    f"cannot write `checkpoint` {self.path!r}: {why}; the blocks it holds are "
                    "safe: put that right and run the same study again to go on"
                )
            else:
                message = f"cannot {verb} `checkpoint` {self.path!r}: {error}"
            raise CheckpointError(message) from error


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


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:40]} … {text[-15:]}"
