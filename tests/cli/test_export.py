"""``trioscrape export``: what it prints, and what it leaves out."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trio

from trioscrape import FeedUpdate, UsageError, open_store
from trioscrape._cli.command import main
from trioscrape._cli.export import moment

from support.command_line import command
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


def test_since_there_are_no_feeds(store_url: str, capfd: Capture) -> None:
    """A feed's state without all of its entries would say that the missing ones have been seen."""
    fill(store_url)

    assert main(["export", "--since", "2026-03-02", "--store", store_url]) == 0

    found = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [(each["type"], each["key"]) for each in found] == [("entry", FULL_ENTRY.key), ("entry", "b\0")]
    assert found[0]["feed_url"] == state().url


def test_csv(store_url: str) -> None:
    fill(store_url)
    ended = subprocess.run(
        command("export", "--format", "csv", "--store", store_url),
        capture_output=True,
        timeout=60,
        check=False,
        env={**os.environ, "LC_ALL": "C"},
    )

    lines = ended.stdout.decode().split("\r\n")
    assert ended.returncode == 0
    assert len(lines) == 1 + 3 + 1
    assert lines[0].startswith("feed_url,feed_title,title,link,")
    assert "Ärger – 日本 🎈" in ended.stdout.decode()


def test_what_was_exported_is_said_unless_it_is_quiet(capfd: Capture) -> None:
    fill(SQLITE)

    assert main(["export", "--store", SQLITE]) == 0
    loud = capfd.readouterr()
    assert main(["export", "--store", SQLITE, "-q"]) == 0

    assert loud.err == f"exported 3 entries and 2 feeds from {SQLITE}\n"
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
