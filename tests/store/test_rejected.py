"""What a store does not accept: it costs its own feed, whole, and no other; in SQLite and MongoDB alike."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from pymongo import MongoClient

from trioscrape import EntryCounts, FeedUpdate, StoreError, StoreRejected, StoreUnavailable
from trioscrape._store import Store, open_store

from support.stores import FEED, STORES, Opened, entry, keys, report, stored, update


@pytest.fixture(params=["sqlite", "mongo"])
async def opened(request: pytest.FixtureRequest) -> AsyncIterator[Opened]:
    async with STORES[request.param](request) as opened:
        yield opened


async def outcomes_of(store: Store, updates: list[FeedUpdate]) -> list[EntryCounts | StoreError]:
    """Of saves that are made at once, and so are merged."""
    found: list[Any] = [None] * len(updates)

    async def save(place: int, one: FeedUpdate) -> None:
        try:
            found[place] = await store.save(one)
        except StoreError as error:
            found[place] = error

    async with trio.open_nursery() as nursery:
        for place, one in enumerate(updates):
            nursery.start_soon(save, place, one)
    return found


def feed_id(number: int) -> str:
    return f"{number:032x}"


class TestOneOfMany:
    @pytest.mark.parametrize("place", [0, 6, 19])
    async def test_an_entry_of_one_feed(self, opened: Opened, place: int) -> None:
        """Of that feed nothing stays, and all others are stored."""
        opened.reject("entries", "title", "bad")
        updates = [update(*map(entry, "ab"), feed_id=feed_id(number)) for number in range(30)]
        bad = [entry(f"{n:02}", title="bad" if n == place else "good") for n in range(20)]
        updates[17] = update(*bad, feed_id=FEED)

        found = await outcomes_of(opened.store, updates)

        assert isinstance(rejected := found.pop(17), StoreRejected)
        assert str(rejected).startswith(f"{opened.store.redacted_url}: ")
        assert opened.said in str(rejected)
        assert set(found) == {EntryCounts(new=2)}
        assert await opened.entries(FEED) == {}
        assert len(await opened.store.load([feed_id(n) for n in range(30)])) == 29
        assert await opened.store.load([FEED]) == {}

    async def test_the_state_of_one_feed(self, opened: Opened) -> None:
        """Its entries are not there without it."""
        opened.reject("feeds", "title", "bad")
        updates = [update(entry("a"), feed_id=feed_id(number)) for number in range(9)]
        updates[4] = update(entry("a"), entry("b"), title="bad")

        found = await outcomes_of(opened.store, updates)

        assert [place for place, each in enumerate(found) if isinstance(each, StoreRejected)] == [4]
        assert await opened.entries(FEED) == {}

    async def test_of_a_known_feed_what_was_stored_stays(self, opened: Opened) -> None:
        await opened.store.save(update(entry("a"), entry("b")))
        before = await opened.store.load([FEED])
        opened.reject("entries", "title", "bad")

        with pytest.raises(StoreRejected):
            await opened.store.save(
                update(entry("a"), entry("b"), entry("c"), entry("d", title="bad"), etag='"2"')
            )

        assert set(await opened.entries(FEED)) == {"a", "b"}
        assert await opened.store.load([FEED]) == before

    async def test_a_changed_entry(self, opened: Opened) -> None:
        await opened.store.save(update(entry("a"), entry("b")))
        opened.reject("entries", "title", "bad")

        with pytest.raises(StoreRejected):
            await opened.store.save(update(entry("a", hash="2", title="bad"), entry("c"), etag='"2"'))

        assert await opened.entries(FEED) == {"a": entry("a"), "b": entry("b")}
        assert (await opened.store.load([FEED]))[FEED].etag == '"1"'

    async def test_a_unique_index_of_somebody_else(self, opened: Opened) -> None:
        opened.demand_unique("entries", "link")
        updates = [
            update(entry("a", link="http://a.test/1"), entry("b"), feed_id=feed_id(number))
            for number in (1, 2)
        ]

        found = await outcomes_of(opened.store, updates)

        [first] = [number for number, each in enumerate(found, 1) if each == EntryCounts(new=2)]
        assert isinstance(found[2 - first], StoreRejected)
        assert await opened.entries(feed_id(3 - first)) == {}

    async def test_when_the_rule_is_gone_it_is_stored(self, opened: Opened) -> None:
        opened.reject("entries", "title", "bad")
        same = update(entry("a"), entry("b", title="bad"))
        with pytest.raises(StoreRejected):
            await opened.store.save(same)
        opened.reject("entries", "title", "another")

        assert await opened.store.save(same) == EntryCounts(new=2)

    async def test_a_run(self, opened: Opened) -> None:
        opened.reject("runs", "feeds", 500)
        with pytest.raises(StoreRejected):
            await opened.store.record_run(report())

    async def test_restored_entries_and_feeds(self, opened: Opened) -> None:
        """Of those that are new none is written: whoever restores them tries them one by one."""
        opened.reject("entries", "title", "bad")
        opened.reject("feeds", "title", "bad")
        some = [stored("a"), stored("b", title="bad"), stored("c")]
        with pytest.raises(StoreRejected):
            await opened.store.restore_entries(some)
        assert await keys(opened.store.read_entries()) == []
        assert await opened.store.restore_entries([some[0], some[2]]) == 2

        states = [update(feed_id=feed_id(n), title="bad" if n == 2 else "good").state for n in range(4)]
        with pytest.raises(StoreRejected):
            await opened.store.restore_feeds(states)
        assert [each async for each in opened.store.read_feeds()] == []
        assert await opened.store.restore_feeds([states[0], states[3]]) == 2


@given(
    documents=st.lists(st.lists(st.sampled_from(["good", "bad"]), max_size=4), min_size=1, max_size=40),
    known=st.sets(st.integers(0, 39)),
)
@settings(max_examples=max(settings().max_examples // 4, 5))
@pytest.mark.parametrize("kind", ["ABORT", "FAIL", "ROLLBACK"])
def test_any_documents_of_any_batches_in_sqlite(
    kind: str, documents: list[list[str]], known: set[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("any") / "store.db"
    trio.run(save_any, f"sqlite:{path}", documents, known, lambda: trigger(path, kind))


def trigger(path: Path, kind: str) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute(
            "CREATE TRIGGER own BEFORE INSERT ON entries WHEN new.title = 'bad'"
            f" BEGIN SELECT RAISE({kind}, 'no bad ones'); END"
        )


@given(
    documents=st.lists(st.lists(st.sampled_from(["good", "bad"]), max_size=4), min_size=1, max_size=40),
    known=st.sets(st.integers(0, 39)),
)
@settings(max_examples=max(settings().max_examples // 10, 5))
def test_any_documents_of_any_batches_in_mongodb(
    mongod_url: str, documents: list[list[str]], known: set[int]
) -> None:
    with MongoClient[Any](mongod_url) as client:
        database = client.get_database("trioscrape_test_rejected")
        client.drop_database(database)

        def validate() -> None:
            database.command("collMod", "entries", validator={"title": {"$ne": "bad"}})

        try:
            trio.run(save_any, f"{mongod_url}/{database.name}", documents, known, validate)
        finally:
            client.drop_database(database)


async def save_any(url: str, documents: list[list[str]], known: set[int], guard: Any) -> None:
    """Each feed is stored as a whole, or nothing of its document is."""
    async with open_store(url) as store:
        for number in known & set(range(len(documents))):
            await store.save(update(entry("before"), feed_id=feed_id(number), etag="before"))
        guard()
        updates = [
            update(*(entry(str(n), title=title) for n, title in enumerate(titles)), feed_id=feed_id(number))
            for number, titles in enumerate(documents)
        ]
        found = await outcomes_of(store, updates)
        states = await store.load([feed_id(number) for number in range(len(documents))])
        for number, titles in enumerate(documents):
            before = ["before"] if number in known else []
            held = sorted(await keys(store.read_entries(feed=feed_id(number))))
            if "bad" in titles:
                assert isinstance(found[number], StoreRejected)
                assert held == before
                assert [state.etag for state in (states.get(feed_id(number)),) if state] == before
            else:
                assert found[number] == EntryCounts(new=len(titles))
                assert held == sorted([*map(str, range(len(titles))), *before])
                assert states[feed_id(number)].etag == '"1"'


class TestSqlite:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "news.db"

    async def test_an_index_that_can_not_be_computed(self, path: Path) -> None:
        """What goes wrong in an expression is a general error to SQLite."""
        async with open_store(f"sqlite:{path}") as store:
            with closing(sqlite3.connect(path)) as db:
                db.execute("CREATE INDEX own ON entries (json_extract(comments, '$.a'))")
            updates = [update(entry("a"), feed_id=feed_id(1)), update(entry("a", comments="no JSON"))]
            first, second = await outcomes_of(store, updates)

        assert first == EntryCounts(new=1)
        assert isinstance(second, StoreRejected)
        assert str(second) == f"sqlite:{path}: malformed JSON"

    async def test_a_disk_that_is_full_is_no_rejection(self, path: Path) -> None:
        async with open_store(f"sqlite:{path}") as store:
            connection: sqlite3.Connection = store._connection  # type: ignore[attr-defined]
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count = {pages}")
            with pytest.raises(StoreUnavailable, match="full"):
                await store.save(update(*(entry(str(n), content="x" * 9999) for n in range(9))))


class TestMongoDB:
    async def test_entries_whose_feed_or_key_is_a_list(self, mongodb_url: str) -> None:
        """A query for a value finds lists with that value in them, and so does the unique index."""
        async with open_store(mongodb_url) as store:
            with MongoClient[Any](mongodb_url) as client:
                entries = client.get_default_database().entries
                entries.insert_many([{"feed": FEED, "key": ["a"]}, {"feed": [feed_id(1)], "key": "a"}])
                updates = [update(entry("a"), feed_id=each) for each in (FEED, feed_id(1), feed_id(2))]
                for count in EntryCounts(new=1), EntryCounts(unchanged=1):
                    first, second, third = await outcomes_of(store, updates)
                    assert isinstance(first, StoreRejected)
                    assert isinstance(second, StoreRejected)
                    assert third == count
                written = await store.restore_entries([stored("b", feed=FEED), stored("b", feed=feed_id(1))])
                assert written == 2

    async def test_an_entry_without_a_feed_is_an_invalid_record(self, mongodb_url: str) -> None:
        async with open_store(mongodb_url) as store:
            await store.restore_entries([stored("a")])
            with MongoClient[Any](mongodb_url) as client:
                client.get_default_database().entries.update_one({}, {"$unset": {"feed": ""}})
            with pytest.raises(StoreError, match="invalid record: entry 'a' of feed None: feed_id must be"):
                await keys(store.read_entries())
