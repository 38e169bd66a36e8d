"""A store that forgets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import trio

from .._errors import StoreUnavailable
from .._store._aliases import may_have_moved, moved
from .._store._plan import Known, Plan, by_key, plan
from .._store._values import clean_entry, clean_key, clean_state
from .._types import Entry, EntryCounts, FeedState, FeedUpdate, Report


class MemoryStore:
    """Keeps everything in dictionaries that a test can look at; same promises as a real store.

    It blocks no thread and takes no time, so it is at home in tests with a virtual clock.
    """

    def __init__(self, width: int = 4) -> None:
        self.feeds: dict[str, FeedState] = {}
        """By feed id."""
        self.entries: dict[str, dict[str, Entry]] = {}
        """By feed id, then by entry key, as a real store would keep them."""
        self.runs: list[Report] = []
        self.writes = 0
        """Saves that had something to write, and runs recorded."""
        self.closed = False
        self.unavailable: str | None = None
        """While it is a text, every call raises `StoreUnavailable` with it."""
        self._rewrites: dict[str, dict[str, int]] = {}
        self._width = width

    @property
    def width(self) -> int:
        """What the constructor was given."""
        return self._width

    @property
    def shown(self) -> str:
        """``memory:``."""
        return "memory:"

    async def load(self, feed_ids: Sequence[str]) -> dict[str, FeedState]:
        """See `Store.load`."""
        await self._answer()
        return {feed_id: self.feeds[feed_id] for feed_id in feed_ids if feed_id in self.feeds}

    async def save(self, update: FeedUpdate) -> EntryCounts:
        """See `Store.save`. Cancellation: before anything is stored, or not at all."""
        await self._answer()
        state = clean_state(update.state)
        todo = self._plan(update, self.feeds.get(state.feed_id))
        if todo.writes or self.feeds.get(state.feed_id) != state:
            self.writes += 1
            kept = self.entries.setdefault(state.feed_id, {})
            rewrites = self._rewrites.setdefault(state.feed_id, {})
            for after, before in todo.renamed.items():
                kept[after] = replace(kept.pop(before), key=after)
                rewrites[after] = rewrites.pop(before)
            for entry, number in (*((entry, 0) for entry in todo.new), *todo.changed):
                key = clean_key(entry.key)
                kept[key], rewrites[key] = clean_entry(entry)[0], number
            self.feeds[state.feed_id] = state
        return todo.counts

    def _plan(self, update: FeedUpdate, before: FeedState | None) -> Plan:
        feed, entries = update.state.feed_id, by_key(update)
        kept, rewrites = self.entries.get(feed, {}), self._rewrites.get(feed, {})
        stored = {key: Known(entry.hash, entry.updated, rewrites.get(key, 0)) for key, entry in kept.items()}
        renamed: dict[str, str] = {}
        if before is not None and may_have_moved(entries, stored):
            renamed = moved(entries, stored, kept)
            stored |= {after: stored[key] for after, key in renamed.items()}
        return plan(entries, stored, renamed)

    async def record_run(self, report: Report) -> None:
        """See `Store.record_run`."""
        await self._answer()
        self.writes += 1
        self.runs.append(report)

    async def _answer(self) -> None:
        await trio.lowlevel.checkpoint()
        if self.unavailable is not None:
            raise StoreUnavailable(self.unavailable)

    async def aclose(self) -> None:
        """See `Store.aclose`."""
        await trio.lowlevel.checkpoint()
        self.closed = True
