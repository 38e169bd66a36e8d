"""The embedding API: a scrape inside another trio program."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, NoReturn, TypeVar, final

import trio

from .._archive.archive import Archive, open_archive
from .._config.config import Config
from .._config.name_servers import name_servers
from .._dns.caching import Resolver
from .._dns.native import NativeResolver
from .._dns.system import SystemResolver
from .._hosts.retry_after import utc_now
from .._http.happy_eyeballs import Connector, open_tcp
from .._parse import Parser, RecordParser, open_process_parser
from .._records import Outcome, Report, Result, Statistics
from .._store import Store, open_store
from .._store.lease import leased
from .feed_source import Feeds, ListCounts, can_be_counted, counted
from .run import Run
from .totals import Totals
from .wiring import Seams, open_run

T = TypeVar("T")

_SLOWEST: Final = 10
"""Feeds in flight that `Statistics` names."""


class NoPublicConstructor(type):
    """The type of classes that only trioscrape itself makes instances of."""

    def __call__(cls, *_: object, **__: object) -> NoReturn:
        """Raise `TypeError`."""
        raise TypeError(f"{cls.__module__}.{cls.__qualname__} has no public constructor")

    def _create(cls: type[T], *args: Any, **kwargs: Any) -> T:
        made: T = type.__call__(cls, *args, **kwargs)
        return made


@final
class Scrape(metaclass=NoPublicConstructor):
    """A scrape under way: an async iterator of results in order of completion.

    A slow consumer slows the lanes: no more results are kept waiting than feeds may be in flight.
    It has no public constructor; `open_scrape` gives one.
    """

    def __init__(self, run: Run, feeds: Feeds, shard: tuple[int, int] | None = None) -> None:
        self._run, self._feeds = run, feeds
        self._shard = None if shard is None else "{}/{}".format(*shard)
        self._recounted: ListCounts | None = None

    def __aiter__(self) -> AsyncIterator[Result]:
        return self

    async def __anext__(self) -> Result:
        try:
            return await self._run.results.channel.receive()
        except trio.EndOfChannel:
            # Ended, but perhaps not because there is nothing left.
            if self._run.failure is not None:
                raise self._run.failure from None
            raise StopAsyncIteration from None

    def drain(self, timeout: float = math.inf) -> int:
        """Start no more feeds. The iteration ends when those in flight have their result.

        In flight are those whose server has been contacted. Feeds that only wait for a lane, or for a lookup,
        are not started.

        Args:
          timeout: seconds after which the feeds that are still in flight are cancelled, as `cancel` does.

        Returns: the number of feeds in flight.
        """
        return self._run.drain(timeout)

    def cancel(self) -> None:
        """Cancel the feeds in flight, and start no others. The iteration ends when each has its result.

        A feed whose write had begun is stored, and its result says so, if the write succeeds; the
        others end as ``cancelled``.
        """
        self._run.cancel()

    def statistics(self) -> Statistics:
        """The scrape at this moment."""
        run, tally = self._run, self._run.tally
        return Statistics(
            accepted=tally.accepted,
            in_flight=tally.accepted - tally.finished,
            finished=tally.finished,
            seconds=run.seconds,
            lanes=run.pipeline.lanes.statistics(),
            loop_lag=run.lag.quantiles(),
            outage=run.pipeline.store.outage,
            outcomes={outcome: tally.outcomes[outcome] for outcome in Outcome},
            errors=tally.reasons,
            entries=tally.entries,
            gaps=tally.gaps,
            duplicates=run.admission.source.counts.duplicates,
            slowest=run.slowest(_SLOWEST),
            delay=run.delay,
            remarks=run.remarks_on_hosts(),
        )

    def report(self) -> Report:
        """The totals so far; they are final when the iteration or the ``async with`` block has ended.

        Nothing is read for it. If the scrape has ended early, what was not started is only counted as
        far as the list had been read, unless `count_not_started` has counted it: see `Report.counted`.
        """
        return replace(self.totals().report(), shard=self._shard)

    def totals(self) -> Totals:
        """What `report` is made of, for scrapes that are a part of another."""
        run = self._run
        now = Totals(
            counts=self._recounted or run.admission.source.counts,
            tally=run.tally,
            seconds=run.seconds,
            lanes=run.pipeline.lanes.totals(),
            loop_lag=run.lag.late,
            delays=run.delays,
            outage=run.pipeline.store.outage,
            run_id=run.id,
            remarks=run.remarks(),
            parts=1,
            offline_parts=int(run.pipeline.network.is_down),
        )
        return Totals() + now  # a copy: the scrape goes on

    async def count_not_started(self) -> int | None:
        """Count the feeds that a scrape which has ended early did not start; reports have them from then on.

        A list, or anything else that has a length and can be iterated over again, is read once more from
        its beginning: that takes about half a minute for a million feeds, and other tasks run meanwhile.
        An iterator, a generator or an asynchronous iterable is not read, because it may never end.

        Returns: the number; None when it can't be known.

        Raises:
          RuntimeError: the iteration has not ended, and neither has the ``async with`` block.

        Cancellation: stops counting. It may be called again.
        """
        if self._run.ended is None:
            raise RuntimeError("the scrape has not ended: its feeds are still being started")
        if not self.report().counted:
            if not can_be_counted(self._feeds):
                return None
            self._recounted = await counted(self._feeds)
        return self.report().not_started


@asynccontextmanager
async def open_scrape(  # noqa: PLR0913 - the seams, each with a default
    feeds: Feeds,
    *,
    store: Store | str,
    config: Config | None = None,
    resolver: Resolver | None = None,
    connector: Connector | None = None,
    parser: Parser | None = None,
    now: Callable[[], datetime] = utc_now,
    shard: tuple[int, int] | None = None,
) -> AsyncIterator[Scrape]:
    """Scrape `feeds` into `store` and hand out the results as they come.

    ::

        async with trioscrape.open_scrape(feeds, store="sqlite:news.db") as scrape:
            async for result in scrape:
                print(result.feed.redacted_url, result.outcome)

    The scrape has its own nursery and limiters; nothing is installed process-wide or run-wide, no
    signal is handled, nothing is logged. The block may be left early: that cancels the scrape.

    Args:
      feeds: URLs or `Feed` records, read as they are needed; a URL that comes twice is one feed. A
        synchronous iterable is read in this thread, with a checkpoint after each millisecond, so one that
        takes longer for a single feed should be asynchronous.
      store: an open store, see `open_store`, which stays open; or the URL of one, which is opened before
        the first lookup, gets a record of the run if the block ends without an exception, and is closed.
      config: widths, timeouts, limits; None for the defaults.
      resolver: turns names into addresses; None for what `config` says.
      connector: opens TCP connections; None for the network.
      parser: parses documents; None for the built-in one, in worker processes.
      now: the wall clock, in UTC; it decides which feeds are due.
      shard: ``(3, 16)`` if the feeds are the third of 16 shares of a list, of which no host is in two: then
        runs on the other shares may use the store at the same time. None: they are all there is.

    Raises:
      StoreError: the store can't be opened, has failed for good, has rejected all of the first 100 feeds, or
        has accepted no write for ``config.outage_timeout`` seconds. Results of the feeds in flight come
        first. It comes out of the ``async with`` without an exception group, as does the caller's own
        exception.
      StoreInUse: another run uses the store, in this process or any other, and has not ended within
        ``config.wait_for_store`` seconds; nothing was fetched. Or, while this one could not renew its lease,
        another has begun; then it comes as `StoreError` does.
      UsageError: the store's URL can't be understood, or the ``ca_file`` can't be read.
      ResourceError: no parser process can be started, no file or connection can be opened, or what is to be
        kept (``config.warc``) can't be written.

    Cancellation: closes all connections and ends all worker processes; a write that the store has
    begun is finished first, for at most the store's own timeout. A lookup in the C library keeps
    its thread until it returns.
    """
    config = config or Config()
    async with (
        opened_store(store, config) as opened,
        leased(opened, config.wait_for_store, now(), shard) as lease,
        opened_parser(parser, config) as parse,
        opened_archive(config) as archive,
    ):
        seams = Seams(opened, resolver or chosen_resolver(config), connector or open_tcp, parse, now, archive)
        async with open_run(feeds, config, seams, lease) as run:
            scrape = Scrape._create(run, feeds, shard)
            yield scrape
        if run.failure is not None:
            raise run.failure
        if isinstance(store, str):
            await run.pipeline.store.record_run(scrape.report())


def opened_store(store: Store | str, config: Config) -> AbstractAsyncContextManager[Store]:
    """The store, which stays open if it was, and else is open in the block."""
    if not isinstance(store, str):
        return nullcontext(store)
    return open_store(
        store,
        width=config.store_width,
        connect_timeout=config.store_connect_timeout,
        call_timeout=config.store_timeout,
    )


def opened_archive(config: Config) -> AbstractAsyncContextManager[Archive | None]:
    """The archive that `config` names, to write to it in the block; None: it names none."""
    return nullcontext() if config.warc is None else open_archive(config.warc)


def opened_parser(parser: Parser | None, config: Config) -> AbstractAsyncContextManager[RecordParser]:
    """The caller's parser, or the built-in one with its processes."""
    if parser is not None:
        from .._parse import CustomParser  # noqa: PLC0415 - it brings what makes HTML safe in this process

        return nullcontext(CustomParser(parser, config.parse_width))
    return open_process_parser(width=config.parse_width, parse_timeout=config.parse_timeout)


def chosen_resolver(config: Config) -> Resolver:
    """The resolver that `config` names."""
    timeout = config.lookup_timeout
    if (servers := name_servers(config.resolver)) is not None:
        return NativeResolver(timeout=timeout, servers=servers)
    return SystemResolver(width=config.dns_width, abandoned=config.dns_abandoned, timeout=timeout)


async def scrape(  # noqa: PLR0913
    feeds: Feeds,
    *,
    store: Store | str,
    config: Config | None = None,
    resolver: Resolver | None = None,
    connector: Connector | None = None,
    parser: Parser | None = None,
    now: Callable[[], datetime] = utc_now,
) -> Report:
    """Scrape `feeds` into `store`; the totals. `open_scrape` has the arguments, errors and cancellation."""
    async with open_scrape(
        feeds, store=store, config=config, resolver=resolver, connector=connector, parser=parser, now=now
    ) as run:
        async for _ in run:
            pass
    return run.report()
