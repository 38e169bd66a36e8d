"""``trioscrape import``: store what ``trioscrape export`` has printed."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Final

import trio

from .._config.config import Config
from .._errors import UsageError
from .._store import check_store_url
from .config_options import config
from .help import Page
from .input import Input, Line, open_input
from .jsonl import LONGEST_LINE, BadLine, Record, record_of
from .parser import Parser
from .progress import Progress
from .report import count
from .restore import Transferred, restoring
from .shared_options import add_help_option, add_output_options, add_store_option, store_url
from .subcommand import Command, ExitStatus
from .transfer import add_transfer_settings, add_trusted_option, attended, print_counts, writer

_SHOWN: Final = 20
"""Bad lines that are shown. The others are counted."""


def _add_options(parser: Parser) -> None:
    arguments = parser.section("Arguments")
    arguments.add("file", metavar="FILE", text="JSON Lines from 'trioscrape export', or - for standard input")
    options = parser.section("Options")
    add_store_option(options)
    add_trusted_option(options)
    add_transfer_settings(options, writes=True)
    add_output_options(options)
    add_help_option(options)


def _run(given: argparse.Namespace) -> ExitStatus:
    check_store_url(store_url(given))
    settings = config(given)
    with open_input(given.file, LONGEST_LINE) as lines:
        return trio.run(_import, lines, settings, given)


async def _import(lines: Input, settings: Config, given: argparse.Namespace) -> ExitStatus:
    counts, progress = Transferred(), Progress(quiet=given.quiet)
    return await attended(partial(_store, lines, settings, given, counts, progress), counts, progress)


async def _store(
    lines: Input, settings: Config, given: argparse.Namespace, counts: Transferred, progress: Progress
) -> ExitStatus:
    some = await lines.some(_decoded)
    if some and all(isinstance(record, BadLine) for _, record in some):
        number, problem = some[0]
        raise UsageError(f"{given.file}, line {number}: it is not from 'trioscrape export': {problem}")
    async with writer(store_url(given), settings, progress) as store:
        with restoring(store, counts, trusted=given.trusted) as target:
            while some:
                for number, record in some:
                    if not isinstance(record, BadLine):
                        await target.add(record)
                        continue
                    counts.bad_lines += 1
                    if counts.bad_lines <= _SHOWN:
                        await progress.warn(f"line {number}: {record}")
                some = await lines.some(_decoded)
            await target.finish(whole=not counts.bad_lines)
        bad = f"; skipped {count(counts.bad_lines, 'invalid line')}" if counts.bad_lines else ""
        text = f"read {counts}, wrote {counts.written} to {store.redacted_url}{bad}"
        await print_counts("import", counts, text, given, progress)
    return ExitStatus.COMPLETE if counts.complete else ExitStatus.INCOMPLETE


def _decoded(line: Line) -> tuple[int, Record | BadLine]:
    number, data = line
    try:
        return number, record_of(data)
    except BadLine as error:
        return number, error


COMMAND: Final = Command(
    name="import",
    summary="store what 'trioscrape export' has printed",
    page=Page(
        usage=("trioscrape import FILE [options]",),
        description=(
            "Store the entries and feeds in FILE. Entries that the store already has in the same or a newer"
            " version are left as they are, and so are feeds that it already has.",
            "HTML is sanitised and links are checked as if they came from a feed; --trusted leaves them"
            " as they are.",
            "Invalid lines are reported and skipped, and the exit status is 1. If the first"
            " lines are all invalid, the file is refused.",
        ),
        examples=(
            "trioscrape import news.jsonl --store mongodb://localhost/news",
            "ssh server trioscrape export | trioscrape import -",
        ),
    ),
    add_options=_add_options,
    run=_run,
)
