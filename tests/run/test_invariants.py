"""The ten invariants of the design, each with its own test that fails when it is broken."""

import contextlib
import gc
import logging
import os
import signal
import socket
import statistics
import sys
import threading
import tracemalloc
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from trioscrape import (
    Config,
    EntryCounts,
    FeedDocument,
    FeedUpdate,
    Outcome,
    RawFeed,
    StoreError,
    open_scrape,
    open_store,
    scrape,
)
from trioscrape._lane import Lane, Timings
from trioscrape.testing import InlineParser, Internet, MemoryStore, Site

from support.scenarios import counted_report, healthy, mixed, open_virtual, rss, run_virtual, urls
from support.servers import FEED, answer, open_raw

EXPECTED = {
    "good.test": (Outcome.NEW, None),
    "slow.test": (Outcome.NEW, None),
    "moved.test": (Outcome.NEW, None),
    "gone.test": (Outcome.GONE, "http-410"),
    "missing.test": (Outcome.FAILED, "http-404"),
    "html.test": (Outcome.FAILED, "not-a-feed"),
    "noise.test": (Outcome.FAILED, "not-a-feed"),
    "empty.test": (Outcome.FAILED, "not-a-feed"),
    "dead.test": (Outcome.FAILED, "lookup-timeout"),
    "hole.test": (Outcome.FAILED, "connect-timeout"),
    "stall.test": (Outcome.FAILED, "read-timeout"),
    "drip.test": (Outcome.FAILED, "fetch-timeout"),
    "crawl.test": (Outcome.FAILED, "too-slow"),
    "big.test": (Outcome.FAILED, "too-large"),
    "closed.test": (Outcome.FAILED, "connection-refused"),
    "loop.test": (Outcome.FAILED, "redirect-loop"),
    "inward.test": (Outcome.REFUSED, "blocked-address"),
    "unknown.test": (Outcome.FAILED, "name-not-found"),
}


# 1. One outcome a feed.


async def test_1_one_outcome_a_feed(autojump_clock: MockClock) -> None:
    internet = mixed()
    feeds = [*urls(internet), "not a url", *urls(internet)]

    results, after = await run_virtual(feeds, internet)

    assert len(results) == len(EXPECTED) + 1
    assert {r.feed.redacted_url for r in results} == {*urls(internet), "not a url"}
    report = after.report()
    assert (report.feeds, report.not_started, report.duplicates) == (len(results), 0, len(EXPECTED))
    assert sum(report.outcomes.values()) == report.feeds


@pytest.mark.parametrize("how", ["drain", "leave", "cancel"])
async def test_1_accepted_and_not_started_are_all_feeds(autojump_clock: MockClock, how: str) -> None:
    internet = healthy(300, first_byte=1)
    feeds = [*urls(internet), "not a url"]
    config = Config(in_flight=10, look_ahead=40)
    with trio.CancelScope() as scope:
        async with open_virtual(feeds, internet, config=config) as run:
            seen = 0
            async for _ in run:
                seen += 1
                if seen == 25 and how == "drain":
                    run.drain()
                elif seen == 25 and how == "leave":
                    break
                elif seen == 25:
                    scope.cancel()

    report = await counted_report(run)
    assert report.feeds == 301
    assert report.not_started > 200
    assert sum(report.outcomes.values()) + report.not_started == 301
    if how == "drain":
        assert seen == report.outcomes[Outcome.NEW]
        assert report.errors == {}
    else:
        assert set(report.errors) <= {"cancelled"}


# 2. One lane at a time.


