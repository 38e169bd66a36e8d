"""The list of a watch, read again while the watch goes on. Time is virtual, the files are real."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import TypeVar

import pytest
import trio
from trio.testing import MockClock

from trioscrape._cli import list_file as module
from trioscrape._cli.list_file import LOOK, ListCopy, ListFile
from trioscrape._threads import NoThread

T = TypeVar("T")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "feeds.txt"
    write(found, "http://a.test/")
    return found


def write(path: Path, *urls: str) -> None:
    """In place, with another time of its last change than before."""
    changed = path.stat().st_mtime + 1 if path.exists() else 1e9
    path.write_text("\n".join(urls))
    os.utime(path, (changed, changed))


class Threads:
    """Calls that end at once: virtual time would jump over the work of a thread."""

    refused: str | None = None
    """The name of a call for which there is no thread."""

    async def call(self, call: Callable[[], T], *, limiter: trio.CapacityLimiter) -> T:
        await trio.lowlevel.checkpoint()
        if call.__name__ == self.refused:
            raise NoThread(errno.EAGAIN, "can't start new thread")
        return call()


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> Threads:
    found = Threads()
    monkeypatch.setattr(module, "in_thread", found.call)
    return found


@asynccontextmanager
async def followed(path: Path) -> AsyncIterator[tuple[ListFile, list[ListCopy]]]:
    """The file, and the lists that were read of it since."""
    lists: list[ListCopy] = []
    with closing(ListFile(str(path))) as found:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(found.follow, lists.append)
            yield found, lists
            nursery.cancel_scope.cancel()


@pytest.mark.parametrize(("refused", "logged"), [("_mark", 0), ("_read", 1)])
async def test_without_a_thread_it_is_read_later(
    refused: str,
    logged: int,
    path: Path,
    threads: Threads,
    caplog: pytest.LogCaptureFixture,
    autojump_clock: MockClock,
) -> None:
    with caplog.at_level(logging.ERROR):
        async with followed(path) as (_, lists):
            write(path, "http://a.test/", "http://b.test/")
            threads.refused = refused
            await trio.sleep(2.5 * LOOK)
            threads.refused = None
            assert lists == []
            await trio.sleep(3 * LOOK)
            assert [feeds.count for feeds in lists] == [2]
    assert caplog.text.count("the list was not read again") == logged


async def test_a_list_that_is_still_being_written_is_read_afterwards(
    path: Path, threads: Threads, autojump_clock: MockClock
) -> None:
    async with followed(path) as (found, lists):
        for number in range(2, 6):
            write(path, *["http://a.test/"] * number)
            await trio.sleep(LOOK)
        assert lists == []
        await trio.sleep(2 * LOOK)
        assert [feeds.count for feeds in lists] == [5]

        write(path, "http://b.test/")
        found.hang_up()
        await trio.sleep(LOOK / 10)
        assert [feeds.count for feeds in lists] == [5, 1], "SIGHUP says that it has been written"


async def test_a_list_that_is_still_being_read_stays_as_it_was(
    path: Path, threads: Threads, autojump_clock: MockClock
) -> None:
    """However many newer ones come meanwhile."""
    write(path, *(f"http://a.test/{number}" for number in range(10_000)))
    async with followed(path) as (found, lists):
        reading = iter(found.feeds)
        assert next(reading).url == "http://a.test/0"
        for number in range(5):
            write(path, *["http://b.test/"] * (number + 1))
            await trio.sleep(3 * LOOK)
        assert [feeds.count for feeds in lists] == [1, 2, 3, 4, 5]
        assert [feed.url for feed in reading] == [f"http://a.test/{number}" for number in range(1, 10_000)]
