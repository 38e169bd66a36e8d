"""A scrape as the commands ``run`` and ``demo`` do it: its store, its output, its signals."""

from __future__ import annotations

import argparse
import gc
import math
import signal
import sys
from collections.abc import Iterable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import trio

from .._dns.caching import Resolver
from .._errors import StoreError, StoreUnavailable, TrioscrapeError
from .._hosts.retry_after import utc_now
from .._http._transport import client_context
from .._http.happy_eyeballs import Connector
from .._lane import Lane
from .._records import Feed, Report, Result
from .._run.api import Scrape, open_scrape
from .._run.open_files import allow_open_files
from .._store import Store, check_store_url, open_store
from .._store.lane import StoreLane
from .config_options import config, naming_options
from .dask import DaskScrape, cluster_of
from .driver_log import relay_driver_errors
from .open_progress import open_progress
from .output import Output
from .progress import Progress
from .report import Style, complete, count, feed_record, json_line, run_record, summary
from .reporter import Reporter
from .series import Series
from .shared_options import store_url
from .signals import Stages, until_signalled
from .subcommand import ExitStatus
from .unbuffered import Unbuffered
from .waiting import in_turn

_GARBAGE: Final = 5_000
"""Objects that are made before cycles are looked for; Python's own 700 take 0.1 ms CPU a feed, these 0.03."""
_LINES: Final = 250
"""Of results that wait for standard output."""
_TOGETHER: Final = 0.02
"""Seconds from one write of such lines to the next: a call in a thread takes the CPU time of three lines."""
_SHOWN: Final = 20
"""Lines of the list that are no URLs and are shown. All of them are counted."""
_AFTERWARDS: Final = 1.0
"""Seconds after a drain's timeout for what is not stored yet: feeds that are counted, the run's record."""
_STOP_NOW: Final[Mapping[int, str]] = {
    signal.SIGINT: "press Ctrl-C again to stop now",
    signal.SIGTERM: "a second SIGTERM stops now",
    signal.SIGHUP: "SIGTERM stops now",
}
"""How to cancel a scrape that is being drained, by the signal that drains it."""


@dataclass(frozen=True, slots=True)
class Sources:
    """The feeds to fetch, and how to reach them."""

    feeds: Iterable[Feed]
    count: int
    """Lines of the list; one feed may be listed twice."""
    resolver: Resolver | None = None
    connector: Connector | None = None
    shard: tuple[int, int] | None = None
    """Which share of a list the feeds are, and how many there are; None: all of it."""
    listed: int = 0
    """Lines of the list that they are a share of."""


