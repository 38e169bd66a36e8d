"""What a worker can do that a document has taken over: read what it is given, and answer."""

from __future__ import annotations

import ctypes
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

from trioscrape._parse import FeedDocument, open_process_parser
from trioscrape._parse._pool import sandbox
from trioscrape._records import ParsedFeed

from support import hostile_parsers
from support.worker_processes import NEVER, PATIENCE, URL, failure, is_gone

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.uname().machine not in sandbox._ARCHITECTURES,
    reason="only Linux has what confines a worker",
)
ALLOWED = {"codec": "done", "time zone": "done"}
BY_THE_FILTER = dict.fromkeys(
    ("socket", "unix socket", "socket pair", "fork", "exec", "signal to the parent", "limits of the parent"),
    "EPERM",
)
BY_LANDLOCK = dict.fromkeys(
    (
        "write a file", "cut a file", "delete a file", "make a folder", "read a file", "list a folder",
        "environment of the parent", "memory of the parent",
    ),
    "EACCES",
)  # fmt: skip


def landlock() -> int:
    """Its version, 0 where the kernel has none or a container forbids it."""
    version: int = ctypes.CDLL(None).syscall(444, None, ctypes.c_size_t(0), 1)
    return max(version, 0)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "secret").write_text("password")
    tmp_path.chmod(0o777)
    yield tmp_path
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"secret": "password"}


async def escaped(folder: Path) -> ParsedFeed:
    with trio.fail_after(PATIENCE):
        async with open_process_parser(1, NEVER, hostile_parsers.escape) as parser:
            return await parser.parse(FeedDocument(str(folder).encode(), URL))


async def test_a_worker_reaches_nothing_but_its_parent(folder: Path) -> None:
    became = json.loads((await escaped(folder)).title or "")

    assert became == ALLOWED | BY_THE_FILTER | (BY_LANDLOCK if landlock() else became)


async def test_a_worker_has_no_environment_no_files_and_no_current_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRIOSCRAPE_STORE", "mongodb://user:secret@a.test/")
    monkeypatch.setenv("HTTPS_PROXY", "http://user:secret@a.test/")
    reading, writing = os.pipe()
    os.set_inheritable(reading, True)
    feed = await escaped(folder)
    os.close(reading)
    os.close(writing)

    assert json.loads(feed.link or "").keys() <= {"LC_CTYPE"}  # which Python sets itself (PEP 538)
    assert feed.language == "/"
    # Standard streams, its socket, the statistics of its memory, and the sockets that tests make in it.
    assert len((feed.subtitle or "").split()) == 3 + 1 + 1 + hostile_parsers.MOST_LINES


async def test_memory_without_end_costs_the_document_and_the_worker() -> None:
    with trio.fail_after(PATIENCE):
        async with open_process_parser(1, NEVER, hostile_parsers.exhaust) as parser:
            before = int((await parser.parse(FeedDocument(b"", URL))).title or 0)
            failed = await failure(parser, FeedDocument(b"exhaust", URL))
            assert failed == ("parse-crash", "not enough memory")
            assert is_gone(before)
            assert int((await parser.parse(FeedDocument(b"", URL))).title or 0) != before


@pytest.mark.parametrize("missing", ["landlock", "seccomp", "both"])
def test_where_a_kernel_has_less_a_worker_does_with_less(missing: str) -> None:
    """The calls that a container may forbid are answered by a stand-in for the C library."""
    asked = []

    class Libc:
        def prctl(self, option: int, *more: object) -> int:
            asked.append(("prctl", option))
            return 0 if missing == "landlock" else -1

        def syscall(self, number: int, *more: object) -> int:
            asked.append(("syscall", number))
            return -1

    sandbox._confine_by_kernel(Libc(), [], 0, 1)

    assert asked == (
        [("prctl", 38), ("syscall", 444), ("prctl", 22)] if missing == "landlock" else [("prctl", 38)]
    )
