"""The stores that keep the contract, and a way to look into each. A new store is a line in `STORES`."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from trioscrape import Enclosure, Entry, FeedState, FeedTimers, FeedUpdate, Quantiles, Report
from trioscrape._records import EntryCounts, LaneStatistics, Outcome
from trioscrape._store import Store, open_store
from trioscrape.testing._memory_store import MemoryStore

FEED = "f" * 32
OTHER = "0" * 32


@dataclass
class Opened:
    """A store under test, and what an outsider sees in it."""

    store: Store
    entries: Callable[[str], dict[str, Entry]]
    """What is stored of a feed, by entry key."""
    writes: Callable[[], object]
    """Some value that changes when anything is written."""
    runs: Callable[[], list[dict[str, Any]]]
    damage: Callable[[str, dict[str, Any]], object] | None = None
    """Sets fields of what ``feeds`` or ``entries`` have of `FEED`; None: nobody else gets at it."""


def state(feed_id: str = FEED, **changes: Any) -> FeedState:
    values = {
        "url": "https://a.test/feed",
        "title": "A",
        "link": "https://a.test/",
        "subtitle": "All about A",
        "language": "en-GB",
        "updated": datetime(2024, 2, 29, 12, tzinfo=UTC),
        "self_link": "https://a.test/feed",
        "hub": "https://hub.test/",
        "distrusts_ids": True,
        "etag": '"1"',
        "last_modified": "Mon, 01 Jan 2024 00:00:00 GMT",
        "validators_url": "https://a.test/feed",
        "body_hash": "b" * 32,
        "timers": FeedTimers(max_age=3600, every=7200, skip_hours=(0, 23), skip_days=(5, 6)),
        "next_fetch": datetime(2024, 2, 29, 12, 30, 0, 123000, UTC),
        "next_unconditional": datetime(2024, 3, 9, 1, 2, 3, tzinfo=UTC),
        "failures": 3,
        "failure": "http-503",
        "gone": datetime(2024, 1, 1, tzinfo=UTC),
        "moved_to": "https://b.test/feed",
        "moved_days": ("2024-02-28", "2024-02-29"),
    }
    return FeedState(feed_id, **(values | changes))


def entry(key: str = "k", **changes: Any) -> Entry:
    return Entry(key, **({"hash": f"hash of {key}", "title": f"Title of {key}"} | changes))


def update(*entries: Entry, feed_id: str = FEED, **changes: Any) -> FeedUpdate:
    return FeedUpdate(state(feed_id, **changes), entries)


FULL_ENTRY = Entry(
    key="https://a.test/1",
    hash="0123456789abcdef",
    link="https://a.test/1?a=b&c=d",
    title="Ärger – 日本 🎈",
    summary="short",
    summary_type="text",
    content="<p>long</p>\n",
    content_type="html",
    authors=("Ann", "Bob"),
    published=datetime(2024, 2, 29, 23, 59, 59, 123000, UTC),
    updated=datetime(1969, 7, 20, tzinfo=UTC),
    tags=("a", "b, c", ""),
    enclosures=(Enclosure("https://a.test/1.mp3", "audio/mpeg", 2**40), Enclosure("https://a.test/2")),
    language="de",
)


def report() -> Report:
    quantiles = Quantiles(0.001, 0.5, 1.25)
    lane = LaneStatistics("dns", 32, 0, 0, 468, 500, quantiles, Quantiles())
    return Report(
        feeds=500,
        not_started=1,
        duplicates=2,
        duplicate_examples=(),
        outcomes={Outcome.NEW: 400, Outcome.FAILED: 99},
        entries=EntryCounts(7000, 3, 4),
        errors={"http-404": 98, "tls": 1},
        examples={},
        seconds=12.5,
        lanes={"dns": lane},
        loop_lag=quantiles,
    )


@asynccontextmanager
async def memory(_: pytest.FixtureRequest) -> AsyncIterator[Opened]:
    store = MemoryStore()

    def runs() -> list[dict[str, Any]]:
        return [{"feeds": run.feeds, "lanes": {"dns": {"peak_waiting": 468}}} for run in store.runs]

    yield Opened(store, lambda feed: dict(store.entries.get(feed, {})), lambda: store.writes, runs)
    await store.aclose()


@asynccontextmanager
async def sqlite(request: pytest.FixtureRequest) -> AsyncIterator[Opened]:
    path: Path = request.getfixturevalue("tmp_path") / "store.db"
    with closing(sqlite3.connect(path)) as watcher:
        watcher.row_factory = sqlite3.Row

        def damage(table: str, values: dict[str, Any]) -> None:
            fields = ", ".join(f"{name} = :{name}" for name in values)
            feed = {"feeds": "feed_id", "entries": "feed"}[table]
            watcher.execute(f"UPDATE {table} SET {fields} WHERE {feed} = '{FEED}'", values)
            watcher.commit()

        async with open_store(f"sqlite:{path}") as store:
            yield Opened(
                store,
                lambda feed: {
                    row["key"]: entry_of_row(row)
                    for row in watcher.execute("SELECT * FROM entries WHERE feed = ?", (feed,))
                },
                # Changes when another connection has committed.
                lambda: tuple(watcher.execute("PRAGMA data_version").fetchone()),
                lambda: [
                    dict(row) | {"lanes": json.loads(row["lanes"])}
                    for row in watcher.execute("SELECT * FROM runs")
                ],
                damage,
            )


@asynccontextmanager
async def mongo(request: pytest.FixtureRequest) -> AsyncIterator[Opened]:
    url: str = request.getfixturevalue("mongodb_url")
    with MongoClient[Any](url, tz_aware=True) as watcher:
        database = watcher.get_default_database()

        def writes() -> list[int]:
            latency: list[dict[str, Any]] = [{"$collStats": {"latencyStats": {}}}]
            names = ("feeds", "entries", "runs", "meta")
            stats = [list(database[name].aggregate(latency)) for name in names if name in existing()]
            return [found[0]["latencyStats"]["writes"]["ops"] for found in stats]

        def existing() -> list[str]:
            return database.list_collection_names()

        def damage(collection: str, values: dict[str, Any]) -> None:
            feed = {"feeds": "_id", "entries": "feed"}[collection]
            database[collection].update_many({feed: FEED}, {"$set": values})

        async with open_store(url) as store:
            yield Opened(
                store,
                lambda feed: {e["key"]: entry_of_document(e) for e in database.entries.find({"feed": feed})},
                writes,
                lambda: list(database.runs.find()),
                damage,
            )


STORES: dict[str, Callable[[pytest.FixtureRequest], AbstractAsyncContextManager[Opened]]] = {
    "memory": memory,
    "sqlite": sqlite,
    "mongo": mongo,
}


def entry_of_document(found: dict[str, Any]) -> Entry:
    values = {name: found[name] for name in Entry.__slots__}
    for name in ("authors", "tags"):
        values[name] = tuple(values[name])
    values["enclosures"] = tuple(Enclosure(**enclosure) for enclosure in values["enclosures"])
    return Entry(**values)


def entry_of_row(row: sqlite3.Row) -> Entry:
    found = dict(row)
    for name in ("authors", "tags", "enclosures"):
        found[name] = json.loads(found[name])
    for name in ("published", "updated"):
        found[name] = found[name] and datetime.fromisoformat(found[name])
    return entry_of_document(found)
