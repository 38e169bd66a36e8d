"""Whole scrapes that leave hosts alone and let none hold up another, in virtual time."""

from __future__ import annotations

from itertools import pairwise

import pytest
import trio
from trio.testing import MockClock

from trioscrape import Config, FeedDocument, HostGrouping, Outcome, RawFeed, UsageError, open_scrape
from trioscrape._config.public_suffixes import registrable_domains
from trioscrape._hosts.queue import JITTER, HostQueue
from trioscrape.testing import Internet, MemoryStore, Site

from support.scenarios import healthy, open_virtual, rss, run_virtual, urls


async def seconds(feeds: list[str], internet: Internet, **settings: object) -> float:
    began = trio.current_time()
    _, after = await run_virtual(feeds, internet, config=Config(**settings))  # type: ignore[arg-type]
    assert after.report().outcomes[Outcome.NEW] == len(feeds)
    return trio.current_time() - began


async def test_a_host_is_left_alone_between_its_feeds(autojump_clock: MockClock) -> None:
    internet = healthy(3, first_byte=1)
    one = [f"http://f0.test/{n}" for n in range(10)]
    three = [f"http://f{n % 3}.test/{n}" for n in range(30)]

    assert 10 + 9 * 5 <= await seconds(one, internet, host_delay=5) <= 10 + 9 * 5 * (1 + JITTER)
    assert await seconds(three, internet, host_delay=5) <= 10 + 9 * 5 * (1 + JITTER), "side by side"
    assert await seconds(one, internet) == pytest.approx(10)


async def test_siblings_do_not_begin_together(autojump_clock: MockClock) -> None:
    internet = healthy(1, first_byte=100)
    began: list[float] = []

    async def connect(address: str, port: int) -> trio.abc.Stream:
        began.append(trio.current_time())
        return await internet.connect(address, port)

    config = Config(per_host=8, host_delay=1, fetch_timeout=200, read_timeout=150)
    feeds = [f"http://f0.test/{n}" for n in range(8)]
    parser, store = OneFeed(), MemoryStore()
    scrape = open_scrape(
        feeds, store=store, config=config, resolver=internet, connector=connect, parser=parser
    )
    async with scrape as run:
        assert len([result async for result in run]) == 8

    gaps = [later - sooner for sooner, later in pairwise(began)]
    assert len(gaps) == 7
    assert all(1 <= gap <= 1 + JITTER for gap in gaps)
    assert len(set(gaps)) == 7


async def test_admission_sleeps_until_the_next_host_may_start(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    start = HostQueue.start

    def counted(queue: HostQueue, now: float) -> object:
        asked.append(now)
        return start(queue, now)

    monkeypatch.setattr(HostQueue, "start", counted)
    internet = healthy(1)

    assert await seconds([f"http://f0.test/{n}" for n in range(5)], internet, host_delay=20) >= 80
    assert len(asked) < 40


async def test_a_drain_does_not_wait_for_hosts_to_be_ready(autojump_clock: MockClock) -> None:
    internet = healthy(1)
    began = trio.current_time()
    feeds = [f"http://f0.test/{n}" for n in range(5)]
    async with open_virtual(feeds, internet, config=Config(host_delay=20)) as run:
        await run.__anext__()
        run.drain()
        assert [result async for result in run] == []

    assert await run.count_not_started() == 4
    assert trio.current_time() - began < 20


# Hosts that belong together.


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("example.org", "example.org"),
        ("www.example.org", "example.org"),
        ("a.b.example.co.uk", "example.co.uk"),
        ("me.github.io", "github.io"),
        ("example.org.", "example.org"),
        ("co.uk", "co.uk"),
        ("localhost", "localhost"),
        ("10.0.0.1", "10.0.0.1"),
        ("10.1", "10.1"),
        ("fd00::1", "fd00::1"),
        ("www.xn--85x722f.xn--55qx5d.cn", "xn--85x722f.xn--55qx5d.cn"),
        ("", ""),
    ],
)
def test_registrable_domains(host: str, domain: str) -> None:
    assert registrable_domains()(host) == domain


async def test_politeness_per_domain(autojump_clock: MockClock) -> None:
    internet = Internet({f"h{n}.big.test": Site(body=rss("x"), first_byte=1) for n in range(10)})

    assert await seconds(urls(internet), internet) == pytest.approx(1)
    assert await seconds(urls(internet), internet, group_hosts_by=HostGrouping.DOMAIN) == pytest.approx(10)


def test_the_list_of_suffixes_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trioscrape._config.config.available", lambda: False)

    Config()
    with pytest.raises(
        UsageError, match=r"^group_hosts_by domain needs publicsuffixlist: .*trioscrape\[domains\]"
    ):
        Config(group_hosts_by=HostGrouping.DOMAIN)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"group_hosts_by": "network"}, "group_hosts_by must be one of host, domain, address, not 'network'"),
        ({"address_policy": "private"}, "address_policy must be one of listed, public, any, not 'private'"),
        ({"host_delay": -1}, "host_delay must be from 0 to 3600 s, not -1"),
        ({"host_delay": float("nan")}, "host_delay must be from 0 to 3600 s"),
    ],
)
def test_settings_out_of_range(setting: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Config(**setting)  # type: ignore[arg-type]


def test_a_choice_may_be_a_plain_string() -> None:
    assert Config(group_hosts_by="domain").group_hosts_by is HostGrouping.DOMAIN  # type: ignore[arg-type]


# Fairness at full size.


class OneFeed:
    """Every document is the same feed; parsing 10,500 of them is not what is tested here."""

    async def parse(self, document: FeedDocument) -> RawFeed:
        await trio.lowlevel.checkpoint()
        return RawFeed()


async def ends_of_small_hosts(feeds: list[str], internet: Internet) -> list[float]:
    began, ends = trio.current_time(), []
    scrape = open_scrape(
        feeds, store=MemoryStore(), resolver=internet, connector=internet.connect, parser=OneFeed()
    )
    async with scrape as run:
        async for result in run:
            assert result.outcome is Outcome.NEW
            if not result.feed.url.startswith("http://big.test/"):
                ends.append(trio.current_time() - began)
                if len(ends) == 500:
                    break
    return sorted(ends)


async def test_10000_feeds_of_one_host_on_top_hold_up_nobody(autojump_clock: MockClock) -> None:
    """The 500 hosts below end when they would have ended alone, but for one turn of the big one."""
    sites = {f"f{n}.test": Site(body=rss("x"), lookup=0.1, first_byte=1 + n % 7) for n in range(500)}
    internet = Internet({"big.test": Site(body=rss("x"), lookup=0.1, first_byte=1), **sites})
    small = [f"http://f{n}.test/feed" for n in range(500)]

    alone = await ends_of_small_hosts(small, internet)
    beside = await ends_of_small_hosts([f"http://big.test/{n}" for n in range(10_000)] + small, internet)

    one_lookup = 0.1
    assert all(b <= a + one_lookup + 1e-6 for a, b in zip(alone, beside, strict=True))
