"""``trioscrape discover``: make a list of feeds out of a list of feeds and pages."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import trio

from .._config.config import Config
from .._errors import ResourceError, UsageError
from .._printable import printable
from .._records import Feed
from .._run.api import Scrape, open_scrape
from .._run.open_files import allow_open_files
from .._store import Store
from .config_options import add_proxy_option, add_rare_options, add_user_agent_option, config
from .discovery import Look, discover
from .feed_list import FeedList, open_feed_list
from .formats import Opml
from .help import Page
from .output import Output, new_file
from .parser import OptionSection, Parser
from .progress import Progress
from .shared_options import add_help_option, add_output_options
from .signals import Stages, until_signalled
from .subcommand import Command, ExitStatus
from .typed_urls import written_url

_PERIOD: Final = 5.0
"""Seconds from one line of progress to the next."""
_TOGETHER: Final = 100
"""Lines that are written at once."""
_FORMATS: Final = ("text", "opml")


def _add_options(parser: Parser) -> None:
    arguments = parser.section("Arguments")
    arguments.add("feeds", metavar="FEEDS", text="a list as for run; its lines may be web pages")
    options = parser.section("Options")
    options.add(
        "--format",
        metavar="FORMAT",
        text="format of the new list: text (a URL and a title per line) or opml (default: text)",
        default="text",
    )
    options.add("-o", "--output", metavar="FILE", text="write to this file instead of standard output")
    add_user_agent_option(options)
    add_proxy_option(options)
    add_output_options(options, json=False)
    add_help_option(options)
    _add_help_all(options)
    add_rare_options(parser)


def _add_help_all(options: OptionSection) -> None:
    options.add_help(
        "--help-all",
        text="show this page with all options: concurrency, timeouts, limits, network",
        everything=True,
    )


def _run(given: argparse.Namespace) -> ExitStatus:
    if given.format not in _FORMATS:
        raise UsageError(f"--format must be {' or '.join(_FORMATS)}, not {given.format!r}")
    settings = replace(config(given), ignore_schedule=True)
    allow_open_files(settings)
    with open_feed_list(given.feeds) as feeds:
        if given.output not in (None, "-"):
            with new_file(given.output) as file:
                status = trio.run(_discover, given, settings, feeds, Output(file.descriptor))
                if status is ExitStatus.COMPLETE:
                    file.keep()
                return status
        if sys.stdout is None:
            raise ResourceError("standard output is closed; name a file with --output")
        return trio.run(_discover, given, settings, feeds, Output())


@dataclass(slots=True)
class _Seen:
    """How far it is."""

    urls: int = 0

    def add(self) -> None:
        self.urls += 1


async def _discover(
    given: argparse.Namespace, settings: Config, feeds: FeedList, output: Output
) -> ExitStatus:
    progress = Progress(quiet=given.quiet)
    work = partial(_look_and_write, given, settings, feeds, output, progress)
    status = await until_signalled(work, Stages())
    if status is None:
        await progress.warn("interrupted; no list was written")
        return ExitStatus.INCOMPLETE
    return status


async def _look_and_write(
    given: argparse.Namespace,
    settings: Config,
    feeds: FeedList,
    output: Output,
    progress: Progress,
    nursery: trio.Nursery,
) -> ExitStatus:
    def scraping(some: Sequence[Feed], store: Store) -> AbstractAsyncContextManager[Scrape]:
        return open_scrape(some, store=store, config=settings)

    seen = _Seen()
    await progress.say(f"Looking at {feeds.count:,} line{'' if feeds.count == 1 else 's'}")
    nursery.start_soon(_show, seen, progress)
    found = await discover(feeds, scraping, seen.add)
    if given.format == "opml":
        await output.write_bytes(_opml(found.looks))
    else:
        await output.write(_text(found.looks, output.encoding))
    lines = found.told()
    for begin in range(0, len(lines), _TOGETHER):
        await progress.say_all(lines[begin : begin + _TOGETHER])
    return ExitStatus.COMPLETE


async def _show(seen: _Seen, progress: Progress) -> None:
    while True:
        await trio.sleep(_PERIOD)
        await progress.say(f"{seen.urls:,} URLs so far")


def _text(looks: Sequence[Look], encoding: str = "utf-8") -> str:
    return "".join(f"{' '.join(filter(None, (_url(look.feed, encoding), _title(look))))}\n" for look in looks)


def _url(feed: Feed, encoding: str = "utf-8") -> str:
    """Its URL in the new list: as it was in the old one, but for a password."""
    url = written_url(feed.redacted_url, encoding)
    return url.removeprefix("https://") if feed.without_scheme else url


def _title(look: Look) -> str:
    found = look.state.title if look.state is not None else None
    title = printable(" ".join((look.feed.title or found or "").split()))
    # Else the line would be taken for a sentence with a URL in it.
    return title.replace("://", ": //") if look.feed.without_scheme else title


def _opml(looks: Sequence[Look]) -> bytes:
    document = Opml()
    begin = document.begin()
    for look in looks:
        if look.state is not None:
            document.add(replace(look.state, url=_url(look.feed), tags=look.feed.tags))
    return begin + document.end()


COMMAND: Final = Command(
    name="discover",
    summary="make a list of feeds out of feeds and web pages",
    page=Page(
        usage=("trioscrape discover FEEDS [options]",),
        description=(
            "Fetch each line of a list and print a new list that has only feeds, each of them once. A web"
            " page is replaced by the feeds that it links to. Standard error says what happened to the lines"
            " that were replaced or left out. Nothing is stored.",
        ),
        examples=(
            "trioscrape discover sites.txt > feeds.txt",
            "trioscrape discover sites.txt --format opml -o feeds.opml",
        ),
        notes=(
            "Two URLs are the same feed if both lead to the same URL. They are also the same feed if they"
            " have the same entries and either differ only in http or https, www. and a slash at the end, or"
            " one gives the URL of the other as its own (rel=self). The one that the other leads to or names"
            " is kept; otherwise the first, as it is in the list.",
            "A line that fails is left out, even if it only fails today. Passwords in URLs are left out too.",
            "Exit status: 0 when the list was written, even if lines were left out; 1 when there was no"
            " network, the command was interrupted, or the list could not be written; 2 when the command line"
            " or the list is wrong.",
        ),
    ),
    add_options=_add_options,
    run=_run,
)
