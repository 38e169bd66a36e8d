"""Type-checked, never run: how the public API is used."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

import trio

import trioscrape
from trioscrape.testing import (
    Answer,
    InlineParser,
    Internet,
    MemoryStore,
    Request,
    Site,
    World,
    run_in_virtual_time,
)


class MyResolver:
    async def resolve(self, host: str) -> trioscrape.ResolvedAddresses:
        return trioscrape.ResolvedAddresses(["192.0.2.1"], ttl=60)


async def my_connector(address: str, port: int) -> trio.abc.Stream:
    return await trio.open_tcp_stream(address, port)


class MyParser:
    async def parse(self, document: trioscrape.FeedDocument) -> trioscrape.RawFeed:
        if not document.body:
            raise trioscrape.FeedFailed("not-a-feed", f"{document.url} is empty")
        entry = trioscrape.RawEntry(
            id="1",
            link="/1",
            title=trioscrape.RawText("One"),
            content=trioscrape.RawText("<p>One</p>", "html", base=document.url),
            authors=["Ann"],
            published=datetime.now(UTC),
            categories=[trioscrape.Category("news", label="News")],
            enclosures=[trioscrape.Enclosure("1.mp3", "audio/mpeg", 1)],
            source=trioscrape.EntrySource("Elsewhere", "http://b.test/"),
            duration=60,
            transcripts=[trioscrape.Transcript("1.vtt", "text/vtt")],
        )
        return trioscrape.RawFeed(title=trioscrape.RawText("T"), entries=[entry])


class MyStore:
    """Keeps the latest of everything, and forgets it when the program ends."""

    width = 1
    writers: trioscrape.Writers | None = None
    redacted_url = "mine:"

    def __init__(self) -> None:
        self._feeds: dict[str, trioscrape.FeedState] = {}
        self._entries: dict[tuple[str, str], trioscrape.StoredEntry] = {}

    async def load(self, feed_ids: Sequence[str]) -> dict[str, trioscrape.FeedState]:
        return {feed: self._feeds[feed] for feed in feed_ids if feed in self._feeds}

    async def save(self, update: trioscrape.FeedUpdate) -> trioscrape.EntryCounts:
        feed, now = update.state.feed_id, datetime.now(UTC)
        for entry in update.entries:
            self._entries[feed, entry.key] = trioscrape.StoredEntry(feed, entry, now, now)
        self._feeds[feed] = update.state
        return trioscrape.EntryCounts(new=len(update.entries))

    async def add_polls(self, polled: Sequence[tuple[str, trioscrape.Poll]]) -> None: ...

    async def last_run(self) -> datetime | None:
        return None

    async def record_run(self, report: trioscrape.Report) -> None:
        if not report.complete:
            raise trioscrape.StoreError(f"{report.run_id} is not complete")

    async def restore_entries(self, entries: Sequence[trioscrape.StoredEntry]) -> int:
        self._entries |= {(each.feed_id, each.entry.key): each for each in entries}
        return len(entries)

    async def restore_feeds(self, states: Sequence[trioscrape.FeedState]) -> int:
        self._feeds |= {state.feed_id: state for state in states}
        return len(states)

    async def find_feed(self, url: str) -> trioscrape.FeedState | None:
        return self._feeds.get(trioscrape.feed_id(url))

    async def read_history(
        self, feed_ids: Sequence[str], *, polls: bool = True
    ) -> dict[str, trioscrape.FeedHistory]:
        return {}

    async def restore_history(self, histories: Sequence[trioscrape.FeedHistory]) -> int:
        return 0

    async def count_entries(self, feed_ids: Sequence[str]) -> int:
        return sum(feed in feed_ids for feed, _ in self._entries)

    async def forget(self, feed_ids: Sequence[str]) -> int:
        return await self.count_entries(feed_ids)

    async def acquire_lease(self, lease: trioscrape.Lease, expiry: float) -> trioscrape.Lease | None:
        return None

    async def release_lease(self, lease: trioscrape.Lease) -> None: ...

    async def read_entries(
        self,
        *,
        feed: str | None = None,
        since: datetime | None = None,
        limit: int | None = None,
        oldest_first: bool = False,
    ) -> AsyncIterator[trioscrape.StoredEntry]:
        found = sorted(
            self._entries.values(), key=lambda stored: stored.last_changed, reverse=not oldest_first
        )
        for stored in found[:limit]:
            if feed in (None, stored.feed_id) and (since is None or stored.last_changed >= since):
                yield stored

    async def read_feeds(self) -> AsyncIterator[trioscrape.FeedState]:
        for _, state in sorted(self._feeds.items()):
            yield state

    async def aclose(self) -> None:
        self._feeds.clear()


async def results() -> list[trioscrape.Result]:
    found: list[trioscrape.Result] = []
    feeds: list[str | trioscrape.Feed] = ["http://a.test/", trioscrape.Feed("http://b.test/", title="B")]
    async with trioscrape.open_store("sqlite:x.db", width=2) as store:
        async with trioscrape.open_scrape(feeds, store=store, resolver=MyResolver()) as scrape:
            async for result in scrape:
                found.append(result)
            scrape.drain()
            scrape.cancel()
            statistics: trioscrape.Statistics = scrape.statistics()
            lane: trioscrape.LaneStatistics = statistics.lanes["store"]
            waited: float = lane.waited.p99
            assert waited
            slow: list[tuple[str, str | None, bool]] = [
                (each.url, each.lane, each.queued) for each in statistics.slowest if each.seconds > 9
            ]
            delay: trioscrape.Delay = statistics.delay
            assert slow or delay.entries
            if (outage := statistics.outage) is not None:
                raise trioscrape.StoreUnavailable(f"{outage.detail} for {outage.seconds} s")
        report: trioscrape.Report = scrape.report()
        assert report.outcomes[trioscrape.Outcome.NEW]
    return found


async def left_early(feeds: AsyncIterator[str]) -> int | None:
    async with trioscrape.open_scrape(feeds, store="sqlite:x.db") as scrape:
        await anext(scrape)
    return await scrape.count_not_started()


async def watched(feeds: AsyncIterator[str]) -> float | None:
    polling = trioscrape.Polling(every=300, fresh=1200, budget=5)
    async with trioscrape.open_watch(feeds, store="sqlite:x.db", polling=polling) as watch:
        result: trioscrape.Result = await anext(watch)
        watch.reload(["http://a.test/"])
        assert watch.drain(8) >= result.gap
        now: trioscrape.WatchStatistics = await watch.statistics()
        lane: trioscrape.LaneStatistics = now.scrape.lanes["store"]
        assert lane.done
    return now.expected_delay


def script() -> bool:
    config = trioscrape.Config(http_width=9)
    report: trioscrape.Report = trioscrape.run(["http://a.test/"], "sqlite:x.db", config=config)
    return report.complete and report.counted and "http-404" in trioscrape.REASONS


class MySite(Site):
    def answer(self, request: Request) -> Answer:
        return Answer(status=503, headers={"Retry-After": "60"}, first_byte=len(request.target))


async def months(feeds: int) -> list[str]:
    world = World(seed=1, feeds=feeds, trouble=0.2, start=86_400.0)
    store = MemoryStore(width=2, now=world.now)
    await trioscrape.scrape(
        world.urls,
        store=store,
        resolver=world,
        connector=world.connect,
        parser=InlineParser(),
        now=world.now,
    )
    world.freeze()
    assert [feed for feed in world.feeds if world.reason(feed) is None and not feed.served] == []
    assert all(host.most_at_once <= 1 and not host.early for host in world.hosts.values())
    return [f"{poll.seconds} {poll.url} {poll.status} for {poll.feed}" for poll in world.polls]


def virtual() -> list[str]:
    return run_in_virtual_time(months, 100, seed=1)


async def report() -> trioscrape.Report:
    config = trioscrape.Config(http_width=9, address_policy=trioscrape.AddressPolicy.PUBLIC)
    internet = Internet({"a.test": Site(body=b"")})
    return await trioscrape.scrape(
        (f"http://{n}.test/" for n in range(9)),
        store=MemoryStore(),
        config=config,
        resolver=trioscrape.SystemResolver(width=1, abandoned=1, timeout=1),
        connector=internet.connect,
        parser=InlineParser(),
    )


async def read_back() -> list[str | None]:
    async with trioscrape.open_reader("sqlite:x.db") as reader:
        known: list[trioscrape.FeedState] = [state async for state in reader.read_feeds()]
        assert known
        feed = trioscrape.feed_id("http://a.test/")
        since = datetime.now(UTC) - timedelta(days=1)
        found: list[trioscrape.StoredEntry] = [
            stored async for stored in reader.read_entries(feed=feed, since=since, limit=9, oldest_first=True)
        ]
        return [stored.entry.title for stored in found]


async def move(reader: trioscrape.Reader, store: trioscrape.Store) -> int:
    entries = [stored async for stored in reader.read_entries()]
    return await store.restore_entries(entries) + await store.restore_feeds([])


resolver: trioscrape.Resolver = MyResolver()
resolver = trioscrape.NativeResolver(timeout=1, servers=[("192.0.2.53", 53)])
connector: trioscrape.Connector = my_connector
store: trioscrape.Store = MemoryStore()
store = MyStore()
reader: trioscrape.Reader = store
parser: trioscrape.Parser = InlineParser()
parser = MyParser()
