"""`Scrape` and `open_scrape`: what they take, and what they say about a scrape that has ended early."""

from __future__ import annotations

import itertools
import sqlite3
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import publicsuffixlist
import pytest
import trio
from trio.testing import MockClock

import trioscrape
from trioscrape import Config, HostGrouping, Outcome, Scrape, StoreError, open_scrape
from trioscrape._config.public_suffixes import registrable_domains
from trioscrape._run.feed_source import READ_AHEAD
from trioscrape.testing import InlineParser, Internet, MemoryStore

from support.scenarios import Turns, healthy, open_virtual, run_virtual, urls


def endless() -> Iterator[str]:
    for number in itertools.count():
        yield f"http://f0.test/{number}"


class TestReport:
    async def test_of_an_endless_list_that_was_left_early(self, autojump_clock: MockClock) -> None:
        """It is not read on: it would never end."""
        internet = healthy(1)
        async with open_virtual(endless(), internet, config=Config(look_ahead=10)) as scrape:
            await anext(scrape)

        report = scrape.report()
        assert (report.counted, report.complete) == (False, False)
        assert report.not_started == report.feeds - sum(report.outcomes.values()) > 0
        assert await scrape.count_not_started() is None
        assert scrape.report() == report

    async def test_nothing_is_read_for_it(self, autojump_clock: MockClock) -> None:
        class Watched(list[str]):
            times = 0

            def __iter__(self) -> Iterator[str]:
                self.times += 1
                return super().__iter__()

        feeds = Watched(f"http://f0.test/{number}" for number in range(1000))
        async with open_virtual(feeds, healthy(1), config=Config(look_ahead=10)) as scrape:
            await anext(scrape)
            scrape.report()

        assert scrape.report().feeds < 1000
        assert feeds.times == 1
        assert await scrape.count_not_started() == 1000 - sum(scrape.report().outcomes.values())
        assert feeds.times == 2
        report = scrape.report()
        assert (report.feeds, report.counted, report.complete) == (1000, True, False)
        await scrape.count_not_started()
        assert feeds.times == 2, "once is enough"

    async def test_counting_gives_others_their_turn(self) -> None:
        """As many as there are feeds, it must not stop the loop; it is cancelled as anything else is."""
        internet, turns = healthy(1), Turns()
        feeds = [f"http://f0.test/{number}" for number in range(20_000)]
        async with open_virtual(feeds, internet, config=Config(look_ahead=10)) as scrape:
            await anext(scrape)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(turns.run)
            assert await scrape.count_not_started() > 19_000
            nursery.cancel_scope.cancel()

        assert turns.count >= 20_000 // READ_AHEAD - 1

    async def test_counting_can_be_cancelled(self, autojump_clock: MockClock) -> None:
        feeds = [f"http://f0.test/{number}" for number in range(1000)]
        async with open_virtual(feeds, healthy(1), config=Config(look_ahead=10)) as scrape:
            await anext(scrape)

        with trio.CancelScope() as scope:
            scope.cancel()
            await scrape.count_not_started()
        assert scope.cancelled_caught
        assert not scrape.report().counted
        assert await scrape.count_not_started() == scrape.report().not_started > 900

    async def test_it_is_too_early_to_count(self, autojump_clock: MockClock) -> None:
        async with open_virtual(["http://f0.test/"], healthy(1)) as scrape:
            with pytest.raises(RuntimeError, match="has not ended"):
                await scrape.count_not_started()
            async for _ in scrape:
                pass
            assert await scrape.count_not_started() == 0

    async def test_a_list_that_was_read_to_its_end_is_counted(self, autojump_clock: MockClock) -> None:
        internet = healthy(3)

        _, scrape = await run_virtual(iter(urls(internet)), internet)

        assert (scrape.report().counted, scrape.report().complete) == (True, True)


class TestFeeds:
    async def test_asynchronous_ones(self, autojump_clock: MockClock) -> None:
        """Each is fetched when it arrives, whether or not there are more."""
        internet, done = healthy(5), []

        async def feeds() -> AsyncIterator[str]:
            for url in urls(internet):
                yield url
                await trio.sleep(100)

        async with open_virtual(feeds(), internet) as scrape:
            async for _ in scrape:
                done.append(trio.current_time())

        assert done == [0, 100, 200, 300, 400]
        assert scrape.report().complete

    @pytest.mark.parametrize("how", ["drain", "leave", "cancel"])
    async def test_asynchronous_ones_that_do_not_end(self, autojump_clock: MockClock, how: str) -> None:
        internet, ended = healthy(1), False

        async def feeds() -> AsyncIterator[str]:
            nonlocal ended
            try:
                yield "http://f0.test/"
                await trio.sleep_forever()
            finally:
                ended = True

        with trio.CancelScope() as scope:
            async with open_virtual(feeds(), internet) as scrape:
                assert (await anext(scrape)).outcome is Outcome.NEW
                if how == "cancel":
                    scope.cancel()
                elif how == "drain":
                    scrape.drain()
                    assert [result async for result in scrape] == []

        assert ended
        assert trio.current_time() < 1
        assert scrape.report().counted is False

    async def test_a_bug_of_theirs(self, autojump_clock: MockClock) -> None:
        async def feeds() -> AsyncIterator[str]:
            yield "http://f0.test/"
            await trio.sleep(1)
            raise ZeroDivisionError

        results = []
        with pytest.raises(ZeroDivisionError):
            async with open_virtual(feeds(), healthy(1)) as scrape:
                results = [result async for result in scrape]

        assert results == []
        assert scrape.report().outcomes[Outcome.NEW] == 1


