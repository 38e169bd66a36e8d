"""What a service manager is told, and how a log is written."""

from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from trioscrape._cli.logs import LOGGER, logging_to_stderr
from trioscrape._cli.service import give_signs_of_life, notify, watchdog_period


@pytest.fixture(params=["a path", "an abstract name"])
def manager(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[socket.socket]:
    name = str(tmp_path / "notify") if request.param == "a path" else f"@trioscrape-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(name.replace("@", "\0"))
        listening.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        yield listening


def test_states_are_lines_of_one_datagram(manager: socket.socket) -> None:
    notify("READY=1", "STATUS=watching 3 feeds")
    assert manager.recv(100) == b"READY=1\nSTATUS=watching 3 feeds"


@pytest.mark.parametrize("path", ["", "relative", "/nobody/listens/here", "vsock:2:1"])
def test_without_a_manager_nothing_is_sent(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", path)
    notify("READY=1")


@pytest.mark.parametrize(
    ("microseconds", "process", "period"),
    [
        ("60000000", None, 30),
        ("60000000", "this one", 30),
        ("60000000", "1", None),
        ("", None, None),
        ("0", None, None),
        ("soon", None, None),
    ],
)
def test_the_watchdogs_period(
    microseconds: str, process: str | None, period: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", microseconds)
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    if process is not None:
        monkeypatch.setenv("WATCHDOG_PID", process.replace("this one", str(os.getpid())))
    assert watchdog_period() == period


async def test_signs_of_life(
    manager: socket.socket, monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "60000000")
    with trio.move_on_after(100):
        await give_signs_of_life()
    assert [manager.recv(100) for _ in range(4)] == [b"WATCHDOG=1"] * 4


def test_a_log_of_text(capfd: pytest.CaptureFixture[str]) -> None:
    with logging_to_stderr(as_json=False, level=logging.INFO):
        LOGGER.info("polled %s", "http://a.test/\x1b[2J")
        LOGGER.debug("not shown")
        logging.getLogger("another.library").warning("a warning")
        logging.getLogger("another.library").info("not shown either")
    lines = capfd.readouterr().err.splitlines()
    assert [line.partition(" ")[2] for line in lines] == [
        "INFO polled http://a.test/\\x1b[2J",
        "WARNING a warning",
    ]


def test_a_log_of_json(capfd: pytest.CaptureFixture[str]) -> None:
    with logging_to_stderr(as_json=True, level=logging.DEBUG):
        LOGGER.debug("totals", extra={"fields": {"polls": 3}})
    (line,) = capfd.readouterr().err.splitlines()
    found = json.loads(line)
    assert found.pop("time").endswith("+00:00")
    assert found == {"level": "debug", "logger": "trioscrape.watch", "message": "totals", "polls": 3}


@pytest.mark.parametrize("lines", [2_000, 20_000])
def test_where_nobody_reads_the_log_the_process_ends(lines: int) -> None:
    """More than a pipe takes; and more than may wait besides."""
    program = (
        "from trioscrape._cli.logs import LOGGER, logging_to_stderr\n"
        "with logging_to_stderr(as_json=False, level=20):\n"
        f"    for _ in range({lines}): LOGGER.info('x' * 100)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE) as process:
        try:
            assert process.wait(30) == 0
        finally:
            process.kill()


def test_afterwards_logging_is_as_it_was() -> None:
    before = logging.getLogger().handlers[:], logging.getLogger().level, LOGGER.level
    with logging_to_stderr(as_json=False, level=logging.DEBUG):
        pass
    assert (logging.getLogger().handlers[:], logging.getLogger().level, LOGGER.level) == before
