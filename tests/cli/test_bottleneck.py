"""The bottleneck: the rule, and each lane made the narrow one in turn, in the live view and in the report."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trio
from rich.console import Console
from trio.testing import MockClock

from trioscrape import Config, EntryCounts, FeedUpdate, Outage, open_store
from trioscrape._cli._report.page import Contents, page
from trioscrape._cli.bottleneck import NO_BOTTLENECK, bottleneck, narrow_lane, past_sentence, sentence
from trioscrape._cli.live_view import live_view
from trioscrape._cli.progress import plain_line
from trioscrape._cli.report import run_record
from trioscrape._cli.series import Moment, Series
from trioscrape._records import LANES
from trioscrape.testing import MemoryStore

from support.run_pages import NOW, facts, lane, statistics, text_of, tree
from support.scenarios import healthy, open_virtual, urls

FEEDS = 60
WORK = 0.5
"""Seconds that a feed takes in the narrow lane."""


class TestRule:
    def test_the_full_lane_that_most_feeds_wait_for(self):
        lanes = {
            "dns": lane("dns", busy=8, waiting=3),
            "http": lane("http", busy=8, waiting=30),
            "parse": lane("parse", busy=2, width=2),
            "store": lane("store", busy=1, width=4, waiting=90),
        }

        assert narrow_lane(lanes) == "http"

    def test_a_lane_with_room_is_none_and_neither_is_a_full_one_that_nobody_waits_for(self):
        lanes = {"dns": lane("dns", waiting=5), "http": lane("http", busy=8, width=8)}

        assert narrow_lane(lanes) is None

    def test_of_two_alike_the_one_that_comes_first(self):
        lanes = {name: lane(name, busy=8, waiting=7) for name in LANES}

        assert narrow_lane(lanes) == "dns"

    @pytest.mark.parametrize(
        ("shares", "name"),
        [({"dns": 0.2, "http": 0.5}, "http"), ({"dns": 0.49, "http": 0.49}, None), ({}, None)],
    )
    def test_over_a_time_it_is_the_one_of_most_samples_if_of_half_of_them(self, shares, name):
        assert bottleneck(shares.items()) == name

    def test_while_the_store_is_unavailable_it_is_the_store(self):
        """Also when all feeds that are fetched wait for its end in no lane, and the http lane is full."""
        lanes = {"http": lane("http", busy=8, waiting=30), "store": lane("store", busy=1, width=1)}
        outage = Outage(9.0, "database is locked")

        assert narrow_lane(lanes, outage) == "store"
        assert sentence(None, outage) == "bottleneck: the store is unavailable"

    def test_a_full_lane_that_nobody_waits_for_is_not_denied(self):
        """It is shown beside the sentence."""
        assert sentence(None) == "no bottleneck: no lane is overloaded"
        assert "kept feeds waiting" in past_sentence(None, 0, 0)

    def test_sentences(self):
        busy = lane("http", width=500, busy=500, waiting=1204)

        assert sentence(busy) == "bottleneck: http lane, 500 of 500 busy, 1,204 waiting"
        assert sentence(None) == NO_BOTTLENECK
        said = "bottleneck: dns lane, for 82 % of the time, with 1,480 feeds waiting on average"
        assert past_sentence("dns", 0.8214, 1480.3) == said
        assert past_sentence(None, 0, 0).startswith("no bottleneck: ")


class SlowStore(MemoryStore):
    """Takes a while for each save."""

    async def save(self, update: FeedUpdate) -> EntryCounts:
        await trio.sleep(WORK)
        return await super().save(update)


NARROW: Mapping[str, Mapping[str, Any]] = {
    "dns": {"site": {"lookup": WORK}, "config": {"dns_width": 2, "dns_abandoned": 0}},
    "http": {"site": {"first_byte": WORK}, "config": {"http_width": 2}},
    "parse": {"parse_seconds": WORK, "config": {"parse_width": 2}},
    "store": {"store": SlowStore, "config": {}},
}
WIDTHS = {"dns": 2, "http": 2, "parse": 2, "store": 2}


async def watched(name: str) -> tuple[list[Moment], Contents]:
    """Some moments of a scrape with this lane narrow, and what its report is made of."""
    how = {"site": {}, "store": MemoryStore, "parse_seconds": 0.0, **NARROW[name]}
    internet, store = healthy(FEEDS, **how["site"]), how["store"](width=WIDTHS["store"])
    config, moments = Config(**how["config"]), []
    opened = open_virtual(urls(internet), internet, store, config=config, parse_seconds=how["parse_seconds"])
    async with opened as scrape, trio.open_nursery() as nursery:
        series = Series(scrape.statistics, FEEDS)
        nursery.start_soon(series.watch)
        async for _ in scrape:
            moments.append(series.moment())
        series.sample()
        nursery.cancel_scope.cancel()
    report = scrape.report()
    return moments, Contents(run_record(report, "memory:", NOW), report, series, facts(), False)


@pytest.mark.parametrize("name", LANES)
async def test_each_lane_made_the_narrow_one_is_named(autojump_clock: MockClock, name: str) -> None:
    moments, contents = await watched(name)

    middle = moments[FEEDS // 2]
    now = middle.now.lanes[name]
    said = f"bottleneck: {name} lane, {now.width} of {now.width} busy, {now.waiting} waiting"
    assert middle.bottleneck == name
    assert now.waiting > 10
    assert said in shown(middle)
    assert said in plain_line(middle)
    on_the_page = text_of(tree(page(contents)))
    assert f"Bottleneck: {name} lane, for " in on_the_page


async def test_the_store_lane_counts_writes(tmp_path: Path) -> None:
    """A file that another program has locked: one write waits for the lock, and the other feeds for that."""
    internet, path = healthy(FEEDS), tmp_path / "news.db"
    async with open_store(f"sqlite:{path}") as store, open_virtual(urls(internet), internet, store) as scrape:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with trio.fail_after(30):
                while (lanes := scrape.statistics().lanes)["store"].waiting < FEEDS // 3:
                    await trio.lowlevel.checkpoint()
            other.execute("ROLLBACK")
        found = [result async for result in scrape]

    assert narrow_lane(lanes) == "store"
    assert sentence(lanes["store"]).startswith("bottleneck: store lane, 1 of 1 busy, ")
    assert len(found) == FEEDS


async def test_the_series_knows_of_an_outage(autojump_clock: MockClock) -> None:
    seen = replace(statistics(9, 3), outage=Outage(9.0, "database is locked"))
    series = Series(lambda: seen, FEEDS)
    await trio.sleep(1)
    series.sample()

    assert series.moment().bottleneck == "store"
    assert series.bottleneck()[0] == "store"
    assert "bottleneck: the store is unavailable" in shown(series.moment())
    assert "bottleneck: the store is unavailable" in plain_line(series.moment())


async def test_with_room_everywhere_there_is_none(autojump_clock: MockClock) -> None:
    internet = healthy(FEEDS, first_byte=WORK)
    async with open_virtual(urls(internet), internet) as scrape:
        series = Series(scrape.statistics, FEEDS)
        await trio.sleep(WORK / 2)
        series.sample()
        async for _ in scrape:
            pass

    assert series.moment().bottleneck is None
    assert NO_BOTTLENECK in shown(series.moment())


def shown(moment: Moment) -> str:
    console = Console(file=io.StringIO(), width=100, color_system=None)
    console.print(live_view(moment, 100, 30))
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]
