"""Functions that worker processes run in place of the real parser. Light: each worker imports this."""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import nullcontext, suppress
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from trioscrape._errors import FeedFailed
from trioscrape._parse.protocol import FeedDocument
from trioscrape._records import Entry, ParsedFeed

MOST_LINES = 10
# Made when a worker starts, because later it can make none. Only workers are isolated.
LINES = [socket.socket() for _ in range(MOST_LINES)] if sys.flags.isolated else []
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


def escape(document: FeedDocument) -> ParsedFeed:
    """What becomes of each attempt to get out of a worker, as a tag: its name and ``done`` or why not.

    The body is the path of a folder in which everybody may write, and which has a file ``secret``.
    """
    folder = document.body.decode()
    parent = os.getppid()
    attempts: dict[str, Callable[[], object]] = {
        "socket": socket.socket,
        "unix socket": lambda: socket.socket(socket.AF_UNIX),
        "socket pair": socket.socketpair,
        "fork": os.fork,
        "exec": lambda: os.execv(sys.executable, [sys.executable, "-c", ""]),
        "signal to the parent": lambda: os.kill(parent, 0),
        "limits of the parent": lambda: resource.prlimit(parent, resource.RLIMIT_CORE),
        "write a file": lambda: Path(folder, "written").write_text("x"),
        "cut a file": lambda: os.truncate(f"{folder}/secret", 0),
        "delete a file": lambda: os.unlink(f"{folder}/secret"),
        "make a folder": lambda: os.mkdir(f"{folder}/made"),
        "read a file": lambda: Path(folder, "secret").read_text(),
        "list a folder": lambda: os.listdir(folder),
        "environment of the parent": lambda: Path(f"/proc/{parent}/environ").read_bytes(),
        "memory of the parent": lambda: open(f"/proc/{parent}/mem", "rb").close(),
        "codec": lambda: "\uac00".encode("johab"),
        "time zone": lambda: ZoneInfo("America/Caracas"),
    }
    became = {name: _became(attempt) for name, attempt in attempts.items()}
    descriptors = [str(number) for number in range(64) if _became(partial(os.fstat, number)) == "done"]
    return ParsedFeed(
        json.dumps(became),
        json.dumps(dict(os.environ)),
        (),
        subtitle=" ".join(descriptors),
        language=os.getcwd(),
    )


def _became(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    return "done"


def exhaust(document: FeedDocument) -> ParsedFeed:
    """Take ever more memory when told to."""
    held = [b""]
    while document.body == b"exhaust":
        held.append(b"x" * (len(held[-1]) + 2**24))
    return ParsedFeed(str(os.getpid()), None, ())
