"""What has come by already, on disk when there is much of it: a set of a million takes 150 MB."""

from __future__ import annotations

import sqlite3
from typing import Generic, TypeVar

Note = TypeVar("Note", int | None, str)


class Seen(Generic[Note]):
    """Identities, 32 hex digits each, and a note that was made when one came by first."""

    def __init__(self) -> None:
        # A private temporary database: in memory up to SQLite's page cache (2 MB), then in a file.
        self._db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute("CREATE TABLE seen (identity BLOB PRIMARY KEY, note) WITHOUT ROWID")

    def before(self, identity: str, note: Note) -> tuple[Note] | None:
        """The note of the first time; None when this is the first time."""
        key = bytes.fromhex(identity)
        if self._db.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (key, note)).rowcount:
            return None
        found: tuple[Note] = self._db.execute("SELECT note FROM seen WHERE identity = ?", (key,)).fetchone()
        return found

    def close(self) -> None:
        """Forget everything."""
        self._db.close()
