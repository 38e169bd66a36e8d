"""What tests of the worker processes share: a parser that obeys, and looks at its processes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest
import trio

from trioscrape._errors import FeedFailed
from trioscrape._parse import FeedDocument, ProcessParser, open_process_parser

from . import hostile_parsers

URL = "http://feeds.test/feed.xml"
FEED = FeedDocument(b"<rss version='2.0'><channel><title>t</title></channel></rss>", URL)
NEVER = 600.0
"""A timeout, in seconds, that is not meant to pass."""
PATIENCE = 60.0
"""Seconds until a test that hangs is said to have failed."""


def command(text: str, port: int = 0) -> FeedDocument:
    return FeedDocument(text.encode(), f"http://feeds.test:{port}/" if port else URL)


@contextmanager
def phone() -> Iterator[tuple[trio.socket.SocketType, int]]:
    """A listening socket on which workers report, and its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield trio.socket.from_stdlib_socket(listener), listener.getsockname()[1]


@asynccontextmanager
async def opened(width: int = 1, parse_timeout: float = NEVER) -> AsyncIterator[ProcessParser]:
    """A parser that obeys, and a check that nothing is left of it."""
    descriptors = len(os.listdir("/dev/fd"))
    seen: set[int] = set()
    with trio.fail_after(PATIENCE):
        async with open_process_parser(width, parse_timeout, hostile_parsers.act) as parser:
            seen |= parser.processes
            yield parser
            seen |= parser.processes
    assert len(os.listdir("/dev/fd")) == descriptors
    assert parser.processes == frozenset()
    for pid in seen:
        assert is_gone(pid)


def is_gone(pid: int) -> bool:
    """Not running, and no zombie either."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def wait_until_dead(child: int) -> None:
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)


def started(program: str, *arguments: str) -> subprocess.Popen[bytes]:
    """A Python program that finds the modules of the tests."""
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )


async def failure(parser: ProcessParser, document: FeedDocument) -> tuple[str, str]:
    with pytest.raises(FeedFailed) as caught:
        await parser.parse(document)
    return caught.value.reason, caught.value.detail


async def worker_of(parser: ProcessParser) -> int:
    return int((await parser.parse(command("pid"))).title or 0)
