"""A study in one SQLite file: which study it is, and what has been finished of it.

Whatever ends the process, the file holds every row whose transaction returned, each exactly
once.  The default rollback journal is kept: it is one file at rest, and works on network disks.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

__all__ = ["CheckpointError", "CheckpointMismatchError", "StudyFile"]

_STUDY = "CREATE TABLE study (field TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID"
_DAMAGED = {"SQLITE_NOTADB", "SQLITE_CORRUPT"}


class CheckpointError(RuntimeError):
    """A checkpoint that cannot be read or written; what it holds is left as it is."""


class CheckpointMismatchError(CheckpointError, ValueError):
    """A checkpoint that belongs to another study."""


class StudyFile:
    """What is common to checkpoints of all kinds.

    Parameters
    ----------
    path : str or path-like
        The file; it is made when the study begins if it does not exist.

    Raises
    ------
    CheckpointError
        If the file cannot be opened or is no checkpoint.  It is not touched then.
    """

    #: Fields of the study, in an order in which the first that differs between two says most.
    FIELDS: ClassVar[tuple[str, ...]] = ()
    #: Tables besides ``study``: name and the statement that makes it.
    TABLES: ClassVar[dict[str, str]] = {}
    #: What the person has in the file.
    ROWS: ClassVar[str] = "rows"

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

    @property
    def fields(self) -> dict[str, Any] | None:
        """The fields of the file's study; None if the file is new."""
        if self._stored is None:
            return None
        known = [name for name in self.FIELDS if name in self._stored]
        return {name: self._stored[name] for name in dict.fromkeys([*known, *self._stored])}

    def begin_fields(self, fields: dict[str, Any]) -> None:
        """Write the study's fields into a new file, or check that they are those of the file.

        Raises
        ------
        CheckpointMismatchError
            If the file belongs to another study; the message names the first field that differs.
        """
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

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _read_fields(self) -> dict[str, Any] | None:
        """The fields of the file's study, or None if the file is new (or empty)."""
        tables = self._tables()
        if not tables:
            return None
        if not {"study", *self.TABLES} <= tables:
            raise CheckpointError(
                f"`checkpoint` {self.path!r} is a database of something else; name another file"
            )
        try:
            stored = {k: json.loads(v) for k, v in self._db.execute("SELECT * FROM study")}
            stored["seed"] = int(stored["seed"])
        except (ValueError, KeyError, TypeError, RecursionError):
            raise CheckpointError(self._damaged("its study is garbled")) from None
        return stored

    def _create(self, fields: dict[str, Any]) -> None:
        values = [(name, json.dumps(value, sort_keys=True)) for name, value in fields.items()]
        with self.transaction():
            for statement in (_STUDY, *self.TABLES.values()):
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
                    f"cannot write `checkpoint` {self.path!r}: {why}; the {self.ROWS} it holds are "
                    "safe: put that right and run the same study again to go on"
                )
            else:
                message = f"cannot {verb} `checkpoint` {self.path!r}: {error}"
            raise CheckpointError(message) from error


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:40]} … {text[-15:]}"
