"""Which payloads an archive has already, so that none is kept twice: on disk, however many there are."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

NAME: Final = "payloads.sqlite"
"""The file of the index, beside those of the archive. Without it nothing is lost: payloads are kept again."""
_CACHE: Final = 4096
"""KiB of it that are kept in memory."""


class Kept(NamedTuple):
    """Where a payload is kept."""

    record: str
    """The id of its record."""
    url: str
    date: str


class PayloadIndex:
    """The payloads of an archive by their digest, and how much of each file is known to be whole.

    It is locked for as long as it is open, and with it the archive: one process at a time writes to it.

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
            self._path.unlink()  # a power failure may have left it damaged, and it can be done without
            return _connected(self._path)

    def forget_missing(self, files: Iterable[str]) -> None:
        """Forget the payloads that are in other files than these: somebody has deleted those."""
        known = {name for (name,) in self._db.execute("SELECT name FROM files")}
        for name in known.difference(files):
            self._db.execute("DELETE FROM payloads WHERE file = ?", (name,))
            self._db.execute("DELETE FROM files WHERE name = ?", (name,))
        self._db.commit()

    def size(self, file: str) -> int | None:
        """How many bytes of a file were written when it was last noted; None: it is not known."""
        found = self._db.execute("SELECT size FROM files WHERE name = ?", (file,)).fetchone()
        return None if found is None else int(found[0])

    def find(self, digest: bytes) -> Kept | None:
        """Where a payload is kept already."""
        found = self._db.execute("SELECT record, url, date FROM payloads WHERE digest = ?", (digest,))
        return None if (row := found.fetchone()) is None else Kept(*row)

    def add(self, digest: bytes, kept: Kept, file: str) -> None:
        """Note a payload that was written, to be committed by `note`."""
        self._db.execute("INSERT OR REPLACE INTO payloads VALUES (?, ?, ?, ?, ?)", (digest, *kept, file))

    def note(self, file: str, size: int) -> None:
        """Note that a file is whole up to `size`, with the payloads that were added since the last note.

        Raises:
          OSError: the disk is full, or fails.
        """
        try:
            self._db.execute("INSERT OR REPLACE INTO files VALUES (?, ?)", (file, size))
            self._db.commit()
        except sqlite3.OperationalError as error:
            raise _as_os_error(error) from error

    def undo(self) -> None:
        """Forget the payloads that were added since the last note."""
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
        return BlockingIOError("another process is writing to it")
    return OSError(str(error))
