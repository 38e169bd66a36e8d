"""Many scrapes in one process, each with some trouble at a random moment: all that it holds stays level.

``nox -s soak`` makes 200 of them, which takes up to twenty minutes; the short form makes 12. The seed is
printed; ``TRIOSCRAPE_TEST_SEED`` repeats a run.
"""

from __future__ import annotations

import os
import random
import sqlite3
import struct
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trio

from trioscrape import Config, Result, Scrape, open_scrape

from support.fetching import Loopback
from support.holdings import Holdings, held, kill_a_worker, objects, resident
from support.mongod import Mongod
from support.scenarios import rss
from support.servers import RawServer, answer, open_server, read_head

LONG = bool(os.environ.get("TRIOSCRAPE_TEST_LONG"))
RUNS = 200 if LONG else 12
FEEDS = 40
CONFIG = Config(
    parse_width=2, in_flight=20, read_timeout=1.0, ignore_schedule=True, outage_timeout=120, body_limit=2**20
)
PATIENCE = 60.0
"""Seconds for what a run has held to be given back."""
OBJECTS = 100 if LONG else 300
"""Python objects by which the last quarter of the runs may have more than the one before: two for each run
are seen in the long form, a hundred in the short one."""
BYTES = 4 * 2**20
"""Resident memory by which they may have more in the long form: 80 KB for each run. The allocator's own noise
is about 1 MiB."""

pytestmark = [
    pytest.mark.heavy,
    pytest.mark.skipif(sys.platform != "linux", reason="looks at what is open in /proc"),
]

Away = Callable[[], AbstractAsyncContextManager[None]]
Trouble = Callable[["Soaked", Scrape], Awaitable[None]]


@dataclass
class Soaked:
    """One run: its own dice, its store, what has come of its feeds."""

    chance: random.Random
    store: str
    away: Away
    """While the block runs, the store does not answer."""
    killed: int = 0
    cut_short: bool = False
    results: list[Result] = field(default_factory=list)

    async def a_moment(self) -> None:
        await trio.sleep(self.chance.uniform(0, 0.05))


# What may happen after some result. Each is a function of the run and its scrape.


async def nothing(run: Soaked, scrape: Scrape) -> None:
    pass


async def a_worker_is_killed(run: Soaked, scrape: Scrape) -> None:
    await run.a_moment()
    run.killed += kill_a_worker()


async def six_workers_are_killed(run: Soaked, scrape: Scrape) -> None:
    for _ in range(6):
        run.killed += kill_a_worker()
        await run.a_moment()


async def the_store_is_away(run: Soaked, scrape: Scrape) -> None:
    async with run.away():
        await trio.sleep(run.chance.uniform(0, 0.5))


async def cancelled(run: Soaked, scrape: Scrape) -> None:
    await run.a_moment()
    run.cut_short = True
    scrape.cancel()


async def drained(run: Soaked, scrape: Scrape) -> None:
    await run.a_moment()
    run.cut_short = True
    scrape.drain()


async def cancelled_without_a_store(run: Soaked, scrape: Scrape) -> None:
    async with run.away():
        await cancelled(run, scrape)
        await run.a_moment()


async def left_early(run: Soaked, scrape: Scrape) -> None:
    run.cut_short = True
    raise Left


async def cancelled_from_outside(run: Soaked, scrape: Scrape) -> None:
    run.cut_short = True
    with trio.CancelScope() as scope:  # a checkpoint that is cancelled, as any of the caller's may be
        scope.cancel()
        await trio.sleep_forever()
    raise Left


class Left(Exception):
    """The caller leaves the block in the middle."""


TROUBLES: list[Trouble] = [
    nothing,
    a_worker_is_killed,
    six_workers_are_killed,
    the_store_is_away,
    cancelled,
    drained,
    cancelled_without_a_store,
    left_early,
    cancelled_from_outside,
]


# The world: servers, and stores that can be away.


class Sites:
    """Feeds that change with each run; of every ten servers one never answers, and one resets connections."""

    def __init__(self) -> None:
        self.run = 0

    async def serve(self, stream: trio.SocketStream, _: RawServer) -> None:
        while head := await read_head(stream):
            host = head.partition(b"Host: ")[2].partition(b".")[0].decode()
            kind = int(host[1:]) % 10
            if kind == 3:
                await stream.receive_some()  # until the client has had enough
            elif kind == 7:
                stream.setsockopt(trio.socket.SOL_SOCKET, trio.socket.SO_LINGER, struct.pack("ii", 1, 0))
                return
            else:
                await stream.send_all(answer("200 OK", rss("a", "b", title=f"{host} in run {self.run}")))


