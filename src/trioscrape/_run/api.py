"""The embedding API: a scrape inside of somebody else's trio program."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from datetime import datetime

import trio

from .._config.config import Config
from .._config.name_servers import name_servers
from .._dns.caching import Resolver
from .._dns.native import NativeResolver
from .._dns.system import SystemResolver
from .._hosts.retry_after import utc_now
from .._http.happy_eyeballs import Connector, open_tcp
from .._parse import CustomParser, Parser, RecordParser, open_process_parser
from .._records import Feed, Outcome, Report, Result, Statistics
from .._store import Store
from .run import Run, Seams, open_run


class Scrape:
    """A scrape under way: an async iterator of results in order of completion.

    A slow consumer slows the lanes: no more results are kept waiting than feeds may be in flight.
    Made by `open_scrape`.
    """

    def __init__(self, run: Run) -> None:
        self._run = run

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

    def drain(self) -> None:
        """Let no more feeds in. The iteration ends when those in flight have their result."""
        self._run.drain()

    def cancel(self) -> None:
        """Cut short what is in flight. The iteration ends when each feed has its result.

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
        )

    def report(self) -> Report:
        """The totals; complete once the ``async with`` block has ended.

        What was not started is counted then, by reading the rest of the feed list.
        """
        run, tally, source = self._run, self._run.tally, self._run.admission.source
        if run.ended is not None:
            source.take_rest()
        return Report(
            feeds=source.taken,
            not_started=source.taken - tally.accepted,
            duplicates=source.duplicates,
            duplicate_examples=tuple(source.duplicate_examples),
            outcomes={outcome: tally.outcomes[outcome] for outcome in Outcome},
            entries=tally.entries,
            errors=dict(tally.errors.most_common()),
            examples=dict(tally.examples),
            seconds=run.seconds,
            lanes=run.pipeline.lanes.statistics(),
            loop_lag=run.lag.quantiles(),
            twins=tally.twins,
            twin_examples=tuple(tally.twin_examples),
            stored=tally.stored,
            not_stored_examples=tuple(tally.not_stored_examples),
            outage=run.pipeline.store.outage,
            run_id=run.id,
        )


@asynccontextmanager
async def open_scrape(  # noqa: PLR0913 - the seams, each with a default
    feeds: Iterable[str | Feed],
    *,
    store: Store,
    config: Config | None = None,
    resolver: Resolver | None = None,
    connector: Connector | None = None,
    parser: Parser | None = None,
    now: Callable[[], datetime] = utc_now,
) -> AsyncIterator[Scrape]:
    """Scrape `feeds` into `store` and hand out the results as they come.

    ::

        async with trioscrape.open_scrape(feeds, store=store) as scrape:
            async for result in scrape:
                print(result.feed.redacted_url, result.outcome)

    The scrape has its own nursery and limiters; nothing is installed process-wide or run-wide, no
    signal is handled, nothing is logged. The block may be left early: that cancels the scrape.

    Args:
      feeds: URLs or `Feed` records, read lazily. A URL that comes twice is one feed.
      store: open, see `open_store`; it stays open afterwards.
      config: widths, deadlines, limits; None for the defaults.
      resolver: who turns names into addresses; None for what `config` says.
      connector: who opens TCP connections; None for the network.
      parser: who parses documents; None for the built-in one, in worker processes.
      now: the wall clock, in UTC; it decides which feeds are asked.

    Raises:
      StoreError: the store is gone for good, or has taken nothing for ``config.outage_timeout`` seconds.
        The feeds that were under way have their results before. It comes out of the ``async with``
        as itself, as does the caller's own exception.
      TrioscrapeError: no parser process can be started.

    Cancellation: closes all connections and ends all worker processes; a write that the store has
    begun is finished first, for at most the store's own timeout. A lookup that the C library does
    not come back from keeps its thread until it does.
    """
    config = config or Config()
    parsing: AbstractAsyncContextManager[RecordParser] = (
        open_process_parser(width=config.parse_width, parse_timeout=config.parse_timeout)
        if parser is None
        else nullcontext(CustomParser(parser))
    )
    async with parsing as parse:
        seams = Seams(store, resolver or _resolver(config), connector or open_tcp, parse, now)
        async with open_run(feeds, config, seams) as run:
            yield Scrape(run)
    if run.failure is not None:
        raise run.failure


def _resolver(config: Config) -> Resolver:
    timeout = config.lookup_timeout
    if (servers := name_servers(config.resolver)) is not None:
        return NativeResolver(timeout=timeout, servers=servers)
    return SystemResolver(width=config.dns_width, abandoned=config.dns_abandoned, timeout=timeout)


async def scrape(  # noqa: PLR0913
    feeds: Iterable[str | Feed],
    *,
    store: Store,
    config: Config | None = None,
    resolver: Resolver | None = None,
    connector: Connector | None = None,
    parser: Parser | None = None,
    now: Callable[[], datetime] = utc_now,
) -> Report:
    """Scrape `feeds` into `store`; the totals. `open_scrape` has the arguments and errors."""
    async with open_scrape(
        feeds, store=store, config=config, resolver=resolver, connector=connector, parser=parser, now=now
    ) as run:
        async for _ in run:
            pass
    return run.report()
