"""The embedding API of a watch: a scrape that goes on for months."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final, final

import trio

from .._config.config import Config
from .._config.polling import Polling
from .._dns.caching import Resolver
from .._errors import UsageError
from .._hosts.retry_after import utc_now
from .._http.happy_eyeballs import Connector, open_tcp
from .._parse import Parser
from .._records import Result, WatchStatistics
from .._store import Store
from .._store.lease import leased
from .api import NoPublicConstructor, Scrape, chosen_resolver, opened_archive, opened_parser, opened_store
from .due_source import DueSource
from .feed_source import Feeds
from .wiring import Seams, open_run

_HOUR: Final = 3600.0
_RECORDING: Final = 2.0
"""Seconds that the store has for the totals of a watch that has ended."""


@final
class Watch(metaclass=NoPublicConstructor):
    """A watch under way: an async iterator of results that ends when it is drained or cancelled.

    A feed has a result for each of its polls. A slow consumer slows the lanes, as with a `Scrape`. It has no
    public constructor; `open_watch` gives one.
    """

    def __init__(self, scrape: Scrape, source: DueSource, now: Callable[[], datetime]) -> None:
        self.scrape = scrape
        """The same as a scrape, with its lanes and totals. Its report counts polls where it says feeds."""
        self._source, self._now = source, now

    def __aiter__(self) -> AsyncIterator[Result]:
        return self

    async def __anext__(self) -> Result:
        return await anext(self.scrape)

    def reload(self, feeds: Feeds) -> None:
        """Watch another list from now on.

        Feeds that are in both stay planned as they are. Those that are new are polled at once, the others no
        more; what the store has of them stays. It is read while the watch goes on; should it raise an
        exception, the watch ends with that.
        """
        self._source.reload(feeds)

    def drain(self, timeout: float = math.inf) -> int:
        """Poll no more, and let the feeds in flight finish: see `Scrape.drain`."""
        return self.scrape.drain(timeout)

    def cancel(self) -> None:
        """Cancel the feeds in flight, and poll no more: see `Scrape.cancel`."""
        self.scrape.cancel()

    async def statistics(self) -> WatchStatistics:
        """The watch at this moment. Cancellation: returns nothing."""
        source, planner, now = self._source, self._source.planner, self._now().timestamp()
        await trio.lowlevel.checkpoint()
        return WatchStatistics(
            scrape=self.scrape.statistics(),
            feeds=source.agenda.size,
            late=await source.agenda.late(now),
            lateness=source.lateness.quantiles(),
            next_hour=planner.calendar.between(now, now + _HOUR),
            price=planner.price,
            expected_delay=planner.expected_delay,
            measured_delay=planner.delays.quantiles(),
        )


@asynccontextmanager
async def open_watch(  # noqa: PLR0913 - the seams, each with a default
    feeds: Feeds,
    *,
    store: Store | str,
    polling: Polling | None = None,
    config: Config | None = None,
    resolver: Resolver | None = None,
    connector: Connector | None = None,
    parser: Parser | None = None,
    now: Callable[[], datetime] = utc_now,
) -> AsyncIterator[Watch]:
    """Poll `feeds` again and again, each when it is due, and hand out the results as they come.

    ::

        async with trioscrape.open_watch(feeds, store="sqlite:news.db") as watch:
            async for result in watch:
                print(result.feed.redacted_url, result.entries.new)

    What is planned is in the store, so a watch that was killed goes on where it was. What it needs in
    memory does not grow with the list or with time.

    Args:
      feeds: as `open_scrape` takes them; it is read once, and each list given to `Watch.reload` once.
      store: as `open_scrape` takes it; it is open, and its lease is kept, for as long as the block.
      polling: how often to poll; None for the defaults.
      config: widths, timeouts, limits; None for the defaults. ``ignore_schedule`` and ``interval`` mean
        nothing to a watch, and have to have their defaults.
      resolver: see `open_scrape`, as for all others.
      connector: see there.
      parser: see there.
      now: the wall clock, in UTC. Where trio's clock is a virtual one, this has to go with it.

    Raises:
      UsageError, StoreError, StoreInUse, ResourceError: see `open_scrape`.

    Cancellation: see `open_scrape`.
    """
    config, polling = config or Config(), polling or Polling()
    if config.ignore_schedule or config.interval:
        raise UsageError("a watch takes no ignore_schedule and no interval: see Polling")
    async with (
        opened_store(store, config) as opened,
        leased(opened, config.wait_for_store, now()) as lease,
        opened_parser(parser, config) as parse,
        opened_archive(config) as archive,
    ):
        seams = Seams(opened, resolver or chosen_resolver(config), connector or open_tcp, parse, now, archive)
        async with open_run(feeds, config, seams, lease, polling) as run:
            source = run.admission.source
            assert isinstance(source, DueSource)  # noqa: S101
            watch = Watch._create(Scrape._create(run, feeds), source, now)
            yield watch
        if run.failure is not None:
            raise run.failure
        if isinstance(store, str):
            # Whoever ends a watch by SIGTERM does not wait for the end of an outage.
            with trio.move_on_after(_RECORDING):
                await run.pipeline.store.record_run(watch.scrape.report())
