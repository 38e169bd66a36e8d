"""What is public of a scrape on a cluster; `trioscrape.distributed` says how it is used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from distributed import Client

from .._config.config import Config
from .._records import Feed, Report
from .client import ClusterScrape
from .cluster import check_versions
from .held_store import HeldStore
from .lanes import checked_store_url, open_on_workers


@contextmanager
def open_scrape(
    feeds: Iterable[str | Feed], *, client: Client, store: str, config: Config | None = None
) -> Iterator[ClusterScrape]:
    """Scrape `feeds` into `store` on a cluster, and hand out the results as they come, shard by shard.

    ::

        with open_scrape(feeds, client=client, store="mongodb://db.example/news") as scrape:
            for result in scrape:
                print(result.feed.redacted_url, result.outcome)

    It blocks; nothing is installed, and no signal is handled. `ClusterScrape.drain` and
    `ClusterScrape.cancel` end it from another thread with a result for each feed that was started. When the
    block is left early, by an exception or by Ctrl-C, the feeds in flight are cancelled, which takes a
    second or so; what the store has accepted by then stays. The next run fetches what is left.

    Args:
      feeds: URLs or `Feed` records. They are read to the end before the first is fetched; a URL that comes
        twice is one feed.
      client: of the cluster, not an asynchronous one. It stays open.
      store: the URL of a MongoDB database that all workers reach. With its password it travels to the
        workers, and no further. ``env:NAME``: each process, this one as well, reads the URL from the variable
        NAME of its own environment.
      config: as for `trioscrape.open_scrape`. Widths are those of each worker, but each has one process for
        documents. Not possible are ``warc`` and ``group_hosts_by="address"``.

    Raises:
      UsageError: an argument is not possible on a cluster. Nothing was done.
      ClusterError: a worker has no trioscrape, or another version; or the scheduler is gone. Then what was
        stored is stored.
      StoreError: the store can't be opened, here or on a worker, or has failed; see `trioscrape.open_scrape`.
      StoreInUse: another run uses the store. This one has its lease for all workers.

    The store gets a record of the run if the block ends without an exception.
    """
    config = config or Config()
    url = checked_store_url(store, config)
    check_versions(client)
    with HeldStore(url, config) as held, open_on_workers(feeds, client, store, config) as run:
        held.lost.add_done_callback(lambda lost: run.fail(lost.result()))
        yield run
        held.record_run(run.report())


def scrape(
    feeds: Iterable[str | Feed], *, client: Client, store: str, config: Config | None = None
) -> Report:
    """Scrape `feeds` into `store` on a cluster; the totals. `open_scrape` has the arguments and errors."""
    with open_scrape(feeds, client=client, store=store, config=config) as run:
        for _ in run.packed_batches():
            pass
    return run.report()
