"""The set of ids seen so far: in memory up to a limit, then in a temporary file."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final, Generic, TypeVar

import trio

from .._threads import off_loop

IN_MEMORY: Final = 50_000
"""Identities in a dictionary, which take 8 MB; a million would take 150."""

Note = TypeVar("Note", int | None, str)


class Seen(Generic[Note]):
    """A set of ids, 32 hex digits each, with the note that each was first added with.

    Beyond `IN_MEMORY` of them it is a private temporary database of SQLite, which is used in a thread: even
    a local disk makes one insertion in ten thousand wait for 8 ms, and the event loop must not.
    """

    def __init__(self) -> None:
        self._few: dict[bytes, Note] = {}
        self._is_large = False
        self._db: sqlite3.Connection | None = None
        self._limiter = trio.CapacityLimiter(1)

    async def add(self, identity: str, note: Note) -> tuple[Note] | None:
        """Add an id with a note. Returns the note that it was first added with, None if it is new.

        Cancellation: may have added it.
        """
        (found,) = await self.add_all([(identity, note)])
        return found

    async def add_all(self, pairs: Sequence[tuple[str, Note]]) -> list[tuple[Note] | None]:
        """The same for several identities with their notes, in this order."""
        keys = [(bytes.fromhex(identity), note) for identity, note in pairs]
        self._is_large = self._is_large or len(self._few) + len(keys) > IN_MEMORY
        if self._is_large:
            return await off_loop(self._add_to_file, keys, limiter=self._limiter)
        return [self._add_to_memory(key, note) for key, note in keys]

    def _add_to_memory(self, key: bytes, note: Note) -> tuple[Note] | None:
        if key in self._few:
            return (self._few[key],)
        self._few[key] = note
        return None

    def _add_to_file(self, keys: Sequence[tuple[bytes, Note]]) -> list[tuple[Note] | None]:
        if self._db is None:
            # Not the loop's thread; the limiter sees to it that there are never two at once.
            self._db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode = OFF")
            self._db.execute("CREATE TABLE seen (identity BLOB PRIMARY KEY, note) WITHOUT ROWID")
            self._db.execute("BEGIN")
            self._db.executemany("INSERT INTO seen VALUES (?, ?)", self._few.items())
            self._db.execute("COMMIT")
            self._few.clear()
        return [_add_to_table(self._db, key, note) for key, note in keys]

    async def aclose(self) -> None:
        """Forget everything; also when cancelled."""
        self._few.clear()
        if self._db is not None:
            with trio.CancelScope(shield=True):
                await off_loop(self._db.close, limiter=self._limiter)


def _add_to_table(db: sqlite3.Connection, key: bytes, note: Note) -> tuple[Note] | None:
    if db.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (key, note)).rowcount:
        return None
    found: tuple[Note] = db.execute("SELECT note FROM seen WHERE identity = ?", (key,)).fetchone()
    return found
