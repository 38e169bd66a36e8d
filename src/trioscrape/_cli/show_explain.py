"""What ``trioscrape explain`` does: it reads one feed, and fetches it before if that is wanted."""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Final

import trio

from .._config.config import Config
from .._errors import StoreInUse, UsageError
from .._hosts.retry_after import utc_now
from .._printable import printable
from .._records import LANES, Feed, FeedState, Result
from .._schedule.belief import LONGEST_IF_GONE, believed
from .._schedule.rules import HOST_PAUSE, RETRY_AFTER
from .._schedule.standing import status_of
from .._store import Reader, Store, check_store_url, open_store
from .._urls import feed_id, problem_with, without_credentials
from .config_options import config
from .explain_page import Explained, page, record
from .feed_filter import host_of
from .nearest import nearest
from .output import Output
from .pages import when
from .progress import Progress
from .report import json_line
from .restore import Transferred
from .shared_options import store_url
from .subcommand import ExitStatus
from .transfer import attended, reader
from .typed_urls import meant_url
from .waiting import in_turn

if TYPE_CHECKING:
    from .._run.api import Scrape

_ENTRIES: Final = 200
"""Entries that are looked at for keys and rhythm."""
_GLANCE: Final = 0.02
"""Seconds between two looks at how far a fetch has come."""
_DOING: Final = {
    "dns": "looking up the host",
    "http": "requesting the feed",
    "parse": "reading the document",
    "store": "storing what is new",
}


def run(given: argparse.Namespace) -> ExitStatus:
    """Do the work of the command; see `Command.run`."""
    check_store_url(store_url(given))
    return trio.run(_explain, given, config(given))


async def _explain(given: argparse.Namespace, settings: Config) -> ExitStatus:
    counts, progress = Transferred(), Progress(quiet=given.quiet)
    return await attended(partial(_print, given, settings, counts, progress), counts, progress)


async def _print(
    given: argparse.Namespace, settings: Config, counts: Transferred, progress: Progress
) -> ExitStatus:
    url = meant_url(given.url) or given.url
    async with reader(store_url(given), settings, progress) as source:
        state = await source.find_feed(url)
        if state is None:
            return await _unknown(given, url, _counted(source, counts), progress)
        paused = await _paused_until(source, state, utc_now()) if given.now else None
    if paused is not None:
        await progress.warn(f"not fetched: its host has asked for a pause until {when(paused)} UTC")
    explained = None
    if given.now and paused is None:
        feed = _feed(url, state)
        try:
            await _fetch_into_store(given, settings, progress, feed)
        except StoreInUse as error:  # by a watch, which may go on for months
            await progress.warn(f"nothing of this fetch will be stored: {error}")
            explained = await _fetched_into_memory(given, settings, progress, feed, state.feed_id)
    if explained is None:
        async with reader(store_url(given), settings, Progress(quiet=True)) as source:
            explained = await explain(source, await source.find_feed(url) or state, utc_now())
    if given.json:
        await Output().write(json_line(record(explained)))
    else:
        await Output().write("".join(f"{printable(line)}\n" for line in page(explained)))
    return ExitStatus.COMPLETE


async def explain(source: Reader, state: FeedState, now: datetime) -> Explained:
    """What the store knows of a feed."""
    feed = state.feed_id
    found = await source.read_history([feed])
    status = status_of(believed(state, now, LONGEST_IF_GONE), found.get(feed), now)
    entries = [stored async for stored in source.read_entries(feed=feed, limit=_ENTRIES)]
    return Explained(status, entries, await source.count_entries([feed]), now)


async def _counted(source: Reader, counts: Transferred) -> AsyncIterator[FeedState]:
    """All feeds, for which the progress is shown."""
    async for state in source.read_feeds():
        counts.feeds += 1
        yield state


