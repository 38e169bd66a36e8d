"""How many entries a second go into a MongoDB server on this machine, and how many a bare loop gets there.

Ours is `MongoStore.save`, called as the store lane calls it: from trio, a feed at a time, with the feed's
state, four connections. The bare loop has four threads that take ready-made documents and call
``bulk_write`` with upserts, or ``insert_many``, which only somebody could who knows that they are
all new; it stores no states and compares nothing. Its batches are a feed each, or as large as ours
were. Indexes and write concern are the same.

The feeds are as long as those of the real corpus, if it is there (else 20 entries). Their entries are
made up, of about 300 bytes of text each, or the corpus' own. The best of three rounds counts.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import trio
from pymongo import MongoClient, UpdateOne
from pymongo.collection import Collection

from trioscrape import Entry, FeedState, FeedUpdate
from trioscrape._lane import Lane, Timings
from trioscrape._parse import FeedDocument, parse_document
from trioscrape._records.kinds import Form
from trioscrape._store import open_store
from trioscrape._store._mongo.schema import INDEXES
from trioscrape._store.records import entry_record, now

from support.mongod import find_mongod, running

WIDTH = 4
ROUNDS = 3
IN_FLIGHT = 256
"""Feeds that have been parsed and want to be stored, as a scrape has many of."""
ENTRIES = {"300 bytes": 60_000, "corpus": 12_000}
LEAST_RATE = 25_000
LEAST_RATIO = 0.70

Documents = list[dict[str, Any]]


@dataclass
class Result:
    """Of one kind of loop: its best round."""

    rate: float = 0.0
    cpu: float = 0.0
    """Microseconds of this process an entry."""

    def add(self, entries: int, seconds: float, cpu: float) -> None:
        if entries / seconds > self.rate:
            self.rate, self.cpu = entries / seconds, cpu / entries * 1e6


def corpus() -> list[tuple[Entry, ...]]:
    """The entries of each real feed; none where the corpus is not there."""
    given = os.environ.get("TRIOSCRAPE_CORPUS")
    folder = Path(given) if given else Path(__file__).parents[3] / "shared" / "corpus" / "real"
    feeds = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        try:
            feeds.append(parse_document(FeedDocument(path.read_bytes(), "https://a.test/", None)).entries)
        except Exception as error:  # noqa: BLE001 - some of them are no feeds
            print(f"left out: {path.name}: {error}", file=sys.stderr)
    return [feed for feed in feeds if feed]


def small(number: int) -> Entry:
    """About 300 bytes of text."""
    link = f"https://a.test/2026/11/an-entry-{number}"
    return Entry(
        key=link,
        hash=f"{number:032x}",
        link=link,
        title=f"Entry number {number} of a feed",
        summary="All that is to be said about it in a sentence or two. " * 2,
        summary_type="html",
        authors=("An Author",),
        published=now(),
    )


def feeds_of(shapes: Sequence[tuple[Entry, ...]], entries: int) -> Iterator[FeedUpdate]:
    """Feeds with ids of their own, until there are so many entries."""
    stored = 0
    while stored < entries:
        for shape in shapes:
            state = FeedState(os.urandom(16).hex(), "https://a.test/feed", title="A feed", body_hash="0" * 32)
            yield FeedUpdate(state, shape)
            stored += len(shape)
            if stored >= entries:
                return


async def ours(url: str, updates: Sequence[FeedUpdate]) -> tuple[float, float]:
    """Wall and CPU seconds."""
    async with open_store(url, width=WIDTH) as store:
        lane, waiting = Lane("store", store.width), iter(updates)

        async def feeds_in_flight() -> None:
            for update in waiting:
                async with lane.slot(Timings()):
                    await store.save(update)

        began, cpu = time.perf_counter(), time.process_time()
        async with trio.open_nursery() as nursery:
            for _ in range(IN_FLIGHT):
                nursery.start_soon(feeds_in_flight)
        return time.perf_counter() - began, time.process_time() - cpu


def bare(
    collection: Collection[Any],
    write: Callable[[Collection[Any], Documents], None],
    batches: Sequence[Documents],
) -> tuple[float, float]:
    """Wall and CPU seconds."""
    waiting, lock = iter(batches), threading.Lock()

    def loop() -> None:
        while True:
            with lock:
                batch = next(waiting, None)
            if batch is None:
                return
            write(collection, batch)

    threads = [threading.Thread(target=loop) for _ in range(WIDTH)]
    began, cpu = time.perf_counter(), time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - began, time.process_time() - cpu


def upserts(collection: Collection[Any], batch: Documents) -> None:
    """What a bare loop does that can be repeated."""
    writes = [
        UpdateOne({"feed": each["feed"], "key": each["key"]}, {"$set": each}, upsert=True) for each in batch
    ]
    collection.bulk_write(writes, ordered=False)


def inserts(collection: Collection[Any], batch: Documents) -> None:
    """What a bare loop does that can't."""
    collection.insert_many(batch, ordered=False)


