"""Indexes, the schema version, and documents of older versions, which are changed once."""

from collections.abc import Iterator
from typing import Any

import pytest
import trio
from pymongo import MongoClient
from pymongo.database import Database

from trioscrape import EntryCounts, FeedTimers, StoreError, open_reader
from trioscrape._records.feed_state import FEED_STATE
from trioscrape._store import open_store
from trioscrape._store._mongo import schema
from trioscrape._store.records import ENTRY_FIELDS, SCHEMA_VERSION

from support.mongod import Mongod
from support.old_stores import fill_version_1, fill_version_2
from support.stores import FEED, entry, state, update


@pytest.fixture
def database(mongodb_url: str) -> Iterator[Database[Any]]:
    with MongoClient[Any](mongodb_url, tz_aware=True) as client:
        yield client.get_default_database()


async def test_the_indexes_are_made_once(mongodb_url: str, database: Database[Any]) -> None:
    for _ in range(2):
        async with open_store(mongodb_url):
            pass

    def indexes(collection: str) -> dict[Any, bool]:
        found = database[collection].index_information().values()
        return {tuple(index["key"]): index.get("unique", False) for index in found}

    assert indexes("entries") == {
        (("_id", 1),): False,
        (("feed", 1), ("key", 1)): True,
        (("feed", 1), ("published", -1)): False,
        (("last_changed", -1),): False,
    }
    assert indexes("feeds") == {(("_id", 1),): False, (("next_fetch", 1),): False}
    assert list(database.meta.find()) == [{"_id": "schema", "version": SCHEMA_VERSION}]


async def test_a_document_has_each_field(mongodb_url: str, database: Database[Any]) -> None:
    async with open_store(mongodb_url) as store:
        await store.save(update(entry()))

    assert {*database.feeds.find_one({})} == {*FEED_STATE.fields, "_id"} - {"feed_id"}  # type: ignore[misc]
    assert {*database.entries.find_one({})} == {*ENTRY_FIELDS, "_id"}  # type: ignore[misc]


def problems(database: Database[Any], feeds: int) -> list[str]:
    """What is not as version 3 has it."""
    found = []
    for each in database.feeds.find():
        number = int(each["_id"], 16)
        expected = {
            "validators_url": f"https://www.{number}.test/feed",
            "failure": ("connection-refused", "fetch-timeout", "http-404", None)[number % 4],
        }
        found += [f"{each['_id']}: {name}" for name, value in expected.items() if each.get(name) != value]
        found += ["found_at"] * ("found_at" in each)
    for each in database.entries.find():
        if (each["summary_type"], each.get("content_type")) != (
            "html" if each["key"] == "old" else "text",
            None,
        ):
            found.append(f"{each['feed']} {each['key']}")
    errors = [run["errors"] for run in database.runs.find({}, sort=[("_id", 1)])]
    renamed = {"connection-refused": 2, "http-404": 2, "fetch-timeout": 1}
    assert errors == [renamed if number % 2 else {"http-404": 1} for number in range(feeds)]
    return found


async def test_documents_of_version_1(mongodb_url: str, database: Database[Any]) -> None:
    fill_version_1(database)

    async with open_store(mongodb_url) as store:
        loaded = (await store.load([FEED]))[FEED]
        stored = {found.entry.key: found.entry async for found in store.read_entries()}
        counts = await store.save(update(entry("a"), entry("b", hash="other"), entry("c")))

    assert (loaded.title, loaded.etag, loaded.timers) == ("A", '"1"', FeedTimers(max_age=60, skip_days=(6,)))
    assert (loaded.hub, loaded.distrusts_ids, loaded.validators_url) == (None, False, None)
    assert stored["a"] == entry("a", content="<p>x</p>", content_type="html")
    assert stored["b"] == entry("b", summary="short", summary_type="html")
    assert counts == EntryCounts(1, 1, 1)
    assert list(database.meta.find()) == [{"_id": "schema", "version": SCHEMA_VERSION}]


async def test_documents_of_version_2(
    mongodb_url: str, database: Database[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In several steps, wherever they end; whatever ids other programs have put there."""
    monkeypatch.setattr(schema, "_BATCH", 7)
    fill_version_2(database, 30)
    database.entries.insert_many(
        [
            {"_id": odd, "feed": FEED, "key": str(odd), "summary_type": "text"}
            for odd in (*range(10), "a", "b")
        ]
    )
    database.entries.insert_many([{"_id": odd, "feed": FEED, "key": str(odd)} for odd in (True, False)])

    async with open_store(mongodb_url) as store:
        loaded = await store.load([f"{0:032x}"])

    database.entries.delete_many({"feed": FEED})
    assert problems(database, 30) == []
    assert loaded[f"{0:032x}"].failure == "connection-refused"
    assert list(database.meta.find()) == [{"_id": "schema", "version": SCHEMA_VERSION}]


async def test_a_migration_that_ends_half_way_is_finished_by_the_next_start(
    own_mongod: Mongod, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After each of its writes in turn. The version is the last thing that is written."""
    monkeypatch.setattr(schema, "_BATCH", 7)
    for writes in range(50):
        with MongoClient[Any](own_mongod.url) as client:
            client.drop_database("trioscrape")
            database = client.trioscrape
            fill_version_2(database, 16)
            own_mongod.fail("update", after=writes, errorCode=13)  # unauthorized
            try:
                async with open_store(own_mongod.url):
                    assert problems(database, 16) == []
                    break
            except StoreError:
                assert database.meta.find_one({"_id": "schema"}, {"_id": 0}) == {"version": 2}
            finally:
                own_mongod.heal()
            async with open_store(own_mongod.url):
                assert problems(database, 16) == []
            assert database.meta.find_one({"_id": "schema"}, {"_id": 0}) == {"version": SCHEMA_VERSION}
    assert writes > 8


async def test_a_migration_that_is_cancelled(
    mongodb_url: str, database: Database[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "_BATCH", 2)
    fill_version_2(database, 20)
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:

            async def cancel() -> None:
                while database.feeds.find_one({"validators_url": {"$exists": True}}) is None:
                    await trio.lowlevel.checkpoint()
                scope.cancel()

            nursery.start_soon(cancel)
            async with open_store(mongodb_url):
                pass
    assert scope.cancelled_caught

    async with open_store(mongodb_url):
        assert problems(database, 20) == []


async def test_several_programs_migrate_at_once(
    mongodb_url: str, database: Database[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first that is done saves feeds while the others go on."""
    monkeypatch.setattr(schema, "_BATCH", 3)
    fill_version_2(database, 16)

    async def open_and_save(number: int) -> None:
        async with open_store(mongodb_url) as store:
            await store.save(update(entry(), feed_id=f"{number:032x}", failure=None))

    async with trio.open_nursery() as nursery:
        for number in range(4):
            nursery.start_soon(open_and_save, number)

    saved = {f"{number:032x}" for number in range(4)}
    assert all(each[:32] in saved for each in problems(database, 16) if each[32:] == ": failure")
    async with open_store(mongodb_url) as store:
        loaded = await store.load(sorted(saved))
    assert loaded == {feed: state(feed, failure=None) for feed in saved}


async def test_a_reader_leaves_an_older_version_alone(mongodb_url: str, database: Database[Any]) -> None:
    fill_version_2(database)
    before = list(database.feeds.find())

    message = f"has schema version 2; the next run migrates it to {SCHEMA_VERSION}"
    with pytest.raises(StoreError, match=message):
        async with open_reader(mongodb_url):
            pass

    assert list(database.feeds.find()) == before
