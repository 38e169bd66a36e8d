"""The feed list as it is read."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Iterable, Iterator

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from trioscrape import DuplicateFeed, Feed
from trioscrape._run.candidates import Candidate
from trioscrape._run.feed_source import READ_AHEAD, Feeds, FeedSource, can_be_counted, counted

from support.scenarios import Turns


async def taken(feeds: Iterable[str | Feed]) -> list[str]:
    """All URLs of a list."""
    source, found = FeedSource(feeds), list[str]()
    while candidates := await source.take():
        found += [candidate.feed.url for candidate in candidates]
    return found


def numbered(count: int) -> list[str]:
    return [f"http://a.test/{number}" for number in range(count)]


async def test_it_is_read_no_further_than_asked(autojump_clock: MockClock) -> None:
    read = []

    def feeds() -> Iterator[str]:
        for url in numbered(1000):
            read.append(url)
            yield url

    source = FeedSource(feeds())

    assert len(await source.take()) == len(read) <= READ_AHEAD
    while await source.take():
        pass
    assert (source.counts.feeds, source.counts.whole) == (1000, True)
    assert await source.take() == []


async def test_a_feed_that_comes_twice_is_one() -> None:
    source = FeedSource(
        [
            Feed("http://a.test/", line=3),
            Feed("HTTP://A.test:80/#x", line=5),
            "http://b.test/",
            Feed("http://b.test/", line=9),
        ]
    )

    assert [candidate.feed.url for candidate in await source.take()] == ["http://a.test/", "http://b.test/"]
    assert source.counts.duplicates == 2
    assert source.counts.duplicate_examples == [
        DuplicateFeed(Feed("HTTP://A.test:80/#x", line=5), 3),
        DuplicateFeed(Feed("http://b.test/", line=9), None),
    ]


async def test_a_batch_of_nothing_but_duplicates_is_not_the_end() -> None:
    same = ["http://a.test/"] * (3 * READ_AHEAD)

    assert await taken([*same, "http://b.test/"]) == ["http://a.test/", "http://b.test/"]


async def test_no_url_is_no_duplicate_of_another() -> None:
    assert await taken(["nonsense", "nonsense"]) == ["nonsense", "nonsense"]


def test_a_host_queues_under_the_name_that_goes_over_the_wire() -> None:
    """Queued under another one, its whole backlog would be let in at once."""
    assert Candidate.of(Feed("http://BÜCHER.example/feed")).host == "xn--bcher-kva.example"


async def test_feeds_before_an_error_come_before_it() -> None:
    def feeds() -> Iterator[str]:
        yield from numbered(3)
        raise ZeroDivisionError

    source = FeedSource(feeds())

    assert len(await source.take()) == 3
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            await source.take()
    assert (source.counts.feeds, source.counts.whole) == (3, False)


class TestAsynchronous:
    async def test_it_is_the_same(self) -> None:
        async def feeds() -> AsyncIterator[str | Feed]:
            for url in numbered(3):
                await trio.lowlevel.checkpoint()
                yield url
            yield Feed("http://b.test/")

        source, found = FeedSource(feeds()), []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(source.receive)
            while candidates := await source.take():
                found += [candidate.feed.url for candidate in candidates]

        assert found == [*numbered(3), "http://b.test/"]
        assert source.counts.whole

    async def test_what_has_arrived_does_not_wait_for_more(self) -> None:
        send, receive = trio.open_memory_channel[str](10)
        source = FeedSource(receive)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(source.receive)
            for count in 1, 2, 3:
                for url in numbered(count):
                    send.send_nowait(f"{url}/{count}")
                await wait_all_tasks_blocked()
                assert len(await source.take()) == count
            send.close()
            assert await source.take() == []

    async def test_feeds_before_an_error_come_before_it(self) -> None:
        async def feeds() -> AsyncIterator[str]:
            for url in numbered(3):
                yield url
            await trio.lowlevel.checkpoint()
            raise ZeroDivisionError

        source = FeedSource(feeds())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(source.receive)
            await wait_all_tasks_blocked()
            assert len(await source.take()) == 3
            with pytest.raises(ZeroDivisionError):
                await source.take()

    async def test_it_is_not_read_without_end(self) -> None:
        read = 0

        async def feeds() -> AsyncIterator[str]:
            nonlocal read
            while True:
                read += 1
                yield f"http://a.test/{read}"

        source = FeedSource(feeds())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(source.receive)
            await wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()

        assert read <= READ_AHEAD + 1

    async def test_a_generator_is_closed_when_it_is_left(self) -> None:
        """Else trio warns of it, and warnings are errors here."""
        ended = False

        async def feeds() -> AsyncIterator[str]:
            nonlocal ended
            try:
                while True:
                    yield "http://a.test/"
            finally:
                ended = True

        source = FeedSource(feeds())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(source.receive)
            await wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()

        assert ended


class TestTurns:
    """Whose verdicts do not depend on the machine: what sleeps for so long takes at least as long."""

    async def test_others_run_after_each_slow_feed(self) -> None:
        turns, seen = 0, []

        async def others() -> None:
            nonlocal turns
            while True:
                turns += 1
                await trio.lowlevel.checkpoint()

        def slow() -> Iterator[str]:
            for url in numbered(20):
                seen.append(turns)
                time.sleep(0.002)
                yield url

        async with trio.open_nursery() as nursery:
            nursery.start_soon(others)
            await taken(slow())
            nursery.cancel_scope.cancel()

        # Which of the two goes first in each round of the loop is up to trio's dice.
        assert all(later > sooner for sooner, later in zip(seen, seen[2:], strict=False))

    async def test_others_run_while_duplicates_are_passed_over(self) -> None:
        """However fast that is: once for each batch."""
        turns = Turns()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(turns.run)
            await taken(["http://a.test/"] * (20 * READ_AHEAD))
            nursery.cancel_scope.cancel()

        assert turns.count >= 19

    async def test_feeds_of_a_slow_list_do_not_wait_for_the_rest(self) -> None:
        def slow() -> Iterator[str]:
            for url in numbered(20):
                time.sleep(0.02)
                yield url

        assert len(await FeedSource(slow()).take()) <= 3

    async def test_a_list_is_read_in_the_thread_of_the_loop(self) -> None:
        """A database's cursor, for one, may be used in no other."""
        threads = set()

        def feeds() -> Iterator[str]:
            for url in numbered(10):
                threads.add(threading.get_ident())
                yield url

        await taken(feeds())

        assert threads == {threading.get_ident()}


class TestCounting:
    @pytest.mark.parametrize(
        ("feeds", "can"),
        [
            (["a"], True),
            (("a",), True),
            ({"a": 1}.keys(), True),
            (iter(["a"]), False),
            ((url for url in ["a"]), False),
            (map(str, ["a"]), False),
        ],
    )
    def test_lists_can_be_counted(self, feeds: Feeds, *, can: bool) -> None:
        assert can_be_counted(feeds) is can

    async def test_duplicates_count_once(self) -> None:
        counts = await counted(["http://a.test/", "nonsense", "http://a.test/#x"])

        assert (counts.feeds, counts.duplicates, counts.whole) == (2, 1, True)
