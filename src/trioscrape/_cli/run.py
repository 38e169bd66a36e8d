"""``trioscrape run``: fetch a list of feeds. It is what ``trioscrape FEEDS`` does."""

from __future__ import annotations

import argparse
from contextlib import nullcontext
from typing import Final

import trio

from .._errors import UsageError
from .._run.shares import grouping
from .config_options import add_proxy_option, add_rare_options, add_schedule_options, config
from .dask import add_dask_option
from .feed_list import open_feed_list
from .help import Page
from .parser import Parser
from .session import Session, Sources
from .shard import Share, add_shard_option, shard
from .shared_options import (
    add_help_option,
    add_output_options,
    add_report_option,
    add_store_option,
    add_verbose_option,
)
from .subcommand import Command, ExitStatus


def _add_options(parser: Parser) -> None:
    arguments = parser.section("Arguments")
    arguments.add(
        "feeds",
        metavar="FEEDS",
        nargs="?",
        text="a text file with one URL per line (text after a URL is the feed's title, # starts a comment),"
        " a CSV file with a header, an OPML file, - for standard input, or the URL of a feed",
    )
    options = parser.section("Options")
    add_store_option(options)
    add_schedule_options(options)
    add_proxy_option(options)
    add_output_options(options)
    add_report_option(options)
    add_verbose_option(options)
    add_help_option(options)
    options.add_help(
        "--help-all",
        text="show this page with all options: concurrency, timeouts, limits, network",
        everything=True,
    )
    add_rare_options(parser)
    several = parser.section("Several machines", rare=True)
    add_dask_option(several)
    add_shard_option(several)


def _run(given: argparse.Namespace) -> ExitStatus:
    if given.feeds is None:
        raise UsageError("FEEDS is missing; see trioscrape run --help")
    chosen = shard(given)
    if chosen is not None and given.dask is not None:
        raise UsageError("--shard and --dask can't be combined: a cluster divides the whole list")
    session = Session(given)
    with open_feed_list(given.feeds) as feeds:
        sources = Sources(feeds, feeds.count)
        if chosen is not None:
            share = Share(feeds, chosen, grouping(config(given).group_hosts_by, "--shard"))
            sources = Sources(share, share.count, shard=chosen, listed=feeds.count)
        return trio.run(session.run, nullcontext(sources))


COMMAND: Final = Command(
    name="run",
    summary="fetch a list of feeds; 'run' may be left out",
    page=Page(
        usage=("trioscrape [run] FEEDS [options]",),
        description=("Fetch the feeds that are due and store their entries.",),
        examples=(
            "trioscrape feeds.txt",
            "trioscrape feeds.opml --store mongodb://localhost/news",
            "trioscrape feeds.txt --json | jq 'select(.outcome == \"failed\") | .url'",
        ),
        notes=(
            "Exit status: 0 when every feed was processed, even if some failed; 1 when something was not"
            " stored, there was no network, the run was interrupted, or another run was using the store; 2"
            " when the command line or the list is wrong.",
            "Ctrl-C finishes the feeds in flight, and so does SIGTERM within 8 seconds (--drain-timeout); a"
            " second one cancels them, and a third ends the program.",
        ),
    ),
    add_options=_add_options,
    run=_run,
)
