"""Replays into a store that has polls of the same feeds already: it never goes back to an earlier state."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from functools import partial
from itertools import islice
from pathlib import Path

import pytest
import trio

from trioscrape import Config
from trioscrape._archive.reader import ArchiveReader
from trioscrape._run.replay import open_replay
from trioscrape.testing import Answer, Internet, MemoryStore, Request, Site, run_in_virtual_time

from support.replays import keep, replayed, same
from support.scenarios import Calendar, rss, urls


class Archived:
    """Runs of one feed, an hour after another: each finds a new entry, and is kept in an archive."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.clock = folder, Calendar()
        self.internet = Internet({"a.test": Site(body=rss("0"))})
        self.store = MemoryStore(now=self.clock)

    def run(self, times: int, *, warc: bool = True) -> None:
        keeps = {"warc": str(self.folder)} if warc else {}
        run = partial(keep, urls(self.internet), self.internet, self.store, self.clock, **keeps)
        for _ in range(times):
            run_in_virtual_time(partial(run, ignore_schedule=True))
            self.clock.forward(hours=1)
            self.internet.sites["a.test"].body = rss(*map(str, range(self.clock().hour)))

    async def replay_first(self, polls: int, store: MemoryStore) -> None:
        """As a replay that is interrupted."""
        with closing(ArchiveReader(self.folder, Config().body_limit)) as archive:
            async with open_replay(islice(archive, polls), store, Config(parse_width=1)) as replay:
                assert len([result async for result in replay]) == polls


@pytest.fixture
def archived(tmp_path: Path) -> Archived:
    return Archived(tmp_path)


@pytest.mark.parametrize("times", [3, 15])
def test_the_same_archive_once_more(archived: Archived, times: int) -> None:
    archived.run(times)
    second, before = MemoryStore(now=archived.clock), MemoryStore(now=archived.clock)
    trio.run(archived.replay_first, times, second)
    trio.run(archived.replay_first, times, before)

    results, replay = trio.run(lambda: replayed(archived.folder, second))

    assert (results, replay.missing, replay.already_stored) == ([], 0, times)
    same(before, second)


@pytest.mark.parametrize(("times", "first"), [(3, 1), (15, 4), (15, 13)])
def test_a_replay_that_was_interrupted_is_run_again(archived: Archived, times: int, first: int) -> None:
    """Also where more polls are replayed already than a store remembers one by one."""
    archived.run(times)
    second = MemoryStore(now=archived.clock)
    trio.run(archived.replay_first, first, second)

    results, replay = trio.run(lambda: replayed(archived.folder, second))

    assert (len(results), replay.missing, replay.already_stored) == (times - first, 0, first)
    same(archived.store, second)


@pytest.mark.parametrize("later", [0, 2, 15])
def test_the_store_of_the_run_itself(archived: Archived, later: int) -> None:
    """It has gone on since then, and stays as it is."""
    archived.run(3)
    archived.run(later, warc=False)
    feeds, entries = dict(archived.store.feeds), dict(archived.store.entries)

    results, replay = trio.run(lambda: replayed(archived.folder, archived.store))

    assert results == []
    assert (archived.store.feeds, archived.store.entries) == (feeds, entries)
    # Of a feed with many polls since, nobody knows.
    assert (replay.missing, replay.already_stored) == ((3, 0) if later > 10 else (0, 3))


@pytest.mark.parametrize("later", [1, 15])
def test_a_store_with_later_polls_by_others(archived: Archived, later: int) -> None:
    archived.run(3)
    second, archived.store = archived.store, MemoryStore(now=archived.clock)
    archived.run(later, warc=False)
    second, before = archived.store, dict(archived.store.feeds)

    results, replay = trio.run(lambda: replayed(archived.folder, second))

    assert (results, replay.missing, replay.already_stored) == ([], 3, 0)
    assert replay.left_out[0] == "http://a.test/feed at 2026-03-02 12:00:00: the store has later polls of it"
    assert second.feeds == before


def test_a_feed_that_was_put_off(tmp_path: Path) -> None:
    """That is no poll, so a store does not have it: it counts as stored where a later poll is."""

    class Busy(Site):
        def answer(self, request: Request) -> Answer:
            answer = super().answer(request)
            if request.target == "/0":
                answer.status, answer.headers = 429, {"Retry-After": "3600"}
            return answer

    internet, clock = Internet({"a.test": Busy(body=rss("x"))}), Calendar()
    first, second = MemoryStore(now=clock), MemoryStore(now=clock)
    feeds = [f"http://a.test/{number}" for number in range(4)]
    run: Callable[[], object] = partial(keep, feeds, internet, first, clock, warc=str(tmp_path))
    for _ in range(2):
        run_in_virtual_time(run)  # type: ignore[arg-type]
        clock.forward(hours=5)
    assert any(state.postponed for state in first.feeds.values())
    for _ in range(2):
        _, replay = trio.run(lambda: replayed(tmp_path, second))

        assert replay.missing == 0
        same(first, second)
