"""What ``trioscrape status`` does: it reads all feeds once, and counts or lists them."""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator
from datetime import datetime
from difflib import get_close_matches
from functools import partial
from typing import Final

import trio

from .._config.config import Config
from .._errors import UsageError
from .._hosts.retry_after import utc_now
from .._printable import printable
from .._records import FeedState
from .._schedule.belief import LONGEST_IF_GONE, believed
from .._schedule.overview import Overview, Worst
from .._schedule.standing import FeedStatus, status_of
from .._store import Reader, check_store_url
from .config_options import config
from .feed_filter import FeedFilter
from .output import Output
from .parser import did_you_mean
from .progress import Progress
from .report import count, json_line
from .restore import Transferred
from .shared_options import store_url
from .status_page import LISTINGS, Listing, feed_lines, page, record, record_of_feed
from .subcommand import ExitStatus
from .transfer import attended, reader

_AT_ONCE: Final = 500
"""Feeds whose histories are read together."""
LISTED: Final = 1000
"""Feeds that a list shows. Sorting takes memory; ``--json`` shows all, in the order of the store."""


def run(given: argparse.Namespace) -> ExitStatus:
    """Do the work of the command; see `Command.run`."""
    check_store_url(store_url(given))
    name = given.listing
    if name is not None and name not in LISTINGS:
        near = did_you_mean(get_close_matches(name, LISTINGS, n=1))
        raise UsageError(f"there is no list {name!r}: it must be failing, late, quiet, gaps or moved{near}")
    return trio.run(_status, given, config(given))


async def _status(given: argparse.Namespace, settings: Config) -> ExitStatus:
    counts, progress = Transferred(), Progress(quiet=given.quiet)
    return await attended(partial(_print, given, settings, counts, progress), counts, progress)


async def _print(
    given: argparse.Namespace, settings: Config, counts: Transferred, progress: Progress
) -> ExitStatus:
    output, now = Output(), utc_now()
    async with reader(store_url(given), settings, progress) as source:
        chosen = FeedFilter.of(given)
        statuses = read_statuses(source, chosen, now, counts)
        if given.listing is not None:
            await _print_list(LISTINGS[given.listing], statuses, now, given, output)
            return ExitStatus.COMPLETE
        overview = Overview(now)
        async for status in statuses:
            overview.add(status)
        if given.json:
            await output.write(json_line(record(overview, source.redacted_url)))
        else:
            title = f"{source.redacted_url}{f' ({chosen})' if str(chosen) else ''}"
            await output.write("".join(f"{printable(line)}\n" for line in page(overview, title)))
    return ExitStatus.COMPLETE


async def read_statuses(
    source: Reader, chosen: FeedFilter, now: datetime, counts: Transferred
) -> AsyncIterator[FeedStatus]:
    """The feeds that the filter takes, in the order of their ids, as they are `now`."""
    some: list[FeedState] = []  # whose histories are read together
    async for state in source.read_feeds():
        counts.feeds += 1
        if chosen.takes(state):
            some.append(believed(state, now, LONGEST_IF_GONE))
        if len(some) == _AT_ONCE:
            for status in await _with_history(source, some, now):
                yield status
            some = []
    for status in await _with_history(source, some, now):
        yield status


async def _with_history(source: Reader, states: list[FeedState], now: datetime) -> list[FeedStatus]:
    found = await source.read_history([state.feed_id for state in states], polls=False)
    return [status_of(state, found.get(state.feed_id), now) for state in states]


async def _print_list(
    listing: Listing,
    statuses: AsyncIterator[FeedStatus],
    now: datetime,
    given: argparse.Namespace,
    output: Output,
) -> None:
    worst, found = Worst(LISTED), 0
    async for status in statuses:
        if listing.takes(status):
            found += 1
            if given.json:
                await output.write(json_line(record_of_feed(status)))
            else:
                worst.add(status, listing.badness(status, now))
    if given.json:
        return
    lines = [f"{listing.title}: {found:,} (all times are UTC)"]
    for status in worst:
        lines += ["", *feed_lines(status, listing.line(status, now))]
    if worst.left_out:
        lines += ["", f"and {count(worst.left_out, 'more feed')} (--json lists them all)"]
    await output.write("".join(f"{printable(line)}\n" for line in lines))
