"""The program among servers and files that mean harm, and what it promises whatever they say."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from pprint import pformat
from typing import Any, TypeVar

import trio

from trioscrape import FeedState, StoredEntry, open_reader

from support.browser import danger_of_url, dangers
from support.servers import FEED, RawServer, answer, open_server, read_head

T = TypeVar("T")

LONG = bool(os.environ.get("TRIOSCRAPE_TEST_LONG"))
"""All rows of all tables."""
STORES = ["sqlite", "mongo"] if LONG else ["sqlite"]
"""Kinds of stores, for tests where it matters little which one it is."""
HANDFUL = 5
"""Rows of a table in the short form."""
HEALTHY = 3
"""Feeds beside those that mean harm."""
PATIENCE = 300.0
"""Seconds until a program that does not end by itself is ended, and the test has failed."""
MEMORY = 400 * 2**20
"""Bytes of the program, or of any of its processes. At rest they have 60 and 40 MiB; with `LIMITS`, documents
in flight and what is made of them come on top."""
LIMITS = ("--bytes-in-flight", "32MiB", "--body-limit", "4MiB", "--parse-width", "2")
URL_FIELDS = {"url", "link", "image", "comments", "chapters", "self_link", "hub", "feed_url"}

Handler = Callable[[trio.SocketStream, RawServer], Awaitable[object]]


def some(rows: Sequence[T], handful: int = HANDFUL) -> Sequence[T]:
    """Rows for a run: all, or in the short form a handful from all over the table."""
    return rows if LONG else rows[:: -(-len(rows) // handful)]


def assert_none(wrong: Collection[object]) -> None:
    """Fail with all that is `wrong`: by itself, pytest shows the beginning."""
    assert not wrong, pformat(wrong, width=200)


# Servers


@dataclass
class Sites:
    """A host a row, each with a feed at its root, healthy ones among them, and all that was requested."""

    handlers: Mapping[str, Handler]
    """By the first label of a host name."""
    port: int = 0
    strange: list[str] = field(default_factory=list)
    """Requests for what no list has: a document has caused them."""

    @property
    def urls(self) -> list[str]:
        """Healthy feeds come first, in the middle, and last."""
        rows = [*self.handlers]
        step = max(1, len(rows) // (HEALTHY - 1))
        for number, place in enumerate(range(0, HEALTHY * (step + 1), step + 1)):
            rows.insert(place, f"healthy{number}")
        return [self.url(label) for label in rows]

    def url(self, label: str) -> str:
        return f"http://{label}.localhost:{self.port}/"

    async def serve(self, stream: trio.SocketStream, server: RawServer) -> None:
        pushed_back = Replayed(stream)
        head = await read_head(stream)
        if not head:
            return
        path = head.split()[1].decode("latin-1")
        label = head.partition(b"Host: ")[2].partition(b".")[0].decode("latin-1")
        if path != "/":
            self.strange.append(f"{label}: {path}")
            await stream.send_all(answer("404 Not Found"))
        elif label in self.handlers:
            pushed_back.head = head
            await self.handlers[label](pushed_back, server)  # type: ignore[arg-type]
        else:
            await stream.send_all(answer("200 OK", FEED))


class Replayed(trio.abc.HalfCloseableStream):
    """A stream whose request has been read already, and is read again by a handler."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream
        self.head = b""

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        head, self.head = self.head, b""
        return head or await self._stream.receive_some(max_bytes)

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def send_eof(self) -> None:
        await self._stream.send_eof()

    async def aclose(self) -> None:
        await self._stream.aclose()


@asynccontextmanager
async def open_sites(handlers: Mapping[str, Handler]) -> AsyncIterator[Sites]:
    sites = Sites(handlers)
    async with open_server(sites.serve) as server:
        sites.port = server.port
        yield sites


def document(body: bytes, content_type: str = "application/xml") -> Handler:
    async def handler(stream: trio.SocketStream, server: RawServer) -> None:
        await read_head(stream)
        await stream.send_all(answer("200 OK", body, f"Content-Type: {content_type}"))

    return handler


# The program


@dataclass(frozen=True)
class Ended:
    """What the program has said, and what it has taken."""

    status: int
    records: list[dict[str, Any]]
    """What it has printed, with ``--json``."""
    said: str
    """On standard error."""
    memory: int
    """Bytes of resident memory of its largest process, at most."""

    @property
    def ends(self) -> dict[str, str]:
        """By URL, the reason or the outcome of each feed."""
        return {each["url"]: each["reason"] or each["outcome"] for each in self.records[:-1]}


