"""What strangers have written, on a terminal and in a file."""

from __future__ import annotations

import subprocess
from pathlib import Path

import trio

from trioscrape import Entry, FeedUpdate, open_store

from support.command_line import command, run
from support.stores import entry, state
from support.terminals import read_terminal
from support.transfers import SQLITE

HOSTILE = "a\x1b]0;owned\x07\x9b2J\u202eb"
SHOWN = r"a\x1b]0;owned\x07\x9b2J\u202eb"


def store(*entries: Entry) -> None:
    async def main() -> None:
        async with open_store(SQLITE) as opened:
            await opened.save(FeedUpdate(state(), entries))

    trio.run(main)


def on_a_terminal(*arguments: str) -> str:
    """What the command prints there, standard error included."""
    with read_terminal() as (terminal, written):
        subprocess.run(command(*arguments), stdout=terminal, stderr=terminal, timeout=60, check=False)
    return b"".join(written).decode()


def test_a_table_is_escaped_on_a_terminal_and_not_in_a_file() -> None:
    store(entry("key", title=HOSTILE, content="one\r\ntwo\rthree"))

    shown = on_a_terminal("export", "--store", SQLITE, "--format", "csv", "--quiet")
    assert SHOWN in shown
    assert "two\\rthree" in shown
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(shown)

    written = subprocess.run(
        command("export", "--store", SQLITE, "--format", "csv", "--quiet"), capture_output=True, check=True
    )
    assert HOSTILE in written.stdout.decode()
    assert b"two\rthree" in written.stdout


def test_json_is_escaped_everywhere() -> None:
    """It may be: that is the same JSON."""
    store(entry("key", title=HOSTILE))

    assert run("export", "--store", SQLITE).stdout.isascii()
    assert "\x1b" not in on_a_terminal("export", "--store", SQLITE, "--quiet")


def test_parquet_is_nothing_for_a_terminal() -> None:
    store(entry("key"))

    shown = on_a_terminal("export", "--store", SQLITE, "--format", "parquet")

    assert shown == "trioscrape: a terminal can't show Parquet; name a file with --output\r\n"


def test_errors() -> None:
    Path("feeds.txt").touch()

    ended = run("feeds\x1b[2J\u202e.txt")

    assert ended.stderr.startswith("trioscrape: feeds\\x1b[2J\\u202e.txt: No such file")


def test_lines_of_a_list() -> None:
    Path("feeds.txt").write_text("http://127.0.0.1:9/\nhttp://\x1b[2J\u202e/\n", encoding="utf-8")

    ended = run("feeds.txt", "--connect-timeout", "0.1")

    assert "\x1b" not in ended.stdout + ended.stderr
    assert r"\u202e" in ended.stdout
