"""Type-checked, never run: how the public API is used."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import trio

import trioscrape
from trioscrape.testing import InlineParser, Internet, MemoryStore, Site


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
            if (outage := statistics.outage) is not None:
                raise trioscrape.StoreUnavailable(f"{outage.detail} for {outage.seconds} s")
        report: trioscrape.Report = scrape.report()
        assert report.outcomes[trioscrape.Outcome.NEW]
    return found


async def left_early(feeds: AsyncIterator[str]) -> int | None:
    async with trioscrape.open_scrape(feeds, store="sqlite:x.db") as scrape:
        await anext(scrape)
    return await scrape.count_not_started()


def script() -> bool:
    config = trioscrape.Config(http_width=9)
    report: trioscrape.Report = trioscrape.run(["http://a.test/"], "sqlite:x.db", config=config)
    return report.complete and report.counted and "http-404" in trioscrape.REASONS


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
reader: trioscrape.Reader = store
parser: trioscrape.Parser = InlineParser()
parser = MyParser()
