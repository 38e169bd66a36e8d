"""The command line: arguments, signals, output, exit status.

All that is process-wide happens here and nowhere else: signal handlers, the limit on open files,
standard output and error. The scrape itself is the same `open_scrape` that anybody can embed.
"""

from __future__ import annotations

import resource
import signal
import sys
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

import trio

from .._demo import open_demo
from .._dns.caching import Resolver
from .._errors import StoreError, StoreUnavailable, TrioscrapeError, UsageError
from .._http._transport import client_context
from .._http.happy_eyeballs import Connector
from .._lane import Lane
from .._records import Feed, Report, Result
from .._run.api import Scrape, open_scrape
from .._store import Store, check_store_url, open_store
from .._store.lane import StoreLane
from .._threads import in_thread
from .feed_list import FeedList, open_feed_list
from .options import Options, parse
from .output import Output, Unbuffered
from .progress import Progress, open_progress
from .report import complete, count, feed_record, json_line, run_record, summary
from .transfer import move

COMPLETE: Final = 0
INCOMPLETE: Final = 1
USAGE: Final = 2

_BAD_LINES_SHOWN: Final = 20


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with the arguments `argv`, or with those of the process; its exit status.

    0: every feed of the list had its turn; 1: something was not stored; 2: the command can't be
    understood, and nothing was done. Every error is one line on standard error.

    Raises:
      SystemExit: ``--help`` or ``--version``.
    """
    try:
        return _command(parse(argv))
    except UsageError as error:
        return _complain(str(error), USAGE)
    except TrioscrapeError as error:
        return _complain(str(error), INCOMPLETE)
    except KeyboardInterrupt:
        return _complain("interrupted", INCOMPLETE)
    except BrokenPipeError:
        # Whoever reads our output has seen enough (| head). What is stored is stored.
        return INCOMPLETE
    except OSError as error:
        return _complain(f"standard output: {error.strerror or error}", INCOMPLETE)


def _complain(message: str, status: int) -> int:
    # A terminal that takes nothing is waited for; Ctrl-C ends that as well.
    with suppress(OSError, KeyboardInterrupt):
        Unbuffered(sys.stderr).write(f"trioscrape: {' '.join(message.split())}\n")
    return status


def _command(options: Options) -> int:
    if options.moving is not None:
        return move(options.moving, options.config)
    check_store_url(options.store)
    if options.config.ca_file is not None:
        client_context(options.config.ca_file)  # raises before the store is opened
    config = options.config
    # NativeResolver takes two for a lookup, and a third of all at the most.
    _allow_open_files(4 * config.http_width + 6 * (config.dns_width + config.dns_abandoned) + 256)
    if options.feeds is None:
        return trio.run(_Command(options, None).run)
    with open_feed_list(options.feeds) as feeds:
        return trio.run(_Command(options, feeds).run)


def _allow_open_files(wanted: int) -> None:
    """Raise the soft limit on open files as far as the hard one allows: macOS starts with 256."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    with suppress(OSError, ValueError):  # then it stays as it is
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))


@dataclass(frozen=True, slots=True)
class _Sources:
    """What is scraped: the list or the demo."""

    feeds: Iterable[Feed]
    count: int
    resolver: Resolver | None = None
    connector: Connector | None = None


