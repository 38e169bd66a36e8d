"""The stores that keep the contract, and what is stored in them by its tests.

A new store is a line in `STORES`: ``"redis": lambda _: plain(RedisStore())``. `Opened` looks at what a
store holds through the store itself; a class of its own that looks past it, as an outsider, sees more.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from trioscrape import (
    Category,
    Enclosure,
    Entry,
    EntrySource,
    FeedState,
    FeedTimers,
    FeedUpdate,
    Quantiles,
    Report,
    StoredEntry,
    Transcript,
)
from trioscrape._records import EntryCounts, LaneStatistics, Outcome
from trioscrape._store import Store, open_store
from trioscrape.testing import MemoryStore

FEED = "f" * 32
OTHER = "0" * 32


class Opened:
    """A store under test, and what it holds."""

    def __init__(self, store: Store) -> None:
        self.store = store

    async def entries(self, feed: str) -> dict[str, Entry]:
        """What is stored of a feed, by entry key."""
        return {found.entry.key: found.entry async for found in self.store.read_entries(feed=feed)}

    async def trace(self) -> object:
        """Some value that changes when anything is written."""
        entries = [found async for found in self.store.read_entries()]
        return entries, [found async for found in self.store.read_feeds()]

    def runs(self) -> list[dict[str, Any]]:
        """The records of runs; the protocol has no way to read them."""
        pytest.skip("nobody else can read its runs")

    def damage(self, table: str, values: dict[str, Any]) -> None:
        """Set fields of what ``feeds``, ``history`` or ``entries`` have of `FEED`, as others could."""
        pytest.skip("nobody else can write to it")

    def reject(self, table: str, field: str, value: object) -> None:
        """Let the database accept no more records with that value; a later call for the table replaces it."""
        pytest.skip("nobody else can make rules for it")

    def demand_unique(self, table: str, field: str) -> None:
        """Let the database accept each value of the field once, as an administrator could."""
        pytest.skip("nobody else can make rules for it")

    said = ""
    """What the database says of a record that it does not accept."""


@asynccontextmanager
async def plain(store: Store) -> AsyncIterator[Opened]:
    yield Opened(store)
    await store.aclose()


class OpenedFile(Opened):
    """With another connection to the file."""

    def __init__(self, store: Store, db: sqlite3.Connection) -> None:
        super().__init__(store)
        db.row_factory = sqlite3.Row
        self._db = db

    async def entries(self, feed: str) -> dict[str, Entry]:
        rows = self._db.execute("SELECT * FROM entries WHERE feed = ?", (feed,))
        return {row["key"]: entry_of_row(row) for row in rows}

    async def trace(self) -> object:
        # Changes when another connection has committed.
        return tuple(self._db.execute("PRAGMA data_version").fetchone())

    def runs(self) -> list[dict[str, Any]]:
        return [
            dict(row) | {"lanes": json.loads(row["lanes"])} for row in self._db.execute("SELECT * FROM runs")
        ]

    def damage(self, table: str, values: dict[str, Any]) -> None:
        values = {
            name: json.dumps(value) if isinstance(value, list | dict) else value
            for name, value in values.items()
        }
        fields = ", ".join(f"{name} = :{name}" for name in values)
        feed = {"feeds": "feed_id", "history": "feed_id", "entries": "feed"}[table]
        self._db.execute(f"UPDATE {table} SET {fields} WHERE {feed} = '{FEED}'", values)
        self._db.commit()

    said = "not in this house"

    def reject(self, table: str, field: str, value: object) -> None:
        for event in "INSERT", "UPDATE":
            name = f"own_{table}_{event}"
            self._db.execute(f"DROP TRIGGER IF EXISTS {name}")
            self._db.execute(
                f"CREATE TRIGGER {name} BEFORE {event} ON {table} WHEN new.{field} = {value!r}"
                f" BEGIN SELECT RAISE(ABORT, '{self.said}'); END"
            )
        self._db.commit()

    def demand_unique(self, table: str, field: str) -> None:
        self._db.execute(f"CREATE UNIQUE INDEX own ON {table} ({field})")
        self._db.commit()


@asynccontextmanager
async def sqlite(request: pytest.FixtureRequest) -> AsyncIterator[Opened]:
    path: Path = request.getfixturevalue("tmp_path") / "store.db"
    with closing(sqlite3.connect(path)) as db:
        async with open_store(f"sqlite:{path}") as store:
            yield OpenedFile(store, db)


class OpenedDatabase(Opened):
    """With another client of the server."""

    def __init__(self, store: Store, database: Database[Any]) -> None:
        super().__init__(store)
        self._database = database

    async def entries(self, feed: str) -> dict[str, Entry]:
        found = self._database.entries.find({"feed": feed})
        return {each["key"]: entry_of_document(each) for each in found}

    async def trace(self) -> object:
        latency: list[dict[str, Any]] = [{"$collStats": {"latencyStats": {}}}]
        names = {"feeds", "history", "entries", "runs", "meta"} & set(self._database.list_collection_names())
        stats = {name: list(self._database[name].aggregate(latency)) for name in names}
        return {name: found[0]["latencyStats"]["writes"]["ops"] for name, found in stats.items()}

    def runs(self) -> list[dict[str, Any]]:
        return list(self._database.runs.find())

    def damage(self, table: str, values: dict[str, Any]) -> None:
        feed = {"feeds": "_id", "history": "_id", "entries": "feed"}[table]
        self._database[table].update_many({feed: FEED}, {"$set": values})

    said = "Document failed validation"

    def reject(self, table: str, field: str, value: object) -> None:
        if table not in self._database.list_collection_names():
            self._database.create_collection(table)
        self._database.command("collMod", table, validator={field: {"$ne": value}})

    def demand_unique(self, table: str, field: str) -> None:
        rule = {field: {"$type": "string"}}
        self._database[table].create_index(field, unique=True, partialFilterExpression=rule)


@asynccontextmanager
async def mongo(request: pytest.FixtureRequest) -> AsyncIterator[Opened]:
    url: str = request.getfixturevalue("mongodb_url")
    with MongoClient[Any](url, tz_aware=True) as client:
        async with open_store(url) as store:
            yield OpenedDatabase(store, client.get_default_database())


STORES: dict[str, Callable[[pytest.FixtureRequest], AbstractAsyncContextManager[Opened]]] = {
    "memory": lambda _: plain(MemoryStore()),
    "sqlite": sqlite,
    "mongo": mongo,
}


def entry_of_document(found: dict[str, Any]) -> Entry:
    values = {name: found[name] for name in Entry.__slots__}
    for name in ("authors", "tags"):
        values[name] = tuple(values[name])
    for name, kind in {"enclosures": Enclosure, "categories": Category, "transcripts": Transcript}.items():
        values[name] = tuple(kind(**each) for each in values[name])
    values["source"] = values["source"] and EntrySource(**values["source"])
    return Entry(**values)


def entry_of_row(row: sqlite3.Row) -> Entry:
    found = dict(row)
    for name in ("authors", "tags", "enclosures", "categories", "transcripts", "source"):
        found[name] = found[name] and json.loads(found[name])
    found["explicit"] = None if found["explicit"] is None else bool(found["explicit"])
    for name in ("published", "updated"):
        found[name] = found[name] and datetime.fromisoformat(found[name])
    return entry_of_document(found)


def state(feed_id: str = FEED, **changes: Any) -> FeedState:
    """One with a value in every field."""
    values: dict[str, Any] = {
        "url": "https://a.test/feed",
        "title": "A",
        "listed_title": "My A",
        "tags": ("News", "Tech"),
        "link": "https://a.test/",
        "subtitle": "All about A",
        "language": "en-GB",
        "updated": datetime(2024, 2, 29, 12, tzinfo=UTC),
        "self_link": "https://a.test/feed",
        "hub": "https://hub.test/",
        "cloud": "http-post http://cloud.test:5337/notify",
        "newest_entry": datetime(2024, 2, 29, 11, tzinfo=UTC),
        "longest_silence": 86400,
        "distrusts_ids": True,
        "shared_keys": ("1", "https://a.test/"),
        "etag": '"1"',
        "last_modified": "Mon, 01 Jan 2024 00:00:00 GMT",
        "validators_url": "https://a.test/feed",
        "body_hash": "b" * 32,
        "timers": FeedTimers(max_age=3600, every=7200, skip_hours=(0, 23), skip_days=(5, 6)),
        "next_fetch": datetime(2024, 2, 29, 12, 30, 0, 123000, UTC),
        "next_unconditional": datetime(2024, 3, 9, 1, 2, 3, tzinfo=UTC),
        "failures": 3,
        "failure": "http-503",
        "failure_detail": "Service Unavailable",
        "failing_since": datetime(2024, 2, 28, 10, tzinfo=UTC),
        "gone": datetime(2024, 1, 1, tzinfo=UTC),
        "listed_url": "https://www.a.test/feed",
        "moved_from": "http://www.a.test/feed",
        "moved_since": datetime(2024, 2, 1, 6, tzinfo=UTC),
        "postponed": datetime(2024, 2, 29, 11, tzinfo=UTC),
        "postponed_by": "a.test",
        "last_turn": datetime(2024, 2, 28, 11, tzinfo=UTC),
        "moved_to": "https://b.test/feed",
        "moved_days": ("2024-02-28", "2024-02-29"),
        "delays": (60, 86400),
        "expected_delay": 720,
        "same_as": "https://twin.test/feed",
        "rhythm": "2.71400 1700000000 2810 20 1699568000 V1cW1cW0wW1cW1cW1cW1cA",
    }
    return FeedState(feed_id, **(values | changes))


def entry(key: str = "k", **changes: Any) -> Entry:
    values: dict[str, Any] = {"hash": f"hash of {key}", "title": f"Title of {key}"}
    return Entry(key, **(values | changes))


def update(*entries: Entry, feed_id: str = FEED, **changes: Any) -> FeedUpdate:
    return FeedUpdate(state(feed_id, **changes), entries)


def moment(seconds: float) -> datetime:
    return datetime(2026, 11, 1, tzinfo=UTC) + timedelta(seconds=seconds)


def stored(key: str, feed: str = FEED, first: float = 0, changed: float = 0, **more: Any) -> StoredEntry:
    return StoredEntry(feed, entry(key, **more), moment(first), moment(changed))


async def keys(reading: AsyncIterator[StoredEntry]) -> list[str]:
    return [found.entry.key async for found in reading]


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
    categories=(Category("b", "https://a.test/tags", "B"), Category("c", label="C")),
    image="https://a.test/1.png",
    comments="https://a.test/1#comments",
    source=EntrySource("Elsewhere", "https://b.test/"),
    duration=3600,
    episode=7,
    season=1,
    explicit=False,
    chapters="https://a.test/1.json",
    transcripts=(Transcript("https://a.test/1.vtt", "text/vtt", "de-AT"), Transcript("https://a.test/1.srt")),
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
