"""``trioscrape forget``: delete feeds that are not wanted any more, with their entries."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from typing import Final

import trio

from .._config.config import Config
from .._errors import UsageError
from .._records import FeedState
from .._store import Reader, check_store_url
from .._threads import in_thread
from .._urls import feed_id, problem_with
from .chosen import Chosen, chosen_feeds
from .config_options import config
from .feed_list import open_feed_list
from .help import Page
from .output import Output
from .parser import Parser
from .progress import Progress
from .report import count, json_line
from .restore import Transferred
from .shared_options import add_help_option, add_output_options, add_store_option, store_url
from .subcommand import Command, ExitStatus
from .transfer import add_transfer_settings, add_wait_option, attended, reader, writer
from .unbuffered import Unbuffered

_AT_ONCE: Final = 20
"""Feeds that are deleted in one call, which has to be done within the timeout of the store."""
_LONGEST_ANSWER: Final = 1024


def _add_options(parser: Parser) -> None:
    arguments = parser.section("Arguments")
    arguments.add(
        "urls", metavar="URL", nargs="*", text="a feed to forget: its present URL or the one in the list"
    )
    options = parser.section("Options")
    options.add("--unlisted", metavar="FEEDS", text="forget all feeds that are not in this list")
    options.add("--yes", text="ask no questions")
    add_store_option(options)
    add_transfer_settings(options, writes=False)
    add_wait_option(options)
    add_output_options(options)
    add_help_option(options)


def _run(given: argparse.Namespace) -> ExitStatus:
    check_store_url(store_url(given))
    if bool(given.urls) == bool(given.unlisted):
        raise UsageError("give either URLs or --unlisted FEEDS; see trioscrape forget --help")
    if not given.yes and (sys.stdin is None or not sys.stdin.isatty()):
        raise UsageError("--yes is needed where nobody can be asked: standard input is no terminal")
    listed = _listed(given.unlisted) if given.unlisted else frozenset()
    return trio.run(_forget, given, listed, config(given))


def _listed(path: str) -> frozenset[str]:
    """The ids of the feeds in the list."""
    with open_feed_list(path) as feeds:
        return frozenset(feed_id(feed.url) for feed in feeds if not problem_with(feed.url))


async def _forget(given: argparse.Namespace, listed: frozenset[str], settings: Config) -> ExitStatus:
    counts, progress = Transferred(), Progress(quiet=given.quiet)
    return await attended(partial(_find_and_delete, given, listed, settings, progress), counts, progress)


@dataclass(frozen=True, slots=True)
class _Found:
    feed_ids: list[str]
    entries: int
    store: str

    def __str__(self) -> str:
        entries = "1 entry" if self.entries == 1 else f"{self.entries:,} entries"
        return f"{count(len(self.feed_ids), 'feed')} with {entries}"


async def _find_and_delete(
    given: argparse.Namespace, listed: frozenset[str], settings: Config, progress: Progress
) -> ExitStatus:
    async with reader(store_url(given), settings, progress) as source:
        feed_ids = [state.feed_id async for state in _feeds(source, given.urls, listed)]
        found = _Found(feed_ids, await source.count_entries(feed_ids), source.redacted_url)
    if found.feed_ids and not given.yes and not await _confirmed(found):
        await progress.warn("nothing was forgotten")
        return ExitStatus.INCOMPLETE
    deleted = 0
    if found.feed_ids:  # to write migrates, and may make others wait
        async with writer(store_url(given), settings, progress) as store:
            for begin in range(0, len(feed_ids), _AT_ONCE):
                deleted += await store.forget(feed_ids[begin : begin + _AT_ONCE])
    await _print(_Found(feed_ids, deleted, found.store), given)
    return ExitStatus.COMPLETE


async def _feeds(store: Reader, urls: list[str], listed: frozenset[str]) -> AsyncIterator[FeedState]:
    async for state in chosen_feeds(store, Chosen(tuple(urls))):
        if state.feed_id not in listed:
            yield state


async def _confirmed(found: _Found) -> bool:
    """Ask twice: what is deleted can't be had back, as feeds show only their latest entries."""
    first = f"Forget {found} in {found.store}? [y/N] "
    second = "They can't be restored, except from an export. Delete them? [y/N] "
    return await _says_yes(first) and await _says_yes(second)


async def _says_yes(question: str) -> bool:
    """Ask, on standard error. Cancellation: returns at once."""
    limiter = trio.CapacityLimiter(1)
    await in_thread(Unbuffered(sys.stderr).write, question, limiter=limiter, abandon_on_cancel=True)
    # Without Python's buffer, whose lock a thread that waits for ever would keep.
    line = partial(os.read, sys.stdin.fileno(), _LONGEST_ANSWER)
    answer = await in_thread(line, limiter=limiter, abandon_on_cancel=True)
    return answer.strip().lower() in {b"y", b"yes"}


async def _print(found: _Found, given: argparse.Namespace) -> None:
    if given.json:
        record = {"type": "forget", "feeds": len(found.feed_ids), "entries": found.entries}
        await Output().write(json_line(record))
    elif not given.quiet:
        await Output().write(f"forgot {found} in {found.store}\n")


COMMAND: Final = Command(
    name="forget",
    summary="delete feeds that are not wanted any more, with their entries",
    page=Page(
        usage=("trioscrape forget URL... [options]", "trioscrape forget --unlisted FEEDS [options]"),
        description=(
            "Delete feeds and their entries from the store. The number of both is shown first, and nothing is"
            " deleted unless two questions are answered with yes. A feed that is still in a list is stored"
            " anew by the next run.",
        ),
        examples=(
            "trioscrape forget http://example.org/feed.xml",
            "trioscrape forget --unlisted feeds.txt --yes",
        ),
    ),
    add_options=_add_options,
    run=_run,
)