class _Command:
    """One run of the command, with the signals that may end it.

    The first signal drains the scrape, the second cancels it and the third also what comes after
    it. Before there is a scrape to drain, one signal ends everything.
    """

    def __init__(self, options: Options, listed: FeedList | None) -> None:
        self._options, self._listed = options, listed
        self._scrape: Scrape | None = None
        self._draining = self._cancelled = False
        self._showing, self._recording = trio.CancelScope(), trio.CancelScope()
        self._shown = trio.Event()
        self._progress = Progress()
        self._output = Output()
        self._failure: Exception | None = None
        self._bad_lines = 0

    async def run(self) -> int:
        """The exit status.

        Raises:
          StoreError: the store did not answer, or failed for good; the report has been written.
          OSError: standard output can't be written to; `BrokenPipeError` when nobody reads it.
        """
        status = INCOMPLETE
        signals = trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM)
        with signals as received:
            async with trio.open_nursery() as self._nursery:
                self._nursery.start_soon(self._watch, received)
                # Caught here, because the nursery would wrap it in a group.
                try:
                    status = await self._scrape_into_store()
                except (TrioscrapeError, OSError) as error:
                    self._failure = error
                self._nursery.cancel_scope.cancel()
        if self._failure is not None:
            raise self._failure
        return status

    async def _watch(self, received: AsyncIterator[int]) -> None:
        async for _ in received:
            if self._scrape is None or self._cancelled:
                self._nursery.cancel_scope.cancel()
            elif self._draining:
                self._cancelled = True
                self._scrape.cancel()
                self._recording.cancel()
            else:
                self._draining = True
                self._scrape.drain()
                feeds = count(self._scrape.statistics().in_flight, "feed")
                said = f"finishing {feeds} in flight; press Ctrl-C again to stop now"
                # Whoever reads standard error may have stopped: the next signal must be seen all the same.
                self._nursery.start_soon(self._progress.say, said)

    async def _scrape_into_store(self) -> int:
        options, config = self._options, self._options.config
        store_opened = open_store(
            options.store,
            width=config.store_width,
            connect_timeout=config.store_connect_timeout,
            call_timeout=config.store_timeout,
        )
        async with store_opened as store, self._sources() as sources:
            report = await self._scrape_all(sources, store)
            if self._failure is None:
                try:
                    await self._record(report, store)
                except StoreError as error:
                    self._failure = error
            text = json_line(run_record(report)) if options.json else summary(report, store.redacted_url)
            await self._output.write(text)
        return COMPLETE if complete(report) else INCOMPLETE

    async def _record(self, report: Report, store: Store) -> None:
        """Store the run's totals. An outage of the store is waited for here too."""
        try:
            return await store.record_run(report)
        except StoreUnavailable as error:
            failure = error
        with self._recording:
            await self._progress.say(f"waiting to record the run: {failure}")
            waiting = StoreLane(store, Lane("store", 1), self._options.config.outage_timeout)
            return await waiting.record_run(report)
        raise failure

    @asynccontextmanager
    async def _sources(self) -> AsyncIterator[_Sources]:
        if self._listed is not None:
            yield _Sources(self._listed, self._listed.count)
            return
        async with open_demo() as demo:
            yield _Sources(demo.feeds, len(demo.feeds), demo.resolver, demo.connector)

    async def _scrape_all(self, sources: _Sources, store: Store) -> Report:
        """The report, also of a scrape that was cancelled or whose store has failed."""
        async with open_progress(live=not self._options.json) as self._progress:
            await self._progress.say(f"{count(sources.count, 'feed')} into {store.redacted_url}")
            for proxy in self._options.config.proxies.redacted_urls:
                await self._progress.say(f"through the proxy {proxy}, which looks the names up")
            try:
                async with open_scrape(
                    sources.feeds,
                    store=store,
                    config=self._options.config,
                    resolver=sources.resolver,
                    connector=sources.connector,
                ) as self._scrape:
                    self._nursery.start_soon(self._show, self._scrape, sources.count)
                    async for result in self._scrape:
                        await self._hand_out(result)
            except TrioscrapeError as error:
                if self._scrape is None:  # no parser process could be started
                    raise
                self._failure = error
            finally:
                self._showing.cancel()
        assert self._scrape is not None  # noqa: S101
        await self._shown.wait()
        # It reads the list to its end: after Ctrl-C 20 s for a million feeds, and Ctrl-C ends that too.
        try:
            limiter = trio.CapacityLimiter(1)
            return await in_thread(self._scrape.report, limiter=limiter, abandon_on_cancel=True)
        except OSError:  # no thread is to be had, and nothing else goes on any more
            return self._scrape.report()

    async def _show(self, scrape: Scrape, lines: int) -> None:
        with self._showing:
            await self._progress.show(scrape.report, lines)
        self._shown.set()

    async def _hand_out(self, result: Result) -> None:
        if self._options.json:
            await self._output.write(json_line(feed_record(result)))
        elif result.reason == "not-a-url":
            self._bad_lines += 1
            if self._bad_lines <= _BAD_LINES_SHOWN:
                await self._progress.say(result.detail or result.feed.redacted_url)
