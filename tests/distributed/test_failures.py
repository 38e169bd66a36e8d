"""Workers, clients and schedulers that are killed while a scrape goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from distributed import Client
from trioscrape import ClusterError, Config, Outcome, Result, StoreError
from trioscrape.distributed import lanes, open_scrape
from trioscrape.distributed.client import ClusterScrape

from support.cluster import (
    ENTRIES,
    Hosts,
    Poison,
    cluster,
    is_alive,
    left_on_workers,
    pids,
    scheduler_and_workers,
    shards_under_way,
    stored,
)
from support.long import only_in
from support.mongod import Mongod

pytestmark = [pytest.mark.heavy]


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "SHARD", 16)


def scraped(urls: list[str], client: Client, store: str) -> tuple[list[Result], Any]:
    with open_scrape(urls, client=client, store=store) as run:
        return list(run), run


def check(urls: list[str], results: list[Result], store: str) -> None:
    """Each feed has one result, all are stored, and nothing is there twice.

    A feed that was stored by a worker which died before it could say so has not been modified since.
    """
    assert Counter(result.feed.url for result in results) == Counter(urls)
    assert {(result.outcome, result.stored) for result in results} <= {
        (Outcome.NEW, True),
        (Outcome.NOT_MODIFIED, False),
    }
    assert {feed["url"] for feed in stored(store, "feeds")} == set(urls)
    entries = [(entry["feed"], entry["key"]) for entry in stored(store, "entries")]
    assert len(entries) == len(set(entries)) == ENTRIES * len(urls)


def test_a_worker_is_killed_in_the_middle(own_client: Client, hosts: Hosts, mongodb_url: str) -> None:
    """Its shard comes to another worker; the nanny's new worker works on as well."""
    urls = hosts.urls(60) + hosts.urls(20, "giant", hosts=1)
    hosts.let_through(10)
    victim = min(pids(own_client).values())

    def kill() -> None:
        hosts.wait_for(lambda: hosts.total > 12)
        os.kill(victim, signal.SIGKILL)
        hosts.let_through()

    thread = threading.Thread(target=kill)
    thread.start()
    results, run = scraped(urls, own_client, mongodb_url)
    thread.join()

    check(urls, results, mongodb_url)
    report = run.report()
    assert report.cluster.repeated_shards >= 1
    assert (report.feeds, report.outcomes[Outcome.FAILED]) == (80, 0)
    assert stored(mongodb_url, "runs")[0]["cluster"]["repeated_shards"] == report.cluster.repeated_shards
    assert not any(left_on_workers(own_client).values())


