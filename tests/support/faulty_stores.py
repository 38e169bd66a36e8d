"""Stores that fail, are away, or take their time."""

from __future__ import annotations

from collections.abc import Container, Sequence

import trio

from trioscrape import (
    EntryCounts,
    FeedState,
    FeedUpdate,
    Lease,
    StoreError,
    StoreRejected,
    StoreUnavailable,
)
from trioscrape.testing import MemoryStore


class WatchedStore(MemoryStore):
    """Knows which feeds it has acknowledged; fails the save that it is told to."""

    def __init__(self, fail_at: int | None = None) -> None:
        super().__init__()
        self.acknowledged: list[str] = []
        self.fail_at = fail_at

    async def save(self, update: FeedUpdate) -> EntryCounts:
        await trio.sleep(1)
        if self.fail_at is not None and len(self.acknowledged) >= self.fail_at:
            raise StoreError("the store is gone")
        counts = await super().save(update)
        self.acknowledged.append(update.state.url)
        return counts


class AwayStore(MemoryStore):
    """Takes a second for everything, is away at times, and knows when it was called and how often at once."""

    def __init__(self, *away: tuple[float, float], width: int = 4) -> None:
        super().__init__(width)
        self.away = away
        self.calls: list[float] = []
        self.refused: list[float] = []
        self.busy = self.most_busy = 0

    async def _answer(self) -> None:
        self.calls.append(trio.current_time())
        self.busy += 1
        self.most_busy = max(self.busy, self.most_busy)
        try:
            await trio.sleep(1)
            now = trio.current_time()
            self.unavailable = "away" if any(begin <= now < end for begin, end in self.away) else None
            await super()._answer()
        except StoreUnavailable:
            self.refused.append(now)
            raise
        finally:
            self.busy -= 1

    async def acquire_lease(self, lease: Lease, expiry: float) -> None:
        """At once, and not counted: what an outage means for a lease is seen in ``test_lease``."""

    async def release_lease(self, lease: Lease) -> None:
        """The same."""


class OneTooMany(AwayStore):
    """Has no time for the first feed, or for those at `urls`, and tells so after ten seconds.

    Args:
      urls: of the feeds.
      merging: whether those that come while it tries share the fate.
    """

    def __init__(self, *urls: str, merging: bool = False) -> None:
        super().__init__()
        self._urls = urls
        self._merging = merging
        self._trying: trio.Event | None = None
        self.too_many = self.merged = 0

    async def save(self, update: FeedUpdate) -> EntryCounts:
        if update.state.feed_id == f"{0:032x}" or update.state.url in self._urls:
            self.too_many += 1
            trying = self._trying = trio.Event()
            await trio.sleep(10)
            trying.set()
            self._trying = None
            raise StoreUnavailable("too slow")
        if self._merging and self._trying is not None:
            self.merged += 1
            await self._trying.wait()
            raise StoreUnavailable("merged with what is too slow")
        return await super().save(update)


class StrictStore(MemoryStore):
    """Does not accept entries whose keys are on a list; nor any state of feeds at some URLs.

    Args:
      keys: of the entries.
      urls: of the feeds.
    """

    def __init__(self, keys: Container[str] = (), urls: Container[str] = ()) -> None:
        super().__init__()
        self.keys, self.urls = keys, urls
        self.rejected = 0

    async def save(self, update: FeedUpdate) -> EntryCounts:
        bad = next((entry.key for entry in update.entries if entry.key in self.keys), None)
        if bad is not None or update.state.url in self.urls:
            await trio.lowlevel.checkpoint()
            self.rejected += 1
            raise StoreRejected(f"memory: no {bad or 'such feed'} in this house")
        return await super().save(update)


class SlowStore(MemoryStore):
    """Finishes what it has begun, as a thread does, whoever is cancelled meanwhile."""

    async def save(self, update: FeedUpdate) -> EntryCounts:
        with trio.CancelScope(shield=True):
            await trio.sleep(5)
            return await super().save(update)
        raise AssertionError("nothing cancels that")

    async def load(self, feed_ids: Sequence[str]) -> dict[str, FeedState]:
        with trio.CancelScope(shield=True):
            return await super().load(feed_ids)
        raise AssertionError("nothing cancels that")
