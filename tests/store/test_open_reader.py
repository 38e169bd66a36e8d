"""Opening a store for reading only, and what reading says of a record that is not valid."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from trioscrape import StoreError, open_reader
from trioscrape._store import open_store
from trioscrape._store.records import SCHEMA_VERSION

from support.stores import FEED, OTHER, entry, keys, report, update


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(params=["sqlite", "mongo"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "mongo":
        return str(request.getfixturevalue("mongodb_url"))
    return f"sqlite:{tmp_path / 'store.db'}"


class TestOpenReader:
    async def test_reads_while_a_store_is_written(self, store_url: str) -> None:
        async with open_store(store_url) as store:
            await store.save(update(entry("a")))
            async with open_reader(store_url) as reader:
                assert await keys(reader.read_entries()) == ["a"]
                await store.save(update(entry("a"), entry("b"), feed_id=OTHER))
                assert len(await keys(reader.read_entries())) == 3
                assert reader.redacted_url == store.redacted_url

    async def test_nothing_there_and_nothing_made(self, store_url: str, tmp_path: Path) -> None:
        with pytest.raises(
            StoreError, match=r"there is no such file|is empty: nothing has been stored in it"
        ) as caught:
            async with open_reader(store_url):
                pass

        assert str(caught.value).count("\n") == 0
        assert files(tmp_path) == []
        if store_url.startswith("mongodb"):
            with MongoClient[Any](store_url) as client:
                assert client.get_default_database().list_collection_names() == []

    async def test_an_empty_file_and_one_of_another_program(self, tmp_path: Path) -> None:
        (tmp_path / "empty.db").touch()
        with closing(sqlite3.connect(tmp_path / "other.db")) as db:
            db.execute("CREATE TABLE entries (amount)")
        for name, why in (("empty", "is empty: nothing"), ("other", "a database of another program")):
            with pytest.raises(StoreError, match=why):
                async with open_reader(f"sqlite:{tmp_path / name}.db"):
                    pass

    async def test_another_version(self, tmp_path: Path) -> None:
        for version, why in (
            (2, f"has schema version 2; the next run migrates it to {SCHEMA_VERSION}"),
            (99, "install a newer trioscrape"),
        ):
            path = tmp_path / f"{version}.db"
            with closing(sqlite3.connect(path)) as db:
                db.execute("CREATE TABLE feeds (x)")
                db.execute(f"PRAGMA user_version = {version}")
            with pytest.raises(StoreError, match=why):
                async with open_reader(f"sqlite:{path}"):
                    pass

    async def test_nothing_can_be_written(self, tmp_path: Path) -> None:
        url = f"sqlite:{tmp_path / 'a?b#c%20.db'}"
        async with open_store(url) as store:
            await store.save(update(entry("a")))
        async with open_reader(url) as reader:
            with pytest.raises(StoreError, match="open for reading only"):
                await reader.record_run(report())  # type: ignore[attr-defined]
            assert await keys(reader.read_entries()) == ["a"]
        assert files(tmp_path) == ["a?b#c%20.db"]

    async def test_the_user_may_do_no_more_than_read(self, tmp_path: Path) -> None:
        async with open_store(f"sqlite:{tmp_path / 'store.db'}") as store:
            await store.save(update(entry("a")))
        (tmp_path / "store.db").chmod(0o444)

        async with open_reader(f"sqlite:{tmp_path / 'store.db'}") as reader:
            assert await keys(reader.read_entries()) == ["a"]


class TestInvalidRecords:
    """One clear line, as for everything that is wrong with a store."""

    async def test_in_mongodb(self, mongodb_url: str) -> None:
        async with open_store(mongodb_url) as store:
            with MongoClient[Any](mongodb_url) as client:
                client.get_default_database().entries.insert_one({"feed": FEED, "key": "k"})
                client.get_default_database().feeds.insert_one({"_id": FEED})
            for reading, why in (
                (store.read_entries(), f"entry 'k' of feed {FEED}: hash is missing"),
                (store.read_feeds(), f"feed {FEED}: url is missing"),
            ):
                with pytest.raises(StoreError) as caught:
                    await anext(reading)
                assert str(caught.value) == (
                    f"{mongodb_url} has an invalid record: {why}; correct or delete that record"
                )

    @pytest.mark.parametrize(
        ("table", "damage", "why"),
        [
            ("entries", "published = 'soon'", "published must be a date and time (ISO 8601)"),
            ("entries", "tags = 'none'", "tags must be a list of texts"),
            ("entries", "enclosures = '[{}]'", "enclosures: url is missing"),
            ("entries", "summary_type = 'xml'", "summary_type must be html or text"),
            ("feeds", "timers = '{'", "timers must be an object"),
            (
                "feeds",
                """timers = '{"every": -1}'""",
                "timers: every must be a whole number from 0 to 2147483647",
            ),
            ("feeds", "url = 'gopher://a.test'", "url must be an http or https URL"),
        ],
    )
    async def test_in_sqlite(self, tmp_path: Path, table: str, damage: str, why: str) -> None:
        url = f"sqlite:{tmp_path / 'store.db'}"
        async with open_store(url) as store:
            await store.save(update(entry("a")))
            with closing(sqlite3.connect(tmp_path / "store.db", isolation_level=None)) as db:
                db.execute(f"UPDATE {table} SET {damage}")
            reading = store.read_entries() if table == "entries" else store.read_feeds()
            what = f"entry 'a' of feed {FEED}" if table == "entries" else f"feed {FEED}"
            with pytest.raises(StoreError) as caught:
                await anext(reading)
            assert str(caught.value) == (
                f"{url} has an invalid record: {what}: {why}; correct or delete that record"
            )

    async def test_a_feed_whose_title_is_not_valid_leaves_its_entries_readable(self, tmp_path: Path) -> None:
        async with open_store(f"sqlite:{tmp_path / 'store.db'}") as store:
            await store.save(update(entry("a")))
            with closing(sqlite3.connect(tmp_path / "store.db", isolation_level=None)) as db:
                db.execute("UPDATE feeds SET title = x'ff'")
            found = await anext(store.read_entries())
        assert (found.feed_url, found.feed_title) == (update().state.url, None)