@only_in("dask")
def test_a_worker_is_killed_between_the_end_of_a_shard_and_its_fetch(
    own_client: Client, hosts: Hosts, mongodb_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shard is scraped again, and finds what it has stored itself."""
    urls, killed = hosts.urls(8), []
    collect, workers = ClusterScrape._collect, pids(own_client)

    async def kill_first(self: ClusterScrape, future: Any) -> None:
        await future._state.wait()
        if not killed:
            (holder,) = (await own_client.scheduler.who_has(keys=[future.key]))[future.key]
            killed.append(workers[holder])
            os.kill(workers[holder], signal.SIGKILL)
        await collect(self, future)

    monkeypatch.setattr(ClusterScrape, "_collect", kill_first)
    results, run = scraped(urls, own_client, mongodb_url)

    assert len(killed) == 1
    assert not is_alive(killed[0])
    assert {result.outcome for result in results} == {Outcome.NOT_MODIFIED}
    assert set(hosts.requests.values()) == {2}
    check(urls, results, mongodb_url)
    assert run.report().cluster.repeated_shards == 1


@only_in("dask")
def test_a_feed_that_kills_its_workers_is_found(tmp_path: Path, hosts: Hosts, mongodb_url: str) -> None:
    """All others have their results, also those in the same shard."""
    urls = hosts.urls(20)
    poison = f"http://poison.localhost:{hosts.server_port}/"
    # The first death is enough to give up a shard: the test does not wait for four.
    with cluster(tmp_path / "dask", allowed_failures=0) as client:
        client.register_plugin(Poison())
        results, run = scraped([*urls[:7], poison, *urls[7:]], client, mongodb_url)

    (failed,) = [result for result in results if result.outcome is Outcome.FAILED]
    assert (failed.feed.url, failed.reason, failed.stored) == (poison, "worker-crash", False)
    check(urls, [result for result in results if result is not failed], mongodb_url)
    assert run.report().errors == {"worker-crash": 1}
    assert max(hosts.peaks.values()) == 1


@only_in("dask")
def test_a_worker_is_retired(own_client: Client, hosts: Hosts, mongodb_url: str) -> None:
    """It has a shard at its tail and one that has just begun; both are scraped by the other worker."""
    urls = hosts.urls(60) + hosts.urls(4, "stall")
    hosts.let_through(40)
    with open_scrape(urls, client=own_client, store=mongodb_url) as run:
        results = iter(run)
        found = [next(results)]
        hosts.wait_for(lambda: hosts.total > 40)
        retired = own_client.retire_workers([min(pids(own_client))])
        assert len(retired) == 1
        hosts.let_through()
        hosts.go_on.set()
        found += results

    check(urls, found, mongodb_url)


@only_in("dask")
def test_the_store_is_gone(own_client: Client, hosts: Hosts, own_mongod: Mongod) -> None:
    """After its timeout that ends all shards, and each feed has its result."""
    hosts.let_through(5)
    config = Config(outage_timeout=1, store_timeout=1, store_connect_timeout=5)
    reasons: Counter[str | None] = Counter()

    def kill() -> None:
        hosts.wait_for(lambda: hosts.total > 6)
        own_mongod.kill()
        hosts.let_through()

    with (
        pytest.raises(StoreError, match=f"127.0.0.1:{own_mongod.port}"),
        open_scrape(hosts.urls(40), client=own_client, store=f"{own_mongod.url}/news", config=config) as run,
    ):
        thread = threading.Thread(target=kill)
        thread.start()
        for result in run:
            reasons[result.reason] += 1

    thread.join()
    report = run.report()
    assert set(reasons) <= {None, "not-stored", "cancelled"}
    assert reasons["not-stored"] > 0
    assert sum(reasons.values()) + report.not_started == 40


CLIENT = """
import sys
from distributed import Client
from trioscrape import Config
from trioscrape.distributed import scrape
endless = Config(read_timeout=600, fetch_timeout=600)
scrape(sys.argv[3:], client=Client(sys.argv[1]), store=sys.argv[2], config=endless)
"""


@only_in("dask")
def test_the_client_is_killed(own_client: Client, hosts: Hosts, mongodb_url: str) -> None:
    """Its shards are cancelled; and its lease is over, so the next run goes on at once."""
    urls = hosts.urls(20)
    hosts.let_through(5)
    address = own_client.scheduler.address
    with subprocess.Popen([sys.executable, "-c", CLIENT, address, mongodb_url, *urls]) as process:
        hosts.wait_for(lambda: hosts.total > 6)
        assert shards_under_way(own_client) > 0
        process.kill()
    while shards_under_way(own_client):
        pass  # until the time limit
    hosts.let_through()

    results, _ = scraped(urls, own_client, mongodb_url)

    assert Outcome.FAILED not in {result.outcome for result in results}
    assert len(stored(mongodb_url, "feeds")) == 20


@only_in("dask")
def test_the_scheduler_is_killed(tmp_path: Path, hosts: Hosts, mongodb_url: str) -> None:
    """The client says so, once; the workers end by themselves."""
    hosts.let_through(5)
    with (
        scheduler_and_workers(tmp_path) as programs,
        Client(programs.address, set_as_default=False) as client,
    ):
        workers = list(pids(client).values())

        def kill() -> None:
            hosts.wait_for(lambda: hosts.total > 6)
            programs.scheduler.kill()

        thread = threading.Thread(target=kill)
        thread.start()
        with pytest.raises(ClusterError, match=r"^the Dask scheduler is gone[^\n]*$"):
            scraped(hosts.urls(20), client, mongodb_url)
        thread.join()
        programs.wait_for_workers()
    assert not any(map(is_alive, workers))
    assert stored(mongodb_url, "runs") == stored(mongodb_url, "meta", {"_id": "lease"}) == []
