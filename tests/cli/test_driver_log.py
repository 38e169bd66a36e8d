"""What pymongo's own threads have to say is a line among the others, not a traceback."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest
import trio
import trio.testing

from trioscrape._cli.driver_log import relay_driver_errors

from support.command_line import Site

CLIENT = logging.getLogger("pymongo.client")


FROZEN = """
import sys
from pymongo.errors import AutoReconnect
from pymongo.synchronous.topology import Topology

def update_pool(self):
    raise AutoReconnect("127.0.0.1:27017: timed out, Timeout: 1s")

Topology.update_pool = update_pool
sys.argv = ["trioscrape", *sys.argv[1:]]
from trioscrape.__main__ import main
sys.exit(main())
"""
"""What pymongo's thread meets when it fills the pool while the server freezes, at every attempt."""


def test_a_server_that_freezes(site: Site, feeds: Callable[..., str], mongodb_url: str) -> None:
    command = [sys.executable, "-c", FROZEN, feeds(site.url("stall/1")), "--store", mongodb_url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        watchdog = threading.Timer(60, process.kill)
        watchdog.start()
        assert process.stderr is not None
        said = [process.stderr.readline()]
        while said[-1] and not said[-1].startswith("pymongo"):
            said.append(process.stderr.readline())
        site.go_on.set()
        out, rest = process.communicate()
        watchdog.cancel()

    assert said[-1] == "pymongo, in the background: 127.0.0.1:27017: timed out\n"
    assert "Traceback" not in "".join(said) + rest
    assert "pymongo" not in rest, "once"
    assert "\n  new           1\n" in out


def log(number: int) -> None:
    try:
        int(f"{number}x")
    except ValueError:
        CLIENT.exception("In the background:")


async def test_each_once_from_any_thread(capfd: pytest.CaptureFixture[str]) -> None:
    heard = []

    async def warn(line: str) -> None:
        heard.append(line)

    before = list(logging.getLogger("pymongo").handlers)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(relay_driver_errors, warn)
        await trio.testing.wait_all_tasks_blocked()
        threads = [threading.Thread(target=log, args=[number % 2]) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        CLIENT.warning("no %s", "error")
        await trio.testing.wait_all_tasks_blocked(0.01)
        nursery.cancel_scope.cancel()

    assert sorted(heard) == [
        "pymongo, in the background: invalid literal for int() with base 10: '0x'",
        "pymongo, in the background: invalid literal for int() with base 10: '1x'",
        "pymongo: no error",
    ]
    assert logging.getLogger("pymongo").handlers == before
    assert capfd.readouterr().err == ""
