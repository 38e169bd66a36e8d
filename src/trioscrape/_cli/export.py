"""``trioscrape export``: print what is stored."""

from __future__ import annotations

import argparse
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from functools import partial
from typing import Final

import trio

from .._config.config import Config
from .._errors import UsageError
from .._store import check_store_url
from .config_options import config
from .csv import header, row_of
from .durations import with_units
from .help import Page
from .jsonl import line_of
from .output import Output
from .parser import Parser, did_you_mean
from .progress import Progress
from .restore import Transferred
from .shared_options import add_help_option, add_output_options, add_store_option, store_url
from .subcommand import Command, ExitStatus
from .transfer import add_transfer_settings, attended, reader

FORMATS: Final = ("jsonl", "csv")

_BUFFER: Final = 2**16
"""Characters that are written at once."""


def _add_options(parser: Parser) -> None:
    options = parser.section("Options")
    options.add(
        "--format",
        metavar="FORMAT",
        default="jsonl",
        text="jsonl (one JSON object per line, feeds included) or csv (for spreadsheets) (default: jsonl)",
    )
    options.add(
        "--since",
        metavar="WHEN",
        text="only entries that were stored or changed since then: an age (90m, 24h, 7d), a date"
        " (2026-02-28) or a time (2026-02-28T12:00+01:00; UTC without an offset)",
    )
    add_store_option(options)
    add_transfer_settings(options, writes=False)
    add_output_options(options, json=False)
    add_help_option(options)


def _run(given: argparse.Namespace) -> ExitStatus:
    check_store_url(store_url(given))
    if given.format not in FORMATS:
        meant = did_you_mean(get_close_matches(given.format, FORMATS, n=1))
        raise UsageError(f"--format must be {' or '.join(FORMATS)}, not {given.format!r}{meant}")
    since = None if given.since is None else moment(given.since)
    return trio.run(_export, given, since, config(given))


def moment(text: str) -> datetime:
    """The moment of ``--since``: ``2026-02-28``, ``2026-02-28T12:00+01:00``, or ``24h`` ago.

    Raises:
      UsageError: it is none of these.
    """
    try:
        with suppress(ValueError):
            return datetime.now(UTC) - timedelta(seconds=with_units(text))
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise UsageError(
            f"--since must be an age like 24h or 7d, a date like 2026-02-28 or a time like"
            f" 2026-02-28T12:00, not {text!r}"
        ) from None


async def _export(given: argparse.Namespace, since: datetime | None, settings: Config) -> ExitStatus:
    counts, progress = Transferred(), Progress(quiet=given.quiet)
    return await attended(partial(_print, given, since, settings, counts, progress), counts, progress)


async def _print(
    given: argparse.Namespace,
    since: datetime | None,
    settings: Config,
    counts: Transferred,
    progress: Progress,
) -> ExitStatus:
    out = _Buffer()
    async with reader(store_url(given), settings) as source:
        if given.format == "csv":
            await out.add(header())
        elif since is None:
            # With the state of a feed, but only the latest of its entries, the others would never be
            # fetched: so ``--since`` prints no feeds. They come first, as a state that is newer than the
            # entries here would say that all of them have been seen.
            async for state in source.read_feeds():
                counts.feeds += 1
                await out.add(line_of(state))
        line = row_of if given.format == "csv" else line_of
        async for stored in source.read_entries(since=since, oldest_first=True):
            counts.entries += 1
            await out.add(line(stored))
        await out.flush()
        await progress.say(f"exported {counts} from {source.redacted_url}")
    return ExitStatus.COMPLETE


class _Buffer:
    """Standard output in larger pieces."""

    def __init__(self) -> None:
        self._output = Output()
        self._texts: list[str] = []
        self._size = 0

    async def add(self, text: str) -> None:
        self._texts.append(text)
        self._size += len(text)
        if self._size > _BUFFER:
            await self.flush()

    async def flush(self) -> None:
        data = "".join(self._texts).encode()
        self._texts, self._size = [], 0
        await self._output.write_bytes(data)


COMMAND: Final = Command(
    name="export",
    summary="print stored entries as JSON Lines or CSV",
    page=Page(
        usage=("trioscrape export [options]",),
        description=(
            "Print what is stored: the entries, oldest first, and in JSON Lines also the feeds, so that"
            " 'trioscrape import' can restore everything. With --since there are entries only.",
        ),
        examples=(
            "trioscrape export > news.jsonl",
            "trioscrape export --format csv --since 24h > today.csv",
            "trioscrape export --store mongodb://localhost/news | jq .title",
        ),
    ),
    add_options=_add_options,
    run=_run,
)