async def _unknown(
    given: argparse.Namespace, url: str, states: AsyncIterator[FeedState], progress: Progress
) -> ExitStatus:
    near, problem = await nearest(given.url, states), problem_with(url)
    said = without_credentials(url)
    if given.json:
        await Output().write(json_line({"type": "unknown", "url": said, "problem": problem, "nearest": near}))
        return ExitStatus.USAGE
    text = f"no feed with the URL {said} is stored"
    if problem is not None:
        text = f"{said} is not the URL of a feed, as {problem}"
    if not near:
        raise UsageError(text)
    await progress.warn(f"{text}; the nearest in the store:")
    for each in near:
        await progress.warn(f"  {each}")
    return ExitStatus.USAGE


async def _paused_until(source: Reader, state: FeedState, now: datetime) -> datetime | None:
    """Until when the host of the feed wants nothing to be fetched, as far as it has said so to any feed."""
    host = host_of(state.url)
    pauses = [
        other.next_fetch
        async for other in source.read_feeds()
        if other.postponed is not None and host in (other.postponed_by, host_of(other.url))
    ]
    history = (await source.read_history([state.feed_id])).get(state.feed_id)
    if history is not None and history.recent:
        rules = history.recent[-1].rules
        pauses += [rule.until for rule in rules if rule.name in (RETRY_AFTER, HOST_PAUSE)]
    return max((pause for pause in pauses if pause is not None and pause > now), default=None)


def _feed(url: str, state: FeedState) -> Feed:
    """The feed as it is in the list; with the credentials that were typed, as none are stored."""
    listed = state.listed_url or state.url
    known = "://" in url and feed_id(url) == state.feed_id
    return Feed(url if known else listed, title=state.listed_title, tags=state.tags)


async def _fetch_into_store(
    given: argparse.Namespace, settings: Config, progress: Progress, feed: Feed
) -> None:
    opened = open_store(
        store_url(given),
        connect_timeout=settings.store_connect_timeout,
        call_timeout=settings.store_timeout,
    )
    async with opened as store:
        await _fetch(store, settings, progress, feed)


async def _fetched_into_memory(
    given: argparse.Namespace, settings: Config, progress: Progress, feed: Feed, identity: str
) -> Explained:
    """The feed after a fetch that starts from what the store has of it, and leaves the store as it is."""
    from ..testing import MemoryStore  # noqa: PLC0415 - rarely needed

    memory = MemoryStore()
    async with reader(store_url(given), settings, Progress(quiet=True)) as source:
        await memory.restore_feeds([*(await source.load([identity])).values()])
        await memory.restore_history([*(await source.read_history([identity])).values()])
        await memory.restore_entries([stored async for stored in source.read_entries(feed=identity)])
    planned = memory.feeds[identity]
    await _fetch(memory, settings, progress, feed)
    # When it is fetched next is as it was: as the other process has planned it.
    state = replace(
        memory.feeds[identity], next_fetch=planned.next_fetch, expected_delay=planned.expected_delay
    )
    return await explain(memory, state, utc_now())


async def _fetch(store: Store, settings: Config, progress: Progress, feed: Feed) -> None:
    """Fetch the feed, and say how far it is. It is no run: none is recorded."""
    from .._run.api import open_scrape  # noqa: PLC0415 - takes a quarter of a second, and is for --now only

    def scraping(wait: float) -> AbstractAsyncContextManager[Scrape]:
        chosen = replace(settings, ignore_schedule=True, wait_for_store=wait)
        return open_scrape([feed], store=store, config=chosen)

    waited_for = in_turn(scraping, settings.wait_for_store, progress)
    async with waited_for as scrape, trio.open_nursery() as nursery:
        nursery.start_soon(_follow, scrape, progress)
        async for result in scrape:
            await progress.say(_in_words(result))
        nursery.cancel_scope.cancel(reason="the feed has its result")


async def _follow(scrape: Scrape, progress: Progress) -> None:
    """Say in which lane the feed is, whenever that changes."""
    before = None
    while True:
        lanes = scrape.statistics().lanes
        lane = next((name for name in LANES if lanes[name].busy), before)
        if lane != before and lane is not None:
            await progress.say(_DOING[lane])
        before = lane
        await trio.sleep(_GLANCE)


def _in_words(result: Result) -> str:
    more = ": ".join(filter(None, (result.reason, result.detail)))
    return f"{result.outcome.value}{f' ({more})' if more else ''}"
