"""``trioscrape status``: how the feeds of a store are."""

from __future__ import annotations

import argparse
from typing import Final

from .feed_filter import add_filter_options
from .help import Page
from .parser import Parser
from .shared_options import add_help_option, add_output_options, add_store_option
from .subcommand import Command, ExitStatus
from .transfer import add_transfer_settings


def _add_options(parser: Parser) -> None:
    arguments = parser.section("Arguments")
    arguments.add(
        "listing",
        metavar="LIST",
        nargs="?",
        text="failing, late, quiet, gaps or moved: all of these feeds instead of an overview",
    )
    options = parser.section("Options")
    add_filter_options(options)
    add_store_option(options)
    add_transfer_settings(options, writes=False)
    add_output_options(options)
    add_help_option(options)


def _run(given: argparse.Namespace) -> ExitStatus:
    from .show_status import run  # noqa: PLC0415 - other commands start faster without it

    return run(given)


COMMAND: Final = Command(
    name="status",
    summary="show which feeds are broken, late, quiet or have moved, and what to do",
    page=Page(
        usage=("trioscrape status [LIST] [options]",),
        description=(
            "Show how the feeds in the store are: how many are healthy, what is wrong with the others and"
            " since when, what the next hour brings, and what to do about the feeds that have been broken"
            " for longest. Nothing is fetched.",
        ),
        examples=(
            "trioscrape status",
            "trioscrape status failing --host example.org",
            "trioscrape status quiet --folder News --json | jq .url",
        ),
        notes=("'trioscrape explain URL' tells everything about one feed.",),
    ),
    add_options=_add_options,
    run=_run,
)
