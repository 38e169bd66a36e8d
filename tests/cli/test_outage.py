"""Real stores that are away for a while: the scrape waits, goes on, and loses nothing.

``nox -s outage`` has the long form: ten restarts, a minute without a server, and a replica set.
"""

from __future__ import annotations

import errno
import math
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import aclosing, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trio
import trio.testing
from trio_util import periodic

from trioscrape import Config, FeedState, FeedUpdate, Outcome, Result, Scrape, open_scrape, open_store
from trioscrape._urls import feed_id

from support.mongod import Mongod, ReplicaSet
from support.survival import LONG, Program, Sites, contents, lost, open_sites, running, undisturbed

RESTARTS = 10 if LONG else 1
AWAY = 60 if LONG else 1
"""Seconds without a server, after the program has complained."""
IN_FLIGHT = 30
HELD = ("--in-flight", str(IN_FLIGHT), "--read-timeout", "300", "--fetch-timeout", "600")
"""Sites that hold their answers back are not to be given up."""
COMPLAINT = "store unavailable for"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


async def progress(program: Program, sites: Sites, feeds: int) -> None:
    """Let so many more feeds be answered; go on when some of them are on their way to the store."""
    sites.answer_until(sites.limit + feeds)
    goal = sites.limit - feeds // 2
    await program.until(lambda: len(program.records) >= goal)
    assert program.process.returncode is None, program.said


async def in_thread(call: Callable[[], None]) -> None:
    await trio.to_thread.run_sync(call)


async def test_a_server_that_is_killed_and_restarted_and_is_away(own_mongod: Mongod, tmp_path: Path) -> None:
    url = f"{own_mongod.url}/outage"
    async with open_sites((RESTARTS + 2) * IN_FLIGHT + 100, tmp_path) as sites:
        await undisturbed(sites, f"{own_mongod.url}/undisturbed")
        sites.requests, sites.limit = 0, 0
        how = (*HELD, "--store-timeout", "0.5")
        async with running(sites, url, *how) as program:
            for _ in range(RESTARTS):
                await progress(program, sites, IN_FLIGHT)
                own_mongod.kill()
                await in_thread(own_mongod.start)
            await progress(program, sites, IN_FLIGHT)
            own_mongod.kill()
            sites.answer_until(math.inf)
            await program.until(lambda: COMPLAINT in program.said)
            memory = program.memory()
            await trio.sleep(AWAY)
            # Nobody was let in, and what is held is held once.
            assert sites.requests <= len(program.records) + IN_FLIGHT
            assert program.memory() < 1.1 * memory
            await in_thread(own_mongod.start)
            last = await program.ended()

        assert program.process.returncode == 0, program.said
        assert (last["errors"], last["stored"]) == ({"http-404": missing(sites)}, sites.count)
        assert not lost(sites, program, url)
        assert contents(url) == contents(f"{own_mongod.url}/undisturbed")


def missing(sites: Sites) -> int:
    return sum(not sites.entries(url) for url in sites.urls)


@pytest.mark.skipif(not LONG, reason="three servers: nox -s outage")
async def test_a_primary_that_steps_down_and_one_that_is_killed(
    replica_set: ReplicaSet, tmp_path: Path
) -> None:
    url = replica_set.url
    async with open_sites(6 * IN_FLIGHT, tmp_path) as sites:
        sites.limit = 0
        how = (*HELD, "--store-timeout", "1")
        async with running(sites, url, *how) as program:
            await progress(program, sites, IN_FLIGHT)
            await in_thread(replica_set.step_down)
            await progress(program, sites, IN_FLIGHT)
            killed = await trio.to_thread.run_sync(replica_set.primary)
            killed.kill()
            await progress(program, sites, IN_FLIGHT)
            await in_thread(killed.start)
            sites.answer_until(math.inf)
            last = await program.ended()

        assert program.process.returncode == 0, program.said
        assert (last["errors"], last["stored"]) == ({"http-404": missing(sites)}, sites.count)
        found = contents(url)
        assert found.entries.keys() == set().union(*map(sites.entries, sites.urls))
        assert found.feeds.keys() == set(map(feed_id, sites.urls))


