"""A program that is killed or loses its store: feeds for it, its records, what is stored at last."""

from __future__ import annotations

import json
import math
import os
import signal
import sqlite3
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE
from typing import Any

import trio
from pymongo import MongoClient

from trioscrape._urls import feed_id

from support.scenarios import rss
from support.servers import RawServer, answer, open_server, read_head

LONG = bool(os.environ.get("TRIOSCRAPE_TEST_LONG"))

ENTRIES = 5
"""Of each feed that is there; every seventh is not."""
MOMENTS = {
    *("_id", "delays", "failing_since", "first_seen", "last_changed"),
    *("next_fetch", "next_unconditional", "rhythm"),
}
"""Fields whose values differ from run to run."""

DEADLINE = 120
"""Seconds until a test gives up."""

Record = dict[str, Any]


class Sites:
    """Feeds at ``f0.localhost`` …; only the first `limit` requests are answered until it is raised."""

    def __init__(self, count: int, folder: Path) -> None:
        self.count = count
        self.limit: float = math.inf
        self.requests = 0
        self.list = folder / "feeds.txt"
        self._raised = trio.lowlevel.ParkingLot()

    def written(self, server: RawServer) -> None:
        self.urls = [f"http://f{n}.localhost:{server.port}/feed" for n in range(self.count)]
        self.list.write_text("\n".join(self.urls))

    def answer_until(self, limit: float) -> None:
        self.limit = limit
        self._raised.unpark_all()

    async def serve(self, stream: trio.SocketStream, _: RawServer) -> None:
        while head := await read_head(stream):
            self.requests += 1
            mine = self.requests
            while mine > self.limit:
                await self._raised.park()
            host = head.partition(b"Host: ")[2].partition(b":")[0].decode()
            if not is_there(host):
                await stream.send_all(answer("404 Not Found"))
            elif b"If-None-Match" in head:
                await stream.send_all(b"HTTP/1.1 304 Not Modified\r\n\r\n")
            else:
                await stream.send_all(answer("200 OK", rss(*keys_of(host), title=host), 'ETag: "1"'))

    def entries(self, url: str) -> set[tuple[str, str]]:
        """What has to be stored when the feed at `url` is."""
        host = url.split("/")[2].partition(":")[0]
        return {(feed_id(url), key) for key in keys_of(host)} if is_there(host) else set()


def is_there(host: str) -> bool:
    return int(host.partition(".")[0][1:]) % 7 != 0


def keys_of(host: str) -> list[str]:
    return [f"tag:{host},2016:{n}" for n in range(ENTRIES)]


@asynccontextmanager
async def open_sites(count: int, folder: Path) -> AsyncIterator[Sites]:
    sites = Sites(count, folder)
    async with open_server(sites.serve) as server:
        sites.written(server)
        yield sites


