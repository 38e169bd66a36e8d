"""Ctrl-C at any moment in the life of the process is one line: during imports, before and after the work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import tomllib
from contextlib import suppress
from pathlib import Path

import pytest

from trioscrape._cli.process import is_command

from support.command_line import Site, command

INTERRUPT = """
import os, signal, sys

def interrupt(event, arguments):
    global interrupted
    if not interrupted and event == {event!r} and {argument!r} in map(str, arguments):
        interrupted = True
        os.kill(os.getpid(), signal.SIGINT)

interrupted = False
sys.addaudithook(interrupt)
"""
"""Sends Ctrl-C when the interpreter tells its audit hooks of an event: always at the same moment."""

AT_THE_END = """
import atexit, os, signal
atexit.register(os.kill, os.getpid(), signal.SIGINT)
"""
"""The first function to be registered is the last one to be called."""

SCRIPT = """
import sys
from {module} import {function}
if __name__ == "__main__":
    sys.exit({function}())
"""
"""What installers make of an entry point."""


@pytest.fixture(params=["module", "script"])
def program(request: pytest.FixtureRequest) -> list[str]:
    """The command in both of its forms."""
    if request.param == "module":
        return command("feeds.txt")
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    module, _, function = project["project"]["scripts"]["trioscrape"].partition(":")
    Path("trioscrape").write_text(SCRIPT.format(module=module, function=function))
    return [sys.executable, "trioscrape", "feeds.txt"]


def run_with(code: str, program: list[str]) -> subprocess.CompletedProcess[str]:
    """The program in an interpreter that runs `code` first."""
    Path("hooks").mkdir()
    Path("hooks/sitecustomize.py").write_text(code)
    environment = os.environ | {"PYTHONPATH": "hooks"}
    return subprocess.run(program, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("event", "argument"),
    [
        ("import", "trio"),
        ("import", "httpx"),
        ("import", "trioscrape._cli.command"),
        ("open", "feeds.txt"),
        ("sqlite3.connect", "trioscrape.db"),
    ],
)
def test_before_the_work(program: list[str], event: str, argument: str, site: Site) -> None:
    Path("feeds.txt").write_text(site.url("a"))

    ended = run_with(INTERRUPT.format(event=event, argument=argument), program)

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.removeprefix("trioscrape: ") == "interrupted\n"
    assert site.paths == []


def test_after_the_work(site: Site) -> None:
    Path("feeds.txt").write_text(site.url("a"))

    ended = run_with(AT_THE_END, command("feeds.txt"))

    assert ended.returncode == 0
    assert ended.stderr == "Fetching 1 feed into sqlite:trioscrape.db\n"


LOOK = """
import os, sys

def look(event, _):
    if event == "sqlite3.connect":
        with open("seen", "w") as seen:
            seen.write(" ".join(os.readlink(f"/proc/self/fd/{number}") for number in range(3)))

sys.addaudithook(look)
"""
"""Writes down what the standard files are when the store is opened."""


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_standard_files_that_are_closed_become_the_null_device(site: Site) -> None:
    """Otherwise the store would be standard output."""
    Path("feeds.txt").write_text(site.url("a"))

    ended = run_with(LOOK, ["sh", "-c", 'exec "$@" 0<&- >&- 2>&-', "sh", *command("feeds.txt")])

    assert ended.returncode == 0
    assert Path("seen").read_text() == "/dev/null /dev/null /dev/null"


def test_an_application_is_left_alone() -> None:
    """Its Ctrl-C raises what it always does."""
    code = "import signal, trioscrape; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=True)

    assert done.stdout == b"True\n"


STUCK = """
import time
from trioscrape._cli import session

def stuck(*_):
    print("stuck", flush=True)
    time.sleep(600)

session.feed_record = stuck
"""
"""The event loop itself stands still when the first result is printed."""

WAITING = """
import os, signal, threading, time

def interrupt():
    threading.main_thread().join()
    for _ in range(600):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.1)

threading.Thread(target=interrupt).start()
"""
"""The interpreter waits for a thread at its end, and somebody presses Ctrl-C until it has ended."""

CATCHING = """
import trio
from contextlib import asynccontextmanager
from trioscrape._cli import session

@asynccontextmanager
async def open_store(*_, **__):
    try:
        with trio.CancelScope(shield=True):
            print("stuck", flush=True)
            await trio.sleep(600)
        yield
    finally:
        pass

session.open_store = open_store
"""
"""A store that takes no notice of cancellation."""


@pytest.mark.parametrize("code", [STUCK, CATCHING])
def test_the_third_signal_ends_it_whatever_happens(code: str, site: Site) -> None:
    Path("feeds.txt").write_text(site.url("a"))
    program = f"import sys\nsys.argv = ['trioscrape', 'feeds.txt', '--json']\n{code}\n{MAIN}"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        watchdog = threading.Timer(60, process.kill)
        watchdog.start()
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"stuck\n"
            for number in signal.SIGINT, signal.SIGTERM, signal.SIGINT:
                process.send_signal(number)
                # One that waits to be handled would be taken for the same as the next one.
                wait_until_handled(process.pid)
            assert process.wait() == 1
        finally:
            watchdog.cancel()
            process.kill()


MAIN = """
from trioscrape.__main__ import main
sys.exit(main())
"""


def wait_until_handled(pid: int) -> None:
    """Until no signal waits for the process, or it has gone."""
    with suppress(OSError):
        while True:
            status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
            pending = [
                line.split()[1] for line in status.splitlines() if line.startswith(("SigPnd", "ShdPnd"))
            ]
            if not any(int(each, 16) for each in pending):
                return


def test_ctrl_c_ends_a_wait_for_a_thread_at_the_end(site: Site) -> None:
    """With the status of the work that has been done."""
    Path("feeds.txt").write_text(site.url("a"))
    program = f"import sys\nsys.argv = ['trioscrape', 'feeds.txt']\n{WAITING}\n{MAIN}"

    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60, check=False)

    assert ended.returncode == 0
    assert b"\nstored in sqlite:" in ended.stdout


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("python -m trioscrape feeds.txt", True),
        ("python -X utf8 -Im trioscrape", True),
        ("python -mtrioscrape", True),
        ("python -m application trioscrape", False),
        ("python -Xfrozen_modules=off -m pytest -m trioscrape", False),
    ],
)
def test_an_application_that_names_it_is_not_the_command(
    monkeypatch: pytest.MonkeyPatch, line: str, expected: bool
) -> None:
    """Its first arguments are there before its module is: its package may import trioscrape."""
    monkeypatch.setattr(sys, "argv", ["-m"])
    monkeypatch.setattr(sys, "orig_argv", line.split())

    assert is_command() is expected
