"""A study's finished blocks in one SQLite file: one transaction per block.

Whatever ends the process, the file holds every block whose insertion returned, each exactly
once.  The default rollback journal is kept: it is one file at rest, and works on network disks.
"""

from __future__ import annotations

import json
import os
import sqlite3
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from zlib import crc32

import numpy as np

from saddlelab.studies.blocks import EMPTY, Counted, Histogram, IntArray
from saddlelab.studies.spec import Part, StudySpec

FORMAT = 1
_TABLES = """
CREATE TABLE study (field TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE blocks (
    n INTEGER NOT NULL, block INTEGER NOT NULL, bins BLOB NOT NULL, counts BLOB NOT NULL,
    crc INTEGER NOT NULL, PRIMARY KEY (n, block)
) WITHOUT ROWID;
"""
_DAMAGED = {"SQLITE_NOTADB", "SQLITE_CORRUPT"}


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

    def begin(self, spec: StudySpec) -> None:
        """Write the study's fields into a new file, or check that they are those of the file.

        Raises
        ------
        CheckpointMismatchError
            If the file belongs to another study; the message names the first field that differs.
        """
        fields = {"format": FORMAT, **spec.fields(), "digest": spec.digest()}
        if self._stored is None:
            self._create(fields)
            return
        for name, value in fields.items():
            stored = self._stored.get(name)
            if stored != value:
                raise CheckpointMismatchError(
                    f"`checkpoint` {self.path!r} belongs to another study: its `{name}` is "
                    f"{_short(stored)}, this study's is {_short(value)}; name another file"
                )

    def read(self, parts: list[Part]) -> tuple[list[Histogram], dict[int, IntArray]]:
        """Return the sum of the stored blocks of each part, and their numbers, sorted."""
        number = {part.n: i for i, part in enumerate(parts)}
        totals, done = [EMPTY] * len(parts), {i: array("q") for i in range(len(parts))}
        with self._errors("read"):
            rows = self._db.execute("SELECT n, block, bins, counts, crc FROM blocks ORDER BY 1, 2")
            for n, block, bins, counts, crc in rows:
                i = number.get(n)
                if i is None or not _is_sound(parts[i], done[i], block, bins, counts, crc):
                    raise CheckpointError(self._damaged(f"block {block} of n = {n} is garbled"))
                found = Histogram(np.frombuffer(bins, "<i8"), np.frombuffer(counts, "<i8"))
                totals[i] = totals[i] + found
                done[i].append(block)
        return totals, {i: np.array(blocks, np.int64) for i, blocks in done.items()}

    def add(self, part: Part, block: Counted) -> None:
        """Store one finished block."""
        bins = block.histogram.bins.astype("<i8").tobytes()
        counts = block.histogram.counts.astype("<i8").tobytes()
        crc = _crc(part.n, block.block, bins, counts)
        with self._errors("write"):
            # Another process may have stored the same block meanwhile: it has the same bits.
            self._db.execute(
                "INSERT OR IGNORE INTO blocks VALUES (?, ?, ?, ?, ?)",
                (part.n, block.block, bins, counts, crc),
            )

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _read_fields(self) -> dict[str, Any] | None:
        """The fields of the file's study, or None if the file is new (or empty)."""
        tables = {name for (name,) in self._db.execute("SELECT name FROM sqlite_master")}
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
        with self._errors("write"):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                for statement in _TABLES.split(";\n"):
                    self._db.execute(statement)
                self._db.executemany("INSERT INTO study VALUES (?, ?)", values)
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

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


def _crc(n: int, block: int, bins: bytes, counts: bytes) -> int:
    """SQLite finds broken pages, not a flipped bit inside a value."""
    return crc32(counts, crc32(bins, crc32(f"{n}:{block}".encode())))


def _is_sound(
    part: Part, before: Sequence[int], block: Any, bins: Any, counts: Any, crc: Any
) -> bool:
    """Whether a row is what was written, and comes once: a broken index may yield rows twice."""
    if not isinstance(bins, bytes) or not isinstance(counts, bytes):
        return False
    if crc != _crc(part.n, block, bins, counts) or not 0 <= block < part.blocks:
        return False
    return not before or block > before[-1]


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:40]} … {text[-15:]}"
