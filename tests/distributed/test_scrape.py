"""A scrape on a cluster gives what one process gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import trio
from pymongo import MongoClient

import trioscrape
from distributed import Client
from trioscrape import ClusterError, Config, Outcome, Statistics, StoreError, StoreInUse, UsageError
from trioscrape._store.lease import reserved
from trioscrape.distributed import cluster, lanes, open_scrape, scrape

from support.cluster import Hosts, left_on_workers, set_variable, stored
from support.survival import contents

pytestmark = [pytest.mark.heavy]

NOT_MEASURED = ("feeds", "not_started", "counted", "duplicates", "outcomes", "entries", "errors", "stored")


@pytest.fixture
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "SHARD", 16)


@contextmanager
def beside(call: Callable[[], object]) -> Iterator[None]:
    """`call` is made in another thread, and has returned when the block ends."""
    with ThreadPoolExecutor(1) as pool:
        called = pool.submit(call)
        yield
    called.result()


def some_urls(hosts: Hosts) -> list[str]:
    """Of small hosts, of a giant, of one that is not there, some twice, and a line that is no URL."""
    urls = hosts.urls(40) + hosts.urls(10, "gone") + hosts.urls(40, "giant", hosts=1)
    return [*urls, "not a feed", *urls[:5]]


@pytest.mark.usefixtures("small_shards")
def test_stored_is_what_one_process_stores(client: Client, hosts: Hosts, mongodb_url: str) -> None:
    """Twice: what is there already is not stored again. A giant is fetched from by one worker at a time."""
    urls, other = some_urls(hosts), f"{mongodb_url}_one"
    try:
        for _ in range(2):
            report = scrape(urls, client=client, store=mongodb_url)
            expected = trioscrape.run(urls, other)

            assert contents(mongodb_url) == contents(other)
            assert [getattr(report, name) for name in NOT_MEASURED] == [
                getattr(expected, name) for name in NOT_MEASURED
            ]
            assert report.examples == expected.examples
            assert report.lanes["http"].done == expected.lanes["http"].done
            assert report.cluster is not None
            assert (report.cluster.workers, report.cluster.repeated_shards) == (2, 0)
            assert report.cluster.shards > 5
    finally:
        with MongoClient(other) as mongo:
            mongo.drop_database(other.rpartition("/")[2])
    assert max(hosts.peaks.values()) == 1
    assert not any(left_on_workers(client).values())


def test_a_run_is_recorded_once(client: Client, hosts: Hosts, mongodb_url: str) -> None:
    report = scrape(hosts.urls(3), client=client, store=mongodb_url)

    (record,) = stored(mongodb_url, "runs")
    assert record["feeds"] == 3
    assert record["cluster"] == {"workers": 2, "shards": 1, "repeated_shards": 0}
    assert str(record["_id"]) == report.run_id
    assert stored(mongodb_url, "meta", {"_id": "lease"}) == []


@pytest.mark.usefixtures("small_shards")
def test_a_drained_scrape_finishes_what_is_in_flight(client: Client, hosts: Hosts, mongodb_url: str) -> None:
    urls = hosts.urls(100)
    hosts.let_through(3)
    with open_scrape(urls, client=client, store=mongodb_url) as run:
        results = iter(run)
        found = []

        def drain() -> None:
            hosts.wait_for(lambda: hosts.total > 8)
            found.append(run.drain())
            hosts.let_through()

        with beside(drain):
            outcomes = [result.outcome for result in results]
        report = run.report()

    assert set(outcomes) == {Outcome.NEW}
    assert len(outcomes) == hosts.total == len(stored(mongodb_url, "feeds"))
    assert 0 < found[0] <= len(outcomes) < 100
    assert (report.feeds, report.not_started, report.counted) == (100, 100 - len(outcomes), True)


@pytest.mark.usefixtures("small_shards")
def test_a_cancelled_scrape_gives_each_feed_its_result(
    client: Client, hosts: Hosts, mongodb_url: str
) -> None:
    hosts.let_through(40)
    with open_scrape(hosts.urls(100), client=client, store=mongodb_url) as run:

        def cancel() -> None:
            hosts.wait_for(lambda: hosts.total > 40)
            run.cancel()

        with beside(cancel):
            reasons = [result.reason for result in run]
        report = run.report()

    assert set(reasons) == {None, "cancelled"}
    assert sum(report.outcomes.values()) + report.not_started == 100
    assert len(reasons) == sum(report.outcomes.values())
    assert reasons.count(None) == len(stored(mongodb_url, "feeds"))


def test_a_block_that_is_left_early_cancels(client: Client, hosts: Hosts, mongodb_url: str) -> None:
    urls = [*hosts.urls(4), *hosts.urls(40, "giant", hosts=1)]
    with (
        pytest.raises(InterruptedError),
        open_scrape(urls, client=client, store=mongodb_url) as run,
    ):
        for _ in run:
            hosts.let_through(0)
            raise InterruptedError

    assert not any(left_on_workers(client).values())
    assert stored(mongodb_url, "runs") == stored(mongodb_url, "meta", {"_id": "lease"}) == []


@pytest.mark.usefixtures("small_shards")
def test_a_worker_does_not_wait_for_slow_hosts(client: Client, hosts: Hosts, mongodb_url: str) -> None:
    """Each has a feed that does not come for now, and works on; so it does while a giant is fetched from."""
    stalled = [*hosts.urls(2, "stall"), *hosts.urls(20, "stalled", hosts=1)]
    quick = hosts.urls(100)
    with open_scrape([*stalled, *quick], client=client, store=mongodb_url) as run:
        results = iter(run)
        urls = {next(results).feed.url for _ in range(60)}
        assert not urls & set(stalled)
        hosts.go_on.set()
        urls |= {result.feed.url for result in results}

    assert urls == {*stalled, *quick}
    assert max(hosts.peaks.values()) == 1


def test_statistics_come_while_shards_go_on(client: Client, hosts: Hosts, mongodb_url: str) -> None:
    urls = [*hosts.urls(10), *hosts.urls(2, "stall")]
    with open_scrape(urls, client=client, store=mongodb_url) as run:
        assert run.statistics().finished == 0

        def look() -> None:
            while (now := run.statistics()).finished < 10:
                pass  # until the time limit
            found.append(now)
            hosts.go_on.set()

        found: list[Statistics] = []
        with beside(look):
            for _ in run:
                pass
        now, last = found[0], run.statistics()

    assert (now.accepted, now.in_flight, now.outcomes[Outcome.NEW], now.entries.new) == (12, 2, 10, 30)
    assert (now.lanes["http"].busy, now.lanes["http"].done) == (2, 10)
    assert {each.url for each in now.slowest} == set(urls[10:])
    assert now.workers is not None
    assert (now.workers.width, now.workers.busy, now.workers.done) == (2, 1, 0)
    assert (last.finished, last.in_flight, last.workers and last.workers.done) == (12, 0, 1)


def test_a_bad_store_is_an_error_before_the_first_shard(client: Client, hosts: Hosts) -> None:
    url = "mongodb://127.0.0.1:1/news"
    with pytest.raises(StoreError, match=r"^mongodb://127.0.0.1:1/news did not answer within 0.2 s[^\n]*$"):
        scrape(hosts.urls(3), client=client, store=url, config=Config(store_connect_timeout=0.2))

    assert hosts.total == 0
    assert not any(left_on_workers(client).values())


def test_workers_read_their_own_environment(
    client: Client, hosts: Hosts, mongodb_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that has no such variable says so."""
    monkeypatch.setenv("STORE_FOR_TESTS", mongodb_url)
    with pytest.raises(UsageError, match=r"^the environment has no variable STORE_FOR_TESTS .* worker tcp:"):
        scrape(hosts.urls(3), client=client, store="env:STORE_FOR_TESTS")
    client.run(set_variable, "STORE_FOR_TESTS", mongodb_url)
    report = scrape(hosts.urls(3), client=client, store="env:STORE_FOR_TESTS")

    assert report.outcomes[Outcome.NEW] == 3