class Program:
    """``python -m trioscrape … --json``: its records as they come."""

    def __init__(self, process: trio.Process, mark: str) -> None:
        self.process = process
        self.records: list[Record] = []
        self.said = ""
        """What it has written on standard error so far."""
        self._mark = mark
        self._news = trio.lowlevel.ParkingLot()
        self._done = False

    @property
    def stored(self) -> set[str]:
        """The URLs of feeds that were reported as stored."""
        return {each["url"] for each in self.records if each.get("stored") is True}

    async def read(self) -> None:
        rest = b""
        assert self.process.stdout is not None
        async with self.process.stdout as stdout:
            async for data in stdout:
                # A line that has been cut off is a record that was never there.
                *lines, rest = (rest + data).split(b"\n")
                self.records += map(json.loads, lines)
                self._news.unpark_all()
        self._done = True
        self._news.unpark_all()

    async def listen(self) -> None:
        assert self.process.stderr is not None
        async with self.process.stderr as stderr:
            async for data in stderr:
                self.said += data.decode()
                self._news.unpark_all()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until this is so, after a look at each record and each message; or for the program's end."""
        with trio.fail_after(DEADLINE):
            while not (condition() or self._done):
                await self._news.park()

    async def ended(self) -> Record:
        """Its last record, once it has ended."""
        await self.until(lambda: False)
        await self.process.wait()
        return self.records[-1] if self.records else {}

    async def kill(self) -> None:
        """As ``kill -9`` does; then its worker processes have to end by themselves."""
        self.process.send_signal(signal.SIGKILL)
        await self.ended()
        with trio.fail_after(30):
            while orphans := list(marked(self._mark)):
                await gone(orphans)

    def memory(self) -> int:
        """KiB that it holds at this moment."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))


def marked(mark: str) -> Iterator[int]:
    """The ids of processes that have inherited the mark in their environment."""
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (path / "environ").read_bytes():
                yield int(path.name)
        except OSError:  # gone, or somebody else's
            pass


async def gone(pids: list[int]) -> None:
    with ExitStack() as files:
        for pid in pids:
            try:
                file = os.pidfd_open(pid)
            except ProcessLookupError:
                continue
            files.callback(os.close, file)
            await trio.lowlevel.wait_readable(file)


@asynccontextmanager
async def running(sites: Sites, store: str, *arguments: str) -> AsyncIterator[Program]:
    """The program at work; it is ended with the block."""
    folder, mark = sites.list.parent, f"TRIOSCRAPE_TEST_RUN={uuid.uuid4().hex}"
    command = [sys.executable, "-m", "trioscrape", str(sites.list), "--store", store, "--json", *arguments]
    env = {**os.environ, **dict([mark.split("=")])}
    process = await trio.lowlevel.open_process(command, stdout=PIPE, stderr=PIPE, cwd=folder, env=env)
    program = Program(process, mark)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(program.read)
        nursery.start_soon(program.listen)
        try:
            yield program
        finally:
            process.kill()
            with trio.move_on_after(DEADLINE, shield=True):
                await process.wait()


async def undisturbed(sites: Sites, store: str, *arguments: str) -> Record:
    """The last record of a run that must be complete."""
    async with running(sites, store, *arguments) as program:
        last = await program.ended()
        assert (program.process.returncode, last["feeds"]) == (0, sites.count), program.said
    return last


@dataclass
class Contents:
    """All that a store holds, but for what is a moment of a run; each entry and each feed once."""

    entries: dict[tuple[str, str], Record]
    feeds: dict[str, Record]


def contents(store: str) -> Contents:
    if store.startswith("sqlite:"):
        with closing(sqlite3.connect(store.removeprefix("sqlite:"))) as db:
            db.row_factory = sqlite3.Row
            assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
            tables = {row["name"] for row in db.execute("SELECT name FROM sqlite_master")}
            if not tables:  # killed before it had made them
                return Contents({}, {})
            entries = [dict(row) for row in db.execute("SELECT * FROM entries")]
            feeds = [dict(row) for row in db.execute("SELECT * FROM feeds")]
    else:
        with MongoClient[Any](store) as client:
            database = client.get_default_database("trioscrape")
            entries = list(database.entries.find())
            feeds = [{**found, "feed_id": found["_id"]} for found in database.feeds.find()]
    found = Contents(
        {(each["feed"], each["key"]): lasting(each) for each in entries},
        {each["feed_id"]: lasting(each) for each in feeds},
    )
    assert (len(found.entries), len(found.feeds)) == (len(entries), len(feeds)), "something is there twice"
    return found


def lasting(record: Record) -> Record:
    return {name: value for name, value in record.items() if name not in MOMENTS}


def lost(sites: Sites, program: Program, store: str) -> set[str | tuple[str, str]]:
    """Entries and feeds that were reported as stored and are not there."""
    found = contents(store)
    feeds = {feed_id(url) for url in program.stored} - found.feeds.keys()
    return feeds.union(*(sites.entries(url) for url in program.stored)) - found.entries.keys()
