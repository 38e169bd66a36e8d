"""Files of older versions of the schema, made by the statements that made them then."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import trio

from trioscrape import StoreError
from trioscrape._records import EntryCounts, FeedTimers
from trioscrape._store import open_store

from support.stores import FEED, entry, entry_of_row, update

VERSION_1 = """
    CREATE TABLE feeds (
        feed_id TEXT PRIMARY KEY, url TEXT NOT NULL, title TEXT,
        etag TEXT, last_modified TEXT, body_hash TEXT, timers TEXT NOT NULL,
        next_fetch TEXT, next_unconditional TEXT, failures INTEGER NOT NULL, failure TEXT,
        gone TEXT, moved_to TEXT, moved_days TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE entries (
        feed TEXT NOT NULL, key TEXT NOT NULL, hash TEXT NOT NULL,
        link TEXT, title TEXT, summary TEXT, content TEXT, authors TEXT NOT NULL,
        published TEXT, updated TEXT, tags TEXT NOT NULL, enclosures TEXT NOT NULL,
        truncated INTEGER NOT NULL, first_seen TEXT NOT NULL, last_changed TEXT NOT NULL,
        PRIMARY KEY (feed, key)
    );
    CREATE INDEX entries_by_date ON entries (feed, published DESC);
    CREATE TABLE runs (
        id INTEGER PRIMARY KEY, ended TEXT NOT NULL, seconds REAL NOT NULL, feeds INTEGER NOT NULL,
        not_started INTEGER NOT NULL, duplicates INTEGER NOT NULL, outcomes TEXT NOT NULL,
        entries TEXT NOT NULL, errors TEXT NOT NULL, lanes TEXT NOT NULL, loop_lag TEXT NOT NULL
    );
    PRAGMA user_version = 1;

    INSERT INTO feeds VALUES (
        'ffffffffffffffffffffffffffffffff', 'https://a.test/feed', 'A', '"1"', NULL, 'b',
        '{"max_age": 60, "every": 0, "skip_hours": [], "skip_days": [6]}',
        NULL, NULL, 0, NULL, NULL, NULL, '[]'
    );
    INSERT INTO entries VALUES
        ('ffffffffffffffffffffffffffffffff', 'a', 'hash of a', NULL, 'Title of a', NULL, '<p>x</p>', '[]',
         NULL, NULL, '[]', '[]', 0, 'then', 'then'),
        ('ffffffffffffffffffffffffffffffff', 'b', 'hash of b', NULL, 'Title of b', 'short', NULL, '["Bea"]',
         NULL, NULL, '[]', '[]', 0, 'then', 'then');
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "news.db"


@pytest.fixture
def old(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.row_factory = sqlite3.Row
        connection.executescript(VERSION_1)
        yield connection


def columns(db: sqlite3.Connection) -> set[tuple[object, ...]]:
    """Name, type, NOT NULL, default and place in the primary key of every column; every index by its text."""
    found = {
        (table, *column[1:])
        for table in ("feeds", "entries", "runs")
        for column in (tuple(row) for row in db.execute(f"PRAGMA table_info({table})"))
    }
    return found | {
        tuple(row) for row in db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index'")
    }


async def test_version_1_becomes_the_same_as_a_new_file(
    path: Path, old: sqlite3.Connection, tmp_path: Path
) -> None:
    async with open_store(f"sqlite:{path}"), open_store(f"sqlite:{tmp_path / 'new.db'}"):
        pass

    with closing(sqlite3.connect(tmp_path / "new.db")) as new:
        assert columns(old) == columns(new)
        assert old.execute("PRAGMA user_version").fetchone()[0] == 2


async def test_the_rows_of_version_1_are_kept(path: Path, old: sqlite3.Connection) -> None:
    async with open_store(f"sqlite:{path}") as store:
        loaded = (await store.load([FEED]))[FEED]
        counts = await store.save(update(entry("a"), entry("b", hash="other"), entry("c")))

    assert (loaded.title, loaded.etag, loaded.timers) == ("A", '"1"', FeedTimers(max_age=60, skip_days=(6,)))
    assert (loaded.hub, loaded.distrusts_ids, loaded.validators_url) == (None, False, None)
    assert counts == EntryCounts(1, 1, 1)
    stored = {row["key"]: entry_of_row(row) for row in old.execute("SELECT * FROM entries")}
    assert stored["a"] == entry("a", content="<p>x</p>", content_type="html")
    assert stored["b"] == entry("b", hash="other")


async def test_a_migration_that_fails_changes_nothing(path: Path, old: sqlite3.Connection) -> None:
    """All of it is one transaction."""
    old.execute("ALTER TABLE entries ADD COLUMN language TEXT")  # the migration will trip over it
    before = columns(old)

    with pytest.raises(StoreError, match="duplicate column name: language"):
        async with open_store(f"sqlite:{path}"):
            pass

    assert columns(old) == before
    assert old.execute("PRAGMA user_version").fetchone()[0] == 1


async def test_two_processes_migrate_at_once(path: Path, old: sqlite3.Connection) -> None:
    async def opened() -> None:
        async with open_store(f"sqlite:{path}") as store:
            assert set(await store.load([FEED])) == {FEED}

    async with trio.open_nursery() as nursery:
        for _ in range(4):
            nursery.start_soon(opened)