def test_another_version_is_refused(
    client: Client, hosts: Hosts, mongodb_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "VERSION", "9.9")
    with pytest.raises(
        ClusterError, match=r"^the worker tcp://\S+ has trioscrape 0\S+, and this is 9.9; [^\n]+$"
    ):
        scrape(hosts.urls(3), client=client, store=mongodb_url)
    monkeypatch.setattr(cluster, "PACKAGE", "no_such_package")
    with pytest.raises(ClusterError, match=r"^the worker tcp://\S+ has no trioscrape; [^\n]+$"):
        scrape(hosts.urls(3), client=client, store=mongodb_url)
    assert hosts.total == 0


def test_two_runs_do_not_use_a_store_at_once(client: Client, hosts: Hosts, mongodb_url: str) -> None:
    async def second() -> None:
        async with trioscrape.open_store(mongodb_url) as store, reserved(store, 0):
            with pytest.raises(StoreInUse):
                await trio.to_thread.run_sync(lambda: scrape(hosts.urls(3), client=client, store=mongodb_url))

    trio.run(second)
    assert hosts.total == 0


@pytest.mark.parametrize(
    ("store", "config", "message"),
    [
        (object(), Config(), "an open store can't travel"),
        ("sqlite:news.db", Config(), "must be MongoDB"),
        ("mongodb://db/news", Config(group_hosts_by="address"), "by host or by domain"),
        ("mongodb://db/news", Config(warc="folder"), "nothing can be archived"),
        ("env:NO_SUCH_VARIABLE", Config(), "no variable NO_SUCH_VARIABLE"),
    ],
)
def test_what_is_not_possible_is_refused(store: object, config: Config, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        scrape([], client=None, store=store, config=config)  # type: ignore[arg-type]
