"""``trioscrape copy``: copy one store into another."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Final

import trio

from .._config.config import Config
from .._errors import UsageError
from .._store import check_store_url
from .chosen import with_histories
from .config_options import config
from .help import Page
from .parser import Parser
from .progress import Progress
from .restore import Transferred, restoring
from .shared_options import add_help_option, add_output_options
from .subcommand import Command, ExitStatus
from .transfer import add_transfer_settings, add_trusted_option, attended, print_counts, reader, writer


def _add_options(parser: Parser) -> None:
    arguments = parser.section("Arguments")
    arguments.add("source", metavar="FROM", text="the store to read: sqlite:PATH or mongodb://HOST/DATABASE")
    arguments.add("target", metavar="TO", text="the store to write")
    options = parser.section("Options")
    add_trusted_option(options)
    add_transfer_settings(options, writes=True)
    add_output_options(options)
    add_help_option(options)


def _run(given: argparse.Namespace) -> ExitStatus:
    check_store_url(given.source)
    check_store_url(given.target)
    if given.source == given.target:
        raise UsageError("FROM and TO are the same store")
    return trio.run(_copy, config(given), given)


async def _copy(settings: Config, given: argparse.Namespace) -> ExitStatus:
    counts, progress = Transferred(), Progress(quiet=given.quiet)
    return await attended(partial(_copy_all, settings, given, counts, progress), counts, progress)


async def _copy_all(
    settings: Config, given: argparse.Namespace, counts: Transferred, progress: Progress
) -> ExitStatus:
    async with (
        reader(given.source, settings, progress) as source,
        writer(given.target, settings, progress) as store,
    ):
        with restoring(store, counts, trusted=given.trusted) as target:
            # Feeds first: see `export`.
            async for record in with_histories(source, source.read_feeds()):
                await target.add(record)
            async for stored in source.read_entries(oldest_first=True):
                await target.add(stored)
            await target.finish()
        text = f"read {counts} from {source.redacted_url}, wrote {counts.written} to {store.redacted_url}"
        await print_counts("copy", counts, text, given, progress)
    return ExitStatus.COMPLETE if counts.complete else ExitStatus.INCOMPLETE


COMMAND: Final = Command(
    name="copy",
    summary="copy one store into another",
    page=Page(
        usage=("trioscrape copy FROM TO [options]",),
        description=(
            "Copy all entries and feeds from the store FROM to the store TO. Entries that TO already has in"
            " the same or a newer version are left as they are, and so are feeds that it already has.",
            "HTML is sanitised and links are checked as if they came from a feed; --trusted leaves them"
            " as they are.",
        ),
        examples=("trioscrape copy sqlite:trioscrape.db mongodb://localhost/news",),
    ),
    add_options=_add_options,
    run=_run,
)