async def test_2_no_feed_waits_for_a_lane_while_in_another(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: dict[trio.lowlevel.Task, list[str]] = {}
    turns = []
    slot = Lane.slot

    @asynccontextmanager
    async def watched(lane: Lane, timings: Timings) -> AsyncIterator[None]:
        mine = held.setdefault(trio.lowlevel.current_task(), [])
        assert mine == [], f"waits for {lane.name} while in {mine}"
        async with slot(lane, timings):
            mine.append(lane.name)
            turns.append(lane.name)
            try:
                yield
            finally:
                mine.remove(lane.name)

    monkeypatch.setattr(Lane, "slot", watched)
    internet = mixed()

    await run_virtual(urls(internet), internet)

    assert set(turns) == {"dns", "http", "parse", "store"}


async def test_2_lanes_of_width_one_never_block_each_other(autojump_clock: MockClock) -> None:
    """Redirects come back to the dns lane from the http lane: with a slot in hand they would deadlock."""
    sites = {f"a{n}.test": Site(status=302, headers={"Location": f"http://b{n}.test/"}) for n in range(30)}
    sites |= {f"b{n}.test": Site(body=rss("x"), lookup=0.1, first_byte=0.1) for n in range(30)}
    config = Config(dns_width=1, http_width=1, parse_width=1, store_width=1)

    _, after = await run_virtual([f"http://a{n}.test/" for n in range(30)], Internet(sites), config=config)

    assert after.report().outcomes[Outcome.NEW] == 30


async def test_2_a_full_lane_starves_no_other(autojump_clock: MockClock) -> None:
    """500 lookups of 4 s in a lane of 32; feeds that need no lookup pass through the other three at once."""
    internet = healthy(500, lookup=4)
    literal = Site(body=rss("x"), addresses=["198.51.100.1"])
    internet.sites |= {"x.test": literal}  # type: ignore[operator]
    feeds = [*urls(internet)[:500], *(f"http://198.51.100.1/{n}" for n in range(20))]
    began, at = trio.current_time(), []
    async with open_virtual(feeds, internet, config=Config(per_host=20, dns_abandoned=0)) as run:
        async for result in run:
            if "198.51" in result.feed.url:
                at.append(trio.current_time() - began)

    assert len(at) == 20
    assert max(at) < 0.5
    assert run.report().lanes["dns"].waited.max == pytest.approx(60, rel=0.05)


# 3. Own threads.


@contextlib.contextmanager
def default_limiter_filled() -> Iterator[None]:
    """All tokens of trio's default thread limiter are in other hands."""
    limiter = trio.to_thread.current_default_thread_limiter()
    owners = [object() for _ in range(int(limiter.available_tokens))]
    for owner in owners:
        limiter.acquire_on_behalf_of_nowait(owner)
    try:
        yield
    finally:
        for owner in owners:
            limiter.release_on_behalf_of(owner)


@pytest.fixture(params=["sqlite", "mongo"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "mongo":
        return str(request.getfixturevalue("mongodb_url"))
    return f"sqlite:{tmp_path / 'x.db'}"


def loopback_names(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names under .test are this machine; the list tells who asked for what, in order."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def getaddrinfo(host: str, *args: object, **kwargs: object) -> object:
        asked.append(str(host))
        if str(host).endswith(".test"):
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))]
        return real(host, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


async def test_3_own_threads(monkeypatch: pytest.MonkeyPatch, store_url: str) -> None:
    """Trio's default thread limiter is filled by others for the whole run; every part is the real one."""
    async with open_raw(answer("200 OK", FEED)) as server:
        loopback_names(monkeypatch)
        feeds = [f"http://f{n}.test:{server.port}/" for n in range(20)]
        with default_limiter_filled(), trio.fail_after(60):
            async with open_store(store_url) as store:
                report = await scrape(feeds, store=store, config=Config(parse_width=1))

    assert report.outcomes[Outcome.NEW] == 20
    assert report.entries == EntryCounts(new=20)


# 4. The store is connected before the first feed lookup.


async def test_4_the_store_looks_nothing_up_once_feeds_are(
    monkeypatch: pytest.MonkeyPatch, mongodb_url: str
) -> None:
    async with open_raw(answer("200 OK", FEED)) as server:
        asked = loopback_names(monkeypatch)
        feeds = [f"http://f{n}.test:{server.port}/" for n in range(40)]
        feeds += [f"http://127.0.0.1:{server.port}/", f"http://localhost:{server.port}/"]
        async with open_store(mongodb_url) as store:
            before = len(asked)
            report = await scrape(feeds, store=store, config=Config(parse_width=1))

    assert report.outcomes[Outcome.NEW] == 42
    assert before >= Config().store_width, "the driver asked for each of its connections"
    assert sorted(asked[before:]) == sorted(f"f{n}.test" for n in range(40))


# 5. Deadlines measure work, not queues.


async def test_5_deadlines_measure_work(autojump_clock: MockClock) -> None:
    """Each lane is so narrow that every feed waits for many times its deadline, and none of them fails."""
    internet = healthy(30, lookup=1, connect=1, first_byte=1)
    internet.lookup_timeout = 1.5
    config = Config(
        dns_width=1, http_width=1, parse_width=1, store_width=1,
        connect_timeout=1.5, read_timeout=1.5, fetch_timeout=2.5, parse_timeout=1.5,
    )  # fmt: skip

    _, after = await run_virtual(urls(internet), internet, config=config, parse_seconds=2)

    report = after.report()
    assert report.outcomes[Outcome.NEW] == 30
    assert report.lanes["dns"].waited.max > 20
    assert report.lanes["http"].waited.max > 20


async def test_5_each_deadline_has_its_own_reason(autojump_clock: MockClock) -> None:
    internet = mixed()

    results, _ = await run_virtual(urls(internet), internet)

    timeouts = {"lookup-timeout", "connect-timeout", "read-timeout", "fetch-timeout"}
    assert {r.feed.url[7:-5]: r.reason for r in results if r.reason in timeouts} == {
        "dead.test": "lookup-timeout",
        "hole.test": "connect-timeout",
        "stall.test": "read-timeout",
        "drip.test": "fetch-timeout",
    }


# 6. Bounded by configuration, not by the list.


class ManySites(dict[str, Site]):
    """Any name is a site with the same small feed."""

    def get(self, key: str, default: object = None) -> Site:  # type: ignore[override]
        return self[key]

    def __missing__(self, key: str) -> Site:
        return Site(body=rss("x"), first_byte=0.5, addresses=["198.18.0.1"])


class ForgetfulStore(MemoryStore):
    """Acknowledges everything and keeps nothing: what grows is then not the store."""

    async def save(self, update: FeedUpdate) -> EntryCounts:
        await trio.lowlevel.checkpoint()
        return EntryCounts(new=len(update.entries))


async def memory(feeds: int) -> float:
    internet = Internet(ManySites())
    internet.lookups = internet.connects = internet.requests = Nothing()
    config = Config(in_flight=50, look_ahead=200)
    list_of_feeds = (f"http://h{n}.test/" for n in range(feeds))
    samples, seen = [], 0
    tracemalloc.start()
    async with open_scrape(
        list_of_feeds,
        store=ForgetfulStore(),
        config=config,
        resolver=internet,
        connector=internet.connect,
        parser=NoParser(),
    ) as run:
        async for _ in run:
            seen += 1
            if seen % 100 == 0:
                assert run.statistics().in_flight <= 51
                gc.collect()  # what waits for the collector is nobody's any more
                samples.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert run.report().outcomes[Outcome.NEW] == feeds
    return statistics.median(samples)


class NoParser:
    """feedparser takes 10 ms a document under a memory trace, and is another process's in real life."""

    async def parse(self, document: FeedDocument) -> RawFeed:
        await trio.lowlevel.checkpoint()
        return RawFeed()


class Nothing(list[object]):
    """Remembers nothing."""

    def append(self, item: object) -> None:
        pass


async def test_6_five_times_the_feeds_take_the_same_memory(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trioscrape._dns.caching.CACHED_HOSTS", 100)
    monkeypatch.setattr("trioscrape._run.seen.IN_MEMORY", 100)

    few, many = await memory(700), await memory(2100)

    assert many < 1.2 * few


async def test_6_a_slow_consumer_slows_the_lanes(autojump_clock: MockClock) -> None:
    internet = healthy(500)
    async with open_virtual(urls(internet), internet, config=Config(in_flight=20)) as run:
        await run.__anext__()
        await trio.sleep(1000)
        now = run.statistics()

    assert now.accepted <= 22


async def test_6_bytes_in_flight(autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """60 bodies of 30 kB and a parser that takes its time: no more than the limit and one body are held."""
    from trioscrape._byte_budget import ByteBudget, Reservation

    budgets, peaks = [], []
    grow = Reservation.grow

    class Watched(ByteBudget):
        def __init__(self, limit: int) -> None:
            super().__init__(limit)
            budgets.append(self)

    async def watched(reservation: Reservation, size: int) -> None:
        await grow(reservation, size)
        peaks.append(budgets[0].reserved)

    monkeypatch.setattr("trioscrape._run.wiring.ByteBudget", Watched)
    monkeypatch.setattr(Reservation, "grow", watched)
    sites = {f"f{n}.test": Site(body=rss("x") + b" " * 30_000, chunk=1000, per_chunk=0.01) for n in range(60)}
    internet = Internet(sites)
    config = Config(bytes_in_flight=100_000, body_limit=40_000, parse_width=1, fetch_timeout=2)

    _, after = await run_virtual(urls(internet), internet, config=config, parse_seconds=1)

    assert after.report().outcomes[Outcome.NEW] == 60, "waiting for room is nobody's deadline"
    assert max(peaks) <= 140_000


# 7. Acknowledged means stored.


class WatchedStore(MemoryStore):
    """Knows which feeds it has acknowledged; fails the save that it is told to."""

    def __init__(self, fail_at: int | None = None) -> None:
        super().__init__()
        self.acknowledged: list[str] = []
        self.fail_at = fail_at

    async def save(self, update: FeedUpdate) -> EntryCounts:
        await trio.sleep(1)
        if self.fail_at is not None and len(self.acknowledged) >= self.fail_at:
            raise StoreError("the store is gone")
        counts = await super().save(update)
        self.acknowledged.append(update.state.url)
        return counts


async def test_7_stored_is_said_after_the_acknowledgement_only(autojump_clock: MockClock) -> None:
    internet, store = mixed(), WatchedStore()
    stored = []
    async with open_virtual(urls(internet), internet, store) as run:
        async for result in run:
            if result.stored:
                assert result.feed.url in store.acknowledged
                stored.append(result.feed.url)

    assert sorted(stored) == sorted(store.acknowledged)
    refused = [host for host, (outcome, _) in EXPECTED.items() if outcome is Outcome.REFUSED]
    assert len(stored) == len(EXPECTED) - len(refused)


async def test_7_a_store_that_is_gone_raises_as_itself(autojump_clock: MockClock) -> None:
    """Several writers fail at once; the caller sees one StoreError, and a true result of each feed."""
    internet, store = healthy(50), WatchedStore(fail_at=7)
    results = []
    with pytest.raises(StoreError, match="gone"):
        async with open_virtual(urls(internet), internet, store) as run:
            async for result in run:
                results.append(result)

    assert sorted(r.feed.url for r in results if r.stored) == sorted(store.acknowledged)
    assert {r.reason for r in results if not r.stored} == {"not-stored"}
    assert 7 <= len(store.acknowledged) <= 7 + store.width
    report = await counted_report(run)
    assert len(results) == report.feeds - report.not_started == 50
    assert (report.stored, report.errors) == (len(store.acknowledged), {"not-stored": 50 - report.stored})


@pytest.mark.parametrize("how", ["asleep", "between results", "no loop"])
async def test_7_a_store_that_is_gone_raises_whatever_the_caller_does(
    autojump_clock: MockClock, how: str
) -> None:
    """Also when nobody waits for a result at that moment."""
    for fail_at in range(0, 40, 5):
        internet, store = healthy(50), WatchedStore(fail_at=fail_at)
        with pytest.raises(StoreError, match="gone"):
            if how == "no loop":
                await scrape(
                    urls(internet),
                    store=store,
                    resolver=internet,
                    connector=internet.connect,
                    parser=InlineParser(),
                )
            async with open_virtual(urls(internet), internet, store) as run:
                if how == "asleep":
                    await trio.sleep(100)
                async for _ in run:
                    await trio.sleep(0.1)


AGAIN = {Outcome.NEW: Outcome.NOT_MODIFIED, Outcome.FAILED: Outcome.NOT_DUE, Outcome.GONE: Outcome.NOT_DUE}
"""What becomes of a feed that is fetched again at once."""


async def test_7_running_again_stores_nothing_again(autojump_clock: MockClock) -> None:
    internet, store = mixed(), WatchedStore()
    await run_virtual(urls(internet), internet, store)
    writes = store.writes
    store.acknowledged.clear()

    results, after = await run_virtual(urls(internet), internet, store)

    assert store.writes == writes
    assert store.acknowledged == []
    assert after.report().entries == EntryCounts()
    assert {r.feed.url[7:-5]: (r.outcome, r.reason) for r in results} == {
        host: (AGAIN.get(outcome, outcome), reason) for host, (outcome, reason) in EXPECTED.items()
    }


# 8. Cancel anywhere.


@pytest.mark.parametrize("moment", [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 8])
async def test_8_cancelled_at_any_moment_in_virtual_time(autojump_clock: MockClock, moment: float) -> None:
    """Nothing is left: no connection, no task of ours, no state without its entries."""
    internet, store = healthy(12, lookup=1, connect=1, first_byte=1, per_chunk=1), WatchedStore()
    config = Config(dns_width=4, http_width=4, parse_width=2, store_width=2)
    tasks = trio.lowlevel.current_statistics().tasks_living
    with trio.move_on_after(moment):
        await run_virtual(urls(internet), internet, store, config=config, parse_seconds=1)

    assert internet.open == 0
    assert trio.lowlevel.current_statistics().tasks_living == tasks
    assert len(store.entries) == len(store.feeds) == len(store.acknowledged)


@pytest.mark.parametrize("moment", range(0, 24, 2))
async def test_8_cancelled_after_any_number_of_results(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, moment: int
) -> None:
    """The real parts: sockets, threads, processes, SQLite."""
    async with open_raw(answer("200 OK", FEED)) as server:
        loopback_names(monkeypatch)
        feeds = [f"http://f{n}.test:{server.port}/" for n in range(30)]
        threads, files = threading.active_count(), open_files()
        async with open_store(f"sqlite:{tmp_path / 'x.db'}") as store:
            with trio.CancelScope() as scope:
                async with open_scrape(feeds, store=store, config=Config(parse_width=1)) as run:
                    for _ in range(moment):
                        result = await run.__anext__()
                        assert result.stored
                    scope.cancel()
                    await trio.sleep_forever()
            known = await store.load([state_id(feed) for feed in feeds])
        assert len(known) >= moment
        assert threading.active_count() <= threads + idle_threads()
        await until_closed(files)

    assert children() == []


def state_id(url: str) -> str:
    from trioscrape._urls import feed_id

    return feed_id(url)


def idle_threads() -> int:
    """Trio keeps worker threads for ten seconds for whoever wants one next."""
    return sum(thread.name.startswith("Trio thread") for thread in threading.enumerate())


def open_files() -> set[str]:
    return set(os.listdir("/proc/self/fd")) if sys.platform == "linux" else set()


async def until_closed(before: set[str]) -> None:
    """The test's own server closes its ends when it sees ours closed: that takes a turn of the loop."""
    with trio.fail_after(10):
        while len(open_files()) > len(before):
            await trio.testing.wait_all_tasks_blocked()


def children() -> list[str]:
    """Processes that this one has started and that have not ended."""
    if sys.platform != "linux":
        return []
    # By thread: a worker is a child of the thread that has started it.
    lists = [path.read_text() for path in Path("/proc/self/task").glob("*/children")]
    found = " ".join(lists).split()
    return [pid for pid in found if "_pool/worker.py" in Path(f"/proc/{pid}/cmdline").read_text()]


# 9. A bad feed is a value, not an exception.


async def test_9_a_bad_feed_is_a_value(autojump_clock: MockClock) -> None:
    internet = mixed()

    results, _ = await run_virtual(urls(internet), internet)

    assert {r.feed.url[7:-5]: (r.outcome, r.reason) for r in results} == EXPECTED


# 10. No global state.


def global_state() -> dict[str, object]:
    return {
        "getaddrinfo": socket.getaddrinfo,
        "default timeout": socket.getdefaulttimeout(),
        "signals": [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)],
        "logging": (list(logging.root.handlers), logging.root.level),
        "warnings": list(warnings.filters),
        "environment": dict(os.environ),
        "collector": (gc.get_threshold(), gc.get_freeze_count(), gc.isenabled()),
        "hooks": (sys.excepthook, threading.excepthook, sys.unraisablehook, sys.getswitchinterval()),
        "resolver": swap_back(trio.socket.set_custom_hostname_resolver),
        "sockets": swap_back(trio.socket.set_custom_socket_factory),
        "default threads": trio.to_thread.current_default_thread_limiter().total_tokens,
        "folder": Path.cwd(),
    }


def swap_back(setter: object) -> object:
    old = setter(None)  # type: ignore[operator]
    setter(old)  # type: ignore[operator]
    return old


async def test_10_no_global_state(monkeypatch: pytest.MonkeyPatch, store_url: str) -> None:
    async with open_raw(answer("200 OK", FEED)) as server:
        loopback_names(monkeypatch)
        before = global_state()
        feeds = [f"http://f.test:{server.port}/"]
        async with open_store(store_url) as store, open_scrape(feeds, store=store) as run:
            during = global_state()
            results = [result async for result in run]
        after = global_state()

    assert [result.outcome for result in results] == [Outcome.NEW]
    assert during == before
    assert after == before


def test_10_importing_changes_nothing() -> None:
    """In a new process, since this one has imported it long ago."""
    import subprocess

    program = (
        "import gc, logging, signal, socket, sys, threading, warnings\n"
        "state = lambda: (socket.getaddrinfo, signal.getsignal(signal.SIGINT), logging.root.handlers[:], "
        "gc.get_threshold(), sys.excepthook, threading.active_count(), sys.getswitchinterval())\n"
        "before = state()\nimport trioscrape\nassert state() == before, (before, state())\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
