"""The set of ids seen so far: in memory up to a limit, then in a temporary file."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any, Final, Generic, TypeVar

import trio

from .._threads import off_loop

IN_MEMORY: Final = 10_000
"""Ids in a dictionary, which take 1.6 MB; a million would take 150."""
AT_ONCE: Final = 5_000
"""Ids that go to the file together, once there is one."""

Note = TypeVar("Note", int | None, str)

_UNSURE: Final[Any] = object()
_MISSING: Final[Any] = object()


class Seen(Generic[Note]):
    """A set of ids, 32 hex digits each, with the note that each was first added with.

    Beyond `IN_MEMORY` of them it is a private temporary database of SQLite, which is used in a thread:
    even a local disk makes one insertion in ten thousand wait for 8 ms, and the event loop must not. A
    Bloom filter knows without it that an id is new: of a million, two in a thousand are looked up in vain.
    """

    def __init__(self) -> None:
        self._few: dict[bytes, Note] = {}
        self._filter = _Filter()
        self._db: sqlite3.Connection | None = None
        self._has_file = self._moving = False
        self._limiter = trio.CapacityLimiter(1)

    async def add(self, identity: str, note: Note) -> tuple[Note] | None:
        """Add an id with a note. Returns the note that it was first added with, None if it is new.

        Cancellation: may have added it.
        """
        (found,) = await self.add_all([(identity, note)])
        return found

    async def add_all(self, pairs: Sequence[tuple[str, Note]]) -> list[tuple[Note] | None]:
        """The same for several ids with their notes, in this order."""
        keys = [(bytes.fromhex(identity), note) for identity, note in pairs]
        found = [self._add_to_memory(key, note) for key, note in keys]
        if unsure := [place for place, each in enumerate(found) if each is _UNSURE]:
            # It waits its turn behind ids that are on their way to the file.
            some = [keys[place] for place in unsure]
            answers = await off_loop(self._add_to_file, some, limiter=self._limiter)
            for place, answer in zip(unsure, answers, strict=True):
                found[place] = answer
        if not self._moving and len(self._few) > (min(AT_ONCE, IN_MEMORY) if self._has_file else IN_MEMORY):
            self._has_file = self._moving = True
            try:
                await off_loop(self._move_to_file, limiter=self._limiter)
            finally:
                self._moving = False
        return found

    def _add_to_memory(self, key: bytes, note: Note) -> tuple[Note] | None:
        few = self._few  # a thread may take it away at any time
        if (known := few.get(key, _MISSING)) is not _MISSING:
            return (known,)
        if not self._filter.add(key) and self._has_file:
            unsure: tuple[Note] | None = _UNSURE
            return unsure
        self._few[key] = note
        return None

    def _move_to_file(self) -> None:
        few, self._few = self._few, {}
        db = self._opened()
        db.execute("BEGIN")
        db.executemany("INSERT OR IGNORE INTO seen VALUES (?, ?)", few.items())
        db.execute("COMMIT")

    def _add_to_file(self, keys: Sequence[tuple[bytes, Note]]) -> list[tuple[Note] | None]:
        db = self._opened()
        return [_add_to_table(db, key, note) for key, note in keys]

    def _opened(self) -> sqlite3.Connection:
        if self._db is None:
            # Not the loop's thread; the limiter sees to it that there are never two at once.
            self._db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode = OFF")
            self._db.execute("CREATE TABLE seen (identity BLOB PRIMARY KEY, note) WITHOUT ROWID")
        return self._db

    async def clear(self) -> None:
        """Forget all ids. Cancellation: may have forgotten them."""
        self._few, self._filter = {}, _Filter()
        if self._has_file:
            await off_loop(self._clear_file, limiter=self._limiter)

    def _clear_file(self) -> None:
        self._opened().execute("DELETE FROM seen")

    async def aclose(self) -> None:
        """Forget everything; also when cancelled."""
        self._few.clear()
        if self._db is not None:
            with trio.CancelScope(shield=True):
                await off_loop(self._db.close, limiter=self._limiter)


class _Filter:
    """A Bloom filter of 2 MB, for ids that are hashes: four parts of each are the places of its bits."""

    def __init__(self) -> None:
        self._bits = bytearray(2**21)

    def add(self, key: bytes) -> bool:
        """Add an id. Returns True if it is new, False if it may have been added before."""
        bits, new = self._bits, False
        for start in (0, 4, 8, 12):
            place = int.from_bytes(key[start : start + 3])
            bit = 1 << (place & 7)
            if not bits[place >> 3] & bit:
                bits[place >> 3] |= bit
                new = True
        return new


def _add_to_table(db: sqlite3.Connection, key: bytes, note: Note) -> tuple[Note] | None:
    if db.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (key, note)).rowcount:
        return None
    found: tuple[Note] = db.execute("SELECT note FROM seen WHERE identity = ?", (key,)).fetchone()
    return found
