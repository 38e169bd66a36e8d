"""A watch over the whole pipeline for days, in virtual time: an internet of hosts with troubles.

40 feeds for three days take half a minute; ``nox -s months`` has 200 for two weeks. More is simulated without
the pipeline, see `tests/schedule/test_months.py`.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from itertools import pairwise

import pytest
import trio

from trioscrape import Config, Polling, Result, Watch, feed_id, open_watch
from trioscrape.testing import InlineParser, MemoryStore, World, run_in_virtual_time

LONG = bool(os.environ.get("TRIOSCRAPE_TEST_LONG"))
FEEDS, DAYS = (200, 14) if LONG else (40, 3)
DAY = 86_400.0
EVERY = 900.0
"""Seconds."""
AFTERWARDS = 1.6
"""Days in which nothing is published: by then each feed has been polled once more."""


class Scene:
    """A world, the store of a watch, and what the watch has handed out."""

    def __init__(self, feeds: int = FEEDS, seed: int = 4) -> None:
        self.world = World(seed, feeds)
        self.store = MemoryStore(now=self.world.now)
        self.results: list[Result] = []

    async def watch_until(self, seconds: float) -> None:
        """Watch until that moment of the world, then end as a process does that is killed.

        What it has in memory is lost, and what it writes when it is cancelled is not there.
        """
        world = self.world
        async with (
            trio.open_nursery() as nursery,
            open_watch(
                world.urls,
                store=self.store,
                config=Config(wait_for_store=120),
                polling=Polling(every=EVERY),
                resolver=world,
                connector=world.connect,
                parser=InlineParser(),
                now=world.now,
            ) as watch,
        ):
            nursery.start_soon(self._collect, watch)
            await trio.sleep(seconds - world.clock.seconds)
            self.store = copied(self.store, world)
            nursery.cancel_scope.cancel()

    async def _collect(self, watch: Watch) -> None:
        async for result in watch:
            self.results.append(result)

    def entries(self) -> dict[str, set[str | None]]:
        """The links of what is stored, by feed."""
        return {
            feed.url: {entry.link for entry in self.store.entries.get(feed_id(feed.url), {}).values()}
            for feed in self.world.feeds
        }


def copied(store: MemoryStore, world: World) -> MemoryStore:
    """What another process finds: the records, and a lease that nobody renews any more."""
    copy = MemoryStore(now=world.now)
    copy.feeds = dict(store.feeds)
    for name in "entries", "_stored", "_rewrites":
        setattr(copy, name, {feed: dict(kept) for feed, kept in getattr(store, name).items()})
    copy._leases = dict(store._leases)
    return copy


def watched(restarts: int) -> Scene:
    async def main() -> Scene:
        scene = Scene()
        for number in range(restarts):
            await scene.watch_until((number + 0.4) * DAYS * DAY / restarts)
        await scene.watch_until(DAYS * DAY)
        scene.world.freeze()
        await scene.watch_until((DAYS + AFTERWARDS) * DAY)
        return scene

    return run_in_virtual_time(main)


@pytest.fixture(scope="module")
def undisturbed() -> Scene:
    return watched(0)


@pytest.mark.heavy
class TestDays:
    def test_everything_that_was_served_is_stored(self, undisturbed: Scene) -> None:
        stored = undisturbed.entries()
        assert sum(map(len, stored.values())) > FEEDS * DAYS
        for feed in undisturbed.world.feeds:
            assert stored[feed.url] >= feed.served.keys(), feed.kind

    def test_no_feed_is_polled_too_often(self, undisturbed: Scene) -> None:
        polled = defaultdict(list)
        for poll in undisturbed.world.polls:
            if poll.url == poll.feed and poll.status in (200, 304):
                polled[poll.feed].append(poll.seconds)
        gaps = [b - a for moments in polled.values() for a, b in pairwise(moments)]
        assert min(gaps) >= EVERY - 60, "a poll that took a minute counts from its end"
        assert max(gaps) <= 1.5 * DAY

    def test_feeds_do_not_fall_due_together(self, undisturbed: Scene) -> None:
        minutes = Counter(poll.seconds // 60 for poll in undisturbed.world.polls if poll.seconds > DAY)
        mean = sum(minutes.values()) / (DAYS * 24 * 60)
        assert max(minutes.values()) <= max(2 * mean, 4 * mean**0.5 + mean + 3)

    def test_after_ten_kills_the_same_is_stored(self, undisturbed: Scene) -> None:
        killed = watched(10)
        healthy = [feed for feed in killed.world.feeds if feed.kind in ("healthy", "slow", "unvalidated")]
        assert len(healthy) > FEEDS / 2
        before, after = undisturbed.entries(), killed.entries()
        missing = {feed.url: before[feed.url] - after[feed.url] for feed in healthy}
        assert sum(map(len, missing.values())) == 0
        assert len(killed.world.polls) == pytest.approx(len(undisturbed.world.polls), rel=0.1)
