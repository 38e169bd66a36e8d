"""Two runs at once: on one store the second is told, or waits for its turn; on two they don't meet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

import trioscrape
from trioscrape import Config, Outcome, StoreError, StoreInUse
from trioscrape._store.lease import EXPIRY, RENEWAL
from trioscrape.testing import InlineParser, Internet, MemoryStore

from support.faulty_stores import WatchedStore
from support.leases import lease
from support.scenarios import counted_report, healthy, open_virtual, results_of, run_virtual, urls

THEIRS = lease("theirs")


class TestOneStore:
    async def test_the_second_is_told_and_fetches_nothing(self, autojump_clock: MockClock) -> None:
        """In two nurseries of one application."""
        store, internet, other = MemoryStore(), healthy(20, first_byte=10), healthy(3)
        async with open_virtual(urls(internet), internet, store) as scrape:
            with pytest.raises(StoreInUse, match="is in use by process"):
                await run_virtual(urls(other), other, store)
            found = await results_of(scrape)

        assert [result.outcome for result in found] == [Outcome.NEW] * 20
        assert other.lookups == []
        assert len(store.feeds) == 20
        assert store.lease is None

    async def test_or_waits_for_its_turn(self, autojump_clock: MockClock) -> None:
        store, internet = MemoryStore(), healthy(5, first_byte=10)
        ended: list[tuple[float, int]] = []

        async def run(config: Config) -> None:
            _, scrape = await run_virtual(urls(internet), internet, store, config=config)
            ended.append((trio.current_time(), scrape.report().outcomes[Outcome.NEW]))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(run, Config())
            await trio.testing.wait_all_tasks_blocked()
            nursery.start_soon(run, Config(wait_for_store=60, ignore_schedule=True))

        (first, new), (second, again) = ended
        assert (new, again) == (5, 0)
        assert second >= first + 10

    async def test_one_after_the_other_needs_no_wait(self, autojump_clock: MockClock) -> None:
        store, internet = MemoryStore(), healthy(3)
        for _ in range(3):
            await run_virtual(urls(internet), internet, store)

        assert trio.current_time() < 1

    async def test_a_long_run_keeps_it(self, autojump_clock: MockClock) -> None:
        store, internet = MemoryStore(), healthy(1)
        feeds, config = [f"http://f0.test/{n}" for n in range(5)], Config(host_delay=30)

        async def run() -> None:
            await run_virtual(feeds, internet, store, config=config)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(run)
            await trio.testing.wait_all_tasks_blocked()
            while len(store.feeds) < 5:
                assert await store.acquire_lease(THEIRS, EXPIRY) == store.lease
                await trio.sleep(10)

        assert trio.current_time() > EXPIRY + RENEWAL
        assert store.lease is None


async def test_two_stores_do_not_know_of_each_other(autojump_clock: MockClock) -> None:
    internet = healthy(5, first_byte=1)
    async with trio.open_nursery() as nursery:
        for store in MemoryStore(), MemoryStore():
            nursery.start_soon(run_virtual, urls(internet), internet, store)

    assert trio.current_time() < 10


class TestTakenOver:
    """Another run has acquired the lease, because this one could not renew it."""

    async def test_the_run_ends_and_each_feed_has_its_result(self, autojump_clock: MockClock) -> None:
        store, internet = MemoryStore(), healthy(50, first_byte=25)
        found = []
        with pytest.raises(StoreInUse, match="was taken over by process 4242 on host of theirs"):
            async with open_virtual(urls(internet), internet, store, config=Config(in_flight=10)) as scrape:
                await trio.sleep(27)
                store.lease = THEIRS
                async for result in scrape:
                    found.append(result)

        report = await counted_report(scrape)
        cut = [result for result in found if not result.stored]
        assert len(found) == sum(report.outcomes.values()) == 20
        assert report.not_started == 30
        assert {result.reason for result in cut} == {"not-stored"}
        assert all("was taken over by" in (result.detail or "") for result in cut)
        assert len(store.feeds) == report.stored == 10
        assert store.lease == THEIRS
        assert internet.open == 0

    async def test_after_the_last_feed_it_does_not_matter(self, autojump_clock: MockClock) -> None:
        store, internet = MemoryStore(), healthy(3)
        async with open_virtual(urls(internet), internet, store) as scrape:
            found = await results_of(scrape)
            store.lease = THEIRS
            await trio.sleep(3 * RENEWAL)

        assert [result.stored for result in found] == [True] * 3
        assert store.lease == THEIRS


class TestReleased:
    async def test_by_a_run_that_is_drained_or_cancelled(self, autojump_clock: MockClock) -> None:
        for end in "drain", "cancel":
            store, internet = MemoryStore(), healthy(20, first_byte=10)
            async with open_virtual(urls(internet), internet, store) as scrape:
                getattr(scrape, end)()
                await results_of(scrape)
            assert store.lease is None

    @pytest.mark.parametrize("moment", [0, 0.5, 1, 5, 10, 11])
    async def test_by_one_that_is_cancelled_from_outside(
        self, autojump_clock: MockClock, moment: float
    ) -> None:
        store, internet = MemoryStore(), healthy(20, lookup=1, first_byte=9)
        with trio.move_on_after(moment):
            await run_virtual(urls(internet), internet, store, parse_seconds=2)

        assert store.lease is None

    async def test_by_one_whose_caller_fails(self, autojump_clock: MockClock) -> None:
        store, internet = MemoryStore(), healthy(20, first_byte=10)
        with pytest.raises(ZeroDivisionError):
            async with open_virtual(urls(internet), internet, store):
                _ = 1 / 0

        assert store.lease is None

    async def test_by_one_whose_store_has_failed(self, autojump_clock: MockClock) -> None:
        store, internet = WatchedStore(fail_at=2), healthy(20)
        with pytest.raises(StoreError, match="the store is gone"):
            await run_virtual(urls(internet), internet, store)

        assert store.lease is None


async def test_an_outage_at_the_start_is_waited_for_as_before(autojump_clock: MockClock) -> None:
    store, internet = MemoryStore(), healthy(5)
    store.unavailable = "away"
    async with open_virtual(urls(internet), internet, store) as scrape:
        await trio.sleep(100)
        assert scrape.statistics().outage is not None
        store.unavailable = None
        found = await results_of(scrape)

    assert [result.stored for result in found] == [True] * 5


@pytest.fixture(params=["sqlite", "mongo"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return (
        f"sqlite:{tmp_path / 'x.db'}" if request.param == "sqlite" else request.getfixturevalue("mongodb_url")
    )


async def test_with_real_stores(store_url: str) -> None:
    """The second opens the store by itself, as another program does; reading goes on."""
    internet = Internet({})
    scrape: Callable[..., object] = trioscrape.open_scrape
    seams = {
        "store": store_url,
        "resolver": internet,
        "connector": internet.connect,
        "parser": InlineParser(),
    }
    async with scrape([], **seams) as first:  # type: ignore[attr-defined]
        with pytest.raises(StoreInUse) as caught:
            await trioscrape.scrape([], **seams)  # type: ignore[arg-type]
        async with trioscrape.open_reader(store_url) as reader:
            assert [state async for state in reader.read_feeds()] == []
        assert await results_of(first) == []
    await trioscrape.scrape([], **seams)  # type: ignore[arg-type]

    assert str(caught.value).startswith(f"{store_url} is in use by process ")
