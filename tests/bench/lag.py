"""How late the event loop is while the parse lane is kept full with real feeds.

A timer of 5 ms says how late it was, each time: with nothing to do; beside as many worker processes as there
are cores, with documents waiting for them at every moment; and, to see what the workers are for, with the
same documents parsed on the loop. The answers are unpickled on the loop, so that is in it.

Fails when p99 is 20 ms or more.

It also compares what a small document costs the loop: the trip to a worker and back, and being parsed on the
spot. Without the real corpus the feeds are made up.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from statistics import quantiles

import trio

from trioscrape._errors import FeedFailed
from trioscrape._parse import FeedDocument, RecordParser, open_process_parser, parse_document
from trioscrape._records import ParsedFeed

SECONDS = 10.0
TICK = 0.005
SMALL = 8192
"""Bytes of a document that might be parsed on the spot."""
BOUND = 0.020
CORPUS = Path(os.environ.get("TRIOSCRAPE_CORPUS", "../shared/corpus/real"))
URL = "http://a.test/feed"


def documents() -> list[FeedDocument]:
    if CORPUS.is_dir():
        bodies = [path.read_bytes() for path in sorted(CORPUS.iterdir())]
    else:
        bodies = [made_up(entries) for entries in (3, 10, 20, 50, 200)]
    return [FeedDocument(body, URL, entries_limit=10_000) for body in bodies]


def made_up(entries: int) -> bytes:
    text = "&lt;p>beetle oak &lt;a href='/x'>forest&lt;/a> larva wing antenna&lt;/p>" * 40
    items = "".join(
        f"<item><guid>{n}</guid><title>n</title><description>{text}</description></item>"
        for n in range(entries)
    )
    return f"<rss version='2.0'><channel><title>T</title>{items}</channel></rss>".encode()


class OnTheLoop:
    """Parses in the caller's task."""

    async def parse(self, document: FeedDocument) -> ParsedFeed:
        await trio.lowlevel.checkpoint()
        return parse_document(document)


class Lateness:
    """How late a timer was."""

    def __init__(self) -> None:
        self.late: list[float] = []

    @asynccontextmanager
    async def measured(self) -> AsyncIterator[None]:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._tick)
            yield
            nursery.cancel_scope.cancel()

    async def _tick(self) -> None:
        while True:
            due = trio.current_time() + TICK
            await trio.sleep_until(due)
            self.late.append(trio.current_time() - due)

    def row(self, name: str, feeds: int) -> str:
        p50, p99 = (quantiles(self.late, n=100)[index] * 1000 for index in (49, 98))
        rate = f"{feeds / SECONDS:8.0f}" if feeds else " " * 8
        return f"{name:<22}{rate}{p50:9.2f}{p99:9.2f}{max(self.late) * 1000:9.2f}"

    @property
    def p99(self) -> float:
        return quantiles(self.late, n=100)[98]


async def parse_for_a_while(parser: RecordParser, feeds: list[FeedDocument], tasks: int) -> int:
    """Keep so many documents under way; how many were parsed."""
    parsed = 0

    async def one_after_the_other(start: int) -> None:
        nonlocal parsed
        number = start
        while True:
            with suppress(FeedFailed):
                await parser.parse(feeds[number % len(feeds)])
            parsed += 1
            number += tasks
            await trio.lowlevel.checkpoint()

    with trio.move_on_after(SECONDS):
        async with trio.open_nursery() as nursery:
            for start in range(tasks):
                nursery.start_soon(one_after_the_other, start)
    return parsed


async def lag(name: str, work: Callable[[], Awaitable[int]]) -> float:
    lateness = Lateness()
    async with lateness.measured():
        feeds = await work()
    print(lateness.row(name, feeds), flush=True)
    return lateness.p99


async def idle() -> int:
    await trio.sleep(SECONDS)
    return 0


async def small(parser: RecordParser, feeds: list[FeedDocument]) -> float:
    """CPU seconds of this process, and of the loop's thread, a document."""
    began = time.thread_time()
    for feed in feeds:
        with suppress(FeedFailed):
            await parser.parse(feed)
    return (time.thread_time() - began) / len(feeds)


async def main() -> int:
    feeds, width = documents(), os.cpu_count() or 1
    print(f"{len(feeds)} documents, {width} workers\n")
    print(f"{'':<22}{'feeds/s':>8}{'p50 ms':>9}{'p99 ms':>9}{'max ms':>9}")
    await lag("idle", idle)
    inline = OnTheLoop()
    async with open_process_parser(width, 60.0) as parser:
        late = await lag("lane kept full", lambda: parse_for_a_while(parser, feeds, 2 * width))
        await lag("on the loop", lambda: parse_for_a_while(inline, feeds, 1))
        few = [feed for feed in feeds if len(feed.body) <= SMALL] * 20
        if few:
            there, here = await small(parser, few), await small(inline, few)
            print(f"\ndocuments of up to {SMALL // 1024} KiB, the loop's CPU each:")
            print(
                f"  to a worker and back {there * 1e6:6.0f} µs\n  on the spot          {here * 1e6:6.0f} µs"
            )
    return int(late >= BOUND)


if __name__ == "__main__":
    sys.exit(trio.run(main))
