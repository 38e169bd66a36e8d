"""Reading back, a page at a time.

Each page is a query for what comes after the last record of the page before, so nothing stays open between
two pages: no cursor, no transaction, no thread, no task. An iteration may pause for a day, or be left at
any point, with nothing to close. A cursor would time out; a read transaction would keep SQLite from
checkpointing its write-ahead log; an async generator that is left early is closed by the garbage
collector, outside of its task (PEP 525).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, Generic, Self, TypeVar

import trio

from .._errors import StoreError, UsageError
from .._records import FeedState, StoredEntry
from .._records.table import InvalidRecord
from .._urls import feed_id, normalised, problem_with, with_scheme, without_credentials

T = TypeVar("T")

PAGE: Final = 500
"""Records a page at most."""
PAGE_BYTES: Final = 4 * 2**20
"""Text a page, and one entry more at most: an entry may have 8 MiB, although few have 8 KiB."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries to read, and in which order: by `last_changed`, then feed id, then key."""

    feed: str | None = None
    """The id of their feed; None: any."""
    since: datetime | None = None
    """The earliest `last_changed`; None: any."""
    oldest_first: bool = False


class Pages(Generic[T]):
    """An async iterator of records, for one task at a time.

    Args:
      read: returns the next page: at most that many records after the given one (None: from the
        beginning); an empty page is the end.
      limit: records in all; None: no limit.
    """

    def __init__(self, read: Callable[[T | None, int], Awaitable[Sequence[T]]], limit: int | None) -> None:
        self._read = read
        self._left = limit
        self._last: T | None = None
        self._page: deque[T] = deque()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        if self._page:
            await trio.lowlevel.checkpoint()
        else:
            await self._next_page()
        self._last = self._page.popleft()
        return self._last

    async def _next_page(self) -> None:
        wanted = PAGE if self._left is None else min(PAGE, self._left)
        page = await self._read(self._last, wanted) if wanted else ()
        if not page:
            raise StopAsyncIteration
        self._page.extend(page)
        if self._left is not None:
            self._left -= len(page)


class Paged(ABC):
    """The part of a store that reads back, over two methods that read a page."""

    def read_entries(
        self,
        *,
        feed: str | None = None,
        since: datetime | None = None,
        limit: int | None = None,
        oldest_first: bool = False,
    ) -> AsyncIterator[StoredEntry]:
        """See `Reader.read_entries`."""
        if since is not None and since.tzinfo is None:
            raise UsageError("since must have a time zone")
        if since is not None:
            since = since.astimezone(UTC)
        if limit is not None and limit < 0:
            raise UsageError("limit must not be negative")
        feed = feed and (with_scheme(feed) or feed)
        if feed is not None and "://" in feed and (problem := problem_with(feed)):
            raise UsageError(f"feed must be a feed id or a URL: {problem}")
        wanted = Wanted(feed, since, oldest_first)

        async def page(after: StoredEntry | None, count: int) -> Sequence[StoredEntry]:
            nonlocal wanted
            if feed is not None and "://" in feed and after is None:
                wanted = replace(wanted, feed=await self._feed_at(feed))
            with self._naming_invalid_records():
                return await self._page_of_entries(wanted, after, count)

        return Pages(page, limit)

    def read_feeds(self) -> AsyncIterator[FeedState]:
        """See `Reader.read_feeds`."""

        async def page(after: FeedState | None, count: int) -> Sequence[FeedState]:
            with self._naming_invalid_records():
                return await self._page_of_feeds(after, count)

        return Pages(page, None)

    async def find_feed(self, url: str) -> FeedState | None:
        """See `Reader.find_feed`."""
        if problem_with(url):
            return None
        feed = await self._feed_at(url)
        return (await self.load([feed])).get(feed)

    @abstractmethod
    async def load(self, feed_ids: Sequence[str]) -> dict[str, FeedState]:
        """See `Reader.load`."""

    async def _feed_at(self, url: str) -> str:
        """The id of the feed that has this URL in the list, or else of one that has moved there."""
        listed = feed_id(url)
        stored = without_credentials(url)
        found = await self._feeds_at((stored, normalised(stored)))
        return listed if listed in found or not found else min(found)

    @contextmanager
    def _naming_invalid_records(self) -> Iterator[None]:
        # Other programs can write to a database as well.
        try:
            yield
        except InvalidRecord as error:
            raise StoreError(
                f"{self.redacted_url} has an invalid record: {error}; correct or delete that record"
            ) from error

    @property
    @abstractmethod
    def redacted_url(self) -> str:
        """See `Reader.redacted_url`."""

    @abstractmethod
    async def _page_of_entries(
        self, wanted: Wanted, after: StoredEntry | None, count: int
    ) -> Sequence[StoredEntry]:
        """At most `count` entries in their order; fewer when they are large, none at the end.

        Raises:
          InvalidRecord: one of them is not valid.
        """

    @abstractmethod
    async def _feeds_at(self, urls: Sequence[str]) -> Sequence[str]:
        """The ids of the feeds that have one of these URLs now, or in the list."""

    @abstractmethod
    async def _page_of_feeds(self, after: FeedState | None, count: int) -> Sequence[FeedState]:
        """At most `count` feeds in the order of their ids, none at the end.

        Raises:
          InvalidRecord: one of them is not valid.
        """


def position(stored: StoredEntry) -> tuple[datetime, str, str]:
    """By what entries are sorted when they are read."""
    return stored.last_changed, stored.feed_id, stored.entry.key


def page_of(entries: Iterable[StoredEntry]) -> list[StoredEntry]:
    """As many of `entries` as make a page of `PAGE_BYTES`; at least one, if there is one."""
    return list(_until_full(entries))


def _until_full(entries: Iterable[StoredEntry]) -> Iterator[StoredEntry]:
    size = 0
    for stored in entries:
        yield stored
        entry = stored.entry
        size += len(entry.content or "") + len(entry.summary or "")
        if size > PAGE_BYTES:
            return
