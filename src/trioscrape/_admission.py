"""Admission: the feed list as candidates, each feed once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from ._types import Duplicate, Feed, FeedState
from ._urls import feed_id, normalised, problem_with

SHOWN_DUPLICATES = 10


@dataclass(frozen=True, slots=True)
class Candidate:
    """A feed of the list that has been looked at but not yet started."""

    feed: Feed
    feed_id: str
    host: str
    problem: str | None = None
    """Why it can't be fetched at all."""
    state: FeedState | None = None


class FeedSource:
    """The feed list as candidates, each feed once.

    Reads `feeds` no further than it is asked to.
    """

    def __init__(self, feeds: Iterable[str | Feed]) -> None:
        if isinstance(feeds, str | bytes):
            raise TypeError(f"feeds must be an iterable of URLs, not {type(feeds).__name__}")
        self._feeds = iter(feeds)
        self._seen = _Seen()
        self.duplicates = 0
        self.duplicate_examples: list[Duplicate] = []

    def take(self, count: int) -> list[Candidate]:
        """The next `count` candidates; fewer only at the end of the list."""
        taken: list[Candidate] = []
        for candidate in self._candidates():
            taken.append(candidate)
            if len(taken) == count:
                break
        return taken

    def count_rest(self) -> int:
        """How many candidates are left; reads the list to its end."""
        return sum(1 for _ in self._candidates())

    def _candidates(self) -> Iterator[Candidate]:
        for item in self._feeds:
            feed = Feed(item) if isinstance(item, str) else item
            if not isinstance(feed, Feed):
                raise TypeError(f"a feed is a URL or a Feed, not {type(item).__name__}")
            candidate = _candidate(feed)
            if candidate.problem is None and (first := self._seen.before(candidate.feed_id, feed.line)):
                self._duplicate(Duplicate(feed, first[0]))
            else:
                yield candidate

    def _duplicate(self, duplicate: Duplicate) -> None:
        self.duplicates += 1
        if len(self.duplicate_examples) < SHOWN_DUPLICATES:
            self.duplicate_examples.append(duplicate)

    def close(self) -> None:
        """Forget which feeds were seen."""
        self._seen.close()


def _candidate(feed: Feed) -> Candidate:
    if problem := problem_with(feed.url):
        return Candidate(feed, "", "", problem)
    return Candidate(feed, feed_id(feed.url), urlsplit(normalised(feed.url)).hostname or "")


class _Seen:
    """Feed ids that have come by, on disk when there are many: a set of a million takes 150 MB."""

    def __init__(self) -> None:
        # A private temporary database: in memory up to SQLite's page cache (2 MB), then in a file.
        self._db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute("CREATE TABLE seen (feed_id BLOB PRIMARY KEY, line INTEGER) WITHOUT ROWID")

    def before(self, identity: str, line: int | None) -> tuple[int | None] | None:
        """The line it was seen at before; None when this is the first time."""
        key = bytes.fromhex(identity)
        if self._db.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (key, line)).rowcount:
            return None
        found: tuple[int | None] = self._db.execute(
            "SELECT line FROM seen WHERE feed_id = ?", (key,)
        ).fetchone()
        return found

    def close(self) -> None:
        self._db.close()
