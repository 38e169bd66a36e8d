"""The feeds of a watch, by when they are due: what is in the list, and nothing of what the store has.

It is a private temporary database of SQLite: in memory for up to 50,000 feeds, and beyond that in a file,
which is used in a thread. It is made anew from list and store with each start, so nothing is lost with it;
and no URL with a password stays anywhere, because the file has no name.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, TypeVar, TypeVarTuple, Unpack

import trio

from .._records import Feed
from .._threads import off_loop
from .seen import IN_MEMORY

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_CACHE: Final = 65_536
"""KiB: what 50,000 feeds need, and so much more that nothing is written to a file."""
_TABLE: Final = """
    CREATE TABLE agenda (
        feed_id TEXT PRIMARY KEY, feed TEXT NOT NULL, edition INTEGER NOT NULL, due REAL
    ) WITHOUT ROWID
"""
_INDEX: Final = "CREATE INDEX by_due ON agenda (due) WHERE due IS NOT NULL"


class Due(NamedTuple):
    """A feed that is due."""

    feed: Feed
    moment: float
    """Since when, in seconds since 1970."""


class Agenda:
    """Feeds by when they are due. One that has been taken is due at no time until it is planned again."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        for statement in (
            "PRAGMA journal_mode = OFF",
            "PRAGMA synchronous = OFF",
            f"PRAGMA cache_size = -{_CACHE}",
            _TABLE,
            _INDEX,
        ):
            self._db.execute(statement)
        self._limiter = trio.CapacityLimiter(1)
        self.size = 0
        """Feeds of the list, and those that have left it while they were taken."""
        self._edition = 0

    async def listed(self, feeds: Sequence[tuple[str, Feed]], edition: int) -> list[str]:
        """Note that feeds are in an edition of the list, by id; the ids of those that are new here."""
        return await self._done(self._listed, feeds, edition)

    async def plan(self, moments: Sequence[tuple[str, float]]) -> list[float]:
        """Plan feeds, by id. Returns the moments of those still in the list; the others are forgotten."""
        return await self._done(self._plan, moments)

    async def take(self, now: float, most: int) -> list[Due]:
        """The feeds that are due, the longest ones first."""
        return await self._done(self._take, now, most)

    async def shift(self, seconds: float) -> None:
        """Plan all feeds so much later; earlier if it is less than 0."""
        await self._done(self._shift, seconds)

    async def next_due(self) -> float | None:
        """When the next feed is due; None: no feed is planned."""
        return await self._done(self._next_due)

    async def late(self, now: float) -> int:
        """How many feeds are due."""
        return await self._done(self._late, now)

    async def forget_older(self, edition: int) -> list[float]:
        """Forget the feeds that are in no edition since; for when they were planned.

        Those that are taken are forgotten when they are planned again: should they be listed again before
        that, they are not new.
        """
        return await self._done(self._forget_older, edition)

    async def _done(self, call: Callable[[Unpack[Ts]], T], *args: *Ts) -> T:
        if self.size <= IN_MEMORY:
            return call(*args)
        return await off_loop(call, *args, limiter=self._limiter)

    def _listed(self, feeds: Sequence[tuple[str, Feed]], edition: int) -> list[str]:
        new = []
        for feed_id, feed in feeds:
            text = json.dumps([feed.url, feed.title, feed.line, feed.tags, feed.without_scheme])
            update = "UPDATE agenda SET feed = ?, edition = ? WHERE feed_id = ?"
            if not self._db.execute(update, (text, edition, feed_id)).rowcount:
                self._db.execute("INSERT INTO agenda VALUES (?, ?, ?, NULL)", (feed_id, text, edition))
                new.append(feed_id)
        self.size += len(new)
        return new

    def _plan(self, moments: Sequence[tuple[str, float]]) -> list[float]:
        planned = []
        for feed_id, moment in moments:
            update = "UPDATE agenda SET due = ? WHERE feed_id = ? AND edition >= ?"
            if self._db.execute(update, (moment, feed_id, self._edition)).rowcount:
                planned.append(moment)
            else:
                self.size -= self._db.execute("DELETE FROM agenda WHERE feed_id = ?", (feed_id,)).rowcount
        return planned

    def _take(self, now: float, most: int) -> list[Due]:
        query = "SELECT feed_id, feed, due FROM agenda WHERE due <= ? ORDER BY due LIMIT ?"
        rows = self._db.execute(query, (now, most)).fetchall()
        self._db.executemany("UPDATE agenda SET due = NULL WHERE feed_id = ?", [row[:1] for row in rows])
        return [Due(_feed(text), moment) for _, text, moment in rows]

    def _shift(self, seconds: float) -> None:
        self._db.execute("UPDATE agenda SET due = due + ? WHERE due IS NOT NULL", (seconds,))

    def _next_due(self) -> float | None:
        found: float | None = self._db.execute(
            "SELECT min(due) FROM agenda WHERE due IS NOT NULL"
        ).fetchone()[0]
        return found

    def _late(self, now: float) -> int:
        found: int = self._db.execute("SELECT count(*) FROM agenda WHERE due <= ?", (now,)).fetchone()[0]
        return found

    def _forget_older(self, edition: int) -> list[float]:
        self._edition = edition
        delete = "DELETE FROM agenda WHERE edition < ? AND due IS NOT NULL RETURNING due"
        gone = self._db.execute(delete, (edition,)).fetchall()
        self.size -= len(gone)
        return [due for (due,) in gone]

    async def aclose(self) -> None:
        """Forget everything; also when cancelled."""
        with trio.CancelScope(shield=True):
            await off_loop(self._db.close, limiter=self._limiter)


def _feed(text: str) -> Feed:
    url, title, line, tags, without_scheme = json.loads(text)
    return Feed(url, title, line, tuple(tags), without_scheme)
