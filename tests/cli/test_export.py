"""``trioscrape export``: what it prints, and what it leaves out."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trio

from trioscrape import FeedUpdate, UsageError, open_store
from trioscrape._cli import parquet
from trioscrape._cli.command import main
from trioscrape._cli.export import moment
from trioscrape._cli.feed_list import open_feed_list

from support.command_line import Site, command
from support.stores import FULL_ENTRY, entry, state
from support.transfers import SQLITE, fill

Capture = pytest.CaptureFixture[str]


def fill_up(entries: int) -> None:
    """Much for one pipe."""

    async def main() -> None:
        async with open_store(SQLITE) as store:
            many = tuple(entry(str(number), content="x" * 1000) for number in range(entries))
            await store.save(FeedUpdate(state(), many))

    trio.run(main)


def exported(capfd: Capture, *options: str, store: str = SQLITE) -> list[dict[str, Any]]:
    """The records in JSON Lines."""
    assert main(["export", "--store", store, *options]) == 0
    return [json.loads(line) for line in capfd.readouterr().out.splitlines()]


class TestWhat:
    def test_entries_oldest_first(self, store_url: str, capfd: Capture) -> None:
        fill(store_url)

        found = exported(capfd, store=store_url)

        assert [(each["type"], each["key"]) for each in found] == [
            ("entry", "a"), ("entry", FULL_ENTRY.key), ("entry", "b\0"),
        ]  # fmt: skip
        assert found[1]["feed_url"] == state().url

    def test_feeds(self, store_url: str, capfd: Capture) -> None:
        fill(store_url)

        assert [each["type"] for each in exported(capfd, "--feeds", store=store_url)] == ["feed", "feed"]

    def test_both(self, store_url: str, capfd: Capture) -> None:
        """Feeds first: a state that is newer than the entries would say that all of them have been seen."""
        fill(store_url)

        found = exported(capfd, "--all", store=store_url)

        assert [each["type"] for each in found] == ["feed", "feed", "entry", "entry", "entry"]

    def test_since(self, store_url: str, capfd: Capture) -> None:
        fill(store_url)

        found = exported(capfd, "--since", "2026-03-02", store=store_url)

        assert [each["key"] for each in found] == [FULL_ENTRY.key, "b\0"]

    @pytest.mark.parametrize(("limit", "keys"), [("0", []), ("1", ["b\0"]), ("2", ["b\0", FULL_ENTRY.key])])
    def test_a_limit(self, store_url: str, capfd: Capture, limit: str, keys: list[str]) -> None:
        fill(store_url)

        assert [each["key"] for each in exported(capfd, "--limit", limit, store=store_url)] == keys
        assert len(exported(capfd, "--limit", limit, "--feeds", store=store_url)) == int(limit)

    def test_some_feeds(self, store_url: str, capfd: Capture) -> None:
        """By the URL that they were listed with, or by the present one."""
        fill(store_url)
        one, other = ("--feed", "https://a.test/feed"), ("--feed", "B.test")

        for options, keys in (
            (one, ["a", FULL_ENTRY.key]),
            (other, ["b\0"]),
            ((*one, *other), ["a", FULL_ENTRY.key, "b\0"]),
            ((*one, *other, "--limit", "2"), ["b\0", FULL_ENTRY.key]),
        ):
            assert [each["key"] for each in exported(capfd, *options, store=store_url)] == keys
        [feed] = exported(capfd, "--feeds", *other, store=store_url)
        assert feed["url"] == "https://b.test/"

    def test_a_feed_that_is_not_stored(self, capfd: Capture) -> None:
        fill(SQLITE)

        assert main(["export", "--store", SQLITE, "--feed", "http://me:secret@none.test/"]) == 2

        assert capfd.readouterr() == ("", "trioscrape: no feed with the URL http://none.test/ is stored\n")


class TestFormats:
    def test_json(self, capfd: Capture) -> None:
        fill(SQLITE)
        lines = exported(capfd)

        assert main(["export", "--store", SQLITE, "--format", "json"]) == 0
        assert json.loads(capfd.readouterr().out) == lines
        assert main(["export", "--store", SQLITE, "--format", "json", "--limit", "0"]) == 0
        assert json.loads(capfd.readouterr().out) == []

    def test_parquet(self, store_url: str) -> None:
        """Dates are dates, numbers numbers, lists of texts lists."""
        import pyarrow as pa
        import pyarrow.parquet

        fill(store_url)

        assert main(["export", "--store", store_url, "--format", "parquet", "-o", "news.parquet"]) == 0

        table = pyarrow.parquet.read_table("news.parquet")
        assert table.schema.field("published").type == pa.timestamp("ms", tz="UTC")
        assert table.schema.field("tags").type == pa.list_(pa.string())
        assert table.schema.field("explicit").type == pa.bool_()
        [_, full, _] = table.to_pylist()
        assert full["key"] == FULL_ENTRY.key
        assert full["published"] == FULL_ENTRY.published
        assert full["duration"] == FULL_ENTRY.duration
        assert full["tags"] == list(FULL_ENTRY.tags)
        assert json.loads(full["enclosures"])[0]["url"] == FULL_ENTRY.enclosures[0].url
        assert full["last_changed"] == moment("2026-03-02T12:00")

    def test_parquet_of_feeds_in_several_row_groups(self, monkeypatch: pytest.MonkeyPatch) -> None:
        import pyarrow.parquet

        monkeypatch.setattr(parquet, "ROWS", 1)
        fill(SQLITE)

        assert main(["export", "--store", SQLITE, "--feeds", "--format", "parquet", "-o", "x"]) == 0

        assert pyarrow.parquet.ParquetFile("x").num_row_groups == 2
        found = {row["url"] for row in pyarrow.parquet.read_table("x").to_pylist()}
        assert found == {state().url, "https://b.test/"}

    def test_without_pyarrow(self, capfd: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "pyarrow", None)

        assert main(["export", "--format", "parquet"]) == 2
        assert "pip install 'trioscrape[parquet]'" in capfd.readouterr().err

    @pytest.mark.parametrize("form", ["csv", "csv-data"])
    def test_csv_of_feeds(self, capfd: Capture, form: str) -> None:
        fill(SQLITE)

        assert main(["export", "--store", SQLITE, "--feeds", "--format", form]) == 0

        found = list(csv.DictReader(io.StringIO(capfd.readouterr().out, newline="")))
        assert {row["url"] for row in found} == {state().url, "https://b.test/"}

    def test_opml_is_a_list_of_feeds(self, capfd: Capture) -> None:
        fill(SQLITE)

        assert main(["export", "--store", SQLITE, "--feeds", "--format", "opml", "-o", "feeds.opml"]) == 0

        with open_feed_list("feeds.opml") as feeds:
            found = {feed.url: (feed.title, feed.tags) for feed in feeds}
        assert found == {
            state().url: ("My A", ("News", "Tech")),
            "https://b.test/": ("My A", ("News", "Tech")),
        }

    def test_folders_and_titles_of_a_list_come_back(self, site: Site) -> None:
        outline = '<outline title="{}" xmlUrl="{}"/>'
        folders = '<outline text="News &amp; more"><outline text="Tech">{}</outline>{}</outline>'
        inside = folders.format(outline.format("One", site.url("1")), outline.format("Two", site.url("2")))
        alone = f'<outline xmlUrl="{site.url("3")}"/>'
        Path("feeds.opml").write_text(f"<opml><body>{inside}{alone}</body></opml>")

        assert main(["feeds.opml", "--store", SQLITE, "-q"]) == 0
        Path("feeds.txt").write_text(site.url("1"))
        assert (
            main(["feeds.txt", "--store", SQLITE, "-q", "--all"]) == 0
        )  # a list without any changes nothing
        assert main(["export", "--store", SQLITE, "--feeds", "--format", "opml", "-o", "back.opml"]) == 0

        with open_feed_list("back.opml") as feeds:
            found = {feed.url: (feed.title, feed.tags) for feed in feeds}
        assert found == {
            site.url("1"): ("One", ("News & more", "Tech")),
            site.url("2"): ("Two", ("News & more",)),
            site.url("3"): ("T", ()),
        }


class TestOutput:
    def test_a_file_is_there_when_it_is_complete(self, capfd: Capture) -> None:
        fill(SQLITE)
        lines = exported(capfd)

        assert main(["export", "--store", SQLITE, "-o", "news.jsonl"]) == 0

        assert [json.loads(line) for line in Path("news.jsonl").read_text().splitlines()] == lines
        assert sorted(path.name for path in Path().iterdir()) == ["news.db", "news.jsonl"]

    def test_an_export_that_fails_leaves_the_file_as_it_was(self) -> None:
        Path("news.jsonl").write_text("before")

        assert main(["export", "-o", "news.jsonl"]) == 1

        assert [path.name for path in Path().iterdir()] == ["news.jsonl"]
        assert Path("news.jsonl").read_text() == "before"

    def test_a_folder_that_is_not_there(self, capfd: Capture) -> None:
        assert main(["export", "-o", "none/news.jsonl"]) == 1

        assert capfd.readouterr().err == "trioscrape: none/news.jsonl: No such file or directory\n"

    def test_standard_output_is_closed(self) -> None:
        fill(SQLITE)
        closed = ["sh", "-c", 'exec "$@" >&-', "sh", *command("export", "--store", SQLITE)]

        ended = subprocess.run(closed, capture_output=True, text=True, timeout=60, check=False)

        assert ended.returncode == 1
        assert ended.stderr == "trioscrape: standard output is closed; name a file with --output\n"


def test_csv(store_url: str) -> None:
    fill(store_url)
    ended = subprocess.run(
        command("export", "--format", "csv", "--store", store_url),
        capture_output=True,
        timeout=60,
        check=False,
        env={**os.environ, "LC_ALL": "C"},
    )

    lines = ended.stdout.decode("utf-8-sig").split("\r\n")
    assert ended.returncode == 0
    assert len(lines) == 1 + 3 + 1
    assert lines[0].startswith('"feed_url","feed_title","title","link",')
    assert "Ärger – 日本 🎈" in ended.stdout.decode()


def test_what_was_exported_is_said_unless_it_is_quiet(capfd: Capture) -> None:
    fill(SQLITE)

    assert main(["export", "--store", SQLITE]) == 0
    loud = capfd.readouterr()
    assert main(["export", "--store", SQLITE, "-q"]) == 0

    assert loud.err == f"exported 3 entries and 0 feeds from {SQLITE}\n"
    assert capfd.readouterr() == (loud.out, "")


def test_nothing_there(capfd: Capture) -> None:
    assert main(["export"]) == 1

    assert capfd.readouterr() == ("", "trioscrape: sqlite:trioscrape.db: there is no such file\n")
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_a_reader_that_has_seen_enough(form: str) -> None:
    fill_up(3000)
    with subprocess.Popen(
        command("export", "--format", form, "--store", SQLITE), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


def test_a_signal_ends_an_export_that_nobody_reads() -> None:
    """A pager that was left open: the pipe is full, and stays so."""
    fill_up(1000)
    with subprocess.Popen(
        command("export", "--format", "csv", "--store", SQLITE),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(1)
        process.send_signal(signal.SIGINT)
        assert b"interrupted after reading " in process.stderr.read()
    assert process.returncode == 1


@pytest.mark.parametrize("arguments", [["export", "--store"], ["copy", SQLITE], ["copy"]])
def test_a_password_is_nowhere(arguments: list[str], capfd: Capture) -> None:
    url = "mongodb://me:secret@127.0.0.1:1/news"
    target = [SQLITE] if arguments == ["copy"] else []

    assert main([*arguments, url, *target, "--store-connect-timeout", "0.2"]) == 1

    out, err = capfd.readouterr()
    assert out == ""
    assert re.fullmatch(r"(connecting to mongodb://127.0.0.1:1/news\n)?trioscrape: .*\n", err)
    assert "secret" not in err


class TestSince:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("2026-02-28", datetime(2026, 2, 28, tzinfo=UTC)),
            ("2026-02-28T12:30", datetime(2026, 2, 28, 12, 30, tzinfo=UTC)),
            ("2026-02-28T12:30:00Z", datetime(2026, 2, 28, 12, 30, tzinfo=UTC)),
            ("2026-02-28 12:30+01:00", datetime(2026, 2, 28, 11, 30, tzinfo=UTC)),
        ],
    )
    def test_a_date_or_a_time(self, text: str, expected: datetime) -> None:
        assert moment(text) == expected

    @pytest.mark.parametrize(
        ("text", "age"),
        [
            ("90m", timedelta(minutes=90)),
            ("24h", timedelta(days=1)),
            ("7D", timedelta(days=7)),
            ("2w", timedelta(days=14)),
        ],
    )
    def test_an_age(self, text: str, age: timedelta) -> None:
        before = datetime.now(UTC)

        assert before - age <= moment(text) <= datetime.now(UTC) - age

    @pytest.mark.parametrize("text", ["soon", "9999999999d", "0001-01-01T00:00+14:00", ""])
    def test_neither(self, text: str) -> None:
        with pytest.raises(UsageError, match=r"^--since must be an age like 24h or 7d, a date .*, not '"):
            moment(text)
