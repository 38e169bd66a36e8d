"""Parts of one host, scraped one after the other: the next one knows what the one before has learned."""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Sequence

import pytest
import trio
from trio.testing import MockClock

from trioscrape import Config, Feed, Outcome, Result
from trioscrape._parse import CustomParser
from trioscrape._run.shard import Learned, open_shard
from trioscrape._run.wiring import Seams
from trioscrape.testing import InlineParser, Internet, MemoryStore, Site

from support.limited_hosts import Limited, Running, make_cheap
from support.scenarios import rss

HOST = "giant.test"


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    make_cheap(monkeypatch)


async def scrape_parts(
    site: Site, parts: Sequence[int], *, learns: bool = True, **config: float
) -> tuple[list[Result], Learned]:
    """So many feeds of `HOST` in each part; their results, and what was learned at last."""
    internet = Internet({HOST: site})
    seams = Seams(MemoryStore(), internet, internet.connect, CustomParser(InlineParser(), 1), Running())
    results: list[Result] = []
    learned, number = Learned(), 0
    for size in parts:
        feeds = [Feed(f"http://{HOST}/{n}") for n in range(number, number + size)]
        number += size
        async with open_shard(feeds, Config(**config), seams, HOST, learned) as shard:  # type: ignore[arg-type]
            results += [result async for result in shard.scrape]
            if learns:
                learned = pickle.loads(pickle.dumps(shard.learned()))
    return results, learned


async def test_a_pause_and_a_rate_are_kept(autojump_clock: MockClock) -> None:
    """A host that allows four requests a minute refuses one in all; else it would refuse one of each part."""
    site, other = Limited(4), Limited(4)
    results, learned = await scrape_parts(site, [8, 8, 8])

    assert {result.outcome for result in results} == {Outcome.NEW}
    assert learned.host is not None
    assert learned.host.limit is not None
    assert learned.host.limit.spacing == pytest.approx(15, rel=0.1)

    began = trio.current_time()
    await scrape_parts(other, [8, 8, 8], learns=False)
    assert trio.current_time() > began
    assert site.refused < other.refused


async def test_the_patience_is_that_of_one_scrape(autojump_clock: MockClock) -> None:
    """Not that of each part."""
    results, learned = await scrape_parts(Limited(4), [40, 40, 40], host_patience=300.0)

    found = Counter(result.outcome for result in results)
    assert 20 <= found[Outcome.NEW] <= 30
    assert found[Outcome.NEW] + found[Outcome.FAILED] == 120
    assert trio.current_time() < 400
    assert learned.waited > 250


async def test_a_host_that_does_not_answer_is_known(autojump_clock: MockClock) -> None:
    """Three of its feeds are tried in all, not three of each part."""
    site = Site(body=rss("x"), first_byte=1e9)
    results, _ = await scrape_parts(site, [5, 5, 5])

    details = Counter((result.detail or "").startswith("not fetched in this run") for result in results)
    assert details == {False: 3, True: 12}


async def test_a_network_that_was_there_is_known(autojump_clock: MockClock) -> None:
    """Then hosts that can't be reached count as such, also where a part has no others."""
    internet = Internet({})
    seams = Seams(MemoryStore(), internet, internet.connect, CustomParser(InlineParser(), 1), Running())
    feeds = [Feed(f"http://f{n}.test/") for n in range(6)]
    for reached in False, True:
        async with open_shard(feeds, Config(), seams, None, Learned(reached)) as shard:
            async for _ in shard.scrape:
                pass
            assert shard.learned() == Learned(reached)
        assert shard.scrape.report().offline is not reached
