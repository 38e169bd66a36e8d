"""``trioscrape copy``, and export and import one after the other: a store comes out as it was."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio

import trioscrape
from trioscrape import Config, FeedState, FeedUpdate, Outcome, Report, open_store
from trioscrape._cli.command import main
from trioscrape._store._sqlite.store import SqliteStore
from trioscrape.testing import InlineParser

from support.command_line import records, run
from support.documented import FEED as FEED_URL
from support.documented import internet
from support.stores import entry, state
from support.transfers import SAFE_ENTRIES, SQLITE, fill

Capture = pytest.CaptureFixture[str]


class TestRoundTrip:
    def test_into_the_other_kind_of_store_and_back_byte_for_byte(
        self, mongodb_url: str, capfd: Capture
    ) -> None:
        fill(SQLITE, SAFE_ENTRIES)
        assert main(["export", "--all", "--store", SQLITE]) == 0
        first, _ = capfd.readouterr()
        Path("news.jsonl").write_text(first)

        assert main(["import", "news.jsonl", "--store", mongodb_url]) == 0
        said = f"read 3 entries and 2 feeds, wrote 3 entries and 2 feeds to {mongodb_url}\n"
        assert capfd.readouterr() == (said, f"connecting to {mongodb_url}\n")
        assert main(["export", "--all", "--store", mongodb_url]) == 0
        second, _ = capfd.readouterr()
        back = run("import", "-", "--store", "sqlite:back.db", input=second)
        assert back.returncode == 0
        assert main(["export", "--all", "--store", "sqlite:back.db"]) == 0
        third, _ = capfd.readouterr()

        assert first == second == third
        assert first.count("\n") == 5

    def test_directly(self, mongodb_url: str, capfd: Capture) -> None:
        fill(SQLITE, SAFE_ENTRIES)
        for source, target, written in (
            (SQLITE, mongodb_url, "3 entries and 2 feeds"),
            (mongodb_url, "sqlite:copy.db", "3 entries and 2 feeds"),
            (mongodb_url, "sqlite:copy.db", "0 entries and 0 feeds"),
        ):
            assert main(["copy", source, target]) == 0
            said = f"read 3 entries and 2 feeds from {source}, wrote {written} to {target}\n"
            assert capfd.readouterr().out == said
        outputs = []
        for url in (SQLITE, mongodb_url, "sqlite:copy.db"):
            assert main(["export", "--all", "--store", url]) == 0
            outputs.append(capfd.readouterr().out)
        assert outputs[0] == outputs[1] == outputs[2]

    def test_as_json(self, capfd: Capture) -> None:
        fill(SQLITE, SAFE_ENTRIES)

        assert main(["copy", SQLITE, "sqlite:copy.db", "--json"]) == 0

        counts = {"entries": 3, "feeds": 2}
        assert records(capfd.readouterr().out) == [
            {"type": "copy", "read": counts, "written": counts, "bad_lines": 0, "rejected": 0}
        ]


class TestTheNextRun:
    def test_goes_on_with_conditional_requests(self, mongodb_url: str) -> None:
        world = internet()

        async def scrape(url: str) -> Report:
            async with open_store(url) as store:
                return await trioscrape.scrape(
                    [FEED_URL],
                    store=store,
                    config=Config(ignore_schedule=True),
                    resolver=world,
                    connector=world.connect,
                    parser=InlineParser(),
                )

        trio.run(scrape, SQLITE)
        assert main(["copy", SQLITE, mongodb_url]) == 0
        report = trio.run(scrape, mongodb_url)

        assert report.outcomes[Outcome.NOT_MODIFIED] == 1
        assert world.requests[-1][2]["if-none-match"] == '"33a6"'


class TestFeedsAreReadFirst:
    """A state that is newer than the entries that go with it would say that all of them are there."""

    @pytest.mark.parametrize(
        "arguments", [["export", "--all", "--store", SQLITE], ["copy", SQLITE, "sqlite:copy.db"]]
    )
    def test_while_a_run_goes_on(
        self, arguments: list[str], monkeypatch: pytest.MonkeyPatch, capfd: Capture
    ) -> None:
        fill(SQLITE, SAFE_ENTRIES)
        read_feeds = SqliteStore.read_feeds

        async def fetched_meanwhile(store: SqliteStore) -> AsyncIterator[FeedState]:
            async for each in read_feeds(store):
                yield each
            async with open_store(SQLITE) as other:
                await other.save(FeedUpdate(state(etag="new"), (entry("new"),)))

        with monkeypatch.context() as patched:
            patched.setattr(SqliteStore, "read_feeds", fetched_meanwhile)
            assert main(arguments) == 0
        if arguments[0] == "copy":
            capfd.readouterr()
            assert main(["export", "--all", "--store", "sqlite:copy.db"]) == 0

        found = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
        assert "new" in {each["key"] for each in found if each["type"] == "entry"}
        assert "new" not in {each["etag"] for each in found if each["type"] == "feed"}
