"""The feed list as it is read: each feed once, no further than is needed.

A synchronous iterable is read in the event loop's own thread. It may not be usable in another one: a
database cursor belongs to the thread that made it, and a generator may look at what the application's
tasks change. It may be slow, though, so there is a checkpoint after each millisecond, at which other
tasks run. What takes longer than that for a single feed should be an asynchronous iterable. That is read
by a task of its own, and what has arrived is taken at once.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Iterator, Sized
from contextlib import aclosing, nullcontext, suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, Protocol

import trio

from .._records import DuplicateFeed, Feed, Result
from .candidates import Candidate
from .seen import Seen

Feeds = Iterable[str | Feed] | AsyncIterable[str | Feed]
"""What a scrape takes for a feed list."""

READ_AHEAD: Final = 250
"""Feeds read from the list at once; what the store knows of them is one query."""
SLICE: Final = 0.001
"""Seconds of synchronous work after which other tasks may run."""
SLOW: Final = 0.05
"""Seconds after which the feeds that have been read no longer wait for more to come."""
SHOWN_DUPLICATES: Final = 10


@dataclass(slots=True)
class ListCounts:
    """A list as far as it has been read."""

    feeds: int = 0
    """Duplicates counted once."""
    duplicates: int = 0
    duplicate_examples: list[DuplicateFeed] = field(default_factory=list)
    whole: bool = False
    """Whether that is all of it."""

    def __add__(self, other: ListCounts) -> ListCounts:
        """Two parts of a list that have no feed in common. Examples without lines keep their order."""
        examples = [*self.duplicate_examples, *other.duplicate_examples]
        examples.sort(key=lambda duplicate: duplicate.feed.line or 0)
        return ListCounts(
            feeds=self.feeds + other.feeds,
            duplicates=self.duplicates + other.duplicates,
            duplicate_examples=examples[:SHOWN_DUPLICATES],
            whole=self.whole and other.whole,
        )


class Source(Protocol):
    """Where the feeds of a scrape come from."""

    counts: ListCounts

    async def receive(self) -> None:
        """What has to run beside `take`, until its end, or until it is cancelled."""

    async def take(self) -> list[Candidate]:
        """Some more candidates; none at the end."""

    async def ended(self, result: Result) -> None:
        """Note the result of a feed that was taken."""

    async def aclose(self) -> None:
        """Forget everything; also when cancelled."""


class FeedSource:
    """A feed list as candidates, each feed once."""

    def __init__(self, feeds: Feeds) -> None:
        self._reader = _reader(feeds)
        self._seen = Seen[int | None]()
        self.counts = ListCounts()

    async def receive(self) -> None:
        """Read an asynchronous list; has to run beside `take` until its end, or until it is cancelled."""
        await self._reader.receive()

    async def take(self) -> list[Candidate]:
        """As many more candidates as can be had at once, up to `READ_AHEAD`; none at the end of the list.

        Raises:
          TypeError: an item is neither a URL nor a `Feed`.
          Exception: what the list raises, once all feeds before that have been taken.

        Cancellation: what has been read meanwhile is lost.
        """
        while candidates := await self._reader.read():
            await trio.lowlevel.checkpoint()  # there may be any number of batches with nothing new in them
            if new := await self._without_duplicates(candidates):
                return new
        self.counts.whole = True
        return []

    async def _without_duplicates(self, candidates: list[Candidate]) -> list[Candidate]:
        sound = [candidate for candidate in candidates if candidate.problem is None]
        first = iter(await self._seen.add_all([(each.feed_id, each.feed.line) for each in sound]))
        new = []
        for candidate in candidates:
            before = next(first) if candidate.problem is None else None
            if before is None:
                new.append(candidate)
            else:
                self._count_duplicate(DuplicateFeed(candidate.feed, before[0]))
        self.counts.feeds += len(new)
        return new

    def _count_duplicate(self, duplicate: DuplicateFeed) -> None:
        self.counts.duplicates += 1
        if len(self.counts.duplicate_examples) < SHOWN_DUPLICATES:
            self.counts.duplicate_examples.append(duplicate)

    async def ended(self, result: Result) -> None:
        """Nothing to do: a feed is fetched once."""

    async def aclose(self) -> None:
        """Forget which feeds were seen."""
        await self._seen.aclose()


def can_be_counted(feeds: Feeds) -> bool:
    """Whether a list can be read once more, and comes to an end: it has a length, as lists have."""
    is_sized = isinstance(feeds, Sized) and isinstance(feeds, Iterable)
    return is_sized and not isinstance(feeds, Iterator | AsyncIterable)


async def counted(feeds: Feeds) -> ListCounts:
    """What `feeds` has in it, from its beginning to its end. Cancellation: stops."""
    async with aclosing(FeedSource(feeds)) as source:
        while await source.take():
            pass
        return source.counts


class _Reader(Protocol):
    async def read(self) -> list[Candidate]: ...

    async def receive(self) -> None: ...


def _reader(feeds: Feeds) -> _Reader:
    if isinstance(feeds, str | bytes):
        raise TypeError(f"feeds must be an iterable of URLs, not {type(feeds).__name__}")
    return _Arriving(feeds) if isinstance(feeds, AsyncIterable) else _Listed(feeds)


class _Listed:
    """Reads a synchronous iterable."""

    def __init__(self, feeds: Iterable[str | Feed]) -> None:
        self._feeds = iter(feeds)
        self._error: Exception | None = None

    async def read(self) -> list[Candidate]:
        found: list[Candidate] = []
        if self._error is not None:
            raise self._error
        slices = _Slices()
        try:
            for item in islice(self._feeds, READ_AHEAD):
                found.append(Candidate.of(as_feed(item)))
                if await slices.checkpoint() > SLOW:
                    break
        except Exception as error:
            # What comes before it in the list goes before it; it is not read on after that.
            self._error = error
            if not found:
                raise
        return found

    async def receive(self) -> None:
        """Nothing to do."""


class _Arriving:
    """Takes what a task receives from an asynchronous iterable."""

    def __init__(self, feeds: AsyncIterable[str | Feed]) -> None:
        self._feeds = feeds
        self._send, self._arrived = trio.open_memory_channel[Feed](READ_AHEAD)
        self._error: Exception | None = None

    async def read(self) -> list[Candidate]:
        try:
            feeds = [await self._arrived.receive()]
        except trio.EndOfChannel:
            if self._error is not None:
                raise self._error from None
            return []
        with suppress(trio.WouldBlock, trio.EndOfChannel):
            while len(feeds) < READ_AHEAD:
                feeds.append(self._arrived.receive_nowait())
        found, slices = [], _Slices()
        for feed in feeds:
            found.append(Candidate.of(feed))
            await slices.checkpoint()
        return found

    async def receive(self) -> None:
        feeds = aiter(self._feeds)
        # Left unfinished, a generator would be closed by the garbage collector, which trio warns of.
        closing = aclosing(feeds) if isinstance(feeds, AsyncGenerator) else nullcontext()
        with self._send:
            async with closing:
                try:
                    async for item in feeds:
                        await self._send.send(as_feed(item))
                except Exception as error:  # noqa: BLE001 - is raised by `read`, after what came before it
                    self._error = error


class _Slices:
    """Divides synchronous work into slices, between which other tasks may run."""

    def __init__(self) -> None:
        self._began = self._last = trio.current_time()

    async def checkpoint(self) -> float:
        """A checkpoint, if a slice is over; returns the seconds since the beginning."""
        now = trio.current_time()
        if now - self._last > SLICE:
            await trio.lowlevel.checkpoint()
            self._last = trio.current_time()
        return now - self._began


def as_feed(item: object) -> Feed:
    """The feed that an item of a list stands for."""
    feed = Feed(item) if isinstance(item, str) else item
    if not isinstance(feed, Feed):
        raise TypeError(f"a feed is a URL or a Feed, not {type(item).__name__}")
    return feed
