"""A store that is full: 100,000 feeds with 2,000,000 entries, and a run that finds nothing new.

The run asks some of the feeds, over an internet in memory. Nine of ten say 304; each tenth sends
its document anew, with another date in it and the same entries, so that all of these are compared. The
same run is made over a store that holds these feeds alone. Each run has a process of its own: then
its largest resident size is its own too.

    python tests/support/scale.py [FEEDS [ENTRIES [ASKED]]]
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import trio

from trioscrape import (
    Config,
    Entry,
    EntryCounts,
    FeedState,
    FeedUpdate,
    Outcome,
    Report,
    Store,
    open_store,
    scrape,
)
from trioscrape._parse import FeedDocument, parse_document
from trioscrape._urls import feed_id
from trioscrape.testing import InlineParser, Internet, Site

from support.mongod import find_mongod, running

FEEDS, ENTRIES, ASKED = 100_000, 2_000_000, 10_000
ROUNDS = 3
MOST_TIME = 1.3
MOST_MEMORY = 1.1
IN_FLIGHT = 256


def document(edition: int) -> bytes:
    """Twenty entries of some 300 bytes."""
    text = "All that is to be said about it in a sentence or two. " * 2
    items = "".join(
        f"<item><guid>https://a.test/2026/11/an-entry-{number}</guid><title>Entry number {number}</title>"
        f"<description>{text}</description></item>"
        for number in range(20)
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>A feed</title>'
        f"<generator>{edition}</generator>{items}</channel></rss>"
    ).encode()


def url_of(number: int) -> str:
    return f"http://f{number}.test/feed"


def internet(asked: int, edition: int) -> Internet:
    tenth = Site(body=document(edition))
    others = Site(body=document(1), headers={"ETag": '"1"'})
    return Internet({f"f{number}.test": others if number % 10 else tenth for number in range(asked)})


def updates(feeds: int, entries_each: int) -> Iterator[FeedUpdate]:
    """What an earlier run has stored of them."""
    parsed = parse_document(FeedDocument(document(1), url_of(0), None))
    for number in range(feeds):
        state = FeedState(
            feed_id(url_of(number)),
            url_of(number),
            title=parsed.title,
            etag='"1"' if number % 10 else None,
            validators_url=url_of(number) if number % 10 else None,
            body_hash="0" * 32,
            listed_url=url_of(number),
            next_unconditional=datetime.now(UTC) + timedelta(days=7) if number % 10 else None,
        )
        yield FeedUpdate(state, tuple(more(parsed.entries, entries_each)))


def more(entries: Sequence[Entry], count: int) -> Iterator[Entry]:
    """The entries of the document, and others that have left it."""
    for number in range(count):
        entry = entries[number % len(entries)]
        yield entry if number < len(entries) else replace(entry, key=f"{entry.key}-{number}")


async def fill(url: str, feeds: int, entries_each: int) -> None:
    async with open_store(url) as store, trio.open_nursery() as nursery:
        waiting = updates(feeds, entries_each)
        for _ in range(IN_FLIGHT):
            nursery.start_soon(save_some, store, waiting)


async def save_some(store: Store, waiting: Iterator[FeedUpdate]) -> None:
    for update in waiting:
        await store.save(update)


async def ask_again(url: str, asked: int, edition: int) -> Report:
    """The run. Nothing new may come of it."""
    names = internet(asked, edition)
    async with open_store(url) as store:
        report = await scrape(
            [url_of(number) for number in range(asked)],
            store=store,
            config=Config(ignore_schedule=True),
            resolver=names,
            connector=names.connect,
            parser=InlineParser(),
        )
    assert report.outcomes[Outcome.NOT_MODIFIED] == asked, report.outcomes
    assert report.entries == EntryCounts(unchanged=-(-asked // 10) * 20)
    return report


def measured(url: str, asked: int, edition: int) -> dict[str, float]:
    """The run in a process of its own: seconds, and megabytes at most."""
    command = [sys.executable, __file__, "--run", url, str(asked), str(edition)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def run(url: str, asked: int, edition: int) -> None:
    began = time.perf_counter()
    trio.run(ask_again, url, asked, edition)
    seconds = time.perf_counter() - began
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "megabytes": megabytes}))


@contextmanager
def stores() -> Iterator[dict[str, Any]]:
    """By kind: the URL of a store by its name."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "mongod"
        data.mkdir()
        program = find_mongod()
        assert program is not None, "no mongod"
        with running(program, data) as server:
            yield {
                "mongodb": lambda name: f"{server.url}/{name}",
                "sqlite": lambda name: f"sqlite:{folder}/{name}.db",
            }


def main(feeds: int = FEEDS, entries: int = ENTRIES, asked: int = ASKED) -> int:
    """Print a table; 1 when a figure is missed."""
    missed = 0
    print(f"{feeds:,} feeds, {entries:,} entries; {asked:,} of the feeds are asked, nothing is new\n")
    print(f"{'':10}{'filled at':>14}{'alone':>18}{'full':>18}{'time':>8}{'memory':>8}")
    with stores() as kinds:
        for kind, url in kinds.items():
            began = time.perf_counter()
            trio.run(fill, url("full"), feeds, entries // feeds)
            rate = entries / (time.perf_counter() - began)
            trio.run(fill, url("alone"), asked, 20)
            rounds = [
                [measured(url(name), asked, edition) for name in ("alone", "full")]
                for edition in range(2, 2 + ROUNDS)
            ]
            alone, full = (
                {key: min(each[key] for each in runs) for key in runs[0]}
                for runs in zip(*rounds, strict=True)
            )
            times, memory = (full[key] / alone[key] for key in ("seconds", "megabytes"))
            shown = [f"{each['seconds']:.1f} s {each['megabytes']:.0f} MB" for each in (alone, full)]
            print(
                f"{kind:10}{rate:12,.0f}/s{shown[0]:>18}{shown[1]:>18}{times:8.2f}{memory:8.2f}", flush=True
            )
            missed += times > MOST_TIME or memory > MOST_MEMORY
    print(f"\n{'missed' if missed else 'holds'}: {MOST_TIME} times the time, {MOST_MEMORY} times the memory")
    return 1 if missed else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--run"]:
        run(sys.argv[2], *map(int, sys.argv[3:]))
    else:
        sys.exit(main(*map(int, sys.argv[1:])))
