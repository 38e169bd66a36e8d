"""``--dask``: the scrape of ``trioscrape run`` on a Dask cluster, in the form that a session knows."""

from __future__ import annotations

import argparse
import logging
import math
import os
import re
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Final, TypeVar

import trio

from .._config.config import Config
from .._errors import StoreInUse, UsageError
from .._exception_groups import ungrouped
from .._records import Feed, Report, Result, Statistics
from .._store import Store
from .._store.lease import OwnLease, leased
from .._threads import in_thread
from .parser import OptionSection
from .process import imported
from .shared_options import STORE_VARIABLE, store_url

if TYPE_CHECKING:
    from distributed import Client

    from ..distributed import ClusterScrape

T = TypeVar("T")

CONNECT_TIMEOUT: Final = 10.0
"""Seconds for the scheduler to answer."""
_LOCAL: Final = re.compile(r"local:([1-9]\d{0,2})")
_ADDRESS: Final = re.compile(r"[a-z]+://\S+")


def add_dask_option(section: OptionSection) -> None:
    """``--dask``."""
    text = (
        "scrape on a Dask cluster: tcp://HOST:8786, or local:N for N processes on this machine; the store"
        " must be MongoDB, and widths are those of each worker"
    )
    section.add("--dask", metavar="CLUSTER", text=text)


def cluster_of(given: argparse.Namespace, config: Config) -> Cluster | None:
    """What ``--dask`` names; None: it is not there.

    Raises:
      UsageError: it can't be understood, the extra is not installed, or an option is not possible with it.
    """
    where = getattr(given, "dask", None)
    return None if where is None else Cluster(where, _store(given), config)


def _store(given: argparse.Namespace) -> str:
    """The store as workers are told: what is in the environment stays there."""
    if given.store is None and os.environ.get(STORE_VARIABLE):
        return f"env:{STORE_VARIABLE}"
    return store_url(given)


def _silence_dask() -> None:
    """Have no log of Dask's on standard error: what goes wrong is ours to tell, in one line."""
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] == "distributed":  # each has a level of its own
            logging.getLogger(name).setLevel(logging.CRITICAL)


class Cluster:
    """A cluster that a session scrapes on.

    Args:
      where: the value of ``--dask``.
      store: the URL of the store, or ``env:NAME``.
      config: of the scrape.

    Raises:
      UsageError: see `cluster_of`.
    """

    def __init__(self, where: str, store: str, config: Config) -> None:
        local = _LOCAL.fullmatch(where)
        if local is None and not _ADDRESS.fullmatch(where):
            raise UsageError(f"--dask must be tcp://HOST:8786 or local:N, not {where!r}")
        try:
            from ..distributed import cluster, lanes  # noqa: PLC0415 - an extra, which takes a second
        except ModuleNotFoundError as error:
            raise UsageError(f'--dask needs {error.name}: pip install "trioscrape[dask]"') from error
        imported()
        lanes.checked_store_url(store, config)
        _silence_dask()
        self._processes = 0 if local is None else int(local[1])
        self._where, self._store, self._config = where, store, config
        self._cluster, self._lanes = cluster, lanes
        self._client: Client | None = None
        self._limiter = trio.CapacityLimiter(1)

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """Have a connection to the cluster in the block; one of this machine's own is started for it.

        Raises:
          ClusterError: there is no cluster, or its workers can't scrape.

        Cancellation: while connecting, waits for the end of that.
        """
        manager = (
            self._cluster.local_cluster(self._processes)
            if self._processes
            else self._cluster.connected(self._where, CONNECT_TIMEOUT)
        )
        async with _in_thread(manager, self._limiter) as self._client:
            await in_thread(self._cluster.check_versions, self._client, limiter=self._limiter)
            yield

    @asynccontextmanager
    async def opened(self, feeds: Iterable[Feed], store: Store, wait: float) -> AsyncIterator[DaskScrape]:
        """A scrape on the connected cluster, which holds the lease of `store`; see `open_scrape`.

        Raises:
          StoreError, StoreInUse, ClusterError: see `trioscrape.distributed.open_scrape`.
        """
        assert self._client is not None  # noqa: S101
        manager = self._lanes.open_on_workers(feeds, self._client, self._store, self._config)
        async with leased(store, wait) as lease, _in_thread(manager, self._limiter) as scrape:
            with ungrouped():
                async with trio.open_nursery() as nursery:
                    run = DaskScrape(scrape, nursery)
                    nursery.start_soon(run.keep, lease)
                    yield run
                    nursery.cancel_scope.cancel(reason="the block has ended")


class DaskScrape:
    """A `ClusterScrape` with the methods of a `Scrape`: what blocks there has a thread here.

    Args:
      scrape: it.
      nursery: for what a drain has to tell the workers; it lasts as long as the scrape.
    """

    def __init__(self, scrape: ClusterScrape, nursery: trio.Nursery) -> None:
        self._scrape, self._nursery = scrape, nursery
        self._batches = scrape.batches()
        self._results: deque[Result] = deque()
        self._reading, self._telling = trio.CapacityLimiter(1), trio.CapacityLimiter(4)

    def __aiter__(self) -> AsyncIterator[Result]:
        return self

    async def __anext__(self) -> Result:
        """The next result. Cancellation: the thread ends when the scrape is closed."""
        while not self._results:
            batch = await in_thread(next, self._batches, None, limiter=self._reading, abandon_on_cancel=True)
            if batch is None:
                raise StopAsyncIteration
            self._results.extend(batch)
        return self._results.popleft()

    def drain(self, timeout: float = math.inf) -> int:
        """See `Scrape.drain`. The number is that of the last second."""
        in_flight = self._scrape.statistics().in_flight
        self._nursery.start_soon(self._tell_to_drain, timeout)
        return in_flight

    def cancel(self) -> None:
        """See `Scrape.cancel`."""
        self._nursery.start_soon(self._tell_to_cancel)

    def statistics(self) -> Statistics:
        """See `Scrape.statistics`."""
        return self._scrape.statistics()

    def report(self) -> Report:
        """See `Scrape.report`."""
        return self._scrape.report()

    async def count_not_started(self) -> int:
        """See `Scrape.count_not_started`: the list was counted when it was divided."""
        return self.report().not_started

    async def keep(self, lease: OwnLease) -> None:
        """Renew the lease of the store until cancelled. When another run has acquired it, this one ends."""
        try:
            await lease.keep()
        except StoreInUse as error:
            await in_thread(self._scrape.fail, error, limiter=self._telling)

    async def _tell_to_drain(self, seconds: float) -> None:
        await in_thread(self._scrape.drain, seconds, limiter=self._telling)

    async def _tell_to_cancel(self) -> None:
        await in_thread(self._scrape.cancel, limiter=self._telling)


@asynccontextmanager
async def _in_thread(manager: AbstractContextManager[T], limiter: trio.CapacityLimiter) -> AsyncIterator[T]:
    """A context manager that blocks, entered and left in a thread; it is left on every way out."""
    entered = await in_thread(manager.__enter__, limiter=limiter)
    try:
        yield entered
    finally:
        with trio.CancelScope(shield=True):
            await in_thread(manager.__exit__, None, None, None, limiter=limiter)
