"""Stores that another program has written to: the next run fetches the feeds, and repairs their records.

A new damage is a row of `FEEDS` or `ENTRIES`: fields and their values. One to the store as a whole is a row
of `FILES` or `DATABASES`.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import trio
from pymongo import MongoClient
from pymongo.database import Database

from trioscrape import feed_id, open_store

from support.adversary import (
    Handler,
    Sites,
    assert_none,
    broken_promises,
    broken_promises_to,
    open_sites,
    read,
    scrape,
    some,
)
from support.scenarios import rss
from support.servers import RawServer, answer, read_head
from support.stores import entry, update

Values = dict[str, Any]

NOW = datetime.now(UTC)
LATE = NOW + timedelta(days=5 * 365)
LAST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
MISSING = object()
"""Of a document; a column is NULL, if it may be."""

FEEDS: dict[str, Values] = {
    # Another type
    "url, a number": {"url": 5},
    "url, none": {"url": MISSING},
    "url, bytes": {"url": b"\xff\xfe"},
    "url, a list": {"url": ["http://a.test/"]},
    "title, bytes": {"title": b"\x00"},
    "etag, a number": {"etag": 1.5},
    "failures, a text": {"failures": "many"},
    "failures, a float": {"failures": 1e300},
    "failures, none": {"failures": MISSING},
    "timers, a text": {"timers": "often"},
    "timers, a list": {"timers": [1, 2]},
    "timers, deep": {"timers": "[" * 100_000},
    "shared_keys, an object": {"shared_keys": {"a": 1}},
    "tags, numbers": {"tags": [1, 2]},
    "distrusts_ids, a text": {"distrusts_ids": "yes"},
    "body_hash, bytes": {"body_hash": b"x"},
    "next_fetch, a text": {"next_fetch": "soon"},
    "next_fetch, a number": {"next_fetch": 10**15},
    "gone, an object": {"gone": {"$date": "x"}},
    "moved_days, texts": {"moved_days": ["soon"] * 1000},
    "postponed_by, a list": {"postponed_by": ["a"]},
    # Moments that no rule gives
    "next_fetch, years ahead": {"next_fetch": LATE},
    "next_fetch, the last day": {"next_fetch": LAST, "etag": None},
    "next_unconditional, years ahead": {"next_fetch": None, "next_unconditional": LATE},
    "gone, years ahead": {"gone": LATE, "next_fetch": LATE, "failure": "http-410"},
    "postponed, years ahead": {"postponed": LATE, "postponed_by": "a.test", "next_fetch": LATE},
    "last_turn, years ahead": {"last_turn": LATE, "next_fetch": None},
    "moved_since, years ahead": {"moved_since": LATE, "moved_from": "http://a.test/", "next_fetch": None},
    "next_fetch, year 1": {"next_fetch": datetime(1, 1, 1, tzinfo=UTC)},
    "failing for ever": {"failures": 2**31 - 1, "failure": "http-503", "next_fetch": LATE},
    # Numbers
    "failures, negative": {"failures": -1},
    "failures, huge": {"failures": 2**62, "next_fetch": None},
    "timers, negative": {"timers": {"max_age": -1, "every": -(10**9)}},
    "timers, huge": {"timers": {"max_age": 10**17, "every": 2**62}, "next_fetch": None},
    "timers, hour 24": {"timers": {"skip_hours": [24], "skip_days": [7]}},
    "timers, all hours": {
        "timers": {"skip_hours": [*range(24)], "skip_days": [*range(7)]},
        "next_fetch": None,
    },
    # Hostile
    "url, another scheme": {"url": "file:///etc/passwd"},
    "url, javascript": {"url": "javascript:steal()"},
    "url, a line end": {"url": "http://a.test/\r\nHost: b.test"},
    "url, port": {"url": "http://a.test:99999/"},
    "moved_to, another scheme": {"moved_to": "file:///etc/passwd", "moved_days": ["2026-01-01"]},
    "validators_url": {"validators_url": "no URL"},
    "etag, a line end": {"etag": '"1"\r\nHost: b.test', "next_fetch": None},
    "etag, NUL": {"etag": "\0\x1b", "last_modified": "\x7f", "next_fetch": None},
    "etag, no header": {"etag": "日本"},
    "etag, a long one": {"etag": "x" * 1_000_000, "next_fetch": None},
    "title, escape sequences": {"title": "\x1b]0;x\x07\u202e", "failure": "\x1b[2J", "next_fetch": None},
    "failure, unknown": {"failure": "x" * 100_000, "failures": 1, "next_fetch": None},
    "shared_keys, many": {"shared_keys": ["x" * 1000] * 3000, "next_fetch": None},
    "listed_url": {"listed_url": "javascript:steal()"},
    # Missing
    "everything": dict.fromkeys(
        ("url", "title", "timers", "failures", "etag", "body_hash", "tags", "shared_keys", "moved_days"),
        MISSING,
    ),
}

ENTRIES: dict[str, Values] = {
    "hash, bytes": {"hash": b"x"},
    "hash, none": {"hash": MISSING},
    "title, a number": {"title": 5, "hash": "x"},
    "content, bytes": {"content": b"\xff", "content_type": "html"},
    "content, script": {"content": "<script>steal()</script>", "content_type": "html"},
    "content_type, unknown": {"content": "x", "content_type": "javascript"},
    "link": {"link": "javascript:steal()"},
    "published, a text": {"published": "soon"},
    "updated, years ahead": {"updated": LAST},
    "rewrites, a text": {"rewrites": "many"},
    "rewrites, huge": {"rewrites": 2**62},
    "rewrites, negative": {"rewrites": -1},
    "tags, an object": {"tags": {"$gt": ""}},
    "enclosures, texts": {"enclosures": ["x"]},
    "enclosures, deep": {"enclosures": "[" * 100_000},
    "source, a list": {"source": []},
    "duration, negative": {"duration": -1},
    "explicit, a text": {"explicit": "maybe"},
    "everything": dict.fromkeys(("hash", "title", "tags", "enclosures", "rewrites", "categories"), MISSING),
}


class Changing:
    """A feed whose only entry has another title in each document."""

    def __init__(self) -> None:
        self.version = 0

    async def __call__(self, stream: trio.SocketStream, server: RawServer) -> None:
        await read_head(stream)
        self.version += 1
        body = rss("1", title=f"T{self.version}").replace(b"About", b"Version %d of" % self.version)
        await stream.send_all(answer("200 OK", body, 'ETag: "1"'))


class Row(NamedTuple):
    name: str
    table: str
    values: Values


def rows() -> dict[str, Row]:
    """By label of its host."""
    feeds = [Row(f"feed: {name}", "feeds", values) for name, values in some([*FEEDS.items()])]
    entries = [Row(f"entry: {name}", "entries", values) for name, values in some([*ENTRIES.items()])]
    return {f"r{number}": row for number, row in enumerate([*feeds, *entries])}


def in_a_column(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    if isinstance(value, list | dict):
        return json.dumps(value)
    return None if value is MISSING else value


def damage_file(path: Path, sites: Sites) -> None:
    with closing(sqlite3.connect(path)) as db:
        for label, (_, table, values) in rows().items():
            where = {"feeds": "feed_id", "entries": "feed"}[table]
            for name, value in values.items():
                row = (in_a_column(value), feed_id(sites.url(label)))
                db.execute(f"UPDATE OR IGNORE {table} SET {name} = ? WHERE {where} = ?", row)
        db.commit()


def damage_database(database: Database[Any], sites: Sites) -> None:
    for label, (_, table, values) in rows().items():
        where = {{"feeds": "_id", "entries": "feed"}[table]: feed_id(sites.url(label))}
        missing = dict.fromkeys((name for name, value in values.items() if value is MISSING), "")
        changes = {name: value for name, value in values.items() if value is not MISSING}
        update = {"$set": {**changes, "unknown": {"a": [1]}}} | ({"$unset": missing} if missing else {})
        database[table].update_one(where, update)


@pytest.fixture(params=["sqlite", "mongo"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "mongo":
        return str(request.getfixturevalue("mongodb_url"))
    return f"sqlite:{tmp_path / 'x.db'}"


def damage(store: str, sites: Sites) -> None:
    if store.startswith("sqlite:"):
        damage_file(Path(store.removeprefix("sqlite:")), sites)
    else:
        with MongoClient[Any](store) as client:
            damage_database(client.get_default_database(), sites)


async def test_damaged_records(store: str, tmp_path: Path) -> None:
    handlers: dict[str, Handler] = {label: Changing() for label in rows()}
    async with open_sites(handlers) as sites:
        first = await scrape(sites, tmp_path, store)
        damage(store, sites)
        ended = await scrape(sites, tmp_path, store)
        stored = await read(store)

    assert_none(broken_promises(first, 0) + broken_promises(ended, 0))
    assert_none(broken_promises_to(sites, ended))
    ends = {row.name: ended.ends[sites.url(label)] for label, row in rows().items()}
    assert_none({name: end for name, end in ends.items() if end not in ("new", "updated", "not_modified")})
    titles = {each.feed_url: each.entry.title for each in stored.entries}
    assert_none(
        [row.name for label, row in rows().items() if titles.get(sites.url(label)) != "Version 2 of 1"]
    )
    assert_none(stored.dangers())
    moments = [feed.next_fetch for feed in stored.feeds if feed.next_fetch is not None]
    assert_none([late for late in moments if late > datetime.now(UTC) + timedelta(days=31)])


# The store as a whole


def written(data: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        path.write_bytes(data(path.read_bytes()))

    return damage


def executed(*statements: str) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        with closing(sqlite3.connect(path)) as db:
            for statement in statements:
                db.execute(statement)
            db.commit()

    return damage


Status = tuple[int, ...]
USED: Status = (0,)
REFUSED: Status = (1, 2)
"""With one line that says why. 2, if another URL of a store is what helps."""

FILES: dict[str, tuple[Callable[[Path], None], Status]] = {
    "empty": (written(lambda _: b""), USED),
    "half of it": (written(lambda data: data[: len(data) // 2]), REFUSED),
    "its header only": (written(lambda data: data[:100]), REFUSED),
    "a text": (written(lambda _: b"http://a.test/\n" * 1000), REFUSED),
    "noise in its pages": (written(lambda data: data[:4096] + b"\x5a" * (len(data) - 4096)), REFUSED),
    "user_version -1": (executed("PRAGMA user_version = -1"), REFUSED),
    "user_version 99": (executed("PRAGMA user_version = 99"), REFUSED),
    "user_version 0": (executed("PRAGMA user_version = 0"), REFUSED),
    "no table of entries": (executed("DROP TABLE entries"), REFUSED),
    "no column": (executed("ALTER TABLE feeds DROP COLUMN etag"), REFUSED),
    "a view": (executed("DROP TABLE feeds", "CREATE VIEW feeds AS SELECT 1 AS feed_id"), REFUSED),
    "no indexes": (executed("DROP INDEX entries_by_date", "DROP INDEX feeds_by_next_fetch"), USED),
    "another column": (executed("ALTER TABLE feeds ADD COLUMN x TEXT NOT NULL DEFAULT 'x'"), USED),
    "another table": (executed("CREATE TABLE others (x)"), USED),
}


def updated(values: Values) -> Callable[[Database[Any]], object]:
    return lambda database: database.meta.replace_one({"_id": "schema"}, values)


DATABASES: dict[str, tuple[Callable[[Database[Any]], object], Status]] = {
    "version, a text": (updated({"version": "x"}), REFUSED),
    "version, none": (updated({"version": None}), REFUSED),
    "version, missing": (updated({}), REFUSED),
    "version, a list": (updated({"version": [5]}), REFUSED),
    "version -1": (updated({"version": -1}), REFUSED),
    "version 2**62": (updated({"version": 2**62}), REFUSED),
    "no meta": (lambda database: database.meta.drop(), REFUSED),
    "no indexes": (lambda database: database.entries.drop_indexes(), USED),
    "a view": (
        lambda database: (
            database.feeds.drop(),
            database.command("create", "feeds", viewOn="x", pipeline=[]),
        ),
        REFUSED,
    ),
}


async def run_over(store: str, tmp_path: Path, damage: Callable[[], object], status: Status) -> None:
    """It ends by itself, with one line about a store that it can't use."""
    async with open_store(store) as opened:
        await opened.save(update(entry("a")))
    damage()
    async with open_sites({}) as sites:
        ended = await scrape(sites, tmp_path, store, "--quiet", "--outage-timeout", "5")

    assert_none(broken_promises(ended, *status))
    assert ended.said.count("\n") == (status is REFUSED), ended.said


@pytest.mark.parametrize("name", some([*FILES], 3))
async def test_damaged_file(name: str, tmp_path: Path) -> None:
    damage, status = FILES[name]
    path = tmp_path / "x.db"
    await run_over(f"sqlite:{path}", tmp_path, lambda: damage(path), status)


@pytest.mark.parametrize("name", some([*DATABASES], 2))
async def test_damaged_database(name: str, mongodb_url: str, tmp_path: Path) -> None:
    damage, status = DATABASES[name]
    with MongoClient[Any](mongodb_url) as client:
        database = client.get_default_database()
        await run_over(mongodb_url, tmp_path, lambda: damage(database), status)
