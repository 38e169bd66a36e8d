"""An index of the payloads in an archive, so that none is kept twice. It is a file on disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, NamedTuple

NAME: Final = "payloads.sqlite"
"""Name of the index in the folder of the archive. If it is deleted, payloads are kept once more."""
_CACHE: Final = 4096
"""KiB of it that are kept in memory."""
_VERSION: Final = 1
_SCHEMA: Final = (
    "CREATE TABLE payloads"
    " (digest BLOB PRIMARY KEY, record TEXT, url TEXT, date TEXT, file TEXT) WITHOUT ROWID",
    "CREATE TABLE files (name TEXT PRIMARY KEY, size INTEGER) WITHOUT ROWID",
    f"PRAGMA user_version = {_VERSION}",
)
_OF_THE_DISK: Final = {
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
}
"""Errors that a new index would have as well."""


class Kept(NamedTuple):
    """Where a payload is kept."""

    record: str
    """The id of its record."""
    url: str
    date: str


class PayloadIndex:
    """The payloads of an archive by digest, and up to which size each file is known to be complete.

    It is locked for as long as it is open, and with it the archive: one process at a time writes to it. An
    index that is damaged, or of another form, is thrown away whenever that shows, and a new one is begun.

    All methods raise `OSError` when the disk is full or fails.

    Raises:
      BlockingIOError: another process is writing to the archive.
      OSError: the index can't be opened or written.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._db: sqlite3.Connection | None = None
        try:
            self._begun()
        except sqlite3.Error as error:
            self._begin_anew(error)

    def forget_missing(self, files: Iterable[str]) -> None:
        """Forget the payloads that are in other files than these: somebody has deleted those."""
        known = {name for (name,) in self._execute("SELECT name FROM files")}
        for name in known.difference(files):
            self._execute("DELETE FROM payloads WHERE file = ?", name)
            self._execute("DELETE FROM files WHERE name = ?", name)
        self._commit()

    def size(self, file: str) -> int | None:
        """How many bytes of a file were written when it was last noted; None: it is not known."""
        found = self._execute("SELECT size FROM files WHERE name = ?", file)
        return int(found[0][0]) if found else None

    def find(self, digest: bytes) -> Kept | None:
        """Where a payload is kept already."""
        found = self._execute("SELECT record, url, date FROM payloads WHERE digest = ?", digest)
        return Kept(*found[0]) if found else None

    def add(self, digest: bytes, kept: Kept, file: str) -> None:
        """Note a payload that was written, to be committed by `note`."""
        self._execute("INSERT OR REPLACE INTO payloads VALUES (?, ?, ?, ?, ?)", digest, *kept, file)

    def note(self, file: str, size: int) -> None:
        """Note that a file is whole up to `size`, with the payloads that were added since the last note."""
        self._execute("INSERT OR REPLACE INTO files VALUES (?, ?)", file, size)
        self._commit()

    def undo(self) -> None:
        """Forget the payloads that were added since the last note."""
        try:
            self._begun().rollback()
        except sqlite3.Error as error:
            self._begin_anew(error)

    def close(self) -> None:
        """Close and unlock it."""
        if self._db is not None:
            db, self._db = self._db, None
            db.close()

    def _execute(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows that are found."""
        try:
            return self._begun().execute(statement, values).fetchall()
        except sqlite3.Error as error:
            return self._begin_anew(error).execute(statement, values).fetchall()

    def _commit(self) -> None:
        try:
            self._begun().commit()
        except sqlite3.Error as error:
            self._begin_anew(error)

    def _begun(self) -> sqlite3.Connection:
        if self._db is None:
            self._db = _connected(self._path)
        return self._db

    def _begin_anew(self, error: sqlite3.Error) -> sqlite3.Connection:
        """Throw the index away: a power failure may have left it damaged, and it can be done without.

        Raises:
          BlockingIOError, OSError: what is wrong is not the index.
        """
        # The lower byte of the code is what has happened; the rest says where.
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise BlockingIOError("another process is writing to it") from error
        if code in _OF_THE_DISK:
            raise OSError(str(error)) from error
        self.close()
        for end in ("", "-wal", "-shm"):
            self._path.with_name(NAME + end).unlink(missing_ok=True)
        try:
            return self._begun()
        except sqlite3.Error as again:
            raise OSError(str(again)) from again


def _connected(path: Path) -> sqlite3.Connection:
    # Its threads take turns.
    db = sqlite3.connect(path, timeout=0, check_same_thread=False)
    try:
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute(f"PRAGMA cache_size = -{_CACHE}")
        db.execute("BEGIN IMMEDIATE")
        (version,) = db.execute("PRAGMA user_version").fetchone()
        (tables,) = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if tables and version != _VERSION:
            raise sqlite3.DatabaseError("it is of another form")
        if not tables:
            for statement in _SCHEMA:
                db.execute(statement)
        db.commit()
    except sqlite3.Error:
        db.close()
        raise
    return db
