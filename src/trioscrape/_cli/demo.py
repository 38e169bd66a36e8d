"""``trioscrape demo``: fetch 500 feeds that the program itself serves on this machine."""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import trio

from .._demo import open_demo
from .config_options import add_rare_options
from .help import Page
from .parser import Parser
from .session import Session, Sources
from .shared_options import (
    add_help_option,
    add_output_options,
    add_report_option,
    add_store_option,
    add_verbose_option,
)
from .subcommand import Command, ExitStatus

STORE: Final = "sqlite:trioscrape-demo.db"
"""Made-up feeds do not belong among real ones, wherever ``$TRIOSCRAPE_STORE`` points."""


def _add_options(parser: Parser) -> None:
    options = parser.section("Options")
    add_store_option(options, STORE)
    options.add("--all", text="fetch every feed now, even one that is not due")
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


def _run(given: argparse.Namespace) -> ExitStatus:
    return trio.run(Session(given).run, _sources())


@asynccontextmanager
async def _sources() -> AsyncIterator[Sources]:
    async with open_demo() as demo:
        yield Sources(demo.feeds, len(demo.feeds), demo.resolver, demo.connector)


COMMAND: Final = Command(
    name="demo",
    summary="try it out without a network: fetch 500 feeds served on this machine",
    page=Page(
        usage=("trioscrape demo [options]",),
        description=(
            "Fetch 500 feeds and store their entries. The program serves the feeds to itself, so it needs"
            " no network. Some of them fail on purpose. Run it twice: the second time nothing is new.",
        ),
        examples=("trioscrape demo", "trioscrape demo --json | tail -n 1 | jq ."),
    ),
    add_options=_add_options,
    run=_run,
)
