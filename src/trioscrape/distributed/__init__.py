"""A scrape on a Dask cluster, for programs and notebooks that have a `distributed.Client`.

::

    from distributed import Client
    from trioscrape.distributed import scrape

    with Client("tcp://scheduler:8786") as client:
        report = scrape(["https://example.org/feed.xml"], client=client, store="mongodb://db.example/news")

It needs the extra ``trioscrape[dask]`` here and on all workers, in the same version. Each worker should have
one thread, because one scrapes as fast as a Python process can.

The list is divided into shards, each of whole hosts, so no two workers fetch from a host at the same time; a
host with very many feeds is scraped piece by piece. When a worker dies, its shard is scraped again by another
one: nothing is lost, and what is stored twice is stored once. A worker that is retired counts as one that has
died. A feed with which worker after worker dies ends as ``worker-crash``.

Whoever reaches a Dask scheduler can run any program on its workers: see Dask's documentation of `Security`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api import open_scrape, scrape
    from .client import ClusterScrape

__all__ = ["ClusterScrape", "open_scrape", "scrape"]


def __getattr__(name: str) -> Any:
    """Dask is imported with the first name that is used: it takes a second and 30 MiB."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import api  # noqa: PLC0415

    return getattr(api, name)
