"""Functions that worker processes run in place of the real parser. Light: each worker imports this."""

from __future__ import annotations

import os
import signal
import socket
import sys
from contextlib import nullcontext, suppress
from urllib.parse import urlsplit

from trioscrape._errors import FeedFailed
from trioscrape._parse.protocol import FeedDocument
from trioscrape._records import Entry, ParsedFeed

# Made when a worker starts, because later it can make none. Only workers are isolated.
LINES = [socket.socket() for _ in range(10)] if sys.flags.isolated else []
HELD: dict[bytes, bytes] = {}
"""What is never given back, by the command for it."""


def act(document: FeedDocument) -> ParsedFeed:
    """Do what the body says. With a port in the URL, first tell whoever listens there our pid."""
    port = urlsplit(document.url).port
    with LINES.pop() if port else nullcontext() as line:
        if line is not None:
            line.connect(("127.0.0.1", port))
            line.sendall(f"{os.getpid()}\n".encode())
        act_on(document.body, line)
    return ParsedFeed(str(os.getpid()), None, ())


def act_on(command: bytes, line: socket.socket | None) -> None:
    match command:
        case b"hang":
            while True:
                pass
        case b"wait":
            assert line is not None
            with suppress(OSError):
                line.recv(1)
        case b"exit":
            os._exit(3)
        case b"kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case b"raise":
            raise ZeroDivisionError
        case b"fail":
            raise FeedFailed("not-a-feed", "as told")
        case b"grow" | b"balloon":
            HELD[command] = b"x" * 2**28
            HELD.pop(b"balloon", None)
        case b"print":
            os.write(1, b"on stdout\n")
            os.write(2, b"on stderr\n")


def echo(document: FeedDocument) -> ParsedFeed:
    """An entry for each kilobyte, so that answers come in several batches."""
    text = document.body.decode("latin-1").replace("\0", " ")
    return ParsedFeed(
        document.url,
        document.content_type,
        tuple(
            Entry(str(start), "-", title=text[start : start + 1024]) for start in range(0, len(text), 1024)
        ),
    )


def packages(document: FeedDocument) -> ParsedFeed:
    """Which packages are imported."""
    return ParsedFeed(" ".join(sorted(sys.modules)), None, ())
