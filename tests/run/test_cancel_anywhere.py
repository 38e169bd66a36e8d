"""Invariant 8: cancelling at any checkpoint leaves nothing behind."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from trioscrape import (
    Config,
    open_scrape,
    open_store,
)

from support.faulty_stores import WatchedStore
from support.holdings import workers
from support.loopback import loopback_names
from support.scenarios import healthy, run_virtual, urls
from support.servers import FEED, answer, open_raw


@pytest.mark.parametrize("moment", [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 8])
async def test_8_cancelled_at_any_moment_in_virtual_time(autojump_clock: MockClock, moment: float) -> None:
    """Nothing is left: no connection, no task of ours, no state without its entries."""
    internet, store = healthy(12, lookup=1, connect=1, first_byte=1, per_chunk=1), WatchedStore()
    config = Config(dns_width=4, http_width=4, parse_width=2, store_width=2)
    tasks = trio.lowlevel.current_statistics().tasks_living
    with trio.move_on_after(moment):
        await run_virtual(urls(internet), internet, store, config=config, parse_seconds=1)

    assert internet.open == 0
    assert trio.lowlevel.current_statistics().tasks_living == tasks
    assert len(store.entries) == len(store.feeds) == len(store.acknowledged)


@pytest.mark.parametrize("moment", range(0, 24, 2))
async def test_8_cancelled_after_any_number_of_results(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, moment: int
) -> None:
    """The real parts: sockets, threads, processes, SQLite."""
    async with open_raw(answer("200 OK", FEED)) as server:
        loopback_names(monkeypatch)
        feeds = [f"http://f{n}.test:{server.port}/" for n in range(30)]
        threads, files = threading.active_count(), open_files()
        async with open_store(f"sqlite:{tmp_path / 'x.db'}") as store:
            with trio.CancelScope() as scope:
                async with open_scrape(feeds, store=store, config=Config(parse_width=1)) as run:
                    for _ in range(moment):
                        result = await run.__anext__()
                        assert result.stored
                    scope.cancel()
                    await trio.sleep_forever()
            known = await store.load([state_id(feed) for feed in feeds])
        assert len(known) >= moment
        assert threading.active_count() <= threads + idle_threads()
        await until_closed(files)

    assert sys.platform != "linux" or workers() == []


def state_id(url: str) -> str:
    from trioscrape._urls import feed_id

    return feed_id(url)


def idle_threads() -> int:
    """Trio keeps worker threads for ten seconds for whoever wants one next."""
    return sum(thread.name.startswith("Trio thread") for thread in threading.enumerate())


def open_files() -> set[str]:
    return set(os.listdir("/proc/self/fd")) if sys.platform == "linux" else set()


async def until_closed(before: set[str]) -> None:
    """The test's own server closes its ends when it sees ours closed: that takes a turn of the loop."""
    with trio.fail_after(10):
        while len(open_files()) > len(before):
            await trio.testing.wait_all_tasks_blocked()