@asynccontextmanager
async def frozen(server: Mongod) -> AsyncIterator[None]:
    server.freeze()
    try:
        yield
    finally:
        server.thaw()


@asynccontextmanager
async def locked(path: Path) -> AsyncIterator[None]:
    with closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as db:
        db.execute("BEGIN EXCLUSIVE")
        try:
            yield
        finally:
            db.execute("ROLLBACK")


# The test


def expected(run: Soaked, result: Result) -> bool:
    """Whether a feed may end like this. A machine that is busy may take any server for a silent one."""
    kind = int(result.feed.url.partition("//f")[2].partition(".")[0]) % 10
    if result.reason in ("read-timeout", "fetch-timeout", "connect-timeout"):
        return True
    if result.reason == "cancelled":
        return run.cut_short
    if result.reason == "parse-crash":
        return bool(run.killed)
    return result.reason == "connection-lost" if kind == 7 else result.stored


async def soak(run: Soaked, trouble: Trouble, feeds: list[str]) -> None:
    """One scrape; the trouble comes after some number of results, which may be the last."""
    moment = run.chance.randrange(len(feeds))
    try:
        async with open_scrape(feeds, store=run.store, config=CONFIG, resolver=Loopback()) as scrape:
            async for result in scrape:
                run.results.append(result)
                if len(run.results) == moment + 1:
                    await trouble(run, scrape)
    except Left:
        return
    assert [each for each in run.results if not expected(run, each)] == []
    report = scrape.report()
    assert len(run.results) == report.feeds - report.not_started
    assert run.cut_short or len(run.results) == len(feeds)


async def given_back(before: Holdings) -> None:
    """Wait until no more is held than before: drivers end their own threads a moment later."""
    deadline = trio.current_time() + PATIENCE
    while more := held().more_than(before):
        assert trio.current_time() < deadline, f"still there: {more}"
        await trio.testing.wait_all_tasks_blocked(0.01)


def level(samples: list[int], tolerance: int) -> bool:
    """Whether the last quarter of the samples is as the one before, by the least of each.

    A run in which workers are killed leaves some hundred objects, until the next one.
    """
    quarter = len(samples) // 4
    return min(samples[-quarter:]) - min(samples[-2 * quarter : -quarter]) <= tolerance


async def test_level(own_mongod: Mongod, tmp_path: Path) -> None:
    seed = os.environ.get("TRIOSCRAPE_TEST_SEED") or (str(time.time_ns()) if LONG else "20161117")
    print(f"TRIOSCRAPE_TEST_SEED={seed}")
    path, sites = tmp_path / "soak.db", Sites()
    stores = [
        (f"sqlite:{path}", lambda: locked(path)),
        (f"{own_mongod.url}/soak", lambda: frozen(own_mongod)),
    ]
    order, troubles = random.Random(seed), [*TROUBLES]
    bytes_, counts = list[int](), list[int]()
    async with open_server(sites.serve) as server:
        feeds = [f"http://f{number}.test:{server.port}/feed" for number in range(FEEDS)]
        await trio.testing.wait_all_tasks_blocked()
        before = held()
        for sites.run in range(RUNS):
            if sites.run % len(TROUBLES) == 0:
                order.shuffle(troubles)
            trouble = troubles[sites.run % len(troubles)]
            store, away = stores[(sites.run + sites.run // len(TROUBLES)) % 2]
            run = Soaked(random.Random(f"{seed} {sites.run}"), store, away)
            try:
                await soak(run, trouble, run.chance.sample(feeds, FEEDS))
                await given_back(before)
            except BaseException as error:
                error.add_note(f"run {sites.run}, {trouble.__name__}, {store}, seed {seed}")
                raise
            bytes_.append(resident())
            counts.append(objects())
            print(sites.run, trouble.__name__, store, bytes_[-1], counts[-1], flush=True)

    assert level(counts, OBJECTS), counts
    if LONG:  # fewer runs do not fill the allocator's pools
        assert level(bytes_, BYTES), bytes_
