"""Imports and copies of what strangers have written: checked as if it came from a feed, unless trusted."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trio
from pymongo import MongoClient

from trioscrape import StoredEntry, feed_id, open_store
from trioscrape._cli.command import main
from trioscrape._cli.jsonl import line_of
from trioscrape._cli.restore import REJECTED, SHOWN, Transferred, restoring
from trioscrape.testing import MemoryStore

from support.command_line import Site
from support.stores import FEED, OTHER, entry, state, stored
from support.transfers import moment

Capture = pytest.CaptureFixture[str]

SOURCE, TARGET = "sqlite:source.db", "sqlite:target.db"
YEARS = timedelta(days=2000)

EVIL = StoredEntry(
    FEED,
    entry(
        "k\0",
        content="<script>alert(1)</script><p onclick=x>y</p>",
        content_type="html",
        link="javascript:alert(1)",
        title="a\nb",
    ),
    datetime.now(UTC).replace(microsecond=0) + YEARS,
    datetime.now(UTC).replace(microsecond=0) + YEARS,
)
EVIL_STATE = state(
    link="javascript:alert(1)",
    failure="\x1b[2J",
    next_fetch=datetime.now(UTC).replace(microsecond=0) + YEARS,
    gone=None,
)


def exported(url: str, capfd: Capture) -> tuple[dict[str, Any], dict[str, Any]]:
    """The feed and the entry of a store that has one each."""
    capfd.readouterr()
    assert main(["export", "--all", "--store", url]) == 0
    feed, found = map(json.loads, capfd.readouterr().out.splitlines())
    return feed, found


def by_import(*options: str) -> int:
    Path("x.jsonl").write_text(line_of(EVIL_STATE) + line_of(EVIL))
    return main(["import", "x.jsonl", "--store", TARGET, *options])


def by_copy(*options: str) -> int:
    async def fill() -> None:
        async with open_store(SOURCE) as store:
            await store.restore_entries([EVIL])
            await store.restore_feeds([EVIL_STATE])

    trio.run(fill)
    return main(["copy", SOURCE, TARGET, *options])


@pytest.mark.parametrize("transfer", [by_import, by_copy])
class TestATransfer:
    def test_is_checked(self, transfer: Callable[..., int], capfd: Capture) -> None:
        assert transfer() == 0

        feed, found = exported(TARGET, capfd)
        assert (found["key"], found["link"], found["title"]) == ("k\ufffd", None, "a b")
        assert (found["content"], found["content_type"]) == ("<p>y</p>", "html")
        assert datetime.fromisoformat(found["last_changed"]) <= datetime.now(UTC)
        assert datetime.fromisoformat(found["first_seen"]) <= datetime.now(UTC)
        assert (feed["link"], feed["failure"], feed["next_fetch"]) == (None, None, None)
        assert (feed["etag"], feed["url"]) == (EVIL_STATE.etag, EVIL_STATE.url)

    def test_is_not_when_it_is_trusted(self, transfer: Callable[..., int], capfd: Capture) -> None:
        assert transfer("--trusted") == 0

        feed, found = exported(TARGET, capfd)
        assert json.loads(line_of(replace(EVIL, feed_url=feed["url"], feed_title=feed["title"]))) == found
        assert json.loads(line_of(EVIL_STATE)) == feed


def test_validators_that_no_header_can_have_are_left_out_even_of_a_trusted_file(capfd: Capture) -> None:
    line = line_of(state()).replace(json.dumps(state().etag), json.dumps('"a\r\nCookie: b"'))
    Path("x.jsonl").write_text(line + line_of(stored("a")))
    assert main(["import", "x.jsonl", "--store", TARGET, "--trusted"]) == 0

    assert exported(TARGET, capfd)[0]["etag"] is None


class TestWhatTheStoreRejects:
    @pytest.fixture
    def strict(self, own_folder: None) -> None:
        """A store that does not accept some titles."""

        async def create() -> None:
            async with open_store(TARGET):
                pass

        trio.run(create)
        with closing(sqlite3.connect("target.db")) as db:
            for table in "entries", "feeds":
                db.execute(
                    f"CREATE TRIGGER own_{table} BEFORE INSERT ON {table} WHEN new.title LIKE 'bad%'"
                    " BEGIN SELECT RAISE(ABORT, 'not in this house'); END"
                )

    def test_is_named_and_the_rest_is_stored(self, strict: None, capfd: Capture) -> None:
        """The feed of such an entry is fetched whole by the next run."""
        records = [
            state(),
            state(OTHER),
            state("a" * 32, title="bad"),
            *(stored(f"{n:03}") for n in range(700)),
            stored("x\x1b[31m", title="bad"),
            stored("y", OTHER),
        ]
        Path("x.jsonl").write_text("".join(map(line_of, records)))

        assert main(["import", "x.jsonl", "--store", TARGET]) == 1

        out, err = capfd.readouterr()
        assert out == (
            f"read 702 entries and 3 feeds, wrote 701 entries and 2 feeds to {TARGET};"
            " the store rejected 2 records\n"
        )
        said = [line for line in err.splitlines() if line.startswith("not stored: ")]
        assert said == [
            f"not stored: entry 'x\\x1b[31m' of feed {FEED}: {TARGET}: not in this house",
            f"not stored: feed {'a' * 32}: {TARGET}: not in this house",
        ]
        assert main(["export", "--feeds", "--store", TARGET]) == 0
        feeds = {each["feed_id"]: each for each in map(json.loads, capfd.readouterr().out.splitlines())}
        assert (feeds[FEED]["etag"], feeds[FEED]["body_hash"]) == (None, None)
        assert feeds[OTHER]["etag"] == state().etag

    def test_a_copy_goes_on_too(self, strict: None, capfd: Capture) -> None:
        async def fill() -> None:
            async with open_store(SOURCE) as store:
                await store.restore_entries([stored("a"), stored("b", title="bad")])
                await store.restore_feeds([state()])

        trio.run(fill)
        assert main(["copy", SOURCE, TARGET, "--json"]) == 1
        assert json.loads(capfd.readouterr().out) == {
            "type": "copy",
            "read": {"entries": 2, "feeds": 1},
            "written": {"entries": 1, "feeds": 1},
            "bad_lines": 0,
            "rejected": 1,
        }

    def test_all_of_it_ends_the_import(self, strict: None, capfd: Capture) -> None:
        Path("x.jsonl").write_text("".join(line_of(stored(str(n), title="bad")) for n in range(5000)))

        assert main(["import", "x.jsonl", "--store", TARGET]) == 1

        out, err = capfd.readouterr()
        assert out == ""
        assert err == (
            f"trioscrape: {TARGET}: not in this house; all of the first {REJECTED} records were rejected\n"
        )

    def test_of_many_the_first_are_named(self, strict: None, capfd: Capture) -> None:
        records = [stored("good"), *(stored(str(n), title="bad") for n in range(300))]
        Path("x.jsonl").write_text("".join(map(line_of, records)))

        assert main(["import", "x.jsonl", "--store", TARGET]) == 1

        out, err = capfd.readouterr()
        assert "wrote 1 entry and 0 feeds" in out
        assert "the store rejected 300 records" in out
        assert err.count("not stored: ") == SHOWN


async def test_a_sanitiser_that_does_not_end_can_be_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """It runs in a thread that is given up when the import is cancelled."""
    from threading import Event

    from trioscrape._cli import restore

    began, released = trio.Event(), Event()
    token = trio.lowlevel.current_trio_token()

    def hang(record: object) -> object:
        token.run_sync_soon(began.set)
        released.wait(60)
        return record

    monkeypatch.setattr(restore, "checked", hang)
    store = MemoryStore()
    try:
        with trio.fail_after(30), restoring(store, Transferred()) as target:
            async with trio.open_nursery() as nursery:

                async def import_one() -> None:
                    await target.add(StoredEntry(FEED, entry("a"), moment(0), moment(0)))
                    await target.finish()

                nursery.start_soon(import_one)
                await began.wait()
                nursery.cancel_scope.cancel()
    finally:
        released.set()
    assert store.entries == {}


def reject_entries_of(url: str, feed: str) -> None:
    """As the administrator of an empty store could."""

    async def create() -> None:
        async with open_store(url):
            pass

    trio.run(create)
    if url.startswith("mongodb:"):
        with MongoClient[Any](url) as client:
            rule = {"feed": {"$ne": feed}}
            client.get_default_database().command("collMod", "entries", validator=rule)
        return
    with closing(sqlite3.connect(url.removeprefix("sqlite:"))) as db:
        db.execute(
            f"CREATE TRIGGER own BEFORE INSERT ON entries WHEN new.feed = '{feed}'"
            " BEGIN SELECT RAISE(ROLLBACK, 'not in this house'); END"
        )


def test_a_run_goes_on_when_a_feed_is_rejected(
    store_url: str, site: Site, feeds: Callable[..., str], capfd: Capture
) -> None:
    """A real one, with the store's own words; the next run finds the feed backing off, and ends well."""
    bad = site.url("bad")
    reject_entries_of(store_url, feed_id(bad))
    feeds(*(site.url(str(n)) for n in range(5)), bad, *(site.url(str(n)) for n in range(5, 9)))

    assert main(["feeds.txt", "--store", store_url, "--json"]) == 1

    found = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    by_url = {each["url"]: each for each in found if each["type"] == "feed"}
    rejected = by_url.pop(bad)
    assert (rejected["outcome"], rejected["reason"], rejected["stored"]) == ("failed", "not-stored", False)
    words = "Document failed validation" if store_url.startswith("mongodb:") else "not in this house"
    assert rejected["detail"] == f"{store_url}: {words}"
    assert {(each["outcome"], each["stored"]) for each in by_url.values()} == {("new", True)}

    assert main(["feeds.txt", "--store", store_url, "--json"]) == 0
    found = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    again = [each for each in found if each["type"] == "feed" and each["url"] == bad]
    assert [(each["outcome"], each["reason"]) for each in again] == [("not_due", "not-stored")]
