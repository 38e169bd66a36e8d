"""A watch in virtual time: when feeds are polled again, which list counts, how it ends."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise

import pytest
import trio
from trio.testing import MockClock

from trioscrape import Config, Feed, Outcome, Polling, Result, UsageError, Watch, open_watch
from trioscrape._records.feed_state import KEPT_DELAYS
from trioscrape._run import watch as watch_module
from trioscrape.testing import InlineParser, Internet, MemoryStore, Site

from support.scenarios import rss

BEGAN = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = 3600.0


def now() -> datetime:
    return BEGAN + timedelta(seconds=trio.current_time())


class Scene:
    """An internet, a store, and the results of a watch with the moments at which they came."""

    def __init__(self, sites: dict[str, Site], **polling: float) -> None:
        self.internet, self.store = Internet(sites), MemoryStore()
        self.feeds: Sequence[str] = [f"http://{name}/" for name in sites]
        self.polling = Polling(**polling)  # type: ignore[arg-type]
        self.results: list[tuple[float, Result]] = []

    @asynccontextmanager
    async def watch(self, **config: float) -> AsyncIterator[Watch]:
        async with (
            trio.open_nursery() as nursery,
            open_watch(
                self.feeds,
                store=self.store,
                polling=self.polling,
                config=Config(**config),  # type: ignore[arg-type]
                resolver=self.internet,
                connector=self.internet.connect,
                parser=InlineParser(),
                now=now,
            ) as watch,
        ):
            nursery.start_soon(self._collect, watch)
            yield watch
            watch.cancel()

    async def _collect(self, watch: Watch) -> None:
        async for result in watch:
            self.results.append((trio.current_time(), result))

    def moments(self, name: str) -> list[float]:
        return [moment for moment, result in self.results if name in result.feed.url]


def site(**more: object) -> Site:
    return Site(body=rss("x"), **more)  # type: ignore[arg-type]


class TestPolls:
    async def test_a_feed_is_polled_again_and_again(self, autojump_clock: MockClock) -> None:
        scene = Scene({"a.test": site(headers={"ETag": '"1"'})}, by_rhythm=False)
        async with scene.watch():
            await trio.sleep(6 * HOUR)
        moments = scene.moments("a.test")
        gaps = [b - a for a, b in pairwise(moments)]
        assert len(gaps) in (22, 23)
        assert all(900 <= gap <= 991 for gap in gaps)
        outcomes = {result.outcome for _, result in scene.results[1:]}
        assert outcomes == {Outcome.NOT_MODIFIED}
        assert all(result.same_as is None for _, result in scene.results)

    async def test_what_its_server_asks_for_comes_first(self, autojump_clock: MockClock) -> None:
        scene = Scene({"a.test": site(headers={"Cache-Control": "max-age=7200"})}, every=60.0)
        async with scene.watch():
            await trio.sleep(9 * HOUR)
        moments = scene.moments("a.test")
        assert len(moments) in (4, 5)
        assert all(b - a >= 7200 for a, b in pairwise(moments))

    async def test_a_pause_of_a_host_is_kept_by_all_of_its_feeds(self, autojump_clock: MockClock) -> None:
        sites = {"a.test": site(status=429, headers={"Retry-After": "5400"})}
        scene = Scene(sites, every=60.0, by_rhythm=False)
        scene.feeds = [f"http://a.test/{number}" for number in range(20)]
        async with scene.watch():
            await trio.sleep(12 * HOUR)
        assert len(scene.internet.requests) <= 12 / 1.5 + 1, "one request tells that the pause goes on"

    async def test_a_feed_that_fails_is_polled_less_and_less(self, autojump_clock: MockClock) -> None:
        scene = Scene({"a.test": site(status=500)}, every=300.0, by_rhythm=False)
        async with scene.watch():
            await trio.sleep(48 * HOUR)
        moments = scene.moments("a.test")
        gaps = [b - a for a, b in pairwise(moments)]
        assert gaps[:6] == sorted(gaps[:6])
        assert len(gaps) < 12

    async def test_a_host_that_was_silent_is_tried_again(self, autojump_clock: MockClock) -> None:
        sites = {"a.test": site(listens=False)}
        scene = Scene(sites, every=300.0, by_rhythm=False)
        scene.feeds = [f"http://a.test/{number}" for number in range(10)]
        async with scene.watch():
            await trio.sleep(2 * HOUR)
            sites["a.test"].listens = True
            await trio.sleep(4 * HOUR)
        stored = {result.feed.url for _, result in scene.results if result.stored and result.status == 200}
        assert stored == set(scene.feeds)

    async def test_the_budget_is_kept_from_the_first_minute_on(self, autojump_clock: MockClock) -> None:
        scene = Scene({f"a{n}.test": site() for n in range(60)}, every=60.0, budget=0.1)
        async with scene.watch() as watch:
            await trio.sleep(4 * HOUR)
            found = await watch.statistics()
        polls = [
            sum(start <= moment < start + 600 for moment, _ in scene.results)
            for start in range(0, 4 * 3600, 600)
        ]
        assert max(polls) <= 61
        assert min(polls[12:]) >= 40, "and it is used, once the price has found it"
        assert found.feeds == 60

    async def test_offline_little_is_held_against_the_feeds(self, autojump_clock: MockClock) -> None:
        """In the round in which the network goes, each feed may fail once, and in each later one three."""
        sites = {f"a{n}.test": site(headers={"Connection": "close"}) for n in range(60)}
        scene = Scene(sites, every=900.0, by_rhythm=False)
        async with scene.watch():
            await trio.sleep(HOUR)
            for each in sites.values():
                each.listens = False
            await trio.sleep(3 * HOUR)
            offline = {result.outcome for _, result in scene.results[-60:]}
            failures = sum(state.failures for state in scene.store.feeds.values())
        assert offline == {Outcome.FAILED}
        assert failures <= 120, "with a back-off they would have failed four times each"


class TestRestarts:
    async def test_what_was_planned_is_kept(self, autojump_clock: MockClock) -> None:
        scene = Scene({f"a{n}.test": site() for n in range(20)})
        async with scene.watch():
            await trio.sleep(60)
        planned = {state.url: state.next_fetch for state in scene.store.feeds.values()}
        scene.results.clear()
        async with scene.watch():
            await trio.sleep(6 * HOUR)
        for url, moment in planned.items():
            assert moment is not None
            first = min(when for when, result in scene.results if result.feed.url == url)
            assert first == pytest.approx((moment - BEGAN).total_seconds(), abs=1)

    async def test_what_is_overdue_does_not_come_at_once(self, autojump_clock: MockClock) -> None:
        scene = Scene({f"a{n}.test": site() for n in range(60)})
        async with scene.watch():
            await trio.sleep(60)
        await trio.sleep(48 * HOUR)
        scene.results.clear()
        started = trio.current_time()
        async with scene.watch():
            await trio.sleep(900)
        minutes = [int((when - started) // 60) for when, _ in scene.results]
        assert len(minutes) == 60
        assert max(minutes.count(minute) for minute in range(15)) <= 12

    async def test_a_pause_of_a_host_outlives_the_process(self, autojump_clock: MockClock) -> None:
        sites = {"a.test": site(status=429, headers={"Retry-After": "5400"})}
        scene = Scene(sites)
        scene.feeds = ["http://a.test/1"]
        async with scene.watch():
            await trio.sleep(60)
        assert len(scene.internet.requests) == 1
        scene.feeds = [f"http://a.test/{number}" for number in range(9)]
        async with scene.watch():
            await trio.sleep(5000)
            assert len(scene.internet.requests) == 1
            await trio.sleep(2000)
            assert len(scene.internet.requests) == 2


class TestLists:
    async def test_another_list_replaces_the_one_before(self, autojump_clock: MockClock) -> None:
        scene = Scene({"a.test": site(), "b.test": site(), "c.test": site()}, by_rhythm=False)
        scene.feeds = ["http://a.test/", "http://b.test/"]
        async with scene.watch() as watch:
            await trio.sleep(100)
            watch.reload(["http://b.test/", "http://c.test/"])
            await trio.sleep(2 * HOUR)
            assert (await watch.statistics()).feeds == 2
        assert len(scene.moments("a.test")) == 1
        assert scene.moments("c.test")[0] == pytest.approx(100, abs=1)
        assert len(scene.moments("b.test")) == len(scene.moments("c.test"))

    async def test_a_feed_that_has_left_it_does_not_stay_the_same_as_another(
        self, autojump_clock: MockClock
    ) -> None:
        there = {"status": 302, "headers": {"Location": "http://c.test/"}}
        scene = Scene({"a.test": site(**there), "b.test": site(**there), "c.test": site()}, by_rhythm=False)
        scene.feeds = ["http://a.test/"]
        async with scene.watch() as watch:
            await trio.sleep(100)
            watch.reload(["http://b.test/"])
            await trio.sleep(25 * HOUR)
        [first, *_, last] = [result.same_as for _, result in scene.results if "b.test" in result.feed.url]
        assert (first, last) == ("http://a.test/", None)

    async def test_lines_that_are_no_urls_have_one_result(self, autojump_clock: MockClock) -> None:
        scene = Scene({"a.test": site()})
        scene.feeds = ["http://a.test/", "nonsense", "http://a.test/"]
        async with scene.watch() as watch:
            await trio.sleep(3 * HOUR)
            assert watch.scrape.report().outcomes[Outcome.REFUSED] == 1

    async def test_a_list_that_fails_ends_the_watch(self, autojump_clock: MockClock) -> None:
        with pytest.raises(ZeroDivisionError):
            async with open_watch(
                [], store=MemoryStore(), parser=InlineParser(), resolver=Internet({}), now=now
            ) as watch:
                watch.reload(_broken())
                async for _ in watch:
                    pass

    async def test_without_feeds_it_waits_for_a_list(self, autojump_clock: MockClock) -> None:
        scene = Scene({"a.test": site()})
        scene.feeds = []
        async with scene.watch() as watch:
            await trio.sleep(HOUR)
            watch.reload(["http://a.test/"])
            await trio.sleep(1)
        assert len(scene.results) == 1


async def _broken() -> AsyncIterator[Feed]:
    raise ZeroDivisionError
    yield


class TestEnds:
    async def test_drained_it_ends_when_nothing_is_in_flight(self, autojump_clock: MockClock) -> None:
        scene = Scene({"a.test": site(), "slow.test": site(first_byte=5)})
        async with scene.watch() as watch:
            await trio.sleep(1)
            assert watch.drain() == 1
            await trio.sleep(10)
            assert {result.outcome for _, result in scene.results} == {Outcome.NEW}
            assert len(scene.results) == 2

    async def test_its_totals_wait_for_no_outage(
        self, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """They are recorded where the watch has opened the store itself."""
        store = MemoryStore()
        monkeypatch.setattr(watch_module, "opened_store", lambda *_: nullcontext(store))
        async with open_watch(
            [], store="sqlite:", parser=InlineParser(), resolver=Internet({}), now=now
        ) as watch:
            watch.cancel()
            store.unavailable = "gone"
            left = trio.current_time()
        assert trio.current_time() - left < 10
        assert store.runs == []

    async def test_its_lease_is_kept_and_given_back(self, autojump_clock: MockClock) -> None:
        scene = Scene({"a.test": site()})
        async with scene.watch():
            await trio.sleep(HOUR)
            assert scene.store.lease is not None
        assert scene.store.lease is None

    @pytest.mark.parametrize("config", [Config(ignore_schedule=True), Config(interval=60)])
    async def test_settings_that_mean_nothing_are_refused(self, config: Config) -> None:
        with pytest.raises(UsageError, match="see Polling"):
            async with open_watch([], store=MemoryStore(), config=config):
                pass


class TestGaps:
    @pytest.mark.parametrize(("kept", "gap"), [(1, False), (0, True)])
    async def test_a_document_without_any_known_entry(
        self, autojump_clock: MockClock, kept: int, gap: bool
    ) -> None:
        sites = {"a.test": Site(body=rss("1", "2", "3"))}
        scene = Scene(sites, by_rhythm=False)
        async with scene.watch() as watch:
            await trio.sleep(60)
            sites["a.test"].body = rss(*"123"[3 - kept :], "4", "5")
            await trio.sleep(1000)
            assert watch.scrape.statistics().gaps == gap
        assert [result.gap for _, result in scene.results] == [False, gap]

    async def test_they_are_in_the_history(self, autojump_clock: MockClock) -> None:
        """A single entry that takes the place of another is no gap."""
        sites = {"a.test": Site(body=rss("1"))}
        scene = Scene(sites, by_rhythm=False)
        async with scene.watch():
            for keys in ("2", "34", "45"):
                await trio.sleep(1000)
                sites["a.test"].body = rss(*keys)
            await trio.sleep(1000)
        [history] = scene.store.history.values()
        assert [(poll.new, poll.gap) for poll in history.recent if poll.new] == [
            (1, False), (1, False), (2, True), (1, False),
        ]  # fmt: skip
        [at] = [poll.at for poll in history.recent if poll.gap]
        assert (history.gaps, history.last_gap) == (1, at)

    async def test_a_feed_that_was_empty_has_missed_nothing(self, autojump_clock: MockClock) -> None:
        sites = {"a.test": Site(body=rss())}
        scene = Scene(sites, by_rhythm=False)
        async with scene.watch():
            await trio.sleep(60)
            sites["a.test"].body = rss("1", "2")
            await trio.sleep(1000)
        assert [result.gap for _, result in scene.results] == [False, False]


class TestDelays:
    async def test_they_are_measured_and_expected(self, autojump_clock: MockClock) -> None:
        """From the dates of the entries that have come since the document before; the last ones are kept."""
        sites = {"a.test": Site(body=dated(-7200, -3600))}
        scene = Scene(sites, by_rhythm=False)
        async with scene.watch() as watch:
            await trio.sleep(60)
            assert self.delays(scene) == ()
            sites["a.test"].body = dated(-3600, 100, 400)
            await trio.sleep(1000)
            measured = self.delays(scene)
            [polled] = [history.last_fetch for history in scene.store.history.values()]
            found = (polled - BEGAN).total_seconds()
            assert measured == pytest.approx((found - 100, found - 400), abs=2)
            [state] = scene.store.feeds.values()
            assert state.expected_delay == pytest.approx(950 / 2, abs=50)

            sites["a.test"].body = dated(*range(1000, 1900, 2))
            await trio.sleep(1000)
            assert (await watch.statistics()).measured_delay.max < 1000
        kept = self.delays(scene)
        assert len(kept) == KEPT_DELAYS
        assert kept[-1] < 100
        assert kept[0] > 700, "of many some, and not only the latest"

    def delays(self, scene: Scene) -> tuple[int, ...]:
        [state] = scene.store.feeds.values()
        return state.delays


def dated(*seconds: int) -> bytes:
    """A document with entries that were published so many seconds after the beginning."""
    published = {each: format_datetime(BEGAN + timedelta(seconds=each)) for each in seconds}
    items = "".join(
        f"<item><guid>{each}</guid><pubDate>{date}</pubDate></item>" for each, date in published.items()
    )
    return f'<rss version="2.0"><channel><title>T</title>{items}</channel></rss>'.encode()