def documents(updates: Sequence[FeedUpdate]) -> list[Documents]:
    """What is stored of each feed's entries."""
    moment = now()
    times = {"rewrites": 0, "first_seen": moment, "last_changed": moment}
    return [
        [
            {"feed": update.state.feed_id, **entry_record(entry, Form.DOCUMENT), **times}
            for entry in update.entries
        ]
        for update in updates
    ]


def joined(feeds: Sequence[Documents], size: float) -> list[Documents]:
    """The same documents in batches of about that size."""
    batches: list[Documents] = [[]]
    for feed in feeds:
        if len(batches[-1]) + len(feed) / 2 > size:
            batches.append([])
        batches[-1] += feed
    return batches


class Bench:
    """One server and its databases, each used once."""

    def __init__(self, url: str) -> None:
        self.client = MongoClient[Any](url, maxPoolSize=WIDTH, minPoolSize=WIDTH, w="majority")
        self.url = url
        self.results: dict[str, Result] = {}

    def collection(self) -> Collection[Any]:
        """Empty, with our indexes."""
        self.client.drop_database("bench")
        collection = self.client.bench.entries
        collection.create_indexes(INDEXES["entries"])
        return collection

    def inserts_so_far(self) -> int:
        count: int = self.client.admin.command("serverStatus")["metrics"]["commands"]["insert"]["total"]
        return count

    def round(self, updates: Sequence[FeedUpdate]) -> None:
        """Each loop once, ours first; and ours once more over what it has stored."""
        entries = sum(len(update.entries) for update in updates)
        self.collection()
        before = self.inserts_so_far()
        self.note("trioscrape", entries, *trio.run(ours, f"{self.url}/bench", updates))
        size = entries / (self.inserts_so_far() - before)
        assert self.client.bench.entries.count_documents({}) == entries
        again = [replace(update, state=replace(update.state, etag='"2"')) for update in updates]
        self.note("trioscrape, unchanged", entries, *trio.run(ours, f"{self.url}/bench", again))
        feeds = documents(updates)
        for name, write in (("upserts", upserts), ("inserts", inserts)):
            for batch, batches in (("a feed", feeds), ("as ours", joined(feeds, size))):
                copies = [[dict(document) for document in some] for some in batches]
                self.note(f"bare {name}, {batch}", entries, *bare(self.collection(), write, copies))
        self.size = size

    def note(self, name: str, entries: int, seconds: float, cpu: float) -> None:
        self.results.setdefault(name, Result()).add(entries, seconds, cpu)

    def table(self) -> None:
        our = self.results["trioscrape"].rate
        print(f"{'':26}{'entries/s':>10}{'CPU µs/entry':>14}{'trioscrape is':>15}")
        for row, result in self.results.items():
            ratio = "" if row.startswith("trio") else f"{our / result.rate:.0%}"
            print(f"{row:26}{result.rate:10,.0f}{result.cpu:14.1f}{ratio:>15}")


def compared(url: str, name: str, feeds: Sequence[tuple[Entry, ...]]) -> bool:
    """Print the table of one kind of entries; whether it has the figures that it must have."""
    updates, bench = list(feeds_of(feeds, ENTRIES[name])), Bench(url)
    for _ in range(ROUNDS):
        bench.round(updates)
    lengths = sorted(len(feed) for feed in feeds)
    print(f"\nentries of {name}; feeds of {lengths[0]} to {lengths[-1]}, half of them up to", end=" ")
    print(f"{lengths[len(lengths) // 2]}; our writes have {bench.size:.0f} entries on average\n")
    bench.table()
    bench.client.close()
    our = bench.results["trioscrape"].rate
    ratio = our / bench.results["bare upserts, as ours"].rate
    figures = {f"{ratio:.0%} of what bare upserts get, at least {LEAST_RATIO:.0%}": ratio >= LEAST_RATIO}
    if name == "300 bytes":
        figures[f"{our:,.0f} entries/s, at least {LEAST_RATE:,}"] = our >= LEAST_RATE
    for figure, holds in figures.items():
        print(f"{'holds' if holds else 'missed'}: {figure}")
    return all(figures.values())


def main() -> int:
    """A table each; 1 when a figure is missed."""
    real = corpus()
    made_up = [tuple(map(small, range(length))) for length in ([len(feed) for feed in real] or [20])]
    kinds = [("300 bytes", made_up)] + [("corpus", real)] * bool(real)
    program = find_mongod()
    assert program is not None, "no mongod"
    with tempfile.TemporaryDirectory() as folder, running(program, Path(folder)) as server:
        all_hold = [compared(server.url, *each) for each in kinds]
    return 0 if all(all_hold) else 1


if __name__ == "__main__":
    sys.exit(main())
