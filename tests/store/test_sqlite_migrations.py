"""Files of older schema versions become files of the current one, and lose nothing."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import trio

from trioscrape import EntryCounts, FeedTimers, StoreError
from trioscrape._records.feed_state import FEED_STATE
from trioscrape._store import open_store
from trioscrape._store.records import ENTRY_FIELDS, SCHEMA_VERSION

from support.old_stores import FILES
from support.stores import FEED, entry, entry_of_row, update


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "news.db"


@pytest.fixture
def old(path: Path, version: int) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.row_factory = sqlite3.Row
        connection.executescript(FILES[version])
        yield connection


each_version = pytest.mark.parametrize("version", FILES)


def columns(db: sqlite3.Connection) -> set[tuple[object, ...]]:
    """Name, type, NOT NULL and place in the primary key of every column; every index by its text.

    Not their defaults: a column that is added needs one if it is NOT NULL, and nothing relies on it.
    """
    found = {
        (table, *column[1:4], column[5])
        for table in ("feeds", "entries", "runs", "history", "lease")
        for column in (tuple(row) for row in db.execute(f"PRAGMA table_info({table})"))
    }
    return found | {
        tuple(row) for row in db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index'")
    }


async def test_a_new_file_has_a_column_for_each_field(path: Path) -> None:
    async with open_store(f"sqlite:{path}"):
        pass

    with closing(sqlite3.connect(path)) as db:
        names = {
            table: [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
            for table in ("feeds", "entries")
        }
    assert names == {"feeds": list(FEED_STATE.fields), "entries": list(ENTRY_FIELDS)}


@each_version
async def test_an_old_file_becomes_the_same_as_a_new_one(
    path: Path, old: sqlite3.Connection, tmp_path: Path
) -> None:
    """Whoever adds a field has forgotten a step of migration when this fails."""
    async with open_store(f"sqlite:{path}"), open_store(f"sqlite:{tmp_path / 'new.db'}"):
        pass

    with closing(sqlite3.connect(tmp_path / "new.db")) as new:
        assert columns(old) == columns(new)
        assert old.execute("PRAGMA user_version").fetchone()[0] == SCHEMA_VERSION


@each_version
async def test_its_rows_are_kept(path: Path, old: sqlite3.Connection) -> None:
    async with open_store(f"sqlite:{path}") as store:
        loaded = (await store.load([FEED]))[FEED]
        counts = await store.save(update(entry("a"), entry("b", hash="other"), entry("c")))

    assert (loaded.title, loaded.etag, loaded.timers) == ("A", '"1"', FeedTimers(max_age=60, skip_days=(6,)))
    assert (loaded.hub, loaded.distrusts_ids) == (None, False)
    assert counts == EntryCounts(1, 1, 1)
    stored = {row["key"]: entry_of_row(row) for row in old.execute("SELECT * FROM entries")}
    assert stored["a"] == entry("a", content="<p>x</p>", content_type="html")
    assert stored["b"] == entry("b", hash="other")


@pytest.mark.parametrize("version", [1])
async def test_texts_of_version_1_are_html(path: Path, old: sqlite3.Connection) -> None:
    async with open_store(f"sqlite:{path}"):
        pass

    types = {
        row["key"]: tuple(row)[1:]
        for row in old.execute("SELECT key, summary_type, content_type FROM entries")
    }
    assert types == {"a": (None, "html"), "b": ("html", None)}


@pytest.mark.parametrize("version", [2])
async def test_names_of_version_2_are_those_of_version_3(path: Path, old: sqlite3.Connection) -> None:
    async with open_store(f"sqlite:{path}") as store:
        states = [state async for state in store.read_feeds()]

    assert [state.failure for state in states] == ["fetch-timeout", "http-404", "connection-refused"]
    assert [state.validators_url for state in states] == [None, None, "https://www.a.test/feed"]
    outcomes, errors = map(json.loads, old.execute("SELECT outcomes, errors FROM runs").fetchone())
    assert outcomes == {"refused": 1, "failed": 5}
    assert list(errors.items()) == [("connection-refused", 2), ("http-404", 2), ("fetch-timeout", 1)]


@pytest.mark.parametrize("version", [1])
async def test_a_migration_that_fails_changes_nothing(path: Path, old: sqlite3.Connection) -> None:
    """All of it is one transaction."""
    old.execute("ALTER TABLE entries ADD COLUMN language TEXT")  # the migration will trip over it
    before = columns(old)

    with pytest.raises(StoreError, match="duplicate column name: language"):
        async with open_store(f"sqlite:{path}"):
            pass

    assert columns(old) == before
    assert old.execute("PRAGMA user_version").fetchone()[0] == 1


@each_version
async def test_four_processes_migrate_at_once(path: Path, old: sqlite3.Connection) -> None:
    async def opened() -> None:
        async with open_store(f"sqlite:{path}") as store:
            assert FEED in await store.load([FEED])

    async with trio.open_nursery() as nursery:
        for _ in range(4):
            nursery.start_soon(opened)
