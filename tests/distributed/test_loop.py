"""The loop of a worker, without a cluster."""

from __future__ import annotations

import threading

import pytest

from trioscrape import Config, Feed, Outcome, StoreError
from trioscrape._run.shard import Learned
from trioscrape.distributed import loop
from trioscrape.distributed.loop import Closed, ShardLoop, ShardTask, unpacked_results

from support.cluster import Hosts


def opened(url: str, **config: float) -> ShardLoop:
    found = ShardLoop(url, Config(parse_width=1, **config), lambda _: None)  # type: ignore[arg-type]
    found.start()
    return found


def task(hosts: Hosts, count: int) -> ShardTask:
    return ShardTask("key", [Feed(url) for url in hosts.urls(count)], None, Learned())


def test_it_scrapes_one_shard_after_the_other(hosts: Hosts, mongodb_url: str) -> None:
    lanes = opened(mongodb_url)
    for outcome in Outcome.NEW, Outcome.NOT_MODIFIED:
        shard = task(hosts, 3)
        lanes.begin(shard)
        done = shard.done.result(30)
        assert [result.outcome for result in unpacked_results(done.results)] == [outcome] * 3
        assert (done.totals.counts.feeds, done.failure, done.learned) == (3, None, Learned(reached=True))
        assert not lanes._tasks
    lanes.close()
    assert not [each for each in threading.enumerate() if each.name == "trioscrape"]


def test_without_shards_it_ends(hosts: Hosts, mongodb_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that was killed can't end it."""
    monkeypatch.setattr(loop, "IDLE", 0.1)
    lanes = opened(mongodb_url)
    lanes.ended.result(30)
    with pytest.raises(Closed):
        lanes.begin(task(hosts, 1))
    assert lanes.drain(1).result() == 0
    lanes.close()


def test_a_shard_that_is_under_way_when_it_is_closed(hosts: Hosts, mongodb_url: str) -> None:
    hosts.let_through(0)
    lanes, shard = opened(mongodb_url), task(hosts, 3)
    lanes.begin(shard)
    hosts.wait_for(lambda: hosts.total == 3)
    lanes.close()
    assert isinstance(shard.done.exception(30), Closed)


def test_a_cancelled_shard_has_its_results(hosts: Hosts, mongodb_url: str) -> None:
    hosts.let_through(0)
    lanes, shard = opened(mongodb_url), task(hosts, 3)
    lanes.begin(shard)
    hosts.wait_for(lambda: hosts.total == 3)
    lanes.cancel("another")
    lanes.cancel("key")
    reasons = [result.reason for result in unpacked_results(shard.done.result(30).results)]
    assert reasons == ["cancelled"] * 3
    lanes.close()


def test_a_store_that_is_not_there() -> None:
    lanes = opened("mongodb://127.0.0.1:1/news", store_connect_timeout=0.2)
    with pytest.raises(StoreError, match="did not answer within"):
        lanes.opened.result(30)
    lanes.close()
