"""Reading back: what every store gives, in which order, and what it takes from another one."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trio
from pymongo import MongoClient

from trioscrape import FeedState, FeedUpdate, StoredEntry, StoreError, UsageError, open_reader
from trioscrape._store import open_store, pages
from trioscrape._store._sqlite.read import page_of_entries
from trioscrape.testing import MemoryStore

from support.stores import FEED, FULL_ENTRY, OTHER, STORES, Opened, entry, report, state, update


@pytest.fixture(params=STORES)
async def opened(request: pytest.FixtureRequest) -> AsyncIterator[Opened]:
    async with STORES[request.param](request) as opened:
        yield opened


def moment(seconds: float) -> datetime:
    return datetime(2026, 11, 1, tzinfo=UTC) + timedelta(seconds=seconds)


def stored(key: str, feed: str = FEED, first: float = 0, changed: float = 0, **more: Any) -> StoredEntry:
    return StoredEntry(feed, entry(key, **more), moment(first), moment(changed))


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def keys(reading: AsyncIterator[StoredEntry]) -> list[str]:
    return [found.entry.key async for found in reading]


class TestEntries:
    async def test_come_back_as_they_were_saved(self, opened: Opened) -> None:
        before = datetime.now(UTC) - timedelta(milliseconds=1)
        await opened.store.save(update(FULL_ENTRY))

        [found] = [found async for found in opened.store.read_entries()]

        assert found.entry == FULL_ENTRY
        assert (found.feed_id, found.feed_url, found.feed_title) == (FEED, state().url, state().title)
        assert before <= found.first_seen == found.last_changed <= datetime.now(UTC)
        assert not found.truncated

    async def test_what_was_cut_says_so(self, opened: Opened) -> None:
        await opened.store.save(update(entry(title="x" * 100_000)))

        assert [found.truncated async for found in opened.store.read_entries()] == [True]

    async def test_a_change_is_a_later_moment_and_the_first_one_stays(self, opened: Opened) -> None:
        await opened.store.save(update(entry("a"), entry("b")))
        [first, _] = [found async for found in opened.store.read_entries(oldest_first=True)]
        while datetime.now(UTC) - first.last_changed < timedelta(milliseconds=2):
            await trio.lowlevel.checkpoint()
        await opened.store.save(update(entry("a", hash="other"), entry("b")))

        [latest, _] = [found async for found in opened.store.read_entries()]

        assert latest.entry == entry("a", hash="other")
        assert latest.first_seen == first.first_seen < latest.last_changed

    async def test_the_latest_first_or_the_oldest(self, opened: Opened) -> None:
        await opened.store.restore_entries(
            [stored("c", changed=1), stored("a", changed=2), stored("b", changed=1, feed=OTHER)]
        )

        assert await keys(opened.store.read_entries()) == ["a", "c", "b"]
        assert await keys(opened.store.read_entries(oldest_first=True)) == ["b", "c", "a"]

    async def test_of_a_feed_since_a_moment_and_so_many(self, opened: Opened) -> None:
        read = opened.store.read_entries
        await opened.store.restore_entries(
            [stored(f"{number}", FEED if number % 2 else OTHER, changed=number) for number in range(10)]
        )

        assert await keys(read(feed=FEED)) == ["9", "7", "5", "3", "1"]
        assert await keys(read(since=moment(7))) == ["9", "8", "7"]
        assert await keys(read(since=moment(7), oldest_first=True)) == ["7", "8", "9"]
        assert await keys(read(limit=2)) == ["9", "8"]
        assert await keys(read(feed=OTHER, since=moment(3), limit=2, oldest_first=True)) == ["4", "6"]
        assert await keys(read(limit=0)) == await keys(read(feed="0" * 31 + "1")) == []

    @pytest.mark.parametrize("oldest_first", [True, False])
    @pytest.mark.parametrize("moments", [1, 3, 41, 10**6])
    async def test_page_by_page(
        self, opened: Opened, monkeypatch: pytest.MonkeyPatch, moments: int, oldest_first: bool
    ) -> None:
        """Each once and in order, wherever pages end: few large moments, many small ones."""
        monkeypatch.setattr(pages, "PAGE", 7)
        monkeypatch.setattr(pages, "PAGE_BYTES", 2000)
        everything = [
            stored(
                f"{number * 7919 % 100:02}",
                f"{number // 100:032x}",
                changed=number * 31 % moments,
                content="x" * (5000 if number % 13 == 0 else 10),
            )
            for number in range(200)
        ]
        await opened.store.restore_entries(everything)

        found = [each async for each in opened.store.read_entries(oldest_first=oldest_first)]

        assert found == sorted(everything, key=pages.position, reverse=not oldest_first)

    async def test_a_page_ends_when_it_has_much_text(
        self, opened: Opened, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pages, "PAGE_BYTES", 2500)
        await opened.store.restore_entries(
            [stored(str(number), changed=number, content="x" * 1000) for number in range(9)]
        )

        page = await opened.store._page_of_entries(pages.Wanted(), None, 100)  # type: ignore[attr-defined]

        assert 1 <= len(page) <= 3

    async def test_while_others_write(self, opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
        """From the oldest on nothing is missed: what came before the end is there."""
        monkeypatch.setattr(pages, "PAGE", 3)
        await opened.store.restore_entries([stored(str(number), changed=number) for number in range(10)])
        found = []
        async for each in opened.store.read_entries(oldest_first=True):
            found.append(each.entry.key)
            if each.entry.key == "4":
                await opened.store.save(update(entry("new"), entry("8", hash="other")))

        assert set(found) == {*map(str, range(10)), "new"}
        assert found[-1] in ("new", "8")

    async def test_an_iteration_may_be_left_anywhere(self, opened: Opened) -> None:
        await opened.store.save(update(*(entry(str(number)) for number in range(600))))
        for count in (1, 500, 501):
            seen = 0
            async for _ in opened.store.read_entries():
                seen += 1
                if seen == count:
                    break

        assert len(await keys(opened.store.read_entries())) == 600

    async def test_each_record_is_a_checkpoint(self, opened: Opened) -> None:
        await opened.store.save(update(entry("a"), entry("b")))
        seen = 0
        with trio.CancelScope() as scope:
            async for _ in opened.store.read_entries():
                seen += 1
                scope.cancel()

        assert scope.cancelled_caught
        assert seen == 1

    async def test_wishes_that_make_no_sense(self, opened: Opened) -> None:
        with pytest.raises(UsageError, match="time zone"):
            opened.store.read_entries(since=datetime(2026, 11, 1))
        with pytest.raises(UsageError, match="negative"):
            opened.store.read_entries(limit=-1)


class TestFeeds:
    async def test_in_the_order_of_their_ids(self, opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pages, "PAGE", 3)
        ids = [f"{number * 7919 % 100:032x}" for number in range(10)]
        for feed_id in ids:
            await opened.store.save(FeedUpdate(state(feed_id), ()))

        found = [each async for each in opened.store.read_feeds()]

        assert found == [state(feed_id) for feed_id in sorted(ids)]


class TestRestoring:
    async def test_entries_with_their_times(self, opened: Opened) -> None:
        full = StoredEntry(FEED, FULL_ENTRY, moment(1), moment(2), truncated=True)

        assert await opened.store.restore_entries([full]) == 1

        assert [found async for found in opened.store.read_entries()] == [full]

    async def test_the_same_again_writes_nothing(self, opened: Opened) -> None:
        entries = [stored(str(number), changed=number) for number in range(1000)]
        await opened.store.restore_entries(entries)
        await opened.store.restore_feeds([state()])
        before = opened.writes()

        assert await opened.store.restore_entries(entries) == 0
        assert await opened.store.restore_feeds([state()]) == 0
        assert opened.writes() == before

    async def test_the_later_change_wins_and_the_earlier_beginning(self, opened: Opened) -> None:
        store = opened.store
        await store.restore_entries([stored("a", first=5, changed=5, title="old")])
        assert await store.restore_entries([stored("a", first=7, changed=7, title="new")]) == 1
        assert await store.restore_entries([stored("a", first=1, changed=6, title="between")]) == 0

        expected = replace(stored("a", first=5, changed=7, title="new"))
        assert [found async for found in store.read_entries()] == [expected]

    async def test_of_one_entry_twice_the_later_one(self, opened: Opened) -> None:
        twice = [stored("a", changed=2, title="new"), stored("a", changed=1, title="old")]
        await opened.store.restore_entries(twice)

        assert [found.entry.title async for found in opened.store.read_entries()] == ["new"]

    async def test_a_known_feed_stays_as_it_is(self, opened: Opened) -> None:
        await opened.store.save(FeedUpdate(state(), ()))

        assert await opened.store.restore_feeds([state(etag="old"), state(OTHER)]) == 1
        assert await opened.store.load([FEED, OTHER]) == {FEED: state(), OTHER: state(OTHER)}

    async def test_odd_values_are_cleaned_as_in_a_save(self, opened: Opened) -> None:
        odd = stored("k\ud83d", title="a\ud83d", content="x" * 10_000_000)
        await opened.store.restore_entries([odd])
        await opened.store.restore_feeds([FeedState(FEED, "https://a.test/", title="\udfff")])

        [found] = [found async for found in opened.store.read_entries()]
        assert found.entry.key == "k\N{REPLACEMENT CHARACTER}"
        assert found.entry.title == "a\N{REPLACEMENT CHARACTER}"
        assert found.truncated
        assert found.feed_title == "\N{REPLACEMENT CHARACTER}"

    async def test_a_scrape_goes_on_from_there(self, opened: Opened) -> None:
        await opened.store.restore_entries([stored("a", changed=-1000)])
        await opened.store.restore_feeds([state()])

        counts = await opened.store.save(update(entry("a"), entry("b")))

        assert (counts.new, counts.changed, counts.unchanged) == (1, 0, 1)

    async def test_nothing_is_nothing(self, opened: Opened) -> None:
        assert await opened.store.restore_entries([]) == await opened.store.restore_feeds([]) == 0


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
        with pytest.raises(StoreError, match=r"there is no such file|has no feeds in it") as caught:
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
        for name, why in (("empty", "has no feeds in it"), ("other", "another program")):
            with pytest.raises(StoreError, match=why):
                async with open_reader(f"sqlite:{tmp_path / name}.db"):
                    pass

    async def test_another_version(self, tmp_path: Path) -> None:
        for version, why in ((1, "has schema version 1; the next run"), (99, "this trioscrape knows up to")):
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
            with pytest.raises(StoreError, match="readonly"):
                await reader.record_run(report())  # type: ignore[attr-defined]
            assert await keys(reader.read_entries()) == ["a"]
        assert files(tmp_path) == ["a?b#c%20.db"]

    async def test_the_user_may_do_no_more_than_read(self, tmp_path: Path) -> None:
        async with open_store(f"sqlite:{tmp_path / 'store.db'}") as store:
            await store.save(update(entry("a")))
        (tmp_path / "store.db").chmod(0o444)

        async with open_reader(f"sqlite:{tmp_path / 'store.db'}") as reader:
            assert await keys(reader.read_entries()) == ["a"]


class TestRecordsOfOthers:
    """One clear line, as for everything that is wrong with a store."""

    async def test_in_mongodb(self, mongodb_url: str) -> None:
        async with open_store(mongodb_url) as store:
            with MongoClient[Any](mongodb_url) as client:
                client.get_default_database().entries.insert_one({"feed": FEED, "key": "k"})
                client.get_default_database().feeds.insert_one({"_id": FEED})
            for reading in (store.read_entries(), store.read_feeds()):
                with pytest.raises(StoreError, match="none of trioscrape's"):
                    await anext(reading)

    async def test_in_sqlite(self, tmp_path: Path) -> None:
        async with open_store(f"sqlite:{tmp_path / 'store.db'}") as store:
            await store.save(update(entry("a")))
            with closing(sqlite3.connect(tmp_path / "store.db", isolation_level=None)) as db:
                db.execute("UPDATE entries SET published = 'soon', tags = 'none'")
                db.execute("UPDATE feeds SET timers = '{'")
            for reading in (store.read_entries(), store.read_feeds()):
                with pytest.raises(StoreError, match="none of trioscrape's"):
                    await anext(reading)


class TestPlans:
    """Whoever reads what is new must not pay for what is old."""

    async def test_mongodb_looks_at_no_more_than_it_gives(self, mongodb_url: str) -> None:
        async with open_store(mongodb_url) as store:
            await store.restore_entries([stored(str(n), changed=n // 10) for n in range(3000)])
            with MongoClient[Any](mongodb_url) as client:
                database = client.get_default_database()
                database.command("profile", 2)
                for oldest_first in (True, False):
                    await keys(store.read_entries(since=moment(240), oldest_first=oldest_first))
                database.command("profile", 0)
                finds = list(database.system.profile.find({"ns": {"$regex": "entries$"}, "op": "query"}))

        assert len(finds) >= 4
        assert not any(find.get("hasSortStage") and find["docsExamined"] > 20 for find in finds)
        assert sum(find["docsExamined"] for find in finds) < 2 * 600 * 1.2

    async def test_sqlite_goes_along_the_index(self, tmp_path: Path) -> None:
        async with open_store(f"sqlite:{tmp_path / 'store.db'}"):
            pass
        statements: list[str] = []
        with closing(sqlite3.connect(tmp_path / "store.db")) as db:
            db.set_trace_callback(statements.append)
            for oldest_first in (True, False):
                wanted = pages.Wanted(since=moment(0), oldest_first=oldest_first)
                page_of_entries(db, wanted, stored("a", changed=1), 5)
            db.set_trace_callback(None)
            for statement in statements:
                plan = str(db.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall())
                assert "SEARCH e USING INDEX entries_by_change (last_changed" in plan
                assert "FOR ORDER BY" not in plan


async def test_a_million_in_the_memory_of_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """No page is asked for before the one before it is used up."""
    store = MemoryStore()
    await store.restore_entries([stored(str(number), changed=number) for number in range(20)])
    monkeypatch.setattr(pages, "PAGE", 5)
    read_pages = 0
    read = store._page_of_entries

    async def counted(*args: Any) -> Any:
        nonlocal read_pages
        read_pages += 1
        return await read(*args)

    monkeypatch.setattr(store, "_page_of_entries", counted)
    asked = [read_pages async for _ in store.read_entries()]

    assert asked == [1] * 5 + [2] * 5 + [3] * 5 + [4] * 5
