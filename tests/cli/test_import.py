"""``trioscrape import``: what it takes, and what it says about the rest."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from trioscrape._cli import import_, jsonl
from trioscrape._cli.command import main
from trioscrape._cli.input import open_input
from trioscrape._cli.jsonl import line_of
from trioscrape._errors import TrioscrapeError

from support.command_line import records, running
from support.stores import OTHER, state
from support.threads import no_thread
from support.transfers import ENTRIES, SQLITE

Capture = pytest.CaptureFixture[str]


def test_bad_lines_are_named_and_the_rest_is_stored(store_url: str, capfd: Capture) -> None:
    good = [line_of(record) for record in (state(), *ENTRIES)]
    lines = ["\ufeff" + good[0], "\n", "oops\n", *good[1:], '{"type": "entry"}\n', '{"type": "feed']
    Path("x.jsonl").write_text("".join(lines), encoding="utf-8")

    assert main(["import", "x.jsonl", "--store", store_url]) == 1

    out, err = capfd.readouterr()
    assert err.partition("line")[0] in ("", f"connecting to {store_url}\n")
    assert err.endswith("line 3: not JSON\nline 7: key is missing\nline 8: not JSON\n")
    assert out == (
        f"read 3 entries and 1 feed, wrote 3 entries and 1 feed to {store_url}; skipped 3 invalid lines\n"
    )


def test_of_what_may_be_missing_the_feed_is_fetched_again(capfd: Capture) -> None:
    Path("x.jsonl").write_text(line_of(state()) + line_of(ENTRIES[0]) + line_of(ENTRIES[1])[:-9])

    assert main(["import", "x.jsonl", "--store", SQLITE]) == 1

    capfd.readouterr()
    assert main(["export", "--feeds", "--store", SQLITE]) == 0
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


def test_of_many_bad_lines_the_first_are_named(capfd: Capture) -> None:
    Path("x.jsonl").write_text("x\n" * 1000 + line_of(state()))

    assert main(["import", "x.jsonl", "--quiet"]) == 1

    assert capfd.readouterr() == ("", "".join(f"line {number}: not JSON\n" for number in range(1, 21)))


def test_another_kind_of_file_is_refused_at_once(capfd: Capture) -> None:
    Path("feeds.txt").write_text("http://me:secret@a.test/\n" * 100)

    assert main(["import", "feeds.txt"]) == 2

    assert capfd.readouterr() == (
        "", "trioscrape: feeds.txt, line 1: it is not from 'trioscrape export': not JSON\n",
    )  # fmt: skip
    assert not Path("trioscrape.db").exists()


def test_again_writes_nothing_and_says_so_as_json_too(store_url: str, capfd: Capture) -> None:
    Path("x.jsonl").write_text("".join(map(line_of, [*ENTRIES, state(), state(OTHER)])))

    assert main(["import", "x.jsonl", "--store", store_url]) == 0
    assert "read 3 entries and 2 feeds, wrote 3 entries and 2 feeds to " in capfd.readouterr().out
    assert main(["import", "x.jsonl", "--store", store_url, "--json"]) == 0
    assert records(capfd.readouterr().out) == [
        {
            "type": "import",
            "read": {"entries": 3, "feeds": 2},
            "written": {"entries": 0, "feeds": 0},
            "bad_lines": 0,
            "rejected": 0,
        }
    ]


@pytest.mark.parametrize("path", ["missing.jsonl", "."])
def test_a_file_that_can_not_be_read(path: str, capfd: Capture) -> None:
    assert main(["import", path]) == 2

    out, err = capfd.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"trioscrape: {path}: ")
    assert not Path("trioscrape.db").exists()


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="only Linux has such a file")
def test_a_file_that_breaks_off(capfd: Capture) -> None:
    assert main(["import", "/proc/self/mem"]) == 1

    assert capfd.readouterr() == ("", "trioscrape: /proc/self/mem: Input/output error\n")


def test_a_line_without_end(capfd: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonl, "LONGEST_LINE", 2**20)
    monkeypatch.setattr(import_, "LONGEST_LINE", 2**20)
    Path("x.jsonl").write_text("x" * 5_000_000 + "\n" + line_of(state()))

    assert main(["import", "x.jsonl"]) == 1
    out, err = capfd.readouterr()
    assert err == "line 1: longer than 1 MiB\n"
    assert out.startswith("read 0 entries and 1 feed, ")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it(number: int) -> None:
    with running("import", "-") as process:
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write(line_of(state()) + "x\n")
        process.stdin.flush()
        assert process.stderr.readline() == "line 2: not JSON\n"

        process.send_signal(number)

        assert process.stderr.read() == "interrupted after reading 0 entries and 1 feed\n"
        assert process.wait() == 1


async def test_no_thread_can_be_started(feeds: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    path = feeds("{}")
    no_thread(monkeypatch)

    with (
        open_input(path, 100) as lines,
        pytest.raises(TrioscrapeError, match=r"feeds.txt: can't start new thread"),
    ):
        await lines.some(bytes)
