"""Invariant 10: nothing is installed for the whole process or the whole run."""

from __future__ import annotations

import gc
import logging
import os
import signal
import socket
import sys
import threading
import warnings
from pathlib import Path

import pytest
import trio

from trioscrape import (
    Outcome,
    open_scrape,
    open_store,
)

from support.loopback import loopback_names
from support.servers import FEED, answer, open_raw


def global_state() -> dict[str, object]:
    return {
        "getaddrinfo": socket.getaddrinfo,
        "default timeout": socket.getdefaulttimeout(),
        "signals": [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)],
        "logging": (list(logging.root.handlers), logging.root.level),
        "warnings": list(warnings.filters),
        "environment": dict(os.environ),
        "collector": (gc.get_threshold(), gc.get_freeze_count(), gc.isenabled()),
        "hooks": (sys.excepthook, threading.excepthook, sys.unraisablehook, sys.getswitchinterval()),
        "resolver": swap_back(trio.socket.set_custom_hostname_resolver),
        "sockets": swap_back(trio.socket.set_custom_socket_factory),
        "default threads": trio.to_thread.current_default_thread_limiter().total_tokens,
        "folder": Path.cwd(),
    }


def swap_back(setter: object) -> object:
    old = setter(None)  # type: ignore[operator]
    setter(old)  # type: ignore[operator]
    return old


async def test_10_no_global_state(monkeypatch: pytest.MonkeyPatch, store_url: str) -> None:
    async with open_raw(answer("200 OK", FEED)) as server:
        loopback_names(monkeypatch)
        before = global_state()
        feeds = [f"http://f.test:{server.port}/"]
        async with open_store(store_url) as store, open_scrape(feeds, store=store) as run:
            during = global_state()
            results = [result async for result in run]
        after = global_state()

    assert [result.outcome for result in results] == [Outcome.NEW]
    assert during == before
    assert after == before


def test_10_importing_changes_nothing() -> None:
    """In a new process, since this one has imported it long ago."""
    import subprocess

    program = (
        "import gc, logging, signal, socket, sys, threading, warnings\n"
        "state = lambda: (socket.getaddrinfo, signal.getsignal(signal.SIGINT), logging.root.handlers[:], "
        "gc.get_threshold(), sys.excepthook, threading.active_count(), sys.getswitchinterval())\n"
        "before = state()\nimport trioscrape\nassert state() == before, (before, state())\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
