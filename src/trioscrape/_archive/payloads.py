"""An index, on disk, of the payloads that an archive has, so that none is kept twice."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

NAME: Final = "payloads.sqlite"
"""Name of the index in the folder of the archive. If it is deleted, payloads are kept once more."""
_CACHE: Final = 4096
"""SQLite's page cache, in KiB."""


class Kept(NamedTuple):
    """Where a payload is kept."""

    record: str
    """The id of its record."""
    url: str
    date: str


class PayloadIndex:
    """The payloads of an archive by digest, and up to which size each file is known to be complete.

    It is locked while it is open. This locks the whole archive: one process at a time can write to it.

    Raises:
      BlockingIOError: another process is writing to the archive.
      OSError: the index can't be opened or written.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._db = self._opened()

    def _opened(self) -> sqlite3.Connection:
        try:
            return _connected(self._path)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise _as_os_error(error) from error
            self._path.unlink()  # damaged, by a power failure perhaps; nothing is lost without it
            return _connected(self._path)

    def forget_missing(self, files: Iterable[str]) -> None:
        """Forget the payloads of files that are not among `files`, because somebody has deleted them."""
        known = {name for (name,) in self._db.execute("SELECT name FROM files")}
        for name in known.difference(files):
            self._db.execute("DELETE FROM payloads WHERE file = ?", (name,))
            self._db.execute("DELETE FROM files WHERE name = ?", (name,))
        self._db.commit()

    def size(self, file: str) -> int | None:
        """Up to how many bytes a file is known to be complete; None: the file is not known."""
        found = self._db.execute("SELECT size FROM files WHERE name = ?", (file,)).fetchone()
        return None if found is None else int(found[0])

    def find(self, digest: bytes) -> Kept | None:
        """Where a payload is kept; None: it is not in the archive."""
        found = self._db.execute("SELECT record, url, date FROM payloads WHERE digest = ?", (digest,))
        return None if (row := found.fetchone()) is None else Kept(*row)

    def add(self, digest: bytes, kept: Kept, file: str) -> None:
        """Add a payload that was written; the next `note` commits it."""
        self._db.execute("INSERT OR REPLACE INTO payloads VALUES (?, ?, ?, ?, ?)", (digest, *kept, file))

    def note(self, file: str, size: int) -> None:
        """Note that a file is complete up to `size`, and commit the payloads added since the last call.

        Raises:
          OSError: the disk is full, or fails.
        """
        try:
            self._db.execute("INSERT OR REPLACE INTO files VALUES (?, ?)", (file, size))
            self._db.commit()
        except sqlite3.OperationalError as error:
            raise _as_os_error(error) from error

    def undo(self) -> None:
        """Forget the payloads that were added since the last call of `note`."""
        self._db.rollback()

    def close(self) -> None:
        """Close and unlock it."""
        self._db.close()


def _connected(path: Path) -> sqlite3.Connection:
    # Its threads take turns.
    db = sqlite3.connect(path, timeout=0, check_same_thread=False)
    try:
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute(f"PRAGMA cache_size = -{_CACHE}")
        db.execute(
            "CREATE TABLE IF NOT EXISTS payloads"
            " (digest BLOB PRIMARY KEY, record TEXT, url TEXT, date TEXT, file TEXT) WITHOUT ROWID"
        )
        db.execute("CREATE TABLE IF NOT EXISTS files (name TEXT PRIMARY KEY, size INTEGER) WITHOUT ROWID")
        db.execute("BEGIN IMMEDIATE")
        db.commit()
    except sqlite3.Error:
        db.close()
        raise
    return db


def _as_os_error(error: sqlite3.OperationalError) -> OSError:
    if error.sqlite_errorcode in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return BlockingIOError("another process is writing to it; wait until it ends, or use another folder")
    return OSError(str(error))
