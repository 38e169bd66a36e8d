"""The story that trioscrape comes from, in one run.

    python examples/hobbled_resolver.py [--feeds 500] [--mongodb URL]

A data scientist fetched 500 feeds and stored their entries in MongoDB on localhost. Every run ended
in timeouts *to the database*: on his machine, only one `getaddrinfo` call could run at a time in a
process. When the driver looked up "localhost" for another connection, that lookup waited behind those
of 500 feeds (A. Jesse Jiryu Davis, "How To Hobble Your Python Web-Scraper With getaddrinfo()", 2016).

Python has not had this lock since 3.10. This example brings it back: a lock around
`socket.getaddrinfo`, and 100 ms for each feed's host name. Then it scrapes 500 feeds, all served on this
machine, twice: first in the naive way (one nursery, httpx and PyMongo in trio's default threads, a
connection pool that grows), then through trioscrape's lanes. The entries go to the MongoDB given with
``--mongodb``, or else to a `mongod` that is started for this; if there is none, to SQLite.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import feedparser
import httpx
import pymongo
import trio

import trioscrape


@dataclass
class Run:
    """How one way of scraping did."""

    failed: int = 0
    """Feeds whose entries are not in the database."""
    slowest_write: float = 0.0
    """Seconds from the decision to write until it was done."""
    wall: float = 0.0
    """Seconds."""


@dataclass
class Lookups:
    """The lookups of feeds behind the lock."""

    count: int = 0
    busy: float = 0.0
    """Seconds in which one was under way."""
    began: float = 0.0
    ended: float = 0.0

    @property
    def wall(self) -> float:
        """Seconds from the beginning of the first one to the end of the last one."""
        return self.ended - self.began

    @contextmanager
    def one(self) -> Iterator[None]:
        """Count what happens in the block, which holds the lock."""
        began = time.perf_counter()
        self.began = self.began or began
        yield
        self.ended = time.perf_counter()
        self.busy += self.ended - began
        self.count += 1


@contextmanager
def hobbled(seconds: float) -> Iterator[Lookups]:
    """Allow one getaddrinfo call at a time in this process. Each name under .test takes `seconds`."""
    lock, real, lookups = threading.Lock(), socket.getaddrinfo, Lookups()

    def getaddrinfo(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        with lock:
            numeric = kwargs.get("flags", args[3] if len(args) > 3 else 0) & socket.AI_NUMERICHOST
            if numeric or not str(host).rstrip("'").endswith(".test"):
                return real(host, port, *args, **kwargs)
            with lookups.one():
                time.sleep(seconds)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", int(port or 0)))]

    socket.getaddrinfo = getaddrinfo
    try:
        yield lookups
    finally:
        socket.getaddrinfo = real


@asynccontextmanager
async def open_feeds(count: int) -> AsyncIterator[list[str]]:
    """`count` feeds of three entries each, on as many host names, all served by this process."""

    async def serve(stream: trio.SocketStream) -> None:
        async with stream:
            head = await stream.receive_some()
            host = head.partition(b"Host: ")[2].partition(b":")[0].decode()
            items = "".join(f"<item><guid>{host}/{n}</guid><title>Entry {n}</title></item>" for n in range(3))
            feed = f"<rss version='2.0'><channel><title>{host}</title>{items}</channel></rss>".encode()
            await stream.send_all(
                b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(feed) + feed
            )

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(trio.serve_tcp, serve, 0)
        port = listeners[0].socket.getsockname()[1]
        yield [f"http://site-{n}.test:{port}/feed" for n in range(count)]
        nursery.cancel_scope.cancel()


async def naive(feeds: list[str], write: Callable[[list[dict[str, Any]]], object]) -> Run:
    """The obvious way to write a scraper, and the way of most scrapers."""
    run, began = Run(), time.perf_counter()

    async def one(http: httpx.AsyncClient, url: str) -> None:
        try:
            body = (await http.get(url)).content
            entries = feedparser.parse(body).entries
            documents = [{"_id": entry.id, "title": entry.title} for entry in entries]
            asked = time.perf_counter()
            try:
                await trio.to_thread.run_sync(write, documents)
            finally:
                run.slowest_write = max(run.slowest_write, time.perf_counter() - asked)
        except (httpx.HTTPError, pymongo.errors.PyMongoError):
            run.failed += 1

    async with (
        httpx.AsyncClient(limits=httpx.Limits(max_connections=None)) as http,
        trio.open_nursery() as nursery,
    ):
        for url in feeds:
            nursery.start_soon(one, http, url)
    run.wall = time.perf_counter() - began
    return run


async def through_lanes(feeds: list[str], store_url: str) -> Run:
    """The same with trioscrape."""
    run = Run()
    async with trioscrape.open_store(store_url) as store:
        began = time.perf_counter()
        async with trioscrape.open_scrape(feeds, store=store) as scrape:
            async for result in scrape:
                run.failed += not result.stored
                if times := result.lanes.get("store"):
                    run.slowest_write = max(run.slowest_write, times.waited + times.worked)
        run.wall = time.perf_counter() - began
    return run


@contextmanager
def naive_writer(url: str, folder: str) -> Iterator[Callable[[list[dict[str, Any]]], object]]:
    """How the naive scraper writes: with a driver in its default settings, or to a SQLite file."""
    if url.startswith("mongodb"):
        # "localhost", as most people write it: the driver looks it up for every new connection.
        with pymongo.MongoClient[dict[str, Any]](url.replace("127.0.0.1", "localhost")) as client:
            yield client["naive"]["entries"].insert_many
            client.drop_database("naive")
        return

    def write(documents: list[dict[str, Any]]) -> None:
        with sqlite3.connect(f"{folder}/naive.db", timeout=60) as database:
            database.execute("CREATE TABLE IF NOT EXISTS entries (id TEXT PRIMARY KEY, title TEXT)")
            database.executemany("INSERT INTO entries VALUES (:_id, :title)", documents)
        database.close()

    yield write


def find_mongod() -> str | None:
    """A mongod on the PATH, or the one that the test dependencies install."""
    if path := shutil.which("mongod"):
        return path
    spec = importlib.util.find_spec("fiftyone")
    for folder in (spec.submodule_search_locations or []) if spec is not None else []:
        path = str(Path(folder) / "db/bin/mongod")
        if os.access(path, os.X_OK):
            return path
    return None


@contextmanager
def database(url: str | None, folder: str) -> Iterator[str]:
    """A store URL: the given one, that of a mongod started here, or SQLite."""
    if url is not None or (mongod := find_mongod()) is None:
        yield url or f"sqlite:{folder}/lanes.db"
        return
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    options = ["--dbpath", folder, "--port", str(port), "--bind_ip", "127.0.0.1", "--quiet"]
    server = subprocess.Popen([mongod, *options], stdout=subprocess.DEVNULL)  # noqa: S603
    try:
        yield f"mongodb://127.0.0.1:{port}/hobbled"
    finally:
        server.terminate()
        server.wait()


async def main(count: int, url: str | None) -> None:
    with tempfile.TemporaryDirectory() as folder, database(url, folder) as store_url:
        print(
            f"{count} feeds, one lookup at a time, 100 ms each; entries go to {store_url.partition(':')[0]}\n"
        )
        async with trioscrape.open_store(store_url):
            pass  # the database has started
        async with open_feeds(count) as feeds:
            with hobbled(0.1), naive_writer(store_url, folder) as write:
                before = await naive(feeds, write)
            with hobbled(0.1):
                after = await through_lanes(feeds, store_url)
    print(f"{'':16}{'naive':>12}{'lanes':>12}")
    print(f"{'feeds failed':16}{before.failed:>12}{after.failed:>12}")
    print(f"{'slowest write':16}{before.slowest_write:>10.2f} s{after.slowest_write:>10.2f} s")
    print(f"{'wall time':16}{before.wall:>10.1f} s{after.wall:>10.1f} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description="Scrape feeds behind a lock around getaddrinfo, in two ways."
    )
    parser.add_argument("--feeds", type=int, default=500, metavar="N", help="how many (default: 500)")
    parser.add_argument("--mongodb", metavar="URL", help="a server to use: mongodb://HOST/DATABASE")
    arguments = parser.parse_args()
    trio.run(main, arguments.feeds, arguments.mongodb)