async def test_after_its_patience_it_says_what_is_stored(own_mongod: Mongod, tmp_path: Path) -> None:
    """Each feed that was let in has its line; the next run goes on with the rest."""
    url = f"{own_mongod.url}/outage"
    async with open_sites(100, tmp_path) as sites:
        sites.limit = 0
        how = (*HELD, "--store-timeout", "0.3", "--outage-timeout", "0.5")
        async with running(sites, url, *how) as program:
            await progress(program, sites, IN_FLIGHT)
            own_mongod.kill()
            sites.answer_until(math.inf)
            last = await program.ended()

        assert program.process.returncode == 1
        message = program.said.splitlines()[-1]
        assert message.startswith(f"trioscrape: {own_mongod.url}/outage: ")
        assert message.endswith("; nothing could be stored for 0.5 s")
        *results, last = program.records
        assert (last["stored"], last["feeds"]) == (len(program.stored), 100)
        assert len({each["url"] for each in results}) == len(results) == 100 - last["not_started"]
        unstored = [each for each in results if not each["stored"]]
        assert {each["reason"] for each in unstored} == {"not-stored"}
        assert 0 < len(unstored) == last["errors"]["not-stored"] <= IN_FLIGHT + 1

        await in_thread(own_mongod.start)
        assert not lost(sites, program, url)
        again = await undisturbed(sites, url)
        # Those that had their 404 in the first run are not due yet.
        assert again["errors"].keys() == {"http-404"}
        assert again["errors"]["http-404"] + again["outcomes"]["not_due"] == missing(sites)
        assert contents(url).entries.keys() == set().union(*map(sites.entries, sites.urls))


@dataclass
class Trouble:
    """What befalls a store and passes."""

    url: str
    begin: Callable[[], object]
    end: Callable[[], object]
    said: str


@pytest.fixture
def locked_file(tmp_path: Path) -> Iterator[Trouble]:
    path = tmp_path / "x.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        yield Trouble(
            f"sqlite:{path}",
            lambda: other.execute("BEGIN IMMEDIATE"),
            lambda: other.execute("ROLLBACK"),
            "database is locked",
        )


async def test_interrupted_in_an_outage(locked_file: Trouble, tmp_path: Path) -> None:
    """Ctrl-C once waits for the store, twice stops; each feed that was under way has its line."""
    async with open_store(locked_file.url):  # makes the tables
        pass
    async with open_sites(100, tmp_path) as sites:
        locked_file.begin()
        how = (*HELD, "--store-timeout", "0.2")
        async with running(sites, locked_file.url, *how) as program:
            await until(lambda: sites.requests > 0)
            program.process.send_signal(signal.SIGINT)
            await program.until(lambda: "press Ctrl-C again" in program.said)
            assert program.records == [], program.records
            program.process.send_signal(signal.SIGINT)
            last = await program.ended()
        locked_file.end()

    assert program.process.returncode == 1
    # The run itself can't be recorded either, and is not waited for.
    assert program.said.endswith("another process is writing to it: database is locked\n")
    assert {each["reason"] for each in program.records[:-1]} == {"cancelled"}
    assert last["errors"] == {"cancelled": len(program.records) - 1}
    assert last["not_started"] == 100 - last["errors"]["cancelled"]
    assert contents(locked_file.url).feeds == {}


