"""What is there when a store is opened: nothing, a store, data of another program, or something broken."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from bson import Decimal128, Int64
from pymongo import MongoClient
from pymongo.database import Database

from trioscrape import EntryCounts, StoreError, UsageError, open_reader
from trioscrape._cli.command import main
from trioscrape._store import check_store_url, open_store
from trioscrape._store._mongo.schema import INDEXES, prepare
from trioscrape._store.records import SCHEMA_VERSION

from support.mongod import Mongod
from support.stores import FEED, entry, update


@pytest.fixture
def database(mongodb_url: str) -> Iterator[Database[Any]]:
    with MongoClient[Any](mongodb_url) as client:
        yield client.get_default_database()


async def open_both(url: str, words: str) -> None:
    """Neither a run nor a reader can use it, and both say why on one line."""
    for opening in (open_store(url), open_reader(url)):
        with pytest.raises(StoreError, match=words) as caught:
            async with opening:
                pass
        assert "\n" not in str(caught.value)
        assert str(caught.value).startswith(url)


class TestMongoDB:
    @pytest.mark.parametrize("name", ["feeds", "entries", "runs", "meta"])
    async def test_the_database_of_another_program(
        self, mongodb_url: str, database: Database[Any], name: str
    ) -> None:
        """Nothing is changed in it."""
        database[name].insert_one({"_id": 1, "amount": 5})

        await open_both(mongodb_url, "is a database of another program$")

        assert database.list_collection_names() == [name]
        assert [index["name"] for index in database[name].list_indexes()] == ["_id_"]
        assert list(database[name].find()) == [{"_id": 1, "amount": 5}]

    async def test_other_collections_are_no_matter(self, mongodb_url: str, database: Database[Any]) -> None:
        database.users.insert_one({"name": "Ann"})
        async with open_store(mongodb_url) as store:
            assert await store.save(update(entry())) == EntryCounts(new=1)

    @pytest.mark.parametrize("steps", range(4))
    async def test_a_start_that_broke_off(
        self, mongodb_url: str, database: Database[Any], steps: int
    ) -> None:
        """The version is the last thing that is written, and empty collections are nobody's."""
        for name in ["meta", "entries", "feeds"][:steps]:
            database.create_collection(name)
            if name in INDEXES:
                database[name].create_indexes(INDEXES[name][:1])

        async with open_store(mongodb_url) as store:
            await store.save(update(entry()))

        assert len(list(database.entries.list_indexes())) == 4
        assert list(database.meta.find()) == [{"_id": "schema", "version": SCHEMA_VERSION}]

    async def test_the_version_is_written_last(self, own_mongod: Mongod) -> None:
        """A database that has documents but no version can't come from a start that broke off."""
        own_mongod.fail("insert", errorCode=8000)
        with pytest.raises(StoreError):
            async with open_store(own_mongod.url):
                pass
        own_mongod.heal()
        with MongoClient[Any](own_mongod.url) as client:
            assert sorted(client.trioscrape.list_collection_names()) == ["entries", "feeds"]
            assert len(list(client.trioscrape.entries.list_indexes())) == 4
        async with open_store(own_mongod.url) as store:
            await store.save(update(entry()))

    @pytest.mark.parametrize(
        "version", [None, "5", 0, -1, 1.5, float("nan"), float("inf"), True, [5], {}, Decimal128("5"), b"5"]
    )
    async def test_a_version_that_is_none(
        self, mongodb_url: str, database: Database[Any], version: object
    ) -> None:
        database.meta.insert_one({"_id": "schema", "version": version})
        await open_both(mongodb_url, f"has no valid schema version: .* from 1 to {SCHEMA_VERSION}$")
        assert database.list_collection_names() == ["meta"]

    async def test_a_version_that_is_missing(self, mongodb_url: str, database: Database[Any]) -> None:
        database.meta.insert_one({"_id": "schema"})
        await open_both(mongodb_url, "has no valid schema version")

    @pytest.mark.parametrize("version", [SCHEMA_VERSION + 1, Int64(2**40), float(SCHEMA_VERSION + 1)])
    async def test_a_version_that_is_newer(
        self, mongodb_url: str, database: Database[Any], version: object
    ) -> None:
        database.meta.insert_one({"_id": "schema", "version": version})
        await open_both(mongodb_url, "install a newer trioscrape$")

    @pytest.mark.parametrize("version", [float(SCHEMA_VERSION), Int64(SCHEMA_VERSION)])
    async def test_a_version_as_the_shell_writes_it(
        self, mongodb_url: str, database: Database[Any], version: object
    ) -> None:
        database.meta.insert_one({"_id": "schema", "version": version})
        async with open_store(mongodb_url) as store:
            await store.save(update(entry()))

    def test_two_that_create_it_at_once(
        self, database: Database[Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One has found no version yet, and then finds what the other one has stored meanwhile."""
        from trioscrape._store._mongo import schema

        recorded = schema._recorded_version
        calls = []

        def late(database: Database[Any]) -> int | None:
            found = recorded(database)
            if not calls:
                database.meta.insert_one({"_id": "schema", "version": SCHEMA_VERSION})
                database.feeds.insert_one({"_id": FEED})
            calls.append(found)
            return found

        monkeypatch.setattr(schema, "_recorded_version", late)
        assert prepare(database) == SCHEMA_VERSION
        assert calls == [None, SCHEMA_VERSION]

    @pytest.mark.parametrize("name", ["admin", "local", "config"])
    @pytest.mark.parametrize("scheme", ["mongodb://", "mongodb+srv://"])
    def test_databases_of_mongodb_itself(self, scheme: str, name: str) -> None:
        with pytest.raises(UsageError, match=f"'{name}' is a database of MongoDB itself"):
            check_store_url(f"{scheme}me:pw@a.test/{name}?appName=x")

    def test_the_command_says_so_too(self, capfd: pytest.CaptureFixture[str]) -> None:
        assert main(["http://a.test/", "--store", "mongodb://127.0.0.1/admin"]) == 2
        assert capfd.readouterr().err.count("\n") == 1


class TestAUserWhoMayNotCreateIndexes:
    @pytest.fixture
    def url(self, guarded_mongod: Mongod) -> str:
        """That of a user who may only read and write documents, and look at indexes."""
        actions = ["find", "insert", "update", "remove", "listIndexes", "listCollections"]
        privilege = {"resource": {"db": "news", "collection": ""}, "actions": actions}
        with MongoClient[Any](guarded_mongod.url, username="root", password="pw") as client:
            client.news.command("createRole", "writer", privileges=[privilege], roles=[])
            client.news.command("createUser", "writer", pwd="pw", roles=["writer"])
        return guarded_mongod.url.replace("://", "://writer:pw@") + "/news"

    async def test_may_run_when_they_are_there(self, guarded_mongod: Mongod, url: str) -> None:
        root = guarded_mongod.url.replace("://", "://root:pw@") + "/news?authSource=admin"
        async with open_store(root):
            pass

        async with open_store(url) as store:
            assert await store.save(update(entry())) == EntryCounts(new=1)
            assert await store.forget([FEED]) == 1

    async def test_may_run_when_an_administrator_has_made_them_alone(
        self, guarded_mongod: Mongod, url: str
    ) -> None:
        """Under names of their own."""
        with MongoClient[Any](guarded_mongod.url, username="root", password="pw") as client:
            for name, indexes in INDEXES.items():
                for number, index in enumerate(indexes):
                    keys, unique = list(index.document["key"].items()), index.document.get("unique", False)
                    client.news[name].create_index(keys, name=f"own_{number}", unique=unique)

        async with open_store(url) as store:
            assert await store.save(update(entry())) == EntryCounts(new=1)

    async def test_is_told_so_when_they_are_not(self, guarded_mongod: Mongod, url: str) -> None:
        with pytest.raises(
            StoreError, match=r"/news: not authorized on news to execute .*createIndexes"
        ) as caught:
            async with open_store(url):
                pass
        assert "\n" not in str(caught.value)
        assert "pw@" not in str(caught.value)

    async def test_an_index_that_is_not_unique_does_not_do(self, guarded_mongod: Mongod, url: str) -> None:
        with MongoClient[Any](guarded_mongod.url, username="root", password="pw") as client:
            client.news.entries.create_index([("feed", 1), ("key", 1)])
        with pytest.raises(StoreError, match="not authorized"):
            async with open_store(url):
                pass


class TestSQLite:
    @pytest.mark.parametrize(
        ("version", "tables", "words"),
        [
            (-1, (), "has no valid schema version: its user_version is -1$"),
            (-(2**31), ("feeds", "entries", "runs"), "has no valid schema version"),
            (3, (), "has a schema version, 3, but no tables$"),
            (SCHEMA_VERSION, ("moz_places",), "is a database of another program$"),
            (77, ("moz_places",), "is a database of another program$"),
            (2**31 - 1, ("feeds", "entries", "runs"), "install a newer trioscrape$"),
            (0, ("feeds", "entries", "runs"), "is a database of another program$"),
        ],
    )
    async def test_a_file_that_is_no_store(
        self, tmp_path: Path, version: int, tables: tuple[str, ...], words: str
    ) -> None:
        path = tmp_path / "other.db"
        with closing(sqlite3.connect(path)) as db:
            db.execute(f"PRAGMA user_version = {version}")
            for table in tables:
                db.execute(f"CREATE TABLE {table} (amount)")
        before = path.read_bytes()

        await open_both(f"sqlite:{path}", words)

        assert path.read_bytes() == before
