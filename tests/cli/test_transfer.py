"""``--export``, ``--import`` and ``--copy-store``: what they print where, and how they end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trio

import trioscrape
from trioscrape import Config, FeedState, FeedUpdate, Outcome, Report, StoredEntry, open_store
from trioscrape._cli import jsonl, transfer
from trioscrape._cli.command import main
from trioscrape._cli.jsonl import line_of
from trioscrape._cli.options import parse
from trioscrape._cli.restore import Moved, restoring
from trioscrape._store._sqlite.store import SqliteStore
from trioscrape.testing import InlineParser, MemoryStore

from support.documented import FEED as FEED_URL
from support.documented import internet
from support.stores import FEED, FULL_ENTRY, OTHER, entry, state

SQLITE = "sqlite:news.db"


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TRIOSCRAPE_STORE", raising=False)


@pytest.fixture(params=["sqlite", "mongo"])
def store_url(request: pytest.FixtureRequest) -> str:
    return SQLITE if request.param == "sqlite" else str(request.getfixturevalue("mongodb_url"))


def moment(days: float) -> datetime:
    return datetime(2026, 2, 28, 12, tzinfo=UTC) + timedelta(days=days)


ENTRIES = [
    StoredEntry(FEED, FULL_ENTRY, moment(0), moment(2), True),
    StoredEntry(FEED, entry("a"), moment(1), moment(1)),
    StoredEntry(OTHER, entry("b\0", title="é\u2028\U0001f388", content="<p>x</p>"), moment(-1), moment(3)),
]


def fill(url: str) -> None:
    async def main() -> None:
        async with open_store(url) as store:
            await store.restore_entries(ENTRIES)
            await store.restore_feeds([state(), state(OTHER, title=None, url="https://b.test/")])

    trio.run(main)


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "trioscrape", *arguments]


def run(*arguments: str, **more: Any) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command(*arguments), capture_output=True, timeout=60, check=False, **more)


class TestRoundTrip:
    def test_into_the_other_kind_of_store_and_back_byte_for_byte(
        self, mongodb_url: str, capfd: pytest.CaptureFixture[str]
    ) -> None:
        fill(SQLITE)
        assert main(["--export", "jsonl", "--store", SQLITE]) == 0
        first, said = capfd.readouterr()
        assert said == f"3 entries and 2 feeds from {SQLITE}\n"
        Path("news.jsonl").write_text(first)

        assert main(["--import", "news.jsonl", "--store", mongodb_url]) == 0
        shown = "3 entries and 2 feeds read, 3 entries and 2 feeds written into"
        assert capfd.readouterr() == (f"{shown} {mongodb_url}\n", "")
        assert main(["--export", "jsonl", "--store", mongodb_url]) == 0
        second, _ = capfd.readouterr()
        back = run("--import", "-", "--store", "sqlite:back.db", input=second.encode())
        assert back.returncode == 0
        assert main(["--export", "jsonl", "--store", "sqlite:back.db"]) == 0
        third, _ = capfd.readouterr()

        assert first == second == third
        assert first.count("\n") == 5

    def test_directly(self, mongodb_url: str, capfd: pytest.CaptureFixture[str]) -> None:
        fill(SQLITE)
        for source, target, written in (
            (SQLITE, mongodb_url, "3 entries and 2 feeds"),
            (mongodb_url, "sqlite:copy.db", "3 entries and 2 feeds"),
            (mongodb_url, "sqlite:copy.db", "0 entries and 0 feeds"),
        ):
            assert main(["--copy-store", source, target]) == 0
            assert (
                capfd.readouterr().out
                == f"3 entries and 2 feeds in {source}, {written} written into {target}\n"
            )
        outputs = []
        for url in (SQLITE, mongodb_url, "sqlite:copy.db"):
            assert main(["--export", "jsonl", "--store", url]) == 0
            outputs.append(capfd.readouterr().out)
        assert outputs[0] == outputs[1] == outputs[2]

    def test_again_writes_nothing(self, store_url: str, capfd: pytest.CaptureFixture[str]) -> None:
        Path("x.jsonl").write_text("".join(map(line_of, [*ENTRIES, state(), state(OTHER)])))

        assert main(["--import", "x.jsonl", "--store", store_url]) == 0
        capfd.readouterr()
        assert main(["--import", "x.jsonl", "--store", store_url]) == 0
        assert "3 entries and 2 feeds read, 0 entries and 0 feeds written" in capfd.readouterr().out


class TestExport:
    def test_since_there_are_no_feeds(self, store_url: str, capfd: pytest.CaptureFixture[str]) -> None:
        """A feed's state without all of its entries would say that the missing ones have been seen."""
        fill(store_url)

        assert main(["--export", "jsonl", "--since", "2026-03-02", "--store", store_url]) == 0

        found = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
        assert [(each["type"], each["key"]) for each in found] == [
            ("entry", FULL_ENTRY.key),
            ("entry", "b\0"),
        ]
        assert found[0]["feed_url"] == state().url

    def test_csv(self, store_url: str) -> None:
        fill(store_url)
        ended = run("--export", "csv", "--store", store_url, env={**os.environ, "LC_ALL": "C"})

        lines = ended.stdout.decode().split("\r\n")
        assert ended.returncode == 0
        assert len(lines) == 1 + 3 + 1
        assert lines[0].startswith("feed_url,feed_title,title,link,")
        assert "Ärger – 日本 🎈" in ended.stdout.decode()

    def test_nothing_there(self, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        assert main(["--export", "jsonl"]) == 1

        assert capfd.readouterr() == ("", "trioscrape: sqlite:trioscrape.db: there is no such file\n")
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("export", ["jsonl", "csv"])
    def test_a_reader_that_has_seen_enough(self, export: str) -> None:
        async def fill_up() -> None:
            async with open_store(SQLITE) as store:
                many = tuple(entry(str(number), content="x" * 1000) for number in range(3000))
                await store.save(FeedUpdate(state(), many))

        trio.run(fill_up)
        with subprocess.Popen(
            command("--export", export, "--store", SQLITE), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.readline()
            process.stdout.close()
            assert process.stderr.read() == b""
        assert process.returncode == 1

    def test_a_password_is_nowhere(self, capfd: pytest.CaptureFixture[str]) -> None:
        url = "mongodb://me:secret@127.0.0.1:1/news"
        for arguments in (["--export", "jsonl", "--store", url], ["--copy-store", url, SQLITE]):
            assert main([*arguments, "--store-connect-timeout", "0.2"]) == 1
            out, err = capfd.readouterr()
            assert out == ""
            assert err.count("\n") == 1
            assert "secret" not in err
            assert "127.0.0.1:1/news" in err


class TestImport:
    def test_bad_lines_are_named_and_the_rest_is_stored(
        self, store_url: str, capfd: pytest.CaptureFixture[str]
    ) -> None:
        good = [line_of(record) for record in (state(), *ENTRIES)]
        lines = ["\ufeff" + good[0], "\n", "oops\n", *good[1:], '{"type": "entry"}\n', '{"type": "feed']
        Path("x.jsonl").write_text("".join(lines), encoding="utf-8")

        assert main(["--import", "x.jsonl", "--store", store_url]) == 1

        out, err = capfd.readouterr()
        assert err == "line 3: not JSON\nline 7: key is missing\nline 8: not JSON\n"
        assert out == (
            "3 entries and 1 feed read, 3 entries and 1 feed written into "
            f"{store_url}; 3 lines can't be understood\n"
        )

    def test_of_what_may_be_missing_the_feed_is_asked_again(self, capfd: pytest.CaptureFixture[str]) -> None:
        Path("x.jsonl").write_text(line_of(state()) + line_of(ENTRIES[0]) + line_of(ENTRIES[1])[:-9])

        assert main(["--import", "x.jsonl", "--store", SQLITE]) == 1

        capfd.readouterr()
        assert main(["--export", "jsonl", "--store", SQLITE]) == 0
        found = json.loads(capfd.readouterr().out.splitlines()[0])
        assert (found["title"], found["failures"], found["gone"]) == ("A", 3, "2024-01-01T00:00:00.000+00:00")
        for name in (
            "etag",
            "last_modified",
            "validators_url",
            "body_hash",
            "next_fetch",
            "next_unconditional",
        ):
            assert found[name] is None

    def test_of_many_bad_lines_the_first_are_named(self, capfd: pytest.CaptureFixture[str]) -> None:
        Path("x.jsonl").write_text("x\n" * 1000)

        assert main(["--import", "x.jsonl"]) == 1

        out, err = capfd.readouterr()
        assert err.count("\n") == 20
        assert "1,000 lines can't be understood" in out

    @pytest.mark.parametrize("path", ["missing.jsonl", "."])
    def test_a_file_that_can_not_be_read(self, path: str, capfd: pytest.CaptureFixture[str]) -> None:
        assert main(["--import", path]) == 2

        out, err = capfd.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        assert err.startswith(f"trioscrape: {path}: ")
        assert not Path("trioscrape.db").exists()

    @pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="only Linux has such a file")
    def test_a_file_that_breaks_off(self, capfd: pytest.CaptureFixture[str]) -> None:
        assert main(["--import", "/proc/self/mem"]) == 1

        assert capfd.readouterr() == ("", "trioscrape: /proc/self/mem: Input/output error\n")

    def test_a_line_without_end(
        self, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:

        monkeypatch.setattr(jsonl, "LONGEST_LINE", 2**20)
        monkeypatch.setattr(transfer, "LONGEST_LINE", 2**20)
        Path("x.jsonl").write_text("x" * 5_000_000 + "\n" + line_of(state()))

        assert main(["--import", "x.jsonl"]) == 1
        out, err = capfd.readouterr()
        assert err == "line 1: longer than 1 MiB\n"
        assert out.startswith("0 entries and 1 feed read")


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
        assert main(["--copy-store", SQLITE, mongodb_url]) == 0
        report = trio.run(scrape, mongodb_url)

        assert report.outcomes[Outcome.NOT_MODIFIED] == 1
        assert world.requests[-1][2]["if-none-match"] == '"33a6"'


class TestFeedsComeLast:
    async def test_a_copy_that_breaks_off_leaves_no_state(self) -> None:
        """With the state, the next run would be told that nothing has changed, and miss the rest."""
        store = MemoryStore()
        with restoring(store, Moved()) as target:
            for number in range(1000):
                await target.add(state(f"{number:032x}"))
            for number in range(700):
                await target.add(StoredEntry(FEED, entry(str(number)), moment(0), moment(0)))

        assert len(store.entries[FEED]) == 500
        assert store.feeds == {}

    async def test_all_of_them_after_the_entries(self) -> None:
        store, moved = MemoryStore(), Moved()
        with restoring(store, moved) as target:
            for number in range(1001):
                await target.add(state(f"{number:032x}"))
            await target.add(ENTRIES[0])
            await target.finish()

        assert len(store.feeds) == 1001
        assert str(moved) == moved.written == "1 entry and 1,001 feeds"

    async def test_large_entries_do_not_gather(self) -> None:
        store = MemoryStore()
        with restoring(store, Moved()) as target:
            for number in range(6):
                huge = entry(str(number), content="x" * 1_000_000)
                await target.add(StoredEntry(FEED, huge, moment(0), moment(0)))

        assert len(store.entries[FEED]) == 5


class TestFeedsAreReadFirst:
    """A state that is newer than the entries that go with it would say that all of them are there."""

    @pytest.mark.parametrize(
        "arguments", [["--export", "jsonl", "--store", SQLITE], ["--copy-store", SQLITE, "sqlite:copy.db"]]
    )
    def test_while_a_run_goes_on(
        self, arguments: list[str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        fill(SQLITE)
        read_feeds = SqliteStore.read_feeds

        async def fetched_meanwhile(store: SqliteStore) -> AsyncIterator[FeedState]:
            async for each in read_feeds(store):
                yield each
            async with open_store(SQLITE) as other:
                await other.save(FeedUpdate(state(etag="new"), (entry("new"),)))

        with monkeypatch.context() as patched:
            patched.setattr(SqliteStore, "read_feeds", fetched_meanwhile)
            assert main(arguments) == 0
        if arguments[0] == "--copy-store":
            capfd.readouterr()
            assert main(["--export", "jsonl", "--store", "sqlite:copy.db"]) == 0

        found = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
        assert "new" in {each["key"] for each in found if each["type"] == "entry"}
        assert "new" not in {each["etag"] for each in found if each["type"] == "feed"}


@pytest.fixture
def stuck() -> Iterator[subprocess.Popen[bytes]]:
    """An import that waits for its standard input."""
    with subprocess.Popen(
        command("--import", "-"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        watchdog = threading.Timer(60, process.kill)
        watchdog.start()
        yield process
        watchdog.cancel()
        process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it(stuck: subprocess.Popen[bytes], number: int) -> None:
    assert stuck.stdin is not None
    assert stuck.stderr is not None
    stuck.stdin.write(line_of(state()).encode() + b"x\n")
    stuck.stdin.flush()
    assert stuck.stderr.readline() == b"line 2: not JSON\n"

    stuck.send_signal(number)

    assert stuck.stderr.read() == b"interrupted after 0 entries and 1 feed\n"
    assert stuck.wait() == 1


def test_a_signal_ends_an_export_that_nobody_reads() -> None:
    """A pager that was left open: the pipe is full, and stays so."""

    async def fill_up() -> None:
        async with open_store(SQLITE) as store:
            many = tuple(entry(str(number), content="x" * 1000) for number in range(1000))
            await store.save(FeedUpdate(state(), many))

    trio.run(fill_up)
    with subprocess.Popen(
        command("--export", "csv", "--store", SQLITE), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(1)
        process.send_signal(signal.SIGINT)
        assert b"interrupted after " in process.stderr.read()
    assert process.returncode == 1


class TestUsage:
    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["feeds.txt", "--export", "jsonl"], "give either"),
            (["--export", "jsonl", "--import", "x"], "give either"),
            (["--demo", "--copy-store", "sqlite:a", "sqlite:b"], "give either"),
            (["--export", "xml"], "invalid choice: 'xml'"),
            (["--export"], "expected one argument"),
            (["--copy-store", "sqlite:a"], "expected 2 arguments"),
            (["--copy-store", "sqlite:a", "mysql://me:secret@db/x"], "mysql://db/x"),
            (["--copy-store", "sqlite:a", "sqlite:b", "--store", "sqlite:c"], "names both stores"),
            (["--copy-store", "sqlite:a", "sqlite:a"], "are the same"),
            (["--demo", "--since", "24h"], "--since is for --export"),
            (["--export", "csv", "--since", "soon"], "not 'soon'"),
            (["--export", "csv", "--since", "9999999999d"], "not '9999999999d'"),
            (["--export", "csv", "--since", "0001-01-01T00:00+14:00"], "--since must be"),
        ],
    )
    def test_one_line_and_status_2(
        self, arguments: list[str], said: str, capfd: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        assert main(arguments) == 2

        out, err = capfd.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        assert said in err
        assert "secret" not in err
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("2026-02-28", datetime(2026, 2, 28, tzinfo=UTC)),
            ("2026-02-28T12:30", datetime(2026, 2, 28, 12, 30, tzinfo=UTC)),
            ("2026-02-28T12:30:00Z", datetime(2026, 2, 28, 12, 30, tzinfo=UTC)),
            ("2026-02-28 12:30+01:00", datetime(2026, 2, 28, 11, 30, tzinfo=UTC)),
            ("90m", timedelta(minutes=90)),
            ("24h", timedelta(days=1)),
            ("7D", timedelta(days=7)),
            ("2w", timedelta(days=14)),
        ],
    )
    def test_since(self, text: str, expected: datetime | timedelta) -> None:
        before = datetime.now(UTC)
        moving = parse(["--export", "csv", "--since", text]).moving

        since = getattr(moving, "since", None)
        assert isinstance(since, datetime)
        if isinstance(expected, timedelta):
            assert before - expected <= since <= datetime.now(UTC) - expected
        else:
            assert since == expected
