"""`trioscrape.run`: a whole scrape in one call, wherever it is called from."""

from __future__ import annotations

import asyncio
import signal
import threading
from pathlib import Path

import pytest
import trio

import trioscrape
from trioscrape import Outcome, Report, UsageError
from trioscrape.testing import InlineParser, Internet, Site

from support.scenarios import rss

FEED = "http://a.test/feed"


def run(store: str) -> Report:
    internet = Internet({"a.test": Site(body=rss("1", "2"))})
    return trioscrape.run([FEED], store, resolver=internet, connector=internet.connect, parser=InlineParser())


async def read(store: str) -> list[str]:
    async with trioscrape.open_reader(store) as reader:
        return sorted([stored.entry.key async for stored in reader.read_entries()])


def check(report: Report, store: str) -> None:
    assert report.outcomes[Outcome.NEW] == 1
    assert report.complete
    assert trio.run(read, store) == ["1", "2"]


@pytest.fixture
def store(tmp_path: Path) -> str:
    return f"sqlite:{tmp_path}/news.db"


def test_in_a_script(store: str) -> None:
    check(run(store), store)


def test_in_an_asyncio_program(store: str) -> None:
    """As in a notebook, whose cells run in a loop of asyncio's."""

    async def main() -> Report:
        return run(store)

    check(asyncio.run(main()), store)


def test_in_a_thread_of_an_asyncio_program(store: str) -> None:
    async def main() -> Report:
        return await asyncio.to_thread(run, store)

    check(asyncio.run(main()), store)


def test_in_a_trio_program(store: str) -> None:
    async def main() -> Report:
        return run(store)

    check(trio.run(main), store)


@pytest.mark.parametrize("inside", [False, True])
def test_an_error_is_itself(inside: bool) -> None:
    async def main() -> Report:
        return run("tea:pot")

    with pytest.raises(UsageError, match="store URL"):
        asyncio.run(main()) if inside else run("tea:pot")


def test_ctrl_c_in_a_loop_cancels_the_scrape(store: str) -> None:
    """The scrape in the other thread has ended before the interrupt reaches the caller."""
    ended = []

    class Interrupting:
        async def resolve(self, host: str) -> trioscrape.ResolvedAddresses:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            try:
                await trio.sleep_forever()
            finally:
                ended.append(host)
            raise AssertionError

    async def main() -> Report:
        return trioscrape.run([FEED], store, resolver=Interrupting(), parser=InlineParser())

    with pytest.raises(KeyboardInterrupt):
        trio.run(main)
    assert ended == ["a.test"]
