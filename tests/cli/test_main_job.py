"""The main job: `python -m trioscrape feeds.txt` on a real MongoDB, and ten times as many feeds as usual."""

import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
from pymongo import MongoClient
from trio.testing import MockClock

from trioscrape import Config, EntryCounts, Outcome, open_store, scrape

from support.fetching import Loopback
from support.long import only_in
from support.scenarios import healthy, rss, run_virtual, urls
from support.servers import RawServer, answer, open_server, read_head

ENTRIES = 3


@asynccontextmanager
async def open_sites() -> AsyncIterator[RawServer]:
    """Every host is a feed of three entries; a client that knows its ETag gets a 304."""

    async def handler(stream: trio.SocketStream, server: RawServer) -> None:
        while head := await read_head(stream):
            host = head.partition(b"Host: ")[2].partition(b":")[0].decode()
            if b"If-None-Match" in head:
                await stream.send_all(b"HTTP/1.1 304 Not Modified\r\n\r\n")
            else:
                body = rss(*(f"{host}/{n}" for n in range(ENTRIES)), title=host)
                await stream.send_all(answer("200 OK", body, 'ETag: "1"'))

    async with open_server(handler) as server:
        yield server


async def run_program(arguments: list[str], folder: Path) -> dict[str, Any]:
    """What ``python -m trioscrape … --json`` says at last; nothing may be on stderr but where to."""
    command = [sys.executable, "-m", "trioscrape", *arguments, "--json"]
    env = {name: value for name, value in os.environ.items() if name != "TRIOSCRAPE_STORE"}
    done = await trio.run_process(command, capture_stdout=True, capture_stderr=True, cwd=folder, env=env)
    objects = [json.loads(line) for line in done.stdout.splitlines()]
    assert [each["type"] for each in objects] == ["feed"] * (len(objects) - 1) + ["run"]
    last: dict[str, Any] = objects[-1]
    return last


async def test_500_feeds_into_mongodb(mongodb_url: str, tmp_path: Path) -> None:
    """Every entry is stored once, the indexes are there, and a second run writes no entry and no feed."""
    async with open_sites() as server:
        feeds = [f"http://f{n}.localhost:{server.port}/feed" for n in range(500)]
        (tmp_path / "feeds.txt").write_text("\n".join(feeds))
        first = await run_program(["feeds.txt", "--store", mongodb_url], tmp_path)
        with MongoClient[Any](mongodb_url) as client:
            database = client.get_default_database()
            stored = list(database.entries.find({}, {"_id": 1, "feed": 1, "key": 1, "title": 1}))
            states = list(database.feeds.find())
            indexes = {tuple(index["key"]) for index in database.entries.list_indexes()}
            unique = [tuple(i["key"]) for i in database.entries.list_indexes() if i.get("unique")]
            second = await run_program(["feeds.txt", "--store", mongodb_url], tmp_path)
            assert list(database.feeds.find()) == states
            assert sorted(map(str, database.entries.find())) == sorted(
                map(str, database.entries.find({"_id": {"$in": [each["_id"] for each in stored]}}))
            )
            assert database.runs.count_documents({}) == 2

    assert (first["outcomes"]["new"], first["entries"]["new"]) == (500, 500 * ENTRIES)
    assert len(stored) == len({(each["feed"], each["key"]) for each in stored}) == 500 * ENTRIES
    assert {each["title"] for each in stored} == {
        f"About f{n}.localhost/{entry}" for n in range(500) for entry in range(ENTRIES)
    }
    assert ("feed", "key") in unique
    assert ("feed", "published") in indexes
    assert second["outcomes"]["not_modified"] == 500
    assert second["entries"] == {"new": 0, "changed": 0, "unchanged": 0}
    assert second["lanes"]["parse"]["done"] == 0


@pytest.mark.heavy
@pytest.mark.parametrize("feeds", [500, pytest.param(5000, marks=only_in("many"))])
async def test_5000_feeds_work_as_500_do(feeds: int, tmp_path: Path) -> None:
    """Real sockets, names through the dns lane, worker processes, SQLite; none is lost."""
    async with open_sites() as server, open_store(f"sqlite:{tmp_path / 'x.db'}") as store:
        report = await scrape(
            [f"http://f{n}.test:{server.port}/" for n in range(feeds)], store=store, resolver=Loopback()
        )

    assert report.outcomes[Outcome.NEW] == feeds
    assert report.entries == EntryCounts(new=feeds * ENTRIES)
    assert report.lanes["http"].peak_waiting <= 1000


@pytest.mark.heavy
@pytest.mark.parametrize("feeds", [1000, pytest.param(5000, marks=only_in("many"))])
async def test_all_feeds_in_flight_at_once(autojump_clock: MockClock, feeds: int) -> None:
    """All of them are in the http lane at one moment, and take as long as one."""
    internet = healthy(feeds, first_byte=5)
    config = Config(in_flight=feeds, http_width=feeds, dns_width=1000)
    began = trio.current_time()

    _, after = await run_virtual(urls(internet), internet, config=config)

    assert after.report().outcomes[Outcome.NEW] == feeds
    assert trio.current_time() - began < 6