async def program(folder: Path, *arguments: str) -> Ended:
    """Run ``python -m trioscrape`` with ``--json`` in `folder`, from its begin to its end."""
    report = folder / "measured"
    measured = [sys.executable, "-I", "-S", str(Path(__file__).with_name("measured.py")), str(report)]
    env = {name: value for name, value in os.environ.items() if not re.search("(?i)_proxy|TRIOSCRAPE", name)}
    with trio.fail_after(PATIENCE):
        done = await trio.run_process(
            [*measured, sys.executable, "-m", "trioscrape", *arguments, "--json"],
            capture_stdout=True,
            capture_stderr=True,
            check=False,
            cwd=folder,
            env=env,
            start_new_session=True,  # so that both are ended together
            deliver_cancel=_kill,
        )
    status, memory = report.read_text().split()
    records = [json.loads(line) for line in done.stdout.splitlines()]
    return Ended(int(status), records, done.stderr.decode(), int(memory) * 1024)


async def _kill(process: trio.Process) -> None:
    os.killpg(process.pid, signal.SIGKILL)


async def scrape(sites: Sites, folder: Path, store: str, *options: str) -> Ended:
    """One run over all of them."""
    (folder / "feeds.txt").write_text("".join(f"{url}\n" for url in sites.urls))
    return await program(folder, "run", "feeds.txt", "--store", store, *LIMITS, *options)


# What holds whatever comes


def broken_promises(ended: Ended, *statuses: int, memory: int = MEMORY) -> list[str]:
    """What the program has done that it never does."""
    wrong = []
    if ended.status not in statuses:
        wrong.append(f"exit status {ended.status}")
    if "Traceback" in ended.said or "Error:" in ended.said:
        wrong.append(f"a traceback: {ended.said}")
    if not all(char.isprintable() or char == "\n" for char in ended.said):
        wrong.append(f"not printable: {ended.said!r}")
    if ended.memory > memory:
        wrong.append(f"{ended.memory // 2**20} MiB of memory")
    return wrong


def broken_promises_to(sites: Sites, ended: Ended) -> list[str]:
    """The same of the servers: a result for each feed, healthy ones stored, nothing else fetched."""
    wrong = [f"fetched: {each}" for each in sites.strange]
    if sorted(record["url"] for record in ended.records[:-1]) != sorted(sites.urls):
        wrong.append("not one result for each feed")
    for number in range(HEALTHY):
        if (end := ended.ends.get(sites.url(f"healthy{number}"))) not in ("new", "updated", "not_modified"):
            wrong.append(f"a healthy feed: {end}")
    return wrong


@dataclass(frozen=True)
class Stored:
    """All that a store has to show."""

    entries: list[StoredEntry]
    feeds: list[FeedState]

    def of(self, url: str) -> dict[str, StoredEntry]:
        """The entries of a feed, by key."""
        return {each.entry.key: each for each in self.entries if each.feed_url == url}

    def dangers(self) -> list[str]:
        """What of it would do harm on a page."""
        found = []
        for stored in self.entries:
            found += [f"{stored.entry.key}: {danger}" for danger in dangers_of(stored.entry)]
        return found + [f"{feed.url}: {danger}" for feed in self.feeds for danger in dangers_of(feed)]


async def read(store: str) -> Stored:
    async with open_reader(store) as reader:
        return Stored(
            [entry async for entry in reader.read_entries()], [feed async for feed in reader.read_feeds()]
        )


def dangers_of(record: Any) -> Iterator[str]:
    """What is dangerous in a record: in its HTML, its links, and the records inside of it."""
    for each in fields(record):
        value = getattr(record, each.name)
        if each.name in ("summary", "content") and getattr(record, f"{each.name}_type") == "html":
            yield from (f"{each.name}: {danger}" for danger in dangers(value))
        elif each.name in URL_FIELDS and isinstance(value, str) and danger_of_url(value):
            yield f"{each.name}: {value[:80]!r}"
        for inner in value if isinstance(value, tuple) else [value]:
            if is_dataclass(inner):
                yield from (f"{each.name}: {danger}" for danger in dangers_of(inner))
