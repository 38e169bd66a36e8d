"""The event loop does next to nothing while documents are parsed, in worker processes or a thread."""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

import trio
from trio.abc import Instrument

from trioscrape._parse import FeedDocument, RawEntry, RawFeed, RawText, open_process_parser, parse_document
from trioscrape._parse.custom import CustomParser
from trioscrape._parse.records import parsed_feed

from support.worker_processes import FEED, NEVER, PATIENCE, URL

NUMBER = 20
"""Documents to parse."""


def rich_document(seed: int, size: int = 500_000) -> FeedDocument:
    """A feed of at least `size` bytes with the markup of a news site in it."""
    rng = random.Random(seed)
    words = "beetle oak forest & larva wing antenna leaf amber dusk".replace("&", "&amp;").split()
    items, length = [], 0
    while length < size:
        paragraphs = "".join(
            f'<p class="c{rng.randrange(9)}">{" ".join(rng.choices(words, k=30))} '
            f'<a href="/tag/{rng.randrange(999)}">{rng.choice(words)}</a> '
            f'<img src="{rng.randrange(99)}.jpg"></p>'
            for _ in range(rng.randrange(8, 25))
        )
        items.append(
            f"<item><guid>{seed}-{len(items)}</guid><title>{' '.join(rng.choices(words, k=6))}</title>"
            f"<link>http://feeds.test/{len(items)}</link><pubDate>Mon, 06 Sep 2010 00:01:00 GMT</pubDate>"
            f"<description><![CDATA[{paragraphs}]]></description></item>"
        )
        length += len(items[-1])
    body = f"<rss version='2.0'><channel><title>t</title>{''.join(items)}</channel></rss>".encode()
    return FeedDocument(body, URL, "application/rss+xml")


class Steps(Instrument):
    """CPU time of the loop's thread, in seconds, for each step of a task. Other load adds nothing to it."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._began = time.thread_time()

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self._began = time.thread_time()

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        self.seconds.append(time.thread_time() - self._began)


async def steps_longer_than(seconds: float, work: Callable[[], Awaitable[object]]) -> int:
    """How many steps of tasks took that much CPU time while `work` was done."""
    steps = Steps()
    trio.lowlevel.add_instrument(steps)
    try:
        with trio.fail_after(PATIENCE * 3):
            await work()
            await trio.lowlevel.checkpoint()  # so that the last step is over
    finally:
        trio.lowlevel.remove_instrument(steps)
    return sum(step > seconds for step in steps.seconds)


def cpu(work: Callable[[], object]) -> float:
    """Seconds of CPU time; the best of three."""
    times = []
    for _ in range(3):
        began = time.thread_time()
        work()
        times.append(time.thread_time() - began)
    return min(times)


async def test_documents_in_worker_processes_cost_the_loop_next_to_nothing() -> None:
    # Not well-formed, so that each is much work.
    sound = [rich_document(seed) for seed in range(4)]
    documents = [replace(each, body=each.body.replace(b"<title>t<", b"<title>t & t<")) for each in sound]
    one = min(cpu(lambda document=document: parse_document(document)) for document in documents)  # type: ignore[misc]

    async def on_the_loop() -> None:
        for number in range(NUMBER):
            await trio.lowlevel.checkpoint()
            parse_document(documents[number % len(documents)])

    async def in_workers() -> None:
        async with open_process_parser(2, NEVER) as parser:
            await parser.parse(FEED)
            async with trio.open_nursery() as nursery:
                for number in range(NUMBER):
                    nursery.start_soon(parser.parse, documents[number % len(documents)])

    assert await steps_longer_than(one / 4, on_the_loop) >= NUMBER, "the test could not see it"
    # The garbage collector may come by once.
    assert await steps_longer_than(one / 4, in_workers) <= 1


class Ready:
    """Has read everything before."""

    def __init__(self, raw: RawFeed) -> None:
        self._raw = raw

    async def parse(self, document: FeedDocument) -> RawFeed:
        await trio.lowlevel.checkpoint()
        return self._raw


async def test_what_a_parser_of_somebody_elses_returns_is_made_safe_beside_the_loop() -> None:
    text = RawText("<p>beetle <a href='/x'>oak</a> <b>forest</b></p>" * 400, "html")
    raw = RawFeed(entries=[RawEntry(id=str(number), content=text) for number in range(40)])
    parser = CustomParser(Ready(raw), 1)
    one = cpu(lambda: parsed_feed(raw, FEED))

    async def in_the_lane() -> None:
        for _ in range(NUMBER):
            await parser.parse(FEED)

    assert await steps_longer_than(one / 4, in_the_lane) <= 1
