"""A store in memory, for tests, and as a template for stores of other kinds."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final, NamedTuple

import trio

from .._errors import StoreUnavailable
from .._records import (
    Entry,
    EntryCounts,
    FeedHistory,
    FeedState,
    FeedUpdate,
    Lease,
    Poll,
    Report,
    StoredEntry,
)
from .._records.entries import clean_entry
from .._records.texts import clean_key
from .._store.history import added, clean_history, first_history
from .._store.pages import Paged, Wanted, page_of, position
from .._store.plan import Document, Known, Plan
from .._store.records import clean_state
from .._store.records import now as utc_now
from .._store.renames import Renames, Search, StoredKey, find_renames, search


class _Stored(NamedTuple):
    first_seen: datetime
    last_changed: datetime


class MemoryStore(Paged):
    """Keeps everything in dictionaries that a test can look at, with the promises of every store.

    It uses no thread and takes no time, so it works with a virtual clock.

    Args:
      width: calls that it takes at once.
      now: the wall clock, which gives the moments that it stores.
    """

    def __init__(self, width: int = 4, now: Callable[[], datetime] = utc_now) -> None:
        self.feeds: dict[str, FeedState] = {}
        """By feed id."""
        self.history: dict[str, FeedHistory] = {}
        """By feed id."""
        self.entries: dict[str, dict[str, Entry]] = {}
        """By feed id, then by entry key, as any store would keep them."""
        self.runs: list[Report] = []
        """The last report of each run."""
        self._leases: dict[str, tuple[Lease, float]] = {}
        """The leases by id, each with the time of its last renewal."""
        self.writes = 0
        """Saves that had something to write, runs recorded, and entries and feeds restored."""
        self.closed = False
        self.unavailable: str | None = None
        """Set it to the text of an outage: every call raises `StoreUnavailable` until it is None again."""
        self._stored: dict[str, dict[str, _Stored]] = {}
        self._rewrites: dict[str, dict[str, int]] = {}
        self._last_run: datetime | None = None
        self._width, self._now = width, now

    @property
    def width(self) -> int:
        """What the constructor was given."""
        return self._width

    @property
    def writers(self) -> None:
        """None: it makes each save on its own."""

    @property
    def redacted_url(self) -> str:
        """``memory:``."""
        return "memory:"

    async def load(self, feed_ids: Sequence[str]) -> dict[str, FeedState]:
        """See `Store.load`."""
        await self._answer()
        return {feed_id: self.feeds[feed_id] for feed_id in feed_ids if feed_id in self.feeds}

    async def save(self, update: FeedUpdate) -> EntryCounts:
        """See `Store.save`. Cancellation: only before anything is stored."""
        await self._answer()
        state = clean_state(update.state)
        entries, todo = self._plan(update, self.feeds.get(state.feed_id))
        if todo.writes or self.feeds.get(state.feed_id) != state:
            self.writes += 1
            kept = self.entries.setdefault(state.feed_id, {})
            rewrites = self._rewrites.setdefault(state.feed_id, {})
            stored, moment = self._stored.setdefault(state.feed_id, {}), update.at or self._now()
            for after, before in todo.renamed.items():
                kept[after] = replace(kept.pop(before), key=after)
                rewrites[after] = rewrites.pop(before, 0)  # restored ones have none
                stored[after] = stored.pop(before)
            for key, number in (*((key, 0) for key in todo.new), *todo.changed):
                kept[key], rewrites[key] = entries[key], number
                first_seen = min(stored[key].first_seen, moment) if key in stored else moment
                stored[key] = _Stored(first_seen, moment)
            self.feeds[state.feed_id] = state
        if (poll := update.counted(todo.counts)) is not None:
            self._add_poll(state.feed_id, poll)
        return todo.counts

    async def add_polls(self, polled: Sequence[tuple[str, Poll]]) -> None:
        """See `Store.add_polls`. Cancellation: only before anything is stored."""
        await self._answer()
        for feed, poll in polled:
            self._add_poll(feed, poll)

    def _add_poll(self, feed: str, poll: Poll) -> None:
        self.history[feed] = added(self.history.get(feed), first_history(feed, poll))

    def _plan(self, update: FeedUpdate, before: FeedState | None) -> tuple[Document, Plan]:
        feed, entries = update.state.feed_id, Document.of(update)
        kept, rewrites = self.entries.get(feed, {}), self._rewrites.get(feed, {})

        def known(entry: Entry) -> Known:
            return Known(entry.hash, entry.updated, rewrites.get(entry.key, 0))

        stored = {key: known(kept[key]) for key in entries if key in kept}
        renames = Renames()
        if before is not None and (wanted := search(entries, stored, update.state)):
            found = [
                StoredKey(entry.key, entry.link, entry.title, entry.published, known(entry))
                for entry in _found(kept, wanted)
            ]
            renames = find_renames(entries, stored, found, update.state, newest=wanted.newest > 0)
        entries = renames.document(entries)
        return entries, renames.plan(entries, stored)

    async def record_run(self, report: Report) -> None:
        """See `Store.record_run`."""
        await self._answer()
        self.writes += 1
        self.runs[:] = [*(run for run in self.runs if run.run_id != report.run_id), report]
        self._last_run = self._now()

    async def last_run(self) -> datetime | None:
        """See `Reader.last_run`."""
        await self._answer()
        return self._last_run

    async def restore_entries(self, entries: Sequence[StoredEntry]) -> int:
        """See `Store.restore_entries`."""
        await self._answer()
        written = 0
        for restored in entries:
            feed, entry = clean_key(restored.feed_id), clean_entry(restored.entry)
            stored = self._stored.setdefault(feed, {})
            before = stored.get(entry.key)
            if before is None or before.last_changed < restored.last_changed:
                first_seen = min(restored.first_seen, before.first_seen if before else restored.first_seen)
                stored[entry.key] = _Stored(first_seen, restored.last_changed)
                self.entries.setdefault(feed, {})[entry.key] = entry
                written += 1
        self.writes += written
        return written

    async def restore_feeds(self, states: Sequence[FeedState]) -> int:
        """See `Store.restore_feeds`."""
        await self._answer()
        new = {state.feed_id: clean_state(state) for state in states if state.feed_id not in self.feeds}
        self.feeds |= new
        self.writes += len(new)
        return len(new)

    async def read_history(self, feed_ids: Sequence[str], *, polls: bool = True) -> dict[str, FeedHistory]:
        """See `Reader.read_history`."""
        await self._answer()
        found = {feed: self.history[feed] for feed in feed_ids if feed in self.history}
        return found if polls else {feed: replace(each, recent=()) for feed, each in found.items()}

    async def restore_history(self, histories: Sequence[FeedHistory]) -> int:
        """See `Store.restore_history`."""
        await self._answer()
        new = {each.feed_id: clean_history(each) for each in histories if each.feed_id not in self.history}
        self.history |= new
        self.writes += len(new)
        return len(new)

    async def count_entries(self, feed_ids: Sequence[str]) -> int:
        """See `Reader.count_entries`."""
        await self._answer()
        return sum(len(self._stored.get(feed, ())) for feed in feed_ids)

    async def forget(self, feed_ids: Sequence[str]) -> int:
        """See `Store.forget`."""
        deleted = await self.count_entries(feed_ids)
        for feed in feed_ids:
            for kept in self.feeds, self.entries, self._stored, self.history:
                self.writes += kept.pop(feed, None) is not None
        return deleted

    async def acquire_lease(self, lease: Lease, expiry: float) -> Lease | None:
        """See `Store.acquire_lease`. It goes by the clock of the trio run."""
        await self._answer()
        moment = trio.current_time()
        for other, renewed in list(self._leases.values()):
            if other.id == lease.id:
                continue
            if abs(moment - renewed) >= expiry:
                del self._leases[other.id]
            elif other.excludes(lease):
                return other
        self._leases[lease.id] = lease, moment
        return None

    async def release_lease(self, lease: Lease) -> None:
        """See `Store.release_lease`."""
        await self._answer()
        self._leases.pop(lease.id, None)

    @property
    def lease(self) -> Lease | None:
        """That of the run which uses the store now, or has died while it used it; the first of several.

        It can be set, as if another run had acquired it at this moment.
        """
        return next((lease for lease, _ in self._leases.values()), None)

    @lease.setter
    def lease(self, lease: Lease | None) -> None:
        self._leases = {} if lease is None else {lease.id: (lease, trio.current_time())}

    async def _page_of_entries(
        self, wanted: Wanted, after: StoredEntry | None, count: int
    ) -> Sequence[StoredEntry]:
        await self._answer()
        found = sorted(self._entries(wanted), key=position, reverse=not wanted.oldest_first)
        if after is not None:
            last = position(after)
            found = [
                each
                for each in found
                if (position(each) > last if wanted.oldest_first else position(each) < last)
            ]
        return page_of(found[:count])

    def _entries(self, wanted: Wanted) -> Iterator[StoredEntry]:
        for feed, stored in self._stored.items():
            state = self.feeds.get(feed)
            named = (state.url, state.title) if state else (None, None)
            for key, (first_seen, last_changed) in stored.items():
                if wanted.feed in (None, feed) and (wanted.since is None or last_changed >= wanted.since):
                    entry = self.entries[feed][key]
                    yield StoredEntry(feed, entry, first_seen, last_changed, *named)

    async def _feeds_at(self, urls: Sequence[str]) -> Sequence[str]:
        await self._answer()
        return [feed for feed, state in self.feeds.items() if state.url in urls or state.listed_url in urls]

    async def _page_of_feeds(self, after: FeedState | None, count: int) -> Sequence[FeedState]:
        await self._answer()
        later = sorted(feed for feed in self.feeds if after is None or feed > after.feed_id)
        return [self.feeds[feed] for feed in later[:count]]

    async def _answer(self) -> None:
        await trio.lowlevel.checkpoint()
        if self.unavailable is not None:
            raise StoreUnavailable(self.unavailable)

    async def aclose(self) -> None:
        """See `Store.aclose`."""
        await trio.lowlevel.checkpoint()
        self.closed = True


def _found(kept: Mapping[str, Entry], wanted: Search) -> Iterable[Entry]:
    newest = heapq.nlargest(wanted.newest, kept.values(), key=lambda entry: entry.published or _NEVER)
    dated = (entry for entry in kept.values() if entry.published in wanted.dates)
    named = (kept[key] for key in wanted.keys if key in kept)
    return {entry.key: entry for entry in (*newest, *dated, *named)}.values()


_NEVER: Final = datetime.min.replace(tzinfo=UTC)
"""When entries without a date were published: before all others."""