class Session:
    """One scrape, from opening the store to the summary.

    The first signal drains the scrape: no more feeds are started. The second cancels it, and the third
    ends whatever is still going on. Before the scrape has begun, the first signal ends everything. A signal
    that comes while feeds are counted after an interruption only ends the counting.

    A drain by another signal than Ctrl-C has a timeout: whoever sends SIGTERM kills the process soon.

    When standard output can't be written to any more (``| head``), the scrape is cancelled and recorded.

    Args:
      given: the options.

    Raises:
      UsageError: an option, the store's URL or the CA file can't be understood.
    """

    def __init__(self, given: argparse.Namespace) -> None:
        self._store_url, self._json = store_url(given), given.json
        self._quiet, self._verbose = given.quiet, given.verbose
        self._config = config(given)
        self._redacted_store_url = check_store_url(self._store_url)
        self._cluster = cluster_of(given, self._config)
        self._reporter = Reporter(given.report) if given.report is not None else None
        if self._config.ca_file is not None:
            with naming_options():
                client_context(self._config.ca_file)  # raises before the store is opened
        self._stages = Stages()
        self._output = Output()
        self._progress = Progress(quiet=self._quiet)
        self._showing, self._shown = trio.CancelScope(), trio.Event()
        self._add_line, self._lines = trio.open_memory_channel[str](_LINES)
        self._written = trio.Event()
        self._counting, self._recording = trio.CancelScope(), trio.CancelScope()
        self._failure: TrioscrapeError | None = None
        self._scrape: Scrape | DaskScrape | None = None
        self._interrupted = False
        self._unwritable: OSError | None = None
        self._bad_lines = 0
        self._series: Series | None = None
        self._unreported = False

    async def run(self, sources: AbstractAsyncContextManager[Sources]) -> ExitStatus:
        """Scrape and print; `sources` is open meanwhile.

        Raises:
          StoreError: the store did not answer, or has failed. The summary has been printed.
          OSError: standard output can't be written to, for another reason than that nobody reads it.
        """
        allow_open_files(self._config)
        gc.set_threshold(_GARBAGE)
        status = await until_signalled(partial(self._scrape_and_report, sources), self._stages)
        if self._failure is not None:
            raise self._failure
        if isinstance(self._unwritable, BrokenPipeError):
            await self._progress.warn("nobody reads standard output any more; the run has ended with that")
            return ExitStatus.INCOMPLETE
        if self._unwritable is not None:
            raise self._unwritable
        if status is None and not self._interrupted:
            await self._progress.warn("interrupted")
        return ExitStatus.INCOMPLETE if status is None else status

    async def _scrape_and_report(
        self, sources: AbstractAsyncContextManager[Sources], nursery: trio.Nursery
    ) -> ExitStatus:
        settings = self._config
        nursery.start_soon(relay_driver_errors, self._warn)
        await self._progress.connecting(self._redacted_store_url)
        store_opened = open_store(
            self._store_url,
            width=settings.store_width,
            connect_timeout=settings.store_connect_timeout,
            call_timeout=settings.store_timeout,
        )
        connected = nullcontext() if self._cluster is None else self._cluster.connected()
        async with store_opened as store, sources as opened, connected:
            if self._reporter is not None:
                await self._reporter.begin(store)
            report = await self._fetch_all(opened, store, nursery)
            if self._failure is None:
                try:
                    await self._record(report, store)
                except StoreError as error:
                    self._failure = error
            await self._tell(report, run_record(report, store.redacted_url, utc_now()))
        return ExitStatus.COMPLETE if complete(report) and not self._unreported else ExitStatus.INCOMPLETE

    async def _tell(self, report: Report, record: Mapping[str, Any]) -> None:
        if self._json:
            for remark in report.remarks:
                await (self._progress.warn if report.offline else self._progress.say)(remark)
            await self._write(json_line(record))
        elif not (self._quiet and complete(report)):
            style = Style(interrupted=self._interrupted, verbose=self._verbose)
            await self._write(summary(report, record["store"], style))
        if self._reporter is not None and self._series is not None:
            try:
                await self._reporter.write(report, record, self._series, interrupted=self._interrupted)
                await self._progress.say(f"report written to {self._reporter.path}")
            except OSError as error:
                self._unreported = True
                problem = error.strerror or error
                await self._progress.warn(f"can't write the report {self._reporter.path}: {problem}")

    async def _fetch_all(self, sources: Sources, store: Store, nursery: trio.Nursery) -> Report:
        """The report, also of a scrape that was cancelled or whose store has failed."""
        scrape = None
        # Where results and the view would come to the same terminal, they would be mixed.
        live = not (self._json and Unbuffered(sys.stdout).isatty())
        async with open_progress(live=live, quiet=self._quiet) as self._progress:
            opened = partial(self._opened, sources, store)
            try:
                async with in_turn(opened, self._config.wait_for_store, self._progress) as scrape:
                    # Before anything is written: feeds are being fetched already, and a signal has to drain.
                    self._scrape = scrape
                    self._stages += [partial(self._drain, scrape), partial(self._cancel, scrape)]
                    series, began = Series(scrape.statistics, sources.count), trio.current_time()
                    self._series = series
                    await self._introduce(sources, store)
                    nursery.start_soon(self._show, series)
                    nursery.start_soon(self._write_lines)
                    async for result in scrape:
                        if self._reporter is not None:
                            self._reporter.add(result, trio.current_time() - began)
                        await self._print(result)
            except TrioscrapeError as error:
                if scrape is None:  # the store is in use, or no worker process could be started
                    raise
                self._failure = error
            finally:
                if self._series is not None:
                    self._series.sample()
                self._showing.cancel()
                self._add_line.close()
        await self._shown.wait()
        await self._written.wait()
        return await self._final_report(scrape)

    def _opened(
        self, sources: Sources, store: Store, wait: float
    ) -> AbstractAsyncContextManager[Scrape | DaskScrape]:
        if self._cluster is not None:
            return self._cluster.opened(sources.feeds, store, wait)
        return open_scrape(
            sources.feeds,
            store=store,
            config=replace(self._config, wait_for_store=wait),
            resolver=sources.resolver,
            connector=sources.connector,
            shard=sources.shard,
        )

    async def _introduce(self, sources: Sources, store: Store) -> None:
        feeds = count(sources.count, "feed")
        if sources.shard is not None:
            number, shards = sources.shard
            feeds = f"{sources.count:,} of {count(sources.listed, 'feed')} (shard {number}/{shards})"
        await self._progress.say(f"Fetching {feeds} into {store.redacted_url}")
        for proxy in self._config.proxies.redacted_urls:
            await self._progress.say(f"through the proxy {proxy}, which also resolves host names")

    async def _final_report(self, scrape: Scrape | DaskScrape) -> Report:
        # An interrupted scrape reads the list once more, to count the feeds that were not started.
        self._stages.appendleft(self._stop_counting)
        with self._counting:
            await scrape.count_not_started()
        if self._stop_counting in self._stages:
            self._stages.remove(self._stop_counting)
        return scrape.report()

    async def _stop_counting(self, _: int) -> None:
        self._counting.cancel()

    async def _show(self, series: Series) -> None:
        with self._showing:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(series.watch)
                nursery.start_soon(self._progress.show, series.moment)
        self._shown.set()

    async def _print(self, result: Result) -> None:
        if self._json:
            line = json_line(feed_record(result, utc_now()))
            try:
                self._add_line.send_nowait(line)
            except trio.WouldBlock:
                await self._add_line.send(line)
        elif result.reason == "not-a-url":
            self._bad_lines += 1
            if self._bad_lines <= _SHOWN:
                await self._progress.warn(result.detail or result.feed.redacted_url)

    async def _write_lines(self) -> None:
        """Write the lines of results: the first one at once, then together those that come meanwhile."""
        following = -math.inf
        async for line in self._lines:
            lines = [line]
            await trio.sleep_until(following)
            with suppress(trio.WouldBlock, trio.EndOfChannel):
                while True:
                    lines.append(self._lines.receive_nowait())
            await self._write("".join(lines))
            following = trio.current_time() + _TOGETHER
        self._written.set()

    async def _warn(self, message: str) -> None:
        """By whatever shows progress at that moment."""
        await self._progress.warn(message)

    async def _write(self, text: str) -> None:
        if self._unwritable is not None:
            return
        try:
            await self._output.write(text)
        except OSError as error:
            self._unwritable = error
            if self._scrape is not None:
                self._scrape.cancel()

    async def _drain(self, scrape: Scrape | DaskScrape, number: int) -> None:
        self._interrupted = True
        timeout = math.inf if number == signal.SIGINT else self._config.drain_timeout
        in_flight = scrape.drain(timeout)
        self._counting.deadline = self._recording.deadline = trio.current_time() + timeout + _AFTERWARDS
        within = f" within {timeout:g} s" if timeout < math.inf else ""
        finishing = f"finishing {count(in_flight, 'feed')} in flight{within}; " if in_flight else ""
        await self._progress.warn(f"{finishing}{_STOP_NOW[number]}")

    async def _cancel(self, scrape: Scrape | DaskScrape, _: int) -> None:
        scrape.cancel()
        self._recording.cancel()

    async def _record(self, report: Report, store: Store) -> None:
        """Store the run's totals. If the store is unavailable, wait for it as for feeds."""
        try:
            return await store.record_run(report)
        except StoreUnavailable as error:
            failure = error
        with self._recording:
            await self._progress.warn(f"waiting for the store to record the run: {failure}")
            waiting = StoreLane(store, Lane("store", 1), self._config.outage_timeout)
            return await waiting.record_run(report)
        raise failure