@pytest.mark.parametrize("signals", [0, 2])
async def test_the_run_itself_is_recorded_when_the_store_is_back(
    locked_file: Trouble, tmp_path: Path, signals: int
) -> None:
    """Ctrl-C twice, and nobody waits for that; the report comes all the same."""
    url = "http://127.0.0.1/feed"
    feed = FeedState(feed_id(url), url, next_fetch=datetime.now(UTC) + timedelta(days=1))
    async with open_store(locked_file.url) as store:
        await store.save(FeedUpdate(feed, ()))
    async with open_sites(0, tmp_path) as sites:
        sites.list.write_text(url)  # it is not due, and there is nothing to store
        locked_file.begin()
        async with running(sites, locked_file.url, "--store-timeout", "0.2") as program:
            await program.until(lambda: "waiting for the store to record the run" in program.said)
            for said in ["press Ctrl-C again to stop now", ""][:signals]:
                program.process.send_signal(signal.SIGINT)
                await program.until(lambda: said in program.said)  # noqa: B023
            if not signals:
                locked_file.end()
            last = await program.ended()
        if signals:
            locked_file.end()

    assert last["outcomes"]["not_due"] == 1
    assert program.process.returncode == (1 if signals else 0)
    with closing(sqlite3.connect(locked_file.url.removeprefix("sqlite:"))) as db:
        assert db.execute("SELECT count(*) FROM runs").fetchone() == ((0,) if signals else (1,))


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Trouble]:
    """A file system of 16 MiB, which only root can make."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(disk)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no file system of one's own: {error}")
    try:
        yield Trouble(f"sqlite:{disk / 'x.db'}", lambda: fill(disk), (disk / "filler").unlink, "full")
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def fill(disk: Path) -> None:
    no_room = pytest.raises(OSError, match=os.strerror(errno.ENOSPC))
    with (disk / "filler").open("wb", buffering=0) as file, no_room:
        while True:
            file.write(bytes(4096))


@pytest.fixture
def full_server(own_mongod: Mongod) -> Trouble:
    return Trouble(
        f"{own_mongod.url}/x",
        lambda: own_mongod.fail("update", errorCode=14031),
        own_mongod.heal,
        "failCommand",
    )


@pytest.fixture
def frozen_server(own_mongod: Mongod) -> Trouble:
    return Trouble(f"{own_mongod.url}/x", own_mongod.freeze, own_mongod.thaw, "timed out")


@pytest.mark.parametrize("trouble", ["locked_file", "full_disk", "full_server", "frozen_server"])
async def test_trouble_that_passes(trouble: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    befalls: Trouble = request.getfixturevalue(trouble)
    results: list[Result] = []
    async with (
        open_sites(100, tmp_path) as sites,
        open_store(befalls.url, call_timeout=0.3) as store,
        open_scrape(sites.urls, store=store, config=Config(in_flight=IN_FLIGHT)) as scrape,
    ):
        async for result in scrape:
            results.append(result)
            if len(results) == 20:
                befalls.begin()
                try:
                    outage = await outage_of(scrape)
                    assert befalls.said in outage
                finally:
                    befalls.end()

    assert scrape.report().outcomes[Outcome.NEW] == 100 - missing(sites)
    assert [result.feed.url for result in results if not result.stored] == []
    assert contents(befalls.url).entries.keys() == set().union(*map(sites.entries, sites.urls))


async def outage_of(scrape: Scrape) -> str:
    await until(lambda: scrape.statistics().outage is not None)
    outage = scrape.statistics().outage
    assert outage is not None
    return outage.detail


async def until(condition: Callable[[], bool]) -> None:
    with trio.fail_after(60):
        await _until(condition)


async def _until(condition: Callable[[], bool]) -> None:
    async with aclosing(periodic(0.02)) as ticks:
        async for _ in ticks:
            if condition():
                return


@pytest.fixture
def slow_server(own_mongod: Mongod) -> Trouble:
    slow = {"blockConnection": True, "blockTimeMS": 500}
    return Trouble(f"{own_mongod.url}/x", lambda: own_mongod.fail("insert", **slow), own_mongod.heal, "")


@pytest.mark.parametrize("how", ["cancel", "leave"])
@pytest.mark.parametrize("trouble", ["locked_file", "slow_server"])
async def test_cancelled_in_a_write(
    trouble: str, how: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """The write in a thread's hands is finished and reported; of the others there is nothing."""
    befalls: Trouble = request.getfixturevalue(trouble)
    results: list[Result] = []
    async with open_sites(100, tmp_path) as sites, open_store(befalls.url) as store:
        async with open_scrape(sites.urls, store=store, config=Config(in_flight=IN_FLIGHT)) as scrape:
            befalls.begin()
            # What is known of the feeds has been read, so a thread that is busy has a write.
            await until(lambda: sites.requests > 0 and store._threads.limiter.borrowed_tokens > 0)
            if how == "cancel":
                scrape.cancel()
                befalls.end()
                results = [result async for result in scrape]
            else:
                # The block ends before the write does, and waits for it.
                trio.lowlevel.spawn_system_task(ended_later, befalls.end)

        await scrape.count_not_started()
        report, found = scrape.report(), contents(befalls.url)

    assert 0 < report.stored == len(found.feeds) < 100
    assert sum(report.outcomes.values()) + report.not_started == 100
    if how == "cancel":
        stored = [result.feed.url for result in results if result.stored]
        assert {feed_id(url) for url in stored} == found.feeds.keys()
        assert set().union(*map(sites.entries, stored)) == found.entries.keys()
        assert len(results) + report.not_started == 100


async def ended_later(end: Callable[[], object]) -> None:
    await trio.testing.wait_all_tasks_blocked(0.01)
    end()
