"""A watch as the command runs it: its list, its output and log, its signals, its service manager."""

from __future__ import annotations

import logging
import math
import signal
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Final

import trio

from .._config.config import Config
from .._config.polling import Polling
from .._exception_groups import ungrouped
from .._hosts.retry_after import duration, utc_now
from .._records import Outcome, Result, Statistics, WatchStatistics
from .._run.open_files import allow_open_files
from .._run.watch import Watch, open_watch
from .._store import check_store_url
from . import metrics
from .driver_log import relay_driver_errors
from .list_file import ListFile
from .logs import LOGGER, logging_to_stderr
from .output import Output
from .report import feed_record, json_line
from .service import give_signs_of_life, notify
from .signals import Stages, until_signalled
from .subcommand import ExitStatus

_PERIOD: Final = 300.0
"""Seconds from one line of totals in the log to the next."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What to watch, and how."""

    path: str
    """Of the list."""
    store_url: str
    polling: Polling
    config: Config
    metrics: tuple[str, int] | None
    """Where to serve figures; None: nowhere."""


class WatchSession:
    """One watch, from reading the list to the last feed in flight.

    SIGHUP has the list read again. The first other signal drains the watch, the second cancels it. A drain by
    another signal than Ctrl-C has a timeout: whoever sends SIGTERM kills the process soon.

    Args:
      watched: what to watch.
      json: print each result.

    Raises:
      UsageError: the store's URL can't be understood.
    """

    def __init__(self, watched: Watched, *, json: bool) -> None:
        self._watched, self._json = watched, json
        self._redacted_store_url = check_store_url(watched.store_url)
        self._stages = Stages()
        self._output = Output()

    def logged(self, *, as_json: bool, verbose: bool) -> ExitStatus:
        """Watch, with a log on standard error.

        Raises:
          UsageError: the list can't be read.
          StoreError: the store did not answer, or has failed, or another run uses it.
          OSError: standard output can't be written to.
        """
        with closing(ListFile(self._watched.path)) as list_file:
            level = logging.DEBUG if verbose else logging.INFO
            with logging_to_stderr(as_json=as_json, level=level):
                trio.run(self._run, list_file)
        return ExitStatus.COMPLETE

    async def _run(self, list_file: ListFile) -> None:
        allow_open_files(self._watched.config)
        work = partial(self._watch, list_file)
        await until_signalled(work, self._stages, hang_up=list_file.hang_up)

    async def _watch(self, list_file: ListFile, nursery: trio.Nursery) -> None:
        watched = self._watched
        nursery.start_soon(relay_driver_errors, self._warn)
        opened = open_watch(
            list_file.feeds, store=watched.store_url, polling=watched.polling, config=watched.config
        )
        async with opened as watch:
            self._stages += [partial(self._drain, watch), partial(self._cancel, watch)]
            # Helpers end before the watch is closed: then it has no figures any more, and reads no list.
            with ungrouped():
                async with trio.open_nursery() as helpers:
                    await self._follow(watch, list_file, helpers)
                    helpers.cancel_scope.cancel()

    async def _follow(self, watch: Watch, list_file: ListFile, helpers: trio.Nursery) -> None:
        """Note what the watch does, until its end."""
        if self._watched.metrics is not None:
            await helpers.start(metrics.serve, *self._watched.metrics, watch.statistics)
        helpers.start_soon(list_file.follow, watch.reload)
        helpers.start_soon(_log_totals, watch)
        helpers.start_soon(give_signs_of_life)
        LOGGER.info("watching %d lines into %s", list_file.feeds.count, self._redacted_store_url)
        notify("READY=1", f"STATUS=watching {list_file.feeds.count} feeds")
        async for result in watch:
            await self._note(result)
        _log(await watch.statistics(), "ended")

    async def _note(self, result: Result) -> None:
        if self._json:
            await self._output.write(json_line(feed_record(result, utc_now())))
        if result.reason == "not-a-url":
            LOGGER.warning("%s", result.detail)
        elif LOGGER.isEnabledFor(logging.DEBUG):
            said = f": {result.reason}" if result.reason else f", {result.entries.new} new"
            LOGGER.debug("%s %s%s", result.outcome, result.feed.redacted_url, said)
        if result.gap:
            more = f" ({result.detail})" if result.detail else ""
            LOGGER.warning("%s: entries may have been missed%s", result.feed.redacted_url, more)

    async def _drain(self, watch: Watch, number: int) -> None:
        timeout = math.inf if number == signal.SIGINT else self._watched.config.drain_timeout
        notify("STOPPING=1")
        LOGGER.info("finishing %d feeds in flight", watch.drain(timeout))

    async def _cancel(self, watch: Watch, _: int) -> None:
        watch.cancel()

    async def _warn(self, message: str) -> None:
        LOGGER.warning("%s", message)


async def _log_totals(watch: Watch) -> None:
    while True:
        await trio.sleep(_PERIOD)
        _log(await watch.statistics(), "so far")


def _log(now: WatchStatistics, when: str) -> None:
    scrape = now.scrape
    expected = "unknown" if now.expected_delay is None else duration(now.expected_delay)
    measured = duration(now.measured_delay.p50) if now.measured_delay.max else "unknown"
    LOGGER.info(
        f"{when}: {now.feeds:,} feeds, {_polls(scrape):,} polls,"
        f" {scrape.outcomes.get(Outcome.FAILED, 0):,} failed, {scrape.entries.new:,} new entries,"
        f" {scrape.gaps:,} gaps; {now.late:,} late; delay expected {expected},"
        f" measured {measured}",
        extra={"fields": _fields(now)},
    )
    notify(f"STATUS={now.feeds} feeds, {_polls(scrape)} polls, {now.late} late")


def _polls(scrape: Statistics) -> int:
    """Without the results of feeds that were not fetched: no URL, an address not allowed, not due."""
    return scrape.finished - sum(scrape.outcomes.get(each, 0) for each in (Outcome.REFUSED, Outcome.NOT_DUE))


def _fields(now: WatchStatistics) -> dict[str, object]:
    scrape = now.scrape
    return {
        "feeds": now.feeds,
        "polls": _polls(scrape),
        "outcomes": scrape.outcomes,
        "errors": scrape.errors,
        "new_entries": scrape.entries.new,
        "gaps": scrape.gaps,
        "late": now.late,
        "lateness_p99": now.lateness.p99,
        "planned_next_hour": now.next_hour,
        "expected_delay": now.expected_delay,
        "measured_delay_p50": now.measured_delay.p50,
        "measured_delay_p99": now.measured_delay.p99,
        "loop_lag_p99": scrape.loop_lag.p99,
    }
