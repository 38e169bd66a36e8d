"""A store that takes nothing for a while, or for good, in virtual time: what a scrape does meanwhile."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from trioscrape import (
    Config,
    EntryCounts,
    FeedState,
    FeedUpdate,
    Outcome,
    Result,
    Scrape,
    StoreError,
    StoreUnavailable,
)
from trioscrape._errors import FeedFailed
from trioscrape._lane import Lane, Timings
from trioscrape._store.lane import FIRST_WAIT, LONGEST_WAIT, OWN_FAILURES, OutageInDoubt, StoreLane
from trioscrape.testing import Internet, MemoryStore

from support.scenarios import counted_report, healthy, open_virtual, urls
from support.stores import entry, report, update


class Store(MemoryStore):
    """Takes a second for everything, is away at times, and knows when and by how many it was asked."""

    def __init__(self, *away: tuple[float, float], width: int = 4) -> None:
        super().__init__(width)
        self.away = away
        self.asked: list[float] = []
        self.refused: list[float] = []
        self.busy = self.most_busy = 0

    async def _answer(self) -> None:
        self.asked.append(trio.current_time())
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


class OneTooMany(Store):
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


def lane(store: Store, outage_timeout: float = 300, jitter: float = 0) -> StoreLane:
    return StoreLane(store, Lane("store", store.width), outage_timeout, jitter=lambda: jitter)


async def save(lane: StoreLane, number: int, timings: Timings | None = None) -> EntryCounts:
    return await lane.save(update(entry(), feed_id=f"{number:032x}"), timings or Timings())


async def save_one_by_one(lane: StoreLane, first: int, count: int) -> None:
    for number in range(first, first + count):
        await save(lane, number)


class TestLane:
    async def test_it_is_asked_after_ever_longer_pauses(self, autojump_clock: MockClock) -> None:
        store = Store((0, 60))

        assert await save(lane(store), 1) == EntryCounts(new=1)

        pauses = [asked - failed for failed, asked in zip(store.refused, store.asked[1:], strict=True)]
        assert pauses == [min(FIRST_WAIT * 2**n, LONGEST_WAIT) for n in range(len(pauses))]
        assert pauses[-1] == LONGEST_WAIT

    async def test_jitter_cuts_a_pause_by_up_to_a_half(self, autojump_clock: MockClock) -> None:
        store = Store((0, math.inf))
        with trio.move_on_after(1.6):
            await save(lane(store, jitter=1), 1)

        assert store.asked == [0, 1 + FIRST_WAIT / 2]

    async def test_one_at_a_time_asks_and_the_others_hold_no_slot(self, autojump_clock: MockClock) -> None:
        store, saved = Store((0, 100)), []
        waiting = lane(store)

        async def save_and_note(number: int) -> None:
            await save(waiting, number)
            saved.append(number)

        async with trio.open_nursery() as nursery:
            for number in range(100):
                nursery.start_soon(save_and_note, number)
            await trio.sleep(1.1)
            assert store.most_busy == store.width  # those that were on their way when it was found out
            store.most_busy = 0
            await trio.sleep_until(1 + FIRST_WAIT)
            await trio.testing.wait_all_tasks_blocked()
            assert len(store.asked) == store.width + 1  # they have failed as one
            await trio.sleep_until(99)
            assert store.most_busy == 1
            assert waiting._lane.statistics().waiting == 0
            assert saved == []

        assert len(saved) == len(store.feeds) == 100
        assert store.most_busy == store.width

    async def test_one_that_fails_by_itself_is_given_up(self, autojump_clock: MockClock) -> None:
        store = OneTooMany()
        waiting = lane(store, outage_timeout=50)
        async with trio.open_nursery() as nursery:
            for first in (1, 101, 201):
                nursery.start_soon(save_one_by_one, waiting, first, 100)
            with pytest.raises(FeedFailed) as caught:
                await save(waiting, 0)
            assert (caught.value.reason, caught.value.detail) == (
                "not-stored",
                "too slow; others were stored meanwhile",
            )
            assert waiting.outage is None
            assert trio.current_time() < 100

        assert len(store.feeds) == 300
        # The first time it may have been the store, and then it is asked whether it was; and a failure
        # does not count for which nobody else was stored since the one before.
        assert 1 + OWN_FAILURES < store.too_many <= 2 * OWN_FAILURES + 1

    async def test_those_that_were_merged_with_it_are_not(self, autojump_clock: MockClock) -> None:
        store = OneTooMany(merging=True)
        waiting = lane(store, outage_timeout=1000)
        async with trio.open_nursery() as nursery:
            for first in (1, 101, 201):
                nursery.start_soon(save_one_by_one, waiting, first, 100)
            await trio.sleep(5)
            with pytest.raises(FeedFailed, match="not-stored"):
                await save(waiting, 0)

        assert len(store.feeds) == 300
        assert store.merged >= OWN_FAILURES

    async def test_left_alone_it_waits_for_the_end_of_patience(self, autojump_clock: MockClock) -> None:
        store = OneTooMany()
        waiting = lane(store, outage_timeout=50)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(save_one_by_one, waiting, 1, 15)
            with pytest.raises(FeedFailed, match="nothing could be stored for 50 s"):
                await save(waiting, 0)

        assert len(store.feeds) == 15
        assert store.too_many > 2

    async def test_a_store_that_comes_and_goes_gives_up_nobody(self, autojump_clock: MockClock) -> None:
        store = Store(*((20 * n, 20 * n + 12) for n in range(50)))
        waiting = lane(store)
        async with trio.open_nursery() as nursery:
            for number in range(300):
                nursery.start_soon(save, waiting, number)

        assert len(store.feeds) == 300
        assert trio.current_time() > 150

    async def test_a_store_that_can_be_read_takes_nothing_all_the_same(
        self, autojump_clock: MockClock
    ) -> None:
        """Its disk is full."""

        class Full(Store):
            async def load(self, feed_ids: Sequence[str]) -> dict[str, FeedState]:
                return {}

        store = Full((0, 100))
        waiting = lane(store)
        async with trio.open_nursery() as nursery:
            for number in range(2):
                nursery.start_soon(save, waiting, number)
            await trio.sleep(2)
            for _ in range(5):
                assert await waiting.load(["x"]) == {}
                assert waiting.takes_nothing
            assert trio.current_time() < 100

        assert len(store.feeds) == 2

    async def test_a_single_save_that_fails_leaves_the_outage_in_doubt(
        self, autojump_clock: MockClock
    ) -> None:
        """Another one may show that it was none, or the next one shows that it was."""
        store = Store((0, 100), (200, math.inf))
        waiting = lane(store, 50)
        with pytest.raises(OutageInDoubt, match="nothing could be stored for 50 s"):
            await save(waiting, 1)
        assert waiting.outage is not None
        assert not waiting.takes_nothing
        await trio.sleep_until(150)
        assert await save(waiting, 2) == EntryCounts(new=1)
        assert waiting.outage is None

        await trio.sleep_until(200)
        with pytest.raises(OutageInDoubt):
            await save(waiting, 3)
        with pytest.raises(StoreError, match="nothing could be stored for 50 s"):
            await save(waiting, 4)
        assert waiting.takes_nothing

    async def test_patience_begins_anew_with_each_success(self, autojump_clock: MockClock) -> None:
        store = Store(*((100 * n, 100 * n + 25) for n in range(10)))
        waiting = lane(store, outage_timeout=30)
        for number in range(500):
            await save(waiting, number)
            await trio.sleep(1)

        assert trio.current_time() > 925

    @pytest.mark.parametrize("patience", [0.0, 0.1, 7.0, 300.0])
    async def test_patience_ends_with_a_last_attempt(
        self, autojump_clock: MockClock, patience: float
    ) -> None:
        store = Store((0, math.inf))
        with pytest.raises(OutageInDoubt) as caught:
            await save(lane(store, patience), 1)

        error = caught.value.error
        assert type(error) is StoreError
        assert str(error) == "away" + (f"; nothing could be stored for {patience:g} s" if patience else "")
        ends = 1 + patience  # the first attempt takes a second
        assert store.asked[-1] <= ends <= trio.current_time() <= ends + 1

    async def test_what_is_no_outage_is_raised_at_once(self, autojump_clock: MockClock) -> None:
        class Refusing(Store):
            async def save(self, update: FeedUpdate) -> EntryCounts:
                raise StoreError("no such user")

        with pytest.raises(StoreError, match=r"^no such user$"):
            await save(lane(Refusing()), 1)

        assert trio.current_time() == 0

    async def test_waiting_is_charged_to_no_lane(self, autojump_clock: MockClock) -> None:
        store, timings = Store((0, 100)), Timings()

        await save(lane(store), 1, timings)

        assert timings.lanes["store"].worked == len(store.asked)
        assert timings.lanes["store"].waited == 0

    async def test_loading_and_recording_wait_as_well(self, autojump_clock: MockClock) -> None:
        store = Store((0, 20), (100, 120))
        waiting = lane(store)

        assert await waiting.load(["x"]) == {}
        assert trio.current_time() >= 20
        await trio.sleep_until(100)
        await waiting.record_run(report())
        assert trio.current_time() >= 120
        assert len(store.runs) == 1

    async def test_cancelled_while_it_waits(self, autojump_clock: MockClock) -> None:
        store = Store((0, 55))
        waiting = lane(store)
        async with trio.open_nursery() as nursery:
            for number in range(10):
                nursery.start_soon(save, waiting, number)
            await trio.sleep(50)
            nursery.cancel_scope.cancel()

        await trio.sleep(10)
        assert await save(waiting, 1) == EntryCounts(new=1)
        assert waiting.outage is None


async def results_of(scrape: Scrape) -> list[Result]:
    return [result async for result in scrape]


def open_with(internet: Internet, store: MemoryStore, **config: Any) -> AbstractAsyncContextManager[Scrape]:
    opened: AbstractAsyncContextManager[Scrape] = open_virtual(  # type: ignore[assignment]
        urls(internet), internet, store, config=Config(**config)
    )
    return opened


class TestScrape:
    async def test_an_outage_costs_no_feed(self, autojump_clock: MockClock) -> None:
        """Deadlines of feeds go on meaning what they mean."""
        internet, store = healthy(200, lookup=1, first_byte=1), Store((10, 200), (205, 300))
        async with open_with(internet, store, in_flight=50, lookup_timeout=2, fetch_timeout=2) as scrape:
            found = await results_of(scrape)

        assert {(r.outcome, r.stored) for r in found} == {(Outcome.NEW, True)}
        assert len(found) == len(store.feeds) == 200
        assert scrape.report().outage is None
        assert trio.current_time() > 300

    @pytest.mark.parametrize("in_flight", [2, 50])
    async def test_a_feed_that_is_never_stored_costs_no_other(
        self, autojump_clock: MockClock, in_flight: int
    ) -> None:
        """What comes after it in the list is let in, although nothing else is at hand to be stored."""
        internet = healthy(200, first_byte=1)
        store = OneTooMany("http://f3.test/feed")
        async with open_with(internet, store, in_flight=in_flight) as scrape:
            found = await results_of(scrape)

        report = scrape.report()
        assert [r.feed.url for r in found if not r.stored] == ["http://f3.test/feed"]
        assert report.errors == {"not-stored": 1}
        assert len(found) == 200
        assert report.stored == len(store.feeds) == 199
        assert trio.current_time() < 400

    async def test_nor_when_no_other_can_be_let_in_beside_it(self, autojump_clock: MockClock) -> None:
        internet, store = healthy(1), OneTooMany("http://f0.test/3")
        feeds = [f"http://f0.test/{n}" for n in range(20)]
        async with open_virtual(feeds, internet, store) as scrape:
            found = await results_of(scrape)

        assert [r.feed.url for r in found if r.reason == "not-stored"] == ["http://f0.test/3"]
        assert len(store.feeds) == 19
        assert scrape.report().outage is None

    async def test_nor_do_two_of_them_that_meet(self, autojump_clock: MockClock) -> None:
        """What fails by itself says nothing of the store; the second one is in doubt as well."""
        internet = healthy(100, first_byte=1)
        store = OneTooMany("http://f0.test/feed", "http://f14.test/feed")
        async with open_with(internet, store, in_flight=2) as scrape:
            found = await results_of(scrape)

        assert scrape.report().errors == {"not-stored": 2}
        assert len(store.feeds) == len(found) - 2 == 98

    async def test_nor_does_a_failure_that_can_not_be_remembered(self, autojump_clock: MockClock) -> None:
        internet, store = healthy(50), OneTooMany("http://nowhere.test/feed")
        feeds = ["http://nowhere.test/feed", *urls(internet)]
        async with open_virtual(feeds, internet, store) as scrape:
            found = await results_of(scrape)

        assert [r.reason for r in found if r.outcome is not Outcome.NEW] == ["not-stored"]
        assert len(found) == 51

    async def test_nobody_is_let_in_meanwhile(self, autojump_clock: MockClock) -> None:
        """Although there is room for more."""
        internet, store = healthy(1), Store((10, 200))
        feeds = [f"http://f0.test/{n}" for n in range(300)]
        config = Config(host_delay=1, per_host=300)
        async with (
            open_virtual(feeds, internet, store, config=config) as scrape,
            trio.open_nursery() as nursery,
        ):
            nursery.start_soon(results_of, scrape)
            await trio.sleep_until(15)
            began = scrape.statistics()
            await trio.sleep_until(199)
            ended = scrape.statistics()

        assert began.accepted == ended.accepted < 20
        assert ended.outage is not None
        assert len(store.feeds) == 300

    async def test_what_is_in_flight_stays_there(self, autojump_clock: MockClock) -> None:
        internet, store, found = healthy(400), Store((10, 200)), list[Result]()
        async with open_with(internet, store, in_flight=50) as scrape, trio.open_nursery() as nursery:

            async def note_results() -> None:
                found.extend(await results_of(scrape))

            nursery.start_soon(note_results)
            await trio.sleep_until(30)
            began = scrape.statistics()
            await trio.sleep_until(199)
            ended = scrape.statistics()

        assert began.accepted == ended.accepted < 200
        assert ended.in_flight == 50
        assert ended.outage is not None
        assert ended.outage.detail == "away"
        assert ended.outage.seconds == pytest.approx(188, abs=2)
        assert len(store.feeds) == len(found) == 400

    async def test_reading_ahead_waits_too(self, autojump_clock: MockClock) -> None:
        internet, store = healthy(10), Store((0, 100))
        async with open_with(internet, store) as scrape:
            await trio.sleep_until(99)
            assert internet.requests == []
            assert len(await results_of(scrape)) == 10

    async def test_after_its_patience_each_feed_has_its_result(self, autojump_clock: MockClock) -> None:
        """The next run goes on where this one has ended."""
        internet, store, found = healthy(300, first_byte=1), Store((10, 100)), list[Result]()
        with pytest.raises(StoreError, match="away; nothing could be stored for 60 s"):
            async with open_with(internet, store, in_flight=50, look_ahead=100, outage_timeout=60) as scrape:
                async for result in scrape:
                    found.append(result)

        report = await counted_report(scrape)
        stored = {r.feed.url for r in found if r.stored}
        assert len({r.feed.url for r in found}) == len(found) == report.feeds - report.not_started
        assert {r.reason for r in found} == {None, "not-stored"}
        assert len(stored) == report.stored == len(store.feeds) > 10
        assert report.errors == {"not-stored": len(found) - len(stored)}
        assert report.not_started > 150
        assert len(report.not_stored_examples) == 10
        assert "away" in (report.not_stored_examples[0].detail or "")

        await trio.sleep_until(100)
        async with open_with(internet, store) as scrape:
            again = await results_of(scrape)
        assert len(store.feeds) == len(again) == 300
        assert {r.feed.url for r in again if r.outcome is not Outcome.NEW} == stored

    async def test_nobody_waits_for_what_can_not_be_stored_any_more(self, autojump_clock: MockClock) -> None:
        internet, store = healthy(10), Store((2, math.inf))
        internet.sites["f0.test"].first_byte = 14  # type: ignore[index]
        found = []
        with pytest.raises(StoreError, match="away"):
            async with open_with(internet, store, outage_timeout=3) as scrape:
                async for result in scrape:
                    found.append(result)

        assert len(found) == 10
        assert {r.feed.url: r.reason for r in found}["http://f0.test/feed"] == "not-stored"
        assert trio.current_time() < 10

    async def test_without_patience_it_ends_at_once(self, autojump_clock: MockClock) -> None:
        internet, store = healthy(50), Store((0, math.inf))
        with pytest.raises(StoreError, match=r"^away$"):
            async with open_with(internet, store, outage_timeout=0) as scrape:
                await results_of(scrape)

        assert trio.current_time() == 1
        assert await scrape.count_not_started() == 50

    async def test_drained_in_an_outage_it_waits_for_the_store(self, autojump_clock: MockClock) -> None:
        internet, store = healthy(500), Store((20, 200))
        async with open_with(internet, store, in_flight=50) as scrape, trio.open_nursery() as nursery:

            async def drain() -> None:
                await trio.sleep_until(30)
                scrape.drain()

            nursery.start_soon(drain)
            found = await results_of(scrape)

        report = await counted_report(scrape)
        assert trio.current_time() > 200
        assert len(found) == report.stored == len(store.feeds) < 200
        assert report.not_started == 500 - len(found)

    async def test_drained_while_it_reads_ahead_it_ends_at_once(self, autojump_clock: MockClock) -> None:
        internet, store = healthy(50), Store((0, math.inf))
        async with open_with(internet, store) as scrape:
            await trio.sleep(20)
            scrape.drain()
            assert await results_of(scrape) == []

        assert trio.current_time() < 22
        assert await scrape.count_not_started() == 50

    async def test_cancelled_in_an_outage_it_ends_at_once(self, autojump_clock: MockClock) -> None:
        internet, store = healthy(500), Store((20, 200))
        async with open_with(internet, store, in_flight=50) as scrape, trio.open_nursery() as nursery:

            async def cancel() -> None:
                await trio.sleep_until(30)
                scrape.cancel()

            nursery.start_soon(cancel)
            found = await results_of(scrape)

        assert trio.current_time() <= 31
        assert {r.reason for r in found} == {None, "cancelled"}
        assert len(found) + (await counted_report(scrape)).not_started == 500
        assert len(store.feeds) == sum(r.stored for r in found)


class Slow(MemoryStore):
    """Finishes what it has begun, as a thread does, whoever is cancelled meanwhile."""

    async def save(self, update: FeedUpdate) -> EntryCounts:
        with trio.CancelScope(shield=True):
            await trio.sleep(5)
            return await super().save(update)

    async def load(self, feed_ids: Sequence[str]) -> dict[str, FeedState]:
        with trio.CancelScope(shield=True):
            return await super().load(feed_ids)


@pytest.mark.parametrize("moment", [0.0, 1.0, 2.5, 6.0, 7.0, 9.0, 11.5, 20.0])
@pytest.mark.parametrize("how", ["cancel", "leave"])
async def test_cancelled_in_a_write_it_is_stored_and_told_or_neither(
    autojump_clock: MockClock, moment: float, how: str
) -> None:
    internet, store, found = healthy(20, first_byte=1), Slow(), list[Result]()
    async with open_with(internet, store) as scrape:
        with trio.move_on_after(moment):
            async for result in scrape:
                found.append(result)
        if how == "cancel":
            scrape.cancel()
            found += await results_of(scrape)

    report = await counted_report(scrape)
    assert report.stored == len(store.feeds)
    assert sum(report.outcomes.values()) + report.not_started == report.feeds == 20
    if how == "cancel":
        assert len(found) + report.not_started == 20
        assert {r.feed.redacted_url for r in found if r.stored} == {f.url for f in store.feeds.values()}


async def test_cancelled_between_being_let_in_and_the_first_step(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which of the two comes first is up to trio's dice, so it is tried a few times."""
    monkeypatch.setattr("trioscrape._run.feed_source.READ_AHEAD", 1)
    internet = healthy(1, first_byte=1)
    scrapes: list[Scrape] = []

    def feeds() -> Iterator[str]:
        yield "http://f0.test/feed"
        scrapes[-1].cancel()

    for _ in range(20):
        async with open_virtual(feeds(), internet) as scrape:
            scrapes.append(scrape)
            assert [result.reason for result in await results_of(scrape)] == ["cancelled"]
