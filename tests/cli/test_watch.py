"""``trioscrape watch`` as a process: its list, its signals, its end, and what is left after SIGKILL."""

from __future__ import annotations

import json
import signal
import socket
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from trioscrape import Polling, UsageError
from trioscrape._cli.command import main, parse
from trioscrape._cli.watch import polling

from support.command_line import records, running, serving

FEEDS = 12


def next_result(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    found: dict[str, Any] = json.loads(process.stdout.readline())
    return found


def ended(process: subprocess.Popen[str], number: int) -> tuple[str, str]:
    process.send_signal(number)
    return process.communicate(timeout=30)


def stored(path: Path) -> tuple[int, list[tuple[str, str]]]:
    """How many entries there are, and when each feed is due."""
    with closing(sqlite3.connect(path)) as db:
        (entries,) = db.execute("SELECT count(*) FROM entries").fetchone()
        return entries, db.execute("SELECT listed_url, next_fetch FROM feeds ORDER BY 1").fetchall()


@pytest.fixture
def store(tmp_path: Path) -> str:
    return f"sqlite:{tmp_path / 'news.db'}"


def test_the_list_is_read_again_and_sigterm_drains(
    tmp_path: Path, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    feeds, manager = tmp_path / "feeds.txt", socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    with serving() as site, manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(30)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        feeds.write_text(site.url("1"))
        with running("watch", str(feeds), "--store", store, "--json", "--log-json") as process:
            assert manager.recv(1000).startswith(b"READY=1\n")
            assert next_result(process)["url"] == site.url("1")
            feeds.write_text(f"{site.url('1')}\n{site.url('2')}\n")
            process.send_signal(signal.SIGHUP)
            assert next_result(process)["url"] == site.url("2")
            output, log = ended(process, signal.SIGTERM)
            assert manager.recv(1000) == b"STOPPING=1"
    assert (process.returncode, output) == (0, "")
    assert site.paths == ["/1", "/2"], "the first feed is not polled again before it is due"
    messages = [line["message"] for line in records(log)]
    assert messages[:2] == [f"watching 1 lines into {store}", "the list has changed: 2 lines"]
    assert messages[-1].startswith("ended: 2 feeds, 2 polls, 0 failed, 2 new entries")


def test_status_and_explain_tell_of_it_while_it_goes_on(
    tmp_path: Path, store: str, capfd: pytest.CaptureFixture[str]
) -> None:
    feeds = tmp_path / "feeds.txt"
    with serving() as site:
        url = site.url("1")
        feeds.write_text(url)
        with running("watch", str(feeds), "--store", store, "--json") as process:
            next_result(process)
            assert main(["status", "--store", store]) == 0
            assert main(["explain", url, "--now", "--store", store]) == 0
            ended(process, signal.SIGTERM)
        assert site.paths == ["/1", "/1"]
    out, err = capfd.readouterr()
    assert "1 feed in" in out
    assert "because the rhythm of the feed, 1" in out
    assert f"nothing of this fetch will be stored: {store} is in use by process {process.pid}" in err


def test_a_list_that_can_not_be_read_again_is_logged(tmp_path: Path, store: str) -> None:
    feeds = tmp_path / "feeds.txt"
    with serving() as site:
        feeds.write_text(site.url("1"))
        with running("watch", str(feeds), "--store", store, "--json") as process:
            next_result(process)
            feeds.write_text("# nothing\n")
            process.send_signal(signal.SIGHUP)
            assert process.stderr is not None
            lines = [process.stderr.readline() for _ in range(2)]
            ended(process, signal.SIGTERM)
    assert "ERROR the list was not read again" in lines[1]
    assert "contains no feeds" in lines[1]
    assert process.returncode == 0


def test_after_sigkill_it_goes_on_where_it_was(tmp_path: Path, store: str) -> None:
    feeds = tmp_path / "feeds.txt"
    with serving() as site:
        feeds.write_text("\n".join([*(site.url(f"{n}") for n in range(FEEDS)), site.url("stall/")]))
        with running("watch", str(feeds), "--store", store, "--json", "--per-host", "20") as process:
            for _ in range(FEEDS):
                assert next_result(process)["stored"]
            process.send_signal(signal.SIGKILL)
            process.wait(30)
        before = stored(tmp_path / "news.db")
        assert before[0] == len(before[1]) == FEEDS
        site.go_on.set()
        site.paths.clear()
        with running("watch", str(feeds), "--store", store, "--json", "--per-host", "20") as process:
            assert next_result(process)["url"] == site.url("stall/")
            ended(process, signal.SIGINT)
        assert site.paths == ["/stall/"], "only the one that was in flight"
    entries, due = stored(tmp_path / "news.db")
    assert entries == FEEDS + 1
    assert set(before[1]) < set(due)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--budget", "lots"], "--budget must be polls in a time, such as 50/s"),
        (["--budget", "1/y"], "--budget must be polls in a time"),
        (["--every", "soon"], "--every must be a number of seconds, or a duration"),
        (["--every", "1s"], "--every must be from 60 to 604800 s"),
        (["--fixed", "--fresh", "20m"], "--fixed has no goal"),
        (["--metrics", "9464"], "--metrics must be HOST:PORT"),
    ],
)
def test_wrong_options(
    tmp_path: Path, store: str, arguments: list[str], message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    feeds = tmp_path / "feeds.txt"
    feeds.write_text("http://127.0.0.1:9/")
    assert main(["watch", str(feeds), "--store", store, *arguments]) == 2
    assert message in capfd.readouterr().err
    assert not (tmp_path / "news.db").exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], Polling()),
        (["--every", "5m"], Polling(every=300)),
        (["--fixed"], Polling(by_rhythm=False)),
        (["--fresh", "20m", "--budget", "50/s"], Polling(fresh=1200, budget=50)),
        (["--budget", "3600/h"], Polling(budget=1)),
        (["--budget", "2"], Polling(budget=2)),
    ],
)
def test_options_say_how_often_to_poll(arguments: list[str], expected: Polling) -> None:
    assert polling(parse(["watch", "feeds.txt", *arguments])[1]) == expected


def test_a_budget_that_is_no_number() -> None:
    with pytest.raises(UsageError, match="budget must be from"):
        polling(parse(["watch", "feeds.txt", "--budget", "nan/s"])[1])
