"""Older pages that were fetched because of a gap, in an archive, and what a replay makes of them."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
import trio

from trioscrape import Config, Scrape, open_scrape
from trioscrape.testing import Answer, InlineParser, Internet, MemoryStore, run_in_virtual_time

from support.older_pages import Pages, document
from support.replays import keep, replayed, same
from support.scenarios import Calendar

FEED = "http://a.test/feed"
PAGE = {"/2": document(6, 5, links={"next": "/1"})}
REFUSED = Answer(status=429, headers={"Retry-After": "30"})


@pytest.mark.parametrize(
    ("pages", "gap"),
    [
        (PAGE | {"/1": document(4, 3, 2)}, False),
        (PAGE | {"/1": document(4, 3)}, True),
        (PAGE, True),
        (PAGE | {"/1": REFUSED}, True),
        ({"/2": REFUSED}, True),
        ({}, True),
    ],
    ids=["that close it", "that do not", "missing", "second refused", "first refused", "none is there"],
)
def test_they_are_replayed(tmp_path: Path, pages: dict[str, bytes | Answer], gap: bool) -> None:
    site = Pages(documents={"/feed": document(2, 1)})
    internet, clock, first = Internet({"a.test": site}), Calendar(), MemoryStore()
    first._now = clock
    run = partial(keep, [FEED], internet, first, clock, warc=str(tmp_path), ignore_schedule=True)
    run_in_virtual_time(run)
    site.documents |= {"/feed": document(8, 7, links={"next": "/2"}), **pages}
    clock.forward(hours=1)
    [then] = run_in_virtual_time(run)
    clock.forward(hours=1)
    run_in_virtual_time(run)  # nothing has changed
    second = MemoryStore(now=clock)

    results, replay = trio.run(lambda: replayed(tmp_path, second))

    assert then.gap is gap
    assert replay.missing == 0
    assert [(each.outcome, each.entries, each.gap, each.pages) for each in results][1] == (
        then.outcome,
        then.entries,
        then.gap,
        then.pages,
    )
    same(first, second)


async def cancelled(scrape: Scrape) -> None:
    await trio.sleep(5)
    scrape.cancel()


def test_a_run_that_was_cancelled_meanwhile(tmp_path: Path) -> None:
    """The document and the pages before are stored, so they are in the archive as well."""
    site = Pages(documents={"/feed": document(2, 1)})
    internet, clock, first = Internet({"a.test": site}), Calendar(), MemoryStore()
    first._now = clock
    config = Config(warc=str(tmp_path), ignore_schedule=True)
    fakes = {"resolver": internet, "connector": internet.connect, "parser": InlineParser(), "now": clock}

    async def two_polls() -> None:
        async with open_scrape([FEED], store=first, config=config, **fakes) as scrape:  # type: ignore[arg-type]
            assert [result.stored async for result in scrape] == [True]
        site.documents |= {"/feed": document(8, 7, links={"next": "/2"}), "/2": Answer(first_byte=60)}
        clock.forward(hours=1)
        opened = open_scrape([FEED], store=first, config=config, **fakes)  # type: ignore[arg-type]
        async with opened as scrape, trio.open_nursery() as nursery:
            nursery.start_soon(cancelled, scrape)
            assert [(result.stored, result.gap) async for result in scrape] == [(True, True)]

    run_in_virtual_time(two_polls)
    second = MemoryStore(now=clock)

    results, replay = trio.run(lambda: replayed(tmp_path, second))

    assert replay.missing == 0
    assert [(result.stored, result.gap) for result in results] == [(True, False), (True, True)]
    same(first, second)
