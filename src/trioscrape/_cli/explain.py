"""``trioscrape explain``: everything about one feed, and why it is fetched when it is."""

from __future__ import annotations

import argparse
from typing import Final

from .config_options import add_proxy_option
from .help import Page
from .parser import Parser
from .shared_options import add_help_option, add_output_options, add_store_option
from .subcommand import Command, ExitStatus
from .transfer import add_transfer_settings, add_wait_option


def _add_options(parser: Parser) -> None:
    arguments = parser.section("Arguments")
    arguments.add("url", metavar="URL", text="the feed: its URL in your list, or the one that it has now")
    options = parser.section("Options")
    options.add("--now", text="fetch it first, unless its host has asked for a pause")
    add_store_option(options)
    add_proxy_option(options)
    add_transfer_settings(options, writes=False)
    add_wait_option(options)
    add_output_options(options)
    add_help_option(options)


def _run(given: argparse.Namespace) -> ExitStatus:
    from .show_explain import run  # noqa: PLC0415 - other commands start faster without it

    return run(given)


COMMAND: Final = Command(
    name="explain",
    summary="show everything about one feed: its state, polls, timers, entries",
    page=Page(
        usage=("trioscrape explain URL [options]",),
        description=(
            "Show how one feed is and what to do about it; its last polls and where their time went; when it"
            " is fetched next, and which header or rule decides that; how its entries are told apart; and"
            " the rhythm in which it posts.",
        ),
        examples=(
            "trioscrape explain https://example.org/feed.xml",
            "trioscrape explain example.org/feed.xml --now",
            "trioscrape explain https://example.org/feed.xml --json | jq .rules",
        ),
        notes=(
            "Nothing is fetched unless there is --now. While another process uses the store, such as a watch,"
            " what --now has fetched is shown, but not stored.",
            "If the URL is not stored, the nearest that are stored are shown, and the exit status is 2.",
        ),
    ),
    add_options=_add_options,
    run=_run,
)