class TestStore:
    async def test_a_url(self, autojump_clock: MockClock, tmp_path: Path) -> None:
        """It is opened before the first lookup, and closed."""
        internet, path = healthy(3), tmp_path / "x.db"
        there = []

        async def resolve(host: str) -> trioscrape.ResolvedAddresses:
            there.append(path.exists())
            return await Internet.resolve(internet, host)

        internet.resolve = resolve  # type: ignore[method-assign]
        report = await trioscrape.scrape(
            urls(internet),
            store=f"sqlite:{path}",
            resolver=internet,
            connector=internet.connect,
            parser=InlineParser(),
        )

        assert there == [True] * 3
        assert report.outcomes[Outcome.NEW] == 3
        db = sqlite3.connect(path)
        assert db.execute("SELECT feeds, not_started FROM runs").fetchall() == [(3, 0)]
        assert db.execute("SELECT count(*) FROM feeds").fetchall() == [(3,)]
        db.close()
        assert not path.with_name("x.db-wal").exists(), "closed"

    async def test_no_record_of_a_block_that_has_failed(
        self, autojump_clock: MockClock, tmp_path: Path
    ) -> None:
        internet, path = healthy(3), tmp_path / "x.db"
        with pytest.raises(ZeroDivisionError):
            async with open_scrape(
                urls(internet),
                store=f"sqlite:{path}",
                resolver=internet,
                connector=internet.connect,
                parser=InlineParser(),
            ):
                raise ZeroDivisionError

        db = sqlite3.connect(path)
        assert db.execute("SELECT count(*) FROM runs").fetchall() == [(0,)]
        db.close()

    async def test_one_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(StoreError):
            await trioscrape.scrape([], store=f"sqlite:{tmp_path / 'missing' / 'x.db'}")


def test_a_scrape_has_no_public_constructor() -> None:
    with pytest.raises(TypeError, match=r"^trioscrape\.Scrape has no public constructor$"):
        Scrape(None, None)  # type: ignore[arg-type]


class TestStart:
    """What takes a moment at the start is not done in the thread of the event loop."""

    @pytest.fixture
    def threads(self, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
        """In which thread each of them was."""
        found: dict[str, int] = {}

        def watch(owner: object, name: str) -> None:
            real = getattr(owner, name)

            def watched(*args: object, **kwargs: object) -> object:
                found[name] = threading.get_ident()
                return real(*args, **kwargs)

            monkeypatch.setattr(owner, name, watched)

        watch(ssl, "create_default_context")
        watch(publicsuffixlist, "PublicSuffixList")
        watch(sqlite3, "connect")
        monkeypatch.setattr("trioscrape._run.seen.IN_MEMORY", 0)
        registrable_domains.cache_clear()
        return found

    async def test_in_threads(self, threads: dict[str, int]) -> None:
        internet = healthy(1)
        config = Config(group_hosts_by=HostGrouping.DOMAIN)

        await run_virtual([*urls(internet), "https://127.0.0.1/"], internet, config=config)

        assert threads.keys() == {"create_default_context", "PublicSuffixList", "connect"}
        assert threading.get_ident() not in threads.values()

    async def test_no_certificates_where_all_feeds_are_http(self, threads: dict[str, int]) -> None:
        internet = healthy(1)

        await run_virtual(urls(internet), internet)

        assert threads.keys() == {"connect"}

    async def test_in_place_where_no_thread_can_be_started(
        self, threads: dict[str, int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def no_thread(*_: object, **__: object) -> None:
            raise trioscrape._threads.NoThread(11, "can't start new thread")  # type: ignore[attr-defined]

        monkeypatch.setattr("trioscrape._threads.in_thread", no_thread)
        internet = healthy(1)

        results, _ = await run_virtual(urls(internet), internet, MemoryStore())

        assert [result.outcome for result in results] == [Outcome.NEW]
        assert set(threads.values()) == {threading.get_ident()}
