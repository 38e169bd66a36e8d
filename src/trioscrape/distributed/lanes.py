"""Opening what a scrape needs on all workers of a cluster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from distributed import Client

from .._config.config import Config
from .._errors import ClusterError, StoreError, UsageError
from .._records import Feed, new_run_id
from .._run.feed_source import as_feed
from .._run.shares import grouping
from .._store import check_store_url
from .client import ClusterScrape
from .loop import store_url_of
from .partition import partitioned
from .worker import Lanes, find_problem

SHARD: Final = 500
"""Feeds of a shard. Those of 50 or 200 feeds took more of the scheduler's time, and were no faster."""


def checked_store_url(store: object, config: Config) -> str:
    """The URL of the store, password included.

    Raises:
      UsageError: workers can't use it, or `config` says something that is not possible on a cluster.
    """
    if not isinstance(store, str):
        raise UsageError("on a cluster the store must be a URL: an open store can't travel to the workers")
    url = store_url_of(store)
    if check_store_url(url).startswith("sqlite:"):
        raise UsageError("on a cluster the store must be MongoDB: workers can't share an SQLite file")
    grouping(config.group_hosts_by, "a cluster")
    if config.warc is not None:
        raise UsageError("on a cluster nothing can be archived: an archive is written by one process")
    return url


@contextmanager
def open_on_workers(
    feeds: Iterable[str | Feed], client: Client, store: str, config: Config
) -> Iterator[ClusterScrape]:
    """A scrape whose lanes are open on all workers; they are closed when the block ends.

    Args:
      feeds: see `open_scrape`.
      client: of the cluster.
      store: its URL, password included, or ``env:NAME``.
      config: of the scrape.

    Raises:
      ClusterError, StoreError, UsageError: see `open_scrape`.
    """
    lanes = Lanes(run_id := new_run_id(), store, config)
    with TemporaryDirectory(prefix="trioscrape-") as folder:
        group = grouping(config.group_hosts_by, "a cluster")
        shards = partitioned(map(as_feed, feeds), Path(folder), group=group, size=SHARD)
        scrape = ClusterScrape(client, lanes.name, run_id, shards)
        with _opened(lanes, client, scrape):
            yield scrape


@contextmanager
def _opened(lanes: Lanes, client: Client, scrape: ClusterScrape) -> Iterator[None]:
    client.subscribe_topic(lanes.name, scrape.hear)
    try:
        client.register_plugin(lanes, name=lanes.name)
        for address, problem in client.run(find_problem, lanes.name).items():
            if problem is not None:
                raise _on_worker(address, problem)
        yield
    finally:
        scrape.close()
        # Without a scheduler it would be looked for for half a minute; the workers end by themselves.
        if client.status == "running":
            with suppress(OSError):
                client.unregister_worker_plugin(lanes.name)
                client.unsubscribe_topic(lanes.name)


def _on_worker(address: str, problem: Exception) -> Exception:
    """The same problem, with the worker that has it."""
    kind = type(problem) if isinstance(problem, StoreError | UsageError) else ClusterError
    return kind(f"{problem} (on the worker {address})")
