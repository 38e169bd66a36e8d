"""Hosts grouped by address: a feed is located first, and then queues; in virtual time."""

from __future__ import annotations

import math
from collections.abc import Sequence

import trio
from trio.testing import MockClock

from trioscrape import Config, HostGrouping, Outcome, Report, Scrape
from trioscrape._dns.caching import ResolvedAddresses
from trioscrape.testing import Internet, MemoryStore, Site

from support.counting import Counting
from support.scenarios import counted_report, open_virtual, rss, run_virtual, urls

SHARED = "198.51.100.1"


def hosted(hosts: int, elsewhere: int = 0) -> Counting:
    """So many names at one address, and others at one each."""
    kept = Site(body=rss("a"), first_byte=1, addresses=[SHARED], headers={"Connection": "close"})
    alone = {
        f"alone{n}.test": Site(body=rss("a"), first_byte=1, addresses=[f"203.0.113.{n}"])
        for n in range(elsewhere)
    }
    return Counting({f"f{n}.test": kept for n in range(hosts)} | alone).count()


def by_address(**settings: object) -> Config:
    return Config(group_hosts_by=HostGrouping.ADDRESS, **settings)  # type: ignore[arg-type]


async def report_of(feeds: Sequence[str], internet: Internet, config: Config) -> Report:
    _, scrape = await run_virtual(feeds, internet, config=config)
    return scrape.report()


async def test_all_names_at_one_address_are_one_host(autojump_clock: MockClock) -> None:
    internet = hosted(20)
    began = trio.current_time()

    report = await report_of(urls(internet), internet, by_address())

    assert report.outcomes[Outcome.NEW] == 20
    assert internet.most[SHARED] == 1
    assert trio.current_time() - began >= 20


async def test_they_are_not_by_default(autojump_clock: MockClock) -> None:
    internet = hosted(20)

    await report_of(urls(internet), internet, Config())

    assert internet.most[SHARED] > 10


async def test_more_than_may_be_in_flight_hold_up_nobody(autojump_clock: MockClock) -> None:
    internet = hosted(300, elsewhere=50)
    began, alone_done = trio.current_time(), 0.0

    async with open_virtual(urls(internet), internet, config=by_address(in_flight=20)) as scrape:
        async for result in scrape:
            if result.feed.url.startswith("http://alone"):
                alone_done = trio.current_time() - began

    assert scrape.report().outcomes[Outcome.NEW] == 350
    assert alone_done < 60
    assert trio.current_time() - began >= 300


async def test_the_lookup_that_locates_a_feed_is_charged_to_it(autojump_clock: MockClock) -> None:
    internet = hosted(3, elsewhere=1)
    for site in internet.sites.values():
        site.lookup = 2

    results, _ = await run_virtual(urls(internet), internet, config=by_address())

    assert [result.lanes["dns"].worked for result in results] == [2] * 4
    assert [result.lanes["dns"].waited for result in results] == [0] * 4


async def test_what_has_been_accepted_stays_accepted(autojump_clock: MockClock) -> None:
    internet, accepted = hosted(20), []
    for site in internet.sites.values():
        site.lookup = 0.1

    async def look(scrape: Scrape) -> None:
        while True:
            accepted.append(scrape.statistics().accepted)
            await trio.sleep(0.01)

    async with (
        open_virtual(urls(internet), internet, config=by_address()) as scrape,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(look, scrape)
        async for _ in scrape:
            pass
        nursery.cancel_scope.cancel()

    assert accepted[-1] >= 19
    assert accepted == sorted(accepted)


async def test_in_whatever_order_a_lookup_gives_them(autojump_clock: MockClock) -> None:
    class Turning(Counting):
        async def resolve(self, host: str) -> ResolvedAddresses:
            answer = await super().resolve(host)
            turned = sorted(answer.addresses, reverse=int(host[1]) % 2 == 0)
            return ResolvedAddresses(turned)

    kept = Site(body=rss("a"), first_byte=1, addresses=[SHARED, "198.51.100.2"])
    internet = Turning({f"f{n}.test": kept for n in range(10)}).count()
    began = trio.current_time()

    await report_of(urls(internet), internet, by_address())

    assert trio.current_time() - began >= 10


async def test_names_that_lead_nowhere_have_their_reason(autojump_clock: MockClock) -> None:
    internet = Internet({"unknown.test": Site(exists=False), "fine.test": Site(body=rss("a"))})

    report = await report_of(urls(internet), internet, by_address())

    assert report.errors == {"name-not-found": 1}
    assert report.outcomes[Outcome.NEW] == 1


async def test_dead_names_hold_up_nobody(autojump_clock: MockClock) -> None:
    """More of them are being located than may be in flight."""
    sites = {f"dead{n}.test": Site(lookup=math.inf) for n in range(300)}
    sites |= {f"f{n}.test": Site(body=rss("a"), lookup=0.1) for n in range(300)}
    internet, done = Internet(sites, lookup_timeout=50), []

    async with open_virtual(urls(internet), internet, config=by_address(in_flight=20)) as scrape:
        async for result in scrape:
            if result.outcome is Outcome.NEW:
                done.append(trio.current_time())

    assert len(done) == 300
    assert max(done) < 50


async def test_redirects_queue_by_address_too(autojump_clock: MockClock) -> None:
    kept = Site(body=rss("a"), first_byte=1, addresses=[SHARED], headers={"Connection": "close"})
    sites = {f"g{n}.test": kept for n in range(10)}
    sites |= {
        f"f{n}.test": Site(
            status=302, headers={"Location": f"http://g{n}.test/"}, addresses=[f"203.0.113.{n}"]
        )
        for n in range(10)
    }
    internet = Counting(sites).count()

    report = await report_of([f"http://f{n}.test/" for n in range(10)], internet, by_address())

    assert report.outcomes[Outcome.NEW] == 10
    assert internet.most[SHARED] == 1


async def test_drained_while_feeds_are_being_located(autojump_clock: MockClock) -> None:
    internet, store = Internet({f"f{n}.test": Site(lookup=math.inf) for n in range(50)}), MemoryStore()
    async with open_virtual(urls(internet), internet, store, config=by_address()) as scrape:
        await trio.sleep(1)
        assert scrape.statistics().accepted == 0
        scrape.drain()
        assert [result async for result in scrape] == []

    report = await counted_report(scrape)
    assert (report.feeds, report.not_started, store.feeds) == (50, 50, {})
    assert trio.current_time() < 2
